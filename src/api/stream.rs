//! A stream of changes: the handle that records are read through, and its named consumers.

use crate::dynamo::catalog::Catalog;
use crate::dynamo::error::Result;
use crate::dynamo::fault::Operation;
use crate::dynamo::limits;
use crate::dynamo::stream::read::{self, StreamPlace, StreamStart};
use crate::dynamo::stream::record::StreamRecord;
use crate::dynamo::stream::{consumer, describe};
use crate::dynamo::tables::settings::StreamViewType;
use crate::dynamo::tables::stream::StreamDescriptor;
use crate::engine::store::Engine;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The stream of a table: one record for each item that a commit changed, in the order of commits. Cheap to clone.
///
/// A record is told when its change is durable: at once for a durable write, a moment later for a buffered one. Records
/// are kept for 24 hours, or as [`DatabaseOptions::stream_retention`](super::database::DatabaseOptions) says.
///
/// ```
/// use pixii::{CreateTableRequest, Database, KeyType, StreamSpecification, StreamViewType, TableSchema};
///
/// let database = Database::in_memory()?;
/// let schema = TableSchema::builder("Orders").partition_key("id", KeyType::Number).build()?;
/// let stream_view_type = Some(StreamViewType::NewAndOldImages);
/// database.create_table(CreateTableRequest {
///     stream_specification: Some(StreamSpecification { stream_enabled: true, stream_view_type }),
///     ..schema.into()
/// })?;
///
/// let mut outbox = database.stream("Orders")?.consumer("outbox")?;
/// for record in outbox.next_batch(100)? {
///     println!("{} {:?}", record.event_name, record.new_image);
/// }
/// outbox.commit()?; // what was read before is not read again, also after a restart
/// # Ok::<(), pixii::Error>(())
/// ```
#[derive(Clone)]
pub struct Stream {
    engine: Engine,
    catalog: Arc<Catalog>,
    descriptor: StreamDescriptor,
}

impl Stream {
    pub(super) fn new(engine: Engine, catalog: Arc<Catalog>, descriptor: StreamDescriptor) -> Self {
        Self { engine, catalog, descriptor }
    }

    /// Its table's name.
    pub fn table_name(&self) -> &str {
        &self.descriptor.table
    }

    /// Its long name.
    pub fn arn(&self) -> String {
        self.descriptor.arn()
    }

    /// When it began, as DynamoDB writes it.
    pub fn label(&self) -> String {
        self.descriptor.label()
    }

    /// What its records hold.
    pub fn view_type(&self) -> StreamViewType {
        self.descriptor.view_type
    }

    /// The records that are kept, from the oldest one on.
    pub fn records(&self) -> Result<StreamRecords> {
        self.records_from(StreamStart::TrimHorizon)
    }

    /// The records from a place on, if none of them was trimmed.
    ///
    /// ```
    /// # use pixii::{CreateTableRequest, Database, KeyType, StreamSpecification, StreamViewType, TableSchema};
    /// use pixii::StreamStart;
    ///
    /// # let database = Database::in_memory()?;
    /// # let schema = TableSchema::builder("Orders").partition_key("id", KeyType::Number).build()?;
    /// # let stream_view_type = Some(StreamViewType::KeysOnly);
    /// # database.create_table(CreateTableRequest {
    /// #     stream_specification: Some(StreamSpecification { stream_enabled: true, stream_view_type }),
    /// #     ..schema.into()
    /// # })?;
    /// let mut newer = database.stream("Orders")?.records_from(StreamStart::Latest)?;
    /// assert!(newer.next().is_none(), "nothing was written since; there may be more later");
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn records_from(&self, start: StreamStart) -> Result<StreamRecords> {
        let place = read::place(&self.engine, &self.current()?, start)?;
        Ok(StreamRecords { stream: self.clone(), next: Some(place), page: Vec::new().into_iter() })
    }

    /// The consumer of that name, which goes on where it last [committed](StreamConsumer::commit), or else begins at the
    /// oldest record that is kept.
    ///
    /// Consumers belong to the stream, not to the table: the next stream of the table has others. One at a time should
    /// use a name.
    pub fn consumer(&self, name: &str) -> Result<StreamConsumer> {
        let next = match consumer::load(&self.engine, &self.current()?, name)? {
            Some(place) => place,
            None => read::place(&self.engine, &self.descriptor, StreamStart::TrimHorizon)?,
        };
        Ok(StreamConsumer { stream: self.clone(), name: name.to_owned(), next: Some(next), read: next })
    }

    /// The names of the consumers that have committed, in the order of their bytes.
    pub fn consumers(&self) -> Result<Vec<String>> {
        consumer::names(&self.engine, &self.current()?)
    }

    /// Forgets how far a consumer has come, durably.
    pub fn remove_consumer(&self, name: &str) -> Result<()> {
        consumer::remove(&self.engine, &self.catalog, &self.descriptor, name)
    }

    /// The stream as it is now: it may have ended, or be gone.
    fn current(&self) -> Result<StreamDescriptor> {
        describe::find(&self.catalog, Operation::GetRecords, &self.descriptor.arn())
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stream").field(&self.arn()).finish()
    }
}

/// The records of a stream from a place on.
///
/// It gives `None` when it has given all that is durable, and goes on when there is more. After an error it gives `None`
/// for ever.
#[derive(Clone, Debug)]
pub struct StreamRecords {
    stream: Stream,
    /// Where the next page begins.
    next: Option<StreamPlace>,
    page: std::vec::IntoIter<StreamRecord>,
}

impl StreamRecords {
    fn fetch(&mut self) -> Result<()> {
        // Taken, so that an error is the end.
        let Some(place) = self.next.take() else { return Ok(()) };
        let page =
            read::read(&self.stream.engine, &self.stream.current()?, place, limits::STREAM_RECORDS_MAX)?;
        (self.next, self.page) = (page.next, page.records.into_iter());
        Ok(())
    }
}

impl Iterator for StreamRecords {
    type Item = Result<StreamRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.as_slice().is_empty()
            && let Err(error) = self.fetch()
        {
            return Some(Err(error));
        }
        self.page.next().map(Ok)
    }
}

/// A consumer of a stream whose place is kept.
///
/// Every record is read at least once: what was read after the last commit is read again by whoever goes on under that
/// name. A consumer that stays away for longer than records are kept is told so, by an error of the kind
/// [`TrimmedDataAccess`](crate::dynamo::error::ErrorKind::TrimmedDataAccess), and goes on after a
/// [`reset`](Self::reset).
#[derive(Clone, Debug)]
pub struct StreamConsumer {
    stream: Stream,
    name: String,
    /// Where the next batch begins; none if no record can follow.
    next: Option<StreamPlace>,
    /// Behind the last record that was read.
    read: StreamPlace,
}

impl StreamConsumer {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the stream has ended and all of its records were read.
    pub fn is_finished(&self) -> bool {
        self.next.is_none()
    }

    /// The next records that are durable, at most `limit` and at most 1 MB of them, without waiting.
    pub fn next_batch(&mut self, limit: usize) -> Result<Vec<StreamRecord>> {
        let Some(place) = self.next else { return Ok(Vec::new()) };
        let limit = limit.clamp(1, limits::STREAM_RECORDS_MAX);
        let page = read::read(&self.stream.engine, &self.stream.current()?, place, limit)?;
        (self.next, self.read) = (page.next, page.behind(place));
        Ok(page.records)
    }

    /// As [`next_batch`](Self::next_batch), but waits up to `timeout` while there is no record.
    pub fn wait_batch(&mut self, limit: usize, timeout: Duration) -> Result<Vec<StreamRecord>> {
        let engine = self.stream.engine.clone();
        let clock = Arc::clone(&engine.environment().clock);
        let until = clock.monotonic().saturating_add(timeout);
        loop {
            let seen = engine.durable();
            let records = self.next_batch(limit)?;
            let left = until.saturating_sub(clock.monotonic());
            if !records.is_empty() || self.is_finished() || left.is_zero() {
                return Ok(records);
            }
            engine.wait_durable(seen, left)?;
        }
    }

    /// Keeps the place behind the last record that was read, durably: whoever goes on under this name begins there.
    pub fn commit(&self) -> Result<()> {
        let Stream { engine, catalog, descriptor } = &self.stream;
        consumer::store(engine, catalog, descriptor, &self.name, self.read)
    }

    /// Goes to another place. It is kept with the next commit.
    pub fn reset(&mut self, start: StreamStart) -> Result<()> {
        let place = read::place(&self.stream.engine, &self.stream.current()?, start)?;
        (self.next, self.read) = (Some(place), place);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::error::ErrorKind;
    use crate::dynamo::stream::support::{DAY, Store, number};
    use crate::engine::store::Engine;

    fn stream(store: &Store) -> Stream {
        let catalog = Arc::new(Catalog::open(&store.engine).expect("a whole catalog"));
        Stream::new(store.engine.clone(), catalog, store.stream())
    }

    fn numbers(records: &[StreamRecord]) -> Vec<u64> {
        records.iter().map(number).collect()
    }

    #[test]
    fn records_go_on_when_there_are_more() {
        let store = Store::new(StreamViewType::KeysOnly);
        (1..=2).for_each(|number| store.put(number));
        let mut records = stream(&store).records().expect("nothing was trimmed");
        let all = |records: &mut StreamRecords| {
            let records = records.collect::<Result<Vec<_>>>().expect("nothing was trimmed");
            numbers(&records)
        };
        assert_eq!(all(&mut records), [1, 2]);
        store.put(3);
        assert_eq!(all(&mut records), [3]);
    }

    #[test]
    fn a_consumer_goes_on_where_it_committed_also_after_a_restart() {
        let store = Store::new(StreamViewType::KeysOnly);
        (1..=3).for_each(|number| store.put(number));
        let mut consumer = stream(&store).consumer("outbox").expect("nothing was trimmed");
        assert_eq!(numbers(&consumer.next_batch(2).expect("nothing was trimmed")), [1, 2]);
        consumer.commit().expect("space");
        assert_eq!(numbers(&consumer.next_batch(2).expect("nothing was trimmed")), [3]);
        drop(consumer);
        let store = store.reopen();
        let stream = stream(&store);
        assert_eq!(stream.consumers().expect("it can be read"), ["outbox"]);
        let mut consumer = stream.consumer("outbox").expect("nothing was trimmed");
        assert_eq!(
            numbers(&consumer.next_batch(9).expect("nothing was trimmed")),
            [3],
            "it was not committed"
        );
        let mut other = stream.consumer("other").expect("nothing was trimmed");
        assert_eq!(other.next_batch(9).expect("nothing was trimmed").len(), 3);
        other.reset(StreamStart::Latest).expect("it is there");
        other.commit().expect("space");
        store.put(4);
        let mut other = stream.consumer("other").expect("nothing was trimmed");
        assert_eq!(numbers(&other.next_batch(9).expect("nothing was trimmed")), [4]);
    }

    #[test]
    fn a_consumer_that_retention_has_overtaken_is_told_and_goes_on_after_a_reset() {
        let store = Store::new(StreamViewType::KeysOnly);
        store.put(1);
        let mut consumer = stream(&store).consumer("outbox").expect("nothing was trimmed");
        consumer.commit().expect("space");
        store.simulation.clock().advance(DAY);
        store.put(2);
        store.trim(100);
        for _ in 0..2 {
            let error = consumer.next_batch(9).expect_err("1 was trimmed");
            assert_eq!(error.kind(), ErrorKind::TrimmedDataAccess);
        }
        consumer.reset(StreamStart::TrimHorizon).expect("it is there");
        assert_eq!(numbers(&consumer.next_batch(9).expect("2 is kept")), [2]);
    }

    #[test]
    fn a_consumer_waits_for_records_and_no_longer_than_it_wants() {
        let store = Store::new(StreamViewType::KeysOnly);
        let mut consumer = stream(&store).consumer("outbox").expect("nothing was trimmed");
        let monotonic = |engine: &Engine| engine.environment().clock.monotonic();
        let before = monotonic(&store.engine);
        let none = consumer.wait_batch(9, Duration::from_secs(5)).expect("nothing was trimmed");
        assert!(none.is_empty() && monotonic(&store.engine) >= before + Duration::from_secs(5));
        store.put(1);
        assert_eq!(numbers(&consumer.wait_batch(9, Duration::ZERO).expect("nothing was trimmed")), [1]);
    }

    #[test]
    fn a_consumer_on_a_thread_is_woken_by_a_commit() {
        use crate::api::database::Database;
        use crate::dynamo::key::KeyType;
        use crate::dynamo::schema::TableSchema;
        use crate::dynamo::stream::change::Cause;
        use crate::dynamo::stream::support::{Write, commit, item, on};
        use crate::dynamo::tables::request::CreateTableRequest;
        use crate::engine::options::Durability;

        let database = Database::in_memory().expect("a new database");
        let schema = TableSchema::builder("Music").partition_key("pk", KeyType::String);
        let schema = schema.sort_key("sk", KeyType::Number).build().expect("a valid schema");
        let stream_specification = Some(on(StreamViewType::NewImage));
        database
            .create_table(CreateTableRequest { stream_specification, ..schema.into() })
            .expect("a new table");
        let stream = database.stream("Music").expect("it has one");
        let mut consumer = stream.consumer("outbox").expect("nothing was trimmed");
        std::thread::scope(|scope| {
            let told = scope.spawn(move || consumer.wait_batch(9, Duration::from_secs(60)));
            let table = stream.catalog.find(Operation::PutItem, "Music").expect("it was made");
            let writes = vec![Write::Put(item(1))];
            commit(&stream.engine, &table, writes, Cause::User, Durability::Durable);
            let told = told.join().expect("no panic").expect("nothing was trimmed");
            assert_eq!(told[0].new_image, Some(item(1)));
        });
    }
}
