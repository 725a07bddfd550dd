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
    ///
    /// Drop what ran on this machine first: a store that is dropped later waits for jobs that are gone, which is reported as
    /// a simulated deadlock.
    pub fn restart(&self, image: SimVfs) -> Self {
        self.scheduler.abandon();
        let restarted = Self::on(self.seed.child("restart"), image, self.clock.restarted());
        restarted.scheduler.limit_steps(self.scheduler.most_steps());
        restarted
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::schedule::{Event, Job, Scheduler, Step};
    use std::path::Path;
    use std::time::Duration;

    /// Appends to a file of its own, and parks now and then.
    struct Writer {
        environment: Environment,
        name: u32,
        left: u32,
    }

    impl Job for Writer {
        fn step(&mut self) -> Step {
            let path = format!("/{}-{}", self.name, self.left);
            let file = self.environment.vfs.create(Path::new(&path)).expect("a new file");
            file.append(&self.environment.random.next_u64().to_le_bytes()).expect("space");
            self.left -= 1;
            match self.left {
                0 => Step::Done,
                left if left % 3 == 0 => Step::Park(Some(Duration::from_millis(u64::from(self.name)))),
                _ => Step::Again,
            }
        }
    }

    fn run(seed: u64) -> Simulation {
        let simulation = Simulation::new(seed);
        let scheduler = simulation.scheduler();
        let begin = |name| {
            let job = Writer { environment: simulation.environment(), name, left: 10 };
            scheduler.spawn("writer", Arc::new(Event::new()), Box::new(job)).expect("it cannot fail")
        };
        let jobs: Vec<_> = (1..=4).map(begin).collect();
        for job in jobs {
            job.join(scheduler);
        }
        simulation
    }

    #[test]
    fn a_seed_gives_one_run_and_another_seed_another() {
        let hashes: Vec<u64> = (0..50).map(|seed| run(seed).vfs().op_hash()).collect();
        let again: Vec<u64> = (0..50).map(|seed| run(seed).vfs().op_hash()).collect();
        assert_eq!(hashes, again);
        let distinct: std::collections::BTreeSet<u64> = hashes.into_iter().collect();
        assert_eq!(distinct.len(), 50);
    }

    #[test]
    fn a_restarted_machine_has_the_disk_and_none_of_the_jobs() {
        let simulation = run(1);
        let job = Writer { environment: simulation.environment(), name: 9, left: 1 };
        let wake = Arc::new(Event::new());
        let handle = simulation.scheduler().spawn("left over", wake, Box::new(job)).expect("it cannot fail");
        let image = simulation.vfs().process_death_image();
        let restarted = simulation.restart(image);
        assert!(handle.is_finished());
        assert!(!restarted.scheduler().step_one());
        assert_eq!(restarted.vfs().files(), simulation.vfs().files());
        assert_eq!(restarted.vfs().operation_count(), 0);
        assert_ne!(restarted.seed(), simulation.seed());
        let numbers = |simulation: &Simulation| simulation.environment().random.next_u64();
        assert_ne!(numbers(&restarted), numbers(&Simulation::new(1)));
    }
}
