//! An interactive transaction step by step, and the same steps on a model.

use crate::model::{Key, Model};
use crate::workload::Step;
use crate::world::{ItemChange, World};
use pixii::{Durability, Error, ErrorKind, Item, Table, Transaction};
use std::collections::{BTreeMap, VecDeque};

/// An interactive transaction that is open.
pub(crate) struct Transacting {
    pub(crate) transaction: Transaction,
    pub(crate) left: VecDeque<Step>,
    pub(crate) seen: Vec<(Step, Seen)>,
    pub(crate) durability: Durability,
}

/// What a step was given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Items(Vec<Item>),
    Written,
    Unmet,
}

/// Takes a step, and says what it saw.
pub(crate) fn take_step(transaction: &mut Transaction, table: &Table, step: &Step) -> Result<Seen, Error> {
    match step {
        Step::Get(_, key) => {
            let item = transaction.get_item(table, (key.0.as_str(), key.1))?;
            Ok(Seen::Items(item.into_iter().collect()))
        }
        Step::Query(_, partition, limit) => {
            let query = table.query(*partition);
            let query = match limit {
                Some(limit) => query.limit(*limit),
                None => query,
            };
            transaction.read(query).map(Seen::Items)
        }
        Step::ScanIndex(index) => transaction.read(table.scan().index(*index)).map(Seen::Items),
        Step::Write(write) => match write.make_in(transaction, table) {
            Ok(()) => Ok(Seen::Written),
            Err(error) if error.kind() == ErrorKind::ConditionalCheckFailed => Ok(Seen::Unmet),
            Err(error) => Err(error),
        },
    }
}

/// Does the steps of a transaction again on a state: each must see what it saw. Gives the items that it leaves.
pub(crate) fn replay(mut world: World, seen: &[(Step, Seen)]) -> Result<Vec<ItemChange>, String> {
    let mut written: BTreeMap<(&'static str, Key), Option<Item>> = BTreeMap::new();
    for (step, seen) in seen {
        let model =
            |name: &str| world.tables.get(name).map_or_else(Model::default, |table| table.model.clone());
        let should = match step {
            Step::Get(table, key) => Seen::Items(world.item(table, key).cloned().into_iter().collect()),
            Step::Query(table, partition, limit) => {
                let model = model(table);
                let items = model.items.iter().filter(|((found, _), _)| found == partition);
                let items = items.map(|(_, item)| item.clone());
                Seen::Items(items.take(limit.unwrap_or(usize::MAX)).collect())
            }
            Step::ScanIndex(index) => Seen::Items(model(crate::model::TABLE).index_entries(index)),
            Step::Write(write) => match write.on(world.item(write.table, &write.key)) {
                Ok(new) => {
                    if let Some(table) = world.tables.get_mut(write.table) {
                        table.model.apply(&write.key, new.as_ref());
                    }
                    written.insert((write.table, write.key.clone()), new);
                    Seen::Written
                }
                Err(_) => Seen::Unmet,
            },
        };
        if should != *seen {
            return Err(format!("a transaction saw {seen:?} by {step:?}, and not {should:?}"));
        }
    }
    Ok(written.into_iter().map(|((table, key), item)| (table, key, item)).collect())
}
