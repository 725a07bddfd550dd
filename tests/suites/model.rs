//! What the store should hold: a map of items, from which the indexes are computed anew.

use pixii::{Database, Error, GlobalIndex, Item, KeyType, Number, Projection, Table, TableSchema, Value};
use std::collections::BTreeMap;

/// The table that all suites use: two indexes, one of them without all attributes.
pub(crate) const TABLE: &str = "Items";

/// Partitions and sort keys are few, so that items are overwritten and deleted often.
pub(crate) const PARTITIONS: [&str; 3] = ["a", "a\0b", "ä"];
pub(crate) const SORTS: std::ops::Range<i64> = -2..4;

pub(crate) fn schema() -> TableSchema {
    TableSchema::builder(TABLE)
        .partition_key("pk", KeyType::String)
        .sort_key("sk", KeyType::Number)
        .global_index(
            GlobalIndex::builder("ByTag")
                .partition_key("tag", KeyType::String)
                .sort_key("score", KeyType::Number),
        )
        .global_index(
            GlobalIndex::builder("ByScore")
                .partition_key("score", KeyType::Number)
                .projection(Projection::include(["id"])),
        )
        .build()
        .expect("a valid schema")
}

pub(crate) type Key = (String, i64);

/// The items of a store by key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model {
    pub(crate) items: BTreeMap<Key, Item>,
}

fn text(item: &Item, name: &str) -> Option<String> {
    item.get(name).and_then(Value::as_str).map(ToOwned::to_owned)
}

fn number(item: &Item, name: &str) -> Option<Number> {
    item.get(name).and_then(|value| match value {
        Value::Number(number) => Some(*number),
        _ => None,
    })
}

impl Model {
    pub(crate) fn apply(&mut self, key: &Key, item: Option<&Item>) {
        match item {
            Some(item) => self.items.insert(key.clone(), item.clone()),
            None => self.items.remove(key),
        };
    }

    /// The entries of `ByTag` in their order.
    pub(crate) fn by_tag(&self) -> Vec<Item> {
        let mut entries = BTreeMap::new();
        for (key, item) in &self.items {
            if let (Some(tag), Some(score)) = (text(item, "tag"), number(item, "score")) {
                entries.insert((tag, score, key.clone()), item.clone());
            }
        }
        entries.into_values().collect()
    }

    /// The entries of `ByScore` in their order.
    pub(crate) fn by_score(&self) -> Vec<Item> {
        let mut entries = BTreeMap::new();
        for (key, item) in &self.items {
            if let Some(score) = number(item, "score") {
                let projected = ["pk", "sk", "score", "id"];
                let projected =
                    projected.into_iter().filter_map(|name| Some((name, item.get(name)?.clone())));
                entries.insert((score, key.clone()), projected.map(|(n, v)| (n.to_owned(), v)).collect());
            }
        }
        entries.into_values().collect()
    }

    /// Compares the whole store with the model: scans, queries both ways, gets, indexes.
    pub(crate) fn check(&self, database: &Database) -> Result<(), String> {
        let table = database.table(TABLE).map_err(|error| format!("a read failed: {error}"))?;
        self.check_items(&table)?;
        self.check_index(&table, "ByTag")?;
        self.check_index(&table, "ByScore")
    }

    /// Compares the items of a table with the model.
    pub(crate) fn check_items(&self, table: &Table) -> Result<(), String> {
        let read = |error: Error| format!("a read failed: {error}");
        let all: Vec<Item> = table.scan().into_iter().collect::<Result<_, _>>().map_err(read)?;
        same("scan", &all, self.items.values())?;
        for partition in PARTITIONS {
            let expected = || self.items.iter().filter(|((pk, _), _)| pk == partition).map(|(_, item)| item);
            let forward: Vec<Item> =
                table.query(partition).into_iter().collect::<Result<_, _>>().map_err(read)?;
            same("query", &forward, expected())?;
            let backward: Vec<Item> =
                table.query(partition).reverse().into_iter().collect::<Result<_, _>>().map_err(read)?;
            same("reverse query", &backward, expected().rev())?;
            for sort in SORTS {
                let found = table.get_item((partition, sort)).map_err(read)?;
                let wanted = self.items.get(&(partition.to_owned(), sort));
                same("get", found.as_slice(), wanted.into_iter())?;
            }
        }
        Ok(())
    }

    /// The entries of an index in their order.
    pub(crate) fn index_entries(&self, index: &str) -> Vec<Item> {
        if index == "ByTag" { self.by_tag() } else { self.by_score() }
    }

    /// Compares an index with the one that the model gives.
    pub(crate) fn check_index(&self, table: &Table, index: &str) -> Result<(), String> {
        let read = |error: Error| format!("a read failed: {error}");
        let entries: Vec<Item> =
            table.scan().index(index).into_iter().collect::<Result<_, _>>().map_err(read)?;
        same(&format!("index {index}"), &entries, self.index_entries(index).iter())
    }
}

fn same<'a>(what: &str, found: &[Item], wanted: impl Iterator<Item = &'a Item>) -> Result<(), String> {
    let wanted: Vec<&Item> = wanted.collect();
    if found.iter().eq(wanted.iter().copied()) {
        return Ok(());
    }
    let ids = |items: &mut dyn Iterator<Item = &Item>| {
        let id = |item: &Item| number(item, "id").map_or_else(|| "none".to_owned(), |id| id.to_string());
        items.map(id).collect::<Vec<_>>().join(", ")
    };
    Err(format!(
        "{what} gave [{}] and should have given [{}]",
        ids(&mut found.iter()),
        ids(&mut wanted.into_iter())
    ))
}
