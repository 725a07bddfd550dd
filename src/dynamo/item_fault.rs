//! What can be wrong with a request to write or read items, beyond values, keys and expressions. Structure only; the words
//! stand in `messages`.

use super::expression::update::UpdateFault;
use super::value::Item;

/// A write that is refused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WriteFault {
    /// The item does not meet the condition.
    ConditionFailed {
        /// The item as it is, if that was asked for and there is one.
        item: Option<Box<Item>>,
    },
    /// A put or a delete is asked for other attributes than the old ones.
    ReturnValues,
    /// The update cannot be done on the item as it is.
    Update(UpdateFault),
    /// An update names an attribute of the table's key.
    KeyUpdated {
        /// The attribute.
        attribute: String,
    },
    /// An update names what lies inside an attribute of an index's key.
    IndexKeyPath {
        /// The attribute.
        attribute: String,
    },
    /// A batch has no writes.
    BatchEmpty,
    /// A batch has more than 25 writes in all.
    BatchTooLong,
    /// A table of a batch has no writes, or more than 25.
    BatchTable {
        /// The table.
        table: String,
    },
    /// A batch or transaction is larger than is allowed.
    TooLarge {
        /// Its size.
        size_bytes: usize,
        /// The most that is allowed.
        limit_bytes: usize,
    },
    /// A transaction has the same item twice.
    TransactionItemTwice,
    /// A transaction did nothing.
    TransactionCanceled {
        /// Why, for each of its actions.
        reasons: Vec<CancellationReason>,
    },
    /// A transaction has met another, more often than it was to be tried.
    TransactionConflict,
    /// An interactive transaction asks for a table that was made after the moment that it reads.
    TableMadeSince {
        /// The table.
        table: String,
    },
    /// A transaction of the same token is under way.
    TransactionInProgress,
    /// The token was used for a transaction with other content.
    TokenMismatch,
}

/// What an action of a transaction has to do with its being cancelled.
#[derive(Clone, Debug, PartialEq)]
pub struct CancellationReason {
    /// In short.
    pub code: CancellationCode,
    /// In DynamoDB's words; none if the action is not to blame.
    pub message: Option<String>,
    /// The item as it is, if its condition failed, that was asked for, and there is one.
    pub item: Option<Item>,
}

impl CancellationReason {
    /// The reason of an action that is not to blame.
    pub(super) fn none() -> Self {
        Self { code: CancellationCode::None, message: None, item: None }
    }
}

/// Why a transaction was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancellationCode {
    /// Not because of this action.
    None,
    /// Its condition is not met.
    ConditionalCheckFailed,
    /// It cannot be done on its item, or does not fit its table.
    ValidationError,
    /// It was to insert an item that is there already: told by those who speak `PartiQL`.
    DuplicateItem,
}

impl CancellationCode {
    /// As DynamoDB writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::ConditionalCheckFailed => "ConditionalCheckFailed",
            Self::ValidationError => "ValidationError",
            Self::DuplicateItem => "DuplicateItem",
        }
    }
}

/// A read that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadFault {
    /// A batch asks for more than 100 items.
    BatchTooLong,
    /// A batch or transaction has the same item twice.
    DuplicateKeys,
    /// The answer of a transaction is larger than is allowed.
    TooLarge {
        /// Its size.
        size_bytes: usize,
        /// The most that is allowed.
        limit_bytes: usize,
    },
    /// A projection is given beside a selection that says which attributes are wanted.
    SelectWithProjection {
        /// The selection, as DynamoDB writes it.
        select: &'static str,
        /// The parameter that the projection was given by.
        parameter: &'static str,
    },
    /// Specific attributes are selected, and none is named.
    SelectNothing,
    /// What an index projects is selected, and no index is named.
    SelectWithoutIndex,
    /// All attributes are selected of a global index that does not hold them.
    SelectAllOfIndex {
        /// The index.
        index: String,
    },
    /// A projection names attributes that a global index does not hold.
    NotProjected {
        /// The index.
        index: String,
        /// The attributes.
        attributes: Vec<String>,
    },
    /// A query's filter names an attribute of the key.
    FilterOnKey {
        /// The attribute.
        attribute: String,
    },
    /// A path leads into an attribute of a key.
    KeyPath {
        /// The attribute.
        attribute: String,
        /// Whether the key is an index's and not the table's.
        of_index: bool,
    },
    /// A global index is to be read consistently.
    ConsistentGlobalIndex,
    /// A segment is not one of the total.
    SegmentOutOfRange {
        /// The segment.
        segment: u32,
        /// Of how many.
        total_segments: u32,
    },
}
