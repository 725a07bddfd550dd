//! Where a stream begins now: behind what was trimmed.

use super::sequence_number::SequenceNumber;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::system_rows::stream_horizon_row;
use crate::dynamo::tables::stream::StreamDescriptor;
use crate::engine::snapshot::Snapshot;
use crate::engine::store::Engine;
use crate::format::metadata;

/// Up to where a stream was trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Horizon {
    /// The last record that was trimmed; none if no record was.
    pub(super) trimmed: Option<SequenceNumber>,
    /// The first place that a record can have now.
    pub(super) first: SequenceNumber,
}

impl Horizon {
    /// The horizon of a stream, now or as of a snapshot.
    pub(super) fn load(
        engine: &Engine,
        stream: &StreamDescriptor,
        snapshot: Option<&Snapshot>,
    ) -> Result<Self> {
        let row = engine.get(&stream_horizon_row(stream.keyspace), snapshot, <[u8]>::to_vec)?;
        let trimmed: Option<SequenceNumber> = row
            .map(|row| metadata::decode(&row).map_err(|error| Error::damaged("stream's horizon", error)))
            .transpose()?;
        let first = trimmed.map_or(Self::beginning(stream), SequenceNumber::next);
        Ok(Self { trimmed, first })
    }

    /// The first place that a record of the stream could ever have.
    pub(super) fn beginning(stream: &StreamDescriptor) -> SequenceNumber {
        SequenceNumber::first_of(stream.began_after.next())
    }

    /// Whether a record at that place may have been trimmed.
    pub(super) fn hides(&self, place: SequenceNumber) -> bool {
        self.trimmed.is_some_and(|trimmed| place <= trimmed)
    }
}
