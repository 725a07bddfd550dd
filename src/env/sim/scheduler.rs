//! Jobs on one thread, in an order chosen by a seed.
//!
//! Invariants:
//! 1. A job that is stepped is not in the queue, and no lock is held meanwhile: a step may begin other jobs, and may
//!    wait, which steps other jobs.
//! 2. A parked job is runnable when its event has happened since before the step that parked it, or when its time has
//!    come.
//! 3. Time passes only when nothing is runnable: then the clock goes to the next moment that somebody waits for.
//! 4. The same seed, clock and jobs give the same order of steps.
//!
//! Threads: made for one. What a job would block on, in the real world, another job's step must bring about; a job whose
//! step waits for what the code that stepped it would do next is a deadlock here, and reported as one.

use super::clock::SimClock;
use super::rng::SimRng;
use crate::env::schedule::{Event, Generation, Job, JobHandle, Scheduler, Step};
use crate::env::time::Clock;
use parking_lot::Mutex;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Runs jobs step by step, whenever somebody waits or asks for a step.
///
/// A clone is another handle to the same queue.
///
/// ```
/// use pixii::env::schedule::{Event, Job, Scheduler, Step};
/// use pixii::sim::Simulation;
/// use std::sync::Arc;
///
/// struct Countdown(u32);
///
/// impl Job for Countdown {
///     fn step(&mut self) -> Step {
///         self.0 -= 1;
///         if self.0 == 0 { Step::Done } else { Step::Again }
///     }
/// }
///
/// let simulation = Simulation::new(1);
/// let scheduler = simulation.scheduler();
/// let job = scheduler.spawn("countdown", Arc::new(Event::new()), Box::new(Countdown(3)))?;
/// assert!(scheduler.step_one());
/// assert!(!job.is_finished());
/// job.join(scheduler); // waits, and so steps
/// assert!(job.is_finished());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct SimScheduler {
    queue: Arc<Mutex<Queue>>,
    clock: SimClock,
}

struct Queue {
    jobs: Vec<QueuedJob>,
    /// The names of the jobs whose steps are under way, outermost first.
    stepping: Vec<String>,
    rng: SimRng,
    steps: u64,
    /// A step beyond these is a livelock.
    most_steps: u64,
}

struct QueuedJob {
    name: String,
    wake: Arc<Event>,
    parked: Option<Parked>,
    job: FinishingJob,
}

/// Says that the job has ended however it ends: done, dropped, or by a panic.
struct FinishingJob {
    job: Box<dyn Job>,
    handle: JobHandle,
}

impl Drop for FinishingJob {
    fn drop(&mut self) {
        self.handle.finish();
    }
}

#[derive(Clone, Copy)]
struct Parked {
    seen: Generation,
    until: Option<Duration>,
}

impl QueuedJob {
    fn is_runnable(&self, now: Duration) -> bool {
        self.parked.is_none_or(|parked| {
            self.wake.generation() != parked.seen || parked.until.is_some_and(|until| until <= now)
        })
    }
}

/// How many steps a wait takes, or a run until idle, before it is taken for one that never ends.
const MOST_STEPS: u64 = 10_000_000;

impl SimScheduler {
    /// No jobs. Parked jobs and waits go by `clock`.
    pub fn new(rng: SimRng, clock: SimClock) -> Self {
        let queue = Queue { jobs: Vec::new(), stepping: Vec::new(), rng, steps: 0, most_steps: u64::MAX };
        Self { queue: Arc::new(Mutex::new(queue)), clock }
    }

    /// From now on, who asks for more than `most` steps of jobs in all is told by a panic that the run never ends: for loops of
    /// many short waits, of which none takes long. The panic comes once, so that what is dropped by it can still be closed.
    pub fn limit_steps(&self, most: u64) {
        self.queue.lock().most_steps = most;
    }

    /// What was last given to [`limit_steps`](Self::limit_steps), as long as it holds.
    pub(super) fn most_steps(&self) -> u64 {
        self.queue.lock().most_steps
    }

    fn check_steps(&self) {
        let is_over = {
            let mut queue = self.queue.lock();
            let is_over = queue.steps >= queue.most_steps;
            if is_over {
                queue.most_steps = u64::MAX;
            }
            is_over
        };
        assert!(!is_over, "simulated livelock: the run goes on for ever: {}", self.describe());
    }

    /// Steps one runnable job, chosen at random. Says whether there was one.
    pub fn step_one(&self) -> bool {
        self.check_steps();
        let now = self.clock.monotonic();
        let mut queued = {
            let mut queue = self.queue.lock();
            let runnable: Vec<usize> = (0..)
                .zip(&queue.jobs)
                .filter(|(_, job)| job.is_runnable(now))
                .map(|(index, _)| index)
                .collect();
            if runnable.is_empty() {
                return false;
            }
            let index = *queue.rng.pick(&runnable);
            let job = queue.jobs.remove(index);
            queue.stepping.push(job.name.clone());
            queue.steps += 1;
            job
        };
        let _stepping = Stepping { queue: &self.queue };
        let seen = queued.wake.generation();
        match queued.job.job.step() {
            Step::Again => queued.parked = None,
            Step::Park(at_most) => {
                let until = at_most.map(|at_most| self.clock.monotonic().saturating_add(at_most));
                queued.parked = Some(Parked { seen, until });
            }
            Step::Done => return true,
        }
        self.queue.lock().jobs.push(queued);
        true
    }

    /// Steps jobs until none is runnable. No time passes.
    pub fn run_until_idle(&self) {
        let mut steps = 0;
        while self.step_one() {
            steps += 1;
            assert!(steps < MOST_STEPS, "simulated livelock: jobs go on for ever: {}", self.describe());
        }
    }

    /// How many steps of jobs there were.
    pub fn step_count(&self) -> u64 {
        self.queue.lock().steps
    }

    /// The names of the jobs that have not ended, apart from those that are being stepped.
    pub fn job_names(&self) -> Vec<String> {
        self.queue.lock().jobs.iter().map(|job| job.name.clone()).collect()
    }

    /// Drops all jobs without stepping them, as the end of the process does.
    pub fn abandon(&self) {
        // Outside of the lock: dropping a job may do anything.
        let jobs = std::mem::take(&mut self.queue.lock().jobs);
        drop(jobs);
    }

    /// The moment that the first parked job waits for.
    fn next_timeout(&self) -> Option<Duration> {
        let queue = self.queue.lock();
        queue.jobs.iter().filter_map(|job| job.parked.and_then(|parked| parked.until)).min()
    }

    fn describe(&self) -> String {
        let queue = self.queue.lock();
        let parked: Vec<&str> = queue.jobs.iter().map(|job| job.name.as_str()).collect();
        format!(
            "jobs in the queue: [{}]; within steps of: [{}]",
            parked.join(", "),
            queue.stepping.join(", ")
        )
    }
}

/// A step is under way until this is dropped.
struct Stepping<'a> {
    queue: &'a Mutex<Queue>,
}

impl Drop for Stepping<'_> {
    fn drop(&mut self) {
        self.queue.lock().stepping.pop();
    }
}

impl Scheduler for SimScheduler {
    fn spawn(&self, name: &str, wake: Arc<Event>, job: Box<dyn Job>) -> io::Result<JobHandle> {
        let handle = JobHandle::new();
        let job = FinishingJob { job, handle: handle.clone() };
        self.queue.lock().jobs.push(QueuedJob { name: name.to_owned(), wake, parked: None, job });
        Ok(handle)
    }

    fn wait(&self, event: &Event, seen: Generation, at_most: Option<Duration>) {
        let until = at_most.map(|at_most| self.clock.monotonic().saturating_add(at_most));
        let mut steps = 0;
        while event.generation() == seen {
            let now = self.clock.monotonic();
            if until.is_some_and(|until| until <= now) {
                return;
            }
            steps += 1;
            assert!(steps < MOST_STEPS, "simulated livelock: a wait never ends: {}", self.describe());
            if self.step_one() {
                continue;
            }
            match self.next_timeout().into_iter().chain(until).min() {
                Some(next) => self.clock.advance(next.saturating_sub(now)),
                None => panic!("simulated deadlock: nobody can go on: {}", self.describe()),
            }
        }
    }
}

impl fmt::Debug for SimScheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimScheduler").field("jobs", &self.job_names()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::sim::rng::Seed;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    fn scheduler(seed: u64) -> SimScheduler {
        SimScheduler::new(Seed(seed).stream("scheduler"), SimClock::new())
    }

    struct Do<F>(F);

    impl<F: FnMut() -> Step + Send> Job for Do<F> {
        fn step(&mut self) -> Step {
            (self.0)()
        }
    }

    fn spawn(
        scheduler: &SimScheduler,
        name: &str,
        wake: &Arc<Event>,
        step: impl FnMut() -> Step + Send + 'static,
    ) -> JobHandle {
        scheduler.spawn(name, Arc::clone(wake), Box::new(Do(step))).expect("it cannot fail")
    }

    /// The order in which three jobs of three steps are stepped.
    fn order(seed: u64) -> String {
        let scheduler = scheduler(seed);
        let trace = Arc::new(Mutex::new(String::new()));
        for name in ["a", "b", "c"] {
            let trace = Arc::clone(&trace);
            let mut left = 3;
            spawn(&scheduler, name, &Arc::new(Event::new()), move || {
                trace.lock().push_str(name);
                left -= 1;
                if left == 0 { Step::Done } else { Step::Again }
            });
        }
        scheduler.run_until_idle();
        trace.lock().clone()
    }

    #[test]
    fn the_seed_chooses_the_order() {
        assert_eq!(order(1), order(1));
        let orders: std::collections::BTreeSet<String> = (0..100).map(order).collect();
        assert!(orders.len() > 80, "{}", orders.len());
        assert!(orders.iter().all(|order| order.len() == 9));
    }

    #[test]
    fn a_wait_steps_jobs_until_the_event_has_happened() {
        let scheduler = scheduler(2);
        let done = Arc::new(Event::new());
        let notified = Arc::clone(&done);
        let mut left = 5;
        spawn(&scheduler, "worker", &Arc::new(Event::new()), move || {
            left -= 1;
            if left == 0 {
                notified.notify();
                return Step::Done;
            }
            Step::Again
        });
        let seen = done.generation();
        scheduler.wait(&done, seen, None);
        assert_ne!(done.generation(), seen);
        assert_eq!(scheduler.step_count(), 5);
    }

    #[test]
    fn a_parked_job_is_woken_by_its_event_even_if_it_happened_during_the_step() {
        let scheduler = scheduler(3);
        let wake = Arc::new(Event::new());
        let (within, steps) = (Arc::clone(&wake), Arc::new(Mutex::new(0)));
        let counted = Arc::clone(&steps);
        spawn(&scheduler, "sleeper", &wake, move || {
            *counted.lock() += 1;
            if *counted.lock() == 1 {
                within.notify();
            }
            Step::Park(None)
        });
        scheduler.run_until_idle();
        assert_eq!(*steps.lock(), 2);
        wake.notify();
        scheduler.run_until_idle();
        assert_eq!(*steps.lock(), 3);
        assert!(!scheduler.step_one());
    }

    #[test]
    fn time_passes_only_when_nothing_can_be_done() {
        let scheduler = scheduler(4);
        let times = Arc::new(Mutex::new(Vec::new()));
        let (recorded, clock) = (Arc::clone(&times), scheduler.clock.clone());
        spawn(&scheduler, "ticker", &Arc::new(Event::new()), move || {
            recorded.lock().push(clock.monotonic().as_secs());
            Step::Park(Some(Duration::from_secs(10)))
        });
        scheduler.run_until_idle();
        let never = Event::new();
        scheduler.wait(&never, never.generation(), Some(Duration::from_secs(25)));
        assert_eq!(*times.lock(), [0, 10, 20]);
        assert_eq!(scheduler.clock.monotonic(), Duration::from_secs(25));
    }

    #[test]
    fn a_step_may_wait_and_begin_jobs() {
        let scheduler = scheduler(5);
        let finished = Arc::new(Event::new());
        let (inner, outer) = (scheduler.clone(), Arc::clone(&finished));
        let handle = spawn(&scheduler, "outer", &Arc::new(Event::new()), move || {
            let notified = Arc::clone(&outer);
            let seen = outer.generation();
            spawn(&inner, "inner", &Arc::new(Event::new()), move || {
                notified.notify();
                Step::Done
            });
            inner.wait(&outer, seen, None);
            Step::Done
        });
        handle.join(&scheduler);
        assert!(handle.is_finished());
        assert_eq!(scheduler.step_count(), 2);
    }

    #[test]
    fn a_run_of_many_short_waits_that_never_ends_is_a_livelock_once() {
        let scheduler = scheduler(1);
        let job = Box::new(Do(|| Step::Again));
        scheduler.spawn("spins", Arc::default(), job).expect("it cannot fail");
        scheduler.limit_steps(100);
        let event = Event::new();
        let short_waits = || loop {
            scheduler.wait(&event, event.generation(), Some(Duration::ZERO));
            scheduler.step_one();
        };
        let panic = catch_unwind(AssertUnwindSafe(short_waits)).expect_err("it never ends");
        let message = panic.downcast_ref::<String>().expect("a text");
        assert!(message.starts_with("simulated livelock") && message.contains("spins"), "{message}");
        assert_eq!(scheduler.step_count(), 100);
        assert!(scheduler.step_one(), "what is left can be closed");
    }

    #[test]
    fn a_deadlock_is_reported_with_the_names_of_those_in_it() {
        let scheduler = scheduler(6);
        spawn(&scheduler, "flusher", &Arc::new(Event::new()), || Step::Park(None));
        let inner = scheduler.clone();
        spawn(&scheduler, "committer", &Arc::new(Event::new()), move || {
            let never = Event::new();
            inner.wait(&never, never.generation(), None);
            Step::Done
        });
        let stuck = catch_unwind(AssertUnwindSafe(|| {
            let never = Event::new();
            scheduler.wait(&never, never.generation(), None);
        }));
        let message = stuck.expect_err("it is stuck").downcast::<String>().expect("a message");
        assert!(message.starts_with("simulated deadlock"), "{message}");
        assert!(
            message.contains("queue: [flusher]") && message.contains("steps of: [committer]"),
            "{message}"
        );
    }

    #[test]
    fn abandoned_jobs_are_dropped_unstepped_and_have_ended() {
        let scheduler = scheduler(7);
        let steps = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&steps);
        let handle = spawn(&scheduler, "job", &Arc::new(Event::new()), move || {
            *counted.lock() += 1;
            Step::Again
        });
        scheduler.abandon();
        handle.join(&scheduler);
        assert_eq!((*steps.lock(), Arc::strong_count(&steps)), (0, 1));
    }

    #[test]
    fn a_job_that_panics_has_ended() {
        let scheduler = scheduler(8);
        let handle = spawn(&scheduler, "job", &Arc::new(Event::new()), || panic!("a bug"));
        assert!(catch_unwind(AssertUnwindSafe(|| scheduler.step_one())).is_err());
        assert!(handle.is_finished());
        assert!(!scheduler.describe().contains("[job]"), "{}", scheduler.describe());
    }
}
