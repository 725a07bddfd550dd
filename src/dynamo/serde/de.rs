//! Attribute values to Rust values, straight from the stored bytes.
//!
//! Invariants:
//! 1. Texts and bytes are borrowed from the stored item where the Rust type borrows them.
//! 2. What the Rust type does not ask for is stepped over, not decoded.
//! 3. Stored values do not nest deeper than 32 levels, so neither does the recursion.

use super::error::SerdeError;
use super::marker;
use crate::base::codec::DecodeError;
use crate::dynamo::encoding::{encode_item, encode_value};
use crate::dynamo::number::Number;
use crate::dynamo::stored::{
    StoredAttributes, StoredElements, StoredItem, StoredMap, StoredMembers, StoredSet, StoredValue,
    StoredView,
};
use crate::dynamo::value::{Item, Value};
use serde::de::value::{
    BorrowedBytesDeserializer, BorrowedStrDeserializer, SeqDeserializer, StrDeserializer,
};
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, Expected, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};

/// The Rust value that an item is.
///
/// ```
/// use pixii::dynamo::{serde::de::from_item, value::Item};
///
/// #[derive(serde::Deserialize)]
/// struct Song {
///     title: String,
///     minutes: f64,
///     album: Option<String>,
/// }
///
/// let song: Song = from_item(&Item::new().with("title", "Zombie").with("minutes", 12))?;
/// assert_eq!((song.title.as_str(), song.minutes, song.album), ("Zombie", 12.0, None));
///
/// let error = from_item::<Song>(&Item::new().with("title", "Zombie").with("minutes", "12")).err().unwrap();
/// assert_eq!(error.to_string(), r#"minutes: expected f64, found string "12""#);
/// # Ok::<(), pixii::dynamo::serde::error::SerdeError>(())
/// ```
pub fn from_item<T: DeserializeOwned>(item: &Item) -> Result<T, SerdeError> {
    item.validate()?;
    let mut bytes = Vec::with_capacity(item.size_bytes() * 2);
    encode_item(item, &mut bytes);
    from_stored(StoredItem::parse(&bytes)?)
}

/// The Rust value that an attribute value is.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, SerdeError> {
    value.validate()?;
    let mut bytes = Vec::with_capacity(value.size_bytes() * 2);
    encode_value(value, &mut bytes);
    from_stored_value(StoredValue::parse(&bytes)?)
}

/// The Rust value that a stored item is. It may borrow from the item's bytes.
pub fn from_stored<'de, T: Deserialize<'de>>(item: StoredItem<'de>) -> Result<T, SerdeError> {
    T::deserialize(StoredDeserializer::Item(item.as_map()))
}

/// The Rust value that a stored attribute value is. It may borrow from the value's bytes.
pub fn from_stored_value<'de, T: Deserialize<'de>>(value: StoredValue<'de>) -> Result<T, SerdeError> {
    T::deserialize(StoredDeserializer::Value(value))
}

/// An item or a value, not looked into yet.
#[derive(Clone, Copy)]
enum StoredDeserializer<'de> {
    Item(StoredMap<'de>),
    Value(StoredValue<'de>),
}

impl<'de> StoredDeserializer<'de> {
    fn view(self) -> Result<StoredView<'de>, SerdeError> {
        match self {
            Self::Item(attributes) => Ok(StoredView::Map(attributes)),
            Self::Value(value) => Ok(value.view()?),
        }
    }
}

fn unfit(view: &StoredView<'_>, expected: &dyn Expected) -> SerdeError {
    let text;
    let found = match view {
        StoredView::String(text) => Unexpected::Str(text),
        StoredView::Number(number) => {
            text = format!("the number {number}");
            Unexpected::Other(&text)
        }
        StoredView::Binary(_) => Unexpected::Other("binary"),
        StoredView::Bool(truth) => Unexpected::Bool(*truth),
        StoredView::Null => Unexpected::Other("NULL"),
        StoredView::List(_) => Unexpected::Other("a list"),
        StoredView::Map(_) => Unexpected::Other("a map"),
        StoredView::StringSet(_) => Unexpected::Other("a set of strings"),
        StoredView::NumberSet(_) => Unexpected::Other("a set of numbers"),
        StoredView::BinarySet(_) => Unexpected::Other("a set of binaries"),
    };
    SerdeError::invalid_type(found, expected)
}

macro_rules! deserialize_integers {
    ($($method:ident($integer:ty) => $visit:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
            let view = self.view()?;
            match view {
                StoredView::Number(number) => match <$integer>::try_from(number) {
                    Ok(integer) => visitor.$visit(integer),
                    Err(_) => Err(unfit(&view, &visitor)),
                },
                _ => Err(unfit(&view, &visitor)),
            }
        }
    )*};
}

macro_rules! deserialize_floats {
    ($($method:ident($float:ident) => $visit:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
            match self.view()? {
                StoredView::Number(number) => visitor.$visit(number.$float()),
                other => Err(unfit(&other, &visitor)),
            }
        }
    )*};
}

macro_rules! deserialize_as {
    ($($method:ident($($argument:ty),*) => $other:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, $(_: $argument,)* visitor: V) -> Result<V::Value, SerdeError> {
            self.$other(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for StoredDeserializer<'de> {
    type Error = SerdeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        match self.view()? {
            StoredView::String(text) => visitor.visit_borrowed_str(text),
            StoredView::Number(number) => visit_number(number, visitor),
            StoredView::Binary(bytes) => visitor.visit_borrowed_bytes(bytes),
            StoredView::Bool(truth) => visitor.visit_bool(truth),
            StoredView::Null => visitor.visit_unit(),
            StoredView::List(list) => visitor.visit_seq(Elements::new(list.elements())),
            StoredView::Map(map) => visitor.visit_map(Attributes::new(map.attributes())),
            StoredView::StringSet(_) | StoredView::NumberSet(_) | StoredView::BinarySet(_) => {
                visitor.visit_newtype_struct(SetDeserializer(self))
            }
        }
    }

    deserialize_integers! {
        deserialize_i8(i8) => visit_i8, deserialize_i16(i16) => visit_i16, deserialize_i32(i32) => visit_i32,
        deserialize_i64(i64) => visit_i64, deserialize_i128(i128) => visit_i128,
        deserialize_u8(u8) => visit_u8, deserialize_u16(u16) => visit_u16, deserialize_u32(u32) => visit_u32,
        deserialize_u64(u64) => visit_u64, deserialize_u128(u128) => visit_u128
    }

    deserialize_floats! {
        deserialize_f32(to_f32) => visit_f32, deserialize_f64(to_f64) => visit_f64
    }

    deserialize_as! {
        deserialize_char() => deserialize_str, deserialize_string() => deserialize_str,
        deserialize_identifier() => deserialize_str, deserialize_byte_buf() => deserialize_bytes,
        deserialize_unit_struct(&'static str) => deserialize_unit, deserialize_tuple(usize) => deserialize_seq,
        deserialize_tuple_struct(&'static str, usize) => deserialize_seq,
        deserialize_struct(&'static str, &'static [&'static str]) => deserialize_map
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        match self.view()? {
            StoredView::Bool(truth) => visitor.visit_bool(truth),
            other => Err(unfit(&other, &visitor)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        match self.view()? {
            StoredView::String(text) => visitor.visit_borrowed_str(text),
            other => Err(unfit(&other, &visitor)),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        match self.view()? {
            StoredView::Binary(bytes) => visitor.visit_borrowed_bytes(bytes),
            StoredView::List(list) => visitor.visit_seq(Elements::new(list.elements())),
            other => Err(unfit(&other, &visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        match self {
            Self::Value(value) if value.is_null() => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        match self.view()? {
            StoredView::Null => visitor.visit_unit(),
            other => Err(unfit(&other, &visitor)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, SerdeError> {
        match name {
            marker::NUMBER => match self.view()? {
                StoredView::Number(number) => visit_number(number, visitor),
                other => Err(unfit(&other, &visitor)),
            },
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        match self.view()? {
            StoredView::List(list) => visit_all(Elements::new(list.elements()), visitor),
            StoredView::StringSet(set) => {
                visit_all(Members::new(&set, BorrowedStrDeserializer::new), visitor)
            }
            StoredView::NumberSet(set) => visit_all(Members::new(&set, NumberDeserializer), visitor),
            StoredView::BinarySet(set) => {
                visit_all(Members::new(&set, BorrowedBytesDeserializer::new), visitor)
            }
            StoredView::Binary(bytes) => visit_all(SeqDeserializer::new(bytes.iter().copied()), visitor),
            other => Err(unfit(&other, &visitor)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        match self.view()? {
            StoredView::Map(map) => visitor.visit_map(Attributes::new(map.attributes())),
            other => Err(unfit(&other, &visitor)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SerdeError> {
        match self.view()? {
            StoredView::String(variant) => visitor.visit_enum(BorrowedStrDeserializer::new(variant)),
            StoredView::Map(map) => {
                let mut attributes = map.attributes();
                match (attributes.next().transpose()?, attributes.next().transpose()?) {
                    (Some((variant, content)), None) => visitor.visit_enum(Variant { variant, content }),
                    _ => Err(SerdeError::custom(format_args!(
                        "expected {}, which is a map of one attribute, found one of {}",
                        &visitor as &dyn Expected,
                        map.len()
                    ))),
                }
            }
            other => Err(unfit(&other, &visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        visitor.visit_unit()
    }
}

/// Shows a number to a visitor of any type: as it is where 64 bits hold it, else as a newtype struct of its text.
fn visit_number<'de, V: Visitor<'de>>(number: Number, visitor: V) -> Result<V::Value, SerdeError> {
    if let Ok(integer) = u64::try_from(number) {
        return visitor.visit_u64(integer);
    }
    if let Ok(integer) = i64::try_from(number) {
        return visitor.visit_i64(integer);
    }
    let near = number.to_f64();
    if Number::try_from(near) == Ok(number) {
        return visitor.visit_f64(near);
    }
    let text = number.to_string();
    visitor.visit_newtype_struct(StrDeserializer::new(&text))
}

/// A set inside the newtype struct that says that it is one.
struct SetDeserializer<'de>(StoredDeserializer<'de>);

impl<'de> Deserializer<'de> for SetDeserializer<'de> {
    type Error = SerdeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        self.0.deserialize_seq(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A member of a set of numbers. Integers and floats are asked for by their own methods.
#[derive(Clone, Copy)]
struct NumberDeserializer(Number);

macro_rules! deserialize_members {
    ($($method:ident($integer:ty) => $visit:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
            match <$integer>::try_from(self.0) {
                Ok(integer) => visitor.$visit(integer),
                Err(_) => Err(unfit(&StoredView::Number(self.0), &visitor)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for NumberDeserializer {
    type Error = SerdeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        visit_number(self.0, visitor)
    }

    deserialize_members! {
        deserialize_i8(i8) => visit_i8, deserialize_i16(i16) => visit_i16, deserialize_i32(i32) => visit_i32,
        deserialize_i64(i64) => visit_i64, deserialize_i128(i128) => visit_i128,
        deserialize_u8(u8) => visit_u8, deserialize_u16(u16) => visit_u16, deserialize_u32(u32) => visit_u32,
        deserialize_u64(u64) => visit_u64, deserialize_u128(u128) => visit_u128
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        visitor.visit_f32(self.0.to_f32())
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        visitor.visit_f64(self.0.to_f64())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, SerdeError> {
        if name == marker::NUMBER {
            visit_number(self.0, visitor)
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        visitor.visit_some(self)
    }

    serde::forward_to_deserialize_any! {
        bool char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

/// The elements of a list, one after the other.
struct Elements<'de> {
    rest: StoredElements<'de>,
    index: usize,
}

impl<'de> Elements<'de> {
    fn new(rest: StoredElements<'de>) -> Self {
        Self { rest, index: 0 }
    }
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = SerdeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, SerdeError> {
        let Some(element) = self.rest.next().transpose()? else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(StoredDeserializer::Value(element))
            .map(Some)
            .map_err(|error| error.in_element(index))
    }
}

/// The members of a set, one after the other.
struct Members<'de, T, D> {
    rest: StoredMembers<'de, T>,
    index: usize,
    deserializer: fn(T) -> D,
}

impl<'de, T: Copy + Ord, D> Members<'de, T, D> {
    fn new(set: &StoredSet<'de, T>, deserializer: fn(T) -> D) -> Self {
        Self { rest: set.members(), index: 0, deserializer }
    }
}

impl<'de, T: Copy + Ord, D: Deserializer<'de, Error = SerdeError>> SeqAccess<'de> for Members<'de, T, D> {
    type Error = SerdeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, SerdeError> {
        let Some(member) = self.rest.next().transpose()? else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize((self.deserializer)(member)).map(Some).map_err(|error| error.in_element(index))
    }
}

/// The attributes of an item or a map, one after the other.
struct Attributes<'de> {
    rest: StoredAttributes<'de>,
    current: Option<(&'de str, StoredValue<'de>)>,
}

impl<'de> Attributes<'de> {
    fn new(rest: StoredAttributes<'de>) -> Self {
        Self { rest, current: None }
    }
}

impl<'de> MapAccess<'de> for Attributes<'de> {
    type Error = SerdeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, SerdeError> {
        self.current = self.rest.next().transpose()?;
        let Some((name, _)) = self.current else { return Ok(None) };
        seed.deserialize(NameDeserializer(name)).map(Some).map_err(|error| error.in_attribute(name))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, SerdeError> {
        let (name, value) =
            self.current.take().ok_or(DecodeError { expected: "a name before its value", offset: 0 })?;
        seed.deserialize(StoredDeserializer::Value(value)).map_err(|error| error.in_attribute(name))
    }
}

/// The name of an attribute as the key of a map.
struct NameDeserializer<'de>(&'de str);

macro_rules! deserialize_names {
    ($($method:ident($name:ty) => $visit:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
            match self.0.parse::<$name>() {
                Ok(name) => visitor.$visit(name),
                Err(_) => visitor.visit_borrowed_str(self.0),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for NameDeserializer<'de> {
    type Error = SerdeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        visitor.visit_borrowed_str(self.0)
    }

    deserialize_names! {
        deserialize_bool(bool) => visit_bool,
        deserialize_i8(i8) => visit_i8, deserialize_i16(i16) => visit_i16, deserialize_i32(i32) => visit_i32,
        deserialize_i64(i64) => visit_i64, deserialize_i128(i128) => visit_i128,
        deserialize_u8(u8) => visit_u8, deserialize_u16(u16) => visit_u16, deserialize_u32(u32) => visit_u32,
        deserialize_u64(u64) => visit_u64, deserialize_u128(u128) => visit_u128
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, SerdeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SerdeError> {
        visitor.visit_enum(BorrowedStrDeserializer::new(self.0))
    }

    serde::forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

/// A variant that holds something: a map of one attribute.
struct Variant<'de> {
    variant: &'de str,
    content: StoredValue<'de>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = SerdeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), SerdeError> {
        let variant: BorrowedStrDeserializer<'de, SerdeError> = BorrowedStrDeserializer::new(self.variant);
        Ok((seed.deserialize(variant)?, self))
    }
}

impl<'de> Variant<'de> {
    fn read<T>(
        self,
        read: impl FnOnce(StoredDeserializer<'de>) -> Result<T, SerdeError>,
    ) -> Result<T, SerdeError> {
        read(StoredDeserializer::Value(self.content)).map_err(|error| error.in_attribute(self.variant))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = SerdeError;

    fn unit_variant(self) -> Result<(), SerdeError> {
        self.read(<()>::deserialize)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, SerdeError> {
        self.read(|content| seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, SerdeError> {
        self.read(|content| content.deserialize_tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SerdeError> {
        self.read(|content| content.deserialize_struct("", fields, visitor))
    }
}

/// Gives all elements to the visitor. One that leaves some over, as a tuple does that is too short, would lose them when
/// the value is written again; so that is an error.
fn visit_all<'de, V, A>(mut elements: A, visitor: V) -> Result<V::Value, SerdeError>
where
    V: Visitor<'de>,
    A: serde::de::SeqAccess<'de, Error = SerdeError>,
{
    let value = visitor.visit_seq(&mut elements)?;
    match elements.next_element::<serde::de::IgnoredAny>()? {
        None => Ok(value),
        Some(_) => Err(serde::de::Error::custom("it has more elements than the type holds")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::serde::ser::to_item;
    use serde::Serialize;
    use std::collections::{BTreeMap, HashMap};
    use std::fmt::Debug;

    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Everything {
        text: String,
        letter: char,
        truth: bool,
        small: i8,
        large: i128,
        float: f64,
        single: f32,
        some: Option<Box<Everything>>,
        none: Option<u8>,
        unit: (),
        marker: Marker,
        meters: Meters,
        pair: (u8, String),
        list: Vec<Option<u16>>,
        by_number: HashMap<i64, bool>,
        by_variant: BTreeMap<Shape, u8>,
        shapes: Vec<Shape>,
        #[serde(default)]
        absent: u8,
    }

    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Marker;

    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Meters(u32);

    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
    enum Shape {
        Point,
        Circle(u64),
        Line(i32, i32),
        Box { side: Option<u8> },
    }

    fn everything() -> Everything {
        Everything {
            text: "a\0b".to_owned(),
            letter: '𝄞',
            truth: true,
            small: -128,
            large: -(10_i128.pow(38) - 1),
            float: 1.0e-7,
            single: 16_777_216.0,
            some: None,
            none: None,
            unit: (),
            marker: Marker,
            meters: Meters(u32::MAX),
            pair: (7, String::new()),
            list: vec![None, Some(65_535)],
            by_number: HashMap::from([(i64::MIN, true), (3, false)]),
            by_variant: BTreeMap::from([(Shape::Point, 1)]),
            shapes: vec![
                Shape::Point,
                Shape::Circle(u64::MAX),
                Shape::Line(-1, 1),
                Shape::Box { side: None },
            ],
            absent: 0,
        }
    }

    #[track_caller]
    fn check_refused<T: DeserializeOwned + Debug>(value: impl Into<Value>, words: &str) {
        let error = from_item::<BTreeMap<String, T>>(&Item::new().with("field", value)).expect_err("refused");
        assert_eq!(error.to_string(), words);
        assert_eq!(error.path().split(['.', '[']).next(), Some("field"));
    }

    #[test]
    fn a_type_that_holds_fewer_elements_than_there_are_is_refused() {
        let list = Value::List(vec![1.into(), 2.into(), 3.into()]);
        assert!(from_value::<(u8, u8)>(&list).is_err());
        assert!(from_value::<[u8; 4]>(&Value::Binary(vec![1; 5])).is_err());
        assert_eq!(from_value::<(u8, u8, u8)>(&list).ok(), Some((1, 2, 3)));
    }

    #[test]
    fn types_of_all_kinds_come_back() {
        let value = Everything { some: Some(everything().into()), ..everything() };
        assert_eq!(from_item(&to_item(&value).expect("an item")), Ok(value));
    }

    #[test]
    fn texts_and_bytes_are_borrowed_from_the_stored_item() {
        #[derive(serde::Deserialize)]
        struct Borrowing<'a> {
            text: &'a str,
            bytes: &'a [u8],
        }
        let mut stored = Vec::new();
        encode_item(&Item::new().with("text", "abc").with("bytes", b"def").with("other", 1), &mut stored);
        let borrowing: Borrowing<'_> =
            from_stored(StoredItem::parse(&stored).expect("an item")).expect("it fits");
        assert_eq!((borrowing.text, borrowing.bytes), ("abc", b"def".as_slice()));
        assert!(stored.as_ptr_range().contains(&borrowing.text.as_ptr()));
    }

    #[test]
    fn what_is_not_asked_for_is_not_decoded() {
        #[derive(Debug, serde::Deserialize)]
        struct Small {
            #[serde(rename = "b")]
            _b: u8,
        }
        // `a` is a text that is not UTF-8.
        let stored = [1, 2, 1, b'a', 1, 1, 0xff, 1, b'b', 2, 2, 0, 7];
        let item = StoredItem::parse(&stored).expect("an item");
        assert!(from_stored::<Small>(item).is_ok());
        let error = from_stored::<BTreeMap<String, Value>>(item).expect_err("not UTF-8");
        assert_eq!(error.to_string(), "a: the stored item does not parse: expected text in UTF-8 at byte 6");
    }

    #[test]
    fn sequences_are_read_from_sets_and_bytes() {
        let set = Value::string_set(["b", "a"]).expect("a set");
        assert_eq!(from_value::<Vec<String>>(&set), Ok(vec!["a".to_owned(), "b".to_owned()]));
        let set = Value::number_set([3, -1]).expect("a set");
        assert_eq!(from_value::<Vec<i8>>(&set), Ok(vec![-1, 3]));
        assert_eq!(from_value::<Vec<f32>>(&set), Ok(vec![-1.0, 3.0]));
        assert_eq!(from_value::<Vec<u8>>(&Value::from(b"ab")), Ok(b"ab".to_vec()));
    }

    #[test]
    fn numbers_are_read_exactly_or_refused() {
        assert_eq!(from_value::<u8>(&Value::from(255)), Ok(255));
        assert_eq!(from_value::<f64>(&Value::from(3)), Ok(3.0));
        check_refused::<u8>(256, "field: expected u8, found the number 256");
        let half: Number = "0.5".parse().expect("a number");
        check_refused::<i64>(half, "field: expected i64, found the number 0.5");
        check_refused::<Vec<u8>>(
            vec![Value::from(1), Value::from(300)],
            "field[1]: expected u8, found the number 300",
        );
    }

    #[test]
    fn errors_say_what_was_expected_and_what_was_found() {
        check_refused::<String>(1, "field: expected a string, found the number 1");
        check_refused::<bool>("x", "field: expected a boolean, found string \"x\"");
        check_refused::<u8>((), "field: expected u8, found NULL");
        check_refused::<Vec<u8>>("x", "field: expected a sequence, found string \"x\"");
        check_refused::<Meters>("x", "field: expected u32, found string \"x\"");
        check_refused::<Shape>(
            Item::new(),
            "field: expected enum Shape, which is a map of one attribute, found one of 0",
        );
        check_refused::<Shape>(
            Item::new().with("Box", Item::new().with("side", "s")),
            "field.Box.side: expected u8, found string \"s\"",
        );
        check_refused::<Shape>(
            "Square",
            "field: unknown variant `Square`, expected one of `Point`, `Circle`, `Line`, `Box`",
        );
        check_refused::<BTreeMap<u8, u8>>(
            Item::new().with("x", 1),
            "field.x: expected u8, found string \"x\"",
        );
        let error = from_item::<Everything>(&Item::new()).expect_err("nothing is there");
        assert_eq!(error.to_string(), "the attribute `text` is missing");
    }

    #[test]
    fn items_that_dynamodb_would_refuse_are_refused() {
        let deep = (0..5_000).fold(Value::Null, |value, _| Value::List(vec![value]));
        let error = from_value::<serde::de::IgnoredAny>(&deep).expect_err("5,000 levels");
        assert_eq!(error.to_string(), "values nest to more than 32 levels");
    }

    #[test]
    fn untagged_enums_see_every_type() {
        #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(untagged)]
        enum Any {
            Unsigned(u64),
            Signed(i64),
            Float(f64),
            Text(String),
            List(Vec<Any>),
        }
        let any = Any::List(vec![
            Any::Unsigned(u64::MAX),
            Any::Signed(-1),
            Any::Float(0.1),
            Any::Text("x".to_owned()),
        ]);
        let item = to_item(&BTreeMap::from([("a", &any)])).expect("an item");
        assert_eq!(from_item(&item), Ok(BTreeMap::from([("a".to_owned(), any)])));
    }

    #[test]
    fn json_takes_what_it_has_words_for() {
        let item = Item::new().with("a", vec![Value::from(1), Value::Null, Value::from("x")]);
        let json: serde_json::Value = from_item(&item).expect("no sets");
        assert_eq!(json, serde_json::json!({"a": [1, null, "x"]}));
        let error =
            from_item::<serde_json::Value>(&Item::new().with("s", Value::string_set(["x"]).expect("a set")));
        assert_eq!(
            error.map_err(|error| error.to_string()),
            Err("s: expected any valid JSON value, found newtype struct".to_owned())
        );
    }

    #[test]
    fn truncated_items_are_refused_by_every_type() {
        fn check<T: Serialize + DeserializeOwned + Debug>(value: &T) {
            let mut stored = Vec::new();
            encode_item(&to_item(value).expect("an item"), &mut stored);
            for length in 0..stored.len() {
                let item = StoredItem::parse(&stored[..length]);
                assert!(item.map_err(SerdeError::from).and_then(from_stored::<T>).is_err(), "{length}");
            }
        }
        check(&everything());
    }
}
