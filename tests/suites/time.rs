//! The store in time: whatever is asked of a past moment is what the model was at that moment.
//!
//! A walk writes, deletes, drops and makes tables and indexes, flushes, compacts, is closed and opened, and loses power.
//! Meanwhile, of random moments:
//!
//! 1. `as_of` a time shows every commit at or before it and none after it, `as_of` a commit likewise; the same moment
//!    shows the same when it is asked again later, and through a handle that was kept. What is within the window is never
//!    refused, what is not past always is.
//! 2. A checkpoint opens as the state after the commit that it names, at or behind everything that was acknowledged before
//!    it. One that was interrupted by a power loss is refused as unfinished, or it is that.
//! 3. The archive restores every moment that it says it reaches: the state after the last commit at or before it. What it
//!    does not reach is refused. Nothing gets there that a power loss can take from the store.
//! 4. What differs between two moments is what differs between the two states.

use crate::model::{Key, Model, PARTITIONS, SORTS, TABLE, schema};
use crate::workload::{item, tiny_options};
use pixii::engine::options::EngineOptions;
use pixii::sim::{ImageChoice, SimRng, SimVfs, Simulation};
use pixii::{
    ArchiveOptions, AsOf, AttributeDefinition, Database, DirectoryArchive, Durability, Error, ErrorKind,
    GlobalIndexUpdate, IndexRequest, Item, KeyRole, KeySchemaElement, KeyType, Past, PastTable, Pending,
    ProjectionRequest, ProjectionType, RestoreTo, Table, TableSchema, UpdateTableRequest,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long every moment stays readable.
const WINDOW: Duration = Duration::from_secs(3);

/// Steps of jobs between two starts of the machine.
const STEPS_MAX: u64 = 1_000_000;
const STORE: &str = "/store";
const ARCHIVE: &str = "/archive";

/// How often what the suite is about came about.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    moments: u64,
    moments_with_another_schema: u64,
    refused: u64,
    kept_handles: u64,
    changes: u64,
    checkpoints: u64,
    restores: u64,
    restores_refused: u64,
    gaps: u64,
    power_losses: u64,
    interrupted: u64,
    unfinished: u64,
}

/// What a commit does.
#[derive(Clone, Debug)]
enum Deed {
    CreateTable,
    DropTable,
    /// Whether there is `ByTag`; it is being filled until this commit.
    Index {
        is_there: bool,
        done: u64,
    },
    Write(Key, Option<Item>),
}

#[derive(Clone, Debug)]
struct Event {
    seqno: u64,
    /// Unknown while the commit is on its way.
    time: Option<u64>,
    deed: Deed,
    must_last: bool,
}

/// What there should be.
#[derive(Clone, Debug, Default)]
struct State {
    table: Option<Model>,
    /// Whether `ByTag` can be read; none while it is being filled.
    has_index: Option<bool>,
}

/// All that was committed.
#[derive(Clone, Debug, Default)]
struct History {
    events: Vec<Event>,
}

impl History {
    fn state_at(&self, seqno: u64) -> State {
        let mut state = State { table: None, has_index: Some(false) };
        for event in self.events.iter().filter(|event| event.seqno <= seqno) {
            match (&event.deed, &mut state.table) {
                (Deed::CreateTable, table) => {
                    *table = Some(Model::default());
                    state.has_index = Some(true);
                }
                (Deed::DropTable, table) => *table = None,
                (Deed::Index { is_there, done }, _) => {
                    state.has_index = (seqno >= *done).then_some(*is_there);
                }
                (Deed::Write(key, item), Some(table)) => table.apply(key, item.as_ref()),
                (Deed::Write(..), None) => {}
            }
        }
        state
    }

    /// The last commit at or before a time.
    fn last_at(&self, time: u64) -> u64 {
        let until = self.events.iter().filter(|event| event.time.is_some_and(|at| at <= time));
        until.map(|event| event.seqno).max().unwrap_or(0)
    }
}

/// What is read of a table, now or then.
trait Reads {
    fn all(&self, index: Option<&str>) -> Result<Vec<Item>, Error>;
    fn partition(&self, partition: &str, reverse: bool) -> Result<Vec<Item>, Error>;
    fn one(&self, partition: &str, sort: i64) -> Result<Option<Item>, Error>;
}

macro_rules! reads {
    ($table:ty) => {
        impl Reads for $table {
            fn all(&self, index: Option<&str>) -> Result<Vec<Item>, Error> {
                let scan = self.scan();
                let scan = match index {
                    Some(index) => scan.index(index),
                    None => scan,
                };
                scan.into_iter().collect()
            }

            fn partition(&self, partition: &str, reverse: bool) -> Result<Vec<Item>, Error> {
                let query = self.query(partition);
                let query = if reverse { query.reverse() } else { query };
                query.into_iter().collect()
            }

            fn one(&self, partition: &str, sort: i64) -> Result<Option<Item>, Error> {
                self.get_item((partition, sort))
            }
        }
    };
}

reads!(Table);
reads!(PastTable);

fn same<'a>(what: &str, found: &[Item], wanted: impl Iterator<Item = &'a Item>) -> Result<(), String> {
    let wanted: Vec<&Item> = wanted.collect();
    if found.iter().eq(wanted.iter().copied()) {
        return Ok(());
    }
    let ids = |items: &mut dyn Iterator<Item = &Item>| {
        items.map(|item| format!("{:?}", item.get("id"))).collect::<Vec<_>>().join(", ")
    };
    let (found, wanted) = (ids(&mut found.iter()), ids(&mut wanted.into_iter()));
    Err(format!("{what} gave [{found}] and should have given [{wanted}]"))
}

/// Compares a table, or that there is none, with a state.
fn check(table: Result<&dyn Reads, Error>, state: &State) -> Result<(), String> {
    let (table, model) = match (table, &state.table) {
        (Ok(table), Some(model)) => (table, model),
        (Err(error), None) if error.kind() == ErrorKind::ResourceNotFound => return Ok(()),
        (Ok(_), None) => return Err("there is a table, and should be none".to_owned()),
        (Err(error), _) => return Err(format!("there is no table: {error}")),
    };
    let read = |error: Error| format!("a read failed: {error}");
    same("scan", &table.all(None).map_err(read)?, model.items.values())?;
    for partition in PARTITIONS {
        let wanted = || model.items.iter().filter(|((pk, _), _)| pk == partition).map(|(_, item)| item);
        same("query", &table.partition(partition, false).map_err(read)?, wanted())?;
        same("reverse query", &table.partition(partition, true).map_err(read)?, wanted().rev())?;
        for sort in SORTS {
            let found = table.one(partition, sort).map_err(read)?;
            let wanted = model.items.get(&(partition.to_owned(), sort));
            same("get", found.as_slice(), wanted.into_iter())?;
        }
    }
    same("ByScore", &table.all(Some("ByScore")).map_err(read)?, model.by_score().iter())?;
    match (table.all(Some("ByTag")), state.has_index) {
        (Ok(found), Some(true)) => same("ByTag", &found, model.by_tag().iter()),
        (Err(error), Some(true)) => Err(format!("ByTag cannot be read: {error}")),
        (Ok(_), Some(false)) => Err("ByTag can be read, and was not there".to_owned()),
        (Ok(_) | Err(_), _) => Ok(()),
    }
}

fn check_now(database: &Database, state: &State) -> Result<(), String> {
    let table = database.table(TABLE);
    check(table.as_ref().map(|table| table as &dyn Reads).map_err(Clone::clone), state)
}

fn check_past(past: &Past, state: &State) -> Result<(), String> {
    let table = past.table(TABLE);
    check(table.as_ref().map(|table| table as &dyn Reads).map_err(Clone::clone), state)
}

fn options() -> EngineOptions {
    EngineOptions { history: WINDOW, ..tiny_options() }
}

/// Opens the store with its archive beside it. A base is made about every tenth time that it is brought up to date, and the
/// log that waits for it has little room.
fn open_archived(simulation: &Simulation) -> Result<Database, Error> {
    let environment = simulation.environment();
    let objects = Arc::new(DirectoryArchive::open(environment.clone(), ARCHIVE)?);
    let archive = ArchiveOptions {
        interval: Duration::from_millis(300),
        base_interval: Duration::from_millis(2500),
        retention: Duration::from_secs(20),
    };
    let engine = EngineOptions { log_kept_bytes: 12_000, ..options() };
    Database::options().environment(environment).engine(engine).archive(objects, archive).open(STORE)
}

fn open(simulation: &Simulation, directory: &Path) -> Result<Database, Error> {
    Database::options().environment(simulation.environment()).engine(options()).open(directory)
}

/// Adds `ByTag` to the table, or drops it.
fn index_update(is_there: bool) -> UpdateTableRequest {
    let attribute =
        |name: &str, attribute_type| AttributeDefinition { attribute_name: name.to_owned(), attribute_type };
    let element = |name: &str, key_type| KeySchemaElement { attribute_name: name.to_owned(), key_type };
    let create = IndexRequest {
        index_name: "ByTag".to_owned(),
        key_schema: vec![element("tag", KeyRole::Partition), element("score", KeyRole::Sort)],
        projection: ProjectionRequest {
            projection_type: Some(ProjectionType::All),
            non_key_attributes: None,
        },
        ..IndexRequest::default()
    };
    let update = if is_there {
        GlobalIndexUpdate { create: Some(create), ..GlobalIndexUpdate::default() }
    } else {
        GlobalIndexUpdate { delete: Some("ByTag".to_owned()), ..GlobalIndexUpdate::default() }
    };
    UpdateTableRequest {
        table_name: TABLE.to_owned(),
        attribute_definitions: vec![attribute("tag", KeyType::String), attribute("score", KeyType::Number)],
        global_secondary_index_updates: vec![update],
        ..UpdateTableRequest::default()
    }
}

/// A walk that is under way.
struct World<'a> {
    simulation: Simulation,
    rng: SimRng,
    database: Option<Database>,
    history: History,
    /// Writes that are on their way, each with the place of its event.
    pending: Vec<(usize, Pending)>,
    /// Handles to past moments, each with the time that it was asked for.
    kept: Vec<(Past, u64)>,
    figures: &'a mut Figures,
    id: u64,
}

impl World<'_> {
    fn database(&self) -> &Database {
        self.database.as_ref().expect("the store is open")
    }

    fn now(&self) -> u64 {
        self.simulation.environment().clock.wall_millis()
    }

    fn note(&mut self, seqno: u64, time: Option<u64>, deed: Deed, must_last: bool) {
        self.history.events.push(Event { seqno, time, deed, must_last });
    }

    /// Waits for all writes that are on their way.
    fn settle(&mut self) -> Result<(), String> {
        for (index, pending) in self.pending.drain(..) {
            let output = pending.wait().map_err(|error| format!("a write failed: {error}"))?;
            self.history.events[index].time = Some(output.commit.time.0);
        }
        Ok(())
    }

    fn has_table(&self) -> bool {
        self.history.state_at(u64::MAX).table.is_some()
    }

    fn write(&mut self) -> Result<(), String> {
        let span = u64::try_from(SORTS.end - SORTS.start).expect("a small range");
        let sort = SORTS.start + i64::try_from(self.rng.below(span)).expect("a small number");
        let key = ((*self.rng.pick(&PARTITIONS)).to_owned(), sort);
        let durability = if self.rng.chance(0.3) { Durability::Durable } else { Durability::Buffered };
        let table = self.database().table(TABLE).map_err(|error| error.to_string())?;
        self.id += 1;
        let item = self.rng.chance(0.8).then(|| {
            let (tag, score) = (self.rng.next_u64(), self.rng.next_u64());
            let has_tag = self.rng.chance(0.8);
            item(&key, self.id, has_tag.then_some(tag), Some(score), self.rng.below_usize(100))
        });
        let submitted = match &item {
            Some(item) => table.put_request(item).durability(durability).submit(),
            None => table.delete_request((key.0.as_str(), key.1)).durability(durability).submit(),
        };
        let pending = submitted.map_err(|error| format!("a write was refused: {error}"))?;
        let (seqno, index) = (pending.seqno().0, self.history.events.len());
        self.note(seqno, None, Deed::Write(key, item), false);
        if self.rng.chance(0.7) {
            let output = pending.wait().map_err(|error| format!("a write failed: {error}"))?;
            self.history.events[index].time = Some(output.commit.time.0);
            self.history.events[index].must_last = durability == Durability::Durable;
        } else {
            self.pending.push((index, pending));
        }
        Ok(())
    }

    /// Makes or drops the table, or its index.
    fn change_schema(&mut self) -> Result<(), String> {
        self.settle()?;
        let failed = |error: Error| format!("a change of the schema failed: {error}");
        let published = |world: &Self| world.database().statistics().published.0;
        if !self.has_table() {
            let before = published(self);
            self.database().create_table(schema()).map_err(failed)?;
            // Others may have committed behind it.
            let shows = |seqno: &u64| {
                self.database().as_of(AsOf::sequence(*seqno)).is_ok_and(|past| !past.tables().is_empty())
            };
            let seqno = (before + 1..=published(self)).find(shows).ok_or("the table is not there")?;
            let at = self.time_of(seqno)?;
            self.note(seqno, Some(at), Deed::CreateTable, true);
        } else if self.rng.chance(0.3) {
            let change = self.database().submit_delete_table(TABLE).map_err(failed)?;
            let seqno = change.seqno().0;
            change.wait().map_err(failed)?;
            let at = self.time_of(seqno)?;
            self.note(seqno, Some(at), Deed::DropTable, true);
        } else {
            let is_there = !self.history.state_at(u64::MAX).has_index.unwrap_or(true);
            let change = self.database().submit_update_table(index_update(is_there)).map_err(failed)?;
            let seqno = change.seqno().0;
            change.wait().map_err(failed)?;
            self.database().wait_until_active(TABLE).map_err(failed)?;
            let done = if is_there { published(self) } else { seqno };
            let at = self.time_of(seqno)?;
            self.note(seqno, Some(at), Deed::Index { is_there, done }, true);
        }
        Ok(())
    }

    fn time_of(&self, seqno: u64) -> Result<u64, String> {
        let past = self.database().as_of(AsOf::sequence(seqno)).map_err(|error| error.to_string())?;
        Ok(past.time_millis())
    }

    /// Asks for a random moment.
    fn look_back(&mut self) -> Result<(), String> {
        let now = self.now();
        let window = u64::try_from(WINDOW.as_millis()).expect("a small number");
        if self.rng.chance(0.3) {
            let last = self.database().statistics().published.0;
            let seqno = self.rng.below(last + 1);
            return match self.database().as_of(AsOf::sequence(seqno)) {
                Ok(past) => {
                    self.settle()?;
                    self.judge(&past, past.sequence_number(), seqno)
                }
                Err(error) if error.kind() == ErrorKind::MomentNotKept => {
                    self.figures.refused += 1;
                    let oldest = self.database().oldest_kept().seqno.0;
                    if seqno < oldest { Ok(()) } else { Err(format!("commit {seqno} is not kept: {error}")) }
                }
                Err(error) => Err(format!("as of commit {seqno}: {error}")),
            };
        }
        let time = match self.rng.below(10) {
            0 => now + 1 + self.rng.below(100),
            1 => self.rng.below(now + 1),
            2 => now,
            _ => now - self.rng.below(now.min(window) + 1),
        };
        match self.database().as_of(AsOf::time_millis(time)) {
            Ok(_) if time > now => Err(format!("{time} ms is not past at {now} ms, and was not refused")),
            Ok(past) => {
                self.settle()?;
                let wanted = self.history.last_at(time);
                let seqno = past.sequence_number();
                // Between commits of the data there are others: of indexes that are filled, of rows that are kept.
                if seqno < wanted
                    || self.history.events.iter().any(|event| event.seqno <= seqno && event.time > Some(time))
                {
                    return Err(format!("as of {time} ms the last commit is {wanted}, not {seqno}"));
                }
                self.judge(&past, seqno, wanted)?;
                if self.kept.len() < 3 && self.rng.chance(0.3) {
                    self.kept.push((past, time));
                }
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::MomentNotKept => {
                self.figures.refused += 1;
                if time > now || time + window < now {
                    return Ok(());
                }
                Err(format!("{time} ms is within the window at {now} ms: {error}"))
            }
            Err(error) => Err(format!("as of {time} ms: {error}")),
        }
    }

    fn judge(&mut self, past: &Past, seqno: u64, asked: u64) -> Result<(), String> {
        let state = self.history.state_at(seqno);
        self.figures.moments += 1;
        let now = self.history.state_at(u64::MAX);
        let differs = (now.table.is_some(), now.has_index) != (state.table.is_some(), state.has_index);
        self.figures.moments_with_another_schema += u64::from(differs);
        check_past(past, &state).map_err(|wrong| format!("as of commit {seqno} (asked: {asked}): {wrong}"))
    }

    /// What was seen through a handle that was kept is seen still, and again when the same time is asked for.
    fn look_again(&mut self) -> Result<(), String> {
        self.settle()?;
        let Some((past, time)) = self.kept.pop() else { return Ok(()) };
        self.figures.kept_handles += 1;
        let seqno = past.sequence_number();
        let late = self
            .history
            .events
            .iter()
            .find(|event| event.seqno > seqno && event.time.is_some_and(|at| at <= time));
        if let Some(late) = late {
            return Err(format!("commit {} got the time {time} ms after that was read", late.seqno));
        }
        self.judge(&past, seqno, seqno)?;
        match self.database().as_of(AsOf::time_millis(time)) {
            Ok(again) => self.judge(&again, again.sequence_number(), seqno),
            Err(_) => Ok(()),
        }
    }

    /// Compares two moments.
    fn compare(&mut self) -> Result<(), String> {
        self.settle()?;
        let oldest = self.database().oldest_kept().seqno.0;
        let span = self.database().statistics().published.0 - oldest + 1;
        let (one, other) = (oldest + self.rng.below(span), oldest + self.rng.below(span));
        let failed = |error: Error| format!("changes from {one} to {other}: {error}");
        let before = self.database().as_of(AsOf::sequence(one)).map_err(failed)?;
        let after = self.database().as_of(AsOf::sequence(other)).map_err(failed)?;
        let (old, new) = (self.history.state_at(one).table, self.history.state_at(other).table);
        if old.is_none() && new.is_none() {
            return Ok(());
        }
        let (old, new) = (old.unwrap_or_default().items, new.unwrap_or_default().items);
        let mut wanted = BTreeMap::new();
        for key in old.keys().chain(new.keys()) {
            if old.get(key) != new.get(key) {
                wanted.insert(key.clone(), (old.get(key).cloned(), new.get(key).cloned()));
            }
        }
        let changes = before.changes_until(&after, TABLE).map_err(failed)?;
        let found: Vec<_> = changes
            .map(|change| change.map(|change| (change.old, change.new)))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        self.figures.changes += found.len() as u64;
        if found == wanted.into_values().collect::<Vec<_>>() {
            return Ok(());
        }
        Err(format!("the changes from commit {one} to {other} are others"))
    }

    /// Makes a checkpoint and opens it.
    fn checkpoint(&mut self) -> Result<(), String> {
        let failed = |error: Error| format!("a checkpoint failed: {error}");
        let before = self.database().statistics().published.0;
        let directory = PathBuf::from(format!("/checkpoint-{}", self.figures.checkpoints));
        let fork = PathBuf::from(format!("/fork-{}", self.figures.checkpoints));
        let summary = self.database().checkpoint(&directory).map_err(failed)?;
        self.figures.checkpoints += 1;
        if summary.last.seqno.0 < before {
            return Err(format!("a checkpoint lacks what was published before it, commit {before}"));
        }
        for _ in 0..self.rng.below(4) {
            if self.has_table() {
                self.write()?;
            }
        }
        let options = Database::options().environment(self.simulation.environment()).engine(options());
        let copy = options.open_fork(&directory, &fork).map_err(failed)?;
        let state = self.history.state_at(summary.last.seqno.0);
        // An index that was being filled goes on in the copy.
        check_now(&copy, &state).map_err(|wrong| format!("checkpoint at {}: {wrong}", summary.last.seqno))?;
        copy.close().map_err(failed)
    }

    /// Restores a random moment from the archive.
    fn restore(&mut self) -> Result<(), String> {
        self.settle()?;
        let failed = |error: Error| format!("the archive: {error}");
        let handle = self.database().archive().expect("it has one").clone();
        if self.rng.chance(0.5) {
            let published = self.database().statistics().published;
            let until = handle.bring_up_to_date().map_err(|error| format!("the archive: {error}"))?;
            if until.seqno < published {
                return Err(format!("commit {published} is not archived, but up to {}", until.seqno));
            }
        }
        let contents = handle.contents().map_err(|error| format!("the archive: {error}"))?;
        let intervals = contents.restorable();
        let (Some(first), Some(last)) = (intervals.first(), intervals.last()) else { return Ok(()) };
        self.figures.gaps += (intervals.len() - 1) as u64;
        let by_time = self.rng.chance(0.6);
        let (from, to) =
            if by_time { (first.from.time.0, last.to.time.0) } else { (first.from.seqno.0, last.to.seqno.0) };
        let asked = from.saturating_sub(3) + self.rng.below(to.saturating_sub(from) + 7);
        let (at, wanted, is_within) = if by_time {
            let within = intervals.iter().any(|part| (part.from.time.0..=part.to.time.0).contains(&asked));
            (AsOf::time_millis(asked), self.history.last_at(asked), within)
        } else {
            let within = intervals.iter().any(|part| (part.from.seqno.0..=part.to.seqno.0).contains(&asked));
            (AsOf::sequence(asked), asked, within)
        };
        let directory = PathBuf::from(format!("/restored-{}", self.figures.restores));
        let options = Database::options().environment(self.simulation.environment()).engine(options());
        let objects = handle.objects().as_ref();
        let history = self.database().history();
        let restored = options.restore(objects, history, RestoreTo::Moment(at), &directory, &mut |_| ());
        let summary = match restored {
            Ok(_) if !is_within => return Err(format!("{at} is not within {intervals:?}, and was restored")),
            Err(error) if error.kind() == ErrorKind::MomentNotKept && !is_within => {
                self.figures.restores_refused += 1;
                return Ok(());
            }
            restored => restored.map_err(|error| format!("restoring {at} of {intervals:?}: {error}"))?,
        };
        self.figures.restores += 1;
        let seqno = summary.last.seqno.0;
        let late = |event: &Event| event.seqno <= seqno && event.time.is_some_and(|time| time > asked);
        if seqno < wanted || (by_time && self.history.events.iter().any(late)) || (!by_time && seqno != asked)
        {
            return Err(format!("{at} was restored to commit {seqno}, and {wanted} is the last one"));
        }
        let restored = open(&self.simulation, &directory).map_err(failed)?;
        check_now(&restored, &self.history.state_at(seqno))
            .map_err(|wrong| format!("restored {at}: {wrong}"))?;
        restored.close().map_err(failed)
    }

    /// Closes the store and opens it, or lets the machine stop.
    fn restart(&mut self, is_power_loss: bool) -> Result<(), String> {
        self.kept.clear();
        if is_power_loss {
            self.figures.power_losses += 1;
            // Some are acknowledged, and some are on their way.
            let acknowledged: Vec<u64> =
                self.history.events.iter().filter(|event| event.must_last).map(|event| event.seqno).collect();
            let salt = self.rng.next_u64();
            self.simulation.vfs().crash_now();
            self.pending.clear();
            self.database = None;
            let image: SimVfs = match salt % 3 {
                0 => self.simulation.vfs().crash_image(ImageChoice::AllLost),
                _ => self.simulation.vfs().crash_image(salt),
            };
            self.simulation = self.simulation.restart(image);
            let database = open_archived(&self.simulation);
            let database = database.map_err(|error| format!("after a power loss: {error}"))?;
            let recovered = database.statistics().published.0;
            let contents = database.archive().expect("it has one").contents();
            let contents = contents.map_err(|error| format!("the archive: {error}"))?;
            let archived = contents.restorable().last().map_or(0, |interval| interval.to.seqno.0);
            if archived > recovered {
                return Err(format!("commit {archived} is archived, and the store has {recovered}"));
            }
            self.database = Some(database);
            if let Some(lost) = acknowledged.into_iter().find(|seqno| *seqno > recovered) {
                return Err(format!("acknowledged commit {lost} is lost: recovered to {recovered}"));
            }
            self.history.events.retain(|event| event.seqno <= recovered);
            for index in 0..self.history.events.len() {
                if self.history.events[index].time.is_none() {
                    let time = self.time_of(self.history.events[index].seqno)?;
                    self.history.events[index].time = Some(time);
                }
            }
        } else {
            self.settle()?;
            self.database().close().map_err(|error| format!("it does not close: {error}"))?;
            self.database = None;
            let database = open_archived(&self.simulation);
            self.database = Some(database.map_err(|error| format!("it does not open: {error}"))?);
        }
        // No time is given again that was given before.
        self.simulation.clock().advance(Duration::from_millis(2));
        Ok(())
    }

    fn step(&mut self) -> Result<(), String> {
        for _ in 0..self.rng.below(3) {
            self.simulation.scheduler().step_one();
        }
        match self.rng.below(100) {
            0..55 if self.has_table() => self.write(),
            0..58 => self.change_schema(),
            58..63 => self.database().flush().map_err(|error| error.to_string()),
            63..66 => self.database().compact().map_err(|error| error.to_string()),
            66..74 => {
                let millis = if self.rng.chance(0.1) { 2000 } else { self.rng.below(150) };
                self.simulation.clock().advance(Duration::from_millis(millis));
                Ok(())
            }
            74..90 => self.look_back(),
            90..93 => self.look_again(),
            93..95 => self.compare(),
            95 => self.checkpoint(),
            96 => self.restore(),
            97 => self.restart(false),
            98 => self.restart(true),
            _ => {
                self.settle()?;
                check_now(self.database(), &self.history.state_at(u64::MAX))
            }
        }
    }
}

/// Walks `steps` steps.
pub(crate) fn walk(seed: u64, steps: u64, figures: &mut Figures) -> Result<(), String> {
    let simulation = Simulation::new(seed);
    // Far beyond what a walk takes: an archive that never catches up is an error, not a walk without end.
    simulation.scheduler().limit_steps(STEPS_MAX);
    simulation.clock().set_wall_millis(10_000);
    let database = open_archived(&simulation).map_err(|error| error.to_string())?;
    let mut world = World {
        rng: simulation.seed().stream("time"),
        simulation,
        database: Some(database),
        history: History::default(),
        pending: Vec::new(),
        kept: Vec::new(),
        figures,
        id: 0,
    };
    for step in 0..steps {
        world.step().map_err(|wrong| format!("seed {seed}, step {step}: {wrong}"))?;
    }
    Ok(())
}

/// A store with some commits in tables, in closed segments and in the open one.
fn prepared(seed: u64) -> (Simulation, Database, Model) {
    let simulation = Simulation::new(seed);
    let database = open(&simulation, Path::new(STORE)).expect("a new store");
    let table = database.create_table(schema()).expect("a new table");
    let mut model = Model::default();
    for id in 0..60 {
        let key = (
            PARTITIONS[usize::try_from(id % 3).expect("small")].to_owned(),
            i64::try_from(id % 6).expect("small") - 2,
        );
        let item = item(&key, id, Some(id), Some(id), 90);
        let durability = if id % 2 == 0 { Durability::Durable } else { Durability::Buffered };
        table.put_request(&item).durability(durability).send().expect("space");
        model.apply(&key, Some(&item));
    }
    (simulation, database, model)
}

/// Power loss at every operation of a checkpoint, while a client writes on.
pub(crate) fn interrupt_checkpoints(seed: u64, stride: usize, figures: &mut Figures) -> Result<(), String> {
    let copy = Path::new("/copy");
    let run = |crash_at: Option<u64>| -> (Simulation, Model, bool) {
        let (simulation, database, model) = prepared(seed);
        if let Some(point) = crash_at {
            simulation.vfs().crash_at(point);
        }
        let made = database.checkpoint(copy).is_ok();
        if made {
            // What is written behind it is not in it.
            let late = item(&("a".to_owned(), 0), 1_000_000, None, None, 10);
            let table = database.table(TABLE).expect("it is there");
            let _ = table.put_request(&late).durability(Durability::Durable).send();
        }
        simulation.vfs().crash_now();
        (simulation, model, made)
    };
    let begins = prepared(seed).0.vfs().operation_count();
    let points = run(None).0.vfs().crash_points();
    for point in points.into_iter().filter(|point| *point >= begins).step_by(stride).map(Some).chain([None]) {
        let (simulation, model, made) = run(point);
        figures.interrupted += 1;
        for (choice, image) in simulation.vfs().images(6, point.unwrap_or(0)) {
            let context =
                |wrong: String| format!("seed {seed}, operation {point:?}, image {choice:?}: {wrong}");
            let restarted = simulation.restart(image);
            let vfs = restarted.environment().vfs;
            let is_there = vfs.read_dir(copy).is_ok_and(|names| !names.is_empty());
            if !is_there && !made {
                continue;
            }
            match open(&restarted, copy) {
                Ok(database) => {
                    model
                        .check(&database)
                        .map_err(|wrong| context(format!("a whole checkpoint: {wrong}")))?;
                }
                Err(error) if error.kind() == ErrorKind::InvalidDatabase && !made => {
                    figures.unfinished += 1;
                    // It is replaced by one that is whole.
                    let live =
                        open(&restarted, Path::new(STORE)).map_err(|error| context(error.to_string()))?;
                    live.checkpoint(copy).map_err(|error| context(format!("it is not replaced: {error}")))?;
                    let database = open(&restarted, copy).map_err(|error| context(error.to_string()))?;
                    let found = database.table(TABLE).and_then(|table| table.scan().count());
                    if found.map_err(|error| context(error.to_string()))? == 0 {
                        return Err(context("the checkpoint that replaces it is empty".to_owned()));
                    }
                }
                Err(error) => return Err(context(format!("made: {made}; it does not open: {error}"))),
            }
        }
    }
    Ok(())
}

/// Damages an archive, one object at a time and each in several ways: a restore gives the right state, or an error that
/// names what is wrong.
pub(crate) fn damage_archives(seed: u64, figures: &mut Figures) -> Result<(), String> {
    let simulation = Simulation::new(seed);
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let database = open_archived(&simulation).map_err(|error| text(&error))?;
    let table = database.create_table(schema()).map_err(|error| text(&error))?;
    let mut model = Model::default();
    for id in 0..80 {
        let key = (
            PARTITIONS[usize::try_from(id % 3).expect("small")].to_owned(),
            i64::try_from(id % 6).expect("small") - 2,
        );
        let item = item(&key, id, Some(id), Some(id), 60);
        table.put_item(item.clone()).map_err(|error| text(&error))?;
        model.apply(&key, Some(&item));
        simulation.clock().advance(Duration::from_millis(20));
        if id % 10 == 0 {
            database.archive().expect("it has one").bring_up_to_date().map_err(|error| text(&error))?;
        }
    }
    let handle = database.archive().expect("it has one").clone();
    let history = database.history();
    handle.bring_up_to_date().map_err(|error| text(&error))?;
    let objects = handle.objects();
    let names = objects.list().map_err(|error| text(&error))?;
    let needed = |name: &str| name.contains("-log-") || name.contains("-base-") || name.contains("-table-");
    database.close().map_err(|error| text(&error))?;
    let mut number = 0;
    let mut restore = || -> Result<(), String> {
        number += 1;
        let directory = PathBuf::from(format!("/damaged-{number}"));
        let options = Database::options().environment(simulation.environment()).engine(options());
        match options.restore(objects.as_ref(), history, RestoreTo::Latest, &directory, &mut |_| ()) {
            Ok(_) => {
                let restored = open(&simulation, &directory).map_err(|error| text(&error))?;
                model.check(&restored)?;
                restored.close().map_err(|error| text(&error))
            }
            Err(error) => match error.kind() {
                ErrorKind::Corruption | ErrorKind::MomentNotKept | ErrorKind::InvalidDatabase => {
                    figures.restores_refused += 1;
                    let is_named = names.iter().any(|name| error.to_string().contains(name.as_str()));
                    let is_refused = error.kind() == ErrorKind::MomentNotKept;
                    if is_named || is_refused { Ok(()) } else { Err(format!("no object is named: {error}")) }
                }
                _ => Err(format!("another error: {error}")),
            },
        }
    };
    restore()?;
    for (index, name) in names.iter().filter(|name| needed(name)).enumerate() {
        let context = |how: &str, wrong: String| format!("{name} {how}: {wrong}");
        let whole = objects.get(name).map_err(|error| text(&error))?.unwrap_or_default();
        let put = |bytes: &[u8]| objects.put(name, bytes).map_err(|error| text(&error));
        for place in 0..4 {
            let mut flipped = whole.clone();
            let at = (place * 7919 + index * 31) % whole.len();
            flipped[at] ^= 0x10;
            put(&flipped)?;
            restore().map_err(|wrong| context("flipped", wrong))?;
        }
        // What the log has in its middle says least of itself.
        let mut flipped = whole.clone();
        let last = whole.len() - 1;
        flipped[last] ^= 1;
        put(&flipped)?;
        restore().map_err(|wrong| context("flipped at its end", wrong))?;
        put(&whole[..whole.len() / 2])?;
        restore().map_err(|wrong| context("cut short", wrong))?;
        let other = &names[(index + 1) % names.len()];
        put(&objects.get(other).map_err(|error| text(&error))?.unwrap_or_default())?;
        restore().map_err(|wrong| context("swapped", wrong))?;
        objects.delete(name).map_err(|error| text(&error))?;
        restore().map_err(|wrong| context("missing", wrong))?;
        put(&whole)?;
    }
    restore()
}

/// Power loss at every operation of a restore of a table into the live store: afterwards the table is there whole, or not at
/// all and its name is free; and the space of what was copied comes back.
pub(crate) fn interrupt_table_restores(
    seed: u64,
    stride: usize,
    figures: &mut Figures,
) -> Result<(), String> {
    const TARGET: &str = "Restored";
    let run = |crash_at: Option<u64>| -> (Simulation, Model, u64, bool) {
        let (simulation, database, model) = prepared(seed);
        let past = database.as_of_now().expect("it is open");
        database.delete_table(TABLE).expect("it is there");
        let begins = simulation.vfs().operation_count();
        if let Some(point) = crash_at {
            simulation.vfs().crash_at(point);
        }
        let made = past.restore_table(TABLE, TARGET).is_ok();
        simulation.vfs().crash_now();
        (simulation, model, begins, made)
    };
    let (whole, _, begins, _) = run(None);
    let points = whole.vfs().crash_points();
    for point in points.into_iter().filter(|point| *point >= begins).step_by(stride).map(Some).chain([None]) {
        let (simulation, model, _, made) = run(point);
        figures.interrupted += 1;
        for (choice, image) in simulation.vfs().images(4, point.unwrap_or(0)) {
            let context =
                |wrong: String| format!("seed {seed}, operation {point:?}, image {choice:?}: {wrong}");
            let restarted = simulation.restart(image);
            let database = open(&restarted, Path::new(STORE)).map_err(|error| context(error.to_string()))?;
            let table = database.table(TARGET);
            let state = State { table: Some(model.clone()), has_index: Some(true) };
            match &table {
                Ok(table) => check(Ok(table), &state).map_err(context)?,
                Err(_) if made => return Err(context("it was acknowledged, and is not there".to_owned())),
                Err(_) => {
                    figures.unfinished += 1;
                    let free = TableSchema::builder(TARGET).partition_key("pk", KeyType::String).build();
                    let free = database.create_table(free.map_err(|error| context(error.to_string()))?);
                    let free = free.map_err(|error| context(format!("the name is not free: {error}")))?;
                    let count = free.scan().count().map_err(|error| context(error.to_string()))?;
                    if count > 0 {
                        return Err(context(format!("a new table has {count} items")));
                    }
                }
            }
            database.close().map_err(|error| context(error.to_string()))?;
        }
    }
    Ok(())
}

#[test]
fn past_moments_are_what_the_model_was() {
    let mut figures = Figures::default();
    for seed in 1..=crate::crash::setting("PIXII_TIME_SEEDS", 40) {
        if let Err(wrong) = walk(seed, 250, &mut figures) {
            panic!("{wrong}");
        }
    }
    println!("time: {figures:?}");
    let seen = [
        figures.moments,
        figures.moments_with_another_schema,
        figures.refused,
        figures.kept_handles,
        figures.changes,
        figures.checkpoints,
        figures.restores,
        figures.restores_refused,
        figures.power_losses,
    ];
    assert!(seen.iter().all(|count| *count > 5), "{figures:?}");
}

#[test]
fn an_interrupted_checkpoint_is_refused_or_whole() {
    let mut figures = Figures::default();
    for seed in 1..=2 {
        if let Err(wrong) = interrupt_checkpoints(seed, 1, &mut figures) {
            panic!("{wrong}");
        }
    }
    println!("interrupted checkpoints: {figures:?}");
    assert!(figures.interrupted > 20 && figures.unfinished > 20, "{figures:?}");
}

#[test]
fn a_damaged_archive_is_found_out() {
    let mut figures = Figures::default();
    if let Err(wrong) = damage_archives(1, &mut figures) {
        panic!("{wrong}");
    }
    assert!(figures.restores_refused > 50, "{figures:?}");
}

#[test]
fn an_interrupted_restore_of_a_table_leaves_a_whole_table_or_none() {
    let mut figures = Figures::default();
    if let Err(wrong) = interrupt_table_restores(1, 1, &mut figures) {
        panic!("{wrong}");
    }
    println!("interrupted restores of a table: {figures:?}");
    assert!(figures.interrupted > 10 && figures.unfinished > 10, "{figures:?}");
}
