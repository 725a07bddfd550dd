//! Numbers: reading, printing, comparing and adding agree with schoolbook arithmetic on digits.

use crate::targets::input::Input;
use pixii::dynamo::number::{Number, NumberError};
use std::cmp::Ordering;

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (left, right) = if input.flag() {
        let text = String::from_utf8_lossy(input.rest()).into_owned();
        let (left, right) = text.split_once(' ').unwrap_or((&text, "0"));
        (left.to_owned(), right.to_owned())
    } else {
        (written(&mut input), written(&mut input))
    };
    let (Some(left), Some(right)) = (check_text(&left), check_text(&right)) else { return };
    check_sum(left, right);
    check_sum(left, right.negated());
    assert_eq!(left.cmp(&right), Decimal::of(left).compare(&Decimal::of(right)), "{left} and {right}");
    assert_eq!(left.checked_sub(right), left.checked_add(right.negated()));
}

/// A count as a number that may be subtracted from.
fn signed(count: usize) -> i64 {
    i64::try_from(count).expect("inputs are short")
}

/// A text that looks like a number, mostly.
fn written(input: &mut Input<'_>) -> String {
    let mut text = String::new();
    text.push_str(["", "-", "+", "--"][input.below(16).saturating_sub(12)]);
    text.push_str(["", "-"][input.below(2)]);
    for part in 0..2 {
        for _ in 0..input.below(45) {
            // zeros and nines carry, so they come often
            text.push(b"0123456789000999"[input.below(16)] as char);
        }
        if part == 0 && input.flag() {
            text.push('.');
        }
    }
    if input.flag() {
        text.push('e');
        text.push_str(&(signed(input.below(300)) - 150).to_string());
    }
    text
}

/// Reads a text and compares with the schoolbook's reading; the number, if both take it.
fn check_text(text: &str) -> Option<Number> {
    let expected = Decimal::parse(text);
    let parsed = text.parse::<Number>();
    match (&parsed, &expected) {
        (Ok(number), Ok(expected)) => assert_eq!(&Decimal::of(*number), expected, "{text:?}"),
        (Err(error), Err(expected)) => assert_eq!(error, expected, "{text:?}"),
        _ => panic!("{text:?} is {parsed:?}, and should be {expected:?}"),
    }
    let number = parsed.ok()?;
    let printed = number.to_string();
    assert_eq!(printed.parse(), Ok(number), "what is printed is read again");
    assert_eq!(printed, Decimal::of(number).print());
    Some(number)
}

fn check_sum(left: Number, right: Number) {
    let expected = Decimal::of(left).plus(&Decimal::of(right)).checked();
    let sum = left.checked_add(right);
    match (&sum, &expected) {
        (Ok(sum), Ok(expected)) => assert_eq!(&Decimal::of(*sum), expected, "{left} + {right}"),
        (Err(_), Err(_)) => {}
        _ => panic!("{left} + {right} is {sum:?}, and should be {expected:?}"),
    }
    assert_eq!(right.checked_add(left), left.checked_add(right));
}

/// ±0.d₁d₂d₃… × 10^point, digit by digit: `digits` neither begins nor ends with 0, and is empty for zero.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    point: i64,
}

impl Decimal {
    fn new(negative: bool, digits: &[u8], point: i64) -> Self {
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        let mut kept = digits[zeros..].to_vec();
        while kept.last() == Some(&0) {
            kept.pop();
        }
        if kept.is_empty() {
            return Self { negative: false, digits: kept, point: 0 };
        }
        Self { negative, digits: kept, point: point - signed(zeros) }
    }

    fn of(number: Number) -> Self {
        let digits: Vec<u8> = number.coefficient().to_string().bytes().map(|byte| byte - b'0').collect();
        let point = i64::from(number.exponent()) + signed(digits.len());
        Self::new(number.is_negative(), &digits, point)
    }

    /// `[+-] digits [. digits] [e [+-] digits]`, with a digit somewhere before the `e`.
    fn parse(text: &str) -> Result<Self, NumberError> {
        let not_a_number = || NumberError::NotANumber(text.to_owned());
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, power) = match unsigned.find(['e', 'E']) {
            Some(at) => (&unsigned[..at], power(&unsigned[at + 1..]).ok_or_else(not_a_number)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> =
            whole.bytes().chain(fraction.bytes()).map(|byte| byte.wrapping_sub(b'0')).collect();
        if digits.is_empty() || digits.iter().any(|digit| *digit > 9) {
            return Err(not_a_number());
        }
        let decimal = Self::new(negative, &digits, signed(whole.len()) + power);
        if decimal.digits.is_empty() {
            // Zero is judged by the power as it is written.
            return Self { negative, digits: vec![1], point: power + 1 }.checked().map(|_| decimal);
        }
        decimal.checked()
    }

    /// The number, if DynamoDB takes it: 1E-130 to 9.99…E+125, and 38 digits.
    fn checked(self) -> Result<Self, NumberError> {
        match self {
            Self { ref digits, .. } if digits.is_empty() => Ok(self),
            Self { point, .. } if point > 126 => Err(NumberError::Overflow),
            Self { point, .. } if point < -129 => Err(NumberError::Underflow),
            Self { ref digits, .. } if digits.len() > 38 => Err(NumberError::TooManyDigits),
            _ => Ok(self),
        }
    }

    /// Column by column, in a frame wide enough for both.
    fn plus(&self, other: &Self) -> Self {
        let top = self.point.max(other.point) + 1;
        let bottom = [self, other].map(|number| number.point - signed(number.digits.len())).into_iter().min();
        let width = usize::try_from(top - bottom.unwrap_or(0)).expect("the top is above the bottom");
        let column = |number: &Self, index: usize| {
            let at = signed(index) - (top - number.point);
            let digit = usize::try_from(at).ok().and_then(|at| number.digits.get(at)).copied().unwrap_or(0);
            if number.negative { -i64::from(digit) } else { i64::from(digit) }
        };
        let mut columns: Vec<i64> =
            (0..width).map(|index| column(self, index) + column(other, index)).collect();
        let negative = columns.iter().find(|column| **column != 0).is_some_and(|column| *column < 0);
        if negative {
            for column in &mut columns {
                *column = -*column;
            }
        }
        let mut carry = 0;
        for column in columns.iter_mut().rev() {
            let sum = *column + carry;
            *column = sum.rem_euclid(10);
            carry = sum.div_euclid(10);
        }
        assert_eq!(carry, 0, "the frame is wide enough");
        let digits: Vec<u8> = columns.into_iter().filter_map(|column| u8::try_from(column).ok()).collect();
        Self::new(negative, &digits, top)
    }

    fn compare(&self, other: &Self) -> Ordering {
        let minus = Self { negative: !other.negative, ..other.clone() };
        let difference = self.plus(&minus);
        match difference {
            Self { ref digits, .. } if digits.is_empty() => Ordering::Equal,
            Self { negative: true, .. } => Ordering::Less,
            Self { .. } => Ordering::Greater,
        }
    }

    fn print(&self) -> String {
        let digit = |place: i64| {
            let digit = usize::try_from(place).ok().and_then(|place| self.digits.get(place));
            char::from(b'0' + digit.copied().unwrap_or(0))
        };
        let whole: String = (0..self.point).map(digit).collect();
        let fraction: String = (self.point..signed(self.digits.len())).map(digit).collect();
        let sign = if self.negative { "-" } else { "" };
        let whole = if whole.is_empty() { "0" } else { &whole };
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

/// A power of ten; those that are far beyond any number are cut.
fn power(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    let magnitude = match significant.len() {
        0 => 0,
        1..=9 => significant.parse().ok()?,
        _ => 1_000_000_000,
    };
    Some(if negative { -magnitude } else { magnitude })
}
