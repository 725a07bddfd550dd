//! The words of the faults of expressions, before an operation puts them into its envelope.

use crate::dynamo::expression::fault::{
    ExpressionFault, ExpressionKind, InvalidExpression, InvalidKeyCondition, InvalidPlaceholder,
    PlaceholderKind, SyntaxFault,
};
use crate::dynamo::value::{self, Value, ValueType};
use std::fmt::{self, Display as _, Formatter};

impl fmt::Display for ExpressionFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { kind, fault } => {
                write!(f, "Invalid {}: ", parameter(*kind))?;
                write_invalid(f, *kind, fault)
            }
            Self::Placeholders { kind, fault } => write_placeholders(f, *kind, fault),
            Self::Value(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for ExpressionFault {}

pub(super) fn parameter(kind: ExpressionKind) -> &'static str {
    match kind {
        ExpressionKind::Condition => "ConditionExpression",
        ExpressionKind::Filter => "FilterExpression",
        ExpressionKind::KeyCondition => "KeyConditionExpression",
        ExpressionKind::Projection => "ProjectionExpression",
        ExpressionKind::Update => "UpdateExpression",
    }
}

fn write_placeholders(
    f: &mut Formatter<'_>,
    kind: PlaceholderKind,
    fault: &InvalidPlaceholder,
) -> fmt::Result {
    let map = match kind {
        PlaceholderKind::Name => "ExpressionAttributeNames",
        PlaceholderKind::Value => "ExpressionAttributeValues",
    };
    match fault {
        InvalidPlaceholder::NoExpression => write!(f, "{map} can only be specified when using expressions"),
        InvalidPlaceholder::Empty => write!(f, "{map} must not be empty"),
        InvalidPlaceholder::Syntax { placeholder } => {
            write!(f, "{map} contains invalid key: Syntax error; key: \"{placeholder}\"")
        }
        InvalidPlaceholder::TooLong { size_bytes } => write!(
            f,
            "{map} contains invalid key: The expression attribute map contains a key that is too long; \
             size of key: {size_bytes}"
        ),
        InvalidPlaceholder::TooLarge => write!(f, "{map} exceeds max size"),
        // The old words, which no operation of this table speaks, name map and placeholder around this.
        InvalidPlaceholder::Invalid { fault, .. } => fault.fmt(f),
        InvalidPlaceholder::Unused { placeholders } => {
            write!(f, "Value provided in {map} unused in expressions: keys: {{{}}}", placeholders.join(", "))
        }
    }
}

fn write_invalid(f: &mut Formatter<'_>, kind: ExpressionKind, fault: &InvalidExpression) -> fmt::Result {
    const COUNT: &str = "Incorrect number of operands for operator or function; operator or function: ";
    const TYPE: &str = "Incorrect operand type for operator or function; ";
    const MISUSE: &str = "The function is not allowed to be used this way in an expression; function: ";
    match fault {
        InvalidExpression::Empty => f.write_str("The expression can not be empty;"),
        InvalidExpression::TooLong { .. } => {
            f.write_str("Expression size has exceeded the maximum allowed size;")
        }
        InvalidExpression::Syntax(fault) => {
            let SyntaxFault { token, near, .. } = fault.as_ref();
            write!(f, "Syntax error; token: \"{}\", near: \"{near}\"", token.as_deref().unwrap_or("<EOF>"))
        }
        InvalidExpression::RedundantParentheses => f.write_str("The expression has redundant parentheses;"),
        InvalidExpression::UnknownFunction { function } => {
            write!(f, "Invalid function name; function: {function}")
        }
        InvalidExpression::FunctionNotAllowed { function } => {
            let expression = if kind == ExpressionKind::Update { "an update" } else { "a condition" };
            write!(f, "The function is not allowed in {expression} expression; function: {function}")
        }
        InvalidExpression::FunctionMisplaced { function } => write!(f, "{MISUSE}{function}"),
        InvalidExpression::ReservedWord { word } => {
            write!(f, "Attribute name is a reserved keyword; reserved keyword: {word}")
        }
        InvalidExpression::UndefinedName { placeholder } => write!(
            f,
            "An expression attribute name used in the document path is not defined; attribute name: {placeholder}"
        ),
        InvalidExpression::UndefinedValue { placeholder } => write!(
            f,
            "An expression attribute value used in expression is not defined; attribute value: {placeholder}"
        ),
        InvalidExpression::OperandCount { operator, count } => {
            write!(f, "{COUNT}{operator}, number of operands: {count}")
        }
        InvalidExpression::TooManyCandidates { count } => {
            write!(f, "The IN operator is provided with too many operands; number of operands: {count}")
        }
        InvalidExpression::OperandRepeated { operator, operand } => write!(
            f,
            "The first operand must be distinct from the remaining operands for this operator or function; \
             operator: {operator}, first operand: {operand}"
        ),
        InvalidExpression::PathRequired { operator } => {
            write!(f, "Operator or function requires a document path; operator or function: {operator}")
        }
        InvalidExpression::OperandType { operator, operand } => {
            let operand = operand.map_or("{NS,SS,L,BS,N,M,B,BOOL,NULL,S}", ValueType::name);
            write!(f, "{TYPE}operator or function: {operator}, operand type: {operand}")
        }
        InvalidExpression::ActionOperandType { action, operand } => write!(
            f,
            "{TYPE}operator: {action}, operand type: {}, typeSet: ALLOWED_FOR_{action}_OPERAND",
            spelled_out(*operand)
        ),
        InvalidExpression::UnknownType { name } => write!(
            f,
            "Invalid attribute type name found; type: {name}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}"
        ),
        InvalidExpression::BoundsReversed { bounds } => {
            write_bounds(f, "upper bound to be greater than or equal to lower bound", bounds)
        }
        InvalidExpression::BoundsOfTwoTypes { bounds } => {
            write_bounds(f, "same data type for lower and upper bounds", bounds)
        }
        InvalidExpression::ListIndexTooLarge { index } => {
            write!(f, "List index is not within the allowable range; index: [{index}]")
        }
        InvalidExpression::PathTooDeep { levels } => {
            write!(f, "The document path has too many nesting levels; nesting levels: {levels}")
        }
        InvalidExpression::TooManyOperators { count } => {
            write!(f, "The expression contains too many operators; operator count: {count}")
        }
        InvalidExpression::PathsOverlap { paths } => write!(
            f,
            "Two document paths overlap with each other; must remove or rewrite one of these paths; \
             path one: {}, path two: {}",
            paths.0, paths.1
        ),
        InvalidExpression::PathsConflict { paths } => write!(
            f,
            "Two document paths conflict with each other; must remove or rewrite one of these paths; \
             path one: {}, path two: {}",
            paths.0, paths.1
        ),
        InvalidExpression::SectionRepeated { section } => {
            write!(f, "The \"{section}\" section can only be used once in an update expression;")
        }
        InvalidExpression::Key(fault) => write_key_condition(f, *fault),
    }
}

fn write_key_condition(f: &mut Formatter<'_>, fault: InvalidKeyCondition) -> fmt::Result {
    const INVALID: &str = "Invalid condition in KeyConditionExpression: ";
    match fault {
        InvalidKeyCondition::Operator { operator } => {
            write!(f, "Invalid operator used in KeyConditionExpression: {operator}")
        }
        InvalidKeyCondition::OperationNested => {
            f.write_str("KeyConditionExpressions cannot contain nested operations")
        }
        InvalidKeyCondition::PathNested => {
            f.write_str("KeyConditionExpressions cannot have conditions on nested attributes")
        }
        InvalidKeyCondition::AttributesCompared => {
            write!(f, "{INVALID}Multiple attribute names used in one condition")
        }
        InvalidKeyCondition::AttributeMissing => write!(f, "{INVALID}No key attribute specified"),
        InvalidKeyCondition::AttributeNotFirst { operator } => {
            write!(f, "{INVALID}{operator} operator must have the key attribute as its first operand")
        }
        InvalidKeyCondition::Repeated => {
            f.write_str("KeyConditionExpressions must only contain one condition per key")
        }
    }
}

/// How DynamoDB calls a type where it does not call it by its short name.
fn spelled_out(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::String => "STRING",
        ValueType::Number => "NUMBER",
        ValueType::Binary => "BINARY",
        ValueType::Bool => "BOOLEAN",
        ValueType::Null => "NULL",
        ValueType::List => "LIST",
        ValueType::Map => "MAP",
        ValueType::StringSet => "STRING_SET",
        ValueType::NumberSet => "NUMBER_SET",
        ValueType::BinarySet => "BINARY_SET",
    }
}

fn write_bounds(f: &mut Formatter<'_>, requirement: &str, (lower, upper): &(Value, Value)) -> fmt::Result {
    write!(
        f,
        "The BETWEEN operator requires {requirement}; lower bound operand: {}, upper bound operand: {}",
        Operand(lower),
        Operand(upper)
    )
}

/// A value of a type that has an order, as DynamoDB prints an operand.
struct Operand<'a>(&'a Value);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value_type = self.0.value_type();
        match self.0 {
            Value::String(text) => write!(f, "AttributeValue: {{{value_type}:{text}}}"),
            Value::Number(number) => write!(f, "AttributeValue: {{{value_type}:{number}}}"),
            Value::Binary(bytes) => write!(f, "AttributeValue: {{{value_type}:{}}}", value::base64(bytes)),
            _ => write!(f, "AttributeValue: {{{value_type}}}"),
        }
    }
}
