//! Every limit of the data model, by name.
//!
//! Source, unless a line says otherwise: DynamoDB developer guide, "Quotas in Amazon DynamoDB" (service, account and
//! table quotas) and "Constraints in Amazon DynamoDB". The limits of the storage layers stand in `base::limits`.

/// Largest item in bytes, by DynamoDB's own way of counting: names and values.
pub const ITEM_BYTES_MAX: usize = 409_600;

/// Longest value of a partition key attribute in bytes.
pub const PARTITION_KEY_BYTES_MAX: usize = 2_048;

/// Longest value of a sort key attribute in bytes.
pub const SORT_KEY_BYTES_MAX: usize = 1_024;

/// Deepest level at which a value may stand in an item; the value of a top-level attribute is at level 1.
pub const NESTING_LEVELS_MAX: usize = 32;

/// Longest attribute name in bytes.
pub const ATTRIBUTE_NAME_BYTES_MAX: usize = 65_535;

/// Longest name in bytes of an attribute that a schema names: of a key, an index key, a projection or the TTL.
pub const SCHEMA_ATTRIBUTE_NAME_BYTES_MAX: usize = 255;

/// Most significant digits of a number.
pub const NUMBER_DIGITS_MAX: u32 = 38;

/// Power of ten of the first digit of the largest numbers: 9.99…E+125.
pub const NUMBER_EXPONENT_MAX: i16 = 125;

/// Power of ten of the first digit of the numbers nearest to zero: 1E-130.
pub const NUMBER_EXPONENT_MIN: i16 = -130;

/// Shortest name of a table or an index in bytes.
pub const TABLE_NAME_BYTES_MIN: usize = 3;

/// Longest name of a table or an index in bytes.
pub const TABLE_NAME_BYTES_MAX: usize = 255;

/// Most global secondary indexes of a table.
pub const GLOBAL_INDEXES_MAX: usize = 20;

/// Most local secondary indexes of a table.
pub const LOCAL_INDEXES_MAX: usize = 5;

/// Most partition key attributes of a global index, and most sort key attributes.
pub const INDEX_KEY_ATTRIBUTES_MAX: usize = 4;

/// Most capacity units of a kind that a request can name.
pub const CAPACITY_UNITS_MAX: i64 = 1_000_000_000_000;

/// Most attributes that one index projects beside the keys.
pub const INDEX_PROJECTED_ATTRIBUTES_MAX: usize = 20;

/// Most attributes that all indexes of a table together project beside the keys.
pub const TABLE_PROJECTED_ATTRIBUTES_MAX: usize = 100;

/// Items of a query or scan that are evaluated for one page, in bytes.
pub const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// Largest answer of one `BatchGetItem` in bytes.
pub const BATCH_GET_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Most keys of one `BatchGetItem`, over all tables.
pub const BATCH_GET_KEYS_MAX: usize = 100;

/// Most puts and deletes of one `BatchWriteItem`, over all tables.
pub const BATCH_WRITE_REQUESTS_MAX: usize = 25;

/// Largest request of one `BatchWriteItem` in bytes.
pub const BATCH_WRITE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Most actions of one transaction.
pub const TRANSACTION_ACTIONS_MAX: usize = 100;

/// Most bytes that one transaction reads or writes.
pub const TRANSACTION_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long the token of a transaction is remembered, in seconds.
pub const TRANSACTION_TOKEN_SECONDS: u64 = 10 * 60;

/// Longest token of a transaction in characters.
pub const TRANSACTION_TOKEN_CHARACTERS_MAX: usize = 36;

/// Longest expression in bytes, as it was sent.
pub const EXPRESSION_BYTES_MAX: usize = 4_096;

/// Longest placeholder in bytes, `#` or `:` included.
pub const PLACEHOLDER_BYTES_MAX: usize = 255;

/// All substitution variables of one request in bytes: names and values, with their placeholders.
pub const SUBSTITUTION_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Most operators and functions in one expression.
pub const EXPRESSION_OPERATORS_MAX: usize = 300;

/// Most operands on the right of `IN`.
pub const IN_OPERANDS_MAX: usize = 100;

/// Most elements of a document path.
pub const PATH_ELEMENTS_MAX: usize = 32;

/// Largest position in a list that a document path may name. Not documented: reports of what is refused.
pub const LIST_INDEX_MAX: usize = 4_294_967_294;

/// Most segments of a parallel scan.
pub const SCAN_SEGMENTS_MAX: u32 = 1_000_000;

/// Most parts that a parallel scan is really cut into; the segments beyond are empty. A limit of ours.
pub const SCAN_PARTS_MAX: usize = 4096;

/// How long the parts of a parallel scan stay the same after their last use, in seconds. A limit of ours.
pub const SCAN_SEGMENTS_SECONDS: u64 = 24 * 60 * 60;

/// How far back an expiry date may lie when an item is written, in milliseconds: five years of the calendar's average
/// length. What is older is no date, and never expires.
pub const EXPIRY_PAST_MAX_MILLIS: u64 = 5 * 31_556_952 * 1000;

/// Most ended settings of expiry that a table keeps. A limit of ours.
pub const ENDED_GENERATIONS_MAX: usize = 64;

/// Most expired items that are swept at once: they are locked meanwhile. A limit of ours.
pub const SWEEP_CHUNK_ITEMS: usize = 128;

/// Most bytes of expired items that are swept at once, the last one apart. A limit of ours.
pub const SWEEP_CHUNK_BYTES: usize = 256 * 1024;

/// Most names in one answer of `ListTables`.
pub const LIST_TABLES_MAX: usize = 100;

/// Most tags of a table.
pub const TAGS_MAX: usize = 50;

/// Read capacity units, and write capacity units, of all tables of an account.
pub const ACCOUNT_CAPACITY_UNITS: i64 = 80_000;

/// Read capacity units, and write capacity units, of one table.
pub const TABLE_CAPACITY_UNITS: i64 = 40_000;

/// Read units a second that a table on demand is ready for.
pub const WARM_READ_UNITS: i64 = 12_000;

/// Write units a second that a table on demand is ready for.
pub const WARM_WRITE_UNITS: i64 = 4_000;

/// Longest key of a tag in characters.
pub const TAG_KEY_CHARACTERS_MAX: usize = 128;

/// Longest value of a tag in characters.
pub const TAG_VALUE_CHARACTERS_MAX: usize = 256;

/// Most records in one read of a stream.
pub const STREAM_RECORDS_MAX: usize = 1_000;

/// Most bytes of records in one read of a stream.
pub const STREAM_READ_BYTES_MAX: usize = 1024 * 1024;

/// Most streams, or shards, in one answer that lists them.
pub const LIST_STREAMS_MAX: usize = 100;

/// How long an iterator over a shard can be used, in milliseconds.
pub const SHARD_ITERATOR_MILLIS: u64 = 15 * 60 * 1000;

/// How long the records of a stream are kept, in hours, unless the options say otherwise.
pub const STREAM_RETENTION_HOURS: u64 = 24;

/// Longest name of a consumer of a stream in bytes. Our own: DynamoDB keeps no consumers.
pub const CONSUMER_NAME_BYTES_MAX: usize = 255;

/// Largest `PartiQL` statement in characters.
pub const STATEMENT_CHARACTERS_MAX: usize = 8_192;

/// After how long a description has a table counted anew, in milliseconds: about every six hours, as DynamoDB does.
pub const COUNT_INTERVAL_MILLIS: u64 = 6 * 60 * 60 * 1000;

/// Most items that a backfill takes at once: they are locked meanwhile. A limit of ours.
pub const BACKFILL_CHUNK_ITEMS: usize = 256;

/// Most bytes of items that a backfill takes at once, the last one apart. A limit of ours.
pub const BACKFILL_CHUNK_BYTES: usize = 256 * 1024;

/// Most entries that are counted at once. A limit of ours.
pub const COUNT_CHUNK_ITEMS: usize = 4096;

/// For how many days back a table can be restored to a moment, at most.
pub const RECOVERY_PERIOD_DAYS_MAX: u32 = 35;

/// Longest policy of a table, in bytes.
pub const RESOURCE_POLICY_BYTES_MAX: usize = 20 * 1024;

/// Backups in a page, at most.
pub const LIST_BACKUPS_MAX: usize = 100;

/// Entries that a restore of a table writes at once, at most.
pub const RESTORE_BATCH_ENTRIES_MAX: usize = 1024;

/// Bytes that a restore of a table writes at once, about.
pub const RESTORE_BATCH_BYTES_MAX: usize = 1024 * 1024;
