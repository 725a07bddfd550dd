//! The objects of a long JSON text, one by one: the elements of an array, or objects that follow one another, as in JSON
//! lines. No more than one object is in memory.
//!
//! The frame around the objects is read here, byte by byte. An object is cut out by counting its brackets outside of
//! strings, and what was cut out is parsed by `serde_json`. Where brackets do not match, too much or too little is cut
//! out, and the parser finds the place where it went wrong; so every fault has its place in the whole text.
//!
//! Invariants:
//! 1. An object of more than [`OBJECT_BYTES_MAX`] is refused, and little more than that is ever held.
//! 2. After a fault nothing more is given.
#![warn(clippy::indexing_slicing)]

use serde_json::{Map, Value as Json};
use std::fmt;
use std::io::{self, BufRead, ErrorKind};

/// Longest text of one object in bytes: the largest item, with all that escapes and indentation can add to it in practice.
const OBJECT_BYTES_MAX: usize = 16 * 1024 * 1024;

const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// A place in a text. Both count from 1, columns in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    line: usize,
    column: usize,
}

impl Place {
    const START: Self = Self { line: 1, column: 1 };

    fn advance(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
    }

    /// The place that is at `line` and `column` of a text which begins here.
    fn within(self, line: usize, column: usize) -> Self {
        match line {
            0 | 1 => Self { line: self.line, column: self.column + column.saturating_sub(1) },
            _ => Self { line: self.line + line - 1, column: column.max(1) },
        }
    }
}

/// `line:column`, which terminals and editors know to follow.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// An object, and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Object {
    /// Where it begins.
    pub(crate) place: Place,
    /// What is in it.
    pub(crate) members: Map<String, Json>,
}

/// Why there is no further object.
#[derive(Debug)]
pub(crate) enum StreamFault {
    /// The text is not what it should be.
    Malformed {
        /// Where.
        place: Place,
        /// What is wrong, in words.
        reason: String,
    },
    /// The text could not be read.
    Read(io::Error),
}

impl From<io::Error> for StreamFault {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was read.
    New,
    /// In an array, in front of its first element.
    ArrayBegun,
    /// In an array, behind an element.
    InArray,
    /// Among objects that follow one another.
    InSequence,
    /// There is nothing more, or there was a fault.
    Ended,
}

/// Reads objects from a text.
pub(crate) struct ObjectStream<R> {
    input: R,
    state: State,
    place: Place,
    offset: u64,
    text: Vec<u8>,
}

impl<R: BufRead> ObjectStream<R> {
    /// The objects of what `input` gives.
    pub(crate) fn new(input: R) -> Self {
        Self { input, state: State::New, place: Place::START, offset: 0, text: Vec::new() }
    }

    /// How many bytes were read.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next object, if there is one.
    pub(crate) fn next_object(&mut self) -> Result<Option<Object>, StreamFault> {
        let state = std::mem::replace(&mut self.state, State::Ended);
        let Some(state) = self.step_to_object(state)? else { return Ok(None) };
        let place = self.place;
        self.cut_out()?;
        let members = serde_json::from_slice(&self.text).map_err(|error| self.malformed(place, &error))?;
        self.state = state;
        Ok(Some(Object { place, members }))
    }

    /// Goes to the first byte of the next object, and returns the state behind that object.
    fn step_to_object(&mut self, state: State) -> Result<Option<State>, StreamFault> {
        match state {
            State::New => {
                self.skip_byte_order_mark()?;
                match self.peek()? {
                    Some(b'[') => {
                        self.take(1);
                        self.step_to_object(State::ArrayBegun)
                    }
                    Some(b'{') => Ok(Some(State::InSequence)),
                    None => Ok(None),
                    Some(_) => Err(self.unexpected("an array of objects, or objects one after the other")),
                }
            }
            State::ArrayBegun => match self.peek()? {
                Some(b'{') => Ok(Some(State::InArray)),
                Some(b']') => self.end_array(),
                _ => Err(self.unexpected("an object, or the end of the array")),
            },
            State::InArray => match self.peek()? {
                Some(b',') => {
                    self.take(1);
                    match self.peek()? {
                        Some(b'{') => Ok(Some(State::InArray)),
                        _ => Err(self.unexpected("an object behind the comma")),
                    }
                }
                Some(b']') => self.end_array(),
                _ => Err(self.unexpected("`,` and a further object, or `]`")),
            },
            State::InSequence => match self.peek()? {
                Some(b'{') => Ok(Some(State::InSequence)),
                None => Ok(None),
                Some(_) => Err(self.unexpected("a further object")),
            },
            State::Ended => Ok(None),
        }
    }

    fn end_array(&mut self) -> Result<Option<State>, StreamFault> {
        self.take(1);
        match self.peek()? {
            None => Ok(None),
            Some(_) => Err(self.unexpected("nothing behind the array")),
        }
    }

    /// Cuts out what begins here and ends with the bracket that closes the first one.
    fn cut_out(&mut self) -> io::Result<()> {
        self.text.clear();
        let mut brackets = Brackets::default();
        loop {
            let chunk = fill(&mut self.input)?;
            let last = chunk.iter().position(|byte| brackets.close_with(*byte));
            let count = last.map_or(chunk.len(), |last| last + 1);
            self.text.extend_from_slice(chunk.get(..count).unwrap_or_default());
            self.take(count);
            if last.is_some() || count == 0 || self.text.len() > OBJECT_BYTES_MAX {
                return Ok(());
            }
        }
    }

    /// The first byte that is not white space, if there is one.
    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            let chunk = fill(&mut self.input)?;
            let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            let spaces = chunk.iter().take_while(is_space).count();
            match chunk.get(spaces) {
                None if spaces == 0 => return Ok(None),
                found => {
                    let found = found.copied();
                    self.take(spaces);
                    if found.is_some() {
                        return Ok(found);
                    }
                }
            }
        }
    }

    /// Some editors begin a text with it; it is none of the text.
    fn skip_byte_order_mark(&mut self) -> io::Result<()> {
        if fill(&mut self.input)?.starts_with(&BYTE_ORDER_MARK) {
            self.input.consume(BYTE_ORDER_MARK.len());
            self.offset += BYTE_ORDER_MARK.len() as u64;
        }
        Ok(())
    }

    /// Goes on by `count` bytes of what was filled.
    fn take(&mut self, count: usize) {
        // What was filled is given again, without reading.
        let chunk = self.input.fill_buf().unwrap_or_default();
        self.place.advance(chunk.get(..count).unwrap_or_default());
        self.input.consume(count);
        self.offset += count as u64;
    }

    fn unexpected(&mut self, expected: &str) -> StreamFault {
        let found = match self.peek() {
            Err(error) => return error.into(),
            Ok(None) => "the end of the text".to_owned(),
            Ok(Some(byte)) if byte.is_ascii_graphic() => format!("`{}`", char::from(byte)),
            Ok(Some(byte)) => format!("the byte {byte:#04x}"),
        };
        StreamFault::Malformed { place: self.place, reason: format!("expected {expected}, found {found}") }
    }

    /// What the parser said of the object that begins at `place`.
    fn malformed(&self, place: Place, error: &serde_json::Error) -> StreamFault {
        if error.is_eof() && self.text.len() > OBJECT_BYTES_MAX {
            let reason = format!("an object of more than {OBJECT_BYTES_MAX} bytes begins here");
            return StreamFault::Malformed { place, reason };
        }
        let text = error.to_string();
        let suffix = format!(" at line {} column {}", error.line(), error.column());
        let reason = text.strip_suffix(&suffix).unwrap_or(&text).to_owned();
        StreamFault::Malformed { place: place.within(error.line(), error.column()), reason }
    }
}

fn fill(input: &mut impl BufRead) -> io::Result<&[u8]> {
    loop {
        match input.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(_) => break,
        }
    }
    // What was filled is given again, without reading, unless it was empty.
    input.fill_buf()
}

/// Which brackets are open.
#[derive(Default)]
struct Brackets {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
}

impl Brackets {
    /// Takes a byte, and says whether it closes the first bracket.
    fn close_with(&mut self, byte: u8) -> bool {
        if self.in_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::io::BufReader;

    /// Everything that a text gives, and why it ended.
    fn read(text: &[u8], buffer_bytes: usize) -> (Vec<(String, String)>, Option<String>) {
        let mut stream = ObjectStream::new(BufReader::with_capacity(buffer_bytes, text));
        let mut objects = Vec::new();
        loop {
            match stream.next_object() {
                Ok(Some(object)) => {
                    objects.push((object.place.to_string(), Json::Object(object.members).to_string()));
                }
                Ok(None) => {
                    assert_eq!(stream.offset(), text.len() as u64);
                    return (objects, None);
                }
                Err(StreamFault::Malformed { place, reason }) => {
                    assert!(stream.next_object().expect("it has ended").is_none());
                    return (objects, Some(format!("{place}: {reason}")));
                }
                Err(StreamFault::Read(error)) => panic!("memory can be read: {error}"),
            }
        }
    }

    fn check_fault(text: &str, objects: usize, expected: &str) {
        for buffer_bytes in [3, 4096] {
            let (found, fault) = read(text.as_bytes(), buffer_bytes);
            assert_eq!((found.len(), fault.as_deref()), (objects, Some(expected)), "{text}");
        }
    }

    #[test]
    fn objects_are_found_with_their_places() {
        let expected = [("1:2", r#"{"a":1}"#), ("2:2", r#"{"b":"}]\\\""}"#), ("3:4", r#"{"c":[{}]}"#)];
        let expected = expected.map(|(place, object)| (place.to_owned(), object.to_owned()));
        for buffer_bytes in [3, 4, 7, 4096] {
            let array = b"[{\"a\":1},\n {\"b\":\"}]\\\\\\\"\"}\r\n ,\t{ \"c\" : [ { } ] } ] \n";
            assert_eq!(read(array, buffer_bytes), (expected.to_vec(), None));
            let marked = [&BYTE_ORDER_MARK, array.as_slice()].concat();
            assert_eq!(read(&marked, buffer_bytes), (expected.to_vec(), None));
        }
        let lines = b" {\"a\":1}\n {\"b\":\"}]\\\\\\\"\"}\n\n{\"c\":[{}]}";
        let (objects, fault) = read(lines, 5);
        assert_eq!(
            objects.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>(),
            ["1:2", "2:2", "4:1"]
        );
        assert_eq!(fault, None);
    }

    #[test]
    fn empty_texts_have_no_objects() {
        for text in ["", " \n", "[]", "[ ]\n"] {
            assert_eq!(read(text.as_bytes(), 16), (vec![], None), "{text}");
        }
    }

    #[test]
    fn faults_in_the_frame_have_their_places() {
        check_fault("x", 0, "1:1: expected an array of objects, or objects one after the other, found `x`");
        check_fault("[1]", 0, "1:2: expected an object, or the end of the array, found `1`");
        check_fault("[{},\n]", 1, "2:1: expected an object behind the comma, found `]`");
        check_fault("[{}\n{}]", 1, "2:1: expected `,` and a further object, or `]`, found `{`");
        check_fault(
            "[{},{}\n",
            2,
            "2:1: expected `,` and a further object, or `]`, found the end of the text",
        );
        check_fault("[{}] {}", 1, "1:6: expected nothing behind the array, found `{`");
        check_fault("{}\n\u{e9}", 1, "2:1: expected a further object, found the byte 0xc3");
    }

    #[test]
    fn faults_in_objects_have_their_places_in_the_whole_text() {
        check_fault("[{},\n  {\"a\" 1}]", 1, "2:8: expected `:`");
        check_fault("[{},\n  {\n\"a\": [}]]", 1, "3:7: expected value");
        check_fault("[{},\n{\"a\":1,\n{\"b\":2}]", 1, "3:1: key must be a string");
        check_fault(
            "{}\n{\"a\":\"\n\"}",
            1,
            "3:1: control character (\\u0000-\\u001F) found while parsing a string",
        );
        check_fault("{}\n{\"a\":{}", 1, "2:7: EOF while parsing an object");
    }

    #[test]
    fn an_object_without_an_end_is_not_held() {
        let text = [b"{}{\"a\":[".as_slice(), &b"1,".repeat(OBJECT_BYTES_MAX)].concat();
        let mut stream = ObjectStream::new(BufReader::new(text.as_slice()));
        assert!(stream.next_object().expect("an object").is_some());
        let Err(StreamFault::Malformed { place, reason }) = stream.next_object() else {
            panic!("it is too long")
        };
        assert_eq!(
            (place.to_string().as_str(), reason.as_str()),
            ("1:3", "an object of more than 16777216 bytes begins here")
        );
        assert!(stream.offset() < 2 * OBJECT_BYTES_MAX as u64);
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<i32>().prop_map(Json::from),
            "[\\[\\]{}\",\\\\\n é]{0,5}".prop_map(Json::from)
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..3).prop_map(Json::from),
                vec(("[a\"\\\\}]{1,2}", inner), 0..3).prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn an_array_gives_what_was_written_into_it(
            objects in vec(vec(("[ab]", any_json()), 0..3), 0..6), is_pretty: bool, buffer_bytes in 3_usize..40,
        ) {
            let objects: Vec<Json> = objects.into_iter().map(|members| members.into_iter().collect()).collect();
            let array = Json::from(objects.clone());
            let text = if is_pretty { format!("{array:#}") } else { array.to_string() };
            let (found, fault) = read(text.as_bytes(), buffer_bytes);
            prop_assert_eq!(fault, None);
            let found: Vec<_> = found.into_iter().map(|(_, object)| object).collect();
            prop_assert_eq!(found, objects.iter().map(Json::to_string).collect::<Vec<_>>());
        }
    }
}
