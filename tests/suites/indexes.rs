//! Indexes are made and dropped, and tables dropped and made anew, while clients write.
//!
//! 1. An index that is ACTIVE equals the one computed from the table, after every step; one that is not is not read.
//! 2. No write is accepted behind the commit that drops its table.
//! 3. After a power loss, also in the midst of a backfill, and again in the midst of its continuation, what was
//!    acknowledged durably is there; then all indexes become ACTIVE that were wanted, and no others.

use crate::model::{Key, Model, TABLE};
use crate::workload::{open, random_durability, random_item, random_key};
use crate::world::{create_index, drop_index};
use pixii::sim::{ImageChoice, SimRng, SimVfs, Simulation};
use pixii::{
    CreateTableRequest, Database, Durability, Error, ErrorKind, IndexDescription, Item, KeyType, Outcome,
    Pending, PendingTableChange, ResourceStatus, TableSchema,
};
use std::collections::BTreeSet;
use std::time::Duration;

const INDEXES: [&str; 2] = ["ByTag", "ByScore"];
const CLIENTS: usize = 3;

/// How often what the suite is about came about.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    active_checks: u64,
    refused_reads: u64,
    indexes_made: u64,
    tables_dropped: u64,
    images: u64,
    /// Images in which an index was being filled when the power went.
    images_while_filling: u64,
    second_crashes: u64,
}

/// What a commit does.
#[derive(Clone, Debug)]
enum Deed {
    CreateTable,
    DropTable,
    CreateIndex(&'static str),
    DropIndex(&'static str),
    Write(Key, Option<Item>),
}

/// Something that got its place in the order.
#[derive(Clone, Debug)]
struct Event {
    seqno: u64,
    deed: Deed,
    /// It was acknowledged as durable.
    must_last: bool,
}

/// What there should be.
#[derive(Clone, Debug, Default)]
struct State {
    table: Option<Model>,
    indexes: BTreeSet<&'static str>,
}

/// The state after the commit `seqno`.
fn state_at(events: &[Event], seqno: u64) -> Result<State, String> {
    let mut events: Vec<&Event> = events.iter().filter(|event| event.seqno <= seqno).collect();
    events.sort_by_key(|event| event.seqno);
    let mut state = State::default();
    for Event { seqno, deed, .. } in events {
        match (deed, &mut state.table) {
            (Deed::CreateTable, table) => *table = Some(Model::default()),
            (Deed::DropTable, _) => state = State::default(),
            (Deed::CreateIndex(name), _) => drop(state.indexes.insert(name)),
            (Deed::DropIndex(name), _) => drop(state.indexes.remove(name)),
            (Deed::Write(key, item), Some(table)) => table.apply(key, item.as_ref()),
            (Deed::Write(key, _), None) => {
                return Err(format!("commit {seqno} writes {key:?} into a table that was dropped before it"));
            }
        }
    }
    Ok(state)
}

fn schema() -> CreateTableRequest {
    let schema =
        TableSchema::builder(TABLE).partition_key("pk", KeyType::String).sort_key("sk", KeyType::Number);
    schema.build().expect("a valid schema").into()
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` calls takes the error")]
fn text(error: Error) -> String {
    error.to_string()
}

/// Checks the table against what it should hold, and each index that is ACTIVE against the table.
fn check_contents(database: &Database, model: &Model, figures: &mut Figures) -> Result<(), String> {
    let table = database.table(TABLE).map_err(text)?;
    model.check_items(&table)?;
    for IndexDescription { index_name: name, index_status, .. } in described(database)? {
        if index_status == Some(ResourceStatus::Active) {
            model.check_index(&table, &name)?;
            figures.active_checks += 1;
        } else {
            let read = table.scan().index(&name).page();
            if read.is_ok() {
                return Err(format!("{name} was read although it is {index_status:?}"));
            }
            figures.refused_reads += 1;
        }
    }
    Ok(())
}

fn described(database: &Database) -> Result<Vec<IndexDescription>, String> {
    Ok(database.describe_table(TABLE).map_err(text)?.global_secondary_indexes)
}

/// The indexes that are there or will be.
fn wanted(described: &[IndexDescription]) -> BTreeSet<&str> {
    let stays = |index: &&IndexDescription| index.index_status != Some(ResourceStatus::Deleting);
    described.iter().filter(stays).map(|index| index.index_name.as_str()).collect()
}

/// What a simulated client waits for.
enum Waiting {
    Write(usize, Durability, Box<Pending>),
    Change(usize, Box<PendingTableChange>),
}

struct Run {
    simulation: Simulation,
    database: Database,
    rng: SimRng,
    events: Vec<Event>,
    clients: [Option<Waiting>; CLIENTS],
    /// The table is being made: it may be there or not when the machine stops.
    is_making_table: bool,
    next_id: u64,
}

impl Run {
    /// A store with an empty table; none if the machine stopped before that.
    fn new(simulation: &Simulation) -> Option<Self> {
        let database = open(simulation).ok()?;
        let rng = simulation.seed().stream("indexes");
        let mut run = Self {
            simulation: simulation.clone(),
            database,
            rng,
            events: Vec::new(),
            clients: [const { None }; CLIENTS],
            is_making_table: false,
            next_id: 0,
        };
        run.create_table().ok()?;
        Some(run)
    }

    fn is_crashed(&self) -> bool {
        self.simulation.vfs().is_crashed()
    }

    fn published(&self) -> u64 {
        self.database.statistics().published.0
    }

    fn has_change(&self) -> bool {
        self.clients.iter().flatten().any(|waiting| matches!(waiting, Waiting::Change(..)))
    }

    fn note(&mut self, seqno: u64, deed: Deed) -> usize {
        self.events.push(Event { seqno, deed, must_last: false });
        self.events.len() - 1
    }

    fn create_table(&mut self) -> Result<(), Error> {
        // Nobody else writes to it before it is there: any place after what is published will do.
        let seqno = self.published() + 1;
        self.is_making_table = true;
        self.database.create_table(schema())?;
        self.is_making_table = false;
        let event = self.note(seqno, Deed::CreateTable);
        self.events[event].must_last = true;
        Ok(())
    }

    fn check(&mut self, figures: &mut Figures) -> Result<(), String> {
        let state = state_at(&self.events, self.published())?;
        // Readers of tables hear of a change when it was waited for.
        if self.has_change() {
            return Ok(());
        }
        match &state.table {
            None => match self.database.table(TABLE) {
                Ok(_) => Err("the table was dropped and is there".to_owned()),
                Err(_) => Ok(()),
            },
            Some(model) => {
                check_contents(&self.database, model, figures)?;
                let described = described(&self.database)?;
                if wanted(&described) != state.indexes {
                    return Err(format!("there should be {:?}: {described:?}", state.indexes));
                }
                Ok(())
            }
        }
    }

    /// One step of a client. An error of the store ends the run where the machine has stopped.
    fn step(&mut self, figures: &mut Figures) -> Result<(), Error> {
        let client = self.rng.below_usize(CLIENTS);
        match self.clients[client].take() {
            Some(Waiting::Write(event, durability, mut pending)) => match pending.step() {
                Some(outcome) => {
                    outcome?;
                    self.events[event].must_last = durability == Durability::Durable;
                }
                None => self.clients[client] = Some(Waiting::Write(event, durability, pending)),
            },
            Some(Waiting::Change(event, mut pending)) => match pending.step() {
                Some(outcome) => {
                    outcome?;
                    self.events[event].must_last = true;
                }
                None => self.clients[client] = Some(Waiting::Change(event, pending)),
            },
            None => self.clients[client] = self.begin(figures)?,
        }
        Ok(())
    }

    fn begin(&mut self, figures: &mut Figures) -> Result<Option<Waiting>, Error> {
        let chosen = self.rng.below(100);
        let change = match chosen {
            0..10 => self.change_index(figures),
            10..12 if !self.has_change() => self.drop_or_create_table(figures),
            12..15 => {
                self.reopen()?;
                Ok(None)
            }
            15..17 if !self.has_change() => self.database.wait_until_active(TABLE).map(|()| None),
            17..19 => self.database.count_items(TABLE).map(|_| None),
            _ => self.begin_write(),
        };
        match change {
            // There is no table, or it is being changed.
            Err(error) if is_refused(&error) => Ok(None),
            change => change,
        }
    }

    fn change_index(&mut self, figures: &mut Figures) -> Result<Option<Waiting>, Error> {
        let name = *self.rng.pick(&INDEXES);
        let exists = self.database.describe_table(TABLE)?;
        let exists = exists.global_secondary_indexes.iter().any(|index| index.index_name == name);
        let (request, deed) = if exists {
            (drop_index(TABLE, name), Deed::DropIndex(name))
        } else {
            (create_index(TABLE, name), Deed::CreateIndex(name))
        };
        let pending = match self.database.submit_update_table(request) {
            // Another client is changing just this.
            Err(error) if error.kind() == ErrorKind::Validation && self.has_change() => return Ok(None),
            pending => pending?,
        };
        figures.indexes_made += u64::from(!exists);
        Ok(Some(Waiting::Change(self.note(pending.seqno().0, deed), Box::new(pending))))
    }

    fn drop_or_create_table(&mut self, figures: &mut Figures) -> Result<Option<Waiting>, Error> {
        if self.database.table(TABLE).is_err() {
            return self.create_table().map(|()| None);
        }
        let pending = self.database.submit_delete_table(TABLE)?;
        figures.tables_dropped += 1;
        Ok(Some(Waiting::Change(self.note(pending.seqno().0, Deed::DropTable), Box::new(pending))))
    }

    fn reopen(&mut self) -> Result<(), Error> {
        self.settle()?;
        self.database.close()?;
        self.database = open(&self.simulation)?;
        Ok(())
    }

    /// Everything that was begun is waited for.
    fn finish(&mut self) -> Result<(), Error> {
        self.settle()?;
        if self.database.table(TABLE).is_ok() {
            self.database.wait_until_active(TABLE)?;
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Error> {
        for client in 0..CLIENTS {
            match self.clients[client].take() {
                Some(Waiting::Write(event, durability, pending)) => {
                    pending.wait()?;
                    self.events[event].must_last = durability == Durability::Durable;
                }
                Some(Waiting::Change(event, pending)) => {
                    pending.wait()?;
                    self.events[event].must_last = true;
                }
                None => {}
            }
        }
        Ok(())
    }

    /// A write, or something that concerns the whole store.
    fn begin_write(&mut self) -> Result<Option<Waiting>, Error> {
        self.next_id += 1;
        let table = self.database.table(TABLE)?;
        let (key, durability) = (random_key(&mut self.rng), random_durability(&mut self.rng));
        let (item, pending) = match self.rng.below(100) {
            0..65 => {
                let item = random_item(&mut self.rng, &key, self.next_id);
                let pending = table.put_request(&item).durability(durability).submit()?;
                (Some(item), pending)
            }
            65..84 => {
                let delete = table.delete_request((key.0.as_str(), key.1));
                (None, delete.durability(durability).submit()?)
            }
            84..90 => return self.database.flush().map(|()| None),
            90..92 => return self.database.compact().map(|()| None),
            _ => {
                self.simulation.clock().advance(Duration::from_secs(5));
                return Ok(None);
            }
        };
        let event = self.note(pending.seqno().0, Deed::Write(key, item));
        Ok(Some(Waiting::Write(event, durability, Box::new(pending))))
    }
}

fn is_refused(error: &Error) -> bool {
    error.outcome() == Outcome::Rejected
        && matches!(
            error.kind(),
            ErrorKind::ResourceNotFound | ErrorKind::ResourceInUse | ErrorKind::LimitExceeded
        )
}

const STEPS: u64 = 400;

/// Runs clients on a new store, or as far as the machine goes. What is wrong while it runs is an error.
fn run(seed: u64, crash_at: Option<u64>, figures: &mut Figures) -> Result<(Simulation, Option<Run>), String> {
    let simulation = Simulation::new(seed);
    if let Some(point) = crash_at {
        simulation.vfs().crash_at(point);
    }
    let Some(mut run) = Run::new(&simulation) else { return Ok((simulation, None)) };
    for step in 0..STEPS {
        for _ in 0..run.rng.below(3) {
            simulation.scheduler().step_one();
        }
        match run.step(figures) {
            Ok(()) => {}
            Err(_) if run.is_crashed() => break,
            Err(error) => return Err(format!("step {step}: {error}")),
        }
        if run.is_crashed() {
            break;
        }
        run.check(figures).map_err(|wrong| format!("step {step}: {wrong}"))?;
    }
    if !run.is_crashed() {
        let settled = run.finish();
        // The machine may stop here, too.
        if !run.is_crashed() {
            settled.map_err(text)?;
            run.check(figures).map_err(|wrong| format!("at the end: {wrong}"))?;
        }
    }
    Ok((simulation, Some(run)))
}

/// What a run was when its machine stopped.
struct Stopped {
    simulation: Simulation,
    events: Vec<Event>,
    is_making_table: bool,
}

impl Run {
    /// Stops the machine, with the store open.
    fn stop(self) -> Stopped {
        self.simulation.vfs().crash_now();
        let Self { simulation, events, is_making_table, .. } = self;
        Stopped { simulation, events, is_making_table }
    }
}

/// Opens an image, checks it, loses power once more while indexes are being filled, and sees that they become ACTIVE.
fn check_image(run: &Stopped, image: SimVfs, salt: u64, figures: &mut Figures) -> Result<(), String> {
    let mut simulation = run.simulation.restart(image);
    figures.images += 1;
    let mut database = open(&simulation).map_err(|error| format!("it does not open: {error}"))?;
    let recovered = database.statistics().published.0;
    if let Some(lost) = run.events.iter().find(|event| event.must_last && event.seqno > recovered) {
        return Err(format!("recovered to commit {recovered}, without {lost:?}"));
    }
    let state = state_at(&run.events, recovered)?;
    let Some(model) = state.table else {
        return match database.table(TABLE) {
            Ok(_) if !run.is_making_table => Err("the table was dropped and is there".to_owned()),
            _ => Ok(()),
        };
    };
    check_contents(&database, &model, figures)?;
    let is_filling = |index: &IndexDescription| index.backfilling == Some(true);
    if described(&database)?.iter().any(is_filling) {
        figures.images_while_filling += 1;
        if salt.is_multiple_of(2) {
            for _ in 0..salt % 16 {
                simulation.scheduler().step_one();
            }
            simulation.vfs().crash_now();
            drop(database);
            figures.second_crashes += 1;
            let image = simulation.vfs().crash_image(salt);
            simulation = simulation.restart(image);
            database = open(&simulation).map_err(|error| format!("it does not open again: {error}"))?;
            check_contents(&database, &model, figures)?;
        }
    }
    database.wait_until_active(TABLE).map_err(text)?;
    check_contents(&database, &model, figures)?;
    let described = described(&database)?;
    if wanted(&described) != state.indexes {
        return Err(format!("there should be {:?}: {described:?}", state.indexes));
    }
    let count = database.count_items(TABLE).map_err(text)?.item_count;
    if count != model.items.len() as u64 {
        return Err(format!("{count} items were counted of {}", model.items.len()));
    }
    Ok(())
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
        let Some(crashed) = crashed.map(Run::stop) else { continue };
        let images = simulation.vfs().images(2, point).map(|(_, image)| image);
        for (salt, image) in (point..).zip(images) {
            check_image(&crashed, image, salt, figures).map_err(context)?;
        }
        let image = simulation.vfs().crash_image(ImageChoice::AllLost);
        check_image(&crashed, image, point, figures).map_err(context)?;
    }
    Ok(())
}

#[test]
fn an_active_index_is_always_what_its_table_gives() {
    let mut figures = Figures::default();
    for seed in 0..20 {
        if let Err(wrong) = simulate(seed, &mut figures) {
            panic!("{wrong}");
        }
    }
    println!("indexes: {figures:?}, violations 0");
    assert!(figures.active_checks > 0 && figures.refused_reads > 0, "{figures:?}");
    assert!(figures.indexes_made > 20 && figures.tables_dropped > 5, "{figures:?}");
}

#[test]
fn a_backfill_survives_power_losses() {
    let mut figures = Figures::default();
    for seed in 0..crate::crash::setting("PIXII_CRASH_SEEDS", 3) {
        if let Err(wrong) = crash(seed, 40, &mut figures) {
            panic!("{wrong}");
        }
    }
    println!("indexes: {figures:?}, violations 0");
    assert!(figures.images_while_filling > 0 && figures.second_crashes > 0, "{figures:?}");
}
