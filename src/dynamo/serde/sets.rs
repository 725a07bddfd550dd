//! Collections as sets: modules for `#[serde(with = "…")]` on fields of type `Vec`, `HashSet`, `BTreeSet` and their
//! kin.
//!
//! DynamoDB knows no empty sets, and an item with one is refused. Leave it out:
//!
//! ```
//! use pixii::dynamo::{serde::{de::from_item, ser::to_item}, value::Value};
//! use std::collections::HashSet;
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Song {
//!     title: String,
//!     #[serde(with = "pixii::dynamo::serde::sets::string_set", default, skip_serializing_if = "HashSet::is_empty")]
//!     genres: HashSet<String>,
//! }
//!
//! let item = to_item(&Song { title: "Zombie".into(), genres: ["afrobeat".into()].into() })?;
//! assert_eq!(item.get("genres"), Value::string_set(["afrobeat"]).ok().as_ref());
//! let item = to_item(&Song { title: "Zombie".into(), genres: HashSet::new() })?;
//! assert_eq!(item.get("genres"), None);
//! assert!(from_item::<Song>(&item)?.genres.is_empty());
//! # Ok::<(), pixii::dynamo::serde::error::SerdeError>(())
//! ```

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// A collection of texts as `SS`.
pub mod string_set {
    use super::{Members, read};
    use crate::dynamo::serde::marker;
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Serialize, Serializer};

    /// Writes a collection as a set.
    pub fn serialize<'a, C, T, S>(collection: &'a C, serializer: S) -> Result<S::Ok, S::Error>
    where
        &'a C: IntoIterator<Item = T>,
        T: Serialize,
        S: Serializer,
    {
        serializer.serialize_newtype_struct(marker::STRING_SET, &Members(collection))
    }

    /// Reads a collection from a set or a list.
    pub fn deserialize<'de, C, D>(deserializer: D) -> Result<C, D::Error>
    where
        C: IntoIterator + FromIterator<<C as IntoIterator>::Item>,
        C::Item: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        read::<C::Item, D>(deserializer, marker::STRING_SET).map(C::from_iter)
    }
}

/// A collection of numbers as `NS`.
pub mod number_set {
    use super::{Members, read};
    use crate::dynamo::serde::marker;
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Serialize, Serializer};

    /// Writes a collection as a set.
    pub fn serialize<'a, C, T, S>(collection: &'a C, serializer: S) -> Result<S::Ok, S::Error>
    where
        &'a C: IntoIterator<Item = T>,
        T: Serialize,
        S: Serializer,
    {
        serializer.serialize_newtype_struct(marker::NUMBER_SET, &Members(collection))
    }

    /// Reads a collection from a set or a list.
    pub fn deserialize<'de, C, D>(deserializer: D) -> Result<C, D::Error>
    where
        C: IntoIterator + FromIterator<<C as IntoIterator>::Item>,
        C::Item: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        read::<C::Item, D>(deserializer, marker::NUMBER_SET).map(C::from_iter)
    }
}

/// A collection of byte strings as `BS`.
pub mod binary_set {
    use super::{OwnedBytes, read};
    use crate::dynamo::serde::marker;
    use crate::dynamo::serde::values::Bytes;
    use serde::de::Deserializer;
    use serde::ser::Serializer;

    /// Writes a collection as a set.
    pub fn serialize<'a, C, T, S>(collection: &'a C, serializer: S) -> Result<S::Ok, S::Error>
    where
        &'a C: IntoIterator<Item = &'a T>,
        T: AsRef<[u8]> + 'a,
        S: Serializer,
    {
        let members: Vec<_> = collection.into_iter().map(|member| Bytes(member.as_ref())).collect();
        serializer.serialize_newtype_struct(marker::BINARY_SET, &members)
    }

    /// Reads a collection from a set or a list.
    pub fn deserialize<'de, C, D>(deserializer: D) -> Result<C, D::Error>
    where
        C: IntoIterator + FromIterator<<C as IntoIterator>::Item>,
        C::Item: From<Vec<u8>>,
        D: Deserializer<'de>,
    {
        let members = read::<OwnedBytes, D>(deserializer, marker::BINARY_SET)?;
        Ok(members.into_iter().map(|member| member.0.into()).collect())
    }
}

/// A borrowed collection as a sequence.
struct Members<'a, C>(&'a C);

impl<'a, C> Serialize for Members<'a, C>
where
    &'a C: IntoIterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0)
    }
}

fn read<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
    name: &'static str,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_newtype_struct(name, MembersVisitor(PhantomData))
}

/// Sees through the newtype struct, where there is one, to the sequence.
struct MembersVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MembersVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a set")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        Vec::deserialize(deserializer)
    }
}

/// Bytes, from bytes.
struct OwnedBytes(Vec<u8>);

impl<'de> Deserialize<'de> for OwnedBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;

        impl Visitor<'_> for BytesVisitor {
            type Value = OwnedBytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("binary")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<OwnedBytes, E> {
                Ok(OwnedBytes(bytes.to_owned()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<OwnedBytes, E> {
                Ok(OwnedBytes(bytes))
            }
        }

        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

#[cfg(test)]
mod tests {
    use crate::dynamo::number::Number;
    use crate::dynamo::serde::de::from_item;
    use crate::dynamo::serde::ser::to_item;
    use crate::dynamo::value::{Item, Value};
    use std::collections::{BTreeSet, HashSet};

    #[derive(Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Sets {
        #[serde(with = "super::string_set", default, skip_serializing_if = "HashSet::is_empty")]
        strings: HashSet<String>,
        #[serde(with = "super::number_set", default, skip_serializing_if = "Vec::is_empty")]
        numbers: Vec<Number>,
        #[serde(with = "super::number_set", default, skip_serializing_if = "BTreeSet::is_empty")]
        integers: BTreeSet<i64>,
        #[serde(with = "super::binary_set", default, skip_serializing_if = "BTreeSet::is_empty")]
        binaries: BTreeSet<Vec<u8>>,
    }

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(tag = "type")]
    enum Tagged {
        Sets {
            #[serde(flatten)]
            sets: Sets,
        },
    }

    fn sets() -> Sets {
        let number = |text: &str| text.parse().expect("a number");
        Sets {
            strings: ["a".to_owned(), String::new()].into(),
            numbers: vec![number("-1"), number("0.12345678901234567890123"), number("1e125")],
            integers: [-5, i64::MAX].into(),
            binaries: [vec![0, 255], Vec::new()].into(),
        }
    }

    #[test]
    fn collections_are_sets_and_come_back() {
        let item = to_item(&sets()).expect("an item");
        assert_eq!(item.get("strings"), Value::string_set(["", "a"]).ok().as_ref());
        assert_eq!(item.get("numbers"), Value::number_set(sets().numbers).ok().as_ref());
        assert_eq!(item.get("binaries"), Value::binary_set([&[][..], &[0, 255]]).ok().as_ref());
        assert_eq!(from_item(&item), Ok(sets()));
        assert_eq!(from_item(&Item::new()), Ok(Sets::default()));
    }

    #[test]
    fn sets_come_through_the_buffers_of_serde() {
        let tagged = Tagged::Sets { sets: sets() };
        let item = to_item(&tagged).expect("an item");
        assert_eq!(item.get("strings"), Value::string_set(["", "a"]).ok().as_ref());
        assert_eq!(from_item(&item), Ok(tagged));
    }

    #[test]
    fn sets_are_read_from_lists() {
        let list = Item::new().with("strings", vec![Value::from("a"), Value::from("a")]);
        assert_eq!(from_item::<Sets>(&list).map(|sets| sets.strings), Ok(["a".to_owned()].into()));
    }

    #[test]
    fn what_is_not_a_set_is_refused() {
        #[derive(serde::Serialize)]
        struct Wrong {
            #[serde(with = "super::string_set")]
            strings: Vec<u8>,
        }
        let message = |strings: &[u8]| {
            to_item(&Wrong { strings: strings.to_vec() }).expect_err("not a set of strings").to_string()
        };
        assert_eq!(message(&[1]), "strings[0]: expected a set of strings, found a member of type N");
        assert_eq!(
            message(&[]),
            "strings: a set needs a member; leave the empty one out, with `skip_serializing_if` and `default`"
        );
        let twice = Sets { numbers: vec![Number::ZERO; 2], ..Sets::default() };
        let error = to_item(&twice).expect_err("zero twice");
        assert_eq!(error.to_string(), "numbers: the set has the same member twice");
        let error = from_item::<Sets>(&Item::new().with("strings", 1)).expect_err("a number");
        assert_eq!(error.to_string(), "strings: expected a sequence, found the number 1");
    }
}
