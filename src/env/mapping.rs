//! A file's bytes as memory: finished files to be read, and the space of a log that is filled and not written yet.
//!
//! Invariants:
//! 1. The pointer is valid for `length` bytes as long as the owner lives, and the owner lives as long as the mapping.
//! 2. The bytes do not change while they are mapped: only finished files are mapped, the store never writes to a
//!    finished file, and the directory is locked against other stores. A foreign process that writes to or truncates
//!    a mapped file breaks this; a truncated map ends the process with SIGBUS (docs/format.md says so).
//!
//! 3. A window lies within its file, over blocks that were written before and are written again where they are, so that
//!    storing to it needs no space. A foreign process that truncates the file breaks this, with the same end; so do a
//!    medium that cannot give back a page which was filled, and a file system that the system shuts down.
//!
//! Threads: a mapping can be read from any thread; a window belongs to one at a time.
#![expect(unsafe_code, reason = "a map is a pointer and a length")]

use std::fmt;
use std::io;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

/// The bytes of a finished file, mapped by the system or held in memory: a pointer and a length in either case.
#[derive(Clone)]
pub struct Mapping {
    pointer: NonNull<u8>,
    length: usize,
    _owner: Owner,
}

#[derive(Clone)]
#[expect(dead_code, reason = "owners are kept, not read")]
enum Owner {
    System(Arc<memmap2::Mmap>),
    Memory(Arc<[u8]>),
}

// SAFETY: the bytes are never written through the mapping, and the owner (an `Arc` of memory that does not move) may be
// dropped on any thread.
unsafe impl Send for Mapping {}
// SAFETY: as above: shared access only reads.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps a finished file.
    pub(super) fn of_file(file: &std::fs::File) -> io::Result<Self> {
        // SAFETY: invariant 2: the file is finished, and the directory's lock keeps other stores from it.
        let map = unsafe { memmap2::Mmap::map(file)? };
        let length = map.len();
        let pointer = NonNull::from(map.as_ref()).cast();
        Ok(Self { pointer, length, _owner: Owner::System(Arc::new(map)) })
    }

    /// Bytes in memory, for file systems that are not the system's.
    pub fn of_bytes(bytes: Arc<[u8]>) -> Self {
        let length = bytes.len();
        let pointer = NonNull::from(bytes.as_ref()).cast();
        Self { pointer, length, _owner: Owner::Memory(bytes) }
    }
}

impl Deref for Mapping {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: invariant 1; the lifetime of the slice is that of the borrow of `self`.
        unsafe { std::slice::from_raw_parts(self.pointer.as_ptr(), self.length) }
    }
}

/// A part of a file that is written by storing to memory.
#[derive(Debug)]
pub(super) struct Window {
    map: memmap2::MmapMut,
    start: u64,
}

impl Window {
    /// The part of a file from `start`, which begins a page, with this length.
    ///
    /// REQUIRES: all of it was written before.
    pub(super) fn of_file(file: &std::fs::File, start: u64, length: usize) -> io::Result<Self> {
        // SAFETY: invariant 3; nobody else maps a log, and its only writer has the window.
        let map = unsafe { memmap2::MmapOptions::new().offset(start).len(length).map_mut(file)? };
        Ok(Self { map, start })
    }

    /// Stores what fits of `bytes` at an offset of the file, and tells how much that is.
    pub(super) fn store(&mut self, offset: u64, bytes: &[u8]) -> usize {
        let place = offset.checked_sub(self.start).and_then(|place| usize::try_from(place).ok());
        let Some(space) = place.and_then(|place| self.map.get_mut(place..)) else { return 0 };
        let count = space.len().min(bytes.len());
        space[..count].copy_from_slice(&bytes[..count]);
        count
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapping").field("length", &self.length).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_outlives_the_first_handle() {
        let first = Mapping::of_bytes(Arc::from(b"bytes".as_slice()));
        let second = first.clone();
        drop(first);
        assert_eq!(&*second, b"bytes");
    }

    #[test]
    fn nothing_maps_to_nothing() {
        assert!(Mapping::of_bytes(Arc::from([].as_slice())).is_empty());
    }
}
