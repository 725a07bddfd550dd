//! The place of a record in its stream.

use crate::base::ident::SeqNo;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The place of a record in its stream: the commit, and the record's place among those of the commit.
///
/// As text it is 31 digits, the first of them 1, which sort as a number and as text alike.
///
/// ```
/// use pixii::SequenceNumber;
///
/// let number: SequenceNumber = "1000000000000000004200000000007".parse().expect("a sequence number");
/// assert_eq!(number.position, 7);
/// assert_eq!(number.to_string(), "1000000000000000004200000000007");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SequenceNumber {
    /// The commit.
    pub seqno: SeqNo,
    /// The record's place in the commit.
    pub position: u32,
}

/// Digits of a commit's number.
const SEQNO_DIGITS: usize = 20;

/// Digits of a place in a commit.
const POSITION_DIGITS: usize = 10;

impl SequenceNumber {
    /// Before all records of that commit.
    pub(super) fn first_of(seqno: SeqNo) -> Self {
        Self { seqno, position: 0 }
    }

    /// The place behind this one.
    pub(super) fn next(self) -> Self {
        match self.position.checked_add(1) {
            Some(position) => Self { position, ..self },
            None => Self::first_of(self.seqno.next()),
        }
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1{:0SEQNO_DIGITS$}{:0POSITION_DIGITS$}", self.seqno.0, self.position)
    }
}

/// Text that is not a sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotASequenceNumber;

impl fmt::Display for NotASequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a sequence number: expected 1 and {} digits", SEQNO_DIGITS + POSITION_DIGITS)
    }
}

impl std::error::Error for NotASequenceNumber {}

impl FromStr for SequenceNumber {
    type Err = NotASequenceNumber;

    fn from_str(text: &str) -> Result<Self, NotASequenceNumber> {
        let digits = text.strip_prefix('1').filter(|digits| digits.len() == SEQNO_DIGITS + POSITION_DIGITS);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let (seqno, position) = digits.ok_or(NotASequenceNumber)?.split_at(SEQNO_DIGITS);
        let seqno = seqno.parse().map_err(|_| NotASequenceNumber)?;
        // The highest commit has no place behind it.
        if seqno == u64::MAX {
            return Err(NotASequenceNumber);
        }
        Ok(Self { seqno: SeqNo(seqno), position: position.parse().map_err(|_| NotASequenceNumber)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(seqno: u64, position: u32) -> SequenceNumber {
        SequenceNumber { seqno: SeqNo(seqno), position }
    }

    #[test]
    fn they_sort_as_numbers_and_as_text_and_are_read_back() {
        let numbers = [
            number(1, 0),
            number(1, 9),
            number(1, 10),
            number(2, 0),
            number(10, u32::MAX),
            number(u64::MAX - 1, 7),
        ];
        let texts = numbers.map(|number| number.to_string());
        assert!(texts.is_sorted());
        for (number, text) in numbers.iter().zip(&texts) {
            assert!((21..=40).contains(&text.len()) && !text.starts_with('0'), "{text}");
            assert_eq!(text.parse(), Ok(*number));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let whole = number(7, 3).to_string();
        let too_great = ["1".to_owned() + &"9".repeat(30), format!("1{}0000000000", u64::MAX)];
        for text in ["", "1", &whole[1..], &format!("{whole}0"), &whole.replace('7', "+")] {
            assert_eq!(text.parse::<SequenceNumber>(), Err(NotASequenceNumber), "{text}");
        }
        for text in too_great {
            assert_eq!(text.parse::<SequenceNumber>(), Err(NotASequenceNumber), "{text}");
        }
    }

    #[test]
    fn behind_the_last_place_of_a_commit_stands_the_next_commit() {
        assert_eq!(number(7, 3).next(), number(7, 4));
        assert_eq!(number(7, u32::MAX).next(), number(8, 0));
    }
}
