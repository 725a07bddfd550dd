//! Buckets: the nodes of a memtable by the hashes of their keys, so that a key is found without a look at others.
//!
//! ```text
//! bucket := pointer to the node that came last, which chains to the one before it, and so on
//! ```
//!
//! Invariants:
//! 1. There is a power of two of them, and their number does not change.
//! 2. A bucket's pointer is null or a node that was published by a Release store; a node's chain was written before that
//!    (`node`, invariants 2 and 3).
//!
//! Threads: one at a time inserts (the caller's lock); any number looks.
#![expect(unsafe_code, reason = "zeroed memory is taken as null pointers, which are followed to nodes")]

use super::arena::Arena;
use super::node::{Node, NodeRef, Sought, new_node, new_version};
use crate::base::entry::EntryRef;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The buckets.
#[derive(Debug)]
pub(super) struct Buckets {
    pointers: NonNull<AtomicPtr<Node>>,
    count: usize,
    layout: Layout,
}

// SAFETY: the pointers are owned, and what they lead to is shared through atomics or immutable (invariant 2).
unsafe impl Send for Buckets {}
// SAFETY: as above.
unsafe impl Sync for Buckets {}

impl Buckets {
    /// Empty buckets, at least so many. Their memory is touched only where they are filled.
    pub(super) fn new(count: usize) -> Self {
        let count = count.next_power_of_two();
        let layout = Layout::array::<AtomicPtr<Node>>(count).expect("buckets are few");
        // SAFETY: the layout is that of at least one pointer.
        let pointer = unsafe { alloc_zeroed(layout) };
        let Some(pointers) = NonNull::new(pointer.cast()) else { handle_alloc_error(layout) };
        Self { pointers, count, layout }
    }

    /// The memory that they take, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.layout.size()
    }

    fn bucket(&self, hash: u64) -> &AtomicPtr<Node> {
        // The low half: the upper one chooses lines of filters.
        let index = usize::try_from(hash & 0xffff_ffff).unwrap_or_default() & (self.count - 1);
        // SAFETY: the index is below the count, a power of two, and zeros are a null pointer.
        unsafe { self.pointers.add(index).as_ref() }
    }

    /// The first node of a key's bucket.
    fn first(&self, hash: u64) -> Option<NodeRef<'_>> {
        // SAFETY: invariant 2; the owner of the buckets keeps the nodes' arena as long.
        unsafe { NodeRef::new(self.bucket(hash).load(Ordering::Acquire)) }
    }

    /// The node of a key.
    #[inline]
    pub(super) fn find(&self, hash: u64, sought: Sought<'_>) -> Option<NodeRef<'_>> {
        let mut node = self.first(hash);
        while let Some(found) = node {
            if found.order(sought).is_eq() {
                break;
            }
            node = found.chain();
        }
        node
    }

    /// Inserts a version that is newer than all others of its key. Gives the key's node if it is a new one; that has a
    /// tower of this height.
    ///
    /// REQUIRES: the arena, from which all nodes must be, lives as long as the buckets; no other thread is in `insert`.
    pub(super) fn insert(
        &self,
        arena: &mut Arena,
        entry: &EntryRef<'_>,
        hash: u64,
        height: impl FnOnce() -> usize,
    ) -> Option<NodeRef<'_>> {
        if let Some(node) = self.find(hash, Sought::new(entry.key)) {
            let newest = node.newest();
            debug_assert!(
                newest.is_some_and(|newest| newest.seqno() < entry.seqno),
                "versions are inserted oldest first"
            );
            // SAFETY: the arena lives as long as the buckets.
            node.set_newest(unsafe { new_version(arena, entry, newest) });
            return None;
        }
        // SAFETY: as above.
        let node = unsafe { new_node(arena, entry.key, height(), self.first(hash)) };
        // SAFETY: as above.
        node.set_newest(unsafe { new_version(arena, entry, None) });
        self.bucket(hash).store(node.pointer().as_ptr(), Ordering::Release);
        Some(node)
    }
}

impl Drop for Buckets {
    fn drop(&mut self) {
        // SAFETY: the memory was allocated with this layout, and pointers need no dropping.
        unsafe { dealloc(self.pointers.as_ptr().cast(), self.layout) };
    }
}
