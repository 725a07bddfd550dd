//! The system's clocks and randomness.

use crate::env::random::Random;
use crate::env::time::Clock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The system's wall clock, and its monotonic clock since this value was made.
#[derive(Debug)]
pub(in crate::env) struct SystemClock {
    start: Instant,
}

impl SystemClock {
    pub(in crate::env) fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn wall_millis(&self) -> u64 {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The system's source of randomness.
#[derive(Debug)]
pub(in crate::env) struct SystemRandom;

impl Random for SystemRandom {
    fn next_u64(&self) -> u64 {
        getrandom::u64().expect("a system without a source of randomness cannot name files safely")
    }
}
