//! `TransactWriteItems`: up to 100 writes of several tables, all or none.
//!
//! The steps, in DynamoDB's order: what is wrong with the whole request is found action by action before a table is
//! looked up; then what does not fit a table; then, with all keys locked, what an update cannot do to its item; then the
//! conditions, all of them. From the third step on what is wrong cancels the transaction, with a reason for each action.
//!
//! A client token makes the request idempotent: its row is locked and written with the items, in the same batch.
//!
//! Invariants:
//! 1. All changes, and the token's row, are in one batch.
//! 2. The conditions of all actions are judged on one state: all keys are locked while the items are read, and none of
//!    them has expired when the last one is.

use super::collection;
use super::decide::{Answer, Deciding, Outcome};
use super::deferred::Deferred;
use super::prepare::{ItemWrite, Request};
use super::request::{
    DeleteRequest, ItemCollectionMetrics, PutRequest, ReturnItemCollectionMetrics, UpdateRequest,
    WriteOptions,
};
use super::single::{OldVersion, read_old};
use super::token::{self, Earlier, Running, SameContent, TokenRow, TokenScope};
use crate::base::batch::WriteBatch;
use crate::base::ident::{CommitTime, SeqNo};
use crate::dynamo::capacity::{
    ConsumedCapacity, Direction, Meter, ReadMode, ReturnConsumedCapacity, Units, WriteMode,
};
use crate::dynamo::error::{Error, ErrorKind, Result};
use crate::dynamo::expiry::{Derivation, earlier};
use crate::dynamo::fault::{Constraint, Fault, MemberFault, Operation};
use crate::dynamo::item_fault::{CancellationCode, CancellationReason, WriteFault};
use crate::dynamo::item_key::Key;
use crate::dynamo::legacy::fault::LegacyFault;
use crate::dynamo::limits;
use crate::dynamo::store::Store;
use crate::dynamo::table::TableDescriptor;
use crate::dynamo::tables::arn;
use crate::dynamo::tables::members::check_table_name;
use crate::engine::commit::Commit;
use crate::engine::options::Durability;
use crate::engine::ticket::Submitted;
use std::collections::{BTreeMap, HashSet};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

const OPERATION: Operation = Operation::TransactWriteItems;

/// What a transaction does to one item. Of the options of a request only the condition, and what is returned when it is
/// not met, count.
#[derive(Clone, Debug, PartialEq)]
pub enum TransactWrite {
    /// Writes an item whole.
    Put(PutRequest),
    /// Changes attributes of an item.
    Update(UpdateRequest),
    /// Removes an item.
    Delete(DeleteRequest),
    /// Changes nothing: the transaction goes on only if the condition is met.
    ConditionCheck {
        /// The item's key.
        key: Key,
        /// The condition, which must be there.
        options: WriteOptions,
    },
}

/// Writes that are all done, or none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransactWriteRequest {
    /// The writes with the name of their table: 1 to 100, each item once.
    pub actions: Vec<(String, TransactWrite)>,
    /// Makes the request idempotent for ten minutes: 1 to 36 characters.
    pub client_request_token: Option<String>,
    /// Which operation's the token is.
    pub token_scope: TokenScope,
    /// Whether to tell what DynamoDB would charge.
    pub return_consumed_capacity: ReturnConsumedCapacity,
    /// Whether to tell the sizes of the items' collections.
    pub return_item_collection_metrics: ReturnItemCollectionMetrics,
    /// What the transaction must survive before it is acknowledged.
    pub durability: Durability,
}

/// The answer to a transaction that is done.
#[derive(Clone, Debug, PartialEq)]
pub struct TransactWriteOutput {
    /// What DynamoDB would charge, for each table, if that was asked for.
    pub consumed_capacity: Vec<ConsumedCapacity>,
    /// The sizes of the collections of the items that were written, by table, if that was asked for.
    pub item_collection_metrics: BTreeMap<String, Vec<ItemCollectionMetrics>>,
    /// The commit that made the changes; of a transaction that was done before under its token, one that is not before it.
    pub commit: Commit,
}

impl TransactWrite {
    fn as_request(&self) -> Request<'_> {
        match self {
            Self::Put(request) => Request::Put(request),
            Self::Update(request) => Request::Update(request),
            Self::Delete(request) => Request::Delete(request),
            Self::ConditionCheck { key, options } => Request::Check { key, options },
        }
    }
}

/// A transaction that has its place in the order of commits and waits to be acknowledged.
#[derive(Debug)]
#[must_use = "a transaction is acknowledged only when it has been waited for"]
pub struct PendingTransaction {
    deferred: Deferred<Answered>,
    /// The token runs until the transaction is acknowledged.
    _running: Option<Running>,
}

/// What each action answers, with the name of its table.
#[derive(Debug)]
struct Answered {
    actions: Vec<(String, Answer)>,
    capacity: ReturnConsumedCapacity,
    direction: Direction,
    collections: BTreeMap<String, Vec<ItemCollectionMetrics>>,
}

impl Answered {
    fn into_output(self, commit: Commit) -> TransactWriteOutput {
        let mut meters: BTreeMap<&str, Meter> = BTreeMap::new();
        for (table, answer) in &self.actions {
            meters.entry(table).or_default().add(&answer.consumed);
        }
        let told =
            meters.iter().filter_map(|(table, meter)| meter.told(table, self.capacity, self.direction));
        let consumed_capacity = told.collect();
        TransactWriteOutput { consumed_capacity, item_collection_metrics: self.collections, commit }
    }
}

impl PendingTransaction {
    /// Waits until the transaction is as durable as was asked and everybody sees it.
    pub fn wait(self) -> Result<TransactWriteOutput> {
        let (commit, answered) = self.deferred.wait()?;
        Ok(answered.into_output(commit))
    }

    /// Asks without waiting: `None` while the transaction is not acknowledged. To be asked no more after an answer.
    pub fn step(&mut self) -> Option<Result<TransactWriteOutput>> {
        let answer = self.deferred.step()?;
        Some(answer.map(|(commit, answered)| answered.into_output(commit)))
    }

    /// The place of the transaction in the order of commits; of one that was cancelled, that of the newest commit that
    /// its reasons rest on.
    pub fn seqno(&self) -> SeqNo {
        self.deferred.seqno()
    }
}

impl Future for PendingTransaction {
    type Output = Result<TransactWriteOutput>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = self.get_mut().deferred.poll(context);
        answer.map(|answer| answer.map(|(commit, answered)| answered.into_output(commit)))
    }
}

/// Begins a transaction.
pub fn write(store: &Store, request: &TransactWriteRequest) -> Result<PendingTransaction> {
    check(request).map_err(|fault| Error::new(OPERATION, fault))?;
    let token = request.client_request_token.as_deref();
    let running = token.map(|token| Running::begin(store, request.token_scope, token)).transpose()?;
    store.begin_write()?;
    loop {
        let tables = request.actions.iter().map(|(name, _)| store.catalog.find(OPERATION, name));
        let tables: Vec<Arc<TableDescriptor>> = tables.collect::<Result<_>>()?;
        if let Some(deferred) = attempt(store, request, &tables)? {
            return Ok(PendingTransaction { deferred, _running: running });
        }
        for table in tables.iter().filter(|table| !table.is_current()) {
            store.catalog.await_change(&store.engine, table)?;
        }
    }
}

/// Refuses what is wrong whatever the tables are, action by action.
fn check(request: &TransactWriteRequest) -> Result<(), Fault> {
    check_count(request.actions.len())?;
    if let Some(token) = &request.client_request_token {
        token::check(token)?;
    }
    for ((table, action), position) in request.actions.iter().zip(1..) {
        check_table_name(arn::table_name(table)?)?;
        if let TransactWrite::ConditionCheck { options: WriteOptions { condition: None, .. }, .. } = action {
            return Err(Fault::Members(vec![MemberFault {
                member: format!("transactItems.{position}.member.conditionCheck.conditionExpression"),
                value: "null".to_owned(),
                constraint: Constraint::Present,
            }]));
        }
        if let TransactWrite::Update(UpdateRequest { update, .. }) = action
            && update.actions.is_empty()
        {
            return Err(Fault::Members(vec![MemberFault {
                member: format!("transactItems.{position}.member.update.updateExpression"),
                value: "null".to_owned(),
                constraint: Constraint::Present,
            }]));
        }
        if action.as_request().has_legacy() {
            return Err(LegacyFault::InTransaction.into());
        }
        action.as_request().check()?;
        if let TransactWrite::Put(PutRequest { item, .. }) = action {
            item.validate_size()?;
        }
    }
    Ok(())
}

/// A transaction has 1 to 100 actions.
pub(in crate::dynamo) fn check_count(count: usize) -> Result<(), Fault> {
    let most = limits::TRANSACTION_ACTIONS_MAX;
    let constraint = match count {
        0 => Constraint::LengthAtLeast(1),
        _ if count > most => Constraint::LengthAtMost(most),
        _ => return Ok(()),
    };
    let member = "transactItems".to_owned();
    Err(Fault::Members(vec![MemberFault { member, value: format!("[{count} actions]"), constraint }]))
}

/// `None` if a table was changed before the commit, or what was read has expired.
fn attempt(
    store: &Store,
    request: &TransactWriteRequest,
    tables: &[Arc<TableDescriptor>],
) -> Result<Option<Deferred<Answered>>> {
    let fault = |fault| Error::new(OPERATION, fault);
    let now = store.engine.now();
    let mut writes = Vec::with_capacity(tables.len());
    // What is wrong with the whole request is told before what cancels it.
    let mut first_canceling = None;
    for (at, ((_, action), table)) in request.actions.iter().zip(tables).enumerate() {
        match action.as_request().prepare(OPERATION, table, now) {
            Ok(write) => writes.push(write),
            Err(error) if cancels(error.fault()) => {
                first_canceling.get_or_insert((at, error));
            }
            Err(error) => return Err(error),
        }
    }
    check_together(&writes).map_err(fault)?;
    if let Some((at, error)) = first_canceling {
        return Err(fault(validation_canceled(request.actions.len(), at, &error)));
    }
    let mut keys: Vec<_> = writes.iter().map(|write| write.key.clone()).collect();
    let token = request.client_request_token.as_deref();
    let token = token.map(|token| TokenRow::new(request.token_scope, token, &content(request)));
    keys.extend(token.as_ref().map(|row| row.key.clone()));
    let _guard = store.engine.lock_keys(keys);
    if let Some(row) = token {
        return match row.find(&store.engine)? {
            Some(earlier) => read_again(store, request, tables, &writes, row, earlier).map(Some),
            None => decide(store, request, tables, writes, now, Some(row)),
        };
    }
    decide(store, request, tables, writes, now, None)
}

/// What of a request its token stands for: how it is to be answered, and how durable it is, does not count.
fn content(request: &TransactWriteRequest) -> Vec<(String, TransactWrite)> {
    let mut actions = request.actions.clone();
    for (_, action) in &mut actions {
        let options = match action {
            TransactWrite::Put(request) => &mut request.options,
            TransactWrite::Update(request) => &mut request.options,
            TransactWrite::Delete(request) => &mut request.options,
            TransactWrite::ConditionCheck { options, .. } => options,
        };
        let condition = options.condition.take();
        *options = WriteOptions { condition, ..WriteOptions::default() };
    }
    actions
}

/// The answer to a transaction that was done before: nothing is written, and the items are charged as read.
fn read_again(
    store: &Store,
    request: &TransactWriteRequest,
    tables: &[Arc<TableDescriptor>],
    writes: &[ItemWrite<'_>],
    row: TokenRow,
    earlier: Earlier,
) -> Result<Deferred<Answered>> {
    let mut newest_seen = earlier.seqno;
    if let SameContent::No = earlier.content {
        let mismatch = Error::new(OPERATION, WriteFault::TokenMismatch.into());
        return Ok(Deferred::seen(store.engine.visible(newest_seen), Err(mismatch)));
    }
    let mut actions = Vec::with_capacity(writes.len());
    for (write, (table, _)) in writes.iter().zip(&request.actions) {
        let mut answer = Answer::default();
        if request.return_consumed_capacity != ReturnConsumedCapacity::None {
            let item = read_old(&store.engine, &write.key)?;
            newest_seen = newest_seen.max(item.seqno);
            let size_bytes = item.seen()?.map_or(Ok(0), |item| item.size_bytes());
            let size_bytes = size_bytes.map_err(|error| Error::damaged("item", error))?;
            answer.consumed.add_table(Units::of_read(size_bytes, ReadMode::Transactional));
        }
        actions.push((table.clone(), answer));
    }
    let capacity = request.return_consumed_capacity;
    let collections = collections(store, request, tables, writes)?;
    let answered = Answered { actions, capacity, direction: Direction::Read, collections };
    let ticket = row.acknowledged_again(&store.engine, earlier, newest_seen, request.durability)?;
    Ok(Deferred::new(ticket, Ok(answered)))
}

/// The sizes of the collections of the items that are written, by table, if that was asked for; each once.
fn collections(
    store: &Store,
    request: &TransactWriteRequest,
    tables: &[Arc<TableDescriptor>],
    writes: &[ItemWrite<'_>],
) -> Result<BTreeMap<String, Vec<ItemCollectionMetrics>>> {
    let mut collections: BTreeMap<String, Vec<ItemCollectionMetrics>> = BTreeMap::new();
    if request.return_item_collection_metrics == ReturnItemCollectionMetrics::None {
        return Ok(collections);
    }
    for (((_, action), table), write) in request.actions.iter().zip(tables).zip(writes) {
        if matches!(action, TransactWrite::ConditionCheck { .. }) {
            continue;
        }
        let key = action.as_request().key_attributes(table);
        let Some(metrics) = collection::metrics(&store.engine, table, &write.key, &key)? else { continue };
        let of_table = collections.entry(table.schema().name().to_owned()).or_default();
        if !of_table.contains(&metrics) {
            of_table.push(metrics);
        }
    }
    Ok(collections)
}

/// Judges all actions on the items as they are, and submits what they come to. The keys are locked by the caller.
fn decide(
    store: &Store,
    request: &TransactWriteRequest,
    tables: &[Arc<TableDescriptor>],
    writes: Vec<ItemWrite<'_>>,
    now: CommitTime,
    token: Option<TokenRow>,
) -> Result<Option<Deferred<Answered>>> {
    let olds = writes.iter().map(|write| read_old(&store.engine, &write.key));
    let olds: Vec<OldVersion> = olds.collect::<Result<_>>()?;
    let newest_seen = olds.iter().map(|old| old.seqno).max().unwrap_or(SeqNo::ZERO);
    let collections = collections(store, request, tables, &writes)?;
    let mut decidings = Vec::with_capacity(writes.len());
    for ((write, table), old) in writes.into_iter().zip(tables).zip(&olds) {
        decidings.push(Deciding { operation: OPERATION, table, write, old: old.raw()?, now });
    }
    let capacity = request.return_consumed_capacity;
    let metering = (capacity != ReturnConsumedCapacity::None).then_some(WriteMode::Transactional);
    let mut batch = WriteBatch::new();
    let mut holds_until = olds.iter().filter_map(OldVersion::holds_until).min();
    let answered = match judge(&mut decidings)? {
        Judgement::Canceled(fault) => Err(Error::new(OPERATION, fault)),
        Judgement::Goes(outcomes) => {
            let mut actions = Vec::with_capacity(outcomes.len());
            for (((deciding, outcome), table), at) in decidings.into_iter().zip(outcomes).zip(tables).zip(0..)
            {
                let answer = deciding.finish(outcome, metering, Some(at), &mut batch)?;
                holds_until = earlier(holds_until, answer.holds_until);
                actions.push((table.schema().name().to_owned(), answer));
            }
            Ok(Answered { actions, capacity, direction: Direction::Write, collections })
        }
    };
    if let (Some(row), Ok(_)) = (token, &answered) {
        row.complete(&store.engine, &mut batch);
    }
    let tables: Vec<&TableDescriptor> = tables.iter().map(AsRef::as_ref).collect();
    let derivation = Derivation { tables: &tables, holds_until };
    if answered.is_err() || batch.is_empty() {
        // Nothing is submitted that would be held to it.
        let holds = derivation.holds_at(store.engine.now());
        return Ok(holds.then(|| Deferred::seen(store.engine.visible(newest_seen), answered)));
    }
    match store.engine.submit_guarded(&batch, request.durability, &derivation)? {
        Submitted::Accepted(ticket) => {
            let actions = answered.iter().flat_map(|answered| &answered.actions);
            for (table, (_, answer)) in tables.iter().zip(actions) {
                store.catalog.note_expiry(table, answer.expiry);
            }
            Ok(Some(Deferred::new(ticket, answered)))
        }
        Submitted::Stale | Submitted::Conflict => Ok(None),
    }
}

enum Judgement {
    Goes(Vec<Outcome>),
    Canceled(Fault),
}

/// First what the actions make of their items: the first that is wrong cancels the transaction by itself. Then all
/// conditions.
fn judge(decidings: &mut [Deciding<'_>]) -> Result<Judgement> {
    let count = decidings.len();
    let mut outcomes = Vec::with_capacity(count);
    for (at, deciding) in decidings.iter_mut().enumerate() {
        match deciding.outcome() {
            Ok(outcome) => outcomes.push(outcome),
            // What no index takes from anybody is wrong with the request.
            Err(error) if matches!(error.fault(), Fault::KeyValueEmpty { .. }) => {
                return Err(Error::new(Operation::UpdateItem, error.fault().clone()));
            }
            Err(error) if error.kind() == ErrorKind::Validation => {
                return Ok(Judgement::Canceled(validation_canceled(count, at, &error)));
            }
            Err(error) => return Err(error),
        }
    }
    let mut reasons = Vec::with_capacity(count);
    let mut is_canceled = false;
    for deciding in decidings {
        if deciding.meets_condition()? {
            reasons.push(CancellationReason::none());
        } else {
            is_canceled = true;
            reasons.push(condition_reason(&deciding.condition_fault()?));
        }
    }
    if is_canceled {
        return Ok(Judgement::Canceled(WriteFault::TransactionCanceled { reasons }.into()));
    }
    Ok(Judgement::Goes(outcomes))
}

/// The transaction is cancelled by what is wrong with the action `at`.
pub(in crate::dynamo) fn validation_canceled(count: usize, at: usize, error: &Error) -> Fault {
    let mut reasons = vec![CancellationReason::none(); count];
    if let Some(reason) = reasons.get_mut(at) {
        reason.code = CancellationCode::ValidationError;
        reason.message = Some(error.to_string());
    }
    WriteFault::TransactionCanceled { reasons }.into()
}

/// The reason of an action whose condition is not met.
fn condition_reason(error: &Error) -> CancellationReason {
    let item = match error.fault() {
        Fault::Write(WriteFault::ConditionFailed { item }) => item.as_deref().cloned(),
        _ => None,
    };
    let code = CancellationCode::ConditionalCheckFailed;
    CancellationReason { code, message: Some(error.to_string()), item }
}

/// What does not fit the table cancels the transaction; the rest is wrong with the request.
fn cancels(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::KeyShape
            | Fault::KeyTypeMismatch { .. }
            | Fault::KeyAttributeMissing { .. }
            | Fault::Write(WriteFault::KeyUpdated { .. } | WriteFault::IndexKeyPath { .. })
    )
}

/// No item twice, and not more than 4 MB.
fn check_together(writes: &[ItemWrite<'_>]) -> Result<(), Fault> {
    let mut keys = HashSet::new();
    if !writes.iter().all(|write| keys.insert(&write.key)) {
        return Err(WriteFault::TransactionItemTwice.into());
    }
    let sizes = writes.iter().map(ItemWrite::size_bytes).sum::<Result<usize, _>>();
    let size_bytes = sizes.map_err(|error| Fault::DamagedRow { row: "item", error })?;
    let limit_bytes = limits::TRANSACTION_BYTES_MAX;
    if size_bytes > limit_bytes {
        return Err(WriteFault::TooLarge { size_bytes, limit_bytes }.into());
    }
    Ok(())
}
