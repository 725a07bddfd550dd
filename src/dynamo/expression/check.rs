//! What can be said about a tree without an item: of trees that came from text, and of those that Rust code has built.
//!
//! The order of the faults of one condition is DynamoDB's: how many operands there are, an operand that is there twice,
//! types of operands, bounds. Faults of a whole expression (operators, paths that overlap) come behind those of its
//! parts.
//!
//! Invariant: recursion is bounded by the number of operators that an expression may have, which is counted first.

use super::fault::{ExpressionFault, ExpressionKind, InvalidExpression};
use super::path::{DocumentPath, PathElement};
use super::tree::{
    Comparator, Condition, Constant, KeyCondition, Operand, ProjectionExpression, SetOperand, SetValue,
    Update, UpdateAction,
};
use crate::dynamo::limits::{EXPRESSION_OPERATORS_MAX, IN_OPERANDS_MAX, PATH_ELEMENTS_MAX};
use crate::dynamo::value::{Value, ValueType, validate_attribute_name};
use std::cmp::Ordering;

type Checked = Result<(), InvalidExpression>;

impl Condition {
    /// Refuses what DynamoDB refuses whatever the item.
    pub fn check(&self, kind: ExpressionKind) -> Result<(), ExpressionFault> {
        condition_operators(self).map_err(|fault| fault.of(kind))?;
        self.check_parts(kind)
    }

    fn check_parts(&self, kind: ExpressionKind) -> Result<(), ExpressionFault> {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                if parts.is_empty() {
                    return Err(InvalidExpression::Empty.of(kind));
                }
                parts.iter().try_for_each(|part| part.check_parts(kind))
            }
            Self::Not(part) => part.check_parts(kind),
            leaf => {
                let (operands, path) = (operands(leaf), own_path(leaf));
                path.into_iter().try_for_each(check_names)?;
                operands.into_iter().try_for_each(check_contents)?;
                check_leaf(leaf).map_err(|fault| fault.of(kind))
            }
        }
    }
}

impl Update {
    /// Refuses what DynamoDB refuses whatever the item.
    pub fn check(&self) -> Result<(), ExpressionFault> {
        let invalid = |fault: InvalidExpression| fault.of(ExpressionKind::Update);
        update_operators(self).map_err(invalid)?;
        for action in &self.actions {
            check_names(action.path())?;
            match action {
                UpdateAction::Set { value, .. } => {
                    set_operands(value).into_iter().try_for_each(check_set_contents)?;
                }
                UpdateAction::Remove(_) => {}
                UpdateAction::Add { value, .. }
                | UpdateAction::Delete { value, .. }
                | UpdateAction::LegacyAdd { value, .. } => value.value().validate()?,
            }
        }
        check_update(self).map_err(invalid)
    }
}

impl ProjectionExpression {
    /// Refuses what DynamoDB refuses whatever the item.
    pub fn check(&self) -> Result<(), ExpressionFault> {
        self.paths.iter().try_for_each(check_names)?;
        check_projection(self).map_err(|fault| fault.of(ExpressionKind::Projection))
    }
}

impl KeyCondition {
    /// Refuses what is wrong with the operands whatever the table.
    pub fn check(&self) -> Result<(), ExpressionFault> {
        self.check_operands().map_err(|fault| fault.of(ExpressionKind::KeyCondition))
    }

    fn check_operands(&self) -> Checked {
        let ordered = |comparator: Comparator, operand: &Value| {
            check_type(comparator.symbol(), operand.value_type(), is_ordered)
        };
        match self {
            Self::Equal(_) => Ok(()),
            Self::Less(operand) => ordered(Comparator::Less, operand),
            Self::LessOrEqual(operand) => ordered(Comparator::LessOrEqual, operand),
            Self::Greater(operand) => ordered(Comparator::Greater, operand),
            Self::GreaterOrEqual(operand) => ordered(Comparator::GreaterOrEqual, operand),
            Self::BeginsWith(operand) => check_type("begins_with", operand.value_type(), has_beginning),
            Self::Between(lower, upper) => {
                check_type("BETWEEN", lower.value_type(), is_ordered)?;
                check_type("BETWEEN", upper.value_type(), is_ordered)?;
                check_bounds(lower, upper)
            }
        }
    }
}

/// Checks a condition that is not made of others.
pub(super) fn check_leaf(leaf: &Condition) -> Checked {
    own_path(leaf).into_iter().try_for_each(check_depth)?;
    for operand in operands(leaf) {
        check_operand_depth(operand)?;
    }
    match leaf {
        Condition::Compare { left, comparator, right } => {
            check_distinct(comparator.symbol(), left, right)?;
            check_sizes(&[left, right])?;
            if matches!(comparator, Comparator::Equal | Comparator::NotEqual) {
                return Ok(());
            }
            check_types(comparator.symbol(), &[left, right], is_ordered)
        }
        Condition::Between { operand, lower, upper } => {
            check_sizes(&[operand, lower, upper])?;
            check_types("BETWEEN", &[operand, lower, upper], is_ordered)?;
            match (lower, upper) {
                (Operand::Value(lower), Operand::Value(upper)) => check_bounds(lower.value(), upper.value()),
                _ => Ok(()),
            }
        }
        Condition::In { operand, candidates } => {
            match candidates.len() {
                0 => return Err(InvalidExpression::OperandCount { operator: "IN", count: 0 }),
                1..=IN_OPERANDS_MAX => {}
                count => return Err(InvalidExpression::TooManyCandidates { count }),
            }
            check_sizes(&[operand])?;
            candidates.iter().try_for_each(|candidate| check_sizes(&[candidate]))
        }
        Condition::AttributeType { operand, .. } => check_sizes(&[operand]),
        Condition::BeginsWith { operand, prefix } => {
            check_distinct("begins_with", operand, prefix)?;
            check_sizes(&[operand, prefix])?;
            check_types("begins_with", &[operand, prefix], has_beginning)
        }
        Condition::Contains { operand, member } | Condition::NotContains { operand, member } => {
            check_distinct("contains", operand, member)?;
            check_sizes(&[operand, member])
        }
        Condition::AttributeExists(_)
        | Condition::AttributeNotExists(_)
        | Condition::And(_)
        | Condition::Or(_)
        | Condition::Not(_) => Ok(()),
    }
}

/// Checks the actions of an update, and how they go together.
pub(super) fn check_update(update: &Update) -> Checked {
    if update.actions.is_empty() {
        return Err(InvalidExpression::Empty);
    }
    update.actions.iter().try_for_each(check_action)?;
    check_apart(update.actions.iter().map(UpdateAction::path))
}

/// Checks the paths of a projection, and how they go together.
pub(super) fn check_projection(projection: &ProjectionExpression) -> Checked {
    if projection.paths.is_empty() {
        return Err(InvalidExpression::Empty);
    }
    projection.paths.iter().try_for_each(check_depth)?;
    check_apart(projection.paths.iter())
}

/// Refuses a condition with more operators and functions than are allowed.
pub(super) fn condition_operators(condition: &Condition) -> Checked {
    count_condition(condition, &mut 0)
}

/// Refuses an update with more operators and functions than are allowed.
pub(super) fn update_operators(update: &Update) -> Checked {
    let mut count = 0;
    for action in &update.actions {
        let UpdateAction::Set { value, .. } = action else { continue };
        if !matches!(value, SetValue::Operand(_)) {
            count_more(1, &mut count)?;
        }
        set_operands(value).into_iter().try_for_each(|operand| count_set_operand(operand, &mut count))?;
    }
    Ok(())
}

/// Refuses a path that is both operands.
pub(super) fn check_distinct(operator: &'static str, first: &Operand, second: &Operand) -> Checked {
    match (first, second) {
        (Operand::Path(first), Operand::Path(second)) if first == second => {
            Err(InvalidExpression::OperandRepeated { operator, operand: first.clone() })
        }
        _ => Ok(()),
    }
}

/// Refuses operands of `size` that have none.
pub(super) fn check_sizes(operands: &[&Operand]) -> Checked {
    for operand in operands {
        if let Operand::Size(of) = operand {
            check_sizes(&[of])?;
            check_types("size", &[of], has_size)?;
        }
    }
    Ok(())
}

/// The type that an operand has whatever the item.
pub(super) fn static_type(operand: &Operand) -> Option<ValueType> {
    match operand {
        Operand::Path(_) => None,
        Operand::Value(constant) => Some(constant.value_type()),
        Operand::Size(_) => Some(ValueType::Number),
    }
}

fn count_more(more: usize, count: &mut usize) -> Checked {
    *count += more;
    if *count > EXPRESSION_OPERATORS_MAX {
        return Err(InvalidExpression::TooManyOperators { count: EXPRESSION_OPERATORS_MAX + 1 });
    }
    Ok(())
}

fn count_condition(condition: &Condition, count: &mut usize) -> Checked {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => {
            // One part alone counts too, so that every level of the tree does.
            count_more(parts.len().saturating_sub(1).max(1), count)?;
            parts.iter().try_for_each(|part| count_condition(part, count))
        }
        Condition::Not(part) => {
            count_more(1, count)?;
            count_condition(part, count)
        }
        leaf => {
            count_more(1, count)?;
            operands(leaf).into_iter().try_for_each(|operand| count_operand(operand, count))
        }
    }
}

fn count_operand(operand: &Operand, count: &mut usize) -> Checked {
    match operand {
        Operand::Path(_) | Operand::Value(_) => Ok(()),
        Operand::Size(of) => {
            count_more(1, count)?;
            count_operand(of, count)
        }
    }
}

fn count_set_operand(operand: &SetOperand, count: &mut usize) -> Checked {
    match operand {
        SetOperand::Path(_) | SetOperand::Value(_) => Ok(()),
        SetOperand::IfNotExists { default, .. } => {
            count_more(1, count)?;
            count_set_operand(default, count)
        }
        SetOperand::ListAppend(first, second) => {
            count_more(1, count)?;
            count_set_operand(first, count)?;
            count_set_operand(second, count)
        }
    }
}

/// The operands of a condition that is not made of others.
fn operands(leaf: &Condition) -> Vec<&Operand> {
    match leaf {
        Condition::Compare { left, right, .. } => vec![left, right],
        Condition::Between { operand, lower, upper } => vec![operand, lower, upper],
        Condition::In { operand, candidates } => std::iter::once(operand).chain(candidates).collect(),
        Condition::AttributeType { operand, .. } => vec![operand],
        Condition::BeginsWith { operand, prefix } => vec![operand, prefix],
        Condition::Contains { operand, member } | Condition::NotContains { operand, member } => {
            vec![operand, member]
        }
        Condition::AttributeExists(_)
        | Condition::AttributeNotExists(_)
        | Condition::And(_)
        | Condition::Or(_)
        | Condition::Not(_) => Vec::new(),
    }
}

/// The path of a condition that has one and no operands.
fn own_path(leaf: &Condition) -> Option<&DocumentPath> {
    match leaf {
        Condition::AttributeExists(path) | Condition::AttributeNotExists(path) => Some(path),
        _ => None,
    }
}

fn set_operands(value: &SetValue) -> Vec<&SetOperand> {
    match value {
        SetValue::Operand(operand) => vec![operand],
        SetValue::Sum(left, right) | SetValue::Difference(left, right) => vec![left, right],
    }
}

fn check_names(path: &DocumentPath) -> Result<(), ExpressionFault> {
    validate_attribute_name(path.root())?;
    path.rest().iter().try_for_each(|element| match element {
        PathElement::Attribute(name) => Ok(validate_attribute_name(name)?),
        PathElement::Index(_) => Ok(()),
    })
}

fn check_contents(operand: &Operand) -> Result<(), ExpressionFault> {
    match operand {
        Operand::Path(path) => check_names(path),
        Operand::Value(constant) => Ok(constant.value().validate()?),
        Operand::Size(of) => check_contents(of),
    }
}

fn check_set_contents(operand: &SetOperand) -> Result<(), ExpressionFault> {
    match operand {
        SetOperand::Path(path) => check_names(path),
        SetOperand::Value(constant) => Ok(constant.value().validate()?),
        SetOperand::IfNotExists { path, default } => {
            check_names(path)?;
            check_set_contents(default)
        }
        SetOperand::ListAppend(first, second) => {
            check_set_contents(first)?;
            check_set_contents(second)
        }
    }
}

fn check_depth(path: &DocumentPath) -> Checked {
    match path.depth() {
        0..=PATH_ELEMENTS_MAX => Ok(()),
        levels => Err(InvalidExpression::PathTooDeep { levels }),
    }
}

fn check_operand_depth(operand: &Operand) -> Checked {
    match operand {
        Operand::Path(path) => check_depth(path),
        Operand::Value(_) => Ok(()),
        Operand::Size(of) => check_operand_depth(of),
    }
}

fn check_types(operator: &'static str, operands: &[&Operand], is_taken: fn(ValueType) -> bool) -> Checked {
    operands
        .iter()
        .filter_map(|operand| static_type(operand))
        .try_for_each(|operand| check_type(operator, operand, is_taken))
}

fn check_type(operator: &'static str, operand: ValueType, is_taken: fn(ValueType) -> bool) -> Checked {
    if is_taken(operand) {
        return Ok(());
    }
    Err(InvalidExpression::OperandType { operator, operand: Some(operand) })
}

fn is_ordered(value_type: ValueType) -> bool {
    matches!(value_type, ValueType::String | ValueType::Number | ValueType::Binary)
}

fn has_beginning(value_type: ValueType) -> bool {
    matches!(value_type, ValueType::String | ValueType::Binary)
}

fn has_size(value_type: ValueType) -> bool {
    !matches!(value_type, ValueType::Number | ValueType::Bool | ValueType::Null)
}

fn is_set(value_type: ValueType) -> bool {
    matches!(value_type, ValueType::StringSet | ValueType::NumberSet | ValueType::BinarySet)
}

/// Refuses bounds of two types, and bounds in the wrong order.
fn check_bounds(lower: &Value, upper: &Value) -> Checked {
    let order = match (lower, upper) {
        (Value::String(lower), Value::String(upper)) => lower.as_bytes().cmp(upper.as_bytes()),
        (Value::Number(lower), Value::Number(upper)) => lower.cmp(upper),
        (Value::Binary(lower), Value::Binary(upper)) => lower.cmp(upper),
        _ => {
            let bounds = Box::new((lower.clone(), upper.clone()));
            return Err(InvalidExpression::BoundsOfTwoTypes { bounds });
        }
    };
    if order == Ordering::Greater {
        let bounds = Box::new((lower.clone(), upper.clone()));
        return Err(InvalidExpression::BoundsReversed { bounds });
    }
    Ok(())
}

fn check_action(action: &UpdateAction) -> Checked {
    check_depth(action.path())?;
    let taken = |action, constant: &Constant, is_taken: bool| {
        if is_taken {
            return Ok(());
        }
        Err(InvalidExpression::ActionOperandType { action, operand: constant.value_type() })
    };
    match action {
        UpdateAction::Remove(_) => Ok(()),
        UpdateAction::Set { value, .. } => check_set_value(value),
        UpdateAction::Add { value, .. } => {
            let value_type = value.value_type();
            taken("ADD", value, value_type == ValueType::Number || is_set(value_type))
        }
        UpdateAction::LegacyAdd { value, .. } => {
            let value_type = value.value_type();
            let is_taken = matches!(value_type, ValueType::Number | ValueType::List) || is_set(value_type);
            taken("ADD", value, is_taken)
        }
        UpdateAction::Delete { value, .. } => taken("DELETE", value, is_set(value.value_type())),
    }
}

fn check_set_value(value: &SetValue) -> Checked {
    let (operator, left, right) = match value {
        SetValue::Operand(operand) => return check_set_operand(operand),
        SetValue::Sum(left, right) => ("+", left, right),
        SetValue::Difference(left, right) => ("-", left, right),
    };
    for operand in [left, right] {
        check_set_operand(operand)?;
    }
    for operand in [left, right] {
        check_set_type(operator, operand, ValueType::Number)?;
    }
    Ok(())
}

fn check_set_operand(operand: &SetOperand) -> Checked {
    match operand {
        SetOperand::Path(path) => check_depth(path),
        SetOperand::Value(_) => Ok(()),
        SetOperand::IfNotExists { path, default } => {
            check_depth(path)?;
            check_set_operand(default)?;
            match default.as_ref() {
                SetOperand::Path(default) if default == path => Err(InvalidExpression::OperandRepeated {
                    operator: "if_not_exists",
                    operand: path.clone(),
                }),
                _ => Ok(()),
            }
        }
        SetOperand::ListAppend(first, second) => {
            for operand in [first, second] {
                if matches!(**operand, SetOperand::ListAppend(..)) {
                    return Err(InvalidExpression::FunctionMisplaced { function: "list_append" });
                }
                check_set_operand(operand)?;
            }
            for operand in [first, second] {
                check_set_type("list_append", operand, ValueType::List)?;
            }
            Ok(())
        }
    }
}

/// Refuses an operand that has another type whatever the item.
fn check_set_type(operator: &'static str, operand: &SetOperand, expected: ValueType) -> Checked {
    let operand = match operand {
        SetOperand::Path(_) | SetOperand::IfNotExists { .. } => return Ok(()),
        SetOperand::Value(constant) => constant.value_type(),
        SetOperand::ListAppend(..) => ValueType::List,
    };
    if operand == expected {
        return Ok(());
    }
    Err(InvalidExpression::OperandType { operator, operand: Some(operand) })
}

/// How two paths stand to each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    Apart,
    /// One is a part of the other, or the same.
    Overlap,
    /// They take the same thing for a list and for a map.
    Conflict,
}

fn relation(one: &DocumentPath, two: &DocumentPath) -> Relation {
    if one.root() != two.root() {
        return Relation::Apart;
    }
    for pair in one.rest().iter().zip(two.rest()) {
        match pair {
            (one, two) if one == two => {}
            (PathElement::Attribute(_), PathElement::Index(_))
            | (PathElement::Index(_), PathElement::Attribute(_)) => return Relation::Conflict,
            _ => return Relation::Apart,
        }
    }
    Relation::Overlap
}

/// Refuses paths that overlap, and then paths that conflict, each time the first ones in the order given.
fn check_apart<'a>(paths: impl Iterator<Item = &'a DocumentPath>) -> Checked {
    let paths: Vec<&DocumentPath> = paths.collect();
    // In order, a path stands directly before those that go on from it, and the attributes of a map directly before
    // the elements of a list in its place: if any two are not apart, then two neighbours are not.
    let mut sorted = paths.clone();
    sorted.sort_unstable();
    if sorted.windows(2).all(|pair| relation(pair[0], pair[1]) == Relation::Apart) {
        return Ok(());
    }
    let first = |wanted| {
        paths.iter().enumerate().find_map(|(index, two)| {
            let one = paths[..index].iter().find(|one| relation(one, two) == wanted)?;
            Some(Box::new(((*one).clone(), (*two).clone())))
        })
    };
    match (first(Relation::Overlap), first(Relation::Conflict)) {
        (Some(paths), _) => Err(InvalidExpression::PathsOverlap { paths }),
        (None, Some(paths)) => Err(InvalidExpression::PathsConflict { paths }),
        (None, None) => Ok(()),
    }
}
