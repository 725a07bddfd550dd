//! AWS signature version 4, verified.
//!
//! The steps, in the order of the code: the header is taken apart; its scope is ours and the time is close to ours; all that
//! can change what a request means was signed, each header once; the key is known; and the signature is the one that the key
//! gives. Comparing takes the same time wherever two signatures differ.
//!
//! Whoever has not signed yet makes us build no more text than the request has: what is signed are headers that are there,
//! in order, so that none is there twice.
//!
//! Source: AWS documentation, "AWS Signature Version 4 for API requests"; the words are DynamoDB's.

use hyper::header::HeaderMap;
use ring::{digest, hmac};
use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;

/// How far a client's clock may be from ours, in seconds.
const SKEW_SECONDS: i64 = 15 * 60;

const NOT_IN_ORDER: &str =
    "'SignedHeaders' must name headers of the request in lower case, in order, and each of them once.";

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The keys of those who may use the server. What is printed of it has no secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AccessKeys {
    secrets: BTreeMap<String, String>,
}

impl AccessKeys {
    /// Adds a key with its secret.
    pub fn insert(&mut self, key: impl Into<String>, secret: impl Into<String>) {
        self.secrets.insert(key.into(), secret.into());
    }

    /// Whether there is none, so that everybody may use the server.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }
}

impl fmt::Debug for AccessKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.secrets.keys()).finish()
    }
}

/// Why a request is not let in: an exception and its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotSignedIn {
    pub(crate) exception: &'static str,
    pub(crate) message: String,
}

fn refuse(exception: &'static str, message: impl Into<String>) -> NotSignedIn {
    NotSignedIn { exception, message: message.into() }
}

fn invalid(message: impl Into<String>) -> NotSignedIn {
    refuse("InvalidSignatureException", message)
}

/// A request as it is signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    /// As it stands in the request.
    pub(crate) path: &'a str,
    /// As it stands in the request, without the question mark.
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    /// As it was sent.
    pub(crate) body: &'a [u8],
}

/// What stands in the header `Authorization`.
struct Authorization<'a> {
    key: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(header: &'a str) -> Result<Self, NotSignedIn> {
        let incomplete = |message: &str| {
            refuse("IncompleteSignatureException", format!("Authorization header requires {message}"))
        };
        let parameters = header.strip_prefix(ALGORITHM).filter(|rest| rest.starts_with(' '));
        let parameters = parameters.ok_or_else(|| incomplete("the algorithm AWS4-HMAC-SHA256."))?;
        let find = |name: &str| {
            let mut parameters = parameters.split(',').filter_map(|part| part.trim().split_once('='));
            parameters.find(|(found, _)| *found == name).map(|(_, value)| value)
        };
        let credential = find("Credential").ok_or_else(|| incomplete("'Credential' parameter."))?;
        let signed_headers = find("SignedHeaders").ok_or_else(|| incomplete("'SignedHeaders' parameter."))?;
        let signature = find("Signature").ok_or_else(|| incomplete("'Signature' parameter."))?;
        let parts: Vec<&str> = credential.split('/').collect();
        let [key, date, region, service, "aws4_request"] = parts[..] else {
            return Err(incomplete("a credential of five parts, the last of them aws4_request."));
        };
        Ok(Self { key, date, region, service, signed_headers, signature })
    }
}

impl AccessKeys {
    /// Lets in a request that one of the keys has signed for `service`. `now_seconds` is since 1970.
    pub(crate) fn verify(
        &self,
        request: Signed<'_>,
        service: &str,
        now_seconds: i64,
    ) -> Result<(), NotSignedIn> {
        let header = request.headers.get("authorization").and_then(|header| header.to_str().ok());
        let header = header.ok_or_else(|| {
            refuse("MissingAuthenticationTokenException", "Request is missing Authentication Token")
        })?;
        let authorization = Authorization::parse(header)?;
        let secret = self.secrets.get(authorization.key);
        let time = request.headers.get("x-amz-date").and_then(|time| time.to_str().ok()).unwrap_or_default();
        let seconds = parse_time(time).ok_or_else(|| {
            refuse(
                "IncompleteSignatureException",
                "Authorization header requires existence of an 'X-Amz-Date' header.",
            )
        })?;
        let unknown = || {
            let message = "The security token included in the request is invalid.";
            refuse("UnrecognizedClientException", message)
        };
        if let Err(refused) = check_scope(&authorization, service, time, seconds, now_seconds) {
            return Err(if secret.is_none() { unknown() } else { refused });
        }
        let mismatch = || {
            invalid(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details.",
            )
        };
        // An unknown key goes the whole way as well: how long a refusal takes tells nothing.
        let expected = signature(&request, &authorization, time, secret.map_or("", String::as_str))?;
        let is_right = constant_time_equal(expected.as_bytes(), authorization.signature.as_bytes());
        match (secret, is_right) {
            (None, _) => Err(unknown()),
            (Some(_), false) => Err(mismatch()),
            (Some(_), true) => Ok(()),
        }
    }
}

/// Refuses what was signed for another service or another day, or too long before or after now.
fn check_scope(
    authorization: &Authorization<'_>,
    service: &str,
    time: &str,
    seconds: i64,
    now_seconds: i64,
) -> Result<(), NotSignedIn> {
    if authorization.service != service || time.get(..8) != Some(authorization.date) {
        return Err(invalid("Credential should be scoped to correct service and date."));
    }
    if (now_seconds - seconds) > SKEW_SECONDS {
        return Err(invalid(format!(
            "Signature expired: {time} is now earlier than {} ({} - 15 min.)",
            format_time(now_seconds - SKEW_SECONDS),
            format_time(now_seconds)
        )));
    }
    if (seconds - now_seconds) > SKEW_SECONDS {
        return Err(invalid(format!(
            "Signature not yet current: {time} is still later than {} ({} + 15 min.)",
            format_time(now_seconds + SKEW_SECONDS),
            format_time(now_seconds)
        )));
    }
    Ok(())
}

/// The signature that a secret gives to a request.
fn signature(
    request: &Signed<'_>,
    authorization: &Authorization<'_>,
    time: &str,
    secret: &str,
) -> Result<String, NotSignedIn> {
    let names: Vec<&str> = authorization.signed_headers.split(';').collect();
    let is_there = |name: &&str| {
        request.headers.contains_key(*name) && !name.bytes().any(|byte| byte.is_ascii_uppercase())
    };
    if !names.is_sorted_by(|first, second| first < second) || !names.iter().all(is_there) {
        return Err(invalid(NOT_IN_ORDER));
    }
    let mut canonical = format!("{}\n{}\n", request.method, request.path);
    let mut pairs: Vec<&str> = request.query.split('&').filter(|pair| !pair.is_empty()).collect();
    pairs.sort_unstable();
    canonical.push_str(&pairs.join("&"));
    canonical.push('\n');
    let must_be_signed =
        |name: &str| name == "host" || name == "content-encoding" || name.starts_with("x-amz-");
    let unsigned =
        request.headers.keys().find(|name| must_be_signed(name.as_str()) && !names.contains(&name.as_str()));
    if unsigned.is_some() || !names.contains(&"host") {
        return Err(invalid("There were headers present in the request which were not signed"));
    }
    for name in &names {
        let values = request.headers.get_all(*name).iter().map(|value| {
            let text = value.to_str().unwrap_or_default();
            text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
        });
        writeln!(canonical, "{name}:{}", values.collect::<Vec<_>>().join(",")).expect("memory takes it");
    }
    write!(canonical, "\n{}\n{}", authorization.signed_headers, sha256_hex(request.body))
        .expect("memory takes it");
    let Authorization { date, region, service, .. } = authorization;
    let to_sign = format!(
        "{ALGORITHM}\n{time}\n{date}/{region}/{service}/aws4_request\n{}",
        sha256_hex(canonical.as_bytes())
    );
    let mut key = hmac(format!("AWS4{secret}").as_bytes(), date);
    for part in [*region, *service, "aws4_request"] {
        key = hmac(key.as_ref(), part);
    }
    Ok(hex(hmac(key.as_ref(), &to_sign).as_ref()))
}

fn hmac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("memory takes it");
        text
    })
}

fn constant_time_equal(first: &[u8], second: &[u8]) -> bool {
    let different =
        first.iter().zip(second).fold(0, |different, (first, second)| different | (first ^ second));
    first.len() == second.len() && different == 0
}

/// Seconds since 1970 of `20150830T123600Z`.
fn parse_time(time: &str) -> Option<i64> {
    let digits = |from: usize, to: usize| {
        let digits = time.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i64>().ok())?
    };
    if time.len() != 16 || time.get(8..9) != Some("T") || time.get(15..) != Some("Z") {
        return None;
    }
    let (year, month, day) = (digits(0, 4)?, digits(4, 6)?, digits(6, 8)?);
    let (hour, minute, second) = (digits(9, 11)?, digits(11, 13)?, digits(13, 15)?);
    let is_date = (1..=12).contains(&month) && (1..=31).contains(&day);
    let is_time = hour < 24 && minute < 60 && second < 61;
    (is_date && is_time).then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days from 1970 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn format_time(seconds: i64) -> String {
    let (day, second) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
    let (era, day_of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{HeaderName, HeaderValue};

    /// The example of AWS's test suite for signatures: 2015-08-30T12:36:00Z.
    const TIME: &str = "20150830T123600Z";
    const NOW: i64 = 1_440_938_160;

    fn keys() -> AccessKeys {
        let mut keys = AccessKeys::default();
        keys.insert("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        keys
    }

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name: HeaderName = name.parse().expect("a name");
            headers.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        headers
    }

    fn authorization(signed_headers: &str, signature: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders={signed_headers}, Signature={signature}"
        )
    }

    fn verified(method: &str, query: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), NotSignedIn> {
        keys().verify(Signed { method, path: "/", query, headers, body }, "service", NOW)
    }

    #[test]
    fn the_published_vectors_are_let_in() {
        for (method, query, body, more, signed, signature) in [
            (
                "GET",
                "",
                "",
                &[][..],
                "host;x-amz-date",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "POST",
                "",
                "",
                &[],
                "host;x-amz-date",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                "GET",
                "Param2=value2&Param1=value1",
                "",
                &[],
                "host;x-amz-date",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "POST",
                "",
                "Param1=value1",
                &[("content-type", "application/x-www-form-urlencoded")],
                "content-type;host;x-amz-date",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
        ] {
            let authorization = authorization(signed, signature);
            let mut pairs = vec![
                ("host", "example.amazonaws.com"),
                ("x-amz-date", TIME),
                ("authorization", &authorization),
            ];
            pairs.extend_from_slice(more);
            assert_eq!(
                verified(method, query, &headers(&pairs), body.as_bytes()),
                Ok(()),
                "{method} {query}"
            );
        }
    }

    type Pairs = Vec<(String, String)>;

    /// A request of DynamoDB's, signed with the key of the example.
    fn signed_request() -> (Pairs, Vec<u8>) {
        signed_for("20150830")
    }

    /// The same, for the scope of a date.
    fn signed_for(date: &str) -> (Pairs, Vec<u8>) {
        let body = br#"{"TableName":"Table"}"#.to_vec();
        let mut pairs: Pairs = [
            ("content-type", "application/x-amz-json-1.0"),
            ("host", "localhost:8000"),
            ("x-amz-date", TIME),
            ("x-amz-security-token", "token"),
            ("x-amz-target", "DynamoDB_20120810.DescribeTable"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let signed = pairs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
        let map = map(&pairs);
        let request = Signed { method: "POST", path: "/", query: "", headers: &map, body: &body };
        let authorization = |signed: &str, signature: &str| {
            authorization(signed, signature).replace("/20150830/", &format!("/{date}/"))
        };
        let unsigned = authorization(&signed, "");
        let parsed = Authorization::parse(&unsigned).expect("it is complete");
        let secret = &keys().secrets["AKIDEXAMPLE"];
        let signature = signature(&request, &parsed, TIME, secret).expect("all is signed");
        pairs.push(("authorization".to_owned(), authorization(&signed, &signature)));
        (pairs, body)
    }

    fn map(pairs: &[(String, String)]) -> HeaderMap {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        headers(&pairs)
    }

    #[test]
    fn every_byte_that_was_signed_counts() {
        let (signed, body) = signed_request();
        assert_eq!(verified("POST", "", &map(&signed), &body), Ok(()));
        for at in 0..body.len() {
            let mut changed = body.clone();
            changed[at] ^= 1;
            assert!(verified("POST", "", &map(&signed), &changed).is_err(), "byte {at} of the body");
        }
        let mut count = 0;
        for (place, (name, value)) in signed.iter().enumerate() {
            for at in 0..value.len() {
                let mut bytes = value.clone().into_bytes();
                bytes[at] ^= 1;
                let Ok(text) = String::from_utf8(bytes) else { continue };
                // A space that became another control character is no header, and white space around is not signed.
                if HeaderValue::from_str(&text).is_err() || text.trim() != text {
                    continue;
                }
                let mut changed = signed.clone();
                changed[place].1 = text;
                assert!(verified("POST", "", &map(&changed), &body).is_err(), "byte {at} of {name}");
                count += 1;
            }
        }
        assert!(count > 300, "{count}");
        for (method, query) in [("GET", ""), ("POST", "a=b")] {
            assert!(verified(method, query, &map(&signed), &body).is_err());
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        let (pairs, body) = signed_request();
        let told = |change: &dyn Fn(&mut Pairs), now: i64| {
            let mut changed = pairs.clone();
            change(&mut changed);
            let headers = map(&changed);
            let request = Signed { method: "POST", path: "/", query: "", headers: &headers, body: &body };
            keys().verify(request, "service", now).map_err(|refused| (refused.exception, refused.message))
        };
        let exception = |change: &dyn Fn(&mut Pairs)| told(change, NOW).map_err(|(exception, _)| exception);
        assert_eq!(exception(&|pairs| drop(pairs.pop())), Err("MissingAuthenticationTokenException"));
        let replaced = |from: &'static str, to: &'static str| {
            move |pairs: &mut Pairs| {
                for (_, value) in pairs {
                    *value = value.replace(from, to);
                }
            }
        };
        assert_eq!(exception(&replaced("AKIDEXAMPLE", "AKIDOTHER")), Err("UnrecognizedClientException"));
        assert_eq!(exception(&replaced("Signature=", "Sign=")), Err("IncompleteSignatureException"));
        assert_eq!(exception(&replaced("AWS4-HMAC-SHA256", "AWS3")), Err("IncompleteSignatureException"));
        assert_eq!(exception(&replaced("/service/", "/s3/")), Err("InvalidSignatureException"));
        assert_eq!(exception(&replaced(";x-amz-target", "")), Err("InvalidSignatureException"));
        assert_eq!(exception(&replaced(TIME, "yesterday")), Err("IncompleteSignatureException"));
        for (now, words) in [
            (
                NOW + 901,
                Some(
                    "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)",
                ),
            ),
            (NOW + 900, None),
            (NOW - 900, None),
            (
                NOW - 901,
                Some(
                    "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T122059Z + 15 min.)",
                ),
            ),
        ] {
            let told = told(&|_| {}, now).map_err(|(_, message)| message);
            assert_eq!(told.err().as_deref(), words);
        }
    }

    #[test]
    fn a_signature_counts_for_the_day_of_its_scope() {
        for (date, is_let_in) in
            [("20150830", true), ("", false), ("2015", false), ("20150829", false), ("20150830T", false)]
        {
            let (pairs, body) = signed_for(date);
            assert_eq!(verified("POST", "", &map(&pairs), &body).is_ok(), is_let_in, "{date}");
        }
    }

    #[test]
    fn headers_are_signed_in_order_and_once_or_nothing_is_made_of_them() {
        let (pairs, body) = signed_request();
        let many = format!("host;{}", "host;".repeat(8000));
        for (from, to) in [
            ("host;", many.as_str()),
            ("host;x-amz-date", "x-amz-date;host"),
            ("host;", "Host;host;"),
            ("host;", "host;not-there;"),
        ] {
            let mut changed = pairs.clone();
            let (_, value) = changed.last_mut().expect("the header");
            *value = value.replace(from, to);
            let refused = verified("POST", "", &map(&changed), &body).expect_err("it is not in order");
            assert_eq!(refused.message, NOT_IN_ORDER, "{}", &to[..15]);
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let printed = format!("{:?}", keys());
        assert!(printed.contains("AKIDEXAMPLE") && !printed.contains("wJalr"), "{printed}");
    }

    #[test]
    fn times_are_read_and_written() {
        assert_eq!(parse_time(TIME), Some(NOW));
        for seconds in [0, 951_782_400, NOW, 4_102_444_799] {
            assert_eq!(parse_time(&format_time(seconds)), Some(seconds));
        }
        for wrong in
            ["", "20150830", "20150830T123600", "20151330T123600Z", "2015083OT123600Z", "20150830 123600Z"]
        {
            assert_eq!(parse_time(wrong), None, "{wrong}");
        }
    }
}
