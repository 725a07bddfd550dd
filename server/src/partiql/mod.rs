//! PartiQL, as far as DynamoDB speaks it: a statement becomes the request that says the same.
//!
//! ```text
//!   text + parameters ──lexer──> tokens ──parser──> statement ──plan, by the table's key──> a request of the library
//! ```
//!
//! It lives in the server, because it adds nothing to what can be asked of a store. Knows nothing of JSON and HTTP.
//! Source: DynamoDB developer guide, "PartiQL - A SQL-compatible query language for Amazon DynamoDB". In the order of use:

pub(crate) mod fault;
mod lexer;
pub(crate) mod statement;
pub(crate) mod parser;
pub(crate) mod plan;
