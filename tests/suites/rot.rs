//! Damaged files. Whatever bit is flipped, wherever a file is cut, whichever file is exchanged for another, put in its
//! place, missing, or put back from yesterday: the store finds it out, or is not harmed; it never answers with anything
//! else, and never panics.
//!
//! One thing cannot be told from a power loss: that the end of the newest log segment is gone. Then the store holds the
//! state after an earlier commit, whole, and this suite says how often that was.

use crate::clients::{Run, run_operations};
use crate::crash::setting;
use crate::deed::{Act, Change, ItemWrite};
use crate::model::TABLE;
use crate::workload::{Operation, open, random_operation};
use crate::world::{Told, World};
use pixii::Durability;
use pixii::base::ident::{FileId, FileNumber};
use pixii::format::names::{self, FileKind, parse};
use pixii::sim::{Seed, SimVfs, Simulation};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A store of some history, and how it was when half of that was done.
struct Fixture {
    run: Run,
    /// The state after everything.
    world: World,
    newest: u64,
    yesterday: Vec<(PathBuf, Vec<u8>)>,
}

/// What a damaged store says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    FoundOut,
    Harmless,
    /// It holds the state after an earlier commit.
    Older,
}

/// How often it said so.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Verdicts {
    pub(crate) found_out: u64,
    pub(crate) harmless: u64,
    pub(crate) older: u64,
}

impl Fixture {
    fn new(seed: u64, operations: u64) -> Result<Self, String> {
        let run = |count: u64| {
            let simulation = Simulation::new(seed);
            let mut rng = simulation.seed().stream("workload");
            let drawn = (1..=count).map(|id| weighty(random_operation(&mut rng, id)));
            let mut operations: Vec<Operation> =
                drawn.filter(|operation| !matches!(operation, Operation::ChangeTable(_))).collect();
            // The last commits are in the log alone. It goes idle, and promises what is synced.
            operations.extend((1..=6).map(last_operation));
            let idle = Operation::AdvanceClock(Duration::from_secs(1));
            operations.extend(std::iter::repeat_n(idle, 30));
            run_operations(&simulation, operations, false)
        };
        let yesterday = run(operations / 2)?.simulation.vfs().process_death_image().files();
        let run = run(operations)?;
        let whole = run.simulation.restart(run.simulation.vfs().process_death_image());
        let database = open(&whole).map_err(|error| error.to_string())?;
        let newest = database.statistics().published.0;
        let world = run.history.world_at(newest)?;
        world.check(&database, |_| false, Told::All)?;
        whole.vfs().crash_now();
        Ok(Self { run, world, newest, yesterday })
    }

    fn image(&self) -> SimVfs {
        self.run.simulation.vfs().process_death_image()
    }

    fn judge(&self, image: SimVfs) -> Result<Verdict, String> {
        let damaged = self.run.simulation.restart(image);
        let Ok(database) = open(&damaged) else { return Ok(Verdict::FoundOut) };
        let recovered = database.statistics().published.0;
        let (world, verdict) = if recovered < self.newest {
            (&self.run.history.world_at(recovered)?, Verdict::Older)
        } else {
            (&self.world, Verdict::Harmless)
        };
        let checked = world.check(&database, |_| false, Told::All);
        damaged.vfs().crash_now();
        match checked {
            Ok(()) => Ok(verdict),
            Err(wrong) if wrong.contains("a read failed") => Ok(Verdict::FoundOut),
            Err(wrong) => Err(format!("at commit {recovered}: {wrong}")),
        }
    }

    /// Judges damage to a file, which must be what the end of the log has if it takes the store back.
    fn note(
        &self,
        image: SimVfs,
        damaged: &Path,
        place: impl Fn() -> String,
        verdicts: &mut Verdicts,
    ) -> Result<(), String> {
        match self.judge(image).map_err(|wrong| format!("{}: {wrong}", place()))? {
            Verdict::FoundOut => verdicts.found_out += 1,
            Verdict::Harmless => verdicts.harmless += 1,
            Verdict::Older if self.is_newest_segment(damaged) => verdicts.older += 1,
            Verdict::Older => return Err(format!("{}: the store went back without a word", place())),
        }
        Ok(())
    }

    fn is_newest_segment(&self, path: &Path) -> bool {
        let is_segment = |path: &Path| matches!(kind(path), Some(FileKind::Wal(_)));
        let paths = self.image().paths();
        is_segment(path) && paths.iter().rfind(|path| is_segment(path)).is_some_and(|newest| newest == path)
    }
}

/// The same with more bytes in what it puts.
fn weighty(mut operation: Operation) -> Operation {
    if let Operation::Write(write, _) = &mut operation
        && let Change::Put(item) = &mut write.change
    {
        item.insert("payload", "weighty ".repeat(80));
    }
    operation
}

/// A small write that stays in the log.
fn last_operation(count: i64) -> Operation {
    let (table, key) = (TABLE, ("a".to_owned(), count % 4));
    let change = Change::Update(vec![Act::Set("count", count.into())]);
    Operation::Write(ItemWrite { table, key, change, test: None }, Durability::Durable)
}

fn kind(path: &Path) -> Option<FileKind> {
    path.file_name().and_then(|name| name.to_str()).and_then(parse)
}

/// Flips one bit in every `stride`-th byte of every file.
pub(crate) fn flip_bits(seed: u64, stride: u64) -> Result<Verdicts, String> {
    let fixture = Fixture::new(seed, FIXTURE_OPERATIONS)?;
    let whole = fixture.image();
    let (mut verdicts, mut rng) = (Verdicts::default(), Seed(seed).stream("bits"));
    for (path, bytes) in whole.files() {
        for offset in (seed % stride..bytes.len() as u64).step_by(usize::try_from(stride).unwrap_or(1)) {
            let image = whole.process_death_image();
            let bit = u32::try_from(rng.below(8)).unwrap_or(0);
            image.flip(&path, offset, bit);
            let place = || format!("seed {seed}, bit {bit} of byte {offset} of {}", path.display());
            fixture.note(image, &path, place, &mut verdicts)?;
        }
    }
    Ok(verdicts)
}

/// Cuts every file at every `stride`-th byte.
pub(crate) fn truncate(seed: u64, stride: u64) -> Result<Verdicts, String> {
    let fixture = Fixture::new(seed, FIXTURE_OPERATIONS)?;
    let whole = fixture.image();
    let mut verdicts = Verdicts::default();
    for (path, bytes) in whole.files() {
        for size in (seed % stride..bytes.len() as u64).step_by(usize::try_from(stride).unwrap_or(1)) {
            let image = whole.process_death_image();
            image.truncate(&path, size);
            let place = || format!("seed {seed}, {} cut to {size} bytes", path.display());
            fixture.note(image, &path, place, &mut verdicts)?;
        }
    }
    Ok(verdicts)
}

/// Exchanges every two files, puts each in the other's place and each under a new name, puts those of yesterday and of
/// another store in the place of every file of their kind, and takes each away.
pub(crate) fn exchange(seed: u64) -> Result<Verdicts, String> {
    let fixture = Fixture::new(seed, FIXTURE_OPERATIONS)?;
    let other_store = Fixture::new(seed.wrapping_add(OTHER_STORE), FIXTURE_OPERATIONS)?;
    let whole = fixture.image();
    let mut verdicts = Verdicts::default();
    let files = whole.files();
    for (at, (one, one_bytes)) in files.iter().enumerate() {
        if kind(one) == Some(FileKind::Lock) {
            continue;
        }
        let missing = whole.process_death_image();
        missing.remove(one);
        fixture.note(missing, one, || format!("seed {seed}, {} is missing", one.display()), &mut verdicts)?;
        if let Some(new) = unused_name(one) {
            let doubled = whole.process_death_image();
            doubled.write_raw(&new, one_bytes);
            let place = || format!("seed {seed}, {} is there as {} too", one.display(), new.display());
            fixture.note(doubled, one, place, &mut verdicts)?;
        }
        for (other, other_bytes) in files.iter().skip(at + 1) {
            let both = || format!("seed {seed}, {} and {}", one.display(), other.display());
            let swapped = whole.process_death_image();
            swapped.write_raw(one, other_bytes);
            swapped.write_raw(other, one_bytes);
            fixture.note(swapped, one, || format!("{} are swapped", both()), &mut verdicts)?;
            let copied = whole.process_death_image();
            copied.write_raw(one, other_bytes);
            fixture.note(copied, one, || format!("{}: the second twice", both()), &mut verdicts)?;
            let copied = whole.process_death_image();
            copied.write_raw(other, one_bytes);
            fixture.note(copied, other, || format!("{}: the first twice", both()), &mut verdicts)?;
        }
    }
    for (origin, foreign) in
        [("yesterday", &fixture.yesterday), ("another store", &other_store.image().files())]
    {
        for (path, bytes) in foreign {
            let is_alike = |other: &&PathBuf| alike(path, other);
            let places: BTreeSet<&PathBuf> =
                files.iter().map(|(path, _)| path).filter(is_alike).chain([path]).collect();
            for at in places {
                let image = whole.process_death_image();
                image.write_raw(at, bytes);
                let place = || format!("seed {seed}, {} of {origin} as {}", path.display(), at.display());
                fixture.note(image, at, place, &mut verdicts)?;
            }
        }
    }
    Ok(verdicts)
}

/// Whether two files are for the same.
fn alike(one: &Path, other: &Path) -> bool {
    let kinds = [one, other].map(|path| kind(path).map(|kind| std::mem::discriminant(&kind)));
    kinds[0] == kinds[1] && kind(one) != Some(FileKind::Lock)
}

/// The name that a file of this kind does not have yet: one behind all others.
fn unused_name(path: &Path) -> Option<PathBuf> {
    let directory = path.parent()?;
    match kind(path)? {
        FileKind::Wal(_) => Some(names::wal(directory, FileNumber(1 << 40))),
        FileKind::Manifest(_) => Some(names::manifest(directory, FileNumber(1 << 40))),
        FileKind::Table(_) => Some(names::table(directory, FileId(7))),
        _ => None,
    }
}

/// What is added to a seed for that of a store with another history.
const OTHER_STORE: u64 = 1 << 32;

/// So many leave more than 64 KiB in tables of two levels, a manifest with several edits, and a log.
const FIXTURE_OPERATIONS: u64 = 260;

/// The first seed whose fixture has so many bytes and a log with commits.
const FIXTURE_SEED: u64 = 1;

fn judged(name: &str, verdicts: Result<Verdicts, String>) -> Verdicts {
    let verdicts = verdicts.unwrap_or_else(|wrong| panic!("{wrong}"));
    println!("{name}: {verdicts:?}, wrong answers 0");
    verdicts
}

#[test]
fn the_fixture_has_files_of_every_kind_and_64_kib() {
    let fixture = Fixture::new(FIXTURE_SEED, FIXTURE_OPERATIONS).unwrap_or_else(|wrong| panic!("{wrong}"));
    let files = fixture.image().files();
    let count =
        |is: fn(FileKind) -> bool| files.iter().filter(|(path, _)| kind(path).is_some_and(is)).count();
    assert!(count(|kind| matches!(kind, FileKind::Table(_))) > 3);
    assert!(count(|kind| matches!(kind, FileKind::Wal(_))) > 0);
    assert!(count(|kind| matches!(kind, FileKind::Manifest(_))) > 0);
    let size: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(size >= 65_536, "{size} bytes");
}

#[test]
fn a_flipped_bit_in_any_byte_is_found_out_or_harmless() {
    let verdicts = judged("bit flips", flip_bits(FIXTURE_SEED, setting("PIXII_FLIP_STRIDE", 1)));
    assert!(verdicts.found_out > 1000, "the flips hit something");
}

#[test]
fn a_file_that_is_cut_anywhere_is_found_out_or_takes_only_the_end_of_the_log() {
    let verdicts = judged("truncations", truncate(FIXTURE_SEED, setting("PIXII_CUT_STRIDE", 11)));
    assert!(verdicts.found_out > 100, "the cuts hit something");
}

#[test]
fn files_exchanged_doubled_missing_or_of_yesterday_are_found_out_or_harmless() {
    let verdicts = judged("exchanged files", exchange(FIXTURE_SEED));
    assert!(verdicts.found_out > 10, "{verdicts:?}");
}
