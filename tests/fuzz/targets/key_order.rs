//! Keys as bytes: their order is the order of the values, and what decodes has one form.

use crate::targets::input::Input;
use pixii::base::codec::Decoder;
use pixii::dynamo::key::{
    KeyValue, decode_component, encode_binary_prefix, encode_component, encode_string_prefix, prefix_end,
    split_component,
};
use pixii::dynamo::number::Number;
use std::cmp::Ordering;

/// Runs the target.
pub fn run(data: &[u8]) {
    any_bytes(data);
    let mut input = Input::new(data);
    let left = [value(&mut input), value(&mut input)];
    // often with the first component in common, so that the second one decides
    let right = [if input.flag() { left[0].clone() } else { value(&mut input) }, value(&mut input)];
    let (left_bytes, right_bytes) = (encoded(&left), encoded(&right));
    let order = compare(&left[0], &right[0]).then_with(|| compare(&left[1], &right[1]));
    assert_eq!(left_bytes.cmp(&right_bytes), order, "{left:?} and {right:?}");

    for value in left.iter().chain(&right) {
        let bytes = encoded(std::slice::from_ref(value));
        let mut decoder = Decoder::new(&bytes);
        assert_eq!(decode_component(&mut decoder).as_ref(), Ok(value));
        assert!(decoder.is_empty());
        check_prefix(value, &bytes, &mut input);
    }
    let first_bytes = encoded(&left[..1]);
    let second_bytes = encoded(&left[1..]);
    assert_eq!(split_component(&left_bytes), Ok((first_bytes.as_slice(), second_bytes.as_slice())));
}

/// Bytes that are no key: what decodes encodes to the same bytes.
fn any_bytes(data: &[u8]) {
    let mut decoder = Decoder::new(data);
    let Ok(value) = decode_component(&mut decoder) else { return };
    let (component, rest) = data.split_at(decoder.offset());
    assert_eq!(encoded(&[value]), component, "a component has one form");
    assert_eq!(split_component(data), Ok((component, rest)));
}

/// What begins with a prefix is one range of keys, and nothing else is in it.
fn check_prefix(value: &KeyValue, bytes: &[u8], input: &mut Input<'_>) {
    let mut prefix = Vec::new();
    let begins = match value {
        KeyValue::String(text) => {
            let wanted = input.text(3);
            encode_string_prefix(&wanted, &mut prefix);
            text.starts_with(&wanted)
        }
        KeyValue::Binary(binary) => {
            let wanted = input.bytes(3);
            encode_binary_prefix(wanted, &mut prefix);
            binary.starts_with(wanted)
        }
        KeyValue::Number(_) => return,
    };
    let end = prefix_end(&prefix).expect("no tag is 0xff");
    let is_in_range = prefix.as_slice() <= bytes && bytes < end.as_slice();
    assert_eq!(is_in_range, begins, "{value:?} and the range of {prefix:?}");
}

fn encoded(values: &[KeyValue]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in values {
        encode_component(value, &mut bytes);
    }
    bytes
}

fn compare(left: &KeyValue, right: &KeyValue) -> Ordering {
    let rank = |value: &KeyValue| match value {
        KeyValue::String(_) => 0,
        KeyValue::Number(_) => 1,
        KeyValue::Binary(_) => 2,
    };
    match (left, right) {
        (KeyValue::String(left), KeyValue::String(right)) => left.as_bytes().cmp(right.as_bytes()),
        (KeyValue::Number(left), KeyValue::Number(right)) => left.cmp(right),
        (KeyValue::Binary(left), KeyValue::Binary(right)) => left.cmp(right),
        _ => rank(left).cmp(&rank(right)),
    }
}

fn value(input: &mut Input<'_>) -> KeyValue {
    match input.below(4) {
        0 => KeyValue::String(input.text(12)),
        1 => KeyValue::Binary(input.bytes(12).to_vec()),
        2 => KeyValue::Number(number(input)),
        // few digits and few magnitudes, so that the last pair of digits decides
        _ => {
            KeyValue::Number(from_parts(input.flag(), input.below(200) as u128, i16::from(input.byte() % 3)))
        }
    }
}

fn number(input: &mut Input<'_>) -> Number {
    let coefficient = u128::from(input.number()) << 64 | u128::from(input.number());
    let coefficient = coefficient % 10_u128.pow(1 + u32::from(input.byte()) % 38);
    from_parts(input.flag(), coefficient, i16::from(input.byte()) - 130)
}

/// The number, or zero if there is no such one.
fn from_parts(negative: bool, coefficient: u128, exponent: i16) -> Number {
    Number::from_parts(negative, coefficient, exponent).unwrap_or(Number::ZERO)
}
