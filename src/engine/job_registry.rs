//! The jobs that the layer above has begun: to be stopped before the store is closed, because they write.
//!
//! Invariant: a job is either in the list when `stop` takes it, or is refused.

use crate::base::error::{Result, StoreError, StoreFault};
use crate::env::schedule::{Event, JobHandle};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The jobs of the layer above.
#[derive(Debug, Default)]
pub(super) struct JobRegistry {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_stopping: bool,
    running: Vec<RunningJob>,
    /// Why a job could not go on the last time that it was stepped, by its name.
    failures: BTreeMap<String, StoreError>,
}

/// A job that was begun.
#[derive(Debug)]
pub(super) struct RunningJob {
    pub(super) handle: JobHandle,
    pub(super) wake: Arc<Event>,
}

impl JobRegistry {
    /// Adds the job that `begin` begins, unless all jobs are to stop.
    pub(super) fn add(&self, begin: impl FnOnce() -> Result<RunningJob>) -> Result<JobHandle> {
        let mut state = self.state.lock();
        if state.is_stopping {
            return Err(StoreError::new(StoreFault::Closed));
        }
        state.running.retain(|job| !job.handle.is_finished());
        let job = begin()?;
        let handle = job.handle.clone();
        state.running.push(job);
        Ok(handle)
    }

    /// Whether jobs end at their next step.
    pub(super) fn is_stopping(&self) -> bool {
        self.state.lock().is_stopping
    }

    /// Tells all jobs to stop, and gives those that have not ended.
    pub(super) fn stop(&self) -> Vec<RunningJob> {
        let mut state = self.state.lock();
        state.is_stopping = true;
        let running = std::mem::take(&mut state.running);
        for job in &running {
            job.wake.notify();
        }
        running
    }

    /// A step of a job has failed, or none has since.
    pub(super) fn note(&self, name: &str, failure: Option<StoreError>) {
        let mut state = self.state.lock();
        match failure {
            Some(failure) => drop(state.failures.insert(name.to_owned(), failure)),
            None => drop(state.failures.remove(name)),
        }
    }

    /// Why the last step of a job failed.
    pub(super) fn failure_of(&self, name: &str) -> Option<StoreError> {
        self.state.lock().failures.get(name).cloned()
    }

    /// A failure that is being tried again.
    pub(super) fn failure(&self) -> Option<StoreError> {
        self.state.lock().failures.values().next().cloned()
    }
}
