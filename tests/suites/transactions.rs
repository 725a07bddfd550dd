//! Optimistic transactions are serializable, and in the order of their commits: doing the committed ones one after
//! another gives each read what it gave, at the time of its commit: some of what is written expires. Answers that rest on
//! a commit come after it is published.
//!
//! In the simulation a conflict must have a reason too: somebody wrote what the transaction had read, since, or it has
//! expired.

use crate::workload::tiny_options;
use pixii::base::batch::WriteBatch;
use pixii::base::error::StoreError;
use pixii::base::expiry::{Expiry, ExpiryGeneration};
use pixii::base::ident::{CommitTime, SeqNo};
use pixii::engine::commit::{CommitGuard, Verdict};
use pixii::engine::cursor::KeyRange;
use pixii::engine::store::Engine;
use pixii::engine::ticket::{Submitted, Ticket};
use pixii::engine::transaction::{Transaction, TransactionCursor};
use pixii::sim::{Seed, SimRng, Simulation};
use pixii::{Commit, Durability, Environment};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

type Bytes = Vec<u8>;
type Model = BTreeMap<Bytes, Bytes>;

const KEYS: u8 = 9;
const CLIENTS: usize = 4;

/// What expires does so sooner than this.
const LIFE_MILLIS: u64 = 60;

fn key(number: u8) -> Bytes {
    vec![0, 0, 0, 16, number]
}

/// The expiry of what has this value: its last eight bytes, if it has sixteen.
fn expiry(value: &[u8]) -> Option<Expiry> {
    let at_millis = u64::from_be_bytes(value.get(8..)?.try_into().ok()?);
    Some(Expiry { at_millis, generation: ExpiryGeneration(1) })
}

fn is_alive(value: &[u8], time: CommitTime) -> bool {
    expiry(value).is_none_or(|expiry| expiry.at_millis > time.0)
}

/// What a transaction was given.
#[derive(Clone, Debug)]
enum Seen {
    Get {
        key: Bytes,
        value: Option<Bytes>,
    },
    /// From one end of the range, as far as it was walked.
    Walk {
        range: KeyRange,
        direction: Direction,
        entries: Vec<(Bytes, Bytes)>,
        came_to_end: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

impl Seen {
    /// Whether a reader of `model` would have been given this at a time.
    fn holds(&self, model: &Model, time: CommitTime) -> bool {
        match self {
            Self::Get { key, value } => {
                model.get(key).filter(|value| is_alive(value, time)) == value.as_ref()
            }
            Self::Walk { range, direction, entries, came_to_end } => {
                let end = range.end.clone().expect("the suite's ranges have ends");
                let inside = model.range(range.start.clone()..end).filter(|(_, value)| is_alive(value, time));
                let there: Vec<_> = inside.map(|(key, value)| (key.clone(), value.clone())).collect();
                let there: Vec<_> = match direction {
                    Direction::Forward => there,
                    Direction::Backward => there.into_iter().rev().collect(),
                };
                there.starts_with(entries) && (!came_to_end || there.len() == entries.len())
            }
        }
    }

    /// Whether something of it has expired at a time.
    fn is_expired(&self, time: CommitTime) -> bool {
        match self {
            Self::Get { value, .. } => value.as_ref().is_some_and(|value| !is_alive(value, time)),
            Self::Walk { entries, .. } => entries.iter().any(|(_, value)| !is_alive(value, time)),
        }
    }

    /// Whether a write of `key` changes what was read, or could.
    fn depends_on(&self, key: &Bytes) -> bool {
        match self {
            Self::Get { key: read, .. } => read == key,
            Self::Walk { range, direction, entries, came_to_end } => {
                let farthest = entries.last().map(|(key, _)| key).filter(|_| !came_to_end);
                let is_inside = range.start <= *key && range.end.as_ref().is_none_or(|end| key < end);
                is_inside
                    && farthest.is_none_or(|farthest| match direction {
                        Direction::Forward => key <= farthest,
                        Direction::Backward => farthest <= key,
                    })
            }
        }
    }
}

/// Something that took place at a commit: reads just before it, then writes.
#[derive(Clone, Debug)]
struct Event {
    seqno: SeqNo,
    /// When its reads were as they are, if it has any.
    time: CommitTime,
    seen: Vec<Seen>,
    writes: Vec<(Bytes, Option<Bytes>)>,
}

/// Does all events in their order, and compares what was seen. Gives what they leave for a reader at a time.
fn replay(mut events: Vec<Event>, time: CommitTime) -> Result<Model, String> {
    // What only read stands with the last commit that it saw, and after it.
    events.sort_by_key(|event| (event.seqno, event.writes.is_empty()));
    let mut model = Model::new();
    for event in events {
        if let Some(wrong) = event.seen.iter().find(|seen| !seen.holds(&model, event.time)) {
            return Err(format!("at commit {} the state is {model:?}, but was seen: {wrong:?}", event.seqno));
        }
        for (key, value) in event.writes {
            match value {
                Some(value) => drop(model.insert(key, value)),
                None => drop(model.remove(&key)),
            }
        }
    }
    model.retain(|_, value| is_alive(value, time));
    Ok(model)
}

/// What the store holds now, and the time at which it does.
fn scan(engine: &Engine) -> Result<(Model, CommitTime), StoreError> {
    let snapshot = engine.snapshot();
    let mut cursor = engine.cursor(KeyRange::default(), Some(&snapshot))?;
    let mut model = Model::new();
    cursor.seek_first()?;
    while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
        model.insert(key.to_vec(), value.to_vec());
        cursor.next()?;
    }
    Ok((model, snapshot.time()))
}

/// A transaction that is being made.
struct Open {
    transaction: Transaction,
    seen: Vec<Seen>,
    reads_left: u64,
    writes: Writes,
}

/// What is to be written, and how durably.
struct Writes {
    entries: BTreeMap<Bytes, Option<Bytes>>,
    durability: Durability,
}

impl Writes {
    fn random(rng: &mut SimRng, now: CommitTime, least: u64) -> Self {
        let mut entries = BTreeMap::new();
        for _ in 0..rng.below(3) + least {
            let mut value = (!rng.chance(0.3)).then(|| rng.next_u64().to_be_bytes().to_vec());
            if let Some(value) = value.as_mut().filter(|_| rng.chance(0.3)) {
                value.extend_from_slice(&(now.0 + rng.below(LIFE_MILLIS)).to_be_bytes());
            }
            entries.insert(key(number(rng)), value);
        }
        let durability = if rng.chance(0.4) { Durability::Durable } else { Durability::Buffered };
        Self { entries, durability }
    }

    fn batch(&self) -> WriteBatch {
        let mut batch = WriteBatch::new();
        for (key, value) in &self.entries {
            match value {
                Some(value) => match expiry(value) {
                    Some(expiry) => batch.put_expiring(key.clone(), value.clone(), expiry),
                    None => batch.put(key.clone(), value.clone()),
                },
                None => batch.delete(key.clone()),
            }
        }
        batch
    }

    fn keys(&self) -> Vec<Bytes> {
        self.entries.keys().cloned().collect()
    }

    /// As a commit that has read nothing.
    fn into_blind_event(self, seqno: SeqNo) -> Event {
        self.into_event(Commit { seqno, time: CommitTime(0) }, Vec::new())
    }

    fn into_event(self, commit: Commit, seen: Vec<Seen>) -> Event {
        let Commit { seqno, time } = commit;
        Event { seqno, time, seen, writes: self.entries.into_iter().collect() }
    }
}

fn number(rng: &mut SimRng) -> u8 {
    u8::try_from(rng.below(u64::from(KEYS))).expect("a small number")
}

impl Open {
    fn begin(engine: &Engine, rng: &mut SimRng) -> Result<Self, StoreError> {
        let transaction = engine.begin_transaction()?;
        let writes = Writes::random(rng, engine.now(), 0);
        Ok(Self { transaction, seen: Vec::new(), reads_left: rng.below(5), writes })
    }

    fn read(&mut self, rng: &mut SimRng) -> Result<(), StoreError> {
        self.reads_left -= 1;
        let seen = if rng.chance(0.5) {
            let key = key(number(rng));
            let value = self.transaction.get(&key, <[u8]>::to_vec)?;
            Seen::Get { key, value }
        } else {
            let (one, other) = (number(rng), number(rng));
            let range = KeyRange { start: key(one.min(other)), end: Some(key(one.max(other) + 1)) };
            let mut cursor = self.transaction.cursor(range.clone())?;
            walk(&mut cursor, range, rng)?
        };
        self.seen.push(seen);
        Ok(())
    }
}

/// Walks a part of a range from one of its ends.
fn walk(cursor: &mut TransactionCursor, range: KeyRange, rng: &mut SimRng) -> Result<Seen, StoreError> {
    let direction = if rng.chance(0.5) { Direction::Forward } else { Direction::Backward };
    let count = rng.below_usize(4) + 1;
    match direction {
        Direction::Forward => cursor.seek_first()?,
        Direction::Backward => cursor.seek_last()?,
    }
    let mut entries = Vec::new();
    while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
        entries.push((key.to_vec(), value.to_vec()));
        if entries.len() == count {
            return Ok(Seen::Walk { range, direction, entries, came_to_end: false });
        }
        match direction {
            Direction::Forward => cursor.next()?,
            Direction::Backward => cursor.prev()?,
        }
    }
    Ok(Seen::Walk { range, direction, entries, came_to_end: true })
}

/// Notes the commit, or says that the batch is stale, every time.
struct Notes {
    verdict: Verdict,
    commit: Cell<Option<Commit>>,
}

impl Notes {
    fn new(verdict: Verdict) -> Self {
        Self { verdict, commit: Cell::new(None) }
    }
}

impl CommitGuard for Notes {
    fn admit(&self, _next: Commit) -> Verdict {
        self.verdict
    }

    fn committed(&self, commit: Commit) {
        self.commit.set(Some(commit));
    }
}

/// What a transaction without writes comes to.
fn only_read(transaction: &Transaction) -> Commit {
    Commit { seqno: transaction.snapshot().seqno(), time: transaction.snapshot().time() }
}

/// What a simulated client is about.
enum Client {
    Idle,
    Reading(Open),
    /// Its write is on its way.
    Writing(Ticket),
    /// An answer rests on this commit.
    Answering(SeqNo, Ticket),
}

/// How often what the suite is about came about.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    committed: usize,
    conflicts: usize,
    /// Those without a write since.
    expired: usize,
    answers_that_waited: usize,
}

struct Run {
    engine: Engine,
    rng: SimRng,
    events: Vec<Event>,
    figures: Figures,
}

impl Run {
    fn step(&mut self, client: Client) -> Result<Client, String> {
        let text = |error: StoreError| error.to_string();
        match client {
            Client::Idle => self.begin().map_err(text),
            Client::Reading(mut open) if open.reads_left > 0 => {
                open.read(&mut self.rng).map_err(text)?;
                Ok(Client::Reading(open))
            }
            Client::Reading(open) => self.commit(open),
            Client::Writing(ticket) => match ticket.step() {
                Some(outcome) => outcome.map(|_| Client::Idle).map_err(text),
                None => Ok(Client::Writing(ticket)),
            },
            Client::Answering(seqno, ticket) => match ticket.step() {
                Some(Ok(_)) if self.engine.statistics().published < seqno => {
                    Err(format!("an answer that rests on commit {seqno} came before it was published"))
                }
                Some(outcome) => outcome.map(|_| Client::Idle).map_err(text),
                None => {
                    self.figures.answers_that_waited += 1;
                    Ok(Client::Answering(seqno, ticket))
                }
            },
        }
    }

    fn begin(&mut self) -> Result<Client, StoreError> {
        match self.rng.below(10) {
            0..5 => Ok(Client::Reading(Open::begin(&self.engine, &mut self.rng)?)),
            5..8 => {
                let writes = Writes::random(&mut self.rng, self.engine.now(), 1);
                let locked = self.engine.lock_keys(writes.keys());
                let ticket = self.engine.submit(&writes.batch(), writes.durability)?;
                drop(locked);
                self.events.push(writes.into_blind_event(ticket.seqno()));
                Ok(Client::Writing(ticket))
            }
            _ => {
                let key = key(number(&mut self.rng));
                let locked = self.engine.lock_keys(vec![key.clone()]);
                let version = self.engine.latest_version(&key, |version| version.seqno)?;
                drop(locked);
                Ok(version.map_or(Client::Idle, |seqno| Client::Answering(seqno, self.engine.visible(seqno))))
            }
        }
    }

    fn commit(&mut self, open: Open) -> Result<Client, String> {
        let Open { transaction, seen, writes, .. } = open;
        let snapshot = transaction.snapshot().seqno();
        if writes.entries.is_empty() {
            self.events.push(writes.into_event(only_read(&transaction), seen));
            return Ok(Client::Idle);
        }
        let guard = Notes::new(if self.rng.chance(0.1) { Verdict::Stale } else { Verdict::Go });
        let locked = self.engine.lock_keys(writes.keys());
        let submitted =
            self.engine.commit_transaction(&transaction, &writes.batch(), writes.durability, &guard);
        drop(locked);
        match submitted.map_err(|error| error.to_string())? {
            Submitted::Accepted(ticket) => {
                self.figures.committed += 1;
                let commit = guard.commit.get().expect("the guard was told");
                self.events.push(writes.into_event(commit, seen));
                Ok(Client::Writing(ticket))
            }
            Submitted::Stale => Ok(Client::Reading(Open { transaction, seen, reads_left: 0, writes })),
            Submitted::Conflict => {
                self.figures.conflicts += 1;
                let mut since = self.events.iter().filter(|event| event.seqno > snapshot);
                let is_read = |key: &Bytes| seen.iter().any(|seen| seen.depends_on(key));
                if since.any(|event| event.writes.iter().any(|(key, _)| is_read(key))) {
                    return Ok(Client::Idle);
                }
                if seen.iter().any(|seen| seen.is_expired(self.engine.now())) {
                    self.figures.expired += 1;
                    return Ok(Client::Idle);
                }
                Err(format!("a conflict without a reason, after {snapshot}: {seen:?}"))
            }
        }
    }
}

/// Clients run transactions, blind writes and answers step by step, in an order that follows from the seed.
pub(crate) fn simulate(seed: u64, figures: &mut Figures) -> Result<(), String> {
    let text = |error: StoreError| error.to_string();
    let simulation = Simulation::new(seed);
    let engine = Engine::open(simulation.environment(), Path::new("/store"), tiny_options()).map_err(text)?;
    let rng = simulation.seed().stream("transactions");
    let mut run = Run { engine, rng, events: Vec::new(), figures: Figures::default() };
    let mut clients: [Client; CLIENTS] = std::array::from_fn(|_| Client::Idle);
    for _ in 0..1000 {
        if run.rng.chance(0.2) {
            simulation.scheduler().step_one();
        }
        if run.rng.chance(0.3) {
            simulation.clock().advance(Duration::from_millis(run.rng.below(4)));
        }
        if run.rng.chance(0.01) {
            run.engine.flush().map_err(text)?;
        }
        let client = &mut clients[run.rng.below_usize(CLIENTS)];
        *client = run
            .step(std::mem::replace(client, Client::Idle))
            .map_err(|wrong| format!("seed {seed}: {wrong}"))?;
    }
    drop(clients);
    run.engine.barrier().wait().map_err(text)?;
    let (found, time) = scan(&run.engine).map_err(text)?;
    let model = replay(run.events, time).map_err(|wrong| format!("seed {seed}: {wrong}"))?;
    if found != model {
        return Err(format!("seed {seed}: the store holds something else than its commits give"));
    }
    figures.committed += run.figures.committed;
    figures.conflicts += run.figures.conflicts;
    figures.expired += run.figures.expired;
    figures.answers_that_waited += run.figures.answers_that_waited;
    Ok(())
}

/// One thread's transactions and blind writes.
fn work(engine: &Engine, thread: u64, figures: &mut Figures) -> Result<Vec<Event>, StoreError> {
    let mut rng = Seed(thread).stream("thread");
    let mut events = Vec::new();
    for _ in 0..500 {
        if rng.chance(0.3) {
            let writes = Writes::random(&mut rng, engine.now(), 1);
            let locked = engine.lock_keys(writes.keys());
            let ticket = engine.submit(&writes.batch(), writes.durability)?;
            drop(locked);
            events.push(writes.into_blind_event(ticket.seqno()));
            ticket.wait()?;
            continue;
        }
        let mut open = Open::begin(engine, &mut rng)?;
        while open.reads_left > 0 {
            open.read(&mut rng)?;
            std::thread::yield_now();
        }
        let Open { transaction, seen, writes, .. } = open;
        if writes.entries.is_empty() {
            events.push(writes.into_event(only_read(&transaction), seen));
            continue;
        }
        let guard = Notes::new(Verdict::Go);
        let locked = engine.lock_keys(writes.keys());
        let submitted =
            engine.commit_transaction(&transaction, &writes.batch(), writes.durability, &guard)?;
        drop(locked);
        match submitted {
            Submitted::Accepted(ticket) => {
                figures.committed += 1;
                events.push(writes.into_event(guard.commit.get().expect("the guard was told"), seen));
                ticket.wait()?;
            }
            Submitted::Conflict => figures.conflicts += 1,
            Submitted::Stale => unreachable!("the guard lets it go"),
        }
    }
    Ok(events)
}

#[test]
fn simulated_transactions_are_serializable_in_the_order_of_their_commits() {
    let mut figures = Figures::default();
    for seed in 0..crate::crash::setting("PIXII_SERIAL_SEEDS", 1000) {
        if let Err(wrong) = simulate(seed, &mut figures) {
            panic!("{wrong}");
        }
    }
    println!("serializability in the simulation, 1000 steps each seed: {figures:?}, violations 0");
    let Figures { committed, conflicts, expired, answers_that_waited } = figures;
    let is_met = committed > 1000 && conflicts > 500 && expired > 100 && answers_that_waited > 100;
    assert!(is_met, "{figures:?}");
}

#[test]
fn transactions_on_threads_are_serializable_in_the_order_of_their_commits() {
    let engine =
        Engine::open(Environment::memory(), Path::new("/store"), tiny_options()).expect("a new store");
    let (mut events, mut conflicts) = (Vec::new(), 0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let engine = &engine;
                scope.spawn(move || {
                    let mut figures = Figures::default();
                    let events = work(engine, thread, &mut figures).expect("nothing fails in memory");
                    (events, figures)
                })
            })
            .collect();
        for thread in threads {
            let (done, figures) = thread.join().expect("no thread panics");
            events.extend(done);
            conflicts += figures.conflicts;
        }
    });
    println!("{} events, {conflicts} conflicts", events.len());
    assert!(conflicts > 0, "the threads met");
    let (found, time) = scan(&engine).expect("it can be read");
    assert_eq!(replay(events, time), Ok(found));
}
