//! Tables that are being restored: they have a name and keyspaces, and nobody sees them before they are whole.
//!
//! Invariant: a table that is being restored has a row of its own kind, and none of a table's. One commit puts the one in the
//! place of the other; who gives up lists the keyspaces as dead in the commit that takes the row away.

use super::backup_fault::BackupFault;
use super::catalog::{Catalog, Change};
use super::error::{Error, Result};
use super::fault::Operation;
use super::system_rows::{
    NEXT_KEYSPACE_ROW, RESTORING_ROW, TABLE_ROW, after, decode_record, next_keyspace, put_dead, row_key, rows,
};
use super::table::TableDescriptor;
use super::tables::definition::NewTable;
use super::tables::record::{TableId, TableRecord};
use super::tables::settings::PointInTimeRecovery;
use crate::base::batch::WriteBatch;
use crate::base::error::StoreError;
use crate::engine::options::Durability;
use crate::engine::store::Engine;
use crate::format::metadata;
use std::sync::Arc;

impl Catalog {
    /// Refuses a name that a table has.
    pub(super) fn check_free(&self, operation: Operation, name: &str) -> Result<()> {
        if self.find(operation, name).is_ok() {
            return Err(Error::new(operation, BackupFault::TableExists { table: name.to_owned() }.into()));
        }
        Ok(())
    }

    /// Takes the name and the keyspaces of a table that is to be restored, durably. Nobody sees it before
    /// [`finish_restore`](Self::finish_restore).
    pub(super) fn begin_restore(
        &self,
        engine: &Engine,
        operation: Operation,
        table: NewTable,
    ) -> Result<TableRecord> {
        let name = table.schema.name().to_owned();
        self.check_free(operation, &name)?;
        let rows = [row_key(TABLE_ROW, name.as_bytes()), row_key(RESTORING_ROW, name.as_bytes())];
        let counter = row_key(NEXT_KEYSPACE_ROW, &[]);
        engine.pay_back_pressure()?;
        let guard = engine.lock_keys(rows.iter().cloned().chain([counter.clone()]).collect());
        for row in &rows {
            if let Some((seqno, true)) = engine.latest_version(row, |row| (row.seqno, row.value.is_some()))? {
                drop(guard);
                engine.visible(seqno).wait().map_err(StoreError::into_rejected)?;
                return Err(Error::new(operation, BackupFault::TableExists { table: name }.into()));
            }
        }
        let (first, count) = (next_keyspace(engine)?, table.keyspace_count());
        let keyspaces: Vec<_> = (0..count).map(|place| after(first, place)).collect::<Result<_>>()?;
        let id = TableId::from_random(engine.environment().random.next_u128());
        let record = TableRecord::new(
            table,
            id,
            &keyspaces,
            engine.published(),
            engine.environment().clock.wall_millis(),
        );
        let mut batch = WriteBatch::new();
        batch.put(counter, metadata::encode(&after(first, count)?));
        batch.put(row_key(RESTORING_ROW, name.as_bytes()), metadata::encode(&record));
        let ticket = engine.submit(&batch, Durability::Durable)?;
        drop(guard);
        ticket.wait()?;
        Ok(record)
    }

    /// A table that was being restored has all its entries: it appears, durably.
    pub(super) fn finish_restore(
        &self,
        engine: &Engine,
        operation: Operation,
        record: &TableRecord,
    ) -> Result<Arc<TableDescriptor>> {
        let name = record.schema.name();
        let mut batch = WriteBatch::new();
        batch.put(row_key(TABLE_ROW, name.as_bytes()), metadata::encode(record));
        batch.delete(row_key(RESTORING_ROW, name.as_bytes()));
        engine.write(&batch, Durability::Durable)?;
        self.refresh(engine, name)?;
        self.find(operation, name)
    }

    /// A table that was being restored will not be: its keyspaces are dead.
    pub(super) fn give_up_restore(&self, engine: &Engine, record: &TableRecord) -> Result<()> {
        let mut batch = WriteBatch::new();
        batch.delete(row_key(RESTORING_ROW, record.schema.name().as_bytes()));
        for keyspace in record.keyspaces() {
            put_dead(&mut batch, keyspace, engine.environment().clock.wall_millis());
        }
        let commit = engine.submit(&batch, Durability::Durable)?.wait()?;
        self.note_dead(&record.keyspaces().collect::<Vec<_>>(), commit.seqno);
        self.changed().notify();
        Ok(())
    }

    /// Gives up what was being restored when the store was last closed.
    pub(super) fn give_up_restores(&self, engine: &Engine) -> Result<()> {
        for (_, row) in rows(engine, RESTORING_ROW)? {
            self.give_up_restore(engine, &decode_record(&row)?)?;
        }
        Ok(())
    }

    /// Says whether and since when a table can be restored to a moment, durably.
    pub(super) fn change_recovery(
        &self,
        engine: &Engine,
        operation: Operation,
        name: &str,
        change: impl FnOnce(Option<PointInTimeRecovery>) -> Option<PointInTimeRecovery>,
    ) -> Result<()> {
        let now_millis = engine.environment().clock.wall_millis();
        let changed = self.change(engine, operation, name, &[], |record, _| {
            let mut next = record.clone();
            next.settings.point_in_time_recovery = change(record.settings.point_in_time_recovery);
            Ok(Change::to(next, record, now_millis))
        });
        changed?.wait(engine, self).map(drop)
    }
}
