//! Entities: Rust types that are the items of a table, with their keys, indexes and special attributes.
//!
//! All that is known of an entity is known when the program is compiled, so a key of another type, or an index of
//! another entity, does not compile.

use super::expression::attribute::Attribute;
use super::expression::operand::OperandOf;
use crate::dynamo::expression::tree::Constant;
use crate::dynamo::fault::Fault;
use crate::dynamo::item_key::Key;
use crate::dynamo::key::KeyType;
use crate::dynamo::number::Number;
use crate::dynamo::serde::error::SerdeError;
use crate::dynamo::tables::builder::TableSchemaBuilder;
use crate::dynamo::value::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// A type whose values are the items of a table. `#[derive(Entity)]` writes this, and an [`Attribute`] for each field;
/// by hand it is:
///
/// ```
/// use pixii::{Attribute, Database, Entity, Key, KeyType, SerdeError, TableSchema, TableSchemaBuilder};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Debug, PartialEq)]
/// struct Song {
///     artist: String,
///     year: u16,
/// }
///
/// impl Song {
///     const ARTIST: Attribute<String> = Attribute::new("artist");
///     const YEAR: Attribute<u16> = Attribute::new("year");
/// }
///
/// impl Entity for Song {
///     const TABLE: &'static str = "Songs";
///     type Key = (Attribute<String>, Attribute<u16>);
///     const KEY: Self::Key = (Self::ARTIST, Self::YEAR);
///
///     fn schema() -> TableSchemaBuilder {
///         TableSchema::builder(Self::TABLE)
///             .partition_key("artist", KeyType::String)
///             .sort_key("year", KeyType::Number)
///     }
///
///     fn key(&self) -> Result<Key, SerdeError> {
///         let (partition, sort) = (Self::ARTIST.encode(&self.artist)?, Self::YEAR.encode(&self.year)?);
///         Ok(Key::Values { partition, sort: Some(sort) })
///     }
/// }
///
/// let database = Database::in_memory()?;
/// let songs = database.create_entity::<Song>()?;
/// songs.put(&Song { artist: "Fela".into(), year: 1977 })?;
/// assert_eq!(songs.get(("Fela", 1977))?.map(|song| song.year), Some(1977));
/// # Ok::<(), pixii::Error>(())
/// ```
pub trait Entity: Serialize + DeserializeOwned {
    /// The name of its table.
    const TABLE: &'static str;

    /// The attributes of its key: an [`Attribute`], or a pair of them.
    type Key: KeyAttributes;

    /// The attributes of its key.
    const KEY: Self::Key;

    /// The attribute that says, in seconds since 1970, when an item expires.
    const TTL_ATTRIBUTE: Option<&'static str> = None;

    /// The number that counts an item's versions, so that nobody overwrites a version that they have not seen. With it
    /// go [`version`](Self::version) and [`advance_version`](Self::advance_version).
    const VERSION_ATTRIBUTE: Option<&'static str> = None;

    /// The table's definition.
    fn schema() -> TableSchemaBuilder;

    /// The item's key.
    fn key(&self) -> Result<Key, SerdeError>;

    /// The version that it was read with, if it counts versions; zero if it was never written.
    fn version(&self) -> Option<EntityVersion> {
        None
    }

    /// It was written: it is the next version from now on.
    fn advance_version(&mut self) {}
}

/// The version that an entity was read with, and the one that it is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntityVersion {
    /// What the item's version must be for the entity to be written over it.
    pub seen: Number,
    /// What it is then; none if there is no greater number of its type.
    pub next: Option<Number>,
}

impl EntityVersion {
    /// The version that a field holds.
    pub fn of<V: VersionField>(field: &V) -> Self {
        Self { seen: field.number(), next: field.next().map(|next| next.number()) }
    }
}

/// The attributes of a key: an [`Attribute`] that chooses the partition, or a pair of it and of one that orders it.
pub trait KeyAttributes {
    /// The Rust type of the partition key.
    type Partition;

    /// The attribute that chooses the partition.
    fn into_partition(self) -> Attribute<Self::Partition>;
}

impl<P> KeyAttributes for Attribute<P> {
    type Partition = P;

    fn into_partition(self) -> Self {
        self
    }
}

impl<P, S> KeyAttributes for (Attribute<P>, Attribute<S>) {
    type Partition = P;

    fn into_partition(self) -> Attribute<P> {
        self.0
    }
}

/// The values of the key `K`: that of the partition key, or a pair of it and of that of the sort key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a key of this entity",
    label = "the key's attributes are `{K}`",
    note = "a key is the partition key's value, or a pair of it and the sort key's value if the entity has a sort key"
)]
pub trait KeyValues<K> {
    /// The key.
    fn into_key(self, attributes: K) -> Result<Key, Fault>;
}

impl<P, V: OperandOf<P, Form = Constant>> KeyValues<Attribute<P>> for V {
    fn into_key(self, attribute: Attribute<P>) -> Result<Key, Fault> {
        let partition = self.into_form(attribute.encoding())?;
        Ok(Key::Values { partition: partition.value().clone(), sort: None })
    }
}

impl<P, S, V, W> KeyValues<(Attribute<P>, Attribute<S>)> for (V, W)
where
    V: OperandOf<P, Form = Constant>,
    W: OperandOf<S, Form = Constant>,
{
    fn into_key(self, (partition, sort): (Attribute<P>, Attribute<S>)) -> Result<Key, Fault> {
        let partition = self.0.into_form(partition.encoding())?;
        let sort = self.1.into_form(sort.encoding())?;
        Ok(Key::Values { partition: partition.value().clone(), sort: Some(sort.value().clone()) })
    }
}

/// The key of an index that several attributes choose the partition by, or several order: each an [`Attribute`] by
/// itself, or a tuple of them; nothing orders it where `S` is `()`.
#[derive(Clone, Copy, Debug)]
pub struct CompositeKey<P, S> {
    partition: P,
    sort: S,
}

impl<P, S> CompositeKey<P, S> {
    /// The key of these attributes.
    pub const fn new(partition: P, sort: S) -> Self {
        Self { partition, sort }
    }

    /// The attributes that order the index.
    pub fn into_sort(self) -> S {
        self.sort
    }
}

/// The values that choose a partition of an index whose key is `K`: one, or a tuple of as many as choose it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` chooses no partition of this index",
    label = "the key's attributes are `{K}`",
    note = "give the partition key's value, or a tuple of all partition keys' values in their order"
)]
pub trait PartitionValues<K> {
    /// The values, in the order of the key's attributes.
    fn into_values(self, key: K) -> Result<Vec<Value>, Fault>;
}

fn partition_value<P>(
    attribute: &Attribute<P>,
    value: impl OperandOf<P, Form = Constant>,
) -> Result<Value, Fault> {
    value.into_form(attribute.encoding()).map(|value| value.value().clone())
}

impl<P, V: OperandOf<P, Form = Constant>> PartitionValues<Attribute<P>> for V {
    fn into_values(self, key: Attribute<P>) -> Result<Vec<Value>, Fault> {
        Ok(vec![partition_value(&key, self)?])
    }
}

impl<P, S, V: OperandOf<P, Form = Constant>> PartitionValues<(Attribute<P>, Attribute<S>)> for V {
    fn into_values(self, key: (Attribute<P>, Attribute<S>)) -> Result<Vec<Value>, Fault> {
        Ok(vec![partition_value(&key.0, self)?])
    }
}

impl<P, S, V: OperandOf<P, Form = Constant>> PartitionValues<CompositeKey<Attribute<P>, S>> for V {
    fn into_values(self, key: CompositeKey<Attribute<P>, S>) -> Result<Vec<Value>, Fault> {
        Ok(vec![partition_value(&key.partition, self)?])
    }
}

macro_rules! partition_values {
    ($($attribute:ident of $value:ident at $place:tt),*) => {
        impl<$($attribute,)* $($value,)* S> PartitionValues<CompositeKey<($(Attribute<$attribute>,)*), S>>
            for ($($value,)*)
        where
            $($value: OperandOf<$attribute, Form = Constant>,)*
        {
            fn into_values(
                self,
                key: CompositeKey<($(Attribute<$attribute>,)*), S>,
            ) -> Result<Vec<Value>, Fault> {
                Ok(vec![$(partition_value(&key.partition.$place, self.$place)?),*])
            }
        }
    };
}

partition_values!(A of V at 0, B of W at 1);
partition_values!(A of V at 0, B of W at 1, C of X at 2);
partition_values!(A of V at 0, B of W at 1, C of X at 2, D of Y at 3);

/// An index of the entity `E` whose key has the attributes `K`: an [`Attribute`], a pair of them, or a [`CompositeKey`].
///
/// `#[derive(Entity)]` writes a constant for each index: the index `BySender` is `Message::BY_SENDER`.
pub struct EntityIndex<E, K> {
    name: &'static str,
    key: K,
    entity: PhantomData<fn() -> E>,
}

impl<E, K> EntityIndex<E, K> {
    /// The index of that name.
    pub const fn new(name: &'static str, key: K) -> Self {
        Self { name, key, entity: PhantomData }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The attributes of its key.
    pub fn into_key(self) -> K {
        self.key
    }
}

impl<E, K: fmt::Debug> fmt::Debug for EntityIndex<E, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntityIndex").field("name", &self.name).field("key", &self.key).finish()
    }
}

/// A type of fields that can be key attributes: serde stores its values as a string, number or binary.
///
/// ```
/// use pixii::{KeyField, KeyType};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct UserId(String);
///
/// impl KeyField for UserId {
///     const KEY_TYPE: KeyType = KeyType::String;
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be a key attribute",
    label = "not stored as a string, a number or a binary",
    note = "for a type of your own: `impl pixii::KeyField for {Self} {{ const KEY_TYPE: KeyType = KeyType::String; }}`",
    note = "for a type of another crate: `#[pixii(key_type = String)]` on the field"
)]
pub trait KeyField {
    /// The type of what serde makes of the values.
    const KEY_TYPE: KeyType;
}

/// A type of fields that can be key attributes of an index: a [`KeyField`], or an option of one; an item without the
/// attribute is not in the index.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be a key attribute of an index",
    label = "neither a key attribute's type nor an option of one"
)]
pub trait IndexKeyField {
    /// The type of what serde makes of the values.
    const KEY_TYPE: KeyType;
}

impl<T: KeyField> IndexKeyField for T {
    const KEY_TYPE: KeyType = T::KEY_TYPE;
}

impl<T: KeyField> IndexKeyField for Option<T> {
    const KEY_TYPE: KeyType = T::KEY_TYPE;
}

/// A type of fields that can say when an item expires: a number of seconds since 1970, or an option of one.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot say when an item expires",
    label = "not a number of seconds since 1970, nor an option of one"
)]
pub trait ExpiryField {}

impl<T: ExpiryField> ExpiryField for Option<T> {}

/// A type of fields that can count an item's versions.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot count versions",
    label = "not an integer of 32 bits or more"
)]
pub trait VersionField: Sized {
    /// The version as a number.
    fn number(&self) -> Number;

    /// The version that follows; none if there is no greater number of this type.
    fn next(&self) -> Option<Self>;
}

impl VersionField for Number {
    fn number(&self) -> Number {
        *self
    }

    fn next(&self) -> Option<Self> {
        self.checked_add(1.into()).ok().filter(|next| next > self)
    }
}

macro_rules! fields {
    ($key_type:ident: $($field:ty),*) => {
        $(impl KeyField for $field {
            const KEY_TYPE: KeyType = KeyType::$key_type;
        })*
    };
    ($role:ident for $($field:ty),*) => {
        $(impl $role for $field {})*
    };
    (counting $($field:ty),*) => {
        $(impl VersionField for $field {
            fn number(&self) -> Number {
                (*self).into()
            }

            fn next(&self) -> Option<Self> {
                self.checked_add(1)
            }
        })*
    };
}

fields!(String: String, Box<str>, Cow<'_, str>, char);
fields!(Number: Number, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);
fields!(ExpiryField for Number, i32, i64, u32, u64);
fields!(counting i32, i64, isize, u32, u64, usize);
