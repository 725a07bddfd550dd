//! How bodies are encoded: gzip and deflate, both ways.
//!
//! Decoding is bounded: what would become longer than a body may be is refused as soon as it is, whatever it claims.

use super::limits::{BODY_BYTES_MAX, COMPRESSED_FROM_BYTES};
use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use std::io::{Read, Write};

/// An encoding of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Deflate,
}

impl Encoding {
    /// As HTTP calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    /// The encoding that a body is sent in. An error if it is one that is not known.
    pub(crate) fn of_request(header: Option<&str>) -> Result<Option<Self>, ContentFault> {
        match header.map(str::trim) {
            None | Some("") => Ok(None),
            Some(name) if name.eq_ignore_ascii_case("identity") => Ok(None),
            Some(name) if name.eq_ignore_ascii_case("gzip") => Ok(Some(Self::Gzip)),
            Some(name) if name.eq_ignore_ascii_case("deflate") => Ok(Some(Self::Deflate)),
            Some(_) => Err(ContentFault::UnknownEncoding),
        }
    }

    /// The encoding for an answer of so many bytes, by what the client accepts: the one that it likes best, gzip first.
    pub(crate) fn of_answer(accepted: Option<&str>, length: usize) -> Option<Self> {
        if length <= COMPRESSED_FROM_BYTES {
            return None;
        }
        let accepted = accepted?;
        let liked = |name: &str| quality(accepted, name).or_else(|| quality(accepted, "*")).unwrap_or(0);
        let (gzip, deflate) = (liked("gzip"), liked("deflate"));
        match (gzip, deflate) {
            (0, 0) => None,
            _ if gzip >= deflate => Some(Self::Gzip),
            _ => Some(Self::Deflate),
        }
    }

    /// The body in this encoding.
    pub(crate) fn encode(self, body: &[u8]) -> Vec<u8> {
        let buffer = Vec::with_capacity(body.len() / 4);
        let level = Compression::fast();
        let encoded = match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(buffer, level);
                encoder.write_all(body).and_then(|()| encoder.finish())
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(buffer, level);
                encoder.write_all(body).and_then(|()| encoder.finish())
            }
        };
        encoded.expect("memory takes every body")
    }

    /// The body that was sent in this encoding.
    pub(crate) fn decode(self, body: &[u8]) -> Result<Vec<u8>, ContentFault> {
        match self {
            Self::Gzip => bounded(GzDecoder::new(body)),
            Self::Deflate => bounded(ZlibDecoder::new(body)),
        }
    }
}

/// Why a body cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentFault {
    /// It is in an encoding that is not known.
    UnknownEncoding,
    /// It is not in the encoding that it says.
    Corrupt,
    /// It is too long.
    TooLong,
}

fn bounded(decoder: impl Read) -> Result<Vec<u8>, ContentFault> {
    let mut body = Vec::new();
    let most = BODY_BYTES_MAX as u64 + 1;
    decoder.take(most).read_to_end(&mut body).map_err(|_| ContentFault::Corrupt)?;
    if body.len() > BODY_BYTES_MAX { Err(ContentFault::TooLong) } else { Ok(body) }
}

/// How much a client likes what is called so, in thousandths; none if it does not say.
fn quality(accepted: &str, name: &str) -> Option<u32> {
    accepted.split(',').find_map(|part| {
        let mut parameters = part.split(';').map(str::trim);
        if !parameters.next().is_some_and(|coding| coding.eq_ignore_ascii_case(name)) {
            return None;
        }
        let weight = parameters.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse::<f32>().unwrap_or(0.0))
        });
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
        Some((weight.unwrap_or(1.0).clamp(0.0, 1.0) * 1000.0) as u32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let body = b"some text, some text, some text".repeat(1000);
        for encoding in [Encoding::Gzip, Encoding::Deflate] {
            let encoded = encoding.encode(&body);
            assert!(encoded.len() < body.len() / 10);
            assert_eq!(encoding.decode(&encoded), Ok(body.clone()));
            assert_eq!(encoding.decode(&encoded[..encoded.len() / 2]), Err(ContentFault::Corrupt));
            assert_eq!(encoding.decode(b"plain"), Err(ContentFault::Corrupt));
        }
    }

    #[test]
    fn a_bomb_is_refused_at_the_limit() {
        for encoding in [Encoding::Gzip, Encoding::Deflate] {
            assert_eq!(
                encoding.decode(&encoding.encode(&vec![b' '; BODY_BYTES_MAX])).map(|body| body.len()),
                Ok(BODY_BYTES_MAX)
            );
            let bomb = encoding.encode(&vec![b' '; BODY_BYTES_MAX + 1]);
            assert!(bomb.len() < 100_000);
            assert_eq!(encoding.decode(&bomb), Err(ContentFault::TooLong));
        }
    }

    #[test]
    fn the_encoding_is_the_one_that_the_client_likes_best() {
        for (accepted, encoding) in [
            ("gzip", Some(Encoding::Gzip)),
            ("GZIP", Some(Encoding::Gzip)),
            ("deflate", Some(Encoding::Deflate)),
            ("deflate, gzip", Some(Encoding::Gzip)),
            ("gzip;q=0.5, deflate;q=0.8", Some(Encoding::Deflate)),
            ("gzip; q=0, deflate", Some(Encoding::Deflate)),
            ("*", Some(Encoding::Gzip)),
            ("gzip;q=0, *", Some(Encoding::Deflate)),
            ("*;q=0", None),
            ("br", None),
            ("identity", None),
            ("", None),
        ] {
            assert_eq!(
                Encoding::of_answer(Some(accepted), COMPRESSED_FROM_BYTES + 1),
                encoding,
                "{accepted}"
            );
            assert_eq!(Encoding::of_answer(Some(accepted), COMPRESSED_FROM_BYTES), None);
        }
        assert_eq!(Encoding::of_answer(None, 1 << 20), None);
    }
}
