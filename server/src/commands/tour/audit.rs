//! What the store must hold after the child was killed.
//!
//! 1. Every acknowledged message is there, whole.
//! 2. What is there beside them was written and not yet acknowledged: at most the next message of each writer.
//! 3. The index has the same messages as the table, no more and no fewer.

use super::messages::{self, INDEX, Message};
use crate::failure::{Failure, Result};
use pixii::Table;
use std::collections::BTreeMap;

/// How many messages each writer got an acknowledgement for. They are the first ones, because a writer waits for each.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    of_writer: BTreeMap<u64, u64>,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Findings {
    /// Acknowledged messages, all found.
    pub(super) acknowledged: u64,
    /// Messages found that were not acknowledged.
    pub(super) unacknowledged: u64,
    /// Messages in the table, and so in the index.
    pub(super) all: usize,
}

impl Acknowledged {
    /// Takes a line of the child.
    pub(super) fn add(&mut self, line: &str) -> Result<()> {
        let parsed = line
            .split_once(' ')
            .and_then(|(writer, number)| Some((writer.parse::<u64>().ok()?, number.parse::<u64>().ok()?)));
        let (writer, number) = parsed
            .ok_or_else(|| Failure::told(format!("the child printed what is no acknowledgement: {line}")))?;
        let count = self.of_writer.entry(writer).or_default();
        if number != *count {
            return Err(Failure::told(format!(
                "writer {writer} acknowledged message {number} after {count} messages"
            )));
        }
        *count += 1;
        Ok(())
    }

    /// How many messages were acknowledged.
    pub(super) fn count(&self) -> u64 {
        self.of_writer.values().sum()
    }

    /// Compares the table with what must be in it: `before`, and what was acknowledged.
    pub(super) fn audit(&self, table: &Table, before: &[Message]) -> Result<Findings> {
        for message in before {
            find(table, message)?;
        }
        let mut unacknowledged = 0;
        for writer in 0..messages::WRITERS {
            let acknowledged = self.of_writer.get(&writer).copied().unwrap_or(0);
            for number in 0..acknowledged {
                find(table, &messages::of_writer(writer, number))?;
            }
            let user_id = messages::of_writer(writer, 0).user_id;
            let newer = table.query(user_id).sort_key_greater_or_equal(acknowledged).typed::<Message>();
            let newer = newer.into_iter().collect::<pixii::Result<Vec<_>>>()?;
            let next = messages::of_writer(writer, acknowledged);
            match newer.as_slice() {
                [] => {}
                [message] if *message == next => unacknowledged += 1,
                _ => return Err(Failure::told(format!("writer {writer} never wrote all of {newer:?}"))),
            }
        }
        let (mut by_key, mut by_sender) = (all(table, None)?, all(table, Some(INDEX))?);
        by_key.sort();
        by_sender.sort();
        if by_key != by_sender {
            let (by_key, by_sender) = (by_key.len(), by_sender.len());
            return Err(Failure::told(format!(
                "the table has {by_key} messages, and its index has {by_sender}, or others"
            )));
        }
        Ok(Findings { acknowledged: self.count(), unacknowledged, all: by_key.len() })
    }
}

fn find(table: &Table, message: &Message) -> Result<()> {
    let found: Option<Message> = table.get((&message.user_id, message.timestamp))?;
    match found {
        Some(found) if found == *message => Ok(()),
        Some(found) => Err(Failure::told(format!("{message:?} was acknowledged, and {found:?} is there"))),
        None => Err(Failure::told(format!("{message:?} was acknowledged, and is lost"))),
    }
}

fn all(table: &Table, index: Option<&str>) -> Result<Vec<Message>> {
    let scan = table.scan().typed::<Message>();
    let scan = match index {
        Some(index) => scan.index(index),
        None => scan,
    };
    Ok(scan.into_iter().collect::<pixii::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pixii::Database;

    fn acknowledged(counts: [u64; 4]) -> Acknowledged {
        let mut acknowledged = Acknowledged::default();
        for (writer, count) in counts.into_iter().enumerate() {
            for number in 0..count {
                acknowledged.add(&format!("{writer} {number}")).expect("in order");
            }
        }
        acknowledged
    }

    fn table(counts: [u64; 4]) -> Table {
        let database = Database::in_memory().expect("a new database");
        let table = database.create_table(messages::schema().expect("a valid schema")).expect("a new table");
        for (writer, count) in (0..).zip(counts) {
            for number in 0..count {
                table.put(&messages::of_writer(writer, number)).expect("a valid message");
            }
        }
        table
    }

    fn check(written: [u64; 4], told: [u64; 4], expected: Option<&Findings>) {
        let findings = acknowledged(told).audit(&table(written), &[]);
        assert_eq!(findings.ok().as_ref(), expected, "{written:?} {told:?}");
    }

    #[test]
    fn acknowledged_messages_must_be_there() {
        check([3, 0, 1, 2], [3, 0, 1, 2], Some(&Findings { acknowledged: 6, unacknowledged: 0, all: 6 }));
        check([3, 0, 1, 2], [3, 0, 2, 2], None);
        assert!(acknowledged([0; 4]).audit(&table([0; 4]), &messages::conversation()).is_err());
    }

    #[test]
    fn one_message_of_each_writer_may_be_there_unacknowledged() {
        check([3, 1, 2, 2], [3, 0, 1, 2], Some(&Findings { acknowledged: 6, unacknowledged: 2, all: 8 }));
        check([3, 2, 1, 2], [3, 0, 1, 2], None);
    }

    #[test]
    fn acknowledgements_come_in_order() {
        let mut acknowledged = acknowledged([1, 0, 0, 0]);
        assert!(acknowledged.add("0 2").is_err());
        assert!(acknowledged.add("0").is_err());
        assert_eq!(acknowledged.count(), 1);
    }
}
