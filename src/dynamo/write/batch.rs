//! `BatchWriteItem`: puts and deletes that have nothing to do with each other.
//!
//! The whole request is checked before the first write. Each write is then one of its own: they are given their places
//! one after the other, and waited for together, so that they share a sync.

use super::prepare::Request;
use super::request::{
    DeleteRequest, ItemCollectionMetrics, PutRequest, ReturnItemCollectionMetrics, WriteOptions, WriteOutput,
};
use super::single::{Pending, begin};
use crate::base::ident::SeqNo;
use crate::dynamo::capacity::{ConsumedCapacity, ReturnConsumedCapacity};
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::{Fault, Operation};
use crate::dynamo::item_fault::{ReadFault, WriteFault};
use crate::dynamo::item_key::Key;
use crate::dynamo::limits;
use crate::dynamo::store::Store;
use crate::dynamo::tables::arn;
use crate::dynamo::tables::members::check_table_name;
use crate::dynamo::value::Item;
use crate::engine::options::Durability;
use std::collections::{BTreeMap, HashSet};
use std::pin::Pin;
use std::task::{Context, Poll};

/// One write of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum BatchWrite {
    /// Writes an item whole.
    Put(Item),
    /// Removes an item.
    Delete(Key),
}

/// Puts and deletes of several items of several tables, each by itself: some may be done when another fails.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchWriteRequest {
    /// The writes by the name of their table: 25 in all, each item once.
    pub writes: BTreeMap<String, Vec<BatchWrite>>,
    /// Whether to tell what DynamoDB would charge.
    pub return_consumed_capacity: ReturnConsumedCapacity,
    /// Whether to tell the sizes of the items' collections.
    pub return_item_collection_metrics: ReturnItemCollectionMetrics,
    /// What each write must survive before it is acknowledged.
    pub durability: Durability,
}

/// The answer to a batch of writes: all of them are done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchWriteOutput {
    /// What DynamoDB would charge, for each table, if that was asked for.
    pub consumed_capacity: Vec<ConsumedCapacity>,
    /// The sizes of the items' collections by table, if that was asked for.
    pub item_collection_metrics: BTreeMap<String, Vec<ItemCollectionMetrics>>,
}

/// Begins all writes of a batch.
pub fn write(store: &Store, request: BatchWriteRequest) -> Result<PendingBatch> {
    let fault = |fault| Error::new(Operation::BatchWriteItem, fault);
    check_counts(&request).map_err(fault)?;
    let BatchWriteRequest { writes, return_consumed_capacity, return_item_collection_metrics, durability } =
        request;
    let options = WriteOptions {
        return_consumed_capacity,
        return_item_collection_metrics,
        durability,
        ..WriteOptions::default()
    };
    let mut singles = Vec::new();
    for (table, writes) in writes {
        for write in writes {
            singles.push((table.clone(), Single::new(write, &options)));
        }
    }
    let checked = singles.iter().try_for_each(|(_, single)| single.as_request().check().map(drop));
    checked.map_err(fault)?;
    let mut tables = BTreeMap::new();
    for (name, _) in &singles {
        if !tables.contains_key(name) {
            tables.insert(name.clone(), store.catalog.find(Operation::BatchWriteItem, name)?);
        }
    }
    let mut keys = HashSet::new();
    let mut size_bytes = 0;
    let now = store.engine.now();
    for (name, single) in &singles {
        let write = single.as_request().prepare(Operation::BatchWriteItem, &tables[name], now)?;
        size_bytes += write.size_bytes().map_err(|error| Error::damaged("item", error))?;
        if !keys.insert(write.key) {
            return Err(fault(ReadFault::DuplicateKeys.into()));
        }
    }
    if size_bytes > limits::BATCH_WRITE_BYTES_MAX {
        let limit_bytes = limits::BATCH_WRITE_BYTES_MAX;
        return Err(fault(WriteFault::TooLarge { size_bytes, limit_bytes }.into()));
    }
    let mut writes = Vec::with_capacity(singles.len());
    for (name, single) in &singles {
        let begun = begin(store, &tables[name], Operation::BatchWriteItem, single.as_request());
        let progress = begun.map_or_else(|error| Progress::Done(Err(error)), Progress::Waiting);
        writes.push((name.clone(), progress));
    }
    Ok(PendingBatch { writes })
}

/// A write of a batch as the request of one item.
enum Single {
    Put(PutRequest),
    Delete(DeleteRequest),
}

impl Single {
    fn new(write: BatchWrite, options: &WriteOptions) -> Self {
        let options = options.clone();
        match write {
            BatchWrite::Put(item) => Self::Put(PutRequest { item, options, legacy: None }),
            BatchWrite::Delete(key) => Self::Delete(DeleteRequest { key, options, legacy: None }),
        }
    }

    fn as_request(&self) -> Request<'_> {
        match self {
            Self::Put(request) => Request::Put(request),
            Self::Delete(request) => Request::Delete(request),
        }
    }
}

/// A table has 1 to 25 writes, all tables together at most 25.
fn check_counts(request: &BatchWriteRequest) -> Result<(), Fault> {
    let most = limits::BATCH_WRITE_REQUESTS_MAX;
    if request.writes.is_empty() {
        return Err(WriteFault::BatchEmpty.into());
    }
    for (table, writes) in &request.writes {
        check_table_name(arn::table_name(table)?)?;
        if writes.is_empty() || writes.len() > most {
            return Err(WriteFault::BatchTable { table: table.clone() }.into());
        }
    }
    let count: usize = request.writes.values().map(Vec::len).sum();
    if count > most { Err(WriteFault::BatchTooLong.into()) } else { Ok(()) }
}

/// The writes of a batch on their way.
#[derive(Debug)]
#[must_use = "a write is acknowledged only when it has been waited for"]
pub struct PendingBatch {
    writes: Vec<(String, Progress)>,
}

/// What has become of one of them.
#[derive(Debug)]
enum Progress {
    Waiting(Pending),
    Done(Result<WriteOutput>),
}

impl PendingBatch {
    /// Waits until every write is as durable as was asked. All are waited for; the first error is told.
    pub fn wait(self) -> Result<BatchWriteOutput> {
        let outputs = self.writes.into_iter().map(|(table, progress)| {
            let output = match progress {
                Progress::Waiting(pending) => pending.wait(),
                Progress::Done(output) => output,
            };
            (table, output)
        });
        BatchWriteOutput::of(outputs.collect())
    }

    /// Asks without waiting: `None` while a write is not acknowledged. To be asked no more after an answer.
    pub fn step(&mut self) -> Option<Result<BatchWriteOutput>> {
        for (_, progress) in &mut self.writes {
            if let Progress::Waiting(pending) = progress {
                *progress = Progress::Done(pending.step()?);
            }
        }
        Some(self.answer())
    }

    /// REQUIRES: every write is done.
    fn answer(&mut self) -> Result<BatchWriteOutput> {
        let outputs = std::mem::take(&mut self.writes).into_iter().filter_map(|(table, progress)| {
            let Progress::Done(output) = progress else { return None };
            Some((table, output))
        });
        BatchWriteOutput::of(outputs.collect())
    }

    /// The places of the writes in the order of commits, as [`Pending::seqno`] tells them: table by table, each in the
    /// order of the request. None for a write that was refused.
    pub fn seqnos(&self) -> Vec<Option<SeqNo>> {
        let seqno = |progress: &Progress| match progress {
            Progress::Waiting(pending) => Some(pending.seqno()),
            Progress::Done(output) => output.as_ref().ok().map(|output| output.commit.seqno),
        };
        self.writes.iter().map(|(_, progress)| seqno(progress)).collect()
    }
}

impl Future for PendingBatch {
    type Output = Result<BatchWriteOutput>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let batch = self.get_mut();
        let mut is_done = true;
        for (_, progress) in &mut batch.writes {
            if let Progress::Waiting(pending) = progress {
                match Pin::new(pending).poll(context) {
                    Poll::Ready(output) => *progress = Progress::Done(output),
                    Poll::Pending => is_done = false,
                }
            }
        }
        if is_done { Poll::Ready(batch.answer()) } else { Poll::Pending }
    }
}

impl BatchWriteOutput {
    fn of(outputs: Vec<(String, Result<WriteOutput>)>) -> Result<Self> {
        let mut output = Self::default();
        for (table, written) in outputs {
            let WriteOutput { consumed_capacity, item_collection_metrics, .. } = written?;
            if let Some(consumed) = consumed_capacity {
                output.add_capacity(consumed);
            }
            if let Some(metrics) = item_collection_metrics {
                let of_table = output.item_collection_metrics.entry(table).or_default();
                if !of_table.contains(&metrics) {
                    of_table.push(metrics);
                }
            }
        }
        Ok(output)
    }

    fn add_capacity(&mut self, consumed: ConsumedCapacity) {
        match self.consumed_capacity.iter_mut().find(|earlier| earlier.table_name == consumed.table_name) {
            Some(earlier) => earlier.add(&consumed),
            None => self.consumed_capacity.push(consumed),
        }
    }
}
