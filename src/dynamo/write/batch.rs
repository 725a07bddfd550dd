//! `BatchWriteItem`: puts and deletes that have nothing to do with each other.
//!
//! The whole request is checked before the first write. Each write is then one of its own: they are given their places
//! one after the other, and waited for together, so that they share a sync.

use super::prepare::Request;
use super::request::{
    DeleteRequest, ItemCollectionMetrics, PutRequest, ReturnItemCollectionMetrics, WriteOptions, WriteOutput,
};
use super::single::{Pending, begin};
use crate::base::error::Outcome;
use crate::base::ident::SeqNo;
use crate::dynamo::capacity::{ConsumedCapacity, ReturnConsumedCapacity};
use crate::dynamo::error::{Error, ErrorKind, Result};
use crate::dynamo::fault::{Fault, Operation};
use crate::dynamo::item_fault::{ReadFault, WriteFault};
use crate::dynamo::item_key::Key;
use crate::dynamo::limits;
use crate::dynamo::store::Store;
use crate::dynamo::tables::arn;
use crate::dynamo::tables::members::check_table_name;
use crate::dynamo::value::Item;
use crate::engine::commit::Commit;
use crate::engine::options::Durability;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
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

/// Why not all writes of a batch are done, and what became of each. A batch is no transaction: others may be done.
///
/// What was rejected can be sent again as it is, which [`unprocessed`](Self::unprocessed) gives as a request has it. What
/// is unknown is decided when the database is opened again; to send it again then does no harm either, as long as nobody
/// else has written the item meanwhile.
///
/// Where only one error is asked for, `?` makes it an [`Error`]: [`error`](Self::error).
///
/// ```
/// use pixii::{BatchWrite, BatchWriteRequest, Database, Item, KeyType, TableSchema};
///
/// # fn main() -> Result<(), pixii::Error> {
/// let database = Database::in_memory()?;
/// database.create_table(TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?)?;
/// let writes = [("Notes".to_owned(), vec![BatchWrite::Put(Item::new().with("id", 1))])].into();
/// match database.batch_write(BatchWriteRequest { writes, ..BatchWriteRequest::default() }) {
///     Ok(_) => println!("all are done"),
///     Err(error) if error.unknown().is_empty() => println!("to be sent again: {:?}", error.unprocessed()),
///     Err(error) => return Err(error.into()),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BatchWriteError {
    error: Error,
    writes: BTreeMap<String, Vec<(BatchWrite, BatchWriteFate)>>,
}

/// What has become of a write of a batch of which not all are done.
#[derive(Clone, Debug)]
pub enum BatchWriteFate {
    /// It is done, and as durable as was asked.
    Done(Commit),
    /// Nothing of it was written and nothing ever will be.
    Rejected(Error),
    /// It will be found or not when the database is opened again.
    Unknown(Error),
}

impl BatchWriteError {
    /// An error that is unknown in its outcome, if there is one: then it is not known what the batch has done. Otherwise
    /// the first one.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The kind of that error.
    pub fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    /// What became of each write, table by table, each in the order of the request. Nothing if the batch was refused as a
    /// whole, before any of its writes began.
    pub fn writes(&self) -> &BTreeMap<String, Vec<(BatchWrite, BatchWriteFate)>> {
        &self.writes
    }

    /// How many writes are done.
    pub fn done_count(&self) -> usize {
        let fates = self.writes.values().flatten();
        fates.filter(|(_, fate)| matches!(fate, BatchWriteFate::Done(_))).count()
    }

    /// The writes that were rejected, as a request has them: DynamoDB's `UnprocessedItems`.
    pub fn unprocessed(&self) -> BTreeMap<String, Vec<BatchWrite>> {
        self.those(|fate| matches!(fate, BatchWriteFate::Rejected(_)))
    }

    /// The writes whose outcome is unknown, as a request has them.
    pub fn unknown(&self) -> BTreeMap<String, Vec<BatchWrite>> {
        self.those(|fate| matches!(fate, BatchWriteFate::Unknown(_)))
    }

    fn those(&self, is_one: impl Fn(&BatchWriteFate) -> bool) -> BTreeMap<String, Vec<BatchWrite>> {
        let mut found = BTreeMap::new();
        for (table, writes) in &self.writes {
            let of_table = writes.iter().filter(|(_, fate)| is_one(fate)).map(|(write, _)| write.clone());
            let of_table: Vec<_> = of_table.collect();
            if !of_table.is_empty() {
                found.insert(table.clone(), of_table);
            }
        }
        found
    }
}

/// The batch was refused as a whole.
impl From<Error> for BatchWriteError {
    fn from(error: Error) -> Self {
        Self { error, writes: BTreeMap::new() }
    }
}

impl From<BatchWriteError> for Error {
    fn from(error: BatchWriteError) -> Self {
        error.error
    }
}

impl fmt::Display for BatchWriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)?;
        if self.writes.is_empty() {
            return Ok(());
        }
        let count = |writes: &BTreeMap<String, Vec<BatchWrite>>| writes.values().map(Vec::len).sum::<usize>();
        let (rejected, unknown) = (count(&self.unprocessed()), count(&self.unknown()));
        let done = self.done_count();
        write!(f, " (of the writes of the batch {done} are done, {rejected} rejected and {unknown} unknown)")
    }
}

impl std::error::Error for BatchWriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
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
    let writes = singles.into_iter().zip(writes);
    let writes = writes.map(|((_, single), (table, progress))| BegunWrite {
        table,
        write: single.into_write(),
        progress,
    });
    Ok(PendingBatch { writes: writes.collect() })
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

    fn into_write(self) -> BatchWrite {
        match self {
            Self::Put(request) => BatchWrite::Put(request.item),
            Self::Delete(request) => BatchWrite::Delete(request.key),
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
    writes: Vec<BegunWrite>,
}

#[derive(Debug)]
struct BegunWrite {
    table: String,
    write: BatchWrite,
    progress: Progress,
}

/// What has become of one of them.
#[derive(Debug)]
enum Progress {
    Waiting(Pending),
    Done(Result<WriteOutput>),
    /// It was taken to be waited for.
    Over,
}

impl PendingBatch {
    /// Waits until every write is as durable as was asked, or has failed.
    pub fn wait(mut self) -> Result<BatchWriteOutput, BatchWriteError> {
        for begun in &mut self.writes {
            begun.progress = match std::mem::replace(&mut begun.progress, Progress::Over) {
                Progress::Waiting(pending) => Progress::Done(pending.wait()),
                done => done,
            };
        }
        self.answer()
    }

    /// Asks without waiting: `None` while a write is not acknowledged. To be asked no more after an answer.
    pub fn step(&mut self) -> Option<Result<BatchWriteOutput, BatchWriteError>> {
        for BegunWrite { progress, .. } in &mut self.writes {
            if let Progress::Waiting(pending) = progress {
                *progress = Progress::Done(pending.step()?);
            }
        }
        Some(self.answer())
    }

    /// REQUIRES: every write is done.
    fn answer(&mut self) -> Result<BatchWriteOutput, BatchWriteError> {
        let mut answer = BatchWriteOutput::default();
        let mut fates: BTreeMap<String, Vec<(BatchWrite, BatchWriteFate)>> = BTreeMap::new();
        let mut error: Option<Error> = None;
        for BegunWrite { table, write, progress } in std::mem::take(&mut self.writes) {
            let Progress::Done(output) = progress else { continue };
            let fate = match output {
                Ok(output) => {
                    let commit = output.commit;
                    answer.add(&table, output);
                    BatchWriteFate::Done(commit)
                }
                Err(failure) => {
                    let is_unknown = failure.outcome() == Outcome::Unknown;
                    match &error {
                        Some(told) if !is_unknown || told.outcome() == Outcome::Unknown => {}
                        _ => error = Some(failure.clone()),
                    }
                    if is_unknown {
                        BatchWriteFate::Unknown(failure)
                    } else {
                        BatchWriteFate::Rejected(failure)
                    }
                }
            };
            fates.entry(table).or_default().push((write, fate));
        }
        match error {
            None => Ok(answer),
            Some(error) => Err(BatchWriteError { error, writes: fates }),
        }
    }

    /// The places of the writes in the order of commits, as [`Pending::seqno`] tells them: table by table, each in the
    /// order of the request. None for a write that was refused.
    pub fn seqnos(&self) -> Vec<Option<SeqNo>> {
        let seqno = |progress: &Progress| match progress {
            Progress::Waiting(pending) => Some(pending.seqno()),
            Progress::Done(output) => output.as_ref().ok().map(|output| output.commit.seqno),
            Progress::Over => None,
        };
        self.writes.iter().map(|begun| seqno(&begun.progress)).collect()
    }
}

impl Future for PendingBatch {
    type Output = Result<BatchWriteOutput, BatchWriteError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let batch = self.get_mut();
        let mut is_done = true;
        for BegunWrite { progress, .. } in &mut batch.writes {
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
    /// Adds the answer of one write to a table.
    fn add(&mut self, table: &str, written: WriteOutput) {
        let WriteOutput { consumed_capacity, item_collection_metrics, .. } = written;
        if let Some(consumed) = consumed_capacity {
            self.add_capacity(consumed);
        }
        if let Some(metrics) = item_collection_metrics {
            let of_table = self.item_collection_metrics.entry(table.to_owned()).or_default();
            if !of_table.contains(&metrics) {
                of_table.push(metrics);
            }
        }
    }

    fn add_capacity(&mut self, consumed: ConsumedCapacity) {
        match self.consumed_capacity.iter_mut().find(|earlier| earlier.table_name == consumed.table_name) {
            Some(earlier) => earlier.add(&consumed),
            None => self.consumed_capacity.push(consumed),
        }
    }
}
