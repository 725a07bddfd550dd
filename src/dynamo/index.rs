//! Index entries: which of them an item has, and what a write changes. All of this is pure.
//!
//! Invariants:
//! 1. The entries of an index are those that its table's items give, no others, at every moment: they change in the
//!    batch that changes the item.
//! 2. An item that lacks an attribute of the index's key has no entry there.
//! 3. An entry that a write does not change is not written. It is changed also if only its expiry is.
//! 4. An entry expires with its item.

use super::capacity::{Meter, Units, WriteMode};
use super::error::Error;
use super::expiry::RawItem;
use super::fault::{Fault, IndexScope, Operation};
use super::item_key::{self, KeyEncoder};
use super::key::KeyRef;
use super::limits;
use super::stored::{self, StoredItem};
use super::table::{IndexDescriptor, Projected, TableDescriptor};
use super::tables::record::IndexStatus;
use super::value::ValueFault;
use crate::base::batch::WriteBatch;
use crate::base::codec::DecodeError;
use crate::base::expiry::Expiry;
use crate::base::planted::{Bug, planted};
use std::collections::BTreeSet;

/// An entry of an index, as the engine keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// The engine's key.
    pub key: Vec<u8>,
    /// What it holds: an item's stored bytes.
    pub value: Vec<u8>,
    /// When it expires, if it does.
    pub expiry: Option<Expiry>,
}

impl IndexEntry {
    /// The entry of an item that expires then.
    fn new(
        key: Vec<u8>,
        index: &IndexDescriptor,
        item: &StoredItem<'_>,
        expiry: Option<Expiry>,
    ) -> Result<Self, DecodeError> {
        let expiry = expiry.filter(|_| !planted(Bug::EntryOutlivesItem));
        Ok(Self { key, value: projected(index, item)?, expiry })
    }

    /// Whether a reader is given the same by both, as long as they live.
    fn is_like(&self, other: &Self) -> bool {
        self.key == other.key && self.value == other.value
    }
}

/// Why an item has no entry that can be derived.
#[derive(Debug)]
pub(super) enum EntryFault {
    /// The item's attributes do not fit the index: it may not be written so.
    Refused(Fault),
    /// The item's bytes do not parse.
    Damaged(DecodeError),
}

impl EntryFault {
    /// The error of an operation that wants to write the item.
    pub(super) fn into_error(self, operation: Operation) -> Error {
        match self {
            Self::Refused(fault) => Error::new(operation, fault),
            Self::Damaged(error) => Error::damaged("item", error),
        }
    }
}

impl From<DecodeError> for EntryFault {
    fn from(error: DecodeError) -> Self {
        Self::Damaged(error)
    }
}

/// Which attributes of an item a write has touched. What it has not is not checked again.
#[derive(Clone, Copy, Debug)]
pub enum Touched<'a> {
    /// All of them.
    All,
    /// Those of these names.
    Names(&'a BTreeSet<&'a str>),
}

impl Touched<'_> {
    fn contains(self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Names(names) => names.contains(name),
        }
    }
}

/// The entries of an item that is to be written, one place for each index of the table: `None` where it has none. They
/// expire with the item.
///
/// Attributes of an index's key that were touched and have the wrong type, are empty or too long are refused. If they
/// do not fit several indexes, the first by name is told, as DynamoDB does. Then the item's size is judged, by itself
/// and together with its entries in local indexes.
pub(super) fn entries(
    table: &TableDescriptor,
    item_key: &[u8],
    item: &StoredItem<'_>,
    expiry: Option<Expiry>,
    touched: Touched<'_>,
) -> Result<Vec<Option<IndexEntry>>, EntryFault> {
    let mut keys = Vec::with_capacity(table.indexes().len());
    let mut first_fault: Option<(&str, EntryFault)> = None;
    for index in table.indexes() {
        let kept = index.status() != IndexStatus::Deleting;
        match if kept { entry_key(index, item_key, item, touched) } else { Ok(None) } {
            Ok(key) => keys.push(key),
            Err(fault) if first_fault.as_ref().is_none_or(|(first, _)| index.name() < *first) => {
                first_fault = Some((index.name(), fault));
            }
            Err(_) => {}
        }
    }
    if let Some((_, fault)) = first_fault {
        return Err(fault);
    }
    let mut size_bytes = item.size_bytes()?;
    check_size(size_bytes)?;
    let mut entries = Vec::with_capacity(keys.len());
    for (index, key) in table.indexes().iter().zip(keys) {
        let entry = key.map(|key| IndexEntry::new(key, index, item, expiry)).transpose()?;
        if let (IndexScope::Local, Some(entry)) = (index.scope(), &entry) {
            size_bytes += StoredItem::parse(&entry.value)?.size_bytes()?;
        }
        entries.push(entry);
    }
    check_size(size_bytes)?;
    Ok(entries)
}

fn check_size(size_bytes: usize) -> Result<(), EntryFault> {
    if size_bytes > limits::ITEM_BYTES_MAX {
        return Err(EntryFault::Refused(Fault::Value(ValueFault::ItemTooLarge { size_bytes })));
    }
    Ok(())
}

/// The entry of an item that is already written, perhaps before the index was made. An item that does not fit the index
/// has none: a backfill steps over it.
pub fn fitting_entry(
    index: &IndexDescriptor,
    item_key: &[u8],
    item: &StoredItem<'_>,
    expiry: Option<Expiry>,
) -> Result<Option<IndexEntry>, DecodeError> {
    match entry_key(index, item_key, item, Touched::All) {
        Ok(Some(key)) => IndexEntry::new(key, index, item, expiry).map(Some),
        Ok(None) | Err(EntryFault::Refused(_)) => Ok(None),
        Err(EntryFault::Damaged(error)) => Err(error),
    }
}

/// Adds to `batch` what changes in the indexes when `old` becomes the item that has the entries `new`, and to `meter`
/// what that costs. The entries of an item that has expired are still there, and cost nothing.
pub(super) fn change(
    table: &TableDescriptor,
    item_key: &[u8],
    old: Option<&RawItem<'_>>,
    new: Option<Vec<Option<IndexEntry>>>,
    batch: &mut WriteBatch,
    mut meter: Option<&mut Meter>,
) -> Result<(), DecodeError> {
    let is_overwrite = old.is_some() && new.is_some();
    let mut new = new.unwrap_or_default().into_iter();
    for index in table.indexes() {
        let new = new.next().flatten();
        if index.status() == IndexStatus::Deleting {
            continue;
        }
        // What could not be written as an entry never was one.
        let old_entry = old.map(|old| fitting_entry(index, item_key, &old.item, old.expiry));
        let is_expired = old.is_some_and(|old| old.is_expired);
        let old = old_entry.transpose()?.flatten();
        // An index that is being filled may lack the old entry, and so the new one that is like it.
        if old == new && index.status() == IndexStatus::Active {
            continue;
        }
        if let Some(meter) = meter.as_deref_mut() {
            measure(index, old.as_ref().filter(|_| !is_expired), new.as_ref(), meter)?;
        }
        if let Some(old) = old
            && new.as_ref().is_none_or(|new| new.key != old.key)
            && !(is_overwrite && planted(Bug::IndexNotUpdatedOnOverwrite))
        {
            batch.delete(old.key);
        }
        if let Some(new) = new {
            batch.put_until(new.key, new.value, new.expiry);
        }
    }
    Ok(())
}

/// What a changed entry costs: in place as the larger one, and both where its key changes.
fn measure(
    index: &IndexDescriptor,
    old: Option<&IndexEntry>,
    new: Option<&IndexEntry>,
    meter: &mut Meter,
) -> Result<(), DecodeError> {
    let size_bytes = |entry: Option<&IndexEntry>| {
        entry.map_or(Ok(0), |entry| StoredItem::parse(&entry.value)?.size_bytes())
    };
    let (old_bytes, new_bytes) = (size_bytes(old)?, size_bytes(new)?);
    let mut add = |old_bytes, new_bytes| {
        let units = Units::of_write(old_bytes, new_bytes, WriteMode::Standard);
        meter.add_index(index.scope(), index.name(), units);
    };
    match (old, new) {
        (None, None) => {}
        (Some(old), Some(new)) if old.is_like(new) => {}
        (Some(old), Some(new)) if old.key != new.key => {
            add(old_bytes, 0);
            add(0, new_bytes);
        }
        _ => add(old_bytes, new_bytes),
    }
    Ok(())
}

/// The key of an item's entry in `index`, if it has one.
fn entry_key(
    index: &IndexDescriptor,
    item_key: &[u8],
    item: &StoredItem<'_>,
    touched: Touched<'_>,
) -> Result<Option<Vec<u8>>, EntryFault> {
    let mut key = index.keyspace().prefix().to_vec();
    let mut encoder = KeyEncoder::new(&mut key, Some(index.name()));
    let mut is_complete = true;
    for (role, attribute) in index.key().with_roles() {
        let Some(value) = item.get(&attribute.name)? else {
            // The attributes that are there must fit all the same.
            is_complete = false;
            continue;
        };
        let key_value = KeyRef::from_stored(&value)?.filter(|value| value.key_type() == attribute.key_type);
        let appended = match key_value {
            Some(value) => encoder.append(role, attribute, value),
            None => Err(Fault::KeyTypeMismatch {
                attribute: attribute.name.clone(),
                expected: attribute.key_type,
                actual: value.value_type(),
                index: Some(index.name().to_owned()),
            }),
        };
        match appended {
            Ok(()) => {}
            Err(fault) if touched.contains(&attribute.name) => return Err(EntryFault::Refused(fault)),
            Err(_) => is_complete = false,
        }
    }
    if !is_complete {
        return Ok(None);
    }
    key.extend_from_slice(item_key::entry_end(index.scope(), item_key)?);
    Ok(Some(key))
}

/// What an item's entry in `index` holds.
fn projected(index: &IndexDescriptor, item: &StoredItem<'_>) -> Result<Vec<u8>, DecodeError> {
    match index.projected() {
        Projected::All => Ok(item.as_bytes().to_vec()),
        Projected::Names(names) => {
            let mut value = Vec::new();
            stored::project(item, names, &mut value)?;
            Ok(value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entry::EntryKind;
    use crate::base::expiry::ExpiryGeneration;
    use crate::base::ident::{KeyspaceId, SeqNo};
    use crate::dynamo::capacity::{Direction, ReturnConsumedCapacity};
    use crate::dynamo::encoding::encode_item;
    use crate::dynamo::item_key;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::schema::{GlobalIndex, LocalIndex, Projection, TableSchema};
    use crate::dynamo::value::Item;

    /// A table in keyspace 16, with an index over `x` that holds `a` in keyspace 17.
    fn table() -> TableDescriptor {
        let index = GlobalIndex::builder("ByX").partition_key("x", KeyType::Number);
        let schema = TableSchema::builder("Items")
            .partition_key("pk", KeyType::String)
            .global_index(index.projection(Projection::include(["a"])))
            .build();
        TableDescriptor::for_test(schema.expect("a valid schema"))
    }

    /// What changes when `old` becomes `new`: the keyspace of each change, and whether it is a put.
    fn check(old: Option<Item>, new: Option<Item>, expected: &[(&str, bool)]) {
        fn parse(bytes: &[u8]) -> StoredItem<'_> {
            StoredItem::parse(bytes).expect("an item")
        }
        let table = table();
        let encode = |item: Item| {
            let mut bytes = Vec::new();
            encode_item(&item, &mut bytes);
            (item_key::of_item(&table, &item).expect("it has its key"), bytes)
        };
        let (old, new) = (old.map(encode), new.map(encode));
        let key = old.as_ref().or(new.as_ref()).expect("there is an item").0.clone();
        let new = new.map(|(_, bytes)| {
            entries(&table, &key, &parse(&bytes), None, Touched::All).expect("it fits the index")
        });
        let mut batch = WriteBatch::new();
        let old = old.as_ref().map(|(_, bytes)| RawItem::lasting(parse(bytes)));
        change(&table, &key, old.as_ref(), new, &mut batch, None).expect("the items parse");
        let changes: Vec<_> =
            batch.entries().map(|(key, kind, _)| (key.to_vec(), kind != EntryKind::Delete)).collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(x, is_put)| {
                let mut key = KeyspaceId(17).prefix().to_vec();
                KeyRef::Number(x.parse().expect("a number")).encode(&mut key);
                KeyRef::String("p").encode(&mut key);
                (key, *is_put)
            })
            .collect();
        assert_eq!(changes, expected);
    }

    fn item() -> Item {
        Item::new().with("pk", "p").with("a", 1).with("b", 1)
    }

    #[test]
    fn an_entry_comes_moves_and_goes_with_its_item() {
        let at = |x: i32| Some(item().with("x", x));
        check(None, at(1), &[("1", true)]);
        check(at(1), at(2), &[("1", false), ("2", true)]);
        check(at(1), at(1).map(|item| item.with("a", 2)), &[("1", true)]);
        check(at(1), None, &[("1", false)]);
    }

    #[test]
    fn an_item_without_the_index_key_has_no_entry() {
        check(None, Some(item()), &[]);
        check(Some(item()), None, &[]);
        check(Some(item()), Some(item().with("x", 1)), &[("1", true)]);
        check(Some(item().with("x", 1)), Some(item()), &[("1", false)]);
    }

    #[test]
    fn what_an_entry_does_not_hold_does_not_write_it() {
        check(Some(item().with("x", 1)), Some(item().with("x", 1).with("b", 2)), &[]);
    }

    #[test]
    fn an_item_that_never_fitted_the_index_has_no_old_entry() {
        check(Some(item().with("x", "text")), Some(item().with("x", 1)), &[("1", true)]);
    }

    /// A table with a local index `ByDay` in keyspace 17 and a global one `ByTags` in 18.
    fn with_local() -> TableDescriptor {
        let schema = TableSchema::builder("Items")
            .partition_key("pk", KeyType::String)
            .sort_key("sk", KeyType::Number)
            .local_index(LocalIndex::builder("ByDay").sort_key("day", KeyType::Binary))
            .global_index(
                GlobalIndex::builder("ByTags")
                    .partition_key("a", KeyType::String)
                    .partition_key("b", KeyType::Number)
                    .sort_key("c", KeyType::String)
                    .projection(Projection::KeysOnly),
            );
        TableDescriptor::for_test(schema.build().expect("a valid schema"))
    }

    fn encoded(item: &Item) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_item(item, &mut bytes);
        bytes
    }

    fn entries_of(
        table: &TableDescriptor,
        item: &Item,
        touched: Touched<'_>,
    ) -> Result<Vec<Option<IndexEntry>>, String> {
        let bytes = encoded(item);
        let key = item_key::of_item(table, item).expect("it has its key");
        let stored = StoredItem::parse(&bytes).expect("an item");
        entries(table, &key, &stored, None, touched)
            .map_err(|fault| fault.into_error(Operation::UpdateItem).to_string())
    }

    fn long_item() -> Item {
        Item::new().with("pk", "p").with("sk", 7)
    }

    #[test]
    fn a_local_entry_is_partition_key_then_index_key_then_sort_key() {
        let table = with_local();
        let item = long_item().with("day", vec![1_u8, 0]).with("a", "x").with("b", 2).with("c", "y");
        let entries = entries_of(&table, &item, Touched::All).expect("it fits");
        let key = |keyspace: u32, components: &[KeyRef<'_>]| {
            let mut key = KeyspaceId(keyspace).prefix().to_vec();
            for component in components {
                component.encode(&mut key);
            }
            key
        };
        let (pk, sk) = (KeyRef::String("p"), KeyRef::Number(7.into()));
        let local = entries[0].as_ref().expect("it has the index's key");
        assert_eq!(local.key, key(17, &[pk, KeyRef::Binary(&[1, 0]), sk]));
        assert_eq!(local.value, encoded(&item));
        let global = entries[1].as_ref().expect("it has the index's key");
        let (a, b, c) = (KeyRef::String("x"), KeyRef::Number(2.into()), KeyRef::String("y"));
        assert_eq!(global.key, key(18, &[a, b, c, pk, sk]));
        let keys = long_item().with("a", "x").with("b", 2).with("c", "y");
        assert_eq!(global.value, encoded(&keys));
        for lacking in ["a", "b", "c"] {
            let mut item = item.clone();
            item.remove(lacking);
            let entries = entries_of(&table, &item, Touched::All).expect("it fits");
            assert!(entries[0].is_some() && entries[1].is_none(), "{lacking}");
        }
    }

    #[test]
    fn what_was_not_touched_is_not_checked_again() {
        let table = with_local();
        let item = long_item().with("day", "a string").with("a", "x");
        let touched = |names: &[&str]| {
            let names: BTreeSet<&str> = names.iter().copied().collect();
            entries_of(&table, &item, Touched::Names(&names)).map(|entries| entries.iter().flatten().count())
        };
        assert_eq!(touched(&["a", "other"]), Ok(0));
        let unsupported =
            "The update expression attempted to update the secondary index key to unsupported type";
        assert_eq!(touched(&["day"]), Err(unsupported.to_owned()));
        assert_eq!(entries_of(&table, &item, Touched::All).map(drop), Err(unsupported.to_owned()));
    }

    #[test]
    fn an_item_must_fit_together_with_its_local_entries() {
        let table = with_local();
        let of_size = |size: usize, item: Item| {
            let rest = item.size_bytes() + 1;
            item.with("x", vec![0_u8; size - rest])
        };
        let check = |item: &Item| entries_of(&table, item, Touched::All).map(drop);
        let too_large = || Err("Item size to update has exceeded the maximum allowed size".to_owned());
        assert_eq!(check(&of_size(409_600, long_item())), Ok(()));
        assert_eq!(check(&of_size(409_601, long_item())), too_large());
        let indexed = || long_item().with("day", vec![1_u8]);
        assert_eq!(check(&of_size(204_800, indexed())), Ok(()));
        assert_eq!(check(&of_size(204_801, indexed())), too_large());
        let global_only = || long_item().with("a", "x").with("b", 1).with("c", "y");
        assert_eq!(check(&of_size(409_600, global_only())), Ok(()));
    }

    #[test]
    fn a_backfill_steps_over_what_does_not_fit() {
        let table = with_local();
        let check = |item: Item| {
            let (key, bytes) = (item_key::of_item(&table, &item).expect("it has its key"), encoded(&item));
            let stored = StoredItem::parse(&bytes).expect("an item");
            let entry = fitting_entry(&table.indexes()[1], &key, &stored, None).expect("the item parses");
            let entries = entries_of(&table, &item, Touched::All).unwrap_or_default();
            let written = entries.into_iter().nth(1).flatten();
            assert_eq!(entry, written, "a backfill makes what a write makes");
            entry.is_some()
        };
        let item = || long_item().with("a", "x").with("b", 2).with("c", "y");
        assert!(check(item()));
        assert!(!check(long_item()));
        assert!(!check(item().with("b", "2")), "a wrong type");
        assert!(!check(item().with("a", "")), "an empty value");
        assert!(!check(item().with("a", "x".repeat(2049))), "an oversized partition key");
        assert!(!check(item().with("c", "x".repeat(1025))), "an oversized sort key");
    }

    #[test]
    fn an_index_is_kept_while_it_is_made_and_left_alone_while_it_is_dropped() {
        let written = |status: IndexStatus, old: Option<Item>, new: Item| {
            let table = with_local();
            let mut record = table.record().clone();
            record.global_indexes[0].status = status;
            let table = table.successor(record, SeqNo(1));
            let key = item_key::of_item(&table, &new).expect("it has its key");
            let entries = entries_of(&table, &new, Touched::All).expect("it fits");
            let old = old.map(|old| encoded(&old));
            let old = old.as_ref().map(|old| StoredItem::parse(old).expect("an item"));
            let mut batch = WriteBatch::new();
            let old = old.map(RawItem::lasting);
            change(&table, &key, old.as_ref(), Some(entries), &mut batch, None).expect("the items parse");
            batch.len()
        };
        let item = |a: &str| long_item().with("a", a).with("b", 2).with("c", "y");
        assert_eq!(written(IndexStatus::Active, None, item("x")), 1);
        assert_eq!(written(IndexStatus::Creating, None, item("x")), 1);
        assert_eq!(written(IndexStatus::Deleting, None, item("x")), 0);
        assert_eq!(written(IndexStatus::Active, Some(item("x")), item("x")), 0);
        assert_eq!(written(IndexStatus::Creating, Some(item("x")), item("x")), 1, "it may lack the entry");
        assert_eq!(written(IndexStatus::Creating, Some(item("x")), item("z")), 2);
    }

    #[test]
    fn an_entry_of_which_only_the_expiry_changes_is_written_and_costs_nothing() {
        let table = table();
        let item = encoded(&Item::new().with("pk", "p").with("x", 1));
        let item = StoredItem::parse(&item).expect("an item");
        let key = item_key::of_item(&table, &item.to_item().expect("it parses")).expect("it has its key");
        let expiry = |at_millis| Some(Expiry { at_millis, generation: ExpiryGeneration(1) });
        let change_to = |new: Option<Expiry>, is_expired: bool| {
            let old = RawItem { expiry: expiry(7), is_expired, ..RawItem::lasting(item) };
            let new = entries(&table, &key, &item, new, Touched::All).expect("it fits the index");
            let (mut batch, mut meter) = (WriteBatch::new(), Meter::default());
            change(&table, &key, Some(&old), Some(new), &mut batch, Some(&mut meter))
                .expect("the items parse");
            let kinds: Vec<_> = batch.entries().map(|(_, kind, _)| kind).collect();
            let told = meter.told("T", ReturnConsumedCapacity::Indexes, Direction::Untold);
            (kinds, told.is_some_and(|told| told.capacity_units > 0.0))
        };
        assert_eq!(change_to(expiry(7), false), (vec![], false));
        assert_eq!(change_to(expiry(8), false), (vec![EntryKind::put(expiry(8))], false));
        assert_eq!(change_to(None, false), (vec![EntryKind::Put], false));
        assert_eq!(
            change_to(expiry(8), true),
            (vec![EntryKind::put(expiry(8))], true),
            "nobody sees the old one"
        );
    }
}
