//! The table of the tour, and the messages that are written into it.

use crate::failure::Result;
use pixii::{GlobalIndex, KeyType, TableSchema};
use serde::{Deserialize, Serialize};

/// The table's name.
pub(super) const TABLE: &str = "UserMessages";

/// The index by which messages are found by who sent them.
pub(super) const INDEX: &str = "SenderIndex";

/// How many writers the child has.
pub(super) const WRITERS: u64 = 4;

/// A message in a user's box.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) user_id: String,
    pub(super) timestamp: u64,
    pub(super) sender: String,
    pub(super) text: String,
}

/// The table: a user's messages by time, and an index of them by sender and time.
pub(super) fn schema() -> Result<TableSchema> {
    let schema = TableSchema::builder(TABLE)
        .partition_key("user_id", KeyType::String)
        .sort_key("timestamp", KeyType::Number)
        .global_index(
            GlobalIndex::builder(INDEX)
                .partition_key("sender", KeyType::String)
                .sort_key("timestamp", KeyType::Number),
        );
    Ok(schema.build()?)
}

/// A conversation, with its times in epoch seconds.
pub(super) fn conversation() -> Vec<Message> {
    const MESSAGES: [(&str, u64, &str, &str); 9] = [
        ("ampere", 1_792_000_000, "pixii", "The machine is ready: a magnet turned under two coils."),
        ("ampere", 1_792_000_060, "faraday", "Does the current change direction with each half turn?"),
        ("ampere", 1_792_000_120, "pixii", "It does. The needle swings both ways."),
        ("pixii", 1_792_000_300, "ampere", "Put a commutator on the shaft, and it will flow one way."),
        ("pixii", 1_792_000_360, "faraday", "I should like to see that."),
        ("ampere", 1_792_000_420, "pixii", "It works! One direction now."),
        ("faraday", 1_792_000_480, "pixii", "Come to Paris on Monday, we show it to the Academy."),
        ("pixii", 1_792_000_540, "faraday", "I shall be there."),
        ("ampere", 1_792_000_600, "faraday", "He has done it, then?"),
    ];
    let message = |(user_id, timestamp, sender, text): (&str, _, &str, &str)| Message {
        user_id: user_id.to_owned(),
        timestamp,
        sender: sender.to_owned(),
        text: text.to_owned(),
    };
    MESSAGES.into_iter().map(message).collect()
}

/// The `number`th message of a writer: the same for whoever asks, so what was acknowledged can be compared whole.
pub(super) fn of_writer(writer: u64, number: u64) -> Message {
    Message {
        user_id: format!("box-{writer}"),
        timestamp: number,
        sender: format!("sender-{}", number % 7),
        text: format!("message {number} of writer {writer}"),
    }
}
