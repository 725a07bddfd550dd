//! The private names of newtype structs by which our own serializer and deserializer know numbers and sets.
//!
//! Other formats see through newtype structs, to a text or a sequence.

/// A number, as its decimal text.
pub(super) const NUMBER: &str = "$pixii::Number";

/// A sequence of texts that is a set.
pub(super) const STRING_SET: &str = "$pixii::StringSet";

/// A sequence of numbers that is a set.
pub(super) const NUMBER_SET: &str = "$pixii::NumberSet";

/// A sequence of byte strings that is a set.
pub(super) const BINARY_SET: &str = "$pixii::BinarySet";
