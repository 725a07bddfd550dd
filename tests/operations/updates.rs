//! `UpdateItem`: what becomes of the item, and what is answered.

use crate::support::{item, refused, table};
use pixii::{Item, ReturnValues, Table, Value, expression};

fn get(table: &Table, sk: i32) -> Option<Item> {
    table.get_item(("p", sk)).expect("it can be read")
}

fn list(elements: impl IntoIterator<Item = i32>) -> Value {
    Value::List(elements.into_iter().map(Value::from).collect())
}

#[test]
fn set_and_add_make_a_missing_item_and_remove_does_not() {
    let table = table();
    let answer = table.update(("p", 1)).remove("a").return_values(ReturnValues::AllNew).send();
    assert_eq!(answer.expect("nothing to remove is no error").attributes, None);
    assert_eq!(get(&table, 1), None);
    table.update(("p", 1)).add("n", 5).send().expect("it is made");
    assert_eq!(get(&table, 1), Some(item(1).with("n", 5)));
    table.update(("p", 2)).send().expect("an update of nothing makes the key");
    assert_eq!(get(&table, 2), Some(item(2)));
}

#[test]
fn an_update_moves_the_index_entries() {
    let table = table();
    table.put(&item(1).with("x", 1).with("rank", 3)).expect("a valid item");
    table.update(("p", 1)).set("x", 2).remove("rank").send().expect("a valid update");
    let count = |query: pixii::Query<'_>| query.count().expect("it can be read");
    assert_eq!(count(table.query(1).index("ByX")), 0);
    assert_eq!(count(table.query(2).index("ByX")), 1);
    assert_eq!(count(table.query("p").index("ByRank")), 0);
}

#[test]
fn each_return_value_gives_what_it_names() {
    let expected = [
        (ReturnValues::None, None),
        (ReturnValues::AllOld, Some(item(1).with("a", 1).with("b", 2))),
        (ReturnValues::UpdatedOld, Some(Item::new().with("a", 1))),
        (ReturnValues::AllNew, Some(item(1).with("a", 5).with("b", 2).with("c", 7))),
        (ReturnValues::UpdatedNew, Some(Item::new().with("a", 5).with("c", 7))),
    ];
    for (return_values, attributes) in expected {
        let table = table();
        table.put(&item(1).with("a", 1).with("b", 2)).expect("a valid item");
        let update = table.update(("p", 1)).set("a", 5).set("c", 7).return_values(return_values);
        assert_eq!(update.send().expect("a valid update").attributes, attributes, "{return_values:?}");
    }
}

#[test]
fn clauses_of_a_text_read_the_item_as_it_was() {
    let table = table();
    table.put(&item(1).with("l", list([0, 1, 2, 3])).with("n", 10)).expect("a valid item");
    let update = expression("REMOVE l[1] SET l[3] = n, m = n - :one ADD n :one").value(":one", 1).update();
    table.update(("p", 1)).apply(update.expect("a valid expression")).send().expect("a valid update");
    let expected = item(1).with("l", list([0, 2, 10])).with("n", 11).with("m", 9);
    assert_eq!(get(&table, 1), Some(expected));
}

#[test]
fn what_an_update_may_not_do_is_refused_in_dynamodbs_words() {
    let table = table();
    table.put(&item(1).with("s", "text").with("x", 1)).expect("a valid item");
    let update = || table.update(("p", 1));
    let validation = "ValidationException";
    refused(
        update().set("pk", "q").send(),
        validation,
        "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key",
    );
    refused(
        update().set("x", "text").send(),
        validation,
        "The update expression attempted to update the secondary index key to unsupported type",
    );
    refused(
        update().set("copy", pixii::attr("missing")).send(),
        validation,
        "The provided expression refers to an attribute that does not exist in the item",
    );
    refused(
        update().add("s", 1).send(),
        validation,
        "An operand in the update expression has an incorrect data type",
    );
    refused(
        update().set(pixii::attr("missing").member("a"), 1).send(),
        validation,
        "The document path provided in the update expression is invalid for update",
    );
    refused(
        update().set("a", 1).remove("a").send(),
        validation,
        "1 validation error detected: Invalid UpdateExpression: Two document paths overlap with each other; must \
         remove or rewrite one of these paths; path one: [a], path two: [a]",
    );
    refused(
        update().set("big", "b".repeat(410_000)).send(),
        validation,
        "Item size to update has exceeded the maximum allowed size",
    );
    assert_eq!(get(&table, 1), Some(item(1).with("s", "text").with("x", 1)), "nothing was changed");
}
