//! Bytes as choices.

use pixii::base::entry::EntryKind;
use pixii::base::expiry::{Expiry, ExpiryGeneration};

/// What is left of an input. When nothing is left every choice is the first one.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    /// The choices that these bytes are.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether every further choice is the first one.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything that is left.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    /// One time in two.
    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// A number below `bound`, or 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let mut number = usize::from(self.byte());
        if bound > 256 {
            number |= usize::from(self.byte()) << 8;
        }
        if bound > 1 << 16 {
            number |= usize::from(self.byte()) << 16;
        }
        number.checked_rem(bound).unwrap_or(0)
    }

    /// Eight bytes as a number.
    pub fn number(&mut self) -> u64 {
        (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    /// At most `length_max` bytes.
    pub fn bytes(&mut self, length_max: usize) -> &'a [u8] {
        let length = self.below(length_max + 1).min(self.rest.len());
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest;
        bytes
    }

    /// Text of at most `length_max` bytes before what is no UTF-8 in it was replaced.
    pub fn text(&mut self, length_max: usize) -> String {
        String::from_utf8_lossy(self.bytes(length_max)).into_owned()
    }

    /// What an entry says of its key.
    pub fn kind(&mut self) -> EntryKind {
        match self.below(3) {
            0 => EntryKind::Delete,
            1 => EntryKind::Put,
            _ => EntryKind::ExpiringPut(self.expiry()),
        }
    }

    /// When something expires.
    pub fn expiry(&mut self) -> Expiry {
        Expiry {
            at_millis: self.number(),
            generation: ExpiryGeneration(u32::from(self.byte()) << self.below(25)),
        }
    }

    /// A short key out of few, so that keys meet again.
    pub fn key(&mut self) -> Vec<u8> {
        let length = self.below(4);
        (0..=length).map(|_| b"ab\0\xff"[self.below(4)]).collect()
    }
}
