//! Moments on the command line: a time as RFC 3339 has it, or the number of a commit.

use crate::failure::{Failure, Result};
use jiff::Timestamp;
use pixii::{AsOf, Database, Past};
use std::str::FromStr;

/// A moment as it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GivenMoment(pub(crate) AsOf);

impl FromStr for GivenMoment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = text.parse().map_err(|_| format!("{text} is no commit: it is too large"))?;
            return Ok(Self(AsOf::sequence(number)));
        }
        let time = text.parse::<Timestamp>().map_err(|error| {
            format!("neither the number of a commit nor a time such as 2026-11-22T10:03:00.123Z: {error}")
        })?;
        // What was committed in the millisecond that has begun is not asked for.
        let millis = time.as_nanosecond().div_euclid(1_000_000);
        let millis = u64::try_from(millis).map_err(|_| format!("{text} is before 1970"))?;
        Ok(Self(AsOf::time_millis(millis)))
    }
}

/// A time in milliseconds since 1970, as it is printed.
pub(crate) fn time_text(millis: u64) -> String {
    let time = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    time.map_or_else(|| format!("{millis} ms since 1970"), |time| format!("{time:.3}"))
}

/// The database at a moment that was given.
pub(crate) fn as_of(database: &Database, moment: GivenMoment) -> Result<Past> {
    database.as_of(moment.0).map_err(|error| {
        let oldest = database.oldest_kept();
        Failure::told(format!(
            "{error}; the oldest moment that is kept is commit {} at {}",
            oldest.seqno,
            time_text(oldest.time.0)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_commits_and_the_rest_is_time() {
        let check =
            |text: &str, expected: AsOf| assert_eq!(text.parse(), Ok(GivenMoment(expected)), "{text}");
        check("17", AsOf::sequence(17));
        check("1970-01-01T00:00:01.5Z", AsOf::time_millis(1500));
        check("1970-01-01T01:00:01.0019+01:00", AsOf::time_millis(1001));
        check("2026-11-22T10:03:00.123Z", AsOf::time_millis(1_795_341_780_123));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "yesterday", "2026-11-22", "-1", "99999999999999999999", "1969-12-31T23:59:59Z"] {
            assert!(text.parse::<GivenMoment>().is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_printed_as_they_can_be_given() {
        assert_eq!(time_text(1_795_341_780_120), "2026-11-22T10:03:00.120Z");
        let again = time_text(1_795_341_780_120).parse();
        assert_eq!(again, Ok(GivenMoment(AsOf::time_millis(1_795_341_780_120))));
    }
}
