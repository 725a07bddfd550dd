//! The crate's face: [`Database`](database::Database), [`Table`](table::Table), and the requests one builds on them.
//!
//! Decides none of DynamoDB's rules: it turns Rust values into requests and answers into Rust values. In the order of
//! use:

pub mod key;
pub mod handle;
pub mod expression;
pub mod entity;
pub mod pending;
pub mod write;
pub mod query;
pub mod table;
pub mod past;
pub mod transaction;
pub mod typed;
pub mod stream;
pub mod operations;
pub mod database;
pub mod time;
pub mod backup;
pub mod policy;
pub mod verify;
