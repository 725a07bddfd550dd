//! The world that a store lives in.

use super::file::Vfs;
use super::memory::MemoryVfs;
use super::random::Random;
use super::schedule::Scheduler;
use super::system::clock::{SystemClock, SystemRandom};
use super::system::files::SystemVfs;
use super::system::threads::Threads;
use super::time::Clock;
use std::sync::Arc;

/// Files, time, randomness and threads together. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The file system.
    pub vfs: Arc<dyn Vfs>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of identities.
    pub random: Arc<dyn Random>,
    /// What runs background jobs.
    pub scheduler: Arc<dyn Scheduler>,
}

impl Environment {
    /// The operating system's files, clock, randomness and threads.
    pub fn system() -> Self {
        Self {
            vfs: Arc::new(SystemVfs),
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
            scheduler: Arc::new(Threads),
        }
    }

    /// As [`system`](Self::system), with files in memory that are gone when the environment is.
    pub fn memory() -> Self {
        Self { vfs: Arc::new(MemoryVfs::new()), ..Self::system() }
    }
}
