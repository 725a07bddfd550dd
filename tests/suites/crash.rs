//! Power loss at every operation on files that changes or syncs something, and the death of the process there; half of
//! the images lose power again while they are recovered. After each, in the words of a reader:
//!
//! 1. The store opens, and holds the state after some commit c: a prefix of the order of commits, each batch and each
//!    transaction whole; the tables and indexes that were wanted then, and no others.
//! 2. Every durable write that was acknowledged is at or before c; after the mere death of the process every buffered one
//!    too. No rejected write is.
//! 3. Each index that is ACTIVE equals one computed from the table; the others become so.
//! 4. The stream tells exactly the changes up to c, one for each changed item, in the order of commits; its consumer goes
//!    on where it last kept its place.
//! 5. A transaction's token stands for it if and only if the transaction is at or before c: sent again, it is done once.
//! 6. Writing goes on, and what was found at c stays found when the power goes a second time.

use crate::clients::{Run, run};
use crate::deed::{Change, ItemWrite};
use crate::history::{Counts, Fate, History, Place};
use crate::workload::{item, open};
use crate::world::{AUDIT, TABLES, TOKEN_MILLIS, Token, Told, World};
use pixii::format::names::{FileKind, parse};
use pixii::sim::{FaultRule, ImageChoice, OpKind, SimVfs, Simulation, SyncFailure, errno};
use pixii::{Database, Durability, SequenceNumber, StreamRecord, TransactWriteRequest};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What a suite has done, for the summary line.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) seeds: u64,
    pub(crate) crash_points: u64,
    pub(crate) images: u64,
    /// Of them, after the death of the process; the others after a loss of power.
    pub(crate) process_deaths: u64,
    /// Openings of a store that was not closed.
    pub(crate) recoveries: u64,
    pub(crate) second_crashes: u64,
    pub(crate) sync_failures: u64,
    pub(crate) errors_injected: u64,
    /// What failed, and how, of the operations that did.
    pub(crate) faults: BTreeMap<String, u64>,
    /// Acknowledged commits that had to be there in an image, and were.
    pub(crate) acknowledged: u64,
    pub(crate) tokens_sent_again: u64,
    pub(crate) records_checked: u64,
    pub(crate) counts: Counts,
    /// How often each kind of operation was stopped or failed, on each kind of file.
    pub(crate) hits: BTreeMap<(OpKind, &'static str), u64>,
}

impl Figures {
    /// An operation was stopped, or failed.
    pub(crate) fn hit(&mut self, operation: &pixii::sim::Operation) {
        let name = operation.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let kind = match parse(name) {
            Some(FileKind::Lock) => "lock",
            Some(FileKind::Wal(_)) => "log segment",
            Some(FileKind::Manifest(_)) => "manifest",
            Some(FileKind::Table(_)) => "table",
            Some(FileKind::Temporary) => "unfinished manifest",
            Some(FileKind::Checkpoint | FileKind::UnfinishedCheckpoint) => "checkpoint",
            None => "directory",
        };
        *self.hits.entry((operation.kind, kind)).or_default() += 1;
    }
}

/// What is lost in an image.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    Power,
    Process,
}

pub(crate) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

const OPERATIONS: u64 = 60;

/// Enumerates the crash points of one seed; every `stride`-th one.
pub(crate) fn enumerate(
    seed: u64,
    stride: usize,
    images: usize,
    figures: &mut Figures,
) -> Result<(), String> {
    let whole = run(seed, OPERATIONS, |_| false)?;
    let points = whole.simulation.vfs().crash_points();
    let operations = whole.simulation.vfs().op_log();
    figures.seeds += 1;
    let offset = usize::try_from(seed).unwrap_or(0) % stride;
    for point in points.into_iter().skip(offset).step_by(stride) {
        let context = |wrong: String| format!("seed {seed}, crash at operation {point}: {wrong}");
        let crashed = run(seed, OPERATIONS, |simulation| {
            simulation.vfs().crash_at(point);
            false
        })
        .map_err(context)?;
        figures.crash_points += 1;
        operations.get(usize::try_from(point).unwrap_or(usize::MAX)).inspect(|stopped| figures.hit(stopped));
        figures.counts += crashed.counts;
        check_images(&crashed, images, Loss::Process, point, figures).map_err(context)?;
    }
    Ok(())
}

/// Fails each sync of one seed in turn, in each of the ways that the page cache can be left behind, and lets the store go
/// on as it likes.
pub(crate) fn fail_syncs(seed: u64, stride: usize, figures: &mut Figures) -> Result<(), String> {
    for nth in (0..).step_by(stride) {
        let mut has_fired = false;
        for failure in SyncFailure::ALL {
            let mut fault = None;
            let context = |wrong: String| format!("seed {seed}, sync {nth} fails ({failure:?}): {wrong}");
            let failed = run(seed, OPERATIONS, |simulation| {
                let rule = FaultRule::on(&[OpKind::Sync]).skip(nth).errno(errno::EIO).sync(failure);
                fault = Some(simulation.vfs().fail(rule));
                true
            })
            .map_err(context)?;
            if fault.is_some_and(|fault| failed.simulation.vfs().fired(fault) > 0) {
                has_fired = true;
                figures.sync_failures += 1;
                *figures.faults.entry(format!("sync, {failure:?}")).or_default() += 1;
            }
            check_images(&failed, 2, Loss::Power, nth, figures).map_err(context)?;
        }
        if !has_fired {
            return Ok(());
        }
    }
    Ok(())
}

/// Checks `count` images of a power loss and one of the death of the process, which costs `death`: after a failed sync
/// the page cache may have lost what only the process's death would have left.
pub(crate) fn check_images(
    run: &Run,
    count: usize,
    death: Loss,
    salt: u64,
    figures: &mut Figures,
) -> Result<(), String> {
    let vfs = run.simulation.vfs();
    let images = vfs.images(count, salt).map(|(choice, image)| (format!("{choice:?}"), image, Loss::Power));
    let death = std::iter::once(("process death".to_owned(), vfs.process_death_image(), death));
    for (index, (name, image, loss)) in images.chain(death).enumerate() {
        figures.images += 1;
        figures.process_deaths += u64::from(index == count);
        let second_crash = (index % 2 == 1).then_some(salt.wrapping_mul(31).wrapping_add(index as u64));
        check_image(run, image, loss, second_crash, figures)
            .map_err(|wrong| format!("image {name}: {wrong}"))?;
    }
    Ok(())
}

fn check_image(
    run: &Run,
    image: SimVfs,
    loss: Loss,
    second_crash: Option<u64>,
    figures: &mut Figures,
) -> Result<(), String> {
    let mut loss = loss;
    let mut simulation = run.simulation.restart(image);
    if let Some(salt) = second_crash {
        // The same recovery without a crash says how many operations there are to crash at.
        let rehearsal = run.simulation.restart(simulation.vfs().process_death_image());
        let Ok(database) = open(&rehearsal) else {
            return Err(
                open(&rehearsal).map_or_else(|error| format!("it does not open: {error}"), |_| String::new())
            );
        };
        let points = rehearsal.vfs().crash_points();
        figures.recoveries += 1;
        drop(database);
        if let Some(point) = points.get(usize::try_from(salt).unwrap_or(0) % points.len().max(1)) {
            figures.second_crashes += 1;
            simulation.vfs().crash_at(*point);
            drop(open(&simulation));
            if simulation.vfs().is_crashed() {
                simulation = simulation.restart(simulation.vfs().crash_image(salt));
                loss = Loss::Power;
            }
        }
    }
    let found = check_store(&simulation, run, loss, figures)?;
    // What was found is decided: it stays when the power goes now.
    let vfs = simulation.vfs();
    vfs.crash_now();
    let restarted = simulation.restart(vfs.crash_image(ImageChoice::AllLost));
    let database = open(&restarted).map_err(|error| format!("it does not open a second time: {error}"))?;
    figures.recoveries += 1;
    found
        .check(&database, |name| run.unsure.contains(name), Told::All)
        .map_err(|wrong| format!("what was found did not stay: {wrong}"))
}

/// Opens the store, checks it against the history, and writes on. Returns what it then holds, durably.
fn check_store(
    simulation: &Simulation,
    run: &Run,
    loss: Loss,
    figures: &mut Figures,
) -> Result<World, String> {
    let database = open(simulation).map_err(|error| format!("it does not open: {error}"))?;
    let recovered = database.statistics().published.0;
    figures.recoveries += 1;
    figures.acknowledged += check_fates(&run.history, recovered, loss)?;
    let at = |wrong: String| format!("recovered to commit {recovered}: {wrong}");
    let mut world = run.history.world_at(recovered)?;
    let is_unsure = |name: &str| run.unsure.contains(name);
    world.check(&database, is_unsure, Told::All).map_err(at)?;
    check_place(&database, &run.place, &world, figures).map_err(at)?;
    // Half of the images are looked at again when all indexes are filled.
    if recovered.is_multiple_of(2) && world.tables.get(AUDIT).is_some_and(|table| !table.indexes.is_empty()) {
        database.wait_until_active(AUDIT).map_err(|error| error.to_string())?;
        world.check(&database, is_unsure, Told::All).map_err(at)?;
    }
    send_tokens_again(simulation, &database, run, &mut world, figures).map_err(at)?;
    write_on(&database, &mut world)?;
    world.check(&database, is_unsure, Told::All).map_err(|wrong| format!("after writing on: {wrong}"))?;
    // The machine stops without a clean close.
    simulation.vfs().crash_now();
    Ok(world)
}

/// The consumer of the stream goes on where it last kept its place, or last tried to.
fn check_place(
    database: &Database,
    place: &Place,
    world: &World,
    figures: &mut Figures,
) -> Result<(), String> {
    let text = |error: pixii::Error| format!("the stream cannot be read: {error}");
    let Some(state) = world.tables.get(AUDIT) else { return Ok(()) };
    if state.made_by != place.stream {
        return Ok(());
    }
    let stream = database.stream(AUDIT).map_err(text)?;
    let mut consumer = stream.consumer("outbox").map_err(text)?;
    let all: Vec<StreamRecord> = stream.records().and_then(Iterator::collect).map_err(text)?;
    let rest = consumer.next_batch(1000).map_err(text)?;
    figures.records_checked += all.len() as u64;
    let goes_on_behind = |place: Option<SequenceNumber>| {
        all.iter().filter(|record| Some(record.sequence_number) > place).take(rest.len()).eq(&rest)
            && (all.last().map(|last| last.sequence_number) <= place) == rest.is_empty()
    };
    if goes_on_behind(place.kept) || place.tried.iter().any(|place| goes_on_behind(Some(*place))) {
        return Ok(());
    }
    Err(format!("the consumer whose place is {place:?} goes on with {:?}", rest.first()))
}

/// Sends all that was sent under a token again, twice: what was done is not done again, what was lost is done once.
fn send_tokens_again(
    simulation: &Simulation,
    database: &Database,
    run: &Run,
    world: &mut World,
    figures: &mut Figures,
) -> Result<(), String> {
    for (name, writes) in &run.sent {
        for _ in 0..2 {
            let is_there = |write: &ItemWrite| world.tables.contains_key(write.table);
            if !writes.iter().all(is_there) || writes.iter().any(|write| run.unsure.contains(write.table)) {
                break;
            }
            let now_millis = simulation.environment().clock.wall_millis();
            let done = world.tokens.get(name).filter(|done| now_millis < done.at_millis + TOKEN_MILLIS);
            let outcomes: Result<Vec<_>, _> =
                writes.iter().map(|write| write.on(world.item(write.table, &write.key))).collect();
            let is_done = match (done, &outcomes) {
                (Some(done), _) => done.writes == *writes,
                (None, outcomes) => outcomes.is_ok(),
            };
            let before = database.statistics().published.0;
            let answer = transact(database, writes, Some(name))?;
            figures.tokens_sent_again += 1;
            if answer.is_ok() != is_done {
                return Err(format!("sent again, {name} answers {answer:?}; it should be done: {is_done}"));
            }
            if let (None, Ok(outcomes)) = (done, outcomes) {
                let commit = answer.unwrap_or(before + 1);
                let changes = writes.iter().zip(outcomes).filter(|(write, _)| write.change != Change::Check);
                let changes =
                    changes.map(|(write, new)| (write.table, write.key.clone(), new)).collect::<Vec<_>>();
                let (name, writes) = (name.clone(), writes.clone());
                let token = Token { name, writes, at_millis: now_millis };
                world.apply(commit, &crate::world::Deed::Write(changes, Some(token)))?;
            }
        }
    }
    Ok(())
}

/// The commit of a transaction, or why it was refused.
fn transact(
    database: &Database,
    writes: &[ItemWrite],
    token: Option<&str>,
) -> Result<Result<u64, String>, String> {
    let mut actions = Vec::new();
    for write in writes {
        let table = database.table(write.table).map_err(|error| error.to_string())?;
        let action = write.action(&table).map_err(|error| error.to_string())?;
        actions.push((write.table.to_owned(), action));
    }
    let client_request_token = token.map(str::to_owned);
    let request = TransactWriteRequest { actions, client_request_token, ..TransactWriteRequest::default() };
    let answer = database.transact_write(&request);
    Ok(answer.map(|output| output.commit.seqno.0).map_err(|error| error.to_string()))
}

/// Writes into every table, in one transaction.
fn write_on(database: &Database, world: &mut World) -> Result<(), String> {
    let mut writes = Vec::new();
    for table in TABLES.into_iter().filter(|name| world.tables.contains_key(name)) {
        for sort in [0, 1] {
            let key = ("a".to_owned(), sort);
            let change = Change::Put(item(&key, 1_000_000, Some(1), Some(1), 10));
            writes.push(ItemWrite { table, key, change, test: None });
        }
    }
    if writes.is_empty() {
        return Ok(());
    }
    let commit = transact(database, &writes, None)?;
    let commit = commit.map_err(|error| format!("writing does not go on: {error}"))?;
    let changes = writes.into_iter().map(|write| {
        let new = write.on(None).unwrap_or_default();
        (write.table, write.key, new)
    });
    world.apply(commit, &crate::world::Deed::Write(changes.collect(), None))
}

/// Tells how many acknowledged commits had to be found, and were.
fn check_fates(history: &History, recovered: u64, loss: Loss) -> Result<u64, String> {
    let mut acknowledged = 0;
    for event in &history.events {
        let is_found = event.seqno <= recovered;
        let must_be_found = event.fate == Fate::Acknowledged
            && (event.durability == Durability::Durable || loss == Loss::Process);
        if must_be_found && !is_found {
            return Err(format!("acknowledged commit {} is lost: recovered to {recovered}", event.seqno));
        }
        if event.fate == Fate::Rejected && is_found {
            return Err(format!("rejected commit {} is found: recovered to {recovered}", event.seqno));
        }
        acknowledged += u64::from(must_be_found);
    }
    Ok(acknowledged)
}

#[test]
fn power_loss_at_every_operation_loses_nothing_acknowledged() {
    let begun = Instant::now();
    let images = usize::try_from(setting("PIXII_CRASH_IMAGES", 4)).expect("a small number");
    let mut figures = Figures::default();
    for seed in 1..=setting("PIXII_CRASH_SEEDS", 16) {
        if let Err(wrong) = enumerate(seed, 1, images, &mut figures) {
            panic!("{wrong}");
        }
    }
    println!("crash enumeration: {figures:?}, violations 0; {}", rate(figures.images, begun.elapsed()));
    let Counts { refused, tokens_again, conflicts, interactive, table_changes, records_consumed, .. } =
        figures.counts;
    for met in [refused, tokens_again, conflicts, interactive, table_changes, records_consumed] {
        assert!(met > 0, "something never came about: {figures:?}");
    }
    assert!(figures.tokens_sent_again > 0 && figures.records_checked > 0, "{figures:?}");
}

#[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
pub(crate) fn rate(count: u64, time: Duration) -> String {
    format!("{:.0} images/s", count as f64 / time.as_secs_f64())
}

#[test]
fn a_failed_sync_is_never_believed() {
    let mut figures = Figures::default();
    for seed in 1..=setting("PIXII_CRASH_SEEDS", 3) {
        if let Err(wrong) = fail_syncs(seed, 3, &mut figures) {
            panic!("{wrong}");
        }
    }
    println!("failed syncs: {figures:?}, violations 0");
}

#[test]
fn every_answer_to_clients_is_the_one_that_the_order_of_commits_gives() {
    let mut counts = Counts::default();
    for seed in 1000..1000 + setting("PIXII_CLIENT_SEEDS", 100) {
        let run = run(seed, 500, |_| false).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
        counts += run.counts;
    }
    println!("clients, 500 operations each seed: {counts:?}, violations 0");
    assert!(
        counts.conflicts > 100 && counts.tokens_again > 100 && counts.records_consumed > 100,
        "{counts:?}"
    );
}

#[test]
fn a_seed_gives_the_same_operations_on_files_every_time() {
    let hashes = || -> BTreeSet<u64> {
        let hash = |seed| run(seed, OPERATIONS, |_| false).map(|run| run.simulation.vfs().op_hash());
        (1..=50).map(|seed| hash(seed).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"))).collect()
    };
    let first = hashes();
    assert_eq!((first.len(), &first), (50, &hashes()));
}
