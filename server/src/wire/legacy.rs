//! The parameters that expressions replaced.

use super::attributes::{FirstFault, read_value};
use super::members::Members;
use super::reader::{Reader, Result};
use pixii::Value;
use pixii::dynamo::expression::fault::ExpressionKind;
use pixii::legacy::conditional_operator::check_conditional_operator;
use pixii::legacy::fault::LegacyFault;
use pixii::legacy::mixing::check_mixing;
use pixii::legacy::parameters::{
    AttributeAction, AttributeValueUpdate, ComparisonOperator, ConditionalOperator, ExpectedAttributeValue,
    LegacyCondition, LegacyGet, LegacyParameter, LegacyQuery, LegacyScan, LegacyUpdate, LegacyWrite,
};
use std::collections::BTreeMap;

/// The names of operators in the order in which DynamoDB lists them.
const COMPARISONS: &str =
    "[IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]";

/// A condition whose operator is still text: of `Expected`, or of a filter or key condition.
#[derive(Debug, Default)]
struct ConditionMembers {
    value: Option<Value>,
    exists: Option<bool>,
    operator: Option<String>,
    list: Option<Vec<Value>>,
}

/// A change of an attribute whose action is still text.
#[derive(Debug, Default)]
struct ChangeMembers {
    action: Option<String>,
    value: Option<Value>,
}

type Conditions = BTreeMap<String, ConditionMembers>;

/// The legacy parameters of a request. Which of them it takes is the operation's affair.
#[derive(Debug, Default)]
pub(super) struct LegacyMembers {
    changes: Option<BTreeMap<String, ChangeMembers>>,
    names: Option<Vec<String>>,
    expected: Option<Conditions>,
    filter: Option<Conditions>,
    key_conditions: Option<Conditions>,
    conditional_operator: Option<String>,
}

/// Those that a put or a delete takes.
pub(super) const OF_WRITES: &[LegacyParameter] =
    &[LegacyParameter::Expected, LegacyParameter::ConditionalOperator];
/// Those that an update takes.
pub(super) const OF_UPDATES: &[LegacyParameter] =
    &[LegacyParameter::AttributeUpdates, LegacyParameter::Expected, LegacyParameter::ConditionalOperator];
/// Those that a get takes, and a table's part of a batch of gets.
pub(super) const OF_GETS: &[LegacyParameter] = &[LegacyParameter::AttributesToGet];
/// Those that a query takes.
pub(super) const OF_QUERIES: &[LegacyParameter] = &[
    LegacyParameter::AttributesToGet,
    LegacyParameter::QueryFilter,
    LegacyParameter::ConditionalOperator,
    LegacyParameter::KeyConditions,
];
/// Those that a scan takes.
pub(super) const OF_SCANS: &[LegacyParameter] =
    &[LegacyParameter::AttributesToGet, LegacyParameter::ScanFilter, LegacyParameter::ConditionalOperator];

fn parameter(name: &str) -> Option<LegacyParameter> {
    Some(match name {
        "AttributeUpdates" => LegacyParameter::AttributeUpdates,
        "AttributesToGet" => LegacyParameter::AttributesToGet,
        "Expected" => LegacyParameter::Expected,
        "QueryFilter" => LegacyParameter::QueryFilter,
        "ScanFilter" => LegacyParameter::ScanFilter,
        "ConditionalOperator" => LegacyParameter::ConditionalOperator,
        "KeyConditions" => LegacyParameter::KeyConditions,
        _ => return None,
    })
}

impl LegacyMembers {
    /// Reads the member `name` if it is one of those that are taken.
    pub(super) fn read(
        &mut self,
        taken: &[LegacyParameter],
        reader: &mut Reader<'_>,
        values: &mut FirstFault,
        name: &str,
    ) -> Result<bool> {
        let Some(parameter) = parameter(name).filter(|parameter| taken.contains(parameter)) else {
            return Ok(false);
        };
        match parameter {
            LegacyParameter::AttributeUpdates => self.changes = read_changes(reader, values)?,
            LegacyParameter::AttributesToGet => {
                let names = reader.list(Reader::owned)?;
                self.names = names.map(|names| names.into_iter().flatten().collect());
            }
            LegacyParameter::Expected => self.expected = read_conditions(reader, values)?,
            LegacyParameter::QueryFilter | LegacyParameter::ScanFilter => {
                self.filter = read_conditions(reader, values)?;
            }
            LegacyParameter::ConditionalOperator => self.conditional_operator = reader.owned()?,
            LegacyParameter::KeyConditions => self.key_conditions = read_conditions(reader, values)?,
        }
        Ok(true)
    }

    /// Refuses a request that has both kinds of parameters. `filter` is what a filter is called there.
    pub(super) fn check_mixing(
        &self,
        filter: LegacyParameter,
        expressions: &[(ExpressionKind, bool)],
    ) -> std::result::Result<(), LegacyFault> {
        let given = [
            (LegacyParameter::AttributeUpdates, self.changes.is_some()),
            (LegacyParameter::AttributesToGet, self.names.is_some()),
            (LegacyParameter::Expected, self.expected.is_some()),
            (filter, self.filter.is_some()),
            (LegacyParameter::ConditionalOperator, self.conditional_operator.is_some()),
            (LegacyParameter::KeyConditions, self.key_conditions.is_some()),
        ];
        let legacy: Vec<_> =
            given.into_iter().filter(|(_, is_given)| *is_given).map(|(parameter, _)| parameter).collect();
        let given = expressions.iter().filter(|(_, is_given)| *is_given);
        let expressions: Vec<_> = given.map(|(kind, _)| *kind).collect();
        check_mixing(&legacy, &expressions)
    }

    /// Notes what is none of the names that there are.
    pub(super) fn finish(self, filter: &str, members: &mut Members) -> Legacy {
        let operators = [ConditionalOperator::And, ConditionalOperator::Or];
        let operators = operators.map(|operator| (operator.name(), operator));
        let text = self.conditional_operator.as_deref();
        Legacy {
            changes: self.changes.map(|changes| finish_changes(changes, members)),
            names: self.names,
            expected: self.expected.map(|expected| finish_expected(expected, members)),
            filter: self.filter.map(|conditions| finish_conditions(conditions, filter, members)),
            key_conditions: self
                .key_conditions
                .map(|conditions| finish_conditions(conditions, "keyConditions", members)),
            conditional_operator: members.choice("conditionalOperator", text, &operators, "[OR, AND]"),
        }
    }
}

/// The legacy parameters of a request, read.
#[derive(Debug, Default)]
pub(super) struct Legacy {
    changes: Option<BTreeMap<String, AttributeValueUpdate>>,
    names: Option<Vec<String>>,
    expected: Option<BTreeMap<String, ExpectedAttributeValue>>,
    filter: Option<BTreeMap<String, LegacyCondition>>,
    key_conditions: Option<BTreeMap<String, LegacyCondition>>,
    conditional_operator: Option<ConditionalOperator>,
}

impl Legacy {
    fn is_any(&self) -> bool {
        self.changes.is_some()
            || self.names.is_some()
            || self.expected.is_some()
            || self.filter.is_some()
            || self.key_conditions.is_some()
            || self.conditional_operator.is_some()
    }

    /// Refuses an operator that has fewer than two conditions to combine.
    pub(super) fn check_operator(&self) -> std::result::Result<(), LegacyFault> {
        let expected = self.expected.as_ref().map_or(0, BTreeMap::len);
        let filter = self.filter.as_ref().map_or(0, BTreeMap::len);
        check_conditional_operator(self.conditional_operator, expected + filter)
    }

    /// Whether a query says by these which keys to read.
    pub(super) fn has_key_conditions(&self) -> bool {
        self.key_conditions.is_some()
    }

    /// Whether a read says by these which attributes to answer with.
    pub(super) fn has_attributes(&self) -> bool {
        self.names.is_some()
    }

    /// As a put or a delete takes them.
    pub(super) fn of_write(self) -> Option<Box<LegacyWrite>> {
        self.is_any().then(|| {
            Box::new(LegacyWrite { expected: self.expected, conditional_operator: self.conditional_operator })
        })
    }

    /// As an update takes them.
    pub(super) fn of_update(self) -> Option<Box<LegacyUpdate>> {
        self.is_any().then(|| {
            Box::new(LegacyUpdate {
                attribute_updates: self.changes,
                expected: self.expected,
                conditional_operator: self.conditional_operator,
            })
        })
    }

    /// As a get takes them.
    pub(super) fn of_get(self) -> Option<LegacyGet> {
        self.is_any().then_some(LegacyGet { attributes_to_get: self.names })
    }

    /// As a query takes them.
    pub(super) fn of_query(self) -> Option<Box<LegacyQuery>> {
        self.is_any().then(|| {
            Box::new(LegacyQuery {
                key_conditions: self.key_conditions,
                query_filter: self.filter,
                conditional_operator: self.conditional_operator,
                attributes_to_get: self.names,
            })
        })
    }

    /// As a scan takes them.
    pub(super) fn of_scan(self) -> Option<Box<LegacyScan>> {
        self.is_any().then(|| {
            Box::new(LegacyScan {
                scan_filter: self.filter,
                conditional_operator: self.conditional_operator,
                attributes_to_get: self.names,
            })
        })
    }
}

fn read_changes(
    reader: &mut Reader<'_>,
    values: &mut FirstFault,
) -> Result<Option<BTreeMap<String, ChangeMembers>>> {
    let mut changes = BTreeMap::new();
    let is_there = reader.map(|reader, attribute| {
        let mut change = ChangeMembers::default();
        reader.structure("AttributeValueUpdate", |reader, name| {
            match name {
                "Action" => change.action = reader.owned()?,
                "Value" => change.value = read_value(reader, values)?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        changes.insert(attribute.to_owned(), change);
        Ok(())
    })?;
    Ok(is_there.then_some(changes))
}

fn read_conditions(reader: &mut Reader<'_>, values: &mut FirstFault) -> Result<Option<Conditions>> {
    let mut conditions = BTreeMap::new();
    let is_there = reader.map(|reader, attribute| {
        let mut condition = ConditionMembers::default();
        reader.structure("Condition", |reader, name| {
            match name {
                "Value" => condition.value = read_value(reader, values)?,
                "Exists" => condition.exists = reader.boolean()?,
                "ComparisonOperator" => condition.operator = reader.owned()?,
                "AttributeValueList" => {
                    let list = reader.list(|reader| read_value(reader, values))?;
                    condition.list = list.map(|list| list.into_iter().flatten().collect());
                }
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        conditions.insert(attribute.to_owned(), condition);
        Ok(())
    })?;
    Ok(is_there.then_some(conditions))
}

fn operator(members: &mut Members, path: &str, text: Option<&str>) -> Option<ComparisonOperator> {
    let choices = ComparisonOperator::ALL.map(|operator| (operator.name(), operator));
    members.choice(&format!("{path}.comparisonOperator"), text, &choices, COMPARISONS)
}

fn finish_conditions(
    conditions: Conditions,
    parameter: &str,
    members: &mut Members,
) -> BTreeMap<String, LegacyCondition> {
    let finish = |(attribute, condition): (String, ConditionMembers)| {
        let path = format!("{parameter}.{attribute}.member");
        let text = members.present(&format!("{path}.comparisonOperator"), condition.operator);
        let operator = operator(members, &path, text.as_deref()).unwrap_or(ComparisonOperator::Equal);
        let attribute_value_list = condition.list.unwrap_or_default();
        (attribute, LegacyCondition { operator, attribute_value_list })
    };
    conditions.into_iter().map(finish).collect()
}

fn finish_expected(expected: Conditions, members: &mut Members) -> BTreeMap<String, ExpectedAttributeValue> {
    let finish = |(attribute, condition): (String, ConditionMembers)| {
        let path = format!("expected.{attribute}.member");
        let operator = operator(members, &path, condition.operator.as_deref());
        let ConditionMembers { value, exists, list, .. } = condition;
        (attribute, ExpectedAttributeValue { value, exists, operator, attribute_value_list: list })
    };
    expected.into_iter().map(finish).collect()
}

fn finish_changes(
    changes: BTreeMap<String, ChangeMembers>,
    members: &mut Members,
) -> BTreeMap<String, AttributeValueUpdate> {
    let actions = [AttributeAction::Add, AttributeAction::Delete, AttributeAction::Put];
    let actions = actions.map(|action| (action.name(), action));
    let finish = |(attribute, change): (String, ChangeMembers)| {
        let path = format!("attributeUpdates.{attribute}.member.action");
        let action = members.choice(&path, change.action.as_deref(), &actions, "[ADD, DELETE, PUT]");
        (attribute, AttributeValueUpdate { action, value: change.value })
    };
    changes.into_iter().map(finish).collect()
}
