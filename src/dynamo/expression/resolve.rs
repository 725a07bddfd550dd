//! From syntax to trees: functions are known, names and values are in their places.
//!
//! The steps, which are the order of DynamoDB's faults: redundant parentheses, unknown functions, functions in the wrong
//! place, reserved words, a section twice, and then for each condition, or all actions of an update: placeholders that
//! are not defined, how many operands there are, and what `check` says.

use super::check;
use super::fault::InvalidExpression;
use super::lexer::Span;
use super::path::DocumentPath;
use super::reserved::is_reserved;
use super::syntax::{
    ConditionSyntax, ElementSyntax, FunctionSyntax, Notes, OperandSyntax, PathSyntax, Place, SectionSyntax,
    SetSyntax, Syntax,
};
use super::tree::{
    Condition, Constant, Operand, ProjectionExpression, SetOperand, SetValue, Update, UpdateAction,
};
use crate::dynamo::limits::LIST_INDEX_MAX;
use crate::dynamo::value::{Value, ValueType};
use std::collections::BTreeMap;

type Resolved<T> = Result<T, InvalidExpression>;

/// The functions of conditions, and how many operands they have.
const CONDITION_FUNCTIONS: [(&str, usize); 6] = [
    ("attribute_exists", 1),
    ("attribute_not_exists", 1),
    ("attribute_type", 2),
    ("begins_with", 2),
    ("contains", 2),
    ("size", 1),
];

/// The functions of updates, and how many operands they have.
const UPDATE_FUNCTIONS: [(&str, usize); 2] = [("if_not_exists", 2), ("list_append", 2)];

/// What placeholders stand for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    /// The text that spans are of.
    pub(super) text: &'a str,
    pub(super) names: &'a BTreeMap<String, String>,
    pub(super) values: &'a BTreeMap<String, Value>,
    pub(super) reserved_words: ReservedWords,
}

/// What becomes of a bare name that is a reserved word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ReservedWords {
    /// It is refused, as DynamoDB does.
    #[default]
    Refused,
    /// It is a name like any other.
    Allowed,
}

/// Resolves and checks a condition.
pub(super) fn condition(syntax: &Syntax<ConditionSyntax>, scope: Scope<'_>) -> Resolved<Condition> {
    let calls = |call: &str, place| match call {
        "if_not_exists" | "list_append" => Some(Refusal::NotAllowed),
        "size" if place == Place::Condition => Some(Refusal::Misplaced),
        "size" => None,
        _ if place == Place::Condition => None,
        _ => Some(Refusal::Misplaced),
    };
    check_notes(&syntax.notes, scope, calls)?;
    let condition = scope.condition(&syntax.root)?;
    check::condition_operators(&condition)?;
    Ok(condition)
}

/// Resolves and checks an update.
pub(super) fn update(syntax: &Syntax<Vec<SectionSyntax>>, scope: Scope<'_>) -> Resolved<Update> {
    let name_of = |call: usize| syntax.notes.calls[call].name.of(scope.text);
    let calls = |call: &str, place| match (call, place) {
        ("list_append", Place::Argument { call }) if name_of(call) == "list_append" => {
            Some(Refusal::Misplaced)
        }
        ("if_not_exists" | "list_append", _) => None,
        _ => Some(Refusal::NotAllowed),
    };
    check_notes(&syntax.notes, scope, calls)?;
    check_sections(&syntax.root)?;
    check_defined(&syntax.notes, scope)?;
    for value in syntax.root.iter().flat_map(set_values) {
        let (first, second) = set_operands(value);
        scope.check_counts(first)?;
        second.map_or(Ok(()), |second| scope.check_counts(second))?;
    }
    let mut update = Update::default();
    for section in &syntax.root {
        scope.section(section, &mut update.actions)?;
    }
    check::check_update(&update)?;
    check::update_operators(&update)?;
    Ok(update)
}

/// Resolves and checks a projection.
pub(super) fn projection(
    syntax: &Syntax<Vec<PathSyntax>>,
    scope: Scope<'_>,
) -> Resolved<ProjectionExpression> {
    check_notes(&syntax.notes, scope, |_, _| None)?;
    let paths = syntax.root.iter().map(|path| scope.path(path)).collect::<Resolved<_>>()?;
    let projection = ProjectionExpression { paths };
    check::check_projection(&projection)?;
    Ok(projection)
}

/// Why a known function is refused.
enum Refusal {
    NotAllowed,
    Misplaced,
}

fn known(name: &str) -> Option<(&'static str, usize)> {
    CONDITION_FUNCTIONS.into_iter().chain(UPDATE_FUNCTIONS).find(|(known, _)| *known == name)
}

/// Checks what can be said of a text as a whole.
fn check_notes(
    notes: &Notes,
    scope: Scope<'_>,
    refusal: impl Fn(&str, Place) -> Option<Refusal>,
) -> Resolved<()> {
    if notes.has_redundant_parentheses {
        return Err(InvalidExpression::RedundantParentheses);
    }
    let mut calls = Vec::new();
    for call in &notes.calls {
        let name = call.name.of(scope.text);
        let unknown = || InvalidExpression::UnknownFunction { function: name.to_owned() };
        calls.push((known(name).ok_or_else(unknown)?.0, call.place));
    }
    for (function, place) in calls {
        match refusal(function, place) {
            Some(Refusal::NotAllowed) => return Err(InvalidExpression::FunctionNotAllowed { function }),
            Some(Refusal::Misplaced) => return Err(InvalidExpression::FunctionMisplaced { function }),
            None => {}
        }
    }
    if scope.reserved_words == ReservedWords::Allowed {
        return Ok(());
    }
    match notes.words.iter().map(|word| word.of(scope.text)).find(|word| is_reserved(word)) {
        Some(word) => Err(InvalidExpression::ReservedWord { word: word.to_owned() }),
        None => Ok(()),
    }
}

fn check_sections(sections: &[SectionSyntax]) -> Resolved<()> {
    let name = |section: &SectionSyntax| match section {
        SectionSyntax::Set(_) => "SET",
        SectionSyntax::Remove(_) => "REMOVE",
        SectionSyntax::Add(_) => "ADD",
        SectionSyntax::Delete(_) => "DELETE",
    };
    let names: Vec<_> = sections.iter().map(name).collect();
    match (1..names.len()).find(|index| names[..*index].contains(&names[*index])) {
        Some(index) => Err(InvalidExpression::SectionRepeated { section: names[index] }),
        None => Ok(()),
    }
}

/// Refuses placeholders of an update that are not defined: names first.
fn check_defined(notes: &Notes, scope: Scope<'_>) -> Resolved<()> {
    notes.names.iter().try_for_each(|name| scope.name(*name).map(drop))?;
    notes.values.iter().try_for_each(|value| scope.value(*value).map(drop))
}

fn set_values(section: &SectionSyntax) -> impl Iterator<Item = &SetSyntax> {
    let sets = if let SectionSyntax::Set(sets) = section { sets.as_slice() } else { &[] };
    sets.iter().map(|(_, value)| value)
}

fn set_operands(value: &SetSyntax) -> (&OperandSyntax, Option<&OperandSyntax>) {
    match value {
        SetSyntax::Operand(operand) => (operand, None),
        SetSyntax::Sum(left, right) | SetSyntax::Difference(left, right) => (left, Some(right)),
    }
}

fn condition_operands(leaf: &ConditionSyntax) -> Vec<&OperandSyntax> {
    match leaf {
        ConditionSyntax::Compare { left, right, .. } => vec![left, right],
        ConditionSyntax::Between { operand, lower, upper } => vec![operand, lower, upper],
        ConditionSyntax::In { operand, candidates } => std::iter::once(operand).chain(candidates).collect(),
        ConditionSyntax::Function(function) => function.operands.iter().collect(),
        ConditionSyntax::And(_) | ConditionSyntax::Or(_) | ConditionSyntax::Not(_) => Vec::new(),
    }
}

impl Scope<'_> {
    fn condition(self, syntax: &ConditionSyntax) -> Resolved<Condition> {
        let parts = |parts: &[ConditionSyntax]| {
            parts.iter().map(|part| self.condition(part)).collect::<Resolved<Vec<_>>>()
        };
        match syntax {
            ConditionSyntax::And(all) => parts(all).map(Condition::And),
            ConditionSyntax::Or(any) => parts(any).map(Condition::Or),
            ConditionSyntax::Not(part) => Ok(Condition::Not(Box::new(self.condition(part)?))),
            leaf => self.leaf(leaf),
        }
    }

    fn leaf(self, syntax: &ConditionSyntax) -> Resolved<Condition> {
        let operands = condition_operands(syntax);
        operands.iter().try_for_each(|operand| self.check_operand_defined(operand))?;
        if let ConditionSyntax::Function(function) = syntax {
            self.check_count(function)?;
        }
        operands.iter().try_for_each(|operand| self.check_counts(operand))?;
        let leaf = match syntax {
            ConditionSyntax::Compare { left, comparator, right } => Condition::Compare {
                left: self.operand(left)?,
                comparator: *comparator,
                right: self.operand(right)?,
            },
            ConditionSyntax::Between { operand, lower, upper } => Condition::Between {
                operand: self.operand(operand)?,
                lower: self.operand(lower)?,
                upper: self.operand(upper)?,
            },
            ConditionSyntax::In { operand, candidates } => Condition::In {
                operand: self.operand(operand)?,
                candidates: candidates
                    .iter()
                    .map(|candidate| self.operand(candidate))
                    .collect::<Resolved<_>>()?,
            },
            ConditionSyntax::Function(function) => self.function(function)?,
            ConditionSyntax::And(_) | ConditionSyntax::Or(_) | ConditionSyntax::Not(_) => {
                return self.condition(syntax);
            }
        };
        check::check_leaf(&leaf)?;
        Ok(leaf)
    }

    fn function(self, function: &FunctionSyntax) -> Resolved<Condition> {
        let name = function.name.of(self.text);
        let first = self.operand(&function.operands[0])?;
        let second = || self.operand(&function.operands[1]);
        Ok(match name {
            "attribute_exists" => Condition::AttributeExists(required_path("attribute_exists", first)?),
            "attribute_not_exists" => {
                Condition::AttributeNotExists(required_path("attribute_not_exists", first)?)
            }
            "attribute_type" => {
                let second = second()?;
                check::check_distinct("attribute_type", &first, &second)?;
                check::check_sizes(&[&first, &second])?;
                Condition::AttributeType { operand: first, value_type: type_named(&second)? }
            }
            "begins_with" => Condition::BeginsWith { operand: first, prefix: second()? },
            "contains" => Condition::Contains { operand: first, member: second()? },
            _ => return Err(InvalidExpression::UnknownFunction { function: name.to_owned() }),
        })
    }

    fn operand(self, syntax: &OperandSyntax) -> Resolved<Operand> {
        Ok(match syntax {
            OperandSyntax::Path(path) => Operand::Path(self.path(path)?),
            OperandSyntax::Value(value) => Operand::Value(self.constant(*value)?),
            // The only function that can be an operand, with one operand: both have been checked.
            OperandSyntax::Function(size) => Operand::Size(Box::new(self.operand(&size.operands[0])?)),
        })
    }

    fn section(self, section: &SectionSyntax, actions: &mut Vec<UpdateAction>) -> Resolved<()> {
        match section {
            SectionSyntax::Set(sets) => {
                for (path, value) in sets {
                    let (path, value) = (self.path(path)?, self.set_value(value)?);
                    actions.push(UpdateAction::Set { path, value });
                }
            }
            SectionSyntax::Remove(paths) => {
                for path in paths {
                    actions.push(UpdateAction::Remove(self.path(path)?));
                }
            }
            SectionSyntax::Add(adds) => {
                for (path, value) in adds {
                    let (path, value) = (self.path(path)?, self.constant(*value)?);
                    actions.push(UpdateAction::Add { path, value });
                }
            }
            SectionSyntax::Delete(deletes) => {
                for (path, value) in deletes {
                    let (path, value) = (self.path(path)?, self.constant(*value)?);
                    actions.push(UpdateAction::Delete { path, value });
                }
            }
        }
        Ok(())
    }

    fn set_value(self, syntax: &SetSyntax) -> Resolved<SetValue> {
        Ok(match syntax {
            SetSyntax::Operand(operand) => SetValue::Operand(self.set_operand(operand)?),
            SetSyntax::Sum(left, right) => SetValue::Sum(self.set_operand(left)?, self.set_operand(right)?),
            SetSyntax::Difference(left, right) => {
                SetValue::Difference(self.set_operand(left)?, self.set_operand(right)?)
            }
        })
    }

    fn set_operand(self, syntax: &OperandSyntax) -> Resolved<SetOperand> {
        let function = match syntax {
            OperandSyntax::Path(path) => return Ok(SetOperand::Path(self.path(path)?)),
            OperandSyntax::Value(value) => return Ok(SetOperand::Value(self.constant(*value)?)),
            OperandSyntax::Function(function) => function,
        };
        let first = self.set_operand(&function.operands[0])?;
        let second = self.set_operand(&function.operands[1])?;
        if function.name.of(self.text) == "list_append" {
            return Ok(SetOperand::ListAppend(Box::new(first), Box::new(second)));
        }
        match first {
            SetOperand::Path(path) => Ok(SetOperand::IfNotExists { path, default: Box::new(second) }),
            _ => Err(InvalidExpression::PathRequired { operator: "if_not_exists" }),
        }
    }

    fn path(self, syntax: &PathSyntax) -> Resolved<DocumentPath> {
        let mut path = None;
        for element in &syntax.elements {
            let name = match element {
                ElementSyntax::Word(word) => word.of(self.text),
                ElementSyntax::Name(name) => self.name(*name)?,
                ElementSyntax::Index(index) => {
                    let index = list_index(index.of(self.text))?;
                    path = path.map(|path: DocumentPath| path.element(index));
                    continue;
                }
            };
            path = Some(match path {
                None => DocumentPath::attribute(name),
                Some(path) => path.member(name),
            });
        }
        Ok(path.expect("the parser begins every path with a name"))
    }

    fn name(&self, span: Span) -> Resolved<&str> {
        let placeholder = span.of(self.text);
        let undefined = || InvalidExpression::UndefinedName { placeholder: placeholder.to_owned() };
        self.names.get(placeholder).map(String::as_str).ok_or_else(undefined)
    }

    fn value(&self, span: Span) -> Resolved<&Value> {
        let placeholder = span.of(self.text);
        let undefined = || InvalidExpression::UndefinedValue { placeholder: placeholder.to_owned() };
        self.values.get(placeholder).ok_or_else(undefined)
    }

    fn constant(self, span: Span) -> Resolved<Constant> {
        Ok(Constant::new(self.value(span)?.clone()))
    }

    fn check_operand_defined(self, operand: &OperandSyntax) -> Resolved<()> {
        match operand {
            OperandSyntax::Path(path) => path.elements.iter().try_for_each(|element| match element {
                ElementSyntax::Name(name) => self.name(*name).map(drop),
                ElementSyntax::Word(_) | ElementSyntax::Index(_) => Ok(()),
            }),
            OperandSyntax::Value(value) => self.value(*value).map(drop),
            OperandSyntax::Function(function) => {
                function.operands.iter().try_for_each(|operand| self.check_operand_defined(operand))
            }
        }
    }

    fn check_counts(self, operand: &OperandSyntax) -> Resolved<()> {
        let OperandSyntax::Function(function) = operand else { return Ok(()) };
        self.check_count(function)?;
        function.operands.iter().try_for_each(|operand| self.check_counts(operand))
    }

    fn check_count(self, function: &FunctionSyntax) -> Resolved<()> {
        let count = function.operands.len();
        match known(function.name.of(self.text)) {
            Some((operator, expected)) if expected != count => {
                Err(InvalidExpression::OperandCount { operator, count })
            }
            _ => Ok(()),
        }
    }
}

fn required_path(operator: &'static str, operand: Operand) -> Resolved<DocumentPath> {
    check::check_sizes(&[&operand])?;
    match operand {
        Operand::Path(path) => Ok(path),
        Operand::Value(_) | Operand::Size(_) => Err(InvalidExpression::PathRequired { operator }),
    }
}

/// The type that the second operand of `attribute_type` names.
fn type_named(operand: &Operand) -> Resolved<ValueType> {
    if let Operand::Value(constant) = operand
        && let Value::String(name) = constant.value()
    {
        return ValueType::from_name(name)
            .ok_or_else(|| InvalidExpression::UnknownType { name: name.clone() });
    }
    let operand = check::static_type(operand);
    Err(InvalidExpression::OperandType { operator: "attribute_type", operand })
}

fn list_index(digits: &str) -> Resolved<usize> {
    let index = digits.parse().ok().filter(|index| *index <= LIST_INDEX_MAX);
    index.ok_or_else(|| InvalidExpression::ListIndexTooLarge { index: digits.to_owned() })
}
