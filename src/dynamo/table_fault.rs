//! What can be wrong with a request on a table that is there, or with the settings of one that is to be made.

/// A request that does not fit the table, or settings that do not fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableFault {
    /// Provisioned throughput is missing though the billing mode needs it.
    ThroughputMissing,
    /// Provisioned throughput is given though the table is billed by request.
    ThroughputOnDemand,
    /// An index's provisioned throughput is missing though the billing mode needs it.
    IndexThroughputMissing {
        /// The index.
        index: String,
    },
    /// An index's provisioned throughput is given though the table is billed by request.
    IndexThroughputOnDemand {
        /// The index.
        index: String,
    },
    /// Provisioned throughput is beyond all limits.
    ThroughputOutOfBounds {
        /// Which units, as DynamoDB writes it.
        units: &'static str,
        /// How many.
        value: i64,
    },
    /// A change of throughput that changes nothing.
    ThroughputUnchanged {
        /// The index; the table itself if there is none.
        index: Option<String>,
        /// The read capacity units that are and were asked for.
        read_capacity_units: i64,
        /// The write capacity units that are and were asked for.
        write_capacity_units: i64,
    },
    /// A table is to be made with a stream whose records say nothing.
    StreamWithoutViewType,
    /// A table is to be made without a stream, but says what its records hold.
    StreamDisabledWithViewType,
    /// A stream is to be enabled whose records say nothing.
    StreamEnabledWithoutViewType,
    /// A stream is to be disabled, and the request says what its records hold.
    StreamDisablingWithViewType,
    /// The table has a stream already.
    StreamEnabled {
        /// The table.
        table: String,
    },
    /// The table has no stream.
    StreamMissing {
        /// The table.
        table: String,
    },
    /// An update of a table that asks for nothing.
    UpdateEmpty,
    /// A change that must come alone came with others.
    UpdateNotAlone {
        /// The change, as DynamoDB writes it.
        change: &'static str,
    },
    /// An index is to be made or dropped together with a change of throughput.
    IndexWithThroughput,
    /// An index is to be made or dropped together with a change of the stream.
    IndexWithStream,
    /// An index update with none of its three actions.
    IndexUpdateEmpty,
    /// An index update with more than one action.
    IndexUpdateTwofold,
    /// Two updates of one index in one request.
    IndexUpdateRepeated {
        /// The index.
        index: String,
    },
    /// Two indexes are to be made or dropped at once.
    IndexChangesAtOnce,
    /// The table would have more global indexes than are allowed.
    TooManyIndexes,
    /// An index is to be made whose name is taken.
    IndexExists,
    /// An index is to be changed that the table does not have.
    IndexMissing {
        /// The index.
        index: String,
        /// The table.
        table: String,
    },
    /// A local index is to be changed or dropped.
    IndexNotGlobal {
        /// The index.
        index: String,
    },
    /// An index is to be made whose key attributes are not defined.
    IndexWithoutDefinitions {
        /// The index.
        index: String,
    },
    /// The table is being changed in a way that this request must wait for.
    TableInUse {
        /// The table.
        table: String,
    },
    /// The table is being made: said by those who tell of tables as if that took time.
    TableBeingCreated {
        /// The table.
        table: String,
    },
    /// The table is being removed: said by those who tell of tables as if that took time.
    TableBeingDeleted {
        /// The table.
        table: String,
    },
    /// The table is protected against deletion.
    DeletionProtected,
    /// Items expire already.
    TimeToLiveEnabled,
    /// Items do not expire anyway.
    TimeToLiveDisabled,
    /// Items expire by another attribute than the request names.
    TimeToLiveAttribute {
        /// The attribute by which they expire.
        current: String,
    },
    /// A tag's key is not one.
    TagKey {
        /// The key.
        key: String,
    },
    /// A tag's value is not one.
    TagValue {
        /// The value.
        value: String,
    },
    /// A tag's key begins with what is reserved.
    TagKeyReserved {
        /// The key.
        key: String,
    },
    /// Two tags of one request have the same key.
    TagKeyRepeated {
        /// The key.
        key: String,
    },
    /// The table would have more tags than are allowed.
    TooManyTags,
    /// No tag is given.
    TagsMissing,
    /// No key of a tag is given.
    TagKeysMissing,
    /// The name of a resource does not begin as all do.
    ArnMalformed {
        /// The name.
        arn: String,
    },
    /// The resource is not one that has tags.
    ArnNotTaggable {
        /// Its name.
        arn: String,
    },
    /// A table is named by the name of a resource that is none of this store.
    ArnForeign {
        /// The name.
        arn: String,
    },
    /// No such resource.
    ArnNotFound {
        /// Its name.
        arn: String,
    },
}
