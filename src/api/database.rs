//! An open database.

use super::entity::Entity;
use super::table::Table;
use super::typed::TypedTable;
use crate::dynamo::catalog::Catalog;
use crate::dynamo::error::{ErrorKind, Result};
use crate::dynamo::schema::TableSchema;
use crate::engine::options::EngineOptions;
use crate::engine::statistics::Statistics;
use crate::engine::store::Engine;
use crate::env::environment::Environment;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// An open database: its tables, and what concerns them all. Cheap to clone, and shared freely between threads.
///
/// ```
/// use pixii::{Database, Item, KeyType, TableSchema};
///
/// let directory = tempfile::tempdir().expect("a directory");
/// let database = Database::open(directory.path())?;
/// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
/// database.create_table(schema)?.put(&Item::new().with("id", 1).with("text", "hello"))?;
/// database.close()?;
///
/// let database = Database::open(directory.path())?;
/// let note = database.table("Notes")?.get_item(1)?.expect("it was written durably");
/// assert_eq!(note.get("text"), Some(&"hello".into()));
/// # Ok::<(), pixii::Error>(())
/// ```
#[derive(Clone)]
pub struct Database {
    engine: Engine,
    catalog: Arc<Catalog>,
}

impl Database {
    /// Opens the database in `directory`, which is created if it is missing. One handle at a time has it open.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self> {
        Self::options().open(directory)
    }

    /// Opens a new database that is gone when its last handle is.
    pub fn in_memory() -> Result<Self> {
        Self::options().environment(Environment::memory()).open("memory")
    }

    /// How to open a database, to be changed before it is opened.
    pub fn options() -> DatabaseOptions {
        DatabaseOptions::default()
    }

    /// Makes a table, durably.
    ///
    /// ```
    /// use pixii::{Database, ErrorKind, KeyType, TableSchema};
    ///
    /// let database = Database::in_memory()?;
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
    /// database.create_table(schema.clone())?;
    /// let error = database.create_table(schema).expect_err("it exists");
    /// assert_eq!(error.kind(), ErrorKind::ResourceInUse);
    /// assert_eq!(error.to_string(), "Table already exists: Notes");
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn create_table(&self, schema: TableSchema) -> Result<Table> {
        let table = self.catalog.create_table(&self.engine, schema)?;
        Ok(Table::new(self.engine.clone(), table))
    }

    /// The table `name`.
    pub fn table(&self, name: &str) -> Result<Table> {
        Ok(Table::new(self.engine.clone(), self.catalog.describe(name)?))
    }

    /// The table of the entities `E`, by the name that they give it.
    pub fn entity<E: Entity>(&self) -> Result<TypedTable<E>> {
        self.table(E::TABLE).map(Into::into)
    }

    /// Makes the table of the entities `E`, durably.
    pub fn create_entity<E: Entity>(&self) -> Result<TypedTable<E>> {
        self.create_table(E::schema().build()?).map(Into::into)
    }

    /// The table of the entities `E`, which is made, durably, if there is none.
    pub fn entity_or_create<E: Entity>(&self) -> Result<TypedTable<E>> {
        match self.entity() {
            Err(error) if error.kind() == ErrorKind::ResourceNotFound => match self.create_entity() {
                // Somebody else was faster.
                Err(error) if error.kind() == ErrorKind::ResourceInUse => self.entity(),
                made => made,
            },
            found => found,
        }
    }

    /// The names of all tables in the order of their bytes.
    pub fn tables(&self) -> Vec<String> {
        self.catalog.list()
    }

    /// Writes what is in memory to tables on disk. Nothing needs this to be durable.
    pub fn flush(&self) -> Result<()> {
        Ok(self.engine.flush()?)
    }

    /// Rewrites all tables on disk without what is overwritten or removed.
    pub fn compact(&self) -> Result<()> {
        Ok(self.engine.compact()?)
    }

    /// Syncs what is buffered and ends all work. Every later read and write of items, through any handle, is refused; iterators that had begun go on.
    pub fn close(&self) -> Result<()> {
        Ok(self.engine.close()?)
    }

    /// What the storage below counts.
    pub fn statistics(&self) -> Statistics {
        self.engine.statistics()
    }
}

/// How to open a database.
///
/// ```
/// use pixii::{Database, Environment};
/// use std::time::Duration;
///
/// let database = Database::options()
///     .environment(Environment::memory())
///     .sync_interval(Duration::from_millis(50))
///     .memtable_bytes(8 * 1024 * 1024)
///     .open("anywhere")?;
/// assert!(database.tables().is_empty());
/// # Ok::<(), pixii::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DatabaseOptions {
    environment: Environment,
    engine: EngineOptions,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self { environment: Environment::system(), engine: EngineOptions::default() }
    }
}

impl DatabaseOptions {
    /// The world that the database lives in: the operating system's, unless this is called.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// All settings of the storage below.
    pub fn engine(mut self, options: EngineOptions) -> Self {
        self.engine = options;
        self
    }

    /// Buffered writes are synced at this interval: what the death of the machine can take.
    pub fn sync_interval(mut self, interval: Duration) -> Self {
        self.engine.sync_interval = interval;
        self
    }

    /// Memory that writes fill before they are flushed to a table on disk, in bytes.
    pub fn memtable_bytes(mut self, bytes: usize) -> Self {
        self.engine.memtable_bytes = bytes;
        self
    }

    /// Opens the database in `directory`, which is created if it is missing.
    pub fn open(self, directory: impl AsRef<Path>) -> Result<Database> {
        let Self { environment, engine } = self;
        let clock = Arc::clone(&environment.clock);
        let engine = Engine::open(environment, directory.as_ref(), engine)?;
        let catalog = Arc::new(Catalog::open(&engine, clock)?);
        Ok(Database { engine, catalog })
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("tables", &self.tables()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::schema::{GlobalIndex, Projection};
    use crate::dynamo::value::Item;

    fn schema(name: &str) -> TableSchema {
        let by_x = GlobalIndex::builder("ByX").partition_key("x", KeyType::Number);
        let schema = TableSchema::builder(name)
            .partition_key("pk", KeyType::String)
            .sort_key("sk", KeyType::Binary)
            .global_index(by_x.projection(Projection::include(["a"])));
        schema.build().expect("a valid schema")
    }

    fn item() -> Item {
        Item::new().with("pk", "p").with("sk", [7_u8]).with("x", 1)
    }

    fn counts(table: &Table) -> (usize, usize) {
        (table.scan().into_iter().count(), table.scan().index("ByX").into_iter().count())
    }

    #[test]
    fn tables_are_there_when_the_database_is_opened_again() {
        let environment = Environment::memory();
        let open = || Database::options().environment(environment.clone()).open("db").expect("it opens");
        let database = open();
        database.create_table(schema("Two")).expect("a new table");
        let one = database.create_table(schema("One")).expect("a new table");
        one.put(&item()).expect("the item is valid");
        database.close().expect("it closes");
        drop((one, database));

        let database = open();
        assert_eq!(database.tables(), ["One", "Two"]);
        let one = database.table("One").expect("it was made");
        assert_eq!(one.schema(), &schema("One"));
        assert_eq!(counts(&one), (1, 1));
        let three = database.create_table(schema("Three")).expect("a new table");
        assert_eq!(counts(&three), (0, 0));
        three.put(&item().with("sk", [8_u8])).expect("the item is valid");
        assert_eq!((counts(&one), counts(&three)), ((1, 1), (1, 1)));
        assert_eq!(counts(&database.table("Two").expect("it was made")), (0, 0));
    }

    #[test]
    fn of_many_who_make_a_table_one_does_and_all_find_it() {
        let database = Database::in_memory().expect("a new database");
        let made = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let made = database.create_table(schema("Items"));
                        database.table("Items").expect("whoever hears of it finds it");
                        made.map_err(|error| (error.kind(), error.to_string()))
                    })
                })
                .collect();
            makers.into_iter().map(|maker| maker.join().expect("no panic")).collect::<Vec<_>>()
        });
        let refused = made.iter().filter_map(|made| made.as_ref().err());
        let refused: Vec<_> = refused.cloned().collect();
        let exists = (ErrorKind::ResourceInUse, "Table already exists: Items".to_owned());
        assert_eq!(refused, vec![exists; 3]);
    }

    #[test]
    fn a_missing_table_is_told_from_an_impossible_name() {
        let database = Database::in_memory().expect("a new database");
        let missing = database.table("Music").expect_err("nobody made it");
        assert_eq!(missing.exception(), "ResourceNotFoundException");
        let impossible = database.table("a b").expect_err("no table has that name");
        assert_eq!(
            impossible.to_string(),
            "1 validation error detected: Value 'a b' at 'tableName' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        );
    }

    #[test]
    fn a_closed_database_takes_no_writes() {
        let database = Database::in_memory().expect("a new database");
        let table = database.create_table(schema("Items")).expect("a new table");
        database.close().expect("it closes");
        let error = table.put(&item()).expect_err("it is closed");
        assert_eq!(error.kind(), ErrorKind::Closed);
    }
}
