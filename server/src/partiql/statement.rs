//! Statements, parsed: parameters are in their places.

use pixii::dynamo::expression::tree::{Condition, UpdateAction};
use pixii::{DocumentPath, Item, ReturnValues};

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Statement {
    Select(Select),
    Insert(Insert),
    Update(UpdateStatement),
    Delete(DeleteStatement),
    /// `EXISTS(SELECT …)`: a condition of a transaction.
    Exists(Select),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Select {
    pub(crate) table: String,
    pub(crate) index: Option<String>,
    /// What is shown of each item; all of it if there is none.
    pub(crate) paths: Option<Vec<DocumentPath>>,
    pub(crate) condition: Option<Condition>,
    /// By which attributes, and whether each descends.
    pub(crate) order: Vec<(String, Direction)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Insert {
    pub(crate) table: String,
    pub(crate) item: Item,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct UpdateStatement {
    pub(crate) table: String,
    pub(crate) actions: Vec<UpdateAction>,
    pub(crate) condition: Option<Condition>,
    pub(crate) returning: ReturnValues,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DeleteStatement {
    pub(crate) table: String,
    pub(crate) condition: Option<Condition>,
    pub(crate) returning: ReturnValues,
}

impl Statement {
    /// The table that it is about.
    pub(crate) fn table(&self) -> &str {
        match self {
            Self::Select(select) | Self::Exists(select) => &select.table,
            Self::Insert(insert) => &insert.table,
            Self::Update(update) => &update.table,
            Self::Delete(delete) => &delete.table,
        }
    }
}
