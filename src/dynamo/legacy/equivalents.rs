//! Where an expression says the same, the legacy parameters give the very tree that the expression's text is read as.

use super::attribute_updates::attribute_updates;
use super::attributes_to_get::attributes_to_get;
use super::expected::expected;
use super::filter::filter;
use super::key_conditions::key_conditions;
use super::parameters::{
    AttributeAction, AttributeValueUpdate, ComparisonOperator, ConditionalOperator, ExpectedAttributeValue,
    LegacyCondition,
};
use crate::dynamo::expression::path::DocumentPath;
use crate::dynamo::expression::text::{ExpressionText, expression};
use crate::dynamo::expression::tree::{Condition, Constant, Operand, UpdateAction};
use crate::dynamo::number::tests::any_number;
use crate::dynamo::value::Value;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The parts of an expression's text, with what their placeholders stand for.
#[derive(Default)]
struct Written {
    parts: Vec<String>,
    names: BTreeMap<String, String>,
    values: BTreeMap<String, Value>,
}

impl Written {
    fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#{}", self.names.len());
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, value: &Value) -> String {
        let placeholder = format!(":{}", self.values.len());
        self.values.insert(placeholder.clone(), value.clone());
        placeholder
    }

    fn joined(self, separator: &str) -> ExpressionText {
        ExpressionText { text: self.parts.join(separator), names: self.names, values: self.values }
    }

    /// What an expression says for a condition.
    fn condition(&mut self, attribute: &str, of: &LegacyCondition) {
        let name = self.name(attribute);
        let values: Vec<String> = of.attribute_value_list.iter().map(|value| self.value(value)).collect();
        self.parts.push(match (of.operator, &values[..]) {
            (ComparisonOperator::Equal, [value]) => format!("{name} = {value}"),
            (ComparisonOperator::NotEqual, [value]) => format!("{name} <> {value}"),
            (ComparisonOperator::LessOrEqual, [value]) => format!("{name} <= {value}"),
            (ComparisonOperator::Less, [value]) => format!("{name} < {value}"),
            (ComparisonOperator::GreaterOrEqual, [value]) => format!("{name} >= {value}"),
            (ComparisonOperator::Greater, [value]) => format!("{name} > {value}"),
            (ComparisonOperator::Between, [lower, upper]) => format!("{name} BETWEEN {lower} AND {upper}"),
            (ComparisonOperator::In, values) => format!("{name} IN ({})", values.join(", ")),
            (ComparisonOperator::NotNull, []) => format!("attribute_exists({name})"),
            (ComparisonOperator::Null, []) => format!("attribute_not_exists({name})"),
            (ComparisonOperator::Contains, [value]) => format!("contains({name}, {value})"),
            (ComparisonOperator::BeginsWith, [value]) => format!("begins_with({name}, {value})"),
            unequalled => panic!("{unequalled:?} is said by no expression"),
        });
    }
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{1,2}",
        prop::sample::select(vec!["select", "a.b", "a[0]", "#a", ":v", " ", "ü"]).prop_map(str::to_owned),
    ]
}

fn any_beginning() -> BoxedStrategy<Value> {
    prop_oneof![
        "[a-z]{0,3}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Value::from),
    ]
    .boxed()
}

fn any_ordered() -> BoxedStrategy<Value> {
    prop_oneof![any_beginning(), any_number().prop_map(Value::from)].boxed()
}

fn any_scalar() -> BoxedStrategy<Value> {
    prop_oneof![any_ordered(), any::<bool>().prop_map(Value::from), Just(Value::Null)].boxed()
}

fn any_set() -> BoxedStrategy<Value> {
    prop_oneof![
        prop::collection::btree_set("[a-z]{0,2}", 1..3).prop_map(Value::from),
        prop::collection::btree_set(any_number(), 1..3).prop_map(Value::from),
        prop::collection::btree_set(prop::collection::vec(any::<u8>(), 0..3), 1..3).prop_map(Value::from),
    ]
    .boxed()
}

fn any_value() -> BoxedStrategy<Value> {
    let list = prop::collection::vec(any_scalar(), 0..3).prop_map(Value::from);
    let map = prop::collection::btree_map("[a-z]{1,2}", any_scalar(), 0..3).prop_map(Value::from);
    prop_oneof![any_scalar(), any_set(), list, map].boxed()
}

/// Values of one type, which has an order.
fn any_candidates() -> BoxedStrategy<Vec<Value>> {
    prop_oneof![
        prop::collection::vec("[a-z]{0,3}".prop_map(Value::from), 1..5),
        prop::collection::vec(any_number().prop_map(Value::from), 1..5),
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4).prop_map(Value::from), 1..5),
    ]
    .boxed()
}

fn any_bounds() -> BoxedStrategy<Vec<Value>> {
    prop_oneof![
        prop::array::uniform2("[a-z]{0,3}").prop_map(|mut bounds| {
            bounds.sort();
            bounds.map(Value::from).into()
        }),
        prop::array::uniform2(any_number()).prop_map(|mut bounds| {
            bounds.sort();
            bounds.map(Value::from).into()
        }),
    ]
    .boxed()
}

/// A condition that an expression can say, too.
fn any_condition() -> impl Strategy<Value = LegacyCondition> {
    use ComparisonOperator as Op;
    let with = |operators: &'static [Op], values: BoxedStrategy<Vec<Value>>| {
        (prop::sample::select(operators), values)
            .prop_map(|(operator, attribute_value_list)| LegacyCondition { operator, attribute_value_list })
    };
    let one = |value: BoxedStrategy<Value>| value.prop_map(|value| vec![value]).boxed();
    prop_oneof![
        with(&[Op::Equal, Op::NotEqual], one(any_value())),
        with(&[Op::LessOrEqual, Op::Less, Op::GreaterOrEqual, Op::Greater], one(any_ordered())),
        with(&[Op::Between], any_bounds()),
        with(&[Op::In], any_candidates()),
        with(&[Op::Null, Op::NotNull], Just(Vec::new()).boxed()),
        with(&[Op::Contains], one(any_scalar())),
        with(&[Op::BeginsWith], one(any_beginning())),
    ]
}

fn any_conditional_operator() -> impl Strategy<Value = Option<ConditionalOperator>> {
    prop::sample::select(vec![None, Some(ConditionalOperator::And), Some(ConditionalOperator::Or)])
}

proptest! {
    #[test]
    fn conditions_are_what_their_expressions_say(
        conditions in prop::collection::btree_map(any_name(), any_condition(), 1..4),
        operator in any_conditional_operator(),
    ) {
        let operator = operator.filter(|_| conditions.len() > 1);
        let mut written = Written::default();
        for (name, of) in &conditions {
            written.condition(name, of);
        }
        let separator = if operator == Some(ConditionalOperator::Or) { " OR " } else { " AND " };
        let tree = Some(written.joined(separator).condition().expect("it can be said"));
        prop_assert_eq!(filter(&conditions, operator), Ok(tree.clone()));
        let given = conditions.into_iter().map(|(name, of)| {
            let mut given = ExpectedAttributeValue {
                operator: Some(of.operator),
                ..ExpectedAttributeValue::default()
            };
            // A single value may stand for a list of it, and a list of nothing may be left out.
            match <[Value; 1]>::try_from(of.attribute_value_list) {
                Ok([value]) if name.len() % 2 == 0 => given.value = Some(value),
                Ok(list) => given.attribute_value_list = Some(list.into()),
                Err(list) if list.is_empty() => {}
                Err(list) => given.attribute_value_list = Some(list),
            }
            (name, given)
        });
        prop_assert_eq!(expected(&given.collect(), operator), Ok(tree));
    }

    #[test]
    fn key_conditions_are_what_their_expressions_say(
        conditions in prop::collection::btree_map(any_name(), any_condition(), 1..3),
    ) {
        let mut written = Written::default();
        for (name, of) in &conditions {
            written.condition(name, of);
        }
        let clauses = written.joined(" AND ").key_condition();
        prop_assert_eq!(key_conditions(&conditions).ok(), clauses.ok());
    }

    #[test]
    fn updates_are_what_their_expressions_say(
        put in prop::collection::btree_map(any_name(), any_value(), 0..3),
        deleted in prop::collection::btree_map(any_name(), any_set(), 0..3),
        removed in prop::collection::btree_set(any_name(), 0..3),
        has_action in any::<bool>(),
    ) {
        let mut updates = BTreeMap::new();
        for name in removed {
            updates.insert(name, (Some(AttributeAction::Delete), None));
        }
        for (name, value) in deleted {
            updates.insert(name, (Some(AttributeAction::Delete), Some(value)));
        }
        for (name, value) in put {
            updates.insert(name, (has_action.then_some(AttributeAction::Put), Some(value)));
        }
        prop_assume!(!updates.is_empty());
        let mut sections: [(&str, Vec<String>); 3] = [("SET", vec![]), ("REMOVE", vec![]), ("DELETE", vec![])];
        let mut written = Written::default();
        for (name, (action, value)) in &updates {
            let name = written.name(name);
            match (action, value) {
                (Some(AttributeAction::Delete), Some(value)) => {
                    let value = written.value(value);
                    sections[2].1.push(format!("{name} {value}"));
                }
                (_, Some(value)) => {
                    let value = written.value(value);
                    sections[0].1.push(format!("{name} = {value}"));
                }
                (_, None) => sections[1].1.push(name),
            }
        }
        for (section, actions) in sections.iter().filter(|(_, actions)| !actions.is_empty()) {
            written.parts.push(format!("{section} {}", actions.join(", ")));
        }
        let mut said = written.joined(" ").update().expect("it can be said");
        let updates = updates
            .into_iter()
            .map(|(name, (action, value))| (name, AttributeValueUpdate { action, value }))
            .collect();
        let update = attribute_updates(&updates).expect("it is taken");
        said.actions.sort_by_key(|action| action.path().clone());
        prop_assert_eq!(update, said);
    }

    #[test]
    fn attributes_to_get_are_what_their_expressions_say(
        names in prop::collection::btree_set(any_name(), 1..4).prop_map(Vec::from_iter).prop_shuffle(),
    ) {
        let mut written = Written::default();
        for name in &names {
            let placeholder = written.name(name);
            written.parts.push(placeholder);
        }
        let said = written.joined(", ").projection().expect("it can be said");
        prop_assert_eq!(attributes_to_get(&names), Ok(said));
    }
}

#[test]
fn what_no_expression_says_has_nodes_of_its_own() {
    let condition =
        LegacyCondition { operator: ComparisonOperator::NotContains, attribute_value_list: vec!["v".into()] };
    let tree = Condition::NotContains {
        operand: Operand::Path(DocumentPath::attribute("a")),
        member: Operand::Value(Constant::new("v")),
    };
    assert_eq!(filter(&BTreeMap::from([("a".to_owned(), condition)]), None), Ok(Some(tree)));
    for value in [Value::from(1), Value::from(vec![Value::Null])] {
        let added = AttributeValueUpdate { action: Some(AttributeAction::Add), value: Some(value.clone()) };
        let update = attribute_updates(&BTreeMap::from([("a".to_owned(), added)])).expect("it is taken");
        let tree =
            UpdateAction::LegacyAdd { path: DocumentPath::attribute("a"), value: Constant::new(value) };
        assert_eq!(update.actions, [tree]);
    }
    let unseen = ExpectedAttributeValue { exists: Some(false), ..ExpectedAttributeValue::default() };
    let said = expression("attribute_not_exists(a)").condition().expect("it can be said");
    assert_eq!(expected(&BTreeMap::from([("a".to_owned(), unseen)]), None), Ok(Some(said)));
}
