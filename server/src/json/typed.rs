//! DynamoDB JSON: every value is an object whose one member names its type.
//!
//! ```text
//! item  := { name: value, … }
//! value := {"S": text} | {"N": digits in a text} | {"B": base64} | {"BOOL": true or false} | {"NULL": true}
//!        | {"L": [value, …]} | {"M": item} | {"SS": [text, …]} | {"NS": [digits in a text, …]} | {"BS": [base64, …]}
//! ```
//!
//! Source: the type `AttributeValue` of DynamoDB's API reference. Reading is strict: exactly one member, of a known
//! type, with a value of just that shape. What is written reads as the same item.

use super::fault::{ItemFault, JsonFault};
use super::text::{kind, read_binary, write_array, write_binary, write_object, write_string};
use pixii::dynamo::limits::NESTING_LEVELS_MAX;
use pixii::dynamo::value::{ValueFault, ValueType};
use pixii::{Item, Number, Value};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::io::Write as _;

/// The item whose attributes are the members of an object, each a typed value.
pub(crate) fn read_item(members: Map<String, Json>) -> Result<Item, ItemFault> {
    read_members(members, 1).map(Item::from)
}

/// Whether members look like attributes in this form: there are some, and each is an object of one member that is named
/// as a type. No item in plain JSON looks so, because the attributes of its key are no objects.
pub(crate) fn looks_typed(members: &Map<String, Json>) -> bool {
    let typed = |json: &Json| match json {
        Json::Object(value) if value.len() == 1 => {
            value.keys().all(|name| ValueType::from_name(name).is_some())
        }
        _ => false,
    };
    !members.is_empty() && members.values().all(typed)
}

fn read_members(members: Map<String, Json>, level: usize) -> Result<BTreeMap<String, Value>, ItemFault> {
    let read = |(name, json): (String, Json)| match read_value(json, level) {
        Ok(value) => Ok((name, value)),
        Err(fault) => Err(fault.in_attribute(&name)),
    };
    members.into_iter().map(read).collect()
}

fn read_value(json: Json, level: usize) -> Result<Value, ItemFault> {
    if level > NESTING_LEVELS_MAX {
        return Err(ValueFault::TooDeep.into());
    }
    let Json::Object(members) = json else {
        return Err(shape("a value with its type, as {\"S\": \"text\"}", &json).into());
    };
    if members.len() > 1 {
        return Err(JsonFault::ManyTypes.into());
    }
    let member = members.into_iter().next();
    let typed = member.and_then(|(name, json)| Some((ValueType::from_name(&name)?, json)));
    let (value_type, json) = typed.ok_or(JsonFault::NoType)?;
    Ok(match value_type {
        ValueType::String => Value::String(text(json)?),
        ValueType::Number => Value::Number(number(json)?),
        ValueType::Binary => Value::Binary(binary(json)?),
        ValueType::Bool => match json {
            Json::Bool(truth) => Value::Bool(truth),
            other => return Err(shape("true or false", &other).into()),
        },
        ValueType::Null => match json {
            Json::Bool(true) => Value::Null,
            Json::Bool(false) => return Err(JsonFault::NullNotTrue.into()),
            other => return Err(shape("true", &other).into()),
        },
        ValueType::List => Value::List(elements(json, |json| read_value(json, level + 1))?),
        ValueType::Map => match json {
            Json::Object(members) => Value::Map(read_members(members, level + 1)?),
            other => return Err(shape("an object", &other).into()),
        },
        ValueType::StringSet => Value::string_set(elements(json, |json| Ok(text(json)?))?)?,
        ValueType::NumberSet => Value::number_set(elements(json, |json| Ok(number(json)?))?)?,
        ValueType::BinarySet => Value::binary_set(elements(json, |json| Ok(binary(json)?))?)?,
    })
}

fn shape(expected: &'static str, found: &Json) -> JsonFault {
    JsonFault::Shape { expected, found: kind(found) }
}

fn text(json: Json) -> Result<String, JsonFault> {
    if let Json::String(text) = json { Ok(text) } else { Err(shape("a string", &json)) }
}

fn number(json: Json) -> Result<Number, JsonFault> {
    let Json::String(text) = json else { return Err(shape("a number in a string", &json)) };
    Ok(text.parse::<Number>()?)
}

fn binary(json: Json) -> Result<Vec<u8>, JsonFault> {
    read_binary(&text(json)?).ok_or(JsonFault::Base64)
}

fn elements<T>(json: Json, mut read: impl FnMut(Json) -> Result<T, ItemFault>) -> Result<Vec<T>, ItemFault> {
    let Json::Array(elements) = json else { return Err(shape("an array", &json).into()) };
    let read = |(index, json)| read(json).map_err(|fault| fault.in_element(index));
    elements.into_iter().enumerate().map(read).collect()
}

/// Appends an item as an object of typed values.
pub(crate) fn write_item(item: &Item, line: &mut Vec<u8>) {
    write_object(item, line, write_value);
}

fn write_value(value: &Value, line: &mut Vec<u8>) {
    write!(line, "{{\"{}\":", value.value_type()).expect("memory takes every name");
    match value {
        Value::String(text) => write_string(text, line),
        Value::Number(number) => write_number(number, line),
        Value::Binary(bytes) => write_binary(bytes, line),
        Value::Bool(truth) => line.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Null => line.extend_from_slice(b"true"),
        Value::List(elements) => write_array(elements, line, write_value),
        Value::Map(members) => write_object(members, line, write_value),
        Value::StringSet(members) => write_array(members, line, |text, line| write_string(text, line)),
        Value::NumberSet(members) => write_array(members, line, write_number),
        Value::BinarySet(members) => write_array(members, line, |bytes, line| write_binary(bytes, line)),
    }
    line.push(b'}');
}

fn write_number(number: &Number, line: &mut Vec<u8>) {
    write!(line, "\"{number}\"").expect("memory takes every number");
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use pixii::dynamo::number::NumberError;
    use proptest::collection::{btree_map, btree_set, vec};
    use proptest::prelude::*;

    /// Any valid item of a few levels.
    pub(crate) fn any_item() -> impl Strategy<Value = Item> {
        btree_map("[a-z]{1,3}|[\\PC\0\"]{1,3}", any_value(), 0..5).prop_map(Item::from)
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = || "[a\u{e9}\"\\\\\n\0\u{1f600}]{0,6}";
        let number = || {
            let fits = "a number in range";
            (any::<bool>(), 0..10_u128.pow(38), -130_i16..88).prop_map(move |(negative, digits, exponent)| {
                Number::from_parts(negative, digits, exponent).expect(fits)
            })
        };
        let bytes = || vec(any::<u8>(), 0..6);
        let leaf = prop_oneof![
            text().prop_map(Value::String),
            number().prop_map(Value::Number),
            bytes().prop_map(Value::Binary),
            any::<bool>().prop_map(Value::Bool),
            Just(Value::Null),
            btree_set(text(), 1..4).prop_map(Value::StringSet),
            btree_set(number(), 1..4).prop_map(Value::NumberSet),
            btree_set(bytes(), 1..4).prop_map(Value::BinarySet),
        ];
        leaf.prop_recursive(4, 16, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Value::List),
                btree_map("[a-zSNM]{1,2}", inner, 0..4).prop_map(Value::Map),
            ]
        })
    }

    fn read(text: &str) -> Result<Item, ItemFault> {
        read_item(serde_json::from_str(text).expect("JSON"))
    }

    fn written(item: &Item) -> String {
        let mut line = Vec::new();
        write_item(item, &mut line);
        String::from_utf8(line).expect("JSON is text")
    }

    #[test]
    fn every_type_has_its_form() {
        let text = concat!(
            r#"{"b":{"B":"AP8="},"bs":{"BS":["","AQ=="]},"l":{"L":[{"N":"1"},{"L":[]}]},"m":{"M":{"S":{"S":"S"}}},"#,
            r#""n":{"N":"-0.5"},"no":{"BOOL":false},"ns":{"NS":["1","2"]},"s":{"S":""},"ss":{"SS":["","a"]},"#,
            r#""yes":{"BOOL":true},"z":{"NULL":true}}"#
        );
        let item = read(text).expect("an item");
        let expected = Item::new()
            .with("b", [0_u8, 255])
            .with("bs", Value::binary_set([vec![], vec![1_u8]]).expect("a set"))
            .with("l", vec![Value::from(1), Value::List(vec![])])
            .with("m", BTreeMap::from([("S".to_owned(), Value::from("S"))]))
            .with("n", "-0.5".parse::<Number>().expect("a number"))
            .with("no", false)
            .with("ns", Value::number_set([1, 2]).expect("a set"))
            .with("s", "")
            .with("ss", Value::string_set(["", "a"]).expect("a set"))
            .with("yes", true)
            .with("z", Value::Null);
        assert_eq!(item, expected);
        assert_eq!(written(&item), text);
    }

    fn check_refused(value: &str, expected: &JsonFault) {
        let fault = read(&format!(r#"{{"a":{value}}}"#)).expect_err("it is wrong");
        assert_eq!(fault.fault(), expected, "{value}");
        assert!(fault.to_string().starts_with("attribute a"), "{fault}");
    }

    #[test]
    fn a_value_has_exactly_one_known_type() {
        check_refused("{}", &JsonFault::NoType);
        check_refused(r#"{"s":"x"}"#, &JsonFault::NoType);
        check_refused(r#"{"S":"x","N":"1"}"#, &JsonFault::ManyTypes);
        check_refused(r#""x""#, &shape("a value with its type, as {\"S\": \"text\"}", &"".into()));
    }

    #[test]
    fn a_value_has_the_shape_of_its_type() {
        check_refused(r#"{"S":1}"#, &shape("a string", &1.into()));
        check_refused(r#"{"N":1}"#, &shape("a number in a string", &1.into()));
        check_refused(r#"{"NS":["1",2]}"#, &shape("a number in a string", &1.into()));
        check_refused(r#"{"BOOL":"true"}"#, &shape("true or false", &"".into()));
        check_refused(r#"{"NULL":null}"#, &shape("true", &Json::Null));
        check_refused(r#"{"NULL":false}"#, &JsonFault::NullNotTrue);
        check_refused(r#"{"L":{}}"#, &shape("an array", &Json::Object(Map::new())));
        check_refused(r#"{"M":[]}"#, &shape("an object", &Json::Array(vec![])));
        for unpadded_or_with_bits_left in ["AA", "AP9=", "A P8=", "AP8=\\n", "-_8="] {
            check_refused(&format!(r#"{{"B":"{unpadded_or_with_bits_left}"}}"#), &JsonFault::Base64);
        }
    }

    #[test]
    fn what_dynamodb_does_not_store_is_refused() {
        check_refused(r#"{"N":"1 "}"#, &NumberError::NotANumber("1 ".to_owned()).into());
        check_refused(
            r#"{"NS":["1","1.0"]}"#,
            &ValueFault::DuplicateNumbers(vec![1.into(), 1.into()]).into(),
        );
        check_refused(r#"{"SS":[]}"#, &ValueFault::EmptySet(ValueType::StringSet).into());
    }

    #[test]
    fn nesting_ends_at_32_levels() {
        let nested = |levels: usize| {
            let lists = levels - 1;
            read(&format!(r#"{{"a":{}{{"N":"1"}}{}}}"#, r#"{"L":["#.repeat(lists), "]}".repeat(lists)))
        };
        assert!(nested(32).is_ok());
        assert_eq!(nested(33).expect_err("too deep").fault(), &JsonFault::Value(ValueFault::TooDeep));
    }

    #[test]
    fn plain_items_do_not_look_typed() {
        let looks = |text: &str| looks_typed(&serde_json::from_str(text).expect("JSON"));
        assert!(looks(r#"{"a":{"S":"x"},"b":{"L":[]}}"#));
        assert!(!looks(r#"{"a":"x","b":{"L":[]}}"#));
        assert!(!looks(r#"{"a":{"x":"x"}}"#));
        assert!(!looks("{}"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn what_is_written_reads_as_the_same_item(item in any_item()) {
            prop_assert_eq!(read(&written(&item)).expect("it was written"), item);
        }
    }
}
