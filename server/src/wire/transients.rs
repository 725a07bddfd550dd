//! Tables that are said to be on their way for a while, as they are in DynamoDB, where making, changing and removing one takes
//! seconds: for those who test that their code waits.
//!
//! Nothing here is slower for it. What is said is what clients see: a table that is being made has no items yet, and one that is
//! on its way takes no further change. Threads: one lock, held for no more than a look.

use pixii::{Error, Fault, Operation, ResourceStatus, TableDescription, TableFault};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The tables that are on their way. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transients {
    /// None if tables are there at once.
    delay: Option<Duration>,
    tables: Arc<Mutex<BTreeMap<String, Transient>>>,
}

#[derive(Clone, Debug)]
struct Transient {
    until: Instant,
    status: ResourceStatus,
    /// What a table that is gone was.
    removed: Option<TableDescription>,
}

impl Transients {
    /// Says of tables that they are on their way for so long.
    pub(crate) fn new(delay: Option<Duration>) -> Self {
        Self { delay, tables: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Transient>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, table: &str) -> Option<Transient> {
        self.delay?;
        let name = table.rsplit('/').next().unwrap_or(table);
        let mut tables = self.lock();
        if tables.get(name)?.until <= Instant::now() {
            tables.remove(name);
            return None;
        }
        tables.get(name).cloned()
    }

    fn note(&self, table: &TableDescription, status: ResourceStatus) {
        let Some(delay) = self.delay else { return };
        let removed = (status == ResourceStatus::Deleting).then(|| table.clone());
        let transient = Transient { until: Instant::now() + delay, status, removed };
        self.lock().insert(table.table_name.clone(), transient);
    }

    /// A table was made, changed or removed.
    pub(crate) fn changed(&self, table: &TableDescription) {
        self.note(table, table.table_status);
    }

    /// What is told of a table: `describe` knows what it is.
    pub(crate) fn describe(
        &self,
        name: &str,
        describe: impl FnOnce() -> Result<TableDescription, Error>,
    ) -> Result<TableDescription, Error> {
        let transient = self.find(name);
        if let Some(Transient { removed: Some(removed), .. }) = transient {
            return Ok(removed);
        }
        let mut table = describe()?;
        if let Some(Transient { status, .. }) = transient {
            table.table_status = status;
            if status == ResourceStatus::Creating {
                for index in &mut table.global_secondary_indexes {
                    index.index_status = Some(status);
                }
            }
        }
        Ok(table)
    }

    /// Refuses to read or write items of a table that is being made.
    pub(crate) fn check_items(&self, operation: Operation, name: &str) -> Result<(), Error> {
        match self.find(name) {
            Some(Transient { status: ResourceStatus::Creating, .. }) => {
                Err(Error::new(operation, Fault::TableNotFound { table: name.to_owned() }))
            }
            _ => Ok(()),
        }
    }

    /// Refuses to make a table of the name of one that is being removed.
    pub(crate) fn check_new(&self, name: &str) -> Result<(), Error> {
        match self.find(name) {
            Some(Transient { status: ResourceStatus::Deleting, .. }) => {
                Err(Error::new(Operation::CreateTable, Fault::TableExists { table: name.to_owned() }))
            }
            _ => Ok(()),
        }
    }

    /// Refuses to change a table that is on its way.
    pub(crate) fn check_change(&self, operation: Operation, name: &str) -> Result<(), Error> {
        let Some(Transient { status, .. }) = self.find(name) else { return Ok(()) };
        let table = name.to_owned();
        let fault = match status {
            ResourceStatus::Creating => TableFault::TableBeingCreated { table },
            ResourceStatus::Deleting => TableFault::TableBeingDeleted { table },
            ResourceStatus::Updating | ResourceStatus::Active => TableFault::TableInUse { table },
        };
        Err(Error::new(operation, fault.into()))
    }
}
