//! The one read path: get, query and scan, of tables and of indexes.
//!
//! ```text
//!   request ──check──> legacy parameters become trees; no table needed                                  `check`
//!   checked request ──> range and starting place ──> walk: one cursor, one moment                         `walk`
//!   walk ──> each entry: count it, filter it, fetch what an index lacks, project it ──> reader            `walk`
//!   page: a walk that a limit or 1 MB ends                                                                `walk`
//!   parallel scan: a walk over a part of the range that was cut once                                      `segments`
//! ```
//!
//! Filters and projections work on stored bytes: what a caller does not ask for is not decoded.
//!
//! Invariants:
//! 1. Every operation reads at one moment.
//! 2. A walk gives each entry of its range once, in order. After an error it gives nothing more: entries are never
//!    stepped over in silence.
//! 3. Of a table or an index that is dropped while it is read, a read gives what was there, or that it is not there; never
//!    a part (`gone`).
//! 4. Reading with the last evaluated key of a page as the exclusive start key goes on exactly behind that page.
//!
//! In the order of use:

pub mod request;
mod output;
pub(super) mod entry_cursor;
mod paths;
mod plan;
pub mod segments;
mod check;
mod gone;
pub mod get;
pub mod walk;
pub mod batch;
pub mod transact;
