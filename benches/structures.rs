//! The structures of a read and of a write, each alone: memtable, data block, filter, index, merge, log record, item, key.
//!
//! `cargo bench --bench structures`. Figures are for comparing one run with another on the same machine, not for quoting.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pixii::base::cursor::Cursor;
use pixii::base::entry::{EntryKind, EntryRef, Position};
use pixii::base::ident::{FileNumber, HistoryId, SeqNo};
use pixii::dynamo::encoding::encode_item;
use pixii::dynamo::key::{KeyValue, encode_component};
use pixii::dynamo::stored::StoredItem;
use pixii::format::chunk::{Framer, LogIdentity, LogKind, RecordKind};
use pixii::format::table::block_frame::BlockHandle;
use pixii::format::table::data_block::{DataBlock, DataBlockBuilder};
use pixii::format::table::filter::{self, Filter};
use pixii::format::table::index::{Index, IndexBuilder};
use pixii::lsm::memtable::table::{Memtable, MemtableCursor, Versions};
use pixii::lsm::merge_cursor::MergeCursor;
use pixii::{Item, Number, Value};
use std::hint::black_box;
use std::sync::Arc;

const KEYS: u64 = 100_000;
/// Room for all keys.
const MEMTABLE_BYTES: usize = 64 << 20;
const VALUE: [u8; 100] = [b'v'; 100];
const NEWEST: SeqNo = SeqNo(u64::MAX >> 8);

/// Keys of 17 bytes, in the order of their numbers.
fn key(number: u64) -> [u8; 17] {
    let mut key = [0; 17];
    key[3] = 16;
    key[9..].copy_from_slice(&number.to_be_bytes());
    key
}

/// Numbers below `limit`, spread.
fn spread(step: u64, limit: u64) -> u64 {
    step.wrapping_mul(0x9e37_79b9_7f4a_7c15) % limit
}

/// A put, of a commit of its own.
fn entry(key: &[u8], number: u64) -> EntryRef<'_> {
    EntryRef { key, seqno: SeqNo(number + 1), kind: EntryKind::Put, value: &VALUE }
}

fn at(key: &[u8]) -> Position<'_> {
    Position { key, seqno: NEWEST }
}

/// Every `step`th key from `first` on.
fn memtable(first: u64, step: usize) -> Memtable {
    let memtable = Memtable::new(MEMTABLE_BYTES);
    for number in (first..KEYS).step_by(step) {
        memtable.insert(&entry(&key(number), number));
    }
    memtable
}

fn get<'a>(memtable: &'a Memtable, key: &[u8]) -> Option<EntryRef<'a>> {
    memtable.get(at(key), filter::hash(key))
}

fn memtables(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("memtable");
    group.throughput(Throughput::Elements(KEYS));
    group.sample_size(20);
    group.bench_function("fill with 100,000, spread", |bencher| {
        bencher.iter(|| {
            let memtable = Memtable::new(MEMTABLE_BYTES);
            for step in 0..KEYS {
                memtable.insert(&entry(&key(spread(step, KEYS)), step));
            }
            memtable
        });
    });
    group.finish();
    let (mut group, mut step) = (criterion.benchmark_group("memtable"), 0);
    let full = memtable(0, 1);
    group.bench_function("get of 100,000", |bencher| {
        bencher.iter(|| {
            step += 1;
            black_box(get(&full, &key(spread(step, KEYS))).expect("it is there").value.len())
        });
    });
    group.finish();
}

fn merges(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("merge");
    for count in [1, 2, 4] {
        let cursor = |first| -> Box<dyn Cursor> {
            Box::new(MemtableCursor::new(Arc::new(memtable(first, count)), Versions::NewestAt(NEWEST)))
        };
        let mut merged = MergeCursor::new((0..count as u64).map(cursor).collect());
        group.bench_function(format!("seek and 50 steps over {count}"), |bencher| {
            let mut step = 0;
            bencher.iter(|| {
                step += 1;
                merged.seek(at(&key(spread(step, KEYS - 100)))).expect("memory can be read");
                for _ in 0..50 {
                    black_box(merged.entry().expect("there are more").value.len());
                    merged.next().expect("memory can be read");
                }
            });
        });
    }
    group.finish();
}

/// A payload of about 4 KiB, and how many entries it has.
fn block() -> (Vec<u8>, u64) {
    let (mut builder, mut payload, mut count) = (DataBlockBuilder::new(), Vec::new(), 0);
    while builder.size_bytes() < 4000 {
        builder.add(&entry(&key(count), count), filter::hash(&key(count)));
        count += 1;
    }
    builder.finish(&mut payload);
    (payload, count)
}

fn blocks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("block");
    let (payload, count) = block();
    group.throughput(Throughput::Bytes(payload.len() as u64));
    group.bench_function("build", |bencher| bencher.iter(|| black_box(block())));
    group.bench_function("walk", |bencher| {
        bencher.iter(|| {
            let block = DataBlock::parse(&payload).expect("a sound block");
            (0..block.len())
                .map(|index| block.entry(index).expect("a sound block").value.len())
                .sum::<usize>()
        });
    });
    group.finish();
    let mut step = 0;
    criterion.bench_function("block/find", |bencher| {
        bencher.iter(|| {
            step += 1;
            let block = DataBlock::parse(&payload).expect("a sound block");
            let key = key(spread(step, count));
            let found = block.find(at(&key), filter::hash(&key)).expect("a sound block");
            black_box(found.expect("it is there").value.len())
        });
    });
}

fn filters(criterion: &mut Criterion) {
    let hashes: Vec<_> = (0..KEYS).map(|number| filter::hash(&key(number))).collect();
    let filter = Filter::parse(&filter::build(&hashes)).expect("a sound filter");
    let mut group = criterion.benchmark_group("filter");
    group.bench_function("hash", |bencher| bencher.iter(|| filter::hash(black_box(&key(7)))));
    for (name, first) in [("hit", 0), ("miss", KEYS)] {
        let mut step = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                step += 1;
                black_box(filter.may_contain(filter::hash(&key(first + spread(step, KEYS)))))
            });
        });
    }
    group.throughput(Throughput::Elements(KEYS));
    group.bench_function("build of 100,000", |bencher| bencher.iter(|| filter::build(black_box(&hashes))));
    group.finish();
}

fn indexes(criterion: &mut Criterion) {
    const BLOCKS: u64 = 16_384;
    let mut builder = IndexBuilder::default();
    for block in 0..BLOCKS {
        let handle = BlockHandle { offset: block * 4096, length: 4000 };
        builder.add(Position { key: &key(block * 32 + 31), seqno: SeqNo(1) }, handle);
    }
    let index = Index::parse(&builder.finish()).expect("a sound index");
    let mut step = 0;
    criterion.bench_function("index/find among 16,384 blocks", |bencher| {
        bencher.iter(|| {
            step += 1;
            black_box(index.block_for(at(&key(spread(step, BLOCKS * 32)))))
        });
    });
}

fn logs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("log");
    let identity = LogIdentity { kind: LogKind::Wal, history: HistoryId(1), number: FileNumber(1) };
    for bytes in [130, 1060, 64 * 1024] {
        let record = vec![b'r'; bytes];
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(format!("record of {bytes}"), |bencher| {
            let (mut framer, mut buffer) = (Framer::new(identity), Vec::new());
            bencher.iter(|| {
                buffer.clear();
                framer.record(RecordKind::Data, black_box(&record), 0, &mut buffer);
                black_box(buffer.len())
            });
        });
    }
    group.finish();
}

fn items(criterion: &mut Criterion) {
    let mut item = Item::new().with("pk", 4711).with("sk", 42).with("text", "t".repeat(80));
    for number in 0..8 {
        item.insert(format!("attribute{number}"), Value::from(number));
    }
    let mut stored = Vec::new();
    encode_item(&item, &mut stored);
    let mut group = criterion.benchmark_group("item");
    group.bench_function("encode", |bencher| {
        let mut buffer = Vec::new();
        bencher.iter(|| {
            buffer.clear();
            encode_item(black_box(&item), &mut buffer);
        });
    });
    group.bench_function("one attribute of eleven, in place", |bencher| {
        bencher.iter(|| {
            let item = StoredItem::parse(black_box(&stored)).expect("a sound item");
            black_box(item.get("text").expect("a sound item").expect("it is there").encoded().len())
        });
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            StoredItem::parse(black_box(&stored)).and_then(|item| item.to_item()).expect("a sound item")
        });
    });
    group.finish();
}

fn keys(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("key");
    let number = KeyValue::Number(Number::from(1_234_567_u64));
    let text = KeyValue::String("customer#0012345".to_owned());
    let binary = KeyValue::Binary(vec![0xab; 16]);
    for (name, value) in [("number", number), ("string", text), ("binary", binary)] {
        let mut buffer = Vec::new();
        group.bench_function(format!("encode a {name}"), |bencher| {
            bencher.iter(|| {
                buffer.clear();
                encode_component(black_box(&value), &mut buffer);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, memtables, merges, blocks, filters, indexes, logs, items, keys);
criterion_main!(benches);
