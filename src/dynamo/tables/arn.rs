//! The long names of tables, indexes and streams.
//!
//! There is one region and one account, whatever a client believes: the names that are given out are accepted back.

use crate::dynamo::fault::Fault;
use crate::dynamo::table_fault::TableFault;

/// The region in every name.
pub const REGION: &str = "us-east-1";

/// The account in every name.
pub const ACCOUNT: &str = "000000000000";

fn tables() -> String {
    format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/")
}

/// The long name of the table `table`.
pub fn of_table(table: &str) -> String {
    tables() + table
}

/// The long name of an index.
pub fn of_index(table: &str, index: &str) -> String {
    format!("{}{table}/index/{index}", tables())
}

/// The long name of a stream.
pub fn of_stream(table: &str, label: &str) -> String {
    format!("{}{table}/stream/{label}", tables())
}

/// The name of the table that a request names, by its name or its long name.
pub fn table_name(name: &str) -> Result<&str, Fault> {
    if !name.starts_with("arn:") {
        return Ok(name);
    }
    let table = name.strip_prefix(&tables()).filter(|table| !table.contains('/'));
    table.ok_or_else(|| TableFault::ArnForeign { arn: name.to_owned() }.into())
}

/// The table and the label that the long name of a stream names; none if it is not one of ours.
pub(in crate::dynamo) fn stream_parts(arn: &str) -> Option<(&str, &str)> {
    arn.strip_prefix(&tables())?.split_once("/stream/")
}

/// The name of the table whose tags a request names.
pub(in crate::dynamo) fn tagged_table(arn: &str) -> Result<&str, Fault> {
    let fault = |fault: fn(String) -> TableFault| Fault::Table(fault(arn.to_owned()));
    if !arn.starts_with("arn:") {
        return Err(fault(|arn| TableFault::ArnMalformed { arn }));
    }
    let resource = arn.strip_prefix(&tables()).ok_or_else(|| fault(|arn| TableFault::ArnNotFound { arn }))?;
    match resource.split_once('/') {
        None => Ok(resource),
        // A stream may be named, but has no tags of its own here.
        Some((_, rest)) if rest.starts_with("stream/") => Err(fault(|arn| TableFault::ArnNotFound { arn })),
        Some(_) => Err(fault(|arn| TableFault::ArnNotTaggable { arn })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_named_by_its_name_or_its_long_name() {
        assert_eq!(table_name("Music").expect("a name"), "Music");
        assert_eq!(table_name(&of_table("Music")).expect("our own name"), "Music");
        for foreign in [
            "arn:aws:dynamodb:eu-west-2:000000000000:table/Music",
            "arn:aws:dynamodb:us-east-1:000000000001:table/Music",
            &of_index("Music", "ByX"),
        ] {
            let fault = table_name(foreign).expect_err("not a table of ours");
            assert!(matches!(fault, Fault::Table(TableFault::ArnForeign { .. })), "{foreign}");
        }
    }

    #[test]
    fn a_stream_is_named_by_its_table_and_its_label() {
        assert_eq!(stream_parts(&of_stream("Music", "2026")), Some(("Music", "2026")));
        assert_eq!(stream_parts(&of_index("Music", "ByX")), None);
        assert_eq!(stream_parts("arn:aws:dynamodb:eu-west-2:000000000000:table/Music/stream/2026"), None);
    }

    #[test]
    fn only_tables_have_tags() {
        let check = |arn: &str| tagged_table(arn).map(str::to_owned).map_err(|fault| format!("{fault:?}"));
        assert_eq!(check(&of_table("Music")), Ok("Music".to_owned()));
        for (arn, fault) in [
            ("Music".to_owned(), "ArnMalformed"),
            (of_index("Music", "ByX"), "ArnNotTaggable"),
            (of_stream("Music", "2026"), "ArnNotFound"),
            ("arn:aws:s3:::bucket".to_owned(), "ArnNotFound"),
        ] {
            assert!(check(&arn).expect_err("no table").contains(fault), "{arn}");
        }
    }
}
