//! All targets, with their names.

use crate::targets;

/// From any bytes to assertions.
pub type Target = fn(&[u8]);

/// The targets, in the order of what they are about.
pub const TARGETS: [(&str, Target); 11] = [
    ("wal_read", targets::wal_read::run),
    ("manifest_read", targets::manifest_read::run),
    ("table_open_scan", targets::table_open_scan::run),
    ("data_block", targets::data_block::run),
    ("key_order", targets::key_order::run),
    ("number", targets::number::run),
    ("stored_item", targets::stored_item::run),
    ("expression_evaluate", targets::expression_evaluate::run),
    ("engine_ops", targets::engine_ops::run),
    ("expression_parse", targets::expression_parse::run),
    ("copies_read", targets::copies_read::run),
];
