//! Log segments that no table needs any more and that an archive has not taken yet.
//!
//! Invariant: as long as they are within the limit, they are kept; beyond it the oldest are let go, and the archive finds
//! that they are gone. So an archive that lags or fails costs no more than the limit.

use crate::base::ident::FileNumber;
use parking_lot::Mutex;

/// Which segments are kept.
#[derive(Debug)]
pub(super) struct KeptLog {
    /// In bytes; 0 keeps none.
    limit_bytes: u64,
    needed_from: Mutex<FileNumber>,
}

impl KeptLog {
    pub(super) fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes, needed_from: Mutex::new(FileNumber(0)) }
    }

    /// Whether any are kept.
    pub(super) fn is_keeping(&self) -> bool {
        self.limit_bytes > 0
    }

    /// The first segment that is kept. Those before it may be gone.
    pub(super) fn needed_from(&self) -> FileNumber {
        *self.needed_from.lock()
    }

    /// The segments before this one are archived.
    pub(super) fn archived_before(&self, segment: FileNumber) {
        let mut needed_from = self.needed_from.lock();
        *needed_from = segment.max(*needed_from);
    }

    /// Which is the first segment to be kept. `retired` are those that no table needs, ascending, with their sizes.
    pub(super) fn keep(&self, retired: &[(FileNumber, u64)], oldest_needed: FileNumber) -> FileNumber {
        if !self.is_keeping() {
            return oldest_needed;
        }
        let mut needed_from = self.needed_from.lock();
        let kept = retired.iter().filter(|(number, _)| number >= &*needed_from);
        let mut bytes: u64 = kept.clone().map(|(_, size_bytes)| size_bytes).sum();
        for (number, size_bytes) in kept.copied().collect::<Vec<_>>() {
            if bytes <= self.limit_bytes {
                break;
            }
            bytes -= size_bytes;
            *needed_from = number.next();
        }
        oldest_needed.min(*needed_from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first_when_the_limit_is_reached() {
        let number = FileNumber;
        let retired: Vec<_> = (1..=4).map(|segment| (number(segment), 100)).collect();
        let kept = KeptLog::new(250);
        assert_eq!(kept.keep(&retired[..2], number(3)), number(0), "both fit");
        assert_eq!(kept.keep(&retired, number(5)), number(3));
        assert_eq!(kept.needed_from(), number(3));
        kept.archived_before(number(4));
        assert_eq!(kept.keep(&retired, number(5)), number(4));
        kept.archived_before(number(9));
        assert_eq!(kept.keep(&retired, number(5)), number(5), "what tables need stays");
        assert_eq!(KeptLog::new(0).keep(&retired, number(5)), number(5));
    }
}
