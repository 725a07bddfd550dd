//! What holds of all trees and of all texts: a tree that is printed is parsed again as the same tree, and no text is
//! without either a tree or a fault with words.

use super::context::ExpressionContext;
use super::fault::{ExpressionFault, ExpressionKind, InvalidExpression};
use super::path::DocumentPath;
use super::print::key_condition_to_expression;
use super::text::ExpressionText;
use super::tree::{
    Comparator, Condition, Constant, KeyClause, KeyCondition, Operand, ProjectionExpression, SetOperand,
    SetValue, Update, UpdateAction,
};
use crate::dynamo::limits::EXPRESSION_BYTES_MAX;
use crate::dynamo::number::tests::any_number;
use crate::dynamo::value::{Value, ValueType};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn any_name() -> BoxedStrategy<String> {
    prop_oneof![
        4 => "[a-zA-Z][a-zA-Z0-9_]{0,3}",
        1 => prop::sample::select(vec!["name", "Set", "and", "a.b", "[0]", "#a", ":v", "1a", "_", "ü", " a "])
            .prop_map(str::to_owned),
        1 => "\\PC{1,4}",
    ]
    .boxed()
}

fn any_path() -> BoxedStrategy<DocumentPath> {
    let element = prop_oneof![any_name().prop_map(Ok), (0_usize..12).prop_map(Err)];
    (any_name(), prop::collection::vec(element, 0..4))
        .prop_map(|(root, rest)| {
            rest.into_iter().fold(DocumentPath::attribute(root), |path, element| match element {
                Ok(name) => path.member(name),
                Err(index) => path.element(index),
            })
        })
        .boxed()
}

fn any_value() -> BoxedStrategy<Value> {
    prop_oneof![
        any_number().prop_map(Value::from),
        "\\PC{0,4}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        prop::collection::vec(any_number().prop_map(Value::from), 0..3).prop_map(Value::from),
        prop::collection::btree_set(any_number(), 1..3).prop_map(Value::from),
        prop::collection::btree_map("[a-z]{1,2}", Just(Value::Null), 0..3).prop_map(Value::from),
    ]
    .boxed()
}

fn any_operand() -> BoxedStrategy<Operand> {
    prop_oneof![
        3 => any_path().prop_map(Operand::Path),
        2 => any_value().prop_map(|value| Operand::Value(Constant::new(value))),
        1 => any_path().prop_map(|path| Operand::Size(Box::new(Operand::Path(path)))),
    ]
    .boxed()
}

fn any_comparator() -> impl Strategy<Value = Comparator> {
    prop::sample::select(vec![
        Comparator::Equal,
        Comparator::NotEqual,
        Comparator::Less,
        Comparator::LessOrEqual,
        Comparator::Greater,
        Comparator::GreaterOrEqual,
    ])
}

fn any_leaf() -> BoxedStrategy<Condition> {
    let operands = || (any_operand(), any_operand());
    prop_oneof![
        (any_operand(), any_comparator(), any_operand())
            .prop_map(|(left, comparator, right)| Condition::Compare { left, comparator, right }),
        (any_operand(), operands()).prop_map(|(operand, (lower, upper))| Condition::Between {
            operand,
            lower,
            upper
        }),
        (any_operand(), prop::collection::vec(any_operand(), 1..4))
            .prop_map(|(operand, candidates)| Condition::In { operand, candidates }),
        any_path().prop_map(Condition::AttributeExists),
        any_path().prop_map(Condition::AttributeNotExists),
        (any_operand(), prop::sample::select(ValueType::ALL.to_vec()))
            .prop_map(|(operand, value_type)| Condition::AttributeType { operand, value_type }),
        operands().prop_map(|(operand, prefix)| Condition::BeginsWith { operand, prefix }),
        operands().prop_map(|(operand, member)| Condition::Contains { operand, member }),
    ]
    .prop_filter("a condition that DynamoDB takes", |leaf| leaf.check(ExpressionKind::Condition).is_ok())
    .boxed()
}

fn any_condition() -> impl Strategy<Value = Condition> {
    any_leaf().prop_recursive(4, 16, 3, |part| {
        let parts = prop::collection::vec(part.clone(), 2..4);
        prop_oneof![
            parts.clone().prop_map(Condition::And),
            parts.prop_map(Condition::Or),
            part.prop_map(|part| Condition::Not(Box::new(part))),
        ]
    })
}

fn any_set_operand() -> BoxedStrategy<SetOperand> {
    let leaf = prop_oneof![
        any_path().prop_map(SetOperand::Path),
        any_value().prop_map(|value| SetOperand::Value(Constant::new(value))),
    ];
    leaf.prop_recursive(3, 6, 2, |operand| {
        let boxed = || operand.clone().prop_map(Box::new);
        prop_oneof![
            (any_path(), boxed()).prop_map(|(path, default)| SetOperand::IfNotExists { path, default }),
            (boxed(), boxed()).prop_map(|(first, second)| SetOperand::ListAppend(first, second)),
        ]
    })
    .boxed()
}

fn any_action() -> impl Strategy<Value = UpdateAction> {
    let operand = any_set_operand;
    let value = prop_oneof![
        operand().prop_map(SetValue::Operand),
        (operand(), operand()).prop_map(|(left, right)| SetValue::Sum(left, right)),
        (operand(), operand()).prop_map(|(left, right)| SetValue::Difference(left, right)),
    ];
    let constant = || any_value().prop_map(Constant::new);
    prop_oneof![
        (any_path(), value).prop_map(|(path, value)| UpdateAction::Set { path, value }),
        any_path().prop_map(UpdateAction::Remove),
        (any_path(), constant()).prop_map(|(path, value)| UpdateAction::Add { path, value }),
        (any_path(), constant()).prop_map(|(path, value)| UpdateAction::Delete { path, value }),
    ]
    .prop_filter("an action that DynamoDB takes", |action| {
        Update { actions: vec![action.clone()] }.check().is_ok()
    })
}

/// Actions in the order of their sections, which is how a text has them.
fn any_update() -> impl Strategy<Value = Update> {
    prop::collection::vec(any_action(), 1..5)
        .prop_map(|mut actions| {
            actions.sort_by_key(|action| match action {
                UpdateAction::Set { .. } => 0,
                UpdateAction::Remove(_) => 1,
                UpdateAction::Add { .. } => 2,
                _ => 3,
            });
            Update { actions }
        })
        .prop_filter("paths that do not meet", |update| update.check().is_ok())
}

fn any_key_clauses() -> impl Strategy<Value = Vec<KeyClause>> {
    let condition = (any_value(), any_value(), 0..7).prop_map(|(first, second, kind)| match kind {
        0 => KeyCondition::Equal(first),
        1 => KeyCondition::Less(first),
        2 => KeyCondition::LessOrEqual(first),
        3 => KeyCondition::Greater(first),
        4 => KeyCondition::GreaterOrEqual(first),
        5 => KeyCondition::BeginsWith(first),
        _ => KeyCondition::Between(first, second),
    });
    let condition =
        condition.prop_filter("a condition that DynamoDB takes", |condition| condition.check().is_ok());
    prop::collection::btree_map(any_name(), condition, 1..4).prop_map(|clauses| {
        clauses.into_iter().map(|(attribute, condition)| KeyClause { attribute, condition }).collect()
    })
}

/// Texts of what expressions are made of, in any order.
fn any_soup() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "a",
        "b",
        "c",
        "#n",
        "#m",
        ":v",
        ":n",
        ":l",
        ":zz",
        "name",
        "(",
        ")",
        "(",
        ")",
        "[",
        "]",
        "0",
        "12",
        "01",
        ".",
        ",",
        "=",
        "<>",
        "<",
        "<=",
        ">",
        ">=",
        "+",
        "-",
        "and",
        "OR",
        "Not",
        "between",
        "IN",
        "SET",
        "remove",
        "ADD",
        "DELETE",
        "size(",
        "contains(",
        "attribute_exists(",
        "begins_with(",
        "attribute_type(",
        "if_not_exists(",
        "list_append(",
        "dog(",
        "ü",
        "!",
        "a = :v",
        "a.b[1] > :n",
        "SET a = :v",
    ]);
    let space = prop::sample::select(vec!["", " ", " ", "\t"]);
    prop::collection::vec((token, space), 0..14)
        .prop_map(|parts| parts.into_iter().flat_map(|(token, space)| [token, space]).collect())
}

fn context() -> ExpressionContext {
    let names = [("#n", "name"), ("#m", "b")];
    let values = [(":v", Value::from("S")), (":n", Value::from(7)), (":l", Value::List(Vec::new()))];
    let names = names.map(|(placeholder, name)| (placeholder.to_owned(), name.to_owned()));
    let values = values.map(|(placeholder, value)| (placeholder.to_owned(), value));
    ExpressionContext::new(Some(names.into()), Some(values.into())).expect("both are right")
}

/// A tree is printed and parsed again, unless its text is too long; a fault has words, and its position is in the text.
fn check<Tree: PartialEq + std::fmt::Debug>(
    text: &str,
    tree: Result<Tree, ExpressionFault>,
    print: impl Fn(&Tree) -> ExpressionText,
    parse: impl Fn(ExpressionText) -> Result<Tree, ExpressionFault>,
) {
    match tree {
        Ok(tree) => {
            let printed = print(&tree);
            if printed.text.len() <= EXPRESSION_BYTES_MAX {
                assert_eq!(parse(printed.clone()), Ok(tree), "{text:?} is printed as {printed:?}");
            }
        }
        Err(fault) => {
            assert!(fault.to_string().len() > 20, "{text:?}");
            if let ExpressionFault::Invalid { fault: InvalidExpression::Syntax(syntax), .. } = fault {
                let at = &text[syntax.position_bytes..];
                assert!(
                    syntax.token.as_deref().map_or(at.is_empty(), |token| at.starts_with(token)),
                    "{text:?}"
                );
                assert!(text.contains(&syntax.near), "{text:?}");
            }
        }
    }
}

fn check_all(text: &str) {
    check(text, context().condition(text), Condition::to_expression, ExpressionText::condition);
    check(text, context().filter(text), Condition::to_expression, ExpressionText::filter);
    check(text, context().projection(text), ProjectionExpression::to_expression, ExpressionText::projection);
    check(text, context().update(text), Update::to_expression, ExpressionText::update);
    check(
        text,
        context().key_condition(text),
        |clauses| key_condition_to_expression(clauses),
        ExpressionText::key_condition,
    );
}

proptest! {
    #[test]
    fn a_condition_is_printed_and_parsed_again(tree in any_condition()) {
        prop_assert_eq!(tree.to_expression().condition(), Ok(tree.clone()));
        prop_assert_eq!(tree.check(ExpressionKind::Condition), Ok(()));
    }

    #[test]
    fn an_update_is_printed_and_parsed_again(tree in any_update()) {
        prop_assert_eq!(tree.to_expression().update(), Ok(tree));
    }

    #[test]
    fn a_projection_is_printed_and_parsed_again(paths in prop::collection::vec(any_path(), 1..5)) {
        let tree = ProjectionExpression { paths };
        let parsed = tree.to_expression().projection();
        prop_assert_eq!(parsed, tree.check().map(|()| tree));
    }

    #[test]
    fn a_key_condition_is_printed_and_parsed_again(clauses in any_key_clauses()) {
        prop_assert_eq!(key_condition_to_expression(&clauses).key_condition(), Ok(clauses));
    }

    #[test]
    fn any_text_has_a_tree_or_a_fault(text in "\\PC{0,60}") {
        check_all(&text);
    }

    #[test]
    fn any_tokens_have_a_tree_or_a_fault(text in any_soup()) {
        check_all(&text);
    }

    /// Sorting and looking at neighbours misses nothing that looking at all pairs finds.
    #[test]
    fn paths_that_meet_are_found_wherever_they_stand(
        paths in prop::collection::vec((0_usize..3, prop::collection::vec(0_usize..4, 0..3)), 1..6),
    ) {
        let paths: Vec<DocumentPath> = paths
            .into_iter()
            .map(|(root, rest)| {
                rest.into_iter().fold(DocumentPath::attribute(["a", "b", "c"][root]), |path, step| match step {
                    0 => path.member("x"),
                    1 => path.member("y"),
                    step => path.element(step),
                })
            })
            .collect();
        let meet = paths.iter().enumerate().any(|(index, one)| {
            paths[..index].iter().any(|two| {
                Update { actions: [one, two].map(|path| UpdateAction::Remove(path.clone())).into() }.check().is_err()
            })
        });
        prop_assert_eq!(ProjectionExpression { paths }.check().is_err(), meet);
    }
}

#[test]
fn placeholders_of_names_are_used_again() {
    let path = DocumentPath::attribute("name").member("name");
    let printed = ProjectionExpression { paths: vec![path] }.to_expression();
    assert_eq!(printed.text, "#0.#0");
    assert_eq!(printed.names, BTreeMap::from([("#0".to_owned(), "name".to_owned())]));
}
