//! Every limit of the storage layers, by name. The limits of the data model stand in `dynamo::limits`.

/// Longest key of an entry in bytes, keyspace id included: an index entry's key holds up to five partition attributes of
/// 2,048 bytes and two sort keys of 1,024, all of which escaping can double.
pub const KEY_BYTES_MAX: usize = 32 * 1024;

/// Longest value of an entry in bytes. Above DynamoDB's 409,600-byte items with room for their encoding.
pub const VALUE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Largest write batch in bytes, keys and values together.
pub const BATCH_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most entries in one write batch.
pub const BATCH_ENTRIES_MAX: usize = 1_000_000;

/// Largest record of metadata (a manifest edit, a table descriptor) in bytes.
pub const METADATA_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes handed to the log at most before a writer has to wait for them to be written.
pub const LOG_PENDING_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Memory of the keys that commits wrote while transactions were open, in bytes: a transaction that has read as of a
/// commit before those is in conflict.
pub const TRANSACTION_WINDOW_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of what an open transaction has read, as keys and ranges: past that it has read one range that covers all.
pub const TRANSACTION_READS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Parts that a range is cut into at most.
pub const SPLIT_PIECES_MAX: usize = 4096;

/// Entries that a background job merges in one step before it lets others run.
pub const MERGE_STEP_ENTRIES: usize = 512;

/// Levels of the tree, level 0 included.
pub const LEVELS: usize = 7;
