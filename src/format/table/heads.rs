//! Heads: the first bytes of sorted keys as numbers, so that most of a search never looks at a key.
//!
//! ```text
//! tiers[0]     one head a key, ascending
//! tiers[n + 1] the last head of each group of 16 in tiers[n]
//! ```
//!
//! A search goes through one group of a tier, two cache lines, and from there to one group of the tier below: four
//! groups for sixty thousand keys, the upper ones of which stay in the processor's cache (a static B+-tree, as in Rao and
//! Ross, "Making B+-trees cache conscious in main memory", 2000).
//!
//! Invariant: keys of different heads are ordered as their heads are; of equal heads nothing is said.
#![warn(clippy::indexing_slicing)]

const GROUP: usize = 16;

/// The first eight bytes of what is left of a key, big-endian, with zeros in place of what it lacks.
#[inline]
pub(super) fn head_of(rest: &[u8]) -> u64 {
    let mut head = [0; 8];
    match rest.first_chunk::<8>() {
        Some(whole) => head = *whole,
        None => {
            for (to, from) in head.iter_mut().zip(rest) {
                *to = *from;
            }
        }
    }
    u64::from_be_bytes(head)
}

/// Sorted heads, to be searched.
#[derive(Debug, Default)]
pub(super) struct Heads {
    tiers: Vec<Vec<u64>>,
}

impl Heads {
    /// REQUIRES: the heads ascend.
    pub(super) fn new(heads: Vec<u64>) -> Self {
        let mut tiers = vec![heads];
        while let Some(below) = tiers.last()
            && below.len() > GROUP
        {
            let last_of = |group: &[u64]| group.last().copied().unwrap_or_default();
            let tier = below.chunks(GROUP).map(last_of).collect();
            tiers.push(tier);
        }
        Self { tiers }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.tiers.first().map_or(0, Vec::len)
    }

    /// The head at an index.
    pub(super) fn get(&self, index: usize) -> Option<u64> {
        self.tiers.first()?.get(index).copied()
    }

    /// The index of the first head that is not less than `head`; the count if there is none.
    #[inline]
    pub(super) fn lower_bound(&self, head: u64) -> usize {
        let mut index = 0;
        for tier in self.tiers.iter().rev() {
            let start = index * GROUP;
            let group = tier.get(start..tier.len().min(start + GROUP)).unwrap_or_default();
            // Counting all is faster than stopping: no branch depends on what is read.
            index = start + group.iter().map(|other| usize::from(*other < head)).sum::<usize>();
            if index == tier.len() {
                return self.len();
            }
        }
        index
    }

    /// The memory that they take, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.tiers.iter().map(|tier| tier.len() * size_of::<u64>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_head_that_is_not_less_is_found(
            mut heads in prop::collection::vec(0_u64..3000, 0..2000),
            sought in prop::collection::vec(0_u64..3001, 20),
        ) {
            heads.sort_unstable();
            let searched = Heads::new(heads.clone());
            for head in sought {
                prop_assert_eq!(searched.lower_bound(head), heads.partition_point(|other| *other < head));
            }
        }

        #[test]
        fn different_heads_are_ordered_as_their_keys(left: Vec<u8>, right: Vec<u8>) {
            if head_of(&left) != head_of(&right) {
                prop_assert_eq!(head_of(&left).cmp(&head_of(&right)), left.cmp(&right));
            }
        }
    }
}
