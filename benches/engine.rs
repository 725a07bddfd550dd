//! The hot paths, alone and as the data model uses them: puts, gets, a query of fifty items.
//!
//! `cargo bench`. Figures are for comparing one run with another on the same machine, not for quoting.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use criterion::{Criterion, criterion_group, criterion_main};
use pixii::base::batch::WriteBatch;
use pixii::engine::options::EngineOptions;
use pixii::engine::store::Engine;
use pixii::{Database, Durability, Environment, Item, KeyType, Table, TableSchema};
use std::hint::black_box;

const KEYS: u64 = 100_000;

fn key(number: u64) -> Vec<u8> {
    // Spread over the keyspace, so that neighbours in time are not neighbours in order.
    let mut key = vec![0, 0, 0, 16];
    key.extend_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    key
}

fn engine(directory: &std::path::Path) -> Engine {
    Engine::open(Environment::system(), directory, EngineOptions::default()).expect("a new store")
}

fn put(engine: &Engine, number: u64, durability: Durability) {
    let mut batch = WriteBatch::new();
    batch.put(key(number), vec![b'v'; 100]);
    engine.write(&batch, durability).expect("space");
}

fn engine_paths(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let engine = engine(&directory.path().join("store"));
    for number in 0..KEYS {
        put(&engine, number, Durability::Buffered);
    }
    let mut group = criterion.benchmark_group("engine");
    let mut number = KEYS;
    group.bench_function("put buffered", |bencher| {
        bencher.iter(|| {
            number += 1;
            put(&engine, number, Durability::Buffered);
        });
    });
    group.bench_function("put durable", |bencher| {
        bencher.iter(|| {
            number += 1;
            put(&engine, number, Durability::Durable);
        });
    });
    for place in ["memtable", "table"] {
        group.bench_function(format!("get hit, {place}"), |bencher| {
            let mut number = 0;
            bencher.iter(|| {
                number = (number + 7919) % KEYS;
                black_box(engine.get(&key(number), None, <[u8]>::len).expect("it can be read"))
            });
        });
        engine.compact().expect("space");
    }
    group.bench_function("get miss", |bencher| {
        let mut number = 0;
        bencher.iter(|| {
            number += 1;
            black_box(engine.get(&key(u64::MAX / 2 + number), None, <[u8]>::len).expect("it can be read"))
        });
    });
    group.finish();
}

fn table() -> Table {
    let database = Database::in_memory().expect("a new database");
    let schema = TableSchema::builder("Items")
        .partition_key("pk", KeyType::Number)
        .sort_key("sk", KeyType::Number)
        .build()
        .expect("a valid schema");
    let table = database.create_table(schema).expect("a new table");
    for number in 0..50_000_u64 {
        let item = Item::new().with("pk", number / 50).with("sk", number % 50).with("text", "t".repeat(80));
        table.put_request(&item).buffered().send().expect("space");
    }
    database.flush().expect("space");
    table
}

fn model_paths(criterion: &mut Criterion) {
    let table = table();
    let mut group = criterion.benchmark_group("table");
    let mut number = 0;
    group.bench_function("get item", |bencher| {
        bencher.iter(|| {
            number = (number + 7919) % 50_000;
            black_box(table.get_item((number / 50, number % 50)).expect("it can be read"))
        });
    });
    group.bench_function("query of 50", |bencher| {
        bencher.iter(|| {
            number = (number + 7919) % 1000;
            table.query(number).into_iter().map(|item| item.expect("it can be read").len()).sum::<usize>()
        });
    });
    group.finish();
}

criterion_group!(benches, engine_paths, model_paths);
criterion_main!(benches);
