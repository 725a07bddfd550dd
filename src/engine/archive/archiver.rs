//! The job that brings the store's history into its archive.
//!
//! Steps, each a bounded piece of work; the first that has something to do is done:
//! 1. Look what the archive holds, once.
//! 2. A base is due (there is none, the log has a gap, or the last one is old): put its tables, one a step, then the base.
//! 3. The archive ends before what the log has promised: put the next part of it.
//! 4. All is there that had been committed when the round began: put how far the archive reaches, and rest for the
//!    interval.
//!
//! Invariants:
//! 1. Only bytes below the log's promise leave the store.
//! 2. A segment counts as archived when its last part is there; only then is it let go (`kept_log`).
//! 3. While a base is put, the tables that it names keep their files; the base is given up when they cost too much.
//! 4. Wherever the job stops, it goes on by what the archive holds: the same parts are never cut otherwise.
//!
//! A step that fails is tried again a second later, as every job's; meanwhile the store goes on.

use super::contents::ArchiveContents;
use super::objects::ArchiveObjects;
use crate::base::error::{Result, StoreError, StoreFault};
use crate::base::ident::{CommitTime, FileId, FileNumber, Moment, SeqNo};
use crate::base::planted::{Bug, planted};
use crate::engine::job::EngineJob;
use crate::engine::retired_files::FilePin;
use crate::engine::store::Engine;
use crate::env::file::{read_all, read_exact_at};
use crate::env::schedule::{Event, Step};
use crate::format::archive::{self, ArchiveBase, ObjectKind, PartHeader, Until};
use crate::format::manifest::{TableMeta, VersionEdit};
use crate::format::names;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

/// The job's name.
const NAME: &str = "pixii-archive";

/// A part of the log is no larger.
const PART_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// How long the job waits for what was committed to become durable.
const PROMISE_WAIT: Duration = Duration::from_millis(50);

/// How a store is archived.
#[derive(Clone, Debug)]
pub struct ArchiveOptions {
    /// The archive is brought up to date at this interval: what the loss of the machine can take.
    pub interval: Duration,
    /// A new base is made when the last one is so old: restoring reads no more log than this.
    pub base_interval: Duration,
    /// For how long every moment can be restored. What no restore within it needs is deleted.
    pub retention: Duration,
}

impl Default for ArchiveOptions {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self { interval: Duration::from_secs(60), base_interval: DAY, retention: 35 * DAY }
    }
}

/// What is known of a store's archive.
#[derive(Clone, Debug, Default)]
pub struct ArchiveStatus {
    /// Every commit up to here is in the archive, and no other one was made up to its time.
    pub until: Moment,
    /// Objects that were put since the store was opened.
    pub objects_put: u64,
    /// Their bytes.
    pub bytes_put: u64,
    /// Bases among them.
    pub bases_put: u64,
    /// How often the log had been let go before it was archived.
    pub gaps: u64,
}

/// An archive that a store is brought into.
#[derive(Clone, Debug)]
pub struct ArchiveHandle {
    engine: Engine,
    objects: Arc<dyn ArchiveObjects>,
    shared: Arc<Told>,
}

/// What the job and those who wait for it tell each other.
#[derive(Debug, Default)]
struct Told {
    status: Mutex<ArchiveStatus>,
    wake: Arc<Event>,
    done: Event,
}

impl ArchiveHandle {
    /// Begins to archive a store that was opened with room for the log to wait
    /// ([`EngineOptions::log_kept_bytes`](crate::engine::options::EngineOptions)).
    pub fn begin(engine: &Engine, objects: Arc<dyn ArchiveObjects>, options: ArchiveOptions) -> Result<Self> {
        let shared = Arc::new(Told::default());
        let job = Archiver {
            objects: Arc::clone(&objects),
            options,
            told: Arc::clone(&shared),
            place: None,
            base: None,
            round: None,
        };
        engine.spawn(NAME, Arc::clone(&shared.wake), Box::new(job))?;
        Ok(Self { engine: engine.without_ownership(), objects, shared })
    }

    /// Where the archive lies.
    pub fn objects(&self) -> &Arc<dyn ArchiveObjects> {
        &self.objects
    }

    /// How far it has come.
    pub fn status(&self) -> ArchiveStatus {
        self.shared.status.lock().clone()
    }

    /// What it holds of the store's history.
    pub fn contents(&self) -> Result<ArchiveContents> {
        ArchiveContents::read(self.objects.as_ref(), self.engine.history())
    }

    /// Waits until all that is published now is in the archive; an error says why it cannot be brought there.
    pub fn bring_up_to_date(&self) -> Result<Moment> {
        let published = self.engine.published();
        let asked_at = self.engine.now();
        self.engine.sync_up_to(published)?;
        let mut before = None;
        loop {
            let seen = self.shared.done.generation();
            let until = self.shared.status.lock().until;
            if until.seqno >= published && until.time >= asked_at {
                return Ok(until);
            }
            // A round that was under way may have ended without what is asked for: it rests then.
            if before.replace(until) != Some(until) {
                self.shared.wake.notify();
            }
            self.engine.shared.check_open()?;
            self.engine.shared.poison.check()?;
            if let Some(failure) = self.engine.job_failure(NAME) {
                return Err(failure);
            }
            let scheduler = &self.engine.shared.environment.scheduler;
            scheduler.wait(&self.shared.done, seen, Some(PROMISE_WAIT));
        }
    }
}

/// The job.
struct Archiver {
    objects: Arc<dyn ArchiveObjects>,
    options: ArchiveOptions,
    told: Arc<Told>,
    /// None until it was looked what the archive holds.
    place: Option<Place>,
    base: Option<BaseUnderWay>,
    /// The last commit when the round began, and the time then: no later commit has that time.
    round: Option<Moment>,
}

/// Where the archive ends.
struct Place {
    tables: BTreeSet<FileId>,
    /// The last commit in the newest base, and when that was last looked at.
    last_base: Option<(SeqNo, CommitTime)>,
    /// The segment and the byte from which on the log is not archived; none before the first base, or in a gap.
    next: Option<(FileNumber, u64)>,
    /// The last commit that is known to be archived.
    archived: Moment,
    /// As the archive tells how far it reaches.
    until: Moment,
}

/// A base whose tables are being put.
struct BaseUnderWay {
    _pin: FilePin,
    left: Vec<TableMeta>,
    base: ArchiveBase,
    oldest_segment: FileNumber,
}

impl EngineJob for Archiver {
    fn step(&mut self, engine: &Engine) -> Result<Step> {
        let step = self.advance(engine);
        self.told.done.notify();
        step
    }
}

impl Archiver {
    fn advance(&mut self, engine: &Engine) -> Result<Step> {
        if self.place.is_none() {
            self.place = Some(self.look(engine)?);
            return Ok(Step::Again);
        }
        if let Some(base) = self.base.take() {
            return self.go_on_with_base(engine, base);
        }
        self.notice_gap(engine);
        if self.is_base_due(engine) {
            self.base = self.begin_base(engine);
            if self.base.is_some() {
                return Ok(Step::Again);
            }
        }
        if self.round.is_none() {
            let now = engine.shared.clock.now();
            engine.shared.clock.move_beyond(now);
            let last = engine.shared.pipeline.move_beyond(now);
            self.round = Some(Moment { seqno: last.seqno, time: now });
        }
        if self.put_part(engine)? {
            return Ok(Step::Again);
        }
        self.finish_round(engine)
    }

    /// What the archive holds.
    fn look(&self, engine: &Engine) -> Result<Place> {
        let contents = ArchiveContents::read(self.objects.as_ref(), engine.history())?;
        let last_part = contents.last_part(self.objects.as_ref())?;
        let last_base = contents.bases.last().map(|base| base.last);
        let archived = [last_part.and_then(|part| part.last), contents.until, last_base];
        // The log goes on behind the last part, unless a gap lies in between.
        let begins = |base: &ArchiveBase| base.state.oldest_segment.map(|segment| (segment, 0));
        let after_gap = contents.bases.iter().rfind(|base| base.gap_from.is_some()).and_then(begins);
        let next = match (last_part, contents.bases.last()) {
            (Some(part), Some(_)) => Some((part.segment, part.to)).max(after_gap),
            (None, Some(base)) => begins(base),
            (_, None) => None,
        };
        Ok(Place {
            tables: contents.tables,
            last_base: last_base.map(|last| (last.seqno, last.time)),
            next,
            until: contents.until.unwrap_or_default(),
            archived: archived.into_iter().flatten().fold(Moment::default(), Moment::max_of_each),
        })
    }

    /// Finds out whether the log has been let go where the archive would go on.
    fn notice_gap(&mut self, engine: &Engine) {
        let Some((segment, from)) = self.place.as_ref().and_then(|place| place.next) else { return };
        let is_there = match engine.shared.log_end(segment) {
            Some(end) => from <= end.bytes,
            None => false,
        };
        if !is_there || segment < engine.shared.kept_log.needed_from() {
            self.note_gap();
        }
    }

    fn note_gap(&mut self) {
        if let Some(place) = &mut self.place {
            place.next = None;
            self.told.status.lock().gaps += 1;
        }
    }

    fn is_base_due(&self, engine: &Engine) -> bool {
        let Some(place) = &self.place else { return false };
        let interval_millis = u64::try_from(self.options.base_interval.as_millis()).unwrap_or(u64::MAX);
        let is_old = |last: CommitTime| engine.now().0.saturating_sub(last.0) >= interval_millis;
        place.next.is_none() || place.last_base.is_none_or(|(_, looked_at)| is_old(looked_at))
    }

    /// Begins a base, unless the archive has as much already: no base is put twice. None is begun either while the log up to what its tables hold is still to be archived: if that were let go, there would
    /// be a gap before the base that nobody knew of.
    fn begin_base(&mut self, engine: &Engine) -> Option<BaseUnderWay> {
        let shared = &engine.shared;
        let pin = shared.retired.pin();
        let (version, flushed) = {
            let manifest = shared.manifest.lock();
            (Arc::clone(&shared.view().version), manifest.flushed())
        };
        let added: Vec<_> = version.tables().map(|(level, table)| (level, table.meta().clone())).collect();
        if let Some(place) = &mut self.place {
            match (place.next, &mut place.last_base) {
                (Some((segment, _)), _) if segment < flushed.oldest_segment => return None,
                (Some(_), Some((seqno, looked_at))) if *seqno >= flushed.last.seqno => {
                    *looked_at = engine.now();
                    return None;
                }
                (None, Some(_)) if place.archived.seqno >= flushed.last.seqno => {
                    // What was let go is archived: the log goes on where the tables end.
                    place.next = Some((flushed.oldest_segment, 0));
                    return None;
                }
                _ => {}
            }
        }
        let place = self.place.as_ref();
        let is_after_gap = place.is_some_and(|place| place.next.is_none() && place.last_base.is_some());
        let known = |id: &FileId| place.is_some_and(|place| place.tables.contains(id));
        Some(BaseUnderWay {
            _pin: pin,
            left: added.iter().filter(|(_, meta)| !known(&meta.id)).map(|(_, meta)| meta.clone()).collect(),
            base: ArchiveBase {
                last: Moment { seqno: flushed.last.seqno, time: flushed.last.time },
                gap_from: place
                    .filter(|_| is_after_gap)
                    .map(|place| Moment { seqno: place.archived.seqno, time: place.until.time }),
                state: VersionEdit {
                    added,
                    oldest_segment: Some(flushed.oldest_segment),
                    flushed_seqno: Some(flushed.last.seqno),
                    flushed_time: Some(flushed.last.time),
                    floor: Some(version.floor()),
                    parent: shared.parent,
                    ..VersionEdit::default()
                },
            },
            oldest_segment: flushed.oldest_segment,
        })
    }

    /// Puts the next table of a base, or the base itself.
    fn go_on_with_base(&mut self, engine: &Engine, mut under_way: BaseUnderWay) -> Result<Step> {
        let shared = &engine.shared;
        if shared.retired.waiting_bytes() > shared.options.log_kept_bytes {
            // Its tables are long replaced: a base of those that there are now is cheaper.
            return Ok(Step::Park(Some(self.options.interval)));
        }
        let history = engine.history();
        let Some(place) = &mut self.place else { return Ok(Step::Again) };
        if let Some(meta) = under_way.left.pop() {
            let path = names::table(&shared.directory, meta.id);
            let file = shared.environment.vfs.open(&path);
            let file = file.map_err(|error| StoreError::io("open", &path, error))?;
            let bytes = read_all(file.as_ref()).map_err(|error| StoreError::io("read", &path, error))?;
            if crc32fast::hash(&bytes) != meta.checksum {
                return Err(StoreError::corruption(&path, 0, "the bytes that its checksum was taken of"));
            }
            put(&self.objects, &self.told, &archive::name(history, ObjectKind::Table(meta.id)), &bytes)?;
            place.tables.insert(meta.id);
            self.base = Some(under_way);
            return Ok(Step::Again);
        }
        let base = under_way.base;
        put(
            &self.objects,
            &self.told,
            &archive::name(history, ObjectKind::Base(base.last.seqno)),
            &base.encode(),
        )?;
        self.told.status.lock().bases_put += 1;
        place.last_base = Some((base.last.seqno, engine.now()));
        place.archived = place.archived.max_of_each(base.last);
        if place.next.is_none() {
            place.next = Some((under_way.oldest_segment, 0));
            shared.kept_log.archived_before(under_way.oldest_segment);
        }
        self.delete_old(engine)?;
        Ok(Step::Again)
    }

    /// Puts the next part of the log; false if there is none.
    fn put_part(&mut self, engine: &Engine) -> Result<bool> {
        let shared = &engine.shared;
        let Some(Place { next: Some((segment, from)), archived, .. }) = &mut self.place else {
            return Ok(false);
        };
        let promised = shared.pipeline.promised();
        let (end, last) = if *segment == promised.segment {
            let last = Moment { seqno: promised.last.seqno, time: promised.last.time };
            (promised.bytes, Some(last))
        } else {
            let gone = || {
                StoreError::new(StoreFault::LogGap {
                    path: names::wal(&shared.directory, *segment),
                    reason: "nobody knows where it ends".to_owned(),
                })
            };
            let end = shared.log_end(*segment).ok_or_else(gone)?;
            (end.bytes, end.last)
        };
        if *from >= end {
            if *segment >= promised.segment {
                return Ok(false);
            }
            (*segment, *from) = (segment.next(), 0);
            shared.kept_log.archived_before(*segment);
            shared.release_segments()?;
            return Ok(true);
        }
        let path = names::wal(&shared.directory, *segment);
        let file = match shared.environment.vfs.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.note_gap();
                return Ok(true);
            }
            Err(error) => return Err(StoreError::io("open", &path, error)),
        };
        let end = if planted(Bug::ArchivedBeyondPromise) {
            file.size_bytes().map_err(|error| StoreError::io("read", &path, error))?
        } else {
            end
        };
        let to = end.min(*from + PART_BYTES_MAX);
        let mut bytes = vec![0; usize::try_from(to - *from).unwrap_or_default()];
        read_exact_at(file.as_ref(), *from, &mut bytes)
            .map_err(|error| StoreError::io("read", &path, error))?;
        let last = last.filter(|_| to == end);
        let name = archive::name(engine.history(), ObjectKind::Part(*segment, *from));
        put(&self.objects, &self.told, &name, &PartHeader::encode(*segment, *from, &bytes, last))?;
        *from = to;
        *archived = archived.max_of_each(last.unwrap_or_default());
        Ok(true)
    }

    /// Tells how far the archive reaches, if all is there that had been committed when the round began.
    fn finish_round(&mut self, engine: &Engine) -> Result<Step> {
        let (Some(place), Some(round)) = (&mut self.place, self.round) else { return Ok(Step::Again) };
        if place.archived.seqno < round.seqno {
            return Ok(Step::Park(Some(PROMISE_WAIT)));
        }
        let until = place.archived.max_of_each(Moment { seqno: place.archived.seqno, time: round.time });
        let name = archive::name(engine.history(), ObjectKind::Until);
        put(&self.objects, &self.told, &name, &Until { last: until }.encode())?;
        place.until = until;
        self.told.status.lock().until = until;
        self.round = None;
        Ok(Step::Park(Some(self.options.interval)))
    }

    /// Deletes what no restore within the retention needs: all before the newest base that is older than it.
    fn delete_old(&mut self, engine: &Engine) -> Result<()> {
        let retention_millis = u64::try_from(self.options.retention.as_millis()).unwrap_or(u64::MAX);
        let oldest_asked = CommitTime(engine.now().0.saturating_sub(retention_millis));
        let contents = ArchiveContents::read(self.objects.as_ref(), engine.history())?;
        let is_old = |base: &&ArchiveBase| base.last.time <= oldest_asked;
        let old_bases = contents.bases.iter().take_while(is_old).count();
        let (gone, kept) = contents.bases.split_at(old_bases.saturating_sub(1));
        let Some(oldest_kept) = kept.first() else { return Ok(()) };
        let history = engine.history();
        let delete = |kind| self.objects.delete(&archive::name(history, kind));
        // A base goes before its tables: one that is there is whole.
        for base in gone {
            delete(ObjectKind::Base(base.last.seqno))?;
        }
        let needed: BTreeSet<FileId> =
            kept.iter().flat_map(|base| &base.state.added).map(|(_, meta)| meta.id).collect();
        for id in contents.tables.iter().filter(|id| !needed.contains(id)) {
            delete(ObjectKind::Table(*id))?;
            if let Some(place) = &mut self.place {
                place.tables.remove(id);
            }
        }
        let oldest_segment = oldest_kept.state.oldest_segment.unwrap_or_default();
        for (segment, parts) in contents.parts.range(..oldest_segment) {
            for from in parts {
                delete(ObjectKind::Part(*segment, *from))?;
            }
        }
        Ok(())
    }
}

fn put(objects: &Arc<dyn ArchiveObjects>, told: &Told, name: &str, bytes: &[u8]) -> Result<()> {
    objects.put(name, bytes)?;
    let mut status = told.status.lock();
    status.objects_put += 1;
    status.bytes_put += bytes.len() as u64;
    Ok(())
}
