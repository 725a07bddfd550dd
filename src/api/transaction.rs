//! Interactive transactions, with Rust values.

use super::expression::update::UpdateExpression;
use super::key::IntoKey;
use super::query::{Read, ReadRequest, read_item, read_typed};
use super::table::Table;
use super::write::{Write, WriteRequest};
use crate::base::ident::SeqNo;
use crate::dynamo::error::Result;
use crate::dynamo::fault::Operation;
use crate::dynamo::transaction::{InteractiveTransaction, SubmittedTransaction};
use crate::dynamo::value::Item;
use crate::engine::options::Durability;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A transaction that runs; given to the closure of [`Database::transact`](super::database::Database::transact), or begun
/// by [`Database::begin_transaction`](super::database::Database::begin_transaction).
///
/// It reads one moment, with its own writes laid over it. Nothing is locked and nothing is seen by others before it
/// commits.
#[derive(Debug)]
pub struct Transaction {
    inner: InteractiveTransaction,
}

impl Transaction {
    pub(super) fn new(inner: InteractiveTransaction) -> Self {
        Self { inner }
    }

    pub(super) fn into_inner(self) -> InteractiveTransaction {
        self.inner
    }

    pub(super) fn is_overtaken(&self) -> bool {
        self.inner.is_overtaken()
    }

    /// Gives what was written its place in the order of commits, without waiting for it to be acknowledged.
    pub fn submit(self, durability: Durability) -> Result<SubmittedTransaction> {
        self.inner.submit(durability)
    }

    /// The newest commit that the transaction sees.
    pub fn seqno(&self) -> SeqNo {
        self.inner.seqno()
    }

    /// Reads an item as a `T`.
    pub fn get<T: DeserializeOwned>(&self, table: &Table, key: impl IntoKey) -> Result<Option<T>> {
        self.inner.get(table.descriptor(), &key.into_key(), |item| read_typed(item, Operation::GetItem))
    }

    /// Reads an item with all its attributes.
    pub fn get_item(&self, table: &Table, key: impl IntoKey) -> Result<Option<Item>> {
        self.inner.get(table.descriptor(), &key.into_key(), |item| read_item(item, Operation::GetItem))
    }

    /// Reads what a query or a scan gives. What it walks over counts as read: an item that somebody else puts there
    /// meanwhile is a conflict.
    pub fn read<R: ReadRequest, T>(&self, read: Read<'_, R, T>) -> Result<Vec<T>> {
        read.all_in(&self.inner)
    }

    /// Writes an item whole.
    pub fn put<T: Serialize + ?Sized>(&mut self, table: &Table, item: &T) -> Result<()> {
        self.write(table.put_request(item)).map(drop)
    }

    /// Changes attributes of an item.
    pub fn update(
        &mut self,
        table: &Table,
        key: impl IntoKey,
        update: impl Into<UpdateExpression>,
    ) -> Result<()> {
        self.write(table.update(key).apply(update)).map(drop)
    }

    /// Removes an item.
    pub fn delete(&mut self, table: &Table, key: impl IntoKey) -> Result<()> {
        self.write(table.delete_request(key)).map(drop)
    }

    /// Makes a write with options, and answers with the attributes that it asks for. If its condition is not met that is
    /// an error, and the transaction is as it was.
    pub fn write<R: WriteRequest>(&mut self, write: Write<'_, R>) -> Result<Option<Item>> {
        write.make_in(&mut self.inner)
    }
}
