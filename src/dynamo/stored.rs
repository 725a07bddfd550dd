//! Items in their stored form, looked into without decoding them all. The form is written down, and written, in
//! `encoding`.
//!
//! Invariants:
//! 1. What decodes, whole, is in the one form that it would be encoded to.
//! 2. Reading never panics and never allocates beyond the input. Elements deeper than 32 levels are refused as they
//!    are reached, so whoever walks a stored value by recursion is bounded.
//! 3. A part is checked when it is read, not before: an error can come late. The bytes below are covered by
//!    checksums, so that it comes at all means a fault of ours or bytes that were never ours.
#![warn(clippy::indexing_slicing)]

use super::encoding::{Tag, VERSION, number_from};
use super::limits::NESTING_LEVELS_MAX;
use super::number::Number;
use super::value::{Item, Value, ValueType};
use crate::base::codec::{DecodeError, Decoder, Encode};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

/// A place in an item's bytes: what is read is checked there, and errors say where in the item they are.
#[derive(Clone, Copy)]
struct Place<'a> {
    bytes: &'a [u8],
    /// Where in the item the bytes begin.
    offset: usize,
    /// The level at which what is read here stands.
    level: usize,
}

impl<'a> Place<'a> {
    fn error(&self, expected: &'static str) -> DecodeError {
        DecodeError { expected, offset: self.offset }
    }

    /// Reads from the front, and moves on behind what was read.
    fn take<T>(
        &mut self,
        read: impl FnOnce(&mut Decoder<'a>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let mut decoder = Decoder::new(self.bytes);
        let result = read(&mut decoder)
            .map_err(|error| DecodeError { expected: error.expected, offset: self.offset + error.offset })?;
        self.offset += decoder.offset();
        self.bytes = decoder.rest();
        Ok(result)
    }

    fn text(&mut self, expected: &'static str) -> Result<&'a str, DecodeError> {
        let error = self.error(expected);
        std::str::from_utf8(self.take(|decoder| decoder.prefixed(expected))?).map_err(|_| error)
    }

    fn value(&mut self) -> Result<StoredValue<'a>, DecodeError> {
        if self.level > NESTING_LEVELS_MAX {
            return Err(self.error("a value at one of 32 levels"));
        }
        let start = *self;
        let not_a_tag = self.error("the tag of a value");
        let tag = Tag::from_byte(self.take(|decoder| decoder.u8("a value"))?).ok_or(not_a_tag)?;
        let payload = if tag.has_payload() {
            self.take(|decoder| decoder.prefixed("the payload of a value"))?
        } else {
            &[]
        };
        let length = self.offset - start.offset;
        let encoded = start.bytes.get(..length).ok_or(not_a_tag)?;
        Ok(StoredValue {
            tag,
            encoded,
            payload_length: payload.len(),
            offset: start.offset,
            level: self.level,
        })
    }
}

/// An item in its stored form.
#[derive(Clone, Copy)]
pub struct StoredItem<'a> {
    bytes: &'a [u8],
    attributes: StoredMap<'a>,
}

impl<'a> StoredItem<'a> {
    /// The item in `bytes`. Only the beginning is looked at.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut place = Place { bytes, offset: 0, level: 1 };
        let error = place.error("an item of version 1");
        if place.take(|decoder| decoder.u8("an item"))? != VERSION {
            return Err(error);
        }
        Ok(Self { bytes, attributes: StoredMap::parse(place)? })
    }

    /// The bytes that the item was parsed from.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The value of the attribute `name`. Reads no further than that.
    pub fn get(&self, name: &str) -> Result<Option<StoredValue<'a>>, DecodeError> {
        self.attributes.get(name)
    }

    /// The attributes in the order of their names' bytes.
    pub fn attributes(&self) -> StoredAttributes<'a> {
        self.attributes.attributes()
    }

    /// The attributes as a map.
    pub fn as_map(&self) -> StoredMap<'a> {
        self.attributes
    }

    /// How many attributes there are.
    pub fn len(&self) -> usize {
        self.attributes.len()
    }

    /// Whether there are no attributes.
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// The whole item, decoded.
    pub fn to_item(&self) -> Result<Item, DecodeError> {
        self.attributes.to_map().map(Item::from)
    }

    /// Size in bytes as DynamoDB counts it; the same as [`Item::size_bytes`].
    pub fn size_bytes(&self) -> Result<usize, DecodeError> {
        self.attributes.attributes_size_bytes()
    }
}

impl fmt::Debug for StoredItem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoredItem").field(&self.to_item()).finish()
    }
}

/// Appends the stored form of an item that has those attributes of `item` that `names` names. Their values are copied
/// and not looked at; names that the item does not have are passed over.
pub fn project(
    item: &StoredItem<'_>,
    names: &[impl AsRef<str>],
    buffer: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let mut count = 0_u64;
    let mut attributes = Vec::new();
    for attribute in item.attributes() {
        let (name, value) = attribute?;
        if names.iter().any(|wanted| wanted.as_ref() == name) {
            count += 1;
            attributes.put_prefixed(name.as_bytes());
            attributes.put_bytes(value.encoded());
        }
    }
    buffer.put_u8(VERSION);
    buffer.put_varint(count);
    buffer.put_bytes(&attributes);
    Ok(())
}

/// A value in its stored form; nothing but its type has been looked at.
///
/// Two stored values are equal if their bytes are, which is if the values are.
#[derive(Clone, Copy)]
pub struct StoredValue<'a> {
    tag: Tag,
    encoded: &'a [u8],
    payload_length: usize,
    offset: usize,
    level: usize,
}

/// A stored value, looked into: scalars are decoded, the others are read on demand.
#[derive(Clone, Copy, Debug)]
pub enum StoredView<'a> {
    /// `S`.
    String(&'a str),
    /// `N`.
    Number(Number),
    /// `B`.
    Binary(&'a [u8]),
    /// `BOOL`.
    Bool(bool),
    /// `NULL`.
    Null,
    /// `L`.
    List(StoredList<'a>),
    /// `M`.
    Map(StoredMap<'a>),
    /// `SS`.
    StringSet(StoredSet<'a, &'a str>),
    /// `NS`.
    NumberSet(StoredSet<'a, Number>),
    /// `BS`.
    BinarySet(StoredSet<'a, &'a [u8]>),
}

impl<'a> StoredValue<'a> {
    /// The one value in `bytes`, as [`encode_value`](super::encoding::encode_value) writes it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut place = Place { bytes, offset: 0, level: 1 };
        let value = place.value()?;
        if place.bytes.is_empty() { Ok(value) } else { Err(place.error("the end of the value")) }
    }

    /// The value's type.
    pub fn value_type(&self) -> ValueType {
        self.tag.value_type()
    }

    /// The value's bytes, as [`encode_value`](super::encoding::encode_value) writes them.
    pub fn encoded(&self) -> &'a [u8] {
        self.encoded
    }

    /// Looks into the value.
    pub fn view(&self) -> Result<StoredView<'a>, DecodeError> {
        let place = self.payload();
        Ok(match self.tag {
            Tag::String => StoredView::String(text_from(place.bytes).ok_or(place.error("text in UTF-8"))?),
            Tag::Number => StoredView::Number(number_from(place.bytes).ok_or(place.error("a number"))?),
            Tag::Binary => StoredView::Binary(place.bytes),
            Tag::False => StoredView::Bool(false),
            Tag::True => StoredView::Bool(true),
            Tag::Null => StoredView::Null,
            Tag::List => StoredView::List(StoredList::parse(place)?),
            Tag::Map => StoredView::Map(StoredMap::parse(place)?),
            Tag::StringSet => StoredView::StringSet(StoredSet::parse(place, text_from)?),
            Tag::NumberSet => StoredView::NumberSet(StoredSet::parse(place, number_from)?),
            Tag::BinarySet => StoredView::BinarySet(StoredSet::parse(place, Some)?),
        })
    }

    /// The text of an `S`.
    pub fn as_str(&self) -> Result<Option<&'a str>, DecodeError> {
        Ok(match self.tag {
            Tag::String => {
                Some(text_from(self.payload().bytes).ok_or(self.payload().error("text in UTF-8"))?)
            }
            _ => None,
        })
    }

    /// The number of an `N`.
    pub fn as_number(&self) -> Result<Option<Number>, DecodeError> {
        Ok(match self.tag {
            Tag::Number => Some(number_from(self.payload().bytes).ok_or(self.payload().error("a number"))?),
            _ => None,
        })
    }

    /// The bytes of a `B`.
    pub fn as_binary(&self) -> Option<&'a [u8]> {
        (self.tag == Tag::Binary).then(|| self.payload().bytes)
    }

    /// The truth of a `BOOL`.
    pub fn as_bool(&self) -> Option<bool> {
        match self.tag {
            Tag::False => Some(false),
            Tag::True => Some(true),
            _ => None,
        }
    }

    /// Whether this is `NULL`.
    pub fn is_null(&self) -> bool {
        self.tag == Tag::Null
    }

    /// The elements of an `L`.
    pub fn as_list(&self) -> Result<Option<StoredList<'a>>, DecodeError> {
        if self.tag == Tag::List { StoredList::parse(self.payload()).map(Some) } else { Ok(None) }
    }

    /// The attributes of an `M`.
    pub fn as_map(&self) -> Result<Option<StoredMap<'a>>, DecodeError> {
        if self.tag == Tag::Map { StoredMap::parse(self.payload()).map(Some) } else { Ok(None) }
    }

    /// The whole value, decoded.
    pub fn to_value(&self) -> Result<Value, DecodeError> {
        Ok(match self.view()? {
            StoredView::String(text) => text.into(),
            StoredView::Number(number) => number.into(),
            StoredView::Binary(bytes) => bytes.into(),
            StoredView::Bool(truth) => truth.into(),
            StoredView::Null => Value::Null,
            StoredView::List(list) => {
                Value::List(list.elements().map(|element| element?.to_value()).collect::<Result<_, _>>()?)
            }
            StoredView::Map(map) => Value::Map(map.to_map()?),
            StoredView::StringSet(set) => Value::StringSet(
                set.members().map(|member| member.map(str::to_owned)).collect::<Result<_, _>>()?,
            ),
            StoredView::NumberSet(set) => Value::NumberSet(set.members().collect::<Result<_, _>>()?),
            StoredView::BinarySet(set) => Value::BinarySet(
                set.members().map(|member| member.map(<[u8]>::to_vec)).collect::<Result<_, _>>()?,
            ),
        })
    }

    /// Size in bytes as DynamoDB counts it; the same as [`Value::size_bytes`].
    pub fn size_bytes(&self) -> Result<usize, DecodeError> {
        Ok(match self.view()? {
            StoredView::String(text) => text.len(),
            StoredView::Number(number) => number.size_bytes(),
            StoredView::Binary(bytes) => bytes.len(),
            StoredView::Bool(_) | StoredView::Null => 1,
            StoredView::List(list) => {
                let elements = list.elements().map(|element| element?.size_bytes());
                3 + list.len() + elements.sum::<Result<usize, _>>()?
            }
            StoredView::Map(map) => 3 + map.len() + map.attributes_size_bytes()?,
            StoredView::StringSet(set) => {
                set.members().map(|member| member.map(str::len)).sum::<Result<_, _>>()?
            }
            StoredView::NumberSet(set) => {
                set.members().map(|member| member.map(Number::size_bytes)).sum::<Result<_, _>>()?
            }
            StoredView::BinarySet(set) => {
                set.members().map(|member| member.map(<[u8]>::len)).sum::<Result<_, _>>()?
            }
        })
    }

    /// The payload; what stands in it is one level deeper.
    fn payload(&self) -> Place<'a> {
        let start = self.encoded.len() - self.payload_length;
        let bytes = self.encoded.get(start..).unwrap_or_default();
        Place { bytes, offset: self.offset + start, level: self.level + 1 }
    }
}

impl PartialEq for StoredValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.encoded == other.encoded
    }
}

impl Eq for StoredValue<'_> {}

impl fmt::Debug for StoredValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoredValue").field(&self.to_value()).finish()
    }
}

fn text_from(payload: &[u8]) -> Option<&str> {
    std::str::from_utf8(payload).ok()
}

/// Parts that stand one behind the other, and how many they are said to be.
#[derive(Clone, Copy)]
struct Sequence<'a> {
    count: usize,
    parts: Place<'a>,
}

impl<'a> Sequence<'a> {
    fn parse(mut place: Place<'a>) -> Result<Self, DecodeError> {
        let count = place.take(|decoder| decoder.length("a count"))?;
        Ok(Self { count, parts: place })
    }

    /// The next part. After an error there is none; behind the last part nothing may follow.
    fn next<T>(
        &mut self,
        read: impl FnOnce(&mut Place<'a>) -> Result<T, DecodeError>,
    ) -> Option<Result<T, DecodeError>> {
        let result = if let Some(left) = self.count.checked_sub(1) {
            self.count = left;
            read(&mut self.parts)
        } else if self.parts.bytes.is_empty() {
            return None;
        } else {
            Err(self.parts.error("no more parts than were counted"))
        };
        if result.is_err() {
            self.count = 0;
            self.parts.bytes = &[];
        }
        Some(result)
    }
}

/// The elements of a stored list.
#[derive(Clone, Copy)]
pub struct StoredList<'a> {
    elements: Sequence<'a>,
}

impl<'a> StoredList<'a> {
    fn parse(payload: Place<'a>) -> Result<Self, DecodeError> {
        Sequence::parse(payload).map(|elements| Self { elements })
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.elements.count
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at `index`. Reads no further than that.
    pub fn get(&self, index: usize) -> Result<Option<StoredValue<'a>>, DecodeError> {
        self.elements().nth(index).transpose()
    }

    /// The elements in order.
    pub fn elements(&self) -> StoredElements<'a> {
        StoredElements { rest: self.elements }
    }
}

impl fmt::Debug for StoredList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.elements()).finish()
    }
}

/// Iterates over the elements of a stored list. After an error there is nothing more.
#[derive(Clone)]
pub struct StoredElements<'a> {
    rest: Sequence<'a>,
}

impl<'a> Iterator for StoredElements<'a> {
    type Item = Result<StoredValue<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rest.next(Place::value)
    }
}

/// The attributes of a stored item or map.
#[derive(Clone, Copy)]
pub struct StoredMap<'a> {
    attributes: Sequence<'a>,
}

impl<'a> StoredMap<'a> {
    fn parse(payload: Place<'a>) -> Result<Self, DecodeError> {
        Sequence::parse(payload).map(|attributes| Self { attributes })
    }

    /// How many attributes there are.
    pub fn len(&self) -> usize {
        self.attributes.count
    }

    /// Whether there are no attributes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of the attribute `name`. Reads no further than that.
    pub fn get(&self, name: &str) -> Result<Option<StoredValue<'a>>, DecodeError> {
        let mut place = self.attributes.parts;
        for _ in 0..self.attributes.count {
            let found = place.take(|decoder| decoder.prefixed("the name of an attribute"))?;
            let value = place.value()?;
            match found.cmp(name.as_bytes()) {
                Ordering::Less => {}
                Ordering::Equal => return Ok(Some(value)),
                Ordering::Greater => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The attributes in the order of their names' bytes.
    pub fn attributes(&self) -> StoredAttributes<'a> {
        StoredAttributes { rest: self.attributes, previous: None }
    }

    /// All attributes, decoded.
    pub fn to_map(&self) -> Result<BTreeMap<String, Value>, DecodeError> {
        self.attributes()
            .map(|attribute| attribute.and_then(|(name, value)| Ok((name.to_owned(), value.to_value()?))))
            .collect()
    }

    fn attributes_size_bytes(&self) -> Result<usize, DecodeError> {
        self.attributes()
            .map(|attribute| attribute.and_then(|(name, value)| Ok(name.len() + value.size_bytes()?)))
            .sum()
    }
}

impl fmt::Debug for StoredMap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.attributes()).finish()
    }
}

/// Iterates over the attributes of a stored item or map. After an error there is nothing more.
#[derive(Clone)]
pub struct StoredAttributes<'a> {
    rest: Sequence<'a>,
    previous: Option<&'a str>,
}

impl<'a> Iterator for StoredAttributes<'a> {
    type Item = Result<(&'a str, StoredValue<'a>), DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let previous = self.previous;
        let attribute = self.rest.next(|place| {
            let misplaced = place.error("names in ascending order");
            let name = place.text("the name of an attribute")?;
            if previous.is_some_and(|previous| previous >= name) {
                return Err(misplaced);
            }
            Ok((name, place.value()?))
        });
        if let Some(Ok((name, _))) = attribute {
            self.previous = Some(name);
        }
        attribute
    }
}

/// The members of a stored set: texts, numbers or byte strings.
#[derive(Clone, Copy)]
pub struct StoredSet<'a, T> {
    members: Sequence<'a>,
    decode: fn(&'a [u8]) -> Option<T>,
}

impl<'a, T: Copy + Ord> StoredSet<'a, T> {
    fn parse(payload: Place<'a>, decode: fn(&'a [u8]) -> Option<T>) -> Result<Self, DecodeError> {
        Sequence::parse(payload).map(|members| Self { members, decode })
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.count
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `wanted` is a member.
    pub fn contains(&self, wanted: T) -> Result<bool, DecodeError> {
        for member in self.members() {
            let member = member?;
            if member >= wanted {
                return Ok(member == wanted);
            }
        }
        Ok(false)
    }

    /// The members in ascending order.
    pub fn members(&self) -> StoredMembers<'a, T> {
        StoredMembers { rest: self.members, decode: self.decode, previous: None }
    }
}

impl<T: Copy + Ord + fmt::Debug> fmt::Debug for StoredSet<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.members()).finish()
    }
}

/// Iterates over the members of a stored set. After an error there is nothing more.
#[derive(Clone)]
pub struct StoredMembers<'a, T> {
    rest: Sequence<'a>,
    decode: fn(&'a [u8]) -> Option<T>,
    previous: Option<T>,
}

impl<T: Copy + Ord> Iterator for StoredMembers<'_, T> {
    type Item = Result<T, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self { previous, decode, .. } = *self;
        let member = self.rest.next(|place| {
            let misplaced = place.error("members of a set in ascending order");
            let bytes = place.take(|decoder| decoder.prefixed("a member of a set"))?;
            let member =
                decode(bytes).ok_or(DecodeError { expected: "a member of the set's type", ..misplaced })?;
            if previous.is_some_and(|previous| previous >= member) { Err(misplaced) } else { Ok(member) }
        });
        if let Some(Ok(member)) = member {
            self.previous = Some(member);
        }
        member
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::encoding::{encode_item, encode_value};
    use crate::dynamo::value::tests::{any_item, any_value, at_level};
    use proptest::prelude::*;

    fn encoded(item: &Item) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_item(item, &mut bytes);
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Item, DecodeError> {
        StoredItem::parse(bytes)?.to_item()
    }

    /// Everything that can be asked of bytes; returns the item if they are one.
    fn read_all(bytes: &[u8]) -> Option<Item> {
        let stored = StoredItem::parse(bytes).ok()?;
        let _ = stored.get("b");
        let _ = stored.size_bytes();
        let _ = project(&stored, &["a", "c"], &mut Vec::new());
        for (_, value) in stored.attributes().flatten() {
            drop(format!("{value:?}"));
        }
        stored.to_item().ok()
    }

    fn sample() -> Item {
        let inner =
            Item::new().with("x", vec![Value::from("y"), Value::Null, Value::from(true)]).with("z", "w");
        let set = |set: Result<Value, _>| set.expect("a set");
        Item::new()
            .with("id", "user#1")
            .with("n", i64::MIN)
            .with("bytes", vec![0_u8, 255])
            .with("map", inner)
            .with("ss", set(Value::string_set(["a", "ab"])))
            .with("ns", set(Value::number_set([-3, 0, 12])))
            .with("bs", set(Value::binary_set([b"a", b"b"])))
            .with("long", "l".repeat(300))
    }

    #[test]
    fn attributes_are_found_without_reading_further() {
        let bytes = encoded(&sample());
        let stored = StoredItem::parse(&bytes).expect("an item");
        let id = stored.get("id").expect("readable").expect("there");
        assert_eq!(id.as_str(), Ok(Some("user#1")));
        assert_eq!(id.as_number(), Ok(None));
        assert_eq!(stored.get("nothing"), Ok(None));
        assert_eq!(stored.get("zzz"), Ok(None));
        let cut = StoredItem::parse(&bytes[..bytes.len() / 2]).expect("the beginning of an item");
        assert_eq!(cut.get("id").map(|id| id.map(|id| id.to_value())), Ok(Some(Ok(Value::from("user#1")))));
        let map =
            stored.get("map").expect("readable").expect("there").as_map().expect("readable").expect("a map");
        let list =
            map.get("x").expect("readable").expect("there").as_list().expect("readable").expect("a list");
        assert_eq!(list.get(2).map(|element| element.and_then(|element| element.as_bool())), Ok(Some(true)));
        assert_eq!(list.get(3), Ok(None));
    }

    #[test]
    fn members_of_sets_are_found() {
        let bytes = encoded(&sample());
        let stored = StoredItem::parse(&bytes).expect("an item");
        let view = stored.get("ns").expect("readable").expect("there").view();
        let Ok(StoredView::NumberSet(set)) = view else { panic!("{view:?}") };
        assert_eq!((set.contains(12.into()), set.contains(1.into())), (Ok(true), Ok(false)));
        assert_eq!(set.members().collect::<Result<Vec<_>, _>>(), Ok(vec![(-3).into(), 0.into(), 12.into()]));
    }

    #[test]
    fn every_truncation_is_refused() {
        let bytes = encoded(&sample());
        for length in 0..bytes.len() {
            assert!(read_all(&bytes[..length]).is_none(), "{length} bytes were taken");
        }
        assert_eq!(read_all(&bytes), Some(sample()));
    }

    #[test]
    fn every_bit_flip_is_refused_or_another_item() {
        let bytes = encoded(&sample());
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Some(item) = read_all(&flipped) {
                assert_ne!(item, sample(), "bit {bit} is not seen");
                assert_eq!(encoded(&item), flipped, "bit {bit} gives a second form");
            }
        }
    }

    #[test]
    fn other_forms_of_the_same_item_are_refused() {
        let refused = |bytes: &[u8], expected, offset| {
            assert_eq!(decode(bytes), Err(DecodeError { expected, offset }), "{bytes:?}");
        };
        refused(&[2, 0], "an item of version 1", 0);
        refused(&[1, 0, 0], "no more parts than were counted", 2);
        refused(&[1, 2, 1, b'b', 6, 1, b'a', 6], "names in ascending order", 5);
        refused(&[1, 2, 1, b'a', 6, 1, b'a', 6], "names in ascending order", 5);
        refused(&[1, 1, 1, b'a', 2, 2, 0, 10], "a number", 6);
        refused(&[1, 1, 1, b'a', 2, 3, 0, 1, 0], "a number", 6);
        refused(&[1, 1, 1, b'a', 2, 1, 0], "a number", 6);
        refused(&[1, 1, 1, b'a', 9, 5, 2, 1, b'b', 1, b'a'], "members of a set in ascending order", 9);
        refused(&[1, 1, 1, b'a', 10, 5, 2, 0, 2, 1, 1], "members of a set in ascending order", 8);
        refused(&[1, 1, 1, b'a', 12, 0], "the tag of a value", 4);
        refused(&[1, 1, 1, b'a', 1, 1, 0xff], "text in UTF-8", 6);
        refused(&[1, 1, 1, 0xff, 6], "the name of an attribute", 2);
    }

    #[test]
    fn counts_and_lengths_beyond_the_input_allocate_nothing() {
        let mut bytes = vec![1];
        bytes.put_varint(u64::MAX);
        assert!(decode(&bytes).is_err());
        let mut bytes = vec![1, 1, 1, b'a', Tag::List as u8, 10];
        bytes.put_varint(u64::MAX);
        assert!(decode(&bytes).is_err());
    }

    #[test]
    fn level_32_is_read_and_level_33_refused() {
        let item = Item::new().with("a", at_level(Value::Null, 32));
        assert_eq!(decode(&encoded(&item)), Ok(item));
        let deeper = encoded(&Item::new().with("a", at_level(Value::Null, 33)));
        assert_eq!(decode(&deeper).map_err(|error| error.expected), Err("a value at one of 32 levels"));
    }

    #[test]
    fn thousands_of_levels_do_not_overflow_the_stack() {
        let mut value = vec![Tag::Null as u8];
        for _ in 0..20_000 {
            let mut outer = vec![Tag::List as u8];
            outer.put_varint(value.len() as u64 + 1);
            outer.put_u8(1);
            outer.append(&mut value);
            value = outer;
        }
        let stored = StoredValue::parse(&value).expect("the outermost list");
        assert!(stored.to_value().is_err() && stored.size_bytes().is_err());
    }

    #[test]
    fn an_iterator_ends_after_its_error() {
        let bytes = [1, 3, 1, b'a', 6, 1, b'b', 99, 1, b'c', 6];
        let stored = StoredItem::parse(&bytes).expect("the beginning of an item");
        let read: Vec<_> = stored.attributes().map(|attribute| attribute.is_ok()).collect();
        assert_eq!(read, [true, false]);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same_item(item in any_item()) {
            let bytes = encoded(&item);
            let stored = StoredItem::parse(&bytes).expect("an item");
            prop_assert_eq!(stored.size_bytes(), Ok(item.size_bytes()));
            for (name, value) in item.iter() {
                let found = stored.get(name).expect("readable").expect("there");
                prop_assert_eq!(found.value_type(), value.value_type());
                prop_assert_eq!(&found.to_value().expect("readable"), value);
            }
            prop_assert_eq!(stored.to_item(), Ok(item));
        }

        #[test]
        fn values_are_equal_if_their_bytes_are(left in any_value(), right in any_value()) {
            let encoded = |value: &Value| {
                let mut bytes = Vec::new();
                encode_value(value, &mut bytes);
                bytes
            };
            let (left_bytes, right_bytes) = (encoded(&left), encoded(&right));
            prop_assert_eq!(left == right, left_bytes == right_bytes);
            let stored = StoredValue::parse(&left_bytes).expect("a value");
            let right_stored = StoredValue::parse(&right_bytes).expect("a value");
            prop_assert_eq!(stored == right_stored, left == right);
            prop_assert_eq!(stored.to_value(), Ok(left));
        }

        #[test]
        fn a_projection_is_the_item_of_the_named_attributes(item in any_item(), names in prop::collection::vec("[a-c]{1,3}", 0..4)) {
            let bytes = encoded(&item);
            let mut projected = Vec::new();
            project(&StoredItem::parse(&bytes).expect("an item"), &names, &mut projected).expect("readable");
            let expected: Item = item.into_iter().filter(|(name, _)| names.contains(name)).collect();
            prop_assert_eq!(projected, encoded(&expected));
        }

        #[test]
        fn changed_bytes_are_refused_or_canonical(
            item in any_item(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut bytes = encoded(&item);
            for (place, byte) in changes {
                let index = place.index(bytes.len());
                bytes[index] = byte;
            }
            if let Some(item) = read_all(&bytes) {
                prop_assert_eq!(encoded(&item), bytes);
            }
        }

        #[test]
        fn foreign_bytes_are_refused_or_canonical(mut bytes in prop::collection::vec(0_u8..16, 0..40)) {
            bytes.insert(0, VERSION);
            if let Some(item) = read_all(&bytes) {
                prop_assert_eq!(encoded(&item), bytes);
            }
        }
    }
}
