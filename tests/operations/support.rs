//! A small table, and what all tests ask of it.

use pixii::{Database, GlobalIndex, Item, KeyType, LocalIndex, Projection, Result, Table, TableSchema};

/// Items have `pk` and `sk`; `ByX` is global over `x` and holds keys only, `ByRank` local over `rank` and holds `a`.
pub(crate) fn schema() -> TableSchema {
    let by_x = GlobalIndex::builder("ByX").partition_key("x", KeyType::Number);
    let by_rank = LocalIndex::builder("ByRank").sort_key("rank", KeyType::Number);
    let schema = TableSchema::builder("Items")
        .partition_key("pk", KeyType::String)
        .sort_key("sk", KeyType::Number)
        .global_index(by_x.projection(Projection::KeysOnly))
        .local_index(by_rank.projection(Projection::include(["a"])))
        .build();
    schema.expect("a valid schema")
}

/// A database with such a table, and the table.
pub(crate) fn database() -> (Database, Table) {
    let database = Database::in_memory().expect("a new database");
    let table = database.create_table(schema()).expect("a new table");
    (database, table)
}

pub(crate) fn table() -> Table {
    database().1
}

pub(crate) fn item(sk: i32) -> Item {
    Item::new().with("pk", "p").with("sk", sk)
}

/// The request is refused with that exception and in these words.
#[track_caller]
pub(crate) fn refused<T>(
    result: Result<T, impl Into<pixii::Error>>,
    exception: &str,
    message: &str,
) -> pixii::Error {
    match result {
        Ok(_) => panic!("it was not refused: {message}"),
        Err(error) => {
            let error = error.into();
            assert_eq!((error.exception(), error.to_string().as_str()), (exception, message));
            error
        }
    }
}
