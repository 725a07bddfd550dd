//! Jobs on threads of their own, and waiting by blocking.

use crate::env::schedule::{Event, Generation, Job, JobHandle, Scheduler, Step};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// One thread a job.
#[derive(Debug)]
pub(in crate::env) struct Threads;

/// Says that the job has ended even if it ends by a panic.
struct FinishOnDrop(JobHandle);

impl Drop for FinishOnDrop {
    fn drop(&mut self) {
        self.0.finish();
    }
}

impl Scheduler for Threads {
    fn spawn(&self, name: &str, wake: Arc<Event>, mut job: Box<dyn Job>) -> io::Result<JobHandle> {
        let handle = JobHandle::new();
        let finish = FinishOnDrop(handle.clone());
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _finish = finish;
            loop {
                let seen = wake.generation();
                match job.step() {
                    Step::Again => {}
                    Step::Park(at_most) => wake.block(seen, at_most),
                    Step::Done => break,
                }
            }
        })?;
        Ok(handle)
    }

    fn wait(&self, event: &Event, seen: Generation, at_most: Option<Duration>) {
        event.block(seen, at_most);
    }
}
