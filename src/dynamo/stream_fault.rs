//! What can be wrong with a request on a stream.

/// A request on a stream that is wrong, or comes too late.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamFault {
    /// The long name is not one of a stream of this store.
    ArnInvalid {
        /// The name.
        arn: String,
    },
    /// No such stream, or none any more.
    StreamNotFound {
        /// The stream's long name, or its table's name if the table never had one.
        stream: String,
    },
    /// The stream has no such shard.
    ShardNotFound {
        /// The shard asked for.
        shard: String,
    },
    /// The kind of iterator needs a member that is not there.
    IteratorMemberMissing {
        /// The member, as DynamoDB writes it.
        member: &'static str,
    },
    /// The kind of iterator has no use for a member that is there.
    IteratorMemberUnexpected {
        /// The member, as DynamoDB writes it.
        member: &'static str,
    },
    /// A sequence number that is none of ours.
    SequenceNumberInvalid {
        /// What was given.
        sequence_number: String,
    },
    /// An iterator that was not given by this store.
    IteratorInvalid,
    /// An iterator that was given too long ago.
    IteratorExpired,
    /// The records from that place on are not kept any more.
    Trimmed,
    /// A consumer's name is empty or too long.
    ConsumerName {
        /// The name.
        name: String,
    },
}
