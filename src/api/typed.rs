//! A table of entities: what a table does, with the types of one entity.

use super::entity::{Entity, EntityIndex, KeyAttributes, KeyValues};
use super::expression::attribute::Attribute;
use super::expression::operand::OperandOf;
use super::query::{Query, Scan};
use super::table::Table;
use super::write::{Delete, Put};
use crate::dynamo::error::{Error, Result};
use crate::dynamo::expression::tree::Constant;
use crate::dynamo::fault::{Fault, Operation};
use crate::dynamo::value::Value;
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
    pub fn put(&self, entity: &E) -> Result<()> {
        self.table.put(entity)
    }

    /// A put with options.
    pub fn put_request(&self, entity: &E) -> Put<'_> {
        self.table.put_request(entity)
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

    /// The entities of a partition in the order of their sort key.
    pub fn query(
        &self,
        partition: impl OperandOf<<E::Key as KeyAttributes>::Partition, Form = Constant>,
    ) -> Query<'_, E> {
        self.query_of(&E::KEY.into_partition(), partition)
    }

    /// The entities of a partition of an index in the order of its sort key.
    ///
    /// What the index does not hold is missing in what it gives; ask for
    /// [`Query::typed`](super::query::Query::typed) if it does not hold all that an `E` needs.
    pub fn query_by<K: KeyAttributes>(
        &self,
        index: EntityIndex<E, K>,
        partition: impl OperandOf<K::Partition, Form = Constant>,
    ) -> Query<'_, E> {
        let name = index.name();
        self.query_of(&index.into_key().into_partition(), partition).index(name)
    }

    fn query_of<P>(
        &self,
        attribute: &Attribute<P>,
        value: impl OperandOf<P, Form = Constant>,
    ) -> Query<'_, E> {
        let value: Result<Value, Fault> =
            value.into_form(attribute.encoding()).map(|value| value.value().clone());
        self.table.query_of(value.map_err(|fault| Error::new(Operation::Query, fault))).typed()
    }

    /// All entities of the table.
    pub fn scan(&self) -> Scan<'_, E> {
        self.table.scan().typed()
    }
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
