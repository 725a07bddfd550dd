//! Nodes and versions: how a key and its values lie in the arena.
//!
//! ```text
//! node    := chain pointer, newest version pointer, prefix, key length u32, height u32, next pointer * height, key
//! prefix  := the first 16 bytes of the key as two numbers, zeros in place of what it lacks
//! version := older version pointer, seqno u64, content length u32, tag u8, padding, content
//! content := [expiry in milliseconds u64, generation u32,] value          (expiry: of expiring puts only)
//! ```
//!
//! Most comparisons end with the prefix, which tells keyspace and the beginning of the user's key. The first version of a
//! key lies behind its node.
//!
//! Invariants:
//! 1. Nodes and versions are never freed or moved before their arena is dropped.
//! 2. Everything in a node and a version but the tower's pointers and `newest` is written before the node or version can
//!    be reached, and never again.
//! 3. A pointer to a node or version is published by a Release store, after the thing it points to was written; readers
//!    follow it with an Acquire load. So whoever reaches a thing sees it whole.
//! 4. Along a chain of versions the sequence numbers fall strictly.
//! 5. The content of a version whose tag is that of an expiring put begins with its expiry, `EXPIRY_BYTES` long.
//! 6. Where the prefixes of two keys differ, the keys are ordered as they are; where they are equal, nothing is said.
//!
//! Threads: one at a time writes (the caller's lock); any number reads.
#![expect(unsafe_code, reason = "nodes lie in the arena and are reached by pointers")]

use super::arena::{ALIGNMENT, Arena};
use crate::base::entry::{EntryKind, EntryRef, EntryTag};
use crate::base::expiry::{Expiry, ExpiryGeneration};
use crate::base::ident::SeqNo;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};

/// The height of the highest tower.
pub(super) const HEIGHT_MAX: usize = 16;

/// What an expiry takes before the value, in bytes.
const EXPIRY_BYTES: usize = 12;

/// A node. Its tower, `height` pointers, lies behind it, and behind that its key.
#[repr(C)]
pub(super) struct Node {
    /// The next node of its bucket.
    chain: *const Node,
    /// Null in the head only.
    newest: AtomicPtr<Version>,
    prefix: Prefix,
    key_length: u32,
    height: u32,
}

/// A version. Its content lies behind it.
#[repr(C)]
pub(super) struct Version {
    older: *const Version,
    seqno: SeqNo,
    content_length: u32,
    tag: EntryTag,
}

/// The first bytes of a key, big-endian, so that they are compared as numbers (invariant 6).
pub(super) type Prefix = [u64; 2];

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
#[derive(Clone, Copy, Debug)]
pub(super) struct Sought<'k> {
    prefix: Prefix,
    key: &'k [u8],
}

impl<'k> Sought<'k> {
    /// `key`, looked for.
    pub(super) fn new(key: &'k [u8]) -> Self {
        Self { prefix: prefix_of(key), key }
    }
}

const _: () = assert!(align_of::<Node>() <= ALIGNMENT && align_of::<Version>() <= ALIGNMENT);

/// A node, for as long as its arena is there.
///
/// It keeps the pointer that the arena gave, not a reference to the node, because the tower lies behind the node.
#[derive(Clone, Copy)]
pub(super) struct NodeRef<'a> {
    pointer: NonNull<Node>,
    arena: PhantomData<&'a Arena>,
}

impl<'a> NodeRef<'a> {
    /// SAFETY: the caller makes sure that the pointer is null or a node that it may reach, of an arena that lives for
    /// `'a`.
    pub(super) unsafe fn new(pointer: *const Node) -> Option<Self> {
        NonNull::new(pointer.cast_mut()).map(|pointer| Self { pointer, arena: PhantomData })
    }

    fn fields(self) -> &'a Node {
        // SAFETY: invariants 1 and 2: the node is whole and stays.
        unsafe { self.pointer.as_ref() }
    }

    /// The key.
    pub(super) fn key(self) -> &'a [u8] {
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
    pub(super) fn order(self, sought: Sought<'_>) -> std::cmp::Ordering {
        self.fields().prefix.cmp(&sought.prefix).then_with(|| self.key().cmp(sought.key))
    }

    /// Whether the key comes before another.
    #[inline]
    pub(super) fn is_before(self, sought: Sought<'_>) -> bool {
        self.order(sought).is_lt()
    }

    /// The pointer to the node behind it on a level of its tower.
    pub(super) fn level(self, level: usize) -> &'a AtomicPtr<Node> {
        debug_assert!(level < self.fields().height as usize, "a node is only asked for the levels it has");
        // SAFETY: the piece of the arena has room for `height` pointers behind the node, all initialised.
        unsafe { &*self.pointer.as_ptr().add(1).cast::<AtomicPtr<Node>>().add(level) }
    }

    /// The node behind it on a level of its tower.
    pub(super) fn next(self, level: usize) -> Option<Self> {
        // SAFETY: a pointer read from a tower is null or a published node (invariants 1 and 3).
        unsafe { Self::new(self.level(level).load(Ordering::Acquire)) }
    }

    /// The node's pointer.
    pub(super) fn pointer(self) -> NonNull<Node> {
        self.pointer
    }

    /// The height of its tower.
    pub(super) fn height(self) -> usize {
        self.fields().height as usize
    }

    /// The key, to be looked for.
    pub(super) fn sought(self) -> Sought<'a> {
        Sought { prefix: self.prefix(), key: self.key() }
    }

    /// The first bytes of the key.
    pub(super) fn prefix(self) -> Prefix {
        self.fields().prefix
    }

    /// The next node of its bucket.
    pub(super) fn chain(self) -> Option<Self> {
        // SAFETY: a bucket's chain is null or nodes that stay (invariants 1 and 2).
        unsafe { Self::new(self.fields().chain) }
    }

    /// Publishes a version, newer than all others of the key.
    pub(super) fn set_newest(self, version: VersionRef<'_>) {
        self.fields().newest.store(version.pointer.as_ptr(), Ordering::Release);
    }

    /// The newest version.
    pub(super) fn newest(self) -> Option<VersionRef<'a>> {
        // SAFETY: the pointer is null (in the head only) or a published version (invariants 1 to 3).
        unsafe { VersionRef::new(self.fields().newest.load(Ordering::Acquire)) }
    }

    /// The newest version that is not newer than `at`.
    pub(super) fn newest_at(self, at: SeqNo) -> Option<VersionRef<'a>> {
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
    pub(super) fn oldest_newer_than(self, seqno: SeqNo) -> Option<VersionRef<'a>> {
        let mut version = self.newest();
        let mut oldest = None;
        while let Some(found) = version.filter(|found| found.fields().seqno > seqno) {
            oldest = Some(found);
            version = found.older();
        }
        oldest
    }
}

/// A version, for as long as its arena is there. Like [`NodeRef`] a pointer, because the content lies behind it.
#[derive(Clone, Copy)]
pub(super) struct VersionRef<'a> {
    pointer: NonNull<Version>,
    arena: PhantomData<&'a Arena>,
}

impl<'a> VersionRef<'a> {
    /// SAFETY: the caller makes sure that the pointer is null or a version that it may reach, of an arena that lives for
    /// `'a`.
    pub(super) unsafe fn new(pointer: *const Version) -> Option<Self> {
        NonNull::new(pointer.cast_mut()).map(|pointer| Self { pointer, arena: PhantomData })
    }

    fn fields(self) -> &'a Version {
        // SAFETY: invariants 1 and 2: the version is whole and stays.
        unsafe { self.pointer.as_ref() }
    }

    /// The version's pointer.
    pub(super) fn pointer(self) -> NonNull<Version> {
        self.pointer
    }

    /// The commit that wrote it.
    pub(super) fn seqno(self) -> SeqNo {
        self.fields().seqno
    }

    /// The version before it.
    pub(super) fn older(self) -> Option<Self> {
        // SAFETY: a chain's pointers are null or versions that stay (invariants 1 and 2).
        unsafe { Self::new(self.fields().older) }
    }

    fn content(self) -> &'a [u8] {
        let length = self.fields().content_length as usize;
        // SAFETY: the piece of the arena has room for the content behind the version, written before the version could
        // be reached (invariants 1 and 2).
        unsafe { std::slice::from_raw_parts(self.pointer.as_ptr().add(1).cast::<u8>(), length) }
    }

    #[inline]
    fn kind_and_value(self) -> (EntryKind, &'a [u8]) {
        match self.fields().tag {
            EntryTag::Put => (EntryKind::Put, self.content()),
            EntryTag::Delete => (EntryKind::Delete, self.content()),
            EntryTag::ExpiringPut => {
                let (expiry, value) = self
                    .content()
                    .split_first_chunk::<EXPIRY_BYTES>()
                    .expect("invariant 5: an expiring version's content begins with its expiry");
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

/// A node without versions, which nobody can reach yet. `chain` is what lies behind it in its bucket.
///
/// SAFETY: the caller makes sure that the arena lives for `'a`.
pub(super) unsafe fn new_node<'a>(
    arena: &mut Arena,
    key: &[u8],
    height: usize,
    chain: Option<NodeRef<'a>>,
) -> NodeRef<'a> {
    let tower_bytes = height * size_of::<AtomicPtr<Node>>();
    let node = arena.take(size_of::<Node>() + tower_bytes + key.len()).cast::<Node>();
    // SAFETY: the piece is new, aligned, and as long as a node with its tower and its key.
    unsafe {
        node.write(Node {
            chain: chain.map_or(ptr::null(), |node| node.pointer.as_ptr().cast_const()),
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
    NodeRef { pointer: node, arena: PhantomData }
}

/// A version, which nobody can reach yet.
///
/// SAFETY: the caller makes sure that the arena lives for `'a`.
pub(super) unsafe fn new_version<'a>(
    arena: &mut Arena,
    entry: &EntryRef<'_>,
    older: Option<VersionRef<'a>>,
) -> VersionRef<'a> {
    let older = older.map_or(ptr::null(), |version| version.pointer.as_ptr().cast_const());
    let expiry = entry.kind.expiry().map(expiry_bytes);
    let expiry = expiry.as_ref().map_or(&[][..], <[u8; EXPIRY_BYTES]>::as_slice);
    let content_length = expiry.len() + entry.value.len();
    let version = arena.take(size_of::<Version>() + content_length).cast::<Version>();
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
    VersionRef { pointer: version, arena: PhantomData }
}

/// A version of a node's key, as an entry.
pub(super) fn entry_of<'a>(node: NodeRef<'a>, version: VersionRef<'a>) -> EntryRef<'a> {
    let (kind, value) = version.kind_and_value();
    EntryRef { key: node.key(), seqno: version.fields().seqno, kind, value }
}
