//! Writes the members of an answer. What is absent is left out.

use crate::json::text::{write_array, write_string};
use crate::json::typed::write_item;
use pixii::Item;
use std::io::Write as _;

/// An object that is being written. `end` closes it.
#[derive(Debug)]
#[must_use = "an object is closed by `end`"]
pub(crate) struct ObjectWriter<'a> {
    buffer: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> ObjectWriter<'a> {
    /// Opens an object.
    pub(crate) fn begin(buffer: &'a mut Vec<u8>) -> Self {
        buffer.push(b'{');
        Self { buffer, is_empty: true }
    }

    /// Closes the object.
    pub(crate) fn end(self) {
        self.buffer.push(b'}');
    }

    /// Writes a member's name, and gives where its value is to be written.
    pub(crate) fn member(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.is_empty {
            self.buffer.push(b',');
        }
        self.is_empty = false;
        write_string(name, self.buffer);
        self.buffer.push(b':');
        self.buffer
    }

    /// A string.
    pub(crate) fn string(&mut self, name: &str, text: &str) {
        write_string(text, self.member(name));
    }

    /// A string, if it is there.
    pub(crate) fn maybe_string(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.string(name, text);
        }
    }

    /// Anything that JSON writes as it is shown: a number, `true`, `false`.
    pub(crate) fn plain(&mut self, name: &str, value: impl std::fmt::Display) {
        write!(self.member(name), "{value}").expect("memory takes everything");
    }

    /// The same, if it is there.
    pub(crate) fn maybe_plain(&mut self, name: &str, value: Option<impl std::fmt::Display>) {
        if let Some(value) = value {
            self.plain(name, value);
        }
    }

    /// A fraction, with a point in any case.
    pub(crate) fn fraction(&mut self, name: &str, value: f64) {
        write!(self.member(name), "{value:?}").expect("memory takes every number");
    }

    /// A moment, from milliseconds to seconds.
    pub(crate) fn moment(&mut self, name: &str, millis: u64) {
        write!(self.member(name), "{}.{:03}", millis / 1000, millis % 1000)
            .expect("memory takes every number");
    }

    /// A moment, if it is there.
    pub(crate) fn maybe_moment(&mut self, name: &str, millis: Option<u64>) {
        if let Some(millis) = millis {
            self.moment(name, millis);
        }
    }

    /// An item, as attributes with their types.
    pub(crate) fn item(&mut self, name: &str, item: &Item) {
        write_item(item, self.member(name));
    }

    /// An item, if it is there.
    pub(crate) fn maybe_item(&mut self, name: &str, item: Option<&Item>) {
        if let Some(item) = item {
            self.item(name, item);
        }
    }

    /// An object, whose members `write` writes.
    pub(crate) fn object(&mut self, name: &str, write: impl FnOnce(&mut ObjectWriter<'_>)) {
        write_members(self.member(name), write);
    }

    /// An array of what `write` appends for each element.
    pub(crate) fn array<T>(
        &mut self,
        name: &str,
        elements: impl IntoIterator<Item = T>,
        write: impl FnMut(T, &mut Vec<u8>),
    ) {
        write_array(elements, self.member(name), write);
    }

    /// An array of objects, whose members `write` writes for each element.
    pub(crate) fn objects<T>(
        &mut self,
        name: &str,
        elements: impl IntoIterator<Item = T>,
        mut write: impl FnMut(T, &mut ObjectWriter<'_>),
    ) {
        self.array(name, elements, |element, buffer| {
            write_members(buffer, |object| write(element, object));
        });
    }
}

/// An object, whose members `write` writes.
pub(crate) fn write_members(buffer: &mut Vec<u8>, write: impl FnOnce(&mut ObjectWriter<'_>)) {
    let mut object = ObjectWriter::begin(buffer);
    write(&mut object);
    object.end();
}

/// A whole body: an object, whose members `write` writes.
pub(crate) fn body(write: impl FnOnce(&mut ObjectWriter<'_>)) -> Vec<u8> {
    let mut buffer = Vec::with_capacity(256);
    write_members(&mut buffer, write);
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_in_the_order_in_which_they_are_written() {
        let body = body(|body| {
            body.string("s", "a\"b");
            body.maybe_string("absent", None);
            body.plain("n", 7);
            body.fraction("f", 1.0);
            body.moment("m", 1_732_500_000_042);
            body.object("o", |object| object.plain("t", true));
            body.objects("l", [1, 2], |element, object| object.plain("e", element));
            body.item("i", &Item::new().with("a", 1));
        });
        assert_eq!(
            String::from_utf8(body).expect("text"),
            r#"{"s":"a\"b","n":7,"f":1.0,"m":1732500000.042,"o":{"t":true},"l":[{"e":1},{"e":2}],"i":{"a":{"N":"1"}}}"#
        );
    }
}
