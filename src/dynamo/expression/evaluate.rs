//! Whether an item meets a condition, judged on its stored bytes.
//!
//! Invariants:
//! 1. No value is built, and nothing is allocated but a table for long binaries that are searched in others.
//! 2. An operand that is missing, or of a type that an operator or function knows nothing of, is no error: whatever
//!    asks for it is false, `<>` is true, and `NOT` turns either round.
//! 3. Only what decides is read: `AND` and `OR` stop as soon as they are decided, a path ends where it leads.
//!
//! Source: DynamoDB developer guide, "Condition and filter expressions, operators, and functions".

use super::tree::{Comparator, Condition, Operand};
use crate::base::codec::DecodeError;
use crate::dynamo::number::Number;
use crate::dynamo::stored::{StoredItem, StoredValue, StoredView};
use crate::dynamo::value::ValueType;
use std::cmp::Ordering;

impl Condition {
    /// Whether `item` meets the condition. A missing item has no attributes, not even those of its key.
    pub fn matches(&self, item: Option<&StoredItem<'_>>) -> Result<bool, DecodeError> {
        match self {
            Self::Compare { left, comparator, right } => {
                let (Some(left), Some(right)) = (left.resolve(item)?, right.resolve(item)?) else {
                    return Ok(*comparator == Comparator::NotEqual);
                };
                left.compares(*comparator, right)
            }
            Self::Between { operand, lower, upper } => {
                let (Some(operand), Some(lower)) = (operand.resolve(item)?, lower.resolve(item)?) else {
                    return Ok(false);
                };
                if !operand.compares(Comparator::GreaterOrEqual, lower)? {
                    return Ok(false);
                }
                upper
                    .resolve(item)?
                    .map_or(Ok(false), |upper| operand.compares(Comparator::LessOrEqual, upper))
            }
            Self::In { operand, candidates } => {
                let Some(operand) = operand.resolve(item)? else { return Ok(false) };
                any(candidates, |candidate| {
                    candidate.resolve(item)?.map_or(Ok(false), |candidate| operand.equals(candidate))
                })
            }
            Self::AttributeExists(path) => Ok(path.find(item)?.is_some()),
            Self::AttributeNotExists(path) => Ok(path.find(item)?.is_none()),
            Self::AttributeType { operand, value_type } => {
                Ok(operand.resolve(item)?.is_some_and(|operand| operand.value_type() == *value_type))
            }
            Self::BeginsWith { operand, prefix } => both(operand, prefix, item)?
                .map_or(Ok(false), |(operand, prefix)| operand.begins_with(prefix)),
            Self::Contains { operand, member } => {
                both(operand, member, item)?.map_or(Ok(false), |(operand, member)| operand.contains(member))
            }
            Self::NotContains { operand, member } => both(operand, member, item)?
                .map_or(Ok(false), |(operand, member)| operand.contains(member).map(|contains| !contains)),
            Self::And(conditions) => {
                any(conditions, |condition| condition.matches(item).map(|matches| !matches))
                    .map(|fails| !fails)
            }
            Self::Or(conditions) => any(conditions, |condition| condition.matches(item)),
            Self::Not(condition) => condition.matches(item).map(|matches| !matches),
        }
    }
}

/// Whether `holds` is true of one of these; the others are not asked.
fn any<T>(all: &[T], mut holds: impl FnMut(&T) -> Result<bool, DecodeError>) -> Result<bool, DecodeError> {
    for one in all {
        if holds(one)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Both operands, if neither is missing.
fn both<'a>(
    left: &'a Operand,
    right: &'a Operand,
    item: Option<&StoredItem<'a>>,
) -> Result<Option<(Resolved<'a>, Resolved<'a>)>, DecodeError> {
    Ok(left.resolve(item)?.zip(right.resolve(item)?))
}

impl Operand {
    fn resolve<'a>(&'a self, item: Option<&StoredItem<'a>>) -> Result<Option<Resolved<'a>>, DecodeError> {
        Ok(match self {
            Self::Path(path) => path.find(item)?.map(Resolved::Stored),
            Self::Value(constant) => Some(Resolved::Stored(StoredValue::parse(constant.encoded())?)),
            Self::Size(operand) => match operand.resolve(item)? {
                Some(Resolved::Stored(value)) => size(value)?.map(|size| Resolved::Size(size.into())),
                Some(Resolved::Size(_)) | None => None,
            },
        })
    }
}

/// What `size` gives: UTF-16 code units, bytes or members. Numbers, `BOOL` and `NULL` have none.
fn size(value: StoredValue<'_>) -> Result<Option<usize>, DecodeError> {
    Ok(Some(match value.view()? {
        StoredView::String(text) => utf16_units(text),
        StoredView::Binary(bytes) => bytes.len(),
        StoredView::List(list) => list.len(),
        StoredView::Map(map) => map.len(),
        StoredView::StringSet(set) => set.len(),
        StoredView::NumberSet(set) => set.len(),
        StoredView::BinarySet(set) => set.len(),
        StoredView::Number(_) | StoredView::Bool(_) | StoredView::Null => return Ok(None),
    }))
}

/// One for each character, and one more for those of four bytes.
fn utf16_units(text: &str) -> usize {
    text.bytes().map(|byte| usize::from(byte & 0xc0 != 0x80) + usize::from(byte >= 0xf0)).sum()
}

/// An operand that is there.
#[derive(Clone, Copy)]
enum Resolved<'a> {
    Stored(StoredValue<'a>),
    Size(Number),
}

impl<'a> Resolved<'a> {
    fn value_type(self) -> ValueType {
        match self {
            Self::Stored(value) => value.value_type(),
            Self::Size(_) => ValueType::Number,
        }
    }

    fn text(self) -> Result<Option<&'a str>, DecodeError> {
        if let Self::Stored(value) = self { value.as_str() } else { Ok(None) }
    }

    fn number(self) -> Result<Option<Number>, DecodeError> {
        match self {
            Self::Stored(value) => value.as_number(),
            Self::Size(number) => Ok(Some(number)),
        }
    }

    fn binary(self) -> Option<&'a [u8]> {
        if let Self::Stored(value) = self { value.as_binary() } else { None }
    }

    fn compares(self, comparator: Comparator, other: Self) -> Result<bool, DecodeError> {
        match comparator {
            Comparator::Equal => self.equals(other),
            Comparator::NotEqual => self.equals(other).map(|equals| !equals),
            Comparator::Less => self.order_is(other, Ordering::is_lt),
            Comparator::LessOrEqual => self.order_is(other, Ordering::is_le),
            Comparator::Greater => self.order_is(other, Ordering::is_gt),
            Comparator::GreaterOrEqual => self.order_is(other, Ordering::is_ge),
        }
    }

    fn equals(self, other: Self) -> Result<bool, DecodeError> {
        if let (Self::Stored(left), Self::Stored(right)) = (self, other) {
            return Ok(left == right);
        }
        let (left, right) = (self.number()?, other.number()?);
        Ok(left.is_some() && left == right)
    }

    /// Whether the two have an order and it is such.
    fn order_is(self, other: Self, such: fn(Ordering) -> bool) -> Result<bool, DecodeError> {
        let order = match (self.value_type(), other.value_type()) {
            (ValueType::String, ValueType::String) => self.text()?.cmp(&other.text()?),
            (ValueType::Number, ValueType::Number) => self.number()?.cmp(&other.number()?),
            (ValueType::Binary, ValueType::Binary) => self.binary().cmp(&other.binary()),
            _ => return Ok(false),
        };
        Ok(such(order))
    }

    fn begins_with(self, prefix: Self) -> Result<bool, DecodeError> {
        Ok(match (self.text()?, prefix.text()?, self.binary(), prefix.binary()) {
            (Some(text), Some(prefix), _, _) => text.starts_with(prefix),
            (_, _, Some(bytes), Some(prefix)) => bytes.starts_with(prefix),
            _ => false,
        })
    }

    fn contains(self, member: Self) -> Result<bool, DecodeError> {
        let Self::Stored(container) = self else { return Ok(false) };
        match container.view()? {
            StoredView::String(text) => Ok(member.text()?.is_some_and(|part| text.contains(part))),
            StoredView::Binary(bytes) => Ok(member.binary().is_some_and(|part| has_part(bytes, part))),
            StoredView::StringSet(set) => member.text()?.map_or(Ok(false), |text| set.contains(text)),
            StoredView::NumberSet(set) => member.number()?.map_or(Ok(false), |number| set.contains(number)),
            StoredView::BinarySet(set) => member.binary().map_or(Ok(false), |bytes| set.contains(bytes)),
            StoredView::List(list) => {
                for element in list.elements() {
                    if Self::Stored(element?).equals(member)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            StoredView::Number(_) | StoredView::Bool(_) | StoredView::Null | StoredView::Map(_) => Ok(false),
        }
    }
}

/// Up to this length, searching anew at every place costs less than preparing the search.
const SHORT_PART_BYTES: usize = 32;

/// Whether `part` stands somewhere in `bytes`, in time that grows with the sum of their lengths.
fn has_part(bytes: &[u8], part: &[u8]) -> bool {
    if part.len() <= SHORT_PART_BYTES {
        return part.is_empty() || bytes.windows(part.len()).any(|window| window == part);
    }
    // Knuth, Morris and Pratt: `borders[length - 1]` is how much of the first `length` bytes still matches when the
    // next one does not.
    let mut borders: Vec<usize> = Vec::with_capacity(part.len());
    let mut matched = 0;
    borders.push(0);
    for byte in &part[1..] {
        matched = matched_with(*byte, matched, part, &borders);
        borders.push(matched);
    }
    let mut matched = 0;
    bytes.iter().any(|byte| {
        matched = matched_with(*byte, matched, part, &borders);
        matched == part.len()
    })
}

/// How much of `part` matches with one more byte. There is one that matches not whole, or the search has ended.
fn matched_with(byte: u8, mut matched: usize, part: &[u8], borders: &[usize]) -> usize {
    while matched > 0 && part[matched] != byte {
        matched = borders[matched - 1];
    }
    matched + usize::from(part[matched] == byte)
}

#[cfg(test)]
mod tests {
    use super::super::path::DocumentPath;
    use super::super::tree::Constant;
    use super::*;
    use crate::dynamo::encoding::encode_item;
    use crate::dynamo::value::{Item, Value};
    use proptest::prelude::*;

    fn stored(name: &str) -> Operand {
        Operand::Path(DocumentPath::attribute(name))
    }

    fn given(value: impl Into<Value>) -> Operand {
        Operand::Value(Constant::new(value))
    }

    fn size_of(operand: Operand) -> Operand {
        Operand::Size(Box::new(operand))
    }

    fn compare(left: Operand, comparator: Comparator, right: Operand) -> Condition {
        Condition::Compare { left, comparator, right }
    }

    fn equal(left: Operand, right: Operand) -> Condition {
        compare(left, Comparator::Equal, right)
    }

    fn not(condition: Condition) -> Condition {
        Condition::Not(Box::new(condition))
    }

    fn between(operand: Operand, lower: Operand, upper: Operand) -> Condition {
        Condition::Between { operand, lower, upper }
    }

    fn contains(operand: Operand, member: impl Into<Value>) -> Condition {
        Condition::Contains { operand, member: given(member) }
    }

    fn not_contains(operand: Operand, member: impl Into<Value>) -> Condition {
        Condition::NotContains { operand, member: given(member) }
    }

    fn begins_with(operand: Operand, prefix: impl Into<Value>) -> Condition {
        Condition::BeginsWith { operand, prefix: given(prefix) }
    }

    fn is_in(operand: Operand, candidates: Vec<Operand>) -> Condition {
        Condition::In { operand, candidates }
    }

    fn has_type(name: &str, value_type: ValueType) -> Condition {
        Condition::AttributeType { operand: stored(name), value_type }
    }

    fn exists(name: &str) -> Condition {
        Condition::AttributeExists(DocumentPath::attribute(name))
    }

    fn not_exists(name: &str) -> Condition {
        Condition::AttributeNotExists(DocumentPath::attribute(name))
    }

    /// One attribute of each type, named after it.
    fn sample() -> Item {
        Item::new()
            .with("S", "text")
            .with("N", 7)
            .with("B", [1, 2, 0xff])
            .with("BOOL", false)
            .with("NULL", ())
            .with("L", vec![Value::from("x"), 1.into(), Value::from(vec![Value::Null])])
            .with("M", Item::new().with("a", Item::new().with("b", vec![Value::from(1), 2.into()])))
            .with("SS", Value::string_set(["b", "a"]).expect("a set"))
            .with("NS", Value::number_set([10, 9, -1]).expect("a set"))
            .with("BS", Value::binary_set([[1, 2], [0xff, 0]]).expect("a set"))
    }

    fn matches(condition: &Condition, item: &Item) -> bool {
        let mut bytes = Vec::new();
        encode_item(item, &mut bytes);
        let item = StoredItem::parse(&bytes).expect("an item");
        condition.matches(Some(&item)).expect("the item is whole")
    }

    #[track_caller]
    fn holds(condition: &Condition) {
        assert!(matches(condition, &sample()), "{condition:?}");
    }

    #[track_caller]
    fn fails(condition: &Condition) {
        assert!(!matches(condition, &sample()), "{condition:?}");
    }

    const ALL_BUT_NOT_EQUAL: [Comparator; 5] = [
        Comparator::Equal,
        Comparator::Less,
        Comparator::LessOrEqual,
        Comparator::Greater,
        Comparator::GreaterOrEqual,
    ];

    #[test]
    fn of_a_missing_operand_only_not_equal_is_true() {
        for (left, right) in [
            (stored("x"), given(1)),
            (given(1), stored("x")),
            (stored("x"), stored("y")),
            (stored("x"), stored("N")),
        ] {
            for comparator in ALL_BUT_NOT_EQUAL {
                fails(&compare(left.clone(), comparator, right.clone()));
                holds(&not(compare(left.clone(), comparator, right.clone())));
            }
            holds(&compare(left.clone(), Comparator::NotEqual, right.clone()));
            fails(&is_in(left, vec![right]));
        }
        fails(&between(stored("x"), given(0), given(1)));
        fails(&between(given(0), stored("x"), given(1)));
        fails(&between(given(0), given(0), stored("x")));
    }

    #[test]
    fn of_operands_of_two_types_only_not_equal_is_true() {
        for other in ValueType::ALL.into_iter().filter(|value_type| *value_type != ValueType::Number) {
            for comparator in ALL_BUT_NOT_EQUAL {
                fails(&compare(stored(other.name()), comparator, given(7)));
            }
            holds(&compare(stored(other.name()), Comparator::NotEqual, given(7)));
            fails(&between(stored(other.name()), given(0), given(9)));
        }
        fails(&equal(given("7"), stored("N")));
        fails(&between(stored("N"), given(0), given("9")));
    }

    #[test]
    fn every_type_equals_itself() {
        for (name, value) in sample() {
            holds(&equal(stored(&name), given(value)));
            holds(&equal(stored(&name), stored(&name)));
            fails(&compare(stored(&name), Comparator::NotEqual, stored(&name)));
        }
    }

    #[test]
    fn sets_and_maps_are_equal_without_order_and_numbers_by_value() {
        let one: Number = "1.0".parse().expect("a number");
        holds(&equal(stored("SS"), given(Value::string_set(["a", "b"]).expect("a set"))));
        let numbers = Value::number_set([one.negated(), 9.into(), 10.into()]).expect("a set");
        holds(&equal(stored("NS"), given(numbers)));
        fails(&equal(stored("L"), given(vec![1.into(), Value::from("x"), Value::from(vec![Value::Null])])));
    }

    #[test]
    fn strings_numbers_and_binaries_have_an_order() {
        holds(&compare(stored("S"), Comparator::Less, given("texu")));
        holds(&compare(given("Z"), Comparator::Less, stored("S")));
        holds(&compare(stored("N"), Comparator::Less, given(10)));
        holds(&compare(stored("N"), Comparator::GreaterOrEqual, given(7)));
        fails(&compare(stored("N"), Comparator::Greater, given(7)));
        holds(&compare(stored("B"), Comparator::Greater, given([1, 2, 0x7f])));
        holds(&between(stored("N"), given(7), given(7)));
        fails(&between(stored("N"), given(8), given(9)));
        fails(&between(stored("N"), given(5), given(6)));
    }

    #[test]
    fn other_types_have_no_order_even_with_themselves() {
        for name in ["BOOL", "NULL", "L", "M", "SS", "NS", "BS"] {
            fails(&compare(stored(name), Comparator::LessOrEqual, stored(name)));
            fails(&compare(stored(name), Comparator::GreaterOrEqual, stored(name)));
            fails(&between(stored(name), stored(name), stored(name)));
        }
    }

    #[test]
    fn in_is_equal_to_one_of_the_candidates() {
        holds(&is_in(stored("N"), vec![given("7"), stored("x"), given(7)]));
        fails(&is_in(stored("N"), vec![given("7"), given(8)]));
        fails(&is_in(stored("N"), Vec::new()));
    }

    #[test]
    fn contains_finds_parts_of_strings_and_binaries() {
        holds(&contains(stored("S"), "ex"));
        fails(&contains(stored("S"), "tt"));
        fails(&contains(stored("S"), *b"ex"));
        holds(&contains(stored("B"), [2, 0xff]));
        fails(&contains(stored("B"), [1, 0xff]));
        fails(&contains(stored("B"), "\u{1}"));
    }

    #[test]
    fn contains_finds_members_of_sets_and_elements_of_lists() {
        holds(&contains(stored("SS"), "a"));
        fails(&contains(stored("SS"), "c"));
        holds(&contains(stored("NS"), -1));
        fails(&contains(stored("NS"), "9"));
        holds(&contains(stored("BS"), [0xff, 0]));
        fails(&contains(stored("BS"), [0xff]));
        holds(&contains(stored("L"), "x"));
        holds(&contains(stored("L"), vec![Value::Null]));
        fails(&contains(stored("L"), ()));
    }

    #[test]
    fn contains_knows_nothing_of_other_types() {
        fails(&contains(stored("N"), 7));
        fails(&contains(stored("M"), "a"));
        fails(&contains(stored("x"), "a"));
        holds(&not(contains(stored("x"), "a")));
    }

    #[test]
    fn legacy_not_contains_is_false_of_a_missing_attribute() {
        fails(&not_contains(stored("x"), "a"));
        fails(&not_contains(stored("SS"), "a"));
        holds(&not_contains(stored("SS"), "c"));
    }

    #[test]
    fn a_long_part_is_found_behind_what_it_nearly_matches() {
        let zeros_and_one = |zeros: usize| [vec![0; zeros], vec![1]].concat();
        assert!(has_part(&zeros_and_one(45), &zeros_and_one(40)));
        assert!(!has_part(&zeros_and_one(39), &zeros_and_one(40)));
        assert!(!has_part(&[0; 100], &zeros_and_one(40)));
    }

    proptest! {
        #[test]
        fn parts_of_binaries_are_found_wherever_they_stand(
            bytes in prop::collection::vec(prop_oneof![9 => Just(0), 1 => Just(1)], 0..300_usize),
            start: prop::sample::Index,
            length in 0..100_usize,
            change: prop::sample::Index,
        ) {
            let start = start.index(bytes.len() + 1);
            let mut part = bytes[start..bytes.len().min(start + length)].to_vec();
            prop_assert!(has_part(&bytes, &part));
            if !part.is_empty() {
                let change = change.index(part.len());
                part[change] ^= 1;
                let expected = bytes.windows(part.len()).any(|window| window == part);
                prop_assert_eq!(has_part(&bytes, &part), expected);
            }
        }
    }

    #[test]
    fn begins_with_knows_strings_and_binaries() {
        holds(&begins_with(stored("S"), "te"));
        fails(&begins_with(stored("S"), "ext"));
        fails(&begins_with(stored("S"), *b"te"));
        holds(&begins_with(stored("B"), [1, 2]));
        fails(&begins_with(stored("N"), "7"));
        fails(&begins_with(stored("x"), "t"));
    }

    #[test]
    fn size_counts_utf16_units_bytes_and_members() {
        let item = sample().with("S", "aé€😀");
        for (name, size) in [("S", 5), ("B", 3), ("L", 3), ("M", 1), ("SS", 2), ("NS", 3), ("BS", 2)] {
            assert!(matches(&equal(size_of(stored(name)), given(size)), &item), "{name}");
        }
        assert!(matches(&compare(size_of(stored("S")), Comparator::Greater, size_of(stored("L"))), &item));
        assert!(matches(&between(size_of(stored("S")), stored("x"), given(9)), &item.with("x", 2)));
    }

    #[test]
    fn what_has_no_size_compares_as_missing() {
        for name in ["x", "N", "BOOL", "NULL"] {
            for comparator in ALL_BUT_NOT_EQUAL {
                fails(&compare(size_of(stored(name)), comparator, given(0)));
            }
            holds(&compare(size_of(stored(name)), Comparator::NotEqual, given(0)));
        }
        fails(&equal(size_of(size_of(stored("S"))), given(1)));
    }

    #[test]
    fn a_stored_null_exists_and_equals_only_null() {
        holds(&exists("NULL"));
        fails(&not_exists("NULL"));
        holds(&has_type("NULL", ValueType::Null));
        holds(&equal(stored("NULL"), given(())));
        fails(&equal(stored("NULL"), given("")));
    }

    #[test]
    fn attribute_type_is_the_type_of_what_is_there() {
        for of_attribute in ValueType::ALL {
            for asked in ValueType::ALL {
                assert_eq!(matches(&has_type(of_attribute.name(), asked), &sample()), of_attribute == asked);
            }
            fails(&has_type("x", of_attribute));
        }
    }

    #[test]
    fn a_missing_item_has_no_attributes() {
        for (condition, expected) in [
            (not_exists("pk"), true),
            (exists("pk"), false),
            (equal(stored("pk"), given("k")), false),
            (compare(stored("pk"), Comparator::NotEqual, given("k")), true),
        ] {
            assert_eq!(condition.matches(None), Ok(expected), "{condition:?}");
        }
    }

    #[test]
    fn paths_lead_through_maps_and_lists_of_their_kind_only() {
        let inner = DocumentPath::attribute("M").member("a").member("b");
        holds(&equal(Operand::Path(inner.clone().element(1)), given(2)));
        for nowhere in [
            inner.clone().element(2),
            inner.clone().member("b"),
            DocumentPath::attribute("M").element(0),
            DocumentPath::attribute("S").member("t"),
            DocumentPath::attribute("NS").element(0),
            DocumentPath::attribute("NULL").member("x"),
            DocumentPath::attribute("M.a"),
        ] {
            fails(&Condition::AttributeExists(nowhere.clone()));
            holds(&Condition::AttributeNotExists(nowhere));
        }
    }

    #[test]
    fn and_and_or_stop_as_soon_as_they_are_decided() {
        // `b` has a tag that is none, so that whoever reads it fails.
        let damaged = [1, 2, 1, b'a', 6, 1, b'b', 99];
        let item = StoredItem::parse(&damaged).expect("the beginning of an item");
        let judge = |condition: Condition| condition.matches(Some(&item)).ok();
        assert_eq!(judge(exists("b")), None);
        assert_eq!(judge(Condition::Or(vec![exists("a"), exists("b")])), Some(true));
        assert_eq!(judge(Condition::And(vec![not_exists("a"), exists("b")])), Some(false));
        assert_eq!(judge(Condition::And(vec![exists("a"), exists("b")])), None);
        assert_eq!(judge(Condition::Or(vec![not_exists("a"), exists("b")])), None);
        holds(&Condition::And(vec![exists("S"), not(exists("x"))]));
        fails(&Condition::Or(vec![exists("x"), not(exists("S"))]));
    }
}
