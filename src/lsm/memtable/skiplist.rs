//! A skiplist in an arena: one node a key, its versions chained newest first. One inserter, lock-free readers.
//!
//! (Pugh, "Skip lists: a probabilistic alternative to balanced trees", 1990; `LevelDB`'s `skiplist.h` for the
//! single-writer form.)
//!
//! ```text
//! node    := newest version pointer, prefix, key length u32, height u32, next pointer * height, key
//! prefix  := the first 16 bytes of the key as two numbers, zeros in place of what it lacks
//! version := older version pointer, seqno u64, content length u32, tag u8, padding, content
//! content := [expiry in milliseconds u64, generation u32,] value          (expiry: of expiring puts only)
//! ```
//!
//! A descent costs one cache line for each node that it looks at: most comparisons end with the prefix, which tells
//! keyspace and the beginning of the user's key. The first version of a key lies behind its node.
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
//! 7. Where the prefixes of two keys differ, the keys are ordered as they are; where they are equal, nothing is said.
//! 8. The inserter's finger is, on each level, the last node at or before the finger's lowest node.
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

/// A node. Its tower, `height` pointers, lies behind it, and behind that its key.
#[repr(C)]
struct Node {
    /// Null in the head only.
    newest: AtomicPtr<Version>,
    prefix: Prefix,
    key_length: u32,
    height: u32,
}

/// A version. Its content lies behind it.
#[repr(C)]
struct Version {
    older: *const Version,
    seqno: SeqNo,
    content_length: u32,
    tag: EntryTag,
}

/// The first bytes of a key, big-endian, so that they are compared as numbers (invariant 7).
type Prefix = [u64; 2];

fn prefix_of(key: &[u8]) -> Prefix {
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        match bytes.first_chunk() {
            Some(whole) => word = *whole,
            None => word[..bytes.len()].copy_from_slice(bytes),
        }
        u64::from_be_bytes(word)
    };
    [word(key), word(key.get(8..).unwrap_or_default())]
}

/// A key that is looked for.
#[derive(Clone, Copy)]
struct Sought<'k> {
    prefix: Prefix,
    key: &'k [u8],
}

impl<'k> Sought<'k> {
    fn new(key: &'k [u8]) -> Self {
        Self { prefix: prefix_of(key), key }
    }
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
        // SAFETY: the piece of the arena has room for the tower and the key behind the node, both written before the node
        // could be reached (invariants 1 and 2).
        unsafe {
            let tower = self.pointer.as_ptr().add(1).cast::<AtomicPtr<Node>>();
            let key = tower.add(node.height as usize).cast::<u8>();
            std::slice::from_raw_parts(key, node.key_length as usize)
        }
    }

    /// How the node's key is ordered against another.
    #[inline]
    fn order(self, sought: Sought<'_>) -> std::cmp::Ordering {
        self.fields().prefix.cmp(&sought.prefix).then_with(|| self.key().cmp(sought.key))
    }

    #[inline]
    fn is_before(self, sought: Sought<'_>) -> bool {
        self.order(sought).is_lt()
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
    fn newest(self) -> Option<VersionRef<'a>> {
        // SAFETY: the pointer is null (in the head only) or a published version (invariants 1 to 3).
        unsafe { VersionRef::new(self.fields().newest.load(Ordering::Acquire)) }
    }

    /// The newest version that is not newer than `at`.
    fn newest_at(self, at: SeqNo) -> Option<VersionRef<'a>> {
        let mut version = self.newest();
        while let Some(found) = version {
            if found.fields().seqno <= at {
                break;
            }
            version = found.older();
        }
        version
    }

    /// The oldest version that is newer than `seqno`.
    fn oldest_newer_than(self, seqno: SeqNo) -> Option<VersionRef<'a>> {
        let mut version = self.newest();
        let mut oldest = None;
        while let Some(found) = version.filter(|found| found.fields().seqno > seqno) {
            oldest = Some(found);
            version = found.older();
        }
        oldest
    }

    fn place_of(self, version: Option<VersionRef<'_>>) -> Place {
        version.map_or(Place::NOWHERE, |version| Place {
            node: self.pointer.as_ptr(),
            version: version.pointer.as_ptr(),
        })
    }
}

/// A published version, for as long as its list is borrowed. Like [`NodeRef`], because the content lies behind it.
#[derive(Clone, Copy)]
struct VersionRef<'a> {
    pointer: NonNull<Version>,
    list: PhantomData<&'a SkipList>,
}

impl<'a> VersionRef<'a> {
    /// SAFETY: the caller makes sure that the pointer is null or a published version of a list that lives for `'a`.
    unsafe fn new(pointer: *const Version) -> Option<Self> {
        NonNull::new(pointer.cast_mut()).map(|pointer| Self { pointer, list: PhantomData })
    }

    fn fields(self) -> &'a Version {
        // SAFETY: invariants 1 and 2: the version is whole and stays.
        unsafe { self.pointer.as_ref() }
    }

    fn older(self) -> Option<Self> {
        // SAFETY: a chain's pointers are null or versions that stay (invariants 1 and 2).
        unsafe { Self::new(self.fields().older) }
    }

    fn content(self) -> &'a [u8] {
        let length = self.fields().content_length as usize;
        // SAFETY: the piece of the arena has room for the content behind the version, written before the version could
        // be reached (invariants 1 and 2).
        unsafe { std::slice::from_raw_parts(self.pointer.as_ptr().add(1).cast::<u8>(), length) }
    }

    /// Kind and value.
    #[inline]
    fn kind_and_value(self) -> (EntryKind, &'a [u8]) {
        match self.fields().tag {
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
    /// Nodes of the list that the inserter was made with.
    finger: [NonNull<Node>; HEIGHT_MAX],
}

// SAFETY: the finger only points to what every thread may read (invariants 1 to 3).
unsafe impl Send for Inserter {}

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

    /// A node without versions.
    fn node(arena: &mut Arena, key: &[u8], height: usize) -> NonNull<Node> {
        let tower_bytes = height * size_of::<AtomicPtr<Node>>();
        let node = arena.take(size_of::<Node>() + tower_bytes + key.len()).cast::<Node>();
        // SAFETY: the piece is new, aligned, and as long as a node with its tower and its key.
        unsafe {
            node.write(Node {
                newest: AtomicPtr::new(ptr::null_mut()),
                prefix: prefix_of(key),
                key_length: u32::try_from(key.len()).expect("keys are limited far below 4 GiB"),
                height: u32::try_from(height).expect("heights are small"),
            });
            let tower = node.as_ptr().add(1).cast::<AtomicPtr<Node>>();
            for level in 0..height {
                tower.add(level).write(AtomicPtr::new(ptr::null_mut()));
            }
            ptr::copy_nonoverlapping(key.as_ptr(), tower.add(height).cast::<u8>(), key.len());
        }
        node
    }

    fn version(&mut self, entry: &EntryRef<'_>, older: *const Version) -> NonNull<Version> {
        let expiry = entry.kind.expiry().map(expiry_bytes);
        let expiry = expiry.as_ref().map_or(&[][..], <[u8; EXPIRY_BYTES]>::as_slice);
        let content_length = expiry.len() + entry.value.len();
        let version = self.arena.take(size_of::<Version>() + content_length).cast::<Version>();
        // SAFETY: the piece is new, aligned, and as long as a version with its content.
        unsafe {
            version.write(Version {
                older,
                seqno: entry.seqno,
                content_length: u32::try_from(content_length).expect("values are limited far below 4 GiB"),
                tag: entry.kind.tag(),
            });
            let content = version.as_ptr().add(1).cast::<u8>();
            ptr::copy_nonoverlapping(expiry.as_ptr(), content, expiry.len());
            ptr::copy_nonoverlapping(entry.value.as_ptr(), content.add(expiry.len()), entry.value.len());
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
        let mut arena = Arena::new();
        let head = Inserter::node(&mut arena, &[], HEIGHT_MAX);
        let inserter = Inserter { arena, random: 0x9e37_79b9_7f4a_7c15, finger: [head; HEIGHT_MAX] };
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
        let sought = Sought::new(entry.key);
        let mut before = inserter.finger.map(|pointer| NodeRef { pointer, list: PhantomData });
        let next = if self.is_behind_finger(before[0], sought) {
            before[0].next(0)
        } else {
            self.descend(sought, Some(&mut before))
        };
        if let Some(node) = next
            && node.order(sought).is_eq()
        {
            let newest = node.newest();
            debug_assert!(
                newest.is_some_and(|newest| newest.fields().seqno < entry.seqno),
                "versions are inserted oldest first"
            );
            let newest = newest.map_or(ptr::null(), |newest| newest.pointer.as_ptr().cast_const());
            let version = inserter.version(entry, newest);
            node.fields().newest.store(version.as_ptr(), Ordering::Release);
        } else {
            let height = inserter.random_height();
            let new = Inserter::node(&mut inserter.arena, entry.key, height);
            let new: NodeRef<'_> = NodeRef { pointer: new, list: PhantomData };
            let version = inserter.version(entry, ptr::null());
            // Nobody can reach the node yet.
            new.fields().newest.store(version.as_ptr(), Ordering::Relaxed);
            for (level, before) in before.iter_mut().enumerate().take(height) {
                new.level(level).store(before.level(level).load(Ordering::Relaxed), Ordering::Relaxed);
                before.level(level).store(new.pointer.as_ptr(), Ordering::Release);
                *before = new;
            }
            self.height.fetch_max(height, Ordering::Relaxed);
        }
        inserter.finger = before.map(|node| node.pointer);
    }

    /// Whether a key belongs between the finger's lowest node and the next one: then the finger is right on every level.
    /// So keys that come in order, one after the other or nearly so, cost no descent.
    fn is_behind_finger(&self, lowest: NodeRef<'_>, sought: Sought<'_>) -> bool {
        (lowest.pointer == self.head || lowest.is_before(sought))
            && lowest.next(0).is_none_or(|next| !next.is_before(sought))
    }

    /// The first node whose key is not less than the one that is sought, and on each level the last one before it.
    #[inline]
    fn descend<'a>(
        &'a self,
        sought: Sought<'_>,
        mut before: Option<&mut [NodeRef<'a>; HEIGHT_MAX]>,
    ) -> Option<NodeRef<'a>> {
        let mut level = self.top_level();
        let mut node = self.head();
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
        self.descend(Sought::new(start), Some(&mut before));
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
        let sought = Sought::new(target.key);
        let node = self.descend(sought, None).filter(|node| node.order(sought).is_eq())?;
        Some(entry_of(node, node.newest_at(target.seqno)?))
    }
}

fn entry_of<'a>(node: NodeRef<'a>, version: VersionRef<'a>) -> EntryRef<'a> {
    let (kind, value) = version.kind_and_value();
    EntryRef { key: node.key(), seqno: version.fields().seqno, kind, value }
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

    fn version_of(&self, place: Place) -> Option<VersionRef<'_>> {
        let _ = self;
        // SAFETY: a place's version is null or was reached in this list, which `self` borrows (invariant 1).
        unsafe { VersionRef::new(place.version) }
    }

    /// The entry at a place.
    pub(super) fn entry(&self, place: Place) -> Option<EntryRef<'_>> {
        Some(entry_of(self.node_of(place)?, self.version_of(place)?))
    }

    /// The first place at or after `target`.
    pub(super) fn place_at_or_after(&self, target: Position<'_>) -> Place {
        let sought = Sought::new(target.key);
        let Some(node) = self.descend(sought, None) else { return Place::NOWHERE };
        if node.order(sought).is_ne() {
            return node.place_of(node.newest());
        }
        match node.newest_at(target.seqno) {
            Some(version) => node.place_of(Some(version)),
            None => newest_place(node.next(0)),
        }
    }

    /// The last place before `target`.
    pub(super) fn place_before(&self, target: Position<'_>) -> Place {
        let sought = Sought::new(target.key);
        if let Some(node) = self.descend(sought, None)
            && node.order(sought).is_eq()
            && let Some(version) = node.oldest_newer_than(target.seqno)
        {
            return node.place_of(Some(version));
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
