//! The same walk under different options gives the same answers: how blocks and tables are cut, when memtables are
//! flushed, how tables are read, what is kept of the past and when the log is synced is nobody's business who reads.
//!
//! One client does operations one after another; every answer is written down, also refusals and the pages of queries
//! and scans with where they end. The model is not asked here: the store is compared with itself. Sequence numbers are left
//! out, because jobs commit too, each in its own time.

use crate::deed::Change;
use crate::model::{PARTITIONS, TABLE};
use crate::transacting::take_step;
use crate::workload::{Operation, open_with, random_operation, tiny_options};
use crate::world::{AUDIT, INDEXES, TABLES, create_index, create_table, drop_index};
use pixii::base::planted::{Bug, plant};
use pixii::engine::options::EngineOptions;
use pixii::format::table::reader::ReadMode;
use pixii::lsm::picker::Shape;
use pixii::sim::Simulation;
use pixii::{
    BatchWrite, BatchWriteRequest, Database, Durability, Error, IntoKey, Item, Pending, StreamRecord,
    SubmittedTransaction, TransactWriteRequest,
};
use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::time::Duration;

/// The options, by name. All writes wait for a sync, or none does, where the name says so.
pub(crate) fn option_sets() -> Vec<(&'static str, EngineOptions, Option<Durability>)> {
    let tiny = tiny_options;
    vec![
        ("tiny", tiny(), None),
        ("as shipped", EngineOptions::default(), None),
        ("all durable", tiny(), Some(Durability::Durable)),
        ("all buffered", tiny(), Some(Durability::Buffered)),
        ("pread", EngineOptions { read_mode: ReadMode::Pread, ..tiny() }, None),
        ("an entry in a block", EngineOptions { block_bytes: 1, ..tiny() }, None),
        ("large blocks", EngineOptions { block_bytes: 64 * 1024, ..tiny() }, None),
        ("a memtable for each write", EngineOptions { memtable_bytes: 1, ..tiny() }, None),
        ("tables of a block", EngineOptions { table_bytes: 1, ..tiny() }, None),
        (
            "deep levels",
            EngineOptions {
                shape: Shape { level_0_tables: 1, level_1_bytes: 500, level_ratio: 2 },
                table_bytes: 300,
                ..tiny()
            },
            None,
        ),
        (
            "a wide level 0",
            EngineOptions {
                shape: Shape { level_0_tables: 30, level_1_bytes: 1 << 20, level_ratio: 10 },
                level_0_tables_max: 60,
                ..tiny()
            },
            None,
        ),
        ("a window of the past", EngineOptions { history: Duration::from_secs(3600), ..tiny() }, None),
        ("a log that is not filled", EngineOptions { log_fill_bytes: 0, ..tiny() }, None),
        ("one frozen memtable", EngineOptions { frozen_memtables_max: 1, ..tiny() }, None),
        (
            "synced all the time",
            EngineOptions { sync_interval: Duration::from_millis(1), ..tiny() },
            Some(Durability::Buffered),
        ),
        (
            "the past, by pread, all at once",
            EngineOptions {
                history: Duration::from_millis(700),
                read_mode: ReadMode::Pread,
                block_bytes: 40,
                memtable_bytes: 700,
                ..tiny()
            },
            Some(Durability::Durable),
        ),
    ]
}

/// A table for writes that only wait for a sync.
const SYNCED: &str = "Synced";

/// What was asked and what was answered, one line each.
struct Walk<'a> {
    simulation: Simulation,
    options: &'a EngineOptions,
    durability: Option<Durability>,
    database: Database,
    answers: Vec<String>,
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` calls takes the error")]
fn text(error: Error) -> String {
    error.to_string()
}

/// Does the operations of a seed under these options, and tells all answers.
fn answers(
    seed: u64,
    count: u64,
    options: &EngineOptions,
    durability: Option<Durability>,
) -> Result<Vec<String>, String> {
    let simulation = Simulation::new(seed);
    let mut rng = simulation.seed().stream("workload");
    let database = open_with(&simulation, options.clone()).map_err(text)?;
    for name in TABLES.into_iter().chain([SYNCED]) {
        database.create_table(create_table(name)).map_err(text)?;
    }
    let mut walk = Walk { simulation, options, durability, database, answers: Vec::new() };
    for id in 1..=count {
        let operation = random_operation(&mut rng, id);
        let answer = walk.answer(&operation).unwrap_or_else(|error| format!("refused: {error}"));
        walk.answers.push(format!("{operation:?}: {answer}"));
    }
    let all = walk.read_all()?;
    walk.answers.push(format!("at the end: {all}"));
    Ok(walk.answers)
}

impl Walk<'_> {
    fn durability(&self, asked: Durability) -> Durability {
        self.durability.unwrap_or(asked)
    }

    fn answer(&mut self, operation: &Operation) -> Result<String, String> {
        let database = self.database.clone();
        Ok(match operation {
            Operation::Write(write, durability) => {
                let table = database.table(write.table).map_err(text)?;
                let pending = write.submit(&table, self.durability(*durability), true).map_err(text)?;
                format!("{:?}", Pending::wait(pending).map_err(text)?.attributes)
            }
            Operation::Batch(asked, durability) => {
                let mut writes: BTreeMap<String, Vec<BatchWrite>> = BTreeMap::new();
                for write in asked {
                    let asked = match &write.change {
                        Change::Put(item) => BatchWrite::Put(item.clone()),
                        _ => BatchWrite::Delete((write.key.0.as_str(), write.key.1).into_key()),
                    };
                    writes.entry(write.table.to_owned()).or_default().push(asked);
                }
                let durability = self.durability(*durability);
                let request = BatchWriteRequest { writes, durability, ..BatchWriteRequest::default() };
                database.batch_write(request).map(|_| "done".to_owned()).map_err(|error| error.to_string())?
            }
            Operation::Transact(writes, token, durability) => {
                let mut actions = Vec::new();
                for write in writes {
                    let table = database.table(write.table).map_err(text)?;
                    actions.push((write.table.to_owned(), write.action(&table).map_err(text)?));
                }
                let request = TransactWriteRequest {
                    actions,
                    client_request_token: token.map(|token| format!("token-{token}")),
                    durability: self.durability(*durability),
                    ..TransactWriteRequest::default()
                };
                database.transact_write(&request).map(|_| "done".to_owned()).map_err(text)?
            }
            Operation::Interactive(steps, durability) => {
                let mut transaction = database.begin_transaction().map_err(text)?;
                let mut seen = Vec::new();
                for step in steps {
                    let name = match step {
                        crate::workload::Step::Get(table, _) | crate::workload::Step::Query(table, ..) => {
                            table
                        }
                        crate::workload::Step::ScanIndex(_) => TABLE,
                        crate::workload::Step::Write(write) => write.table,
                    };
                    let table = database.table(name).map_err(text)?;
                    seen.push(format!("{:?}", take_step(&mut transaction, &table, step).map_err(text)?));
                }
                match transaction.submit(self.durability(*durability)).map_err(text)? {
                    SubmittedTransaction::Accepted(pending) => drop(pending.wait().map_err(text)?),
                    SubmittedTransaction::OnlyRead => {}
                    // A job that drops or fills an index may have come between, in its own time.
                    SubmittedTransaction::Conflict => return Err("a conflict with nobody".to_owned()),
                }
                seen.join("; ")
            }
            Operation::ChangeTable(name) => {
                if database.table(name).is_ok() {
                    database.delete_table(name).map_err(text)?;
                } else {
                    database.create_table(create_table(name)).map_err(text)?;
                }
                String::new()
            }
            Operation::ChangeIndex(name) => {
                let description = database.describe_table(AUDIT).map_err(text)?;
                let indexes = description.global_secondary_indexes;
                let is_there = indexes.iter().any(|index| index.index_name == *name);
                let request = if is_there { drop_index(AUDIT, name) } else { create_index(AUDIT, name) };
                database.update_table(request).map_err(text)?;
                database.wait_until_active(AUDIT).map_err(text)?;
                String::new()
            }
            Operation::Consume(count) => {
                self.sync()?;
                let stream = database.stream(AUDIT).map_err(text)?;
                let mut consumer = stream.consumer("outbox").map_err(text)?;
                let records = consumer.next_batch(*count).map_err(text)?;
                consumer.commit().map_err(text)?;
                told(&records)
            }
            Operation::Flush => database.flush().map(|()| String::new()).map_err(text)?,
            Operation::Compact => database.compact().map(|()| String::new()).map_err(text)?,
            Operation::Check => self.read_all()?,
            Operation::Reopen => {
                database.close().map_err(text)?;
                drop(database);
                self.database = open_with(&self.simulation, self.options.clone()).map_err(text)?;
                String::new()
            }
            Operation::AdvanceClock(duration) => {
                self.simulation.clock().advance(*duration);
                self.simulation.scheduler().run_until_idle();
                String::new()
            }
        })
    }

    /// Makes what was written durable: streams tell of nothing else. One log is behind all tables.
    fn sync(&self) -> Result<(), String> {
        let table = self.database.table(SYNCED).map_err(text)?;
        table.put(&Item::new().with("pk", "a").with("sk", 0)).map_err(text)
    }

    /// Everything that can be read, in pages of several sizes.
    fn read_all(&self) -> Result<String, String> {
        self.sync()?;
        let mut all = Vec::new();
        for name in TABLES {
            let Ok(table) = self.database.table(name) else { continue };
            for limit in [1, 3, 1000] {
                let mut start = None;
                loop {
                    let mut scan = table.scan().limit(limit);
                    if let Some(key) = start.take() {
                        scan = scan.start_after(key);
                    }
                    let page = scan.page().map_err(text)?;
                    all.push(format!("{name} {limit}: {:?} to {:?}", page.items, page.last_evaluated_key));
                    match page.last_evaluated_key {
                        Some(key) => start = Some(key),
                        None => break,
                    }
                }
            }
            for partition in PARTITIONS {
                let query = table.query(partition).reverse().limit(2);
                let page = query.page().map_err(text)?;
                all.push(format!("{name} {partition}: {:?} to {:?}", page.items, page.last_evaluated_key));
            }
            for index in INDEXES {
                let entries: Result<Vec<Item>, Error> = table.scan().index(index).into_iter().collect();
                all.push(format!("{name} {index}: {:?}", entries.map_err(text)));
            }
        }
        if let Ok(stream) = self.database.stream(AUDIT) {
            let records: Vec<StreamRecord> = stream.records().and_then(Iterator::collect).map_err(text)?;
            all.push(told(&records));
        }
        Ok(all.join("\n"))
    }
}

/// What records say, without their numbers. The order within a commit is no promise.
fn told(records: &[StreamRecord]) -> String {
    let mut records: Vec<&StreamRecord> = records.iter().collect();
    records.sort_by_key(|record| (record.sequence_number.seqno, format!("{:?}", record.keys)));
    let told = records
        .iter()
        .map(|record| format!("{:?} {:?} {:?}", record.event_name, record.old_image, record.new_image));
    told.collect::<Vec<_>>().join("; ")
}

/// Compares the answers of a seed under all option sets. Tells how many operations were done.
pub(crate) fn compare(seed: u64, count: u64) -> Result<u64, String> {
    let mut expected: Option<(&str, Vec<String>)> = None;
    let mut operations = 0;
    for (name, options, durability) in option_sets() {
        let found = answers(seed, count, &options, durability)
            .map_err(|wrong| format!("seed {seed}, options {name:?}: {wrong}"))?;
        operations += count;
        let (first, wanted) = expected.get_or_insert_with(|| (name, found.clone()));
        let lines = |answers: &[String]| -> Vec<String> {
            answers.iter().flat_map(|answer| answer.lines().map(ToOwned::to_owned)).collect()
        };
        let (found, wanted) = (lines(&found), lines(wanted));
        let differs = |at: &usize| found.get(*at) != wanted.get(*at);
        if let Some(at) = (0..found.len().max(wanted.len())).find(differs) {
            let (found, wanted) = (found.get(at), wanted.get(at));
            return Err(format!(
                "seed {seed}, options {name:?} answer {found:?}\nand options {first:?} answer {wanted:?}"
            ));
        }
    }
    Ok(operations)
}

#[test]
fn every_set_of_options_gives_the_same_answers() {
    let mut operations = 0;
    for seed in 1..=crate::crash::setting("PIXII_OPTION_SEEDS", 6) {
        operations += compare(seed, 150).unwrap_or_else(|wrong| panic!("{wrong}"));
    }
    println!("option sets: {}, operations {operations}, differences 0", option_sets().len());
}

#[test]
fn a_walk_under_options_sees_something() {
    let answers = answers(1, 150, &tiny_options(), None).unwrap_or_else(|wrong| panic!("{wrong}"));
    let refused = answers.iter().filter(|answer| answer.contains(": refused: ")).count();
    assert!(refused > 3 && refused < answers.len() / 2, "{refused} of {} are refused", answers.len());
    assert!(answers.iter().any(|answer| answer.contains("Insert")), "the stream tells something");
}

#[test]
fn options_under_which_deleted_items_come_back_are_noticed() {
    let planted = plant(Bug::TombstoneDroppedEarly);
    let is_noticed =
        (1..=6).any(|seed| catch_unwind(|| compare(seed, 150)).map_or(true, |same| same.is_err()));
    drop(planted);
    assert!(is_noticed);
}
