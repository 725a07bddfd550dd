//! What a write does to an item as it is. All of this is pure.
//!
//! The steps, in an order that the operation chooses: does the item meet the condition (`meets_condition`); what does it
//! become (`outcome`); what changes in the batch, and what is answered (`finish`).
//!
//! An item that has expired is there for index entries and stream records, which it still has or lacks, and for nothing
//! else: conditions, updates and answers find none.

use super::prepare::{Change, ItemWrite, UpdateSource};
use super::request::{ReturnValues, ReturnValuesOnConditionCheckFailure};
use crate::base::batch::WriteBatch;
use crate::base::codec::DecodeError;
use crate::base::expiry::Expiry;
use crate::base::ident::CommitTime;
use crate::base::planted::{Bug, planted};
use crate::dynamo::capacity::{Meter, Units, WriteMode};
use crate::dynamo::error::{Error, Result};
use crate::dynamo::expiry::{ItemExpiry, RawItem};
use crate::dynamo::expression::project::PreparedProjection;
use crate::dynamo::expression::update::UpdateFault;
use crate::dynamo::fault::{Fault, Operation};
use crate::dynamo::index::{self, EntryFault, IndexEntry, Touched};
use crate::dynamo::item_fault::WriteFault;
use crate::dynamo::legacy::fault::LegacyFault;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::stream::change;
use crate::dynamo::table::TableDescriptor;
use crate::dynamo::value::{Item, ValueFault};

/// One write, and the item that it meets.
pub(in crate::dynamo) struct Deciding<'a> {
    pub(in crate::dynamo) operation: Operation,
    pub(in crate::dynamo) table: &'a TableDescriptor,
    pub(in crate::dynamo) write: ItemWrite<'a>,
    /// The item as it is, if it was read and there is one, also if it has expired.
    pub(in crate::dynamo) old: Option<RawItem<'a>>,
    /// When it is written.
    pub(in crate::dynamo) now: CommitTime,
}

/// What becomes of the item.
pub(in crate::dynamo) enum Outcome {
    /// Its stored form, its expiry and its index entries are these from now on; of an update, with what it touched.
    Becomes {
        value: Vec<u8>,
        expiry: ItemExpiry,
        entries: Vec<Option<IndexEntry>>,
        touched: Option<PreparedProjection>,
    },
    /// It is gone.
    Gone,
    /// It stays as it is.
    Stays,
}

impl Outcome {
    /// The item that is written, if one is.
    fn new_item(&self) -> Result<Option<StoredItem<'_>>, DecodeError> {
        match self {
            Self::Becomes { value, .. } => StoredItem::parse(value).map(Some),
            Self::Gone | Self::Stays => Ok(None),
        }
    }
}

/// What a write answers once it is acknowledged.
#[derive(Debug, Default)]
pub(in crate::dynamo) struct Answer {
    pub(in crate::dynamo) attributes: Option<Item>,
    /// Filled only if it was asked for.
    pub(in crate::dynamo) consumed: Meter,
    /// When the item that is written expires.
    pub(in crate::dynamo) expiry: Option<Expiry>,
    /// From when on that would be another time.
    pub(in crate::dynamo) holds_until: Option<CommitTime>,
}

/// Whether what a write costs is counted, and how.
pub(in crate::dynamo) type Metering = Option<WriteMode>;

fn damaged(error: DecodeError) -> Error {
    Error::damaged("item", error)
}

impl<'a> Deciding<'a> {
    /// The item as everybody sees it.
    fn seen(&self) -> Option<StoredItem<'a>> {
        self.old.and_then(RawItem::seen)
    }

    /// Whether the item meets the write's condition.
    pub(in crate::dynamo) fn meets_condition(&self) -> Result<bool> {
        let Some(condition) = &self.write.options.condition else { return Ok(true) };
        let seen =
            if planted(Bug::ConditionSeesExpired) { self.old.map(|old| old.item) } else { self.seen() };
        condition.matches(seen.as_ref()).map_err(damaged)
    }

    /// What is told when it does not.
    pub(in crate::dynamo) fn condition_fault(&self) -> Result<Error> {
        let is_wanted = self.write.options.return_values_on_condition_check_failure
            == ReturnValuesOnConditionCheckFailure::AllOld;
        let old = self.seen().filter(|_| is_wanted);
        let item = old.map(|old| old.to_item()).transpose().map_err(damaged)?;
        let fault = WriteFault::ConditionFailed { item: item.map(Box::new) };
        Ok(Error::new(self.operation, fault.into()))
    }

    /// What the item becomes; of an update this can be refused. To be asked once.
    pub(in crate::dynamo) fn outcome(&mut self) -> Result<Outcome> {
        match std::mem::replace(&mut self.write.change, Change::Check) {
            Change::Put { value, expiry, entries } => {
                Ok(Outcome::Becomes { value, expiry, entries, touched: None })
            }
            Change::Delete => Ok(Outcome::Gone),
            Change::Check => Ok(Outcome::Stays),
            Change::Update { update, said_by, key } => {
                // Within a transaction, too, an update is refused in an update's words, but for an index key's type.
                let operation = match self.operation {
                    Operation::TransactWriteItems => Operation::UpdateItem,
                    other => other,
                };
                let refused = |fault| match fault {
                    UpdateFault::Damaged(error) => damaged(error),
                    UpdateFault::ItemTooLarge { size_bytes } => {
                        let fault = ValueFault::ItemTooLarge { size_bytes };
                        Error::new(operation, Fault::Value(fault))
                    }
                    UpdateFault::OperandType if said_by == UpdateSource::Legacy => {
                        Error::new(operation, LegacyFault::StoredType.into())
                    }
                    fault => Error::new(operation, WriteFault::Update(fault).into()),
                };
                let applied = update.apply(self.seen().as_ref(), &key).map_err(refused)?;
                // The answer that nothing is there must be as durable as was asked: a tombstone says so.
                let Some(value) = applied else { return Ok(Outcome::Gone) };
                let item = StoredItem::parse(&value).map_err(damaged)?;
                let names = update.actions.iter().map(|action| action.path().root()).collect();
                let expiry = ItemExpiry::of_item(self.table, &item, self.now).map_err(damaged)?;
                let touched = Touched::Names(&names);
                let entries = index::entries(self.table, &self.write.key, &item, expiry.expiry, touched);
                let entries = entries.map_err(|error| match error {
                    EntryFault::Refused(Fault::KeyTypeMismatch { .. }) => error.into_error(self.operation),
                    error => error.into_error(operation),
                })?;
                let wants_touched = matches!(
                    self.write.options.return_values,
                    ReturnValues::UpdatedOld | ReturnValues::UpdatedNew
                );
                let touched = wants_touched.then(|| update.touched());
                Ok(Outcome::Becomes { value, expiry, entries, touched })
            }
        }
    }

    /// Adds to `batch` what changes, and the record of it if `record_at` says which place it has among the changes of the
    /// batch, and says what is answered.
    pub(in crate::dynamo) fn finish(
        self,
        outcome: Outcome,
        metering: Metering,
        record_at: Option<usize>,
        batch: &mut WriteBatch,
    ) -> Result<Answer> {
        let attributes = self.attributes(&outcome).map_err(damaged)?;
        let mut consumed = Meter::default();
        if let Some(mode) = metering {
            let units = self.table_units(&outcome, mode).map_err(damaged)?;
            consumed.add_table(units);
        }
        let meter = metering.map(|_| &mut consumed);
        let mut answer = Answer { attributes, ..Answer::default() };
        let Self { table, write, old, .. } = self;
        if let Some(at) = record_at
            && !matches!(outcome, Outcome::Stays)
        {
            let new = outcome.new_item().map_err(damaged)?;
            change::record_write(table, &write.key, old.as_ref(), new.as_ref(), at, batch);
        }
        match outcome {
            Outcome::Becomes { value, expiry: ItemExpiry { expiry, holds_until }, entries, .. } => {
                index::change(table, &write.key, old.as_ref(), Some(entries), batch, meter)
                    .map_err(damaged)?;
                batch.put_until(write.key, value, expiry);
                answer = Answer { expiry, holds_until, ..answer };
            }
            Outcome::Gone => {
                index::change(table, &write.key, old.as_ref(), None, batch, meter).map_err(damaged)?;
                batch.delete(write.key);
            }
            Outcome::Stays => {}
        }
        Ok(Answer { consumed, ..answer })
    }

    fn table_units(&self, outcome: &Outcome, mode: WriteMode) -> Result<Units, DecodeError> {
        let old_bytes = self.seen().map_or(Ok(0), |old| old.size_bytes())?;
        let new_bytes = match outcome {
            Outcome::Becomes { value, .. } => StoredItem::parse(value)?.size_bytes()?,
            Outcome::Gone | Outcome::Stays => 0,
        };
        Ok(Units::of_write(old_bytes, new_bytes, mode))
    }

    fn attributes(&self, outcome: &Outcome) -> Result<Option<Item>, DecodeError> {
        let seen = self.seen();
        let old = seen.as_ref();
        match (self.write.options.return_values, outcome) {
            (ReturnValues::AllOld, _) => old.map(StoredItem::to_item).transpose(),
            (ReturnValues::AllNew, Outcome::Becomes { value, .. }) => {
                StoredItem::parse(value)?.to_item().map(Some)
            }
            (ReturnValues::UpdatedOld, Outcome::Becomes { touched: Some(touched), .. }) => {
                to_item(touched.parts_of(old)?)
            }
            (ReturnValues::UpdatedNew, Outcome::Becomes { value, touched: Some(touched), .. }) => {
                to_item(touched.parts_of(Some(&StoredItem::parse(value)?))?)
            }
            _ => Ok(None),
        }
    }
}

fn to_item(stored: Option<Vec<u8>>) -> Result<Option<Item>, DecodeError> {
    stored.map(|bytes| StoredItem::parse(&bytes)?.to_item()).transpose()
}
