//! Trees as text: so that people can see what a builder has built, and so that parsing can be checked against it.
//!
//! Names that an expression can have as they are stand for themselves, all others are `#0`, `#1` …; values are `:0`,
//! `:1` …. Parentheses stand where the tree needs them and nowhere else. What a tree of the legacy parameters says that
//! no expression can say is printed under its legacy name, and does not parse.

use super::lexer::is_word;
use super::path::{DocumentPath, PathElement};
use super::reserved::is_reserved;
use super::text::ExpressionText;
use super::tree::{
    Condition, KeyClause, KeyCondition, Operand, ProjectionExpression, SetOperand, SetValue, Update,
    UpdateAction,
};
use crate::dynamo::value::Value;
use std::collections::BTreeMap;
use std::fmt;

impl Condition {
    /// The condition as text.
    pub fn to_expression(&self) -> ExpressionText {
        let mut printer = Printer::default();
        printer.condition(self);
        printer.finish()
    }
}

impl Update {
    /// The update as text: its actions by section, each section where its first action stands.
    pub fn to_expression(&self) -> ExpressionText {
        let mut printer = Printer::default();
        printer.update(self);
        printer.finish()
    }
}

impl ProjectionExpression {
    /// The projection as text.
    pub fn to_expression(&self) -> ExpressionText {
        let mut printer = Printer::default();
        printer.list(", ", &self.paths, Printer::path);
        printer.finish()
    }
}

/// The clauses of a key condition as text.
pub fn key_condition_to_expression(clauses: &[KeyClause]) -> ExpressionText {
    let mut printer = Printer::default();
    printer.list(" AND ", clauses, Printer::key_clause);
    printer.finish()
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_expression().text)
    }
}

impl fmt::Display for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_expression().text)
    }
}

impl fmt::Display for ProjectionExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_expression().text)
    }
}

/// How tightly a condition holds its parts together: what holds less tightly needs parentheses within it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Not,
    Leaf,
}

fn binding(condition: &Condition) -> Binding {
    match condition {
        // A part alone is printed as itself.
        Condition::And(parts) | Condition::Or(parts) if parts.len() == 1 => binding(&parts[0]),
        Condition::Or(_) => Binding::Or,
        Condition::And(_) => Binding::And,
        Condition::Not(_) => Binding::Not,
        _ => Binding::Leaf,
    }
}

#[derive(Default)]
struct Printer {
    text: String,
    /// The placeholders by the names that they stand for.
    names: BTreeMap<String, String>,
    values: BTreeMap<String, Value>,
}

impl Printer {
    fn finish(self) -> ExpressionText {
        let names = self.names.into_iter().map(|(name, placeholder)| (placeholder, name)).collect();
        ExpressionText { text: self.text, names, values: self.values }
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::And(parts) | Condition::Or(parts) if parts.len() == 1 => self.condition(&parts[0]),
            Condition::And(parts) => {
                self.list(" AND ", parts, |printer, part| printer.part(part, Binding::Not));
            }
            Condition::Or(parts) => {
                self.list(" OR ", parts, |printer, part| printer.part(part, Binding::And));
            }
            Condition::Not(part) => {
                self.push("NOT ");
                self.part(part, Binding::Not);
            }
            Condition::Compare { left, comparator, right } => {
                self.operand(left);
                self.push(" ");
                self.push(comparator.symbol());
                self.push(" ");
                self.operand(right);
            }
            Condition::Between { operand, lower, upper } => {
                self.operand(operand);
                self.push(" BETWEEN ");
                self.operand(lower);
                self.push(" AND ");
                self.operand(upper);
            }
            Condition::In { operand, candidates } => {
                self.operand(operand);
                self.push(" IN (");
                self.list(", ", candidates, Self::operand);
                self.push(")");
            }
            Condition::AttributeExists(path) => self.call("attribute_exists", |printer| printer.path(path)),
            Condition::AttributeNotExists(path) => {
                self.call("attribute_not_exists", |printer| printer.path(path));
            }
            Condition::AttributeType { operand, value_type } => self.call("attribute_type", |printer| {
                printer.operand(operand);
                printer.push(", ");
                printer.value(&Value::from(value_type.name()));
            }),
            Condition::BeginsWith { operand, prefix } => self.operands("begins_with", [operand, prefix]),
            Condition::Contains { operand, member } => self.operands("contains", [operand, member]),
            Condition::NotContains { operand, member } => self.operands("NOT_CONTAINS", [operand, member]),
        }
    }

    /// A part of a condition whose parts have to hold together at least so tightly.
    fn part(&mut self, part: &Condition, least: Binding) {
        if binding(part) < least {
            self.push("(");
            self.condition(part);
            self.push(")");
        } else {
            self.condition(part);
        }
    }

    fn operand(&mut self, operand: &Operand) {
        match operand {
            Operand::Path(path) => self.path(path),
            Operand::Value(constant) => self.value(constant.value()),
            Operand::Size(of) => self.call("size", |printer| printer.operand(of)),
        }
    }

    fn update(&mut self, update: &Update) {
        let section = |action: &UpdateAction| match action {
            UpdateAction::Set { .. } => "SET ",
            UpdateAction::Remove(_) => "REMOVE ",
            UpdateAction::Add { .. } => "ADD ",
            UpdateAction::Delete { .. } => "DELETE ",
            UpdateAction::LegacyAdd { .. } => "LEGACY_ADD ",
        };
        let mut sections: Vec<(&str, Vec<&UpdateAction>)> = Vec::new();
        for action in &update.actions {
            match sections.iter_mut().find(|(name, _)| *name == section(action)) {
                Some((_, actions)) => actions.push(action),
                None => sections.push((section(action), vec![action])),
            }
        }
        self.list(" ", &sections, |printer, (name, actions)| {
            printer.push(name);
            printer.list(", ", actions, |printer, action| printer.action(action));
        });
    }

    fn action(&mut self, action: &UpdateAction) {
        self.path(action.path());
        match action {
            UpdateAction::Set { value, .. } => {
                self.push(" = ");
                self.set_value(value);
            }
            UpdateAction::Remove(_) => {}
            UpdateAction::Add { value, .. }
            | UpdateAction::Delete { value, .. }
            | UpdateAction::LegacyAdd { value, .. } => {
                self.push(" ");
                self.value(value.value());
            }
        }
    }

    fn set_value(&mut self, value: &SetValue) {
        let (left, operator, right) = match value {
            SetValue::Operand(operand) => return self.set_operand(operand),
            SetValue::Sum(left, right) => (left, " + ", right),
            SetValue::Difference(left, right) => (left, " - ", right),
        };
        self.set_operand(left);
        self.push(operator);
        self.set_operand(right);
    }

    fn set_operand(&mut self, operand: &SetOperand) {
        match operand {
            SetOperand::Path(path) => self.path(path),
            SetOperand::Value(constant) => self.value(constant.value()),
            SetOperand::IfNotExists { path, default } => self.call("if_not_exists", |printer| {
                printer.path(path);
                printer.push(", ");
                printer.set_operand(default);
            }),
            SetOperand::ListAppend(first, second) => self.call("list_append", |printer| {
                printer.set_operand(first);
                printer.push(", ");
                printer.set_operand(second);
            }),
        }
    }

    fn key_clause(&mut self, clause: &KeyClause) {
        let (operator, value) = match &clause.condition {
            KeyCondition::Equal(value) => (" = ", value),
            KeyCondition::Less(value) => (" < ", value),
            KeyCondition::LessOrEqual(value) => (" <= ", value),
            KeyCondition::Greater(value) => (" > ", value),
            KeyCondition::GreaterOrEqual(value) => (" >= ", value),
            KeyCondition::Between(lower, upper) => {
                self.name(&clause.attribute);
                self.push(" BETWEEN ");
                self.value(lower);
                self.push(" AND ");
                return self.value(upper);
            }
            KeyCondition::BeginsWith(prefix) => {
                return self.call("begins_with", |printer| {
                    printer.name(&clause.attribute);
                    printer.push(", ");
                    printer.value(prefix);
                });
            }
        };
        self.name(&clause.attribute);
        self.push(operator);
        self.value(value);
    }

    fn operands(&mut self, function: &str, operands: [&Operand; 2]) {
        self.call(function, |printer| {
            printer.list(", ", &operands, |printer, operand| printer.operand(operand));
        });
    }

    fn call(&mut self, function: &str, operands: impl FnOnce(&mut Self)) {
        self.push(function);
        self.push("(");
        operands(self);
        self.push(")");
    }

    fn path(&mut self, path: &DocumentPath) {
        self.name(path.root());
        for element in path.rest() {
            match element {
                PathElement::Attribute(name) => {
                    self.push(".");
                    self.name(name);
                }
                PathElement::Index(index) => self.push(&format!("[{index}]")),
            }
        }
    }

    fn name(&mut self, name: &str) {
        if is_word(name) && !is_reserved(name) {
            return self.push(name);
        }
        let next = format!("#{}", self.names.len());
        let placeholder = self.names.entry(name.to_owned()).or_insert(next).clone();
        self.push(&placeholder);
    }

    fn value(&mut self, value: &Value) {
        let placeholder = format!(":{}", self.values.len());
        self.push(&placeholder);
        self.values.insert(placeholder, value.clone());
    }

    fn list<T>(&mut self, separator: &str, elements: &[T], print: impl Fn(&mut Self, &T)) {
        for (index, element) in elements.iter().enumerate() {
            if index > 0 {
                self.push(separator);
            }
            print(self, element);
        }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }
}
