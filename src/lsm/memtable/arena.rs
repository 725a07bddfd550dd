//! Memory that is handed out in pieces and freed all at once.
//!
//! Invariants:
//! 1. A piece stays where it is, and is not handed out again, until the arena is dropped.
//! 2. Only the holder of `&mut Arena` takes pieces, so taking needs no synchronisation.
//! 3. Pieces are aligned to 8 bytes.
#![expect(unsafe_code, reason = "pieces outlive the borrow of the arena by which they were taken")]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// The alignment of every piece, in bytes.
pub(super) const ALIGNMENT: usize = 8;

const CHUNK_BYTES_FIRST: usize = 4 * 1024;
const CHUNK_BYTES_MAX: usize = 1024 * 1024;

/// Memory in chunks, each twice the size of the one before up to a limit; a larger piece gets a chunk of its own.
#[derive(Debug)]
pub(super) struct Arena {
    chunks: Vec<(NonNull<u8>, Layout)>,
    /// Where the next piece begins in the last shared chunk.
    next: *mut u8,
    left: usize,
    chunk_bytes: usize,
    /// The bytes of all pieces.
    taken_bytes: usize,
}

// SAFETY: the chunks are owned by the arena alone and may be freed on any thread.
unsafe impl Send for Arena {}

impl Arena {
    pub(super) fn new() -> Self {
        Self {
            chunks: Vec::new(),
            next: std::ptr::null_mut(),
            left: 0,
            chunk_bytes: CHUNK_BYTES_FIRST,
            taken_bytes: 0,
        }
    }

    /// The bytes of all pieces.
    pub(super) fn taken_bytes(&self) -> usize {
        self.taken_bytes
    }

    /// A piece of at least `size` bytes, valid as long as the arena, not initialised.
    pub(super) fn take(&mut self, size: usize) -> NonNull<u8> {
        let size = size.next_multiple_of(ALIGNMENT);
        self.taken_bytes += size;
        if size > self.left {
            if size > self.chunk_bytes / 4 {
                return self.add_chunk(size);
            }
            let chunk = self.add_chunk(self.chunk_bytes);
            self.next = chunk.as_ptr();
            self.left = self.chunk_bytes;
            self.chunk_bytes = (self.chunk_bytes * 2).min(CHUNK_BYTES_MAX);
        }
        let piece = self.next;
        // SAFETY: `size <= left`, so the result is within the chunk or one past its end.
        self.next = unsafe { piece.add(size) };
        self.left -= size;
        NonNull::new(piece).expect("a piece lies within a chunk")
    }

    fn add_chunk(&mut self, size: usize) -> NonNull<u8> {
        let layout = Layout::from_size_align(size.max(ALIGNMENT), ALIGNMENT)
            .expect("pieces are far smaller than the address space");
        // SAFETY: the layout's size is not zero.
        let pointer = unsafe { alloc(layout) };
        let Some(chunk) = NonNull::new(pointer) else { handle_alloc_error(layout) };
        self.chunks.push((chunk, layout));
        chunk
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for (chunk, layout) in &self.chunks {
            // SAFETY: the chunk was allocated with this layout, and invariant 1 ends here.
            unsafe { dealloc(chunk.as_ptr(), *layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_aligned_and_do_not_overlap() {
        let mut arena = Arena::new();
        let mut pieces = Vec::new();
        for size in (1..2000).chain([100_000, 3, 5_000_000, 8]) {
            let piece = arena.take(size);
            // SAFETY: the piece has at least `size` bytes and belongs to this test.
            unsafe { piece.as_ptr().write_bytes(size.to_le_bytes()[0], size) };
            pieces.push((piece, size));
        }
        for (piece, size) in pieces {
            assert_eq!(piece.as_ptr() as usize % ALIGNMENT, 0);
            // SAFETY: as above, and it was initialised.
            let bytes = unsafe { std::slice::from_raw_parts(piece.as_ptr(), size) };
            assert!(
                bytes.iter().all(|byte| *byte == size.to_le_bytes()[0]),
                "a piece of {size} was overwritten"
            );
        }
    }
}
