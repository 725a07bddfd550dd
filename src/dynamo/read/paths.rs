//! Paths into key attributes: they are scalars, so there is nothing below them to ask for. Pure.

use crate::dynamo::expression::path::DocumentPath;
use crate::dynamo::expression::tree::Condition;
use crate::dynamo::fault::Fault;
use crate::dynamo::item_fault::ReadFault;
use crate::dynamo::table::TableDescriptor;

/// Refuses paths that lead into an attribute of the table's key, or else of an index's.
pub(super) fn check<'a>(
    table: &TableDescriptor,
    paths: impl IntoIterator<Item = &'a DocumentPath>,
) -> Result<(), Fault> {
    paths.into_iter().try_for_each(|path| check_one(table, path))
}

/// Refuses a filter that looks into such an attribute.
pub(super) fn check_filter(table: &TableDescriptor, filter: &Condition) -> Result<(), Fault> {
    let mut checked = Ok(());
    filter.visit_paths(&mut |path| {
        if checked.is_ok() {
            checked = check_one(table, path);
        }
    });
    checked
}

fn check_one(table: &TableDescriptor, path: &DocumentPath) -> Result<(), Fault> {
    let root = path.root();
    let is_of_table = table.schema().key().contains(root);
    let is_of_index = || table.indexes().iter().any(|index| index.key().contains(root));
    if path.depth() > 1 && (is_of_table || is_of_index()) {
        return Err(ReadFault::KeyPath { attribute: root.to_owned(), of_index: !is_of_table }.into());
    }
    Ok(())
}
