//! The tour: five steps, each done and shown.

use super::audit::Acknowledged;
use super::messages::{self, INDEX, Message, TABLE};
use crate::failure::{Failure, Result};
use crate::json::plain;
use crate::keys::key_text;
use crate::output::Output;
use crate::store;
use clap::Args;
use indicatif::{BinaryBytes, HumanCount};
use pixii::{Database, Item, Table};
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// How many acknowledged writes the child is killed after.
const ACKNOWLEDGED_BEFORE_KILL: u64 = 500;

/// See what the library does, on a store in a directory.
///
/// Creates a table with an index, writes, reads back, queries by range and by index; then starts a child that writes
/// durably, kills it in the middle (SIGKILL), opens the store again, and checks that every write that was acknowledged
/// is there. The files are left for you to look at.
#[derive(Args, Debug)]
pub(crate) struct TourArguments {
    /// Where the store is made: a new or empty directory [default: a new one among the temporary files]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(arguments: &TourArguments) -> Result<()> {
    let directory = match &arguments.dir {
        Some(directory) => given_directory(directory)?,
        None => new_directory()?,
    };
    let mut tour = Tour { output: Output::new(), directory };
    tour.create_and_write()?;
    let acknowledged = tour.kill_a_writer()?;
    tour.open_again(&acknowledged)?;
    tour.show_files()?;
    tour.output.flush()
}

struct Tour {
    output: Output,
    directory: PathBuf,
}

impl Tour {
    fn create_and_write(&mut self) -> Result<()> {
        let database = Database::open(&self.directory)?;
        let table = database.create_table(messages::schema()?)?;
        self.heading("1. A table in a directory")?;
        self.line(&format!("store  {}", self.directory.display()))?;
        self.line(&format!("table  {TABLE}, key {}", key_text(table.schema().key())))?;
        for index in table.schema().global_indexes() {
            self.line(&format!("index  {}, key {}", index.name(), key_text(index.key())))?;
        }
        let messages = messages::conversation();
        for message in &messages {
            table.put(message)?;
        }
        self.heading("2. Write and read back")?;
        self.line(&format!("{} messages written, each durable before its call returned", messages.len()))?;
        self.read_back(&table, &messages)?;
        self.query(&table)?;
        database.close()?;
        self.output.flush()
    }

    fn read_back(&mut self, table: &Table, messages: &[Message]) -> Result<()> {
        let mut read = Vec::new();
        for message in messages {
            read.extend(table.get::<Message>((&message.user_id, message.timestamp))?);
        }
        if read != messages {
            return Err(Failure::told(format!("{messages:?} were written, and {read:?} were read")));
        }
        self.line(&format!("{} read back as the same values; this one by its key:", read.len()))?;
        let first = messages.first().map(|message| (message.user_id.as_str(), message.timestamp));
        let item = first.map(|key| table.get_item(key)).transpose()?.flatten();
        item.map_or(Ok(()), |item| self.item(&item))
    }

    fn query(&mut self, table: &Table) -> Result<()> {
        let (from, to) = (1_792_000_060_u64, 1_792_000_420_u64);
        self.heading("3. Query by range and by index")?;
        self.line(&format!("user_id = ampere, timestamp between {from} and {to}:"))?;
        for item in table.query("ampere").sort_key_between(from, to) {
            self.item(&item?)?;
        }
        self.line(&format!("{INDEX}: sender = faraday, newest first, at most 3:"))?;
        for item in table.query("faraday").index(INDEX).reverse().limit(3) {
            self.item(&item?)?;
        }
        Ok(())
    }

    fn kill_a_writer(&mut self) -> Result<Acknowledged> {
        self.heading("4. A process that dies in the middle")?;
        let program = std::env::current_exe().map_err(|error| io_failure("find this program", &error))?;
        let mut command = Command::new(program);
        command.arg("tour-writer").arg("--store").arg(&self.directory);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = KilledOnDrop(child.map_err(|error| io_failure("start the writing child", &error))?);
        let process = child.0.id();
        self.line(&format!(
            "process {process} opens the store and writes durably with {} threads",
            messages::WRITERS
        ))?;
        self.output.flush()?;
        let acknowledged = child.kill_after(ACKNOWLEDGED_BEFORE_KILL)?;
        self.line(&format!(
            "killed with SIGKILL while it was writing; {} writes had been acknowledged",
            HumanCount(acknowledged.count())
        ))?;
        self.output.flush()?;
        Ok(acknowledged)
    }

    fn open_again(&mut self, acknowledged: &Acknowledged) -> Result<()> {
        let database = Database::open(&self.directory)?;
        let recovery = database.statistics().recovery;
        let findings = acknowledged.audit(&database.table(TABLE)?, &messages::conversation())?;
        self.heading("5. Open it again")?;
        self.line(&format!("{} commits replayed from the log", HumanCount(recovery.batches)))?;
        let count = HumanCount(findings.acknowledged);
        self.line(&format!("{count} of {count} acknowledged writes are there, none is lost or changed"))?;
        let more = HumanCount(findings.unacknowledged);
        self.line(&format!("on disk already, but not acknowledged when it died: {more}"))?;
        self.line(&format!("{INDEX} has the same {} messages as the table", findings.all))?;
        Ok(database.close()?)
    }

    fn show_files(&mut self) -> Result<()> {
        let directory = self.directory.display().to_string();
        let files = store::files(&self.directory)
            .map_err(|error| io_failure(&format!("list {directory}"), &error))?;
        self.heading(&format!("The files in {directory}"))?;
        for file in files {
            let size = BinaryBytes(file.size_bytes).to_string();
            self.line(&format!("{:<12} {size:>12}  {}", store::kind_text(file.kind), file.name))?;
        }
        self.heading("Look for yourself")?;
        let pixii = std::env::args().next().unwrap_or_else(|| "pixii".to_owned());
        let table = format!("--store {directory} --table {TABLE}");
        self.line(&format!("{pixii} query {table} --partition pixii"))?;
        self.line(&format!("{pixii} query {table} --index {INDEX} --partition sender-3 --limit 5"))?;
        self.line(&format!("{pixii} stats --store {directory}"))
    }

    fn heading(&mut self, text: &str) -> Result<()> {
        self.output.text("")?;
        self.output.text(text)
    }

    fn line(&mut self, text: &str) -> Result<()> {
        self.output.text(&format!("   {text}"))
    }

    fn item(&mut self, item: &Item) -> Result<()> {
        self.output.json(|line| {
            line.extend_from_slice(b"     ");
            plain::write_item(item, line);
        })
    }
}

/// A child that does not outlive the tour, whatever happens to it.
struct KilledOnDrop(Child);

impl KilledOnDrop {
    /// Kills the child after so many acknowledgements, and returns all that it gave: those too that were still in the
    /// pipe when it died.
    fn kill_after(&mut self, count: u64) -> Result<Acknowledged> {
        let pipe = self.0.stdout.take().ok_or_else(|| Failure::told("the child has no output"))?;
        let mut lines = BufReader::new(pipe);
        let mut acknowledged = Acknowledged::default();
        let mut line = String::new();
        let mut is_killed = false;
        loop {
            line.clear();
            lines
                .read_line(&mut line)
                .map_err(|error| io_failure("read what the child acknowledged", &error))?;
            // The last line may be torn: then it was never said.
            let Some(whole) = line.strip_suffix('\n') else { break };
            acknowledged.add(whole)?;
            if !is_killed && acknowledged.count() >= count {
                self.0.kill().map_err(|error| io_failure("kill the child", &error))?;
                is_killed = true;
            }
        }
        let status = self.0.wait().map_err(|error| io_failure("wait for the child", &error))?;
        if is_killed {
            return Ok(acknowledged);
        }
        Err(Failure::told(format!(
            "the child ended by itself after {} writes: {status}",
            acknowledged.count()
        )))
    }
}

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        // It is gone already, unless the tour failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn given_directory(directory: &Path) -> Result<PathBuf> {
    match fs::read_dir(directory).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(directory.to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(directory.to_owned()),
        Ok(false) => {
            Err(Failure::told(format!("{} is not empty: give a new directory", directory.display())))
        }
        Err(error) => Err(io_failure(&format!("list {}", directory.display()), &error)),
    }
}

/// Makes a directory that was not there, for this process.
fn new_directory() -> Result<PathBuf> {
    let process = std::process::id();
    for attempt in 0..1000 {
        let directory = std::env::temp_dir().join(format!("pixii-tour-{process}-{attempt}"));
        match fs::create_dir(&directory) {
            Ok(()) => return Ok(directory),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io_failure(&format!("create {}", directory.display()), &error)),
        }
    }
    Err(Failure::told(format!("there are too many tours in {}", std::env::temp_dir().display())))
}

fn io_failure(what: &str, error: &std::io::Error) -> Failure {
    Failure::told(format!("cannot {what}: {error}"))
}
