//! The workloads: what is timed, and what proves that the work was done.
//!
//! A workload runs in a process of its own and says what it measured as lines of name and figure. `value` is the figure of
//! the tables. Everything that is read is checked; a wrong answer is a panic, and the figure does not come out.

use crate::data::{
    self, Key, PARTITION_ITEMS, Random, Values, Zipfian, is_sound, key, key_of, missing_key, shuffled,
};
use crate::engine::{BATCH_ITEMS, Durability, Kind, Session, Setup, Store, load_in_batches};
use crate::process::{disk_bytes, own_memory_bytes, peak_memory_bytes, wait_until_idle, written_bytes};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What a workload needs to find.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// An empty place.
    Nothing,
    /// An empty place, in which it leaves what the next ones find.
    Main,
    /// The items, loaded in random order.
    Items,
    /// The items, of which it leaves something else: nothing may come after it.
    ItemsLast,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Better {
    More,
    Less,
}

/// A workload.
pub struct Workload {
    pub name: &'static str,
    pub title: &'static str,
    pub unit: &'static str,
    pub better: Better,
    pub needs: Needs,
    pub durability: Durability,
    run: fn(&Job),
}

const fn more(name: &'static str, title: &'static str, needs: Needs, run: fn(&Job)) -> Workload {
    let durability = Durability::KillSafe;
    Workload { name, title, unit: "/s", better: Better::More, needs, durability, run }
}

const fn durable(name: &'static str, title: &'static str, run: fn(&Job)) -> Workload {
    Workload { durability: Durability::Durable, ..more(name, title, Needs::Nothing, run) }
}

const fn less(
    name: &'static str,
    title: &'static str,
    unit: &'static str,
    needs: Needs,
    run: fn(&Job),
) -> Workload {
    Workload { unit, better: Better::Less, ..more(name, title, needs, run) }
}

/// All workloads in the order in which they run.
pub const WORKLOADS: &[Workload] = &[
    more(
        "bulk-load",
        "bulk load in key order, the engine's own way, durable at its end",
        Needs::Nothing,
        bulk_load,
    ),
    more("load-ordered", "load in key order, batches of 1,000", Needs::Nothing, load_ordered),
    more("load-batches", "load in random order, batches of 1,000", Needs::Nothing, load_batches),
    more("load-random", "load in random order, single puts", Needs::Main, load_random),
    durable("durable-1", "durable single puts, 1 thread", |job| durable_puts(job, 1)),
    durable("durable-8", "durable single puts, 8 threads", |job| durable_puts(job, 8)),
    durable("durable-64", "durable single puts, 64 threads", |job| durable_puts(job, 64)),
    durable("durable-await-64", "durable single puts, 1 thread with 64 in flight", durable_pipeline),
    more("get-hit-1", "get, hit, 1 thread", Needs::Items, |job| gets(job, 1, true)),
    more("get-hit-2", "get, hit, 2 threads", Needs::Items, |job| gets(job, 2, true)),
    more("get-hit-beyond-1", "get, hit, data 16 times the cache budget, 1 thread", Needs::Items, |job| {
        gets(&job.with_small_cache(), 1, true);
    }),
    more("get-hit-beyond-2", "get, hit, data 16 times the cache budget, 2 threads", Needs::Items, |job| {
        gets(&job.with_small_cache(), 2, true);
    }),
    more("get-miss-1", "get, miss, 1 thread", Needs::Items, |job| gets(job, 1, false)),
    more("get-miss-2", "get, miss, 2 threads", Needs::Items, |job| gets(job, 2, false)),
    more("partition", "50 items of one partition, forward", Needs::Items, |job| partitions(job, false)),
    more("partition-reverse", "50 items of one partition, backward", Needs::Items, |job| {
        partitions(job, true)
    }),
    Workload { unit: "MB/s", ..more("scan", "full scan", Needs::Items, scan) },
    less("reopen", "reopen after a clean close, to the first answer", "ms", Needs::Items, reopen),
    more("ycsb-a", "YCSB A: half reads, half updates, 2 threads", Needs::Items, |job| {
        ycsb(job, 50, Mix::Update)
    }),
    more("ycsb-b", "YCSB B: 95 % reads, 5 % updates, 2 threads", Needs::Items, |job| {
        ycsb(job, 5, Mix::Update)
    }),
    more("ycsb-c", "YCSB C: reads, 2 threads", Needs::Items, |job| ycsb(job, 0, Mix::Update)),
    more("ycsb-f", "YCSB F: half reads, half read-modify-writes, 2 threads", Needs::Items, |job| {
        ycsb(job, 50, Mix::Modify);
    }),
    more("ycsb-e", "YCSB E: 95 % short scans, 5 % inserts, 2 threads", Needs::Items, |job| {
        ycsb(job, 5, Mix::Scan)
    }),
    less(
        "loaded-reads",
        "get while another thread writes at full speed, p99.9",
        "µs",
        Needs::Items,
        loaded_reads,
    ),
    less(
        "delete-half",
        "disk per byte of data after every second partition was deleted",
        "",
        Needs::ItemsLast,
        delete_half,
    ),
    less(
        "expire-half",
        "disk per byte of data after every second partition expired",
        "",
        Needs::Nothing,
        expire_half,
    ),
    less(
        "reopen-killed",
        "reopen after kill -9 with 40 MB in the log, to the first answer",
        "ms",
        Needs::Nothing,
        reopen_killed,
    ),
];

/// Not in the tables: prepares the next one.
const PREPARATIONS: &[Workload] =
    &[more("prepare", "", Needs::Main, prepare), more("fill-log", "", Needs::Nothing, fill_log)];

pub fn workload(name: &str) -> &'static Workload {
    let mut all = WORKLOADS.iter().chain(PREPARATIONS);
    all.find(|workload| workload.name == name).unwrap_or_else(|| panic!("there is no workload {name}"))
}

/// One run of one workload on one engine.
pub struct Job {
    pub kind: Kind,
    pub directory: PathBuf,
    pub items: u64,
    pub value_bytes: usize,
    pub cache_bytes: usize,
    /// How long what has no natural end runs.
    pub time: Duration,
    pub durability: Durability,
}

impl Job {
    pub fn run(self, workload: &Workload) {
        (workload.run)(&self);
        tell("peak_bytes", peak_memory_bytes() as f64);
    }

    fn copy(&self) -> Self {
        Self { kind: crate::engine::kind(self.kind.name), directory: self.directory.clone(), ..*self }
    }

    fn with_small_cache(&self) -> Self {
        Self { cache_bytes: usize::try_from(self.data_bytes() / 16).expect("64 bits"), ..self.copy() }
    }

    fn open(&self) -> Box<dyn Store> {
        (self.kind.open)(&Setup {
            directory: self.directory.clone(),
            cache_bytes: self.cache_bytes,
            durability: self.durability,
        })
    }

    fn data_bytes(&self) -> u64 {
        self.items * (data::KEY_BYTES + self.value_bytes) as u64
    }

    /// Items in an order, as loaders ask for them.
    fn source(&self, mut numbers: impl Iterator<Item = u64>) -> impl FnMut(&mut Vec<u8>) -> Option<Key> {
        let values = Values::new(self.value_bytes);
        move |value| {
            let number = numbers.next()?;
            values.write(number, 0, value);
            Some(key(number))
        }
    }

    /// Reads everything and panics unless that is every item that `is_there`, once, in order, whole.
    fn check_all(&self, store: &dyn Store, is_there: impl Fn(u64) -> bool) {
        let mut expected = (0..self.items).filter(|&number| is_there(number));
        // A table has the order of its partitions' keys, which is that of the numbers too.
        self.read_all(store.session().as_mut(), &mut |number| {
            assert_eq!(Some(number), expected.next(), "{} lost, doubled or moved an item", self.kind.name);
        });
        assert_eq!(expected.next(), None, "{} lost its last items", self.kind.name);
    }

    fn read_all(&self, session: &mut dyn Session, see: &mut dyn FnMut(u64)) {
        session.range(&key_of(0, 0), &data::END, false, usize::MAX, &mut |key, value| {
            assert!(is_sound(key, value, self.value_bytes), "{} gave a wrong value", self.kind.name);
            see(data::number(key));
        });
    }
}

fn tell(name: &str, figure: f64) {
    println!("{name}\t{figure}");
}

fn per_second(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}

// Loads.

/// Times a load, lets the store settle, tells what it has cost, and checks what is there.
fn load(job: &Job, load: impl FnOnce(&dyn Store)) {
    let (store, begun) = (job.open(), Instant::now());
    load(store.as_ref());
    tell("value", per_second(job.items, begun.elapsed()));
    tell("own_memory_bytes", own_memory_bytes() as f64);
    store.flush();
    let settled = wait_until_idle();
    tell("settled", per_second(job.items, settled - begun));
    tell("written", written_bytes() as f64 / job.data_bytes() as f64);
    store.sync();
    tell("disk", disk_bytes(&job.directory) as f64 / job.data_bytes() as f64);
    job.check_all(store.as_ref(), |_| true);
    store.close();
}

fn bulk_load(job: &Job) {
    load(job, |store| store.bulk_load(&mut job.source(0..job.items)));
}

fn load_ordered(job: &Job) {
    load(job, |store| load_in_batches(store.session().as_mut(), &mut job.source(0..job.items)));
}

fn load_batches(job: &Job) {
    load(job, |store| load_in_batches(store.session().as_mut(), &mut job.source(shuffled(job.items))));
}

fn load_random(job: &Job) {
    load(job, |store| put_each(job, store));
}

fn put_each(job: &Job, store: &dyn Store) {
    let (mut session, mut source, mut value) = (store.session(), job.source(shuffled(job.items)), Vec::new());
    while let Some(key) = source(&mut value) {
        session.put(&key, &value);
    }
}

fn prepare(job: &Job) {
    let store = job.open();
    load_in_batches(store.session().as_mut(), &mut job.source(shuffled(job.items)));
    store.flush();
    wait_until_idle();
    store.close();
}

// Durable writes.

/// Distinct numbers of each thread, spread.
fn spread(thread: u64, step: u64) -> u64 {
    (step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 30 << 6) + thread
}

fn durable_puts(job: &Job, threads: u64) {
    let store = job.open();
    let begun = Instant::now();
    let put = |thread: u64| {
        let (mut session, values, mut value) = (store.session(), Values::new(job.value_bytes), Vec::new());
        let mut count = 0;
        while begun.elapsed() < job.time {
            let number = spread(thread, count);
            values.write(number, 0, &mut value);
            session.put(&key(number), &value);
            count += 1;
        }
        count
    };
    let counts = on_threads(threads, &put);
    tell("value", per_second(counts.iter().sum(), begun.elapsed()));
    store.close();
    check_durable(job, &counts);
}

fn durable_pipeline(job: &Job) {
    let store = job.open();
    let (values, begun, mut count) = (Values::new(job.value_bytes), Instant::now(), 0);
    let done = store.pipeline(64, &mut |value| {
        (begun.elapsed() < job.time).then(|| {
            let number = spread(0, count);
            count += 1;
            values.write(number, 0, value);
            key(number)
        })
    });
    let elapsed = begun.elapsed();
    store.close();
    if done.is_some() {
        tell("value", per_second(count, elapsed));
        check_durable(job, &[count]);
    }
}

fn check_durable(job: &Job, counts: &[u64]) {
    let store = job.open();
    let mut session = store.session();
    assert!(counts.iter().sum::<u64>() > 0, "{} wrote nothing", job.kind.name);
    for (thread, &count) in (0..).zip(counts) {
        for step in 0..count {
            assert_get(job, session.as_mut(), spread(thread, step));
        }
    }
    drop(session);
    store.close();
}

// Reads.

fn assert_get(job: &Job, session: &mut dyn Session, number: u64) {
    let key = key(number);
    let is_found = session.get(&key, &mut |value| {
        assert!(is_sound(&key, value, job.value_bytes), "{} gave a wrong value", job.kind.name);
    });
    assert!(is_found, "{} has lost item {number}", job.kind.name);
}

/// Runs a closure on some threads at once, each with its number.
fn on_threads<R: Send>(threads: u64, run: &(impl Fn(u64) -> R + Sync)) -> Vec<R> {
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        running.into_iter().map(|thread| thread.join().expect("a thread panicked")).collect()
    })
}

/// Repeats `step` on some threads until time is up, after a tenth of it to warm up, and tells how often it was done.
fn timed(
    job: &Job,
    store: &dyn Store,
    threads: u64,
    step: &(impl Fn(&mut dyn Session, &mut Random, u64) + Sync),
) {
    /// Between looks at the clock.
    const STEPS: u64 = 32;
    let counts = on_threads(threads, &|thread| {
        let (mut session, mut random) = (store.session(), Random::new(thread));
        let (mut begun, mut count) = (Instant::now(), 0);
        let mut is_warm = false;
        loop {
            for _ in 0..STEPS {
                step(session.as_mut(), &mut random, thread);
            }
            count += STEPS;
            let elapsed = begun.elapsed();
            if !is_warm && elapsed > job.time / 10 {
                (begun, count, is_warm) = (Instant::now(), 0, true);
            } else if is_warm && elapsed > job.time {
                return per_second(count, elapsed);
            }
        }
    });
    tell("value", counts.iter().sum());
}

/// Reads every item once, so that caches are as full as they get.
fn warm(job: &Job, store: &dyn Store) {
    job.read_all(store.session().as_mut(), &mut |_| {});
}

fn gets(job: &Job, threads: u64, is_hit: bool) {
    let store = job.open();
    warm(job, store.as_ref());
    timed(job, store.as_ref(), threads, &|session, random, _| {
        let number = random.below(job.items);
        if is_hit {
            assert_get(job, session, number);
        } else {
            assert!(
                !session.get(&missing_key(number), &mut |_| {}),
                "{} found what is not there",
                job.kind.name
            );
        }
    });
    tell("own_memory_bytes", own_memory_bytes() as f64);
    store.close();
}

/// Reads up to `limit` items of a partition and checks each.
fn assert_partition(job: &Job, session: &mut dyn Session, partition: u64, is_reverse: bool, limit: u64) {
    let mut seen = 0;
    session.range(
        &key_of(partition, 0),
        &key_of(partition + 1, 0),
        is_reverse,
        usize::try_from(limit).expect("a small number"),
        &mut |found, value| {
            let sort = if is_reverse { PARTITION_ITEMS - 1 - seen } else { seen };
            assert!(
                *found == key_of(partition, sort) && is_sound(found, value, job.value_bytes),
                "{} gave a wrong item of a partition",
                job.kind.name
            );
            seen += 1;
        },
    );
    assert_eq!(seen, limit, "items that {} found of a partition", job.kind.name);
}

fn partitions(job: &Job, is_reverse: bool) {
    let store = job.open();
    warm(job, store.as_ref());
    timed(job, store.as_ref(), 1, &|session, random, _| {
        let partition = random.below(job.items / PARTITION_ITEMS);
        assert_partition(job, session, partition, is_reverse, PARTITION_ITEMS);
    });
    store.close();
}

fn scan(job: &Job) {
    let store = job.open();
    warm(job, store.as_ref());
    let (begun, mut rounds) = (Instant::now(), 0);
    while begun.elapsed() < job.time {
        let mut count = 0;
        job.read_all(store.session().as_mut(), &mut |_| count += 1);
        assert_eq!(count, job.items, "items that {} found", job.kind.name);
        rounds += 1;
    }
    tell("value", per_second(rounds * job.data_bytes(), begun.elapsed()) / 1e6);
    store.close();
}

/// The time from nothing to a first answer.
fn reopen(job: &Job) {
    let begun = Instant::now();
    let store = job.open();
    assert_get(job, store.session().as_mut(), job.items / 2);
    tell("value", begun.elapsed().as_secs_f64() * 1e3);
    store.close();
}

// Mixed work.

/// Inserts begin here, far behind all items.
const INSERTED: u64 = PARTITION_ITEMS << 32;

#[derive(Clone, Copy)]
enum Mix {
    Update,
    Modify,
    Scan,
}

/// YCSB: `writes` of a hundred steps write; a key is chosen by a Zipfian distribution. Scans are of 1 to 50 items from the
/// beginning of the partition of the key; inserts make new partitions.
fn ycsb(job: &Job, writes: u64, mix: Mix) {
    let store = job.open();
    warm(job, store.as_ref());
    let (zipfian, values) = (Zipfian::new(job.items), Values::new(job.value_bytes));
    let inserted = AtomicU64::new(0);
    let version = AtomicU64::new(1);
    timed(job, store.as_ref(), 2, &|session, random, _| {
        thread_local! {
            static VALUE: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
        }
        let is_write = random.below(100) < writes;
        let number = zipfian.next(random);
        VALUE.with_borrow_mut(|value| match (is_write, mix) {
            (false, Mix::Update | Mix::Modify) => assert_get(job, session, number),
            (false, Mix::Scan) => {
                assert_partition(
                    job,
                    session,
                    number / PARTITION_ITEMS,
                    false,
                    1 + random.below(PARTITION_ITEMS),
                );
            }
            (true, Mix::Update | Mix::Modify) => {
                if let Mix::Modify = mix {
                    assert_get(job, session, number);
                }
                values.write(number, version.fetch_add(1, Ordering::Relaxed), value);
                session.put(&key(number), value);
            }
            (true, Mix::Scan) => {
                let number = INSERTED + inserted.fetch_add(1, Ordering::Relaxed);
                values.write(number, 0, value);
                session.put(&key(number), value);
            }
        });
    });
    let mut session = store.session();
    let inserts: Vec<_> = (0..inserted.into_inner()).map(|step| INSERTED + step).collect();
    for &number in &inserts {
        assert_get(job, session.as_mut(), number);
    }
    // The next workload finds the same items, and nothing else.
    for numbers in inserts.chunks(BATCH_ITEMS) {
        session.delete_batch(&numbers.iter().copied().map(key).collect::<Vec<_>>());
    }
    drop(session);
    job.check_all(store.as_ref(), |_| true);
    store.close();
}

fn loaded_reads(job: &Job) {
    let store = job.open();
    warm(job, store.as_ref());
    let (is_over, begun, time) = (AtomicBool::new(false), Instant::now(), job.time * 4);
    let (latencies, (puts, slowest)) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (mut session, values, mut value) =
                (store.session(), Values::new(job.value_bytes), Vec::new());
            let (mut random, mut puts, mut slowest) = (Random::new(99), 0_u64, Duration::ZERO);
            while !is_over.load(Ordering::Relaxed) {
                let number = random.below(job.items);
                puts += 1;
                values.write(number, puts, &mut value);
                let begun = Instant::now();
                session.put(&key(number), &value);
                slowest = slowest.max(begun.elapsed());
            }
            (puts, slowest)
        });
        let (mut session, mut random, mut latencies) = (store.session(), Random::new(98), Vec::new());
        while begun.elapsed() < time {
            let asked = Instant::now();
            assert_get(job, session.as_mut(), random.below(job.items));
            latencies.push(asked.elapsed().as_nanos() as u64);
        }
        is_over.store(true, Ordering::Relaxed);
        (latencies, writer.join().expect("the writer panicked"))
    });
    let mut latencies = latencies;
    latencies.sort_unstable();
    let at =
        |of_ten_thousand: usize| latencies[(latencies.len() - 1) * of_ten_thousand / 10_000] as f64 / 1e3;
    tell("value", at(9_990));
    tell("p50", at(5_000));
    tell("p99", at(9_900));
    tell("reads", per_second(latencies.len() as u64, time));
    tell("puts", per_second(puts, time));
    tell("slowest_put_ms", slowest.as_secs_f64() * 1e3);
    tell("own_memory_bytes", own_memory_bytes() as f64);
    job.check_all(store.as_ref(), |_| true);
    store.close();
}

// Space.

fn is_kept(number: u64) -> bool {
    number / PARTITION_ITEMS % 2 == 0
}

/// Tells the space that a store takes when it is left alone, and when it was asked to give back what it can.
fn tell_space(job: &Job, mut store: Box<dyn Store>) {
    let kept_bytes =
        (0..job.items).filter(|&number| is_kept(number)).count() * (data::KEY_BYTES + job.value_bytes);
    store.flush();
    wait_until_idle();
    store.sync();
    tell("left_alone", disk_bytes(&job.directory) as f64 / kept_bytes as f64);
    let begun = Instant::now();
    store.compact();
    wait_until_idle();
    tell("compact_seconds", begun.elapsed().as_secs_f64());
    tell("value", disk_bytes(&job.directory) as f64 / kept_bytes as f64);
    job.check_all(store.as_ref(), is_kept);
    store.close();
}

fn delete_half(job: &Job) {
    let store = job.open();
    let keys: Vec<_> = shuffled(job.items).filter(|&number| !is_kept(number)).map(key).collect();
    let begun = Instant::now();
    let mut session = store.session();
    for keys in keys.chunks(BATCH_ITEMS) {
        session.delete_batch(keys);
    }
    drop(session);
    tell("deletes", per_second(keys.len() as u64, begun.elapsed()));
    tell_space(job, store);
}

fn expire_half(job: &Job) {
    let store = job.open();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    // They are loaded alive, at no less than 50,000 a second, and die all at once.
    let life = Duration::from_secs(1) + Duration::from_micros(20 * job.items);
    let at_millis = u64::try_from((now + life).as_millis()).expect("64 bits");
    let (mut session, mut source, mut value) = (store.session(), job.source(shuffled(job.items)), Vec::new());
    while let Some(key) = source(&mut value) {
        if is_kept(data::number(&key)) {
            session.put(&key, &value);
        } else if !session.put_expiring(&key, &value, at_millis) {
            return;
        }
    }
    drop(session);
    store.flush();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    std::thread::sleep(Duration::from_millis(at_millis + 100).saturating_sub(now));
    tell_space(job, store);
}

// Killed.

/// What the log is filled with.
const LOG_BYTES: usize = 40_000_000;

impl Job {
    fn log_items(&self) -> u64 {
        self.items.min((LOG_BYTES / (data::KEY_BYTES + self.value_bytes)) as u64)
    }
}

/// Writes to the log, says so, and waits for its end.
fn fill_log(job: &Job) {
    let filling = Job { items: job.log_items(), ..job.copy() };
    let store = filling.open();
    put_each(&filling, store.as_ref());
    tell("full", 1.0);
    std::io::stdout().flush().expect("somebody listens");
    std::thread::sleep(Duration::from_secs(600));
}

fn reopen_killed(job: &Job) {
    let begun = Instant::now();
    let store = job.open();
    let is_there = store.session().get(&key(0), &mut |_| {});
    tell("value", begun.elapsed().as_secs_f64() * 1e3);
    let mut count = 0;
    job.read_all(store.session().as_mut(), &mut |_| count += 1);
    let lost = job.log_items() - count;
    tell("lost", lost as f64);
    assert!(
        job.kind.weaker.is_some() || (is_there && lost == 0),
        "{} has lost {lost} acknowledged writes to kill -9",
        job.kind.name
    );
    store.close();
}
