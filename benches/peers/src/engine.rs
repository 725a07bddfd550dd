//! What an engine must do to take part: the trait that the workloads know, and the list of who has it.

use crate::data::Key;
use std::path::PathBuf;

/// What an acknowledged write has survived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// The death of the machine.
    Durable,
    /// The death of the process by kill -9.
    KillSafe,
}

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Setup {
    pub directory: PathBuf,
    pub cache_bytes: usize,
    pub durability: Durability,
}

/// Items in key order, for loading: fills the value and gives the key, or nothing after the last.
pub type Items<'a> = dyn FnMut(&mut Vec<u8>) -> Option<Key> + 'a;

/// How many items a batch has.
pub const BATCH_ITEMS: usize = 1000;

/// An open store. Any failure of an engine is a panic: a figure without the work must not come out.
pub trait Store: Send + Sync {
    /// What a thread works with.
    fn session(&self) -> Box<dyn Session + '_>;

    /// Loads items in key order into the empty store by the fastest way that the engine documents, durable at the end.
    fn bulk_load(&self, items: &mut Items<'_>) {
        load_in_batches(self.session().as_mut(), items);
        self.sync();
    }

    /// Makes durable what was written.
    fn sync(&self);

    /// Writes memory out, if the engine has a way to ask for it. Its background work goes on.
    fn flush(&self);

    /// Gives back all space that it can, if the engine has a way to ask for it.
    fn compact(&mut self);

    /// One thread has `count` durable writes in flight all the time: their numbers come from `next`, until it gives none.
    /// `None` if the engine has no such interface.
    fn pipeline(&self, _count: usize, _next: &mut dyn FnMut(&mut Vec<u8>) -> Option<Key>) -> Option<()> {
        None
    }

    /// Closes the store.
    fn close(self: Box<Self>);
}

/// What one thread does with a store.
pub trait Session {
    /// Shows the value of a key and says whether there was one.
    fn get(&mut self, key: &Key, see: &mut dyn FnMut(&[u8])) -> bool;
    /// Writes one item and commits.
    fn put(&mut self, key: &Key, value: &[u8]);
    /// Writes one item that expires at a time since 1970, or says that the engine has no such thing.
    fn put_expiring(&mut self, _key: &Key, _value: &[u8], _at_millis: u64) -> bool {
        false
    }
    /// Writes some items in one commit.
    fn put_batch(&mut self, items: &[(Key, Vec<u8>)]);
    /// Deletes some items in one commit.
    fn delete_batch(&mut self, keys: &[Key]);
    /// Shows up to `limit` items from `start` on and before `end`, or backwards from before `end` down to `start`.
    fn range(
        &mut self,
        start: &Key,
        end: &Key,
        is_reverse: bool,
        limit: usize,
        see: &mut dyn FnMut(&[u8], &[u8]),
    );
}

/// Loads items by batches of [`BATCH_ITEMS`].
pub fn load_in_batches(session: &mut dyn Session, items: &mut Items<'_>) {
    let mut batch = Vec::with_capacity(BATCH_ITEMS);
    let mut value = Vec::new();
    loop {
        let item = items(&mut value);
        if let Some(key) = item {
            batch.push((key, value.clone()));
        }
        if batch.len() == BATCH_ITEMS || (item.is_none() && !batch.is_empty()) {
            session.put_batch(&batch);
            batch.clear();
        }
        if item.is_none() {
            return;
        }
    }
}

/// Who takes part.
pub struct Kind {
    pub name: &'static str,
    /// The version, and every setting that is not the engine's default.
    pub settings: &'static str,
    /// What its promise lacks beside the others', if anything; such a figure is shown but counts for no comparison.
    pub weaker: Option<&'static str>,
    pub open: fn(&Setup) -> Box<dyn Store>,
}

pub fn kinds() -> Vec<Kind> {
    use crate::engines::*;
    vec![
        pixii::KIND,
        pixii_table::KIND,
        rocks::KIND,
        rocks::MAPPED,
        lmdb::KIND,
        fjall::KIND,
        redb::KIND,
        surreal::KIND,
        sqlite::KIND,
    ]
}

pub fn kind(name: &str) -> Kind {
    kinds().into_iter().find(|kind| kind.name == name).unwrap_or_else(|| panic!("there is no engine {name}"))
}
