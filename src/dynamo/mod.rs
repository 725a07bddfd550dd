//! DynamoDB's data model over ordered bytes: values and items, their stored form, keys, schemas and operations.
//!
//! Knows nothing of files, threads and levels. In the order of use:

pub mod limits;
pub mod number;
pub mod value;
pub mod encoding;
pub mod stored;
pub mod key;
pub mod expression;
pub mod legacy;
pub mod serde;
pub mod table_fault;
pub mod item_fault;
pub mod stream_fault;
pub mod backup_fault;
pub mod policy_fault;
pub mod request_fault;
pub mod fault;
mod messages;
pub mod error;
pub mod schema;
pub mod tables;
pub mod system_rows;
pub mod table;
pub mod expiry;
mod sweep_timer;
mod counts;
pub mod catalog;
mod restoring;
pub mod policies;
pub mod expiry_settings;
pub mod item_key;
pub mod capacity;
pub mod index;
pub mod stream;
pub mod condition;
pub mod jobs;
mod index_lag;
pub mod store;
pub mod write;
pub mod read;
pub mod past;
pub mod backup;
pub mod transaction;
pub mod verify;
