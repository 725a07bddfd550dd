//! A table's past, wherever it is found: in the store itself, in its archive, or in a backup. What has to be put together
//! first is put together in a directory of the store's own, and removed afterwards.

use crate::base::error::StoreError;
use crate::base::ident::AsOf;
use crate::dynamo::error::{Error, ErrorKind, Result};
use crate::dynamo::past::PastStore;
use crate::dynamo::store::Store;
use crate::engine::archive::restore::{RestoreProgress, RestoreTo, restore};
use crate::engine::checkpoint::fork;
use crate::engine::options::EngineOptions;
use crate::env::environment::Environment;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A store as it was. What was made for it goes when it is dropped.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) past: PastStore,
    scratch: Option<Scratch>,
}

/// A directory that holds a store only for as long as it is read.
#[derive(Debug)]
struct Scratch {
    environment: Environment,
    directory: PathBuf,
    store: Option<Store>,
}

impl Source {
    /// The store as of a time: from what is kept, or else from the archive.
    pub(super) fn as_of(
        store: &Store,
        time_millis: u64,
        progress: &mut dyn FnMut(RestoreProgress),
    ) -> Result<Self> {
        let at = AsOf::time_millis(time_millis);
        let kept = PastStore::new(store, at);
        match (kept, &store.archive) {
            (Ok(past), _) => Ok(Self { past, scratch: None }),
            (Err(error), Some(archive)) if error.kind() == ErrorKind::MomentNotKept => {
                let mut scratch = Scratch::new(store);
                let (objects, history) = (archive.objects().as_ref(), store.engine.history());
                restore(
                    &scratch.environment,
                    objects,
                    history,
                    RestoreTo::Moment(at),
                    &scratch.directory,
                    store.engine.options(),
                    progress,
                )?;
                let past = scratch.open(store, at)?;
                Ok(Self { past, scratch: Some(scratch) })
            }
            (Err(error), _) => Err(error),
        }
    }

    /// The store as a checkpoint has it that was made after the commit `seqno`.
    pub(super) fn checkpoint(store: &Store, checkpoint: &Path, seqno: u64) -> Result<Self> {
        let mut scratch = Scratch::new(store);
        fork(&scratch.environment, checkpoint, &scratch.directory)?;
        let past = scratch.open(store, AsOf::sequence(seqno))?;
        Ok(Self { past, scratch: Some(scratch) })
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        drop(self.scratch.take());
    }
}

impl Scratch {
    fn new(store: &Store) -> Self {
        let environment = store.engine.environment().clone();
        let name = format!("restoring-{:032x}", environment.random.next_u128());
        let directory = store.engine.directory().join(name);
        Self { environment, directory, store: None }
    }

    fn open(&mut self, store: &Store, at: AsOf) -> Result<PastStore> {
        // Nothing is taken away in it that the moment still shows.
        let options =
            EngineOptions { history: Duration::MAX, log_kept_bytes: 0, ..store.engine.options().clone() };
        let opened = Store::open_to_read(self.environment.clone(), &self.directory, options)?;
        let past = PastStore::new(&opened, at);
        self.store = Some(opened);
        past
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(store) = self.store.take() {
            let _ = store.engine.close();
        }
        let _ = remove_directory(&self.environment, &self.directory);
    }
}

/// Removes a directory with the files in it.
pub(super) fn remove_directory(environment: &Environment, directory: &Path) -> Result<(), Error> {
    let vfs = environment.vfs.as_ref();
    let names = vfs.read_dir(directory).map_err(|error| StoreError::io("list", directory, error))?;
    for name in names {
        let path = directory.join(name);
        vfs.unlink(&path).map_err(|error| StoreError::io("remove", &path, error))?;
    }
    vfs.remove_dir(directory).map_err(|error| StoreError::io("remove", directory, error))?;
    Ok(())
}
