//! Pixii as an ordered store of bytes: its engine, without the data model.

use crate::data::Key;
use crate::engine::{Durability, Kind, Session, Setup, Store};
use pixii::Environment;
use pixii::base::batch::WriteBatch;
use pixii::base::expiry::{DeadEntries, Expiry, ExpiryGeneration, ExpiryRule, ExpiryRules};
use pixii::engine::cursor::KeyRange;
use pixii::engine::options::EngineOptions;
use pixii::engine::store::Engine;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

pub const KIND: Kind = Kind {
    name: "pixii",
    settings: "this commit; engine level; EngineOptions::default(): 64 MiB memtables, tables mapped, no cache of its own",
    weaker: None,
    open: |setup| Box::new(Opened::open(setup, EngineOptions::default())),
};

const GENERATION: ExpiryGeneration = ExpiryGeneration(1);

struct Opened {
    engine: Engine,
    durability: pixii::Durability,
}

pub(super) fn durability(setup: &Setup) -> pixii::Durability {
    match setup.durability {
        Durability::Durable => pixii::Durability::Durable,
        Durability::KillSafe => pixii::Durability::Buffered,
    }
}

impl Opened {
    fn open(setup: &Setup, options: EngineOptions) -> Self {
        let engine = Engine::open(Environment::system(), &setup.directory, options).expect("pixii opens");
        let mut rules = ExpiryRules::default();
        rules.set(GENERATION, ExpiryRule { ended_at: None, dead: DeadEntries::Reclaimed });
        engine.set_expiry_rules(rules);
        Self { engine, durability: durability(setup) }
    }
}

impl Store for Opened {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Working(self))
    }

    fn sync(&self) {
        // A durable write makes durable what was written before it; this key is in a keyspace of its own.
        let mut batch = WriteBatch::new();
        batch.put(vec![0, 0, 0, 18], Vec::new());
        self.engine.write(&batch, pixii::Durability::Durable).expect("pixii syncs");
    }

    fn flush(&self) {
        self.engine.flush().expect("pixii flushes");
    }

    fn compact(&mut self) {
        self.engine.compact().expect("pixii compacts");
    }

    fn pipeline(&self, count: usize, next: &mut dyn FnMut(&mut Vec<u8>) -> Option<Key>) -> Option<()> {
        let mut context = Context::from_waker(Waker::noop());
        let mut in_flight = VecDeque::with_capacity(count);
        let mut value = Vec::new();
        loop {
            let item = next(&mut value);
            if let Some(key) = item {
                let mut batch = WriteBatch::new();
                batch.put(key.to_vec(), value.clone());
                let ticket = self.engine.submit(&batch, pixii::Durability::Durable).expect("pixii writes");
                in_flight.push_back(Box::pin(ticket.into_future()));
            }
            // The oldest is awaited when all places are taken; whichever else is ready by then leaves too.
            while in_flight.len() == count || (item.is_none() && !in_flight.is_empty()) {
                let oldest = in_flight.pop_front().expect("there is one");
                block_on(oldest).expect("pixii commits");
                while let Some(next) = in_flight.front_mut() {
                    match Pin::as_mut(next).poll(&mut context) {
                        Poll::Ready(commit) => {
                            commit.expect("pixii commits");
                            in_flight.pop_front();
                        }
                        Poll::Pending => break,
                    }
                }
            }
            if item.is_none() {
                return Some(());
            }
        }
    }

    fn close(self: Box<Self>) {
        self.engine.close().expect("pixii closes");
    }
}

/// Waits for a future on this thread.
fn block_on<F: Future>(mut future: Pin<Box<F>>) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::park();
    }
}

struct Working<'a>(&'a Opened);

impl Session for Working<'_> {
    fn get(&mut self, key: &Key, see: &mut dyn FnMut(&[u8])) -> bool {
        self.0.engine.get(key, None, |value| see(value)).expect("pixii reads").is_some()
    }

    fn put(&mut self, key: &Key, value: &[u8]) {
        let mut batch = WriteBatch::new();
        batch.put(key.to_vec(), value.to_vec());
        self.0.engine.write(&batch, self.0.durability).expect("pixii writes");
    }

    fn put_batch(&mut self, items: &[(Key, Vec<u8>)]) {
        let mut batch = WriteBatch::new();
        for (key, value) in items {
            batch.put(key.to_vec(), value.clone());
        }
        self.0.engine.write(&batch, self.0.durability).expect("pixii writes");
    }

    fn put_expiring(&mut self, key: &Key, value: &[u8], at_millis: u64) -> bool {
        let mut batch = WriteBatch::new();
        batch.put_expiring(key.to_vec(), value.to_vec(), Expiry { at_millis, generation: GENERATION });
        self.0.engine.write(&batch, self.0.durability).expect("pixii writes");
        true
    }

    fn delete_batch(&mut self, keys: &[Key]) {
        let mut batch = WriteBatch::new();
        for key in keys {
            batch.delete(key.to_vec());
        }
        self.0.engine.write(&batch, self.0.durability).expect("pixii writes");
    }

    fn range(
        &mut self,
        start: &Key,
        end: &Key,
        is_reverse: bool,
        limit: usize,
        see: &mut dyn FnMut(&[u8], &[u8]),
    ) {
        let range = KeyRange { start: start.to_vec(), end: Some(end.to_vec()) };
        let mut cursor = self.0.engine.cursor(range, None).expect("pixii reads");
        if is_reverse { cursor.seek_last() } else { cursor.seek_first() }.expect("pixii reads");
        for _ in 0..limit {
            let (Some(key), Some(value)) = (cursor.key(), cursor.value()) else { return };
            see(key, value);
            if is_reverse { cursor.prev() } else { cursor.next() }.expect("pixii reads");
        }
    }
}
