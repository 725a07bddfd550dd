//! One room a command: its arguments, and what it does.

pub(crate) mod get;
pub(crate) mod query;
pub(crate) mod scan;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod tables;
pub(crate) mod diff;
pub(crate) mod checkpoint;
pub(crate) mod fork;
pub(crate) mod restore;
pub(crate) mod archive;
pub(crate) mod backup;
pub(crate) mod stats;
pub(crate) mod verify;
pub(crate) mod serve;
pub(crate) mod tour;
