//! The tokens of a statement.

use super::fault::{Result, StatementFault};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A bare word, as it is written: a keyword or a name.
    Word(String),
    /// A name in double quotes.
    Name(String),
    /// A text in single quotes.
    Text(String),
    /// Digits, with a point and an exponent perhaps.
    Number(String),
    /// An operator or a bracket.
    Symbol(&'static str),
}

/// Longer ones first, so that the longest is found.
const SYMBOLS: [&str; 23] = [
    "<<", ">>", "<=", ">=", "<>", "!=", "=", "<", ">", "(", ")", "[", "]", "{", "}", ",", ".", ":", "*", "+",
    "-", "?", ";",
];

/// All tokens of a statement.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '\'' => quoted(rest, '\'').map(|(text, length)| (Token::Text(text), length))?,
            '"' => quoted(rest, '"').map(|(name, length)| (Token::Name(name), length))?,
            '0'..='9' => {
                let length = number_length(rest);
                (Token::Number(rest.get(..length).unwrap_or_default().to_owned()), length)
            }
            _ if first.is_alphabetic() || first == '_' => {
                let is_end = |letter: char| !(letter.is_alphanumeric() || letter == '_');
                let length = rest.find(is_end).unwrap_or(rest.len());
                (Token::Word(rest.get(..length).unwrap_or_default().to_owned()), length)
            }
            _ => {
                let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
                let symbol = symbol
                    .ok_or_else(|| StatementFault::malformed(&format!("Unexpected character {first}")))?;
                (Token::Symbol(symbol), symbol.len())
            }
        };
        tokens.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

/// What stands in quotes, where two of them stand for one, and how long it is with its quotes.
fn quoted(text: &str, quote: char) -> Result<(String, usize)> {
    let mut content = String::new();
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter != quote {
            content.push(letter);
        } else if letters.next_if(|(_, next)| *next == quote).is_some() {
            content.push(quote);
        } else {
            return Ok((content, at + 1));
        }
    }
    Err(StatementFault::malformed("Unterminated quote"))
}

fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits =
        |from: usize| from + bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_apart() {
        let word = |text: &str| Token::Word(text.to_owned());
        assert_eq!(
            tokens("SELECT a.\"b c\" <>'it''s' 1.5e3<<-?").expect("tokens"),
            [
                word("SELECT"),
                word("a"),
                Token::Symbol("."),
                Token::Name("b c".to_owned()),
                Token::Symbol("<>"),
                Token::Text("it's".to_owned()),
                Token::Number("1.5e3".to_owned()),
                Token::Symbol("<<"),
                Token::Symbol("-"),
                Token::Symbol("?"),
            ]
        );
        for wrong in ["'a", "\"a", "a # b", "a \u{0} b"] {
            assert!(tokens(wrong).is_err(), "{wrong}");
        }
    }
}
