//! The key filter: a blocked Bloom filter, one cache line a key (Putze, Sanders, Singler: "Cache-, hash- and
//! space-efficient Bloom filters", 2007).
//!
//! ```text
//! payload := line*                        lines of 64 bytes; a payload without lines answers "maybe" to all
//! ```
//!
//! A key's hash is XXH3-64. Its upper half chooses the line; six times nine bits of its product with an odd constant
//! choose the bits within it. About ten bits a key give one false "maybe" in about a hundred.
#![warn(clippy::indexing_slicing)]

use crate::base::codec::DecodeError;

const LINE_BYTES: usize = 64;
const LINE_BITS: usize = 8 * LINE_BYTES;
const BITS_PER_KEY: usize = 10;
const PROBES: u32 = 6;

/// The hash by which filters know a key.
#[inline]
pub fn hash(key: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(key)
}

fn line_of(hash: u64, lines: usize) -> usize {
    usize::try_from(((hash >> 32) * lines as u64) >> 32).unwrap_or_default()
}

/// The bits of a hash within its line, as (byte, mask).
fn bits_of(hash: u64) -> impl Iterator<Item = (usize, u8)> {
    let mixed = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..PROBES).map(move |probe| {
        let bit = usize::try_from((mixed >> (9 * probe)) & 0x1ff).unwrap_or_default();
        (bit / 8, 1 << (bit % 8))
    })
}

/// The filter of these keys' hashes.
pub fn build(hashes: &[u64]) -> Vec<u8> {
    let lines = (hashes.len() * BITS_PER_KEY).div_ceil(LINE_BITS);
    let mut payload = vec![0; lines * LINE_BYTES];
    for hash in hashes {
        let start = line_of(*hash, lines) * LINE_BYTES;
        let line = payload.get_mut(start..start + LINE_BYTES).unwrap_or_default();
        for (byte, mask) in bits_of(*hash) {
            if let Some(byte) = line.get_mut(byte) {
                *byte |= mask;
            }
        }
    }
    payload
}

/// A filter in memory.
#[derive(Debug, Default)]
pub struct Filter {
    payload: Box<[u8]>,
}

impl Filter {
    /// Copies a payload whose checksum was verified.
    pub fn parse(payload: &[u8]) -> Result<Self, DecodeError> {
        if !payload.len().is_multiple_of(LINE_BYTES) {
            return Err(DecodeError { expected: "a filter of whole lines", offset: payload.len() });
        }
        Ok(Self { payload: payload.into() })
    }

    /// Whether a key of this hash may be in the table; `false` is certain.
    #[inline]
    pub fn may_contain(&self, hash: u64) -> bool {
        let lines = self.payload.len() / LINE_BYTES;
        let start = line_of(hash, lines) * LINE_BYTES;
        let Some(line) = self.payload.get(start..start + LINE_BYTES) else { return true };
        bits_of(hash).all(|(byte, mask)| line.get(byte).is_some_and(|byte| byte & mask != 0))
    }

    /// The memory that it takes, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.payload.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_missed_and_few_are_taken_for_others() {
        let hashes: Vec<u64> = (0..10_000_u32).map(|key| hash(&key.to_le_bytes())).collect();
        let filter = Filter::parse(&build(&hashes)).expect("it was just built");
        assert!(hashes.iter().all(|hash| filter.may_contain(*hash)));
        let strangers = 10_000..60_000_u32;
        let mistaken = strangers.filter(|key| filter.may_contain(hash(&key.to_le_bytes()))).count();
        assert!(mistaken < 1000, "{mistaken} of 50,000 were mistaken");
    }

    #[test]
    fn the_hash_is_pinned() {
        assert_eq!(hash(b"pixii"), xxhash_rust::xxh3::xxh3_64(b"pixii"));
        assert_eq!(hash(b""), 0x2d06_8005_38d3_94c2);
    }

    #[test]
    fn an_empty_filter_answers_maybe() {
        assert!(Filter::parse(&build(&[])).expect("it was just built").may_contain(7));
    }
}
