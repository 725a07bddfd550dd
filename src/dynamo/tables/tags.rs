//! Tags: labels that are kept with a table and mean nothing here.

use super::request::Tag;
use crate::dynamo::fault::Fault;
use crate::dynamo::limits;
use crate::dynamo::table_fault::TableFault;
use std::collections::BTreeMap;

/// The tags of a request.
pub(super) fn parse(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, Fault> {
    let mut parsed = BTreeMap::new();
    for Tag { key, value } in tags {
        if key.starts_with("aws:") {
            return Err(TableFault::TagKeyReserved { key }.into());
        }
        let characters = key.chars().count();
        if characters == 0 || characters > limits::TAG_KEY_CHARACTERS_MAX || !key.chars().all(is_allowed) {
            return Err(TableFault::TagKey { key }.into());
        }
        if value.chars().count() > limits::TAG_VALUE_CHARACTERS_MAX || !value.chars().all(is_allowed) {
            return Err(TableFault::TagValue { value }.into());
        }
        if parsed.contains_key(&key) {
            return Err(TableFault::TagKeyRepeated { key }.into());
        }
        parsed.insert(key, value);
    }
    check_count(&parsed)?;
    Ok(parsed)
}

/// The tags of a request to add some.
pub(in crate::dynamo) fn parse_some(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, Fault> {
    if tags.is_empty() {
        return Err(TableFault::TagsMissing.into());
    }
    parse(tags)
}

/// Refuses a request to take off no tag.
pub(in crate::dynamo) fn check_keys(keys: &[String]) -> Result<(), Fault> {
    if keys.is_empty() { Err(TableFault::TagKeysMissing.into()) } else { Ok(()) }
}

/// Adds tags to those that a table has, in place of those with the same keys: all, or none.
pub(in crate::dynamo) fn merge(
    tags: &mut BTreeMap<String, String>,
    more: BTreeMap<String, String>,
) -> Result<(), Fault> {
    let mut merged = tags.clone();
    merged.extend(more);
    check_count(&merged)?;
    *tags = merged;
    Ok(())
}

fn check_count(tags: &BTreeMap<String, String>) -> Result<(), Fault> {
    if tags.len() > limits::TAGS_MAX { Err(TableFault::TooManyTags.into()) } else { Ok(()) }
}

fn is_allowed(character: char) -> bool {
    character.is_alphanumeric() || character.is_whitespace() || "+-=._:/@".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::error::Error;
    use crate::dynamo::fault::Operation;

    fn tag(key: &str, value: &str) -> Tag {
        Tag { key: key.to_owned(), value: value.to_owned() }
    }

    fn told(result: Result<BTreeMap<String, String>, Fault>) -> String {
        Error::new(Operation::TagResource, result.expect_err("the tags are not valid")).to_string()
    }

    #[test]
    fn tags_are_counted_in_characters_of_any_script() {
        let (key, value) = ("é".repeat(128), "日".repeat(256));
        assert!(parse(vec![tag(&key, &value), tag("a b+-=._:/@1", "")]).is_ok());
        let long = "k".repeat(129);
        let invalid = |key: &str| format!("The Tag Key provided is invalid, Key: {key}");
        assert_eq!(told(parse(vec![tag(&long, "")])), invalid(&long));
        assert_eq!(told(parse(vec![tag("", "")])), invalid(""));
        assert_eq!(told(parse(vec![tag("a*", "")])), invalid("a*"));
        let value = "v".repeat(257);
        assert_eq!(
            told(parse(vec![tag("a", &value)])),
            format!("The Tag Value provided is invalid, Value: {value}")
        );
        assert_eq!(told(parse(vec![tag("aws:x", "")])), "Tag Key cannot be prefixed with aws:, Key: aws:x");
        assert_eq!(
            told(parse(vec![tag("k", "1"), tag("k", "2")])),
            "Duplicate Tag Keys provided as input: Duplicate Tag Key found k"
        );
        assert_eq!(told(parse_some(Vec::new())), "Atleast one Tag needs to be provided as Input.");
        assert_eq!(
            told(check_keys(&[]).map(|()| BTreeMap::new())),
            "Atleast one Tag Key needs to be provided as Input."
        );
    }

    #[test]
    fn a_table_has_at_most_fifty_tags_after_merging() {
        let tags = |numbers: std::ops::Range<u8>| {
            numbers.map(|number| tag(&number.to_string(), "x")).collect::<Vec<_>>()
        };
        let mut all = parse(tags(0..50)).expect("fifty");
        merge(&mut all, parse(vec![tag("7", "y")]).expect("valid")).expect("still fifty");
        assert_eq!(all.get("7").map(String::as_str), Some("y"));
        let before = all.clone();
        let error = "Number of Tags exceed the current limit for the provided ResourceArn";
        let more = parse(vec![tag("8", "y"), tag("more", "")]).expect("valid");
        assert_eq!(told(merge(&mut all, more).map(|()| BTreeMap::new())), error);
        assert_eq!(all, before, "all or none");
        assert_eq!(told(parse(tags(0..51))), error);
    }
}
