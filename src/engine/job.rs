//! Background work of the layer above: resumable, in steps, with the care that the engine's own jobs have.
//!
//! Invariants:
//! 1. No step begins after closing has begun, and closing waits for the step that is under way. Only then is the log
//!    closed for writing: what a step submits is never refused because of closing.
//! 2. A job ends when the engine is poisoned. One that panics poisons it. One that fails otherwise is tried again later:
//!    a batch is committed whole or not at all, so a failed step leaves nothing behind.
//! 3. A job does not keep the store open: it gets a handle with each step, and has none of its own.

use super::job_registry::RunningJob;
use super::maintenance::BACK_OFF;
use super::store::Engine;
use crate::base::error::{Result, StoreError, StoreFault};
use crate::env::schedule::{Event, Job, JobHandle, Step};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A piece of background work that reads and writes a store step by step.
pub trait EngineJob: Send {
    /// Does a bounded piece of work.
    ///
    /// The handle is for this store, and may be cloned, but it does not keep the store open and cannot close it. A job
    /// that held another handle would keep the store open for ever. After an error the step is tried again, a second
    /// later.
    fn step(&mut self, engine: &Engine) -> Result<Step>;
}

impl Engine {
    /// Begins a job, which is woken from parking by `wake`. It ends when it says so, when the store is closed, or when
    /// the store is poisoned.
    pub fn spawn(&self, name: &str, wake: Arc<Event>, job: Box<dyn EngineJob>) -> Result<JobHandle> {
        let shared = &self.shared;
        let job = Guarded { engine: self.without_ownership(), name: name.to_owned(), job };
        shared.jobs.add(|| {
            let spawned = shared.environment.scheduler.spawn(name, Arc::clone(&wake), Box::new(job));
            let handle =
                spawned.map_err(|error| StoreError::io("start a thread for", &shared.directory, error))?;
            Ok(RunningJob { handle, wake })
        })
    }

    /// Why the last step of the jobs of that name failed, if it did: it is being tried again.
    pub fn job_failure(&self, name: &str) -> Option<StoreError> {
        self.shared.jobs.failure_of(name)
    }
}

struct Guarded {
    engine: Engine,
    name: String,
    job: Box<dyn EngineJob>,
}

impl Job for Guarded {
    fn step(&mut self) -> Step {
        let shared = &self.engine.shared;
        if shared.poison.get().is_some() || shared.jobs.is_stopping() {
            return Step::Done;
        }
        match catch_unwind(AssertUnwindSafe(|| self.job.step(&self.engine))) {
            Ok(Ok(step)) => {
                shared.jobs.note(&self.name, None);
                step
            }
            Ok(Err(error)) => {
                shared.jobs.note(&self.name, Some(error));
                Step::Park(Some(BACK_OFF))
            }
            Err(_) => {
                shared.poison.set(&StoreError::new(StoreFault::Panicked { job: self.name.clone() }));
                shared.maintenance.done.notify();
                shared.pipeline.note_progress(&shared.poison);
                Step::Done
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::batch::WriteBatch;
    use crate::base::error::StoreErrorKind;
    use crate::engine::cursor::KeyRange;
    use crate::engine::options::{Durability, EngineOptions};
    use crate::env::environment::Environment;
    use crate::env::sim::{FaultRule, OpKind, Simulation, errno};
    use std::path::Path;
    use std::time::Duration;

    struct Do<F>(F);

    impl<F: FnMut(&Engine) -> Result<Step> + Send> EngineJob for Do<F> {
        fn step(&mut self, engine: &Engine) -> Result<Step> {
            (self.0)(engine)
        }
    }

    fn open(simulation: &Simulation) -> Engine {
        let options = EngineOptions::default();
        Engine::open(simulation.environment(), Path::new("/store"), options).expect("a store")
    }

    fn spawn(
        engine: &Engine,
        step: impl FnMut(&Engine) -> Result<Step> + Send + 'static,
    ) -> Result<JobHandle> {
        engine.spawn("job", Arc::new(Event::new()), Box::new(Do(step)))
    }

    fn put(engine: &Engine, number: u32) -> Result<()> {
        let mut batch = WriteBatch::new();
        batch.put(number.to_be_bytes().to_vec(), vec![0; 100]);
        engine.write(&batch, Durability::Buffered)
    }

    fn count(engine: &Engine) -> u32 {
        let mut cursor = engine.cursor(KeyRange::default(), None).expect("the store is open");
        cursor.seek_first().expect("it can be read");
        let mut count = 0;
        while cursor.key().is_some() {
            count += 1;
            cursor.next().expect("it can be read");
        }
        count
    }

    /// A job that writes one key a step for ever.
    fn writer(
        written: &Arc<parking_lot::Mutex<u32>>,
    ) -> impl FnMut(&Engine) -> Result<Step> + Send + 'static {
        let written = Arc::clone(written);
        move |engine| {
            let mut written = written.lock();
            put(engine, *written).expect("closing waits for the step and refuses nothing of it");
            *written += 1;
            Ok(Step::Again)
        }
    }

    #[test]
    fn closing_ends_jobs_that_write_and_keeps_all_that_they_wrote() {
        for seed in 0..20 {
            let simulation = Simulation::new(seed);
            let engine = open(&simulation);
            let written = Arc::default();
            let handle = spawn(&engine, writer(&written)).expect("the store is open");
            for _ in 0..20 {
                simulation.scheduler().step_one();
            }
            engine.close().expect("nothing failed");
            assert!(handle.is_finished() && *written.lock() > 0);
            let refused = spawn(&engine, |_| Ok(Step::Done)).expect_err("it is closed");
            assert_eq!(refused.kind(), StoreErrorKind::Closed);
            assert_eq!(count(&open(&simulation)), *written.lock());
        }
    }

    #[test]
    fn a_job_on_a_thread_does_not_keep_the_store_open() {
        let environment = Environment::memory();
        let path = Path::new("/store");
        let open = || Engine::open(environment.clone(), path, EngineOptions::default()).expect("a store");
        let engine = open();
        let written = Arc::default();
        let mut step = writer(&written);
        let kept = Arc::default();
        let handles: Arc<parking_lot::Mutex<Vec<Engine>>> = Arc::clone(&kept);
        let begun = Arc::new(Event::new());
        let seen = begun.generation();
        let notified = Arc::clone(&begun);
        let job = spawn(&engine, move |engine| {
            handles.lock().push(engine.clone());
            let step = step(engine);
            notified.notify();
            step
        });
        environment.scheduler.wait(&begun, seen, None);
        drop(engine);
        assert!(job.expect("the store was open").is_finished());
        assert_eq!(count(&open()), *written.lock());
        assert!(!kept.lock().is_empty(), "it kept handles");
    }

    #[test]
    fn a_panic_of_a_job_poisons_the_store() {
        let simulation = Simulation::new(1);
        let engine = open(&simulation);
        let handle = spawn(&engine, |_| panic!("a bug")).expect("the store is open");
        handle.join(simulation.scheduler());
        assert_eq!(put(&engine, 1).expect_err("poisoned").kind(), StoreErrorKind::Poisoned);
    }

    #[test]
    fn a_failed_step_is_tried_again_and_poisons_nothing() {
        let simulation = Simulation::new(1);
        let engine = open(&simulation);
        put(&engine, 1).expect("space");
        let mut steps = 0;
        let handle = spawn(&engine, move |engine| {
            steps += 1;
            if steps < 3 {
                return Err(StoreError::corruption(Path::new("file"), steps, "other bytes"));
            }
            put(engine, 2).map(|()| Step::Done)
        });
        let before = engine.environment().clock.monotonic();
        simulation.scheduler().run_until_idle();
        let failure = engine.job_failure("job").expect("it failed");
        assert_eq!(
            (failure.kind(), engine.job_failure("other").is_none()),
            (StoreErrorKind::Corruption, true)
        );
        assert_eq!(
            engine.statistics().background_error.expect("it failed").kind(),
            StoreErrorKind::Corruption
        );
        handle.expect("the store is open").join(simulation.scheduler());
        assert!(engine.environment().clock.monotonic() >= before + Duration::from_secs(2));
        assert_eq!(count(&engine), 2);
        assert!(engine.statistics().background_error.is_none());
    }

    #[test]
    fn a_job_ends_when_the_store_is_poisoned() {
        let simulation = Simulation::new(1);
        let engine = open(&simulation);
        let handle = spawn(&engine, move |engine| put(engine, 1).map(|()| Step::Again)).expect("it is open");
        simulation.vfs().fail(FaultRule::on(&[OpKind::Publish]).errno(errno::EIO));
        handle.join(simulation.scheduler());
        assert!(engine.statistics().poison.is_some());
        assert!(engine.close().is_err());
    }
}
