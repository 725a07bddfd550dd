//! Expressions on stored bytes: conditions, updates with what they return, and projections do what the specification
//! says of the decoded item. On damaged bytes they end in an error or an answer.

use crate::targets::input::Input;
use crate::targets::specification;
use pixii::dynamo::encoding::encode_item;
use pixii::dynamo::expression::path::{DocumentPath, PathElement};
use pixii::dynamo::expression::project::PreparedProjection;
use pixii::dynamo::expression::tree::{
    Comparator, Condition, Constant, Operand, ProjectionExpression, SetOperand, SetValue, Update,
    UpdateAction,
};
use pixii::dynamo::stored::StoredItem;
use pixii::dynamo::value::ValueType;
use pixii::{Item, Number, Value};
use std::collections::BTreeMap;

const NAMES: [&str; 4] = ["a", "b", "c", "a.b"];

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let key = Item::new().with("k", "key");
    let item = (input.below(8) > 0).then(|| item(&mut input, &key));
    let bytes = item.as_ref().map(encoded);
    let stored = bytes.as_deref().map(|bytes| StoredItem::parse(bytes).expect("it was just encoded"));
    let damage = (input.byte(), input.byte());

    for _ in 0..3 {
        let condition = condition(&mut input, item.as_ref(), 0);
        let expected = specification::matches(&condition, item.as_ref());
        assert_eq!(condition.matches(stored.as_ref()), Ok(expected), "{condition:?} of {item:?}");
        if let Some(bytes) = &bytes {
            on_damaged(bytes, damage, |item| condition.matches(Some(item)));
        }
    }

    let paths = distinct_paths(&mut input, item.as_ref(), 6);
    if let (Some(item), Some(bytes)) = (&item, &bytes) {
        check_projection(&paths, item, bytes, damage);
    }

    let actions = distinct_paths(&mut input, item.as_ref(), 5);
    let actions = actions.into_iter().map(|path| action(&mut input, item.as_ref(), path)).collect();
    let update = Update { actions };
    check_update(&update, item.as_ref(), stored.as_ref(), &key);
    if let Some(bytes) = &bytes {
        on_damaged(bytes, damage, |item| update.apply(Some(item), &key));
    }
}

fn encoded(item: &Item) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_item(item, &mut bytes);
    bytes
}

fn decoded(bytes: &[u8]) -> Item {
    StoredItem::parse(bytes).and_then(|item| item.to_item()).expect("what was made is an item")
}

fn on_damaged<R>(bytes: &[u8], (place, change): (u8, u8), use_item: impl FnOnce(&StoredItem<'_>) -> R) {
    let mut bytes = bytes.to_vec();
    let place = usize::from(place) % bytes.len();
    bytes[place] ^= change;
    if let Ok(item) = StoredItem::parse(&bytes) {
        use_item(&item);
    }
}

fn check_projection(paths: &[DocumentPath], item: &Item, bytes: &[u8], damage: (u8, u8)) {
    let stored = StoredItem::parse(bytes).expect("it was just encoded");
    let expected = specification::project(paths, item);
    let expression = ProjectionExpression { paths: paths.to_vec() };
    let mut projected = Vec::new();
    let count = expression.project(&stored, &mut projected);
    assert_eq!(decoded(&projected), expected, "{paths:?} of {item:?}");
    assert_eq!(projected, encoded(&expected), "an item has one form");
    assert_eq!(count, Ok(expected.len()));
    let parts = expression.prepare().parts_of(Some(&stored));
    assert_eq!(parts, Ok((!expected.is_empty()).then_some(projected)));
    on_damaged(bytes, damage, |item| expression.prepare().parts_of(Some(item)));
}

fn check_update(update: &Update, old: Option<&Item>, stored: Option<&StoredItem<'_>>, key: &Item) {
    let expected = specification::update(update, old, key);
    let new = update.apply(stored, key);
    let (expected, new) = match (expected, new) {
        (Ok(expected), Ok(new)) => (expected, new),
        (Err(faults), Err(fault)) => {
            assert!(
                faults.contains(&fault),
                "{update:?} of {old:?} is {fault:?}, and should be of {faults:?}"
            );
            return;
        }
        (expected, new) => panic!("{update:?} of {old:?} is {new:?}, and should be {expected:?}"),
    };
    assert_eq!(new.as_deref().map(decoded), expected, "{update:?} of {old:?}");
    assert_eq!(new, expected.as_ref().map(encoded), "an item has one form");
    let new = new.as_deref().map(|bytes| StoredItem::parse(bytes).expect("it was just read"));
    let paths: Vec<_> = update.actions.iter().map(UpdateAction::path).collect();
    for (stored, item) in [(stored, old), (new.as_ref(), expected.as_ref())] {
        let parts = item.map(|item| specification::project(paths.iter().copied(), item));
        let parts = parts.filter(|parts| !parts.is_empty());
        let touched: PreparedProjection = update.touched();
        assert_eq!(touched.parts_of(stored), Ok(parts.as_ref().map(encoded)), "{update:?} of {old:?}");
    }
}

/// An item of few names, so that paths hit.
fn item(input: &mut Input<'_>, key: &Item) -> Item {
    let mut item = key.clone();
    for name in NAMES {
        if input.below(4) > 0 {
            item.insert(name, value(input, 1));
        }
    }
    item
}

fn value(input: &mut Input<'_>, level: usize) -> Value {
    let container_chance = if level < 5 { 16 } else { 10 };
    match input.below(container_chance) {
        0 => Value::Null,
        1 => Value::Bool(input.flag()),
        2 => Value::Binary(binary(input)),
        3 | 4 => Value::Number(number(input)),
        5 | 6 => Value::String(text(input)),
        7 => Value::string_set((0..=input.below(3)).map(|_| text(input)).collect::<Vec<_>>())
            .unwrap_or_else(|_| Value::string_set(["a"]).expect("a set")),
        8 => Value::number_set((0..=input.below(3)).map(|_| number(input)).collect::<Vec<_>>())
            .unwrap_or_else(|_| Value::number_set([1]).expect("a set")),
        9 => Value::binary_set((0..=input.below(3)).map(|_| binary(input)).collect::<Vec<_>>())
            .unwrap_or_else(|_| Value::binary_set([[0]]).expect("a set")),
        10..=12 => Value::List((0..input.below(5)).map(|_| value(input, level + 1)).collect()),
        _ => {
            let entries = (0..input.below(4)).map(|_| (name(input).to_owned(), value(input, level + 1)));
            Value::Map(entries.collect::<BTreeMap<_, _>>())
        }
    }
}

fn name(input: &mut Input<'_>) -> &'static str {
    NAMES[input.below(NAMES.len())]
}

fn text(input: &mut Input<'_>) -> String {
    (0..input.below(4)).map(|_| ['a', 'b', 'é', '😀'][input.below(4)]).collect()
}

fn binary(input: &mut Input<'_>) -> Vec<u8> {
    // Long ones too, of few bytes, so that a search in them goes astray before it ends.
    let length = if input.below(8) == 0 { input.below(120) } else { input.below(4) };
    (0..length).map(|_| b"\0\0\0\xff"[input.below(4)]).collect()
}

fn number(input: &mut Input<'_>) -> Number {
    const NUMBERS: [&str; 8] = [
        "0",
        "1",
        "-1",
        "2",
        "0.5",
        "-99999999999999999999999999999999999999",
        "9.9999999999999999999999999999999999999e125",
        "1e-130",
    ];
    NUMBERS[input.below(NUMBERS.len())].parse().expect("a number")
}

/// A path that mostly leads somewhere.
fn path(input: &mut Input<'_>, item: Option<&Item>) -> DocumentPath {
    let root = if input.below(16) == 0 { "k" } else { name(input) };
    let mut path = DocumentPath::attribute(root);
    for _ in 0..input.below(5) {
        let here = specification::find(item, &path);
        path = match here {
            Some(Value::Map(_)) if input.below(8) > 0 => path.member(name(input)),
            Some(Value::List(list)) if input.below(8) > 0 => path.element(input.below(list.len() + 2)),
            Some(Value::Map(_) | Value::List(_)) | None => match input.below(3) {
                0 => path.member(name(input)),
                1 => path.element(input.below(4)),
                _ => break,
            },
            Some(_) if input.below(8) > 0 => break,
            Some(_) => path.member(name(input)),
        };
    }
    path
}

/// Paths that neither overlap nor conflict, and none to the key.
fn distinct_paths(input: &mut Input<'_>, item: Option<&Item>, count_max: usize) -> Vec<DocumentPath> {
    let mut paths: Vec<DocumentPath> = Vec::new();
    for _ in 0..input.below(count_max + 1) {
        let path = path(input, item);
        if path.root() != "k" && paths.iter().all(|other| is_apart(&path, other)) {
            paths.push(path);
        }
    }
    paths
}

fn is_apart(left: &DocumentPath, right: &DocumentPath) -> bool {
    if left.root() != right.root() {
        return true;
    }
    let parting = left.rest().iter().zip(right.rest()).find(|(left, right)| left != right);
    matches!(
        parting,
        Some(
            (PathElement::Attribute(_), PathElement::Attribute(_))
                | (PathElement::Index(_), PathElement::Index(_))
        )
    )
}

/// A value, often one that stands in the item.
fn constant(input: &mut Input<'_>, item: Option<&Item>) -> Constant {
    if input.flag() {
        let path = path(input, item);
        if let Some(value) = specification::find(item, &path) {
            return Constant::new(value.clone());
        }
    }
    // Small numbers are what sizes are compared with.
    if input.flag() { Constant::new(input.below(6)) } else { Constant::new(value(input, 3)) }
}

fn operand(input: &mut Input<'_>, item: Option<&Item>) -> Operand {
    match input.below(4) {
        0 => Operand::Value(constant(input, item)),
        1 => Operand::Size(Box::new(Operand::Path(path(input, item)))),
        _ => Operand::Path(path(input, item)),
    }
}

fn condition(input: &mut Input<'_>, item: Option<&Item>, depth: usize) -> Condition {
    const COMPARATORS: [Comparator; 6] = [
        Comparator::Equal,
        Comparator::NotEqual,
        Comparator::Less,
        Comparator::LessOrEqual,
        Comparator::Greater,
        Comparator::GreaterOrEqual,
    ];
    let kinds = if depth < 3 { 14 } else { 11 };
    let conditions = |input: &mut Input<'_>| {
        (0..input.below(4)).map(|_| condition(input, item, depth + 1)).collect::<Vec<_>>()
    };
    match input.below(kinds) {
        0 => Condition::AttributeExists(path(input, item)),
        1 => Condition::AttributeNotExists(path(input, item)),
        2 => Condition::AttributeType {
            operand: operand(input, item),
            value_type: ValueType::ALL[input.below(ValueType::ALL.len())],
        },
        3 => Condition::BeginsWith { operand: operand(input, item), prefix: operand(input, item) },
        4 | 5 => Condition::Contains { operand: operand(input, item), member: operand(input, item) },
        6 => Condition::NotContains { operand: operand(input, item), member: operand(input, item) },
        7 => Condition::Between {
            operand: operand(input, item),
            lower: operand(input, item),
            upper: operand(input, item),
        },
        8 => Condition::In {
            operand: operand(input, item),
            candidates: (0..input.below(4)).map(|_| operand(input, item)).collect(),
        },
        9 | 10 => Condition::Compare {
            left: operand(input, item),
            comparator: COMPARATORS[input.below(COMPARATORS.len())],
            right: operand(input, item),
        },
        11 => Condition::And(conditions(input)),
        12 => Condition::Or(conditions(input)),
        _ => Condition::Not(Box::new(condition(input, item, depth + 1))),
    }
}

fn set_operand(input: &mut Input<'_>, item: Option<&Item>, depth: usize) -> SetOperand {
    let kinds = if depth < 3 { 6 } else { 3 };
    match input.below(kinds) {
        0 => SetOperand::Path(path(input, item)),
        1 | 2 => SetOperand::Value(constant(input, item)),
        3 => SetOperand::IfNotExists {
            path: path(input, item),
            default: Box::new(set_operand(input, item, depth + 1)),
        },
        4 => {
            // A list whatever is there, so that appending mostly works.
            let list = Constant::new((0..input.below(3)).map(|_| value(input, 4)).collect::<Vec<_>>());
            let first = Box::new(set_operand(input, item, depth + 1));
            SetOperand::ListAppend(first, Box::new(SetOperand::Value(list)))
        }
        _ => {
            let first = Box::new(set_operand(input, item, depth + 1));
            SetOperand::ListAppend(first, Box::new(set_operand(input, item, depth + 1)))
        }
    }
}

fn action(input: &mut Input<'_>, item: Option<&Item>, path: DocumentPath) -> UpdateAction {
    // Of the type that is there, mostly, so that adding and deleting works.
    let alike = |input: &mut Input<'_>| match specification::find(item, &path) {
        Some(Value::Number(_)) if input.below(8) > 0 => Constant::new(number(input)),
        Some(there) if input.below(4) == 0 => Constant::new(there.clone()),
        Some(there) => (0..8)
            .map(|_| value(input, 5))
            .find(|value| value.value_type() == there.value_type())
            .map_or_else(|| Constant::new(there.clone()), Constant::new),
        None => constant(input, item),
    };
    match input.below(9) {
        0..=2 => UpdateAction::Set { value: SetValue::Operand(set_operand(input, item, 0)), path },
        3 => {
            let (left, right) =
                (set_operand(input, item, 0), SetOperand::Value(Constant::new(number(input))));
            let sum =
                if input.flag() { SetValue::Sum(left, right) } else { SetValue::Difference(right, left) };
            UpdateAction::Set { path, value: sum }
        }
        4 | 5 => UpdateAction::Remove(path),
        6 => UpdateAction::Add { value: alike(input), path },
        7 => UpdateAction::Delete { value: alike(input), path },
        _ => UpdateAction::LegacyAdd { value: alike(input), path },
    }
}
