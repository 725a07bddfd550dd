//! Steps through stored bytes: what stands at a path, and maps and lists as parts that steps lead to. Nothing is copied.

use super::path::{DocumentPath, PathElement};
use crate::base::codec::{DecodeError, Encode};
use crate::dynamo::stored::{StoredItem, StoredList, StoredMap, StoredValue};

/// One step of a path, the first included. The order is that of paths, and of the parts in stored bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step<'a> {
    Attribute(&'a str),
    Index(usize),
}

impl<'a> Step<'a> {
    /// The step of `path` at `depth`, where 0 is its root.
    pub(super) fn of(path: &'a DocumentPath, depth: usize) -> Option<Self> {
        let Some(below) = depth.checked_sub(1) else { return Some(Self::Attribute(path.root())) };
        path.rest().get(below).map(Self::from)
    }

    /// Appends the name that stands in front of an attribute; elements have none.
    pub(super) fn put_name(self, buffer: &mut Vec<u8>) {
        if let Self::Attribute(name) = self {
            buffer.put_prefixed(name.as_bytes());
        }
    }
}

impl<'a> From<&'a PathElement> for Step<'a> {
    fn from(element: &'a PathElement) -> Self {
        match element {
            PathElement::Attribute(name) => Self::Attribute(name),
            PathElement::Index(index) => Self::Index(*index),
        }
    }
}

/// A part of a map or list, and the step that leads to it.
pub(super) type Part<'a> = (Step<'a>, StoredValue<'a>);

/// The attributes of a map, in order.
pub(super) fn attributes_of(map: StoredMap<'_>) -> impl Iterator<Item = Result<Part<'_>, DecodeError>> {
    map.attributes().map(|attribute| attribute.map(|(name, value)| (Step::Attribute(name), value)))
}

/// The elements of a list, in order.
pub(super) fn elements_of(list: StoredList<'_>) -> impl Iterator<Item = Result<Part<'_>, DecodeError>> {
    list.elements().enumerate().map(|(index, element)| element.map(|element| (Step::Index(index), element)))
}

impl DocumentPath {
    /// What stands here in `item`, if anything does: a missing item has no attributes, a value of another type than
    /// the next step asks for has no parts.
    pub(super) fn find<'a>(
        &self,
        item: Option<&StoredItem<'a>>,
    ) -> Result<Option<StoredValue<'a>>, DecodeError> {
        let Some(item) = item else { return Ok(None) };
        let mut found = item.get(self.root())?;
        for element in self.rest() {
            let Some(value) = found else { break };
            found = match element {
                PathElement::Attribute(name) => match value.as_map()? {
                    Some(map) => map.get(name)?,
                    None => None,
                },
                PathElement::Index(index) => match value.as_list()? {
                    Some(list) => list.get(*index)?,
                    None => None,
                },
            };
        }
        Ok(found)
    }
}
