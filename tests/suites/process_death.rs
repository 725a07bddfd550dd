//! A real child process writes and is killed with SIGKILL, again and again; what it was told is written is there.
//!
//! The child is this test binary, started again to run one ignored-looking test with the store's path in the environment.
//! It prints a line for every acknowledged write.

use crate::model::{TABLE, schema};
use crate::workload::{item, tiny_options};
use pixii::{Database, Durability, Environment, Item, Value};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const STORE: &str = "PIXII_PROCESS_DEATH_STORE";
const ROUND: &str = "PIXII_PROCESS_DEATH_ROUND";

fn open(path: &Path) -> Database {
    let options = Database::options().environment(Environment::system()).engine(tiny_options());
    options.open(path).expect("the store opens")
}

/// The child: writes until it is killed, and says what was acknowledged. Without the variables there is nothing to do.
#[test]
fn child_of_the_kill_test() {
    let (Ok(store), Ok(round)) = (std::env::var(STORE), std::env::var(ROUND)) else { return };
    let round: u64 = round.parse().expect("a number");
    let database = open(Path::new(&store));
    let table = database.table(TABLE).expect("the parent made it");
    let mut output = std::io::stdout().lock();
    for number in 0.. {
        let id = round * 1_000_000 + number;
        let sort = i64::try_from(number % 50).expect("a small number");
        let durability = if number % 3 == 0 { Durability::Durable } else { Durability::Buffered };
        let item = item(&("k".to_owned(), sort), id, Some(id), Some(id), 50);
        table.put_request(&item).durability(durability).send().expect("the write is done");
        writeln!(output, "ack {sort} {id}").expect("the parent listens");
        output.flush().expect("the parent listens");
    }
}

#[test]
fn a_killed_process_has_lost_nothing_that_it_acknowledged() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("store");
    open(&path).create_table(schema()).expect("a new table");
    let mut acknowledged: BTreeMap<i64, u64> = BTreeMap::new();
    for round in 1..=8_u64 {
        let mut child = Command::new(std::env::current_exe().expect("this test has a file"))
            .args(["process_death::child_of_the_kill_test", "--exact", "--nocapture", "--test-threads=1"])
            .env(STORE, &path)
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
        let mut seen = 0;
        let kill_after = 20 + 37 * round;
        for line in lines.by_ref() {
            let line = line.expect("whole lines");
            note(&line, &mut acknowledged, &mut seen);
            if seen == kill_after {
                child.kill().expect("it runs");
                break;
            }
        }
        // What it said between the decision and the signal counts as well; the last line may be cut.
        for line in lines.map_while(Result::ok) {
            note(&line, &mut acknowledged, &mut seen);
        }
        child.wait().expect("it was started");
        assert!(seen >= kill_after, "the child ended by itself after {seen} writes");
        check(&path, &acknowledged);
    }
}

fn note(line: &str, acknowledged: &mut BTreeMap<i64, u64>, seen: &mut u64) {
    let mut words = line.split(' ').skip_while(|word| *word != "ack").skip(1);
    let (sort, id) = (words.next(), words.next());
    if let (Some(Ok(sort)), Some(Ok(id))) = (sort.map(str::parse), id.map(str::parse)) {
        acknowledged.insert(sort, id);
        *seen += 1;
    }
}

/// Every acknowledged item is there, or a later one that was on its way; and the index agrees with the table.
fn check(path: &Path, acknowledged: &BTreeMap<i64, u64>) {
    let database = open(path);
    let table = database.table(TABLE).expect("the table is there");
    let id = |item: &Item| match item.get("id") {
        Some(Value::Number(id)) => u64::try_from(*id).expect("ids are whole"),
        other => panic!("an item without an id: {other:?}"),
    };
    for (sort, acknowledged) in acknowledged {
        let item =
            table.get_item(("k", *sort)).expect("it can be read").expect("an acknowledged item is lost");
        assert!(id(&item) >= *acknowledged, "item {sort} went back to {}", id(&item));
    }
    let mut items: Vec<Item> = table.scan().into_iter().collect::<Result<_, _>>().expect("it can be read");
    let mut entries: Vec<Item> =
        table.scan().index("ByTag").into_iter().collect::<Result<_, _>>().expect("it can be read");
    items.sort_by_key(id);
    entries.sort_by_key(id);
    assert_eq!(items, entries, "the index differs from the table");
}
