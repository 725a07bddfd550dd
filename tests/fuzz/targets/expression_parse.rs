//! Expressions: any text is an expression or says where it stops being one; an expression is printed and parsed again as
//! the same tree, through a prepared one as well.

use crate::targets::input::Input;
use pixii::dynamo::expression::context::ExpressionContext;
use pixii::dynamo::expression::fault::InvalidExpression;
use pixii::dynamo::expression::print::key_condition_to_expression;
use pixii::dynamo::expression::tree::{Condition, ProjectionExpression, Update};
use pixii::dynamo::limits::EXPRESSION_BYTES_MAX;
use pixii::{ExpressionFault, ExpressionText, Prepared, Value};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// What expressions are made of.
const TOKENS: [&str; 64] = [
    "a",
    "b",
    "c",
    "#n",
    "#m",
    ":v",
    ":n",
    ":l",
    ":s",
    ":t",
    ":zz",
    "#zz",
    "name",
    "(",
    ")",
    "((",
    "))",
    "[",
    "]",
    "[0]",
    "[12]",
    "[01]",
    ".",
    ".b",
    ",",
    "=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "+",
    "-",
    " AND ",
    " or ",
    "NOT ",
    " BETWEEN ",
    " in ",
    "SET ",
    " REMOVE ",
    " ADD ",
    " delete ",
    "size(",
    "contains(",
    "attribute_exists(",
    "attribute_not_exists(",
    "begins_with(",
    "attribute_type(",
    "if_not_exists(",
    "list_append(",
    "dog(",
    "ü",
    "!",
    "_",
    " ",
    "\t",
    "a = :v",
    "b > :n",
    "a.b[1]",
    "SET a = :v",
    "ADD c :n",
    "a IN (:v, b)",
    "(a = :v)",
    "#n.#m",
];

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let text = if input.flag() {
        String::from_utf8_lossy(input.rest()).into_owned()
    } else {
        let mut text = String::new();
        while !input.is_empty() {
            text.push_str(TOKENS[input.below(TOKENS.len())]);
        }
        text
    };
    check(&text, ExpressionContext::condition, Condition::to_expression, ExpressionText::condition);
    check(&text, ExpressionContext::filter, Condition::to_expression, ExpressionText::filter);
    check(&text, ExpressionContext::update, Update::to_expression, ExpressionText::update);
    check(
        &text,
        ExpressionContext::projection,
        ProjectionExpression::to_expression,
        ExpressionText::projection,
    );
    check(
        &text,
        ExpressionContext::key_condition,
        |clauses| key_condition_to_expression(clauses),
        ExpressionText::key_condition,
    );
    check_prepared(&text);
}

fn names() -> BTreeMap<String, String> {
    [("#n", "name"), ("#m", "b")].map(|(placeholder, name)| (placeholder.to_owned(), name.to_owned())).into()
}

fn values() -> BTreeMap<String, Value> {
    let set = Value::string_set(["x", "y"]).expect("distinct members");
    let values = [
        (":v", Value::from("v")),
        (":n", Value::from(7)),
        (":l", Value::List(Vec::new())),
        (":s", set),
        (":t", Value::from("SS")),
    ];
    values.map(|(placeholder, value)| (placeholder.to_owned(), value)).into()
}

fn check<Tree: PartialEq + Debug>(
    text: &str,
    read: fn(&mut ExpressionContext, &str) -> Result<Tree, ExpressionFault>,
    print: fn(&Tree) -> ExpressionText,
    parse: fn(ExpressionText) -> Result<Tree, ExpressionFault>,
) {
    let mut context = ExpressionContext::new(Some(names()), Some(values())).expect("both are right");
    match read(&mut context, text) {
        Ok(tree) => {
            assert!(text.len() <= EXPRESSION_BYTES_MAX);
            let printed = print(&tree);
            if printed.text.len() <= EXPRESSION_BYTES_MAX {
                assert_eq!(parse(printed.clone()), Ok(tree), "{text:?} is printed as {printed:?}");
            }
        }
        Err(fault) => check_fault(text, &fault),
    }
}

fn check_fault(text: &str, fault: &ExpressionFault) {
    let said = fault.to_string();
    assert!(said.starts_with("Invalid ") && said.contains("Expression: "), "{said:?}");
    assert!(said.len() > "Invalid KeyConditionExpression: ".len());
    let ExpressionFault::Invalid { fault: InvalidExpression::Syntax(syntax), .. } = fault else { return };
    let (before, at) = text.split_at(syntax.position_bytes);
    match &syntax.token {
        Some(token) => assert!(!token.is_empty() && at.starts_with(token), "{token:?} in {text:?}"),
        None => assert_eq!(at, "", "{text:?}"),
    }
    assert!(text.contains(&syntax.near), "{:?} in {text:?}", syntax.near);
    // what stands before a place that is wrong is the beginning of an expression, so it is wrong only at its end
    let mut context = ExpressionContext::new(Some(names()), Some(values())).expect("both are right");
    if said.starts_with("Invalid ConditionExpression")
        && let Err(ExpressionFault::Invalid { fault: InvalidExpression::Syntax(shorter), .. }) =
            context.condition(before)
    {
        assert_eq!(shorter.token, None, "{before:?} of {text:?}");
    }
}

/// A prepared expression says the same as one that is read with its values.
fn check_prepared(text: &str) {
    let (mut names, mut values) = (names(), values());
    let mut context =
        ExpressionContext::new(Some(names.clone()), Some(values.clone())).expect("both are right");
    let Ok(read) = context.condition(text) else { return };
    // all placeholders of the text are defined, and none of them is the beginning of another
    names.retain(|placeholder, _| text.contains(placeholder.as_str()));
    values.retain(|placeholder, _| text.contains(placeholder.as_str()));
    let prepared = Prepared::condition(text, names).expect("it has been read");
    assert_eq!(prepared.bind(&values), Ok(read), "{text:?}");
}
