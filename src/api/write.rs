//! Puts, updates and deletes with options.

use super::expression::attribute::{IntoAttribute, attr};
use super::expression::condition::Condition;
use super::expression::operand::OperandOf;
use super::expression::update::UpdateExpression;
use super::handle::Handle;
use crate::dynamo::capacity::ReturnConsumedCapacity;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::expression::tree::{Constant, SetValue};
use crate::dynamo::fault::Operation;
use crate::dynamo::item_key::Key;
use crate::dynamo::transaction::InteractiveTransaction;
use crate::dynamo::value::Item;
use crate::dynamo::write::request::{
    DeleteRequest, PutRequest, ReturnItemCollectionMetrics, ReturnValues,
    ReturnValuesOnConditionCheckFailure, UpdateRequest, WriteOptions, WriteOutput,
};
use crate::dynamo::write::single::{self, Pending};
use crate::engine::options::Durability;

/// A write of one item with options: a [`Put`], an [`Update`] or a [`Delete`].
#[must_use = "nothing is written before `send` or `submit`"]
pub struct Write<'a, R> {
    handle: &'a Handle,
    request: R,
    /// What an update does; nothing for the others.
    update: UpdateExpression,
    condition: Option<Condition>,
    /// What was found wrong while the request was built.
    error: Option<Error>,
}

/// A put with options; made by [`Table::put_request`](super::table::Table::put_request).
pub type Put<'a> = Write<'a, PutRequest>;

/// A change of attributes; made by [`Table::update`](super::table::Table::update).
pub type Update<'a> = Write<'a, UpdateRequest>;

/// A delete with options; made by [`Table::delete_request`](super::table::Table::delete_request).
pub type Delete<'a> = Write<'a, DeleteRequest>;

/// A request to write one item, as plain data.
pub trait WriteRequest: sealed::Sealed {
    /// What any write can ask for.
    fn options(&mut self) -> &mut WriteOptions;
}

mod sealed {
    use super::{Handle, InteractiveTransaction, Item, Operation, Pending, Result, UpdateExpression};
    use crate::dynamo::fault::Fault;

    pub trait Sealed: Sized {
        const OPERATION: Operation;

        /// Takes over what an update does.
        fn take_update(&mut self, _update: UpdateExpression) -> Result<(), Fault> {
            Ok(())
        }

        fn begin(&self, on: &Handle) -> Result<Pending>;

        fn make_in(&self, on: &Handle, transaction: &mut InteractiveTransaction) -> Result<Option<Item>>;
    }
}

impl WriteRequest for PutRequest {
    fn options(&mut self) -> &mut WriteOptions {
        &mut self.options
    }
}

impl sealed::Sealed for PutRequest {
    const OPERATION: Operation = Operation::PutItem;

    fn begin(&self, on: &Handle) -> Result<Pending> {
        single::put(&on.store, &on.table, self)
    }

    fn make_in(&self, on: &Handle, transaction: &mut InteractiveTransaction) -> Result<Option<Item>> {
        transaction.put(&on.table, self)
    }
}

impl WriteRequest for UpdateRequest {
    fn options(&mut self) -> &mut WriteOptions {
        &mut self.options
    }
}

impl sealed::Sealed for UpdateRequest {
    const OPERATION: Operation = Operation::UpdateItem;

    fn take_update(&mut self, update: UpdateExpression) -> Result<(), crate::dynamo::fault::Fault> {
        self.update.actions.extend(update.into_tree()?.actions);
        Ok(())
    }

    fn begin(&self, on: &Handle) -> Result<Pending> {
        single::update(&on.store, &on.table, self)
    }

    fn make_in(&self, on: &Handle, transaction: &mut InteractiveTransaction) -> Result<Option<Item>> {
        transaction.update(&on.table, self)
    }
}

impl WriteRequest for DeleteRequest {
    fn options(&mut self) -> &mut WriteOptions {
        &mut self.options
    }
}

impl sealed::Sealed for DeleteRequest {
    const OPERATION: Operation = Operation::DeleteItem;

    fn begin(&self, on: &Handle) -> Result<Pending> {
        single::delete(&on.store, &on.table, self)
    }

    fn make_in(&self, on: &Handle, transaction: &mut InteractiveTransaction) -> Result<Option<Item>> {
        transaction.delete(&on.table, self)
    }
}

impl<'a> Put<'a> {
    pub(super) fn new(handle: &'a Handle, item: Result<Item>) -> Self {
        let (item, error) = parts(item, Item::new);
        Self::begin(handle, PutRequest::new(item), error)
    }

    /// Only if there is no item of this key yet.
    pub fn if_absent(self) -> Self {
        let key = self.handle.table.schema().key().partition().first().map(|key| key.name.clone());
        self.condition(attr(key.unwrap_or_default()).not_exists())
    }
}

impl<'a> Update<'a> {
    pub(super) fn new(handle: &'a Handle, key: Result<Key>) -> Self {
        let (key, error) = parts(key, || Key::Attributes(Item::new()));
        Self::begin(
            handle,
            UpdateRequest::new(key, crate::dynamo::expression::tree::Update::default()),
            error,
        )
    }

    /// All changes of an expression beside those that were asked for already.
    pub fn apply(mut self, update: impl Into<UpdateExpression>) -> Self {
        self.update = self.update.and(update);
        self
    }

    /// The attribute has this value from now on: a value, or what is computed from the item as it was.
    pub fn set<A: IntoAttribute>(
        mut self,
        target: A,
        value: impl OperandOf<A::Type, Form: Into<SetValue>>,
    ) -> Self {
        self.update = self.update.set(target, value);
        self
    }

    /// Adds to a number, or members to a set; what is missing counts as zero, or empty.
    pub fn add<A: IntoAttribute>(
        mut self,
        target: A,
        value: impl OperandOf<A::Type, Form = Constant>,
    ) -> Self {
        self.update = self.update.add(target, value);
        self
    }

    /// The attribute goes, or the element of a list.
    pub fn remove(mut self, target: impl IntoAttribute) -> Self {
        self.update = self.update.remove(target);
        self
    }

    /// Only if the attribute `version` is `expected`, which then goes up by one: what was read is still what is there.
    pub fn if_version(self, version: &str, expected: u64) -> Self {
        self.condition(attr(version).eq(expected)).set(attr(version), expected + 1)
    }

    /// Answers with the item as it is now.
    pub fn return_new(self) -> Self {
        self.return_values(ReturnValues::AllNew)
    }
}

impl<'a> Delete<'a> {
    pub(super) fn new(handle: &'a Handle, key: Result<Key>) -> Self {
        let (key, error) = parts(key, || Key::Attributes(Item::new()));
        Self::begin(handle, DeleteRequest::new(key), error)
    }
}

fn parts<T>(built: Result<T>, instead: impl FnOnce() -> T) -> (T, Option<Error>) {
    match built {
        Ok(built) => (built, None),
        Err(error) => (instead(), Some(error)),
    }
}

impl<'a, R: WriteRequest> Write<'a, R> {
    fn begin(handle: &'a Handle, request: R, error: Option<Error>) -> Self {
        Self { handle, request, update: UpdateExpression::new(), condition: None, error }
    }

    /// Only if the item meets this as it is before the write; with several, only if it meets them all. A missing item
    /// has no attributes.
    ///
    /// If it does not, the error's kind is
    /// [`ConditionalCheckFailed`](crate::dynamo::error::ErrorKind::ConditionalCheckFailed).
    pub fn condition(mut self, condition: impl Into<Condition>) -> Self {
        self.condition = Some(match self.condition.take() {
            Some(first) => first.and(condition),
            None => condition.into(),
        });
        self
    }

    /// What to answer with. A put and a delete can only be asked for the old item.
    pub fn return_values(mut self, return_values: ReturnValues) -> Self {
        self.request.options().return_values = return_values;
        self
    }

    /// Answers with the item as it was before.
    pub fn return_old(self) -> Self {
        self.return_values(ReturnValues::AllOld)
    }

    /// The error of a condition that is not met has the item as it is.
    pub fn return_old_on_failure(mut self) -> Self {
        self.request.options().return_values_on_condition_check_failure =
            ReturnValuesOnConditionCheckFailure::AllOld;
        self
    }

    /// Tells what DynamoDB would charge.
    pub fn return_consumed_capacity(mut self, capacity: ReturnConsumedCapacity) -> Self {
        self.request.options().return_consumed_capacity = capacity;
        self
    }

    /// Tells the size of the item's collection, if the table has local indexes.
    pub fn return_item_collection_metrics(mut self) -> Self {
        self.request.options().return_item_collection_metrics = ReturnItemCollectionMetrics::Size;
        self
    }

    /// Acknowledged when it survives the death of the process; the machine may still lose it until the next sync.
    pub fn buffered(self) -> Self {
        self.durability(Durability::Buffered)
    }

    /// What the write must survive before it is acknowledged; [`Durability::Durable`] unless this is called.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.request.options().durability = durability;
        self
    }

    /// Makes the write, and waits until that is acknowledged.
    pub fn send(self) -> Result<WriteOutput> {
        self.submit()?.wait()
    }

    /// Gives the write its place in the order of commits without waiting for it to be acknowledged. Many writes that
    /// wait together share one sync.
    pub fn submit(self) -> Result<Pending> {
        let handle = self.handle;
        self.into_request()?.begin(handle)
    }

    /// Makes the write within a transaction.
    pub(super) fn make_in(self, transaction: &mut InteractiveTransaction) -> Result<Option<Item>> {
        let handle = self.handle;
        self.into_request()?.make_in(handle, transaction)
    }

    /// The request as plain data.
    pub fn into_request(self) -> Result<R> {
        let Self { mut request, update, condition, error, .. } = self;
        error.map_or(Ok(()), Err)?;
        let fault = |fault| Error::new(R::OPERATION, fault);
        request.take_update(update).map_err(fault)?;
        if let Some(condition) = condition {
            request.options().condition = Some(condition.into_tree().map_err(fault)?);
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::schema::{GlobalIndex, Projection, TableSchema};
    use crate::{Database, Table};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const KEYS: [&str; 2] = ["pk", "sk"];

    /// A table with an index of each projection over `x`, or over `x` and `y`.
    fn database() -> (Database, Table) {
        let index = |name| GlobalIndex::builder(name).partition_key("x", KeyType::Number);
        let schema = TableSchema::builder("Items")
            .partition_key("pk", KeyType::String)
            .sort_key("sk", KeyType::Number)
            .global_index(index("All"))
            .global_index(index("KeysOnly").sort_key("y", KeyType::String).projection(Projection::KeysOnly))
            .global_index(index("Include").projection(Projection::include(["a", "pk", "z"])))
            .build();
        let database = Database::in_memory().expect("a new database");
        let table = database.create_table(schema.expect("a valid schema")).expect("a new table");
        (database, table)
    }

    fn table() -> Table {
        database().1
    }

    #[derive(Clone, Debug)]
    enum Step {
        Put(Item),
        Delete(Item),
        Flush,
        Compact,
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let key = (prop_oneof![Just("p"), Just("q")], 0..3)
            .prop_map(|(pk, sk)| Item::new().with("pk", pk).with("sk", sk));
        let x = prop::option::of(0..3);
        let y = prop::option::of(prop_oneof![Just("y"), Just("y\0")]);
        let a = prop::option::of(0..2);
        prop_oneof![
            1 => Just(Step::Flush),
            1 => Just(Step::Compact),
            16 => (key.clone(), x, y, a.clone(), a).prop_map(|(mut item, x, y, a, b)| {
                item.extend(x.map(|x| ("x", x)));
                item.extend(y.map(|y| ("y", y)));
                item.extend(a.map(|a| ("a", a)));
                item.extend(b.map(|b| ("b", b)));
                Step::Put(item)
            }),
            4 => key.prop_map(Step::Delete),
        ]
    }

    fn project(item: &Item, names: &[&str]) -> Item {
        names.iter().filter_map(|name| Some((*name, item.get(name)?.clone()))).collect()
    }

    fn sorted(items: impl IntoIterator<Item = Item>) -> Vec<String> {
        let mut items: Vec<_> = items.into_iter().map(|item| format!("{item:?}")).collect();
        items.sort();
        items
    }

    fn scan(table: &Table, index: &str) -> Vec<String> {
        sorted(table.scan().index(index).into_iter().map(|item| item.expect("the index can be read")))
    }

    /// Runs the steps, and compares all answers and all indexes with what a map of items says.
    fn check(steps: &[Step]) -> Result<(), TestCaseError> {
        let (database, table) = database();
        let mut model: BTreeMap<String, Item> = BTreeMap::new();
        for step in steps {
            let (answer, old) = match step.clone() {
                Step::Put(item) => {
                    let answer = table.put_request(&item).return_old().buffered().send();
                    (answer, model.insert(format!("{:?}", project(&item, &KEYS)), item))
                }
                Step::Delete(key) => {
                    let old = model.remove(&format!("{key:?}"));
                    (table.delete_request(key).return_old().buffered().send(), old)
                }
                Step::Flush => {
                    database.flush().expect("memory does not fail");
                    continue;
                }
                Step::Compact => {
                    database.compact().expect("memory does not fail");
                    continue;
                }
            };
            prop_assert_eq!(answer.expect("the step is valid").attributes, old);
            let with = |names: &'static [&'static str]| {
                model.values().filter(|item| names.iter().all(|name| item.contains(name)))
            };
            prop_assert_eq!(scan(&table, "All"), sorted(with(&["x"]).cloned()));
            let keys_only = with(&["x", "y"]).map(|item| project(item, &["pk", "sk", "x", "y"]));
            prop_assert_eq!(scan(&table, "KeysOnly"), sorted(keys_only));
            let include = with(&["x"]).map(|item| project(item, &["pk", "sk", "x", "a", "z"]));
            prop_assert_eq!(scan(&table, "Include"), sorted(include));
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn indexes_hold_what_the_items_give(steps in vec(any_step(), 1..30)) {
            check(&steps)?;
        }
    }

    #[cfg(feature = "planted-bugs")]
    #[test]
    fn an_index_entry_that_stays_on_overwrite_is_caught() {
        use crate::base::planted::{Bug, plant};
        let item = Item::new().with("pk", "p").with("sk", 1);
        let steps = [Step::Put(item.clone().with("x", 1)), Step::Put(item.with("x", 2))];
        assert!(check(&steps).is_ok());
        let _planted = plant(Bug::IndexNotUpdatedOnOverwrite);
        assert!(check(&steps).is_err());
    }

    fn check_refused(result: Result<WriteOutput>, message: &str) {
        let error = result.expect_err("the request is wrong");
        assert_eq!(error.to_string(), message);
        assert_eq!(error.outcome(), crate::base::error::Outcome::Rejected);
    }

    #[test]
    fn wrong_items_are_refused_in_dynamodbs_words() {
        const PARAMETER: &str = "One or more parameter values were invalid: ";
        let table = table();
        let put = |item: Item| table.put_request(&item).send();
        let key = || Item::new().with("pk", "p").with("sk", 1);
        check_refused(put(key().with("", 1)), "1 validation error detected: Empty attribute name");
        check_refused(put(Item::new().with("sk", 1)), &format!("{PARAMETER}Missing the key pk in the item"));
        check_refused(
            put(key().with("sk", "1")),
            &format!("{PARAMETER}Type mismatch for key sk expected: N actual: S"),
        );
        check_refused(
            put(key().with("pk", "")),
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain \
             an empty string value. Key: pk",
        );
        check_refused(
            put(key().with("pk", "p".repeat(2_049))),
            &format!("{PARAMETER}Size of hashkey has exceeded the maximum size limit of2048 bytes"),
        );
        check_refused(
            put(key().with("x", "1")),
            &format!("{PARAMETER}Type mismatch for Index Key x Expected: N Actual: S IndexName: All"),
        );
        check_refused(
            put(key().with("y", 1)),
            &format!("{PARAMETER}Type mismatch for Index Key y Expected: S Actual: N IndexName: KeysOnly"),
        );
        check_refused(
            put(key().with("y", "")),
            "One or more parameter values are not valid. A value specified for a secondary index key is not \
             supported. The AttributeValue for a key attribute cannot contain an empty string value. \
             IndexName: KeysOnly, IndexKey: y",
        );
        check_refused(
            put(key().with("y", "y".repeat(1_025))),
            &format!(
                "{PARAMETER}Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
            ),
        );
        check_refused(
            put(key().with("data", vec![0_u8; 409_600])),
            "Item size has exceeded the maximum allowed size",
        );
        assert!(table.scan().into_iter().next().is_none(), "a refused put wrote something");
    }

    #[test]
    fn wrong_keys_are_refused_in_dynamodbs_words() {
        let table = table();
        let shape = "The provided key element does not match the schema";
        check_refused(table.delete_request("p").send(), shape);
        check_refused(table.delete_request(("p", "1")).send(), shape);
        check_refused(table.delete_request(Item::new().with("pk", "p").with("x", 1)).send(), shape);
        check_refused(
            table.delete_request(Item::new().with("pk", "p").with("sk", 1).with("x", 1)).send(),
            shape,
        );
        let error = table.get_item(("", 1)).expect_err("the key is empty");
        assert_eq!(
            error.to_string(),
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain \
             an empty string value. Key: pk"
        );
        assert_eq!(table.get_item("p").expect_err("half a key").to_string(), shape);
    }

    #[test]
    fn a_key_of_the_largest_size_is_taken() {
        let table = table();
        let pk = "\0".repeat(2_048);
        table.put(&Item::new().with("pk", &pk).with("sk", 1).with("x", 1)).expect("it fits");
        assert!(table.get_item((&pk, 1)).expect("it can be read").is_some());
        assert_eq!(table.query(1).index("All").into_iter().count(), 1);
    }

    #[test]
    fn many_writes_wait_for_one_another_at_the_end() {
        let table = table();
        let item = |sk: i32| Item::new().with("pk", "p").with("sk", sk);
        let pending: Vec<_> =
            (0..10).map(|sk| table.put_request(&item(sk)).submit().expect("the item is valid")).collect();
        let seqnos: Vec<_> = pending.iter().map(Pending::seqno).collect();
        assert!(seqnos.is_sorted_by(|first, second| first < second));
        for pending in pending {
            pending.wait().expect("the write is acknowledged");
        }
        assert_eq!(table.query("p").into_iter().count(), 10);
    }

    #[test]
    fn writers_of_one_key_leave_one_index_entry() {
        let table = table();
        let item = |x: i32| Item::new().with("pk", "p").with("sk", 1).with("x", x);
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let table = table.clone();
                scope.spawn(move || {
                    for x in 0..50 {
                        let put = table.put_request(&item(writer * 50 + x)).buffered();
                        put.send().expect("the item is valid");
                    }
                });
            }
        });
        let last = table.get_item(("p", 1)).expect("it can be read").expect("it was written");
        assert_eq!(scan(&table, "All"), sorted([last]));
    }
}
