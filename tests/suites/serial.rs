//! Requests of the data model on real threads that meet on few items: interactive transactions over keys, ranges of the
//! table and ranges of an index, transactions of writes, conditional writes, reads.
//!
//! 1. Done one after another in the order of commits, all of them see what they saw: conditions that were met are met, a
//!    range that was walked holds the same entries, a counter answers with the same sum.
//! 2. That order respects real time: what was answered before something else began stands before it.
//! 3. A condition that was not met was false, and what was read was there, at a state between begin and end.
//! 4. What the commits leave is what the store holds, its index too.
//!
//! The number of requests: `PIXII_SERIAL_REQUESTS` (1,000,000). Stamps of one counter tell real time.

use pixii::engine::options::EngineOptions;
use pixii::sim::{Seed, SimRng};
use pixii::{
    Database, Durability, Environment, Error, ErrorKind, GlobalIndex, Item, KeyType, SubmittedTransaction,
    Table, TableSchema, TransactWrite, TransactWriteRequest, Transaction, attr,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

const PARTITIONS: u64 = 3;
const SORTS: u64 = 24;
const GROUPS: u64 = 4;
const THREADS: u64 = 4;

type Key = (i64, i64);

/// What an item holds beside its key: a counter, and a group. An index finds it by group and counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Content {
    count: i64,
    group: i64,
}

/// What must be true of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Is(Option<Content>),
    CountIs(i64),
    CountAtLeast(i64),
    Absent,
}

impl Test {
    fn is_met(self, content: Option<Content>) -> bool {
        match self {
            Self::Is(expected) => content == expected,
            Self::CountIs(count) => content.is_some_and(|content| content.count == count),
            Self::CountAtLeast(least) => content.is_some_and(|content| content.count >= least),
            Self::Absent => content.is_none(),
        }
    }
}

/// A range that was walked, in the table or in the index, and what it held.
#[derive(Clone, Debug)]
struct Walk {
    by_group: bool,
    /// The partition, or the group.
    of: i64,
    low: i64,
    high: i64,
    found: Vec<(Key, Content)>,
}

#[derive(Clone, Copy, Debug)]
enum Effect {
    Put(Content),
    Delete,
    /// Adds to the counter of an item that is there, and has answered with the sum, if it was asked.
    Add(i64, Option<i64>),
}

/// Something that took place at a commit: what was true just before, then what was done.
#[derive(Debug)]
struct Event {
    /// The last commit that it saw, if it only read.
    seqno: u64,
    begin: u64,
    end: u64,
    tests: Vec<(Key, Test)>,
    walks: Vec<Walk>,
    effects: Vec<(Key, Effect)>,
}

/// One of these was true at a state between begin and end.
#[derive(Debug)]
struct Sight {
    begin: u64,
    end: u64,
    any: Vec<(Key, Test, bool)>,
}

/// What a thread has done.
#[derive(Debug, Default)]
struct Log {
    events: Vec<Event>,
    sights: Vec<Sight>,
    figures: Figures,
}

/// How often what the suite is about came about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) requests: u64,
    pub(crate) commits: u64,
    pub(crate) conflicts: u64,
    pub(crate) refused: u64,
    pub(crate) walked: u64,
}

struct Client<'a> {
    database: &'a Database,
    table: &'a Table,
    stamps: &'a AtomicU64,
    rng: SimRng,
    log: Log,
}

fn small(number: u64) -> i64 {
    i64::try_from(number).expect("a small number")
}

fn item(key: Key, content: Content) -> Item {
    let item = Item::new().with("p", key.0).with("s", key.1);
    item.with("count", content.count).with("group", content.group)
}

fn content_of(item: &Item) -> (Key, Content) {
    let number = |name| crate::deed::whole(item, name).expect("every item has it");
    let key = (number("p"), number("s"));
    (key, Content { count: number("count"), group: number("group") })
}

impl Client<'_> {
    fn stamp(&self) -> u64 {
        self.stamps.fetch_add(1, Ordering::SeqCst)
    }

    fn key(&mut self) -> Key {
        (small(self.rng.below(PARTITIONS)), small(self.rng.below(SORTS)))
    }

    fn content(&mut self) -> Content {
        Content { count: small(self.rng.below(8)), group: small(self.rng.below(GROUPS)) }
    }

    fn durability(&mut self) -> Durability {
        if self.rng.chance(0.1) { Durability::Durable } else { Durability::Buffered }
    }

    fn request(&mut self) -> Result<(), Error> {
        self.log.figures.requests += 1;
        match self.rng.below(20) {
            0..6 => self.conditional(),
            6..9 => self.blind(),
            9..12 => self.transact_write(),
            12..18 => self.interactive(),
            _ => self.get(),
        }
    }

    fn event(&mut self, begin: u64, seqno: u64, tests: Vec<(Key, Test)>, effects: Vec<(Key, Effect)>) {
        let end = self.stamp();
        self.log.figures.commits += 1;
        self.log.events.push(Event { seqno, begin, end, tests, walks: Vec::new(), effects });
    }

    fn refused(&mut self, begin: u64, tests: &[(Key, Test)]) {
        let end = self.stamp();
        self.log.figures.refused += 1;
        let any = tests.iter().map(|(key, test)| (*key, *test, false)).collect();
        self.log.sights.push(Sight { begin, end, any });
    }

    /// A write that only one of those who saw the same can make.
    fn conditional(&mut self) -> Result<(), Error> {
        let (key, durability, begin) = (self.key(), self.durability(), self.stamp());
        let update = self.table.update(key).durability(durability);
        let (test, effect, answer) = match self.rng.below(3) {
            0 => {
                let content = self.content();
                let put = self.table.put_request(&item(key, content)).durability(durability);
                (Test::Absent, Effect::Put(content), put.if_absent().send())
            }
            1 => {
                let count = small(self.rng.below(8));
                let update = update.condition(attr("count").eq(count)).add("count", 1).return_new();
                (Test::CountIs(count), Effect::Add(1, None), update.send())
            }
            _ => {
                let update = update.condition(attr("count").ge(3)).add("count", -3).return_new();
                (Test::CountAtLeast(3), Effect::Add(-3, None), update.send())
            }
        };
        match answer {
            Ok(output) => {
                let effect = match (effect, output.attributes) {
                    (Effect::Add(by, _), Some(new)) => Effect::Add(by, Some(content_of(&new).1.count)),
                    (effect, _) => effect,
                };
                self.event(begin, output.commit.seqno.0, vec![(key, test)], vec![(key, effect)]);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::ConditionalCheckFailed => {
                self.refused(begin, &[(key, test)]);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn blind(&mut self) -> Result<(), Error> {
        let (key, durability, begin) = (self.key(), self.durability(), self.stamp());
        if self.rng.chance(0.6) {
            let content = self.content();
            let output = self.table.put_request(&item(key, content)).durability(durability).send()?;
            self.event(begin, output.commit.seqno.0, Vec::new(), vec![(key, Effect::Put(content))]);
        } else {
            // A delete that finds nothing changes nothing.
            let delete = self.table.delete_request(key).condition(attr("p").exists()).return_old();
            match delete.durability(durability).send() {
                Ok(output) => {
                    let old = output.attributes.map(|old| content_of(&old).1);
                    let tests = vec![(key, Test::Is(old))];
                    self.event(begin, output.commit.seqno.0, tests, vec![(key, Effect::Delete)]);
                }
                Err(error) if error.kind() == ErrorKind::ConditionalCheckFailed => {
                    let end = self.stamp();
                    self.log.figures.refused += 1;
                    self.log.sights.push(Sight { begin, end, any: vec![(key, Test::Absent, true)] });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Moves a part of one counter to another, if there is enough.
    fn transact_write(&mut self) -> Result<(), Error> {
        let (from, mut to) = (self.key(), self.key());
        if from == to {
            to.1 = (to.1 + 1) % small(SORTS);
        }
        let by = 1 + small(self.rng.below(3));
        let (durability, begin) = (self.durability(), self.stamp());
        let debit = self.table.update(from).condition(attr("count").ge(by)).add("count", -by);
        let credit = self.table.update(to).condition(attr("count").ge(-100)).add("count", by);
        let name = || self.table.name().to_owned();
        let request = TransactWriteRequest {
            actions: vec![
                (name(), TransactWrite::Update(debit.into_request()?)),
                (name(), TransactWrite::Update(credit.into_request()?)),
            ],
            durability,
            ..TransactWriteRequest::default()
        };
        let tests = vec![(from, Test::CountAtLeast(by)), (to, Test::CountAtLeast(-100))];
        match self.database.transact_write(&request) {
            Ok(output) => {
                let effects = vec![(from, Effect::Add(-by, None)), (to, Effect::Add(by, None))];
                self.event(begin, output.commit.seqno.0, tests, effects);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::TransactionCanceled => {
                self.refused(begin, &tests);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Reads items and walks ranges, and writes what follows from them: without the check at commit, two of them would
    /// write what no order gives.
    fn interactive(&mut self) -> Result<(), Error> {
        let (durability, begin) = (self.durability(), self.stamp());
        let mut transaction = self.database.begin_transaction()?;
        let seqno = transaction.seqno().0;
        let (mut tests, mut walks, mut sum) = (Vec::new(), Vec::new(), 0);
        for _ in 0..self.rng.below(3) {
            let key = self.key();
            let content = transaction.get_item(self.table, key)?.map(|item| content_of(&item).1);
            sum += content.map_or(0, |content| content.count);
            tests.push((key, Test::Is(content)));
        }
        if self.rng.chance(0.6) {
            let walk = self.walk(&transaction)?;
            sum += small(walk.found.len() as u64);
            walks.push(walk);
        }
        let mut written = BTreeMap::new();
        for _ in 0..self.rng.below(3) {
            let content = Content { count: sum % 8, group: small(self.rng.below(GROUPS)) };
            written.insert(self.key(), (!self.rng.chance(0.2)).then_some(content));
        }
        for (key, content) in &written {
            match content {
                Some(content) => transaction.put(self.table, &item(*key, *content))?,
                None => transaction.delete(self.table, *key)?,
            }
        }
        let seqno = match transaction.submit(durability)? {
            SubmittedTransaction::Accepted(pending) => pending.wait()?.seqno.0,
            SubmittedTransaction::OnlyRead => seqno,
            SubmittedTransaction::Conflict => {
                self.log.figures.conflicts += 1;
                return Ok(());
            }
        };
        let effect = |content: Option<Content>| content.map_or(Effect::Delete, Effect::Put);
        let effects = written.into_iter().map(|(key, content)| (key, effect(content))).collect();
        self.event(begin, seqno, tests, effects);
        self.log.figures.walked += walks.len() as u64;
        if let Some(event) = self.log.events.last_mut() {
            event.walks = walks;
        }
        Ok(())
    }

    fn walk(&mut self, transaction: &Transaction) -> Result<Walk, Error> {
        let by_group = self.rng.chance(0.5);
        let (count, span) = if by_group { (GROUPS, 10) } else { (PARTITIONS, SORTS) };
        let of = small(self.rng.below(count));
        let low = small(self.rng.below(span));
        let high = low + small(self.rng.below(4));
        let query = self.table.query(of).sort_key_between(low, high);
        let query = if by_group { query.index("ByGroup") } else { query };
        let found = transaction.read(query)?.iter().map(content_of).collect();
        Ok(Walk { by_group, of, low, high, found })
    }

    fn get(&mut self) -> Result<(), Error> {
        let (key, begin) = (self.key(), self.stamp());
        let found = self.table.get_item(key)?.map(|item| content_of(&item).1);
        let end = self.stamp();
        self.log.sights.push(Sight { begin, end, any: vec![(key, Test::Is(found), true)] });
        Ok(())
    }
}

/// The items, and the index over them.
#[derive(Debug, Default)]
struct State {
    items: BTreeMap<Key, Content>,
    by_group: BTreeSet<(i64, i64, Key)>,
    /// Every version of each item, with its commit.
    versions: BTreeMap<Key, Vec<(u64, Option<Content>)>>,
}

impl State {
    fn set(&mut self, seqno: u64, key: Key, new: Option<Content>) {
        let old = match new {
            Some(new) => self.items.insert(key, new),
            None => self.items.remove(&key),
        };
        if let Some(old) = old {
            self.by_group.remove(&(old.group, old.count, key));
        }
        if let Some(new) = new {
            self.by_group.insert((new.group, new.count, key));
        }
        self.versions.entry(key).or_default().push((seqno, new));
    }

    fn walk(&self, walk: &Walk) -> Vec<(Key, Content)> {
        let with_content = |key: Key| (key, self.items[&key]);
        if walk.by_group {
            let first = (walk.of, walk.low, (i64::MIN, i64::MIN));
            let last = (walk.of, walk.high, (i64::MAX, i64::MAX));
            self.by_group.range(first..=last).map(|(_, _, key)| with_content(*key)).collect()
        } else {
            let range = self.items.range((walk.of, walk.low)..=(walk.of, walk.high));
            range.map(|(key, content)| (*key, *content)).collect()
        }
    }

    /// Does what an event did; it must see what it saw.
    fn apply(&mut self, event: &Event) -> Result<(), String> {
        for (key, test) in &event.tests {
            let content = self.items.get(key).copied();
            if !test.is_met(content) {
                return Err(format!("at commit {} {key:?} is {content:?}, not {test:?}", event.seqno));
            }
        }
        for walk in &event.walks {
            let found = self.walk(walk);
            if found != walk.found {
                return Err(format!("at commit {} {walk:?} should find {found:?}", event.seqno));
            }
        }
        for (key, effect) in &event.effects {
            let new = match effect {
                Effect::Put(content) => Some(*content),
                Effect::Delete => None,
                Effect::Add(by, told) => {
                    let old = *self.items.get(key).ok_or("an addition to nothing")?;
                    let count = old.count + by;
                    if told.is_some_and(|told| told != count) {
                        return Err(format!("commit {} answers {told:?}, not {count}", event.seqno));
                    }
                    Some(Content { count, ..old })
                }
            };
            self.set(event.seqno, *key, new);
        }
        Ok(())
    }

    /// Whether a test was met, or not, by a version of an item that was the newest at some commit in this range.
    fn was(&self, key: Key, test: Test, met: bool, first: u64, last: u64) -> bool {
        let versions = self.versions.get(&key).map_or(&[][..], Vec::as_slice);
        let after = versions.partition_point(|(seqno, _)| *seqno <= first);
        let before = if after == 0 { None } else { versions[after - 1].1 };
        let within = versions[after..].iter().take_while(|(seqno, _)| *seqno <= last).map(|(_, new)| *new);
        std::iter::once(before).chain(within).any(|content| test.is_met(content) == met)
    }
}

/// Replays all events in the order of commits.
fn replay(events: &mut [Event]) -> Result<State, String> {
    // What only read stands behind the last commit that it saw.
    events.sort_by_key(|event| (event.seqno, event.effects.is_empty(), event.begin));
    let mut state = State::default();
    let mut latest_begin = 0;
    for event in events.iter() {
        state.apply(event)?;
        if event.end < latest_begin {
            return Err(format!("what was answered before something began stands behind it: {event:?}"));
        }
        latest_begin = latest_begin.max(event.begin);
    }
    Ok(state)
}

/// The newest commit by the time of each stamp: of those that began before it, and of those that had ended.
fn by_stamp(events: &[Event], stamp: impl Fn(&Event) -> u64) -> Vec<(u64, u64)> {
    let commits = events.iter().filter(|event| !event.effects.is_empty());
    let mut commits: Vec<(u64, u64)> = commits.map(|event| (stamp(event), event.seqno)).collect();
    commits.sort_unstable();
    let mut newest = 0;
    for (_, seqno) in &mut commits {
        newest = newest.max(*seqno);
        *seqno = newest;
    }
    commits
}

fn newest_before(commits: &[(u64, u64)], stamp: u64) -> u64 {
    let count = commits.partition_point(|(at, _)| *at < stamp);
    if count == 0 { 0 } else { commits[count - 1].1 }
}

fn check_sights(state: &State, events: &[Event], sights: &[Sight]) -> Result<(), String> {
    let begun = by_stamp(events, |event| event.begin);
    let ended = by_stamp(events, |event| event.end);
    for sight in sights {
        let first = newest_before(&ended, sight.begin);
        let last = newest_before(&begun, sight.end);
        if !sight.any.iter().any(|(key, test, met)| state.was(*key, *test, *met, first, last)) {
            return Err(format!("between the commits {first} and {last} it never was so: {sight:?}"));
        }
    }
    Ok(())
}

fn check_store(table: &Table, state: &State) -> Result<(), String> {
    let read = |items: pixii::Scan<'_>| -> Result<BTreeMap<Key, Content>, String> {
        let items: Result<Vec<Item>, Error> = items.into_iter().collect();
        Ok(items.map_err(|error| error.to_string())?.iter().map(content_of).collect())
    };
    if read(table.scan())? != state.items || read(table.scan().index("ByGroup"))? != state.items {
        return Err("the store holds something else than its commits give".to_owned());
    }
    Ok(())
}

/// Runs that many requests on four threads, and checks them.
pub(crate) fn race(seed: u64, requests: u64) -> Result<Figures, String> {
    let schema = TableSchema::builder("Items")
        .partition_key("p", KeyType::Number)
        .sort_key("s", KeyType::Number)
        .global_index(
            GlobalIndex::builder("ByGroup")
                .partition_key("group", KeyType::Number)
                .sort_key("count", KeyType::Number),
        )
        .build();
    let text = |error: Error| error.to_string();
    let options = EngineOptions { memtable_bytes: 1 << 20, table_bytes: 1 << 19, ..EngineOptions::default() };
    let database = Database::options().environment(Environment::memory()).engine(options);
    let database = database.open("store").map_err(text)?;
    let table = database.create_table(schema.map_err(text)?).map_err(text)?;
    let stamps = AtomicU64::new(1);
    let logs: Vec<Result<Log, Error>> = std::thread::scope(|scope| {
        let work = |thread| {
            let rng = Seed(seed).numbered(thread).stream("thread");
            let (database, table, stamps) = (&database, &table, &stamps);
            let mut client = Client { database, table, stamps, rng, log: Log::default() };
            scope.spawn(move || {
                for _ in 0..requests / THREADS {
                    client.request()?;
                }
                Ok(client.log)
            })
        };
        let threads: Vec<_> = (0..THREADS).map(work).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    let (mut events, mut sights, mut figures) = (Vec::new(), Vec::new(), Figures::default());
    for log in logs {
        let Log { events: more_events, sights: more_sights, figures: more } = log.map_err(text)?;
        events.extend(more_events);
        sights.extend(more_sights);
        figures.requests += more.requests;
        figures.commits += more.commits;
        figures.conflicts += more.conflicts;
        figures.refused += more.refused;
        figures.walked += more.walked;
    }
    let state = replay(&mut events)?;
    check_sights(&state, &events, &sights)?;
    check_store(&table, &state)?;
    Ok(figures)
}

#[test]
fn a_million_requests_on_threads_are_serializable_and_respect_real_time() {
    let requests = crate::crash::setting("PIXII_SERIAL_REQUESTS", 1_000_000);
    let figures = race(1, requests).unwrap_or_else(|wrong| panic!("{wrong}"));
    println!("serializability on threads: {figures:?}, violations 0");
    let Figures { requests: made, commits, conflicts, refused, walked } = figures;
    assert!(made >= requests / THREADS * THREADS && commits > made / 4, "{figures:?}");
    assert!(conflicts > 0 && refused > 0 && walked > 0, "the threads met: {figures:?}");
}
