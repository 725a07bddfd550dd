//! How a command ends badly.

/// The result of everything a command does.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a command ends.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Whoever read what was printed has gone away, as `head` does. There is nobody to tell, and nothing is wrong.
    OutputClosed,
    /// Something to be told, in words.
    Told(String),
}

impl Failure {
    /// A failure with these words.
    pub(crate) fn told(words: impl Into<String>) -> Self {
        Self::Told(words.into())
    }
}

impl From<pixii::Error> for Failure {
    fn from(error: pixii::Error) -> Self {
        Self::Told(error.to_string())
    }
}
