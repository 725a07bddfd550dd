//! What a write does to an item as it is. All of this is pure.
//!
//! The steps, in an order that the operation chooses: does the item meet the condition (`meets_condition`); what does it
//! become (`outcome`); what changes in the batch, and what is answered (`finish`).

use super::prepare::{Change, ItemWrite, UpdateSource};
use super::request::{ReturnValues, ReturnValuesOnConditionCheckFailure};
use crate::base::batch::WriteBatch;
use crate::base::codec::DecodeError;
use crate::dynamo::capacity::{Meter, Units, WriteMode};
use crate::dynamo::error::{Error, Result};
use crate::dynamo::expression::project::PreparedProjection;
use crate::dynamo::expression::update::UpdateFault;
use crate::dynamo::fault::{Fault, Operation};
use crate::dynamo::index::{self, IndexEntry, Touched};
use crate::dynamo::item_fault::WriteFault;
use crate::dynamo::legacy::fault::LegacyFault;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::stream::change::{self, Cause};
use crate::dynamo::table::TableDescriptor;
use crate::dynamo::value::{Item, ValueFault};

/// One write, and the item that it meets.
pub(in crate::dynamo) struct Deciding<'a> {
    pub(in crate::dynamo) operation: Operation,
    pub(in crate::dynamo) table: &'a TableDescriptor,
    pub(in crate::dynamo) write: ItemWrite<'a>,
    /// The item as it is, if it was read and there is one.
    pub(in crate::dynamo) old: Option<StoredItem<'a>>,
}

/// What becomes of the item.
pub(in crate::dynamo) enum Outcome {
    /// Its stored form and its index entries are these from now on; of an update, with what it touched.
    Becomes { value: Vec<u8>, entries: Vec<Option<IndexEntry>>, touched: Option<PreparedProjection> },
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
}

/// Whether what a write costs is counted, and how.
pub(in crate::dynamo) type Metering = Option<WriteMode>;

fn damaged(error: DecodeError) -> Error {
    Error::damaged("item", error)
}

impl Deciding<'_> {
    /// Whether the item meets the write's condition.
    pub(in crate::dynamo) fn meets_condition(&self) -> Result<bool> {
        let Some(condition) = &self.write.options.condition else { return Ok(true) };
        condition.matches(self.old.as_ref()).map_err(damaged)
    }

    /// What is told when it does not.
    pub(in crate::dynamo) fn condition_fault(&self) -> Result<Error> {
        let is_wanted = self.write.options.return_values_on_condition_check_failure
            == ReturnValuesOnConditionCheckFailure::AllOld;
        let old = self.old.filter(|_| is_wanted);
        let item = old.map(|old| old.to_item()).transpose().map_err(damaged)?;
        let fault = WriteFault::ConditionFailed { item: item.map(Box::new) };
        Ok(Error::new(self.operation, fault.into()))
    }

    /// What the item becomes; of an update this can be refused. To be asked once.
    pub(in crate::dynamo) fn outcome(&mut self) -> Result<Outcome> {
        match std::mem::replace(&mut self.write.change, Change::Check) {
            Change::Put { value, entries } => Ok(Outcome::Becomes { value, entries, touched: None }),
            Change::Delete => Ok(Outcome::Gone),
            Change::Check => Ok(Outcome::Stays),
            Change::Update { update, said_by, key } => {
                // Within a transaction, too, an update is refused in an update's words.
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
                let applied = update.apply(self.old.as_ref(), &key).map_err(refused)?;
                // The answer that nothing is there must be as durable as was asked: a tombstone says so.
                let Some(value) = applied else { return Ok(Outcome::Gone) };
                let item = StoredItem::parse(&value).map_err(damaged)?;
                let names = update.actions.iter().map(|action| action.path().root()).collect();
                let entries = index::entries(self.table, &self.write.key, &item, Touched::Names(&names));
                let entries = entries.map_err(|error| error.into_error(operation))?;
                let wants_touched = matches!(
                    self.write.options.return_values,
                    ReturnValues::UpdatedOld | ReturnValues::UpdatedNew
                );
                Ok(Outcome::Becomes { value, entries, touched: wants_touched.then(|| update.touched()) })
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
        let Self { table, write, old, .. } = self;
        if let Some(at) = record_at
            && !matches!(outcome, Outcome::Stays)
        {
            let new = outcome.new_item().map_err(damaged)?;
            change::record(table, &write.key, old.as_ref(), new.as_ref(), Cause::User, at, batch);
        }
        match outcome {
            Outcome::Becomes { value, entries, .. } => {
                index::change(table, &write.key, old.as_ref(), Some(entries), batch, meter)
                    .map_err(damaged)?;
                batch.put(write.key, value);
            }
            Outcome::Gone => {
                index::change(table, &write.key, old.as_ref(), None, batch, meter).map_err(damaged)?;
                batch.delete(write.key);
            }
            Outcome::Stays => {}
        }
        Ok(Answer { attributes, consumed })
    }

    fn table_units(&self, outcome: &Outcome, mode: WriteMode) -> Result<Units, DecodeError> {
        let old_bytes = self.old.map_or(Ok(0), |old| old.size_bytes())?;
        let new_bytes = match outcome {
            Outcome::Becomes { value, .. } => StoredItem::parse(value)?.size_bytes()?,
            Outcome::Gone | Outcome::Stays => 0,
        };
        Ok(Units::of_write(old_bytes, new_bytes, mode))
    }

    fn attributes(&self, outcome: &Outcome) -> Result<Option<Item>, DecodeError> {
        let old = self.old.as_ref();
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
