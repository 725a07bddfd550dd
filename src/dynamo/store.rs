//! What operations run on: the engine, the catalog, and what requests in flight tell each other.

use super::catalog::Catalog;
use super::error::Result;
use super::index_lag::IndexLag;
use super::jobs::background;
use super::tables::settings::ExpiredItems;
use crate::engine::archive::archiver::{ArchiveHandle, ArchiveOptions};
use crate::engine::archive::objects::ArchiveObjects;
use crate::engine::options::EngineOptions;
use crate::engine::snapshot::Snapshot;
use crate::engine::store::Engine;
use crate::env::environment::Environment;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// An open store of tables. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    /// The ordered bytes below.
    pub engine: Engine,
    /// The tables.
    pub catalog: Arc<Catalog>,
    /// Where its history is brought, if it is.
    pub archive: Option<ArchiveHandle>,
    /// The client tokens of the transactions that run, by the keys of their rows.
    pub(super) running_tokens: Arc<Mutex<HashSet<Vec<u8>>>>,
    /// How reads of global indexes lag behind, if they do.
    index_lag: Option<Arc<IndexLag>>,
}

impl Store {
    /// Opens the store in a directory, and begins what goes on in the background.
    pub fn open(environment: Environment, directory: &Path, options: EngineOptions) -> Result<Self> {
        Self::open_with(environment, directory, options, ExpiredItems::default())
    }

    /// As [`open`](Self::open), with another choice for tables for which expiry is enabled from now on.
    pub fn open_with(
        environment: Environment,
        directory: &Path,
        options: EngineOptions,
        expired_items: ExpiredItems,
    ) -> Result<Self> {
        let engine = Engine::open(environment, directory, options)?;
        let catalog = Arc::new(Catalog::open_with(&engine, expired_items)?);
        if !engine.is_read_only() {
            catalog.give_up_restores(&engine)?;
            background::begin(&engine, &catalog)?;
        }
        Ok(Self { engine, catalog, archive: None, running_tokens: Arc::default(), index_lag: None })
    }

    /// Opens a store only to read it: nothing goes on in the background but what the engine does.
    pub(super) fn open_to_read(
        environment: Environment,
        directory: &Path,
        options: EngineOptions,
    ) -> Result<Self> {
        let engine = Engine::open(environment, directory, options)?;
        let catalog = Arc::new(Catalog::open(&engine)?);
        Ok(Self { engine, catalog, archive: None, running_tokens: Arc::default(), index_lag: None })
    }

    /// The same store with the tables of another moment, to be read.
    pub(super) fn with_catalog(&self, catalog: Arc<Catalog>) -> Self {
        Self { catalog, index_lag: None, ..self.clone() }
    }

    /// Begins to archive it.
    pub fn begin_archive(&mut self, objects: Arc<dyn ArchiveObjects>, options: ArchiveOptions) -> Result<()> {
        self.archive = Some(ArchiveHandle::begin(&self.engine, objects, options)?);
        Ok(())
    }

    /// Reads of global indexes lag behind by up to `lag` from now on.
    #[must_use]
    pub fn with_index_lag(self, lag: Duration) -> Self {
        Self { index_lag: Some(Arc::new(IndexLag::new(lag))), ..self }
    }

    /// Every write begins with this: pays back-pressure, before any lock.
    pub(super) fn begin_write(&self) -> Result<()> {
        self.engine.pay_back_pressure()?;
        if let Some(lag) = &self.index_lag {
            lag.note_write(&self.engine);
        }
        Ok(())
    }

    /// The moment that a read of a global index stands at, if that is not the present.
    pub(super) fn lagging_moment(&self) -> Option<Snapshot> {
        self.index_lag.as_ref().map(|lag| lag.moment(&self.engine))
    }
}
