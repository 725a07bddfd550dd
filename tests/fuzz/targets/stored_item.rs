//! Items in their stored form: what is written is read again, part by part and whole; any bytes are an item in its one
//! form, or an error.

use crate::targets::input::Input;
use pixii::dynamo::encoding::encode_item;
use pixii::dynamo::stored::StoredItem;
use pixii::{Item, Number, Value};
use std::collections::BTreeMap;

/// Runs the target.
pub fn run(data: &[u8]) {
    any_bytes(data);
    let mut input = Input::new(data);
    let mut item = Item::new();
    for _ in 0..input.below(6) {
        item.insert(input.text(5), value(&mut input, 1));
    }
    if item.validate().is_err() {
        return;
    }
    let bytes = encoded(&item);
    let stored = StoredItem::parse(&bytes).expect("it was just encoded");
    assert_eq!(stored.to_item().as_ref(), Ok(&item));
    assert_eq!(stored.len(), item.len());
    assert_eq!(stored.size_bytes(), Ok(item.size_bytes()), "the size that DynamoDB counts");
    for (name, value) in item.iter() {
        let found = stored.get(name).expect("the item is whole").expect("it has the attribute");
        assert_eq!(found.to_value().as_ref(), Ok(value));
        assert_eq!(found.value_type(), value.value_type());
    }
    let wanted = input.text(5);
    assert_eq!(stored.get(&wanted).expect("the item is whole").is_some(), item.contains(&wanted));

    // one changed byte is another item, or none: never the same one
    let mut changed = bytes.clone();
    let place = input.below(changed.len());
    changed[place] ^= 1 << input.below(8);
    if let Some(other) = any_bytes(&changed) {
        assert_ne!(other, item, "two forms of one item");
    }
}

/// Reads bytes as an item in every way; the item, if they are one.
fn any_bytes(data: &[u8]) -> Option<Item> {
    let stored = StoredItem::parse(data).ok()?;
    let size = stored.size_bytes();
    for (steps, attribute) in stored.attributes().enumerate() {
        assert!(steps < data.len(), "the attributes come to an end");
        if let Ok((name, value)) = attribute {
            assert!(name.len() + value.encoded().len() <= data.len());
            let _ = (value.view(), value.to_value());
        } else {
            break;
        }
    }
    let item = stored.to_item().ok()?;
    assert_eq!(encoded(&item), data, "an item has one form");
    assert_eq!(size, Ok(item.size_bytes()), "what is whole has a size");
    Some(item)
}

fn encoded(item: &Item) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_item(item, &mut bytes);
    bytes
}

fn value(input: &mut Input<'_>, level: usize) -> Value {
    let number = |input: &mut Input<'_>| {
        let coefficient = u128::from(input.number()) * u128::from(1 + input.number() % 1000);
        let exponent = i16::try_from(input.below(250)).unwrap_or(0) - 130;
        Number::from_parts(input.flag(), coefficient, exponent).unwrap_or(Number::ZERO)
    };
    match input.below(11) {
        0 => Value::Null,
        1 => Value::Bool(input.flag()),
        2 => Value::Number(number(input)),
        3 => Value::Binary(input.bytes(10).to_vec()),
        4 => Value::string_set((0..input.below(4)).map(|_| input.text(3)).collect::<Vec<_>>())
            .unwrap_or(Value::Null),
        5 => Value::number_set((0..input.below(4)).map(|_| number(input)).collect::<Vec<_>>())
            .unwrap_or(Value::Null),
        6 => Value::binary_set((0..input.below(4)).map(|_| input.bytes(3).to_vec()).collect::<Vec<_>>())
            .unwrap_or(Value::Null),
        // deeper than is allowed, so that the limit is met
        7 | 8 if level < 36 => Value::List((0..input.below(3)).map(|_| value(input, level + 1)).collect()),
        9 if level < 36 => {
            let entries = (0..input.below(3)).map(|_| (input.text(3), value(input, level + 1)));
            Value::Map(entries.collect::<BTreeMap<_, _>>())
        }
        _ => Value::String(input.text(10)),
    }
}
