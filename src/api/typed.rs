//! A table of entities: what a table does, with the types of one entity.

use super::entity::{Entity, EntityIndex, EntityVersion, KeyAttributes, KeyValues, PartitionValues};
use super::expression::attribute::attr;
use super::expression::condition::Condition;
use super::expression::operand::OperandOf;
use super::query::{Query, Scan};
use super::table::Table;
use super::write::{Delete, Put, Update};
use crate::dynamo::error::{Error, Result};
use crate::dynamo::expression::tree::Constant;
use crate::dynamo::fault::{Fault, Operation};
use crate::dynamo::serde::error::SerdeError;
use crate::dynamo::serde::ser::to_item;
use crate::dynamo::value::Value;
use serde::ser::Error as _;
use std::fmt;
use std::marker::PhantomData;

/// A table whose items are `E`s; made by [`Database::entity`](super::database::Database::entity), and of any [`Table`]
/// by `TypedTable::from`. Cheap to clone, and shared freely between threads.
///
/// Several kinds of entities may share a table: each has a typed table of its own.
///
/// ```
/// use pixii::{Database, Entity};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Entity, Debug, PartialEq)]
/// #[pixii(table = "Messages")]
/// struct Message {
///     #[pixii(partition_key)]
///     room: String,
///     #[pixii(sort_key)]
///     sent_at: u64,
///     #[pixii(index(name = "BySender", partition_key))]
///     sender: String,
/// }
///
/// let database = Database::in_memory()?;
/// let messages = database.entity_or_create::<Message>()?;
/// messages.put(&Message { room: "kitchen".into(), sent_at: 7, sender: "ada".into() })?;
/// let message = messages.get(("kitchen", 7))?.expect("it was just written");
/// assert_eq!(messages.query("kitchen").into_iter().collect::<Result<Vec<_>, _>>()?, [message]);
/// assert_eq!(messages.query_by(Message::BY_SENDER, "ada").page()?.count, 1);
/// # Ok::<(), pixii::Error>(())
/// ```
pub struct TypedTable<E> {
    table: Table,
    entity: PhantomData<fn() -> E>,
}

impl<E: Entity> TypedTable<E> {
    /// The table's name.
    pub fn name(&self) -> &str {
        self.table.name()
    }

    /// The table, to be used without types.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Writes an entity whole, in place of the one that has its key, and waits until that is durable.
    ///
    /// One that counts its versions is written as the next version, and only over the version that it was read with, or
    /// where none is; if somebody was faster, the error's kind is
    /// [`ConditionalCheckFailed`](crate::dynamo::error::ErrorKind::ConditionalCheckFailed). The entity here still is the
    /// version that was read: [`save`](Self::save) moves it on.
    pub fn put(&self, entity: &E) -> Result<()> {
        self.put_request(entity).send().map(drop)
    }

    /// As [`put`](Self::put), and the entity is the version that was written from then on, so that it can be saved again.
    /// After an error it is what it was.
    ///
    /// ```
    /// use pixii::{Database, Entity, ErrorKind};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Serialize, Deserialize, Entity)]
    /// #[pixii(table = "Pages")]
    /// struct Page {
    ///     #[pixii(partition_key)]
    ///     path: String,
    ///     text: String,
    ///     #[pixii(version)]
    ///     version: u64,
    /// }
    ///
    /// let database = Database::in_memory()?;
    /// let pages = database.create_entity::<Page>()?;
    /// let mut ada = Page { path: "/".into(), text: "hello".into(), version: 0 };
    /// pages.save(&mut ada)?;
    /// let mut bob = pages.get("/")?.expect("it was just saved");
    ///
    /// ada.text = "hello, world".into();
    /// pages.save(&mut ada)?;
    /// assert_eq!(ada.version, 2);
    ///
    /// bob.text = "good bye".into();
    /// let error = pages.save(&mut bob).expect_err("bob has not seen what ada wrote");
    /// assert_eq!(error.kind(), ErrorKind::ConditionalCheckFailed);
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn save(&self, entity: &mut E) -> Result<()> {
        self.put(entity)?;
        entity.advance_version();
        Ok(())
    }

    /// A put with options: like [`put`](Self::put), of the version that comes next.
    pub fn put_request(&self, entity: &E) -> Put<'_> {
        let Some((attribute, version)) = E::VERSION_ATTRIBUTE.zip(entity.version()) else {
            return self.table.put_request(entity);
        };
        let item = to_item(entity).and_then(|item| Ok(item.with(attribute, next(attribute, version)?)));
        let item = item.map_err(|error| Error::new(Operation::PutItem, Fault::Serde(error)));
        self.table.put_of(item).condition(is_seen(attribute, version))
    }

    /// A change of attributes of the item of this key, which is made if it is missing.
    ///
    /// An item that counts its versions becomes the next one, whichever it is: who has read it before will not overwrite
    /// the change.
    pub fn update(&self, key: impl KeyValues<E::Key>) -> Update<'_> {
        let key = key.into_key(E::KEY).map_err(|fault| Error::new(Operation::UpdateItem, fault));
        let update = self.table.update_of(key);
        match E::VERSION_ATTRIBUTE {
            Some(attribute) => update.add(attr(attribute), 1),
            None => update,
        }
    }

    /// A change of attributes of an entity's item. One that counts its versions becomes the next one, and only if it is
    /// the version that was read; the entity here is not changed.
    pub fn update_entity(&self, entity: &E) -> Update<'_> {
        let fault = |error| Error::new(Operation::UpdateItem, Fault::Serde(error));
        let Some((attribute, version)) = E::VERSION_ATTRIBUTE.zip(entity.version()) else {
            return self.table.update_of(entity.key().map_err(fault));
        };
        let parts = entity.key().and_then(|key| Ok((key, next(attribute, version)?)));
        match parts {
            Ok((key, next)) => {
                let update = self.table.update_of(Ok(key)).condition(is_seen(attribute, version));
                update.set(attr(attribute), next)
            }
            Err(error) => self.table.update_of(Err(fault(error))),
        }
    }

    /// Reads the entity of this key.
    pub fn get(&self, key: impl KeyValues<E::Key>) -> Result<Option<E>> {
        let key = key.into_key(E::KEY).map_err(|fault| Error::new(Operation::GetItem, fault))?;
        self.table.get(key)
    }

    /// Removes the entity of this key, and waits until that is durable. Nothing happens to a missing one.
    pub fn delete(&self, key: impl KeyValues<E::Key>) -> Result<()> {
        self.delete_request(key).send().map(drop)
    }

    /// A delete with options.
    pub fn delete_request(&self, key: impl KeyValues<E::Key>) -> Delete<'_> {
        let key = key.into_key(E::KEY);
        self.table.delete_of(key.map_err(|fault| Error::new(Operation::DeleteItem, fault)))
    }

    /// A delete of an entity's item. One that counts its versions goes only if it is the version that was read.
    pub fn delete_entity(&self, entity: &E) -> Delete<'_> {
        let key = entity.key().map_err(|error| Error::new(Operation::DeleteItem, Fault::Serde(error)));
        let delete = self.table.delete_of(key);
        match E::VERSION_ATTRIBUTE.zip(entity.version()) {
            Some((attribute, version)) => delete.condition(is_seen(attribute, version)),
            None => delete,
        }
    }

    /// The entities of a partition in the order of their sort key.
    pub fn query(
        &self,
        partition: impl OperandOf<<E::Key as KeyAttributes>::Partition, Form = Constant>,
    ) -> Query<'_, E> {
        let attribute = E::KEY.into_partition();
        let value = partition.into_form(attribute.encoding()).map(|value| vec![value.value().clone()]);
        self.query_of(value)
    }

    /// The entities of a partition of an index in the order of its sort key. Several attributes that choose the partition
    /// are given as a tuple.
    ///
    /// What the index does not hold is missing in what it gives; ask for
    /// [`Query::typed`](super::query::Query::typed) if it does not hold all that an `E` needs.
    pub fn query_by<K>(&self, index: EntityIndex<E, K>, partition: impl PartitionValues<K>) -> Query<'_, E> {
        let name = index.name();
        self.query_of(partition.into_values(index.into_key())).index(name)
    }

    fn query_of(&self, partition: Result<Vec<Value>, Fault>) -> Query<'_, E> {
        self.table.query_of(partition.map_err(|fault| Error::new(Operation::Query, fault))).typed()
    }

    /// All entities of the table.
    pub fn scan(&self) -> Scan<'_, E> {
        self.table.scan().typed()
    }
}

/// The version that an entity is written with.
fn next(attribute: &str, version: EntityVersion) -> Result<Value, SerdeError> {
    let seen = version.seen;
    let none = || SerdeError::custom(format_args!("{attribute}: no version of this type comes after {seen}"));
    version.next.map(Value::Number).ok_or_else(none)
}

/// That an item is the version that was read; nothing was read of version zero.
fn is_seen(attribute: &str, version: EntityVersion) -> Condition {
    let is_same = attr(attribute).eq(Value::Number(version.seen));
    if version.seen.is_zero() { attr(attribute).not_exists().or(is_same) } else { is_same }
}

/// The same table, whose items are taken to be `E`s whatever its name.
impl<E: Entity> From<Table> for TypedTable<E> {
    fn from(table: Table) -> Self {
        Self { table, entity: PhantomData }
    }
}

impl<E> Clone for TypedTable<E> {
    fn clone(&self) -> Self {
        Self { table: self.table.clone(), entity: PhantomData }
    }
}

impl<E> fmt::Debug for TypedTable<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedTable").field(&self.table).finish()
    }
}
