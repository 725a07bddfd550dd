//! Item collections: all items of a partition together with their local index entries.

use super::request::ItemCollectionMetrics;
use crate::dynamo::condition::all_with_prefix;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::IndexScope;
use crate::dynamo::item_key;
use crate::dynamo::key;
use crate::dynamo::table::{IndexDescriptor, TableDescriptor};
use crate::dynamo::value::Item;
use crate::engine::store::Engine;

const GIGABYTE: u64 = 1 << 30;

/// About how large the collection is that the item of `key` belongs to; none if the table has no local indexes.
///
/// An estimate from what tables on disk say of themselves, which costs no read.
pub(super) fn metrics(
    engine: &Engine,
    table: &TableDescriptor,
    key: &[u8],
    attributes: &Item,
) -> Result<Option<ItemCollectionMetrics>> {
    let local = table.indexes().iter().filter(|index| index.scope() == IndexScope::Local);
    let mut keyspaces: Vec<_> = local.map(IndexDescriptor::keyspace).collect();
    if keyspaces.is_empty() {
        return Ok(None);
    }
    keyspaces.push(table.keyspace());
    let (partition, _) = key::split_component(item_key::without_keyspace(key))
        .map_err(|error| Error::damaged("item key", error))?;
    let mut bytes = 0;
    for keyspace in keyspaces {
        let prefix = [keyspace.prefix().as_slice(), partition].concat();
        bytes += engine.keyspace_size(&all_with_prefix(prefix)).bytes;
    }
    #[expect(clippy::cast_precision_loss, reason = "a disk holds far less than 2^52 gigabytes")]
    let lower = (bytes / GIGABYTE) as f64;
    let key = table.schema().key().partition().iter();
    let key = key.filter_map(|part| Some((part.name.clone(), attributes.get(&part.name)?.clone())));
    Ok(Some(ItemCollectionMetrics {
        item_collection_key: key.collect(),
        size_estimate_range_gb: [lower, lower + 1.0],
    }))
}
