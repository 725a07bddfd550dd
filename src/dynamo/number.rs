//! Numbers: exact decimals of up to 38 significant digits, as DynamoDB has them.
//!
//! A number is ±coefficient × 10^exponent. Invariants:
//! 1. The coefficient has at most 38 digits and does not end in a zero digit; zero is coefficient 0, exponent 0,
//!    not negative. So a number has one form, and comparing the fields for equality compares by value.
//! 2. The magnitude is zero or from 1E-130 to 9.99…E+125 (38 nines).
//! 3. Nothing is ever rounded: what does not fit is an error. The exceptions are [`Number::to_f64`] and [`Number::to_f32`].
//!
//! Source: DynamoDB developer guide, "Supported data types and naming rules", Number.

use super::limits::{NUMBER_DIGITS_MAX, NUMBER_EXPONENT_MAX, NUMBER_EXPONENT_MIN};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// An exact decimal number: 38 significant digits, magnitude zero or 1E-130 to 9.99…E+125.
///
/// ```
/// use pixii::dynamo::number::Number;
///
/// let price: Number = "0019.990e0".parse()?;
/// assert_eq!(price.to_string(), "19.99");
/// assert_eq!(price, Number::try_from(19.99)?);
/// assert!(price < Number::from(20));
/// # Ok::<(), pixii::dynamo::number::NumberError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Number {
    negative: bool,
    exponent: i16,
    coefficient: u128,
}

/// Why something is not a number that DynamoDB takes. `Display` gives DynamoDB's words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NumberError {
    /// The text is not a decimal number.
    NotANumber(String),
    /// The magnitude is 1E+126 or more, or the result of a calculation needs more than 38 digits.
    Overflow,
    /// The magnitude is not zero and less than 1E-130.
    Underflow,
    /// There are more than 38 significant digits.
    TooManyDigits,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber(text) if text.is_empty() => {
                f.write_str("The parameter cannot be converted to a numeric value")
            }
            Self::NotANumber(text) => {
                write!(f, "The parameter cannot be converted to a numeric value: {text}")
            }
            Self::Overflow => f.write_str(
                "Number overflow. Attempting to store a number with magnitude larger than supported range",
            ),
            Self::Underflow => f.write_str(
                "Number underflow. Attempting to store a number with magnitude smaller than supported range",
            ),
            Self::TooManyDigits => {
                f.write_str("Attempting to store more than 38 significant digits in a Number")
            }
        }
    }
}

impl std::error::Error for NumberError {}

/// A number that is not in the range of a Rust integer, or not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnInteger {
    /// The number.
    pub number: Number,
    /// The integer type that was asked for.
    pub target: &'static str,
}

impl fmt::Display for NotAnInteger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the number {} is not a value of {}", self.number, self.target)
    }
}

impl std::error::Error for NotAnInteger {}

impl Number {
    /// Zero.
    pub const ZERO: Self = Self { negative: false, exponent: 0, coefficient: 0 };

    /// The number ±`coefficient` × 10^`exponent`, if it is in range. Trailing zeros of the coefficient are not
    /// significant.
    pub fn from_parts(negative: bool, coefficient: u128, exponent: i16) -> Result<Self, NumberError> {
        Self::normalised(negative, coefficient, i64::from(exponent))
    }

    /// The number ±`coefficient` × 10^`exponent`, if these are its parts already: neither zero nor ending in a zero
    /// digit, and in range. What the stored forms of numbers are read with.
    pub fn from_normal_parts(negative: bool, coefficient: u128, exponent: i16) -> Option<Self> {
        // Dividing 128 bits is slow, and few coefficients need them.
        let ends_in_zero = match u64::try_from(coefficient) {
            Ok(coefficient) => coefficient.is_multiple_of(10),
            Err(_) => coefficient.is_multiple_of(10),
        };
        let number = Self { negative, exponent, coefficient };
        let digits = digits_of(coefficient);
        let magnitude = i64::from(exponent) + i64::from(digits) - 1;
        let normal = !ends_in_zero && digits <= NUMBER_DIGITS_MAX && check_magnitude(magnitude).is_ok();
        normal.then_some(number)
    }

    /// Whether the number is less than zero.
    pub fn is_negative(self) -> bool {
        self.negative
    }

    /// Whether the number is zero.
    pub fn is_zero(self) -> bool {
        self.coefficient == 0
    }

    /// The significant digits as an integer that does not end in a zero digit.
    pub fn coefficient(self) -> u128 {
        self.coefficient
    }

    /// The power of ten that the coefficient is multiplied with; 0 for zero.
    pub fn exponent(self) -> i16 {
        self.exponent
    }

    /// How many significant digits there are; 1 for zero.
    pub fn digits(self) -> u32 {
        digits_of(self.coefficient)
    }

    /// The power of ten of the first digit: from -130 to 125; 0 for zero.
    pub fn magnitude(self) -> i16 {
        // At most 38 digits: they fit.
        self.exponent + i16::try_from(self.digits()).unwrap_or(i16::MAX) - 1
    }

    /// The nearest number of type `f64`; this rounds.
    pub fn to_f64(self) -> f64 {
        self.scientific().parse().expect("digits, `e` and an exponent are a floating-point number")
    }

    /// The nearest number of type `f32`, which is infinite or zero beyond that type's range; this rounds.
    pub fn to_f32(self) -> f32 {
        self.scientific().parse().expect("digits, `e` and an exponent are a floating-point number")
    }

    fn scientific(self) -> String {
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{}e{}", self.coefficient, self.exponent)
    }

    /// The sum, exact. An error if it needs more than 38 digits or is out of range.
    pub fn checked_add(self, other: Self) -> Result<Self, NumberError> {
        if self.is_zero() {
            return Ok(other);
        }
        if other.is_zero() {
            return Ok(self);
        }
        let (high, low) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        // In units of the lower exponent. Where `high` does not fit, it is more than 3E+38 and `low` less than 1E+38,
        // so the result has 39 digits at least, and the last one, that of `low`, is not zero.
        let shift = (high.exponent - low.exponent).unsigned_abs().into();
        let scaled = 10_u128
            .checked_pow(shift)
            .and_then(|power| high.coefficient.checked_mul(power))
            .ok_or(NumberError::Overflow)?;
        let (negative, coefficient) = if high.negative == low.negative {
            (high.negative, scaled.checked_add(low.coefficient).ok_or(NumberError::Overflow)?)
        } else if scaled >= low.coefficient {
            (high.negative, scaled - low.coefficient)
        } else {
            (low.negative, low.coefficient - scaled)
        };
        match Self::normalised(negative, coefficient, low.exponent.into()) {
            Err(NumberError::TooManyDigits) => Err(NumberError::Overflow),
            result => result,
        }
    }

    /// The difference, exact. An error if it needs more than 38 digits or is out of range.
    pub fn checked_sub(self, other: Self) -> Result<Self, NumberError> {
        self.checked_add(other.negated())
    }

    /// The number with the other sign.
    pub fn negated(self) -> Self {
        Self { negative: !self.negative && !self.is_zero(), ..self }
    }

    /// Size in bytes as DynamoDB counts it: one byte, one for each two digits before the point, one for each two
    /// after it, and one for a minus sign; zeros at either end do not count.
    ///
    /// Source: DynamoDB developer guide, "DynamoDB item sizes and formats"; the halves at the point are measured.
    pub fn size_bytes(self) -> usize {
        if self.is_zero() {
            return 1;
        }
        let digits = i32::try_from(self.digits()).unwrap_or(i32::MAX);
        let after = (-i32::from(self.exponent)).clamp(0, digits);
        let halves = (digits - after).unsigned_abs().div_ceil(2) + after.unsigned_abs().div_ceil(2);
        1 + halves as usize + usize::from(self.negative)
    }

    fn normalised(negative: bool, mut coefficient: u128, mut exponent: i64) -> Result<Self, NumberError> {
        if coefficient == 0 {
            return Ok(Self::ZERO);
        }
        while coefficient.is_multiple_of(10) {
            coefficient /= 10;
            exponent = exponent.saturating_add(1);
        }
        let digits = digits_of(coefficient);
        let magnitude = exponent.saturating_add(i64::from(digits) - 1);
        check_magnitude(magnitude)?;
        if digits > NUMBER_DIGITS_MAX {
            return Err(NumberError::TooManyDigits);
        }
        let exponent =
            i16::try_from(exponent).expect("the magnitude is in range, and there are at most 38 digits");
        Ok(Self { negative, exponent, coefficient })
    }
}

fn check_magnitude(magnitude: i64) -> Result<(), NumberError> {
    if magnitude > i64::from(NUMBER_EXPONENT_MAX) {
        Err(NumberError::Overflow)
    } else if magnitude < i64::from(NUMBER_EXPONENT_MIN) {
        Err(NumberError::Underflow)
    } else {
        Ok(())
    }
}

fn digits_of(coefficient: u128) -> u32 {
    coefficient.checked_ilog10().map_or(1, |power| power + 1)
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let signum = |number: &Self| match (number.is_zero(), number.negative) {
            (true, _) => 0_i8,
            (false, false) => 1,
            (false, true) => -1,
        };
        signum(self).cmp(&signum(other)).then_with(|| {
            let magnitudes = self.magnitude().cmp(&other.magnitude()).then_with(|| {
                let scaled =
                    |number: &Self| number.coefficient * 10_u128.pow(NUMBER_DIGITS_MAX - number.digits());
                scaled(self).cmp(&scaled(other))
            });
            if self.negative { magnitudes.reverse() } else { magnitudes }
        })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The longest plain decimal: `-0.`, 129 zeros and 38 digits.
const DECIMAL_BYTES_MAX: usize = 170;

/// Plain decimal digits: no exponent, no zeros at either end beyond what the places need, no `+`.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        let mut text = String::with_capacity(DECIMAL_BYTES_MAX);
        let digits = self.coefficient.to_string();
        let after = usize::from((-self.exponent).max(0).unsigned_abs());
        if self.exponent >= 0 {
            text.push_str(&digits);
            text.extend(std::iter::repeat_n('0', usize::from(self.exponent.unsigned_abs())));
        } else if let Some(before) = digits.len().checked_sub(after).filter(|&before| before > 0) {
            let (whole, fraction) = digits.split_at(before);
            write!(text, "{whole}.{fraction}")?;
        } else {
            write!(text, "0.{digits:0>after$}")?;
        }
        f.pad_integral(!self.negative, "", &text)
    }
}

impl FromStr for Number {
    type Err = NumberError;

    /// Reads `[+-] digits [. digits] [e [+-] digits]`, where the digits on one side of the point may be missing.
    ///
    /// Leading and trailing zeros are not significant. Zero is judged by the exponent as it is written: `0e125` is
    /// zero, `0e126` overflows, `0e-131` underflows.
    fn from_str(text: &str) -> Result<Self, NumberError> {
        let not_a_number = || NumberError::NotANumber(text.to_owned());
        let (negative, unsigned) = split_sign(text);
        let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, parse_power(power).ok_or_else(not_a_number)?),
            None => (unsigned, 0),
        };
        let mantissa = parse_mantissa(mantissa).ok_or_else(not_a_number)?;
        if mantissa.significant == 0 {
            return check_magnitude(power).map(|()| Self::ZERO);
        }
        let exponent = power + mantissa.exponent;
        check_magnitude(exponent + mantissa.significant - 1)?;
        if mantissa.significant > i64::from(NUMBER_DIGITS_MAX) {
            return Err(NumberError::TooManyDigits);
        }
        Self::normalised(negative, mantissa.coefficient, exponent)
    }
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// A power of ten beyond any that a number or the length of a text can have; sums of a few do not overflow.
const POWER_CEILING: i64 = 1 << 60;

fn parse_power(text: &str) -> Option<i64> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() {
        return None;
    }
    let mut power = 0_i64;
    for byte in digits.bytes() {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        power = power.saturating_mul(10).saturating_add(digit).min(POWER_CEILING);
    }
    Some(if negative { -power } else { power })
}

/// The digits of a number without sign and power.
struct Mantissa {
    /// The digits from the first to the last that is not zero; meaningless if they are more than 38.
    coefficient: u128,
    /// How many these are.
    significant: i64,
    /// The power of ten of the last of them.
    exponent: i64,
}

fn parse_mantissa(text: &str) -> Option<Mantissa> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut coefficient = 0_u128;
    let mut significant = 0_i64;
    let mut zeros = 0_u32;
    for byte in whole.bytes().chain(fraction.bytes()) {
        match byte {
            b'0' => zeros = zeros.saturating_add(u32::from(significant > 0)),
            b'1'..=b'9' => {
                significant += i64::from(zeros) + 1;
                if significant <= i64::from(NUMBER_DIGITS_MAX) {
                    coefficient = coefficient * 10_u128.pow(zeros + 1) + u128::from(byte - b'0');
                }
                zeros = 0;
            }
            _ => return None,
        }
    }
    let fraction = i64::try_from(fraction.len()).ok()?;
    Some(Mantissa { coefficient, significant, exponent: i64::from(zeros) - fraction })
}

macro_rules! from_integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Number {
            fn from(value: $integer) -> Self {
                #[allow(unused_comparisons, reason = "the macro serves unsigned integers too")]
                let negative = value < 0;
                #[allow(clippy::cast_lossless, clippy::cast_sign_loss, reason = "taken from its own magnitude")]
                let coefficient = (value as i128).unsigned_abs();
                Self::normalised(negative, coefficient, 0).expect("20 digits are in range")
            }
        }
    )*};
}

from_integers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

impl TryFrom<u128> for Number {
    type Error = NumberError;

    fn try_from(value: u128) -> Result<Self, NumberError> {
        Self::normalised(false, value, 0)
    }
}

impl TryFrom<i128> for Number {
    type Error = NumberError;

    fn try_from(value: i128) -> Result<Self, NumberError> {
        Self::normalised(value < 0, value.unsigned_abs(), 0)
    }
}

/// The shortest decimal that reads back as the same floating-point number.
impl TryFrom<f64> for Number {
    type Error = NumberError;

    fn try_from(value: f64) -> Result<Self, NumberError> {
        format!("{value:e}").parse()
    }
}

/// The shortest decimal that reads back as the same floating-point number.
impl TryFrom<f32> for Number {
    type Error = NumberError;

    fn try_from(value: f32) -> Result<Self, NumberError> {
        format!("{value:e}").parse()
    }
}

macro_rules! into_integers {
    ($($integer:ty),*) => {$(
        impl TryFrom<Number> for $integer {
            type Error = NotAnInteger;

            fn try_from(number: Number) -> Result<Self, NotAnInteger> {
                number
                    .to_integer()
                    .and_then(|(negative, magnitude)| {
                        if negative {
                            // Only the least number of a signed type has a magnitude beyond `i128`.
                            let value = 0_i128.checked_sub_unsigned(magnitude)?;
                            Self::try_from(value).ok()
                        } else {
                            Self::try_from(magnitude).ok()
                        }
                    })
                    .ok_or(NotAnInteger { number, target: stringify!($integer) })
            }
        }
    )*};
}

into_integers!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

impl Number {
    /// Sign and magnitude, if the number is whole and the magnitude fits.
    fn to_integer(self) -> Option<(bool, u128)> {
        let power = u32::try_from(self.exponent).ok()?;
        let magnitude = self.coefficient.checked_mul(10_u128.checked_pow(power)?)?;
        Some((self.negative, magnitude))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any number, with short and long coefficients and all magnitudes.
    pub(crate) fn any_number() -> impl Strategy<Value = Number> {
        let coefficient = (any::<u128>(), 1_u32..=38).prop_map(|(bits, digits)| bits % 10_u128.pow(digits));
        (any::<bool>(), coefficient, prop_oneof![-3_i16..=3, -130_i16..=125]).prop_map(
            |(negative, coefficient, magnitude)| {
                let digits = i16::try_from(digits_of(coefficient)).expect("at most 38 digits");
                let exponent = magnitude - digits + 1;
                Number::from_parts(negative, coefficient, exponent).expect("a magnitude in range")
            },
        )
    }

    fn number(text: &str) -> Number {
        text.parse().expect("a number")
    }

    #[track_caller]
    fn check_text(text: &str, expected: &str) {
        assert_eq!(
            text.parse::<Number>().map(|number| number.to_string()),
            Ok(expected.to_owned()),
            "{text}"
        );
    }

    #[test]
    fn the_accepted_forms_print_as_plain_decimals() {
        check_text("+5", "5");
        check_text(".5", "0.5");
        check_text("5.", "5");
        check_text("0001.2", "1.2");
        check_text("1e+5", "100000");
        check_text("1E5", "100000");
        check_text("-0", "0");
        check_text("-0.0e3", "0");
        check_text("1200", "1200");
        check_text("-12.3400", "-12.34");
        check_text("123e-2", "1.23");
        check_text("123e-3", "0.123");
        check_text("123e-5", "0.00123");
        check_text("1e125", &format!("1{}", "0".repeat(125)));
        check_text("-1e-130", &format!("-0.{}1", "0".repeat(129)));
        check_text(&format!("{}e87", "9".repeat(38)), &format!("{}{}", "9".repeat(38), "0".repeat(87)));
        check_text(&format!("0.{}e-130", "0".repeat(500)), "0");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", " ", " 1", "1 ", "NaN", "Infinity", "-inf", "0x10", "1e", "1e+", "e5", ".", "+", "-", "--1",
            "1..2", "1.2.3", "1_000", "1e5.0", "1e1e1", "abc", "١", "+-5", "1,5",
        ] {
            assert_eq!(text.parse::<Number>(), Err(NumberError::NotANumber(text.to_owned())));
        }
    }

    #[test]
    fn the_edges_of_the_range_are_judged_as_dynamodb_does() {
        let parse = |text: &str| text.parse::<Number>().map(|_| ());
        let nines = "9".repeat(38);
        assert_eq!(parse(&format!("{nines}e88")), Ok(()));
        assert_eq!(parse("1e126"), Err(NumberError::Overflow));
        assert_eq!(parse("-10e125"), Err(NumberError::Overflow));
        assert_eq!(parse("0.1e126"), Ok(()));
        assert_eq!(parse("1e-130"), Ok(()));
        assert_eq!(parse("9.9e-131"), Err(NumberError::Underflow));
        assert_eq!(parse("10e-131"), Ok(()));
        assert_eq!(parse(&format!("{nines}1")), Err(NumberError::TooManyDigits));
        assert_eq!(parse(&format!("000{nines}000")), Ok(()));
        assert_eq!(parse(&format!("1{}1", "0".repeat(36))), Ok(()));
        assert_eq!(parse(&format!("1{}1", "0".repeat(37))), Err(NumberError::TooManyDigits));
        assert_eq!(parse("0e125"), Ok(()));
        assert_eq!(parse("0e126"), Err(NumberError::Overflow));
        assert_eq!(parse("0e-131"), Err(NumberError::Underflow));
    }

    #[test]
    fn exponents_of_any_length_are_read() {
        let nines = "9".repeat(400);
        assert_eq!(format!("1e{nines}").parse::<Number>(), Err(NumberError::Overflow));
        assert_eq!(format!("1e-{nines}").parse::<Number>(), Err(NumberError::Underflow));
        assert_eq!(format!("0e-{nines}").parse::<Number>(), Err(NumberError::Underflow));
        check_text(&format!("1e{}5", "0".repeat(400)), "100000");
        let zeros = "0".repeat(300_000);
        assert_eq!(format!("1{zeros}1").parse::<Number>(), Err(NumberError::Overflow));
        check_text(&format!("1{zeros}e-300000"), "1");
        check_text(&format!("0.{zeros}1e300001"), "1");
    }

    #[test]
    fn errors_have_dynamodbs_words() {
        let error = "abc".parse::<Number>().expect_err("not a number");
        assert_eq!(error.to_string(), "The parameter cannot be converted to a numeric value: abc");
        let error = "".parse::<Number>().expect_err("not a number");
        assert_eq!(error.to_string(), "The parameter cannot be converted to a numeric value");
        assert_eq!(
            NumberError::Underflow.to_string(),
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        );
    }

    #[test]
    fn sizes_are_dynamodbs() {
        for (text, size) in [
            ("0", 1),
            ("3.14159", 5),
            ("123456", 4),
            ("1e125", 2),
            ("1000", 2),
            ("1001", 3),
            ("-1", 3),
            ("0.001", 2),
            ("0.0011", 2),
            ("10.01", 3),
            ("100.5", 4),
            ("-100.5", 5),
            ("1e-130", 2),
            ("1.1e-130", 2),
            ("12345678901234567890123456789012345678", 20),
        ] {
            if let Ok(number) = text.parse::<Number>() {
                assert_eq!(number.size_bytes(), size, "{text}");
            } else {
                panic!("{text} is not a number");
            }
        }
    }

    #[test]
    fn sums_are_exact_or_refused() {
        let nines = "9".repeat(38);
        let add =
            |left: &str, right: &str| number(left).checked_add(number(right)).map(|sum| sum.to_string());
        assert_eq!(add("0.1", "0.2"), Ok("0.3".to_owned()));
        assert_eq!(add("1e125", "1e-130"), Err(NumberError::Overflow));
        assert_eq!(add("1e125", "0"), Ok(number("1e125").to_string()));
        assert_eq!(add("0", "-3"), Ok("-3".to_owned()));
        assert_eq!(add("5", "-5"), Ok("0".to_owned()));
        assert_eq!(add(&nines, "1"), Ok(format!("1{}", "0".repeat(38))));
        assert_eq!(add(&nines, "2"), Err(NumberError::Overflow));
        assert_eq!(add(&format!("1{}", "0".repeat(38)), "-1"), Ok(nines.clone()));
        assert_eq!(add(&format!("2{}", "0".repeat(38)), "-1"), Err(NumberError::Overflow));
        assert_eq!(add(&format!("9{}", "0".repeat(38)), "-1"), Err(NumberError::Overflow));
        assert_eq!(add(&format!("{nines}e88"), "1e88"), Err(NumberError::Overflow));
        assert_eq!(add("1.1e-130", "-1e-130"), Err(NumberError::Underflow));
        assert_eq!(number("3").checked_sub(number("5")), Ok(number("-2")));
        assert_eq!(number("3").checked_sub(Number::ZERO), Ok(number("3")));
    }

    #[test]
    fn floating_point_goes_through_the_shortest_text() {
        assert_eq!(Number::try_from(0.1), Ok(number("0.1")));
        assert_eq!(Number::try_from(0.1_f32), Ok(number("0.1")));
        assert_eq!(Number::try_from(-0.0), Ok(Number::ZERO));
        assert_eq!(Number::try_from(f64::NAN), Err(NumberError::NotANumber("NaN".to_owned())));
        assert!(matches!(Number::try_from(f64::INFINITY), Err(NumberError::NotANumber(_))));
        assert_eq!(Number::try_from(1e300), Err(NumberError::Overflow));
        assert_eq!(Number::try_from(f64::MIN_POSITIVE), Err(NumberError::Underflow));
    }

    #[test]
    fn integers_come_back_or_are_refused() {
        assert_eq!(i64::try_from(Number::from(i64::MIN)), Ok(i64::MIN));
        assert_eq!(u64::try_from(Number::from(u64::MAX)), Ok(u64::MAX));
        let large = 10_i128.pow(38);
        assert_eq!(Number::try_from(-large).map(i128::try_from), Ok(Ok(-large)));
        assert_eq!(Number::try_from(i128::MIN), Err(NumberError::TooManyDigits));
        assert!(u8::try_from(number("256")).is_err());
        assert!(u8::try_from(number("-1")).is_err());
        assert!(i64::try_from(number("1e125")).is_err());
        let error = i32::try_from(number("1.5")).expect_err("not whole");
        assert_eq!(error.to_string(), "the number 1.5 is not a value of i32");
    }

    #[test]
    fn padding_is_that_of_integers() {
        assert_eq!(format!("[{:>6}] [{:06}]", number("-1.5"), number("-1.5")), "[  -1.5] [-001.5]");
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_to_the_same_number(number in any_number()) {
            let text = number.to_string();
            prop_assert!(text.len() <= DECIMAL_BYTES_MAX);
            prop_assert!(!text.contains(['e', 'E', '+']));
            prop_assert_eq!(text.parse::<Number>(), Ok(number));
        }

        #[test]
        fn the_order_is_that_of_the_difference(left in any_number(), right in any_number()) {
            if let Ok(difference) = left.checked_sub(right) {
                prop_assert_eq!(left.cmp(&right), difference.cmp(&Number::ZERO));
            }
            prop_assert_eq!(left.cmp(&right), right.cmp(&left).reverse());
            prop_assert_eq!(left == right, left.cmp(&right) == Ordering::Equal);
        }

        #[test]
        fn the_order_agrees_with_floating_point(left in any_number(), right in any_number()) {
            let (near_left, near_right) = (left.to_f64(), right.to_f64());
            let near_order = near_left.total_cmp(&near_right);
            prop_assert!(near_order == Ordering::Equal || left.cmp(&right) == near_order);
        }

        #[test]
        fn sums_agree_with_integers(left in any::<i64>(), right in any::<i64>(), exponent in -100_i16..100) {
            let scale = |value: i128| Number::from_parts(value < 0, value.unsigned_abs(), exponent).expect("in range");
            prop_assert_eq!(
                scale(left.into()).checked_add(scale(right.into())),
                Ok(scale(i128::from(left) + i128::from(right)))
            );
        }

        #[test]
        fn floats_in_range_survive_the_round_trip(value in -1e100_f64..1e100) {
            prop_assert_eq!(Number::try_from(value).map(Number::to_f64).ok().map(f64::to_bits), Some(value.to_bits()));
        }

        #[test]
        fn no_text_panics(text in "[-+0-9.eE x]{0,60}") {
            let _ = text.parse::<Number>();
        }
    }
}
