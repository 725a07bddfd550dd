//! Items as JSON text, both ways: plain JSON, and DynamoDB's form that names every value's type.
//!
//! Knows nothing of tables, files and the command line. Text is parsed by `serde_json`, which stops at 128 levels; the
//! converters here count levels again and stop at DynamoDB's 32. In the order of use:

pub(crate) mod fault;
pub(crate) mod text;
pub(crate) mod plain;
pub(crate) mod typed;
pub(crate) mod stream;
