//! Items of a table expire while clients write, expiry and stream are switched, the clock goes on, and power is lost.
//!
//! 1. What readers find, in the table and in every index, is what was written and has not expired, at every moment.
//! 2. A write finds what had not expired by the time of its own commit: so say the old item that it is told, and its
//!    condition.
//! 3. A stream tells each change of an item, in order, and each expiry once, between the writes before and after it.
//! 4. What had not expired when expiry was disabled never does, and what is written while it is enabled, or was there
//!    before, does.
//! 5. After a power loss all of that holds of what was acknowledged.
//!
//! In half of the runs the clock goes on by itself whenever it is asked, so that items expire in the midst of a write. In
//! a quarter expired items are shown until they are swept, which nobody can foresee: then what is found says whether they
//! were, and only what follows from that is checked.

use crate::model::{Key, Model, TABLE, schema};
use crate::workload::{random_key, tiny_options};
use pixii::env::time::Clock;
use pixii::sim::{SimClock, SimRng, Simulation};
use pixii::{
    Commit, Database, Durability, Environment, Error, ErrorKind, EventName, ExpiredItems, Item, KeyType,
    Pending, PutRequest, ReturnValues, StreamRecord, StreamSpecification, StreamViewType, TableSchema,
    TimeToLiveDescription, TimeToLiveSpecification, TransactWrite, TransactWriteRequest, UpdateTableRequest,
    UpdateTimeToLiveRequest, UserIdentity, Value, attr,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A table beside, whose one item is written to make everything durable.
const ANCHOR: &str = "Anchor";

const CLIENTS: usize = 3;
const STEPS: u64 = 300;

/// How often what the suite is about came about.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    writes: u64,
    over_expired: u64,
    expiries_told: u64,
    settings: u64,
    checks: u64,
    images: u64,
    images_while_enabling: u64,
}

/// The simulated clock, which goes on by itself while it is let.
#[derive(Debug)]
struct RestlessClock {
    clock: SimClock,
    is_restless: Arc<AtomicBool>,
}

impl Clock for RestlessClock {
    fn wall_millis(&self) -> u64 {
        if self.is_restless.load(Ordering::SeqCst) {
            self.clock.advance(Duration::from_millis(35));
        }
        self.clock.wall_millis()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
}

/// When an item dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    Never,
    At(u64),
    /// Then, or never: it was there before expiry was enabled, and the backfill may have come to it.
    Unsure(u64),
}

/// An item that was written and nothing was written over since; it may have expired.
#[derive(Clone, Debug)]
struct Standing {
    item: Item,
    death: Death,
    /// Whether it was written since the stream began.
    is_of_stream: bool,
}

/// What a write is, and the date by which its item expires, in milliseconds.
type New = Option<(Item, Option<u64>)>;

/// A write that got its place in the order.
#[derive(Clone, Debug)]
struct Event {
    seqno: u64,
    key: Key,
    new: New,
    /// Whether an item must be there, or must not.
    condition: Option<bool>,
    must_last: bool,
    outcome: Outcome,
}

#[derive(Clone, Debug)]
enum Outcome {
    /// Nobody was told.
    Open,
    /// The commit's time, and what was told of the old item.
    Done(u64, Old),
    Refused,
}

#[derive(Clone, Debug)]
enum Old {
    Untold,
    Told(Option<Item>),
}

/// What a stream tells of an item: the event, both images, and whether nobody did it.
type Told = (EventName, Option<Item>, Option<Item>, bool);

/// What there should be.
#[derive(Clone, Debug, Default)]
struct State {
    standing: BTreeMap<Key, Standing>,
    is_expiring: bool,
    /// Whether expired items are shown until they are swept.
    shows_expired: bool,
    /// When the stream began, if there is one.
    stream: Option<u64>,
    told: BTreeMap<Key, Vec<Told>>,
}

impl State {
    /// Whether an item is seen at a time; nobody knows where the backfill is under way, or a sweep.
    fn is_alive(&self, standing: &Standing, at: u64) -> Option<bool> {
        match standing.death {
            Death::Never => Some(true),
            Death::At(dies) if !self.shows_expired => Some(at < dies),
            Death::At(dies) | Death::Unsure(dies) => (at < dies).then_some(true),
        }
    }

    fn tell(&mut self, key: &Key, told: Told) {
        self.told.entry(key.clone()).or_default().push(told);
    }

    /// The item that stood there has expired: a stream tells so, if it knew of it.
    fn tell_expiry(&mut self, key: &Key, standing: &Standing) {
        let (Some(began), Death::At(dies) | Death::Unsure(dies)) = (self.stream, standing.death) else {
            return;
        };
        if standing.is_of_stream || dies > began || self.shows_expired {
            self.tell(key, (EventName::Remove, Some(standing.item.clone()), None, true));
        }
    }

    /// A write that is done.
    fn apply(&mut self, event: &Event, figures: &mut Figures) -> Result<(), String> {
        let Outcome::Done(time, old) = &event.outcome else { return Ok(()) };
        let context = |wrong: String| format!("commit {} at {time} of {:?}: {wrong}", event.seqno, event.key);
        let standing = self.standing.remove(&event.key);
        let known = standing.as_ref().map_or(Some(false), |standing| self.is_alive(standing, *time));
        let told = match old {
            Old::Untold => None,
            Old::Told(old) => Some(old.is_some()),
        };
        let is_alive = known
            .or(told)
            .or(event.condition)
            .ok_or_else(|| context("nobody can say what was there".into()))?;
        let seen = standing.as_ref().filter(|_| is_alive).map(|standing| &standing.item);
        if let Old::Told(old) = old
            && old.as_ref() != seen
        {
            return Err(context(format!("it was told {old:?}, and there was {seen:?}")));
        }
        if event.condition.is_some_and(|wanted| wanted != is_alive) {
            return Err(context(format!("its condition was met on {seen:?}")));
        }
        if let Some(standing) = standing.as_ref().filter(|_| !is_alive) {
            figures.over_expired += 1;
            self.tell_expiry(&event.key, standing);
        }
        let new = event.new.as_ref().map(|(item, _)| item);
        let name = match (seen, new) {
            (None, None) => None,
            (Some(old), Some(new)) => (old != new).then_some(EventName::Modify),
            (None, Some(_)) => Some(EventName::Insert),
            (Some(_), None) => Some(EventName::Remove),
        };
        if let Some(name) = name.filter(|_| self.stream.is_some()) {
            self.tell(&event.key, (name, seen.cloned(), new.cloned(), false));
        }
        if let Some((item, date)) = &event.new {
            let death = date.filter(|_| self.is_expiring).map_or(Death::Never, Death::At);
            let is_of_stream = self.stream.is_some();
            self.standing.insert(event.key.clone(), Standing { item: item.clone(), death, is_of_stream });
        }
        Ok(())
    }

    /// What readers find at a time; none where nobody knows.
    fn seen(&self, at: u64) -> Option<Model> {
        let mut model = Model::default();
        for (key, standing) in &self.standing {
            if self.is_alive(standing, at)? {
                model.apply(key, Some(&standing.item));
            }
        }
        Some(model)
    }

    /// Everything that has expired by now was swept.
    fn sweep(&mut self, now: u64) {
        self.bury(|_, standing| matches!(standing.death, Death::At(dies) if dies <= now));
    }

    /// Those are gone, and told.
    fn bury(&mut self, is_gone: impl Fn(&Key, &Standing) -> bool) {
        let dead = self.standing.iter().filter(|(key, standing)| is_gone(key, standing));
        let dead: Vec<_> = dead.map(|(key, standing)| (key.clone(), standing.clone())).collect();
        for (key, standing) in dead {
            self.tell_expiry(&key, &standing);
            self.standing.remove(&key);
        }
    }

    /// Expiry is enabled: what is there gets its expiry by and by.
    fn begin_enabling(&mut self) {
        self.is_expiring = true;
        for standing in self.standing.values_mut() {
            // What had died before stays so.
            if standing.death == Death::Never {
                standing.death = date_of(&standing.item).map_or(Death::Never, Death::Unsure);
                standing.is_of_stream |= self.stream.is_some();
            }
        }
    }

    fn finish_enabling(&mut self) {
        for standing in self.standing.values_mut() {
            if let Death::Unsure(dies) = standing.death {
                standing.death = Death::At(dies);
            }
        }
    }

    /// Expiry was disabled before `now`: what is still there then stays.
    fn disable(&mut self, now: u64, found: &Model) {
        self.is_expiring = false;
        if self.shows_expired {
            // Swept, and told already: nothing else is.
            self.bury(|key, _| !found.items.contains_key(key));
        }
        for (key, standing) in &mut self.standing {
            if let Death::At(dies) | Death::Unsure(dies) = standing.death {
                let is_gone = dies <= now && !found.items.contains_key(key);
                standing.death = if is_gone { Death::At(dies) } else { Death::Never };
            }
        }
    }
}

/// The date that an item's attribute says, in milliseconds, said independently of how the store reads it.
fn date_of(item: &Item) -> Option<u64> {
    match item.get("expires") {
        Some(Value::Number(number)) => {
            let text = number.to_string();
            let (seconds, tenths) = text.split_once('.').unwrap_or((&text, "0"));
            let millis = seconds.parse::<u64>().ok()? * 1000 + tenths.parse::<u64>().ok()? * 100;
            // What is older than five years is no date; this suite has none that is close to that.
            (millis > 1_500_000_000_000).then_some(millis)
        }
        _ => None,
    }
}

/// A random item that expires within seconds, or is thought to.
fn random_item(rng: &mut SimRng, key: &Key, id: u64, now: u64) -> (Item, Option<u64>) {
    let mut item = Item::new().with("pk", key.0.as_str()).with("sk", key.1).with("id", id);
    if rng.chance(0.8) {
        item.insert("tag".to_owned(), *rng.pick(&["x", "y"]));
    }
    if rng.chance(0.8) {
        item.insert("score".to_owned(), rng.below(4));
    }
    item.insert("payload".to_owned(), "p".repeat(rng.below_usize(100)));
    let second = now / 1000;
    match rng.below(20) {
        0..12 => item.insert("expires".to_owned(), second + rng.below(6)),
        12..14 => {
            let tenths: pixii::Number =
                format!("{}.{}", second + rng.below(3), 1 + rng.below(9)).parse().expect("a number");
            item.insert("expires".to_owned(), Value::Number(tenths))
        }
        14..16 => item.insert("expires".to_owned(), second - rng.below(1000)),
        16 => item.insert("expires".to_owned(), second - 200_000_000),
        17 => item.insert("expires".to_owned(), second.to_string()),
        _ => None,
    };
    let date = date_of(&item);
    (item, date)
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` calls takes the error")]
fn text(error: Error) -> String {
    error.to_string()
}

struct Run {
    simulation: Simulation,
    environment: Environment,
    is_restless: Arc<AtomicBool>,
    goes_on_by_itself: bool,
    database: Database,
    rng: SimRng,
    state: State,
    /// Those that are not in `state` yet.
    events: Vec<Event>,
    clients: [Option<(usize, Durability, Box<Pending>)>; CLIENTS],
    next_id: u64,
    /// A setting is being changed: what it will be is unknown when the machine stops.
    is_setting: bool,
}

fn open(environment: &Environment, shows_expired: bool) -> Result<Database, Error> {
    let options = Database::options().environment(environment.clone()).engine(tiny_options());
    let expired_items = if shows_expired { ExpiredItems::ShownUntilSwept } else { ExpiredItems::Hidden };
    options.expired_items(expired_items).open("/store")
}

fn environment(simulation: &Simulation) -> (Environment, Arc<AtomicBool>) {
    let is_restless = Arc::new(AtomicBool::new(false));
    let clock = RestlessClock { clock: simulation.clock().clone(), is_restless: Arc::clone(&is_restless) };
    (Environment { clock: Arc::new(clock), ..simulation.environment() }, is_restless)
}

impl Run {
    fn new(simulation: &Simulation) -> Option<Self> {
        let (environment, is_restless) = environment(simulation);
        let mut rng = simulation.seed().stream("time to live");
        let goes_on_by_itself = rng.chance(0.5);
        let state = State { shows_expired: rng.chance(0.25), ..State::default() };
        let database = open(&environment, state.shows_expired).ok()?;
        database.create_table(schema()).ok()?;
        let anchor = TableSchema::builder(ANCHOR).partition_key("id", KeyType::Number).build();
        database.create_table(anchor.expect("a valid schema")).ok()?;
        Some(Self {
            simulation: simulation.clone(),
            environment,
            is_restless,
            goes_on_by_itself,
            database,
            rng,
            state,
            events: Vec::new(),
            clients: [const { None }; CLIENTS],
            next_id: 0,
            is_setting: false,
        })
    }

    fn is_crashed(&self) -> bool {
        self.simulation.vfs().is_crashed()
    }

    fn now(&self) -> u64 {
        self.simulation.clock().wall_millis()
    }

    fn live(&self, time: Duration) {
        use pixii::env::schedule::{Event, Scheduler};
        let never = Event::new();
        self.simulation.scheduler().wait(&never, never.generation(), Some(time));
    }

    /// Calls `act` while the clock goes on by itself, if it does in this run.
    fn restless<R>(&mut self, act: impl FnOnce(&mut Self) -> R) -> R {
        self.is_restless.store(self.goes_on_by_itself, Ordering::SeqCst);
        let result = act(self);
        self.is_restless.store(false, Ordering::SeqCst);
        result
    }

    /// One step of a client. An error of the store ends the run where the machine has stopped.
    fn step(&mut self, figures: &mut Figures) -> Result<(), String> {
        let client = self.rng.below_usize(CLIENTS);
        if let Some((event, durability, mut pending)) = self.clients[client].take() {
            return match self.restless(|_| pending.step()) {
                None => {
                    self.clients[client] = Some((event, durability, pending));
                    Ok(())
                }
                Some(outcome) => self.note(event, durability, outcome),
            };
        }
        match self.rng.below(100) {
            0..70 => {
                figures.writes += 1;
                let begun = self.restless(Self::begin_write).map_err(text)?;
                self.clients[client] = Some(begun);
                Ok(())
            }
            70..80 => {
                let time = Duration::from_millis(self.rng.below(1500));
                if self.rng.chance(0.5) {
                    self.live(time);
                } else {
                    self.simulation.clock().advance(time);
                }
                Ok(())
            }
            80..84 => self.settle(figures),
            84..88 => self.switch_expiry(figures),
            88..90 => self.switch_stream(figures),
            90..92 => self.transact(figures),
            92..95 => self.database.flush().map_err(text),
            95..97 => self.database.compact().map_err(text),
            97 => self.reopen(figures),
            _ => self.await_enabled(figures),
        }
    }

    fn note(
        &mut self,
        event: usize,
        durability: Durability,
        outcome: Result<pixii::WriteOutput, Error>,
    ) -> Result<(), String> {
        let event = &mut self.events[event];
        match outcome {
            Ok(output) => {
                event.must_last = durability == Durability::Durable;
                event.outcome = Outcome::Done(output.commit.time.0, Old::Told(output.attributes));
            }
            Err(error) if error.kind() == ErrorKind::ConditionalCheckFailed => {
                event.outcome = Outcome::Refused;
            }
            Err(error) => return Err(text(error)),
        }
        Ok(())
    }

    fn begin_write(&mut self) -> Result<(usize, Durability, Box<Pending>), Error> {
        self.next_id += 1;
        let table = self.database.table(TABLE)?;
        let key = random_key(&mut self.rng);
        let durability = if self.rng.chance(0.5) { Durability::Durable } else { Durability::Buffered };
        let condition = self.rng.chance(0.3).then(|| self.rng.chance(0.5));
        let met = |is_there: bool| if is_there { attr("pk").exists() } else { attr("pk").not_exists() };
        let (new, pending) = if self.rng.chance(0.8) {
            let now = self.now();
            let (item, date) = random_item(&mut self.rng, &key, self.next_id, now);
            let request = table.put_request(&item).return_values(ReturnValues::AllOld).durability(durability);
            let request = match condition {
                Some(is_there) => request.condition(met(is_there)),
                None => request,
            };
            let pending = request.submit()?;
            (Some((item, date)), pending)
        } else {
            let request = table.delete_request((key.0.as_str(), key.1));
            let request = request.return_values(ReturnValues::AllOld).durability(durability);
            let request = match condition {
                Some(is_there) => request.condition(met(is_there)),
                None => request,
            };
            (None, request.submit()?)
        };
        let (seqno, outcome) = (pending.seqno().0, Outcome::Open);
        self.events.push(Event { seqno, key, new, condition, must_last: false, outcome });
        Ok((self.events.len() - 1, durability, Box::new(pending)))
    }

    /// Waits for all clients, and checks everything.
    fn settle(&mut self, figures: &mut Figures) -> Result<(), String> {
        for client in 0..CLIENTS {
            if let Some((event, durability, pending)) = self.clients[client].take() {
                let outcome = pending.wait();
                self.note(event, durability, outcome)?;
            }
        }
        self.anchor()?;
        self.apply_events(u64::MAX, figures)?;
        self.check(figures)
    }

    /// Makes everything durable: what is taken into the state must last.
    fn anchor(&self) -> Result<(), String> {
        let anchor = self.database.table(ANCHOR).map_err(text)?;
        anchor.put(&Item::new().with("id", 1)).map_err(text)
    }

    /// Takes the events up to a commit into the state.
    fn apply_events(&mut self, recovered: u64, figures: &mut Figures) -> Result<(), String> {
        let mut events = std::mem::take(&mut self.events);
        events.sort_by_key(|event| event.seqno);
        for event in events.iter().filter(|event| event.seqno <= recovered) {
            self.state.apply(event, figures)?;
        }
        Ok(())
    }

    fn check(&mut self, figures: &mut Figures) -> Result<(), String> {
        if self.described()? == Some(true) {
            self.state.finish_enabling();
        }
        if let Some(model) = self.state.seen(self.now()) {
            figures.checks += 1;
            let deaths = || {
                let standing = self.state.standing.values();
                standing.map(|one| (one.item.get("id").cloned(), one.death)).collect::<Vec<_>>()
            };
            let context = |wrong| format!("at {}: {wrong}; {:?}", self.now(), deaths());
            model.check(&self.database).map_err(context)?;
        }
        Ok(())
    }

    /// Whether expiry is enabled, and wholly.
    fn described(&self) -> Result<Option<bool>, String> {
        Ok(match self.database.describe_time_to_live(TABLE).map_err(text)? {
            TimeToLiveDescription::Disabled => None,
            TimeToLiveDescription::Enabling { .. } => Some(false),
            TimeToLiveDescription::Enabled { .. } => Some(true),
        })
    }

    fn switch_expiry(&mut self, figures: &mut Figures) -> Result<(), String> {
        self.settle(figures)?;
        figures.settings += 1;
        let enabled = !self.state.is_expiring;
        let attribute_name = "expires".to_owned();
        let time_to_live_specification = TimeToLiveSpecification { attribute_name, enabled };
        let request = UpdateTimeToLiveRequest { table_name: TABLE.to_owned(), time_to_live_specification };
        self.is_setting = true;
        self.database.update_time_to_live(request).map_err(text)?;
        self.is_setting = false;
        if enabled {
            self.state.begin_enabling();
        } else {
            let found = self.found()?;
            self.state.disable(self.now(), &found);
        }
        self.check(figures)
    }

    /// The items that are found now.
    fn found(&self) -> Result<Model, String> {
        let mut model = Model::default();
        let table = self.database.table(TABLE).map_err(text)?;
        for item in table.scan() {
            let item = item.map_err(text)?;
            let sort = item.get("sk").map(|sort| pixii::from_value(sort).expect("a number")).expect("a key");
            let partition = item.get("pk").and_then(Value::as_str).expect("a key").to_owned();
            model.apply(&(partition, sort), Some(&item));
        }
        Ok(model)
    }

    fn await_enabled(&mut self, figures: &mut Figures) -> Result<(), String> {
        self.settle(figures)?;
        self.database.wait_for_time_to_live(TABLE).map_err(text)?;
        self.check(figures)
    }

    fn switch_stream(&mut self, figures: &mut Figures) -> Result<(), String> {
        self.await_enabled(figures)?;
        figures.settings += 1;
        let stream_enabled = self.state.stream.is_none();
        if !stream_enabled {
            self.check_stream(figures)?;
        } else if self.state.shows_expired {
            // What was swept by now no stream tells of.
            let found = self.found()?;
            self.state.bury(|key, _| !found.items.contains_key(key));
        }
        let stream_view_type = stream_enabled.then_some(StreamViewType::NewAndOldImages);
        let request = UpdateTableRequest {
            table_name: TABLE.to_owned(),
            stream_specification: Some(StreamSpecification { stream_enabled, stream_view_type }),
            ..UpdateTableRequest::default()
        };
        self.is_setting = true;
        self.database.update_table(request).map_err(text)?;
        self.is_setting = false;
        self.state.stream = stream_enabled.then(|| self.now());
        self.state.told.clear();
        for standing in self.state.standing.values_mut() {
            standing.is_of_stream = false;
        }
        // The label may be a little later, and would be the border of what is told: nothing dies there.
        self.simulation.clock().advance(Duration::from_millis(3));
        Ok(())
    }

    /// Everything that has expired is swept, and then told.
    fn check_stream(&mut self, figures: &mut Figures) -> Result<(), String> {
        self.live(Duration::from_secs(1));
        self.database.wait_for_time_to_live(TABLE).map_err(text)?;
        self.check(figures)?;
        self.live(Duration::from_secs(40));
        self.anchor()?;
        self.state.sweep(self.now());
        self.check(figures)?;
        if self.state.stream.is_none() {
            return Ok(());
        }
        let records = self.database.stream(TABLE).and_then(|stream| stream.records()).map_err(text)?;
        let mut told: BTreeMap<Key, Vec<Told>> = BTreeMap::new();
        for record in records {
            let StreamRecord { keys, event_name, old_image, new_image, user_identity, .. } =
                record.map_err(text)?;
            let sort = keys.get("sk").map(|sort| pixii::from_value(sort).expect("a number")).expect("a key");
            let partition = keys.get("pk").and_then(Value::as_str).expect("a key").to_owned();
            let is_expiry = user_identity == Some(UserIdentity::EXPIRY);
            figures.expiries_told += u64::from(is_expiry);
            told.entry((partition, sort)).or_default().push((event_name, old_image, new_image, is_expiry));
        }
        for key in self.state.told.keys().chain(told.keys()) {
            let (found, wanted) = (told.get(key), self.state.told.get(key));
            if found != wanted {
                return Err(format!("the stream tells of {key:?} {found:#?} and should tell {wanted:#?}"));
            }
        }
        Ok(())
    }

    fn transact(&mut self, figures: &mut Figures) -> Result<(), String> {
        self.settle(figures)?;
        let mut items = BTreeMap::new();
        for _ in 0..3 {
            self.next_id += 1;
            let key = random_key(&mut self.rng);
            let now = self.now();
            items.insert(key.clone(), random_item(&mut self.rng, &key, self.next_id, now));
        }
        let put = |(item, _): &(Item, Option<u64>)| {
            (TABLE.to_owned(), TransactWrite::Put(PutRequest::new(item.clone())))
        };
        let actions = items.values().map(put).collect();
        let request = TransactWriteRequest { actions, ..TransactWriteRequest::default() };
        // Nobody says what the transaction found, so it must be known.
        if self.state.seen(self.now() + 60_000).is_none() {
            return Ok(());
        }
        let pending = self.database.submit_transact_write(&request).map_err(text)?;
        let (seqno, first) = (pending.seqno().0, self.events.len());
        for (key, new) in items {
            let (new, condition, outcome) = (Some(new), None, Outcome::Open);
            self.events.push(Event { seqno, key, new, condition, must_last: false, outcome });
        }
        let Commit { time, .. } = pending.wait().map_err(text)?.commit;
        for event in &mut self.events[first..] {
            event.must_last = true;
            event.outcome = Outcome::Done(time.0, Old::Untold);
        }
        self.settle(figures)
    }

    fn reopen(&mut self, figures: &mut Figures) -> Result<(), String> {
        self.settle(figures)?;
        self.database.close().map_err(text)?;
        self.database = open(&self.environment, self.state.shows_expired).map_err(text)?;
        self.check(figures)
    }
}

/// Runs clients on a new store, or as far as the machine goes. What is wrong while it runs is an error.
fn run(seed: u64, crash_at: Option<u64>, figures: &mut Figures) -> Result<(Simulation, Option<Run>), String> {
    let simulation = Simulation::new(seed);
    if let Some(point) = crash_at {
        simulation.vfs().crash_at(point);
    }
    let Some(mut run) = Run::new(&simulation) else { return Ok((simulation, None)) };
    for step in 0..=STEPS {
        for _ in 0..run.rng.below(3) {
            simulation.scheduler().step_one();
        }
        let done = if step < STEPS {
            run.step(figures)
        } else {
            run.await_enabled(figures).and_then(|()| run.check_stream(figures))
        };
        if run.is_crashed() {
            break;
        }
        done.map_err(|wrong| format!("step {step}: {wrong}"))?;
    }
    Ok((simulation, Some(run)))
}

/// Opens an image and goes on with what should be there.
fn check_image(mut run: Run, figures: &mut Figures) -> Result<(), String> {
    run.clients = [const { None }; CLIENTS];
    run.is_restless.store(false, Ordering::SeqCst);
    figures.images += 1;
    (run.environment, run.is_restless) = environment(&run.simulation);
    run.database = open(&run.environment, run.state.shows_expired)
        .map_err(|error| format!("it does not open: {error}"))?;
    let recovered = run.database.statistics().published.0;
    if let Some(lost) = run.events.iter().find(|event| event.must_last && event.seqno > recovered) {
        return Err(format!("recovered to commit {recovered}, without {lost:?}"));
    }
    // What of a write nobody was told cannot be judged: neither its time is known, nor what it found.
    let is_open = |event: &Event| matches!(event.outcome, Outcome::Open) && event.seqno <= recovered;
    if run.is_setting || run.events.iter().any(is_open) {
        return Ok(());
    }
    run.apply_events(recovered, figures)?;
    figures.images_while_enabling += u64::from(run.described()? == Some(false));
    run.check(figures)?;
    run.await_enabled(figures)?;
    run.check_stream(figures)
}

/// A run to its end.
pub(crate) fn simulate(seed: u64, figures: &mut Figures) -> Result<(), String> {
    run(seed, None, figures).map(drop).map_err(|wrong| format!("seed {seed}: {wrong}"))
}

/// Power losses at `count` operations on files, chosen by the seed.
pub(crate) fn crash(seed: u64, count: u64, figures: &mut Figures) -> Result<(), String> {
    let (whole, _) = run(seed, None, figures).map_err(|wrong| format!("seed {seed}: {wrong}"))?;
    let points = whole.vfs().crash_points();
    let mut rng = whole.seed().stream("crash points");
    for _ in 0..count {
        let point = *rng.pick(&points);
        let context = |wrong: String| format!("seed {seed}, crash at operation {point}: {wrong}");
        let (simulation, crashed) = run(seed, Some(point), figures).map_err(context)?;
        let Some(mut crashed) = crashed else { continue };
        simulation.vfs().crash_now();
        // Closed while its jobs are there to find out that the machine has stopped.
        let _ = crashed.database.close();
        let image = simulation.vfs().crash_image(point);
        crashed.simulation = simulation.restart(image);
        check_image(crashed, figures).map_err(context)?;
    }
    Ok(())
}

#[test]
fn items_expire_at_their_instant_and_are_told_once() {
    let mut figures = Figures::default();
    for seed in 0..30 {
        if let Err(wrong) = simulate(seed, &mut figures) {
            panic!("{wrong}");
        }
    }
    println!("time to live: {figures:?}, violations 0");
    assert!(figures.over_expired > 100 && figures.expiries_told > 100, "{figures:?}");
    assert!(figures.settings > 100 && figures.checks > 300, "{figures:?}");
}

#[test]
fn expiry_survives_power_losses() {
    let mut figures = Figures::default();
    for seed in 0..crate::crash::setting("PIXII_CRASH_SEEDS", 3) {
        if let Err(wrong) = crash(seed, 40, &mut figures) {
            panic!("{wrong}");
        }
    }
    println!("time to live: {figures:?}, violations 0");
    assert!(figures.images > 50 && figures.images_while_enabling > 0, "{figures:?}");
}
