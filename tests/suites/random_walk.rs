//! Any sequence of operations agrees with the model, whatever is flushed, compacted and reopened in between.

use crate::model::{Key, Model, PARTITIONS, SORTS, TABLE, schema};
use crate::workload::{Operation, item, open};
use pixii::Durability;
use pixii::base::batch::WriteBatch;
use pixii::engine::cursor::KeyRange;
use pixii::engine::snapshot::Snapshot;
use pixii::engine::store::Engine;
use pixii::sim::{SimRng, Simulation};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

fn key() -> impl Strategy<Value = Key> {
    (0..PARTITIONS.len(), SORTS).prop_map(|(partition, sort)| (PARTITIONS[partition].to_owned(), sort))
}

fn durability() -> impl Strategy<Value = Durability> {
    prop_oneof![Just(Durability::Durable), Just(Durability::Buffered)]
}

fn operation() -> impl Strategy<Value = Operation> {
    let put = (key(), any::<(u32, Option<u64>, Option<u64>)>(), 0_usize..300, durability());
    prop_oneof![
        12 => put.prop_map(|(key, (id, tag, score), payload, durability)| {
            Operation::Put { item: item(&key, u64::from(id), tag, score, payload), key, durability }
        }),
        5 => (key(), durability()).prop_map(|(key, durability)| Operation::Delete { key, durability }),
        1 => Just(Operation::Flush),
        1 => Just(Operation::Compact),
        2 => Just(Operation::Check),
        1 => Just(Operation::Reopen),
        1 => (0_u64..500).prop_map(|millis| Operation::AdvanceClock(Duration::from_millis(millis))),
    ]
}

/// Runs operations one after another and compares.
fn walk(seed: u64, operations: Vec<Operation>) -> Result<(), String> {
    let simulation = Simulation::new(seed);
    let text = |error: pixii::Error| error.to_string();
    let mut database = open(&simulation).map_err(text)?;
    database.create_table(schema()).map_err(text)?;
    let mut model = Model::default();
    for operation in operations {
        let table = database.table(TABLE).map_err(text)?;
        match operation {
            Operation::Put { key, item, durability } => {
                let output =
                    table.put_request(&item).durability(durability).return_old().send().map_err(text)?;
                if output.attributes.as_ref() != model.items.get(&key) {
                    return Err(format!("the old item of {key:?} is {:?}", output.attributes));
                }
                model.apply(&key, Some(&item));
            }
            Operation::Delete { key, durability } => {
                let request =
                    table.delete_request((key.0.as_str(), key.1)).durability(durability).return_old();
                if request.send().map_err(text)?.attributes.as_ref() != model.items.get(&key) {
                    return Err(format!("the old item of {key:?} is another one"));
                }
                model.apply(&key, None);
            }
            Operation::Flush => database.flush().map_err(text)?,
            Operation::Compact => database.compact().map_err(text)?,
            Operation::Check => model.check(&database)?,
            Operation::Reopen => {
                database.close().map_err(text)?;
                database = open(&simulation).map_err(text)?;
            }
            Operation::AdvanceClock(duration) => {
                simulation.clock().advance(duration);
                simulation.scheduler().run_until_idle();
            }
        }
    }
    model.check(&database)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_operations_agree_with_the_model(
        seed: u64,
        operations in prop::collection::vec(operation(), 0..80),
    ) {
        walk(seed, operations).map_err(TestCaseError::fail)?;
    }
}

type Bytes = BTreeMap<Vec<u8>, Vec<u8>>;

fn scan(engine: &Engine, snapshot: Option<&Snapshot>) -> Result<Bytes, String> {
    let text = |error: pixii::base::error::StoreError| error.to_string();
    let mut cursor = engine.cursor(KeyRange::default(), snapshot).map_err(text)?;
    let mut map = BTreeMap::new();
    cursor.seek_first().map_err(text)?;
    while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
        map.insert(key.to_vec(), value.to_vec());
        cursor.next().map_err(text)?;
    }
    Ok(map)
}

/// Snapshots are held over random writes, flushes and compactions, and must see their moment until the end.
pub(crate) fn hold_snapshots(seed: u64) -> Result<(), String> {
    let simulation = Simulation::new(seed);
    let text = |error: pixii::base::error::StoreError| error.to_string();
    let options = crate::workload::tiny_options();
    let engine = Engine::open(simulation.environment(), Path::new("/store"), options).map_err(text)?;
    let mut rng: SimRng = simulation.seed().stream("snapshots");
    let mut map = Bytes::new();
    let mut held: Vec<(Snapshot, Bytes)> = Vec::new();
    for round in 0..300_u32 {
        let mut batch = WriteBatch::new();
        for _ in 0..=rng.below(3) {
            let key = vec![b'k', u8::try_from(rng.below(12)).unwrap_or(0)];
            if rng.chance(0.3) {
                batch.delete(key.clone());
                map.remove(&key);
            } else {
                let value = round.to_le_bytes().repeat(8);
                batch.put(key.clone(), value.clone());
                map.insert(key, value);
            }
        }
        engine.write(&batch, Durability::Buffered).map_err(text)?;
        if rng.chance(0.1) {
            held.push((engine.snapshot(), map.clone()));
        }
        if held.len() > 4 {
            held.swap_remove(rng.below_usize(4));
        }
        if rng.chance(0.02) {
            engine.compact().map_err(text)?;
        }
        if rng.chance(0.1) {
            for (snapshot, expected) in &held {
                if scan(&engine, Some(snapshot))? != *expected {
                    return Err(format!(
                        "seed {seed}: the snapshot at {} sees something else",
                        snapshot.seqno()
                    ));
                }
            }
            if scan(&engine, None)? != map {
                return Err(format!("seed {seed}: the present is another one"));
            }
        }
    }
    Ok(())
}

#[test]
fn snapshots_see_their_moment_whatever_is_compacted() {
    for seed in 0..20 {
        if let Err(wrong) = hold_snapshots(seed) {
            panic!("{wrong}");
        }
    }
}
