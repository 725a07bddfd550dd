//! Named consumers of a stream, whose place is kept.
//!
//! A consumer belongs to one stream: when the stream is disabled and enabled again, the new one has consumers of its
//! own. Its place is a row that lives as long as its stream does. Two who use one name at the same time overwrite each
//! other's place; both are told of every record that they read.

use super::read::StreamPlace;
use super::sequence_number::SequenceNumber;
use crate::base::batch::WriteBatch;
use crate::base::ident::CommitTime;
use crate::base::planted::{Bug, planted};
use crate::dynamo::catalog::Catalog;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::Operation;
use crate::dynamo::limits;
use crate::dynamo::stream_fault::StreamFault;
use crate::dynamo::system_rows::{ended_stream_row, stream_consumer_row, stream_consumers};
use crate::dynamo::tables::stream::StreamDescriptor;
use crate::engine::options::Durability;
use crate::engine::store::Engine;
use crate::format::metadata;
use serde::{Deserialize, Serialize};

/// How far a consumer has come, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct ConsumerRow {
    next: SequenceNumber,
    not_before_millis: u64,
}

/// The names of the consumers whose place is kept, in the order of their bytes.
pub fn names(engine: &Engine, stream: &StreamDescriptor) -> Result<Vec<String>> {
    Ok(stream_consumers(engine, stream.keyspace)?.into_iter().map(|(name, _)| name).collect())
}

/// How far a consumer has come; none if its place was never kept.
pub fn load(engine: &Engine, stream: &StreamDescriptor, name: &str) -> Result<Option<StreamPlace>> {
    if name.is_empty() || name.len() > limits::CONSUMER_NAME_BYTES_MAX {
        let fault = StreamFault::ConsumerName { name: name.to_owned() };
        return Err(Error::new(Operation::GetRecords, fault.into()));
    }
    let row = engine.get(&stream_consumer_row(stream.keyspace, name), None, <[u8]>::to_vec)?;
    let row: Option<ConsumerRow> = row
        .map(|row| metadata::decode(&row).map_err(|error| Error::damaged("consumer's place", error)))
        .transpose()?;
    Ok(row.map(|row| StreamPlace { next: row.next, not_before: CommitTime(row.not_before_millis) }))
}

/// Keeps how far a consumer has come, durably.
pub fn store(
    engine: &Engine,
    catalog: &Catalog,
    stream: &StreamDescriptor,
    name: &str,
    place: StreamPlace,
) -> Result<()> {
    let row = ConsumerRow { next: place.next, not_before_millis: place.not_before.0 };
    change(engine, catalog, stream, |batch| {
        batch.put(stream_consumer_row(stream.keyspace, name), metadata::encode(&row));
    })
}

/// Forgets a consumer's place, durably. Nothing happens to one whose place was never kept.
pub fn remove(engine: &Engine, catalog: &Catalog, stream: &StreamDescriptor, name: &str) -> Result<()> {
    change(engine, catalog, stream, |batch| batch.delete(stream_consumer_row(stream.keyspace, name)))
}

fn change(
    engine: &Engine,
    catalog: &Catalog,
    stream: &StreamDescriptor,
    change: impl FnOnce(&mut WriteBatch),
) -> Result<()> {
    let ended_row = ended_stream_row(stream.keyspace);
    engine.pay_back_pressure()?;
    let guard = engine.lock_keys(vec![ended_row.clone()]);
    // Who forgets a stream holds the same lock, so that no row of it is left behind.
    let current = catalog.stream(&stream.table, &stream.label());
    let is_kept = match current {
        None => false,
        Some(current) => current.is_open() || engine.latest(&ended_row, |_| ())?.is_some(),
    };
    if !is_kept {
        let fault = StreamFault::StreamNotFound { stream: stream.arn() };
        return Err(Error::new(Operation::GetRecords, fault.into()));
    }
    let mut batch = WriteBatch::new();
    change(&mut batch);
    let is_buffered = planted(Bug::ConsumerPlaceBuffered);
    let durability = if is_buffered { Durability::Buffered } else { Durability::Durable };
    let ticket = engine.submit(&batch, durability)?;
    drop(guard);
    ticket.wait()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ident::SeqNo;
    use crate::dynamo::stream::support::{OFF, Store, on};
    use crate::dynamo::tables::settings::StreamViewType;

    #[test]
    fn places_are_kept_by_stream_and_name_until_they_are_removed() {
        let store = Store::new(StreamViewType::KeysOnly);
        let stream = store.stream();
        let at = |seqno| StreamPlace::before(SequenceNumber::first_of(SeqNo(seqno)));
        let load =
            |store: &Store, stream, name| super::load(&store.engine, stream, name).expect("it can be read");
        for (name, seqno) in [("two", 7), ("one", 8), ("two", 9)] {
            super::store(&store.engine, &store.catalog, &stream, name, at(seqno)).expect("space");
        }
        let store = store.reopen();
        assert_eq!(names(&store.engine, &stream).expect("it can be read"), ["one", "two"]);
        assert_eq!(load(&store, &stream, "two"), Some(at(9)));
        store.switch(OFF);
        super::store(&store.engine, &store.catalog, &stream, "two", at(10)).expect("it can still be read");
        store.switch(on(StreamViewType::KeysOnly));
        let next = store.catalog.streams().remove(1);
        assert_eq!((load(&store, &stream, "two"), load(&store, &next, "two")), (Some(at(10)), None));
        remove(&store.engine, &store.catalog, &stream, "two").expect("space");
        assert_eq!((load(&store, &stream, "two"), load(&store, &stream, "one")), (None, Some(at(8))));
        let long = "x".repeat(256);
        for name in ["", &long] {
            assert!(super::load(&store.engine, &stream, name).is_err(), "{name}");
        }
    }
}
