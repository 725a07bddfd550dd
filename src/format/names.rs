//! The names of the files in a store's directory.

use crate::base::ident::{FileId, FileNumber};
use std::path::{Path, PathBuf};

/// The file that the directory's lock stands on.
pub const LOCK: &str = "LOCK";

/// The marker of a directory that is a whole checkpoint.
pub const CHECKPOINT: &str = "checkpoint";

/// What a directory has instead while a checkpoint is being made in it.
pub const UNFINISHED_CHECKPOINT: &str = "checkpoint.tmp";

const WAL_SUFFIX: &str = ".wal";
const TABLE_SUFFIX: &str = ".sst";
const TEMPORARY_SUFFIX: &str = ".tmp";
const MANIFEST_PREFIX: &str = "manifest-";

/// What a file is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// The lock.
    Lock,
    /// A log segment.
    Wal(FileNumber),
    /// A manifest.
    Manifest(FileNumber),
    /// An `SSTable`.
    Table(FileId),
    /// Something that was not finished.
    Temporary,
    /// The marker of a checkpoint.
    Checkpoint,
    /// The sign that a checkpoint is being made, or was and is not whole.
    UnfinishedCheckpoint,
}

/// What the file of this name is; `None` if the store never writes such a name.
pub fn parse(name: &str) -> Option<FileKind> {
    // The highest number of all is never given, so that every number has a next one.
    let number = |digits: &str| {
        let canonical = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if canonical { digits.parse().ok().filter(|number| *number < u64::MAX).map(FileNumber) } else { None }
    };
    if name == LOCK {
        Some(FileKind::Lock)
    } else if name == CHECKPOINT {
        Some(FileKind::Checkpoint)
    } else if name == UNFINISHED_CHECKPOINT {
        Some(FileKind::UnfinishedCheckpoint)
    } else if let Some(finished) = name.strip_suffix(TEMPORARY_SUFFIX) {
        number(finished.strip_prefix(MANIFEST_PREFIX)?).map(|_| FileKind::Temporary)
    } else if let Some(digits) = name.strip_suffix(WAL_SUFFIX) {
        number(digits).map(FileKind::Wal)
    } else if let Some(digits) = name.strip_prefix(MANIFEST_PREFIX) {
        number(digits).map(FileKind::Manifest)
    } else {
        let digits = name.strip_suffix(TABLE_SUFFIX)?;
        let canonical =
            digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if canonical {
            u128::from_str_radix(digits, 16).ok().map(|id| FileKind::Table(FileId(id)))
        } else {
            None
        }
    }
}

/// The path of a log segment.
pub fn wal(directory: &Path, number: FileNumber) -> PathBuf {
    directory.join(format!("{:020}{WAL_SUFFIX}", number.0))
}

/// The path of a manifest.
pub fn manifest(directory: &Path, number: FileNumber) -> PathBuf {
    directory.join(format!("{MANIFEST_PREFIX}{:020}", number.0))
}

/// The path of a manifest that is being written.
pub fn unfinished_manifest(directory: &Path, number: FileNumber) -> PathBuf {
    directory.join(format!("{MANIFEST_PREFIX}{:020}{TEMPORARY_SUFFIX}", number.0))
}

/// The path of an `SSTable`.
pub fn table(directory: &Path, id: FileId) -> PathBuf {
    directory.join(format!("{id}{TABLE_SUFFIX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_to_what_they_were_made_of() {
        let directory = Path::new("store");
        let name = |path: PathBuf| parse(path.file_name().and_then(|name| name.to_str()).unwrap_or_default());
        assert_eq!(name(wal(directory, FileNumber(7))), Some(FileKind::Wal(FileNumber(7))));
        assert_eq!(name(manifest(directory, FileNumber(8))), Some(FileKind::Manifest(FileNumber(8))));
        assert_eq!(name(table(directory, FileId(9))), Some(FileKind::Table(FileId(9))));
        assert_eq!(name(unfinished_manifest(directory, FileNumber(8))), Some(FileKind::Temporary));
        assert_eq!(parse(LOCK), Some(FileKind::Lock));
        assert_eq!(parse(CHECKPOINT), Some(FileKind::Checkpoint));
        assert_eq!(parse(UNFINISHED_CHECKPOINT), Some(FileKind::UnfinishedCheckpoint));
    }

    #[test]
    fn foreign_names_are_not_ours() {
        for name in [
            "letter.tmp",
            "18446744073709551615.wal",
            "readme.txt",
            "7.wal",
            "manifest-x",
            "ABCDEF.sst",
            "+0000000000000000001.wal",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
