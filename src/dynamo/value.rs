//! Values and items: what is stored under a key.
//!
//! Invariants:
//! 1. A value that [`Value::validate`] accepts, and an item that [`Item::validate`] accepts, is one that DynamoDB
//!    stores; everything below this file (stored bytes, keys) relies on that having been asked before.
//! 2. Validating is bounded: nothing deeper than 32 levels is walked.
//!
//! Depth: comparing, cloning, printing and dropping a `Value` recurse as deep as it is nested, as they do for any
//! tree of Rust values. So whatever builds values from foreign bytes counts levels while it builds and stops at
//! [`NESTING_LEVELS_MAX`]: the stored form, serde and the protocol all do.

use super::limits::{ATTRIBUTE_NAME_BYTES_MAX, ITEM_BYTES_MAX, NESTING_LEVELS_MAX};
use super::number::{Number, NumberError};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::fmt;

/// The value of an attribute.
///
/// Two values are equal as DynamoDB's `=` has it: sets and maps without order, numbers by value, no conversion between
/// types.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// `S`: text in UTF-8; may be empty, except in keys.
    String(String),
    /// `N`: an exact decimal.
    Number(Number),
    /// `B`: bytes; may be empty, except in keys.
    Binary(Vec<u8>),
    /// `BOOL`.
    Bool(bool),
    /// `NULL`: an attribute that is there and says nothing.
    Null,
    /// `L`: values of any types in order; may be empty.
    List(Vec<Value>),
    /// `M`: values by name; may be empty.
    Map(BTreeMap<String, Value>),
    /// `SS`: distinct texts, at least one.
    StringSet(BTreeSet<String>),
    /// `NS`: distinct numbers, at least one.
    NumberSet(BTreeSet<Number>),
    /// `BS`: distinct byte strings, at least one.
    BinarySet(BTreeSet<Vec<u8>>),
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ValueType {
    /// `S`, a string.
    String,
    /// `N`, a number.
    Number,
    /// `B`, binary.
    Binary,
    /// `BOOL`, true or false.
    Bool,
    /// `NULL`.
    Null,
    /// `L`, a list.
    List,
    /// `M`, a map.
    Map,
    /// `SS`, a set of strings.
    StringSet,
    /// `NS`, a set of numbers.
    NumberSet,
    /// `BS`, a set of binaries.
    BinarySet,
}

impl ValueType {
    /// All types.
    pub const ALL: [Self; 10] = [
        Self::String,
        Self::Number,
        Self::Binary,
        Self::Bool,
        Self::Null,
        Self::List,
        Self::Map,
        Self::StringSet,
        Self::NumberSet,
        Self::BinarySet,
    ];

    /// DynamoDB's short name: `S`, `N`, `B`, `BOOL`, `NULL`, `L`, `M`, `SS`, `NS`, `BS`.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "S",
            Self::Number => "N",
            Self::Binary => "B",
            Self::Bool => "BOOL",
            Self::Null => "NULL",
            Self::List => "L",
            Self::Map => "M",
            Self::StringSet => "SS",
            Self::NumberSet => "NS",
            Self::BinarySet => "BS",
        }
    }

    /// The type of that short name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value_type| value_type.name() == name)
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why DynamoDB does not store a value. `Display` gives DynamoDB's words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueFault {
    /// An attribute, at any depth, has the empty name.
    EmptyAttributeName,
    /// An attribute's name is longer than 65,535 bytes.
    AttributeNameTooLong {
        /// Its length.
        size_bytes: usize,
    },
    /// A value that is given without a type.
    Untyped,
    /// A value that is given with several types.
    ManyTypes,
    /// A `NULL` that is given as false.
    NullFalse,
    /// A set without members.
    EmptySet(ValueType),
    /// A set of strings that was given one of them twice, with all that was given.
    DuplicateStrings(Vec<String>),
    /// A set of numbers that was given one of them twice, by value.
    DuplicateNumbers(Vec<Number>),
    /// A set of binaries that was given one of them twice, with all that was given.
    DuplicateBinaries(Vec<Vec<u8>>),
    /// Something stands deeper than 32 levels.
    TooDeep,
    /// An item is larger than 409,600 bytes.
    ItemTooLarge {
        /// Its size.
        size_bytes: usize,
    },
    /// A number that is none, or out of range.
    Number(NumberError),
}

impl From<NumberError> for ValueFault {
    fn from(error: NumberError) -> Self {
        Self::Number(error)
    }
}

impl fmt::Display for ValueFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const INVALID: &str = "One or more parameter values were invalid: ";
        match self {
            Self::EmptyAttributeName => f.write_str("Empty attribute name"),
            Self::AttributeNameTooLong { .. } => {
                write!(f, "{INVALID}Attribute name is too large, must be less than 65536 bytes")
            }
            Self::Untyped => f.write_str(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            ),
            Self::ManyTypes => f.write_str(
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the \
                 supported datatypes",
            ),
            Self::NullFalse => {
                write!(f, "{INVALID}Null attribute value types must have the value of true")
            }
            Self::EmptySet(ValueType::NumberSet) => write!(f, "{INVALID}An number set  may not be empty"),
            Self::EmptySet(ValueType::BinarySet) => write!(f, "{INVALID}Binary sets should not be empty"),
            Self::EmptySet(_) => write!(f, "{INVALID}An string set  may not be empty"),
            Self::DuplicateStrings(members) => {
                let members: Vec<_> = members.iter().map(|member| format!("\"{member}\"")).collect();
                write!(f, "{INVALID}Input collection [{}] contains duplicates.", members.join(", "))
            }
            Self::DuplicateNumbers(_) => write!(f, "{INVALID}Input collection contains duplicates."),
            Self::DuplicateBinaries(members) => {
                let members: Vec<_> = members.iter().map(|member| base64(member)).collect();
                write!(f, "{INVALID}Input collection [{}]of type BS contains duplicates.", members.join(", "))
            }
            Self::TooDeep => f.write_str(
                "Nesting Levels have exceeded supported limits: \
                 Attributes in the item have nested levels beyond supported limit",
            ),
            Self::ItemTooLarge { .. } => f.write_str("Item size has exceeded the maximum allowed size"),
            Self::Number(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ValueFault {}

/// Standard base64 with padding, which DynamoDB's texts show binaries in.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let sextet = (bits >> (18 - 6 * place)) as usize & 63;
            text.push(if place <= chunk.len() { char::from(ALPHABET[sextet]) } else { '=' });
        }
    }
    text
}

impl Value {
    /// The value's type.
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::String(_) => ValueType::String,
            Self::Number(_) => ValueType::Number,
            Self::Binary(_) => ValueType::Binary,
            Self::Bool(_) => ValueType::Bool,
            Self::Null => ValueType::Null,
            Self::List(_) => ValueType::List,
            Self::Map(_) => ValueType::Map,
            Self::StringSet(_) => ValueType::StringSet,
            Self::NumberSet(_) => ValueType::NumberSet,
            Self::BinarySet(_) => ValueType::BinarySet,
        }
    }

    /// The text of an `S`.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The number of an `N`.
    pub fn as_number(&self) -> Option<Number> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The bytes of a `B`.
    pub fn as_binary(&self) -> Option<&[u8]> {
        if let Self::Binary(bytes) = self { Some(bytes) } else { None }
    }

    /// The truth of a `BOOL`.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(truth) = self { Some(*truth) } else { None }
    }

    /// Whether this is `NULL`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The elements of an `L`.
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Self::List(elements) = self { Some(elements) } else { None }
    }

    /// The attributes of an `M`.
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        if let Self::Map(attributes) = self { Some(attributes) } else { None }
    }

    /// An `SS` of these members; an error if there are none, or one of them twice.
    pub fn string_set(members: impl IntoIterator<Item = impl Into<String>>) -> Result<Self, ValueFault> {
        let members = members.into_iter().map(Into::into).collect();
        distinct(members, ValueType::StringSet, ValueFault::DuplicateStrings).map(Self::StringSet)
    }

    /// An `NS` of these members; an error if there are none, or one of them twice by value.
    pub fn number_set(members: impl IntoIterator<Item = impl Into<Number>>) -> Result<Self, ValueFault> {
        let members = members.into_iter().map(Into::into).collect();
        distinct(members, ValueType::NumberSet, ValueFault::DuplicateNumbers).map(Self::NumberSet)
    }

    /// A `BS` of these members; an error if there are none, or one of them twice.
    pub fn binary_set(members: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Result<Self, ValueFault> {
        let members = members.into_iter().map(Into::into).collect();
        distinct(members, ValueType::BinarySet, ValueFault::DuplicateBinaries).map(Self::BinarySet)
    }

    /// Size in bytes as DynamoDB counts it: texts and bytes by their length, numbers by
    /// [`Number::size_bytes`], `BOOL` and `NULL` one, sets the sum of their members, lists and maps three and one for
    /// each element and what they hold, names included.
    ///
    /// Source: DynamoDB developer guide, "DynamoDB item sizes and formats".
    pub fn size_bytes(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::Number(number) => number.size_bytes(),
            Self::Binary(bytes) => bytes.len(),
            Self::Bool(_) | Self::Null => 1,
            Self::List(elements) => {
                3 + elements.iter().map(|element| 1 + element.size_bytes()).sum::<usize>()
            }
            Self::Map(attributes) => 3 + attributes.len() + attributes_size_bytes(attributes),
            Self::StringSet(members) => members.iter().map(String::len).sum(),
            Self::NumberSet(members) => members.iter().copied().map(Number::size_bytes).sum(),
            Self::BinarySet(members) => members.iter().map(Vec::len).sum(),
        }
    }

    /// Refuses what DynamoDB does not store as the value of a top-level attribute, or take as the value of an
    /// expression: empty sets, empty or overlong names, more than 32 levels.
    pub fn validate(&self) -> Result<(), ValueFault> {
        self.validate_at(1)
    }

    fn validate_at(&self, level: usize) -> Result<(), ValueFault> {
        if level > NESTING_LEVELS_MAX {
            return Err(ValueFault::TooDeep);
        }
        let empty = match self {
            Self::List(elements) => {
                return elements.iter().try_for_each(|element| element.validate_at(level + 1));
            }
            Self::Map(attributes) => return validate_attributes(attributes, level + 1),
            Self::StringSet(members) => members.is_empty(),
            Self::NumberSet(members) => members.is_empty(),
            Self::BinarySet(members) => members.is_empty(),
            _ => false,
        };
        if empty { Err(ValueFault::EmptySet(self.value_type())) } else { Ok(()) }
    }
}

fn distinct<T: Ord + Clone>(
    members: Vec<T>,
    set_type: ValueType,
    duplicates: impl FnOnce(Vec<T>) -> ValueFault,
) -> Result<BTreeSet<T>, ValueFault> {
    let set: BTreeSet<T> = members.iter().cloned().collect();
    if set.is_empty() {
        Err(ValueFault::EmptySet(set_type))
    } else if set.len() < members.len() {
        Err(duplicates(members))
    } else {
        Ok(set)
    }
}

fn attributes_size_bytes(attributes: &BTreeMap<String, Value>) -> usize {
    attributes.iter().map(|(name, value)| name.len() + value.size_bytes()).sum()
}

fn validate_attributes(attributes: &BTreeMap<String, Value>, level: usize) -> Result<(), ValueFault> {
    attributes.iter().try_for_each(|(name, value)| {
        validate_attribute_name(name)?;
        value.validate_at(level)
    })
}

/// Refuses the empty name and names of more than 65,535 bytes.
pub fn validate_attribute_name(name: &str) -> Result<(), ValueFault> {
    match name.len() {
        0 => Err(ValueFault::EmptyAttributeName),
        1..=ATTRIBUTE_NAME_BYTES_MAX => Ok(()),
        size_bytes => Err(ValueFault::AttributeNameTooLong { size_bytes }),
    }
}

macro_rules! value_from {
    ($($variant:ident($source:ty)),* $(,)?) => {$(
        impl From<$source> for Value {
            fn from(value: $source) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

value_from! {
    String(String), String(&str), String(&String), String(char), String(Box<str>),
    Number(Number), Number(i8), Number(i16), Number(i32), Number(i64), Number(isize),
    Number(u8), Number(u16), Number(u32), Number(u64), Number(usize),
    Binary(Vec<u8>), Binary(&[u8]), Binary(Box<[u8]>), Bool(bool),
    List(Vec<Value>), Map(BTreeMap<String, Value>),
    StringSet(BTreeSet<String>), NumberSet(BTreeSet<Number>), BinarySet(BTreeSet<Vec<u8>>),
}

impl<const LENGTH: usize> From<[u8; LENGTH]> for Value {
    fn from(bytes: [u8; LENGTH]) -> Self {
        Self::Binary(bytes.into())
    }
}

impl<const LENGTH: usize> From<&[u8; LENGTH]> for Value {
    fn from(bytes: &[u8; LENGTH]) -> Self {
        Self::Binary(bytes.into())
    }
}

/// What a borrowed value becomes: a copy.
macro_rules! value_from_borrowed {
    ($($source:ty),* $(,)?) => {$(
        impl From<&$source> for Value {
            fn from(value: &$source) -> Self {
                value.clone().into()
            }
        }
    )*};
}

value_from_borrowed! {
    Value, Item, Number, Vec<u8>, Vec<Value>, BTreeMap<String, Value>,
    BTreeSet<String>, BTreeSet<Number>, BTreeSet<Vec<u8>>,
    bool, char, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize,
}

impl From<Cow<'_, str>> for Value {
    fn from(text: Cow<'_, str>) -> Self {
        Self::String(text.into_owned())
    }
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Null
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<Item> for Value {
    fn from(item: Item) -> Self {
        Self::Map(item.into_map())
    }
}

/// The shortest decimal that reads back as the same floating-point number.
impl TryFrom<f64> for Value {
    type Error = NumberError;

    fn try_from(value: f64) -> Result<Self, NumberError> {
        Number::try_from(value).map(Self::Number)
    }
}

/// The shortest decimal that reads back as the same floating-point number.
impl TryFrom<f32> for Value {
    type Error = NumberError;

    fn try_from(value: f32) -> Result<Self, NumberError> {
        Number::try_from(value).map(Self::Number)
    }
}

/// Attributes by name: what is stored under a key, the key's own attributes included.
///
/// ```
/// use pixii::dynamo::value::{Item, Value};
///
/// let item = Item::new().with("artist", "Fela").with("year", 1977).with("cover", None::<&str>);
/// assert_eq!(item.get("artist").and_then(Value::as_str), Some("Fela"));
/// assert_eq!(item.size_bytes(), 6 + 4 + 4 + 3 + 5 + 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Item {
    attributes: BTreeMap<String, Value>,
}

impl Item {
    /// An item without attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The item with this attribute as well, in place of one with the same name.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.insert(name, value);
        self
    }

    /// The value of the attribute `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.attributes.get(name)
    }

    /// The value of the attribute `name`, to be changed in place.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.attributes.get_mut(name)
    }

    /// Whether there is an attribute `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.attributes.contains_key(name)
    }

    /// Sets an attribute and returns the value it had before.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        self.attributes.insert(name.into(), value.into())
    }

    /// Takes an attribute out and returns the value it had.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.attributes.remove(name)
    }

    /// How many attributes there are.
    pub fn len(&self) -> usize {
        self.attributes.len()
    }

    /// Whether there are no attributes.
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// The attributes in the order of their names' bytes.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Value)> + ExactSizeIterator {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The attributes as a map.
    pub fn as_map(&self) -> &BTreeMap<String, Value> {
        &self.attributes
    }

    /// The attributes as a map to change.
    pub fn as_map_mut(&mut self) -> &mut BTreeMap<String, Value> {
        &mut self.attributes
    }

    /// The attributes as a map.
    pub fn into_map(self) -> BTreeMap<String, Value> {
        self.attributes
    }

    /// Size in bytes as DynamoDB counts it: the names in UTF-8 and the values.
    pub fn size_bytes(&self) -> usize {
        attributes_size_bytes(&self.attributes)
    }

    /// Refuses what DynamoDB does not store, except for the size: empty sets, empty or overlong names, more than 32
    /// levels.
    pub fn validate(&self) -> Result<(), ValueFault> {
        validate_attributes(&self.attributes, 1)
    }

    /// Refuses an item of more than 409,600 bytes. DynamoDB checks the size last of all, so it stands apart.
    pub fn validate_size(&self) -> Result<(), ValueFault> {
        let size_bytes = self.size_bytes();
        if size_bytes > ITEM_BYTES_MAX { Err(ValueFault::ItemTooLarge { size_bytes }) } else { Ok(()) }
    }
}

impl From<BTreeMap<String, Value>> for Item {
    fn from(attributes: BTreeMap<String, Value>) -> Self {
        Self { attributes }
    }
}

impl<N: Into<String>, V: Into<Value>, const COUNT: usize> From<[(N, V); COUNT]> for Item {
    fn from(attributes: [(N, V); COUNT]) -> Self {
        attributes.into_iter().collect()
    }
}

impl<N: Into<String>, V: Into<Value>> FromIterator<(N, V)> for Item {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(attributes: I) -> Self {
        attributes
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect::<BTreeMap<_, _>>()
            .into()
    }
}

impl<N: Into<String>, V: Into<Value>> Extend<(N, V)> for Item {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, attributes: I) {
        self.attributes.extend(attributes.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
}

impl IntoIterator for Item {
    type Item = (String, Value);
    type IntoIter = btree_map::IntoIter<String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.attributes.into_iter()
    }
}

impl<'a> IntoIterator for &'a Item {
    type Item = (&'a String, &'a Value);
    type IntoIter = btree_map::Iter<'a, String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.attributes.iter()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::dynamo::number::tests::any_number;
    use proptest::collection::{btree_map, btree_set, vec};
    use proptest::prelude::*;

    /// Any valid value of a few levels.
    pub(crate) fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any_text().prop_map(Value::String),
            any_number().prop_map(Value::Number),
            vec(any::<u8>(), 0..8).prop_map(Value::Binary),
            any::<bool>().prop_map(Value::Bool),
            Just(Value::Null),
            btree_set(any_text(), 1..4).prop_map(Value::StringSet),
            btree_set(any_number(), 1..4).prop_map(Value::NumberSet),
            btree_set(vec(any::<u8>(), 0..4), 1..4).prop_map(Value::BinarySet),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Value::List),
                btree_map(any_name(), inner, 0..4).prop_map(Value::Map),
            ]
        })
    }

    /// Any valid item of a few attributes.
    pub(crate) fn any_item() -> impl Strategy<Value = Item> {
        btree_map(any_name(), any_value(), 0..6).prop_map(Item::from)
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof!["[a-c\0]{0,3}", "\\PC{0,6}"]
    }

    fn any_name() -> impl Strategy<Value = String> {
        prop_oneof!["[a-c]{1,3}", "[\0.é𝄞]{1,3}"]
    }

    /// `value` inside lists, so that it stands at `level`.
    pub(crate) fn at_level(value: Value, level: usize) -> Value {
        (1..level).fold(value, |value, _| Value::List(vec![value]))
    }

    #[test]
    fn what_is_borrowed_becomes_the_value_that_the_owned_would() {
        let (text, number, bytes) = ("a".to_owned(), 7_u8, vec![1_u8]);
        assert_eq!(Value::from(&text), Value::from(text));
        assert_eq!(Value::from(&number), Value::from(7));
        assert_eq!(Value::from(&bytes), Value::from(bytes.as_slice()));
        assert_eq!(Value::from(Some(&true)), Value::Bool(true));
        let item = Item::new().with("a", Cow::Borrowed("b"));
        assert_eq!(Value::from(&item), Value::from(item.clone()));
        assert_eq!(Value::from(&Value::from(&item)), Value::from(item));
    }

    #[test]
    fn floats_become_the_shortest_decimals_that_read_back_as_themselves() {
        let number = |text: &str| text.parse::<Number>().map(Value::Number);
        assert_eq!(Value::try_from(0.1_f32), number("0.1"));
        assert_eq!(Value::try_from(0.1_f64), number("0.1"));
        assert_eq!(Value::try_from(f64::from(0.1_f32)), number("0.10000000149011612"));
        assert!(Value::try_from(f32::NAN).is_err() && Value::try_from(f64::INFINITY).is_err());
    }

    #[test]
    fn types_are_found_by_their_names() {
        for value_type in ValueType::ALL {
            assert_eq!(ValueType::from_name(value_type.name()), Some(value_type));
        }
        assert_eq!(ValueType::from_name("s"), None);
    }

    #[test]
    fn sizes_are_dynamodbs() {
        let text = Value::from("é");
        assert_eq!(text.size_bytes(), 2);
        assert_eq!(Value::from(vec![0_u8; 5]).size_bytes(), 5);
        assert_eq!(Value::from(123_456).size_bytes(), 4);
        assert_eq!(Value::from(true).size_bytes() + Value::Null.size_bytes(), 2);
        assert_eq!(Value::List(Vec::new()).size_bytes(), 3);
        assert_eq!(Value::List(vec![text.clone(), Value::Null]).size_bytes(), 3 + 2 + 2 + 1);
        assert_eq!(Value::from(Item::new().with("né", text)).size_bytes(), 3 + 1 + 3 + 2);
        assert_eq!(Value::string_set(["ab", "c"]).map(|set| set.size_bytes()), Ok(3));
        assert_eq!(Value::number_set([1, -1]).map(|set| set.size_bytes()), Ok(5));
    }

    #[test]
    fn a_leaf_may_stand_at_level_32_and_not_below() {
        assert_eq!(at_level(Value::Null, 32).validate(), Ok(()));
        assert_eq!(at_level(Value::List(Vec::new()), 32).validate(), Ok(()));
        assert_eq!(at_level(Value::Null, 33).validate(), Err(ValueFault::TooDeep));
        let maps = (1..33).fold(Value::Null, |value, _| Item::new().with("a", value).into());
        assert_eq!(Item::new().with("a", maps).validate(), Err(ValueFault::TooDeep));
    }

    #[test]
    fn thousands_of_levels_are_refused_without_walking_them() {
        let deep = at_level(Value::Null, 4_000);
        assert_eq!(Item::new().with("a", deep).validate(), Err(ValueFault::TooDeep));
    }

    #[test]
    fn sets_have_members_and_each_once() {
        let text = |result: Result<Value, ValueFault>| result.map_err(|fault| fault.to_string());
        let invalid = |rest: &str| Err(format!("One or more parameter values were invalid: {rest}"));
        assert_eq!(text(Value::string_set([""; 0])), invalid("An string set  may not be empty"));
        assert_eq!(text(Value::number_set([0; 0])), invalid("An number set  may not be empty"));
        assert_eq!(text(Value::binary_set([[0; 1]; 0])), invalid("Binary sets should not be empty"));
        assert_eq!(
            text(Value::string_set(["a", "b", "b"])),
            invalid(r#"Input collection ["a", "b", "b"] contains duplicates."#)
        );
        assert_eq!(text(Value::number_set([1, 1])), invalid("Input collection contains duplicates."));
        assert_eq!(
            text(Value::binary_set([b"Hell".as_slice(), b"H", b"H"])),
            invalid("Input collection [SGVsbA==, SA==, SA==]of type BS contains duplicates.")
        );
        let nested = Value::List(vec![Value::StringSet(BTreeSet::new())]);
        assert_eq!(nested.validate(), Err(ValueFault::EmptySet(ValueType::StringSet)));
        assert_eq!(Value::string_set(["", "a"]).map(|set| set.validate()), Ok(Ok(())));
    }

    #[test]
    fn names_are_1_to_65535_bytes_at_any_depth() {
        let nested =
            |name: String| Item::new().with("a", vec![Value::from(Item::new().with(name, 1))]).validate();
        assert_eq!(nested(String::new()), Err(ValueFault::EmptyAttributeName));
        assert_eq!(nested("n".repeat(65_535)), Ok(()));
        assert_eq!(nested("n".repeat(65_536)), Err(ValueFault::AttributeNameTooLong { size_bytes: 65_536 }));
        assert_eq!(Item::new().with("", 1).validate(), Err(ValueFault::EmptyAttributeName));
    }

    #[test]
    fn an_item_of_409600_bytes_is_taken_and_no_larger_one() {
        let item = |size: usize| Item::new().with("a", vec![0_u8; size - 1]);
        assert_eq!(item(409_600).validate_size(), Ok(()));
        assert_eq!(item(409_601).validate_size(), Err(ValueFault::ItemTooLarge { size_bytes: 409_601 }));
    }

    #[test]
    fn equality_is_by_value() {
        let one: Number = "1.0".parse().expect("a number");
        assert_eq!(Value::from(one), Value::from(1));
        assert_ne!(Value::from("1"), Value::from(1));
        assert_eq!(Value::number_set([2, 1]), Value::number_set([1, 2]));
    }

    proptest! {
        #[test]
        fn generated_items_are_valid(item in any_item()) {
            prop_assert_eq!(item.validate(), Ok(()));
        }
    }
}
