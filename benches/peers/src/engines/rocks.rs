//! RocksDB, as its tuning guide sets it up, and once more with mapped reads and no compression, its fastest for data in
//! memory.

use crate::data::Key;
use crate::engine::{Durability, Items, Kind, Session, Setup, Store};
use rocksdb::{
    BlockBasedOptions, Cache, DB, DBCompressionType, DataBlockIndexType, IngestExternalFileOptions, Options,
    ReadOptions, SstFileWriter, WriteBatch, WriteOptions,
};

pub const KIND: Kind = Kind {
    name: "rocksdb",
    settings: "RocksDB of the system (see README); LZ4; 64 MiB memtables; block cache = budget, index and filter blocks in \
               it; Bloom filter of 10 bits, whole keys; 16 KiB blocks with hash index; format 5; dynamic level bytes; 2 \
               background jobs; bytes_per_sync 1 MiB; bulk load by ingested SST files",
    weaker: None,
    open: |setup| Box::new(Opened::open(setup, false)),
};

pub const MAPPED: Kind = Kind {
    name: "rocksdb-mmap",
    settings: "as rocksdb, but no compression and allow_mmap_reads; no block cache is used then",
    weaker: None,
    open: |setup| Box::new(Opened::open(setup, true)),
};

struct Opened {
    database: DB,
    options: Options,
    setup: Setup,
}

impl Opened {
    fn open(setup: &Setup, is_mapped: bool) -> Self {
        let mut table = BlockBasedOptions::default();
        let cache = Cache::new_lru_cache(setup.cache_bytes).expect("RocksDB makes a cache");
        table.set_block_cache(&cache);
        table.set_cache_index_and_filter_blocks(true);
        table.set_pin_l0_filter_and_index_blocks_in_cache(true);
        table.set_bloom_filter(10.0, false);
        table.set_block_size(if is_mapped { 4 } else { 16 } * 1024);
        table.set_format_version(5);
        table.set_data_block_index_type(DataBlockIndexType::BinaryAndHash);
        let mut options = Options::default();
        options.create_if_missing(true);
        options.set_block_based_table_factory(&table);
        options.set_level_compaction_dynamic_level_bytes(true);
        options.set_max_background_jobs(2);
        options.set_bytes_per_sync(1 << 20);
        if is_mapped {
            options.set_compression_type(DBCompressionType::None);
            options.set_allow_mmap_reads(true);
        } else {
            options.set_compression_type(DBCompressionType::Lz4);
        }
        let database = DB::open(&options, &setup.directory).expect("RocksDB opens");
        Self { database, options, setup: setup.clone() }
    }
}

impl Store for Opened {
    fn session(&self) -> Box<dyn Session + '_> {
        let mut write_options = WriteOptions::default();
        write_options.set_sync(self.setup.durability == Durability::Durable);
        Box::new(Working { database: &self.database, write_options })
    }

    fn bulk_load(&self, items: &mut Items<'_>) {
        const FILE_BYTES: u64 = 64 << 20;
        let (mut value, mut files) = (Vec::new(), Vec::new());
        let mut next = items(&mut value);
        while next.is_some() {
            let path = self.setup.directory.with_extension(format!("{}.sst", files.len()));
            let mut writer = SstFileWriter::create(&self.options);
            writer.open(&path).expect("RocksDB writes a file");
            while let Some(key) = next
                && writer.file_size() < FILE_BYTES
            {
                writer.put(key, &value).expect("RocksDB writes a file");
                next = items(&mut value);
            }
            writer.finish().expect("RocksDB writes a file");
            files.push(path);
        }
        let mut options = IngestExternalFileOptions::default();
        options.set_move_files(true);
        self.database.ingest_external_file_opts(&options, files).expect("RocksDB ingests");
    }

    fn sync(&self) {
        self.database.flush_wal(true).expect("RocksDB syncs");
    }

    fn flush(&self) {
        self.database.flush().expect("RocksDB flushes");
    }

    fn compact(&mut self) {
        self.database.compact_range(None::<&[u8]>, None::<&[u8]>);
    }

    fn close(self: Box<Self>) {}
}

struct Working<'a> {
    database: &'a DB,
    write_options: WriteOptions,
}

impl Session for Working<'_> {
    fn get(&mut self, key: &Key, see: &mut dyn FnMut(&[u8])) -> bool {
        self.database.get_pinned(key).expect("RocksDB reads").map(|value| see(&value)).is_some()
    }

    fn put(&mut self, key: &Key, value: &[u8]) {
        self.database.put_opt(key, value, &self.write_options).expect("RocksDB writes");
    }

    fn put_batch(&mut self, items: &[(Key, Vec<u8>)]) {
        let mut batch = WriteBatch::default();
        for (key, value) in items {
            batch.put(key, value);
        }
        self.database.write_opt(batch, &self.write_options).expect("RocksDB writes");
    }

    fn delete_batch(&mut self, keys: &[Key]) {
        let mut batch = WriteBatch::default();
        for key in keys {
            batch.delete(key);
        }
        self.database.write_opt(batch, &self.write_options).expect("RocksDB writes");
    }

    fn range(
        &mut self,
        start: &Key,
        end: &Key,
        is_reverse: bool,
        limit: usize,
        see: &mut dyn FnMut(&[u8], &[u8]),
    ) {
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(start.to_vec());
        options.set_iterate_upper_bound(end.to_vec());
        let mut items = self.database.raw_iterator_opt(options);
        if is_reverse {
            items.seek_to_last()
        } else {
            items.seek_to_first()
        }
        for _ in 0..limit {
            let Some((key, value)) = items.item() else { break };
            see(key, value);
            if is_reverse { items.prev() } else { items.next() }
        }
        items.status().expect("RocksDB reads");
    }
}
