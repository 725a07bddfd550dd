//! The memory that the bodies of all requests may take together.
//!
//! Invariants:
//! 1. The first [`BODY_BYTES_FREE`] bytes of a body are not counted, and nobody waits for them: how many connections there
//!    are bounds them. So small requests go on whatever others send.
//! 2. What is beyond is taken as it arrives: who sends nothing holds nothing, whatever he says that he will send.
//! 3. Nobody waits without a bound, so that bodies which wait for each other do so no longer than that.

use super::limits::{BODIES_BYTES_MAX, BODY_BYTES_FREE, QUEUE_TIME};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted, in pieces of so many bytes.
const UNIT_BYTES: usize = 1024;

/// There was no room within the time that a request may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy;

/// What is left of the memory.
#[derive(Debug)]
pub(crate) struct BodyBudget {
    units: Arc<Semaphore>,
}

/// The part of the memory that one body holds, until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Held {
    permit: Option<OwnedSemaphorePermit>,
}

impl BodyBudget {
    /// All of it is left.
    pub(crate) fn new() -> Self {
        Self { units: Arc::new(Semaphore::new(BODIES_BYTES_MAX / UNIT_BYTES)) }
    }

    /// Waits until `held` is enough for a body of `bytes`.
    pub(crate) async fn extend(&self, held: &mut Held, bytes: usize) -> Result<(), Busy> {
        let missing = units(bytes).saturating_sub(held.units());
        if missing == 0 {
            return Ok(());
        }
        let missing = u32::try_from(missing).map_err(|_| Busy)?;
        let taken = Arc::clone(&self.units).acquire_many_owned(missing);
        match tokio::time::timeout(QUEUE_TIME, taken).await {
            Ok(Ok(taken)) => {
                match &mut held.permit {
                    Some(permit) => permit.merge(taken),
                    None => held.permit = Some(taken),
                }
                Ok(())
            }
            Ok(Err(_)) | Err(_) => Err(Busy),
        }
    }
}

impl Held {
    fn units(&self) -> usize {
        self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    /// Gives back what a body of `bytes` does not need.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        let unneeded = self.units().saturating_sub(units(bytes));
        if let Some(permit) = &mut self.permit {
            drop(permit.split(unneeded));
        }
    }
}

fn units(bytes: usize) -> usize {
    bytes.saturating_sub(BODY_BYTES_FREE).div_ceil(UNIT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::limits::BODY_BYTES_MAX;

    fn left(budget: &BodyBudget) -> usize {
        budget.units.available_permits()
    }

    #[tokio::test(start_paused = true)]
    async fn small_bodies_go_on_when_the_budget_is_out_and_large_ones_do_not_wait_for_ever() {
        let budget = BodyBudget::new();
        let mut bodies = Vec::new();
        while left(&budget) > 0 {
            let mut held = Held::default();
            let bytes = BODY_BYTES_MAX.min(BODY_BYTES_FREE + left(&budget) * UNIT_BYTES);
            assert_eq!(budget.extend(&mut held, bytes).await, Ok(()));
            bodies.push(held);
        }
        let begun = tokio::time::Instant::now();
        assert_eq!(budget.extend(&mut Held::default(), BODY_BYTES_FREE).await, Ok(()));
        assert!(begun.elapsed().is_zero());
        let mut large = Held::default();
        assert_eq!(budget.extend(&mut large, BODY_BYTES_FREE + 1).await, Err(Busy));
        assert!(begun.elapsed() >= QUEUE_TIME);
        drop(bodies.pop());
        assert_eq!(budget.extend(&mut large, BODY_BYTES_FREE + 1).await, Ok(()));
        drop((bodies, large));
        assert_eq!(left(&budget), BODIES_BYTES_MAX / UNIT_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_holds_what_has_arrived_and_gives_back_what_it_does_not_need() {
        let (budget, mut held) = (BodyBudget::new(), Held::default());
        let all = left(&budget);
        for (bytes, counted) in [(0, 0), (BODY_BYTES_FREE + 1, 1), (BODY_BYTES_FREE + 4096, 4)] {
            assert_eq!(budget.extend(&mut held, bytes).await, Ok(()));
            assert_eq!(all - left(&budget), counted);
        }
        held.shrink(BODY_BYTES_FREE + 2048);
        assert_eq!(all - left(&budget), 2);
        held.shrink(0);
        assert_eq!(left(&budget), all);
    }
}
