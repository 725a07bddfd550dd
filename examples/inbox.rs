//! Messages with an inbox by user and an index by sender: the shape of most first tables.
//!
//! A user's inbox is a partition, ordered by time: reading it newest first, a page at a time, costs as much as the page.
//! What somebody has sent is another order of the same items, by the index `SenderIndex`, which is never behind.
//!
//! `cargo run --example inbox`

use pixii::{Database, Entity, Item, TypedTable};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Entity)]
#[pixii(table = "UserMessages")]
struct Message {
    /// Whose inbox it is in.
    #[pixii(partition_key)]
    user_id: String,
    #[pixii(sort_key, index(name = "SenderIndex", sort_key))]
    timestamp: u64,
    #[pixii(index(name = "SenderIndex", partition_key))]
    sender: String,
    text: String,
    #[serde(default)]
    seen: bool,
}

/// A page of an inbox, newest first, and where the next one begins.
struct InboxPage {
    messages: Vec<Message>,
    next: Option<Item>,
}

fn inbox(
    messages: &TypedTable<Message>,
    user: &str,
    size: usize,
    after: Option<Item>,
) -> pixii::Result<InboxPage> {
    let query = messages.query(user).reverse().limit(size);
    let page = match after {
        Some(key) => query.start_after(key).page()?,
        None => query.page()?,
    };
    Ok(InboxPage { messages: page.items, next: page.last_evaluated_key })
}

fn unseen(messages: &TypedTable<Message>, user: &str) -> pixii::Result<usize> {
    messages.query(user).filter(Message::SEEN.eq(false)).count()
}

pub(crate) fn main() -> pixii::Result<()> {
    let database = Database::in_memory()?;
    let messages = database.entity_or_create::<Message>()?;

    let sent = [
        (1, "ada", "bob", "hello"),
        (2, "ada", "cem", "are you there?"),
        (3, "ada", "bob", "tea?"),
        (4, "dan", "bob", "good morning"),
        (5, "ada", "dan", "lunch at one"),
    ];
    for (timestamp, user, sender, text) in sent {
        let (user_id, sender, text) = (user.into(), sender.into(), text.into());
        messages.put(&Message { user_id, timestamp, sender, text, seen: false })?;
    }

    println!("the inbox of ada, newest first, two at a time:");
    let (mut timestamps, mut after) = (Vec::new(), None);
    loop {
        let page = inbox(&messages, "ada", 2, after)?;
        println!("  a page");
        for Message { timestamp, sender, text, .. } in &page.messages {
            println!("    {timestamp} {sender}: {text}");
        }
        timestamps.extend(page.messages.iter().map(|message| message.timestamp));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(timestamps, [5, 3, 2, 1]);

    assert_eq!(unseen(&messages, "ada")?, 4);
    messages.update(("ada", 5)).set(Message::SEEN, true).send()?;
    assert_eq!(unseen(&messages, "ada")?, 3);

    println!("what bob has sent from 2 on, to whomever:");
    let by_bob = messages.query_by(Message::SENDER_INDEX, "bob").sort_key_greater_or_equal(2);
    let by_bob: Vec<Message> = by_bob.into_iter().collect::<pixii::Result<_>>()?;
    for Message { user_id, text, .. } in &by_bob {
        println!("  to {user_id}: {text}");
    }
    assert_eq!(by_bob.iter().map(|message| message.user_id.as_str()).collect::<Vec<_>>(), ["ada", "dan"]);

    // An item and its index entries go in one commit.
    messages.delete(("ada", 3))?;
    assert_eq!(messages.query_by(Message::SENDER_INDEX, "bob").count()?, 2);
    println!("{} messages are left", messages.scan().count()?);
    Ok(())
}
