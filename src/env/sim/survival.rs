//! What a power loss leaves of one file.
//!
//! In the order of the code: the size is decided; what was not durable within it is zeros, garbage, or an unlinked
//! file's bytes; then the writes that survive are laid over it in their order, each whole or torn.

use super::inode::{Contents, SharedBytes, WrittenBytes};
use super::rng::SimRng;
use std::sync::Arc;

/// What is to be left of one file.
#[derive(Clone, Debug)]
pub(super) struct FileFate {
    /// The fate of each pending write.
    pub(super) writes: Vec<WriteFate>,
    pub(super) size: SizeFate,
    pub(super) hole: Hole,
}

/// What becomes of a pending write.
#[derive(Clone, Debug)]
pub(super) enum WriteFate {
    Lost,
    Kept,
    Torn(Tear),
}

/// A write of which only some grains survive.
#[derive(Clone, Debug)]
pub(super) struct Tear {
    /// The size of what survives or not as a whole, aligned in the file.
    pub(super) grain_bytes: usize,
    pub(super) shape: TearShape,
}

#[derive(Clone, Debug)]
pub(super) enum TearShape {
    /// The first so many thousandths.
    Prefix(u64),
    /// All but the first so many thousandths.
    Suffix(u64),
    /// Every other one, by lot.
    Subset(SimRng),
}

/// What becomes of the size.
#[derive(Clone, Copy, Debug)]
pub(super) enum SizeFate {
    /// As far as what survives reaches, and at least what was durable.
    Kept,
    /// What was seen last, whatever survives within it.
    Seen,
    /// What was durable: whatever survives beyond it is lost.
    Durable,
    /// As it was after this pending write.
    After(usize),
}

/// What is read where nothing landed beyond the durable size.
#[derive(Clone, Debug)]
pub(super) enum Hole {
    Zeros,
    Garbage(SimRng),
    Stale(SharedBytes),
}

/// The grains that tears are drawn from: anything goes within a published range, processors write words, disks sectors,
/// and caches pages.
pub(super) const GRAINS_BYTES: [usize; 4] = [1, 8, 512, 4096];

impl Contents {
    /// The bytes that are left.
    pub(super) fn surviving(&self, fate: &FileFate) -> SharedBytes {
        let is_all_lost = fate.writes.iter().all(|fate| matches!(fate, WriteFate::Lost));
        if is_all_lost && matches!(fate.size, SizeFate::Durable | SizeFate::Kept) {
            return Arc::clone(&self.durable);
        }
        let durable_size = self.durable.len();
        let mut bytes = self.durable.as_ref().clone();
        let seen_size =
            self.pending.iter().map(super::inode::PendingWrite::end).fold(self.visible.len(), usize::max);
        fate.hole.fill(&mut bytes, seen_size);

        let mut kept_size = durable_size;
        for (write, fate) in self.pending.iter().zip(&fate.writes) {
            let end = fate.land(&write.bytes, write.offset, &mut bytes);
            kept_size = kept_size.max(end);
        }
        let size = match fate.size {
            SizeFate::Kept => kept_size,
            SizeFate::Seen => seen_size,
            SizeFate::Durable => durable_size,
            SizeFate::After(index) => {
                let ends = self.pending.iter().take(index + 1).map(super::inode::PendingWrite::end);
                ends.fold(durable_size, usize::max)
            }
        };
        bytes.resize(size, 0);
        Arc::new(bytes)
    }
}

impl WriteFate {
    /// Lays over `target` what survives of a write, and returns where that ends.
    fn land(&self, bytes: &WrittenBytes, offset: usize, target: &mut Vec<u8>) -> usize {
        match self {
            Self::Lost => 0,
            Self::Kept => {
                bytes.write_part(target, offset, 0, bytes.len());
                offset + bytes.len()
            }
            Self::Torn(tear) => tear.land(bytes, offset, target),
        }
    }
}

impl Tear {
    fn land(&self, bytes: &WrittenBytes, offset: usize, target: &mut Vec<u8>) -> usize {
        let first = offset / self.grain_bytes;
        let end = (offset + bytes.len()).div_ceil(self.grain_bytes);
        let cut = |thousandths: u64| {
            let share = (end - first) as u64 * thousandths / 1000;
            first + usize::try_from(share).unwrap_or(usize::MAX)
        };
        match &self.shape {
            TearShape::Prefix(thousandths) => {
                self.land_grains(bytes, offset, target, first, cut(*thousandths))
            }
            TearShape::Suffix(thousandths) => self.land_grains(bytes, offset, target, cut(*thousandths), end),
            TearShape::Subset(rng) => {
                let mut rng = rng.clone();
                let mut bits = 1;
                let mut landed = 0;
                for grain in first..end {
                    if bits == 1 {
                        bits = rng.next_u64() | 1 << 63;
                    }
                    if bits & 1 == 1 {
                        landed = self.land_grains(bytes, offset, target, grain, grain + 1);
                    }
                    bits >>= 1;
                }
                landed
            }
        }
    }

    /// Lays the grains from `first` to `end` over `target`, and returns where that ends.
    fn land_grains(
        &self,
        bytes: &WrittenBytes,
        offset: usize,
        target: &mut Vec<u8>,
        first: usize,
        end: usize,
    ) -> usize {
        let start = (first * self.grain_bytes).saturating_sub(offset);
        let end = (end * self.grain_bytes).saturating_sub(offset).min(bytes.len());
        if start >= end {
            return 0;
        }
        bytes.write_part(target, offset, start, end);
        offset + end
    }
}

impl Hole {
    fn fill(&self, bytes: &mut Vec<u8>, size: usize) {
        let durable_size = bytes.len();
        bytes.resize(durable_size.max(size), 0);
        let hole = bytes.get_mut(durable_size..).unwrap_or_default();
        match self {
            Self::Zeros => {}
            Self::Garbage(rng) => rng.clone().fill(hole),
            Self::Stale(stale) => {
                let stale = stale.get(durable_size..).unwrap_or_default();
                for (byte, stale) in hole.iter_mut().zip(stale) {
                    *byte = *stale;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending() -> Contents {
        let mut contents = Contents::durable(Arc::new(b"durable!".to_vec()));
        contents.write(8, WrittenBytes::Data(Arc::from(b"first".as_slice())));
        contents.write(13, WrittenBytes::Data(Arc::from(b"second".as_slice())));
        contents
    }

    fn left(writes: impl Into<Vec<WriteFate>>, size: SizeFate, hole: Hole) -> Vec<u8> {
        pending().surviving(&FileFate { writes: writes.into(), size, hole }).as_ref().clone()
    }

    fn torn(grain_bytes: usize, shape: TearShape) -> WriteFate {
        WriteFate::Torn(Tear { grain_bytes, shape })
    }

    #[test]
    fn size_and_data_have_fates_of_their_own() {
        let lost = || [WriteFate::Lost, WriteFate::Lost];
        let second = || [WriteFate::Lost, WriteFate::Kept];
        assert_eq!(left(lost(), SizeFate::Kept, Hole::Zeros), b"durable!");
        assert_eq!(left(lost(), SizeFate::After(0), Hole::Zeros), b"durable!\0\0\0\0\0");
        assert_eq!(left(lost(), SizeFate::Seen, Hole::Zeros).len(), 19);
        assert_eq!(left(second(), SizeFate::Durable, Hole::Zeros), b"durable!");
        assert_eq!(left(second(), SizeFate::Kept, Hole::Zeros), b"durable!\0\0\0\0\0second");
        assert_eq!(left(second(), SizeFate::After(0), Hole::Zeros), b"durable!\0\0\0\0\0");
    }

    #[test]
    fn holes_show_zeros_garbage_or_what_lay_there_in_an_unlinked_file() {
        let writes = || [WriteFate::Lost, WriteFate::Kept];
        let stale = Arc::new(b"0123456789abcdef".to_vec());
        assert_eq!(left(writes(), SizeFate::Kept, Hole::Stale(stale)), b"durable!89abcsecond");
        let garbage = left(writes(), SizeFate::Kept, Hole::Garbage(SimRng::new(1)));
        assert_ne!(&garbage[8..13], [0; 5]);
        assert_eq!((&garbage[..8], &garbage[13..]), (b"durable!".as_slice(), b"second".as_slice()));
    }

    #[test]
    fn torn_writes_keep_grains() {
        let tear = |fate| left([fate, WriteFate::Lost], SizeFate::Kept, Hole::Zeros);
        assert_eq!(tear(torn(1, TearShape::Prefix(400))), b"durable!fi");
        assert_eq!(tear(torn(1, TearShape::Suffix(400))), b"durable!\0\0rst");
        assert_eq!(tear(torn(512, TearShape::Prefix(999))), b"durable!");
        assert_eq!(tear(torn(8, TearShape::Suffix(0))), b"durable!first");
        let subsets: std::collections::BTreeSet<Vec<u8>> =
            (0..500).map(|seed| tear(torn(1, TearShape::Subset(SimRng::new(seed))))).collect();
        assert_eq!(subsets.len(), 32, "every subset of five bytes is drawn");
    }

    #[test]
    fn grains_are_aligned_in_the_file() {
        let mut contents = Contents::default();
        contents.write(0, WrittenBytes::Zeros(500));
        contents.sync();
        contents.write(500, WrittenBytes::Data(Arc::from([7; 100].as_slice())));
        let writes = vec![torn(512, TearShape::Prefix(500))];
        let left = contents.surviving(&FileFate { writes, size: SizeFate::Kept, hole: Hole::Zeros });
        assert_eq!(left[500..], [7; 12]);
    }
}
