//! Local indexes, and indexes over several fields.
#![allow(missing_docs, reason = "a test binary has no readers of its documents")]

use pixii::{Database, Entity, GlobalIndex, KeyType, LocalIndex, Projection, TableSchema, TypedTable};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Entity)]
#[pixii(table = "Matches")]
#[serde(rename_all = "camelCase")]
struct Match {
    #[pixii(partition_key)]
    cup: String,
    #[pixii(sort_key)]
    id: u64,
    #[pixii(
        local_index(name = "ByDay", include(city)),
        index(name = "ByPlace", sort_key = 1),
        index(name = "Rounds", sort_key = 1, keys_only)
    )]
    the_day: u32,
    #[pixii(index(name = "ByPlace", partition_key = 2))]
    city: String,
    #[pixii(index(name = "ByPlace", partition_key = 1))]
    country: String,
    #[pixii(index(name = "ByPlace", sort_key = 2), index(name = "Rounds", partition_key))]
    round: u8,
    #[pixii(local_index(name = "ByTag", keys_only), index(name = "Rounds", sort_key = 2))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
}

fn matches() -> TypedTable<Match> {
    let database = Database::in_memory().expect("a new database");
    let matches = database.create_entity::<Match>().expect("a new table");
    for id in 0..8_u64 {
        let small = u8::try_from(id).expect("a small number");
        let one = Match {
            cup: "world".into(),
            id,
            the_day: u32::from(7 - small),
            city: if id % 2 == 0 { "Lyon" } else { "Nice" }.into(),
            country: "France".into(),
            round: small / 4,
            tag: (id < 2).then(|| format!("tag {id}")),
        };
        matches.put(&one).expect("a valid item");
    }
    matches
}

#[test]
fn the_schema_has_them_in_the_order_that_the_fields_say() {
    let expected = TableSchema::builder("Matches")
        .partition_key("cup", KeyType::String)
        .sort_key("id", KeyType::Number)
        .local_index(
            LocalIndex::builder("ByDay")
                .sort_key("theDay", KeyType::Number)
                .projection(Projection::include(["city"])),
        )
        .local_index(
            LocalIndex::builder("ByTag").sort_key("tag", KeyType::String).projection(Projection::KeysOnly),
        )
        .global_index(
            GlobalIndex::builder("ByPlace")
                .partition_key("country", KeyType::String)
                .partition_key("city", KeyType::String)
                .sort_key("theDay", KeyType::Number)
                .sort_key("round", KeyType::Number),
        )
        .global_index(
            GlobalIndex::builder("Rounds")
                .partition_key("round", KeyType::Number)
                .sort_key("theDay", KeyType::Number)
                .sort_key("tag", KeyType::String)
                .projection(Projection::KeysOnly),
        );
    let built = |schema: pixii::TableSchemaBuilder| schema.build().expect("a valid schema");
    assert_eq!(built(Match::schema()), built(expected));
}

#[test]
fn a_local_index_is_asked_by_the_tables_partition() {
    let matches = matches();
    let ids = |query: pixii::Query<'_, Match>| -> Vec<pixii::Value> {
        let items = query.typed::<pixii::Item>().into_iter().map(|item| item.expect("it can be read"));
        items.map(|item| item.get("id").cloned().expect("it has its key")).collect()
    };
    let numbers = |numbers: &[i32]| numbers.iter().copied().map(pixii::Value::from).collect::<Vec<_>>();
    assert_eq!(ids(matches.query_by(Match::BY_DAY, "world").sort_key_less(3)), numbers(&[7, 6, 5]));
    assert_eq!(ids(matches.query_by(Match::BY_TAG, "world")), numbers(&[0, 1]), "who has none is not there");
    assert_eq!(ids(matches.query_by(Match::BY_TAG, "other")), numbers(&[]));
}

#[test]
fn an_index_over_several_fields_is_asked_by_all_that_choose_the_partition() {
    let matches = matches();
    let lyon = || matches.query_by(Match::BY_PLACE, ("France", "Lyon"));
    assert_eq!(lyon().count().expect("it can be read"), 4);
    assert_eq!(lyon().sort_key_equal(5).sort_key_less(1).count().expect("it can be read"), 1);
    assert_eq!(matches.query_by(Match::BY_PLACE, ("Lyon", "France")).count().expect("it can be read"), 0);
    let rounds = matches.query_by(Match::ROUNDS, 0).sort_key_greater_or_equal(7);
    assert_eq!(rounds.count().expect("it can be read"), 1);
}
