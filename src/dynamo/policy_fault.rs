//! What can be wrong with a request on the policy of a table.

/// A request on a policy that cannot be met.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyFault {
    /// The table has no policy.
    Missing {
        /// The table's long name.
        arn: String,
    },
    /// The policy that there is has another revision than is expected, or there is none.
    OtherRevision {
        /// The table's long name.
        arn: String,
    },
    /// The policy is empty, or too long.
    Length {
        /// How long it is.
        bytes: usize,
    },
    /// The policy is no document in JSON.
    Malformed,
}
