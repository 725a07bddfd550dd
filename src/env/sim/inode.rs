//! The bytes of one file: what a power loss cannot take, what a reader sees, and the writes in between.
//!
//! Invariants:
//! 1. `visible` is `durable` with all pending writes applied in order, save those in flight, and save after a failed
//!    sync.
//! 2. A sync moves the pending writes into `durable`, the size included. Writes that a failed sync left behind (`stuck`)
//!    are never moved; what is synced over them replaces that part of them.
//! 3. Bytes are shared between images and copied when one of them writes.
//!
//! Threads: under the machine's lock first, then the inode's.

use super::fault::SyncFailure;
use parking_lot::Mutex;
use std::sync::Arc;

/// The identity of a file, whatever its names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct InodeId(pub(super) u64);

/// A file.
#[derive(Debug)]
pub(super) struct Inode {
    pub(super) id: InodeId,
    pub(super) contents: Mutex<Contents>,
}

/// Bytes that files share until one of them writes.
pub(super) type SharedBytes = Arc<Vec<u8>>;

/// The bytes of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Contents {
    pub(super) durable: SharedBytes,
    pub(super) visible: SharedBytes,
    pub(super) pending: Vec<PendingWrite>,
    /// `visible` as memory to be mapped, made when first asked for.
    mapped: Option<Arc<[u8]>>,
    /// How many failed syncs every handle is to be told of.
    pub(super) failures: u64,
}

/// A write that is not durable.
#[derive(Clone, Debug)]
pub(super) struct PendingWrite {
    pub(super) offset: usize,
    pub(super) bytes: WrittenBytes,
    pub(super) state: PendingState,
}

/// How far a pending change has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PendingState {
    /// The next sync makes it durable.
    Dirty,
    /// A failed sync left it: it may be durable or not, and no sync changes that.
    Stuck,
    /// The machine stopped while it was under way: nobody has seen it.
    InFlight,
}

/// What was written.
#[derive(Clone, Debug)]
pub(super) enum WrittenBytes {
    Data(Arc<[u8]>),
    Zeros(usize),
}

impl WrittenBytes {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Data(data) => data.len(),
            Self::Zeros(length) => *length,
        }
    }

    /// What tells it from other writes of its length.
    pub(super) fn content(&self) -> &[u8] {
        match self {
            Self::Data(data) => data,
            Self::Zeros(_) => &[],
        }
    }

    /// The part of it from `start` to `end`, cut to its length.
    pub(super) fn part(&self, start: usize, end: usize) -> Self {
        let end = end.min(self.len());
        let start = start.min(end);
        match self {
            Self::Data(data) if start == 0 && end == data.len() => Self::Data(Arc::clone(data)),
            Self::Data(data) => Self::Data(Arc::from(data.get(start..end).unwrap_or_default())),
            Self::Zeros(_) => Self::Zeros(end - start),
        }
    }

    /// Writes the part of it from `start` to `end` at `offset + start` of `target`, which grows as needed.
    pub(super) fn write_part(&self, target: &mut Vec<u8>, offset: usize, start: usize, end: usize) {
        let (from, to) = (offset + start, offset + end);
        if target.len() < to {
            target.resize(to, 0);
        }
        let target = target.get_mut(from..to).unwrap_or_default();
        match self {
            Self::Data(data) => target.copy_from_slice(data.get(start..end).unwrap_or_default()),
            Self::Zeros(_) => target.fill(0),
        }
    }

    fn write(&self, target: &mut Vec<u8>, offset: usize) {
        self.write_part(target, offset, 0, self.len());
    }
}

impl PendingWrite {
    pub(super) fn end(&self) -> usize {
        self.offset + self.bytes.len()
    }

    /// What is left of it outside of `start..end`: at most two pieces.
    fn outside(&self, start: usize, end: usize) -> impl Iterator<Item = PendingWrite> {
        let before = self.bytes.part(0, start.saturating_sub(self.offset));
        let skipped = end.saturating_sub(self.offset).min(self.bytes.len());
        let after = self.bytes.part(skipped, self.bytes.len());
        let before = PendingWrite { offset: self.offset, bytes: before, state: self.state };
        let after = PendingWrite { offset: self.offset + skipped, bytes: after, state: self.state };
        [before, after].into_iter().filter(|piece| piece.bytes.len() > 0)
    }
}

impl Inode {
    pub(super) fn new(id: InodeId, contents: Contents) -> Arc<Self> {
        Arc::new(Self { id, contents: Mutex::new(contents) })
    }
}

impl Contents {
    /// A file that is all durable.
    pub(super) fn durable(bytes: SharedBytes) -> Self {
        Self { durable: Arc::clone(&bytes), visible: bytes, ..Self::default() }
    }

    /// The file after a power loss: what `survived`, all of it durable.
    pub(super) fn survived(&self, survived: SharedBytes) -> Self {
        let mapped = self.mapped.clone().filter(|mapped| **mapped == **survived);
        Self { mapped, ..Self::durable(survived) }
    }

    /// The file after the death of the process: all that was seen, and what is pending of it stays pending.
    pub(super) fn orphaned(&self) -> Self {
        let mut orphaned = self.clone();
        orphaned.pending.retain(|write| write.state != PendingState::InFlight);
        orphaned
    }

    /// Whether a power loss could take or change anything.
    pub(super) fn is_pending(&self) -> bool {
        !self.pending.is_empty() || self.visible.len() != self.durable.len()
    }

    pub(super) fn write(&mut self, offset: usize, bytes: WrittenBytes) {
        if bytes.len() == 0 {
            return;
        }
        bytes.write(Arc::make_mut(&mut self.visible), offset);
        self.mapped = None;
        self.pending.push(PendingWrite { offset, bytes, state: PendingState::Dirty });
    }

    /// A write that the machine's stop interrupts: it may reach the disk, and nobody has seen it.
    pub(super) fn write_in_flight(&mut self, offset: usize, bytes: WrittenBytes) {
        if bytes.len() > 0 {
            self.pending.push(PendingWrite { offset, bytes, state: PendingState::InFlight });
        }
    }

    pub(super) fn sync(&mut self) {
        if !self.is_pending() {
            return;
        }
        let durable = Arc::make_mut(&mut self.durable);
        let mut left: Vec<PendingWrite> = Vec::new();
        for write in self.pending.drain(..) {
            if write.state == PendingState::Dirty {
                left = left.iter().flat_map(|stuck| stuck.outside(write.offset, write.end())).collect();
                write.bytes.write(durable, write.offset);
            } else {
                left.push(write);
            }
        }
        durable.resize(self.visible.len(), 0);
        self.pending = left;
    }

    pub(super) fn fail_sync(&mut self, failure: SyncFailure) {
        match failure {
            SyncFailure::StaysPending => return,
            SyncFailure::CleanKeepsNew => {}
            SyncFailure::CleanToldToEveryHandle => self.failures += 1,
            SyncFailure::CleanRevertsToOld => {
                let size = self.visible.len();
                self.visible = Arc::clone(&self.durable);
                Arc::make_mut(&mut self.visible).resize(size, 0);
                self.mapped = None;
                self.pending.clear();
            }
        }
        for write in &mut self.pending {
            write.state = PendingState::Stuck;
        }
    }

    pub(super) fn map(&mut self) -> Arc<[u8]> {
        Arc::clone(self.mapped.get_or_insert_with(|| Arc::from(self.visible.as_slice())))
    }

    /// Damages the medium and the cache alike.
    pub(super) fn flip(&mut self, offset: usize, mask: u8) -> bool {
        let Some(byte) = Arc::make_mut(&mut self.visible).get_mut(offset) else {
            return false;
        };
        *byte ^= mask;
        self.mapped = None;
        if let Some(byte) = Arc::make_mut(&mut self.durable).get_mut(offset) {
            *byte ^= mask;
        }
        for write in &mut self.pending {
            if (write.offset..write.end()).contains(&offset) {
                let mut bytes = Vec::new();
                write.bytes.write(&mut bytes, 0);
                if let Some(byte) = bytes.get_mut(offset - write.offset) {
                    *byte ^= mask;
                }
                write.bytes = WrittenBytes::Data(Arc::from(bytes));
            }
        }
        true
    }

    /// Cuts the medium and the cache alike.
    pub(super) fn truncate(&mut self, size: usize) {
        Arc::make_mut(&mut self.visible).truncate(size);
        Arc::make_mut(&mut self.durable).truncate(size);
        self.mapped = None;
        self.pending = self.pending.iter().flat_map(|write| write.outside(size, usize::MAX)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(text: &str) -> WrittenBytes {
        WrittenBytes::Data(Arc::from(text.as_bytes()))
    }

    #[test]
    fn a_sync_makes_bytes_and_size_durable_and_no_more_is_pending() {
        let mut contents = Contents::default();
        contents.write(0, data("abc"));
        contents.write(5, data("f"));
        assert!(contents.durable.is_empty() && contents.is_pending());
        contents.sync();
        assert_eq!(contents.durable.as_slice(), b"abc\0\0f");
        assert_eq!(contents.visible, contents.durable);
        assert!(!contents.is_pending());
    }

    #[test]
    fn what_a_failed_sync_left_is_not_made_durable_by_the_next() {
        let mut contents = Contents::default();
        contents.write(0, data("abcdef"));
        contents.fail_sync(SyncFailure::CleanKeepsNew);
        contents.write(2, data("XY"));
        contents.sync();
        assert_eq!(contents.durable.as_slice(), b"\0\0XY\0\0");
        assert_eq!(contents.visible.as_slice(), b"abXYef");
        let left: Vec<(usize, usize)> =
            contents.pending.iter().map(|write| (write.offset, write.end())).collect();
        assert_eq!(left, [(0, 2), (4, 6)], "the stuck write is cut around what was synced over it");
    }

    #[test]
    fn the_failures_of_a_sync_leave_their_states() {
        let failed = |failure| {
            let mut contents = Contents::durable(Arc::new(b"old".to_vec()));
            contents.write(0, data("new!"));
            contents.fail_sync(failure);
            contents.sync();
            (contents.durable.as_slice().to_vec(), contents.visible.as_slice().to_vec(), contents.failures)
        };
        assert_eq!(failed(SyncFailure::StaysPending), (b"new!".to_vec(), b"new!".to_vec(), 0));
        assert_eq!(failed(SyncFailure::CleanKeepsNew), (b"old\0".to_vec(), b"new!".to_vec(), 0));
        assert_eq!(failed(SyncFailure::CleanRevertsToOld), (b"old\0".to_vec(), b"old\0".to_vec(), 0));
        assert_eq!(failed(SyncFailure::CleanToldToEveryHandle), (b"old\0".to_vec(), b"new!".to_vec(), 1));
    }

    #[test]
    fn damage_reaches_what_is_pending_too() {
        let mut contents = Contents::durable(Arc::new(b"ab".to_vec()));
        contents.write(1, WrittenBytes::Zeros(3));
        assert!(contents.flip(2, 0x01));
        assert!(!contents.flip(4, 0x01));
        contents.truncate(3);
        contents.sync();
        assert_eq!(contents.durable.as_slice(), b"a\0\x01");
        assert_eq!(contents.visible, contents.durable);
    }

    #[test]
    fn a_map_is_a_copy_of_the_moment() {
        let mut contents = Contents::durable(Arc::new(b"ab".to_vec()));
        let map = contents.map();
        assert!(Arc::ptr_eq(&map, &contents.map()));
        contents.write(0, data("X"));
        assert_eq!((&*map, &*contents.map()), (b"ab".as_slice(), b"Xb".as_slice()));
    }
}
