//! Rust source as tokens: enough of the language to tell code from comments, strings and tests.
//!
//! Invariants:
//! 1. A token is an identifier or number, `::`, or a single other character; a literal in quotes is the token `"`.
//! 2. What stands in a comment, a documentation comment included, is no token.

/// A piece of code, and the line on which it begins, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// Its text.
    pub(crate) text: &'a str,
    /// Its line.
    pub(crate) line: usize,
}

/// The tokens of a source.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { rest: source, line: 1, tokens: Vec::new() };
    while !lexer.rest.is_empty() {
        lexer.step();
    }
    lexer.tokens
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    fn step(&mut self) {
        let first = self.rest.chars().next().expect("called while something is left");
        if first.is_whitespace() {
            self.skip(first.len_utf8());
        } else if self.rest.starts_with("//") {
            self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.skip(comment_bytes(self.rest));
        } else if let Some(bytes) = literal_bytes(self.rest) {
            self.push("\"", bytes);
        } else if first.is_alphanumeric() || first == '_' {
            let bytes = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            self.push_bytes(bytes.unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("::") {
            self.push_bytes(2);
        } else {
            self.push_bytes(first.len_utf8());
        }
    }

    fn push_bytes(&mut self, bytes: usize) {
        self.push(&self.rest[..bytes], bytes);
    }

    fn push(&mut self, text: &'a str, bytes: usize) {
        self.tokens.push(Token { text, line: self.line });
        self.skip(bytes);
    }

    fn skip(&mut self, bytes: usize) {
        let (skipped, rest) = self.rest.split_at(bytes);
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }
}

/// The length of the block comment that `text` begins with; comments nest.
fn comment_bytes(text: &str) -> usize {
    let (mut depth, mut index) = (0_usize, 0);
    while index < text.len() {
        let rest = &text.as_bytes()[index..];
        if rest.starts_with(b"/*") {
            depth += 1;
            index += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            index += 2;
            if depth == 0 {
                return index;
            }
        } else {
            index += 1;
        }
    }
    text.len()
}

/// The length of the string or character that `text` begins with.
fn literal_bytes(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r"].into_iter().find(|prefix| {
        text.strip_prefix(prefix).is_some_and(|rest| rest.trim_start_matches('#').starts_with(['"', '\'']))
    });
    let prefix = prefix.unwrap_or_default();
    let body = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = body.bytes().take_while(|byte| *byte == b'#').count();
        let end = format!("\"{}", "#".repeat(hashes));
        let content = body.get(hashes + 1..)?;
        let length = content.find(&end).map_or(content.len(), |at| at + end.len());
        return Some(prefix.len() + hashes + 1 + length);
    }
    match body.bytes().next()? {
        b'"' => Some(prefix.len() + quoted_bytes(body, '"')),
        b'\'' if is_character(body) => Some(prefix.len() + quoted_bytes(body, '\'')),
        _ => None,
    }
}

/// Whether the quote that `text` begins with opens a character; otherwise it is a lifetime's.
fn is_character(text: &str) -> bool {
    let mut characters = text.chars().skip(1);
    matches!((characters.next(), characters.next()), (Some('\\'), _) | (Some(_), Some('\'')))
}

fn quoted_bytes(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if character == '\\' {
            is_escaped = true;
        } else if character == quote {
            return index + 1;
        }
    }
    text.len()
}

/// The tokens that are not in an item marked `#[cfg(test)]`; none if the file is marked so as a whole.
pub(crate) fn without_tests<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    if find(tokens, &["#", "!", "[", "cfg", "(", "test", ")", "]"]).is_some() {
        return Vec::new();
    }
    let mut kept = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        if starts_with(&tokens[index..], &["#", "[", "cfg", "(", "test", ")", "]"]) {
            index = item_end(tokens, index);
        } else {
            kept.push(tokens[index]);
            index += 1;
        }
    }
    kept
}

/// The index behind the item that begins with an attribute at `start`.
fn item_end(tokens: &[Token<'_>], start: usize) -> usize {
    let mut index = start;
    while tokens.get(index).is_some_and(|token| token.text == "#") {
        index = group_end(tokens, index + 1);
    }
    let is_use = tokens.get(index).is_some_and(|token| token.text == "use");
    while let Some(token) = tokens.get(index) {
        match token.text {
            ";" => return index + 1,
            "{" if !is_use => return group_end(tokens, index),
            "(" | "[" | "{" => index = group_end(tokens, index),
            _ => index += 1,
        }
    }
    index
}

/// The index behind the bracket that closes the one at `start`.
pub(crate) fn group_end(tokens: &[Token<'_>], start: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(start) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

/// Whether the tokens begin with these texts.
pub(crate) fn starts_with(tokens: &[Token<'_>], texts: &[&str]) -> bool {
    tokens.len() >= texts.len() && tokens.iter().zip(texts).all(|(token, text)| token.text == *text)
}

fn find(tokens: &[Token<'_>], texts: &[&str]) -> Option<usize> {
    (0..tokens.len()).find(|index| starts_with(&tokens[*index..], texts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &[&str]) {
        let found: Vec<&str> = tokens(source).iter().map(|token| token.text).collect();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn comments_and_literals_hide_what_stands_in_them() {
        check("a // crate::b\n c", &["a", "c"]);
        check("/* crate /* nested */ still */ a", &["a"]);
        check("//! crate::b\n/// crate::c\na", &["a"]);
        check(r#"f("crate::b \" // no", b"x", '"')"#, &["f", "(", "\"", ",", "\"", ",", "\"", ")"]);
        check("r#\"a \" unsafe\"# b", &["\"", "b"]);
        check(r"'\'' '\u{7d}' '}' x", &["\"", "\"", "\"", "x"]);
    }

    #[test]
    fn lifetimes_are_no_characters() {
        check("&'a str, 'b: loop", &["&", "'", "a", "str", ",", "'", "b", ":", "loop"]);
    }

    #[test]
    fn lines_are_counted_through_comments_and_strings() {
        let found = tokens("a /*\n*/ \"\n\" b\nc");
        assert_eq!(found.iter().map(|token| token.line).collect::<Vec<_>>(), [1, 2, 3, 4]);
    }

    #[test]
    fn items_marked_as_tests_are_left_out_and_what_follows_is_kept() {
        let kept = |source: &'static str| -> Vec<&str> {
            without_tests(&tokens(source)).iter().map(|token| token.text).collect()
        };
        assert_eq!(kept("a; #[cfg(test)] mod tests { fn f() { b } } c"), ["a", ";", "c"]);
        assert_eq!(kept("#[cfg(test)] mod b; c"), ["c"]);
        assert_eq!(kept("#[cfg(test)] use a::{b, c}; d"), ["d"]);
        assert_eq!(kept("#[cfg(test)] #[expect(x)] fn f(a: [u8; 2]) {} d"), ["d"]);
        assert!(kept("#![cfg(test)] a").is_empty());
    }
}
