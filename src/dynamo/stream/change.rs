//! What the write path does for a stream: a row for each item that a batch changes. Pure.
//!
//! Invariants:
//! 1. There is a row exactly if the item differs by value before and after, and the table has a stream. One value has
//!    one stored form, so values are compared as bytes.
//! 2. It is an `INSERT` if there was no item, a `REMOVE` if there is none any more, else a `MODIFY`.
//! 3. The row is in the batch of the change: both are there, or neither.
//! 4. An item that has expired has one `REMOVE`, by nobody: of the sweeper that deletes it, or of the write that meets it
//!    before, where the write's own record follows, as of an item that was not there.

use super::row::{Event, Row, has_new, has_old};
use crate::base::batch::WriteBatch;
use crate::base::planted::{Bug, planted};
use crate::dynamo::expiry::RawItem;
use crate::dynamo::item_key::without_keyspace;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::table::TableDescriptor;

/// Who changed an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Somebody who asked for it.
    User,
    /// Nobody: it had expired.
    Expiry,
}

/// Whether changes of a table's items are recorded, so that a write has to read the item as it was.
pub fn is_recorded(table: &TableDescriptor) -> bool {
    table.settings().stream.active.is_some()
}

/// Adds to a batch what a user's write changes of an item: the record of that, and before it the one of the item's expiry,
/// if it has expired and nobody has told so. `at` is the place of the write among those of the batch.
pub(in crate::dynamo) fn record_write(
    table: &TableDescriptor,
    key: &[u8],
    old: Option<&RawItem<'_>>,
    new: Option<&StoredItem<'_>>,
    at: usize,
    batch: &mut WriteBatch,
) {
    let expired = old.filter(|old| old.is_expired && !planted(Bug::ExpiredToldAsModified));
    match expired {
        Some(expired) => {
            record_expiry(table, key, expired, 2 * at, batch);
            record(table, key, None, new, Cause::User, 2 * at + 1, batch);
        }
        None => record(table, key, old.map(|old| &old.item), new, Cause::User, 2 * at, batch),
    }
}

/// Adds to a batch, which deletes or replaces an item that has expired, the record of its expiry.
pub(in crate::dynamo) fn record_expiry(
    table: &TableDescriptor,
    key: &[u8],
    expired: &RawItem<'_>,
    at: usize,
    batch: &mut WriteBatch,
) {
    if expired.is_told(table.settings()) {
        record(table, key, Some(&expired.item), None, Cause::Expiry, at, batch);
    }
}

/// Adds to a batch the record of an item's change, if it is one and the table has a stream. `key` is the engine's key of
/// the item; the records of a commit are read in the order of `at`.
///
/// REQUIRES: no other record of this batch has the same `at`.
pub fn record(
    table: &TableDescriptor,
    key: &[u8],
    old: Option<&StoredItem<'_>>,
    new: Option<&StoredItem<'_>>,
    cause: Cause,
    at: usize,
    batch: &mut WriteBatch,
) {
    let Some(stream) = table.settings().stream.active else { return };
    let event = match (old, new) {
        (None, None) => return,
        (Some(old), Some(new)) if old.as_bytes() == new.as_bytes() && !planted(Bug::UnchangedRecorded) => {
            return;
        }
        (None, Some(_)) => Event::Insert,
        (Some(_), Some(_)) => Event::Modify,
        (Some(_), None) => Event::Remove,
    };
    let view_type = stream.view_type;
    let row = Row {
        event,
        view_type,
        is_expiry: cause == Cause::Expiry,
        key: without_keyspace(key),
        old: old.filter(|_| has_old(view_type, event)).map(StoredItem::as_bytes),
        new: new.filter(|_| has_new(view_type, event)).map(StoredItem::as_bytes),
    };
    let position = u32::try_from(at).expect("a batch has fewer entries than that");
    batch.put_stamped(stream.keyspace, &position.to_be_bytes(), row.encode());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::stream::read::StreamStart;
    use crate::dynamo::stream::record::{EventName, UserIdentity};
    use crate::dynamo::stream::support::{OFF, Store, Write, item};
    use crate::dynamo::tables::settings::StreamViewType;
    use crate::dynamo::value::{Item, Value};
    use crate::engine::options::Durability;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// What a write of a few is: which item, and its new content, if it is to have one.
    fn any_write() -> impl Strategy<Value = (u64, Option<Value>)> {
        let content = prop_oneof![
            Just(Value::from(1)),
            // The same value, said otherwise.
            Just(Value::Number("1.0".parse().expect("a number"))),
            Just(Value::StringSet(["a", "b"].map(String::from).into())),
            Just(Value::StringSet(["b", "a"].map(String::from).into())),
            Just(Value::from("1")),
        ];
        (0..3_u64, proptest::option::weighted(0.7, content))
    }

    fn any_view_type() -> impl Strategy<Value = StreamViewType> {
        prop_oneof![
            Just(StreamViewType::KeysOnly),
            Just(StreamViewType::NewImage),
            Just(StreamViewType::OldImage),
            Just(StreamViewType::NewAndOldImages),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn records_tell_what_changed_by_value_and_nothing_else(
            view_type in any_view_type(),
            batches in vec(vec(any_write(), 1..4), 1..10),
        ) {
            let store = Store::new(view_type);
            let mut model: BTreeMap<u64, Item> = BTreeMap::new();
            let mut expected = Vec::new();
            for batch in batches {
                // A batch has each item once.
                let batch: BTreeMap<_, _> = batch.into_iter().collect();
                let mut writes = Vec::new();
                for (key, content) in batch {
                    let new = content.map(|content| item(key).with("content", content));
                    let old = model.remove(&key);
                    let event = match (&old, &new) {
                        (None, Some(_)) => Some(EventName::Insert),
                        (Some(old), Some(new)) if old != new => Some(EventName::Modify),
                        (Some(_), None) => Some(EventName::Remove),
                        _ => None,
                    };
                    if let Some(event) = event {
                        use StreamViewType::{NewAndOldImages, NewImage, OldImage};
                        let sees_old = matches!(view_type, OldImage | NewAndOldImages);
                        let sees_new = matches!(view_type, NewImage | NewAndOldImages);
                        let (old, new) = (old.filter(|_| sees_old), new.clone().filter(|_| sees_new));
                        expected.push((event, item(key), old, new));
                    }
                    writes.push(match &new {
                        Some(new) => Write::Put(new.clone()),
                        None => Write::Delete(item(key)),
                    });
                    model.extend(new.map(|new| (key, new)));
                }
                store.write(writes, Cause::User, Durability::Durable);
            }
            let records = store.read(&store.stream(), StreamStart::TrimHorizon).expect("nothing was trimmed");
            prop_assert!(records.is_sorted_by(|one, other| one.sequence_number < other.sequence_number));
            for record in &records {
                let images = [&record.old_image, &record.new_image].into_iter().flatten();
                let size = record.keys.size_bytes() + images.map(Item::size_bytes).sum::<usize>();
                prop_assert_eq!((record.size_bytes, record.view_type), (size, view_type));
            }
            let told: Vec<_> = records
                .into_iter()
                .map(|record| (record.event_name, record.keys, record.old_image, record.new_image))
                .collect();
            prop_assert_eq!(told, expected);
        }
    }

    #[test]
    fn an_expiry_is_told_from_a_delete() {
        let store = Store::new(StreamViewType::OldImage);
        store.put(1);
        store.put(2);
        store.write(vec![Write::Delete(item(1))], Cause::User, Durability::Durable);
        store.write(vec![Write::Delete(item(2))], Cause::Expiry, Durability::Durable);
        let records = store.read(&store.stream(), StreamStart::TrimHorizon).expect("nothing was trimmed");
        let removed: Vec<_> = records[2..].iter().map(|record| record.user_identity).collect();
        assert_eq!(removed, [None, Some(UserIdentity::EXPIRY)]);
        assert_eq!(records[3].old_image, Some(item(2)), "the expired item");
        let mut ids: Vec<_> = records.iter().map(|record| record.event_id.as_str()).collect();
        ids.dedup();
        assert!(ids.len() == 4 && ids.iter().all(|id| id.len() == 32));
    }

    #[test]
    fn a_table_without_a_stream_has_no_records() {
        let store = Store::new(StreamViewType::KeysOnly);
        store.switch(OFF);
        assert!(!is_recorded(&store.table()));
        store.put(1);
        let records = store.read(&store.stream(), StreamStart::TrimHorizon).expect("nothing was trimmed");
        assert_eq!(records, []);
    }
}
