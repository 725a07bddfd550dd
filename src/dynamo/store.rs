//! What operations run on: the engine, the catalog, and what requests in flight tell each other.

use super::catalog::Catalog;
use super::error::Result;
use super::jobs::background;
use crate::engine::archive::archiver::{ArchiveHandle, ArchiveOptions};
use crate::engine::archive::objects::ArchiveObjects;
use crate::engine::options::EngineOptions;
use crate::engine::store::Engine;
use crate::env::environment::Environment;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// An open store of tables. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    /// The ordered bytes below.
    pub engine: Engine,
    /// The tables.
    pub catalog: Arc<Catalog>,
    /// Where its history is brought, if it is.
    pub archive: Option<ArchiveHandle>,
    /// The client tokens of the transactions that run.
    pub(super) running_tokens: Arc<Mutex<HashSet<String>>>,
}

impl Store {
    /// Opens the store in a directory, and begins what goes on in the background.
    pub fn open(environment: Environment, directory: &Path, options: EngineOptions) -> Result<Self> {
        let engine = Engine::open(environment, directory, options)?;
        let catalog = Arc::new(Catalog::open(&engine)?);
        catalog.give_up_restores(&engine)?;
        background::begin(&engine, &catalog)?;
        Ok(Self { engine, catalog, archive: None, running_tokens: Arc::default() })
    }

    /// Opens a store only to read it: nothing goes on in the background but what the engine does.
    pub(super) fn open_to_read(
        environment: Environment,
        directory: &Path,
        options: EngineOptions,
    ) -> Result<Self> {
        let engine = Engine::open(environment, directory, options)?;
        let catalog = Arc::new(Catalog::open(&engine)?);
        Ok(Self { engine, catalog, archive: None, running_tokens: Arc::default() })
    }

    /// Begins to archive it.
    pub fn begin_archive(&mut self, objects: Arc<dyn ArchiveObjects>, options: ArchiveOptions) -> Result<()> {
        self.archive = Some(ArchiveHandle::begin(&self.engine, objects, options)?);
        Ok(())
    }
}
