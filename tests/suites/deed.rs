//! What a client asks of a table, in the suite's own words, and what becomes of an item by it: said once for the model, by
//! plain code on plain values, and once for the store, as requests.

use crate::model::Key;
use pixii::{
    Condition, Delete, Durability, Error, Item, Number, Pending, Put, ReturnValues, Table, TransactWrite,
    Transaction, Update, Value, Write, WriteRequest, attr,
};

/// A write of one item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ItemWrite {
    pub(crate) table: &'static str,
    pub(crate) key: Key,
    pub(crate) change: Change,
    pub(crate) test: Option<Test>,
}

/// What it does to the item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    Put(Item),
    Update(Vec<Act>),
    Delete,
    /// Nothing: only in transactions, and with a test.
    Check,
}

/// A part of an update. No two of one update name the same attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    Set(&'static str, Value),
    Add(&'static str, i64),
    Remove(&'static str),
    AddLabel(&'static str),
    DropLabel(&'static str),
}

/// What the item must meet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    Absent,
    Present,
    IdIs(u64),
    CountAtLeast(i64),
    Untagged,
}

/// The item does not meet the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unmet;

pub(crate) fn whole(item: &Item, name: &str) -> Option<i64> {
    item.get(name).and_then(Value::as_number).and_then(|number: Number| i64::try_from(number).ok())
}

fn with_key(key: &Key) -> Item {
    Item::new().with("pk", key.0.as_str()).with("sk", key.1)
}

impl Test {
    fn is_met(&self, item: Option<&Item>) -> bool {
        let has = |name: &str| item.is_some_and(|item| item.get(name).is_some());
        let number = |name: &str| item.and_then(|item| whole(item, name));
        match self {
            Self::Absent => item.is_none(),
            Self::Present => item.is_some(),
            Self::IdIs(id) => number("id").is_some_and(|found| found == i64::try_from(*id).unwrap_or(-1)),
            Self::CountAtLeast(least) => number("count").is_some_and(|count| count >= *least),
            Self::Untagged => !has("tag"),
        }
    }

    fn condition(&self) -> Condition {
        match self {
            Self::Absent => attr("pk").not_exists(),
            Self::Present => attr("pk").exists(),
            Self::IdIs(id) => attr("id").eq(*id),
            Self::CountAtLeast(least) => attr("count").ge(*least),
            Self::Untagged => attr("tag").not_exists(),
        }
    }
}

impl Act {
    fn only_takes(&self) -> bool {
        matches!(self, Self::Remove(_) | Self::DropLabel(_))
    }

    fn apply(&self, item: &mut Item) {
        let labels = |item: &Item| match item.get("labels") {
            Some(Value::StringSet(labels)) => labels.clone(),
            _ => std::collections::BTreeSet::new(),
        };
        match self {
            Self::Set(name, value) => drop(item.insert(*name, value.clone())),
            Self::Add(name, by) => {
                let sum = whole(item, name).unwrap_or(0) + by;
                item.insert(*name, sum);
            }
            Self::Remove(name) => drop(item.remove(name)),
            Self::AddLabel(label) => {
                let mut labels = labels(item);
                labels.insert((*label).to_owned());
                item.insert("labels", Value::StringSet(labels));
            }
            Self::DropLabel(label) => {
                let mut labels = labels(item);
                labels.remove(*label);
                if labels.is_empty() {
                    item.remove("labels");
                } else {
                    item.insert("labels", Value::StringSet(labels));
                }
            }
        }
    }

    fn say<'a>(&self, update: Update<'a>) -> Update<'a> {
        let label = |label: &str| Value::string_set([label]).expect("one label");
        match self {
            Self::Set(name, value) => update.set(*name, value.clone()),
            Self::Add(name, by) => update.add(*name, *by),
            Self::Remove(name) => update.remove(*name),
            Self::AddLabel(name) => update.add("labels", label(name)),
            Self::DropLabel(name) => {
                update.apply(pixii::UpdateExpression::new().delete("labels", label(name)))
            }
        }
    }
}

impl ItemWrite {
    /// What becomes of the item.
    pub(crate) fn on(&self, item: Option<&Item>) -> Result<Option<Item>, Unmet> {
        if self.test.as_ref().is_some_and(|test| !test.is_met(item)) {
            return Err(Unmet);
        }
        Ok(match &self.change {
            Change::Put(item) => Some(item.clone()),
            Change::Delete => None,
            Change::Check => item.cloned(),
            // What only removes and deletes makes no item.
            Change::Update(acts) if item.is_none() && acts.iter().all(Act::only_takes) => None,
            Change::Update(acts) => {
                let mut new = item.cloned().unwrap_or_else(|| with_key(&self.key));
                for act in acts {
                    act.apply(&mut new);
                }
                Some(new)
            }
        })
    }

    fn tested<'a, R: WriteRequest>(&self, write: Write<'a, R>) -> Write<'a, R> {
        match &self.test {
            Some(test) => write.condition(test.condition()),
            None => write,
        }
    }

    fn key(&self) -> (&str, i64) {
        (self.key.0.as_str(), self.key.1)
    }

    fn put<'a>(&self, table: &'a Table, item: &Item) -> Put<'a> {
        self.tested(table.put_request(item))
    }

    fn update<'a>(&self, table: &'a Table, acts: &[Act]) -> Update<'a> {
        let update = table.update(self.key());
        self.tested(acts.iter().fold(update, |update, act| act.say(update)))
    }

    fn delete<'a>(&self, table: &'a Table) -> Delete<'a> {
        self.tested(table.delete_request(self.key()))
    }

    /// The attributes that [`submit`](Self::submit) asks for, if this is the item before and after.
    pub(crate) fn told(&self, before: Option<&Item>, after: Option<&Item>) -> Option<Item> {
        match &self.change {
            Change::Update(_) => after.cloned(),
            _ => before.cloned(),
        }
    }

    /// As a request of its own. It asks for the item as it has become by an update, and else as it was.
    pub(crate) fn submit(&self, table: &Table, durability: Durability, asks: bool) -> Result<Pending, Error> {
        let old = if asks { ReturnValues::AllOld } else { ReturnValues::None };
        let new = if asks { ReturnValues::AllNew } else { ReturnValues::None };
        match &self.change {
            Change::Put(item) => self.put(table, item).return_values(old).durability(durability).submit(),
            Change::Update(acts) => {
                self.update(table, acts).return_values(new).durability(durability).submit()
            }
            Change::Delete => self.delete(table).return_values(old).durability(durability).submit(),
            Change::Check => unreachable!("a check by itself is no write"),
        }
    }

    /// As an action of a transaction of writes.
    pub(crate) fn action(&self, table: &Table) -> Result<TransactWrite, Error> {
        Ok(match &self.change {
            Change::Put(item) => TransactWrite::Put(self.put(table, item).into_request()?),
            Change::Update(acts) => TransactWrite::Update(self.update(table, acts).into_request()?),
            Change::Delete => TransactWrite::Delete(self.delete(table).into_request()?),
            Change::Check => {
                let request = self.delete(table).into_request()?;
                TransactWrite::ConditionCheck { key: request.key, options: request.options }
            }
        })
    }

    /// Within an interactive transaction.
    pub(crate) fn make_in(&self, transaction: &mut Transaction, table: &Table) -> Result<(), Error> {
        match &self.change {
            Change::Put(item) => transaction.write(self.put(table, item)),
            Change::Update(acts) => transaction.write(self.update(table, acts)),
            Change::Delete => transaction.write(self.delete(table)),
            Change::Check => unreachable!("a check is a read"),
        }
        .map(drop)
    }
}
