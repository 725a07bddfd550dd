//! What a store of several tables should hold after a history of commits: items, the indexes that are wanted, the
//! records of a stream, and the tokens of transactions.

use crate::deed::ItemWrite;
use crate::model::{Key, Model, TABLE};
use pixii::{
    AttributeDefinition, CreateTableRequest, Database, Error, EventName, GlobalIndexUpdate, IndexDescription,
    IndexRequest, Item, KeyRole, KeySchemaElement, KeyType, ProjectionRequest, ProjectionType,
    ResourceStatus, StreamRecord, StreamSpecification, StreamViewType, TableSchema, UpdateTableRequest,
};
use std::collections::{BTreeMap, BTreeSet};

/// A table with a stream, whose indexes come and go. The other one has its indexes from its creation on, and no stream.
pub(crate) const AUDIT: &str = "Audit";
pub(crate) const TABLES: [&str; 2] = [TABLE, AUDIT];
pub(crate) const INDEXES: [&str; 2] = ["ByTag", "ByScore"];

/// A token counts for this long after its transaction.
pub(crate) const TOKEN_MILLIS: u64 = 600_000;

/// What a commit does.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    CreateTable(&'static str),
    DropTable(&'static str),
    CreateIndex(&'static str),
    DropIndex(&'static str),
    /// Items as they are from then on; and the token that it was asked for with.
    Write(Vec<ItemChange>, Option<Token>),
}

/// A table, the key of an item, and what is there from then on.
pub(crate) type ItemChange = (&'static str, Key, Option<Item>);

/// A token, what it stands for, and when that was done.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) name: String,
    pub(crate) writes: Vec<ItemWrite>,
    pub(crate) at_millis: u64,
}

/// A record that a stream should have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) seqno: u64,
    event: EventName,
    key: Key,
    old: Option<Item>,
    new: Option<Item>,
}

/// A table.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableState {
    pub(crate) model: Model,
    pub(crate) indexes: BTreeSet<&'static str>,
    pub(crate) records: Vec<Recorded>,
    /// The commit that made it.
    pub(crate) made_by: u64,
}

/// All tables, and the tokens of transactions that were done.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) tables: BTreeMap<&'static str, TableState>,
    pub(crate) tokens: BTreeMap<String, Token>,
}

/// How much of a stream can be told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told {
    /// All of it.
    All,
    /// What is durable: all up to this commit, and perhaps more.
    AtLeast(u64),
}

impl World {
    pub(crate) fn item(&self, table: &str, key: &Key) -> Option<&Item> {
        self.tables.get(table).and_then(|table| table.model.items.get(key))
    }

    pub(crate) fn apply(&mut self, seqno: u64, deed: &Deed) -> Result<(), String> {
        let audit = |tables: &mut BTreeMap<_, TableState>| {
            tables.get_mut(AUDIT).map_or_else(
                || Err(format!("commit {seqno} changes an index of a table that is not there")),
                |table: &mut TableState| Ok(std::mem::take(&mut table.indexes)),
            )
        };
        match deed {
            Deed::CreateTable(name) => {
                let indexes = if *name == TABLE { INDEXES.into() } else { BTreeSet::new() };
                self.tables.insert(name, TableState { indexes, made_by: seqno, ..TableState::default() });
            }
            Deed::DropTable(name) => drop(self.tables.remove(name)),
            Deed::CreateIndex(name) => {
                let mut indexes = audit(&mut self.tables)?;
                indexes.insert(name);
                self.tables.entry(AUDIT).or_default().indexes = indexes;
            }
            Deed::DropIndex(name) => {
                let mut indexes = audit(&mut self.tables)?;
                indexes.remove(name);
                self.tables.entry(AUDIT).or_default().indexes = indexes;
            }
            Deed::Write(changes, token) => {
                for (name, key, item) in changes {
                    let Some(table) = self.tables.get_mut(name) else {
                        return Err(format!("commit {seqno} writes {key:?} into {name}, which is not there"));
                    };
                    table.record(seqno, name, key, item.as_ref());
                    table.model.apply(key, item.as_ref());
                }
                if let Some(token) = token {
                    self.tokens.insert(token.name.clone(), token.clone());
                }
            }
        }
        Ok(())
    }

    /// Compares the whole store, except for the tables that are being changed.
    pub(crate) fn check(
        &self,
        database: &Database,
        is_changing: impl Fn(&str) -> bool,
        told: Told,
    ) -> Result<(), String> {
        for name in TABLES.into_iter().filter(|name| !is_changing(name)) {
            let of = |wrong: String| format!("{name}: {wrong}");
            match (self.tables.get(name), database.table(name)) {
                (None, Err(_)) => {}
                (None, Ok(_)) => return Err(format!("{name} was dropped, or never made, and is there")),
                (Some(_), Err(error)) => return Err(format!("{name} is gone: {error}")),
                (Some(state), Ok(_)) => {
                    state.check(name, database).map_err(of)?;
                    if name == AUDIT {
                        state.check_stream(database, told).map_err(of)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl TableState {
    fn record(&mut self, seqno: u64, name: &str, key: &Key, item: Option<&Item>) {
        let old = self.model.items.get(key);
        if name != AUDIT || old == item {
            return;
        }
        let event = match (old, item) {
            (None, _) => EventName::Insert,
            (_, None) => EventName::Remove,
            _ => EventName::Modify,
        };
        let recorded = Recorded { seqno, event, key: key.clone(), old: old.cloned(), new: item.cloned() };
        self.records.push(recorded);
    }

    /// The items, every index that is ACTIVE, and which indexes there are.
    fn check(&self, name: &str, database: &Database) -> Result<(), String> {
        let table = database.table(name).map_err(text)?;
        self.model.check_items(&table)?;
        let described = described(database, name)?;
        for index in &described {
            if index.index_status == Some(ResourceStatus::Active) {
                self.model.check_index(&table, &index.index_name)?;
            } else if table.scan().index(&index.index_name).page().is_ok() {
                return Err(format!("{} was read although it is {:?}", index.index_name, index.index_status));
            }
        }
        let stays = |index: &&IndexDescription| index.index_status != Some(ResourceStatus::Deleting);
        let there: BTreeSet<&str> =
            described.iter().filter(stays).map(|index| index.index_name.as_str()).collect();
        if there != self.indexes.iter().copied().collect() {
            return Err(format!("the indexes {:?} should be there: {described:?}", self.indexes));
        }
        Ok(())
    }

    /// The stream tells exactly the changes, in the order of commits.
    fn check_stream(&self, database: &Database, told: Told) -> Result<(), String> {
        let records = database.stream(AUDIT).and_then(|stream| stream.records()?.collect());
        let records: Vec<StreamRecord> = records.map_err(|error| format!("a read failed: {error}"))?;
        let found = check_records(&records, &self.records)?;
        let least = match told {
            Told::All => self.records.len(),
            Told::AtLeast(seqno) => self.records.iter().filter(|record| record.seqno <= seqno).count(),
        };
        if found < least {
            return Err(format!("the stream has {found} of at least {least} records"));
        }
        Ok(())
    }
}

/// Compares records with those that should come first. Says how many there are.
pub(crate) fn check_records(found: &[StreamRecord], expected: &[Recorded]) -> Result<usize, String> {
    if !found.is_sorted_by(|one, other| one.sequence_number < other.sequence_number) {
        return Err("the records of the stream are not in order".to_owned());
    }
    let mut found: Vec<Recorded> = found.iter().map(recorded).collect();
    // The order within a commit is no promise.
    let place = |record: &Recorded| (record.seqno, record.key.clone());
    found.sort_by_key(place);
    let mut expected = expected.to_vec();
    expected.sort_by_key(place);
    match found.iter().enumerate().find(|(at, record)| expected.get(*at) != Some(record)) {
        None => Ok(found.len()),
        Some((at, record)) => {
            Err(format!("record {at} of the stream is {record:?}, not {:?}", expected.get(at)))
        }
    }
}

fn recorded(record: &StreamRecord) -> Recorded {
    let sort = crate::deed::whole(&record.keys, "sk").unwrap_or(i64::MIN);
    let partition = record.keys.get("pk").and_then(pixii::Value::as_str).unwrap_or_default();
    Recorded {
        seqno: record.sequence_number.seqno.0,
        event: record.event_name,
        key: (partition.to_owned(), sort),
        old: record.old_image.clone(),
        new: record.new_image.clone(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` calls takes the error")]
fn text(error: Error) -> String {
    format!("a read failed: {error}")
}

fn described(database: &Database, name: &str) -> Result<Vec<IndexDescription>, String> {
    Ok(database.describe_table(name).map_err(text)?.global_secondary_indexes)
}

/// The request that makes a table.
pub(crate) fn create_table(name: &str) -> CreateTableRequest {
    if name == TABLE {
        return crate::model::schema().into();
    }
    let schema =
        TableSchema::builder(name).partition_key("pk", KeyType::String).sort_key("sk", KeyType::Number);
    let stream_view_type = Some(StreamViewType::NewAndOldImages);
    let stream_specification = Some(StreamSpecification { stream_enabled: true, stream_view_type });
    CreateTableRequest { stream_specification, ..schema.build().expect("a valid schema").into() }
}

/// The request that adds an index to a table.
pub(crate) fn create_index(table: &str, name: &str) -> UpdateTableRequest {
    let define =
        |name: &str, attribute_type| AttributeDefinition { attribute_name: name.to_owned(), attribute_type };
    let element = |name: &str, key_type| KeySchemaElement { attribute_name: name.to_owned(), key_type };
    let (key_schema, projection) = if name == "ByTag" {
        let key = vec![element("tag", KeyRole::Partition), element("score", KeyRole::Sort)];
        (key, ProjectionRequest { projection_type: Some(ProjectionType::All), non_key_attributes: None })
    } else {
        let names = Some(vec!["id".to_owned()]);
        let projection_type = Some(ProjectionType::Include);
        let projection = ProjectionRequest { projection_type, non_key_attributes: names };
        (vec![element("score", KeyRole::Partition)], projection)
    };
    let index_name = name.to_owned();
    let create = IndexRequest { index_name, key_schema, projection, ..IndexRequest::default() };
    let update = GlobalIndexUpdate { create: Some(create), ..GlobalIndexUpdate::default() };
    let mut attribute_definitions = vec![define("score", KeyType::Number)];
    if name == "ByTag" {
        attribute_definitions.push(define("tag", KeyType::String));
    }
    UpdateTableRequest { attribute_definitions, ..update_indexes(table, update) }
}

/// The request that drops an index.
pub(crate) fn drop_index(table: &str, name: &str) -> UpdateTableRequest {
    update_indexes(table, GlobalIndexUpdate { delete: Some(name.to_owned()), ..GlobalIndexUpdate::default() })
}

fn update_indexes(table: &str, update: GlobalIndexUpdate) -> UpdateTableRequest {
    UpdateTableRequest {
        table_name: table.to_owned(),
        global_secondary_index_updates: vec![update],
        ..UpdateTableRequest::default()
    }
}
