//! Restoring single tables: to a moment of the past, or from a backup that was made by name.
//!
//! ```text
//!   request, description   DynamoDB's shapes
//!   source                 a table as it was: as of a moment that is kept, from the archive, or from a backup
//!   table_copy             its items and index entries become those of a new table
//!   continuous             whether and since when a table can be restored; restoring it to a moment
//!   on_demand              backups by name, which live on when their table is gone
//!   undrop                 a table of the past, dropped since or not, as a new one
//! ```
//!
//! In the order of use:

pub mod request;
pub mod description;
mod source;
pub mod table_copy;
pub mod continuous;
pub mod on_demand;
pub mod undrop;
