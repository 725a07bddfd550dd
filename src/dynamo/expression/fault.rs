//! What can be wrong with an expression and with what it is given, as structure. DynamoDB's words for it stand in
//! `messages`.

use super::path::DocumentPath;
use crate::dynamo::value::{Value, ValueFault, ValueType};

/// The expressions of requests, by the parameter that holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExpressionKind {
    /// What an item must meet to be written.
    Condition,
    /// What an item must meet to be in an answer.
    Filter,
    /// Which keys a query reads.
    KeyCondition,
    /// Which parts of an item an answer has.
    Projection,
    /// How an item is changed.
    Update,
}

/// What placeholders stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlaceholderKind {
    /// `#name`: the name of an attribute.
    Name,
    /// `:value`: a value.
    Value,
}

/// Why an expression, or what it is given, is refused. `Display` gives DynamoDB's words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpressionFault {
    /// An expression is wrong.
    Invalid {
        /// Which one.
        kind: ExpressionKind,
        /// What is wrong.
        fault: InvalidExpression,
    },
    /// The names or the values that expressions are given are wrong.
    Placeholders {
        /// Names or values.
        kind: PlaceholderKind,
        /// What is wrong.
        fault: InvalidPlaceholder,
    },
    /// A name or a value that stands in a tree is not one that DynamoDB stores.
    Value(ValueFault),
}

/// What is wrong with names or values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidPlaceholder {
    /// There are some, and no expression.
    NoExpression,
    /// They are given, and there are none.
    Empty,
    /// A placeholder is not `#` or `:` and then letters, digits and underscores.
    Syntax {
        /// As it is given.
        placeholder: String,
    },
    /// A placeholder is longer than 255 bytes.
    TooLong {
        /// Its length.
        size_bytes: usize,
    },
    /// All placeholders and what they stand for are larger than 2 MB.
    TooLarge,
    /// What a placeholder stands for is not a name or a value that DynamoDB takes.
    Invalid {
        /// As it is given.
        placeholder: String,
        /// What is wrong with the name or value.
        fault: ValueFault,
    },
    /// No expression uses these.
    Unused {
        /// As they are given, sorted.
        placeholders: Vec<String>,
    },
}

/// Where a text stops being an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxFault {
    /// Where the token begins, in bytes from the beginning of the text.
    pub position_bytes: usize,
    /// The token that cannot stand there; none if the text ends too early.
    pub token: Option<String>,
    /// The token with its neighbours, as it is written.
    pub near: String,
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidExpression {
    /// There is nothing in it.
    Empty,
    /// It is longer than 4,096 bytes.
    TooLong {
        /// Its length.
        size_bytes: usize,
    },
    /// It does not parse.
    Syntax(Box<SyntaxFault>),
    /// Parentheses directly around parentheses.
    RedundantParentheses,
    /// No such function.
    UnknownFunction {
        /// As it is written.
        function: String,
    },
    /// A function of updates in a condition, or the other way round.
    FunctionNotAllowed {
        /// The function.
        function: &'static str,
    },
    /// A function where what it gives has no place.
    FunctionMisplaced {
        /// The function.
        function: &'static str,
    },
    /// A bare name is a reserved word.
    ReservedWord {
        /// As it is written.
        word: String,
    },
    /// A placeholder for a name that is not given.
    UndefinedName {
        /// As it is written.
        placeholder: String,
    },
    /// A placeholder for a value that is not given.
    UndefinedValue {
        /// As it is written.
        placeholder: String,
    },
    /// An operator or a function has too many or too few operands.
    OperandCount {
        /// The operator or function.
        operator: &'static str,
        /// How many there are.
        count: usize,
    },
    /// `IN` has more than 100 candidates.
    TooManyCandidates {
        /// How many there are.
        count: usize,
    },
    /// The first operand is there once more.
    OperandRepeated {
        /// The operator or function.
        operator: &'static str,
        /// The operand.
        operand: DocumentPath,
    },
    /// A function's first operand has to be a path.
    PathRequired {
        /// The function.
        operator: &'static str,
    },
    /// An operator or a function does not take operands of this type.
    OperandType {
        /// The operator or function.
        operator: &'static str,
        /// The operand's type; none of an operand that may have any, where a value has to be given.
        operand: Option<ValueType>,
    },
    /// `ADD` or `DELETE` does not take values of this type.
    ActionOperandType {
        /// `ADD` or `DELETE`.
        action: &'static str,
        /// The value's type.
        operand: ValueType,
    },
    /// `attribute_type` is asked for a type that there is not.
    UnknownType {
        /// As it is given.
        name: String,
    },
    /// The lower bound of `BETWEEN` is above the upper one.
    BoundsReversed {
        /// Lower and upper bound.
        bounds: Box<(Value, Value)>,
    },
    /// The bounds of `BETWEEN` have two types.
    BoundsOfTwoTypes {
        /// Lower and upper bound.
        bounds: Box<(Value, Value)>,
    },
    /// An index into a list is too large.
    ListIndexTooLarge {
        /// As it is written.
        index: String,
    },
    /// A path has more than 32 elements.
    PathTooDeep {
        /// How many it has.
        levels: usize,
    },
    /// There are more than 300 operators and functions.
    TooManyOperators {
        /// How many were counted before counting was given up.
        count: usize,
    },
    /// One path is a part of another, or the same.
    PathsOverlap {
        /// The two.
        paths: Box<(DocumentPath, DocumentPath)>,
    },
    /// What one path takes for a list the other takes for a map.
    PathsConflict {
        /// The two.
        paths: Box<(DocumentPath, DocumentPath)>,
    },
    /// A section of an update is there twice.
    SectionRepeated {
        /// `SET`, `REMOVE`, `ADD` or `DELETE`.
        section: &'static str,
    },
    /// A condition that cannot be asked of keys.
    Key(InvalidKeyCondition),
}

/// Why a condition cannot be asked of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKeyCondition {
    /// An operator or function that a key condition may not have.
    Operator {
        /// The operator or function.
        operator: &'static str,
    },
    /// There is a `size` in it.
    OperationNested,
    /// It asks of something within an attribute.
    PathNested,
    /// It compares two attributes.
    AttributesCompared,
    /// It asks of no attribute.
    AttributeMissing,
    /// An operator that has to begin with the attribute does not.
    AttributeNotFirst {
        /// The operator or function.
        operator: &'static str,
    },
    /// It asks twice of one attribute.
    Repeated,
}

impl InvalidExpression {
    /// The fault of an expression of that kind.
    pub fn of(self, kind: ExpressionKind) -> ExpressionFault {
        ExpressionFault::Invalid { kind, fault: self }
    }
}

impl InvalidPlaceholder {
    /// The fault of names or of values.
    pub fn of(self, kind: PlaceholderKind) -> ExpressionFault {
        ExpressionFault::Placeholders { kind, fault: self }
    }
}

impl From<InvalidKeyCondition> for InvalidExpression {
    fn from(fault: InvalidKeyCondition) -> Self {
        Self::Key(fault)
    }
}

impl From<ValueFault> for ExpressionFault {
    fn from(fault: ValueFault) -> Self {
        Self::Value(fault)
    }
}
