//! Bytes in and out of buffers: little-endian, fixed widths or varints.
//!
//! Invariants:
//! 1. A length is checked against what is left before it is believed, so nothing larger than the input is allocated.
//! 2. A decoder never reads beyond its slice and never panics.
//! 3. A varint has one form: the shortest.
#![warn(clippy::indexing_slicing)]

use std::fmt;

/// Bytes that do not parse: what was expected where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// What was expected, in words.
    pub expected: &'static str,
    /// Where in the input, in bytes.
    pub offset: usize,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} at byte {}", self.expected, self.offset)
    }
}

impl std::error::Error for DecodeError {}

/// The longest varint in bytes.
pub const VARINT_BYTES_MAX: usize = 10;

/// Writes to the end of a buffer.
pub trait Encode {
    /// Appends raw bytes.
    fn put_bytes(&mut self, bytes: &[u8]);

    /// Appends one byte.
    fn put_u8(&mut self, value: u8) {
        self.put_bytes(&[value]);
    }

    /// Appends two bytes.
    fn put_u16(&mut self, value: u16) {
        self.put_bytes(&value.to_le_bytes());
    }

    /// Appends four bytes.
    fn put_u32(&mut self, value: u32) {
        self.put_bytes(&value.to_le_bytes());
    }

    /// Appends eight bytes.
    fn put_u64(&mut self, value: u64) {
        self.put_bytes(&value.to_le_bytes());
    }

    /// Appends sixteen bytes.
    fn put_u128(&mut self, value: u128) {
        self.put_bytes(&value.to_le_bytes());
    }

    /// Appends 1 to 10 bytes: seven bits each, lowest first, the high bit set on all but the last.
    fn put_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.put_u8(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.put_u8(value.to_le_bytes()[0]);
    }

    /// Appends a length as a varint, then the bytes.
    fn put_prefixed(&mut self, bytes: &[u8]) {
        self.put_varint(bytes.len() as u64);
        self.put_bytes(bytes);
    }
}

impl Encode for Vec<u8> {
    fn put_bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn put_u8(&mut self, value: u8) {
        self.push(value);
    }
}

/// How many bytes [`Encode::put_varint`] writes for `value`.
pub fn varint_bytes(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Reads from the front of a slice.
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Decoder<'a> {
    /// Reads `bytes` from their beginning.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// How far reading has come, in bytes.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The bytes not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    /// Whether everything has been read.
    pub fn is_empty(&self) -> bool {
        self.offset >= self.bytes.len()
    }

    /// An error at the present place.
    pub fn error(&self, expected: &'static str) -> DecodeError {
        DecodeError { expected, offset: self.offset }
    }

    /// The next `count` bytes.
    #[inline]
    pub fn bytes(&mut self, count: usize, expected: &'static str) -> Result<&'a [u8], DecodeError> {
        let end = self.offset.checked_add(count).ok_or_else(|| self.error(expected))?;
        let bytes = self.bytes.get(self.offset..end).ok_or_else(|| self.error(expected))?;
        self.offset = end;
        Ok(bytes)
    }

    /// The next `N` bytes as an array.
    #[inline]
    pub fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], DecodeError> {
        let error = self.error(expected);
        self.bytes(N, expected)?.try_into().map_err(|_| error)
    }

    /// The next byte.
    #[inline]
    pub fn u8(&mut self, expected: &'static str) -> Result<u8, DecodeError> {
        let byte = self.bytes.get(self.offset).copied().ok_or_else(|| self.error(expected))?;
        self.offset += 1;
        Ok(byte)
    }

    /// The next two bytes.
    pub fn u16(&mut self, expected: &'static str) -> Result<u16, DecodeError> {
        self.array(expected).map(u16::from_le_bytes)
    }

    /// The next four bytes.
    pub fn u32(&mut self, expected: &'static str) -> Result<u32, DecodeError> {
        self.array(expected).map(u32::from_le_bytes)
    }

    /// The next eight bytes.
    pub fn u64(&mut self, expected: &'static str) -> Result<u64, DecodeError> {
        self.array(expected).map(u64::from_le_bytes)
    }

    /// The next sixteen bytes.
    pub fn u128(&mut self, expected: &'static str) -> Result<u128, DecodeError> {
        self.array(expected).map(u128::from_le_bytes)
    }

    /// The next varint, in its shortest form only.
    #[inline]
    pub fn varint(&mut self, expected: &'static str) -> Result<u64, DecodeError> {
        let first = self.u8(expected)?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let error = DecodeError { expected, offset: self.offset - 1 };
        let mut value = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.u8(expected)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(error);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return if byte == 0 { Err(error) } else { Ok(value) };
            }
        }
        Err(error)
    }

    /// The next varint as a length or a count in memory.
    #[inline]
    pub fn length(&mut self, expected: &'static str) -> Result<usize, DecodeError> {
        let error = self.error(expected);
        usize::try_from(self.varint(expected)?).map_err(|_| error)
    }

    /// A length, then that many bytes.
    #[inline]
    pub fn prefixed(&mut self, expected: &'static str) -> Result<&'a [u8], DecodeError> {
        let length = self.length(expected)?;
        self.bytes(length, expected)
    }

    /// Nothing more may follow.
    pub fn end(&self, expected: &'static str) -> Result<(), DecodeError> {
        if self.is_empty() { Ok(()) } else { Err(self.error(expected)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn varints_come_back_in_their_shortest_form(value: u64, shift in 0_u32..64) {
            let value = value >> shift;
            let mut buffer = Vec::new();
            buffer.put_varint(value);
            prop_assert_eq!(buffer.len(), varint_bytes(value));
            let mut decoder = Decoder::new(&buffer);
            prop_assert_eq!(decoder.varint("a varint"), Ok(value));
            prop_assert!(decoder.is_empty());
        }

        #[test]
        fn what_decodes_as_a_varint_encodes_to_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            let mut decoder = Decoder::new(&bytes);
            if let Ok(value) = decoder.varint("a varint") {
                let mut buffer = Vec::new();
                buffer.put_varint(value);
                prop_assert_eq!(&buffer, &bytes[..decoder.offset()]);
            }
        }
    }

    #[test]
    fn a_length_beyond_the_input_is_refused() {
        let mut buffer = Vec::new();
        buffer.put_varint(u64::MAX);
        assert_eq!(
            Decoder::new(&buffer).prefixed("a key"),
            Err(DecodeError { expected: "a key", offset: VARINT_BYTES_MAX })
        );
    }
}
