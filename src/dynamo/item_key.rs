//! The keys of items: from what a caller gives, from items, from stored bytes, to the bytes that the engine orders.
//!
//! Invariant: a key attribute that is encoded has the schema's type, is not empty and is within its length. The
//! partition's attributes are each limited by themselves, the sort key's all together.

use super::fault::{Fault, IndexScope, KeyRole};
use super::key::{self, KeyRef, KeyType};
use super::limits;
use super::schema::{KeyAttribute, KeySchema};
use super::stored::StoredItem;
use super::table::{Source, TableDescriptor};
use super::value::{Item, Value, ValueFault};
use crate::base::codec::DecodeError;

/// The key of an item of a table, as a caller gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// The values, in the order of the schema.
    Values {
        /// Of the partition key.
        partition: Value,
        /// Of the sort key, if the table has one.
        sort: Option<Value>,
    },
    /// The key attributes by name, and nothing else.
    Attributes(Item),
}

impl Key {
    /// Refuses values that no key can have whatever the table.
    pub(super) fn validate(&self) -> Result<(), ValueFault> {
        match self {
            Self::Values { partition, sort } => {
                partition.validate()?;
                sort.as_ref().map_or(Ok(()), Value::validate)
            }
            Self::Attributes(item) => item.validate(),
        }
    }

    /// The key attributes by name.
    ///
    /// REQUIRES: the key has the schema's shape.
    pub(super) fn to_attributes(&self, schema: &KeySchema) -> Item {
        match self {
            Self::Attributes(item) => item.clone(),
            Self::Values { partition, sort } => {
                let names = schema.attributes().map(|attribute| attribute.name.clone());
                names.zip(std::iter::once(partition.clone()).chain(sort.clone())).collect()
            }
        }
    }
}

/// Appends the components of a key one by one, and holds them to the limits.
pub(super) struct KeyEncoder<'a> {
    buffer: &'a mut Vec<u8>,
    index: Option<&'a str>,
    sort_size_bytes: usize,
}

impl<'a> KeyEncoder<'a> {
    /// Appends to `buffer`; faults name `index`.
    pub(super) fn new(buffer: &'a mut Vec<u8>, index: Option<&'a str>) -> Self {
        Self { buffer, index, sort_size_bytes: 0 }
    }

    /// As [`new`](Self::new), behind sort key attributes that have `sort_size_bytes` already.
    pub(super) fn behind(buffer: &'a mut Vec<u8>, sort_size_bytes: usize) -> Self {
        Self { buffer, index: None, sort_size_bytes }
    }

    /// What the sort key attributes have so far.
    pub(super) fn sort_size_bytes(&self) -> usize {
        self.sort_size_bytes
    }

    /// Appends the value of `attribute`, which has the schema's type.
    pub(super) fn append(
        &mut self,
        role: KeyRole,
        attribute: &KeyAttribute,
        value: KeyRef<'_>,
    ) -> Result<(), Fault> {
        self.check(role, attribute, value)?;
        value.encode(self.buffer);
        Ok(())
    }

    /// Appends what all values of `attribute` that begin with `value` have in common.
    pub(super) fn append_beginning(
        &mut self,
        role: KeyRole,
        attribute: &KeyAttribute,
        value: KeyRef<'_>,
    ) -> Result<(), Fault> {
        self.check(role, attribute, value)?;
        match value {
            KeyRef::String(text) => key::encode_string_prefix(text, self.buffer),
            KeyRef::Binary(bytes) => key::encode_binary_prefix(bytes, self.buffer),
            KeyRef::Number(_) => value.encode(self.buffer),
        }
        Ok(())
    }

    fn check(&mut self, role: KeyRole, attribute: &KeyAttribute, value: KeyRef<'_>) -> Result<(), Fault> {
        if value.is_empty() {
            return Err(Fault::KeyValueEmpty {
                attribute: attribute.name.clone(),
                key_type: attribute.key_type,
                index: self.index.map(str::to_owned),
            });
        }
        let size_bytes = value.size_bytes();
        let fits = match role {
            KeyRole::Partition => size_bytes <= limits::PARTITION_KEY_BYTES_MAX,
            KeyRole::Sort => {
                self.sort_size_bytes += size_bytes;
                self.sort_size_bytes <= limits::SORT_KEY_BYTES_MAX
            }
        };
        let index = || self.index.map(str::to_owned);
        if fits { Ok(()) } else { Err(Fault::KeyTooLong { role, index: index() }) }
    }
}

/// The value as that of a key attribute of the type `key_type`, if it is one.
pub(super) fn key_value(value: &Value, key_type: KeyType) -> Option<KeyRef<'_>> {
    KeyRef::from_value(value).filter(|value| value.key_type() == key_type)
}

/// The engine's key of the item that a caller asks for by `key`.
pub(super) fn of_request(table: &TableDescriptor, key: &Key) -> Result<Vec<u8>, Fault> {
    let schema = table.schema().key();
    let mut bytes = table.keyspace().prefix().to_vec();
    let mut encoder = KeyEncoder::new(&mut bytes, None);
    let mut count = 0;
    for (role, attribute) in schema.with_roles() {
        let value = match (key, role) {
            (Key::Values { partition, .. }, KeyRole::Partition) => Some(partition),
            (Key::Values { sort, .. }, KeyRole::Sort) => sort.as_ref(),
            (Key::Attributes(item), _) => item.get(&attribute.name),
        };
        let value = value.and_then(|value| key_value(value, attribute.key_type)).ok_or(Fault::KeyShape)?;
        encoder.append(role, attribute, value)?;
        count += 1;
    }
    let given = match key {
        Key::Values { sort, .. } => 1 + usize::from(sort.is_some()),
        Key::Attributes(item) => item.len(),
    };
    if given == count { Ok(bytes) } else { Err(Fault::KeyShape) }
}

/// The engine's key of an item that is to be written.
pub(super) fn of_item(table: &TableDescriptor, item: &Item) -> Result<Vec<u8>, Fault> {
    let mut values = Vec::with_capacity(2);
    for (role, attribute) in table.schema().key().with_roles() {
        let value = item
            .get(&attribute.name)
            .ok_or_else(|| Fault::KeyAttributeMissing { attribute: attribute.name.clone() })?;
        let value = key_value(value, attribute.key_type).ok_or_else(|| Fault::KeyTypeMismatch {
            attribute: attribute.name.clone(),
            expected: attribute.key_type,
            actual: value.value_type(),
            index: None,
        })?;
        values.push((role, attribute, value));
    }
    let mut bytes = table.keyspace().prefix().to_vec();
    let mut encoder = KeyEncoder::new(&mut bytes, None);
    for (role, attribute, value) in values {
        encoder.append(role, attribute, value)?;
    }
    Ok(bytes)
}

/// The engine's key of the entry of `source` that `item` names by exactly its key attributes: the table's, and the
/// index's as well. `None` if it does not have that shape.
pub(super) fn of_entry(source: Source<'_>, item: &Item) -> Option<Vec<u8>> {
    let mut names: Vec<_> = source.entry_attributes().map(|attribute| attribute.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if item.len() != names.len() {
        return None;
    }
    let mut bytes = source.keyspace().prefix().to_vec();
    let mut encoder = KeyEncoder::new(&mut bytes, None);
    for (role, attribute) in source.key().with_roles() {
        encoder.append(role, attribute, key_value(item.get(&attribute.name)?, attribute.key_type)?).ok()?;
    }
    // The table's key has limits of its own.
    let mut encoder = KeyEncoder::new(&mut bytes, None);
    for (role, attribute) in source.rest() {
        encoder.append(role, attribute, key_value(item.get(&attribute.name)?, attribute.key_type)?).ok()?;
    }
    Some(bytes)
}

/// The engine's key of the item of `table` that a stored entry, of the table or of one of its indexes, is of.
pub(super) fn of_stored(table: &TableDescriptor, entry: &StoredItem<'_>) -> Result<Vec<u8>, DecodeError> {
    let missing = DecodeError { expected: "the attributes of the table's key", offset: 0 };
    let mut bytes = table.keyspace().prefix().to_vec();
    for attribute in table.schema().key().attributes() {
        let value = entry.get(&attribute.name)?.ok_or(missing)?;
        let value = KeyRef::from_stored(&value)?.filter(|value| value.key_type() == attribute.key_type);
        value.ok_or(missing)?.encode(&mut bytes);
    }
    Ok(bytes)
}

/// What is left of an item's key behind the keyspace.
pub(super) fn without_keyspace(key: &[u8]) -> &[u8] {
    key.get(4..).unwrap_or_default()
}

/// The end of the keys of an item's entries in indexes of that scope: what of its key tells them apart.
pub(super) fn entry_end(scope: IndexScope, key: &[u8]) -> Result<&[u8], DecodeError> {
    let key = without_keyspace(key);
    match scope {
        IndexScope::Global => Ok(key),
        // A table has one partition key attribute, and it stands at the beginning of the entry's key already.
        IndexScope::Local => key::split_component(key).map(|(_, sort)| sort),
    }
}
