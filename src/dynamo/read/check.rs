//! What is wrong with a read whatever the table is, and the legacy parameters as the trees that they are.
//!
//! The steps, in DynamoDB's order: single members, parameters that do not go together, legacy filters and attributes, the
//! starting key, expressions (key condition, filter, projection), legacy key conditions.

use super::plan;
use super::request::{KeyConditions, Order, QueryRequest, ReadOptions, ScanRequest, Segment};
use super::segments;
use crate::dynamo::condition::check_clauses;
use crate::dynamo::expression::fault::ExpressionKind;
use crate::dynamo::expression::tree::{KeyCondition, ProjectionExpression};
use crate::dynamo::fault::{ConditionFault, Constraint, Fault};
use crate::dynamo::legacy::attributes_to_get::attributes_to_get;
use crate::dynamo::legacy::conditional_operator::check_conditional_operator;
use crate::dynamo::legacy::fault::LegacyFault;
use crate::dynamo::legacy::filter::filter;
use crate::dynamo::legacy::key_conditions::key_conditions;
use crate::dynamo::legacy::mixing::check_mixing;
use crate::dynamo::legacy::parameters::{
    ConditionalOperator, LegacyCondition, LegacyGet, LegacyParameter, LegacyQuery, LegacyScan,
};
use crate::dynamo::tables::members::Members;
use crate::dynamo::value::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A query that is right whatever the table is, and says everything by trees.
#[derive(Debug)]
pub(super) struct CheckedQuery {
    /// What is asked of keys. An operator that no key can be asked with is told only of a table that is there.
    pub(super) key: Result<KeyConditions, LegacyFault>,
    pub(super) order: Order,
    pub(super) options: ReadOptions,
    /// The filter as it was said, if that was by `QueryFilter`.
    pub(super) query_filter: Option<BTreeMap<String, LegacyCondition>>,
}

/// A scan that is right whatever the table is, and says everything by trees.
#[derive(Debug)]
pub(super) struct CheckedScan {
    pub(super) segment: Option<Segment>,
    pub(super) options: ReadOptions,
}

/// Refuses a query that is wrong.
pub(super) fn query(request: QueryRequest) -> Result<CheckedQuery, Fault> {
    let QueryRequest { key, order, mut options, legacy } = request;
    let LegacyQuery { key_conditions: asked, query_filter, conditional_operator, attributes_to_get } =
        legacy.map(|legacy| *legacy).unwrap_or_default();
    check_members(&options)?;
    let legacy = Legacy {
        filter: (LegacyParameter::QueryFilter, query_filter.as_ref()),
        conditional_operator,
        attributes_to_get: attributes_to_get.as_deref(),
    };
    let has_key = match &key {
        KeyConditions::Places { partition, sort } => !partition.is_empty() || !sort.is_empty(),
        KeyConditions::Clauses(_) => true,
    };
    let of_keys = (asked.is_some(), has_key);
    legacy.check(of_keys, &options)?;
    let (filter, projection) = legacy.trees()?;
    check_start_key(&options)?;
    if !has_key && asked.is_none() {
        return Err(ConditionFault::NoConditions.into());
    }
    if asked.is_none() {
        check_key(&key)?;
    }
    check_expressions(&options)?;
    options.filter = filter.or(options.filter);
    options.projection = projection.or(options.projection);
    let key = match asked.map(|asked| key_conditions(&asked)) {
        None => Ok(key),
        Some(Ok(clauses)) => Ok(KeyConditions::Clauses(clauses)),
        Some(Err(fault)) if fault.needs_table() => Err(fault),
        Some(Err(fault)) => return Err(fault.into()),
    };
    Ok(CheckedQuery { key, order, options, query_filter })
}

/// Refuses a scan that is wrong.
pub(super) fn scan(request: ScanRequest) -> Result<CheckedScan, Fault> {
    let ScanRequest { segment, mut options, legacy } = request;
    let LegacyScan { scan_filter, conditional_operator, attributes_to_get } =
        legacy.map(|legacy| *legacy).unwrap_or_default();
    check_members(&options)?;
    let legacy = Legacy {
        filter: (LegacyParameter::ScanFilter, scan_filter.as_ref()),
        conditional_operator,
        attributes_to_get: attributes_to_get.as_deref(),
    };
    legacy.check((false, false), &options)?;
    let (filter, projection) = legacy.trees()?;
    check_start_key(&options)?;
    segment.map_or(Ok(()), segments::check)?;
    check_expressions(&options)?;
    options.filter = filter.or(options.filter);
    options.projection = projection.or(options.projection);
    Ok(CheckedScan { segment, options })
}

/// Refuses a projection, or attributes to get, that are wrong or stand beside each other; gives the one that is there.
pub(super) fn projection<'a>(
    projection: Option<&'a ProjectionExpression>,
    legacy: Option<&LegacyGet>,
) -> Result<Option<Cow<'a, ProjectionExpression>>, Fault> {
    let names = legacy.and_then(|legacy| legacy.attributes_to_get.as_deref());
    let Some(names) = names else {
        return projection
            .map(|projection| projection.check().map(|()| Cow::Borrowed(projection)))
            .transpose()
            .map_err(Into::into);
    };
    check_attributes_mixing(true, projection.is_some())?;
    Ok(Some(Cow::Owned(attributes_to_get(names)?)))
}

/// Refuses attributes to get beside a projection: of a batch, each of any table.
pub(super) fn check_attributes_mixing(
    has_attributes_to_get: bool,
    has_projection: bool,
) -> Result<(), LegacyFault> {
    let legacy = has_attributes_to_get.then_some(LegacyParameter::AttributesToGet);
    let projection = has_projection.then_some(ExpressionKind::Projection);
    check_mixing(legacy.as_slice(), projection.as_slice())
}

/// What queries and scans have of legacy parameters.
struct Legacy<'a> {
    filter: (LegacyParameter, Option<&'a BTreeMap<String, LegacyCondition>>),
    conditional_operator: Option<ConditionalOperator>,
    attributes_to_get: Option<&'a [String]>,
}

/// What legacy parameters ask of items, and to be shown.
type Trees = (Option<crate::dynamo::expression::tree::Condition>, Option<ProjectionExpression>);

impl Legacy<'_> {
    /// Refuses parameters that do not go together. `of_keys`: whether there are legacy key conditions, and others.
    fn check(&self, of_keys: (bool, bool), options: &ReadOptions) -> Result<(), Fault> {
        let given = [
            (LegacyParameter::AttributesToGet, self.attributes_to_get.is_some()),
            (self.filter.0, self.filter.1.is_some()),
            (LegacyParameter::ConditionalOperator, self.conditional_operator.is_some()),
            (LegacyParameter::KeyConditions, of_keys.0),
        ];
        let given = given.into_iter().filter_map(|(parameter, is_given)| is_given.then_some(parameter));
        let expressions = [
            (ExpressionKind::Projection, options.projection.is_some()),
            (ExpressionKind::Filter, options.filter.is_some()),
            (ExpressionKind::KeyCondition, of_keys.1),
        ];
        let expressions = expressions.into_iter().filter_map(|(kind, is_given)| is_given.then_some(kind));
        check_mixing(&given.collect::<Vec<_>>(), &expressions.collect::<Vec<_>>())?;
        check_conditional_operator(self.conditional_operator, self.filter.1.map_or(0, BTreeMap::len))?;
        plan::check(options, self.attributes_to_get.is_some())
    }

    /// The trees, which need no further check.
    fn trees(&self) -> Result<Trees, LegacyFault> {
        let filter = self.filter.1.map(|conditions| filter(conditions, self.conditional_operator));
        let projection = self.attributes_to_get.map(attributes_to_get);
        Ok((filter.transpose()?.flatten(), projection.transpose()?))
    }
}

fn check_members(options: &ReadOptions) -> Result<(), Fault> {
    let mut members = Members::default();
    if let Some(index) = &options.index {
        members.resource_name("indexName", index);
    }
    members.check("limit", Constraint::ValueAtLeast(1), options.limit != Some(0), || "0".to_owned());
    members.finish()
}

fn check_start_key(options: &ReadOptions) -> Result<(), Fault> {
    let start = options.exclusive_start_key.as_ref();
    start.map_or(Ok(()), |start| start.validate().map_err(Fault::StartKeyValue))
}

fn check_expressions(options: &ReadOptions) -> Result<(), Fault> {
    if let Some(filter) = &options.filter {
        filter.check(ExpressionKind::Filter)?;
    }
    if let Some(projection) = &options.projection {
        projection.check()?;
    }
    Ok(())
}

fn check_key(key: &KeyConditions) -> Result<(), Fault> {
    match key {
        KeyConditions::Places { partition, sort } => {
            partition.iter().try_for_each(Value::validate)?;
            sort.iter().try_for_each(KeyCondition::check)?;
            Ok(())
        }
        KeyConditions::Clauses(clauses) => check_clauses(clauses),
    }
}
