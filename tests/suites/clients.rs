//! Simulated clients that run operations step by step against a store, and the history that they make.
//!
//! Several clients run at once: each submits something and then, whenever the scheduler chooses it, does one phase of the
//! log's work until it is decided; interactive transactions are open over many turns. Background jobs run in between.
//! Everything follows from one seed.
//!
//! What each operation comes to is computed from the model at once, on the state after everything that was submitted
//! before, since that is what the store must decide by; and every answer is compared with it.

use crate::deed::{Change, ItemWrite};
use crate::history::{Counts, Fate, History, Place};
use crate::model::Key;
use crate::ticket::{Expected, Ticket, Waiting};
use crate::transacting::{Transacting, replay, take_step};
use crate::workload::{Operation, Step, open, random_operation};
use crate::world::{
    AUDIT, Deed, ItemChange, TABLES, TOKEN_MILLIS, Token, Told, World, create_index, create_table, drop_index,
};
use pixii::sim::{SimRng, Simulation};
use pixii::{
    BatchWrite, BatchWriteRequest, Database, Durability, Error, ErrorKind, IntoKey, Item, Outcome,
    PendingTableChange, SubmittedTransaction, Table, TransactWriteRequest,
};
use std::collections::{BTreeMap, BTreeSet};

/// Commits that may be published between that of a table and the moment at which its catalog takes note.
const MADE_LATER_MAX: u64 = 16;

/// A run of several clients.
pub(crate) struct Run {
    pub(crate) simulation: Simulation,
    pub(crate) history: History,
    /// Tables whose change was under way when something failed: it may be done or not.
    pub(crate) unsure: BTreeSet<&'static str>,
    pub(crate) place: Place,
    /// What was last sent under each token.
    pub(crate) sent: BTreeMap<String, Vec<ItemWrite>>,
    pub(crate) counts: Counts,
}

/// What a client is about.
enum Client {
    Idle,
    Waiting(Box<Waiting>),
    Transacting(Box<Transacting>),
}

const CLIENTS: usize = 3;

/// Runs `count` operations on a new store, or as far as the file system lets it. `prepare` plans a crash or a fault;
/// its result says whether the file system may fail while it is not crashed.
///
/// An error says what was wrong while the store was running.
pub(crate) fn run(seed: u64, count: u64, prepare: impl FnOnce(&Simulation) -> bool) -> Result<Run, String> {
    let simulation = Simulation::new(seed);
    let may_fail = prepare(&simulation);
    let mut rng = simulation.seed().stream("workload");
    let operations: Vec<Operation> = (1..=count).map(|id| random_operation(&mut rng, id)).collect();
    run_operations(&simulation, operations, may_fail)
}

/// Runs these operations on a new store.
pub(crate) fn run_operations(
    simulation: &Simulation,
    operations: Vec<Operation>,
    may_fail: bool,
) -> Result<Run, String> {
    let run = Run {
        simulation: simulation.clone(),
        history: History::default(),
        unsure: BTreeSet::new(),
        place: Place::default(),
        sent: BTreeMap::new(),
        counts: Counts::default(),
    };
    let Ok(database) = open(simulation) else {
        return if may_fail || simulation.vfs().is_crashed() {
            Ok(run)
        } else {
            Err("a new store does not open".to_owned())
        };
    };
    let mut driver = Driver {
        rng: simulation.seed().stream("turns"),
        run,
        database,
        clients: [const { Client::Idle }; CLIENTS],
        appended: World::default(),
        may_fail,
        next_token: 0,
    };
    driver.drive(operations)?;
    // The machine stops here, with the store open: what is in the page cache is for the images to lose.
    simulation.vfs().crash_now();
    let Driver { run, .. } = driver;
    Ok(run)
}

struct Driver {
    run: Run,
    database: Database,
    rng: SimRng,
    clients: [Client; CLIENTS],
    /// The state after everything that was submitted.
    appended: World,
    may_fail: bool,
    next_token: u64,
}

/// Whether the store says so of a request, and not of its files.
fn is_refusal(error: &Error) -> bool {
    use ErrorKind as Kind;
    !matches!(
        error.kind(),
        Kind::Io
            | Kind::NoSpace
            | Kind::Poisoned
            | Kind::Corruption
            | Kind::Locked
            | Kind::ReadOnly
            | Kind::InvalidDatabase
            | Kind::Closed
    )
}

/// What was wrong, if anything was.
type Judged = Result<(), String>;

impl Driver {
    fn drive(&mut self, operations: Vec<Operation>) -> Judged {
        for name in TABLES {
            self.create_table(name)?;
        }
        for operation in operations {
            // The machine has stopped, or a table could not be made.
            while !self.simulation().vfs().is_crashed() {
                if self.rng.chance(0.3) {
                    self.simulation().scheduler().step_one();
                }
                let at = self.rng.below_usize(CLIENTS);
                match std::mem::replace(&mut self.clients[at], Client::Idle) {
                    Client::Idle => {
                        self.make_missing_tables()?;
                        if !self.begin(at, operation)? {
                            return Ok(());
                        }
                        break;
                    }
                    client => self.clients[at] = self.go_on(client)?,
                }
            }
        }
        self.settle()
    }

    fn simulation(&self) -> &Simulation {
        &self.run.simulation
    }

    fn is_healthy(&self) -> bool {
        !self.may_fail && !self.simulation().vfs().is_crashed()
    }

    /// An error of the files is no news where the files may fail.
    fn failed(&self, error: &Error) -> Judged {
        if is_refusal(error) || self.is_healthy() {
            Err(format!("it should be done: {error}"))
        } else {
            Ok(())
        }
    }

    fn now_millis(&self) -> u64 {
        self.simulation().environment().clock.wall_millis()
    }

    fn has_change(&self) -> bool {
        self.clients
            .iter()
            .any(|client| matches!(client, Client::Waiting(waiting) if waiting.changes.is_some()))
    }

    fn is_changing(&self, table: &str) -> bool {
        let changes = |client: &Client| match client {
            Client::Waiting(waiting) => waiting.changes == Some(table),
            _ => false,
        };
        self.run.unsure.contains(table) || self.clients.iter().any(changes)
    }

    fn note(&mut self, seqno: u64, deed: Deed, durability: Durability) -> Result<usize, String> {
        self.appended.apply(seqno, &deed)?;
        self.run.counts.commits += 1;
        Ok(self.run.history.note(seqno, deed, durability))
    }

    fn is_commit(&self, seqno: u64) -> bool {
        seqno > self.run.history.newest()
    }

    /// A table that should be there, or the error that there is none.
    fn table(&self, name: &str) -> Result<Option<Table>, String> {
        match (self.database.table(name), self.appended.tables.contains_key(name)) {
            (Ok(table), _) => Ok(Some(table)),
            (Err(_), false) => Ok(None),
            (Err(_), true) if self.is_changing(name) => Ok(None),
            (Err(error), true) => Err(format!("{name} should be there: {error}")),
        }
    }

    /// Begins an operation. Says whether the run goes on.
    fn begin(&mut self, at: usize, operation: Operation) -> Result<bool, String> {
        match operation {
            Operation::Write(write, durability) => self.clients[at] = self.write(&write, durability)?,
            Operation::Batch(writes, durability) => self.clients[at] = self.batch(&writes, durability)?,
            Operation::Transact(writes, token, durability) => {
                self.clients[at] = self.transact(writes, token, durability)?;
            }
            Operation::Interactive(steps, durability) => {
                self.clients[at] = match self.database.begin_transaction() {
                    Ok(transaction) => {
                        let left = steps.into();
                        let seen = Vec::new();
                        Client::Transacting(Box::new(Transacting { transaction, left, seen, durability }))
                    }
                    Err(error) => self.failed(&error).map(|()| Client::Idle)?,
                }
            }
            Operation::ChangeTable(name) => self.clients[at] = self.change_table(name)?,
            Operation::ChangeIndex(name) => self.clients[at] = self.change_index(name)?,
            Operation::Consume(limit) => self.consume(limit)?,
            Operation::Flush => self.database.flush().or_else(|error| self.failed(&error))?,
            Operation::Compact => self.database.compact().or_else(|error| self.failed(&error))?,
            Operation::Check => self.check()?,
            Operation::Reopen => return self.reopen(),
            Operation::AdvanceClock(duration) => self.simulation().clock().advance(duration),
        }
        Ok(true)
    }

    /// What was not submitted: because there is no table, or because the files fail.
    fn not_submitted(&mut self, error: &Error, expected: &Expected) -> Result<Client, String> {
        let is_expected = match expected {
            Expected::Refused(kind) => error.kind() == *kind,
            Expected::Any => true,
            _ => false,
        };
        if is_expected {
            self.run.counts.refused += 1;
        } else {
            self.failed(error)?;
        }
        match error.outcome() {
            Outcome::Rejected => Ok(Client::Idle),
            Outcome::Unknown => Err(format!("what got no place has an unknown outcome: {error}")),
        }
    }

    fn write(&mut self, write: &ItemWrite, durability: Durability) -> Result<Client, String> {
        let is_there = self.appended.tables.contains_key(write.table);
        let old = self.appended.item(write.table, &write.key).cloned();
        let new = write.on(old.as_ref());
        let asks = self.rng.chance(0.3);
        let mut expected = match &new {
            _ if !is_there && self.is_changing(write.table) => Expected::Any,
            _ if !is_there => Expected::Refused(ErrorKind::ResourceNotFound),
            Ok(new) if asks => Expected::Attributes(write.told(old.as_ref(), new.as_ref())),
            Ok(_) => Expected::Done,
            Err(_) => Expected::Refused(ErrorKind::ConditionalCheckFailed),
        };
        let Some(table) = self.table(write.table)? else { return Ok(Client::Idle) };
        let pending = match write.submit(&table, durability, asks) {
            Ok(pending) => pending,
            Err(error) => return self.not_submitted(&error, &expected),
        };
        let seqno = pending.seqno().0;
        let mut events = Vec::new();
        match new {
            Ok(new) if self.is_commit(seqno) => {
                let changes = vec![(write.table, write.key.clone(), new)];
                events.push(self.note(seqno, Deed::Write(changes, None), durability)?);
            }
            Err(_) if self.is_commit(seqno) => return Err(format!("{write:?} is done, on {old:?}")),
            Ok(new) if is_there && new != old => return Err(format!("{write:?} changes nothing of {old:?}")),
            _ if !is_there => expected = Expected::Any,
            _ => {}
        }
        Ok(Client::Waiting(Box::new(Waiting {
            ticket: Ticket::Write(Box::new(pending)),
            events,
            expected,
            token: None,
            changes: None,
        })))
    }

    fn batch(&mut self, writes: &[ItemWrite], durability: Durability) -> Result<Client, String> {
        let mut by_table: BTreeMap<String, Vec<BatchWrite>> = BTreeMap::new();
        let mut in_order: BTreeMap<&str, Vec<&ItemWrite>> = BTreeMap::new();
        for write in writes {
            let asked = match &write.change {
                Change::Put(item) => BatchWrite::Put(item.clone()),
                _ => BatchWrite::Delete((write.key.0.as_str(), write.key.1).into_key()),
            };
            by_table.entry(write.table.to_owned()).or_default().push(asked);
            in_order.entry(write.table).or_default().push(write);
        }
        let missing: Vec<_> =
            in_order.keys().filter(|name| !self.appended.tables.contains_key(**name)).collect();
        let mut expected = match missing.iter().any(|name| self.is_changing(name)) {
            true => Expected::Any,
            false if missing.is_empty() => Expected::Done,
            false => Expected::Refused(ErrorKind::ResourceNotFound),
        };
        let request = BatchWriteRequest { writes: by_table, durability, ..BatchWriteRequest::default() };
        let pending = match self.database.submit_batch_write(request) {
            Ok(pending) => pending,
            Err(error) => return self.not_submitted(&error, &expected),
        };
        let mut events = Vec::new();
        for (write, seqno) in in_order.into_values().flatten().zip(pending.seqnos()) {
            let old = self.appended.item(write.table, &write.key);
            let new = write.on(old).map_err(|_| "a batch has no conditions")?;
            match seqno.map(|seqno| seqno.0) {
                Some(seqno) if self.is_commit(seqno) => {
                    let changes = vec![(write.table, write.key.clone(), new)];
                    events.push(self.note(seqno, Deed::Write(changes, None), durability)?);
                }
                Some(_) if self.appended.tables.contains_key(write.table) && new.as_ref() != old => {
                    return Err(format!("{write:?} in a batch changes nothing of {old:?}"));
                }
                Some(_) => {}
                None => expected = Expected::Any,
            }
        }
        Ok(Client::Waiting(Box::new(Waiting {
            ticket: Ticket::Batch(pending),
            events,
            expected,
            token: None,
            changes: None,
        })))
    }

    /// Chooses what is sent under a token: what was sent before, something else, or anything under a new one.
    fn sent_under(&mut self, token: u64, writes: Vec<ItemWrite>) -> (String, Vec<ItemWrite>) {
        let name = format!("token {token} {}", self.next_token);
        match self.run.sent.get(&name) {
            Some(_) if self.rng.chance(0.3) => {
                self.next_token += 1;
                self.sent_under(token, writes)
            }
            Some(before) if self.rng.chance(0.85) => (name, before.clone()),
            _ => {
                self.run.sent.insert(name.clone(), writes.clone());
                (name, writes)
            }
        }
    }

    fn transact(
        &mut self,
        writes: Vec<ItemWrite>,
        token: Option<u64>,
        durability: Durability,
    ) -> Result<Client, String> {
        let (token, writes) = match token {
            None => (None, writes),
            Some(token) => {
                let (name, writes) = self.sent_under(token, writes);
                (Some(name), writes)
            }
        };
        let mut now_millis = self.now_millis();
        let (expected, changes) = self.judge(&writes, token.as_deref(), now_millis);
        let mut actions = Vec::new();
        for write in &writes {
            let Some(table) = self.table(write.table)? else {
                if !self.is_changing(write.table) {
                    self.run.counts.refused += 1;
                }
                return Ok(Client::Idle);
            };
            let action = write.action(&table).map_err(|error| format!("{write:?} is valid: {error}"))?;
            actions.push((write.table.to_owned(), action));
        }
        let client_request_token = token.clone();
        let request =
            TransactWriteRequest { actions, client_request_token, durability, ..Default::default() };
        let pending = match self.database.submit_transact_write(&request) {
            Ok(pending) => pending,
            Err(error) => return self.not_submitted(&error, &expected),
        };
        // Paying back pressure can have taken time, and a token with it.
        let then_millis = std::mem::replace(&mut now_millis, self.now_millis());
        let (mut expected, changes) = if then_millis == now_millis {
            (expected, changes)
        } else {
            self.judge(&writes, token.as_deref(), now_millis)
        };
        let seqno = pending.seqno().0;
        let mut events = Vec::new();
        if self.is_commit(seqno) {
            let again = token.as_ref().and_then(|token| self.appended.tokens.get(token)).cloned();
            let deed = match (changes, again) {
                (Some(changes), _) => {
                    let token = token.clone().map(|name| Token { name, writes, at_millis: now_millis });
                    Deed::Write(changes, token)
                }
                // What was buffered is made durable by being asked for again: its row is written anew.
                (None, Some(again)) if expected == Expected::Done && durability == Durability::Durable => {
                    Deed::Write(Vec::new(), Some(again))
                }
                _ => {
                    return Err(format!("a transaction is done that should answer {expected:?}: {writes:?}"));
                }
            };
            events.push(self.note(seqno, deed, durability)?);
        } else if let Some(changes) = changes {
            let is_changed = |(table, key, new): &(&str, Key, Option<Item>)| {
                self.appended.tables.contains_key(table) && self.appended.item(table, key) != new.as_ref()
            };
            if token.is_some() || changes.iter().any(is_changed) {
                return Err(format!("a transaction did nothing: {writes:?}"));
            }
        }
        if writes_missing(&self.appended, &request) {
            expected = Expected::Any;
        }
        Ok(Client::Waiting(Box::new(Waiting {
            ticket: Ticket::Transact(Box::new(pending)),
            events,
            expected,
            token,
            changes: None,
        })))
    }

    /// What a transaction should answer, and the changes that it makes, if it makes any.
    fn judge(
        &mut self,
        writes: &[ItemWrite],
        token: Option<&str>,
        now_millis: u64,
    ) -> (Expected, Option<Vec<ItemChange>>) {
        let runs = |client: &Client| match client {
            Client::Waiting(waiting) => token.is_some() && waiting.token.as_deref() == token,
            _ => false,
        };
        if self.clients.iter().any(runs) {
            return (Expected::Refused(ErrorKind::TransactionInProgress), None);
        }
        let mut missing =
            writes.iter().filter(|write| !self.appended.tables.contains_key(write.table)).peekable();
        if missing.peek().is_some() {
            let is_changing = missing.any(|write| self.is_changing(write.table));
            let refused = Expected::Refused(ErrorKind::ResourceNotFound);
            return (if is_changing { Expected::Any } else { refused }, None);
        }
        if let Some(done) = token.and_then(|token| self.appended.tokens.get(token))
            && now_millis < done.at_millis + TOKEN_MILLIS
        {
            let is_same = done.writes == writes;
            self.run.counts.tokens_again += 1;
            let mismatch = Expected::Refused(ErrorKind::IdempotentParameterMismatch);
            return (if is_same { Expected::Done } else { mismatch }, None);
        }
        let mut changes = Vec::new();
        for write in writes {
            match write.on(self.appended.item(write.table, &write.key)) {
                Ok(_) if write.change == Change::Check => {}
                Ok(new) => changes.push((write.table, write.key.clone(), new)),
                Err(_) => return (Expected::Refused(ErrorKind::TransactionCanceled), None),
            }
        }
        (Expected::Done, Some(changes))
    }

    fn create_table(&mut self, name: &'static str) -> Judged {
        self.run.unsure.insert(name);
        match self.database.create_table(create_table(name)) {
            Ok(_) => {
                self.run.unsure.remove(name);
                // Between the newest commit of a client and this one are only commits of jobs.
                let seqno = self.run.history.newest() + 1;
                let event = self.note(seqno, Deed::CreateTable(name), Durability::Durable)?;
                self.run.history.events[event].fate = Fate::Acknowledged;
                if name == AUDIT {
                    self.run.place = Place { stream: seqno, ..Place::default() };
                }
                self.run.counts.table_changes += 1;
                Ok(())
            }
            Err(error) => self.failed(&error),
        }
    }

    /// A table that was dropped is not missed for long.
    fn make_missing_tables(&mut self) -> Judged {
        for name in TABLES {
            let is_missing = !self.appended.tables.contains_key(name) && !self.run.unsure.contains(name);
            if is_missing && !self.has_change() && self.rng.chance(0.2) {
                self.create_table(name)?;
            }
        }
        Ok(())
    }

    fn change_table(&mut self, name: &'static str) -> Result<Client, String> {
        if self.has_change() || self.run.unsure.contains(name) {
            return Ok(Client::Idle);
        }
        if !self.appended.tables.contains_key(name) {
            return self.create_table(name).map(|()| Client::Idle);
        }
        let pending = self.database.submit_delete_table(name);
        self.changed(name, Deed::DropTable(name), pending)
    }

    fn change_index(&mut self, name: &'static str) -> Result<Client, String> {
        let Some(state) = self.appended.tables.get(AUDIT) else { return Ok(Client::Idle) };
        if self.has_change() || self.run.unsure.contains(AUDIT) {
            return Ok(Client::Idle);
        }
        let (request, deed) = if state.indexes.contains(name) {
            (drop_index(AUDIT, name), Deed::DropIndex(name))
        } else {
            (create_index(AUDIT, name), Deed::CreateIndex(name))
        };
        let pending = self.database.submit_update_table(request);
        self.changed(AUDIT, deed, pending)
    }

    fn changed(
        &mut self,
        name: &'static str,
        deed: Deed,
        pending: Result<PendingTableChange, Error>,
    ) -> Result<Client, String> {
        let pending = match pending {
            // The table is still at an earlier change.
            Err(error) if matches!(error.kind(), ErrorKind::ResourceInUse | ErrorKind::LimitExceeded) => {
                return Ok(Client::Idle);
            }
            // The one that was dropped has not quite gone.
            Err(error) if error.to_string() == "Attempting to create an index which already exists" => {
                return Ok(Client::Idle);
            }
            Err(error) => return self.not_submitted(&error, &Expected::Done),
            Ok(pending) => pending,
        };
        let events = vec![self.note(pending.seqno().0, deed, Durability::Durable)?];
        self.run.counts.table_changes += 1;
        Ok(Client::Waiting(Box::new(Waiting {
            ticket: Ticket::Change(Box::new(pending)),
            events,
            expected: Expected::Done,
            token: None,
            changes: Some(name),
        })))
    }

    /// The consumer goes on where it was, is told what the stream has there, and keeps its place.
    fn consume(&mut self, limit: usize) -> Judged {
        if !self.appended.tables.contains_key(AUDIT) || self.is_changing(AUDIT) {
            return Ok(());
        }
        match self.consume_from(limit) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(wrong)) => Err(wrong),
            Err(error) => self.failed(&error),
        }
    }

    fn consume_from(&mut self, limit: usize) -> Result<Judged, Error> {
        let stream = self.database.stream(AUDIT)?;
        let mut consumer = stream.consumer("outbox")?;
        let batch = consumer.next_batch(limit)?;
        let all: Vec<_> = stream.records()?.collect::<Result<_, _>>()?;
        let kept = self.run.place.kept;
        let rest = all.iter().filter(|record| Some(record.sequence_number) > kept);
        if !rest.take(limit).eq(&batch) {
            let batch: Vec<_> = batch.iter().map(|record| record.sequence_number).collect();
            return Ok(Err(format!("the consumer behind {kept:?} was given {batch:?}")));
        }
        if let Some(last) = batch.last() {
            match consumer.commit() {
                Ok(()) => {
                    self.run.place.kept = Some(last.sequence_number);
                    self.run.place.tried.clear();
                }
                Err(error) => {
                    if error.outcome() == Outcome::Unknown {
                        self.run.place.tried.push(last.sequence_number);
                    }
                    return Err(error);
                }
            }
            self.run.counts.records_consumed += batch.len() as u64;
        }
        Ok(Ok(()))
    }

    fn check(&mut self) -> Judged {
        let seqno = self.database.statistics().published.0;
        let world = self.run.history.world_at(seqno)?;
        let durable = self.run.history.durable();
        self.run.counts.checks += 1;
        match world.check(&self.database, |name| self.is_changing(name), Told::AtLeast(durable)) {
            Err(wrong) if wrong.contains("a read failed") && !self.is_healthy() => Ok(()),
            Err(wrong) => Err(format!("while running, at commit {seqno}: {wrong}")),
            Ok(()) => Ok(()),
        }
    }

    fn reopen(&mut self) -> Result<bool, String> {
        self.settle()?;
        if let Err(error) = self.database.close() {
            return self.failed(&error).map(|()| false);
        }
        match open(self.simulation()) {
            Ok(opened) => self.database = opened,
            Err(_) if !self.is_healthy() => return Ok(false),
            Err(error) => return Err(format!("a closed store did not open: {error}")),
        }
        Ok(true)
    }

    fn settle(&mut self) -> Judged {
        for at in 0..CLIENTS {
            if let Client::Waiting(waiting) = std::mem::replace(&mut self.clients[at], Client::Idle) {
                let Waiting { ticket, events, expected, changes, .. } = *waiting;
                let answer = ticket.wait();
                self.answered(&events, &expected, changes, &answer)?;
            }
        }
        Ok(())
    }

    fn go_on(&mut self, client: Client) -> Result<Client, String> {
        match client {
            Client::Idle => Ok(Client::Idle),
            Client::Transacting(transacting) => self.transacting(transacting),
            Client::Waiting(mut waiting) => {
                let Some(answer) = waiting.ticket.step() else { return Ok(Client::Waiting(waiting)) };
                let Waiting { events, expected, changes, .. } = *waiting;
                self.answered(&events, &expected, changes, &answer)?;
                Ok(Client::Idle)
            }
        }
    }

    fn answered(
        &mut self,
        events: &[usize],
        expected: &Expected,
        changes: Option<&'static str>,
        answer: &Result<Option<Item>, Error>,
    ) -> Judged {
        let fate = match answer {
            Ok(_) => Fate::Acknowledged,
            // Of a batch some may be done.
            Err(_) if events.len() > 1 || *expected == Expected::Any => Fate::Unknown,
            Err(error) if error.outcome() == Outcome::Unknown => Fate::Unknown,
            Err(_) => Fate::Rejected,
        };
        for event in events {
            self.run.history.events[*event].fate = fate;
        }
        match (answer, expected) {
            (_, Expected::Any) | (Ok(_), Expected::Done) => Ok(()),
            (Ok(found), Expected::Attributes(wanted)) if found == wanted => Ok(()),
            (Ok(found), Expected::Attributes(wanted)) => {
                Err(format!("a write answers with {found:?}, not {wanted:?}"))
            }
            (Ok(_), Expected::Refused(kind)) => Err(format!("it was done, and should be refused: {kind:?}")),
            (Err(error), Expected::Refused(kind)) if error.kind() == *kind => {
                self.run.counts.refused += 1;
                Ok(())
            }
            (Err(error), _) => {
                self.run.unsure.extend(changes);
                self.failed(error)
            }
        }
    }

    /// One step of a transaction, or its commit.
    fn transacting(&mut self, mut open: Box<Transacting>) -> Result<Client, String> {
        let Some(step) = open.left.pop_front() else { return self.commit(*open) };
        let name = match &step {
            Step::Get(table, _) | Step::Query(table, ..) => table,
            Step::ScanIndex(_) => crate::model::TABLE,
            Step::Write(write) => write.table,
        };
        let Some(table) = self.table(name)? else { return Ok(Client::Idle) };
        match take_step(&mut open.transaction, &table, &step) {
            Ok(seen) => {
                open.seen.push((step, seen));
                Ok(Client::Transacting(open))
            }
            // Its table has gone or come since it began, or is about to.
            Err(error) if error.kind() == ErrorKind::ResourceNotFound => Ok(Client::Idle),
            Err(error) if error.kind() == ErrorKind::Validation && error.to_string().contains("index") => {
                Ok(Client::Idle)
            }
            Err(error) if error.kind() == ErrorKind::TransactionConflict => {
                // The catalog knows when the table was made up to what was published until it was told.
                let snapshot = open.transaction.seqno().0;
                let is_old = |made_by: u64| made_by + MADE_LATER_MAX <= snapshot;
                if self.appended.tables.get(name).is_some_and(|table| is_old(table.made_by)) {
                    return Err(format!("a transaction as of {snapshot} may not read {name}: {error}"));
                }
                self.run.counts.conflicts += 1;
                Ok(Client::Idle)
            }
            Err(error) => self.failed(&error).map(|()| Client::Idle),
        }
    }

    fn commit(&mut self, open: Transacting) -> Result<Client, String> {
        let Transacting { transaction, seen, durability, .. } = open;
        let snapshot = transaction.seqno().0;
        match transaction.submit(durability) {
            Ok(SubmittedTransaction::Accepted(pending)) => {
                let changes = replay(self.appended.clone(), &seen)?;
                let seqno = pending.seqno().0;
                if !self.is_commit(seqno) {
                    return Err(format!("a transaction has the place of another commit: {seqno}"));
                }
                self.run.counts.interactive += 1;
                let events = vec![self.note(seqno, Deed::Write(changes, None), durability)?];
                Ok(Client::Waiting(Box::new(Waiting {
                    ticket: Ticket::Commit(pending),
                    events,
                    expected: Expected::Done,
                    token: None,
                    changes: None,
                })))
            }
            Ok(SubmittedTransaction::OnlyRead) => {
                replay(self.run.history.world_at(snapshot)?, &seen)?;
                Ok(Client::Idle)
            }
            Ok(SubmittedTransaction::Conflict) => {
                self.run.counts.conflicts += 1;
                Ok(Client::Idle)
            }
            Err(error) => self.not_submitted(&error, &Expected::Refused(ErrorKind::ResourceNotFound)),
        }
    }
}

fn writes_missing(appended: &World, request: &TransactWriteRequest) -> bool {
    request.actions.iter().any(|(table, _)| !appended.tables.contains_key(table.as_str()))
}
