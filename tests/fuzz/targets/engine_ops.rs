//! The engine against a map: writes, reads both ways, snapshots, flushes, compactions, orderly restarts, deaths of the
//! process and power losses, on the simulated disk.
//!
//! After a power loss the store holds the state after some commit: none before the last that is known to be durable.

use crate::targets::input::Input;
use pixii::base::batch::WriteBatch;
use pixii::base::ident::KeyspaceId;
use pixii::engine::cursor::KeyRange;
use pixii::engine::options::{Durability, EngineOptions};
use pixii::engine::snapshot::Snapshot;
use pixii::engine::store::Engine;
use pixii::lsm::picker::Shape;
use pixii::sim::{ImageChoice, SimVfs, Simulation};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const OPERATIONS_MAX: usize = 200;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut run = Run::new(input.number());
    for _ in 0..OPERATIONS_MAX {
        if input.is_empty() {
            break;
        }
        run.operation(&mut input);
    }
    run.check();
    run.restart(SimVfs::process_death_image);
    run.check();
}

struct Run {
    simulation: Simulation,
    engine: Engine,
    /// The states that a power loss may leave: the last known to be durable, and each after it.
    states: Vec<Map>,
    snapshots: Vec<(Snapshot, Map)>,
}

fn open(simulation: &Simulation) -> Engine {
    let options = EngineOptions {
        memtable_bytes: 2000,
        block_bytes: 128,
        table_bytes: 1000,
        shape: Shape { level_0_tables: 2, level_1_bytes: 2000, level_ratio: 2 },
        log_fill_bytes: 1024,
        ..EngineOptions::default()
    };
    Engine::open(simulation.environment(), Path::new("/store"), options).expect("whatever happens, it opens")
}

impl Run {
    fn new(seed: u64) -> Self {
        let simulation = Simulation::new(seed);
        let engine = open(&simulation);
        Self { simulation, engine, states: vec![Map::new()], snapshots: Vec::new() }
    }

    fn operation(&mut self, input: &mut Input<'_>) {
        match input.below(32) {
            0 => {
                self.engine.flush().expect("space");
                self.all_is_durable();
            }
            1 => {
                self.engine.compact().expect("space");
                self.all_is_durable();
            }
            2 => {
                self.engine.close().expect("nothing failed");
                self.snapshots.clear();
                self.engine = open(&self.simulation);
                self.all_is_durable();
                self.check();
            }
            3 => {
                self.restart(SimVfs::process_death_image);
                self.all_is_durable();
                self.check();
            }
            4 | 5 => {
                let seed = input.number();
                self.lose_power(seed);
            }
            6 => self.simulation.clock().advance(Duration::from_millis(50 * input.below(8) as u64)),
            7 => self.simulation.scheduler().run_until_idle(),
            8 => self.snapshots.push((self.engine.snapshot(), self.newest().clone())),
            9 => drop(self.snapshots.pop()),
            10 => self.check(),
            11 => self.check_range(input),
            12 | 13 => self.check_get(&key(input)),
            choice => {
                let durability = if choice < 22 { Durability::Durable } else { Durability::Buffered };
                self.write(durability, input);
            }
        }
    }

    fn newest(&self) -> &Map {
        self.states.last().expect("there is always a state")
    }

    fn write(&mut self, durability: Durability, input: &mut Input<'_>) {
        let mut state = self.newest().clone();
        let mut batch = WriteBatch::new();
        for _ in 0..=input.below(3) {
            let key = key(input);
            if input.below(4) == 0 {
                state.remove(&key);
                batch.delete(key);
            } else {
                // some values are longer than a memtable
                let repeats = if input.below(16) == 0 { 2500 } else { 1 + input.below(60) };
                let value = vec![input.byte(); repeats];
                state.insert(key.clone(), value.clone());
                batch.put(key, value);
            }
        }
        self.engine.write(&batch, durability).expect("space");
        if durability == Durability::Durable {
            self.states.clear();
        }
        self.states.push(state);
        self.check_get(batch.entries().next().map_or(&[], |(key, ..)| key));
    }

    fn all_is_durable(&mut self) {
        self.states.drain(..self.states.len() - 1);
    }

    /// The machine or the process ends here; what is left is the image.
    fn restart(&mut self, image: impl FnOnce(&SimVfs) -> SimVfs) {
        let image = image(self.simulation.vfs());
        self.simulation.vfs().crash_now();
        // The handle is let go in the machine that it belongs to, where nothing reaches the disk any more.
        let _ = self.engine.close();
        self.snapshots.clear();
        self.simulation = self.simulation.restart(image);
        self.engine = open(&self.simulation);
    }

    fn lose_power(&mut self, seed: u64) {
        self.restart(|vfs| vfs.crash_image(ImageChoice::Random(seed)));
        let found = scan(&self.engine, KeyRange::default(), None);
        let kept = self.states.iter().rposition(|state| *state == found);
        let kept = kept.expect("what is found is the state after a commit, none durable one lost");
        self.states = vec![self.states.swap_remove(kept)];
    }

    fn check(&self) {
        assert_eq!(&scan(&self.engine, KeyRange::default(), None), self.newest());
        for (snapshot, state) in &self.snapshots {
            assert_eq!(&scan(&self.engine, KeyRange::default(), Some(snapshot)), state, "as of a snapshot");
        }
    }

    fn check_get(&self, key: &[u8]) {
        let found = self.engine.get(key, None, <[u8]>::to_vec).expect("it can be read");
        assert_eq!(found.as_ref(), self.newest().get(key));
        for (snapshot, state) in &self.snapshots {
            let found = self.engine.get(key, Some(snapshot), <[u8]>::to_vec).expect("it can be read");
            assert_eq!(found.as_ref(), state.get(key), "as of a snapshot");
        }
    }

    /// A range, and a cursor that is sent back and forth in it.
    fn check_range(&self, input: &mut Input<'_>) {
        let (start, end) = (key(input), input.flag().then(|| key(input)));
        let is_in_range = |key: &[u8]| start.as_slice() <= key && end.as_deref().is_none_or(|end| key < end);
        let expected: Vec<_> = self.newest().iter().filter(|(key, _)| is_in_range(key)).collect();
        let range = KeyRange { start: start.clone(), end: end.clone() };
        let found = scan(&self.engine, range.clone(), None);
        assert_eq!(found.iter().collect::<Vec<_>>(), expected);

        let mut cursor = self.engine.cursor(range, None).expect("it is open");
        let key = key(input);
        cursor.seek(&key).expect("it can be read");
        let mut place = expected.iter().position(|(found, _)| key <= **found);
        for _ in 0..input.below(12) {
            assert_eq!(cursor.key(), place.map(|place| expected[place].0.as_slice()));
            assert_eq!(cursor.value(), place.map(|place| expected[place].1.as_slice()));
            // off either end it stands nowhere, and stays there
            place = if input.flag() {
                cursor.next().expect("it can be read");
                place.map(|place| place + 1).filter(|place| *place < expected.len())
            } else {
                cursor.prev().expect("it can be read");
                place.and_then(|place| place.checked_sub(1))
            };
        }
    }
}

/// A key that is not of the last keyspace, which is the engine's own.
fn key(input: &mut Input<'_>) -> Vec<u8> {
    let mut key = input.key();
    if KeyspaceId::of_key(&key) == KeyspaceId::TIMELINE {
        key.truncate(3);
    }
    key
}

fn scan(engine: &Engine, range: KeyRange, snapshot: Option<&Snapshot>) -> Map {
    let mut cursor = engine.cursor(range, snapshot).expect("it is open");
    let mut found = Map::new();
    cursor.seek_first().expect("it can be read");
    while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
        let is_next = found.last_key_value().is_none_or(|(last, _): (&Vec<u8>, _)| last.as_slice() < key);
        assert!(is_next, "keys ascend");
        found.insert(key.to_vec(), value.to_vec());
        cursor.next().expect("it can be read");
    }
    found
}
