//! A cursor over the tables of a level that do not overlap, one after another.

use crate::base::cursor::Cursor;
use crate::base::entry::{EntryRef, Position};
use crate::base::error::Result;
use crate::format::table::cursor::TableCursor;
use crate::format::table::reader::TableReader;
use std::sync::Arc;

/// The tables of a level in their order.
pub type Level = Arc<[Arc<TableReader>]>;

/// A place in a level.
#[derive(Debug)]
pub struct LevelCursor {
    tables: Level,
    table_index: usize,
    table: Option<TableCursor>,
}

impl LevelCursor {
    /// A cursor that stands nowhere.
    pub fn new(tables: Level) -> Self {
        Self { tables, table_index: 0, table: None }
    }

    /// Opens a cursor on a table, or none beyond the ends.
    fn enter(&mut self, table_index: Option<usize>) -> Option<&mut TableCursor> {
        let table = table_index.and_then(|index| self.tables.get(index));
        self.table_index = table_index.unwrap_or(0);
        self.table = table.map(|table| TableCursor::new(Arc::clone(table)));
        self.table.as_mut()
    }

    fn stands(&self) -> bool {
        self.table.as_ref().is_some_and(|table| table.entry().is_some())
    }

    fn enter_first_of(&mut self, table_index: usize) -> Result<()> {
        match self.enter(Some(table_index)) {
            Some(table) => table.seek_first(),
            None => Ok(()),
        }
    }

    fn enter_last_of(&mut self, table_index: Option<usize>) -> Result<()> {
        match self.enter(table_index) {
            Some(table) => table.seek_last(),
            None => Ok(()),
        }
    }
}

impl Cursor for LevelCursor {
    fn seek_first(&mut self) -> Result<()> {
        self.enter_first_of(0)
    }

    fn seek_last(&mut self) -> Result<()> {
        self.enter_last_of(self.tables.len().checked_sub(1))
    }

    fn seek(&mut self, target: Position<'_>) -> Result<()> {
        let index = self.tables.partition_point(|table| table.meta().largest.as_slice() < target.key);
        let Some(table) = self.enter(Some(index)) else { return Ok(()) };
        table.seek(target)?;
        // The table's last key can be the target's, with newer versions only.
        if self.stands() { Ok(()) } else { self.enter_first_of(index + 1) }
    }

    fn seek_before(&mut self, target: Position<'_>) -> Result<()> {
        let index = self.tables.partition_point(|table| table.meta().smallest.as_slice() <= target.key);
        let Some(table) = self.enter(index.checked_sub(1)) else { return Ok(()) };
        table.seek_before(target)?;
        if self.stands() { Ok(()) } else { self.enter_last_of(index.checked_sub(2)) }
    }

    fn next(&mut self) -> Result<()> {
        if !self.stands() {
            return Ok(());
        }
        if let Some(table) = &mut self.table {
            table.next()?;
        }
        if self.stands() { Ok(()) } else { self.enter_first_of(self.table_index + 1) }
    }

    fn prev(&mut self) -> Result<()> {
        if !self.stands() {
            return Ok(());
        }
        if let Some(table) = &mut self.table {
            table.prev()?;
        }
        if self.stands() { Ok(()) } else { self.enter_last_of(self.table_index.checked_sub(1)) }
    }

    fn entry(&self) -> Option<EntryRef<'_>> {
        self.table.as_ref()?.entry()
    }
}
