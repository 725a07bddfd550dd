//! The archive: a copy of the store's history elsewhere, from which the store can be restored as it was at any moment.
//!
//! ```text
//!   objects    put, get, list, delete: a directory, or whatever can do the same
//!   contents   what an archive holds, by the names of its objects; which moments can be restored
//!   archiver   a job: bases now and then, the log as it becomes durable; what is too old goes
//!   restore    the newest base not after the moment, then the log up to exactly that commit
//! ```
//!
//! The store never waits for its archive. What is not archived yet is kept up to a limit (`kept_log`); beyond it there is a
//! gap, which the next base records. In the order of use:

pub mod objects;
pub mod contents;
pub mod archiver;
pub mod restore;
