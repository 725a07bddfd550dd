//! What the data model costs: each of its operations beside the same work on the bare engine, in turns, in one run.
//!
//! `cargo bench --bench model` prints a table; with `-- --write` it is written to `docs/benchmarks/model.md` too. The ratio
//! is what counts: both sides of a pair run in short turns on the same machine at the same time, each round gives one
//! ratio, and the median of the rounds is told with its spread. Time is the calling thread's processor time, so that a busy
//! machine does not blur it; what background jobs do is in neither figure.
//!
//! The bare engine holds the same bytes: keys as long as an item's key, values as long as its stored form, and for a put
//! with two indexes nothing but the item itself. So a ratio says what schema, encoding, indexes and serde add.
#![allow(missing_docs, reason = "a program")]
#![expect(clippy::disallowed_methods, reason = "it writes a page on the real disk")]

use pixii::base::batch::WriteBatch;
use pixii::engine::cursor::KeyRange;
use pixii::engine::options::EngineOptions;
use pixii::engine::store::Engine;
use pixii::{Database, Durability, Environment, GlobalIndex, KeyType, Table, TableSchema, attr};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;

const PARTITIONS: u64 = 2_000;
const SORTS: u64 = 50;
const ITEMS: u64 = PARTITIONS * SORTS;
const ROUNDS: usize = 31;
/// The stored form of a message, about: what the bare engine holds.
const VALUE_BYTES: usize = 130;

#[derive(Serialize, Deserialize)]
struct Message {
    room: u64,
    sent_at: u64,
    sender: String,
    kind: String,
    text: String,
}

fn message(number: u64) -> Message {
    Message {
        room: number / SORTS,
        sent_at: number % SORTS,
        sender: format!("sender-{}", number % 977),
        kind: format!("kind-{}", number % 7),
        text: "t".repeat(64),
    }
}

fn schema(name: &str, indexes: bool) -> TableSchema {
    let schema = TableSchema::builder(name)
        .partition_key("room", KeyType::Number)
        .sort_key("sent_at", KeyType::Number);
    let index = |name: &str, attribute: &str| {
        GlobalIndex::builder(name)
            .partition_key(attribute, KeyType::String)
            .sort_key("sent_at", KeyType::Number)
    };
    let schema = if indexes {
        schema.global_index(index("BySender", "sender")).global_index(index("ByKind", "kind"))
    } else {
        schema
    };
    schema.build().expect("a valid schema")
}

/// A key as long as an item's: a keyspace and two numbers, in the order of the items.
fn key(number: u64) -> [u8; 14] {
    let mut key = [0; 14];
    key[3] = 16;
    key[4..9].copy_from_slice(&(number / SORTS).to_be_bytes()[3..]);
    key[9..].copy_from_slice(&(number % SORTS).to_be_bytes()[3..]);
    key
}

/// Numbers below `ITEMS`, spread.
fn spread(step: u64) -> u64 {
    step.wrapping_mul(0x9e37_79b9_7f4a_7c15) % ITEMS
}

struct Stores {
    engine: Engine,
    plain: Table,
    indexed: Table,
    database: Database,
}

impl Stores {
    fn new(directory: &Path) -> Self {
        let engine = Engine::open(Environment::system(), &directory.join("engine"), EngineOptions::default())
            .expect("a new store");
        let database = Database::open(directory.join("database")).expect("a new store");
        let plain = database.create_table(schema("Plain", false)).expect("a new table");
        let indexed = database.create_table(schema("Indexed", true)).expect("a new table");
        let stores = Self { engine, plain, indexed, database };
        for number in 0..ITEMS {
            stores.bare_put(number);
            stores.plain.put_request(&message(number)).buffered().send().expect("space");
        }
        stores.engine.compact().expect("space");
        stores.database.compact().expect("space");
        stores
    }

    fn bare_put(&self, number: u64) {
        let mut batch = WriteBatch::new();
        batch.put(key(number).to_vec(), vec![b'v'; VALUE_BYTES]);
        self.engine.write(&batch, Durability::Buffered).expect("space");
    }
}

/// One operation, said on the model and on the bare engine. Each is called with the number of the step.
struct Pair<'a> {
    name: &'static str,
    /// The most that the model is meant to cost, as a ratio, where there is such an aim.
    aim: Option<f64>,
    steps: u64,
    model: Box<dyn Fn(u64) + 'a>,
    bare: Box<dyn Fn(u64) + 'a>,
}

#[expect(clippy::too_many_lines, reason = "a list")]
fn pairs(stores: &Stores) -> Vec<Pair<'_>> {
    let Stores { engine, plain, indexed, .. } = stores;
    let bare_get = move |step| {
        black_box(
            engine.get(&key(spread(step)), None, <[u8]>::len).expect("it can be read").expect("it is there"),
        );
    };
    let bare_range = move |range: KeyRange| {
        let mut cursor = engine.cursor(range, None).expect("it is open");
        cursor.seek_first().expect("it can be read");
        let mut bytes = 0;
        while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
            bytes += key.len() + value.len();
            cursor.next().expect("it can be read");
        }
        black_box(bytes);
    };
    vec![
        Pair {
            name: "get, looked into where it is stored",
            aim: Some(1.5),
            steps: 4_000,
            model: Box::new(move |step| {
                let number = spread(step);
                let found = plain.view((number / SORTS, number % SORTS), |item| {
                    Ok(item.get("text")?.map(|text| text.as_str()).transpose()?.flatten().map(str::len))
                });
                assert_eq!(found.expect("it can be read"), Some(Some(64)));
            }),
            bare: Box::new(bare_get),
        },
        Pair {
            name: "get, as a struct of two numbers and three strings",
            aim: None,
            steps: 4_000,
            model: Box::new(move |step| {
                let number = spread(step);
                let found: Option<Message> =
                    plain.get((number / SORTS, number % SORTS)).expect("it can be read");
                black_box(found.expect("it is there"));
            }),
            bare: Box::new(bare_get),
        },
        Pair {
            name: "put with two indexes, buffered",
            aim: Some(3.5),
            steps: 2_000,
            model: Box::new(move |step| {
                indexed.put_request(&message(spread(step))).buffered().send().expect("space");
            }),
            bare: Box::new(move |step| stores.bare_put(spread(step))),
        },
        Pair {
            name: "put without index, buffered",
            aim: None,
            steps: 2_000,
            model: Box::new(move |step| {
                plain.put_request(&message(spread(step))).buffered().send().expect("space");
            }),
            bare: Box::new(move |step| stores.bare_put(spread(step))),
        },
        Pair {
            name: "update of one attribute (bare: get and put)",
            aim: None,
            steps: 2_000,
            model: Box::new(move |step| {
                let number = spread(step);
                let update = plain.update((number / SORTS, number % SORTS)).set("kind", "other");
                update.buffered().send().expect("space");
            }),
            bare: Box::new(move |step| {
                bare_get(step);
                stores.bare_put(spread(step));
            }),
        },
        Pair {
            name: "query of 50, as structs",
            aim: None,
            steps: 200,
            model: Box::new(move |step| {
                let room = spread(step) / SORTS;
                let read = plain.query(room).typed::<Message>().into_iter();
                assert_eq!(
                    read.map(|message| message.expect("it can be read").text.len()).sum::<usize>(),
                    3200
                );
            }),
            bare: Box::new(move |step| {
                let first = spread(step) / SORTS * SORTS;
                bare_range(KeyRange { start: key(first).to_vec(), end: Some(key(first + SORTS).to_vec()) });
            }),
        },
        Pair {
            name: "scan of all with a filter that keeps one in seven",
            aim: None,
            steps: 1,
            model: Box::new(move |_| {
                let kept = plain.scan().filter(attr("kind").eq("kind-3")).count().expect("it can be read");
                black_box(kept);
            }),
            bare: Box::new(move |_| {
                bare_range(KeyRange { start: key(0).to_vec(), end: Some(key(ITEMS).to_vec()) });
            }),
        },
    ]
}

fn nanoseconds_each(work: &dyn Fn(u64), from: u64, steps: u64) -> f64 {
    let start = processor_nanoseconds();
    (from..from + steps).for_each(work);
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let each = (processor_nanoseconds() - start) as f64 / steps as f64;
    each
}

/// The processor time of this thread: what else runs on the machine does not count, nor do background jobs.
fn processor_nanoseconds() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// The lowest, the middle and the highest.
fn spread_of(mut figures: Vec<f64>) -> [f64; 3] {
    figures.sort_by(f64::total_cmp);
    [figures[0], figures[figures.len() / 2], figures[figures.len() - 1]]
}

fn main() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stores = Stores::new(directory.path());
    let mut table = String::from(
        "| operation | model, CPU ns | bare engine, CPU ns | ratio (lowest – highest of the rounds) | aim |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    for pair in pairs(&stores) {
        if only.as_ref().is_some_and(|only| !pair.name.contains(only.as_str())) {
            continue;
        }
        let (mut model, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..=ROUNDS as u64 {
            let from = round * pair.steps;
            let ours = nanoseconds_each(&*pair.model, from, pair.steps);
            let theirs = nanoseconds_each(&*pair.bare, from, pair.steps);
            // The first round warms up.
            if round > 0 {
                model.push(ours);
                bare.push(theirs);
                ratios.push(ours / theirs);
            }
        }
        let [low, ratio, high] = spread_of(ratios);
        let (name, aim) =
            (pair.name, pair.aim.map_or_else(|| "–".to_owned(), |aim| format!("at most {aim}")));
        let (model, bare) = (spread_of(model)[1], spread_of(bare)[1]);
        let row =
            format!("| {name} | {model:.0} | {bare:.0} | **{ratio:.2}** ({low:.2} – {high:.2}) | {aim} |\n");
        print!("{row}");
        table.push_str(&row);
    }
    if std::env::args().any(|argument| argument == "--write") {
        let mut page = String::from("# What the data model costs\n\n");
        writeln!(
            page,
            "Written by `cargo bench --bench model -- --write`: medians of {ROUNDS} rounds in which both sides take turns, \
             {ITEMS} items of about {VALUE_BYTES} bytes. Times are the calling thread's processor time on a shared machine; the ratios are what counts.\n"
        )
        .expect("a string");
        page.push_str(&table);
        std::fs::create_dir_all("docs/benchmarks").expect("the folder can be made");
        std::fs::write("docs/benchmarks/model.md", page).expect("the page can be written");
    }
}
