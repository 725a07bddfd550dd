//! What a power loss leaves: the images of a disk.
//!
//! Whatever is pending is counted off in one order: the changes of names first, in the order they were made, then the
//! writes, file by file in the order the files were made. Images are chosen over these numbers.

use super::fs::SimVfs;
use super::inode::{Contents, Inode, InodeId};
use super::machine::State;
use super::rng::{Seed, SimRng};
use super::survival::{FileFate, GRAINS_BYTES, Hole, SizeFate, Tear, TearShape, WriteFate};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which of the pending changes a power loss keeps. The same choice of the same disk gives the same image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageChoice {
    /// None.
    AllLost,
    /// All, the one in flight too.
    AllKept,
    /// All names, and nothing that was written: files are there, as long as they durably were.
    NamesOnly,
    /// All names and all sizes, and nothing that was written: files end in zeros.
    SizesOnly,
    /// All that was written, and no names: new files are gone.
    DataOnly,
    /// All names, and what was written to one of the files with pending writes.
    OnlyFile(usize),
    /// All but one change, and the changes of names that cannot be kept without it. A write that is lost leaves a hole.
    OnlyLost(usize),
    /// The changes whose bits are set, without those of names that cannot be kept so.
    Subset {
        /// One bit for each pending change.
        kept: u64,
        /// The seed of tears and sizes; whole writes if there is none.
        tears: Option<u64>,
    },
    /// Anything that may happen.
    Random(u64),
}

/// A seed stands for the image drawn by it.
impl From<u64> for ImageChoice {
    fn from(seed: u64) -> Self {
        Self::Random(seed)
    }
}

impl From<Seed> for ImageChoice {
    fn from(seed: Seed) -> Self {
        Self::Random(seed.0)
    }
}

/// How many pending changes are taken apart into all subsets.
const EXHAUSTIVE_CHANGES: usize = 12;

impl SimVfs {
    /// How many changes are pending: what a power loss would choose from.
    pub fn pending_count(&self) -> usize {
        Pending::of(&self.lock_state()).count()
    }

    /// The disk as the next machine finds it after a power loss at this moment. All of it is durable, nobody holds a
    /// lock, no fault is ordered, and operations are counted anew. This disk is not changed.
    pub fn crash_image(&self, choice: impl Into<ImageChoice>) -> SimVfs {
        let state = self.lock_state();
        let pending = Pending::of(&state);
        let fate = pending.fate(choice.into(), &state);
        let mut survivors: BTreeMap<InodeId, Arc<Inode>> = BTreeMap::new();
        let names = state.names.surviving(&fate.names, |inode| {
            let survivor = survivors.entry(inode.id).or_insert_with(|| {
                let contents = inode.contents.lock();
                let survived = match fate.files.get(&inode.id) {
                    Some(fate) => contents.survived(contents.surviving(fate)),
                    None => contents.survived(Arc::clone(&contents.durable)),
                };
                Inode::new(inode.id, survived)
            });
            Arc::clone(survivor)
        });
        SimVfs::of(state.restarted(names))
    }

    /// The disk as the next process finds it when this one is killed: everything that was seen is there, what was
    /// pending is still pending, and the operation in flight has not happened. Nobody holds a lock.
    pub fn process_death_image(&self) -> SimVfs {
        let state = self.lock_state();
        let mut survivors: BTreeMap<InodeId, Arc<Inode>> = BTreeMap::new();
        let names = state.names.orphaned(|inode| {
            let survivor = survivors
                .entry(inode.id)
                .or_insert_with(|| Inode::new(inode.id, inode.contents.lock().orphaned()));
            Arc::clone(survivor)
        });
        SimVfs::of(state.restarted(names))
    }

    /// At most `count` images, the telling ones first: all lost, all kept, only names, only sizes, only data; then, in
    /// random order, each file alone kept and each change alone lost, up to two thirds of the count; then random ones.
    /// A disk on which nothing is pending has one image.
    pub fn images(&self, count: usize, seed: u64) -> impl Iterator<Item = (ImageChoice, SimVfs)> + use<> {
        let choices = self.image_choices(count, seed);
        let vfs = self.clone();
        choices.into_iter().map(move |choice| (choice, vfs.crash_image(choice)))
    }

    /// The choices of [`images`](Self::images), without making the images.
    pub fn image_choices(&self, count: usize, seed: u64) -> Vec<ImageChoice> {
        let (changes, names, files) = {
            let pending = Pending::of(&self.lock_state());
            (pending.count(), pending.names, pending.files.len())
        };
        let mut choices = vec![ImageChoice::AllLost];
        if changes > 0 {
            choices.push(ImageChoice::AllKept);
        }
        if files > 0 {
            choices.push(ImageChoice::SizesOnly);
        }
        if names > 0 && files > 0 {
            choices.extend([ImageChoice::NamesOnly, ImageChoice::DataOnly]);
        }
        let mut rng = Seed(seed).stream("images");
        if changes > 1 {
            let mut single: Vec<ImageChoice> = (0..changes).map(ImageChoice::OnlyLost).collect();
            if files > 1 {
                single.extend((0..files).map(ImageChoice::OnlyFile));
            }
            rng.shuffle(&mut single);
            single.truncate((count * 2 / 3).saturating_sub(choices.len()));
            choices.extend(single);
        }
        choices.truncate(count);
        if changes > 0 {
            let random = std::iter::repeat_with(|| ImageChoice::Random(rng.next_u64()));
            choices.extend(random.take(count - choices.len()));
        }
        choices
    }

    /// Every image that keeps whole changes, each followed by one with torn writes and other sizes, if no more than 12
    /// changes are pending.
    pub fn exhaustive_images(&self) -> Option<impl Iterator<Item = (ImageChoice, SimVfs)> + use<>> {
        let (changes, names) = {
            let state = self.lock_state();
            let pending = Pending::of(&state);
            (pending.count(), pending.names)
        };
        if changes > EXHAUSTIVE_CHANGES {
            return None;
        }
        let vfs = self.clone();
        let is_possible = move |kept: &u64| {
            let kept: Vec<bool> = (0..names).map(|index| is_set(*kept, index)).collect();
            vfs.lock_state().names.possible(&kept) == kept
        };
        let vfs = self.clone();
        let choices = (0..1_u64 << changes).filter(is_possible).flat_map(move |kept| {
            let torn = (kept >> names != 0).then_some(ImageChoice::Subset { kept, tears: Some(kept) });
            [ImageChoice::Subset { kept, tears: None }].into_iter().chain(torn)
        });
        Some(choices.map(move |choice| (choice, vfs.crash_image(choice))))
    }
}

fn is_set(bits: u64, index: usize) -> bool {
    index < 64 && bits >> index & 1 == 1
}

/// What a power loss chooses from.
struct Pending {
    /// How many changes of names.
    names: usize,
    /// The files with pending writes, and how many.
    files: Vec<(Arc<Inode>, usize)>,
}

/// What becomes of all of it.
struct Fate {
    names: Vec<bool>,
    files: BTreeMap<InodeId, FileFate>,
}

impl Pending {
    fn of(state: &State) -> Self {
        let mut files = Vec::new();
        for inode in state.names.inodes().into_values() {
            let contents = inode.contents.lock();
            let (is_pending, writes) = (contents.is_pending(), contents.pending.len());
            drop(contents);
            if is_pending {
                files.push((inode, writes));
            }
        }
        Self { names: state.names.journal().len(), files }
    }

    fn count(&self) -> usize {
        self.names + self.files.iter().map(|(_, writes)| writes).sum::<usize>()
    }

    fn fate(&self, choice: ImageChoice, state: &State) -> Fate {
        match choice {
            ImageChoice::AllLost => self.fate_by(SizeFate::Durable, |_| false, |_, _| false),
            ImageChoice::AllKept => self.fate_by(SizeFate::Kept, |_| true, |_, _| true),
            ImageChoice::NamesOnly => self.fate_by(SizeFate::Durable, |_| true, |_, _| false),
            ImageChoice::SizesOnly => self.fate_by(SizeFate::Seen, |_| true, |_, _| false),
            ImageChoice::DataOnly => self.fate_by(SizeFate::Kept, |_| false, |_, _| true),
            ImageChoice::OnlyFile(kept) => self.fate_by(SizeFate::Kept, |_| true, |file, _| file == kept),
            ImageChoice::OnlyLost(lost) => {
                self.fate_by(SizeFate::Seen, |name| name != lost, |_, write| write != lost)
            }
            ImageChoice::Subset { kept, tears } => {
                let is_kept = |change: usize| is_set(kept, change);
                let mut fate = self.fate_by(SizeFate::Kept, is_kept, |_, write| is_kept(write));
                if let Some(seed) = tears {
                    tear(&mut fate, &mut SimRng::new(seed));
                }
                fate
            }
            ImageChoice::Random(seed) => self.random_fate(&mut Seed(seed).stream("image"), state),
        }
    }

    /// The fate by two questions: whether a change of names is kept, by its number; and whether a write is, by the number
    /// of its file and its own.
    fn fate_by(
        &self,
        size: SizeFate,
        is_name_kept: impl Fn(usize) -> bool,
        is_write_kept: impl Fn(usize, usize) -> bool,
    ) -> Fate {
        let mut number = self.names;
        let mut files = BTreeMap::new();
        for (file, (inode, count)) in self.files.iter().enumerate() {
            let fate_of = |write| if is_write_kept(file, write) { WriteFate::Kept } else { WriteFate::Lost };
            let writes = (number..number + count).map(fate_of).collect();
            files.insert(inode.id, FileFate { writes, size, hole: Hole::Zeros });
            number += count;
        }
        Fate { names: (0..self.names).map(is_name_kept).collect(), files }
    }

    fn random_fate(&self, rng: &mut SimRng, state: &State) -> Fate {
        let names = Keeping::draw(rng).choose(self.names, rng);
        let mut files = BTreeMap::new();
        for (inode, count) in &self.files {
            files.insert(inode.id, random_file_fate(&inode.contents.lock(), *count, rng, state));
        }
        Fate { names, files }
    }
}

/// How the changes of one kind or file are kept.
#[derive(Clone, Copy)]
enum Keeping {
    None,
    All,
    Prefix,
    Subset,
}

impl Keeping {
    fn draw(rng: &mut SimRng) -> Self {
        *rng.pick(&[Self::None, Self::All, Self::Prefix, Self::Subset, Self::Subset])
    }

    fn choose(self, count: usize, rng: &mut SimRng) -> Vec<bool> {
        match self {
            Self::None => vec![false; count],
            Self::All => vec![true; count],
            Self::Prefix => {
                let kept = rng.below_usize(count + 1);
                (0..count).map(|index| index < kept).collect()
            }
            Self::Subset => {
                let probability = *rng.pick(&[0.1, 0.5, 0.5, 0.9]);
                (0..count).map(|_| rng.chance(probability)).collect()
            }
        }
    }
}

fn random_file_fate(contents: &Contents, count: usize, rng: &mut SimRng, state: &State) -> FileFate {
    let keeping = Keeping::draw(rng);
    let kept = keeping.choose(count, rng);
    let fate_of = |is_kept: &bool| if *is_kept { WriteFate::Kept } else { WriteFate::Lost };
    let mut writes: Vec<WriteFate> = kept.iter().map(fate_of).collect();
    match (keeping, rng.below(4)) {
        // The torn tail: all before it is whole.
        (Keeping::All | Keeping::Prefix, 0 | 1) => {
            let grain = *rng.pick(&GRAINS_BYTES);
            let last = writes.iter_mut().rfind(|fate| matches!(fate, WriteFate::Kept));
            if let Some(last) = last {
                *last = random_tear(grain, rng);
            }
        }
        (Keeping::All | Keeping::Subset, 2) => tear_some(&mut writes, rng),
        _ => {}
    }
    let size = random_size(contents, rng);
    let hole = match rng.below(4) {
        0 | 1 => Hole::Zeros,
        2 if !state.stale.is_empty() => {
            let index = rng.below_usize(state.stale.len());
            state.stale.get(index).map_or(Hole::Zeros, |stale| Hole::Stale(Arc::clone(stale)))
        }
        _ => Hole::Garbage(SimRng::new(rng.next_u64())),
    };
    FileFate { writes, size, hole }
}

/// Tears what is kept, and draws other sizes.
fn tear(fate: &mut Fate, rng: &mut SimRng) {
    for file in fate.files.values_mut() {
        tear_some(&mut file.writes, rng);
        if rng.one_in(4) {
            file.size = SizeFate::Seen;
        }
    }
}

fn tear_some(writes: &mut [WriteFate], rng: &mut SimRng) {
    let grain = *rng.pick(&GRAINS_BYTES);
    for fate in writes.iter_mut().filter(|fate| matches!(fate, WriteFate::Kept)) {
        if rng.one_in(2) {
            *fate = random_tear(grain, rng);
        }
    }
}

fn random_tear(grain_bytes: usize, rng: &mut SimRng) -> WriteFate {
    let shape = match rng.below(4) {
        0 | 1 => TearShape::Prefix(rng.below(1000)),
        2 => TearShape::Suffix(rng.below(1000)),
        _ => TearShape::Subset(SimRng::new(rng.next_u64())),
    };
    WriteFate::Torn(Tear { grain_bytes, shape })
}

fn random_size(contents: &Contents, rng: &mut SimRng) -> SizeFate {
    match rng.below(8) {
        0..=3 => SizeFate::Kept,
        4 | 5 => SizeFate::Seen,
        6 if !contents.pending.is_empty() => SizeFate::After(rng.below_usize(contents.pending.len())),
        _ => SizeFate::Durable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::file::{File, Vfs};
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    type Files = Vec<(PathBuf, Vec<u8>)>;

    fn root() -> &'static Path {
        Path::new("/")
    }

    fn new_file(vfs: &SimVfs, path: &str, bytes: &[u8]) -> Arc<dyn File> {
        let file = vfs.create(Path::new(path)).expect("a new file");
        file.append(bytes).expect("space");
        file
    }

    fn sync_all(vfs: &SimVfs) {
        for path in vfs.paths() {
            vfs.open(&path).and_then(|file| file.sync()).expect("it exists");
        }
        vfs.sync_dir(root()).expect("it exists");
    }

    fn any_choice() -> impl Strategy<Value = ImageChoice> {
        prop_oneof![
            Just(ImageChoice::AllLost),
            Just(ImageChoice::AllKept),
            Just(ImageChoice::NamesOnly),
            Just(ImageChoice::SizesOnly),
            Just(ImageChoice::DataOnly),
            (0..8_usize).prop_map(ImageChoice::OnlyFile),
            (0..8_usize).prop_map(ImageChoice::OnlyLost),
            any::<(u64, Option<u64>)>().prop_map(|(kept, tears)| ImageChoice::Subset { kept, tears }),
            any::<u64>().prop_map(ImageChoice::Random),
        ]
    }

    proptest! {
        #[test]
        fn every_image_of_a_synced_disk_is_the_disk(
            files in prop::collection::btree_map("[a-f]", prop::collection::vec(any::<u8>(), 0..64), 0..6),
            renames in prop::collection::vec(("[a-f]", "[a-h]"), 0..4),
            choice in any_choice(),
        ) {
            let vfs = SimVfs::new();
            for (name, bytes) in &files {
                new_file(&vfs, &format!("/{name}"), bytes);
            }
            for (from, to) in &renames {
                let _ = vfs.rename(&root().join(from), &root().join(to));
            }
            sync_all(&vfs);
            prop_assert_eq!(vfs.pending_count(), 0);
            prop_assert_eq!(vfs.crash_image(choice).files(), vfs.files());
            prop_assert_eq!(vfs.process_death_image().files(), vfs.files());
            prop_assert_eq!(vfs.image_choices(10, 1), [ImageChoice::AllLost]);
        }

        #[test]
        fn synced_bytes_survive_every_image_and_an_image_is_repeatable(
            synced in prop::collection::vec(any::<u8>(), 0..2000),
            later in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 0..4),
            choice in any_choice(),
        ) {
            let vfs = SimVfs::new();
            let file = new_file(&vfs, "/a", &synced);
            sync_all(&vfs);
            for bytes in &later {
                file.append(bytes).expect("space");
            }
            let image = vfs.crash_image(choice);
            let found = image.read("/a").expect("its name is durable");
            prop_assert!(found.len() >= synced.len() && found.len() <= vfs.read("/a").expect("it exists").len());
            prop_assert_eq!(&found[..synced.len()], &synced);
            prop_assert_eq!(image.files(), vfs.crash_image(choice).files());
            prop_assert_eq!(image.crash_image(1).files(), image.files(), "an image is all durable");
        }
    }

    /// What the images of a disk are, as a set.
    fn outcomes(vfs: &SimVfs, count: usize) -> BTreeSet<Files> {
        vfs.images(count, 7).map(|(_, image)| image.files()).collect()
    }

    fn files(files: &[(&str, &[u8])]) -> Files {
        files.iter().map(|(path, bytes)| (PathBuf::from(path), bytes.to_vec())).collect()
    }

    #[test]
    fn an_unsynced_name_is_sometimes_lost_and_sometimes_kept_and_so_is_what_was_written() {
        let vfs = SimVfs::new();
        new_file(&vfs, "/a", b"x").sync().expect("it exists");
        assert_eq!(outcomes(&vfs, 50), BTreeSet::from([files(&[]), files(&[("/a", b"x")])]));

        let vfs = SimVfs::new();
        new_file(&vfs, "/a", b"x");
        vfs.sync_dir(root()).expect("it exists");
        let found = outcomes(&vfs, 200);
        for bytes in [b"".as_slice(), b"x", b"\0"] {
            assert!(found.contains(&files(&[("/a", bytes)])), "{bytes:?}");
        }
        assert!(found.len() > 3, "and sometimes garbage");
    }

    #[test]
    fn a_rename_keeps_one_of_the_names_and_never_both_or_none() {
        let vfs = SimVfs::new();
        new_file(&vfs, "/old", b"old");
        new_file(&vfs, "/new.tmp", b"new");
        sync_all(&vfs);
        vfs.rename(Path::new("/new.tmp"), Path::new("/old")).expect("both exist");
        let before = files(&[("/new.tmp", b"new"), ("/old", b"old")]);
        assert_eq!(outcomes(&vfs, 100), BTreeSet::from([before, files(&[("/old", b"new")])]));
    }

    #[test]
    fn an_unsynced_unlink_may_come_back() {
        let vfs = SimVfs::new();
        new_file(&vfs, "/a", b"x");
        sync_all(&vfs);
        vfs.unlink(Path::new("/a")).expect("it exists");
        assert_eq!(outcomes(&vfs, 50), BTreeSet::from([files(&[]), files(&[("/a", b"x")])]));
    }

    #[test]
    fn names_of_one_directory_keep_their_order_each_and_not_among_each_other() {
        let vfs = SimVfs::new();
        for path in ["/a", "/b"] {
            new_file(&vfs, path, b"").sync().expect("it exists");
        }
        vfs.unlink(Path::new("/a")).expect("it exists");
        let found = outcomes(&vfs, 200);
        let expected: [&[(&str, &[u8])]; 4] =
            [&[], &[("/a", b"")], &[("/b", b"")], &[("/a", b""), ("/b", b"")]];
        assert_eq!(found, expected.into_iter().map(files).collect());
    }

    #[test]
    fn writes_to_different_files_are_reordered() {
        let vfs = SimVfs::new();
        let (first, second) = (new_file(&vfs, "/first", b""), new_file(&vfs, "/second", b""));
        sync_all(&vfs);
        first.append(b"1").expect("space");
        second.append(b"2").expect("space");
        assert!(outcomes(&vfs, 20).contains(&files(&[("/first", b""), ("/second", b"2")])));
    }

    #[test]
    fn a_new_directory_is_lost_with_all_that_is_in_it() {
        let vfs = SimVfs::new();
        vfs.create_dir(Path::new("/d")).expect("a new directory");
        new_file(&vfs, "/d/a", b"x").sync().expect("it exists");
        vfs.sync_dir(Path::new("/d")).expect("it exists");
        assert_eq!(outcomes(&vfs, 20), BTreeSet::from([files(&[]), files(&[("/d/a", b"x")])]));
        vfs.sync_dir(root()).expect("it exists");
        assert_eq!(outcomes(&vfs, 20), BTreeSet::from([files(&[("/d/a", b"x")])]));
    }

    #[test]
    fn a_hard_link_stays_one_file() {
        let vfs = SimVfs::new();
        let file = new_file(&vfs, "/a", b"x");
        vfs.link(Path::new("/a"), Path::new("/b")).expect("it exists");
        sync_all(&vfs);
        file.append(b"y").expect("space");
        for (choice, image) in vfs.images(50, 3) {
            assert_eq!(image.read("/a"), image.read("/b"), "{choice:?}");
        }
        let image = vfs.crash_image(ImageChoice::AllLost);
        image.flip("/a", 0, 0);
        assert_eq!(image.read("/b"), Some(b"y".to_vec()), "0x78 with its lowest bit flipped is 0x79");
    }

    #[test]
    fn all_subsets_are_enumerated_once() {
        let vfs = SimVfs::new();
        let file = new_file(&vfs, "/a", b"");
        sync_all(&vfs);
        for byte in [b"1", b"2", b"3"] {
            file.append(byte).expect("space");
        }
        new_file(&vfs, "/b", b"");
        vfs.unlink(Path::new("/b")).expect("it exists");
        let images: Vec<_> = vfs.exhaustive_images().expect("five changes are few").collect();
        let whole =
            images.iter().filter(|(choice, _)| matches!(choice, ImageChoice::Subset { tears: None, .. }));
        // Three writes in any combination; the link alone, both, or none.
        assert_eq!(whole.count(), 8 * 3);
        let found: BTreeSet<Vec<u8>> = images.iter().filter_map(|(_, image)| image.read("/a")).collect();
        for bytes in [b"".as_slice(), b"1", b"12", b"123", b"1\x003", b"\x002", b"\x0023", b"\0\x003"] {
            assert!(found.contains(bytes), "{bytes:?} of {found:?}");
        }
        for _ in 0..10 {
            file.append(b"x").expect("space");
        }
        assert!(vfs.exhaustive_images().is_none());
    }

    #[test]
    fn the_telling_images_come_first_and_the_rest_is_random() {
        let vfs = SimVfs::new();
        new_file(&vfs, "/a", b"1");
        new_file(&vfs, "/b", b"2");
        let choices = vfs.image_choices(12, 1);
        assert_eq!(choices.len(), 12);
        assert_eq!(choices[..2], [ImageChoice::AllLost, ImageChoice::AllKept]);
        let random = choices.iter().filter(|choice| matches!(choice, ImageChoice::Random(_)));
        assert_eq!(random.count(), 4);
        assert_eq!(vfs.image_choices(3, 1).len(), 3);
        let all = vfs.image_choices(100, 1);
        for single in (0..4).map(ImageChoice::OnlyLost).chain((0..2).map(ImageChoice::OnlyFile)) {
            assert!(all.contains(&single), "{single:?}");
        }
    }

    #[test]
    fn what_was_pending_at_the_death_of_the_process_is_lost_to_a_later_power_loss() {
        let vfs = SimVfs::new();
        let file = new_file(&vfs, "/a", b"synced");
        sync_all(&vfs);
        file.append(b" and not").expect("space");
        new_file(&vfs, "/b", b"");
        let after = vfs.process_death_image();
        assert_eq!(after.files(), vfs.files());
        assert_eq!(after.pending(), vfs.pending());
        let lost = after.crash_image(ImageChoice::AllLost);
        assert_eq!(lost.files(), files(&[("/a", b"synced")]));
        sync_all(&after);
        assert_eq!(
            after.crash_image(ImageChoice::AllLost).files(),
            vfs.files(),
            "a sync by the next process holds"
        );
    }

    #[test]
    fn an_image_and_its_disk_do_not_share_what_is_written_later() {
        let vfs = SimVfs::new();
        let file = new_file(&vfs, "/a", b"x");
        sync_all(&vfs);
        let image = vfs.crash_image(ImageChoice::AllKept);
        file.append(b"old").expect("space");
        image.flip("/a", 0, 0);
        assert_eq!((vfs.read("/a"), image.read("/a")), (Some(b"xold".to_vec()), Some(b"y".to_vec())));
    }
}
