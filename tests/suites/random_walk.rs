//! Any sequence of operations agrees with the model, whatever is flushed, compacted and reopened in between.

use crate::deed::{Act, Change, ItemWrite, Test};
use crate::model::{Key, Model, PARTITIONS, SORTS, TABLE, schema};
use crate::workload::{item, open};
use pixii::base::batch::WriteBatch;
use pixii::engine::cursor::KeyRange;
use pixii::engine::snapshot::Snapshot;
use pixii::engine::store::Engine;
use pixii::sim::{SimRng, Simulation};
use pixii::{Durability, ErrorKind, Pending};
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

/// What is done to a store by one client.
#[derive(Clone, Debug)]
enum Move {
    Write(ItemWrite, Durability),
    Flush,
    Compact,
    Check,
    Reopen,
    AdvanceClock(Duration),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0_u64..9).prop_map(|id| Act::Set("id", id.into())),
        prop_oneof![Just("x"), Just("y")].prop_map(|tag| Act::Set("tag", tag.into())),
        prop_oneof![Just("tag"), Just("score"), Just("count")].prop_map(Act::Remove),
        (prop_oneof![Just("score"), Just("count")], -2_i64..3).prop_map(|(name, by)| Act::Add(name, by)),
        Just(Act::AddLabel("l")),
    ]
}

/// Acts on different attributes.
fn acts() -> impl Strategy<Value = Vec<Act>> {
    let name = |act: &Act| match act {
        Act::Set(name, _) | Act::Add(name, _) | Act::Remove(name) => *name,
        Act::AddLabel(_) | Act::DropLabel(_) => "labels",
    };
    prop::collection::vec(act(), 1..4).prop_map(move |acts| {
        let by_name: BTreeMap<&str, Act> = acts.into_iter().map(|act| (name(&act), act)).collect();
        by_name.into_values().collect()
    })
}

fn test() -> impl Strategy<Value = Test> {
    prop_oneof![
        Just(Test::Absent),
        Just(Test::Present),
        (0_u64..9).prop_map(Test::IdIs),
        (-2_i64..3).prop_map(Test::CountAtLeast),
        Just(Test::Untagged),
    ]
}

fn write() -> impl Strategy<Value = ItemWrite> {
    let put = (any::<(u32, Option<u64>, Option<u64>)>(), 0_usize..300);
    let change = prop_oneof![
        6 => put.prop_map(|((id, tag, score), payload)| (Some((u64::from(id), tag, score, payload)), None)),
        4 => acts().prop_map(|acts| (None, Some(acts))),
        3 => Just((None, None)),
    ];
    (key(), change, prop::option::weighted(0.25, test())).prop_map(|(key, (put, acts), test)| {
        let change = match (put, acts) {
            (Some((id, tag, score, payload)), _) => Change::Put(item(&key, id, tag, score, payload)),
            (None, Some(acts)) => Change::Update(acts),
            (None, None) => Change::Delete,
        };
        ItemWrite { table: TABLE, key, change, test }
    })
}

fn operation() -> impl Strategy<Value = Move> {
    prop_oneof![
        17 => (write(), durability()).prop_map(|(write, durability)| Move::Write(write, durability)),
        1 => Just(Move::Flush),
        1 => Just(Move::Compact),
        2 => Just(Move::Check),
        1 => Just(Move::Reopen),
        1 => (0_u64..500).prop_map(|millis| Move::AdvanceClock(Duration::from_millis(millis))),
    ]
}

/// Runs operations one after another and compares, answers too.
fn walk(seed: u64, operations: Vec<Move>) -> Result<(), String> {
    let simulation = Simulation::new(seed);
    let text = |error: pixii::Error| error.to_string();
    let mut database = open(&simulation).map_err(text)?;
    database.create_table(schema()).map_err(text)?;
    let mut model = Model::default();
    for operation in operations {
        let table = database.table(TABLE).map_err(text)?;
        match operation {
            Move::Write(write, durability) => {
                let old = model.items.get(&write.key).cloned();
                let answer = write.submit(&table, durability, true).and_then(Pending::wait);
                match (write.on(old.as_ref()), answer) {
                    (Ok(new), Ok(output)) => {
                        let told = write.told(old.as_ref(), new.as_ref());
                        if output.attributes != told {
                            return Err(format!("{write:?} answers {:?}, not {told:?}", output.attributes));
                        }
                        model.apply(&write.key, new.as_ref());
                    }
                    (Err(_), Err(error)) if error.kind() == ErrorKind::ConditionalCheckFailed => {}
                    (expected, found) => return Err(format!("{write:?}: {found:?}, not {expected:?}")),
                }
            }
            Move::Flush => database.flush().map_err(text)?,
            Move::Compact => database.compact().map_err(text)?,
            Move::Check => model.check(&database)?,
            Move::Reopen => {
                database.close().map_err(text)?;
                database = open(&simulation).map_err(text)?;
            }
            Move::AdvanceClock(duration) => {
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
