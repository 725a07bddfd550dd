//! What can be given where a key is asked for.

use crate::dynamo::item_key::Key;
use crate::dynamo::number::Number;
use crate::dynamo::value::{Item, Value};

/// The key of an item: the value of the partition key, a pair of it and the value of the sort key, or the key
/// attributes by name.
///
/// ```
/// use pixii::{Database, Item, KeyType, TableSchema};
///
/// let database = Database::in_memory()?;
/// let music = database.create_table(
///     TableSchema::builder("Music")
///         .partition_key("Artist", KeyType::String)
///         .sort_key("Year", KeyType::Number)
///         .build()?,
/// )?;
/// music.put(&Item::new().with("Artist", "Fela").with("Year", 1977))?;
/// assert!(music.get_item(("Fela", 1977))?.is_some());
/// assert!(music.get_item(Item::new().with("Artist", "Fela").with("Year", 1977))?.is_some());
/// # Ok::<(), pixii::Error>(())
/// ```
pub trait IntoKey {
    /// The key.
    fn into_key(self) -> Key;
}

impl IntoKey for Key {
    fn into_key(self) -> Key {
        self
    }
}

impl IntoKey for Item {
    fn into_key(self) -> Key {
        Key::Attributes(self)
    }
}

impl IntoKey for &Item {
    fn into_key(self) -> Key {
        Key::Attributes(self.clone())
    }
}

impl<P: Into<Value>, S: Into<Value>> IntoKey for (P, S) {
    fn into_key(self) -> Key {
        Key::Values { partition: self.0.into(), sort: Some(self.1.into()) }
    }
}

impl<const LENGTH: usize> IntoKey for [u8; LENGTH] {
    fn into_key(self) -> Key {
        partition(self)
    }
}

impl<const LENGTH: usize> IntoKey for &[u8; LENGTH] {
    fn into_key(self) -> Key {
        partition(self)
    }
}

fn partition(value: impl Into<Value>) -> Key {
    Key::Values { partition: value.into(), sort: None }
}

macro_rules! partition_keys {
    ($($source:ty),* $(,)?) => {$(
        impl IntoKey for $source {
            fn into_key(self) -> Key {
                partition(self)
            }
        }
    )*};
}

partition_keys! {
    Value, &Value, Number, &str, String, &String, Vec<u8>, &[u8],
    i8, i16, i32, i64, isize, u8, u16, u32, u64, usize,
}
