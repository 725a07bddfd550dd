//! Pixii: an embedded, persistent, log-structured storage engine with the data model of DynamoDB.

pub mod base;
pub mod env;
pub mod format;
pub mod lsm;
pub mod engine;
pub mod dynamo;
pub mod api;

#[cfg(feature = "sim")]
pub use crate::env::sim;
