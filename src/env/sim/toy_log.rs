//! The tester is tested: a small log that is known to be right survives every power loss, and each rule that it can be
//! told to break is found out.
//!
//! The log keeps numbered records in two files, the second begun when the first is full. Begin a file: create it, write
//! its header, sync it, sync the directory. Add a record: write it with its checksum, sync, acknowledge. To seal the
//! first file its successor's name is put into `CURRENT` by writing a temporary file, syncing and renaming it.

use super::fs::SimVfs;
use super::image::ImageChoice;
use super::machine::is_simulated_crash;
use super::rng::Seed;
use crate::base::checksum::crc32;
use crate::env::file::{LogFile, Vfs, read_all};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A rule that the log may break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    DirectoryNotSynced,
    AcknowledgedBeforeSync,
    ChecksumIgnored,
    CurrentNotSynced,
    CurrentNotRenamed,
    SyncRetried,
    SegmentIdNotInChecksum,
    RecoveredTailTrusted,
}

const BUGS: [Bug; 8] = [
    Bug::DirectoryNotSynced,
    Bug::AcknowledgedBeforeSync,
    Bug::ChecksumIgnored,
    Bug::CurrentNotSynced,
    Bug::CurrentNotRenamed,
    Bug::SyncRetried,
    Bug::SegmentIdNotInChecksum,
    Bug::RecoveredTailTrusted,
];

const PAYLOAD_BYTES: usize = 600;
const RECORD_BYTES: usize = 4 + 8 + PAYLOAD_BYTES;
const RECORDS_PER_SEGMENT: usize = 3;
const DIRECTORY: &str = "/";
const CURRENT: &str = "/CURRENT";

struct ToyLog<'a> {
    vfs: &'a dyn Vfs,
    bug: Option<Bug>,
    segment: u64,
    file: Arc<dyn LogFile>,
    /// How many records the present segment has.
    records: usize,
    /// The number of the last record.
    last: u64,
}

fn segment_path(segment: u64) -> PathBuf {
    Path::new(DIRECTORY).join(format!("{segment}.log"))
}

fn record(segment: u64, number: u64, bug: Option<Bug>) -> Vec<u8> {
    let mut payload = number.to_le_bytes().to_vec();
    payload.resize(8 + PAYLOAD_BYTES, u8::try_from(number % 200 + 1).unwrap_or(1));
    let place = if bug == Some(Bug::SegmentIdNotInChecksum) { 0 } else { segment };
    let mut record = crc32(&[&place.to_le_bytes(), &payload]).to_le_bytes().to_vec();
    record.extend_from_slice(&payload);
    record
}

impl<'a> ToyLog<'a> {
    /// Opens the log: what was there is read, and goes into a new segment. Returns the records too.
    fn open(vfs: &'a dyn Vfs, bug: Option<Bug>) -> io::Result<Self> {
        let (last_segment, numbers) = read(vfs, bug)?;
        let last = numbers.last().copied().unwrap_or(0);
        let segment = last_segment + 1;
        for stale in vfs.read_dir(Path::new(DIRECTORY))? {
            let number = stale.strip_suffix(".log").and_then(|number| number.parse::<u64>().ok());
            if number.is_some_and(|number| number > last_segment) {
                vfs.unlink(&Path::new(DIRECTORY).join(stale))?;
            }
        }
        let mut log =
            Self { vfs, bug, segment, file: vfs.create_log(&segment_path(segment))?, records: 0, last };
        log.begin()?;
        Ok(log)
    }

    /// Begins the present segment with the number of the last record before it, and makes it the current one.
    fn begin(&mut self) -> io::Result<()> {
        // Every other segment is filled ahead of time, the rest grow record by record.
        if self.segment.is_multiple_of(2) {
            self.file.fill((RECORD_BYTES * (RECORDS_PER_SEGMENT + 1)) as u64)?;
        }
        self.records = 0;
        self.write(self.last)?;
        self.file.sync()?;
        let temporary = Path::new("/CURRENT.tmp");
        let content = self.segment.to_le_bytes();
        let content = [content.as_slice(), &crc32(&[&content]).to_le_bytes()].concat();
        if self.bug == Some(Bug::CurrentNotRenamed) {
            if self.vfs.open(Path::new(CURRENT)).is_ok() {
                self.vfs.unlink(Path::new(CURRENT))?;
            }
            let current = self.vfs.create(Path::new(CURRENT))?;
            current.append(&content)?;
            current.sync()?;
        } else {
            if self.vfs.open(temporary).is_ok() {
                self.vfs.unlink(temporary)?;
            }
            let current = self.vfs.create(temporary)?;
            current.append(&content)?;
            if self.bug != Some(Bug::CurrentNotSynced) {
                current.sync()?;
            }
            // The segment's name must be there before anything names it.
            self.sync_dir()?;
            self.vfs.rename(temporary, Path::new(CURRENT))?;
        }
        self.sync_dir()?;
        if self.segment > 2 {
            match self.vfs.unlink(&segment_path(self.segment - 2)) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                done => done?,
            }
        }
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        if self.bug == Some(Bug::DirectoryNotSynced) {
            return Ok(());
        }
        self.vfs.sync_dir(Path::new(DIRECTORY))
    }

    fn write(&mut self, number: u64) -> io::Result<()> {
        let record = record(self.segment, number, self.bug);
        self.file.publish((self.records * RECORD_BYTES) as u64, &record)?;
        self.records += 1;
        Ok(())
    }

    /// Adds the next record and returns its number once it is durable.
    fn add(&mut self) -> io::Result<u64> {
        if self.records > RECORDS_PER_SEGMENT {
            self.segment += 1;
            self.file = self.vfs.create_log(&segment_path(self.segment))?;
            self.begin()?;
        }
        let number = self.last + 1;
        self.write(number)?;
        match (self.bug, self.file.sync()) {
            (Some(Bug::AcknowledgedBeforeSync), _) => {}
            (Some(Bug::SyncRetried), Err(error)) if !is_simulated_crash(&error) => self.file.sync()?,
            (_, synced) => synced?,
        }
        self.last = number;
        Ok(number)
    }
}

/// The last segment, and the last number it begins with and those that follow.
fn read(vfs: &dyn Vfs, bug: Option<Bug>) -> io::Result<(u64, Vec<u64>)> {
    let current = match vfs.open(Path::new(CURRENT)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((0, Vec::new())),
        current => read_all(current?.as_ref())?,
    };
    let damaged = || io::Error::from(ErrorKind::InvalidData);
    let (number, checksum) = current.split_at_checked(8).ok_or_else(damaged)?;
    if checksum != crc32(&[number]).to_le_bytes() {
        return Err(damaged());
    }
    let segment = u64::from_le_bytes(number.try_into().map_err(|_| damaged())?);
    let bytes = read_all(vfs.open(&segment_path(segment))?.as_ref())?;
    let mut numbers: Vec<u64> = Vec::new();
    for found in bytes.chunks_exact(RECORD_BYTES) {
        let number = u64::from_le_bytes(found[4..12].try_into().map_err(|_| damaged())?);
        let is_whole = if bug == Some(Bug::ChecksumIgnored) {
            number != 0 || numbers.is_empty()
        } else {
            found == record(segment, number, bug)
        };
        if !is_whole {
            break;
        }
        // What is no checksum's business: that the payload is the record's.
        if found[4..] != record(segment, number, bug)[4..] {
            return Err(io::Error::other("a record that nobody wrote"));
        }
        numbers.push(number);
    }
    if numbers.is_empty() { Err(damaged()) } else { Ok((segment, numbers)) }
}

/// Adds records until the machine stops, a sync fails, or there are enough.
fn workload(vfs: &SimVfs, bug: Option<Bug>, acknowledged: &mut u64) -> io::Result<()> {
    let mut log = ToyLog::open(vfs, bug)?;
    while *acknowledged < 12 {
        *acknowledged = log.add()?;
    }
    Ok(())
}

/// Opens the log on a disk that a power loss left. Returns what is wrong, if anything.
fn verify(image: &SimVfs, bug: Option<Bug>, acknowledged: u64) -> Result<u64, String> {
    let (_, numbers) = read(image, bug).map_err(|error| error.to_string())?;
    let found = numbers.last().copied().unwrap_or(0);
    if !(acknowledged..=acknowledged + 1).contains(&found) {
        return Err(format!("{acknowledged} records were acknowledged, and {found} are found"));
    }
    Ok(found)
}

/// Stops the machine at every operation and looks at images, and again within the recovery of some. Returns how many
/// there were, or the first that is wrong.
fn crash_everywhere(bug: Option<Bug>, seed: u64) -> Result<usize, String> {
    let undisturbed = SimVfs::new();
    workload(&undisturbed, bug, &mut 0).map_err(|error| error.to_string())?;
    let mut images = 0;
    for point in undisturbed.crash_points() {
        let vfs = SimVfs::new();
        vfs.crash_at(point);
        let mut acknowledged = 0;
        let stopped = workload(&vfs, bug, &mut acknowledged);
        assert!(
            stopped.is_err_and(|error| is_simulated_crash(&error)),
            "the machine stops at every operation"
        );
        for (choice, image) in vfs.images(12, seed ^ point) {
            images += 1;
            let wrong = |what| format!("operation {point}, {choice:?}: {what}");
            let found = verify(&image, bug, acknowledged).map_err(wrong)?;
            // Once decided it stays decided: a second power loss, within recovery.
            let mut rng = Seed(seed).numbered(point).stream("second");
            image.crash_at(rng.below(20));
            let _ = ToyLog::open(&image, bug);
            for (second, image) in image.images(4, seed) {
                images += 1;
                let again = verify(&image, bug, found)
                    .map_err(|what| format!("{second:?} after {choice:?}: {what}"))?;
                if again != found {
                    return Err(format!("{found} records were found first and {again} later"));
                }
            }
        }
    }
    Ok(images)
}

/// A sync of a log fails and the process ends, then another goes on, and then the power goes. A log that trusts what it
/// reads back from the cache, or that tries the sync again, loses what it answered for.
fn fail_a_sync(bug: Option<Bug>, failing: u64) -> Result<(), String> {
    use super::fault::{FaultRule, SyncFailure};
    use super::operation::OpKind;
    for failure in SyncFailure::ALL {
        let vfs = SimVfs::new();
        vfs.fail(FaultRule::on(&[OpKind::Sync]).path(".log").skip(failing).sync(failure));
        let mut acknowledged = 0;
        let _ = workload(&vfs, bug, &mut acknowledged);
        for (choice, image) in vfs.images(30, failing) {
            verify(&image, bug, acknowledged).map_err(|what| format!("{failure:?}, {choice:?}: {what}"))?;
        }
        let next = vfs.process_death_image();
        let recovered = if bug == Some(Bug::RecoveredTailTrusted) {
            // It reads, syncs, and answers for what it has read.
            let found = verify(&next, bug, acknowledged)?;
            for path in next.paths() {
                next.open(&path).and_then(|file| file.sync()).map_err(|error| error.to_string())?;
            }
            found
        } else {
            let log = ToyLog::open(&next, bug).map_err(|error| error.to_string())?;
            log.last
        };
        for (choice, image) in next.images(30, failing) {
            verify(&image, bug, recovered)
                .map_err(|what| format!("{failure:?}, next process, {choice:?}: {what}"))?;
        }
    }
    Ok(())
}

fn find(bug: Option<Bug>) -> Result<usize, String> {
    let mut images = 0;
    for seed in 0..4 {
        images += crash_everywhere(bug, seed)?;
    }
    for failing in 0..16 {
        fail_a_sync(bug, failing)?;
    }
    Ok(images)
}

#[test]
fn the_right_log_survives_every_power_loss() {
    let images = find(None).expect("nothing is wrong with it");
    assert!(images > 5000, "only {images} images were looked at");
}

#[test]
fn every_broken_rule_is_found_out() {
    let missed: Vec<Bug> = BUGS.into_iter().filter(|bug| find(Some(*bug)).is_ok()).collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}

#[test]
fn few_pending_changes_are_looked_at_in_all_combinations() {
    let vfs = SimVfs::new();
    let mut acknowledged = 0;
    vfs.crash_at(20);
    let _ = workload(&vfs, None, &mut acknowledged);
    let images = vfs.exhaustive_images().expect("everything is synced step by step");
    let found: Vec<u64> =
        images.map(|(_, image)| verify(&image, None, acknowledged).expect("it is right")).collect();
    assert!(found.len() > 1);
    assert_eq!(vfs.crash_image(ImageChoice::AllLost).pending_count(), 0);
}
