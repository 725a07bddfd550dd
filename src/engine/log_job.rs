//! The job that does the log's work for tasks that await commits. The first of them begins it: a store whose writers all
//! wait on threads of their own has none.
//!
//! Steps: nobody awaits anything? sleep until somebody does; else one phase of the log's work, or, while somebody else does
//! it, wait for that one.

use super::pipeline::Advance;
use super::shared::Shared;
use crate::base::error::{StoreError, StoreFault};
use crate::env::schedule::{Job, Step};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

const NAME: &str = "pixii-log";

/// How long the job waits at most for who holds the log.
const LOG_BUSY: Duration = Duration::from_millis(5);

/// Sees to it that the log's work is done although nobody waits on a thread. An error says that no thread can be had.
pub(super) fn wake(shared: &Arc<Shared>) -> io::Result<()> {
    let maintenance = &shared.maintenance;
    let mut handle = maintenance.log_job.lock();
    if handle.is_none() {
        let job = Box::new(LogJob { shared: Arc::clone(shared) });
        let wake = Arc::clone(&maintenance.wake_log);
        *handle = Some(shared.environment.scheduler.spawn(NAME, wake, job)?);
    }
    drop(handle);
    maintenance.wake_log.notify();
    Ok(())
}

struct LogJob {
    shared: Arc<Shared>,
}

impl Job for LogJob {
    fn step(&mut self) -> Step {
        let shared = &self.shared;
        let pipeline = &shared.pipeline;
        if shared.poison.get().is_some() || shared.maintenance.state.lock().stop {
            pipeline.note_progress(&shared.poison);
            return Step::Done;
        }
        if pipeline.waiters.is_empty() {
            return Step::Park(None);
        }
        let seen = pipeline.progress().generation();
        let advance = || pipeline.advance(&shared.counters, &shared.poison);
        match catch_unwind(AssertUnwindSafe(advance)) {
            Ok(Advance::Busy) => shared.environment.scheduler.wait(pipeline.progress(), seen, Some(LOG_BUSY)),
            Ok(Advance::Progressed | Advance::Idle) => {}
            Err(_) => shared.poison.set(&StoreError::new(StoreFault::Panicked { job: NAME.to_owned() })),
        }
        Step::Again
    }
}
