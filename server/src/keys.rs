//! Keys as they are written on the command line.

use crate::failure::{Failure, Result};
use crate::json::text::read_binary;
use pixii::dynamo::schema::{KeyAttribute, KeySchema};
use pixii::dynamo::value::ValueType;
use pixii::{GlobalIndex, Item, KeyType, Number, Projection, TableSchema, Value};

/// Reads `name:T`, the definition of a key attribute: T is S, N or B.
pub(crate) fn parse_attribute(text: &str) -> Result<KeyAttribute, String> {
    let parts = text.rsplit_once(':').filter(|(name, _)| !name.is_empty());
    let (name, key_type) = parts.ok_or("expected NAME:TYPE, for example year:N")?;
    let key_type = ValueType::from_name(key_type).and_then(|value_type| KeyType::try_from(value_type).ok());
    let key_type = key_type.ok_or("the type must be S (string), N (number) or B (binary)")?;
    Ok(KeyAttribute { name: name.to_owned(), key_type })
}

/// The definition of a global index.
#[derive(Clone, Debug)]
pub(crate) struct IndexDefinition {
    pub(crate) name: String,
    pub(crate) partition: KeyAttribute,
    pub(crate) sort: Option<KeyAttribute>,
}

/// Reads `INDEX:attribute:T[,attribute:T]`.
pub(crate) fn parse_index(text: &str) -> Result<IndexDefinition, String> {
    let (name, key) = text
        .split_once(':')
        .ok_or("expected INDEX:NAME:TYPE[,NAME:TYPE], for example ByTitle:title:S,year:N")?;
    let (partition, sort) = match key.split_once(',') {
        Some((partition, sort)) => (partition, Some(parse_attribute(sort)?)),
        None => (key, None),
    };
    Ok(IndexDefinition { name: name.to_owned(), partition: parse_attribute(partition)?, sort })
}

impl IndexDefinition {
    /// Whether `index` has this key.
    pub(crate) fn has_key_of(&self, index: &GlobalIndex) -> bool {
        index.key().partition() == std::slice::from_ref(&self.partition)
            && index.key().sort() == self.sort.as_slice()
    }
}

/// The schema of these parts.
pub(crate) fn build_schema(
    table: &str,
    partition: &KeyAttribute,
    sort: Option<&KeyAttribute>,
    indexes: &[IndexDefinition],
) -> Result<TableSchema> {
    let mut schema = TableSchema::builder(table).partition_key(&partition.name, partition.key_type);
    if let Some(sort) = sort {
        schema = schema.sort_key(&sort.name, sort.key_type);
    }
    for definition in indexes {
        let mut index = GlobalIndex::builder(&definition.name)
            .partition_key(&definition.partition.name, definition.partition.key_type);
        if let Some(sort) = &definition.sort {
            index = index.sort_key(&sort.name, sort.key_type);
        }
        schema = schema.global_index(index.projection(Projection::All));
    }
    Ok(schema.build()?)
}

/// `name:T`.
pub(crate) fn attribute_text(attribute: &KeyAttribute) -> String {
    format!("{}:{}", attribute.name, attribute.key_type)
}

/// `name:T` of all attributes of a key, in words.
pub(crate) fn key_text(key: &KeySchema) -> String {
    key.attributes().map(attribute_text).collect::<Vec<_>>().join(", ")
}

/// The key of a table, or of one of its indexes.
pub(crate) fn key_schema<'a>(schema: &'a TableSchema, index: Option<&str>) -> Result<&'a KeySchema> {
    let Some(name) = index else { return Ok(schema.key()) };
    let indexes = schema.global_indexes();
    let found = indexes.iter().find(|index| index.name() == name).map(GlobalIndex::key);
    found.ok_or_else(|| {
        let others: Vec<_> = indexes.iter().map(GlobalIndex::name).collect();
        let others = if others.is_empty() { "none".to_owned() } else { others.join(", ") };
        Failure::told(format!("the table {} has no index {name}; it has {others}", schema.name()))
    })
}

/// The attribute that chooses the partition.
pub(crate) fn partition_attribute(key: &KeySchema) -> Result<&KeyAttribute> {
    match key.partition() {
        [attribute] => Ok(attribute),
        _ => Err(Failure::told("keys whose partition has several attributes are not supported here")),
    }
}

/// The attribute that orders the partition.
pub(crate) fn sort_attribute(key: &KeySchema) -> Result<&KeyAttribute> {
    match key.sort() {
        [attribute] => Ok(attribute),
        [] => Err(Failure::told(format!("there is no sort key; the key is {}", key_text(key)))),
        _ => Err(Failure::told("keys with several sort attributes are not supported here")),
    }
}

/// Reads the value of a key attribute: a string as it stands, a number by its digits, binary as base64.
pub(crate) fn parse_value(attribute: &KeyAttribute, text: &str) -> Result<Value> {
    let refused = |reason: &str| {
        Failure::told(format!("{text} is no value of {}: {reason}", attribute_text(attribute)))
    };
    match attribute.key_type {
        KeyType::String => Ok(Value::from(text)),
        KeyType::Number => {
            text.parse::<Number>().map(Value::from).map_err(|error| refused(&error.to_string()))
        }
        KeyType::Binary => {
            read_binary(text).map(Value::from).ok_or_else(|| refused("expected base64 with padding"))
        }
    }
}

/// Reads the key of an item.
pub(crate) fn parse_key(key: &KeySchema, partition: &str, sort: Option<&str>) -> Result<Item> {
    let attribute = partition_attribute(key)?;
    let mut item = Item::new().with(&attribute.name, parse_value(attribute, partition)?);
    if let Some(sort) = sort {
        let attribute = sort_attribute(key)?;
        item.insert(&attribute.name, parse_value(attribute, sort)?);
    } else if !key.sort().is_empty() {
        return Err(Failure::told(format!("the key is {}: give --sort as well", key_text(key))));
    }
    Ok(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_attribute(text: &str, expected: Option<(&str, KeyType)>) {
        let parsed = parse_attribute(text).ok().map(|attribute| (attribute.name, attribute.key_type));
        assert_eq!(parsed, expected.map(|(name, key_type)| (name.to_owned(), key_type)), "{text}");
    }

    #[test]
    fn an_attribute_is_its_name_and_its_type() {
        check_attribute("year:N", Some(("year", KeyType::Number)));
        check_attribute("a:b:B", Some(("a:b", KeyType::Binary)));
        for text in ["year", "year:", ":S", "year:BOOL", "year:n"] {
            check_attribute(text, None);
        }
    }

    #[test]
    fn an_index_is_its_name_and_its_key() {
        let index = parse_index("ByTitle:title:S,year:N").expect("an index");
        assert_eq!((index.name.as_str(), attribute_text(&index.partition).as_str()), ("ByTitle", "title:S"));
        assert_eq!(index.sort.as_ref().map(attribute_text).as_deref(), Some("year:N"));
        assert!(parse_index("ByTitle:title:S").expect("an index").sort.is_none());
        assert!(parse_index("ByTitle").is_err() && parse_index("ByTitle:title:S,year").is_err());
    }

    #[test]
    fn values_are_read_by_the_type_of_their_attribute() {
        let value = |key_type, text| parse_value(&KeyAttribute { name: "k".to_owned(), key_type }, text).ok();
        assert_eq!(value(KeyType::String, "07"), Some("07".into()));
        assert_eq!(value(KeyType::Number, "07.0"), Some(7.into()));
        assert_eq!(value(KeyType::Number, "seven"), None);
        assert_eq!(value(KeyType::Binary, "AP8="), Some([0_u8, 255].into()));
        assert_eq!(value(KeyType::Binary, "AP8"), None);
    }
}
