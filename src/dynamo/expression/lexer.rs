//! The tokens of expressions.
//!
//! Every text is a sequence of tokens: what is no token of the language is one of its own, and where it may not stand is
//! said by the parser, as for all tokens. So reading tokens cannot fail.
//!
//! Words are of ASCII letters, digits and underscores and begin with a letter; placeholders go on likewise behind `#` or
//! `:`, and may go on with anything of that. Whether a word is a keyword depends on the kind of expression.

use super::tree::Comparator;

/// Where something stands in the text: the bytes from `start` to before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    /// What stands there.
    pub(super) fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A keyword, an attribute or a function.
    Word,
    /// `#name`
    Name,
    /// `:value`
    Value,
    /// Digits without a leading zero.
    Digits,
    Comparator(Comparator),
    Plus,
    Minus,
    Comma,
    Dot,
    ParenthesisOpen,
    ParenthesisClose,
    BracketOpen,
    BracketClose,
    /// A character that is nothing here.
    Unknown,
}

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

/// The tokens of a text, without the white space between them.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        if matches!(first, ' ' | '\t' | '\r' | '\n') {
            start += 1;
            continue;
        }
        let (kind, length) = token(first, &text[start + first.len_utf8()..]);
        let end = start + length;
        tokens.push(Token { kind, span: Span { start, end } });
        start = end;
    }
    tokens
}

/// The token that begins with `first` and goes on in `rest`, and its length.
fn token(first: char, rest: &str) -> (TokenKind, usize) {
    let word = || rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let next = rest.chars().next();
    match first {
        'a'..='z' | 'A'..='Z' => (TokenKind::Word, 1 + word()),
        '#' if word() > 0 => (TokenKind::Name, 1 + word()),
        ':' if word() > 0 => (TokenKind::Value, 1 + word()),
        '0' => (TokenKind::Digits, 1),
        '1'..='9' => (TokenKind::Digits, 1 + rest.bytes().take_while(u8::is_ascii_digit).count()),
        '=' => (TokenKind::Comparator(Comparator::Equal), 1),
        '<' if next == Some('>') => (TokenKind::Comparator(Comparator::NotEqual), 2),
        '<' if next == Some('=') => (TokenKind::Comparator(Comparator::LessOrEqual), 2),
        '<' => (TokenKind::Comparator(Comparator::Less), 1),
        '>' if next == Some('=') => (TokenKind::Comparator(Comparator::GreaterOrEqual), 2),
        '>' => (TokenKind::Comparator(Comparator::Greater), 1),
        '+' => (TokenKind::Plus, 1),
        '-' => (TokenKind::Minus, 1),
        ',' => (TokenKind::Comma, 1),
        '.' => (TokenKind::Dot, 1),
        '(' => (TokenKind::ParenthesisOpen, 1),
        ')' => (TokenKind::ParenthesisClose, 1),
        '[' => (TokenKind::BracketOpen, 1),
        ']' => (TokenKind::BracketClose, 1),
        _ => (TokenKind::Unknown, first.len_utf8()),
    }
}

/// Whether a text is a word that can stand for itself: a letter, then letters, digits and underscores.
pub(super) fn is_word(text: &str) -> bool {
    matches!(tokens(text)[..], [Token { kind: TokenKind::Word, span }] if span.end - span.start == text.len())
}

/// Whether a text is a placeholder that begins with `mark`.
pub(super) fn is_placeholder(text: &str, mark: char) -> bool {
    text.strip_prefix(mark).is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = tokens(text).into_iter().map(|token| token.span.of(text)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn tokens_are_the_longest_possible() {
        check("a<>b", &["a", "<>", "b"]);
        check("a<= :v>=#n", &["a", "<=", ":v", ">=", "#n"]);
        check("a = = b", &["a", "=", "=", "b"]);
        check("a.b[10].#0", &["a", ".", "b", "[", "10", "]", ".", "#0"]);
        check("a[01]", &["a", "[", "0", "1", "]"]);
        check("_x 1a a-b", &["_", "x", "1", "a", "a", "-", "b"]);
        check("a\tand\r\nb", &["a", "and", "b"]);
        check("# :", &["#", ":"]);
        check("", &[]);
    }

    #[test]
    fn a_character_of_several_bytes_is_one_token() {
        check("ü > a\u{a0}𝒳", &["ü", ">", "a", "\u{a0}", "𝒳"]);
    }

    #[test]
    fn words_and_placeholders_are_told_apart() {
        assert!(
            is_word("a")
                && is_word("A_1")
                && !is_word("_a")
                && !is_word(" a")
                && !is_word("a ")
                && !is_word("")
        );
        assert!(is_placeholder("#0", '#') && is_placeholder(":_", ':'));
        for other in ["#", "a", "", ":a", "#a-b", "#é", "##a"] {
            assert!(!is_placeholder(other, '#'), "{other}");
        }
    }
}
