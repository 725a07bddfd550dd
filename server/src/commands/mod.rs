//! One room a command: its arguments, and what it does.

pub(crate) mod get;
pub(crate) mod query;
pub(crate) mod scan;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod tables;
pub(crate) mod stats;
pub(crate) mod verify;
pub(crate) mod serve;
pub(crate) mod tour;
