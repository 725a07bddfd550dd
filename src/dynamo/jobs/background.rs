//! All jobs, begun when a store is opened.

use super::dead_keyspaces::{self, DeadKeyspaces};
use super::expiry_build::{self, ExpiryBuild};
use super::index_build::{self, IndexBuild};
use super::item_count::{self, ItemCount};
use super::sweep::{self, Sweep};
use crate::dynamo::catalog::Catalog;
use crate::dynamo::error::Result;
use crate::engine::store::Engine;
use std::sync::Arc;

/// Begins the jobs of an open store.
pub fn begin(engine: &Engine, catalog: &Arc<Catalog>) -> Result<()> {
    let build = Box::new(IndexBuild::new(Arc::clone(catalog)));
    engine.spawn(index_build::NAME, Arc::clone(catalog.changed()), build)?;
    let expiry = Box::new(ExpiryBuild::new(Arc::clone(catalog)));
    engine.spawn(expiry_build::NAME, Arc::clone(catalog.changed()), expiry)?;
    let sweep = Box::new(Sweep::new(Arc::clone(catalog)));
    engine.spawn(sweep::NAME, Arc::clone(&catalog.sweeps().wake), sweep)?;
    let count = Box::new(ItemCount::new(Arc::clone(catalog)));
    engine.spawn(item_count::NAME, Arc::clone(&catalog.counts().wake), count)?;
    let dead = Box::new(DeadKeyspaces::new(Arc::clone(catalog)));
    engine.spawn(dead_keyspaces::NAME, Arc::clone(catalog.changed()), dead)?;
    Ok(())
}
