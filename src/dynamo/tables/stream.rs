//! A stream of changes: what it holds, where, and whether it still takes records.
//!
//! A table's record says which stream it has. A stream that ended, because it was disabled or its table deleted, is a
//! row of its own until its records have been kept for as long as was promised.

use super::arn;
use super::record::TableRecord;
use super::settings::{ActiveStream, StreamViewType, timestamp};
use crate::base::ident::{KeyspaceId, SeqNo};
use crate::dynamo::schema::KeySchema;
use serde::{Deserialize, Serialize};

/// A stream that a table has, or had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamDescriptor {
    /// The name of its table.
    pub table: String,
    /// The key of its table.
    pub key: KeySchema,
    /// What its records hold beside the key.
    pub view_type: StreamViewType,
    /// Where its records lie.
    pub keyspace: KeyspaceId,
    /// A commit before all of its records.
    pub began_after: SeqNo,
    /// When it began, in milliseconds since 1970: its label.
    pub began_at_millis: u64,
    /// When it ended; none as long as it takes records.
    pub ended_at_millis: Option<u64>,
}

impl StreamDescriptor {
    /// The stream that a table has.
    pub fn of(record: &TableRecord) -> Option<Self> {
        let stream = &record.settings.stream;
        let ActiveStream { view_type, keyspace, began_after } = stream.active?;
        Some(Self {
            table: record.schema.name().to_owned(),
            key: record.schema.key().clone(),
            view_type,
            keyspace,
            began_after,
            began_at_millis: stream.began_at_millis?,
            ended_at_millis: None,
        })
    }

    /// The same stream, which takes no more records.
    pub(in crate::dynamo) fn ended(self, now_millis: u64) -> Self {
        Self { ended_at_millis: Some(now_millis), ..self }
    }

    /// Whether it takes records.
    pub fn is_open(&self) -> bool {
        self.ended_at_millis.is_none()
    }

    /// The moment when it began, as DynamoDB writes it.
    pub fn label(&self) -> String {
        timestamp(self.began_at_millis)
    }

    /// Its long name.
    pub fn arn(&self) -> String {
        arn::of_stream(&self.table, &self.label())
    }
}
