//! The name that each answer has: 52 capital letters and digits, as DynamoDB's.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LENGTH: usize = 52;

/// Gives names that do not repeat.
#[derive(Debug, Default)]
pub(crate) struct RequestIds {
    seed: RandomState,
    count: AtomicU64,
}

impl RequestIds {
    /// The next name.
    pub(crate) fn next(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut name = String::with_capacity(LENGTH);
        let mut word = 0_u64;
        for place in 0..LENGTH {
            // A hash has letters enough for twelve places: 36^12 < 2^64.
            if place % 12 == 0 {
                let mut hasher = self.seed.build_hasher();
                hasher.write_u64(count);
                hasher.write_usize(place);
                word = hasher.finish();
            }
            let letter = usize::try_from(word % 36).unwrap_or(0);
            name.push(char::from(ALPHABET[letter]));
            word /= 36;
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_have_52_letters_and_do_not_repeat() {
        let ids = RequestIds::default();
        let names: HashSet<String> = (0..10_000).map(|_| ids.next()).collect();
        assert_eq!(names.len(), 10_000);
        let allowed = |letter: u8| letter.is_ascii_uppercase() || letter.is_ascii_digit();
        assert!(names.iter().all(|name| name.len() == 52 && name.bytes().all(allowed)));
    }
}
