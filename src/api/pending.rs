//! A change of a table that waits to be acknowledged.

use crate::base::ident::SeqNo;
use crate::dynamo::catalog::PendingChange;
use crate::dynamo::error::Result;
use crate::dynamo::store::Store;
use crate::dynamo::tables::description::TableDescription;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A change of a table that has its place in the order of commits and waits to be acknowledged.
///
/// Writes are held to it already; whoever reads tables sees it when it was waited for, or awaited. Dropping it does not take the
/// change back, but then an index that it adds is filled only after the database was opened again.
#[must_use = "a change is acknowledged only when it has been waited for"]
pub struct PendingTableChange {
    store: Store,
    change: PendingChange,
}

impl PendingTableChange {
    pub(super) fn new(store: Store, change: PendingChange) -> Self {
        Self { store, change }
    }

    /// Waits until the change is durable and everybody sees it. Answers with what the table was.
    pub fn wait(self) -> Result<TableDescription> {
        self.change.wait(&self.store.engine, &self.store.catalog)
    }

    /// Asks without waiting: `None` while the change is not acknowledged. To be asked no more after an answer.
    pub fn step(&mut self) -> Option<Result<TableDescription>> {
        self.change.step(&self.store.engine, &self.store.catalog)
    }

    /// The place of the change in the order of commits.
    pub fn seqno(&self) -> SeqNo {
        self.change.seqno()
    }
}

impl Future for PendingTableChange {
    type Output = Result<TableDescription>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { store, change } = self.get_mut();
        change.poll(&store.engine, &store.catalog, context)
    }
}

impl fmt::Debug for PendingTableChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PendingTableChange").field(&self.change).finish()
    }
}
