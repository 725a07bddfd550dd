//! A skiplist over the nodes of a memtable: their order. One linker, lock-free readers.
//!
//! (Pugh, "Skip lists: a probabilistic alternative to balanced trees", 1990; `LevelDB`'s `skiplist.h` for the
//! single-writer form.)
//!
//! Nodes are not linked as they come but many at a time, sorted (`table`). A descent costs one cache line for each node
//! that it looks at.
//!
//! Invariants:
//! 1. A node is linked from the lowest level up: what is found on a level is on all levels below.
//! 2. No two nodes have the same key.
//! 3. The linker's finger is, on each level, the last node at or before the finger's lowest node.
//!
//! Threads: `link` is called by one thread at a time (the caller's lock); everything else by any number.
#![expect(unsafe_code, reason = "places and towers lead to nodes by pointers")]

use super::arena::Arena;
use super::node::{HEIGHT_MAX, Node, NodeRef, Prefix, Sought, Version, VersionRef, entry_of, new_node};
use crate::base::entry::{EntryRef, Position};
use crate::base::ident::SeqNo;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Nodes that can be found by their keys and are not in the list yet, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Unlinked(Vec<NonNull<Node>>);

// SAFETY: it only points to what every thread may read.
unsafe impl Send for Unlinked {}

impl Unlinked {
    /// Adds a node of the list that they are for.
    pub(super) fn push(&mut self, node: NodeRef<'_>) {
        self.0.push(node.pointer());
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// What only the linker touches.
#[derive(Debug)]
pub(super) struct Linker {
    /// Nodes of the list that the linker was made with.
    finger: [NonNull<Node>; HEIGHT_MAX],
}

// SAFETY: the finger only points to what every thread may read.
unsafe impl Send for Linker {}

/// The list. The linker is apart from it, so that its owner can keep it behind a lock.
#[derive(Debug)]
pub(super) struct SkipList {
    head: NonNull<Node>,
    /// The height of the highest node: a hint that only grows.
    height: AtomicUsize,
}

// SAFETY: what readers share is reached through atomics and is immutable otherwise (`node`, invariants 1 to 3).
unsafe impl Send for SkipList {}
// SAFETY: as above.
unsafe impl Sync for SkipList {}

impl SkipList {
    /// An empty list and its linker. The arena, from which all its nodes must be, must live as long as the list.
    pub(super) fn new(arena: &mut Arena) -> (Self, Linker) {
        // SAFETY: the arena lives as long as the list.
        let head = unsafe { new_node(arena, &[], HEIGHT_MAX, None) }.pointer();
        (Self { head, height: AtomicUsize::new(1) }, Linker { finger: [head; HEIGHT_MAX] })
    }

    fn head(&self) -> NodeRef<'_> {
        self.node_at(self.head)
    }

    fn node_at(&self, pointer: NonNull<Node>) -> NodeRef<'_> {
        let _ = self;
        // SAFETY: the head, the finger and what is handed in to be linked are nodes of this list's arena.
        unsafe { NodeRef::new(pointer.as_ptr()) }.expect("the pointer is not null")
    }

    fn top_level(&self) -> usize {
        self.height.load(Ordering::Relaxed) - 1
    }

    /// Links nodes, none of whose keys is in the list.
    ///
    /// REQUIRES: `linker` is the one made with this list, and no other thread is in `link`.
    pub(super) fn link(&self, linker: &mut Linker, nodes: &Unlinked) {
        // In their order, beside what most comparisons need: then few comparisons touch a node, and those that are
        // neighbours in the list follow the finger.
        let mut sorted: Vec<(Prefix, NodeRef<'_>)> =
            nodes.0.iter().map(|pointer| self.node_at(*pointer)).map(|node| (node.prefix(), node)).collect();
        sorted.sort_unstable_by(|(left_prefix, left), (right_prefix, right)| {
            left_prefix.cmp(right_prefix).then_with(|| left.key().cmp(right.key()))
        });
        let mut before = linker.finger.map(|pointer| self.node_at(pointer));
        for (_, new) in sorted {
            self.follow(&mut before, new.sought());
            let height = new.height();
            for (level, before) in before.iter_mut().enumerate().take(height) {
                new.level(level).store(before.level(level).load(Ordering::Relaxed), Ordering::Relaxed);
                before.level(level).store(new.pointer().as_ptr(), Ordering::Release);
                *before = new;
            }
            self.height.fetch_max(height, Ordering::Relaxed);
        }
        linker.finger = before.map(NodeRef::pointer);
    }

    /// Moves the finger to the last nodes before a key. What is near in front of it is found without a descent from the
    /// top, and its neighbour without any.
    fn follow<'a>(&'a self, finger: &mut [NodeRef<'a>; HEIGHT_MAX], sought: Sought<'_>) {
        let lowest = finger[0];
        if lowest.pointer() != self.head && !lowest.is_before(sought) {
            finger.fill(self.head());
        }
        // On the first level whose next node is not before the key, and on all above it, the finger is right.
        let top_level = self.top_level();
        let is_right = |level: &usize| finger[*level].next(*level).is_none_or(|next| !next.is_before(sought));
        let level = (0..top_level).find(is_right).unwrap_or(top_level);
        Self::descend(sought, (level, finger[level]), Some(finger));
    }

    /// The first node whose key is not less than the one that is sought.
    fn lower_bound(&self, sought: Sought<'_>) -> Option<NodeRef<'_>> {
        Self::descend(sought, (self.top_level(), self.head()), None)
    }

    /// The first node whose key is not less than the one that is sought, beginning on a level at a node before it, and on
    /// that level and those below the last one before it.
    #[inline]
    fn descend<'a>(
        sought: Sought<'_>,
        (mut level, mut node): (usize, NodeRef<'a>),
        mut before: Option<&mut [NodeRef<'a>; HEIGHT_MAX]>,
    ) -> Option<NodeRef<'a>> {
        loop {
            let next = node.next(level);
            match next {
                Some(next) if next.is_before(sought) => node = next,
                _ => {
                    if let Some(before) = &mut before {
                        before[level] = node;
                    }
                    if level == 0 {
                        return next;
                    }
                    level -= 1;
                }
            }
        }
    }

    /// The last node whose key is less than the one that is sought, or the last of all if none is.
    fn last_before(&self, sought: Option<Sought<'_>>) -> Option<NodeRef<'_>> {
        let mut level = self.top_level();
        let mut node = self.head();
        loop {
            match node.next(level) {
                Some(next) if sought.is_none_or(|sought| next.is_before(sought)) => node = next,
                _ if level > 0 => level -= 1,
                _ => return (node.pointer() != self.head).then_some(node),
            }
        }
    }

    /// Keys from `start` on and before `end`, evenly picked, and how many keys each stands for, by estimate.
    ///
    /// A level holds a quarter of the keys of the one below: the highest one with at least `count` keys in the range is
    /// the sample.
    pub(super) fn sample(&self, start: &[u8], end: Option<&[u8]>, count: usize) -> (Vec<&[u8]>, u64) {
        let mut before = [self.head(); HEIGHT_MAX];
        let mut level = self.top_level();
        Self::descend(Sought::new(start), (level, self.head()), Some(&mut before));
        loop {
            let nodes = std::iter::successors(before[level].next(level), |node| node.next(level));
            // What was inserted meanwhile may stand between.
            let keys = nodes.map(NodeRef::key).skip_while(|key| *key < start);
            let keys: Vec<&[u8]> = keys.take_while(|key| end.is_none_or(|end| *key < end)).collect();
            if keys.len() >= count || level == 0 {
                return (keys, 4_u64.pow(u32::try_from(level).unwrap_or_default()));
            }
            level -= 1;
        }
    }
}

/// A place in a list. Its owner keeps the list alive and asks no other list about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    node: *const Node,
    version: *const Version,
}

// SAFETY: a place only reads what every thread may read.
unsafe impl Send for Place {}

impl Place {
    /// Nowhere.
    pub(super) const NOWHERE: Self = Self { node: ptr::null(), version: ptr::null() };
}

/// Moving places. Every place must come from this list.
impl SkipList {
    fn node_of(&self, place: Place) -> Option<NodeRef<'_>> {
        let _ = self;
        // SAFETY: a place's node is null or was reached in this list, which `self` borrows (`node`, invariant 1).
        unsafe { NodeRef::new(place.node) }
    }

    fn version_of(&self, place: Place) -> Option<VersionRef<'_>> {
        let _ = self;
        // SAFETY: a place's version is null or was reached in this list, which `self` borrows (`node`, invariant 1).
        unsafe { VersionRef::new(place.version) }
    }

    /// The entry at a place.
    pub(super) fn entry(&self, place: Place) -> Option<EntryRef<'_>> {
        Some(entry_of(self.node_of(place)?, self.version_of(place)?))
    }

    /// The first place at or after `target`.
    pub(super) fn place_at_or_after(&self, target: Position<'_>) -> Place {
        let sought = Sought::new(target.key);
        let Some(node) = self.lower_bound(sought) else { return Place::NOWHERE };
        if node.order(sought).is_ne() {
            return place_of(node, node.newest());
        }
        match node.newest_at(target.seqno) {
            Some(version) => place_of(node, Some(version)),
            None => newest_place(node.next(0)),
        }
    }

    /// The last place before `target`.
    pub(super) fn place_before(&self, target: Position<'_>) -> Place {
        let sought = Sought::new(target.key);
        if let Some(node) = self.lower_bound(sought)
            && node.order(sought).is_eq()
            && let Some(version) = node.oldest_newer_than(target.seqno)
        {
            return place_of(node, Some(version));
        }
        oldest_place(self.last_before(Some(sought)))
    }

    /// The first place of all.
    pub(super) fn first_place(&self) -> Place {
        newest_place(self.head().next(0))
    }

    /// The last place of all.
    pub(super) fn last_place(&self) -> Place {
        oldest_place(self.last_before(None))
    }

    /// The place after one.
    pub(super) fn place_after(&self, place: Place) -> Place {
        let older = self.version_of(place).and_then(VersionRef::older);
        match (self.node_of(place), older) {
            (Some(node), Some(older)) => place_of(node, Some(older)),
            (node, _) => newest_place(node.and_then(|node| node.next(0))),
        }
    }

    /// The newest version of the key after the one at a place.
    pub(super) fn place_in_next_key(&self, place: Place) -> Place {
        newest_place(self.node_of(place).and_then(|node| node.next(0)))
    }

    /// The version of the same key that a reader at `at` sees.
    pub(super) fn visible_in_key(&self, place: Place, at: SeqNo) -> Option<Place> {
        let node = self.node_of(place)?;
        node.newest_at(at).map(|version| place_of(node, Some(version)))
    }
}

fn place_of(node: NodeRef<'_>, version: Option<VersionRef<'_>>) -> Place {
    version.map_or(Place::NOWHERE, |version| Place {
        node: node.pointer().as_ptr(),
        version: version.pointer().as_ptr(),
    })
}

fn newest_place(node: Option<NodeRef<'_>>) -> Place {
    node.map_or(Place::NOWHERE, |node| place_of(node, node.newest()))
}

fn oldest_place(node: Option<NodeRef<'_>>) -> Place {
    node.map_or(Place::NOWHERE, |node| place_of(node, node.oldest_newer_than(SeqNo::ZERO)))
}
