//! What is asked of tables, and what the catalog keeps of them: requests, the rules that they are held to, settings.
//!
//! ```text
//!   request ──definition──> schema, settings ──┐
//!   Rust builders ──builder──> request         ├──> record: all that the catalog keeps of a table
//!   request ──update, time_to_live, tags───────┘    a change is a pure function of the record and the request
//! ```
//!
//! Everything here is pure. Knows nothing of rows, commits and items. In the order of use:

pub mod arn;
pub mod settings;
pub mod request;
pub(super) mod members;
pub mod tags;
pub mod definition;
pub mod builder;
pub mod record;
pub mod stream;
pub mod count;
pub mod description;
pub mod update;
pub mod time_to_live;
