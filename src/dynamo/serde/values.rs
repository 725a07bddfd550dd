//! `Number`, `Value` and `Item` as types of serde: they come through our own serializer and deserializer exactly,
//! also as fields of other types and behind `#[serde(flatten)]`.
//!
//! In other formats a number is its decimal text, a set is a sequence, and reading takes integers and floats as
//! numbers.

use super::marker;
use crate::dynamo::number::Number;
use crate::dynamo::value::{Item, Value};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// Bytes, as bytes and not as a sequence of numbers.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(marker::NUMBER, &self.to_string())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::String(text) => serializer.serialize_str(text),
            Self::Number(number) => number.serialize(serializer),
            Self::Binary(bytes) => serializer.serialize_bytes(bytes),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Null => serializer.serialize_unit(),
            Self::List(elements) => serializer.collect_seq(elements),
            Self::Map(attributes) => serializer.collect_map(attributes),
            Self::StringSet(members) => serializer.serialize_newtype_struct(marker::STRING_SET, members),
            Self::NumberSet(members) => serializer.serialize_newtype_struct(marker::NUMBER_SET, members),
            Self::BinarySet(members) => {
                let members: Vec<_> = members.iter().map(|member| Bytes(member)).collect();
                serializer.serialize_newtype_struct(marker::BINARY_SET, &members)
            }
        }
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_newtype_struct(marker::NUMBER, NumberVisitor)
        } else {
            deserializer.deserialize_str(NumberVisitor)
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::<String, Value>::deserialize(deserializer).map(Self::from)
    }
}

/// The methods of a visitor that takes integers and floats as numbers.
macro_rules! visit_numbers {
    ($($visit:ident($number:ty)),*) => {$(
        fn $visit<E: Error>(self, value: $number) -> Result<Self::Value, E> {
            Number::try_from(value).map(Self::Value::from).map_err(E::custom)
        }
    )*};
}

struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    visit_numbers! {
        visit_i64(i64), visit_u64(u64), visit_i128(i128), visit_u128(u128), visit_f64(f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Number, D::Error> {
        deserializer.deserialize_any(self)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute value")
    }

    visit_numbers! {
        visit_i64(i64), visit_u64(u64), visit_i128(i128), visit_u128(u128), visit_f64(f64)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(truth.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(bytes.into())
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Value, E> {
        Ok(bytes.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    /// What our own deserializer says it is: a set, or a number that 64 bits do not hold.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(MarkedVisitor)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut attributes: A) -> Result<Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((name, value)) = attributes.next_entry::<String, Value>()? {
            map.insert(name, value);
        }
        Ok(Value::Map(map))
    }
}

/// Inside a newtype struct: a sequence is a set and a text a number.
struct MarkedVisitor;

impl<'de> Visitor<'de> for MarkedVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a set or a number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        NumberVisitor.visit_str(text).map(Value::Number)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let (mut strings, mut numbers, mut binaries) = (Vec::new(), Vec::new(), Vec::new());
        let mut count = 0;
        while let Some(member) = members.next_element()? {
            count += 1;
            match member {
                Value::String(text) => strings.push(text),
                Value::Number(number) => numbers.push(number),
                Value::Binary(bytes) => binaries.push(bytes),
                other => {
                    return Err(Error::custom(format_args!("expected a set, found {}", other.value_type())));
                }
            }
        }
        let set = if numbers.len() == count && count > 0 {
            Value::number_set(numbers)
        } else if binaries.len() == count && count > 0 {
            Value::binary_set(binaries)
        } else if strings.len() == count {
            Value::string_set(strings)
        } else {
            return Err(Error::custom("expected a set of one type, found members of several"));
        };
        set.map_err(Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::serde::de::{from_item, from_value};
    use crate::dynamo::serde::ser::{to_item, to_value};
    use crate::dynamo::value::tests::{any_item, any_value};
    use proptest::prelude::*;
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error as PlainError, F64Deserializer, I64Deserializer, StrDeserializer};

    /// A type that keeps what it does not know.
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Open {
        #[serde(rename = "known field")]
        known: u8,
        #[serde(flatten)]
        extra: BTreeMap<String, Value>,
    }

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(tag = "a type")]
    enum Entity {
        User { name: String, value: Value, number: Number },
        Other { item: Item },
    }

    fn number(text: &str) -> Number {
        text.parse().expect("a number")
    }

    proptest! {
        #[test]
        fn values_come_through_exactly(value in any_value()) {
            let written = to_value(&value).expect("a valid value");
            prop_assert_eq!(&written, &value);
            prop_assert_eq!(from_value::<Value>(&value), Ok(value));
        }

        #[test]
        fn items_come_through_exactly(item in any_item()) {
            let written = to_item(&item).expect("a valid item");
            prop_assert_eq!(&written, &item);
            prop_assert_eq!(from_item::<Item>(&item), Ok(item));
        }

        #[test]
        fn unknown_attributes_come_through_exactly_behind_flatten(item in any_item(), known: u8) {
            let item = item.with("known field", known);
            let open: Open = from_item(&item).expect("an open type");
            prop_assert_eq!(open.known, known);
            prop_assert_eq!(to_item(&open), Ok(item));
        }

        #[test]
        fn values_come_through_exactly_in_tagged_enums(value in any_value(), item in any_item()) {
            let number = value.as_number().unwrap_or_default();
            for entity in [Entity::User { name: String::new(), value, number }, Entity::Other { item }] {
                let written = to_item(&entity).expect("an item");
                prop_assert_eq!(from_item::<Entity>(&written), Ok(entity));
            }
        }
    }

    #[test]
    fn a_text_is_not_a_number() {
        let error = from_value::<Number>(&Value::from("12")).expect_err("a text");
        assert_eq!(error.to_string(), "expected a number, found string \"12\"");
    }

    #[test]
    fn other_formats_see_texts_and_sequences() {
        let set = Value::number_set([number("1.5"), number("2")]).expect("a set");
        let item = Item::new().with("n", number("-0.50")).with("s", set).with("b", b"a");
        let json = serde_json::to_string(&item).expect("JSON of anything");
        assert_eq!(json, r#"{"b":[97],"n":"-0.5","s":["1.5","2"]}"#);
        assert_eq!(serde_json::from_str::<Number>(r#""-0.50""#).ok(), Some(number("-0.5")));
    }

    #[test]
    fn numbers_of_other_formats_are_taken() {
        let float: F64Deserializer<PlainError> = 0.1.into_deserializer();
        assert_eq!(Number::deserialize(float), Ok(number("0.1")));
        let integer: I64Deserializer<PlainError> = (-7_i64).into_deserializer();
        assert_eq!(Value::deserialize(integer), Ok(Value::from(-7)));
        let text: StrDeserializer<'_, PlainError> = "7 apples".into_deserializer();
        assert!(Number::deserialize(text).is_err());
    }
}
