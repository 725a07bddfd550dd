//! What of an item an answer shows.

use crate::base::codec::DecodeError;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::expression::project::PreparedProjection;
use crate::dynamo::expression::tree::ProjectionExpression;
use crate::dynamo::stored::StoredItem;

/// What of each item is shown.
#[derive(Clone, Debug)]
pub(super) enum Shown {
    Whole,
    Parts(PreparedProjection),
    /// Only that it is there.
    Nothing,
}

impl Shown {
    pub(super) fn new(projection: Option<&ProjectionExpression>) -> Self {
        projection.map_or(Self::Whole, |projection| Self::Parts(projection.prepare()))
    }

    /// Gives what is shown of `item` to `read`. A projection writes it into `buffer` first.
    pub(super) fn show<R>(
        &self,
        item: &StoredItem<'_>,
        buffer: &mut Vec<u8>,
        read: impl FnOnce(&StoredItem<'_>) -> Result<R>,
    ) -> Result<R> {
        match self {
            Self::Whole | Self::Nothing => read(item),
            Self::Parts(projection) => {
                buffer.clear();
                projection.project(item, buffer).map_err(damaged)?;
                read(&StoredItem::parse(buffer).map_err(damaged)?)
            }
        }
    }
}

pub(super) fn damaged(error: DecodeError) -> Error {
    Error::damaged("item", error)
}
