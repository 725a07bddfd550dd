//! Replaying commits: from the records of a log into a memtable, and from there into tables.

use super::commit::Commit;
use super::options::EngineOptions;
use crate::base::batch::{self, BatchHeader};
use crate::base::codec::DecodeError;
use crate::base::error::{Result, StoreError};
use crate::base::ident::Moment;
use crate::env::environment::Environment;
use crate::format::manifest::TableMeta;
use crate::lsm::memtable::table::{Memtable, MemtableCursor, Versions};
use crate::lsm::merge_job::{MergeJob, Output, Progress};
use crate::lsm::reclaim::Reclaim;
use crate::lsm::retention::Retention;
use crate::lsm::timeline;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Checks the record of a batch whole, before anything of it is believed, and tells what it begins with.
pub(super) fn header(path: &Path, record: &[u8], offset: u64) -> Result<BatchHeader> {
    batch::decode(record, |_| ()).map_err(|error| corrupt(path, offset, &error))
}

/// Replays the batch that follows `last`, which becomes its commit.
pub(super) fn replay(
    memtable: &Memtable,
    last: &mut Commit,
    path: &Path,
    record: &[u8],
    offset: u64,
) -> Result<()> {
    let header = header(path, record, offset)?;
    let expected = last.seqno.next();
    if header.seqno != expected {
        let expected = format!("the batch with sequence number {expected}, not {}", header.seqno);
        return Err(StoreError::corruption(path, offset, expected));
    }
    batch::decode(record, |entry| memtable.insert(&entry)).map_err(|error| corrupt(path, offset, &error))?;
    let next = Commit { seqno: header.seqno, time: header.time.max(last.time) };
    timeline::note(memtable, last.time, Moment { seqno: next.seqno, time: next.time });
    *last = next;
    Ok(())
}

fn corrupt(path: &Path, offset: u64, error: &DecodeError) -> StoreError {
    StoreError::corruption(path, offset + error.offset as u64, error.expected)
}

/// Writes what was replayed into new tables of level 0, and tells their floor. Every moment from `floor` on stays readable.
pub(super) fn write_tables(
    environment: &Environment,
    directory: &Path,
    options: &EngineOptions,
    replayed: &Arc<Memtable>,
    last: Commit,
    floor: Moment,
) -> Result<(Vec<TableMeta>, Moment)> {
    let cursor = MemtableCursor::new(Arc::clone(replayed), Versions::All);
    // Nobody has said yet what becomes of the expired and of dropped keyspaces.
    let retention = Retention::new(&[], last.seqno, Some(floor), Reclaim::default());
    let output = Output {
        environment: environment.clone(),
        directory: directory.to_owned(),
        level: 0,
        block_bytes: options.block_bytes,
        table_bytes: u64::MAX,
        large_keyspaces: BTreeSet::new(),
    };
    let mut job = MergeJob::new(Box::new(cursor), retention, Arc::default(), output);
    loop {
        if let Progress::Finished(metas) = job.step()? {
            return Ok((metas, job.floor()));
        }
    }
}
