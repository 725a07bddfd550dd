//! The legacy parameters as plain data, in DynamoDB's shapes. Maps of them are by the names of whole attributes.
//!
//! Each request that takes any has one optional member `legacy` for them all, and means nothing by an absent one. New code
//! says the same with expressions.
//!
//! Source: DynamoDB developer guide, "Legacy conditional parameters", and the API reference of the types named here.

use crate::dynamo::value::Value;
use std::collections::BTreeMap;

/// How an attribute is compared with the values that a condition gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ComparisonOperator {
    /// `EQ`: of the same type and equal.
    Equal,
    /// `NE`: of another type, not equal, or missing.
    NotEqual,
    /// `IN`: equal to one of the values.
    In,
    /// `LE`
    LessOrEqual,
    /// `LT`
    Less,
    /// `GE`
    GreaterOrEqual,
    /// `GT`
    Greater,
    /// `BETWEEN`: both bounds are included.
    Between,
    /// `NOT_NULL`: the attribute exists, as `NULL` too.
    NotNull,
    /// `NULL`: the attribute does not exist. It asks nothing of the type `NULL`.
    Null,
    /// `CONTAINS`: a string or binary has this part, a set or list this member.
    Contains,
    /// `NOT_CONTAINS`: the attribute exists and does not contain the value.
    NotContains,
    /// `BEGINS_WITH`: a string or binary begins so.
    BeginsWith,
}

impl ComparisonOperator {
    /// All operators.
    pub const ALL: [Self; 13] = [
        Self::Equal,
        Self::NotEqual,
        Self::In,
        Self::LessOrEqual,
        Self::Less,
        Self::GreaterOrEqual,
        Self::Greater,
        Self::Between,
        Self::NotNull,
        Self::Null,
        Self::Contains,
        Self::NotContains,
        Self::BeginsWith,
    ];

    /// As DynamoDB writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Equal => "EQ",
            Self::NotEqual => "NE",
            Self::In => "IN",
            Self::LessOrEqual => "LE",
            Self::Less => "LT",
            Self::GreaterOrEqual => "GE",
            Self::Greater => "GT",
            Self::Between => "BETWEEN",
            Self::NotNull => "NOT_NULL",
            Self::Null => "NULL",
            Self::Contains => "CONTAINS",
            Self::NotContains => "NOT_CONTAINS",
            Self::BeginsWith => "BEGINS_WITH",
        }
    }

    /// The operator of that name, which is in upper case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| operator.name() == name)
    }
}

/// Whether all conditions or at least one must be met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConditionalOperator {
    /// `AND`: all of them.
    #[default]
    And,
    /// `OR`: at least one.
    Or,
}

impl ConditionalOperator {
    /// As DynamoDB writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::And => "AND",
            Self::Or => "OR",
        }
    }

    /// The operator of that name, which is in upper case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::And, Self::Or].into_iter().find(|operator| operator.name() == name)
    }
}

/// What an update does to an attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AttributeAction {
    /// `PUT`: sets it.
    #[default]
    Put,
    /// `ADD`: adds to a number, to a set or to the end of a list.
    Add,
    /// `DELETE`: with a value takes members from a set, without one removes the attribute.
    Delete,
}

impl AttributeAction {
    /// As DynamoDB writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Put => "PUT",
            Self::Add => "ADD",
            Self::Delete => "DELETE",
        }
    }

    /// The action of that name, which is in upper case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Put, Self::Add, Self::Delete].into_iter().find(|action| action.name() == name)
    }
}

/// What an attribute must meet: DynamoDB's `Condition`, of `KeyConditions`, `QueryFilter` and `ScanFilter`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyCondition {
    /// How it is compared.
    pub operator: ComparisonOperator,
    /// With what. A list that is not given and an empty one are the same here.
    pub attribute_value_list: Vec<Value>,
}

/// What an attribute must meet for a write: DynamoDB's `ExpectedAttributeValue`, of `Expected`.
///
/// Either an operator with what it compares with, or whether the attribute exists and with what value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpectedAttributeValue {
    /// The value that it has. With an operator: the one that it is compared with.
    pub value: Option<Value>,
    /// Whether it exists. If so, the value must be given; this is also what is meant when nothing is said.
    pub exists: Option<bool>,
    /// How it is compared.
    pub operator: Option<ComparisonOperator>,
    /// With what; only together with an operator, and only in place of a value.
    pub attribute_value_list: Option<Vec<Value>>,
}

/// How an attribute changes: DynamoDB's `AttributeValueUpdate`, of `AttributeUpdates`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeValueUpdate {
    /// What is done; it is set if nothing is said.
    pub action: Option<AttributeAction>,
    /// What with. Only a `DELETE` goes without.
    pub value: Option<Value>,
}

/// The parameters of requests that expressions have replaced.
///
/// They stand in the order in which DynamoDB names those that a request mixes with expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LegacyParameter {
    /// How an item is changed.
    AttributeUpdates,
    /// Which attributes of an item an answer has.
    AttributesToGet,
    /// What an item must meet to be written.
    Expected,
    /// What an item must meet to be in the answer of a query.
    QueryFilter,
    /// What an item must meet to be in the answer of a scan.
    ScanFilter,
    /// Whether all conditions or at least one must be met.
    ConditionalOperator,
    /// Which keys a query reads.
    KeyConditions,
}

/// The legacy parameters of a put or a delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegacyWrite {
    /// What the item must meet as it is.
    pub expected: Option<BTreeMap<String, ExpectedAttributeValue>>,
    /// Whether all that is expected must be met, or one; all if nothing is said.
    pub conditional_operator: Option<ConditionalOperator>,
}

/// The legacy parameters of an update.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegacyUpdate {
    /// How the item is changed. An empty map makes sure that the item is there.
    pub attribute_updates: Option<BTreeMap<String, AttributeValueUpdate>>,
    /// What the item must meet as it is.
    pub expected: Option<BTreeMap<String, ExpectedAttributeValue>>,
    /// Whether all that is expected must be met, or one; all if nothing is said.
    pub conditional_operator: Option<ConditionalOperator>,
}

/// The legacy parameters of a get, and of a table's part of a batch of gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegacyGet {
    /// Which attributes to answer with.
    pub attributes_to_get: Option<Vec<String>>,
}

/// The legacy parameters of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegacyQuery {
    /// Which keys to read. It may stand beside a filter and a projection that are expressions.
    pub key_conditions: Option<BTreeMap<String, LegacyCondition>>,
    /// What an item must meet to be answered with.
    pub query_filter: Option<BTreeMap<String, LegacyCondition>>,
    /// Whether all of the filter must be met, or one of it; all if nothing is said.
    pub conditional_operator: Option<ConditionalOperator>,
    /// Which attributes to answer with.
    pub attributes_to_get: Option<Vec<String>>,
}

/// The legacy parameters of a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegacyScan {
    /// What an item must meet to be answered with.
    pub scan_filter: Option<BTreeMap<String, LegacyCondition>>,
    /// Whether all of the filter must be met, or one of it; all if nothing is said.
    pub conditional_operator: Option<ConditionalOperator>,
    /// Which attributes to answer with.
    pub attributes_to_get: Option<Vec<String>>,
}
