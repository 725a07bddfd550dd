//! Pixii: an embedded, persistent, log-structured storage engine with the data model of DynamoDB.
//!
//! A [`Database`] is a directory, or memory. In it are tables of items; an item is found by its key, and the items of a
//! partition are read in the order of their sort key. Global secondary indexes find them by other attributes, and are
//! always consistent with their table.
//!
//! ```
//! use pixii::{Database, GlobalIndex, KeyType, TableSchema};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, Debug, PartialEq)]
//! struct Message {
//!     room: String,
//!     sent_at: u64,
//!     sender: String,
//!     text: String,
//! }
//!
//! let database = Database::in_memory()?; // or `Database::open("some/directory")`
//! let messages = database.create_table(
//!     TableSchema::builder("Messages")
//!         .partition_key("room", KeyType::String)
//!         .sort_key("sent_at", KeyType::Number)
//!         .global_index(
//!             GlobalIndex::builder("BySender")
//!                 .partition_key("sender", KeyType::String)
//!                 .sort_key("sent_at", KeyType::Number),
//!         )
//!         .build()?,
//! )?;
//!
//! // A put returns when it is durable; a buffered one survives the process and is synced a little later.
//! let hello = Message { room: "kitchen".into(), sent_at: 7, sender: "ada".into(), text: "hello".into() };
//! messages.put(&hello)?;
//! let tea = Message { room: "kitchen".into(), sent_at: 9, sender: "bob".into(), text: "tea?".into() };
//! messages.put_request(&tea).buffered().send()?;
//!
//! // One item by its key, as the type that it was, or attribute by attribute.
//! assert_eq!(messages.get(("kitchen", 7))?, Some(hello));
//! let item = messages.get_item(("kitchen", 9))?.expect("it was just written");
//! assert_eq!(item.get("sender"), Some(&"bob".into()));
//!
//! // A partition in order, a part of it, backwards, or by page.
//! for message in messages.query("kitchen").sort_key_between(5, 10).typed::<Message>() {
//!     println!("{}", message?.text);
//! }
//! let newest = messages.query("kitchen").reverse().limit(1).page()?;
//! assert_eq!(newest.items[0].get("text"), Some(&"tea?".into()));
//!
//! // The same items by another key.
//! let by_bob = messages.query("bob").index("BySender").typed::<Message>();
//! assert_eq!(by_bob.into_iter().collect::<Result<Vec<_>, _>>()?, [tea]);
//! # Ok::<(), pixii::Error>(())
//! ```
//!
//! Rules, limits and the words of errors are DynamoDB's. An [`Error`] says by its [`kind`](Error::kind) what the caller
//! can do, and by its [`outcome`](Error::outcome) whether a write that failed may still be found.
//!
//! The face of the crate is what stands at its root. The modules are its layers, lowest first; each uses only what
//! stands above it here.

pub mod base;
pub mod env;
pub mod format;
pub mod lsm;
pub mod engine;
pub mod dynamo;
pub mod api;

pub use api::database::{Database, DatabaseOptions};
pub use api::entity::{
    CompositeKey, Entity, EntityIndex, EntityVersion, ExpiryField, IndexKeyField, KeyAttributes, KeyField,
    KeyValues, PartitionValues, VersionField,
};
pub use api::expression::attribute::{Attribute, IntoAttribute, Size, attr};
pub use api::expression::condition::{Condition, all, any};
pub use api::expression::operand::{Encode, ListOf, MemberOf, OperandOf, Untyped};
pub use api::expression::update::{Calculated, Taken, UpdateExpression};
pub use api::key::IntoKey;
pub use api::operations::Operations;
pub use api::past::{Past, PastTable};
pub use api::pending::PendingTableChange;
pub use api::query::{Items, Query, Read, ReadRequest, Scan};
pub use api::stream::{Stream, StreamConsumer, StreamRecords};
pub use api::table::Table;
pub use api::transaction::Transaction;
pub use api::typed::TypedTable;
pub use api::verify::{VerifyFinding, VerifyProgress, VerifyReport, verify};
pub use api::write::{Delete, Put, Update, Write, WriteRequest};
pub use base::codec::DecodeError;
pub use base::error::Outcome;
pub use base::ident::{AsOf, CommitTime, HistoryId, Moment, SeqNo};
pub use dynamo::backup::description::{
    BackupDescription, BackupDetails, BackupSummary, ContinuousBackupsDescription, ListBackupsOutput,
};
pub use dynamo::backup::request::{
    CreateBackupRequest, ListBackupsRequest, RestoreTableFromBackupRequest, RestoreTableToPointInTimeRequest,
    RestoredIndexes, UpdateContinuousBackupsRequest,
};
pub use dynamo::backup::table_copy::TableRestoreProgress;
pub use dynamo::backup_fault::BackupFault;
pub use dynamo::capacity::{CapacityDetail, ConsumedCapacity, ReturnConsumedCapacity};
pub use dynamo::error::{Error, ErrorKind, Result};
pub use dynamo::expression::fault::ExpressionFault;
pub use dynamo::expression::path::{DocumentPath, PathElement};
pub use dynamo::expression::prepared::Prepared;
pub use dynamo::expression::text::{ExpressionText, expression};
pub use dynamo::expression::tree::{KeyCondition, ProjectionExpression};
pub use dynamo::fault::{Constraint, Fault, IndexScope, KeyRole, MemberFault, Operation};
pub use dynamo::item_fault::{CancellationCode, CancellationReason, ReadFault, WriteFault};
pub use dynamo::item_key::Key;
pub use dynamo::key::KeyType;
pub use dynamo::legacy;
pub use dynamo::number::{Number, NumberError};
pub use dynamo::past::{Changes, ItemChange};
pub use dynamo::policies::PutResourcePolicyRequest;
pub use dynamo::policy_fault::PolicyFault;
pub use dynamo::read::request::{
    BatchGetOutput, BatchGetRequest, Consistency, GetOutput, GetRequest, KeyConditions, KeysAndAttributes,
    Order, Page, QueryRequest, ReadOptions, ScanRequest, Segment, Select, TransactGet, TransactGetOutput,
    TransactGetRequest,
};
pub use dynamo::request_fault::RequestFault;
pub use dynamo::schema::{GlobalIndex, KeyAttribute, KeySchema, LocalIndex, Projection, TableSchema};
pub use dynamo::serde::de::{from_item, from_value};
pub use dynamo::serde::error::{SerdeError, SerdeFault};
pub use dynamo::serde::ser::{ValueSerializer, to_item, to_value, to_value_with};
pub use dynamo::serde::sets;
pub use dynamo::stored::{StoredItem, StoredValue, StoredView};
pub use dynamo::stream::describe::{
    DescribeStreamRequest, ListStreamsOutput, ListStreamsRequest, Shard, ShardFilter, ShardFilterType,
    StreamDescription, StreamStatus, StreamSummary,
};
pub use dynamo::stream::read::StreamStart;
pub use dynamo::stream::record::{EventName, StreamRecord, UserIdentity};
pub use dynamo::stream::sequence_number::SequenceNumber;
pub use dynamo::stream::shard::{
    GetRecordsOutput, GetRecordsRequest, GetShardIteratorRequest, ShardIteratorType,
};
pub use dynamo::stream_fault::StreamFault;
pub use dynamo::system_rows::BackfillProgress;
pub use dynamo::table_fault::TableFault;
pub use dynamo::tables::builder::{GlobalIndexBuilder, LocalIndexBuilder, TableSchemaBuilder};
pub use dynamo::tables::description::{
    BillingModeSummary, IndexDescription, LimitsDescription, ProvisionedThroughputDescription,
    ResourceStatus, TableClassSummary, TableDescription, TimeToLiveDescription, WarmThroughput,
};
pub use dynamo::tables::request::{
    AttributeDefinition, CreateTableRequest, GlobalIndexUpdate, IndexRequest, IndexThroughputUpdate,
    KeySchemaElement, ListTablesOutput, ListTablesRequest, ProjectionRequest, ProjectionType,
    StreamSpecification, Tag, TimeToLiveSpecification, UpdateTableRequest, UpdateTimeToLiveRequest,
};
pub use dynamo::tables::settings::{
    BillingMode, ExpiredItems, OnDemandThroughput, ProvisionedThroughput, SseSpecification, StreamViewType,
    TableClass,
};
pub use dynamo::transaction::{PendingCommit, SubmittedTransaction};
pub use dynamo::value::{Item, Value, ValueFault, ValueType};
pub use dynamo::verify::{RowFault, RowsProgress};
pub use dynamo::write::batch::{
    BatchWrite, BatchWriteError, BatchWriteFate, BatchWriteOutput, BatchWriteRequest, PendingBatch,
};
pub use dynamo::write::request::{
    DeleteRequest, ItemCollectionMetrics, PutRequest, ReturnItemCollectionMetrics, ReturnValues,
    ReturnValuesOnConditionCheckFailure, UpdateRequest, WriteOptions, WriteOutput,
};
pub use dynamo::write::single::Pending;
pub use dynamo::write::token::TokenScope;
pub use dynamo::write::transact::{
    PendingTransaction, TransactWrite, TransactWriteOutput, TransactWriteRequest,
};
pub use engine::archive::archiver::{ArchiveHandle, ArchiveOptions, ArchiveStatus};
pub use engine::archive::contents::{ArchiveContents, RestorableInterval};
pub use engine::archive::objects::{ArchiveObjects, DirectoryArchive};
pub use engine::archive::restore::{RestoreProgress, RestoreSummary, RestoreTo};
pub use engine::checkpoint::CheckpointSummary;
pub use engine::commit::Commit;
pub use engine::options::{Access, Durability, EngineOptions};
pub use engine::statistics::Statistics;
pub use engine::verify::FilesProgress;
pub use env::environment::Environment;
#[cfg(feature = "sim")]
pub use env::sim;
pub use format::manifest::Parent;
#[cfg(feature = "derive")]
pub use pixii_derive::Entity;
