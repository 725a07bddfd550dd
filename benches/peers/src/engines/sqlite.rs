//! SQLite by rusqlite: a table without row ids, in WAL mode, a connection per thread.

use crate::data::Key;
use crate::engine::{Durability, Kind, Session, Setup, Store};
use rusqlite::{Connection, params};
use std::time::Duration;

pub const KIND: Kind = Kind {
    name: "sqlite",
    settings: "rusqlite, SQLite bundled; WITHOUT ROWID; journal_mode WAL; synchronous FULL when durable, OFF when kill-9-safe; \
               cache_size = budget; mmap_size 64 GiB; statements prepared once",
    weaker: None,
    open: |setup| Box::new(Opened::open(setup)),
};

struct Opened(Setup);

impl Opened {
    fn open(setup: &Setup) -> Self {
        std::fs::create_dir_all(&setup.directory).expect("a directory");
        let opened = Self(setup.clone());
        let create =
            "CREATE TABLE IF NOT EXISTS items (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID";
        opened.connect().execute_batch(create).expect("SQLite makes a table");
        opened
    }

    fn connect(&self) -> Connection {
        let connection = Connection::open(self.0.directory.join("items.sqlite")).expect("SQLite opens");
        connection.busy_timeout(Duration::from_secs(60)).expect("SQLite waits");
        let synchronous = match self.0.durability {
            Durability::Durable => "FULL",
            Durability::KillSafe => "OFF",
        };
        let pragmas = format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA cache_size = -{}; \
             PRAGMA mmap_size = {};",
            self.0.cache_bytes / 1024,
            64_u64 << 30
        );
        connection.execute_batch(&pragmas).expect("SQLite is set");
        connection
    }
}

impl Store for Opened {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Working(self.connect()))
    }

    fn sync(&self) {
        let connection = self.connect();
        let checkpoint = "PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE);";
        connection.execute_batch(checkpoint).expect("SQLite checkpoints");
    }

    fn flush(&self) {
        self.sync();
    }

    fn compact(&mut self) {
        self.connect().execute_batch("VACUUM").expect("SQLite vacuums");
        self.sync();
    }

    fn close(self: Box<Self>) {
        self.sync();
    }
}

struct Working(Connection);

const PUT: &str = "INSERT OR REPLACE INTO items VALUES (?1, ?2)";

impl Working {
    fn transaction(&self, change: impl FnOnce(&Connection)) {
        self.0.execute_batch("BEGIN IMMEDIATE").expect("SQLite writes");
        change(&self.0);
        self.0.execute_batch("COMMIT").expect("SQLite commits");
    }
}

impl Session for Working {
    fn get(&mut self, key: &Key, see: &mut dyn FnMut(&[u8])) -> bool {
        let mut statement =
            self.0.prepare_cached("SELECT value FROM items WHERE key = ?1").expect("sound SQL");
        let mut rows = statement.query(params![&key[..]]).expect("SQLite reads");
        let row = rows.next().expect("SQLite reads");
        row.map(|row| see(row.get_ref(0).expect("a column").as_blob().expect("a blob"))).is_some()
    }

    fn put(&mut self, key: &Key, value: &[u8]) {
        let mut statement = self.0.prepare_cached(PUT).expect("sound SQL");
        statement.execute(params![&key[..], value]).expect("SQLite writes");
    }

    fn put_batch(&mut self, items: &[(Key, Vec<u8>)]) {
        self.transaction(|connection| {
            let mut statement = connection.prepare_cached(PUT).expect("sound SQL");
            for (key, value) in items {
                statement.execute(params![&key[..], value]).expect("SQLite writes");
            }
        });
    }

    fn delete_batch(&mut self, keys: &[Key]) {
        self.transaction(|connection| {
            let mut statement =
                connection.prepare_cached("DELETE FROM items WHERE key = ?1").expect("sound SQL");
            for key in keys {
                statement.execute(params![&key[..]]).expect("SQLite deletes");
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
        let sql = if is_reverse {
            "SELECT key, value FROM items WHERE key >= ?1 AND key < ?2 ORDER BY key DESC LIMIT ?3"
        } else {
            "SELECT key, value FROM items WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3"
        };
        let mut statement = self.0.prepare_cached(sql).expect("sound SQL");
        let limit = i64::try_from(limit).unwrap_or(-1);
        let mut rows = statement.query(params![&start[..], &end[..], limit]).expect("SQLite reads");
        while let Some(row) = rows.next().expect("SQLite reads") {
            let column = |index| row.get_ref(index).expect("a column").as_blob().expect("a blob");
            see(column(0), column(1));
        }
    }
}
