//! One operation type, and simulated clients that run operations step by step against a store.
//!
//! Several clients run at once: each submits a write and then, whenever the scheduler chooses it, does one phase of the
//! log's work until its write is decided. Background jobs run in between. Everything follows from one seed.

use crate::model::{Key, Model, PARTITIONS, SORTS, schema};
use pixii::engine::options::EngineOptions;
use pixii::lsm::picker::Shape;
use pixii::sim::{SimRng, Simulation};
use pixii::{Commit, Database, Durability, Error, Item, Outcome, Pending};
use std::time::Duration;

/// What a client does.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Put {
        key: Key,
        item: Item,
        durability: Durability,
    },
    Delete {
        key: Key,
        durability: Durability,
    },
    Flush,
    Compact,
    /// Everything is read and compared with what must be visible.
    Check,
    Reopen,
    AdvanceClock(Duration),
}

/// Thresholds so small that flushes, compactions and new log segments come every few writes.
pub(crate) fn tiny_options() -> EngineOptions {
    EngineOptions {
        memtable_bytes: 3000,
        block_bytes: 256,
        table_bytes: 1500,
        shape: Shape { level_0_tables: 2, level_1_bytes: 3000, level_ratio: 2 },
        log_fill_bytes: 2048,
        ..EngineOptions::default()
    }
}

pub(crate) fn open(simulation: &Simulation) -> Result<Database, Error> {
    Database::options().environment(simulation.environment()).engine(tiny_options()).open("/store")
}

fn key(rng: &mut SimRng) -> Key {
    let span = u64::try_from(SORTS.end - SORTS.start).expect("a small range");
    let sort = SORTS.start + i64::try_from(rng.below(span)).expect("a small number");
    ((*rng.pick(&PARTITIONS)).to_owned(), sort)
}

pub(crate) fn item(key: &Key, id: u64, tag: Option<u64>, score: Option<u64>, payload: usize) -> Item {
    let mut item = Item::new().with("pk", key.0.as_str()).with("sk", key.1).with("id", id);
    if let Some(tag) = tag {
        item.insert("tag".to_owned(), ["x", "y", "x\0"][usize::try_from(tag % 3).unwrap_or(0)]);
    }
    if let Some(score) = score {
        item.insert("score".to_owned(), i64::try_from(score % 5).unwrap_or(0) - 2);
    }
    item.insert("payload".to_owned(), "p".repeat(payload));
    item
}

/// A random operation; `id` marks the item of a put.
pub(crate) fn operation(rng: &mut SimRng, id: u64) -> Operation {
    let durability = if rng.chance(0.5) { Durability::Durable } else { Durability::Buffered };
    match rng.below(100) {
        0..65 => {
            let key = key(rng);
            let tag = rng.chance(0.7).then(|| rng.next_u64());
            let score = rng.chance(0.8).then(|| rng.next_u64());
            let payload = if rng.chance(0.05) { 5000 } else { usize::try_from(rng.below(120)).unwrap_or(0) };
            Operation::Put { item: item(&key, id, tag, score, payload), key, durability }
        }
        65..84 => Operation::Delete { key: key(rng), durability },
        84..89 => Operation::Flush,
        89..91 => Operation::Compact,
        91..95 => Operation::Check,
        95..97 => Operation::Reopen,
        _ => Operation::AdvanceClock(Duration::from_millis(rng.below(400))),
    }
}

/// What has become of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    InFlight,
    Acknowledged,
    Rejected,
    Unknown,
}

/// A write that got its place in the order.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) seqno: u64,
    pub(crate) key: Key,
    pub(crate) item: Option<Item>,
    pub(crate) durability: Durability,
    pub(crate) fate: Fate,
}

/// All writes of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) writes: Vec<Write>,
}

impl History {
    /// The state after the commit `seqno`.
    pub(crate) fn state_at(&self, seqno: u64) -> Model {
        let mut writes: Vec<&Write> = self.writes.iter().filter(|write| write.seqno <= seqno).collect();
        writes.sort_by_key(|write| write.seqno);
        let mut model = Model::default();
        for write in writes {
            model.apply(&write.key, write.item.as_ref());
        }
        model
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.writes.iter().filter(|write| write.fate == Fate::Acknowledged).count()
    }
}

/// A run of several clients.
pub(crate) struct Run {
    pub(crate) simulation: Simulation,
    pub(crate) history: History,
    /// Whether the table was made before the machine stopped.
    pub(crate) has_table: bool,
}

struct Client {
    pending: Option<(usize, Pending)>,
}

const CLIENTS: usize = 3;

/// Runs `count` operations on a new store, or as far as the file system lets it. `prepare` plans a crash or a fault;
/// its result says whether the file system may fail while it is not crashed.
///
/// An error says what was wrong while the store was running.
pub(crate) fn run(seed: u64, count: u64, prepare: impl FnOnce(&Simulation) -> bool) -> Result<Run, String> {
    let simulation = Simulation::new(seed);
    let may_fail = prepare(&simulation);
    let mut rng = simulation.seed().stream("workload");
    let mut run = Run { simulation: simulation.clone(), history: History::default(), has_table: false };
    let Ok(mut database) = open(&simulation) else { return Ok(run) };
    if database.create_table(schema()).is_err() {
        return Ok(run);
    }
    run.has_table = true;
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client { pending: None }).collect();
    let mut id = 0;
    while id < count && !simulation.vfs().is_crashed() {
        if rng.chance(0.3) {
            simulation.scheduler().step_one();
        }
        let client = rng.below_usize(CLIENTS);
        if let Some((index, mut pending)) = clients[client].pending.take() {
            match pending.step() {
                Some(outcome) => run.history.writes[index].fate = fate(&outcome.map(|output| output.commit)),
                None => clients[client].pending = Some((index, pending)),
            }
            continue;
        }
        id += 1;
        match operation(&mut rng, id) {
            Operation::Put { key, item, durability } => {
                let table = database.table(crate::model::TABLE).map_err(|error| error.to_string())?;
                let submitted = table.put_request(&item).durability(durability).submit();
                clients[client].pending = note(&mut run.history, submitted, key, Some(item), durability)?;
            }
            Operation::Delete { key, durability } => {
                let table = database.table(crate::model::TABLE).map_err(|error| error.to_string())?;
                let submitted = table.delete_request((key.0.as_str(), key.1)).durability(durability).submit();
                clients[client].pending = note(&mut run.history, submitted, key, None, durability)?;
            }
            Operation::Flush => drop(database.flush()),
            Operation::Compact => drop(database.compact()),
            Operation::Check => {
                let seqno = database.statistics().published.0;
                let is_poisoned = database.statistics().poison.is_some();
                if let Err(wrong) = run.history.state_at(seqno).check(&database)
                    && !is_poisoned
                    && !simulation.vfs().is_crashed()
                {
                    return Err(format!("while running, at commit {seqno}: {wrong}"));
                }
            }
            Operation::Reopen => {
                settle(&mut clients, &mut run.history);
                if database.close().is_err() {
                    break;
                }
                drop(database);
                match open(&simulation) {
                    Ok(opened) => database = opened,
                    Err(_) if simulation.vfs().is_crashed() || may_fail => return Ok(run),
                    Err(error) => return Err(format!("a closed store did not open: {error}")),
                }
            }
            Operation::AdvanceClock(duration) => simulation.clock().advance(duration),
        }
    }
    settle(&mut clients, &mut run.history);
    // The machine stops here, with the store open: what is in the page cache is for the images to lose.
    simulation.vfs().crash_now();
    Ok(run)
}

fn note(
    history: &mut History,
    submitted: Result<Pending, Error>,
    key: Key,
    item: Option<Item>,
    durability: Durability,
) -> Result<Option<(usize, Pending)>, String> {
    match submitted {
        Ok(pending) => {
            let seqno = pending.seqno().0;
            history.writes.push(Write { seqno, key, item, durability, fate: Fate::InFlight });
            Ok(Some((history.writes.len() - 1, pending)))
        }
        Err(error) if error.outcome() == Outcome::Rejected => Ok(None),
        Err(error) => Err(format!("a write that got no place has an unknown outcome: {error}")),
    }
}

fn fate(outcome: &Result<Commit, Error>) -> Fate {
    match outcome {
        Ok(_) => Fate::Acknowledged,
        Err(error) if error.outcome() == Outcome::Unknown => Fate::Unknown,
        Err(_) => Fate::Rejected,
    }
}

fn settle(clients: &mut [Client], history: &mut History) {
    for client in clients {
        if let Some((index, pending)) = client.pending.take() {
            history.writes[index].fate = fate(&pending.wait().map(|output| output.commit));
        }
    }
}
