//! Time: what the wall says, and what only goes forward.

use std::fmt;
use std::time::Duration;

/// A source of time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Milliseconds since 1970 by the wall clock, which may jump either way.
    fn wall_millis(&self) -> u64;

    /// Time since some moment in the past; it never goes back.
    fn monotonic(&self) -> Duration;
}
