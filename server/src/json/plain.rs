//! Plain JSON: what everybody writes.
//!
//! Read, a string is S, a number N with the very digits that stand there, a boolean BOOL, null NULL, an array L, an
//! object M. Written, the same, and what JSON has no word for becomes what is nearest: binary a string of base64, a set
//! an array. So items of the six types come back as they were, and the others do not: [`typed`](super::typed) is the form
//! that keeps them.
//!
//! Of two members of an object with one name the last counts, as in most readers of JSON.

use super::fault::ItemFault;
use super::text::{write_array, write_binary, write_object, write_string};
use pixii::dynamo::limits::NESTING_LEVELS_MAX;
use pixii::dynamo::value::ValueFault;
use pixii::{Item, Number, Value};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::io::Write as _;

/// The item whose attributes are the members of an object.
pub(crate) fn read_item(members: Map<String, Json>) -> Result<Item, ItemFault> {
    read_members(members, 1).map(Item::from)
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
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(number) => Value::Number(number.as_str().parse::<Number>()?),
        Json::String(text) => Value::String(text),
        Json::Array(elements) => {
            let read = |(index, json)| read_value(json, level + 1).map_err(|fault| fault.in_element(index));
            Value::List(elements.into_iter().enumerate().map(read).collect::<Result<_, _>>()?)
        }
        Json::Object(members) => Value::Map(read_members(members, level + 1)?),
    })
}

/// Appends an item as an object.
pub(crate) fn write_item(item: &Item, line: &mut Vec<u8>) {
    write_object(item, line, write_value);
}

fn write_value(value: &Value, line: &mut Vec<u8>) {
    match value {
        Value::String(text) => write_string(text, line),
        Value::Number(number) => write_number(number, line),
        Value::Binary(bytes) => write_binary(bytes, line),
        Value::Bool(truth) => line.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Null => line.extend_from_slice(b"null"),
        Value::List(elements) => write_array(elements, line, write_value),
        Value::Map(members) => write_object(members, line, write_value),
        Value::StringSet(members) => write_array(members, line, |text, line| write_string(text, line)),
        Value::NumberSet(members) => write_array(members, line, write_number),
        Value::BinarySet(members) => write_array(members, line, |bytes, line| write_binary(bytes, line)),
    }
}

/// The plain decimal of a number is a number of JSON.
fn write_number(number: &Number, line: &mut Vec<u8>) {
    write!(line, "{number}").expect("memory takes every number");
}

#[cfg(test)]
mod tests {
    use super::super::fault::JsonFault;
    use super::super::typed::tests::any_item;
    use super::*;
    use pixii::dynamo::number::NumberError;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Item, ItemFault> {
        read_item(serde_json::from_str(text).expect("JSON"))
    }

    fn written(item: &Item) -> String {
        let mut line = Vec::new();
        write_item(item, &mut line);
        String::from_utf8(line).expect("JSON is text")
    }

    #[test]
    fn every_kind_of_json_has_its_type() {
        let text = r#"{"s":"é\n","n":-1.5,"t":true,"z":null,"l":[1,[],{}],"m":{"a":{"b":"c"}}}"#;
        let item = read(text).expect("an item");
        let inner = BTreeMap::from([("b".to_owned(), Value::from("c"))]);
        let expected = Item::new()
            .with("s", "é\n")
            .with("n", "-1.5".parse::<Number>().expect("a number"))
            .with("t", true)
            .with("z", Value::Null)
            .with("l", vec![1.into(), Value::List(vec![]), Value::Map(BTreeMap::new())])
            .with("m", BTreeMap::from([("a".to_owned(), Value::Map(inner))]));
        assert_eq!(item, expected);
        assert_eq!(read(&written(&item)), Ok(item));
    }

    #[test]
    fn all_digits_of_numbers_are_kept() {
        let digits = "12345678901234567890123456789012345678";
        let tiny = format!("0.{}1", "0".repeat(129));
        let text = format!(r#"{{"a":{digits},"b":-0.{digits},"c":1e-130,"d":9.90e3,"e":0.1}}"#);
        let item = read(&text).expect("an item");
        assert_eq!(
            written(&item),
            format!(r#"{{"a":{digits},"b":-0.{digits},"c":{tiny},"d":9900,"e":0.1}}"#)
        );
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused_and_found() {
        let fault =
            read(r#"{"a":{"b":[1,123456789012345678901234567890123456789]}}"#).expect_err("39 digits");
        assert_eq!(fault.fault(), &JsonFault::from(NumberError::TooManyDigits));
        assert_eq!(
            fault.to_string(),
            "attribute a.b[1]: Attempting to store more than 38 significant digits in a Number"
        );
        let fault = read(r#"{"a":1e126}"#).expect_err("too large");
        assert_eq!(fault.fault(), &JsonFault::from(NumberError::Overflow));
    }

    #[test]
    fn nesting_ends_at_32_levels() {
        let nested = |levels: usize| {
            let arrays = levels - 1;
            read(&format!(r#"{{"a":{}1{}}}"#, "[".repeat(arrays), "]".repeat(arrays)))
        };
        assert!(nested(32).is_ok());
        assert_eq!(nested(33).expect_err("too deep").fault(), &JsonFault::Value(ValueFault::TooDeep));
    }

    #[test]
    fn what_json_has_no_word_for_is_written_as_what_is_nearest() {
        let item = Item::new()
            .with("b", [0_u8, 255])
            .with("bs", Value::binary_set([[1_u8]]).expect("a set"))
            .with("ns", Value::number_set([2, 1]).expect("a set"))
            .with("ss", Value::string_set(["b", "a"]).expect("a set"));
        assert_eq!(written(&item), r#"{"b":"AP8=","bs":["AQ=="],"ns":[1,2],"ss":["a","b"]}"#);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_written_is_json_that_reads_as_itself(item in any_item()) {
            let once = read(&written(&item)).expect("an item of the six types");
            prop_assert_eq!(read(&written(&once)).expect("an item"), once);
        }
    }
}
