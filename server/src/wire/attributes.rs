//! Attributes of items, from JSON and from where they are stored to JSON.
//!
//! A value that has the right shape and that DynamoDB does not store is no fault of the JSON: the first one is kept, to be
//! told when its turn has come, and reading goes on.

use super::reader::{Reader, Result, Unreadable};
use crate::json::text::{write_array, write_binary, write_object, write_string};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pixii::base::codec::DecodeError;
use pixii::dynamo::limits::NESTING_LEVELS_MAX;
use pixii::dynamo::stored::{StoredItem, StoredMap, StoredValue, StoredView};
use pixii::{Item, Number, Value, ValueFault};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;

/// The first value of a request that DynamoDB does not store.
#[derive(Debug, Default)]
pub(crate) struct FirstFault(Option<ValueFault>);

impl FirstFault {
    /// Tells it.
    pub(crate) fn check(&self) -> std::result::Result<(), ValueFault> {
        self.0.clone().map_or(Ok(()), Err)
    }

    fn note(&mut self, fault: ValueFault) -> Value {
        self.0.get_or_insert(fault);
        Value::Null
    }

    fn taken<T: Into<Value>>(&mut self, value: std::result::Result<T, impl Into<ValueFault>>) -> Value {
        match value {
            Ok(value) => value.into(),
            Err(fault) => self.note(fault.into()),
        }
    }
}

/// Attributes by name, which are an item, a key, or a part of one.
pub(crate) fn read_item(reader: &mut Reader<'_>, fault: &mut FirstFault) -> Result<Option<Item>> {
    Ok(read_map(reader, fault, 1)?.map(Item::from))
}

/// A value of an expression or a legacy parameter.
pub(crate) fn read_value(reader: &mut Reader<'_>, fault: &mut FirstFault) -> Result<Option<Value>> {
    read_at(reader, fault, 1)
}

/// Values by name, in any shape that is not one of them alone.
fn read_map(
    reader: &mut Reader<'_>,
    fault: &mut FirstFault,
    level: usize,
) -> Result<Option<BTreeMap<String, Value>>> {
    let mut attributes = BTreeMap::new();
    let is_there = reader.map(|reader, name| {
        let value = read_at(reader, fault, level)?;
        let value = value.unwrap_or_else(|| fault.note(ValueFault::Untyped));
        attributes.insert(name.to_owned(), value);
        Ok(())
    })?;
    Ok(is_there.then_some(attributes))
}

fn read_at(reader: &mut Reader<'_>, fault: &mut FirstFault, level: usize) -> Result<Option<Value>> {
    let mut value = None;
    let mut types = 0;
    let is_there = reader.structure("AttributeValue", |reader, name| {
        if let Some(read) = read_typed(reader, fault, level, name)? {
            types += 1;
            value = Some(read);
        }
        Ok(())
    })?;
    if !is_there {
        return Ok(None);
    }
    Ok(Some(match (types, value) {
        (1, Some(value)) => value,
        (0, _) => fault.note(ValueFault::Untyped),
        _ => fault.note(ValueFault::ManyTypes),
    }))
}

/// The member of a value that has the name of a type. Nothing if it is null.
fn read_typed(
    reader: &mut Reader<'_>,
    fault: &mut FirstFault,
    level: usize,
    name: &str,
) -> Result<Option<Value>> {
    Ok(match name {
        "S" => reader.string()?.map(|text| Value::String(text.into_owned())),
        "N" => reader.string()?.map(|text| fault.taken(text.parse::<Number>())),
        "B" => reader.string()?.map(|text| binary(&text)).transpose()?.map(Value::Binary),
        "BOOL" => reader.boolean()?.map(Value::Bool),
        "NULL" => {
            reader.boolean()?.map(|truth| if truth { Value::Null } else { fault.note(ValueFault::NullFalse) })
        }
        "L" | "M" if level >= 2 * NESTING_LEVELS_MAX => {
            // Far beyond what is stored: it is refused whatever it holds.
            reader.skip()?;
            Some(fault.note(ValueFault::TooDeep))
        }
        "L" => {
            let elements = reader.list(|reader| {
                let value = read_at(reader, fault, level + 1)?;
                Ok(value.unwrap_or_else(|| fault.note(ValueFault::Untyped)))
            })?;
            elements.map(|elements| at_level(fault, level, !elements.is_empty(), Value::List(elements)))
        }
        "M" => {
            let attributes = read_map(reader, fault, level + 1)?;
            attributes.map(|members| at_level(fault, level, !members.is_empty(), Value::Map(members)))
        }
        "SS" => {
            let members = texts(reader)?;
            members.map(|members| {
                let members = members.into_iter().map(Cow::into_owned);
                fault.taken(Value::string_set(members.collect::<Vec<_>>()))
            })
        }
        "NS" => texts(reader)?.map(|members| {
            let numbers = members.iter().map(|text| text.parse::<Number>());
            match numbers.collect::<std::result::Result<Vec<_>, _>>() {
                Ok(numbers) => fault.taken(Value::number_set(numbers)),
                Err(number_fault) => fault.note(number_fault.into()),
            }
        }),
        "BS" => match texts(reader)? {
            None => None,
            Some(members) => {
                let members = members.iter().map(|text| binary(text)).collect::<Result<Vec<_>>>()?;
                Some(fault.taken(Value::binary_set(members)))
            }
        },
        _ => {
            reader.skip()?;
            Some(fault.note(ValueFault::Untyped))
        }
    })
}

/// What is too deep is noted, and not kept.
fn at_level(fault: &mut FirstFault, level: usize, has_contents: bool, value: Value) -> Value {
    if level >= NESTING_LEVELS_MAX && has_contents { fault.note(ValueFault::TooDeep) } else { value }
}

/// The members of a set, in the form that they are given in. One that is null is passed over.
fn texts<'a>(reader: &mut Reader<'a>) -> Result<Option<Vec<Cow<'a, str>>>> {
    Ok(reader.list(Reader::string)?.map(|members| members.into_iter().flatten().collect()))
}

/// The bytes that a text is the base64 of.
fn binary(text: &str) -> Result<Vec<u8>> {
    STANDARD.decode(text).map_err(|_| {
        Unreadable(if text.len().is_multiple_of(4) {
            "Invalid Base64 character, or bits left over".into()
        } else {
            format!("Base64 encoded length is expected a multiple of 4 bytes but found: {}", text.len())
                .into()
        })
    })
}

/// Appends an item from where it is stored.
pub(crate) fn write_stored(
    item: &StoredItem<'_>,
    buffer: &mut Vec<u8>,
) -> std::result::Result<(), DecodeError> {
    write_stored_map(item.as_map(), buffer)
}

fn write_stored_map(map: StoredMap<'_>, buffer: &mut Vec<u8>) -> std::result::Result<(), DecodeError> {
    let attributes = map.attributes().collect::<std::result::Result<Vec<_>, _>>()?;
    let mut outcome = Ok(());
    write_object(attributes, buffer, |value, buffer| {
        if let Err(error) = write_stored_value(value, buffer) {
            outcome = Err(error);
        }
    });
    outcome
}

fn write_stored_value(value: StoredValue<'_>, buffer: &mut Vec<u8>) -> std::result::Result<(), DecodeError> {
    buffer.extend_from_slice(b"{\"");
    buffer.extend_from_slice(value.value_type().name().as_bytes());
    buffer.extend_from_slice(b"\":");
    match value.view()? {
        StoredView::String(text) => write_string(text, buffer),
        StoredView::Number(number) => write_number(number, buffer),
        StoredView::Binary(bytes) => write_binary(bytes, buffer),
        StoredView::Bool(truth) => buffer.extend_from_slice(if truth { b"true" } else { b"false" }),
        StoredView::Null => buffer.extend_from_slice(b"true"),
        StoredView::List(list) => {
            let mut outcome = Ok(());
            let elements = list.elements().collect::<std::result::Result<Vec<_>, _>>()?;
            write_array(elements, buffer, |element, buffer| {
                if let Err(error) = write_stored_value(element, buffer) {
                    outcome = Err(error);
                }
            });
            outcome?;
        }
        StoredView::Map(map) => write_stored_map(map, buffer)?,
        StoredView::StringSet(set) => {
            let members = set.members().collect::<std::result::Result<Vec<_>, _>>()?;
            write_array(members, buffer, write_string);
        }
        StoredView::NumberSet(set) => {
            let members = set.members().collect::<std::result::Result<Vec<_>, _>>()?;
            write_array(members, buffer, write_number);
        }
        StoredView::BinarySet(set) => {
            let members = set.members().collect::<std::result::Result<Vec<_>, _>>()?;
            write_array(members, buffer, write_binary);
        }
    }
    buffer.push(b'}');
    Ok(())
}

fn write_number(number: Number, buffer: &mut Vec<u8>) {
    write!(buffer, "\"{number}\"").expect("memory takes every number");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::typed;
    use pixii::dynamo::encoding::encode_item;
    use proptest::prelude::*;

    fn read(text: &str) -> std::result::Result<Item, String> {
        let (mut reader, mut fault) = (Reader::new(text), FirstFault::default());
        let item =
            read_item(&mut reader, &mut fault).map_err(|Unreadable(message)| format!("SE {message}"))?;
        reader.end().map_err(|Unreadable(message)| format!("SE {message}"))?;
        fault.check().map_err(|fault| fault.to_string())?;
        item.ok_or_else(|| "none".to_owned())
    }

    fn read_one(value: &str) -> std::result::Result<Value, String> {
        read(&format!(r#"{{"a":{value}}}"#)).map(|mut item| item.remove("a").expect("it was read"))
    }

    #[test]
    fn a_value_has_exactly_one_type() {
        let empty = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
        let many = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the \
                    supported datatypes";
        for (text, said) in [
            ("{}", empty),
            ("null", empty),
            (r#"{"S":null}"#, empty),
            (r#"{"X":"a"}"#, empty),
            (r#"{"S":"a","N":"1"}"#, many),
            (r#"{"S":"a","S":"b"}"#, many),
            (r#"{"L":[{}]}"#, empty),
            (r#"{"M":{"b":{"N":"1","BOOL":true}}}"#, many),
            (
                r#"{"NULL":false}"#,
                "One or more parameter values were invalid: Null attribute value types must have the value of true",
            ),
        ] {
            assert_eq!(read_one(text), Err(said.to_owned()), "{text}");
        }
        assert_eq!(read_one(r#"{"S":"a","N":null}"#), Ok(Value::from("a")));
    }

    #[test]
    fn another_shape_is_a_fault_of_the_json() {
        for (text, said) in [
            ("\"a\"", "Unexpected value type in payload"),
            (r#"{"S":1}"#, "NUMBER_VALUE cannot be converted to String"),
            (r#"{"N":1}"#, "NUMBER_VALUE cannot be converted to String"),
            (r#"{"S":["a"]}"#, "Unrecognized collection type class java.lang.String"),
            (r#"{"S":{}}"#, "Start of structure or map found where not expected"),
            (r#"{"BOOL":"true"}"#, "STRING_VALUE cannot be converted to Boolean"),
            (r#"{"SS":"a"}"#, "Unexpected value type in payload"),
            (r#"{"L":{}}"#, "Start of structure or map found where not expected"),
            (r#"{"B":"a"}"#, "Base64 encoded length is expected a multiple of 4 bytes but found: 1"),
            (r#"{"B":"!!!!"}"#, "Invalid Base64 character, or bits left over"),
            (r#"{"B":"AB=="}"#, "Invalid Base64 character, or bits left over"),
        ] {
            assert_eq!(read_one(text), Err(format!("SE {said}")), "{text}");
        }
    }

    #[test]
    fn what_is_not_stored_is_said_after_the_shape() {
        for (text, said) in [
            (r#"{"N":"abc"}"#, "The parameter cannot be converted to a numeric value: abc"),
            (r#"{"SS":[]}"#, "One or more parameter values were invalid: An string set  may not be empty"),
            (
                r#"{"NS":["1","1.0"]}"#,
                "One or more parameter values were invalid: Input collection contains duplicates.",
            ),
            (
                r#"{"SS":["a","a"]}"#,
                "One or more parameter values were invalid: Input collection [\"a\", \"a\"] contains duplicates.",
            ),
        ] {
            assert_eq!(read_one(text), Err(said.to_owned()), "{text}");
        }
        let both = r#"{"a":{"N":"abc"},"b":{"S":1}}"#;
        assert_eq!(read(both), Err("SE NUMBER_VALUE cannot be converted to String".to_owned()));
    }

    #[test]
    fn a_leaf_may_stand_at_level_32() {
        let deep = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond \
                    supported limit";
        for (open, close) in [(r#"{"L":["#, "]}"), (r#"{"M":{"m":"#, "}}")] {
            let nested = |levels: usize| open.repeat(levels) + r#"{"S":"x"}"# + &close.repeat(levels);
            assert!(read_one(&nested(31)).is_ok());
            for levels in [32, 33, 60] {
                assert_eq!(read_one(&nested(levels)), Err(deep.to_owned()), "{levels}");
            }
            let unreadable = read_one(&nested(1000)).expect_err("far too deep");
            assert!(unreadable.starts_with("SE The body is not JSON"), "{unreadable}");
        }
    }

    proptest! {
        #[test]
        fn stored_items_are_written_like_items(item in typed::tests::any_item()) {
            let (mut stored, mut plain, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
            encode_item(&item, &mut bytes);
            write_stored(&StoredItem::parse(&bytes).expect("an item"), &mut stored).expect("an item");
            typed::write_item(&item, &mut plain);
            prop_assert_eq!(&stored, &plain);
            let text = String::from_utf8(stored).expect("text");
            prop_assert_eq!(read(&text), Ok(item));
        }
    }
}
