//! Frees the space of dropped tables and indexes.
//!
//! The steps, until no keyspace is dead: tell the engine those that it was not told; have what is in memory flushed, once
//! for each, for nobody may write any more; look from time to time whether compaction has taken all of them away; forget
//! those of which nothing is left. What is not forgotten when the store is closed is told again when it is opened.

use super::failure;
use crate::base::error::StoreError;
use crate::base::ident::KeyspaceId;
use crate::dynamo::catalog::{Catalog, DeadKeyspace};
use crate::engine::job::EngineJob;
use crate::engine::store::Engine;
use crate::env::schedule::Step;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The job's name.
pub(super) const NAME: &str = "pixii-drop";

/// How long compaction has before it is looked after. Tables that are dropped within this time share a flush.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// The job.
#[derive(Debug)]
pub(super) struct DeadKeyspaces {
    catalog: Arc<Catalog>,
    /// What the engine was told.
    told: BTreeSet<KeyspaceId>,
    /// For what memory was flushed.
    flushed: BTreeSet<KeyspaceId>,
}

impl DeadKeyspaces {
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog, told: BTreeSet::new(), flushed: BTreeSet::new() }
    }
}

impl EngineJob for DeadKeyspaces {
    fn step(&mut self, engine: &Engine) -> Result<Step, StoreError> {
        let dead = self.catalog.dead_keyspaces();
        let news: Vec<&DeadKeyspace> =
            dead.iter().filter(|dead| !self.told.contains(&dead.keyspace)).collect();
        if !news.is_empty() {
            let news: Vec<_> = news.iter().map(|dead| (dead.keyspace, dead.seqno)).collect();
            engine.drop_keyspaces(&news);
            self.told.extend(news.iter().map(|(keyspace, _)| *keyspace));
            return Ok(Step::Park(Some(LOOK_INTERVAL)));
        }
        let (held, gone): (Vec<_>, Vec<_>) =
            dead.iter().map(|dead| dead.keyspace).partition(|keyspace| engine.holds_keyspace(*keyspace));
        if !gone.is_empty() {
            let forgotten = self.catalog.forget(engine, &gone);
            forgotten.map_err(|error| failure::of_step(engine, &error))?;
            self.told.retain(|keyspace| !gone.contains(keyspace));
            self.flushed.retain(|keyspace| !gone.contains(keyspace));
        }
        if held.iter().any(|keyspace| !self.flushed.contains(keyspace)) {
            engine.flush()?;
            self.flushed.extend(&held);
        }
        Ok(Step::Park((!held.is_empty()).then_some(LOOK_INTERVAL)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::batch::WriteBatch;
    use crate::dynamo::jobs::background;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::schema::{GlobalIndex, TableSchema};
    use crate::engine::options::{Durability, EngineOptions};
    use crate::env::schedule::{Event, Scheduler};
    use crate::env::sim::Simulation;
    use std::path::Path;

    fn open(simulation: &Simulation) -> (Engine, Arc<Catalog>) {
        let options = EngineOptions { memtable_bytes: 20_000, ..EngineOptions::default() };
        let engine = Engine::open(simulation.environment(), Path::new("/store"), options);
        let engine = engine.expect("a whole store");
        let catalog = Arc::new(Catalog::open(&engine).expect("a whole catalog"));
        background::begin(&engine, &catalog).expect("it is open");
        (engine, catalog)
    }

    fn pass_minute(simulation: &Simulation) {
        let never = Event::new();
        simulation.scheduler().wait(&never, never.generation(), Some(Duration::from_secs(60)));
    }

    /// Makes a table with `bytes` in it and in its index.
    fn fill(engine: &Engine, catalog: &Catalog, name: &str, bytes: usize) {
        let schema = TableSchema::builder(name)
            .partition_key("pk", KeyType::String)
            .global_index(GlobalIndex::builder("ByX").partition_key("x", KeyType::Binary));
        let schema = schema.build().expect("a valid schema");
        let table = catalog.create_table(engine, schema.into()).expect("a new table");
        for keyspace in table.record().keyspaces() {
            for number in 0..bytes / 1000 {
                let mut batch = WriteBatch::new();
                batch.put([&keyspace.prefix()[..], &number.to_be_bytes()].concat(), vec![7; 1000]);
                engine.write(&batch, Durability::Buffered).expect("space");
            }
        }
    }

    fn table_bytes(simulation: &Simulation) -> usize {
        let files = simulation.vfs().files().into_iter();
        let tables = files.filter(|(path, _)| path.extension().is_some_and(|end| end == "sst"));
        tables.map(|(_, bytes)| bytes.len()).sum()
    }

    #[test]
    fn dropped_tables_free_their_space_although_nobody_writes_any_more() {
        let simulation = Simulation::new(1);
        let (engine, catalog) = open(&simulation);
        fill(&engine, &catalog, "Kept", 30_000);
        fill(&engine, &catalog, "Gone", 200_000);
        engine.flush().expect("space");
        let before = table_bytes(&simulation);
        assert!(before > 400_000, "{before}");
        catalog.delete_table(&engine, "Gone").expect("it is there");
        assert_eq!(catalog.dead_keyspaces().len(), 2);
        pass_minute(&simulation);
        let after = table_bytes(&simulation);
        assert!((50_000..90_000).contains(&after), "{after} of {before}");
        assert_eq!(catalog.dead_keyspaces(), []);
        // What is dead when the store is closed goes behind the next opening; what is only in memory goes as well.
        fill(&engine, &catalog, "Small", 3_000);
        catalog.delete_table(&engine, "Small").expect("it is there");
        engine.close().expect("nothing failed");
        drop((engine, catalog));
        let (engine, catalog) = open(&simulation);
        assert_eq!(catalog.dead_keyspaces().len(), 2);
        pass_minute(&simulation);
        assert_eq!(catalog.dead_keyspaces(), []);
        fill(&engine, &catalog, "Small", 3_000);
        catalog.delete_table(&engine, "Small").expect("it is there");
        pass_minute(&simulation);
        assert_eq!(catalog.dead_keyspaces(), []);
    }

    #[test]
    fn what_a_snapshot_still_reads_stays_until_it_is_dropped() {
        let simulation = Simulation::new(2);
        let (engine, catalog) = open(&simulation);
        fill(&engine, &catalog, "Gone", 30_000);
        let snapshot = engine.snapshot();
        catalog.delete_table(&engine, "Gone").expect("it is there");
        pass_minute(&simulation);
        assert_eq!(catalog.dead_keyspaces().len(), 2);
        drop(snapshot);
        pass_minute(&simulation);
        assert_eq!(catalog.dead_keyspaces(), []);
    }
}
