//! Why a statement is refused. The words are DynamoDB's where they are known, and else our own behind its beginning.

/// Why a statement is refused: the message of a `ValidationException`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatementFault(pub(crate) String);

pub(crate) type Result<T> = std::result::Result<T, StatementFault>;

impl StatementFault {
    /// The text is not a statement.
    pub(crate) fn malformed(what: &str) -> Self {
        Self(format!("Statement wasn't well formed, can't be processed: {what}"))
    }

    /// The parameters are not as many as the question marks.
    pub(crate) fn parameter_count() -> Self {
        Self("Number of parameters in request and statement don't match.".to_owned())
    }

    /// A change that does not say which item it is of.
    pub(crate) fn key_missing() -> Self {
        Self("Where clause does not contain a mandatory equality on all key attributes".to_owned())
    }
}
