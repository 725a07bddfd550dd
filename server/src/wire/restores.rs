//! Tables that are being restored: each by a thread of its own, which goes on when its request has been answered.
//!
//! Most are there within the time that a client waits for its answer; the others are told as being made until they are.
//! Threads: one lock, held for no more than a look.

use super::refusal::Refusal;
use pixii::{Error, ErrorKind, Result, TableDescription};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

/// DynamoDB restores no more tables than this at once.
pub(crate) const RESTORES_MAX: usize = 50;

/// A request waits for its table this long, which is less than clients wait for their answer.
const WAIT: Duration = Duration::from_secs(10);

/// Of what a table is made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RestoreSummary {
    /// The backup, if it is one by name.
    pub(crate) backup_arn: Option<String>,
    /// The table.
    pub(crate) table_arn: String,
    /// The moment, in milliseconds since 1970.
    pub(crate) restored_to_millis: u64,
}

/// A table that is being restored, as it is told.
#[derive(Clone, Debug)]
pub(crate) struct Restoring {
    pub(crate) table: TableDescription,
    pub(crate) summary: RestoreSummary,
}

/// The tables that are being restored. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Restores {
    running: Arc<Mutex<BTreeMap<String, Restoring>>>,
}

impl Restores {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Restoring>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the table that `restoring` tells of by `work`, and tells of it as it is when it is there, or when the time is over.
    pub(crate) fn run(
        &self,
        restoring: Restoring,
        work: impl FnOnce() -> Result<TableDescription> + Send + 'static,
    ) -> std::result::Result<TableDescription, Refusal> {
        self.run_for(WAIT, restoring, work)
    }

    fn run_for(
        &self,
        wait: Duration,
        restoring: Restoring,
        work: impl FnOnce() -> Result<TableDescription> + Send + 'static,
    ) -> std::result::Result<TableDescription, Refusal> {
        let table = restoring.table.clone();
        let running = Running::begin(self, restoring)?;
        let (sender, receiver) = mpsc::sync_channel(1);
        let spawned = std::thread::Builder::new().name("pixii-restore".to_owned()).spawn(move || {
            let outcome = work();
            drop(running);
            if let Err(mpsc::SendError(Err(error))) = sender.send(outcome) {
                eprintln!("a table could not be restored: {error}");
            }
        });
        spawned.map_err(|error| Refusal::Failed(format!("no thread to restore a table: {error}")))?;
        match receiver.recv_timeout(wait) {
            Ok(outcome) => Ok(outcome?),
            Err(mpsc::RecvTimeoutError::Timeout) => Ok(table),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                Err(Refusal::Failed("the restore of a table panicked".to_owned()))
            }
        }
    }

    /// What is told of the table `name`, if it is being restored: `error` says that it is not there.
    pub(crate) fn find(&self, name: &str, error: &Error) -> Option<Restoring> {
        if error.kind() != ErrorKind::ResourceNotFound {
            return None;
        }
        let name = name.rsplit('/').next().unwrap_or(name);
        self.lock().get(name).cloned()
    }
}

/// A restore that runs; dropped when it does no more.
struct Running {
    restores: Restores,
    /// None if another restore has the name: its entry is not ours to remove.
    name: Option<String>,
}

impl Running {
    fn begin(restores: &Restores, restoring: Restoring) -> std::result::Result<Self, Refusal> {
        let mut running = restores.lock();
        if running.len() >= RESTORES_MAX {
            return Err(Refusal::TooManyRestores { most: RESTORES_MAX });
        }
        let name = restoring.table.table_name.clone();
        let is_first = !running.contains_key(&name);
        if is_first {
            running.insert(name.clone(), restoring);
        }
        drop(running);
        Ok(Self { restores: restores.clone(), name: is_first.then_some(name) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            self.restores.lock().remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pixii::{Database, Fault, KeyType, Operation, TableSchema};

    fn restoring() -> Restoring {
        let database = Database::in_memory().expect("a database");
        let schema = TableSchema::builder("Table").partition_key("pk", KeyType::String).build();
        database.create_table(schema.expect("a schema")).expect("a table");
        let table = database.describe_table("Table").expect("it is there");
        let table_arn = table.table_arn.clone();
        Restoring { table, summary: RestoreSummary { backup_arn: None, table_arn, restored_to_millis: 0 } }
    }

    fn missing() -> Error {
        Error::new(Operation::DescribeTable, Fault::TableNotFound { table: "Table".to_owned() })
    }

    #[test]
    fn a_restore_that_takes_longer_is_told_of_until_it_is_done() {
        let restores = Restores::default();
        let (go, wait) = mpsc::channel::<()>();
        let work = move || {
            let _ = wait.recv();
            Err(missing())
        };
        let told = restores.run_for(Duration::from_millis(10), restoring(), work).expect("it is on its way");
        assert_eq!(told.table_name, "Table");
        assert!(restores.find("arn:aws:dynamodb:us-east-1:000000000000:table/Table", &missing()).is_some());
        assert!(restores.find("Other", &missing()).is_none());
        go.send(()).expect("it waits");
        while restores.find("Table", &missing()).is_some() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn no_more_run_at_once_than_dynamodb_allows() {
        let restores = Restores::default();
        let named = |name: String| {
            let mut restoring = restoring();
            restoring.table.table_name = name;
            restoring
        };
        let begin = |name: String| Running::begin(&restores, named(name));
        let running: Vec<_> = (0..RESTORES_MAX).map(|number| begin(format!("Table{number}"))).collect();
        assert!(running.iter().all(Result::is_ok));
        assert!(matches!(begin("more".to_owned()), Err(Refusal::TooManyRestores { .. })));
        drop(running);
        assert!(begin("more".to_owned()).is_ok());
    }
}
