//! Messages with an inbox by user and an index by sender: the shape of most first tables.
//!
//! `cargo run --example messages`

use pixii::{Database, GlobalIndex, KeyType, TableSchema};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Message {
    user_id: String,
    timestamp: u64,
    sender: String,
    text: String,
}

fn main() -> Result<(), pixii::Error> {
    let database = Database::in_memory()?;
    let messages = database.create_table(
        TableSchema::builder("UserMessages")
            .partition_key("user_id", KeyType::String)
            .sort_key("timestamp", KeyType::Number)
            .global_index(
                GlobalIndex::builder("SenderIndex")
                    .partition_key("sender", KeyType::String)
                    .sort_key("timestamp", KeyType::Number),
            )
            .build()?,
    )?;

    for (timestamp, sender, text) in [(1, "bob", "hello"), (2, "cem", "are you there?"), (3, "bob", "tea?")] {
        let (user_id, sender, text) = ("ada".to_owned(), sender.to_owned(), text.to_owned());
        messages.put(&Message { user_id, timestamp, sender, text })?;
    }

    println!("the inbox of ada, newest first:");
    for message in messages.query("ada").reverse().typed::<Message>() {
        let message = message?;
        println!("  {} {}: {}", message.timestamp, message.sender, message.text);
    }

    println!("what bob has sent since 2:");
    let sent = messages.query("bob").index("SenderIndex").sort_key_greater_or_equal(2);
    for message in sent.typed::<Message>() {
        let message = message?;
        println!("  to {}: {}", message.user_id, message.text);
    }
    Ok(())
}
