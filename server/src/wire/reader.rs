//! Reads JSON from a text by asking for what must come next, and says in DynamoDB's words what comes instead.
//!
//! Invariants:
//! 1. Nothing is read deeper than [`DEPTH_MAX`] brackets, so recursion over a text is bounded on small stacks.
//! 2. `null` is the same as nothing there, for every member.
//! 3. Nothing is allocated for what is passed over, and for a string only where it has escapes.
//! 4. Of a list that has a limit no more elements are kept than show that it is too long, however many there are.
//!
//! Source of the words: what DynamoDB was seen to answer; its documentation has none.
#![warn(clippy::indexing_slicing)]

use std::borrow::Cow;

/// Most brackets around a value. Attributes may nest 32 levels deep, each of which is two brackets here.
const DEPTH_MAX: usize = 128;

/// Why a text is not a request: the message of a `SerializationException`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) Cow<'static, str>);

impl Unreadable {
    fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self(message.into())
    }
}

pub(crate) type Result<T> = std::result::Result<T, Unreadable>;

/// What a value is, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

/// The text of a body.
pub(crate) fn text(body: &[u8]) -> Result<&str> {
    std::str::from_utf8(body).map_err(|_| Unreadable::new("The body is not text in UTF-8"))
}

/// A place in a JSON text.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// At the beginning of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// Refuses anything but white space behind what was read.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.skip_space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.malformed("the end of the text")) }
    }

    /// What comes next.
    pub(crate) fn peek(&mut self) -> Result<Kind> {
        self.skip_space();
        Ok(match self.byte() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            Some(b't') => Kind::True,
            Some(b'f') => Kind::False,
            Some(b'n') => Kind::Null,
            _ => return Err(self.malformed("a value")),
        })
    }

    /// A string.
    pub(crate) fn string(&mut self) -> Result<Option<Cow<'a, str>>> {
        match self.peek()? {
            Kind::String => self.text().map(Some),
            other => self.instead(other, "String"),
        }
    }

    /// A string to be kept.
    pub(crate) fn owned(&mut self) -> Result<Option<String>> {
        Ok(self.string()?.map(Cow::into_owned))
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self) -> Result<Option<bool>> {
        match self.peek()? {
            Kind::True => self.literal("true").map(|()| Some(true)),
            Kind::False => self.literal("false").map(|()| Some(false)),
            other => self.instead(other, "Boolean"),
        }
    }

    /// A whole number of 32 bits: a fraction is dropped, what is too great is the greatest.
    pub(crate) fn integer(&mut self) -> Result<Option<i32>> {
        match self.peek()? {
            #[expect(clippy::cast_possible_truncation, reason = "saturates, as DynamoDB does")]
            Kind::Number => self.number().map(|number| Some(number as i32)),
            other => self.instead(other, "Integer"),
        }
    }

    /// A whole number of 64 bits, in the same way.
    pub(crate) fn long(&mut self) -> Result<Option<i64>> {
        match self.peek()? {
            Kind::Number => {
                let start = self.at;
                let number = self.number()?;
                let digits = self.text.get(start..self.at).unwrap_or_default();
                #[expect(clippy::cast_possible_truncation, reason = "saturates, as DynamoDB does")]
                let saturated = number as i64;
                Ok(Some(digits.parse().unwrap_or(saturated)))
            }
            other => self.instead(other, "Long"),
        }
    }

    /// A moment in seconds since 1970.
    pub(crate) fn seconds(&mut self) -> Result<Option<f64>> {
        match self.peek()? {
            Kind::Number => self.number().map(Some),
            other => self.instead(other, "Date"),
        }
    }

    /// A structure: gives each of its members to `read`, which must read or skip it. `shape` is its name in DynamoDB's
    /// model. False if there is none. The outermost one must be there, and is the whole text.
    pub(crate) fn structure(
        &mut self,
        shape: &str,
        read: impl FnMut(&mut Self, &str) -> Result<()>,
    ) -> Result<bool> {
        let is_body = self.depth == 0;
        match self.peek()? {
            Kind::Object => {
                self.members(read)?;
                if is_body {
                    self.end()?;
                }
                Ok(true)
            }
            Kind::Null if !is_body => self.literal("null").map(|()| false),
            Kind::Array => Err(Unreadable::new(format!(
                "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.{shape}"
            ))),
            _ => Err(Unreadable::new("Unexpected value type in payload")),
        }
    }

    /// A map by name: gives each of its values to `read`. False if there is none.
    pub(crate) fn map(&mut self, read: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<bool> {
        match self.peek()? {
            Kind::Object => self.members(read).map(|()| true),
            Kind::Null => self.literal("null").map(|()| false),
            Kind::Array => Err(Unreadable::new("Unrecognized collection type java.util.Map")),
            _ => Err(Unreadable::new("Unexpected value type in payload")),
        }
    }

    /// A list: gives each of its elements to `read`. `None` if there is none.
    pub(crate) fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Result<T>) -> Result<Option<Vec<T>>> {
        let mut elements = Vec::new();
        let is_there = self.elements(|reader| {
            elements.push(read(reader)?);
            Ok(())
        })?;
        Ok(is_there.then_some(elements))
    }

    /// A list that may have `most` elements. Of a longer one `most + 1` are read, which is enough to be refused, and
    /// the others are passed over.
    pub(crate) fn list_up_to<T>(
        &mut self,
        most: usize,
        mut read: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Option<Vec<T>>> {
        let mut elements = Vec::new();
        let is_there = self.elements(|reader| {
            if elements.len() > most {
                return reader.skip();
            }
            elements.push(read(reader)?);
            Ok(())
        })?;
        Ok(is_there.then_some(elements))
    }

    /// Gives each element of a list to `read`, which must read or skip it. False if there is none.
    fn elements(&mut self, mut read: impl FnMut(&mut Self) -> Result<()>) -> Result<bool> {
        match self.peek()? {
            Kind::Array => {}
            Kind::Null => return self.literal("null").map(|()| false),
            Kind::Object => {
                return Err(Unreadable::new("Start of structure or map found where not expected"));
            }
            _ => return Err(Unreadable::new("Unexpected value type in payload")),
        }
        self.open()?;
        self.skip_space();
        if self.byte() == Some(b']') {
            self.close();
            return Ok(true);
        }
        loop {
            read(self)?;
            self.skip_space();
            match self.byte() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.close();
                    return Ok(true);
                }
                _ => return Err(self.malformed("a comma or the end of the array")),
            }
        }
    }

    /// Passes over a value of any kind.
    pub(crate) fn skip(&mut self) -> Result<()> {
        match self.peek()? {
            Kind::Object => self.members(|reader, _| reader.skip()),
            Kind::Array => self.elements(Self::skip).map(drop),
            Kind::String => self.text().map(drop),
            Kind::Number => self.number().map(drop),
            Kind::True => self.literal("true"),
            Kind::False => self.literal("false"),
            Kind::Null => self.literal("null"),
        }
    }

    /// Something stands where a scalar of the type `wanted` must.
    fn instead<T>(&mut self, found: Kind, wanted: &str) -> Result<Option<T>> {
        let token = match found {
            Kind::Null => return self.literal("null").map(|()| None),
            Kind::Object => {
                return Err(Unreadable::new("Start of structure or map found where not expected"));
            }
            Kind::Array => {
                let message = format!("Unrecognized collection type class java.lang.{wanted}");
                return Err(Unreadable::new(message));
            }
            Kind::String => "STRING_VALUE",
            Kind::Number => "NUMBER_VALUE",
            Kind::True => "TRUE_VALUE",
            Kind::False => "FALSE_VALUE",
        };
        Err(Unreadable::new(format!("{token} cannot be converted to {wanted}")))
    }

    fn members(&mut self, mut read: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<()> {
        self.open()?;
        self.skip_space();
        if self.byte() == Some(b'}') {
            self.close();
            return Ok(());
        }
        loop {
            self.skip_space();
            if self.byte() != Some(b'"') {
                return Err(self.malformed("the name of a member"));
            }
            let name = self.text()?;
            self.skip_space();
            if self.byte() != Some(b':') {
                return Err(self.malformed("a colon"));
            }
            self.at += 1;
            read(self, &name)?;
            self.skip_space();
            match self.byte() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.close();
                    return Ok(());
                }
                _ => return Err(self.malformed("a comma or the end of the object")),
            }
        }
    }

    fn open(&mut self) -> Result<()> {
        if self.depth == DEPTH_MAX {
            return Err(self.malformed("no more than 128 levels"));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn malformed(&self, expected: &str) -> Unreadable {
        Unreadable::new(format!("The body is not JSON: expected {expected} at byte {}", self.at))
    }

    fn literal(&mut self, literal: &str) -> Result<()> {
        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(literal)) {
            self.at += literal.len();
            Ok(())
        } else {
            Err(self.malformed("a value"))
        }
    }

    /// REQUIRES: a digit or a minus comes next.
    fn number(&mut self) -> Result<f64> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        let digits = self.text.get(start..self.at).unwrap_or_default();
        digits.parse().map_err(|_| self.malformed("a number"))
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(self.malformed("a digit")) }
    }

    /// REQUIRES: a quote comes next.
    fn text(&mut self) -> Result<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.byte() {
                Some(b'"') => {
                    let text = self.text.get(start..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(Cow::Borrowed(text));
                }
                Some(b'\\') => break,
                Some(0..=0x1f) | None => return Err(self.malformed("the end of the string")),
                Some(_) => self.at += 1,
            }
        }
        let mut text = self.text.get(start..self.at).unwrap_or_default().to_owned();
        loop {
            let plain = self.at;
            while !matches!(self.byte(), Some(b'"' | b'\\' | 0..=0x1f) | None) {
                self.at += 1;
            }
            text.push_str(self.text.get(plain..self.at).unwrap_or_default());
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(text));
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escaped()?);
                }
                _ => return Err(self.malformed("the end of the string")),
            }
        }
    }

    /// The character of an escape, whose backslash was read.
    fn escaped(&mut self) -> Result<char> {
        let letter = self.byte();
        self.at += 1;
        Ok(match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.hex()?;
                let code = match first {
                    0xd800..=0xdbff => {
                        self.literal("\\u")?;
                        match self.hex()? {
                            low @ 0xdc00..=0xdfff => 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00),
                            _ => return Err(self.malformed("the second half of a surrogate pair")),
                        }
                    }
                    code => code,
                };
                char::from_u32(code).ok_or_else(|| self.malformed("a character"))?
            }
            _ => return Err(self.malformed("an escaped character")),
        })
    }

    fn hex(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.malformed("four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said<'a, T: std::fmt::Debug>(
        text: &'a str,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T>,
    ) -> String {
        let mut reader = Reader::new(text);
        let read = read(&mut reader).and_then(|value| reader.end().map(|()| value));
        match read {
            Ok(value) => format!("{value:?}"),
            Err(Unreadable(message)) => message.into_owned(),
        }
    }

    #[test]
    fn of_a_list_that_is_too_long_no_more_is_kept_than_shows_it() {
        let text = format!("[{}7]", "7,".repeat(100_000));
        let mut count = 0;
        let kept = said(&text, |reader| {
            reader.list_up_to(2, |reader| {
                count += 1;
                reader.integer()
            })
        });
        assert_eq!((kept.as_str(), count), ("Some([Some(7), Some(7), Some(7)])", 3));
        assert!(said("[1,2,3,?]", |reader| reader.list_up_to(1, Reader::integer)).contains("a value"));
    }

    #[test]
    fn what_is_asked_for_is_read() {
        assert_eq!(said(" \"a\\u00e9\\ud83d\\ude00\\n\" ", Reader::string), "Some(\"aé😀\\n\")");
        assert_eq!(said("null", Reader::string), "None");
        assert_eq!(said("true", Reader::boolean), "Some(true)");
        for (text, number) in [("5", 5), ("5.9", 5), ("-0.5e1", -5), ("1e99", i32::MAX), ("-1e99", i32::MIN)]
        {
            assert_eq!(said(text, Reader::integer), format!("Some({number})"));
        }
        assert_eq!(said("9223372036854775807", Reader::long), "Some(9223372036854775807)");
        assert_eq!(said("[1, 2]", |reader| reader.list(Reader::integer)), "Some([Some(1), Some(2)])");
        assert_eq!(said("[]", |reader| reader.list(Reader::integer)), "Some([])");
        assert_eq!(said("[1,2]", |reader| reader.list_up_to(2, Reader::integer)), "Some([Some(1), Some(2)])");
        let mut names = Vec::new();
        let read = said(r#"{"b": [{}], "a": {"c": 1.5e3}}"#, |reader| {
            reader.structure("Shape", |reader, name| {
                names.push(name.to_owned());
                reader.skip()
            })
        });
        assert_eq!((read.as_str(), names), ("true", vec!["b".to_owned(), "a".to_owned()]));
    }

    #[test]
    fn what_stands_instead_is_said() {
        let structure = |reader: &mut Reader<'_>| reader.structure("Shape", |reader, _| reader.skip());
        for (said, expected) in [
            (said("1", Reader::string), "NUMBER_VALUE cannot be converted to String"),
            (said("true", Reader::string), "TRUE_VALUE cannot be converted to String"),
            (said("[]", Reader::string), "Unrecognized collection type class java.lang.String"),
            (said("{}", Reader::string), "Start of structure or map found where not expected"),
            (said("\"1\"", Reader::integer), "STRING_VALUE cannot be converted to Integer"),
            (said("\"1\"", Reader::boolean), "STRING_VALUE cannot be converted to Boolean"),
            (said("\"1\"", structure), "Unexpected value type in payload"),
            (
                said("[]", structure),
                "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.Shape",
            ),
            (
                said("{}", |reader| reader.list(Reader::skip)),
                "Start of structure or map found where not expected",
            ),
            (said("7", |reader| reader.list(Reader::skip)), "Unexpected value type in payload"),
        ] {
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "}",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,}",
            "{a:1}",
            "\"",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\udc00\"",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "nul",
            "tru",
            "1 2",
            "{} {}",
            "'a'",
            "NaN",
        ] {
            let said = said(text, Reader::skip);
            assert!(said.starts_with("The body is not JSON: expected "), "{text:?}: {said}");
        }
    }

    #[test]
    fn depth_is_bounded_wherever_it_lies() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = |depth: usize| open.repeat(depth) + "1" + &close.repeat(depth);
            assert_eq!(said(&nested(DEPTH_MAX), Reader::skip), "()");
            let deep = said(&nested(DEPTH_MAX + 1), Reader::skip);
            assert!(deep.starts_with("The body is not JSON: expected no more than 128 levels"), "{deep}");
            let bomb = open.repeat(1_000_000);
            let small = std::thread::Builder::new().stack_size(128 * 1024);
            let refused = small.spawn(move || Reader::new(&bomb).skip().is_err()).expect("a thread");
            assert!(refused.join().expect("no overflow"));
        }
    }

    proptest! {
        #[test]
        fn reads_what_serde_reads(text in "[\\[\\]{}\":,0-9a-z\\\\ .+eE-]{0,12}") {
            let ours = Reader::new(&text).skip_whole();
            prop_assert_eq!(ours, serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok());
        }

        #[test]
        fn strings_are_what_serde_says(text in any::<String>()) {
            let json = serde_json::to_string(&text).expect("a string");
            prop_assert_eq!(Reader::new(&json).string(), Ok(Some(Cow::Owned(text))));
        }
    }

    impl Reader<'_> {
        fn skip_whole(mut self) -> bool {
            self.skip().and_then(|()| self.end()).is_ok()
        }
    }
}
