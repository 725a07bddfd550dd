//! Background jobs and waiting. All waiting of the store goes through [`Scheduler::wait`].
//!
//! A job is a resumable machine: each call of `step` does a bounded piece of work. In the real world a thread calls it
//! in a loop; in the simulated one a run queue on one thread chooses by seed whose step is next, and a wait runs other
//! jobs' steps until the event has happened. The code of the jobs is the same.
//!
//! To wait without losing a wake-up: take the event's generation, test the condition, and if it does not hold, wait
//! with the generation taken.

use parking_lot::{Condvar, Mutex};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What a job wants after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To be called again: there is more to do.
    Again,
    /// To be called when its event is notified, or after this time if one is given.
    Park(Option<Duration>),
    /// Never to be called again.
    Done,
}

/// A piece of background work that is done step by step.
pub trait Job: Send {
    /// Does a bounded piece of work.
    fn step(&mut self) -> Step;
}

/// Runs jobs, and waits.
pub trait Scheduler: Send + Sync + fmt::Debug {
    /// Begins a job. It is woken from parking by `wake`.
    fn spawn(&self, name: &str, wake: Arc<Event>, job: Box<dyn Job>) -> io::Result<JobHandle>;

    /// Waits until `event` has another generation than `seen`, or until the time is over. May return early.
    fn wait(&self, event: &Event, seen: Generation, at_most: Option<Duration>);
}

/// Something that happens, and that others wait for.
#[derive(Default)]
pub struct Event {
    generation: AtomicU64,
    waiting: Mutex<usize>,
    happened: Condvar,
}

/// How often an event has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u64);

impl Event {
    /// An event that has not happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// How often it has happened.
    pub fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::SeqCst))
    }

    /// It happens: everyone who waits is woken.
    pub fn notify(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        let waiting = self.waiting.lock();
        if *waiting > 0 {
            self.happened.notify_all();
        }
    }

    /// Blocks this thread until the generation is not `seen`, or the time is over. For schedulers that run on threads.
    pub fn block(&self, seen: Generation, at_most: Option<Duration>) {
        let mut waiting = self.waiting.lock();
        if self.generation() != seen {
            return;
        }
        *waiting += 1;
        match at_most {
            Some(at_most) => {
                self.happened.wait_for(&mut waiting, at_most);
            }
            None => self.happened.wait(&mut waiting),
        }
        *waiting -= 1;
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Event").field(&self.generation()).finish()
    }
}

/// The end of a job, to be waited for.
#[derive(Clone, Debug, Default)]
pub struct JobHandle {
    state: Arc<JobState>,
}

#[derive(Debug, Default)]
struct JobState {
    finished: AtomicBool,
    event: Event,
}

impl JobHandle {
    /// The handle of a job that is still to finish.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that the job has ended. For schedulers.
    pub fn finish(&self) {
        self.state.finished.store(true, Ordering::SeqCst);
        self.state.event.notify();
    }

    /// Whether the job has ended.
    pub fn is_finished(&self) -> bool {
        self.state.finished.load(Ordering::SeqCst)
    }

    /// Waits for the job's end.
    pub fn join(&self, scheduler: &dyn Scheduler) {
        loop {
            let seen = self.state.event.generation();
            if self.is_finished() {
                return;
            }
            scheduler.wait(&self.state.event, seen, None);
        }
    }
}
