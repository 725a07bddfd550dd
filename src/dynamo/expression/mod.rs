//! Expressions: what a request asks of an item, as trees.
//!
//! ```text
//!   text + placeholders ──parse──> syntax ──resolve──> tree <──build── Rust builders, legacy parameters
//!                                                       │
//!                                                     check     what can be said without an item
//!                                                       │
//!                          stored bytes ──evaluate──> true or false, a changed item, a projection
//! ```
//!
//! There is one tree for each kind of expression, however it was said, and one evaluator. Evaluating works on stored
//! bytes. Knows nothing of tables, keys and the engine. In the order of use:

pub mod path;
pub mod tree;
pub mod fault;
mod reserved;
mod lexer;
mod syntax;
mod parser;
mod check;
mod resolve;
mod key_clause;
pub mod context;
pub mod prepared;
pub mod text;
pub mod print;
mod steps;
pub mod evaluate;
pub mod project;
pub mod update;
#[cfg(test)]
mod said;
#[cfg(test)]
mod given;
#[cfg(test)]
mod properties;
