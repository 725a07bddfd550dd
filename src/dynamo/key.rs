//! Keys as bytes whose order is the order of the keys.
//!
//! A key is a sequence of components, each the value of one key attribute: partition key, sort key and, in an index,
//! the table's keys behind those of the index. This is the one place where bytes are big-endian.
//!
//! ```text
//! component := 0x10, (byte, where 00 is written as 00 ff)*, 00 01             S
//!            | 0x20, (the complement of what a positive number has there)     N below zero
//!            | 0x21                                                           N, zero
//!            | 0x22, magnitude + 130 as u8, pair*                             N above zero
//!            | 0x30, (byte, where 00 is written as 00 ff)*, 00 01             B
//! pair      := two digits × 2 + (1 if another pair follows)                   the first digit is not 0, the last pair not 00
//! ```
//!
//! The magnitude is the power of ten of the first digit, -130 to 125. Worked example: the key `("a", -120.5)` is
//! `10 61 00 01  20 7b e6 f5`: the digits are 12 05, so 25 and 10, and the magnitude is 2, so 132; complemented.
//!
//! Invariants:
//! 1. The order of the bytes is the order of the components, one after the other: strings by the bytes of their UTF-8,
//!    numbers by value, binaries by unsigned bytes; between types S, N, B.
//! 2. No component is the beginning of another, so components are told apart when they stand in a row, and everything
//!    that begins with some components is one range of bytes.
//! 3. One component has one form: what decodes encodes to the same bytes.
#![warn(clippy::indexing_slicing)]

use super::number::Number;
use super::stored::StoredValue;
use super::value::{Value, ValueType};
use crate::base::codec::{DecodeError, Decoder, Encode};
use serde::{Deserialize, Serialize};
use std::fmt;

const TAG_STRING: u8 = 0x10;
const TAG_NEGATIVE: u8 = 0x20;
const TAG_ZERO: u8 = 0x21;
const TAG_POSITIVE: u8 = 0x22;
const TAG_BINARY: u8 = 0x30;

/// Behind a zero byte: it stands for itself.
const ESCAPED: u8 = 0xff;
/// Behind a zero byte: the component ends.
const END: u8 = 0x01;

/// What is added to a magnitude to make it a byte.
const MAGNITUDE_BIAS: i16 = 130;

/// The type of a key attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum KeyType {
    /// `S`.
    String,
    /// `N`.
    Number,
    /// `B`.
    Binary,
}

impl KeyType {
    /// The type as that of a value.
    pub fn value_type(self) -> ValueType {
        match self {
            Self::String => ValueType::String,
            Self::Number => ValueType::Number,
            Self::Binary => ValueType::Binary,
        }
    }

    /// DynamoDB's short name: `S`, `N` or `B`.
    pub fn name(self) -> &'static str {
        self.value_type().name()
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value of a type that keys do not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAKeyType(
    /// Its type.
    pub ValueType,
);

impl fmt::Display for NotAKeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value of type {} cannot be a key", self.0)
    }
}

impl std::error::Error for NotAKeyType {}

impl TryFrom<ValueType> for KeyType {
    type Error = NotAKeyType;

    fn try_from(value_type: ValueType) -> Result<Self, NotAKeyType> {
        match value_type {
            ValueType::String => Ok(Self::String),
            ValueType::Number => Ok(Self::Number),
            ValueType::Binary => Ok(Self::Binary),
            other => Err(NotAKeyType(other)),
        }
    }
}

/// The value of a key attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyValue {
    /// `S`.
    String(String),
    /// `N`.
    Number(Number),
    /// `B`.
    Binary(Vec<u8>),
}

/// The value of a key attribute, borrowed from a [`KeyValue`], a [`Value`] or a stored item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyRef<'a> {
    /// `S`.
    String(&'a str),
    /// `N`.
    Number(Number),
    /// `B`.
    Binary(&'a [u8]),
}

impl KeyValue {
    /// The value, borrowed.
    pub fn as_ref(&self) -> KeyRef<'_> {
        match self {
            Self::String(text) => KeyRef::String(text),
            Self::Number(number) => KeyRef::Number(*number),
            Self::Binary(bytes) => KeyRef::Binary(bytes),
        }
    }

    /// The value's type.
    pub fn key_type(&self) -> KeyType {
        self.as_ref().key_type()
    }

    /// Size in bytes as DynamoDB counts it.
    pub fn size_bytes(&self) -> usize {
        self.as_ref().size_bytes()
    }
}

impl<'a> KeyRef<'a> {
    /// The value as that of a key; `None` if it is of a type that keys do not have.
    pub fn from_value(value: &'a Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::String(text)),
            Value::Number(number) => Some(Self::Number(*number)),
            Value::Binary(bytes) => Some(Self::Binary(bytes)),
            _ => None,
        }
    }

    /// The stored value as that of a key; `None` if it is of a type that keys do not have.
    pub fn from_stored(value: &StoredValue<'a>) -> Result<Option<Self>, DecodeError> {
        Ok(match value.value_type() {
            ValueType::String => value.as_str()?.map(Self::String),
            ValueType::Number => value.as_number()?.map(Self::Number),
            ValueType::Binary => value.as_binary().map(Self::Binary),
            _ => None,
        })
    }

    /// The value's type.
    pub fn key_type(self) -> KeyType {
        match self {
            Self::String(_) => KeyType::String,
            Self::Number(_) => KeyType::Number,
            Self::Binary(_) => KeyType::Binary,
        }
    }

    /// Size in bytes as DynamoDB counts it.
    pub fn size_bytes(self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::Number(number) => number.size_bytes(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether this is the empty string or the empty binary, which keys cannot be.
    pub fn is_empty(self) -> bool {
        matches!(self, Self::String("") | Self::Binary([]))
    }

    /// The value, owned.
    pub fn to_owned(self) -> KeyValue {
        match self {
            Self::String(text) => KeyValue::String(text.to_owned()),
            Self::Number(number) => KeyValue::Number(number),
            Self::Binary(bytes) => KeyValue::Binary(bytes.to_owned()),
        }
    }

    /// Appends the value as a component of a key.
    pub fn encode(self, buffer: &mut Vec<u8>) {
        match self {
            Self::String(text) => {
                encode_string_prefix(text, buffer);
                buffer.put_bytes(&[0, END]);
            }
            Self::Number(number) => encode_number(number, buffer),
            Self::Binary(bytes) => {
                encode_binary_prefix(bytes, buffer);
                buffer.put_bytes(&[0, END]);
            }
        }
    }
}

impl<'a> From<&'a KeyValue> for KeyRef<'a> {
    fn from(key: &'a KeyValue) -> Self {
        key.as_ref()
    }
}

impl TryFrom<&Value> for KeyValue {
    type Error = NotAKeyType;

    fn try_from(value: &Value) -> Result<Self, NotAKeyType> {
        KeyRef::from_value(value).map(KeyRef::to_owned).ok_or(NotAKeyType(value.value_type()))
    }
}

impl From<KeyValue> for Value {
    fn from(key: KeyValue) -> Self {
        match key {
            KeyValue::String(text) => Self::String(text),
            KeyValue::Number(number) => Self::Number(number),
            KeyValue::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

/// Appends the value as a component of a key.
pub fn encode_component(key: &KeyValue, buffer: &mut Vec<u8>) {
    key.as_ref().encode(buffer);
}

/// Appends what the components of all strings that begin with `text` have in common.
pub fn encode_string_prefix(text: &str, buffer: &mut Vec<u8>) {
    buffer.put_u8(TAG_STRING);
    put_escaped(text.as_bytes(), buffer);
}

/// Appends what the components of all binaries that begin with `bytes` have in common.
pub fn encode_binary_prefix(bytes: &[u8], buffer: &mut Vec<u8>) {
    buffer.put_u8(TAG_BINARY);
    put_escaped(bytes, buffer);
}

/// The first bytes in the order that come after everything that begins with `prefix`; `None` if nothing does.
///
/// So what begins with `prefix` is the range from `prefix` up to, and not with, this. With whole components as the
/// prefix, these are all keys that begin with them; with [`encode_string_prefix`] behind them, those for
/// `begins_with`.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix.get(..=last)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

/// Reads one component.
pub fn decode_component(decoder: &mut Decoder<'_>) -> Result<KeyValue, DecodeError> {
    let error = decoder.error("a component of a key");
    match decoder.u8("a component of a key")? {
        TAG_STRING => String::from_utf8(take_escaped(decoder)?).map(KeyValue::String).map_err(|_| error),
        TAG_BINARY => take_escaped(decoder).map(KeyValue::Binary),
        TAG_ZERO => Ok(KeyValue::Number(Number::ZERO)),
        TAG_POSITIVE => take_number(decoder, false).map(KeyValue::Number),
        TAG_NEGATIVE => take_number(decoder, true).map(KeyValue::Number),
        _ => Err(error),
    }
}

/// Cuts a key behind its first component.
pub fn split_component(key: &[u8]) -> Result<(&[u8], &[u8]), DecodeError> {
    let mut decoder = Decoder::new(key);
    let error = decoder.error("a component of a key");
    match decoder.u8("a component of a key")? {
        TAG_STRING | TAG_BINARY => while take_piece(&mut decoder)?.1 == Piece::Escaped {},
        TAG_ZERO => {}
        TAG_POSITIVE => take_pairs(&mut decoder, 0x00, |_| Some(()))?,
        TAG_NEGATIVE => take_pairs(&mut decoder, 0xff, |_| Some(()))?,
        _ => return Err(error),
    }
    key.split_at_checked(decoder.offset()).ok_or(error)
}

fn put_escaped(bytes: &[u8], buffer: &mut Vec<u8>) {
    let mut pieces = bytes.split(|byte| *byte == 0);
    buffer.put_bytes(pieces.next().unwrap_or_default());
    for piece in pieces {
        buffer.put_bytes(&[0, ESCAPED]);
        buffer.put_bytes(piece);
    }
}

/// What follows a run of bytes that are not zero.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Escaped,
    Last,
}

fn take_piece<'a>(decoder: &mut Decoder<'a>) -> Result<(&'a [u8], Piece), DecodeError> {
    const EXPECTED: &str = "the end of a component";
    let length = decoder.rest().iter().position(|byte| *byte == 0);
    let bytes = decoder.bytes(length.ok_or_else(|| decoder.error(EXPECTED))?, EXPECTED)?;
    let error = decoder.error(EXPECTED);
    match decoder.array(EXPECTED)? {
        [0, ESCAPED] => Ok((bytes, Piece::Escaped)),
        [0, END] => Ok((bytes, Piece::Last)),
        _ => Err(error),
    }
}

fn take_escaped(decoder: &mut Decoder<'_>) -> Result<Vec<u8>, DecodeError> {
    let mut bytes = Vec::new();
    loop {
        let (piece, follows) = take_piece(decoder)?;
        bytes.put_bytes(piece);
        match follows {
            Piece::Escaped => bytes.put_u8(0),
            Piece::Last => return Ok(bytes),
        }
    }
}

fn encode_number(number: Number, buffer: &mut Vec<u8>) {
    if number.is_zero() {
        return buffer.put_u8(TAG_ZERO);
    }
    let (tag, mask) = if number.is_negative() { (TAG_NEGATIVE, 0xff) } else { (TAG_POSITIVE, 0x00) };
    buffer.put_u8(tag);
    let magnitude =
        u8::try_from(number.magnitude() + MAGNITUDE_BIAS).expect("magnitudes are from -130 to 125");
    buffer.put_u8(magnitude ^ mask);
    // The pairs come out last first. An odd last digit is the first of its pair.
    let start = buffer.len();
    let mut digits = number.coefficient() * if number.digits().is_multiple_of(2) { 1 } else { 10 };
    let mut more = 0;
    while digits > 0 {
        let pair = u8::try_from(digits % 100).expect("two digits are less than 256");
        buffer.put_u8((pair * 2 + more) ^ mask);
        digits /= 100;
        more = 1;
    }
    if let Some(pairs) = buffer.get_mut(start..) {
        pairs.reverse();
    }
}

fn take_pairs(
    decoder: &mut Decoder<'_>,
    mask: u8,
    mut visit: impl FnMut(u8) -> Option<()>,
) -> Result<(), DecodeError> {
    decoder.u8("the magnitude of a number")?;
    loop {
        let error = decoder.error("two digits of a number");
        let byte = decoder.u8("two digits of a number")? ^ mask;
        visit(byte >> 1).ok_or(error)?;
        if byte & 1 == 0 {
            return Ok(());
        }
    }
}

fn take_number(decoder: &mut Decoder<'_>, negative: bool) -> Result<Number, DecodeError> {
    let error = decoder.error("a number");
    let mask = if negative { 0xff } else { 0x00 };
    let magnitude = decoder.rest().first().map_or(0, |byte| i16::from(byte ^ mask) - MAGNITUDE_BIAS);
    let mut coefficient = 0_u128;
    let mut digits = 0_i16;
    take_pairs(decoder, mask, |pair| {
        let begins = digits > 0 || pair >= 10;
        digits += 2;
        coefficient = coefficient.checked_mul(100)?.checked_add(u128::from(pair))?;
        (begins && pair < 100).then_some(())
    })?;
    if coefficient.is_multiple_of(10) {
        coefficient /= 10;
        digits -= 1;
    }
    Number::from_normal_parts(negative, coefficient, magnitude - digits + 1).ok_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::encoding::encode_value;
    use crate::dynamo::number::tests::any_number;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn encoded(components: &[KeyValue]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for component in components {
            encode_component(component, &mut bytes);
        }
        bytes
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof!["[\0\u{1}ab]{0,4}", "[\0aé𝄞\u{10ffff}]{0,4}"]
    }

    fn any_binary() -> impl Strategy<Value = Vec<u8>> {
        vec(prop_oneof![Just(0), Just(1), Just(0xfe), Just(0xff), any::<u8>()], 0..5)
    }

    fn any_key() -> impl Strategy<Value = KeyValue> {
        let close = (-200_i32..200, -3_i16..3).prop_map(|(value, exponent)| {
            Number::from_parts(value < 0, value.unsigned_abs().into(), exponent).expect("in range")
        });
        prop_oneof![
            any_text().prop_map(KeyValue::String),
            any_number().prop_map(KeyValue::Number),
            close.prop_map(KeyValue::Number),
            any_binary().prop_map(KeyValue::Binary),
        ]
    }

    fn number(text: &str) -> KeyValue {
        KeyValue::Number(text.parse().expect("a number"))
    }

    #[test]
    fn the_worked_example_is_what_is_written() {
        let key = [KeyValue::String("a".to_owned()), number("-120.5")];
        let bytes = [0x10, 0x61, 0, 1, 0x20, 0x7b, 0xe6, 0xf5];
        assert_eq!(encoded(&key), bytes);
        let mut decoder = Decoder::new(&bytes);
        assert_eq!(decode_component(&mut decoder).as_ref(), Ok(&key[0]));
        assert_eq!(decode_component(&mut decoder).as_ref(), Ok(&key[1]));
        assert!(decoder.is_empty());
    }

    #[test]
    fn numbers_stand_in_the_order_of_their_values() {
        let nines = "9".repeat(38);
        let texts = [
            format!("-{nines}e88"),
            "-1e125".to_owned(),
            "-100".to_owned(),
            "-99.9".to_owned(),
            "-10.1".to_owned(),
            "-10".to_owned(),
            "-9".to_owned(),
            "-1.5".to_owned(),
            "-1".to_owned(),
            "-0.5".to_owned(),
            "-1e-130".to_owned(),
            "0".to_owned(),
            "1e-130".to_owned(),
            "1.1e-130".to_owned(),
            "0.001".to_owned(),
            "0.0010001".to_owned(),
            "0.01".to_owned(),
            "1".to_owned(),
            "1.01".to_owned(),
            "1.1".to_owned(),
            "2".to_owned(),
            "10".to_owned(),
            "10.1".to_owned(),
            "11".to_owned(),
            "100".to_owned(),
            "1e125".to_owned(),
            format!("{nines}e88"),
        ];
        let keys: Vec<_> = texts.iter().map(|text| encoded(&[number(text)])).collect();
        assert!(keys.is_sorted_by(|left, right| left < right));
    }

    #[test]
    fn other_forms_of_a_component_are_refused() {
        for bytes in [
            &[][..],
            &[0x11],
            &[0x23, 1],
            &[0x10],
            &[0x10, 0x61],
            &[0x10, 0],
            &[0x10, 0, 0],
            &[0x10, 0, 2],
            &[0x10, 0xff, 0, 1],
            &[0x30, 0, 0xff],
            &[0x22],
            &[0x22, 130],
            &[0x22, 130, 0],
            &[0x22, 130, 18],
            &[0x22, 130, 200],
            &[0x22, 130, 21],
            &[0x22, 130, 21, 0],
            &[0x20, 0x7d, 0xff],
        ] {
            assert!(decode_component(&mut Decoder::new(bytes)).is_err(), "{bytes:x?}");
        }
        let many = [&[0x22, 130][..], &[0x63; 30], &[0x62]].concat();
        assert!(decode_component(&mut Decoder::new(&many)).is_err());
    }

    #[test]
    fn only_scalars_are_keys() {
        assert_eq!(KeyValue::try_from(&Value::Null), Err(NotAKeyType(ValueType::Null)));
        assert_eq!(KeyType::try_from(ValueType::StringSet), Err(NotAKeyType(ValueType::StringSet)));
        assert!(KeyRef::String("").is_empty() && KeyRef::Binary(&[]).is_empty());
        assert!(!KeyRef::Number(Number::ZERO).is_empty());
    }

    #[test]
    fn the_end_of_a_prefix_steps_over_the_highest_bytes() {
        assert_eq!(prefix_end(&[1, 0xff, 0xff]), Some(vec![2]));
        assert_eq!(prefix_end(&[1, 2]), Some(vec![1, 3]));
        assert_eq!(prefix_end(&[0xff]), None);
        assert_eq!(prefix_end(&[]), None);
    }

    proptest! {
        #[test]
        fn bytes_are_ordered_as_components_are(left in vec(any_key(), 0..4), right in vec(any_key(), 0..4)) {
            prop_assert_eq!(encoded(&left).cmp(&encoded(&right)), left.cmp(&right));
        }

        #[test]
        fn what_is_encoded_decodes_to_the_same_components(key in vec(any_key(), 0..4)) {
            let bytes = encoded(&key);
            let mut decoder = Decoder::new(&bytes);
            for component in &key {
                let start = decoder.offset();
                let decoded = decode_component(&mut decoder);
                prop_assert_eq!(decoded.as_ref(), Ok(component));
                prop_assert_eq!(split_component(&bytes[start..]), Ok(bytes[start..].split_at(decoder.offset() - start)));
            }
            prop_assert!(decoder.is_empty());
        }

        #[test]
        fn what_decodes_encodes_to_the_same_bytes(
            tag in prop_oneof![Just(0x10_u8), 0x20_u8..=0x22, Just(0x30)],
            body in any_binary(),
            ends in any::<bool>(),
        ) {
            let end: &[u8] = if ends { &[0, END] } else { &[] };
            let bytes = [&[tag], body.as_slice(), end].concat();
            let mut decoder = Decoder::new(&bytes);
            if let Ok(component) = decode_component(&mut decoder) {
                prop_assert_eq!(&encoded(&[component]), &bytes[..decoder.offset()]);
            }
            let _ = split_component(&bytes);
        }

        #[test]
        fn changed_components_are_refused_or_canonical(key in any_key(), place: prop::sample::Index, byte: u8) {
            let mut bytes = encoded(&[key]);
            let index = place.index(bytes.len());
            bytes[index] = byte;
            let mut decoder = Decoder::new(&bytes);
            if let Ok(component) = decode_component(&mut decoder) {
                prop_assert_eq!(&encoded(&[component]), &bytes[..decoder.offset()]);
            }
        }

        #[test]
        fn a_prefix_is_a_range(prefix in any_text(), text in any_text(), behind in any_key()) {
            let mut start = encoded(&[number("1")]);
            encode_string_prefix(&prefix, &mut start);
            let end = prefix_end(&start).expect("tags are not the highest byte");
            let key = encoded(&[number("1"), KeyValue::String(text.clone()), behind]);
            prop_assert_eq!(start <= key && key < end, text.starts_with(&prefix));
        }

        #[test]
        fn a_binary_prefix_is_a_range(prefix in any_binary(), bytes in any_binary()) {
            let mut start = Vec::new();
            encode_binary_prefix(&prefix, &mut start);
            let end = prefix_end(&start).expect("tags are not the highest byte");
            let key = encoded(&[KeyValue::Binary(bytes.clone())]);
            prop_assert_eq!(start <= key && key < end, bytes.starts_with(&prefix));
        }

        #[test]
        fn stored_values_make_the_same_components(key in any_key()) {
            let value = Value::from(key.clone());
            let mut stored = Vec::new();
            encode_value(&value, &mut stored);
            let stored = StoredValue::parse(&stored).expect("a value");
            prop_assert_eq!(KeyRef::from_stored(&stored), Ok(Some(key.as_ref())));
            prop_assert_eq!(KeyValue::try_from(&value), Ok(key));
        }
    }
}
