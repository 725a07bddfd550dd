//! What can be wrong with the members of a request together, before there is a request of the library's: whoever reads
//! DynamoDB's protocol finds these. Structure only; the words stand in `messages`.

/// Members of a request that do not go together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestFault {
    /// A query without a key condition of either form.
    KeyConditionMissing,
    /// A scan says of how many segments, and not which.
    SegmentMissing,
    /// A scan says which segment, and not of how many.
    TotalSegmentsMissing,
    /// An action of a transaction of writes has more than one of its four forms.
    TransactTwofold,
    /// An action of a transaction of writes has none of its four forms.
    TransactEmpty,
    /// A write of a batch is both a put and a delete.
    BatchWriteTwofold,
    /// A write of a batch is neither a put nor a delete.
    BatchWriteEmpty,
}
