//! The memtable's safe face, and its cursors.
//!
//! An insert puts the entry where it can be found by its key, and no more: order costs a descent through the skiplist,
//! twenty cache misses, and most entries are never walked over before they are flushed. Whoever walks links what is not
//! linked yet: many nodes at a time, sorted, which costs each a fraction of that.
//!
//! Invariants:
//! 1. Every node is in the buckets, and in the list or among the unlinked, from its insert on.
//! 2. `linked_count` nodes were linked, the oldest ones. A cursor is made only after that is no less than what
//!    `node_count` was, so it finds every entry that was inserted before.
//!
//! Locks, outermost first: linker, inserter. Nothing is linked under the inserter's lock, so that commits do not wait for
//! a walk.

use super::arena::Arena;
use super::buckets::Buckets;
use super::node::{HEIGHT_MAX, Sought, entry_of};
use super::skiplist::{Linker, Place, SkipList, Unlinked};
use crate::base::cursor::Cursor;
use crate::base::entry::{EntryRef, Position};
use crate::base::error::Result;
use crate::base::ident::{KeyspaceId, SeqNo};
use crate::format::table::filter;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// About what an entry takes: as many buckets there are.
const ENTRY_BYTES: usize = 128;

const BUCKETS_MIN: usize = 64;

/// Beyond so many, chains grow.
const BUCKETS_MAX: usize = 1 << 22;

/// A sorted run of entries in memory, insert-only, dropped whole.
///
/// Threads: inserting takes a lock, which is held by nobody else for long; reading a key takes none; a cursor takes one
/// when it is made, if there is something to link.
#[derive(Debug)]
pub struct Memtable {
    buckets: Buckets,
    list: SkipList,
    linker: Mutex<Linker>,
    inserter: Mutex<Inserter>,
    node_count: AtomicUsize,
    linked_count: AtomicUsize,
    /// The memory of nodes and versions.
    entry_bytes: AtomicUsize,
    entry_count: AtomicUsize,
}

/// What only the inserter touches.
#[derive(Debug)]
struct Inserter {
    arena: Arena,
    unlinked: Unlinked,
    random: u64,
}

/// A height from 1 up, each one a quarter as likely as the one below.
fn random_height(random: &mut u64) -> usize {
    // xorshift64: heights need to be independent of the keys, not unpredictable.
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    let zeros = random.trailing_zeros() as usize / 2;
    (zeros + 1).min(HEIGHT_MAX)
}

impl Memtable {
    /// An empty memtable that is meant to take about so much memory, in bytes. It may take more.
    pub fn new(size_bytes: usize) -> Self {
        let mut arena = Arena::new();
        let (list, linker) = SkipList::new(&mut arena);
        let buckets = Buckets::new((size_bytes / ENTRY_BYTES).clamp(BUCKETS_MIN, BUCKETS_MAX));
        let inserter = Inserter { arena, unlinked: Unlinked::default(), random: 0x9e37_79b9_7f4a_7c15 };
        Self {
            buckets,
            list,
            linker: Mutex::new(linker),
            inserter: Mutex::new(inserter),
            node_count: AtomicUsize::new(0),
            linked_count: AtomicUsize::new(0),
            entry_bytes: AtomicUsize::new(0),
            entry_count: AtomicUsize::new(0),
        }
    }

    /// Inserts an entry that is newer than all others of its key. Readers at its sequence number see it at once.
    pub fn insert(&self, entry: &EntryRef<'_>) {
        let hash = filter::hash(entry.key);
        let mut inserter = self.inserter.lock();
        let Inserter { arena, unlinked, random } = &mut *inserter;
        if let Some(node) = self.buckets.insert(arena, entry, hash, || random_height(random)) {
            unlinked.push(node);
            self.node_count.fetch_add(1, Ordering::Release);
        }
        self.entry_bytes.store(inserter.arena.taken_bytes(), Ordering::Relaxed);
        self.entry_count.fetch_add(1, Ordering::Relaxed);
    }

    /// The list, with everything in it that was inserted before.
    fn ordered(&self) -> &SkipList {
        let node_count = self.node_count.load(Ordering::Acquire);
        if self.linked_count.load(Ordering::Acquire) < node_count {
            let mut linker = self.linker.lock();
            // Whoever held the lock before may have linked it all.
            let unlinked = std::mem::take(&mut self.inserter.lock().unlinked);
            self.list.link(&mut linker, &unlinked);
            self.linked_count.fetch_add(unlinked.len(), Ordering::Release);
        }
        &self.list
    }

    /// Whether nothing was inserted.
    pub fn is_empty(&self) -> bool {
        self.entry_count() == 0
    }

    /// How many entries were inserted.
    pub fn entry_count(&self) -> usize {
        self.entry_count.load(Ordering::Relaxed)
    }

    /// Whether it has an entry of a keyspace.
    pub fn holds_keyspace(&self, id: KeyspaceId) -> bool {
        let list = self.ordered();
        let first = list.place_at_or_after(Position::before(&id.prefix()));
        list.entry(first).is_some_and(|entry| KeyspaceId::of_key(entry.key) == id)
    }

    /// The memory that it takes for entries and buckets, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.entry_bytes.load(Ordering::Relaxed) + self.buckets.memory_bytes()
    }

    /// About `count` keys of a range or more, evenly picked, each with the bytes that it stands for, by estimate. All of
    /// them if there are fewer.
    pub fn marks(&self, start: &[u8], end: Option<&[u8]>, count: usize) -> Vec<(&[u8], u64)> {
        let (keys, keys_each) = self.ordered().sample(start, end, count);
        let entry_bytes = self.entry_bytes.load(Ordering::Relaxed) / self.entry_count().max(1);
        let bytes = keys_each.saturating_mul(entry_bytes as u64);
        keys.into_iter().map(|key| (key, bytes)).collect()
    }

    /// The newest entry of `target.key` at `target.seqno`. `hash` is the key's `filter::hash`.
    #[inline]
    pub fn get(&self, target: Position<'_>, hash: u64) -> Option<EntryRef<'_>> {
        // The buckets of an empty memtable would be touched for nothing.
        if self.is_empty() {
            return None;
        }
        let node = self.buckets.find(hash, Sought::new(target.key))?;
        Some(entry_of(node, node.newest_at(target.seqno)?))
    }
}

/// Which versions a cursor shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// All of them: for a flush.
    All,
    /// Of each key the newest at this sequence number: for readers, so that a hot key costs one step.
    NewestAt(SeqNo),
}

/// A cursor over a memtable, which it keeps alive. What is inserted after it was made, it may miss.
#[derive(Debug)]
pub struct MemtableCursor {
    memtable: Arc<Memtable>,
    versions: Versions,
    place: Place,
}

impl MemtableCursor {
    /// A cursor that stands nowhere.
    pub fn new(memtable: Arc<Memtable>, versions: Versions) -> Self {
        memtable.ordered();
        Self { memtable, versions, place: Place::NOWHERE }
    }

    /// Goes forward from the newest version of a key to the first one that is shown.
    fn settle_forward(&mut self) {
        let Versions::NewestAt(at) = self.versions else { return };
        let list = &self.memtable.list;
        while list.entry(self.place).is_some() {
            match list.visible_in_key(self.place, at) {
                Some(place) => {
                    self.place = place;
                    return;
                }
                None => self.place = list.place_in_next_key(self.place),
            }
        }
    }

    /// Goes backward from any version of a key to the first one that is shown.
    fn settle_backward(&mut self) {
        let Versions::NewestAt(at) = self.versions else { return };
        let list = &self.memtable.list;
        while let Some(entry) = list.entry(self.place) {
            match list.visible_in_key(self.place, at) {
                Some(place) => {
                    self.place = place;
                    return;
                }
                None => self.place = list.place_before(Position::before(entry.key)),
            }
        }
    }
}

impl Cursor for MemtableCursor {
    fn seek_first(&mut self) -> Result<()> {
        self.place = self.memtable.list.first_place();
        self.settle_forward();
        Ok(())
    }

    fn seek_last(&mut self) -> Result<()> {
        self.place = self.memtable.list.last_place();
        self.settle_backward();
        Ok(())
    }

    fn seek(&mut self, target: Position<'_>) -> Result<()> {
        let list = &self.memtable.list;
        self.place = list.place_at_or_after(target);
        if let Versions::NewestAt(at) = self.versions
            && let Some(place) = list.visible_in_key(self.place, at)
            && let (Some(shown), Some(found)) = (list.entry(place), list.entry(self.place))
        {
            // The version shown may be newer than the target: then it stands before it, and the next key is meant.
            if shown.seqno > found.seqno {
                self.place = list.place_in_next_key(self.place);
            }
        }
        self.settle_forward();
        Ok(())
    }

    fn seek_before(&mut self, target: Position<'_>) -> Result<()> {
        let list = &self.memtable.list;
        self.place = list.place_before(target);
        if let Versions::NewestAt(at) = self.versions
            && let Some(found) = list.entry(self.place)
            && found.key == target.key
            && let Some(shown) = list.visible_in_key(self.place, at).and_then(|place| list.entry(place))
            && shown.seqno <= target.seqno
        {
            // The version shown of this key does not stand before the target.
            self.place = list.place_before(Position::before(target.key));
        }
        self.settle_backward();
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        let list = &self.memtable.list;
        self.place = match self.versions {
            Versions::All => list.place_after(self.place),
            Versions::NewestAt(_) => list.place_in_next_key(self.place),
        };
        self.settle_forward();
        Ok(())
    }

    fn prev(&mut self) -> Result<()> {
        let list = &self.memtable.list;
        let Some(entry) = list.entry(self.place) else { return Ok(()) };
        let target = match self.versions {
            Versions::All => entry.position(),
            Versions::NewestAt(_) => Position::before(entry.key),
        };
        self.place = list.place_before(target);
        self.settle_backward();
        Ok(())
    }

    fn entry(&self) -> Option<EntryRef<'_>> {
        self.memtable.list.entry(self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entry::EntryKind;
    use crate::base::expiry::{Expiry, ExpiryGeneration};
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::sync::atomic::AtomicBool;

    type Model = BTreeMap<(Vec<u8>, std::cmp::Reverse<u64>), Vec<u8>>;

    fn fill(keys: &[u8]) -> (Arc<Memtable>, Model) {
        let memtable = Arc::new(Memtable::new(4096));
        let mut model = Model::new();
        for (seqno, key) in (1..).zip(keys) {
            let (key, value) = (vec![b'k', *key], vec![*key; usize::from(*key % 5)]);
            memtable.insert(&EntryRef {
                key: &key,
                seqno: SeqNo(seqno),
                kind: EntryKind::Put,
                value: &value,
            });
            model.insert((key, std::cmp::Reverse(seqno)), value);
        }
        (memtable, model)
    }

    fn get<'a>(memtable: &'a Memtable, target: Position<'_>) -> Option<EntryRef<'a>> {
        memtable.get(target, filter::hash(target.key))
    }

    /// The model's entries as a cursor of these versions should show them.
    fn shown(model: &Model, versions: Versions) -> Vec<(Vec<u8>, u64)> {
        let mut shown: Vec<(Vec<u8>, u64)> = Vec::new();
        for (key, seqno) in model.keys() {
            let is_shown = match versions {
                Versions::All => true,
                Versions::NewestAt(at) => seqno.0 <= at.0 && shown.last().is_none_or(|(last, _)| last != key),
            };
            if is_shown {
                shown.push((key.clone(), seqno.0));
            }
        }
        shown
    }

    fn at(cursor: &MemtableCursor) -> Option<(Vec<u8>, u64)> {
        cursor.entry().map(|entry| (entry.key.to_vec(), entry.seqno.0))
    }

    proptest! {
        #[test]
        fn cursors_show_what_the_model_shows(
            keys in prop::collection::vec(0_u8..12, 0..40),
            snapshot in 0_u64..45,
            target_key in 0_u8..13,
            target_seqno in 0_u64..45,
        ) {
            let (memtable, model) = fill(&keys);
            for versions in [Versions::All, Versions::NewestAt(SeqNo(snapshot))] {
                let expected = shown(&model, versions);
                let mut cursor = MemtableCursor::new(Arc::clone(&memtable), versions);
                let mut forward = Vec::new();
                cursor.seek_first()?;
                while let Some(entry) = at(&cursor) {
                    forward.push(entry);
                    cursor.next()?;
                }
                prop_assert_eq!(&forward, &expected);
                let mut backward = Vec::new();
                cursor.seek_last()?;
                while let Some(entry) = at(&cursor) {
                    backward.push(entry);
                    cursor.prev()?;
                }
                backward.reverse();
                prop_assert_eq!(&backward, &expected);
                let target_bytes = vec![b'k', target_key];
                let target = Position { key: &target_bytes, seqno: SeqNo(target_seqno) };
                let is_before = |entry: &&(Vec<u8>, u64)| {
                    Position { key: &entry.0, seqno: SeqNo(entry.1) } < target
                };
                cursor.seek(target)?;
                prop_assert_eq!(at(&cursor), expected.iter().find(|entry| !is_before(entry)).cloned());
                cursor.seek_before(target)?;
                prop_assert_eq!(at(&cursor), expected.iter().rev().find(is_before).cloned());
            }
        }

        #[test]
        fn get_finds_the_newest_at_the_snapshot(keys in prop::collection::vec(0_u8..6, 0..30), at in 0_u64..35) {
            let (memtable, model) = fill(&keys);
            for key in 0..7 {
                let key = vec![b'k', key];
                let found = get(&memtable, Position { key: &key, seqno: SeqNo(at) }).map(|entry| entry.seqno.0);
                let expected = model.keys().find(|(model_key, seqno)| *model_key == key && seqno.0 <= at);
                prop_assert_eq!(found, expected.map(|(_, seqno)| seqno.0));
            }
        }
    }

    #[test]
    fn expiring_entries_are_read_as_they_were_inserted_and_keyspaces_are_found() {
        let memtable = Memtable::new(4096);
        let expiry = Expiry { at_millis: u64::MAX - 7, generation: ExpiryGeneration(0x0102_0304) };
        let key = [0, 0, 0, 17, 1];
        for (seqno, value) in [(1, b"".as_slice()), (2, b"a value")] {
            let entry =
                EntryRef { key: &key, seqno: SeqNo(seqno), kind: EntryKind::ExpiringPut(expiry), value };
            memtable.insert(&entry);
            assert_eq!(get(&memtable, entry.position()), Some(entry));
        }
        let holds = [16, 17, 18].map(|id| memtable.holds_keyspace(KeyspaceId(id)));
        assert_eq!(holds, [false, true, false]);
    }

    /// Readers run beside the inserter and must see every entry that was inserted before they looked, whole and in
    /// order. The test insists that they overlapped: otherwise it would prove nothing.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "real threads are what is tested")]
    fn readers_beside_the_inserter_see_whole_entries_in_order() {
        let count: u64 = if cfg!(miri) { 60 } else { 20_000 };
        let memtable = Arc::new(Memtable::new(4096));
        let inserted = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let overlapped = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (memtable, inserted) = (Arc::clone(&memtable), Arc::clone(&inserted));
                let overlapped = Arc::clone(&overlapped);
                std::thread::spawn(move || {
                    loop {
                        let before = inserted.load(Ordering::SeqCst);
                        let mut cursor = MemtableCursor::new(Arc::clone(&memtable), Versions::All);
                        cursor.seek_first().expect("memory");
                        let mut seen = 0_u64;
                        let mut last: Option<Vec<u8>> = None;
                        while let Some(entry) = cursor.entry() {
                            assert_eq!(entry.value, entry.key, "an entry was seen in part");
                            assert!(last.as_deref().is_none_or(|last| last <= entry.key), "out of order");
                            last = Some(entry.key.to_vec());
                            seen += u64::from(entry.seqno.0 <= before);
                            cursor.next().expect("memory");
                        }
                        assert_eq!(seen, before, "an entry that was inserted before is missing");
                        if before > 0 && before < count {
                            overlapped.store(true, Ordering::SeqCst);
                        }
                        if before == count {
                            return;
                        }
                    }
                })
            })
            .collect();
        for seqno in 1..=count {
            let key = (seqno.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (count / 2)).to_be_bytes();
            memtable.insert(&EntryRef { key: &key, seqno: SeqNo(seqno), kind: EntryKind::Put, value: &key });
            inserted.store(seqno, Ordering::SeqCst);
            if seqno % (count / 4) == 0 {
                std::thread::yield_now();
            }
        }
        for reader in readers {
            reader.join().expect("no reader panics");
        }
        assert!(overlapped.load(Ordering::SeqCst), "the readers never ran beside the inserter");
    }
}
