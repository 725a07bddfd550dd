//! LMDB by heed. Kill-safe means MDB_NOSYNC with MDB_WRITEMAP, whose pages are the system's as soon as they are changed.

use crate::data::Key;
use crate::engine::{Durability, Items, Kind, Session, Setup, Store};
use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, PutFlags, WithoutTls};
use std::ops::Bound;

pub const KIND: Kind = Kind {
    name: "lmdb",
    settings: "heed 0.23; map of 64 GiB; NORDAHEAD; kill-9-safe writes: NOSYNC and WRITEMAP; a read transaction per read; \
               bulk load by APPEND in one transaction; it has no cache of its own",
    weaker: None,
    open: |setup| Box::new(Opened::open(setup)),
};

struct Opened(Env<WithoutTls>);

impl Opened {
    fn open(setup: &Setup) -> Self {
        std::fs::create_dir_all(&setup.directory).expect("a directory");
        let mut flags = EnvFlags::NO_READ_AHEAD;
        if setup.durability == Durability::KillSafe {
            flags |= EnvFlags::NO_SYNC | EnvFlags::WRITE_MAP;
        }
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(64 << 30);
        // SAFETY: one process at a time opens it, once, and nobody changes its file by other means. What NO_SYNC gives
        // up is the machine's death, which this workload does not promise to survive.
        let environment = unsafe { options.flags(flags).open(&setup.directory) }.expect("LMDB opens");
        Self(environment)
    }

    fn working(&self) -> Working<'_> {
        let transaction = self.0.write_txn().expect("LMDB writes");
        let create = self.0.create_databases_and_commit(transaction, |opener, transaction| {
            let items = opener.create_database::<Bytes, Bytes>(transaction, None)?;
            Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit(items))
        });
        let items = create.expect("LMDB makes a database").unwrap_commit();
        Working { environment: &self.0, items }
    }
}

impl Store for Opened {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(self.working())
    }

    fn bulk_load(&self, items: &mut Items<'_>) {
        let working = self.working();
        let mut transaction = self.0.write_txn().expect("LMDB writes");
        let mut value = Vec::new();
        while let Some(key) = items(&mut value) {
            working
                .items
                .put_with_flags(&mut transaction, PutFlags::APPEND, &key, &value)
                .expect("LMDB writes");
        }
        transaction.commit().expect("LMDB commits");
        self.sync();
    }

    fn sync(&self) {
        self.0.force_sync().expect("LMDB syncs");
    }

    fn flush(&self) {}

    fn compact(&mut self) {}

    fn close(self: Box<Self>) {
        self.sync();
    }
}

struct Working<'a> {
    environment: &'a Env<WithoutTls>,
    items: Database<'a, Bytes, Bytes>,
}

impl Session for Working<'_> {
    fn get(&mut self, key: &Key, see: &mut dyn FnMut(&[u8])) -> bool {
        let transaction = self.environment.read_txn().expect("LMDB reads");
        self.items.get(&transaction, key).expect("LMDB reads").map(see).is_some()
    }

    fn put(&mut self, key: &Key, value: &[u8]) {
        let mut transaction = self.environment.write_txn().expect("LMDB writes");
        self.items.put(&mut transaction, key, value).expect("LMDB writes");
        transaction.commit().expect("LMDB commits");
    }

    fn put_batch(&mut self, items: &[(Key, Vec<u8>)]) {
        let mut transaction = self.environment.write_txn().expect("LMDB writes");
        for (key, value) in items {
            self.items.put(&mut transaction, key, value).expect("LMDB writes");
        }
        transaction.commit().expect("LMDB commits");
    }

    fn delete_batch(&mut self, keys: &[Key]) {
        let mut transaction = self.environment.write_txn().expect("LMDB writes");
        for key in keys {
            self.items.delete(&mut transaction, key).expect("LMDB deletes");
        }
        transaction.commit().expect("LMDB commits");
    }

    fn range(
        &mut self,
        start: &Key,
        end: &Key,
        is_reverse: bool,
        limit: usize,
        see: &mut dyn FnMut(&[u8], &[u8]),
    ) {
        let transaction = self.environment.read_txn().expect("LMDB reads");
        let bounds = (Bound::Included(&start[..]), Bound::Excluded(&end[..]));
        let mut show = |item: heed::Result<(&[u8], &[u8])>| {
            let (key, value) = item.expect("LMDB reads");
            see(key, value);
        };
        if is_reverse {
            let items = self.items.rev_range(&transaction, &bounds).expect("LMDB reads");
            items.take(limit).for_each(&mut show);
        } else {
            let items = self.items.range(&transaction, &bounds).expect("LMDB reads");
            items.take(limit).for_each(&mut show);
        }
    }
}
