//! A clock that stands still until it is moved.

use crate::env::time::Clock;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// A clock for tests. A clone shows and moves the same time.
///
/// ```
/// use pixii::env::time::Clock;
/// use pixii::sim::SimClock;
/// use std::time::Duration;
///
/// let clock = SimClock::new();
/// let before = clock.wall_millis();
/// clock.advance(Duration::from_secs(2));
/// assert_eq!(clock.wall_millis(), before + 2000);
/// clock.set_wall_millis(0); // somebody corrects the time of day: only the monotonic clock is not disturbed
/// assert_eq!(clock.monotonic(), Duration::from_secs(2));
/// ```
#[derive(Clone, Debug)]
pub struct SimClock {
    now: Arc<Mutex<Now>>,
}

#[derive(Clone, Copy, Debug)]
struct Now {
    wall: Duration,
    monotonic: Duration,
}

/// What the wall clock shows at first: 2020-09-13, a time with a round number.
const FIRST_WALL: Duration = Duration::from_secs(1_600_000_000);

impl SimClock {
    /// A clock that shows a day in 2020, begun just now.
    pub fn new() -> Self {
        Self::starting_at(FIRST_WALL)
    }

    /// The clock of the machine after it was started again: the wall clock goes on, the monotonic one begins anew.
    pub fn restarted(&self) -> Self {
        Self::starting_at(self.now.lock().wall)
    }

    fn starting_at(wall: Duration) -> Self {
        Self { now: Arc::new(Mutex::new(Now { wall, monotonic: Duration::ZERO })) }
    }

    /// Lets time pass, on the wall and in truth.
    pub fn advance(&self, by: Duration) {
        let mut now = self.now.lock();
        now.wall = now.wall.saturating_add(by);
        now.monotonic = now.monotonic.saturating_add(by);
    }

    /// Lets time pass without the wall clock noticing.
    pub fn advance_monotonic(&self, by: Duration) {
        let mut now = self.now.lock();
        now.monotonic = now.monotonic.saturating_add(by);
    }

    /// Sets the wall clock, forwards or backwards, without time passing.
    pub fn set_wall_millis(&self, millis: u64) {
        self.now.lock().wall = Duration::from_millis(millis);
    }
}

impl Default for SimClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SimClock {
    fn wall_millis(&self) -> u64 {
        u64::try_from(self.now.lock().wall.as_millis()).unwrap_or(u64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.now.lock().monotonic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_shows_the_same_time_and_a_restarted_one_begins_anew() {
        let clock = SimClock::new();
        let clone = clock.clone();
        clock.advance(Duration::from_millis(5));
        clock.advance_monotonic(Duration::from_millis(2));
        assert_eq!(clone.monotonic(), Duration::from_millis(7));
        let restarted = clock.restarted();
        assert_eq!(restarted.wall_millis(), clock.wall_millis());
        assert_eq!(restarted.monotonic(), Duration::ZERO);
    }
}
