//! Files that the store needs no more: they are removed at once, unless somebody is about to link or copy them.
//!
//! Invariant: while a pin is held, no file that the store had when it was taken loses its name. What is to be removed
//! meanwhile goes with the last pin, unless the engine is poisoned by then; what is left is removed at the next opening.
//!
//! Threads: any. No file is removed under the lock.

use super::poison::Poison;
use crate::env::file::Vfs;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What waits to be removed.
#[derive(Debug)]
pub(super) struct RetiredFiles {
    vfs: Arc<dyn Vfs>,
    poison: Arc<Poison>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pins: usize,
    waiting: BTreeSet<PathBuf>,
}

impl RetiredFiles {
    pub(super) fn new(vfs: Arc<dyn Vfs>, poison: Arc<Poison>) -> Self {
        Self { vfs, poison, state: Mutex::default() }
    }

    /// Removes a file that the manifest does not name any more, now or later. One that cannot be removed is an orphan
    /// that the next opening removes.
    pub(super) fn retire(&self, path: &Path) {
        {
            let mut state = self.state.lock();
            if state.pins > 0 {
                state.waiting.insert(path.to_owned());
                return;
            }
        }
        let _ = self.vfs.unlink(path);
    }

    /// The bytes of what waits, as far as they can be told.
    pub(super) fn waiting_bytes(&self) -> u64 {
        let waiting: Vec<PathBuf> = self.state.lock().waiting.iter().cloned().collect();
        let size = |path: PathBuf| self.vfs.open(&path).and_then(|file| file.size_bytes()).unwrap_or(0);
        waiting.into_iter().map(size).sum()
    }

    /// Keeps the names of all files that the store has, until the pin is dropped.
    pub(super) fn pin(self: &Arc<Self>) -> FilePin {
        self.state.lock().pins += 1;
        FilePin { files: Arc::clone(self) }
    }
}

/// Keeps the names of files.
#[derive(Debug)]
#[must_use = "the files go when this is dropped"]
pub(super) struct FilePin {
    files: Arc<RetiredFiles>,
}

impl Drop for FilePin {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.files.state.lock();
            state.pins -= 1;
            if state.pins > 0 { BTreeSet::new() } else { std::mem::take(&mut state.waiting) }
        };
        if self.files.poison.get().is_none() {
            for path in waiting {
                let _ = self.files.vfs.unlink(&path);
            }
        }
    }
}
