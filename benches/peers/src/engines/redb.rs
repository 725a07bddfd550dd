//! Redb. It has no commit that survives kill -9 and is not synced: unsynced ones are all lost.

use crate::data::Key;
use crate::engine::{Durability, Items, Kind, Session, Setup, Store};
use redb::{Database, ReadableDatabase as _, TableDefinition};

pub const KIND: Kind = Kind {
    name: "redb",
    settings: "redb 4; cache = budget; kill-9-safe writes: Durability::None; a transaction per step",
    weaker: Some("commits with Durability::None do not survive kill -9, so its unsynced writes promise less"),
    open: |setup| Box::new(Opened::open(setup)),
};

const ITEMS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("items");

struct Opened {
    database: Database,
    durability: redb::Durability,
}

impl Opened {
    fn open(setup: &Setup) -> Self {
        std::fs::create_dir_all(&setup.directory).expect("a directory");
        let mut builder = Database::builder();
        builder.set_cache_size(setup.cache_bytes);
        let database = builder.create(setup.directory.join("items.redb")).expect("redb opens");
        let durability = match setup.durability {
            Durability::Durable => redb::Durability::Immediate,
            Durability::KillSafe => redb::Durability::None,
        };
        let opened = Self { database, durability };
        let has_table = {
            let transaction = opened.database.begin_read().expect("redb reads");
            transaction.open_table(ITEMS).is_ok()
        };
        if !has_table {
            opened.write(redb::Durability::Immediate, |_| ());
        }
        opened
    }

    fn write(&self, durability: redb::Durability, change: impl FnOnce(&mut redb::Table<'_, &[u8], &[u8]>)) {
        let mut transaction = self.database.begin_write().expect("redb writes");
        transaction.set_durability(durability).expect("redb knows it");
        change(&mut transaction.open_table(ITEMS).expect("redb writes"));
        transaction.commit().expect("redb commits");
    }
}

impl Store for Opened {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Working(self))
    }

    fn bulk_load(&self, items: &mut Items<'_>) {
        self.write(redb::Durability::Immediate, |table| {
            let mut value = Vec::new();
            while let Some(key) = items(&mut value) {
                table.insert(&key[..], value.as_slice()).expect("redb writes");
            }
        });
    }

    fn sync(&self) {
        self.write(redb::Durability::Immediate, |_| ());
    }

    fn flush(&self) {
        self.sync();
    }

    fn compact(&mut self) {
        self.database.compact().expect("redb compacts");
    }

    fn close(self: Box<Self>) {
        self.sync();
    }
}

struct Working<'a>(&'a Opened);

impl Session for Working<'_> {
    fn get(&mut self, key: &Key, see: &mut dyn FnMut(&[u8])) -> bool {
        let transaction = self.0.database.begin_read().expect("redb reads");
        let table = transaction.open_table(ITEMS).expect("redb reads");
        table.get(&key[..]).expect("redb reads").map(|value| see(value.value())).is_some()
    }

    fn put(&mut self, key: &Key, value: &[u8]) {
        self.0.write(self.0.durability, |table| {
            table.insert(&key[..], value).expect("redb writes");
        });
    }

    fn put_batch(&mut self, items: &[(Key, Vec<u8>)]) {
        self.0.write(self.0.durability, |table| {
            for (key, value) in items {
                table.insert(&key[..], value.as_slice()).expect("redb writes");
            }
        });
    }

    fn delete_batch(&mut self, keys: &[Key]) {
        self.0.write(self.0.durability, |table| {
            for key in keys {
                table.remove(&key[..]).expect("redb deletes");
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
        let transaction = self.0.database.begin_read().expect("redb reads");
        let table = transaction.open_table(ITEMS).expect("redb reads");
        let items = table.range(&start[..]..&end[..]).expect("redb reads");
        let items: &mut dyn Iterator<Item = _> = if is_reverse { &mut items.rev() } else { &mut { items } };
        for item in items.take(limit) {
            let (key, value) = item.expect("redb reads");
            see(key.value(), value.value());
        }
    }
}
