//! `pixii tables`: what tables a store has.

use crate::failure::Result;
use crate::keys::attribute_text;
use crate::output::Output;
use crate::store::StoreArguments;
use clap::Args;
use pixii::dynamo::schema::KeySchema;
use pixii::{GlobalIndex, Projection, TableSchema};
use serde_json::{Map, Value as Json, json};

/// Print the tables with their keys and indexes, one a line.
///
/// Keys are written as `pixii import` takes them.
#[derive(Args, Debug)]
pub(crate) struct TablesArguments {
    #[command(flatten)]
    store: StoreArguments,
}

/// Runs the command.
pub(crate) fn run(arguments: &TablesArguments) -> Result<()> {
    let database = arguments.store.open()?;
    let mut output = Output::new();
    for name in database.tables() {
        output.text(&describe(database.table(&name)?.schema()).to_string())?;
    }
    output.flush()
}

fn describe(schema: &TableSchema) -> Json {
    let mut members = with_key("table", schema.name(), schema.key());
    let indexes: Vec<_> = schema.global_indexes().iter().map(describe_index).collect();
    if !indexes.is_empty() {
        members.insert("indexes".to_owned(), indexes.into());
    }
    members.into()
}

fn describe_index(index: &GlobalIndex) -> Json {
    let mut members = with_key("name", index.name(), index.key());
    let projection = match index.projection() {
        Projection::All => json!("all"),
        Projection::KeysOnly => json!("keys only"),
        Projection::Include(names) => json!(names),
    };
    members.insert("projection".to_owned(), projection);
    members.into()
}

fn with_key(kind: &str, name: &str, key: &KeySchema) -> Map<String, Json> {
    let mut members = Map::new();
    members.insert(kind.to_owned(), name.into());
    for attribute in key.partition() {
        members.insert("partition_key".to_owned(), attribute_text(attribute).into());
    }
    for attribute in key.sort() {
        members.insert("sort_key".to_owned(), attribute_text(attribute).into());
    }
    members
}
