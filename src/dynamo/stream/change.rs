//! What the write path does for a stream: a row for each item that a batch changes. Pure.
//!
//! Invariants:
//! 1. There is a row exactly if the item differs by value before and after, and the table has a stream. One value has
//!    one stored form, so values are compared as bytes.
//! 2. It is an `INSERT` if there was no item, a `REMOVE` if there is none any more, else a `MODIFY`.
//! 3. The row is in the batch of the change: both are there, or neither.

use super::row::{Event, Row, has_new, has_old};
use crate::base::batch::WriteBatch;
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

/// Adds to a batch the record of an item's change, if it is one and the table has a stream. `key` is the engine's key of
/// the item, `at` the place of the change among those of the batch; the records of a commit are read in that order.
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
        (Some(old), Some(new)) if old.as_bytes() == new.as_bytes() => return,
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
