//! What the macro writes, used as a service would.
#![allow(missing_docs, reason = "a test binary has no readers of its documents")]

use pixii::{
    Database, Entity, ErrorKind, GlobalIndex, Item, Key, KeyField, KeyType, Number, Projection, TableSchema,
    TypedTable, UpdateExpression, Value, attr, sets, to_item,
};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct UserId(String);

impl KeyField for UserId {
    const KEY_TYPE: KeyType = KeyType::String;
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Entity)]
#[serde(rename_all = "camelCase")]
#[pixii(table = "Messages")]
struct Message {
    text: String,
    #[pixii(sort_key, index(name = "BySender", sort_key))]
    sent_at: u64,
    #[pixii(partition_key)]
    #[serde(rename = "the room")]
    room: String,
    #[pixii(index(name = "BySender", partition_key, include(text, r#type)))]
    sender: UserId,
    #[pixii(index(name = "by-topic", partition_key, keys_only))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[pixii(ttl)]
    expires_at: Option<u64>,
    #[pixii(version)]
    version: u32,
    r#type: char,
    #[serde(with = "sets::string_set", default, skip_serializing_if = "HashSet::is_empty")]
    tags: HashSet<String>,
    #[serde(skip)]
    cached: Option<String>,
}

fn message(sent_at: u64, sender: &str) -> Message {
    Message {
        text: "hello".into(),
        sent_at,
        room: "kitchen".into(),
        sender: UserId(sender.into()),
        topic: None,
        expires_at: None,
        version: 0,
        r#type: 'm',
        tags: HashSet::from(["new".to_owned()]),
        cached: None,
    }
}

fn messages() -> TypedTable<Message> {
    let database = Database::in_memory().expect("a new database");
    database.create_entity().expect("a new table")
}

#[test]
fn the_schema_is_what_the_fields_say_by_the_names_that_serde_gives_them() {
    let expected = TableSchema::builder("Messages")
        .partition_key("the room", KeyType::String)
        .sort_key("sentAt", KeyType::Number)
        .global_index(
            GlobalIndex::builder("BySender")
                .partition_key("sender", KeyType::String)
                .sort_key("sentAt", KeyType::Number)
                .projection(Projection::include(["text", "type"])),
        )
        .global_index(
            GlobalIndex::builder("by-topic")
                .partition_key("topic", KeyType::String)
                .projection(Projection::KeysOnly),
        );
    let built = Message::schema().build().expect("a valid schema");
    assert_eq!(built, expected.build().expect("a valid schema"));
    assert_eq!(Message::TABLE, "Messages");
    assert_eq!(Message::TTL_ATTRIBUTE, Some("expiresAt"));
    assert_eq!(Message::VERSION_ATTRIBUTE, Some("version"));
}

#[test]
fn the_key_of_an_entity_is_that_of_its_item() {
    let expected = Key::Values { partition: "kitchen".into(), sort: Some(7.into()) };
    assert_eq!(message(7, "ada").key(), Ok(expected));
}

#[test]
fn attributes_have_the_names_and_values_that_are_stored() {
    let written = message(7, "ada");
    let item = to_item(&written).expect("an item");
    let stored = |name: &str| item.get(name).cloned().expect("it is stored");
    assert_eq!(Message::SENT_AT.encode(&written.sent_at), Ok(stored("sentAt")));
    assert_eq!(Message::SENDER.encode(&written.sender), Ok(stored("sender")));
    assert_eq!(Message::TYPE.encode(&written.r#type), Ok(stored("type")));
    assert_eq!(Message::TAGS.encode(&written.tags), Ok(stored("tags")));
    assert_eq!(stored("tags"), Value::string_set(["new"]).expect("a set"));
    assert_eq!(Message::ROOM.path(), attr("the room").path());
    assert_eq!(Message::EXPIRES_AT.path(), attr("expiresAt").path());
}

#[test]
fn typed_expressions_are_those_that_names_and_values_make() {
    let set = || Value::string_set(["hot"]);
    let typed = Message::SENDER.eq(UserId("ada".into()))
        & Message::SENT_AT.between(1, 9)
        & Message::TOPIC.one_of(["tea", "cups"])
        & Message::TAGS.contains("new")
        & Message::EXPIRES_AT.gt(7);
    let by_name = attr("sender").eq("ada")
        & attr("sentAt").between(1, 9)
        & attr("topic").one_of(["tea", "cups"])
        & attr("tags").contains("new")
        & attr("expiresAt").gt(7);
    assert_eq!(typed.into_tree().expect("valid"), by_name.into_tree().expect("valid"));

    let typed = UpdateExpression::new().set(Message::TEXT, "tea?").add(Message::TAGS, ["hot"]);
    let by_name = UpdateExpression::new().set("text", "tea?").add("tags", set());
    assert_eq!(typed.into_tree().expect("valid"), by_name.into_tree().expect("valid"));
}

#[test]
fn entities_are_written_read_and_removed_by_their_typed_keys() {
    let messages = messages();
    let (mut first, mut second) = (message(7, "ada"), message(9, "bob"));
    messages.save(&mut first).expect("a valid item");
    messages.put_request(&second).buffered().send().expect("a valid item");
    second.advance_version();
    assert_eq!(messages.get(("kitchen", 7)).expect("it can be read"), Some(first.clone()));
    let room = "kitchen".to_owned();
    assert_eq!(messages.get((&room, &9)).expect("it can be read"), Some(second.clone()));
    let all = |query: Vec<pixii::Result<Message>>| query.into_iter().collect::<Result<Vec<_>, _>>();
    let newest_first = messages.query("kitchen").reverse().into_iter().collect();
    assert_eq!(all(newest_first).expect("they can be read"), [second.clone(), first.clone()]);
    let scanned = messages.scan().into_iter().collect();
    assert_eq!(all(scanned).expect("they can be read"), [first.clone(), second]);
    let old = messages.delete_request(("kitchen", 9)).return_old().send().expect("a valid key").attributes;
    assert!(old.is_some());
    messages.delete(("kitchen", 7)).expect("a valid key");
    assert_eq!(messages.table().scan().into_iter().count(), 0);
}

#[test]
fn indexes_are_queried_by_the_type_of_their_key() {
    let messages = messages();
    let with_topic = Message { topic: Some("tea".into()), ..message(9, "ada") };
    for message in [&message(7, "ada"), &with_topic, &message(8, "bob")] {
        messages.put(message).expect("a valid item");
    }
    let by_ada = messages.query_by(Message::BY_SENDER, UserId("ada".into())).sort_key_greater(7);
    let items: Vec<Item> = by_ada.typed().page().expect("it can be read").items;
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].get("type"), Some(&"m".into()));
    let about_tea = messages.query_by(Message::BY_TOPIC, "tea").typed::<Item>();
    assert_eq!(about_tea.into_iter().count(), 1);
}

#[test]
fn a_table_is_made_once_and_found_afterwards() {
    let database = Database::in_memory().expect("a new database");
    let missing = database.entity::<Message>().expect_err("nobody made it");
    assert_eq!(missing.kind(), ErrorKind::ResourceNotFound);
    let made = database.entity_or_create::<Message>().expect("a new table");
    made.put(&message(7, "ada")).expect("a valid item");
    let found = database.entity_or_create::<Message>().expect("the table");
    assert!(found.get(("kitchen", 7)).expect("it can be read").is_some());
    let again = database.create_entity::<Message>().expect_err("it exists");
    assert_eq!(again.kind(), ErrorKind::ResourceInUse);
}

mod counters {
    use super::{Deserialize, Entity, Number, Serialize};

    /// One key attribute, of a type of another crate, and visible constants.
    #[derive(Debug, PartialEq, Serialize, Deserialize, Entity)]
    #[pixii(table = "Counters", crate = pixii)]
    pub(crate) struct Counter {
        #[pixii(partition_key, key_type = Number)]
        pub(crate) id: std::num::NonZeroU32,
        pub(crate) key: Number,
    }
}

use counters::Counter;

#[test]
fn an_entity_without_a_sort_key_is_found_by_one_value() {
    let database = Database::in_memory().expect("a new database");
    let counters = database.create_entity::<Counter>().expect("a new table");
    let id = 7.try_into().expect("not zero");
    let counter = Counter { id, key: 1.into() };
    counters.put(&counter).expect("a valid item");
    assert_eq!(counters.get(id).expect("it can be read"), Some(counter));
    assert_eq!(Counter::KEY.path(), attr("key").path());
    assert_eq!(Counter::ID.path(), <Counter as Entity>::KEY.path());
    assert_eq!((Counter::TTL_ATTRIBUTE, Counter::VERSION_ATTRIBUTE), (None, None));
}

/// A key that refuses to be written.
#[derive(Serialize, Deserialize, Entity, Debug)]
#[pixii(table = "Odd")]
struct Odd {
    #[pixii(partition_key, key_type = Number)]
    #[serde(serialize_with = "odd")]
    id: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn odd<S: serde::Serializer>(id: &u8, serializer: S) -> Result<S::Ok, S::Error> {
    if id % 2 == 1 { serializer.serialize_u8(*id) } else { Err(serde::ser::Error::custom("even")) }
}

#[test]
fn a_key_that_cannot_be_written_is_the_error_of_the_request() {
    let database = Database::in_memory().expect("a new database");
    let table = database.create_entity::<Odd>().expect("a new table");
    table.put(&Odd { id: 1 }).expect("odd");
    assert!(table.get(1).expect("odd").is_some());
    let errors = [
        table.get(2).map(drop).expect_err("even"),
        table.delete(2).expect_err("even"),
        table.query(2).page().map(drop).expect_err("even"),
        table.query(2).into_iter().next().expect("the error").map(drop).expect_err("even"),
    ];
    for error in errors {
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Serialization, "even"));
    }
    assert!(Odd { id: 2 }.key().is_err());
}
