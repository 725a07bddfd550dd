//! The stored form of items, and how it is written. `stored` reads it.
//!
//! ```text
//! item       := version u8 (1), attributes
//! attributes := count varint, (name length varint, name, value)*      by name bytes, strictly ascending
//! value      := tag u8                                                 false, true, null
//!             | tag u8, payload length varint, payload                 all others
//! payload    := text | bytes | number | attributes | elements | members
//! elements   := count varint, value*                                   in the list's order
//! members    := count varint, (length varint, text | bytes | number)*  strictly ascending by value
//! number     := nothing                                                zero
//!             | (zigzag of exponent × 2 + negative) varint, coefficient in 1 to 16 bytes, lowest first, the last not 0
//! tag        := 1 S, 2 N, 3 B, 4 false, 5 true, 6 NULL, 7 L, 8 M, 9 SS, 10 NS, 11 BS
//! ```
//!
//! Worked example: the item `{id: "7", n: 1.5}` is
//! `01 02  02 69 64 01 01 37  01 6e 02 02 02 0f`: 1.5 is 15 × 10^-1, the zigzag of -1 is 1.
//!
//! Invariants:
//! 1. One value has one form, so two values are equal exactly if their bytes are.
//! 2. Every value says its length, so that it is stepped over, or copied, without being understood.
//! 3. Items are validated before they are encoded ([`Item::validate`]): encoding recurses as deep as they are nested.
#![warn(clippy::indexing_slicing)]

use super::number::Number;
use super::value::{Item, Value, ValueType};
use crate::base::codec::{Decoder, Encode, varint_bytes};
use std::collections::BTreeMap;

/// The version that items are written in.
pub(super) const VERSION: u8 = 1;

/// The byte that says what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Tag {
    String = 1,
    Number = 2,
    Binary = 3,
    False = 4,
    True = 5,
    Null = 6,
    List = 7,
    Map = 8,
    StringSet = 9,
    NumberSet = 10,
    BinarySet = 11,
}

impl Tag {
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::String,
            2 => Self::Number,
            3 => Self::Binary,
            4 => Self::False,
            5 => Self::True,
            6 => Self::Null,
            7 => Self::List,
            8 => Self::Map,
            9 => Self::StringSet,
            10 => Self::NumberSet,
            11 => Self::BinarySet,
            _ => return None,
        })
    }

    pub(super) fn has_payload(self) -> bool {
        !matches!(self, Self::False | Self::True | Self::Null)
    }

    pub(super) fn value_type(self) -> ValueType {
        match self {
            Self::String => ValueType::String,
            Self::Number => ValueType::Number,
            Self::Binary => ValueType::Binary,
            Self::False | Self::True => ValueType::Bool,
            Self::Null => ValueType::Null,
            Self::List => ValueType::List,
            Self::Map => ValueType::Map,
            Self::StringSet => ValueType::StringSet,
            Self::NumberSet => ValueType::NumberSet,
            Self::BinarySet => ValueType::BinarySet,
        }
    }
}

/// Appends the stored form of an item.
pub fn encode_item(item: &Item, buffer: &mut Vec<u8>) {
    buffer.put_u8(VERSION);
    put_attributes(buffer, item.as_map());
}

/// Appends the stored form of a value, as it stands in an item: to compare it with stored ones, bytes with bytes.
pub fn encode_value(value: &Value, buffer: &mut Vec<u8>) {
    match value {
        Value::String(text) => put_payload(buffer, Tag::String, text.as_bytes()),
        Value::Number(number) => {
            buffer.put_u8(Tag::Number as u8);
            put_number(buffer, *number);
        }
        Value::Binary(bytes) => put_payload(buffer, Tag::Binary, bytes),
        Value::Bool(false) => buffer.put_u8(Tag::False as u8),
        Value::Bool(true) => buffer.put_u8(Tag::True as u8),
        Value::Null => buffer.put_u8(Tag::Null as u8),
        Value::List(elements) => put_counted(buffer, Tag::List, elements, |buffer, element| {
            encode_value(element, buffer);
        }),
        Value::Map(attributes) => put_nested(buffer, Tag::Map, |buffer| put_attributes(buffer, attributes)),
        Value::StringSet(members) => put_counted(buffer, Tag::StringSet, members, |buffer, member| {
            buffer.put_prefixed(member.as_bytes());
        }),
        Value::NumberSet(members) => put_counted(buffer, Tag::NumberSet, members, |buffer, member| {
            put_number(buffer, *member);
        }),
        Value::BinarySet(members) => put_counted(buffer, Tag::BinarySet, members, |buffer, member| {
            buffer.put_prefixed(member);
        }),
    }
}

fn put_attributes(buffer: &mut Vec<u8>, attributes: &BTreeMap<String, Value>) {
    buffer.put_varint(attributes.len() as u64);
    for (name, value) in attributes {
        buffer.put_prefixed(name.as_bytes());
        encode_value(value, buffer);
    }
}

fn put_payload(buffer: &mut Vec<u8>, tag: Tag, payload: &[u8]) {
    buffer.put_u8(tag as u8);
    buffer.put_prefixed(payload);
}

/// Appends a value of parts that are counted already.
pub(super) fn put_counted<'a, T: 'a>(
    buffer: &mut Vec<u8>,
    tag: Tag,
    parts: impl IntoIterator<Item = &'a T, IntoIter: ExactSizeIterator>,
    put: impl Fn(&mut Vec<u8>, &'a T),
) {
    put_nested(buffer, tag, |buffer| {
        let parts = parts.into_iter();
        buffer.put_varint(parts.len() as u64);
        for part in parts {
            put(buffer, part);
        }
    });
}

/// Appends an item of the attributes that `put` appends, in their order, and counts; hands on the count.
pub(super) fn put_item_of<E>(
    buffer: &mut Vec<u8>,
    put: impl FnOnce(&mut Vec<u8>) -> Result<u64, E>,
) -> Result<u64, E> {
    buffer.put_u8(VERSION);
    put_count(buffer, put)
}

/// Appends a list or map of the parts that `put` appends, in their order, and counts; hands on the count.
pub(super) fn put_value_of<E>(
    buffer: &mut Vec<u8>,
    tag: Tag,
    put: impl FnOnce(&mut Vec<u8>) -> Result<u64, E>,
) -> Result<u64, E> {
    put_nested(buffer, tag, |buffer| put_count(buffer, put))
}

fn put_count<E>(buffer: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>) -> Result<u64, E>) -> Result<u64, E> {
    put_behind(buffer, |buffer, _| {
        let result = put(buffer);
        (*result.as_ref().unwrap_or(&0), result)
    })
}

/// Appends what `put` writes, with its length in front.
fn put_nested<R>(buffer: &mut Vec<u8>, tag: Tag, put: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    buffer.put_u8(tag as u8);
    put_behind(buffer, |buffer, start| {
        let result = put(buffer);
        ((buffer.len() - start) as u64, result)
    })
}

/// Appends what `put` writes, with a number in front that is known only then. It is mostly one byte; if it turns out
/// longer, what was written moves back. `put` is told where it begins.
fn put_behind<R>(buffer: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>, usize) -> (u64, R)) -> R {
    let start = buffer.len();
    buffer.put_u8(0);
    let (number, result) = put(buffer, start + 1);
    match (u8::try_from(number), buffer.get_mut(start)) {
        (Ok(byte), Some(place)) if varint_bytes(number) == 1 => *place = byte,
        _ => {
            let mut prefix = Vec::with_capacity(varint_bytes(number));
            prefix.put_varint(number);
            buffer.splice(start..=start, prefix);
        }
    }
    result
}

/// Appends the length of a number's payload and the payload.
pub(super) fn put_number(buffer: &mut Vec<u8>, number: Number) {
    if number.is_zero() {
        return buffer.put_u8(0);
    }
    let exponent = i64::from(number.exponent());
    let head = ((exponent << 1 ^ exponent >> 63).unsigned_abs() << 1) | u64::from(number.is_negative());
    let coefficient = number.coefficient().to_le_bytes();
    let width = coefficient.len() - number.coefficient().leading_zeros() as usize / 8;
    buffer.put_varint((varint_bytes(head) + width) as u64);
    buffer.put_varint(head);
    buffer.put_bytes(coefficient.get(..width).unwrap_or(&coefficient));
}

/// The number of a payload, if it is one in its one form.
pub(super) fn number_from(payload: &[u8]) -> Option<Number> {
    if payload.is_empty() {
        return Some(Number::ZERO);
    }
    let mut decoder = Decoder::new(payload);
    let head = decoder.varint("a number").ok()?;
    let zigzag = i16::try_from(head >> 1).ok()?;
    let exponent = (zigzag >> 1) ^ -(zigzag & 1);
    let digits = decoder.rest();
    let mut coefficient = [0; 16];
    coefficient.get_mut(..digits.len())?.copy_from_slice(digits);
    if digits.last().is_none_or(|last| *last == 0) {
        return None;
    }
    Number::from_normal_parts(head & 1 == 1, u128::from_le_bytes(coefficient), exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example_is_what_is_written() {
        let one_and_a_half: Number = "1.5".parse().expect("a number");
        let mut bytes = Vec::new();
        encode_item(&Item::new().with("id", "7").with("n", one_and_a_half), &mut bytes);
        assert_eq!(bytes, [1, 2, 2, 0x69, 0x64, 1, 1, 0x37, 1, 0x6e, 2, 2, 2, 0x0f]);
    }

    #[test]
    fn a_length_of_more_than_one_byte_moves_what_it_counts() {
        let mut bytes = Vec::new();
        encode_value(&Value::List(vec!["l".repeat(200).into()]), &mut bytes);
        assert_eq!(bytes[..7], [7, 0xcc, 1, 1, 1, 0xc8, 1]);
        assert_eq!((bytes.len(), bytes[7..].iter().all(|byte| *byte == b'l')), (207, true));
    }

    #[test]
    fn numbers_of_few_digits_take_few_bytes() {
        for (text, length) in
            [("0", 3), ("7", 5), ("-7", 5), ("1000", 5), ("255", 5), ("256", 6), ("1e125", 6)]
        {
            let number: Number = text.parse().expect("a number");
            let mut bytes = Vec::new();
            encode_item(&Item::new().with("", number), &mut bytes);
            assert_eq!(bytes.len() - 2, length, "{text}");
        }
    }
}
