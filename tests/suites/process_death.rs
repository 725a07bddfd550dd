//! A real child process writes and is killed with SIGKILL, again and again, also while it opens the store; what it was
//! told is written is there, and the index agrees with the table.
//!
//! The child is the same binary, started again: here to run one ignored-looking test with the store's path in the
//! environment, in the soak with a command of its own. It says when it begins to open, when it has opened, and each write
//! that was acknowledged. The page cache outlives it, so this is about the process; the power is `crash`'s.

use crate::model::{TABLE, schema};
use crate::workload::{item, tiny_options};
use pixii::sim::SimRng;
use pixii::{Database, Durability, Environment, Error, Item, Value};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const STORE: &str = "PIXII_PROCESS_DEATH_STORE";
const ROUND: &str = "PIXII_PROCESS_DEATH_ROUND";

/// When the child is killed.
#[derive(Clone, Copy, Debug)]
enum Kill {
    /// So long after it began to open the store.
    Opening(Duration),
    /// After so many acknowledged writes.
    Writing(u64),
}

/// What was killed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deaths {
    pub(crate) cycles: u64,
    /// Of them, before the store was open.
    pub(crate) in_opening: u64,
    pub(crate) acknowledged: u64,
    /// Items that were looked for after a kill.
    pub(crate) looked_for: u64,
}

fn open(path: &Path) -> Result<Database, Error> {
    Database::options().environment(Environment::system()).engine(tiny_options()).open(path)
}

/// The child: writes until it is killed, and says what was acknowledged.
pub(crate) fn write_until_killed(path: &Path, round: u64) {
    let mut output = std::io::stdout().lock();
    let mut say = |text: &str| {
        writeln!(output, "{text}").expect("the parent listens");
        output.flush().expect("the parent listens");
    };
    say("opening");
    let database = open(path).expect("the store opens");
    let table = database.table(TABLE).expect("the parent made it");
    say("opened");
    for number in 0.. {
        let id = round * 1_000_000 + number;
        let sort = i64::try_from(number % 50).expect("a small number");
        let durability = if number % 3 == 0 { Durability::Durable } else { Durability::Buffered };
        let item = item(&("k".to_owned(), sort), id, Some(id), Some(id), 50);
        table.put_request(&item).durability(durability).send().expect("the write is done");
        say(&format!("ack {sort} {id}"));
    }
}

/// Kills `cycles` children over one store at `path`, every third while it opens.
pub(crate) fn kill_again_and_again(
    path: &Path,
    seed: u64,
    cycles: u64,
    child: impl Fn(&Path, u64) -> Command,
    deaths: &mut Deaths,
) -> Result<(), String> {
    let text = |error: Error| error.to_string();
    open(path).map_err(text)?.create_table(schema()).map_err(text)?;
    let mut rng: SimRng = pixii::sim::Seed(seed).stream("kills");
    let mut acknowledged: BTreeMap<i64, u64> = BTreeMap::new();
    for round in 1..=cycles {
        let kill = if round % 3 == 0 {
            Kill::Opening(Duration::from_micros(rng.below(4000)))
        } else {
            Kill::Writing(1 + rng.below(150))
        };
        let context = |wrong: String| format!("seed {seed}, round {round}, {kill:?}: {wrong}");
        run_and_kill(child(path, round), kill, &mut acknowledged, deaths).map_err(context)?;
        deaths.cycles += 1;
        deaths.looked_for += acknowledged.len() as u64;
        check(path, &acknowledged).map_err(context)?;
    }
    Ok(())
}

fn run_and_kill(
    mut command: Command,
    kill: Kill,
    acknowledged: &mut BTreeMap<i64, u64>,
    deaths: &mut Deaths,
) -> Result<(), String> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("no child: {error}"))?;
    let output = child.stdout.take().ok_or("its output is not piped")?;
    let (mut opened, mut seen, mut is_killed) = (false, 0, false);
    // What it said between the decision and the signal counts as well; the last line may be cut.
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        opened |= line.ends_with("opened");
        let is_due = match kill {
            Kill::Opening(after) if line.ends_with("opening") => {
                // A sleep is too coarse for what takes less than a millisecond.
                let begun = Instant::now();
                while begun.elapsed() < after {
                    std::hint::spin_loop();
                }
                true
            }
            Kill::Opening(_) => false,
            Kill::Writing(count) => {
                note(&line, acknowledged, &mut seen);
                seen == count && !is_killed
            }
        };
        if let Kill::Opening(_) = kill {
            note(&line, acknowledged, &mut seen);
        }
        if is_due {
            is_killed = true;
            child.kill().map_err(|error| format!("it ended by itself: {error}"))?;
        }
    }
    deaths.acknowledged += seen;
    deaths.in_opening += u64::from(!opened);
    let ended = child.wait_with_output().map_err(|error| error.to_string())?;
    if is_killed {
        return Ok(());
    }
    Err(format!("it ended by itself after {seen} writes: {}", String::from_utf8_lossy(&ended.stderr)))
}

fn note(line: &str, acknowledged: &mut BTreeMap<i64, u64>, seen: &mut u64) {
    let mut words = line.split(' ').skip_while(|word| *word != "ack").skip(1);
    let (sort, id) = (words.next(), words.next());
    if let (Some(Ok(sort)), Some(Ok(id))) = (sort.map(str::parse), id.map(str::parse)) {
        // A line that was cut says less than was acknowledged, never more.
        let newest: &mut u64 = acknowledged.entry(sort).or_default();
        *newest = (*newest).max(id);
        *seen += 1;
    }
}

/// Every acknowledged item is there, or a later one that was on its way; and the index agrees with the table.
fn check(path: &Path, acknowledged: &BTreeMap<i64, u64>) -> Result<(), String> {
    let text = |error: Error| error.to_string();
    let database = open(path).map_err(text)?;
    let table = database.table(TABLE).map_err(text)?;
    let id = |item: &Item| match item.get("id") {
        Some(Value::Number(id)) => u64::try_from(*id).unwrap_or(0),
        _ => 0,
    };
    for (sort, acknowledged) in acknowledged {
        match table.get_item(("k", *sort)).map_err(text)? {
            None => return Err(format!("item {sort} is lost, and {acknowledged} was acknowledged")),
            Some(item) if id(&item) < *acknowledged => {
                return Err(format!("item {sort} went back to {} from {acknowledged}", id(&item)));
            }
            Some(_) => {}
        }
    }
    let mut items: Vec<Item> = table.scan().into_iter().collect::<Result<_, _>>().map_err(text)?;
    let mut entries: Vec<Item> =
        table.scan().index("ByTag").into_iter().collect::<Result<_, _>>().map_err(text)?;
    items.sort_by_key(id);
    entries.sort_by_key(id);
    if items != entries {
        return Err("the index differs from the table".to_owned());
    }
    Ok(())
}

/// The child of the test below. Without the variables there is nothing to do.
#[test]
fn child_of_the_kill_test() {
    let (Ok(store), Ok(round)) = (std::env::var(STORE), std::env::var(ROUND)) else { return };
    write_until_killed(Path::new(&store), round.parse().expect("a number"));
}

#[test]
fn a_killed_process_has_lost_nothing_that_it_acknowledged() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("store");
    let child = |path: &Path, round: u64| {
        let mut command = Command::new(std::env::current_exe().expect("this test has a file"));
        command
            .args(["process_death::child_of_the_kill_test", "--exact", "--nocapture", "--test-threads=1"])
            .env(STORE, path)
            .env(ROUND, round.to_string());
        command
    };
    let mut deaths = Deaths::default();
    if let Err(wrong) = kill_again_and_again(&path, 1, 30, child, &mut deaths) {
        panic!("{wrong}");
    }
    println!("killed processes: {deaths:?}, violations 0");
    assert!(deaths.in_opening > 0 && deaths.acknowledged > 500, "{deaths:?}");
}
