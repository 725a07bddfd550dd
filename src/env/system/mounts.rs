//! What is known of the file system that a file lies on.

use std::fs;
use std::os::unix::fs::MetadataExt;

/// What writing over what was written before may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overwriting {
    /// Nothing: the same blocks are written again. A full disk cannot make it fail.
    NeedsNoSpace,
    /// Perhaps new blocks: the file system copies on write, or is not known.
    MayNeedSpace,
}

/// File systems that write over blocks where they are. Not XFS: a copy that shares blocks with the file makes it copy them
/// on write.
const IN_PLACE: [&str; 3] = ["ext3", "ext4", "tmpfs"];

/// What writing over parts of a new file may need, by the table of mounts; what cannot be found out may need space.
pub(super) fn overwriting(file: &fs::File) -> Overwriting {
    let kind = || {
        let device = file.metadata().ok()?.dev();
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        kind_of(&mounts, device).map(str::to_owned)
    };
    match kind() {
        Some(kind) if IN_PLACE.contains(&kind.as_str()) => Overwriting::NeedsNoSpace,
        _ => Overwriting::MayNeedSpace,
    }
}

/// The kind of the file system of a device (proc(5), `/proc/pid/mountinfo`: the third field is the device, the one behind
/// the lone hyphen the kind).
fn kind_of(mounts: &str, device: u64) -> Option<&str> {
    // As glibc's `gnu_dev_major` and `gnu_dev_minor` have it.
    let major = ((device >> 8) & 0xfff) | ((device >> 32) & 0xffff_f000);
    let minor = (device & 0xff) | ((device >> 12) & 0xffff_ff00);
    let numbers = format!("{major}:{minor}");
    let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some(numbers.as_str()))?;
    line.split(" - ").nth(1)?.split(' ').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_stands_behind_the_hyphen_of_the_devices_line() {
        let mounts = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
                      23 22 0:21 / /proc rw - proc proc rw\n\
                      40 22 0:300 / /data rw shared:7 master:2 - btrfs /dev/vdb rw\n";
        let device =
            |major: u64, minor: u64| ((major & 0xfff) << 8) | (minor & 0xff) | ((minor & !0xff) << 12);
        assert_eq!(kind_of(mounts, device(254, 0)), Some("ext4"));
        assert_eq!(kind_of(mounts, device(0, 300)), Some("btrfs"));
        assert_eq!(kind_of(mounts, device(8, 1)), None);
    }
}
