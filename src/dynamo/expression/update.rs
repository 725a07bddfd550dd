//! Changes of an item, made on its stored bytes.
//!
//! The steps, in the order of the code:
//! 1. Nothing is where something is only to be taken away: nothing comes of it.
//! 2. Each action gives its effect: the bytes that stand at its path afterwards, or that nothing does. All read the
//!    item as it was.
//! 3. The effects are sorted by their paths, which is the order in which the item stands in its bytes.
//! 4. One walk over the item writes the new one: what no path leads to is copied, at every level, without being
//!    understood.
//! 5. The new item is judged as a whole: its size. The depth of what is new was judged with the effects.
//!
//! Invariants:
//! 1. Indexes of lists mean the old positions, whatever is removed; what is set beyond the end is appended in the order
//!    of the indexes.
//! 2. Arithmetic is exact, or a fault.
//! 3. Paths that overlap or conflict, which `check` refuses, are invalid here too.
//!
//! Source: DynamoDB developer guide, "Using update expressions in DynamoDB".

use super::path::DocumentPath;
use super::project::PreparedProjection;
use super::steps::{Part, Step, attributes_of, elements_of};
use super::tree::{Constant, SetOperand, SetValue, Update, UpdateAction};
use crate::base::codec::{DecodeError, Encode};
use crate::dynamo::encoding::{
    Tag, encode_item, encode_value, put_counted, put_item_of, put_number, put_value_of,
};
use crate::dynamo::limits::{ITEM_BYTES_MAX, NESTING_LEVELS_MAX};
use crate::dynamo::number::{Number, NumberError};
use crate::dynamo::stored::{StoredItem, StoredSet, StoredValue, StoredView};
use crate::dynamo::value::{Item, Value};
use std::borrow::Cow;

/// Why an update does not fit the item that it meets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateFault {
    /// A `SET` takes a value from where nothing is: `The provided expression refers to an attribute that does not exist
    /// in the item`.
    AttributeMissing,
    /// What is stored has a type that the action cannot work on: `An operand in the update expression has an incorrect
    /// data type`; with the legacy parameters `Type mismatch for attribute to update`.
    OperandType,
    /// What a path leads through is missing, or no map or list: `The document path provided in the update expression is
    /// invalid for update`.
    InvalidPath,
    /// A sum or difference is no number that can be stored; the error has the words.
    Number(NumberError),
    /// A value would stand deeper than 32 levels: `Nesting Levels have exceeded supported limits: Attributes in the
    /// item have nested levels beyond supported limit`.
    TooDeep,
    /// The new item is larger than 409,600 bytes: `Item size to update has exceeded the maximum allowed size`.
    ItemTooLarge {
        /// Its size.
        size_bytes: usize,
    },
    /// The stored bytes are not an item.
    Damaged(DecodeError),
}

impl From<DecodeError> for UpdateFault {
    fn from(error: DecodeError) -> Self {
        Self::Damaged(error)
    }
}

impl From<NumberError> for UpdateFault {
    fn from(error: NumberError) -> Self {
        Self::Number(error)
    }
}

impl Update {
    /// The stored form of the item that `old` becomes, or `None` if there is none and none comes to be.
    ///
    /// An update that only removes and deletes makes no item. Any other begins a missing one with `key`, the key's
    /// attributes; its actions still see no attributes.
    ///
    /// The caller has checked that no path leads to a key attribute, and checks what the table's indexes ask of the new
    /// item. Depth and size are checked here.
    pub fn apply(&self, old: Option<&StoredItem<'_>>, key: &Item) -> Result<Option<Vec<u8>>, UpdateFault> {
        if old.is_none() && !self.creates() {
            return Ok(None);
        }
        let mut changes = Vec::with_capacity(self.actions.len());
        let mut put_bytes = 0;
        for action in &self.actions {
            let (path, effect) = (action.path(), action.effect(old)?);
            match &effect {
                Effect::Put(value) => put_bytes += value.len(),
                // Of a missing item nothing can be taken away, whatever the path leads through.
                Effect::Remove if old.is_none() => continue,
                Effect::Remove => {}
            }
            changes.push(Change { path, effect });
        }
        changes.sort_unstable_by_key(|change| change.path);
        let mut begun = Vec::new();
        let old = if let Some(old) = old {
            *old
        } else {
            encode_item(key, &mut begun);
            StoredItem::parse(&begun)?
        };
        // Names of new attributes are short beside this, and lengths take a few bytes more.
        let mut new = Vec::with_capacity(old.as_bytes().len() + put_bytes + 64);
        put_item_of(&mut new, |new| put_changed(attributes_of(old.as_map()), &changes, 0, new))?;
        check_size(&new)?;
        Ok(Some(new))
    }

    /// The parts of an item that `UPDATED_OLD` and `UPDATED_NEW` give, of the old and of the new item.
    pub fn touched(&self) -> PreparedProjection {
        PreparedProjection::new(self.actions.iter().map(UpdateAction::path))
    }

    /// Whether an item comes to be where none is.
    fn creates(&self) -> bool {
        let takes_away =
            |action: &UpdateAction| matches!(action, UpdateAction::Remove(_) | UpdateAction::Delete { .. });
        self.actions.is_empty() || !self.actions.iter().all(takes_away)
    }
}

fn check_size(item: &[u8]) -> Result<(), UpdateFault> {
    // No part of an item counts for more than twice the bytes that it is stored in, so most items need not be counted.
    if item.len() <= ITEM_BYTES_MAX / 2 {
        return Ok(());
    }
    let size_bytes = StoredItem::parse(item)?.size_bytes()?;
    if size_bytes > ITEM_BYTES_MAX { Err(UpdateFault::ItemTooLarge { size_bytes }) } else { Ok(()) }
}

/// What stands at a path afterwards.
enum Effect<'a> {
    /// The value in these bytes.
    Put(Cow<'a, [u8]>),
    /// Nothing.
    Remove,
}

impl UpdateAction {
    fn effect<'a>(&'a self, old: Option<&StoredItem<'a>>) -> Result<Effect<'a>, UpdateFault> {
        let value = match self {
            Self::Set { value, .. } => value.compute(old)?,
            Self::Remove(_) => return Ok(Effect::Remove),
            Self::Add { path, value } => added(path.find(old)?, value, Lists::Refuse)?,
            Self::LegacyAdd { path, value } => added(path.find(old)?, value, Lists::Append)?,
            Self::Delete { path, value } => match deleted(path.find(old)?, value)? {
                Some(value) => value,
                None => return Ok(Effect::Remove),
            },
        };
        let levels = (NESTING_LEVELS_MAX + 1).saturating_sub(self.path().depth());
        if !fits(StoredValue::parse(&value)?, levels)? {
            return Err(UpdateFault::TooDeep);
        }
        Ok(Effect::Put(value))
    }
}

/// Whether a value and what it holds are no more than `levels` deep.
fn fits(value: StoredValue<'_>, levels: usize) -> Result<bool, DecodeError> {
    let Some(inner) = levels.checked_sub(1) else { return Ok(false) };
    match value.view()? {
        // Asked before anything within is read, which fails below level 32.
        StoredView::List(list) if inner == 0 => Ok(list.is_empty()),
        StoredView::Map(map) if inner == 0 => Ok(map.is_empty()),
        StoredView::List(list) => all_fit(list.elements(), inner),
        StoredView::Map(map) => all_fit(map.attributes().map(|attribute| Ok(attribute?.1)), inner),
        _ => Ok(true),
    }
}

fn all_fit<'a>(
    values: impl Iterator<Item = Result<StoredValue<'a>, DecodeError>>,
    levels: usize,
) -> Result<bool, DecodeError> {
    for value in values {
        if !fits(value?, levels)? {
            return Ok(false);
        }
    }
    Ok(true)
}

impl SetValue {
    fn compute<'a>(&'a self, old: Option<&StoredItem<'a>>) -> Result<Cow<'a, [u8]>, UpdateFault> {
        let number = |operand: &'a SetOperand| {
            let value = operand.compute(old)?;
            StoredValue::parse(&value)?.as_number()?.ok_or(UpdateFault::OperandType)
        };
        Ok(match self {
            Self::Operand(operand) => operand.compute(old)?,
            Self::Sum(left, right) => number_bytes(number(left)?.checked_add(number(right)?)?),
            Self::Difference(left, right) => number_bytes(number(left)?.checked_sub(number(right)?)?),
        })
    }
}

impl SetOperand {
    fn compute<'a>(&'a self, old: Option<&StoredItem<'a>>) -> Result<Cow<'a, [u8]>, UpdateFault> {
        Ok(match self {
            Self::Path(path) => path.find(old)?.ok_or(UpdateFault::AttributeMissing)?.encoded().into(),
            Self::Value(constant) => constant.encoded().into(),
            Self::IfNotExists { path, default } => match path.find(old)? {
                Some(value) => value.encoded().into(),
                None => default.compute(old)?,
            },
            Self::ListAppend(first, second) => {
                let (first, second) = (first.compute(old)?, second.compute(old)?);
                appended(StoredValue::parse(&first)?, StoredValue::parse(&second)?)?.into()
            }
        })
    }
}

fn number_bytes(number: Number) -> Cow<'static, [u8]> {
    let mut bytes = Vec::new();
    encode_value(&Value::Number(number), &mut bytes);
    bytes.into()
}

/// The elements of the first list, and then those of the second.
fn appended(first: StoredValue<'_>, second: StoredValue<'_>) -> Result<Vec<u8>, UpdateFault> {
    let (Some(first), Some(second)) = (first.as_list()?, second.as_list()?) else {
        return Err(UpdateFault::OperandType);
    };
    let mut bytes = Vec::new();
    put_value_of(&mut bytes, Tag::List, |bytes| {
        let mut count = 0;
        for element in first.elements().chain(second.elements()) {
            bytes.put_bytes(element?.encoded());
            count += 1;
        }
        Ok::<_, DecodeError>(count)
    })?;
    Ok(bytes)
}

/// What `ADD` does to lists.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lists {
    Refuse,
    /// As the legacy parameters do.
    Append,
}

/// What is there with `value` added; what is missing is zero, or empty.
fn added<'a>(
    there: Option<StoredValue<'a>>,
    value: &'a Constant,
    lists: Lists,
) -> Result<Cow<'a, [u8]>, UpdateFault> {
    let addend = StoredValue::parse(value.encoded())?;
    let Some(there) = there else {
        return match addend.view()? {
            StoredView::Number(_)
            | StoredView::StringSet(_)
            | StoredView::NumberSet(_)
            | StoredView::BinarySet(_) => Ok(value.encoded().into()),
            StoredView::List(_) if lists == Lists::Append => Ok(value.encoded().into()),
            _ => Err(UpdateFault::OperandType),
        };
    };
    Ok(match (there.view()?, addend.view()?) {
        (StoredView::Number(left), StoredView::Number(right)) => number_bytes(left.checked_add(right)?),
        (StoredView::List(_), StoredView::List(_)) if lists == Lists::Append => {
            appended(there, addend)?.into()
        }
        // A set is never empty, and so neither is one with members added.
        _ => change_set(there, addend, SetChange::Add)?.ok_or(UpdateFault::OperandType)?.into(),
    })
}

/// What is there without the members of `value`, if anything is left.
fn deleted<'a>(
    there: Option<StoredValue<'a>>,
    value: &'a Constant,
) -> Result<Option<Cow<'a, [u8]>>, UpdateFault> {
    let taken = StoredValue::parse(value.encoded())?;
    let Some(there) = there else { return Ok(None) };
    Ok(change_set(there, taken, SetChange::Delete)?.map(Cow::from))
}

#[derive(Clone, Copy)]
enum SetChange {
    Add,
    Delete,
}

/// The set that `there` becomes, or `None` if no members are left.
fn change_set(
    there: StoredValue<'_>,
    given: StoredValue<'_>,
    change: SetChange,
) -> Result<Option<Vec<u8>>, UpdateFault> {
    let mut bytes = Vec::new();
    let count = match (there.view()?, given.view()?) {
        (StoredView::StringSet(there), StoredView::StringSet(given)) => {
            let members = change.members(there, given)?;
            put_counted(&mut bytes, Tag::StringSet, &members, |bytes, member| {
                bytes.put_prefixed(member.as_bytes());
            });
            members.len()
        }
        (StoredView::NumberSet(there), StoredView::NumberSet(given)) => {
            let members = change.members(there, given)?;
            put_counted(&mut bytes, Tag::NumberSet, &members, |bytes, member| put_number(bytes, *member));
            members.len()
        }
        (StoredView::BinarySet(there), StoredView::BinarySet(given)) => {
            let members = change.members(there, given)?;
            put_counted(&mut bytes, Tag::BinarySet, &members, |bytes, member| bytes.put_prefixed(member));
            members.len()
        }
        _ => return Err(UpdateFault::OperandType),
    };
    Ok((count > 0).then_some(bytes))
}

impl SetChange {
    /// The members afterwards, in ascending order.
    fn members<T: Copy + Ord>(
        self,
        there: StoredSet<'_, T>,
        given: StoredSet<'_, T>,
    ) -> Result<Vec<T>, DecodeError> {
        let mut members: Vec<T> = there.members().collect::<Result<_, _>>()?;
        let given: Vec<T> = given.members().collect::<Result<_, _>>()?;
        match self {
            Self::Add => {
                members.extend(given);
                members.sort();
                members.dedup();
            }
            Self::Delete => members.retain(|member| given.binary_search(member).is_err()),
        }
        Ok(members)
    }
}

/// What an action makes of the place that its path leads to.
struct Change<'a> {
    path: &'a DocumentPath,
    effect: Effect<'a>,
}

/// Sorted changes of one map or list, part by part.
struct ChangedParts<'c, 'a> {
    changes: &'c [Change<'a>],
    depth: usize,
}

impl<'c, 'a> Iterator for ChangedParts<'c, 'a> {
    /// A step, and the changes whose paths take it at this depth.
    type Item = (Step<'a>, &'c [Change<'a>]);

    fn next(&mut self) -> Option<Self::Item> {
        let step = Step::of(self.changes.first()?.path, self.depth)?;
        let count = self.changes.partition_point(|change| Step::of(change.path, self.depth) <= Some(step));
        let (part, rest) = self.changes.split_at(count);
        self.changes = rest;
        Some((step, part))
    }
}

/// Appends the parts of a map or list with the changes made, and says how many there are.
fn put_changed<'a>(
    parts: impl Iterator<Item = Result<Part<'a>, DecodeError>>,
    changes: &[Change<'_>],
    depth: usize,
    buffer: &mut Vec<u8>,
) -> Result<u64, UpdateFault> {
    let mut count = 0;
    let mut changes = ChangedParts { changes, depth }.peekable();
    for part in parts {
        let (step, value) = part?;
        while let Some((step, changes)) = changes.next_if(|(other, _)| *other < step) {
            count += put_part(step, None, changes, depth, buffer)?;
        }
        if let Some((step, changes)) = changes.next_if(|(other, _)| *other == step) {
            count += put_part(step, Some(value), changes, depth, buffer)?;
        } else {
            step.put_name(buffer);
            buffer.put_bytes(value.encoded());
            count += 1;
        }
    }
    for (step, changes) in changes {
        count += put_part(step, None, changes, depth, buffer)?;
    }
    Ok(count)
}

/// Appends one part with its changes made, unless it is removed, and says whether it is there.
fn put_part(
    step: Step<'_>,
    value: Option<StoredValue<'_>>,
    changes: &[Change<'_>],
    depth: usize,
    buffer: &mut Vec<u8>,
) -> Result<u64, UpdateFault> {
    let depth = depth + 1;
    if let [Change { path, effect }] = changes
        && path.depth() == depth
    {
        let Effect::Put(value) = effect else { return Ok(0) };
        step.put_name(buffer);
        buffer.put_bytes(value);
        return Ok(1);
    }
    let lead = |wanted: fn(Step<'_>) -> bool| {
        changes.iter().all(|change| Step::of(change.path, depth).is_some_and(wanted))
    };
    step.put_name(buffer);
    match value.map(|value| value.view()).transpose()? {
        Some(StoredView::Map(map)) if lead(|step| matches!(step, Step::Attribute(_))) => {
            put_value_of(buffer, Tag::Map, |buffer| put_changed(attributes_of(map), changes, depth, buffer))?;
        }
        Some(StoredView::List(list)) if lead(|step| matches!(step, Step::Index(_))) => {
            put_value_of(buffer, Tag::List, |buffer| put_changed(elements_of(list), changes, depth, buffer))?;
        }
        _ => return Err(UpdateFault::InvalidPath),
    }
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::value::tests::at_level;

    fn at(name: &str) -> DocumentPath {
        DocumentPath::attribute(name)
    }

    fn given(value: impl Into<Value>) -> SetOperand {
        SetOperand::Value(Constant::new(value))
    }

    fn stored(name: &str) -> SetOperand {
        SetOperand::Path(at(name))
    }

    fn if_not_exists(name: &str, default: SetOperand) -> SetOperand {
        SetOperand::IfNotExists { path: at(name), default: Box::new(default) }
    }

    fn list_append(first: SetOperand, second: SetOperand) -> SetOperand {
        SetOperand::ListAppend(Box::new(first), Box::new(second))
    }

    fn set_to(path: DocumentPath, operand: SetOperand) -> UpdateAction {
        UpdateAction::Set { path, value: SetValue::Operand(operand) }
    }

    fn set(path: DocumentPath, value: impl Into<Value>) -> UpdateAction {
        set_to(path, given(value))
    }

    fn sum(path: DocumentPath, left: SetOperand, right: SetOperand) -> UpdateAction {
        UpdateAction::Set { path, value: SetValue::Sum(left, right) }
    }

    fn remove(path: DocumentPath) -> UpdateAction {
        UpdateAction::Remove(path)
    }

    fn add(path: DocumentPath, value: impl Into<Value>) -> UpdateAction {
        UpdateAction::Add { path, value: Constant::new(value) }
    }

    fn legacy_add(path: DocumentPath, value: impl Into<Value>) -> UpdateAction {
        UpdateAction::LegacyAdd { path, value: Constant::new(value) }
    }

    fn delete(path: DocumentPath, value: impl Into<Value>) -> UpdateAction {
        UpdateAction::Delete { path, value: Constant::new(value) }
    }

    fn texts<const COUNT: usize>(members: [&str; COUNT]) -> Value {
        Value::string_set(members).expect("a set")
    }

    fn list<const COUNT: usize>(elements: [&str; COUNT]) -> Value {
        Value::List(elements.map(Value::from).into())
    }

    fn number(text: &str) -> Value {
        text.parse::<Number>().expect("a number").into()
    }

    fn encoded(item: &Item) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_item(item, &mut bytes);
        bytes
    }

    fn decoded(bytes: &[u8]) -> Item {
        StoredItem::parse(bytes).and_then(|item| item.to_item()).expect("an item")
    }

    fn key() -> Item {
        Item::new().with("pk", "k")
    }

    fn sample() -> Item {
        key()
            .with("n", 5)
            .with("l", list(["a", "b", "c", "d"]))
            .with("m", Item::new().with("x", 1).with("y", Item::new().with("z", list(["q"]))))
            .with("s", texts(["a", "b"]))
    }

    fn update(item: Option<&Item>, actions: Vec<UpdateAction>) -> Result<Option<Vec<u8>>, UpdateFault> {
        let bytes = item.map(encoded);
        let item = bytes.as_deref().map(|bytes| StoredItem::parse(bytes).expect("an item"));
        Update { actions }.apply(item.as_ref(), &key())
    }

    #[track_caller]
    fn makes(actions: impl Into<Vec<UpdateAction>>, expected: &Item) {
        let new = update(Some(&sample()), actions.into()).expect("it fits").expect("an item");
        assert_eq!(&decoded(&new), expected);
        assert_eq!(new, encoded(expected), "the one form of an item");
    }

    #[track_caller]
    fn refuses(actions: impl Into<Vec<UpdateAction>>, fault: UpdateFault) {
        assert_eq!(update(Some(&sample()), actions.into()), Err(fault));
    }

    #[track_caller]
    fn makes_of_nothing(actions: impl Into<Vec<UpdateAction>>, expected: Option<&Item>) {
        assert_eq!(update(None, actions.into()), Ok(expected.map(encoded)));
    }

    /// What `UPDATED_OLD` and `UPDATED_NEW` give.
    fn touched(actions: impl Into<Vec<UpdateAction>>) -> (Option<Item>, Option<Item>) {
        let update = Update { actions: actions.into() };
        let old = encoded(&sample());
        let old = StoredItem::parse(&old).expect("an item");
        let new = update.apply(Some(&old), &key()).expect("it fits").expect("an item");
        let new = StoredItem::parse(&new).expect("an item");
        let parts = |item| update.touched().parts_of(Some(item)).expect("the item is whole");
        (parts(&old).map(|bytes| decoded(&bytes)), parts(&new).map(|bytes| decoded(&bytes)))
    }

    #[test]
    fn all_clauses_read_the_item_as_it_was() {
        makes(
            [
                set_to(at("n"), stored("l")),
                set_to(at("l"), stored("n")),
                remove(at("s")),
                set_to(at("t"), stored("s")),
            ],
            &{
                let mut item =
                    sample().with("n", list(["a", "b", "c", "d"])).with("l", 5).with("t", texts(["a", "b"]));
                item.remove("s");
                item
            },
        );
    }

    #[test]
    fn indexes_mean_the_old_positions() {
        makes(
            [remove(at("l").element(1)), set(at("l").element(3), "new")],
            &sample().with("l", list(["a", "c", "new"])),
        );
    }

    #[test]
    fn set_beyond_the_end_appends_in_the_order_of_the_indexes() {
        makes(
            [set(at("l").element(100), "z"), set(at("l").element(7), "y"), remove(at("l").element(0))],
            &sample().with("l", list(["b", "c", "d", "y", "z"])),
        );
    }

    #[test]
    fn nested_paths_change_nothing_beside_them() {
        let inner = Item::new().with("z", list(["w"])).with("new", 1);
        makes(
            [
                set(at("m").member("y").member("new"), 1),
                set(at("m").member("y").member("z").element(0), "w"),
                remove(at("m").member("x")),
            ],
            &sample().with("m", Item::new().with("y", inner)),
        );
        makes([remove(at("m").member("y").member("z").element(0))], &{
            let z = Item::new().with("z", Value::List(Vec::new()));
            sample().with("m", Item::new().with("x", 1).with("y", z))
        });
    }

    #[test]
    fn set_from_a_missing_attribute_is_refused() {
        refuses([set_to(at("a"), stored("x"))], UpdateFault::AttributeMissing);
        refuses([sum(at("a"), stored("x"), given(1))], UpdateFault::AttributeMissing);
        refuses([set_to(at("a"), list_append(stored("l"), stored("x")))], UpdateFault::AttributeMissing);
    }

    #[test]
    fn stored_operands_of_the_wrong_type_are_refused() {
        for action in [
            sum(at("a"), stored("s"), given(1)),
            set_to(at("a"), list_append(stored("n"), given(list(["x"])))),
            add(at("l"), 1),
            add(at("n"), texts(["x"])),
            add(at("s"), Value::number_set([1]).expect("a set")),
            delete(at("n"), texts(["x"])),
            delete(at("s"), Value::number_set([1]).expect("a set")),
        ] {
            refuses([action], UpdateFault::OperandType);
        }
    }

    #[test]
    fn a_parent_that_is_missing_or_of_the_wrong_kind_is_refused() {
        let nowhere = [
            at("x").member("y"),
            at("x").element(0),
            at("n").member("y"),
            at("l").member("y"),
            at("m").element(0),
        ];
        let nowhere = nowhere.into_iter().chain([at("s").element(0), at("l").element(9).member("x")]);
        for path in nowhere {
            refuses([set(path.clone(), 1)], UpdateFault::InvalidPath);
            refuses([add(path.clone(), 1)], UpdateFault::InvalidPath);
            refuses([remove(path.clone())], UpdateFault::InvalidPath);
            refuses([delete(path, texts(["a"]))], UpdateFault::InvalidPath);
        }
    }

    #[test]
    fn remove_of_a_missing_leaf_changes_nothing() {
        for path in [at("x"), at("m").member("w"), at("l").element(4)] {
            makes([remove(path)], &sample());
        }
    }

    #[test]
    fn if_not_exists_takes_what_is_there_or_the_default() {
        makes([set_to(at("n"), if_not_exists("n", given(0)))], &sample());
        makes([set_to(at("x"), if_not_exists("x", given(0)))], &sample().with("x", 0));
        makes([set_to(at("x"), if_not_exists("x", if_not_exists("y", stored("n"))))], &sample().with("x", 5));
        makes([sum(at("x"), if_not_exists("x", given(0)), given(1))], &sample().with("x", 1));
    }

    #[test]
    fn list_append_takes_the_lists_in_their_order() {
        makes(
            [
                set_to(at("l"), list_append(given(list(["0"])), stored("l"))),
                set_to(at("x"), list_append(if_not_exists("x", given(list([]))), given(list(["1"])))),
            ],
            &sample().with("l", list(["0", "a", "b", "c", "d"])).with("x", list(["1"])),
        );
    }

    #[test]
    fn sums_and_differences_are_exact_to_38_digits() {
        let nines = "9".repeat(38);
        let difference =
            |left, right| UpdateAction::Set { path: at("x"), value: SetValue::Difference(left, right) };
        makes([difference(stored("n"), given(number("0.1")))], &sample().with("x", number("4.9")));
        makes([sum(at("x"), given(number(&nines)), given(number("-1")))], &{
            sample().with("x", number(&format!("{}8", "9".repeat(37))))
        });
        let overflow = UpdateFault::Number(NumberError::Overflow);
        refuses([sum(at("x"), given(number(&nines)), given(2))], overflow.clone());
        refuses(
            [sum(at("x"), given(number(&format!("{nines}e88"))), given(number("1e88")))],
            overflow.clone(),
        );
        refuses([sum(at("x"), stored("n"), given(number("1e-130")))], overflow);
        refuses(
            [difference(given(number("1.1e-130")), given(number("1e-130")))],
            UpdateFault::Number(NumberError::Underflow),
        );
    }

    #[test]
    fn add_counts_what_is_missing_as_zero_or_empty() {
        makes([add(at("n"), -7), add(at("x"), 3)], &sample().with("n", -2).with("x", 3));
        makes(
            [add(at("s"), texts(["c", "a"])), add(at("x"), texts(["d"]))],
            &sample().with("s", texts(["a", "b", "c"])).with("x", texts(["d"])),
        );
        makes([add(at("m").member("x"), 1), add(at("l").element(9), 1)], &{
            let l = vec!["a".into(), "b".into(), "c".into(), "d".into(), Value::from(1)];
            let y = Item::new().with("z", list(["q"]));
            sample().with("l", l).with("m", Item::new().with("x", 2).with("y", y))
        });
    }

    #[test]
    fn add_never_takes_lists_but_for_the_legacy_parameters() {
        refuses([add(at("l"), list(["e"]))], UpdateFault::OperandType);
        refuses([add(at("x"), list(["e"]))], UpdateFault::OperandType);
        makes(
            [legacy_add(at("l"), list(["e"])), legacy_add(at("x"), list(["f"])), legacy_add(at("n"), 1)],
            &sample().with("l", list(["a", "b", "c", "d", "e"])).with("x", list(["f"])).with("n", 6),
        );
    }

    #[test]
    fn delete_takes_members_away_and_the_attribute_with_the_last() {
        makes([delete(at("s"), texts(["b", "c"]))], &sample().with("s", texts(["a"])));
        makes([delete(at("x"), texts(["b"]))], &sample());
        makes([delete(at("s"), texts(["a", "b", "c"]))], &{
            let mut item = sample();
            item.remove("s");
            item
        });
    }

    #[test]
    fn sets_of_numbers_and_binaries_change_too() {
        let numbers = |members: &[i64]| Value::number_set(members.iter().copied()).expect("a set");
        let item =
            sample().with("ns", numbers(&[-1, 10, 9])).with("bs", Value::binary_set([[1]]).expect("a set"));
        let binaries = Value::binary_set([[0], [1]]).expect("a set");
        let actions = vec![add(at("ns"), numbers(&[9, 2])), add(at("bs"), binaries.clone())];
        let new = update(Some(&item), actions).expect("it fits").expect("an item");
        let expected = item.with("ns", numbers(&[-1, 2, 9, 10])).with("bs", binaries);
        assert_eq!(decoded(&new), expected);
        let actions = vec![
            delete(at("ns"), numbers(&[10, 3])),
            delete(at("bs"), Value::binary_set([[1]]).expect("a set")),
        ];
        let new = update(Some(&expected), actions).expect("it fits").expect("an item");
        let expected =
            expected.with("ns", numbers(&[-1, 2, 9])).with("bs", Value::binary_set([[0]]).expect("a set"));
        assert_eq!(decoded(&new), expected);
    }

    #[test]
    fn nothing_to_do_on_a_missing_item_makes_the_key_alone() {
        makes_of_nothing([], Some(&key()));
        makes([], &sample());
    }

    #[test]
    fn only_removing_and_deleting_on_a_missing_item_makes_nothing() {
        makes_of_nothing([remove(at("x")), delete(at("y"), texts(["a"]))], None);
        makes_of_nothing([remove(at("x").member("y").element(1))], None);
    }

    #[test]
    fn set_and_add_make_an_item_that_begins_with_its_key() {
        makes_of_nothing(
            [set(at("a"), "new"), add(at("z"), 1), remove(at("x").member("y"))],
            Some(&key().with("a", "new").with("z", 1)),
        );
        assert_eq!(update(None, vec![set(at("a").member("b"), 1)]), Err(UpdateFault::InvalidPath));
    }

    #[test]
    fn a_missing_item_has_no_attributes_to_read_not_even_its_key() {
        assert_eq!(update(None, vec![set_to(at("a"), stored("pk"))]), Err(UpdateFault::AttributeMissing));
        makes_of_nothing([set_to(at("a"), if_not_exists("pk", given(1)))], Some(&key().with("a", 1)));
    }

    #[test]
    fn touched_parts_come_in_their_nested_shape() {
        assert_eq!(touched([set(at("m").member("x"), 2)]), {
            let m = |x| Some(Item::new().with("m", Item::new().with("x", x)));
            (m(1), m(2))
        });
        assert_eq!(touched([set(at("l").element(2), "C"), set(at("l").element(0), "A")]), {
            (Some(Item::new().with("l", list(["a", "c"]))), Some(Item::new().with("l", list(["A", "C"]))))
        });
    }

    #[test]
    fn removed_parts_are_old_only_and_new_ones_new_only() {
        let n = |n| Some(Item::new().with("n", n));
        assert_eq!(touched([remove(at("n"))]), (n(5), None));
        assert_eq!(touched([set(at("x"), 1)]), (None, Some(Item::new().with("x", 1))));
        assert_eq!(touched([remove(at("x"))]), (None, None));
        assert_eq!(touched([]), (None, None));
    }

    #[test]
    fn a_removed_element_shows_the_one_that_moved_there() {
        let l = |element| Some(Item::new().with("l", list([element])));
        assert_eq!(touched([remove(at("l").element(1))]), (l("b"), l("c")));
    }

    #[test]
    fn an_element_set_beyond_the_end_shows_nothing() {
        assert_eq!(touched([set(at("l").element(100), "z")]), (None, None));
    }

    #[test]
    fn values_at_level_32_fit_and_deeper_ones_do_not() {
        let deep = |levels| set(at("m").member("x"), at_level(Value::Null, levels));
        assert!(update(Some(&sample()), vec![deep(31)]).is_ok());
        refuses([deep(32)], UpdateFault::TooDeep);
        refuses([set(at("m").member("x"), at_level(Value::from(Item::new()), 32))], UpdateFault::TooDeep);
        // What stands at level 32 already does not fit one level deeper.
        let item = sample().with("deep", at_level(Value::Null, 32));
        assert_eq!(
            update(Some(&item), vec![set_to(at("m").member("x"), stored("deep"))]),
            Err(UpdateFault::TooDeep)
        );
        assert!(update(Some(&item), vec![set_to(at("x"), stored("deep"))]).is_ok());
    }

    #[test]
    fn the_finished_item_is_at_most_409600_bytes() {
        let filler = ITEM_BYTES_MAX - sample().size_bytes() - 1;
        assert!(update(Some(&sample()), vec![set(at("x"), "f".repeat(filler))]).is_ok());
        refuses(
            [set(at("x"), "f".repeat(filler + 1))],
            UpdateFault::ItemTooLarge { size_bytes: ITEM_BYTES_MAX + 1 },
        );
        assert!(update(Some(&sample()), vec![remove(at("n")), set(at("x"), "f".repeat(filler + 1))]).is_ok());
    }

    #[test]
    fn an_item_counts_at_most_twice_the_bytes_that_it_is_stored_in() {
        for digits in 1..=38 {
            for exponent in -40..5 {
                let number = Number::from_parts(true, 10_u128.pow(digits) - 1, exponent).expect("in range");
                let item = Item::new().with("", Value::number_set([number]).expect("a set"));
                assert!(item.size_bytes() <= 2 * encoded(&item).len(), "{item:?}");
            }
        }
    }

    #[test]
    fn overlapping_paths_are_invalid() {
        for (one, two) in
            [(at("m"), at("m")), (at("m"), at("m").member("x")), (at("m").member("x"), at("m").element(0))]
        {
            refuses([set(one.clone(), 1), set(two.clone(), 2)], UpdateFault::InvalidPath);
            refuses([set(two, 2), set(one, 1)], UpdateFault::InvalidPath);
        }
    }

    #[test]
    fn damaged_bytes_are_a_fault() {
        let damaged = [1, 2, 1, b'a', 6, 1, b'b', 99];
        let item = StoredItem::parse(&damaged).expect("the beginning of an item");
        let result = Update { actions: vec![set(at("a"), 1)] }.apply(Some(&item), &key());
        let error = DecodeError { expected: "the tag of a value", offset: 7 };
        assert_eq!(result, Err(UpdateFault::Damaged(error)));
    }
}
