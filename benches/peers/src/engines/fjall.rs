//! Fjall.

use crate::data::Key;
use crate::engine::{Durability, Items, Kind, Session, Setup, Store};
use fjall::config::HashRatioPolicy;
use fjall::{Database, Guard, Keyspace, KeyspaceCreateOptions, PersistMode};

pub const KIND: Kind = Kind {
    name: "fjall",
    settings: "fjall 3; LZ4; cache = budget; hash index in data blocks (ratio 0.75); durable: persist(SyncData) after each \
               commit; bulk load by ingestion",
    weaker: None,
    open: |setup| Box::new(Opened::open(setup)),
};

struct Opened {
    database: Database,
    items: Keyspace,
    durability: Durability,
}

impl Opened {
    fn open(setup: &Setup) -> Self {
        let builder = Database::builder(&setup.directory).cache_size(setup.cache_bytes as u64);
        let database = builder.open().expect("fjall opens");
        let options =
            || KeyspaceCreateOptions::default().data_block_hash_ratio_policy(HashRatioPolicy::all(0.75));
        let items = database.keyspace("items", options).expect("fjall makes a keyspace");
        Self { database, items, durability: setup.durability }
    }

    fn persist(&self) {
        if self.durability == Durability::Durable {
            self.database.persist(PersistMode::SyncData).expect("fjall syncs");
        }
    }
}

impl Store for Opened {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Working(self))
    }

    fn bulk_load(&self, items: &mut Items<'_>) {
        let mut ingestion = self.items.start_ingestion().expect("fjall ingests");
        let mut value = Vec::new();
        while let Some(key) = items(&mut value) {
            ingestion.write(key, value.as_slice()).expect("fjall ingests");
        }
        ingestion.finish().expect("fjall ingests");
        self.sync();
    }

    fn sync(&self) {
        self.database.persist(PersistMode::SyncAll).expect("fjall syncs");
    }

    fn flush(&self) {
        self.items.rotate_memtable_and_wait().expect("fjall flushes");
    }

    fn compact(&mut self) {
        self.items.major_compact().expect("fjall compacts");
    }

    fn close(self: Box<Self>) {
        self.sync();
    }
}

struct Working<'a>(&'a Opened);

impl Session for Working<'_> {
    fn get(&mut self, key: &Key, see: &mut dyn FnMut(&[u8])) -> bool {
        self.0.items.get(key).expect("fjall reads").map(|value| see(&value)).is_some()
    }

    fn put(&mut self, key: &Key, value: &[u8]) {
        self.0.items.insert(key, value).expect("fjall writes");
        self.0.persist();
    }

    fn put_batch(&mut self, items: &[(Key, Vec<u8>)]) {
        let mut batch = self.0.database.batch();
        for (key, value) in items {
            batch.insert(&self.0.items, key, value.as_slice());
        }
        batch.commit().expect("fjall writes");
        self.0.persist();
    }

    fn delete_batch(&mut self, keys: &[Key]) {
        let mut batch = self.0.database.batch();
        for key in keys {
            batch.remove(&self.0.items, key);
        }
        batch.commit().expect("fjall writes");
        self.0.persist();
    }

    fn range(
        &mut self,
        start: &Key,
        end: &Key,
        is_reverse: bool,
        limit: usize,
        see: &mut dyn FnMut(&[u8], &[u8]),
    ) {
        let items = self.0.items.range(*start..*end);
        let mut show = |item: Guard| {
            let (key, value) = item.into_inner().expect("fjall reads");
            see(&key, &value);
        };
        if is_reverse {
            items.rev().take(limit).for_each(&mut show);
        } else {
            items.take(limit).for_each(&mut show);
        }
    }
}
