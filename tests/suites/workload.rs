//! One operation type, and what is drawn at random from a seed: keys, items, writes, operations.

use crate::deed::{Act, Change, ItemWrite, Test};
use crate::model::{Key, PARTITIONS, SORTS, TABLE};
use crate::world::{AUDIT, INDEXES, TABLES};
use pixii::engine::options::EngineOptions;
use pixii::lsm::picker::Shape;
use pixii::sim::{SimRng, Simulation};
use pixii::{Database, Durability, Error, Item};
use std::time::Duration;

/// What a client does.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Write(ItemWrite, Durability),
    /// Puts and deletes, each by itself.
    Batch(Vec<ItemWrite>, Durability),
    /// All or none; under the token of that number, if there is one.
    Transact(Vec<ItemWrite>, Option<u64>, Durability),
    /// A transaction whose steps others' writes come between.
    Interactive(Vec<Step>, Durability),
    /// A table is dropped; or made, if there is none.
    ChangeTable(&'static str),
    /// An index is dropped; or made, if there is none.
    ChangeIndex(&'static str),
    /// A consumer reads up to that many records and keeps its place.
    Consume(usize),
    Flush,
    Compact,
    /// Everything is read and compared with what must be visible.
    Check,
    Reopen,
    AdvanceClock(Duration),
}

/// A step of an interactive transaction.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Get(&'static str, Key),
    /// The first items of a partition, at most that many, or all.
    Query(&'static str, &'static str, Option<usize>),
    /// An index of the table that keeps its indexes.
    ScanIndex(&'static str),
    Write(ItemWrite),
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
    open_with(simulation, tiny_options())
}

pub(crate) fn open_with(simulation: &Simulation, options: EngineOptions) -> Result<Database, Error> {
    Database::options().environment(simulation.environment()).engine(options).open("/store")
}

pub(crate) fn random_key(rng: &mut SimRng) -> Key {
    let span = u64::try_from(SORTS.end - SORTS.start).expect("a small range");
    let sort = SORTS.start + i64::try_from(rng.below(span)).expect("a small number");
    (rng.pick::<&'static str>(&PARTITIONS).to_string(), sort)
}

fn tag(number: u64) -> &'static str {
    ["x", "y", "x\0"][usize::try_from(number % 3).unwrap_or(0)]
}

fn score(number: u64) -> i64 {
    i64::try_from(number % 5).unwrap_or(0) - 2
}

pub(crate) fn item(
    key: &Key,
    id: u64,
    with_tag: Option<u64>,
    with_score: Option<u64>,
    payload: usize,
) -> Item {
    let mut item = Item::new().with("pk", key.0.as_str()).with("sk", key.1).with("id", id);
    if let Some(number) = with_tag {
        item.insert("tag".to_owned(), tag(number));
    }
    if let Some(number) = with_score {
        item.insert("score".to_owned(), score(number));
    }
    item.insert("payload".to_owned(), "p".repeat(payload));
    item
}

/// A random item; `id` marks it.
pub(crate) fn random_item(rng: &mut SimRng, key: &Key, id: u64) -> Item {
    let tag = rng.chance(0.7).then(|| rng.next_u64());
    let score = rng.chance(0.8).then(|| rng.next_u64());
    let payload = if rng.chance(0.05) { 5000 } else { usize::try_from(rng.below(120)).unwrap_or(0) };
    item(key, id, tag, score, payload)
}

pub(crate) fn random_durability(rng: &mut SimRng) -> Durability {
    if rng.chance(0.5) { Durability::Durable } else { Durability::Buffered }
}

fn random_table(rng: &mut SimRng) -> &'static str {
    rng.pick::<&'static str>(&TABLES)
}

fn random_acts(rng: &mut SimRng, id: u64) -> Vec<Act> {
    let mut acts = Vec::new();
    if rng.chance(0.5) {
        acts.push(Act::Set("id", id.into()));
    }
    match rng.below(6) {
        0 => acts.push(Act::Set("tag", tag(rng.next_u64()).into())),
        1 => acts.push(Act::Remove("tag")),
        _ => {}
    }
    match rng.below(8) {
        0 => acts.push(Act::Set("score", score(rng.next_u64()).into())),
        1 => acts.push(Act::Remove("score")),
        2 | 3 => acts.push(Act::Add("score", 1)),
        _ => {}
    }
    let label = *rng.pick(&["l", "m"]);
    match rng.below(5) {
        0 | 1 => acts.push(Act::AddLabel(label)),
        2 => acts.push(Act::DropLabel(label)),
        _ => {}
    }
    if acts.is_empty() || rng.chance(0.4) {
        acts.push(Act::Add("count", score(rng.next_u64())));
    }
    acts
}

fn random_test(rng: &mut SimRng, id: u64) -> Test {
    match rng.below(6) {
        0 => Test::Absent,
        1 | 2 => Test::Present,
        3 => Test::IdIs(id.saturating_sub(rng.below(12))),
        4 => Test::CountAtLeast(score(rng.next_u64())),
        _ => Test::Untagged,
    }
}

/// A random write of an item.
pub(crate) fn random_write(rng: &mut SimRng, id: u64) -> ItemWrite {
    let (table, key) = (random_table(rng), random_key(rng));
    let change = match rng.below(20) {
        0..9 => Change::Put(random_item(rng, &key, id)),
        9..15 => Change::Update(random_acts(rng, id)),
        _ => Change::Delete,
    };
    let test = rng.chance(0.25).then(|| random_test(rng, id));
    ItemWrite { table, key, change, test }
}

/// Some writes of different items.
fn random_writes(rng: &mut SimRng, id: u64, most: u64) -> Vec<ItemWrite> {
    let mut writes: Vec<ItemWrite> = Vec::new();
    for _ in 0..2 + rng.below(most - 1) {
        let write = random_write(rng, id);
        if !writes.iter().any(|other| (other.table, &other.key) == (write.table, &write.key)) {
            writes.push(write);
        }
    }
    writes
}

fn random_step(rng: &mut SimRng, id: u64) -> Step {
    match rng.below(8) {
        0 | 1 => Step::Get(random_table(rng), random_key(rng)),
        2 => {
            let limit = rng.chance(0.5).then(|| 1 + rng.below_usize(2));
            Step::Query(random_table(rng), rng.pick::<&'static str>(&PARTITIONS), limit)
        }
        3 => Step::ScanIndex(rng.pick::<&'static str>(&INDEXES)),
        _ => Step::Write(random_write(rng, id)),
    }
}

/// A random operation; `id` marks the items that it puts.
pub(crate) fn random_operation(rng: &mut SimRng, id: u64) -> Operation {
    match rng.below(100) {
        0..45 => Operation::Write(random_write(rng, id), random_durability(rng)),
        45..50 => {
            let mut writes = random_writes(rng, id, 4);
            for write in &mut writes {
                write.test = None;
                if matches!(write.change, Change::Update(_)) {
                    write.change = Change::Delete;
                }
            }
            Operation::Batch(writes, random_durability(rng))
        }
        50..61 => {
            let mut writes = random_writes(rng, id, 4);
            for write in &mut writes {
                // All must be met at once: seldom asked for, or nothing ever happens.
                write.test = write.test.take().filter(|_| rng.chance(0.4));
                if rng.chance(0.15) {
                    write.change = Change::Check;
                    write.test = Some(random_test(rng, id));
                }
            }
            let token = rng.chance(0.6).then(|| rng.below(4));
            Operation::Transact(writes, token, random_durability(rng))
        }
        61..71 => {
            let steps = (0..2 + rng.below(4)).map(|_| random_step(rng, id)).collect();
            Operation::Interactive(steps, random_durability(rng))
        }
        71..73 => Operation::ChangeTable(if rng.chance(0.7) { AUDIT } else { TABLE }),
        73..77 => Operation::ChangeIndex(rng.pick::<&'static str>(&INDEXES)),
        77..82 => Operation::Consume(1 + rng.below_usize(6)),
        82..86 => Operation::Flush,
        86..88 => Operation::Compact,
        88..92 => Operation::Check,
        92..95 => Operation::Reopen,
        95..99 => Operation::AdvanceClock(Duration::from_millis(rng.below(400))),
        _ => Operation::AdvanceClock(Duration::from_secs(400)),
    }
}
