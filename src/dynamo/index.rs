//! Index entries: which of them an item has, and what a write changes. All of this is pure.
//!
//! Invariants:
//! 1. The entries of an index are those that its table's items give, no others, at every moment: they change in the
//!    batch that changes the item.
//! 2. An item that lacks an attribute of the index's key has no entry there.
//! 3. An entry that a write does not change is not written.

use super::error::Error;
use super::fault::{Fault, Operation};
use super::item_key::{KeyEncoder, with_roles, without_keyspace};
use super::key::KeyRef;
use super::stored::{self, StoredItem};
use super::table::{IndexDescriptor, Projected, TableDescriptor};
use crate::base::batch::WriteBatch;
use crate::base::codec::DecodeError;
use crate::base::planted::{Bug, planted};

/// An entry of an index, as the engine keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexEntry {
    key: Vec<u8>,
    value: Vec<u8>,
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

/// The entries of an item that is to be written, one place for each index of the table: `None` where it has none.
///
/// Attributes of an index's key that have the wrong type, are empty or too long are refused. If they do not fit several
/// indexes, the first by name is told, as DynamoDB does.
pub(super) fn entries(
    table: &TableDescriptor,
    item_key: &[u8],
    item: &StoredItem<'_>,
) -> Result<Vec<Option<IndexEntry>>, EntryFault> {
    let mut entries = Vec::with_capacity(table.indexes().len());
    let mut first_fault: Option<(&str, EntryFault)> = None;
    for index in table.indexes() {
        let name = index.definition().name();
        match entry(index, item_key, item) {
            Ok(entry) => entries.push(entry),
            Err(fault) if first_fault.as_ref().is_none_or(|(first, _)| name < *first) => {
                first_fault = Some((name, fault));
            }
            Err(_) => {}
        }
    }
    first_fault.map_or(Ok(entries), |(_, fault)| Err(fault))
}

/// Adds to `batch` what changes in the indexes when `old` becomes the item that has the entries `new`.
pub(super) fn change(
    table: &TableDescriptor,
    item_key: &[u8],
    old: Option<&StoredItem<'_>>,
    new: Option<Vec<Option<IndexEntry>>>,
    batch: &mut WriteBatch,
) -> Result<(), DecodeError> {
    let is_overwrite = old.is_some() && new.is_some();
    let mut new = new.unwrap_or_default().into_iter();
    for index in table.indexes() {
        let new = new.next().flatten();
        let old = match old.map(|old| entry(index, item_key, old)) {
            Some(Ok(entry)) => entry,
            Some(Err(EntryFault::Damaged(error))) => return Err(error),
            // What could not be written as an entry never was one.
            Some(Err(EntryFault::Refused(_))) | None => None,
        };
        if old == new {
            continue;
        }
        if let Some(old) = old
            && new.as_ref().is_none_or(|new| new.key != old.key)
            && !(is_overwrite && planted(Bug::IndexNotUpdatedOnOverwrite))
        {
            batch.delete(old.key);
        }
        if let Some(new) = new {
            batch.put(new.key, new.value);
        }
    }
    Ok(())
}

/// The entry of an item in `index`, if it has one.
fn entry(
    index: &IndexDescriptor,
    item_key: &[u8],
    item: &StoredItem<'_>,
) -> Result<Option<IndexEntry>, EntryFault> {
    let name = index.definition().name();
    let mut key = index.keyspace().prefix().to_vec();
    let mut encoder = KeyEncoder::new(&mut key, Some(name));
    let mut is_complete = true;
    for (role, attribute) in with_roles(index.definition().key()) {
        let Some(value) = item.get(&attribute.name)? else {
            // The attributes that are there must fit all the same.
            is_complete = false;
            continue;
        };
        let key_value = KeyRef::from_stored(&value)?.filter(|value| value.key_type() == attribute.key_type);
        let value = key_value.ok_or_else(|| {
            EntryFault::Refused(Fault::KeyTypeMismatch {
                attribute: attribute.name.clone(),
                expected: attribute.key_type,
                actual: value.value_type(),
                index: Some(name.to_owned()),
            })
        })?;
        encoder.append(role, attribute, value).map_err(EntryFault::Refused)?;
    }
    if !is_complete {
        return Ok(None);
    }
    key.extend_from_slice(without_keyspace(item_key));
    let value = match index.projected() {
        Projected::All => item.as_bytes().to_vec(),
        Projected::Names(names) => {
            let mut value = Vec::new();
            stored::project(item, names, &mut value)?;
            value
        }
    };
    Ok(Some(IndexEntry { key, value }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entry::EntryKind;
    use crate::base::ident::KeyspaceId;
    use crate::dynamo::encoding::encode_item;
    use crate::dynamo::item_key;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::schema::{GlobalIndex, Projection, TableSchema};
    use crate::dynamo::value::Item;

    /// A table in keyspace 16, with an index over `x` that holds `a` in keyspace 17.
    fn table() -> TableDescriptor {
        let index = GlobalIndex::builder("ByX").partition_key("x", KeyType::Number);
        let schema = TableSchema::builder("Items")
            .partition_key("pk", KeyType::String)
            .global_index(index.projection(Projection::include(["a"])))
            .build();
        TableDescriptor::new(schema.expect("a valid schema"), KeyspaceId(16), &[KeyspaceId(17)], 0)
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
        let new = new.map(|(_, bytes)| entries(&table, &key, &parse(&bytes)).expect("it fits the index"));
        let mut batch = WriteBatch::new();
        change(&table, &key, old.as_ref().map(|(_, bytes)| parse(bytes)).as_ref(), new, &mut batch)
            .expect("the items parse");
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
}
