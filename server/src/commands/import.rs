//! `pixii import`: items from a file of JSON into a table.
//!
//! The steps, in the order of the code: open the file, then the store, then the table, which is created if it is missing;
//! read object by object, turn each into an item and put it; close the store, which makes everything durable; say what
//! was done.
//!
//! Invariants:
//! 1. The file is read as a stream: one object at a time is in memory.
//! 2. What was put before a fault stays, and the message says how much that is.
//! 3. Success is said only after the store is closed, so after everything is durable.

use crate::failure::{Failure, Result};
use crate::json::stream::{Object, ObjectStream, Place, StreamFault};
use crate::json::{plain, typed};
use crate::keys::{IndexDefinition, attribute_text, build_schema, key_text, parse_attribute, parse_index};
use crate::store::TableArguments;
use clap::{Args, ValueEnum};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use pixii::dynamo::schema::KeyAttribute;
use pixii::{Database, Durability, ErrorKind, Item, PutRequest, Table, TableSchema};
use serde_json::Value as Json;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

/// Load the items of a JSON file into a table.
///
/// The file is an array of objects, or objects one after the other, as in JSON lines. They are plain JSON, or DynamoDB
/// JSON ({"year": {"N": "2013"}}), also wrapped as in DynamoDB's exports ({"Item": {…}}). An item takes the place of
/// one with the same key.
///
/// A fault ends the import, and is told with the file, the line and the column. What was imported before it is kept.
#[derive(Args, Debug)]
pub(crate) struct ImportArguments {
    /// The file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    table: TableArguments,
    /// The partition key, to create the table if it is missing: its name and its type S, N or B
    #[arg(long, value_name = "NAME:TYPE", value_parser = parse_attribute)]
    partition_key: Option<KeyAttribute>,
    /// The sort key, likewise
    #[arg(long, value_name = "NAME:TYPE", value_parser = parse_attribute, requires = "partition_key")]
    sort_key: Option<KeyAttribute>,
    /// A global index, likewise: its name, its partition key, and its sort key if it has one; may be repeated
    #[arg(long = "index", value_name = "INDEX:NAME:TYPE[,NAME:TYPE]", value_parser = parse_index, requires = "partition_key")]
    indexes: Vec<IndexDefinition>,
    /// How items are written in the file
    #[arg(long, value_enum, default_value_t)]
    format: ImportFormat,
}

/// How items are written in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ImportFormat {
    /// As the first item is written
    #[default]
    Auto,
    /// Plain JSON
    Json,
    /// Every value with its type
    DynamodbJson,
}

/// Runs the command.
pub(crate) fn run(arguments: &ImportArguments) -> Result<()> {
    let source = Source::open(arguments)?;
    let (database, table) = open_table(arguments)?;
    let mut import = Import::new(arguments.format, table, ObjectStream::new(source.input), source.bar);
    let fault = import.run();
    let closed = database.close();
    import.bar.finish_and_clear();
    let (items, table) = (HumanCount(import.items), import.table.name());
    match (fault, closed) {
        (Ok(()), Ok(())) => {
            let form = match import.format {
                ImportFormat::DynamodbJson => " from DynamoDB JSON",
                ImportFormat::Json | ImportFormat::Auto => "",
            };
            let directory = arguments.table.store.directory.display();
            eprintln!("{items} items imported{form} into {table} in {directory}");
            Ok(())
        }
        (Err(fault), Ok(())) => Err(Failure::told(format!(
            "{}\n{items} items before it were imported, and are kept in {table}",
            fault.in_words(&source.name)
        ))),
        (fault, Err(error)) => {
            let fault = fault.err().map(|fault| format!("{}\n", fault.in_words(&source.name)));
            Err(Failure::told(format!(
                "{}the store could not be closed, so the last of the {items} imported items may not be durable: {error}",
                fault.unwrap_or_default()
            )))
        }
    }
}

/// Where the items come from.
struct Source {
    name: String,
    input: Box<dyn BufRead>,
    bar: ProgressBar,
}

impl Source {
    fn open(arguments: &ImportArguments) -> Result<Self> {
        const BUFFER_BYTES: usize = 256 * 1024;
        if arguments.file.as_os_str() == "-" {
            let input = BufReader::with_capacity(BUFFER_BYTES, io::stdin());
            return Ok(Self { name: "standard input".to_owned(), input: Box::new(input), bar: bar(None) });
        }
        let name = arguments.file.display().to_string();
        let told = |error| Failure::told(format!("cannot read {name}: {error}"));
        let file = File::open(&arguments.file).map_err(told)?;
        let metadata = file.metadata().map_err(told)?;
        if metadata.is_dir() {
            return Err(Failure::told(format!("cannot read {name}: it is a directory")));
        }
        let bar = bar(metadata.is_file().then_some(metadata.len()));
        Ok(Self { name, input: Box::new(BufReader::with_capacity(BUFFER_BYTES, file)), bar })
    }
}

/// A bar on standard error, which is hidden where that is no terminal.
fn bar(size_bytes: Option<u64>) -> ProgressBar {
    let (bar, template) = match size_bytes {
        Some(size_bytes) => {
            (ProgressBar::new(size_bytes), "{wide_bar} {bytes} of {total_bytes}, {msg}, {eta} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {bytes}, {msg}"),
    };
    bar.with_style(ProgressStyle::with_template(template).expect("the template is well formed"))
}

/// The table, which is created if it is missing. Nothing is created where that cannot succeed.
fn open_table(arguments: &ImportArguments) -> Result<(Database, Table)> {
    let ImportArguments {
        table: TableArguments { store, table: name },
        partition_key,
        sort_key,
        indexes,
        ..
    } = arguments;
    let asked = match partition_key {
        Some(partition) => Some(build_schema(name, partition, sort_key.as_ref(), indexes)?),
        None => None,
    };
    let database =
        if asked.is_none() || store.exists() { store.open()? } else { Database::open(&store.directory)? };
    let exists = database.tables().iter().any(|table| table == name);
    let table = match (exists, asked) {
        (true, None) => database.table(name)?,
        (true, Some(asked)) => {
            let table = database.table(name)?;
            check_schema(table.schema(), &asked, indexes)?;
            table
        }
        (false, Some(asked)) => database.create_table(asked)?,
        (false, None) => {
            let directory = store.directory.display();
            return Err(Failure::told(format!(
                "there is no table {name} in {directory}; to create it, give --partition-key and, if it has one, --sort-key"
            )));
        }
    };
    Ok((database, table))
}

/// Refuses a table whose key is another than was asked for, or that lacks an index that was.
fn check_schema(schema: &TableSchema, asked: &TableSchema, indexes: &[IndexDefinition]) -> Result<()> {
    let name = schema.name();
    if schema.key() != asked.key() {
        let (has, asked) = (key_text(schema.key()), key_text(asked.key()));
        return Err(Failure::told(format!("the table {name} exists with the key {has}, not {asked}")));
    }
    for definition in indexes {
        let found = schema.global_indexes().iter().find(|index| index.name() == definition.name);
        if !found.is_some_and(|index| definition.has_key_of(index)) {
            let has = match found {
                Some(index) => format!("with the key {}", key_text(index.key())),
                None => "without it".to_owned(),
            };
            let sort = definition.sort.as_ref().map(|sort| format!(", {}", attribute_text(sort)));
            let asked = format!("{}{}", attribute_text(&definition.partition), sort.unwrap_or_default());
            let index = &definition.name;
            return Err(Failure::told(format!(
                "the index {index} was asked for with the key {asked}, and the table {name} exists {has}"
            )));
        }
    }
    Ok(())
}

/// Why an import ends early.
enum Fault {
    /// The text of the file is wrong, or the item that begins there.
    Text { place: Place, reason: String },
    /// The file could not be read.
    Read(io::Error),
    /// The store failed.
    Store(pixii::Error),
}

impl Fault {
    fn in_words(&self, file: &str) -> String {
        match self {
            Self::Text { place, reason } => format!("{file}:{place}: {reason}"),
            Self::Read(error) => format!("cannot read {file}: {error}"),
            Self::Store(error) => error.to_string(),
        }
    }
}

impl From<StreamFault> for Fault {
    fn from(fault: StreamFault) -> Self {
        match fault {
            StreamFault::Malformed { place, reason } => Self::Text { place, reason },
            StreamFault::Read(error) => Self::Read(error),
        }
    }
}

/// An import under way.
struct Import {
    format: ImportFormat,
    table: Table,
    objects: ObjectStream<Box<dyn BufRead>>,
    bar: ProgressBar,
    items: u64,
}

impl Import {
    fn new(
        format: ImportFormat,
        table: Table,
        objects: ObjectStream<Box<dyn BufRead>>,
        bar: ProgressBar,
    ) -> Self {
        Self { format, table, objects, bar, items: 0 }
    }

    fn run(&mut self) -> Result<(), Fault> {
        const ITEMS_PER_TICK: u64 = 256;
        while let Some(object) = self.objects.next_object()? {
            let place = object.place;
            let item = self.read_item(object).map_err(|reason| Fault::Text { place, reason })?;
            self.put(item, place)?;
            self.items += 1;
            if self.items.is_multiple_of(ITEMS_PER_TICK) {
                self.tick();
            }
        }
        self.tick();
        Ok(())
    }

    fn read_item(&mut self, object: Object) -> Result<Item, String> {
        let members = unwrapped(object);
        if self.format == ImportFormat::Auto {
            let is_typed = typed::looks_typed(&members);
            self.format = if is_typed { ImportFormat::DynamodbJson } else { ImportFormat::Json };
        }
        let item = match self.format {
            ImportFormat::DynamodbJson => typed::read_item(members),
            ImportFormat::Json | ImportFormat::Auto => plain::read_item(members),
        };
        item.map_err(|fault| fault.to_string())
    }

    /// Buffered, because closing the store makes all of it durable at once.
    fn put(&self, item: Item, place: Place) -> Result<(), Fault> {
        let mut request = PutRequest::new(item);
        request.options.durability = Durability::Buffered;
        let written = self.table.submit_put(&request).and_then(pixii::Pending::wait);
        written.map(drop).map_err(|error| match error.kind() {
            ErrorKind::Validation => Fault::Text { place, reason: error.to_string() },
            _ => Fault::Store(error),
        })
    }

    fn tick(&self) {
        let seconds = self.bar.elapsed().as_secs().max(1);
        let (items, rate) = (HumanCount(self.items), HumanCount(self.items / seconds));
        self.bar.set_message(format!("{items} items, {rate} a second"));
        self.bar.set_position(self.objects.offset());
    }
}

/// The members of an item, out of the object that DynamoDB's exports wrap it in: its one member is `Item`, an object whose
/// members are all objects. No item itself looks so, because the attributes of its key are no objects.
fn unwrapped(object: Object) -> serde_json::Map<String, Json> {
    let mut members = object.members;
    let is_wrapped = members.len() == 1
        && members
            .get("Item")
            .and_then(Json::as_object)
            .is_some_and(|item| item.values().all(Json::is_object));
    match members.get_mut("Item") {
        Some(Json::Object(item)) if is_wrapped => std::mem::take(item),
        _ => members,
    }
}
