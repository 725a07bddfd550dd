//! The one write path: every operation that changes items goes through it.
//!
//! The steps, in the order of the code:
//! 1. Check the request, and turn it into an `ItemWrite`: the key, and what is to become of the item.
//! 2. Pay back-pressure, before any lock.
//! 3. Lock the key.
//! 4. Read the item as it is, only if something needs it: an index, or an answer that returns it.
//! 5. Decide: a batch of the item and its index entries, and the answer. This is pure.
//! 6. Submit the batch, and release the lock. Nobody waits for a sync under a lock.
//! 7. Wait for the ticket, and only then answer: the old item that is returned may itself have been unpublished.
//!
//! Invariants:
//! 1. An item and its index entries change in one batch.
//! 2. A delete writes its tombstone even where nothing is, so that its answer is as durable as was asked.

use super::encoding;
use super::error::{Error, Result};
use super::fault::{Fault, Operation};
use super::index::{self, IndexEntry, Touched};
use super::item_key::{self, Key};
use super::stored::StoredItem;
use super::table::TableDescriptor;
use super::value::Item;
use crate::base::batch::WriteBatch;
use crate::base::ident::SeqNo;
use crate::engine::commit::Commit;
use crate::engine::options::Durability;
use crate::engine::store::Engine;
use crate::engine::ticket::Ticket;

/// Which attributes a write answers with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReturnValues {
    /// None.
    #[default]
    None,
    /// The item as it was before the write, if there was one.
    AllOld,
}

/// Writes an item whole, in place of the one that has its key.
#[derive(Clone, Debug, PartialEq)]
pub struct PutRequest {
    /// The item.
    pub item: Item,
    /// What to answer with.
    pub return_values: ReturnValues,
    /// What the write must survive before it is acknowledged.
    pub durability: Durability,
}

/// Removes an item; nothing happens to a missing one.
#[derive(Clone, Debug, PartialEq)]
pub struct DeleteRequest {
    /// The item's key.
    pub key: Key,
    /// What to answer with.
    pub return_values: ReturnValues,
    /// What the write must survive before it is acknowledged.
    pub durability: Durability,
}

/// The answer to a put or a delete.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteOutput {
    /// The item as it was, if that was asked for and there was one.
    pub old_item: Option<Item>,
    /// The commit that made the change.
    pub commit: Commit,
}

/// A write that has its place in the order of commits and waits to be acknowledged.
///
/// Dropping it does not take the write back.
#[derive(Debug)]
#[must_use = "a write is acknowledged only when it has been waited for"]
pub struct Pending {
    ticket: Ticket,
    old_item: Option<Item>,
}

impl Pending {
    /// Waits until the write is as durable as was asked and everybody sees it.
    pub fn wait(self) -> Result<WriteOutput> {
        let commit = self.ticket.wait()?;
        Ok(WriteOutput { old_item: self.old_item, commit })
    }

    /// Asks without waiting: `None` while the write is not acknowledged. To be asked no more after an answer.
    pub fn step(&mut self) -> Option<Result<WriteOutput>> {
        let commit = self.ticket.step()?;
        Some(match commit {
            Ok(commit) => Ok(WriteOutput { old_item: self.old_item.take(), commit }),
            Err(error) => Err(error.into()),
        })
    }

    /// The place of the write in the order of commits.
    pub fn seqno(&self) -> SeqNo {
        self.ticket.seqno()
    }
}

/// Begins to write an item.
pub fn put(engine: &Engine, table: &TableDescriptor, request: PutRequest) -> Result<Pending> {
    let PutRequest { item, return_values, durability } = request;
    let change = parse_put(table, &item)?;
    submit(engine, table, change, return_values, durability)
}

/// Begins to remove an item.
pub fn delete(engine: &Engine, table: &TableDescriptor, request: DeleteRequest) -> Result<Pending> {
    let DeleteRequest { key, return_values, durability } = request;
    let key = item_key::of_request(table, &key).map_err(|fault| Error::new(Operation::DeleteItem, fault))?;
    submit(engine, table, ItemWrite { key, change: Change::Delete }, return_values, durability)
}

/// What is to become of one item.
#[derive(Debug)]
struct ItemWrite {
    key: Vec<u8>,
    change: Change,
}

#[derive(Debug)]
enum Change {
    /// The item's stored form, and its index entries.
    Put {
        value: Vec<u8>,
        entries: Vec<Option<IndexEntry>>,
    },
    Delete,
}

/// Checks an item against the rules for values, then the table's key, then its indexes and its size.
fn parse_put(table: &TableDescriptor, item: &Item) -> Result<ItemWrite> {
    let fault = |fault| Error::new(Operation::PutItem, fault);
    item.validate().map_err(|error| fault(Fault::Value(error)))?;
    let key = item_key::of_item(table, item).map_err(fault)?;
    let mut value = Vec::new();
    encoding::encode_item(item, &mut value);
    let stored = StoredItem::parse(&value).map_err(|error| Error::damaged("item", error))?;
    let entries = index::entries(table, &key, &stored, Touched::All)
        .map_err(|error| error.into_error(Operation::PutItem))?;
    Ok(ItemWrite { key, change: Change::Put { value, entries } })
}

fn submit(
    engine: &Engine,
    table: &TableDescriptor,
    write: ItemWrite,
    return_values: ReturnValues,
    durability: Durability,
) -> Result<Pending> {
    engine.pay_back_pressure()?;
    let guard = engine.lock_keys(vec![write.key.clone()]);
    let needs_old = !table.indexes().is_empty() || return_values == ReturnValues::AllOld;
    let old = if needs_old { engine.latest(&write.key, <[u8]>::to_vec)? } else { None };
    let decision = decide(table, write, old.as_deref(), return_values)?;
    let ticket = engine.submit(&decision.batch, durability)?;
    drop(guard);
    Ok(Pending { ticket, old_item: decision.old_item })
}

/// What a write does: its batch, and what it answers with.
struct Decision {
    batch: WriteBatch,
    old_item: Option<Item>,
}

fn decide(
    table: &TableDescriptor,
    write: ItemWrite,
    old: Option<&[u8]>,
    return_values: ReturnValues,
) -> Result<Decision> {
    let damaged = |error| Error::damaged("item", error);
    let old = old.map(StoredItem::parse).transpose().map_err(damaged)?;
    let old_item = match return_values {
        ReturnValues::AllOld => old.map(|old| old.to_item()).transpose().map_err(damaged)?,
        ReturnValues::None => None,
    };
    let mut batch = WriteBatch::new();
    let ItemWrite { key, change } = write;
    match change {
        Change::Put { value, entries } => {
            index::change(table, &key, old.as_ref(), Some(entries), &mut batch).map_err(damaged)?;
            batch.put(key, value);
        }
        Change::Delete => {
            index::change(table, &key, old.as_ref(), None, &mut batch).map_err(damaged)?;
            batch.delete(key);
        }
    }
    Ok(Decision { batch, old_item })
}
