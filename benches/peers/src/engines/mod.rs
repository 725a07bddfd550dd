//! One adapter per engine.

pub mod fjall;
pub mod lmdb;
pub mod pixii;
pub mod pixii_table;
pub mod redb;
pub mod rocks;
pub mod sqlite;
pub mod surreal;
