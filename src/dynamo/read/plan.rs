//! What a query or scan answers with, and what it has to fetch from the table for that. All of this is pure.
//!
//! Source of the rules: DynamoDB API reference, `Select` of Query and Scan.

use super::output::Shown;
use super::request::{ReadOptions, Select};
use crate::dynamo::expression::tree::ProjectionExpression;
use crate::dynamo::fault::{Fault, IndexScope};
use crate::dynamo::item_fault::ReadFault;
use crate::dynamo::table::{IndexDescriptor, Projected, Source};

/// How a read answers.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) shown: Shown,
    pub(super) fetches: Fetches,
}

/// Whether an entry of an index is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetches {
    Never,
    /// The item of each entry is read from the table.
    Items,
}

/// Refuses a `Select` that does not fit the other parameters. No table is needed for that.
pub(super) fn check(options: &ReadOptions, has_attributes_to_get: bool) -> Result<(), Fault> {
    let Some(select) = options.select else { return Ok(()) };
    let has_projection = options.projection.is_some() || has_attributes_to_get;
    match select {
        Select::SpecificAttributes if !has_projection => Err(ReadFault::SelectNothing.into()),
        Select::AllAttributes | Select::AllProjectedAttributes | Select::Count if has_projection => {
            let parameter = if has_attributes_to_get { "AttributesToGet" } else { "ProjectionExpression" };
            Err(ReadFault::SelectWithProjection { select: select.name(), parameter }.into())
        }
        Select::AllProjectedAttributes if options.index.is_none() => {
            Err(ReadFault::SelectWithoutIndex.into())
        }
        _ => Ok(()),
    }
}

impl ReadOptions {
    /// Refuses a `Select` that does not fit the other parameters, which is told before expressions are read: for whoever
    /// reads them out of a request.
    pub fn check_select(&self, has_attributes_to_get: bool) -> Result<(), Fault> {
        check(self, has_attributes_to_get)
    }
}

/// How to answer from `source`.
pub(super) fn plan(source: Source<'_>, options: &ReadOptions) -> Result<Plan, Fault> {
    let shown = match options.select {
        Some(Select::Count) => Shown::Nothing,
        _ => Shown::new(options.projection.as_ref()),
    };
    let fetches = match source.index {
        None => Fetches::Never,
        Some(index) => fetches(index, options)?,
    };
    Ok(Plan { shown, fetches })
}

fn fetches(index: &IndexDescriptor, options: &ReadOptions) -> Result<Fetches, Fault> {
    let is_local = index.scope() == IndexScope::Local;
    let Projected::Names(held) = index.projected() else { return Ok(Fetches::Never) };
    if options.select == Some(Select::AllAttributes) {
        return if is_local {
            Ok(Fetches::Items)
        } else {
            Err(ReadFault::SelectAllOfIndex { index: index.name().to_owned() }.into())
        };
    }
    let lacking = lacking(held, options.projection.as_ref());
    let filter_lacks = options.filter.as_ref().is_some_and(|filter| {
        let mut lacks = false;
        filter.visit_paths(&mut |path| lacks |= !holds(held, path.root()));
        lacks
    });
    match (lacking.is_empty() && !(filter_lacks && is_local), is_local) {
        (true, _) => Ok(Fetches::Never),
        (false, true) => Ok(Fetches::Items),
        (false, false) => {
            Err(ReadFault::NotProjected { index: index.name().to_owned(), attributes: lacking }.into())
        }
    }
}

fn holds(held: &[String], name: &str) -> bool {
    held.binary_search_by(|held| held.as_str().cmp(name)).is_ok()
}

/// The top-level attributes that a projection names and the index does not hold, in order.
fn lacking(held: &[String], projection: Option<&ProjectionExpression>) -> Vec<String> {
    let paths = projection.map(|projection| projection.paths.as_slice()).unwrap_or_default();
    let mut lacking: Vec<_> = paths.iter().map(|path| path.root().to_owned()).collect();
    lacking.retain(|name| !holds(held, name));
    lacking.sort_unstable();
    lacking.dedup();
    lacking
}
