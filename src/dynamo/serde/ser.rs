//! Rust values to attribute values.
//!
//! Invariant: nothing is built that stands deeper than an item may nest, so a type that holds itself ends in an error
//! and not in a stack overflow.

use super::error::{SerdeError, SerdeFault};
use super::marker;
use crate::dynamo::limits::NESTING_LEVELS_MAX;
use crate::dynamo::number::Number;
use crate::dynamo::value::{Item, Value, ValueFault};
use serde::ser::{Error, Impossible, Serialize, Serializer};
use std::collections::BTreeMap;

/// The item that a struct or a map is.
///
/// ```
/// use pixii::dynamo::{serde::ser::to_item, value::Item};
///
/// #[derive(serde::Serialize)]
/// struct Song<'a> {
///     title: &'a str,
///     minutes: f64,
///     album: Option<&'a str>,
/// }
///
/// let item = to_item(&Song { title: "Zombie", minutes: 12.4, album: None })?;
/// let minutes: pixii::dynamo::number::Number = "12.4".parse().unwrap();
/// assert_eq!(item, Item::new().with("title", "Zombie").with("minutes", minutes).with("album", ()));
/// # Ok::<(), pixii::dynamo::serde::error::SerdeError>(())
/// ```
pub fn to_item<T: Serialize + ?Sized>(value: &T) -> Result<Item, SerdeError> {
    match value.serialize(ValueSerializer { level: 0 })? {
        Value::Map(attributes) => Ok(attributes.into()),
        other => Err(SerdeError::new(SerdeFault::NotAnItem(other.value_type()))),
    }
}

/// The attribute value that a Rust value is.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, SerdeError> {
    to_value_with(|serializer| value.serialize(serializer))
}

/// The attribute value that a function like those of `#[serde(serialize_with = "…")]` makes.
///
/// ```
/// use pixii::{Value, sets, to_value_with};
///
/// let tags = to_value_with(|serializer| sets::string_set::serialize(&vec!["new"], serializer))?;
/// assert_eq!(Ok(tags), Value::string_set(["new"]));
/// # Ok::<(), pixii::SerdeError>(())
/// ```
pub fn to_value_with(
    serialize: impl FnOnce(ValueSerializer) -> Result<Value, SerdeError>,
) -> Result<Value, SerdeError> {
    serialize(ValueSerializer { level: 1 })
}

/// serde's serializer that makes attribute values: what [`to_value_with`] gives to a function.
///
/// Stands at a level, and makes the value that stands there; the item is at level 0.
#[derive(Clone, Copy, Debug)]
pub struct ValueSerializer {
    level: usize,
}

impl ValueSerializer {
    fn child(self) -> Result<Self, SerdeError> {
        if self.level == NESTING_LEVELS_MAX {
            return Err(ValueFault::TooDeep.into());
        }
        Ok(Self { level: self.level + 1 })
    }

    /// What a newtype struct of that name holds, if the name is one of ours.
    fn marked<T: Serialize + ?Sized>(self, name: &str, value: &T) -> Result<Value, SerdeError> {
        // Members do not count as a level; what other `Serialize`s may put here is bounded all the same.
        let content = |value: &T| value.serialize(Self { level: 1 });
        match name {
            marker::NUMBER => match content(value)? {
                Value::String(text) => Ok(text.parse::<Number>()?.into()),
                other => Ok(other),
            },
            marker::STRING_SET => members(content(value)?, "a set of strings", |member| match member {
                Value::String(text) => Some(text),
                _ => None,
            })
            .and_then(|members| Ok(Value::string_set(members)?)),
            marker::NUMBER_SET => members(content(value)?, "a set of numbers", |member| member.as_number())
                .and_then(|members| Ok(Value::number_set(members)?)),
            marker::BINARY_SET => members(content(value)?, "a set of binaries", |member| match member {
                Value::Binary(bytes) => Some(bytes),
                _ => None,
            })
            .and_then(|members| Ok(Value::binary_set(members)?)),
            _ => value.serialize(self),
        }
    }
}

fn members<T>(list: Value, expected: &str, member: fn(Value) -> Option<T>) -> Result<Vec<T>, SerdeError> {
    let Value::List(elements) = list else {
        return Err(SerdeError::custom(format_args!("expected {expected}, found {}", list.value_type())));
    };
    let found = |element: Value| {
        let found = element.value_type();
        let unfit =
            || SerdeError::custom(format_args!("expected {expected}, found a member of type {found}"));
        member(element).ok_or_else(unfit)
    };
    let members = elements.into_iter().enumerate();
    members.map(|(index, element)| found(element).map_err(|error| error.in_element(index))).collect()
}

macro_rules! serialize_numbers {
    ($($method:ident($number:ty)),*) => {$(
        fn $method(self, value: $number) -> Result<Value, SerdeError> {
            Ok(Number::from(value).into())
        }
    )*};
}

macro_rules! try_serialize_numbers {
    ($($method:ident($number:ty)),*) => {$(
        fn $method(self, value: $number) -> Result<Value, SerdeError> {
            Ok(Number::try_from(value)?.into())
        }
    )*};
}

impl Serializer for ValueSerializer {
    type Ok = Value;
    type Error = SerdeError;
    type SerializeSeq = ListBuilder;
    type SerializeTuple = ListBuilder;
    type SerializeTupleStruct = ListBuilder;
    type SerializeTupleVariant = ListBuilder;
    type SerializeMap = MapBuilder;
    type SerializeStruct = MapBuilder;
    type SerializeStructVariant = MapBuilder;

    serialize_numbers! {
        serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64),
        serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64)
    }

    try_serialize_numbers! {
        serialize_i128(i128), serialize_u128(u128), serialize_f32(f32), serialize_f64(f64)
    }

    fn serialize_bool(self, value: bool) -> Result<Value, SerdeError> {
        Ok(value.into())
    }

    fn serialize_char(self, value: char) -> Result<Value, SerdeError> {
        Ok(value.into())
    }

    fn serialize_str(self, value: &str) -> Result<Value, SerdeError> {
        Ok(value.into())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Value, SerdeError> {
        Ok(value.into())
    }

    fn serialize_none(self) -> Result<Value, SerdeError> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, SerdeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, SerdeError> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, SerdeError> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, SerdeError> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, SerdeError> {
        self.marked(name, value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, SerdeError> {
        let content = self.child().and_then(|child| value.serialize(child));
        Ok(in_variant(Some(variant), content.map_err(|error| error.in_attribute(variant))?))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<ListBuilder, SerdeError> {
        // The length is a hint of the caller's: believed as far as it costs little.
        let elements = Vec::with_capacity(length.unwrap_or(0).min(1024));
        Ok(ListBuilder { variant: None, list: self, elements })
    }

    fn serialize_tuple(self, length: usize) -> Result<ListBuilder, SerdeError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<ListBuilder, SerdeError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<ListBuilder, SerdeError> {
        Ok(ListBuilder { variant: Some(variant), ..self.child()?.serialize_seq(Some(length))? })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<MapBuilder, SerdeError> {
        Ok(MapBuilder { variant: None, map: self, attributes: BTreeMap::new(), name: String::new() })
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<MapBuilder, SerdeError> {
        self.serialize_map(Some(length))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<MapBuilder, SerdeError> {
        Ok(MapBuilder { variant: Some(variant), ..self.child()?.serialize_map(Some(length))? })
    }
}

/// The content of a variant in a map of one attribute, the variant's name.
fn in_variant(variant: Option<&'static str>, content: Value) -> Value {
    match variant {
        Some(variant) => Value::Map(BTreeMap::from([(variant.to_owned(), content)])),
        None => content,
    }
}

/// Gathers the elements of a list.
#[derive(Debug)]
pub struct ListBuilder {
    variant: Option<&'static str>,
    list: ValueSerializer,
    elements: Vec<Value>,
}

impl ListBuilder {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SerdeError> {
        let element = self.list.child().and_then(|child| value.serialize(child)).map_err(|error| {
            let error = error.in_element(self.elements.len());
            self.variant.into_iter().fold(error, SerdeError::in_attribute)
        })?;
        self.elements.push(element);
        Ok(())
    }

    fn finish(self) -> Value {
        in_variant(self.variant, Value::List(self.elements))
    }
}

/// Gathers the attributes of a map.
#[derive(Debug)]
pub struct MapBuilder {
    variant: Option<&'static str>,
    map: ValueSerializer,
    attributes: BTreeMap<String, Value>,
    /// The name whose value comes next.
    name: String,
}

impl MapBuilder {
    fn insert<T: Serialize + ?Sized>(&mut self, name: String, value: &T) -> Result<(), SerdeError> {
        let value = self.map.child().and_then(|child| value.serialize(child)).map_err(|error| {
            let error = error.in_attribute(&name);
            self.variant.into_iter().fold(error, SerdeError::in_attribute)
        })?;
        self.attributes.insert(name, value);
        Ok(())
    }

    fn finish(self) -> Value {
        in_variant(self.variant, Value::Map(self.attributes))
    }

    /// With its feature `arbitrary_precision`, which any crate of a build can switch on for all, `serde_json` gives its
    /// numbers as a struct of one field with a name of its own: they are numbers.
    fn finish_struct(self) -> Result<Value, SerdeError> {
        match self.attributes.get(JSON_NUMBER) {
            Some(Value::String(text)) if self.attributes.len() == 1 => {
                let number: Number = text.parse()?;
                Ok(in_variant(self.variant, Value::Number(number)))
            }
            _ => Ok(self.finish()),
        }
    }
}

/// The field by which `serde_json` marks a number that it gives as text.
const JSON_NUMBER: &str = "$serde_json::private::Number";

macro_rules! build_lists {
    ($($builder:ident::$method:ident),*) => {$(
        impl serde::ser::$builder for ListBuilder {
            type Ok = Value;
            type Error = SerdeError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SerdeError> {
                self.push(value)
            }

            fn end(self) -> Result<Value, SerdeError> {
                Ok(self.finish())
            }
        }
    )*};
}

build_lists! {
    SerializeSeq::serialize_element, SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field, SerializeTupleVariant::serialize_field
}

macro_rules! build_structs {
    ($($builder:ident),*) => {$(
        impl serde::ser::$builder for MapBuilder {
            type Ok = Value;
            type Error = SerdeError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), SerdeError> {
                self.insert(name.to_owned(), value)
            }

            fn end(self) -> Result<Value, SerdeError> {
                self.finish_struct()
            }
        }
    )*};
}

build_structs! { SerializeStruct, SerializeStructVariant }

impl serde::ser::SerializeMap for MapBuilder {
    type Ok = Value;
    type Error = SerdeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), SerdeError> {
        self.name = name.serialize(NameSerializer)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SerdeError> {
        let name = std::mem::take(&mut self.name);
        self.insert(name, value)
    }

    fn end(self) -> Result<Value, SerdeError> {
        Ok(self.finish())
    }
}

/// Makes an attribute's name of the key of a map.
struct NameSerializer;

fn not_a_name(found: &str) -> SerdeError {
    SerdeError::custom(format_args!("expected a text as the name of an attribute, found {found}"))
}

macro_rules! serialize_names {
    ($($method:ident($name:ty)),*) => {$(
        fn $method(self, name: $name) -> Result<String, SerdeError> {
            Ok(name.to_string())
        }
    )*};
}

macro_rules! refuse_names {
    ($($method:ident($($argument:ty),*) -> $builder:ident: $found:literal),*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<Self::$builder, SerdeError> {
            Err(not_a_name($found))
        }
    )*};
}

impl Serializer for NameSerializer {
    type Ok = String;
    type Error = SerdeError;
    type SerializeSeq = Impossible<String, SerdeError>;
    type SerializeTuple = Impossible<String, SerdeError>;
    type SerializeTupleStruct = Impossible<String, SerdeError>;
    type SerializeTupleVariant = Impossible<String, SerdeError>;
    type SerializeMap = Impossible<String, SerdeError>;
    type SerializeStruct = Impossible<String, SerdeError>;
    type SerializeStructVariant = Impossible<String, SerdeError>;

    serialize_names! {
        serialize_bool(bool), serialize_char(char), serialize_str(&str),
        serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64), serialize_i128(i128),
        serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64), serialize_u128(u128)
    }

    refuse_names! {
        serialize_f32(f32) -> Ok: "a float",
        serialize_f64(f64) -> Ok: "a float",
        serialize_bytes(&[u8]) -> Ok: "bytes",
        serialize_none() -> Ok: "nothing",
        serialize_unit() -> Ok: "nothing",
        serialize_unit_struct(&'static str) -> Ok: "nothing",
        serialize_seq(Option<usize>) -> SerializeSeq: "a sequence",
        serialize_tuple(usize) -> SerializeTuple: "a tuple",
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct: "a tuple",
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant: "a tuple",
        serialize_map(Option<usize>) -> SerializeMap: "a map",
        serialize_struct(&'static str, usize) -> SerializeStruct: "a struct",
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant: "a struct"
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<String, SerdeError> {
        Ok(variant.to_owned())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, name: &T) -> Result<String, SerdeError> {
        name.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        name: &T,
    ) -> Result<String, SerdeError> {
        name.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, SerdeError> {
        Err(not_a_name("a variant that holds something"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[derive(serde::Serialize)]
    enum Shape {
        Point,
        Circle(f64),
        Line(i32, i32),
        Box { side: u8 },
    }

    fn message<T: Serialize>(value: &T) -> String {
        to_item(value).expect_err("not an item").to_string()
    }

    #[test]
    fn numbers_of_json_values_are_numbers_with_all_their_digits() {
        let text = "{\"id\": 1, \"list\": [12345678901234567890.5]}";
        let json: serde_json::Value = serde_json::from_str(text).expect("valid JSON");
        let item = to_item(&json).expect("an object is an item");
        let digits: Number = "12345678901234567890.5".parse().expect("a number");
        assert_eq!(item, Item::new().with("id", 1).with("list", Value::List(vec![digits.into()])));
    }

    #[test]
    fn scalars_have_their_types() {
        let tenth: Number = "0.1".parse().expect("a number");
        let digits = "12345678901234567890123456789012345678";
        let long: Number = digits.parse().expect("a number");
        assert_eq!(to_value(&0.1_f64), Ok(tenth.into()));
        assert_eq!(to_value(&0.1_f32), Ok(tenth.into()));
        assert_eq!(to_value(&i64::MIN), Ok(i64::MIN.into()));
        assert_eq!(to_value(&12_345_678_901_234_567_890_123_456_789_012_345_678_u128), Ok(long.into()));
        assert_eq!(to_value(&true), Ok(true.into()));
        assert_eq!(to_value(&'é'), Ok("é".into()));
        assert_eq!(to_value(&None::<u8>), Ok(Value::Null));
        assert_eq!(to_value(&Some(())), Ok(Value::Null));
        assert_eq!(to_value(&super::super::values::Bytes(b"ab")), Ok(b"ab".into()));
        assert_eq!(to_value(&[1_u8, 2]), Ok(vec![Value::from(1), Value::from(2)].into()));
    }

    #[test]
    fn variants_are_names_or_maps_of_one_name() {
        let in_map = |name: &str, value: Value| Ok(Item::new().with(name, value).into());
        assert_eq!(to_value(&Shape::Point), Ok("Point".into()));
        assert_eq!(to_value(&Shape::Circle(2.0)), in_map("Circle", 2.into()));
        assert_eq!(to_value(&Shape::Line(1, 2)), in_map("Line", vec![Value::from(1), Value::from(2)].into()));
        assert_eq!(to_value(&Shape::Box { side: 3 }), in_map("Box", Item::new().with("side", 3).into()));
    }

    #[test]
    fn keys_of_maps_become_texts() {
        assert_eq!(to_item(&HashMap::from([(1_u8, 2)])), Ok(Item::new().with("1", 2)));
        assert_eq!(to_item(&BTreeMap::from([(Some('a'), "b")])), Ok(Item::new().with("a", "b")));
        assert_eq!(
            message(&BTreeMap::from([((1, 2), 3)])),
            "expected a text as the name of an attribute, found a tuple"
        );
    }

    #[test]
    fn only_structs_and_maps_are_items() {
        assert_eq!(message(&1), "an item is made from a struct or a map, and this is of type N");
        assert_eq!(
            to_item(&vec![1]).map_err(|error| error.fault().clone()),
            Err(SerdeFault::NotAnItem(crate::dynamo::value::ValueType::List))
        );
    }

    #[test]
    fn errors_name_the_path() {
        #[derive(serde::Serialize)]
        struct Outer {
            message: BTreeMap<&'static str, Vec<f64>>,
        }
        let outer = Outer { message: BTreeMap::from([("tags", vec![1.0, 2.0, f64::NAN])]) };
        assert_eq!(message(&outer), "message.tags[2]: `NaN` is not a decimal number");
        let shape = BTreeMap::from([("shape", Shape::Circle(1e300))]);
        assert_eq!(message(&shape), "shape.Circle: the number is 1E+126 or more");
        let large = BTreeMap::from([("n", u128::MAX)]);
        assert_eq!(message(&large), "n: the number has more than 38 significant digits");
    }

    #[test]
    fn a_type_that_holds_itself_ends_at_level_32() {
        #[derive(serde::Serialize)]
        struct Chain {
            next: Option<Box<Chain>>,
        }
        let chain =
            |links: usize| (0..links).fold(Chain { next: None }, |next, _| Chain { next: Some(next.into()) });
        let item = to_item(&chain(31)).expect("the last `next` is at level 32");
        assert_eq!(item.validate(), Ok(()));
        assert!(message(&chain(32)).ends_with("next: values nest to more than 32 levels"));
        assert!(to_item(&chain(10_000)).is_err());
    }
}
