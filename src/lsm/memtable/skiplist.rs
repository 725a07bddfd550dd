//! A skiplist in an arena: one node a key, its versions chained newest first. One inserter, lock-free readers.
//!
//! (Pugh, "Skip lists: a probabilistic alternative to balanced trees", 1990; `LevelDB`'s `skiplist.h` for the
//! single-writer form.)
//!
//! ```text
//! node    := key pointer, key length u32, height u32, newest version pointer, next pointer * height
//! version := older version pointer, seqno u64, content pointer, content length u32, tag u8
//! content := [expiry in milliseconds u64, generation u32,] value          (expiry: of expiring puts only)
//! ```
//!
//! Invariants:
//! 1. Nodes and versions are never freed or moved before the list is dropped.
//! 2. Everything in a node and a version but the `next` pointers and `newest` is written before the node or version can
//!    be reached, and never again.
//! 3. A pointer to a node or version is published by a Release store, after the thing it points to was written; readers
//!    follow it with an Acquire load. So whoever reaches a thing sees it whole.
//! 4. A node is linked from the lowest level up: what is found on a level is on all levels below.
//! 5. Along a chain the sequence numbers fall strictly.
//! 6. The content of a version whose tag is that of an expiring put begins with its expiry, `EXPIRY_BYTES` long.
//!
//! Threads: `insert` is called by one thread at a time (the caller's lock); everything else by any number.
#![expect(unsafe_code, reason = "nodes lie in the arena and are reached by pointers")]

use super::arena::{ALIGNMENT, Arena};
use crate::base::entry::{EntryKind, EntryRef, EntryTag, Position};
use crate::base::expiry::{Expiry, ExpiryGeneration};
use crate::base::ident::SeqNo;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

const HEIGHT_MAX: usize = 16;

/// What an expiry takes before the value, in bytes.
const EXPIRY_BYTES: usize = 12;

#[repr(C)]
struct Node {
    key: NonNull<u8>,
    key_length: u32,
    height: u32,
    /// Null in the head only. The tower, `height` pointers, lies behind the node.
    newest: AtomicPtr<Version>,
}

#[repr(C)]
struct Version {
    older: *const Version,
    seqno: SeqNo,
    content: NonNull<u8>,
    content_length: u32,
    tag: EntryTag,
}

const _: () = assert!(align_of::<Node>() <= ALIGNMENT && align_of::<Version>() <= ALIGNMENT);

/// A published node, for as long as its list is borrowed.
///
/// It keeps the pointer that the arena gave, not a reference to the node, because the tower lies behind the node.
#[derive(Clone, Copy)]
struct NodeRef<'a> {
    pointer: NonNull<Node>,
    list: PhantomData<&'a SkipList>,
}

impl<'a> NodeRef<'a> {
    /// SAFETY: the caller makes sure that the pointer is null or a published node (or the new node of the inserter)
    /// of a list that lives for `'a`.
    unsafe fn new(pointer: *const Node) -> Option<Self> {
        NonNull::new(pointer.cast_mut()).map(|pointer| Self { pointer, list: PhantomData })
    }

    fn fields(self) -> &'a Node {
        // SAFETY: invariants 1 and 2: the node is whole and stays.
        unsafe { self.pointer.as_ref() }
    }

    fn key(self) -> &'a [u8] {
        let node = self.fields();
        // SAFETY: invariants 1 and 2: the key's bytes were written before the node could be reached.
        unsafe { std::slice::from_raw_parts(node.key.as_ptr(), node.key_length as usize) }
    }

    fn level(self, level: usize) -> &'a AtomicPtr<Node> {
        debug_assert!(level < self.fields().height as usize, "a node is only asked for the levels it has");
        // SAFETY: the piece of the arena has room for `height` pointers behind the node, all initialised.
        unsafe { &*self.pointer.as_ptr().add(1).cast::<AtomicPtr<Node>>().add(level) }
    }

    fn next(self, level: usize) -> Option<Self> {
        // SAFETY: a pointer read from a tower is null or a published node (invariants 1 and 3).
        unsafe { Self::new(self.level(level).load(Ordering::Acquire)) }
    }

    /// The newest version.
    fn newest(self) -> Option<&'a Version> {
        // SAFETY: the pointer is null (in the head only) or a published version (invariants 1 to 3).
        unsafe { self.fields().newest.load(Ordering::Acquire).as_ref() }
    }

    /// The newest version that is not newer than `at`.
    fn newest_at(self, at: SeqNo) -> Option<&'a Version> {
        let mut version = self.newest();
        while let Some(found) = version {
            if found.seqno <= at {
                break;
            }
            version = found.older();
        }
        version
    }

    /// The oldest version that is newer than `seqno`.
    fn oldest_newer_than(self, seqno: SeqNo) -> Option<&'a Version> {
        let mut version = self.newest();
        let mut oldest = None;
        while let Some(found) = version.filter(|found| found.seqno > seqno) {
            oldest = Some(found);
            version = found.older();
        }
        oldest
    }

    fn place_of(self, version: Option<&Version>) -> Place {
        version.map_or(Place::NOWHERE, |version| Place { node: self.pointer.as_ptr(), version })
    }
}

impl Version {
    fn older(&self) -> Option<&Self> {
        // SAFETY: a chain's pointers are null or versions that stay (invariants 1 and 2).
        unsafe { self.older.as_ref() }
    }

    fn content(&self) -> &[u8] {
        // SAFETY: invariants 1 and 2, as for the key.
        unsafe { std::slice::from_raw_parts(self.content.as_ptr(), self.content_length as usize) }
    }

    /// Kind and value.
    #[inline]
    fn kind_and_value(&self) -> (EntryKind, &[u8]) {
        match self.tag {
            EntryTag::Put => (EntryKind::Put, self.content()),
            EntryTag::Delete => (EntryKind::Delete, self.content()),
            EntryTag::ExpiringPut => {
                let (expiry, value) = self
                    .content()
                    .split_first_chunk::<EXPIRY_BYTES>()
                    .expect("invariant 6: an expiring version's content begins with its expiry");
                (EntryKind::ExpiringPut(expiry_of(*expiry)), value)
            }
        }
    }
}

/// How an expiry lies before a value.
fn expiry_bytes(expiry: Expiry) -> [u8; EXPIRY_BYTES] {
    let mut bytes = [0; EXPIRY_BYTES];
    let (at, generation) = bytes.split_at_mut(8);
    at.copy_from_slice(&expiry.at_millis.to_le_bytes());
    generation.copy_from_slice(&expiry.generation.0.to_le_bytes());
    bytes
}

fn expiry_of(bytes: [u8; EXPIRY_BYTES]) -> Expiry {
    let mut at = [0; 8];
    let mut generation = [0; 4];
    at.copy_from_slice(&bytes[..8]);
    generation.copy_from_slice(&bytes[8..]);
    Expiry { at_millis: u64::from_le_bytes(at), generation: ExpiryGeneration(u32::from_le_bytes(generation)) }
}

/// What only the inserter touches.
#[derive(Debug)]
pub(super) struct Inserter {
    arena: Arena,
    random: u64,
}

impl Inserter {
    /// The memory of all nodes, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.arena.taken_bytes()
    }

    /// A height from 1 up, each one a quarter as likely as the one below.
    fn random_height(&mut self) -> usize {
        // xorshift64: heights need to be independent of the keys, not unpredictable.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let zeros = self.random.trailing_zeros() as usize / 2;
        (zeros + 1).min(HEIGHT_MAX)
    }

    /// A copy of both one after the other.
    fn copy(&mut self, first: &[u8], second: &[u8]) -> NonNull<u8> {
        let length = first.len() + second.len();
        if length == 0 {
            return NonNull::dangling();
        }
        let piece = self.arena.take(length);
        // SAFETY: the piece is new, at least as long as both together, and nobody else has it.
        unsafe {
            ptr::copy_nonoverlapping(first.as_ptr(), piece.as_ptr(), first.len());
            ptr::copy_nonoverlapping(second.as_ptr(), piece.as_ptr().add(first.len()), second.len());
        }
        piece
    }

    fn node(&mut self, key: &[u8], height: usize, newest: *mut Version) -> NonNull<Node> {
        let key_pointer = self.copy(key, &[]);
        let size = size_of::<Node>() + height * size_of::<AtomicPtr<Node>>();
        let node = self.arena.take(size).cast::<Node>();
        // SAFETY: the piece is new, aligned, and as long as a node with its tower.
        unsafe {
            node.write(Node {
                key: key_pointer,
                key_length: u32::try_from(key.len()).expect("keys are limited far below 4 GiB"),
                height: u32::try_from(height).expect("heights are small"),
                newest: AtomicPtr::new(newest),
            });
            let tower = node.as_ptr().add(1).cast::<AtomicPtr<Node>>();
            for level in 0..height {
                tower.add(level).write(AtomicPtr::new(ptr::null_mut()));
            }
        }
        node
    }

    fn version(&mut self, entry: &EntryRef<'_>, older: *const Version) -> NonNull<Version> {
        let expiry = entry.kind.expiry().map(expiry_bytes);
        let expiry = expiry.as_ref().map_or(&[][..], <[u8; EXPIRY_BYTES]>::as_slice);
        let content = self.copy(expiry, entry.value);
        let content_length = expiry.len() + entry.value.len();
        let version = self.arena.take(size_of::<Version>()).cast::<Version>();
        // SAFETY: the piece is new, aligned, and as long as a version.
        unsafe {
            version.write(Version {
                older,
                seqno: entry.seqno,
                content,
                content_length: u32::try_from(content_length).expect("values are limited far below 4 GiB"),
                tag: entry.kind.tag(),
            });
        }
        version
    }
}

/// The list. The inserter is apart from it, so that its owner can keep it behind a lock.
#[derive(Debug)]
pub(super) struct SkipList {
    head: NonNull<Node>,
    /// The height of the highest node: a hint that only grows.
    height: AtomicUsize,
}

// SAFETY: what readers share is reached through atomics and is immutable otherwise (invariants 1 to 3).
unsafe impl Send for SkipList {}
// SAFETY: as above.
unsafe impl Sync for SkipList {}

impl SkipList {
    /// An empty list and its inserter. The inserter must live as long as the list.
    pub(super) fn new() -> (Self, Inserter) {
        let mut inserter = Inserter { arena: Arena::new(), random: 0x9e37_79b9_7f4a_7c15 };
        let head = inserter.node(&[], HEIGHT_MAX, ptr::null_mut());
        (Self { head, height: AtomicUsize::new(1) }, inserter)
    }

    fn head(&self) -> NodeRef<'_> {
        NodeRef { pointer: self.head, list: PhantomData }
    }

    fn top_level(&self) -> usize {
        self.height.load(Ordering::Relaxed) - 1
    }

    /// Inserts a version. It is newer than all others of its key.
    ///
    /// REQUIRES: `inserter` is the one made with this list, and no other thread is in `insert`.
    pub(super) fn insert(&self, inserter: &mut Inserter, entry: &EntryRef<'_>) {
        let mut before = [self.head(); HEIGHT_MAX];
        if let Some(node) = self.descend(entry.key, Some(&mut before))
            && node.key() == entry.key
        {
            let newest = node.newest();
            debug_assert!(
                newest.is_some_and(|newest| newest.seqno < entry.seqno),
                "versions are inserted oldest first"
            );
            let version = inserter.version(entry, newest.map_or(ptr::null(), ptr::from_ref));
            node.fields().newest.store(version.as_ptr(), Ordering::Release);
            return;
        }
        let height = inserter.random_height();
        let version = inserter.version(entry, ptr::null());
        let new: NodeRef<'_> =
            NodeRef { pointer: inserter.node(entry.key, height, version.as_ptr()), list: PhantomData };
        for (level, before) in before.iter().enumerate().take(height) {
            new.level(level).store(before.level(level).load(Ordering::Relaxed), Ordering::Relaxed);
            before.level(level).store(new.pointer.as_ptr(), Ordering::Release);
        }
        self.height.fetch_max(height, Ordering::Relaxed);
    }

    /// The first node whose key is not less than `key`, and on each level the last one before it.
    fn descend<'a>(
        &'a self,
        key: &[u8],
        mut before: Option<&mut [NodeRef<'a>; HEIGHT_MAX]>,
    ) -> Option<NodeRef<'a>> {
        let mut level = self.top_level();
        let mut node = self.head();
        loop {
            let next = node.next(level);
            match next {
                Some(next) if next.key() < key => node = next,
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

    /// The last node whose key is less than `key`, or the last of all if there is no key.
    fn last_before(&self, key: Option<&[u8]>) -> Option<NodeRef<'_>> {
        let mut level = self.top_level();
        let mut node = self.head();
        loop {
            match node.next(level) {
                Some(next) if key.is_none_or(|key| next.key() < key) => node = next,
                _ if level > 0 => level -= 1,
                _ => return (node.pointer != self.head).then_some(node),
            }
        }
    }

    /// Keys from `start` on and before `end`, evenly picked, and how many keys each stands for, by estimate.
    ///
    /// A level holds a quarter of the keys of the one below: the highest one with at least `count` keys in the range is
    /// the sample.
    pub(super) fn sample(&self, start: &[u8], end: Option<&[u8]>, count: usize) -> (Vec<&[u8]>, u64) {
        let mut before = [self.head(); HEIGHT_MAX];
        self.descend(start, Some(&mut before));
        let mut level = self.top_level();
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

    /// The newest version of `target.key` that is not newer than `target.seqno`.
    pub(super) fn get(&self, target: Position<'_>) -> Option<EntryRef<'_>> {
        let node = self.descend(target.key, None).filter(|node| node.key() == target.key)?;
        Some(entry_of(node, node.newest_at(target.seqno)?))
    }
}

fn entry_of<'a>(node: NodeRef<'a>, version: &'a Version) -> EntryRef<'a> {
    let (kind, value) = version.kind_and_value();
    EntryRef { key: node.key(), seqno: version.seqno, kind, value }
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
        // SAFETY: a place's node is null or was reached in this list, which `self` borrows (invariant 1).
        unsafe { NodeRef::new(place.node) }
    }

    /// The entry at a place.
    pub(super) fn entry(&self, place: Place) -> Option<EntryRef<'_>> {
        // SAFETY: a place's version is null or was reached in this list, which `self` borrows (invariant 1).
        let version = unsafe { place.version.as_ref() }?;
        Some(entry_of(self.node_of(place)?, version))
    }

    /// The first place at or after `target`.
    pub(super) fn place_at_or_after(&self, target: Position<'_>) -> Place {
        let Some(node) = self.descend(target.key, None) else { return Place::NOWHERE };
        if node.key() != target.key {
            return node.place_of(node.newest());
        }
        match node.newest_at(target.seqno) {
            Some(version) => node.place_of(Some(version)),
            None => newest_place(node.next(0)),
        }
    }

    /// The last place before `target`.
    pub(super) fn place_before(&self, target: Position<'_>) -> Place {
        if let Some(node) = self.descend(target.key, None)
            && node.key() == target.key
            && let Some(version) = node.oldest_newer_than(target.seqno)
        {
            return node.place_of(Some(version));
        }
        oldest_place(self.last_before(Some(target.key)))
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
        // SAFETY: as in `entry`.
        let older = unsafe { place.version.as_ref() }.and_then(Version::older);
        match (self.node_of(place), older) {
            (Some(node), Some(older)) => node.place_of(Some(older)),
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
        node.newest_at(at).map(|version| node.place_of(Some(version)))
    }
}

fn newest_place(node: Option<NodeRef<'_>>) -> Place {
    node.map_or(Place::NOWHERE, |node| node.place_of(node.newest()))
}

fn oldest_place(node: Option<NodeRef<'_>>) -> Place {
    node.map_or(Place::NOWHERE, |node| node.place_of(node.oldest_newer_than(SeqNo::ZERO)))
}
