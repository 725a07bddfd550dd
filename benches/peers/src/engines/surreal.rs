//! SurrealKV: commits are awaited on a runtime of two threads, reads are synchronous.

use crate::data::Key;
use crate::engine::{Durability, Kind, Session, Setup, Store};
use surrealkv::{CompactRangeOptions, LSMIterator as _, Mode, Options, Transaction, Tree, TreeBuilder};
use tokio::runtime::Runtime;

pub const KIND: Kind = Kind {
    name: "surrealkv",
    settings: "surrealkv 1.2; block cache = budget; log preallocated (zeros ahead); Durability::Immediate when durable, \
               Eventual when kill-9-safe; a tokio runtime of 2 threads; a transaction per step",
    weaker: None,
    open: |setup| Box::new(Opened::open(setup)),
};

struct Opened {
    tree: Tree,
    runtime: Runtime,
    durability: surrealkv::Durability,
}

impl Opened {
    fn open(setup: &Setup) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("threads");
        let options = Options::new()
            .with_path(setup.directory.clone())
            .with_wal_preallocation(true)
            .with_block_cache_capacity(setup.cache_bytes as u64);
        let tree = {
            let _entered = runtime.enter();
            TreeBuilder::with_options(options).build().expect("SurrealKV opens")
        };
        let durability = match setup.durability {
            Durability::Durable => surrealkv::Durability::Immediate,
            Durability::KillSafe => surrealkv::Durability::Eventual,
        };
        Self { tree, runtime, durability }
    }

    /// Its transactions are optimistic: one that conflicts with another is done again.
    fn write(&self, change: impl Fn(&mut Transaction)) {
        loop {
            let mut transaction = self.tree.begin_with_mode(Mode::WriteOnly).expect("SurrealKV writes");
            transaction.set_durability(self.durability);
            change(&mut transaction);
            match self.runtime.block_on(transaction.commit()) {
                Err(surrealkv::Error::TransactionWriteConflict) => {}
                result => return result.expect("SurrealKV commits"),
            }
        }
    }
}

impl Store for Opened {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Working(self))
    }

    fn sync(&self) {
        self.tree.flush_wal(true).expect("SurrealKV syncs");
    }

    /// It has none but a compaction of everything.
    fn flush(&self) {}

    fn compact(&mut self) {
        let options = CompactRangeOptions { flush_memtable: true, ..Default::default() };
        self.tree.compact_range(None, None, &options).expect("SurrealKV compacts");
    }

    fn close(self: Box<Self>) {
        self.runtime.block_on(self.tree.close()).expect("SurrealKV closes");
    }
}

struct Working<'a>(&'a Opened);

impl Session for Working<'_> {
    fn get(&mut self, key: &Key, see: &mut dyn FnMut(&[u8])) -> bool {
        let transaction = self.0.tree.begin_with_mode(Mode::ReadOnly).expect("SurrealKV reads");
        transaction.get(key).expect("SurrealKV reads").map(|value| see(&value)).is_some()
    }

    fn put(&mut self, key: &Key, value: &[u8]) {
        self.0.write(|transaction| transaction.set(key, value).expect("SurrealKV writes"));
    }

    fn put_batch(&mut self, items: &[(Key, Vec<u8>)]) {
        self.0.write(|transaction| {
            for (key, value) in items {
                transaction.set(key, value.as_slice()).expect("SurrealKV writes");
            }
        });
    }

    fn delete_batch(&mut self, keys: &[Key]) {
        self.0.write(|transaction| {
            for key in keys {
                transaction.delete(key).expect("SurrealKV deletes");
            }
        });
    }

    fn range(
        &mut self,
        start: &Key,
        end: &Key,
        is_reverse: bool,
        limit: usize,
        see: &mut dyn FnMut(&[u8], &[u8]),
    ) {
        let transaction = self.0.tree.begin_with_mode(Mode::ReadOnly).expect("SurrealKV reads");
        let mut items = transaction.range(&start[..], &end[..]).expect("SurrealKV reads");
        if is_reverse { items.seek_last() } else { items.seek_first() }.expect("SurrealKV reads");
        for _ in 0..limit {
            if !items.valid() {
                return;
            }
            see(items.key().user_key(), &items.value().expect("SurrealKV reads"));
            if is_reverse { items.prev() } else { items.next() }.expect("SurrealKV reads");
        }
    }
}
