//! What can be wrong with a request, as structure. The words for it stand in `messages` alone, because DynamoDB says
//! the same fault in other words by operation.

use super::backup_fault::BackupFault;
use super::expression::fault::ExpressionFault;
use super::item_fault::{ReadFault, WriteFault};
use super::key::KeyType;
use super::legacy::fault::LegacyFault;
use super::number::NumberError;
use super::policy_fault::PolicyFault;
use super::request_fault::RequestFault;
use super::serde::error::SerdeError;
use super::stream_fault::StreamFault;
use super::table_fault::TableFault;
use super::value::{ValueFault, ValueType};
use crate::base::codec::DecodeError;
use crate::base::error::StoreError;
use ::serde::{Deserialize, Serialize};

/// An operation of DynamoDB, as it is called there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Makes a table.
    CreateTable,
    /// Looks a table up.
    DescribeTable,
    /// Changes a table's settings and indexes.
    UpdateTable,
    /// Removes a table with all its items.
    DeleteTable,
    /// Names the tables.
    ListTables,
    /// Says by which attribute items expire.
    UpdateTimeToLive,
    /// Tells by which attribute items expire.
    DescribeTimeToLive,
    /// Puts tags on a table.
    TagResource,
    /// Takes tags off a table.
    UntagResource,
    /// Tells a table's tags.
    ListTagsOfResource,
    /// Puts a policy on a table.
    PutResourcePolicy,
    /// Tells the policy of a table.
    GetResourcePolicy,
    /// Takes the policy of a table away.
    DeleteResourcePolicy,
    /// Tells whether a table can be restored to a moment.
    DescribeContinuousBackups,
    /// Says whether a table can be restored to a moment.
    UpdateContinuousBackups,
    /// Makes a table of another one as it was at a moment.
    RestoreTableToPointInTime,
    /// Makes a backup of a table.
    CreateBackup,
    /// Tells what a backup is.
    DescribeBackup,
    /// Names the backups.
    ListBackups,
    /// Removes a backup.
    DeleteBackup,
    /// Makes a table of a backup.
    RestoreTableFromBackup,
    /// Tells the quotas of the account.
    DescribeLimits,
    /// Names the streams.
    ListStreams,
    /// Tells what a stream is.
    DescribeStream,
    /// Says where reading a stream begins.
    GetShardIterator,
    /// Reads records of a stream.
    GetRecords,
    /// Writes an item whole.
    PutItem,
    /// Reads an item.
    GetItem,
    /// Changes attributes of an item.
    UpdateItem,
    /// Removes an item.
    DeleteItem,
    /// Reads many items.
    BatchGetItem,
    /// Writes and removes many items, each by itself.
    BatchWriteItem,
    /// Reads many items as of one moment.
    TransactGetItems,
    /// Writes, changes, removes and checks many items, all or none.
    TransactWriteItems,
    /// Reads the items of a partition in the order of their sort key.
    Query,
    /// Reads all items.
    Scan,
}

/// What went wrong, with the particulars.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// Members of the request break their constraints: at most ten are told.
    Members(Vec<MemberFault>),
    /// A value is not one that DynamoDB stores, or an item is too large.
    Value(ValueFault),
    /// An expression is wrong, or what it is given.
    Expression(ExpressionFault),
    /// Legacy parameters are wrong, or stand beside expressions.
    Legacy(LegacyFault),
    /// A Rust value cannot become an item, or a stored item cannot become the Rust value asked for.
    Serde(SerdeError),
    /// A write is refused for what it asks, or for what the item is.
    Write(WriteFault),
    /// A read is refused for what it asks.
    Read(ReadFault),
    /// The table's definition does not fit together.
    Schema(SchemaFault),
    /// What is asked of a table does not fit what the table is.
    Table(TableFault),
    /// What is asked of a stream is wrong, or too late.
    Stream(StreamFault),
    /// What is asked of backups cannot be met.
    Backup(BackupFault),
    /// What is asked of a policy cannot be met.
    Policy(PolicyFault),
    /// Members of the request do not go together.
    Request(RequestFault),
    /// A member that must be there is not.
    ParameterMissing {
        /// The member, as DynamoDB writes it.
        parameter: &'static str,
    },
    /// No such table.
    TableNotFound {
        /// The name asked for.
        table: String,
    },
    /// A table of that name exists.
    TableExists {
        /// The name.
        table: String,
    },
    /// The table has no such index.
    IndexNotFound {
        /// The name asked for.
        index: String,
    },
    /// The index is being built and does not have all its entries.
    IndexBackfilling {
        /// The name asked for.
        index: String,
    },
    /// An item lacks an attribute of the table's key.
    KeyAttributeMissing {
        /// The attribute.
        attribute: String,
    },
    /// An attribute of a key has another type than the schema says.
    KeyTypeMismatch {
        /// The attribute.
        attribute: String,
        /// The schema's type.
        expected: KeyType,
        /// The value's type.
        actual: ValueType,
        /// The index whose key it is; the table's own if there is none.
        index: Option<String>,
    },
    /// An attribute of a key is an empty string or empty binary.
    KeyValueEmpty {
        /// The attribute.
        attribute: String,
        /// String or binary.
        key_type: KeyType,
        /// The index whose key it is; the table's own if there is none.
        index: Option<String>,
    },
    /// The attributes of a key are longer than is allowed.
    KeyTooLong {
        /// Partition or sort key.
        role: KeyRole,
        /// The index whose key it is; the table's own if there is none.
        index: Option<String>,
    },
    /// A key given to find an item by does not have the schema's shape.
    KeyShape,
    /// What a query asks of keys is wrong.
    Condition(ConditionFault),
    /// The place to start from is wrong.
    StartKey(StartKeyFault),
    /// A value of the place to start from is not one that DynamoDB takes.
    StartKeyValue(ValueFault),
    /// A stored row does not parse, though its checksum is right: it was written by another version, or by a bug.
    DamagedRow {
        /// What the row is.
        row: &'static str,
        /// What was expected where.
        error: DecodeError,
    },
    /// The storage below failed.
    Storage(StoreError),
}

/// Which part of a key an attribute is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyRole {
    /// Chooses the partition.
    Partition,
    /// Orders the items of a partition.
    Sort,
}

/// How far an index reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum IndexScope {
    /// Within a partition of the table: another order of the same items.
    Local,
    /// Over the whole table: another key.
    Global,
}

/// A member of a request that breaks its constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberFault {
    /// The path as DynamoDB writes it: `tableName`, `keySchema.1.member.attributeName`.
    pub member: String,
    /// The value, as DynamoDB prints it.
    pub value: String,
    /// What it breaks.
    pub constraint: Constraint,
}

/// What a member of a request must hold to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Constraint {
    /// At least so long.
    LengthAtLeast(usize),
    /// At most so long.
    LengthAtMost(usize),
    /// At least so great.
    ValueAtLeast(u64),
    /// At most so great.
    ValueAtMost(u64),
    /// Of these characters.
    Pattern(&'static str),
    /// One of these, in DynamoDB's order: `[HASH, RANGE]`.
    OneOf(&'static str),
    /// There at all.
    Present,
    /// One of the ways to answer a write, which DynamoDB lists in words of its own.
    ReturnValues,
}

/// A table's definition that does not fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaFault {
    /// A key does not begin with its partition key.
    FirstKeyNotPartition,
    /// A key has a second part that is not a sort key.
    SecondKeyNotSort,
    /// An attribute is in a key twice.
    SameKeyAttribute,
    /// An index's key has a partition attribute behind a sort attribute.
    PartitionBehindSort {
        /// The index.
        index: String,
    },
    /// An index's key has more partition or sort attributes than are allowed.
    TooManyKeyAttributes {
        /// The index.
        index: String,
        /// Which of both.
        role: KeyRole,
    },
    /// The table's key has a sort key, and one of its attributes is not defined.
    KeyUndefined,
    /// An attribute of an index's key, or a table's only key attribute, is not defined.
    IndexKeyUndefined {
        /// The key's attributes.
        keys: Vec<String>,
        /// The attributes that are defined.
        definitions: Vec<String>,
    },
    /// A table without indexes defines other attributes than those of its key.
    DefinitionCount,
    /// Attributes are defined that are in no key.
    DefinitionsUnused {
        /// The attributes that are defined.
        definitions: Vec<String>,
        /// The attributes that are in keys.
        keys: Vec<String>,
    },
    /// A list of indexes is there, and empty.
    IndexListEmpty {
        /// Of which indexes.
        scope: IndexScope,
    },
    /// A table without sort key has a local index.
    LocalIndexWithoutTableSortKey,
    /// A local index has no sort key.
    LocalIndexWithoutSortKey {
        /// The index.
        index: String,
    },
    /// A local index has another partition key than its table.
    LocalIndexPartition {
        /// The index.
        index: String,
        /// The index's partition key.
        index_key: String,
        /// The table's partition key.
        table_key: String,
    },
    /// The table has more local indexes than are allowed.
    TooManyLocalIndexes,
    /// An attribute has two types.
    AttributeDuplicated {
        /// The attribute.
        attribute: String,
    },
    /// Two indexes have one name.
    IndexDuplicated {
        /// The name.
        index: String,
    },
    /// The table has more global indexes than are allowed.
    TooManyGlobalIndexes,
    /// A projection does not say its type.
    ProjectionUnknown,
    /// A projection names attributes though its type says which it holds.
    ProjectionWithAttributes {
        /// The type, as DynamoDB writes it.
        projection: &'static str,
    },
    /// A projection includes attributes, and names none.
    IncludeWithoutAttributes,
    /// All projections together name more attributes than are allowed.
    TooManyProjectedAttributes,
}

/// A key condition that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConditionFault {
    /// There is none at all.
    NoConditions,
    /// An attribute of the key that must have a condition has none.
    KeyAttributeMissing {
        /// The attribute.
        attribute: String,
    },
    /// There are more conditions than key attributes.
    TooManyConditions {
        /// How many conditions there are.
        conditions: usize,
        /// How many attributes the key has.
        attributes: usize,
    },
    /// An attribute of the partition key has a condition that is not an equality.
    PartitionKeyNotEqual,
    /// An attribute has two conditions.
    AttributeRepeated,
    /// A sort key attribute has a condition though one before it is not bound to one value.
    SortKeyGap {
        /// The attributes that must have an equality.
        attributes: Vec<String>,
        /// The attribute that has a condition.
        conditioned: String,
    },
    /// A value has another type than the schema says.
    TypeMismatch,
}

/// A place to start from that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartKeyFault {
    /// It is not a key of what is read.
    Shape,
    /// It lies in another partition.
    OutsidePartition,
    /// It lies outside the range of the sort key condition.
    OutsideRange,
    /// It lies in another segment of a parallel scan.
    OutsideSegment {
        /// The segment that is scanned.
        segment: u32,
        /// Of how many.
        total_segments: u32,
    },
}

impl From<ValueFault> for Fault {
    fn from(fault: ValueFault) -> Self {
        Self::Value(fault)
    }
}

impl From<NumberError> for Fault {
    fn from(error: NumberError) -> Self {
        Self::Value(error.into())
    }
}

impl From<SerdeError> for Fault {
    fn from(error: SerdeError) -> Self {
        Self::Serde(error)
    }
}

impl From<ConditionFault> for Fault {
    fn from(fault: ConditionFault) -> Self {
        Self::Condition(fault)
    }
}

impl From<WriteFault> for Fault {
    fn from(fault: WriteFault) -> Self {
        Self::Write(fault)
    }
}

impl From<RequestFault> for Fault {
    fn from(fault: RequestFault) -> Self {
        Self::Request(fault)
    }
}

impl From<ReadFault> for Fault {
    fn from(fault: ReadFault) -> Self {
        Self::Read(fault)
    }
}

impl From<StartKeyFault> for Fault {
    fn from(fault: StartKeyFault) -> Self {
        Self::StartKey(fault)
    }
}

impl From<TableFault> for Fault {
    fn from(fault: TableFault) -> Self {
        Self::Table(fault)
    }
}

impl From<StreamFault> for Fault {
    fn from(fault: StreamFault) -> Self {
        Self::Stream(fault)
    }
}

impl From<PolicyFault> for Fault {
    fn from(fault: PolicyFault) -> Self {
        Self::Policy(fault)
    }
}

impl From<BackupFault> for Fault {
    fn from(fault: BackupFault) -> Self {
        Self::Backup(fault)
    }
}

impl From<ExpressionFault> for Fault {
    fn from(fault: ExpressionFault) -> Self {
        Self::Expression(fault)
    }
}

impl From<LegacyFault> for Fault {
    fn from(fault: LegacyFault) -> Self {
        Self::Legacy(fault)
    }
}

impl From<SchemaFault> for Fault {
    fn from(fault: SchemaFault) -> Self {
        Self::Schema(fault)
    }
}
