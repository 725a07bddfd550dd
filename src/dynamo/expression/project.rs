//! Parts of items, taken out of stored bytes: projection expressions, and the parts that an update touches.
//!
//! ```text
//!   a.b, a.c[2], d   ──prepare──>   a ── b            once, whatever the number of items
//!                                     └─ c ── [2]
//!                                   d
//! ```
//!
//! Invariants:
//! 1. What is taken keeps its shape: `a.b` gives `{a: {b: …}}`. Elements of lists move together, in their order.
//! 2. Where a path leads nowhere it leaves nothing behind, not even an empty map or list.
//! 3. Names and indexes stand sorted, so a map or list is gone through once, and no further than its last wanted part.

use super::path::{DocumentPath, PathElement};
use super::steps::{Part, Step, attributes_of, elements_of};
use super::tree::ProjectionExpression;
use crate::base::codec::{DecodeError, Encode};
use crate::dynamo::encoding::{Tag, put_item_of, put_value_of};
use crate::dynamo::stored::{StoredItem, StoredValue};

impl ProjectionExpression {
    /// The form that takes the parts out of any number of items.
    pub fn prepare(&self) -> PreparedProjection {
        PreparedProjection::new(&self.paths)
    }

    /// Appends the stored form of an item of the parts that `item` has. For one item; for many, prepare first.
    pub fn project(&self, item: &StoredItem<'_>, buffer: &mut Vec<u8>) -> Result<usize, DecodeError> {
        self.prepare().project(item, buffer)
    }
}

/// Paths merged at their common beginnings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreparedProjection {
    attributes: Vec<WantedPart>,
}

/// What is wanted of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// These parts, sorted, none of them twice.
    Parts(Vec<WantedPart>),
}

type WantedPart = (PathElement, Wanted);

impl PreparedProjection {
    /// Of these paths, in any order. Where one path leads on from another, the shorter one counts.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a DocumentPath>) -> Self {
        let mut attributes = Vec::new();
        for path in paths {
            wanted_at(&mut attributes, &PathElement::Attribute(path.root().to_owned())).add(path.rest());
        }
        Self { attributes }
    }

    /// Appends the stored form of an item of the parts that `item` has, and says how many attributes these stand in.
    pub fn project(&self, item: &StoredItem<'_>, buffer: &mut Vec<u8>) -> Result<usize, DecodeError> {
        let parts = attributes_of(item.as_map());
        let count = put_item_of(buffer, |buffer| put_wanted(&self.attributes, parts, buffer))?;
        // There are no more than there are paths, and those are in memory.
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// The stored form of an item of the parts that `item` has; `None` if it has none, or is missing.
    pub fn parts_of(&self, item: Option<&StoredItem<'_>>) -> Result<Option<Vec<u8>>, DecodeError> {
        let Some(item) = item else { return Ok(None) };
        let mut buffer = Vec::new();
        let count = self.project(item, &mut buffer)?;
        Ok((count > 0).then_some(buffer))
    }
}

impl Wanted {
    fn add(&mut self, path: &[PathElement]) {
        let Self::Parts(parts) = self else { return };
        match path.split_first() {
            None => *self = Self::Whole,
            Some((element, rest)) => wanted_at(parts, element).add(rest),
        }
    }

    /// Appends what is wanted of `value`; false, and possibly something appended, if it has nothing of it.
    fn put(&self, value: StoredValue<'_>, buffer: &mut Vec<u8>) -> Result<bool, DecodeError> {
        let Self::Parts(parts) = self else {
            buffer.put_bytes(value.encoded());
            return Ok(true);
        };
        let count = if let Some(map) = value.as_map()? {
            put_value_of(buffer, Tag::Map, |buffer| put_wanted(parts, attributes_of(map), buffer))?
        } else if let Some(list) = value.as_list()? {
            put_value_of(buffer, Tag::List, |buffer| put_wanted(parts, elements_of(list), buffer))?
        } else {
            0
        };
        Ok(count > 0)
    }
}

/// What is wanted at that element; nothing yet, if it was not there.
fn wanted_at<'a>(parts: &'a mut Vec<WantedPart>, element: &PathElement) -> &'a mut Wanted {
    let place = parts.binary_search_by(|(other, _)| other.cmp(element)).unwrap_or_else(|place| {
        parts.insert(place, (element.clone(), Wanted::Parts(Vec::new())));
        place
    });
    &mut parts[place].1
}

/// Appends what is wanted of the parts of a map or list, and says of how many of them there was something.
fn put_wanted<'a>(
    wanted: &[WantedPart],
    mut parts: impl Iterator<Item = Result<Part<'a>, DecodeError>>,
    buffer: &mut Vec<u8>,
) -> Result<u64, DecodeError> {
    let mut count = 0;
    let mut wanted = wanted.iter().map(|(element, of_part)| (Step::from(element), of_part)).peekable();
    while wanted.peek().is_some() {
        let Some(part) = parts.next() else { break };
        let (step, value) = part?;
        while wanted.next_if(|(other, _)| *other < step).is_some() {}
        let Some((_, of_part)) = wanted.next_if(|(other, _)| *other == step) else { continue };
        let start = buffer.len();
        step.put_name(buffer);
        if of_part.put(value, buffer)? {
            count += 1;
        } else {
            buffer.truncate(start);
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::encoding::encode_item;
    use crate::dynamo::value::{Item, Value};

    fn at(name: &str) -> DocumentPath {
        DocumentPath::attribute(name)
    }

    fn encoded(item: &Item) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_item(item, &mut bytes);
        bytes
    }

    fn sample() -> Item {
        let inner = |name: &str| Item::new().with(name, 1).with("z", 2);
        Item::new()
            .with("id", "7")
            .with(
                "list",
                vec![inner("a").into(), inner("b").into(), "c".into(), Value::from(vec![Value::Null])],
            )
            .with("map", Item::new().with("x", inner("y")).with("w", "w"))
            .with("n", 5)
    }

    #[track_caller]
    fn gives(paths: impl Into<Vec<DocumentPath>>, expected: &Item) {
        let bytes = encoded(&sample());
        let item = StoredItem::parse(&bytes).expect("an item");
        let mut projected = Vec::new();
        let count = ProjectionExpression { paths: paths.into() }.project(&item, &mut projected);
        assert_eq!(StoredItem::parse(&projected).expect("an item").to_item().as_ref(), Ok(expected));
        assert_eq!(projected, encoded(expected), "the one form of an item");
        assert_eq!(count, Ok(expected.len()));
    }

    #[test]
    fn top_level_attributes_come_whole_and_in_order() {
        gives([at("n"), at("id"), at("a"), at("x")], &Item::new().with("id", "7").with("n", 5));
    }

    #[test]
    fn nested_attributes_come_in_their_nested_shape() {
        let y = Item::new().with("x", Item::new().with("y", 1));
        gives([at("map").member("x").member("y")], &Item::new().with("map", y.clone()));
        gives(
            [at("map").member("w"), at("map").member("x").member("y")],
            &Item::new().with("map", y.with("w", "w")),
        );
    }

    #[test]
    fn elements_come_as_a_dense_list_in_the_order_of_their_indexes() {
        let list = at("list");
        let z: Value = Item::new().with("z", 2).into();
        gives(
            [list.clone().element(2), list.clone().element(9), list.clone().element(0).member("z")],
            &Item::new().with("list", vec![z, "c".into()]),
        );
        gives(
            [list.clone().element(3).element(0), list.element(0).member("nothing")],
            &Item::new().with("list", vec![Value::from(vec![Value::Null])]),
        );
    }

    #[test]
    fn where_nothing_is_nothing_is_left_behind() {
        let map = at("map");
        gives(
            [
                map.clone().member("x").member("nothing"),
                map.clone().element(0),
                at("list").member("x"),
                at("list").element(4),
                at("n").member("x"),
                at("map.x"),
            ],
            &Item::new(),
        );
        gives([], &Item::new());
    }

    #[test]
    fn parts_of_nothing_are_none() {
        let bytes = encoded(&sample());
        let item = StoredItem::parse(&bytes).expect("an item");
        let parts = |path| PreparedProjection::new([&path]).parts_of(Some(&item)).expect("the item is whole");
        assert_eq!(parts(at("x")), None);
        assert_eq!(parts(at("n")), Some(encoded(&Item::new().with("n", 5))));
        assert_eq!(PreparedProjection::new([&at("n")]).parts_of(None), Ok(None));
    }

    #[test]
    fn of_overlapping_paths_the_shorter_one_counts() {
        let map = at("map");
        let whole = sample().get("map").expect("it is there").clone();
        let whole = Item::new().with("map", whole);
        gives([map.clone(), map.clone().member("w")], &whole);
        gives([map.clone().member("w"), map.clone(), map.clone()], &whole);
        gives(
            [map.clone().element(0), map.member("w")],
            &Item::new().with("map", Item::new().with("w", "w")),
        );
    }

    #[test]
    fn more_than_127_parts_are_counted_in_two_bytes() {
        let names: Vec<String> = (0..300).map(|number| format!("{number:03}")).collect();
        let inner: Item = names.iter().map(|name| (name.clone(), Value::Null)).collect();
        let item = inner.clone().with("map", inner);
        let bytes = encoded(&item);
        let stored = StoredItem::parse(&bytes).expect("an item");
        let paths: Vec<_> =
            names.iter().flat_map(|name| [at(name), at("map").member(name.clone())]).collect();
        assert_eq!(PreparedProjection::new(&paths).parts_of(Some(&stored)), Ok(Some(bytes.clone())));
    }

    #[test]
    fn nothing_behind_the_last_wanted_attribute_is_read() {
        let damaged = [1, 3, 1, b'a', 6, 1, b'b', 6, 1, b'c', 99];
        let item = StoredItem::parse(&damaged).expect("the beginning of an item");
        let parts = |name| PreparedProjection::new([&at(name)]).parts_of(Some(&item));
        assert_eq!(parts("b"), Ok(Some(vec![1, 1, 1, b'b', 6])));
        assert!(parts("c").is_err() && parts("d").is_err());
    }
}
