//! Disk, clock, randomness and scheduler of one simulated machine.

use super::clock::SimClock;
use super::fs::SimVfs;
use super::rng::{Seed, SimRandom};
use super::scheduler::SimScheduler;
use crate::env::environment::Environment;
use crate::env::random::Random;
use std::sync::Arc;

/// A simulated machine, everything random in which follows from one seed. Cheap to clone; a clone is the same machine.
///
/// ```
/// use pixii::env::file::Vfs;
/// use pixii::sim::{ImageChoice, Simulation};
/// use std::path::Path;
///
/// let simulation = Simulation::new(42);
/// let environment = simulation.environment(); // to open a store in
/// environment.vfs.create_dir(Path::new("/store"))?;
///
/// // The power goes, and the machine is started again.
/// let image = simulation.vfs().crash_image(ImageChoice::AllLost);
/// let simulation = simulation.restart(image);
/// assert!(simulation.environment().vfs.read_dir(Path::new("/"))?.is_empty());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Simulation {
    seed: Seed,
    vfs: SimVfs,
    clock: SimClock,
    random: Arc<dyn Random>,
    scheduler: SimScheduler,
}

impl Simulation {
    /// A new machine with an empty disk.
    pub fn new(seed: u64) -> Self {
        Self::on(Seed(seed), SimVfs::new(), SimClock::new())
    }

    fn on(seed: Seed, vfs: SimVfs, clock: SimClock) -> Self {
        let scheduler = SimScheduler::new(seed.stream("scheduler"), clock.clone());
        let random = Arc::new(SimRandom::new(seed.stream("random")));
        Self { seed, vfs, clock, random, scheduler }
    }

    /// The machine is started again on a disk, usually an image of this one's. Its jobs are dropped without another step;
    /// the wall clock goes on, and the monotonic clock begins anew. The new machine's seed follows from this one's.
    pub fn restart(&self, image: SimVfs) -> Self {
        self.scheduler.abandon();
        Self::on(self.seed.child("restart"), image, self.clock.restarted())
    }

    /// What a store asks for files, time, randomness and jobs.
    pub fn environment(&self) -> Environment {
        Environment {
            vfs: Arc::new(self.vfs.clone()),
            clock: Arc::new(self.clock.clone()),
            random: Arc::clone(&self.random),
            scheduler: Arc::new(self.scheduler.clone()),
        }
    }

    /// The seed, for streams of one's own.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// The disk.
    pub fn vfs(&self) -> &SimVfs {
        &self.vfs
    }

    /// The clock.
    pub fn clock(&self) -> &SimClock {
        &self.clock
    }

    /// What runs the jobs.
    pub fn scheduler(&self) -> &SimScheduler {
        &self.scheduler
    }
}
