//! Whether what a read went by was still there when it read.
//!
//! A read takes a table's descriptor and then looks at the store. A table, or an index, that is dropped in between may have
//! lost entries by then, so finding nothing means nothing.
//!
//! Invariant: who reads first and checks then, or takes a snapshot first, has read what was there. Nothing is taken away
//! before the commit that drops it is published, and what a snapshot before that commit sees stays.

use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::{Fault, Operation};
use crate::dynamo::store::Store;
use crate::dynamo::table::{Source, TableDescriptor};
use crate::dynamo::tables::record::IndexStatus;
use std::sync::Arc;

/// Whether the drop of a table is published.
pub(super) fn is_gone(store: &Store, table: &TableDescriptor) -> bool {
    let state = table.state();
    state.version().is_none() && state.changed_at() <= store.engine.published()
}

/// Refuses what was read of a table that was gone by then, perhaps.
pub(super) fn check_table(store: &Store, operation: Operation, table: &TableDescriptor) -> Result<()> {
    if is_gone(store, table) {
        let table = table.schema().name().to_owned();
        return Err(Error::new(operation, Fault::TableNotFound { table }));
    }
    Ok(())
}

/// Refuses what was read of a table or an index that was gone by then, perhaps.
pub(super) fn check_source(
    store: &Store,
    operation: Operation,
    table: &Arc<TableDescriptor>,
    source: Source<'_>,
) -> Result<()> {
    if table.is_current() {
        return Ok(());
    }
    check_table(store, operation, table)?;
    let Some(index) = source.index else { return Ok(()) };
    let now = store.catalog.current(operation, table)?;
    let same = now.indexes().iter().find(|now| now.keyspace() == index.keyspace());
    // An index is seen to be deleted before it is taken away.
    if same.is_none_or(|now| now.status() == IndexStatus::Deleting) {
        let index = index.name().to_owned();
        return Err(Error::new(operation, Fault::IndexNotFound { index }));
    }
    Ok(())
}

/// Waits until nobody finds the tables that are gone any more. Says whether there was one.
pub(super) fn forget<'a>(
    store: &Store,
    tables: impl IntoIterator<Item = &'a TableDescriptor>,
) -> Result<bool> {
    let mut was_one = false;
    for table in tables.into_iter().filter(|table| is_gone(store, table)) {
        store.catalog.await_change(&store.engine, table)?;
        was_one = true;
    }
    Ok(was_one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::error::ErrorKind;
    use crate::dynamo::jobs::index_build;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::schema::{GlobalIndex, TableSchema};
    use crate::dynamo::tables::request::{GlobalIndexUpdate, UpdateTableRequest};
    use crate::engine::options::EngineOptions;
    use crate::env::environment::Environment;
    use std::path::Path;

    fn store() -> Store {
        let store = Store::open(Environment::memory(), Path::new("store"), EngineOptions::default());
        store.expect("a new store")
    }

    /// A table with an index, as a read has got hold of it.
    fn create(store: &Store) -> Arc<TableDescriptor> {
        let index = GlobalIndex::builder("ByX").partition_key("x", KeyType::Number);
        let schema = TableSchema::builder("Items").partition_key("pk", KeyType::Number).global_index(index);
        let schema = schema.build().expect("a valid schema");
        store.catalog.create_table(&store.engine, schema.into()).expect("a new table")
    }

    fn update(store: &Store, request: UpdateTableRequest) {
        let request = UpdateTableRequest { table_name: "Items".to_owned(), ..request };
        store.catalog.update_table(&store.engine, request).expect("a valid request");
    }

    /// What is said of what was read of the table, or of its index.
    fn check(store: &Store, table: &Arc<TableDescriptor>, index: Option<usize>) -> Result<()> {
        check_source(store, Operation::Scan, table, Source::new(table, index))
    }

    #[test]
    fn a_table_that_has_only_changed_is_there() {
        let store = store();
        let table = create(&store);
        let deletion_protection_enabled = Some(true);
        update(&store, UpdateTableRequest { deletion_protection_enabled, ..UpdateTableRequest::default() });
        assert!(!table.is_current());
        assert!(check(&store, &table, None).is_ok() && check(&store, &table, Some(0)).is_ok());
    }

    #[test]
    fn an_index_that_is_dropped_is_not_read_and_its_table_is() {
        let store = store();
        let table = create(&store);
        let delete = Some("ByX".to_owned());
        let updates = vec![GlobalIndexUpdate { delete, ..GlobalIndexUpdate::default() }];
        let request =
            UpdateTableRequest { global_secondary_index_updates: updates, ..UpdateTableRequest::default() };
        update(&store, request);
        let refused = |place: &str| {
            let error = check(&store, &table, Some(0)).expect_err(place);
            assert_eq!(error.to_string(), "The table does not have the specified index: ByX");
        };
        refused("it is being deleted");
        index_build::wait_until_active(&store.engine, &store.catalog, "Items").expect("nothing fails");
        refused("it is gone");
        assert!(check(&store, &table, None).is_ok());
    }

    #[test]
    fn a_table_that_was_dropped_and_made_anew_is_another_one() {
        let store = store();
        let table = create(&store);
        store.catalog.delete_table(&store.engine, "Items").expect("it is there");
        create(&store);
        let error = check(&store, &table, None).expect_err("it is gone");
        assert_eq!(error.kind(), ErrorKind::ResourceNotFound);
        assert!(forget(&store, [table.as_ref()]).expect("nothing fails"));
        let now = store.catalog.find(Operation::Scan, "Items").expect("it was made");
        assert!(!forget(&store, [now.as_ref()]).expect("nothing fails"));
    }
}
