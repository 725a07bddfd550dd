//! DynamoDB's JSON protocol: from the bytes of a request to the bytes of its answer.
//!
//! ```text
//!   body ──reader──> members of the request ──operations──> the library's request ──> answer ──writer──> body
//!                         │ SerializationException              │ ValidationException       │ the library's error
//!                         └───────────────────────> refusal <───┴───────────────────────────┘
//! ```
//!
//! A request is parsed in one pass into the library's own types, and items are written from where they are stored. What
//! is wrong is said in DynamoDB's order: the JSON and the types of its members, the members' constraints, their
//! combinations, the values, the expressions; then the library goes on with the table. Knows nothing of HTTP.
//!
//! In the order of use:

pub(crate) mod reader;
pub(crate) mod writer;
pub(crate) mod attributes;
pub(crate) mod members;
pub(crate) mod refusal;
pub(crate) mod expressions;
pub(crate) mod choices;
pub(crate) mod capacity;
pub(crate) mod transients;
pub(crate) mod restores;
pub(crate) mod service;
pub(crate) mod legacy;
pub(crate) mod items;
pub(crate) mod batches;
pub(crate) mod transactions;
pub(crate) mod pages;
pub(crate) mod table_requests;
pub(crate) mod table_answers;
pub(crate) mod tables;
pub(crate) mod backups;
pub(crate) mod policies;
pub(crate) mod streams;
pub(crate) mod statements;
pub(crate) mod dispatch;
#[cfg(test)]
mod bombs;
