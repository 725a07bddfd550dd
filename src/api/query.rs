//! Queries and scans: built step by step, then read as an iterator or page by page.

use super::expression::condition::Condition;
use super::handle::Handle;
use crate::dynamo::capacity::ReturnConsumedCapacity;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::expression::tree::{KeyCondition, ProjectionExpression};
use crate::dynamo::fault::{Fault, Operation};
use crate::dynamo::read::request::{
    Consistency, KeyConditions, Order, Page, QueryRequest, ReadOptions, ScanRequest, Segment, Select,
};
use crate::dynamo::read::walk::Walk;
use crate::dynamo::serde::de::from_stored;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::transaction::InteractiveTransaction;
use crate::dynamo::value::{Item, Value};
use serde::de::DeserializeOwned;
use std::fmt;
use std::iter::FusedIterator;

/// How a stored item becomes what the caller asked for.
type Decode<T> = fn(&StoredItem<'_>, Operation) -> Result<T>;

pub(super) fn read_item(item: &StoredItem<'_>, _operation: Operation) -> Result<Item> {
    item.to_item().map_err(|error| Error::damaged("item", error))
}

pub(super) fn read_typed<T: DeserializeOwned>(item: &StoredItem<'_>, operation: Operation) -> Result<T> {
    from_stored(*item).map_err(|error| Error::new(operation, Fault::Serde(error)))
}

/// A read of many items with options: a [`Query`] or a [`Scan`].
#[must_use = "nothing is read before it is iterated over, or asked for a page"]
#[derive(Clone)]
pub struct Read<'a, R, T = Item> {
    handle: &'a Handle,
    request: R,
    filter: Option<Condition>,
    /// What was found wrong while the request was built.
    error: Option<Error>,
    decode: Decode<T>,
}

/// The items of one partition in the order of their sort key; made by [`Table::query`](super::table::Table::query).
///
/// Iterate over it to read everything that matches, or ask for a [`page`](Read::page) as DynamoDB cuts it.
///
/// ```
/// # use pixii::{Database, Item, KeyType, TableSchema};
/// # let database = Database::in_memory()?;
/// # let messages = database.create_table(
/// #     TableSchema::builder("Messages")
/// #         .partition_key("Room", KeyType::String)
/// #         .sort_key("SentAt", KeyType::Number)
/// #         .build()?,
/// # )?;
/// for sent_at in [3, 20, 100] {
///     messages.put(&Item::new().with("Room", "kitchen").with("SentAt", sent_at))?;
/// }
/// let mut newest_first = Vec::new();
/// for message in messages.query("kitchen").sort_key_between(3, 99).reverse() {
///     newest_first.push(message?);
/// }
/// assert_eq!(newest_first.len(), 2);
/// assert_eq!(newest_first[0].get("SentAt"), Some(&20.into()));
/// # Ok::<(), pixii::Error>(())
/// ```
pub type Query<'a, T = Item> = Read<'a, QueryRequest, T>;

/// All items; made by [`Table::scan`](super::table::Table::scan).
///
/// Iterate over it to read everything, or ask for a [`page`](Read::page) as DynamoDB cuts it.
pub type Scan<'a, T = Item> = Read<'a, ScanRequest, T>;

/// A request to read many items, as plain data.
pub trait ReadRequest: sealed::Sealed {
    /// What queries and scans have in common.
    fn options(&mut self) -> &mut ReadOptions;
}

mod sealed {
    use super::{Handle, InteractiveTransaction, Operation, Result, Walk};

    pub trait Sealed: Sized {
        const OPERATION: Operation;

        fn walk(self, on: &Handle) -> Result<Walk>;

        fn walk_in(self, on: &Handle, transaction: &InteractiveTransaction) -> Result<Walk>;
    }
}

impl ReadRequest for QueryRequest {
    fn options(&mut self) -> &mut ReadOptions {
        &mut self.options
    }
}

impl sealed::Sealed for QueryRequest {
    const OPERATION: Operation = Operation::Query;

    fn walk(self, on: &Handle) -> Result<Walk> {
        Walk::query_as_of(&on.store, &on.table, self, on.at.as_ref())
    }

    fn walk_in(self, on: &Handle, transaction: &InteractiveTransaction) -> Result<Walk> {
        transaction.query(&on.table, self)
    }
}

impl ReadRequest for ScanRequest {
    fn options(&mut self) -> &mut ReadOptions {
        &mut self.options
    }
}

impl sealed::Sealed for ScanRequest {
    const OPERATION: Operation = Operation::Scan;

    fn walk(self, on: &Handle) -> Result<Walk> {
        Walk::scan_as_of(&on.store, &on.table, self, on.at.as_ref())
    }

    fn walk_in(self, on: &Handle, transaction: &InteractiveTransaction) -> Result<Walk> {
        transaction.scan(&on.table, self)
    }
}

impl<'a> Query<'a> {
    pub(super) fn new(handle: &'a Handle, partition: Result<Vec<Value>>) -> Self {
        let (partition, error) = match partition {
            Ok(partition) => (partition, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let key = KeyConditions::Places { partition, sort: Vec::new() };
        let request = QueryRequest { key, ..QueryRequest::default() };
        Self { handle, request, filter: None, error, decode: read_item }
    }
}

impl<'a> Scan<'a> {
    pub(super) fn new(handle: &'a Handle) -> Self {
        Self { handle, request: ScanRequest::default(), filter: None, error: None, decode: read_item }
    }
}

impl<T> Query<'_, T> {
    /// The next attribute of the partition key has this value too: for indexes whose partition key has several.
    pub fn partition_key(mut self, value: impl Into<Value>) -> Self {
        if let KeyConditions::Places { partition, .. } = &mut self.request.key {
            partition.push(value.into());
        }
        self
    }

    /// Only items whose sort key meets `condition`. A sort key has one condition at most.
    pub fn sort_key(mut self, condition: KeyCondition) -> Self {
        if let KeyConditions::Places { sort, .. } = &mut self.request.key {
            sort.push(condition);
        }
        self
    }

    /// Only the items whose sort key is `value`.
    pub fn sort_key_equal(self, value: impl Into<Value>) -> Self {
        self.sort_key(KeyCondition::Equal(value.into()))
    }

    /// Only the items whose sort key is less than `value`.
    pub fn sort_key_less(self, value: impl Into<Value>) -> Self {
        self.sort_key(KeyCondition::Less(value.into()))
    }

    /// Only the items whose sort key is `value` or less.
    pub fn sort_key_less_or_equal(self, value: impl Into<Value>) -> Self {
        self.sort_key(KeyCondition::LessOrEqual(value.into()))
    }

    /// Only the items whose sort key is greater than `value`.
    pub fn sort_key_greater(self, value: impl Into<Value>) -> Self {
        self.sort_key(KeyCondition::Greater(value.into()))
    }

    /// Only the items whose sort key is `value` or greater.
    pub fn sort_key_greater_or_equal(self, value: impl Into<Value>) -> Self {
        self.sort_key(KeyCondition::GreaterOrEqual(value.into()))
    }

    /// Only the items whose sort key is from `lower` to `upper`, both included.
    pub fn sort_key_between(self, lower: impl Into<Value>, upper: impl Into<Value>) -> Self {
        self.sort_key(KeyCondition::Between(lower.into(), upper.into()))
    }

    /// Only the items whose sort key, a string or binary, begins with `prefix`.
    pub fn sort_key_begins_with(self, prefix: impl Into<Value>) -> Self {
        self.sort_key(KeyCondition::BeginsWith(prefix.into()))
    }

    /// By descending sort key.
    pub fn reverse(mut self) -> Self {
        self.request.order = Order::Descending;
        self
    }
}

impl<T> Scan<'_, T> {
    /// Only the part `segment`, from 0, of `total_segments`. All parts together have each item once, whoever reads
    /// them, as long as not a day passes between one read and the next.
    pub fn segment(mut self, segment: u32, total_segments: u32) -> Self {
        self.request.segment = Some(Segment { segment, total_segments });
        self
    }
}

impl<'a, R: ReadRequest, T> Read<'a, R, T> {
    /// Reads the index of this name instead of the table.
    pub fn index(mut self, name: impl Into<String>) -> Self {
        self.request.options().index = Some(name.into());
        self
    }

    /// Only the items that meet this; with several, that meet them all. An item that does not is evaluated, and
    /// counted, all the same.
    pub fn filter(mut self, condition: impl Into<Condition>) -> Self {
        self.filter = Some(match self.filter.take() {
            Some(first) => first.and(condition),
            None => condition.into(),
        });
        self
    }

    /// Only these parts of the items.
    pub fn project(mut self, projection: impl Into<ProjectionExpression>) -> Self {
        self.request.options().projection = Some(projection.into());
        self
    }

    /// Which attributes to answer with.
    pub fn select(mut self, select: Select) -> Self {
        self.request.options().select = Some(select);
        self
    }

    /// Evaluates at most so many items; at least one.
    pub fn limit(mut self, limit: usize) -> Self {
        self.request.options().limit = Some(limit);
        self
    }

    /// Begins behind this key: the [`last_evaluated_key`](Page::last_evaluated_key) of a page, or the key attributes
    /// of any item, through an index those of the table and of the index.
    pub fn start_after(mut self, key: impl Into<Item>) -> Self {
        self.request.options().exclusive_start_key = Some(key.into());
        self
    }

    /// Is charged, and refused, as a consistent read. Every read sees what was acknowledged before it.
    pub fn consistent(mut self) -> Self {
        self.request.options().consistency = Consistency::Strong;
        self
    }

    /// Tells what DynamoDB would charge.
    pub fn return_consumed_capacity(mut self, capacity: ReturnConsumedCapacity) -> Self {
        self.request.options().return_consumed_capacity = capacity;
        self
    }

    /// Gives `U`s instead of items, read directly from where the items are stored.
    pub fn typed<U: DeserializeOwned>(self) -> Read<'a, R, U> {
        let Self { handle, request, filter, error, .. } = self;
        Read { handle, request, filter, error, decode: read_typed::<U> }
    }

    /// Reads one page: what [`limit`](Self::limit) allows, and no more than crosses 1 MB.
    pub fn page(self) -> Result<Page<T>> {
        let decode = self.decode;
        self.walk()?.page(|item| decode(item, R::OPERATION))
    }

    /// Counts the items that meet the filter, over all pages.
    pub fn count(self) -> Result<usize> {
        let mut walk = self.walk()?;
        let mut count = 0;
        while walk.next(|_| Ok(()))?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// Everything that the read gives within a transaction.
    pub(super) fn all_in(self, transaction: &InteractiveTransaction) -> Result<Vec<T>> {
        let (handle, decode) = (self.handle, self.decode);
        let mut walk = self.into_request()?.walk_in(handle, transaction)?;
        let mut items = Vec::new();
        while let Some(item) = walk.next(|item| decode(item, R::OPERATION))? {
            items.push(item);
        }
        Ok(items)
    }

    fn walk(self) -> Result<Walk> {
        let handle = self.handle;
        self.into_request()?.walk(handle)
    }

    /// The request as plain data.
    pub fn into_request(self) -> Result<R> {
        let Self { mut request, filter, error, .. } = self;
        error.map_or(Ok(()), Err)?;
        if let Some(filter) = filter {
            let filter = filter.into_tree().map_err(|fault| Error::new(R::OPERATION, fault))?;
            request.options().filter = Some(filter);
        }
        Ok(request)
    }
}

impl<R: ReadRequest, T> IntoIterator for Read<'_, R, T> {
    type Item = Result<T>;
    type IntoIter = Items<T>;

    fn into_iter(self) -> Items<T> {
        let decode = self.decode;
        Items { walk: Some(self.walk()), decode, operation: R::OPERATION }
    }
}

/// Iterates over the items of a query or scan, all as of the moment when the iterator was made.
///
/// After an error of the read there is nothing more. An item that does not fit the type asked for is an error by itself:
/// those behind it still come.
pub struct Items<T> {
    walk: Option<Result<Walk>>,
    decode: Decode<T>,
    operation: Operation,
}

impl<T> Iterator for Items<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        let next = match self.walk.as_mut()? {
            Ok(walk) => walk.next(|item| Ok((self.decode)(item, self.operation))).transpose(),
            Err(error) => Some(Err(error.clone())),
        };
        match next {
            Some(Ok(decoded)) => Some(decoded),
            Some(Err(error)) => {
                self.walk = None;
                Some(Err(error))
            }
            None => {
                self.walk = None;
                None
            }
        }
    }
}

impl<T> FusedIterator for Items<T> {}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("walk", &self.walk).finish_non_exhaustive()
    }
}

impl<R: fmt::Debug, T> fmt::Debug for Read<'_, R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.request.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::key::{KeyRef, KeyType};
    use crate::dynamo::number::tests::any_number;
    use crate::dynamo::schema::{GlobalIndex, LocalIndex, Projection, TableSchema};
    use crate::env::sim::Simulation;
    use crate::{CreateTableRequest, Database, GlobalIndexUpdate, Table, UpdateTableRequest};
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// Items have `pk` and `sk`, some also `other` and `rank`, which the indexes are made of.
    fn table(key_type: KeyType) -> Table {
        let index = |name| {
            GlobalIndex::builder(name).partition_key("other", KeyType::String).sort_key("rank", key_type)
        };
        let schema = TableSchema::builder("Items")
            .partition_key("pk", KeyType::String)
            .sort_key("sk", key_type)
            .global_index(index("ByRank"))
            .global_index(index("ByRankKeys").projection(Projection::KeysOnly))
            .build();
        let database = Database::in_memory().expect("a new database");
        database.create_table(schema.expect("a valid schema")).expect("a new table")
    }

    fn any_key_type() -> impl Strategy<Value = KeyType> {
        prop_oneof![Just(KeyType::String), Just(KeyType::Number), Just(KeyType::Binary)]
    }

    fn any_key(key_type: KeyType) -> BoxedStrategy<Value> {
        match key_type {
            KeyType::String => {
                prop_oneof!["[ab\0]{1,3}", "[a\u{e9}\u{ffff}\u{10ffff}]{1,2}"].prop_map(Value::String).boxed()
            }
            KeyType::Number => {
                prop_oneof![(-3..=3).prop_map(Value::from), any_number().prop_map(Value::Number)].boxed()
            }
            KeyType::Binary => vec(prop_oneof![Just(0), Just(1), Just(0x7f), Just(0xff)], 1..4)
                .prop_map(Value::Binary)
                .boxed(),
        }
    }

    fn any_partition() -> impl Strategy<Value = &'static str> {
        prop_oneof![Just("p"), Just("p\0"), Just("q")]
    }

    fn any_items(key_type: KeyType) -> impl Strategy<Value = Vec<Item>> {
        let rank = prop::option::of((any_partition(), any_key(key_type)));
        let item = (any_partition(), any_key(key_type), rank).prop_map(|(pk, sk, rank)| {
            let item = Item::new().with("pk", pk).with("sk", sk);
            match rank {
                Some((other, rank)) => item.with("other", other).with("rank", rank),
                None => item,
            }
        });
        vec(item, 0..24).prop_map(|items| {
            // The last put of a key counts.
            let keys: Vec<_> = items.iter().map(|item| key_of(item, ["pk", "sk"])).collect();
            let last = |at: usize| !keys[at + 1..].contains(&keys[at]);
            (0..items.len()).filter(|at| last(*at)).map(|at| items[at].clone()).collect()
        })
    }

    fn any_condition(key_type: KeyType) -> impl Strategy<Value = KeyCondition> {
        (0..7, any_key(key_type), any_key(key_type)).prop_map(move |(operator, first, second)| match operator
        {
            0 => KeyCondition::Equal(first),
            1 => KeyCondition::Less(first),
            2 => KeyCondition::LessOrEqual(first),
            3 => KeyCondition::Greater(first),
            4 => KeyCondition::GreaterOrEqual(first),
            5 if key_type != KeyType::Number => KeyCondition::BeginsWith(first),
            _ if key(&first) <= key(&second) => KeyCondition::Between(first, second),
            _ => KeyCondition::Between(second, first),
        })
    }

    fn key(value: &Value) -> KeyRef<'_> {
        KeyRef::from_value(value).expect("a key's value")
    }

    fn key_of<const COUNT: usize>(item: &Item, names: [&str; COUNT]) -> Item {
        names.iter().filter_map(|name| Some((*name, item.get(name)?.clone()))).collect()
    }

    fn meets(condition: &KeyCondition, value: &Value) -> bool {
        match condition {
            KeyCondition::Equal(operand) => key(value) == key(operand),
            KeyCondition::Less(operand) => key(value) < key(operand),
            KeyCondition::LessOrEqual(operand) => key(value) <= key(operand),
            KeyCondition::Greater(operand) => key(value) > key(operand),
            KeyCondition::GreaterOrEqual(operand) => key(value) >= key(operand),
            KeyCondition::Between(lower, upper) => key(lower) <= key(value) && key(value) <= key(upper),
            KeyCondition::BeginsWith(operand) => match (value, operand) {
                (Value::String(value), Value::String(operand)) => value.starts_with(operand),
                (Value::Binary(value), Value::Binary(operand)) => value.starts_with(operand),
                _ => unreachable!("conditions are made for the key's type"),
            },
        }
    }

    /// What a query must give: the items of the partition whose sort key meets the condition, in order.
    fn expected(
        items: &[Item],
        [partition_name, sort_name]: [&str; 2],
        partition: &str,
        condition: Option<&KeyCondition>,
    ) -> Vec<Item> {
        let of_partition = |item: &&Item| item.get(partition_name).and_then(Value::as_str) == Some(partition);
        let matching = |item: &&Item| {
            item.get(sort_name).is_some_and(|value| condition.is_none_or(|condition| meets(condition, value)))
        };
        let mut expected: Vec<_> = items.iter().filter(of_partition).filter(matching).cloned().collect();
        expected.sort_by_cached_key(|item| {
            [sort_name, "pk", "sk"].map(|name| key(item.get(name).expect("it has its keys")).to_owned())
        });
        expected
    }

    fn all<T>(items: impl IntoIterator<Item = Result<T>>) -> Vec<T> {
        items.into_iter().collect::<Result<_>>().expect("the items can be read")
    }

    /// Reads all pages of `limit` items, each from where the last one ended.
    fn all_pages<'a>(limit: usize, query: impl Fn() -> Query<'a>) -> Vec<Item> {
        let mut page = query().limit(limit).page().expect("the first page");
        let mut items = std::mem::take(&mut page.items);
        while let Some(key) = page.last_evaluated_key {
            page = query().limit(limit).start_after(key).page().expect("a further page");
            assert!(page.items.len() <= limit && page.scanned_count == page.items.len());
            items.append(&mut page.items);
        }
        items
    }

    type Case = (KeyType, Vec<Item>, &'static str, Option<KeyCondition>);

    fn any_case() -> impl Strategy<Value = Case> {
        any_key_type().prop_flat_map(|key_type| {
            let condition = prop::option::of(any_condition(key_type));
            (Just(key_type), any_items(key_type), any_partition(), condition)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn queries_give_what_a_filter_gives((key_type, items, partition, condition) in any_case()) {
            let table = table(key_type);
            for item in &items {
                table.put_request(item).buffered().send().expect("the item is valid");
            }
            for (index, names) in [(None, ["pk", "sk"]), (Some("ByRank"), ["other", "rank"])] {
                let query = || {
                    let query = table.query(partition);
                    let query = index.map_or(query.clone(), |index| query.index(index));
                    condition.iter().fold(query, |query, condition| query.sort_key(condition.clone()))
                };
                let mut expected = expected(&items, names, partition, condition.as_ref());
                for limit in 1..=expected.len() + 1 {
                    prop_assert_eq!(&all_pages(limit, query), &expected);
                }
                prop_assert_eq!(&all(query()), &expected);
                expected.reverse();
                prop_assert_eq!(&all(query().reverse()), &expected);
                for limit in 1..=expected.len() + 1 {
                    prop_assert_eq!(&all_pages(limit, || query().reverse()), &expected);
                }
                prop_assert_eq!(all(query().reverse().limit(2)), &expected[..expected.len().min(2)]);
            }
            let keys: Vec<_> = expected(&items, ["other", "rank"], partition, condition.as_ref());
            let keys: Vec<_> = keys.iter().map(|item| key_of(item, ["pk", "sk", "other", "rank"])).collect();
            let query = table.query(partition).index("ByRankKeys");
            let query = condition.iter().fold(query, |query, condition| query.sort_key(condition.clone()));
            prop_assert_eq!(all(query), keys);
        }

        #[test]
        fn scans_give_all_items_whatever_the_pages((key_type, items, ..) in any_case(), limit in 1_usize..5) {
            let table = table(key_type);
            for item in &items {
                table.put_request(item).buffered().send().expect("the item is valid");
            }
            for (index, count) in [
                (None, items.len()),
                (Some("ByRank"), items.iter().filter(|item| item.contains("rank")).count()),
            ] {
                let scan = || index.map_or(table.scan(), |index| table.scan().index(index));
                let whole = all(scan());
                prop_assert_eq!(whole.len(), count);
                prop_assert!(whole.iter().all(|item| items.contains(item)));
                let mut page = scan().limit(limit).page().expect("the first page");
                let mut paged = std::mem::take(&mut page.items);
                while let Some(key) = page.last_evaluated_key {
                    page = scan().limit(limit).start_after(key).page().expect("a further page");
                    paged.append(&mut page.items);
                }
                prop_assert_eq!(paged, whole);
            }
        }
    }

    #[test]
    fn a_last_evaluated_key_is_there_whenever_a_limit_ended_the_page() {
        let table = table(KeyType::Number);
        for sk in 0..3 {
            table.put(&Item::new().with("pk", "p").with("sk", sk)).expect("the item is valid");
        }
        let page = table.query("p").limit(3).page().expect("a page");
        assert_eq!(page.last_evaluated_key, Some(Item::new().with("pk", "p").with("sk", 2)));
        let next = table.query("p").start_after(page.last_evaluated_key.expect("it is there")).page();
        let next = next.expect("an empty page");
        assert_eq!((next.count, next.scanned_count, next.last_evaluated_key), (0, 0, None));
        assert_eq!(table.query("p").limit(4).page().expect("a page").last_evaluated_key, None);
    }

    #[test]
    fn a_start_key_need_not_exist() {
        let table = table(KeyType::Number);
        for sk in [1, 2, 4] {
            table.put(&Item::new().with("pk", "p").with("sk", sk)).expect("the item is valid");
        }
        let start = Item::new().with("pk", "p").with("sk", 3);
        assert_eq!(all(table.query("p").start_after(start.clone())).len(), 1);
        assert_eq!(all(table.query("p").reverse().start_after(start.clone())).len(), 2);
        assert_eq!(all(table.scan().start_after(start)).len(), 1);
    }

    #[test]
    fn a_page_ends_with_the_item_that_crosses_one_megabyte() {
        let table = table(KeyType::Number);
        for sk in 0..10 {
            let item = Item::new().with("pk", "p").with("sk", sk).with("data", vec![7_u8; 300_000]);
            table.put_request(&item).buffered().send().expect("the item is valid");
        }
        let page = table.query("p").page().expect("a page");
        assert_eq!(page.count, 4);
        assert_eq!(page.last_evaluated_key, Some(Item::new().with("pk", "p").with("sk", 3)));
        assert_eq!(all(table.query("p")).len(), 10);
        assert_eq!(table.scan().page().expect("a page").count, 4);
    }

    #[test]
    fn an_iterator_reads_as_of_the_moment_it_was_made() {
        let table = table(KeyType::Number);
        let item = |sk: i32| Item::new().with("pk", "p").with("sk", sk);
        for sk in 0..4 {
            table.put(&item(sk)).expect("the item is valid");
        }
        let mut items = table.query("p").into_iter();
        assert!(items.next().is_some());
        table.delete(("p", 2)).expect("the key is valid");
        table.put(&item(9)).expect("the item is valid");
        assert_eq!(all(items), [item(1), item(2), item(3)]);
        assert_eq!(all(table.query("p")), [item(0), item(1), item(3), item(9)]);
    }

    fn check_refused<T: fmt::Debug>(result: Result<T>, message: &str) {
        let error = result.expect_err("the request is wrong");
        assert_eq!(error.to_string(), message);
        assert_eq!(error.exception(), "ValidationException");
    }

    #[test]
    fn wrong_conditions_are_refused_in_dynamodbs_words() {
        let table = table(KeyType::Number);
        let query = || table.query("p");
        check_refused(
            query().limit(0).page(),
            "Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
        );
        check_refused(
            query().sort_key_begins_with(1).page(),
            "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or \
             function: begins_with, operand type: N",
        );
        check_refused(
            query().sort_key_less(true).index("None").page(),
            "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or \
             function: <, operand type: BOOL",
        );
        check_refused(
            query().sort_key_between(2, 1).page(),
            "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or \
             equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: \
             AttributeValue: {N:1}",
        );
        check_refused(
            query().sort_key_between("a", vec![7_u8]).page(),
            "Invalid KeyConditionExpression: The BETWEEN operator requires same data type for lower and upper \
             bounds; lower bound operand: AttributeValue: {S:a}, upper bound operand: AttributeValue: {B:Bw==}",
        );
        check_refused(
            query().index("ab").page(),
            "Value at 'IndexName' failed to satisfy constraint: Member must have length greater than or equal to 3",
        );
        check_refused(query().index("None").page(), "The table does not have the specified index: None");
        let mismatch = "One or more parameter values were invalid: Condition parameter type does not match \
                        schema type";
        check_refused(query().sort_key_equal("1").page(), mismatch);
        check_refused(table.query(1).page(), mismatch);
        check_refused(
            query().sort_key_less(3).sort_key_greater(1).page(),
            "The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)",
        );
        check_refused(
            table.query("").page(),
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain \
             an empty string value. Key: pk",
        );
    }

    #[test]
    fn wrong_start_keys_are_refused_in_dynamodbs_words() {
        let table = table(KeyType::Number);
        let key = |pk: &str, sk: i32| Item::new().with("pk", pk).with("sk", sk);
        let query = || table.query("p").sort_key_greater(5);
        let shape = "The provided starting key is invalid";
        check_refused(query().start_after(Item::new().with("pk", "p")).page(), shape);
        check_refused(query().start_after(key("p", 6).with("more", 1)).page(), shape);
        check_refused(query().start_after(Item::new().with("pk", "p").with("sk", "6")).page(), shape);
        check_refused(query().index("ByRank").start_after(key("p", 6)).page(), shape);
        check_refused(
            query().start_after(key("q", 6)).page(),
            "The provided starting key is outside query boundaries based on provided conditions",
        );
        check_refused(
            query().start_after(key("p", 5)).page(),
            "The provided starting key does not match the range key predicate",
        );
        assert!(query().start_after(key("p", 6)).page().is_ok());
        check_refused(
            table.scan().start_after(Item::new().with("pk", "p")).page(),
            "The provided starting key is invalid: The provided key element does not match the schema",
        );
        let mut items = table.query("p").start_after(key("q", 1)).into_iter();
        assert!(items.next().is_some_and(|first| first.is_err()) && items.next().is_none());
    }

    /// Reads everything, `limit` items at a time, and expects to need as many pages as that takes.
    fn by_page<'a>(query: impl Fn() -> Query<'a>, limit: usize) -> Vec<Item> {
        let (mut items, mut start) = (Vec::new(), None::<Item>);
        loop {
            let query = query().limit(limit);
            let query = if let Some(start) = start { query.start_after(start) } else { query };
            let page = query.page().expect("the request is valid");
            items.extend(page.items);
            start = page.last_evaluated_key;
            if start.is_none() {
                return items;
            }
        }
    }

    #[test]
    fn a_local_index_is_another_order_of_a_partition() {
        let schema = TableSchema::builder("Items")
            .partition_key("pk", KeyType::String)
            .sort_key("sk", KeyType::Number)
            .local_index(LocalIndex::builder("ByDay").sort_key("day", KeyType::Number));
        let database = Database::in_memory().expect("a new database");
        let table = database.create_table(schema.build().expect("a valid schema")).expect("a new table");
        let item = |pk: &str, sk: i32, day: i32| Item::new().with("pk", pk).with("sk", sk).with("day", day);
        for (sk, day) in [(1, 9), (2, 3), (3, 3), (4, 3), (5, 1)] {
            table.put(&item("p", sk, day)).expect("the item is valid");
            table.put(&item("q", sk, day)).expect("the item is valid");
        }
        table.put(&Item::new().with("pk", "p").with("sk", 6)).expect("the item is valid");
        let in_order = [item("p", 5, 1), item("p", 2, 3), item("p", 3, 3), item("p", 4, 3), item("p", 1, 9)];
        for limit in 1..7 {
            assert_eq!(by_page(|| table.query("p").index("ByDay"), limit), in_order, "{limit}");
            let reversed: Vec<_> = in_order.iter().rev().cloned().collect();
            assert_eq!(by_page(|| table.query("p").index("ByDay").reverse(), limit), reversed, "{limit}");
        }
        assert_eq!(by_page(|| table.query("p").index("ByDay").sort_key_equal(3), 2), in_order[1..4]);
        table.put(&item("p", 3, 0)).expect("the item is valid");
        table.delete(("p", 1)).expect("the key is valid");
        assert_eq!(
            all(table.query("p").index("ByDay")),
            [item("p", 3, 0), item("p", 5, 1), item("p", 2, 3), item("p", 4, 3)]
        );
    }

    #[test]
    fn a_global_index_of_several_attributes_is_paged_between_equal_keys() {
        let index = GlobalIndex::builder("ByAll")
            .partition_key("a", KeyType::String)
            .partition_key("b", KeyType::Number)
            .sort_key("c", KeyType::String)
            .sort_key("d", KeyType::Number);
        let schema = TableSchema::builder("Items").partition_key("pk", KeyType::Number).global_index(index);
        let database = Database::in_memory().expect("a new database");
        let table = database.create_table(schema.build().expect("a valid schema")).expect("a new table");
        let item = |pk: i32, d: i32| {
            Item::new().with("pk", pk).with("a", "a").with("b", 1).with("c", "c").with("d", d)
        };
        let items = [item(1, 5), item(2, 5), item(3, 5), item(4, 7), item(0, 8)];
        for item in &items {
            table.put(item).expect("the item is valid");
        }
        table.put(&item(9, 5).with("b", 2)).expect("the item is valid");
        let request = |sort: Vec<KeyCondition>, start: Option<Item>| QueryRequest {
            key: KeyConditions::Places { partition: vec!["a".into(), 1.into()], sort },
            options: ReadOptions {
                index: Some("ByAll".to_owned()),
                limit: Some(2),
                exclusive_start_key: start,
                ..ReadOptions::default()
            },
            ..QueryRequest::default()
        };
        let page = |sort: &[KeyCondition], start| {
            table.query_page(request(sort.to_vec(), start)).expect("the request is valid")
        };
        let first = page(&[], None);
        assert_eq!(first.items, items[..2]);
        let start = first.last_evaluated_key.expect("there is more");
        assert_eq!(start.len(), 5, "the table's key and all attributes of the index's");
        assert_eq!(page(&[], Some(start)).items, items[2..4]);
        let sort = [KeyCondition::Equal("c".into()), KeyCondition::Greater(6.into())];
        assert_eq!(page(&sort, None).items, items[3..]);
    }

    #[test]
    fn an_index_that_is_being_made_is_not_read() {
        // Nothing goes on in the background of a simulation while nobody waits for it.
        let environment = Simulation::new(1).environment();
        let database = Database::options().environment(environment).open("/store").expect("a new database");
        let schema = TableSchema::builder("Items").partition_key("pk", KeyType::String).build();
        let table = database.create_table(schema.expect("a valid schema")).expect("a new table");
        let index = GlobalIndex::builder("ByX").partition_key("x", KeyType::String);
        let other = TableSchema::builder("Other").partition_key("pk", KeyType::String).global_index(index);
        let other = CreateTableRequest::from(other.build().expect("a valid schema"));
        let create = other.global_secondary_indexes.and_then(|indexes| indexes.into_iter().next());
        let update = GlobalIndexUpdate { create, ..GlobalIndexUpdate::default() };
        let request = UpdateTableRequest {
            table_name: "Items".to_owned(),
            attribute_definitions: other.attribute_definitions,
            global_secondary_index_updates: vec![update],
            ..UpdateTableRequest::default()
        };
        database.update_table(request).expect("a new index");
        check_refused(
            table.query("x").index("ByX").page(),
            "Cannot read from backfilling global secondary index: ByX",
        );
        assert_eq!(table.schema().global_indexes().len(), 0, "the handle was made before");
        table.put(&Item::new().with("pk", "p").with("x", "x")).expect("the handle knows the index");
        check_refused(
            table.put(&Item::new().with("pk", "p").with("x", 1)),
            "One or more parameter values were invalid: Type mismatch for Index Key x Expected: S Actual: N \
             IndexName: ByX",
        );
    }
}
