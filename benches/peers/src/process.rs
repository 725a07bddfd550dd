//! What the system knows of this process and of files.

use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes that this process has made the system write to the disk, also through maps; by whole pages, so that a page that
/// is changed again before it is written counts once.
pub fn written_bytes() -> u64 {
    field("/proc/self/io", "write_bytes:")
}

/// The most memory that this process has had resident, pages of mapped files included.
pub fn peak_memory_bytes() -> u64 {
    field("/proc/self/status", "VmHWM:") * 1024
}

/// The memory of its own that this process has resident now: without pages of files.
pub fn own_memory_bytes() -> u64 {
    field("/proc/self/status", "RssAnon:") * 1024
}

fn field(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(file).expect("Linux has it");
    let line =
        text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{file} has {name}"));
    line.split_whitespace().nth(1).expect("a figure").parse().expect("a figure")
}

/// Processor time of all threads so far, in clock ticks of 10 ms.
fn processor_ticks() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").expect("Linux has it");
    let fields: Vec<_> = text[text.rfind(')').expect("a name") + 2..].split(' ').collect();
    fields[11..13].iter().map(|field| field.parse::<u64>().expect("ticks")).sum()
}

/// Waits until the process has done nothing for a while, which means that background work has ended, and tells since when.
/// Gives up after two minutes.
pub fn wait_until_idle() -> Instant {
    const QUIET: Duration = Duration::from_millis(300);
    const AT_MOST: Duration = Duration::from_secs(120);
    let begun = Instant::now();
    let now = || (processor_ticks(), field("/proc/self/io", "wchar:"), written_bytes());
    let (mut seen, mut since) = (now(), begun);
    while since.elapsed() < QUIET && begun.elapsed() < AT_MOST {
        std::thread::sleep(Duration::from_millis(20));
        let next = now();
        // A tick or a few bytes now and then are timers, not work.
        if next.0 > seen.0 + 1 || next.1 > seen.1 + 16_384 || next.2 > seen.2 + 65_536 {
            (seen, since) = (next, Instant::now());
        }
    }
    since
}

/// What a directory takes on the disk: holes are not counted.
pub fn disk_bytes(directory: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    let sizes = entries.filter_map(Result::ok).map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    });
    sizes.sum()
}
