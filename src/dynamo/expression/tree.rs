//! The trees of expressions: names and values are in their places, and nothing of the text is left.
//!
//! A tree can say what DynamoDB refuses; `check` tells. Whoever evaluates a tree has had it checked.

use super::path::DocumentPath;
use crate::dynamo::encoding::encode_value;
use crate::dynamo::value::{Value, ValueType};

/// A value that an expression gives, with its stored form, which is what stored values are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    value: Value,
    encoded: Vec<u8>,
}

impl Constant {
    /// The constant of that value.
    pub fn new(value: impl Into<Value>) -> Self {
        let value = value.into();
        let mut encoded = Vec::new();
        encode_value(&value, &mut encoded);
        Self { value, encoded }
    }

    /// The value.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The value in its stored form.
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// The value's type.
    pub fn value_type(&self) -> ValueType {
        self.value.value_type()
    }
}

/// What a condition looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// What stands there in the item, if anything does.
    Path(DocumentPath),
    /// This.
    Value(Constant),
    /// `size`: characters of a string in UTF-16 units, bytes of a binary, members of the others.
    Size(Box<Operand>),
}

/// How two operands are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparator {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparator {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// What an item must meet: a condition expression or a filter expression.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// Two operands compare so. Of operands that are missing or of two types only `<>` is true.
    Compare {
        /// The left one.
        left: Operand,
        /// How they compare.
        comparator: Comparator,
        /// The right one.
        right: Operand,
    },
    /// `BETWEEN`, both bounds included.
    Between {
        /// What is looked at.
        operand: Operand,
        /// The lower bound.
        lower: Operand,
        /// The upper bound.
        upper: Operand,
    },
    /// `IN`: equal to one of these.
    In {
        /// What is looked at.
        operand: Operand,
        /// What it may be.
        candidates: Vec<Operand>,
    },
    /// `attribute_exists`
    AttributeExists(DocumentPath),
    /// `attribute_not_exists`
    AttributeNotExists(DocumentPath),
    /// `attribute_type`
    AttributeType {
        /// What is looked at.
        operand: Operand,
        /// The type that it has.
        value_type: ValueType,
    },
    /// `begins_with`: a string or a binary begins so.
    BeginsWith {
        /// What is looked at.
        operand: Operand,
        /// How it begins.
        prefix: Operand,
    },
    /// `contains`: a string or binary has this part, a set or list this member.
    Contains {
        /// What is looked at.
        operand: Operand,
        /// What it has.
        member: Operand,
    },
    /// `NOT_CONTAINS` of the legacy parameters: unlike `NOT contains`, false of a missing attribute.
    NotContains {
        /// What is looked at.
        operand: Operand,
        /// What it has not.
        member: Operand,
    },
    /// All of these.
    And(Vec<Condition>),
    /// At least one of these.
    Or(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
}

impl Operand {
    /// Calls `visit` with the path that it looks at, if it looks at one.
    pub fn visit_path(&self, visit: &mut impl FnMut(&DocumentPath)) {
        match self {
            Self::Path(path) => visit(path),
            Self::Value(_) => {}
            Self::Size(operand) => operand.visit_path(visit),
        }
    }
}

impl Condition {
    /// Calls `visit` with every path that it looks at, in the order in which they are written.
    pub fn visit_paths(&self, visit: &mut impl FnMut(&DocumentPath)) {
        match self {
            Self::Compare { left, right, .. } => {
                left.visit_path(visit);
                right.visit_path(visit);
            }
            Self::Between { operand, lower, upper } => {
                operand.visit_path(visit);
                lower.visit_path(visit);
                upper.visit_path(visit);
            }
            Self::In { operand, candidates } => {
                operand.visit_path(visit);
                for candidate in candidates {
                    candidate.visit_path(visit);
                }
            }
            Self::AttributeExists(path) | Self::AttributeNotExists(path) => visit(path),
            Self::AttributeType { operand, .. } => operand.visit_path(visit),
            Self::BeginsWith { operand, prefix: other }
            | Self::Contains { operand, member: other }
            | Self::NotContains { operand, member: other } => {
                operand.visit_path(visit);
                other.visit_path(visit);
            }
            Self::And(conditions) | Self::Or(conditions) => {
                for condition in conditions {
                    condition.visit_paths(visit);
                }
            }
            Self::Not(condition) => condition.visit_paths(visit),
        }
    }
}

/// What a `SET` computes from: a value, or where in the old item to take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetOperand {
    /// What stands there in the old item; it must be there.
    Path(DocumentPath),
    /// This.
    Value(Constant),
    /// `if_not_exists`: what stands there in the old item, or else the default.
    IfNotExists {
        /// Where to look.
        path: DocumentPath,
        /// What to take if nothing is there.
        default: Box<SetOperand>,
    },
    /// `list_append`: the elements of the first list and then those of the second.
    ListAppend(Box<SetOperand>, Box<SetOperand>),
}

/// What a `SET` gives a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetValue {
    /// This.
    Operand(SetOperand),
    /// The exact sum of two numbers.
    Sum(SetOperand, SetOperand),
    /// The exact difference of two numbers.
    Difference(SetOperand, SetOperand),
}

/// One change of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateAction {
    /// `SET path = value`
    Set {
        /// Where.
        path: DocumentPath,
        /// What.
        value: SetValue,
    },
    /// `REMOVE path`
    Remove(DocumentPath),
    /// `ADD path value`: a number to a number, members to a set. What is missing counts as zero, or empty.
    Add {
        /// Where.
        path: DocumentPath,
        /// What.
        value: Constant,
    },
    /// `DELETE path value`: members from a set.
    Delete {
        /// Where.
        path: DocumentPath,
        /// Which members.
        value: Constant,
    },
    /// `ADD` of the legacy parameters, which also appends to lists.
    LegacyAdd {
        /// Where.
        path: DocumentPath,
        /// What.
        value: Constant,
    },
}

impl UpdateAction {
    /// Where it changes the item.
    pub fn path(&self) -> &DocumentPath {
        match self {
            Self::Set { path, .. }
            | Self::Remove(path)
            | Self::Add { path, .. }
            | Self::Delete { path, .. }
            | Self::LegacyAdd { path, .. } => path,
        }
    }
}

/// An update expression: changes that are all computed from the item as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// The changes, in no particular order.
    pub actions: Vec<UpdateAction>,
}

/// A projection expression: which parts of an item an answer has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectionExpression {
    /// Where they stand.
    pub paths: Vec<DocumentPath>,
}

/// A clause of a key condition expression. How the clauses fit a table's key is judged by the operation.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyClause {
    /// The key attribute.
    pub attribute: String,
    /// What its value must meet.
    pub condition: KeyCondition,
}

/// What the value of a key attribute must meet.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyCondition {
    /// `=`
    Equal(Value),
    /// `<`
    Less(Value),
    /// `<=`
    LessOrEqual(Value),
    /// `>`
    Greater(Value),
    /// `>=`
    GreaterOrEqual(Value),
    /// Between two values, both included.
    Between(Value, Value),
    /// Strings or binaries that begin so.
    BeginsWith(Value),
}
