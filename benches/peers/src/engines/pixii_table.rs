//! Pixii as one uses it: a table whose items have a partition key, a sort key and a binary attribute.

use super::pixii::durability;
use crate::data::{END, Key, key_of, parts};
use crate::engine::{Kind, Session, Setup, Store};
use pixii::{BatchWrite, BatchWriteRequest, Database, IntoKey as _, KeyType, StoredItem, Table, TableSchema};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};

pub const KIND: Kind = Kind {
    name: "pixii-table",
    settings: "this commit; a table with two key attributes (N, N) and a binary one; DatabaseOptions::default()",
    weaker: None,
    open: |setup| Box::new(Opened::open(setup)),
};

const NAME: &str = "Items";
/// What a batch of writes may have.
const REQUEST_ITEMS: usize = 25;

struct Opened {
    database: Database,
    table: Table,
    syncs: Table,
    durability: pixii::Durability,
}

impl Opened {
    fn open(setup: &Setup) -> Self {
        let database = Database::open(&setup.directory).expect("pixii opens");
        let table = |name: &str| {
            database.table(name).unwrap_or_else(|_| {
                let schema = TableSchema::builder(name).partition_key("pk", KeyType::Number);
                let schema = schema.sort_key("sk", KeyType::Number).build().expect("a valid schema");
                database.create_table(schema).expect("pixii makes a table")
            })
        };
        let (table, syncs) = (table(NAME), table("Syncs"));
        Self { database, table, syncs, durability: durability(setup) }
    }
}

#[derive(Serialize, Deserialize)]
struct Row<V> {
    pk: u64,
    sk: u64,
    v: V,
}

/// What is read.
type OwnedRow = Row<ByteBuf>;

fn row<'a>(key: &Key, value: &'a [u8]) -> Row<&'a Bytes> {
    let (pk, sk) = parts(key);
    Row { pk, sk, v: Bytes::new(value) }
}

impl Store for Opened {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Working(self))
    }

    fn sync(&self) {
        // A durable write makes durable what was written before it.
        self.syncs.put(&row(&key_of(0, 0), &[])).expect("pixii syncs");
    }

    fn flush(&self) {
        self.database.flush().expect("pixii flushes");
    }

    fn compact(&mut self) {
        self.database.compact().expect("pixii compacts");
    }

    fn close(self: Box<Self>) {
        self.database.close().expect("pixii closes");
    }
}

struct Working<'a>(&'a Opened);

impl Working<'_> {
    fn write_batch(&self, writes: Vec<BatchWrite>) {
        let durability = self.0.durability;
        let request = BatchWriteRequest {
            writes: [(NAME.to_owned(), writes)].into(),
            durability,
            ..Default::default()
        };
        self.0.database.batch_write(request).expect("pixii writes");
    }
}

impl Session for Working<'_> {
    fn get(&mut self, key: &Key, see: &mut dyn FnMut(&[u8])) -> bool {
        let show = |item: &StoredItem<'_>| {
            let value = item.get("v")?.expect("it has a value");
            see(value.as_binary().expect("it is binary"));
            Ok(())
        };
        self.0.table.view(parts(key), show).expect("pixii reads").is_some()
    }

    fn put(&mut self, key: &Key, value: &[u8]) {
        let row = row(key, value);
        let put = self.0.table.put_request(&row);
        match self.0.durability {
            pixii::Durability::Durable => put.send(),
            pixii::Durability::Buffered => put.buffered().send(),
        }
        .expect("pixii writes");
    }

    fn put_batch(&mut self, items: &[(Key, Vec<u8>)]) {
        for items in items.chunks(REQUEST_ITEMS) {
            let write = |(key, value): &(Key, Vec<u8>)| {
                BatchWrite::Put(pixii::to_item(&row(key, value)).expect("a struct is an item"))
            };
            self.write_batch(items.iter().map(write).collect());
        }
    }

    fn delete_batch(&mut self, keys: &[Key]) {
        for keys in keys.chunks(REQUEST_ITEMS) {
            let delete = |key: &Key| BatchWrite::Delete(parts(key).into_key());
            self.write_batch(keys.iter().map(delete).collect());
        }
    }

    fn range(
        &mut self,
        start: &Key,
        end: &Key,
        is_reverse: bool,
        limit: usize,
        see: &mut dyn FnMut(&[u8], &[u8]),
    ) {
        let mut show = |row: pixii::Result<OwnedRow>| {
            let row = row.expect("pixii reads");
            see(&key_of(row.pk, row.sk), &row.v);
        };
        let (partition, sort) = parts(start);
        // A table is read by its partitions, or whole, in the order of its own.
        if *end == END {
            assert!(*start == key_of(0, 0) && !is_reverse, "a scan has no other bounds");
            return self.0.table.scan().typed::<OwnedRow>().into_iter().take(limit).for_each(&mut show);
        }
        assert_eq!(parts(end), (partition + 1, 0), "a query has no other bounds");
        let query = self.0.table.query(partition).sort_key_greater_or_equal(sort).typed::<OwnedRow>();
        let query = if is_reverse { query.reverse() } else { query };
        query.into_iter().take(limit).for_each(&mut show);
    }
}
