//! Real processes that are killed: this tool, started again as a child that writes.

use crate::process_death::{Deaths, kill_again_and_again};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Kills so many children over one store. It lies in memory where there is a place for that: the page cache outlives a
/// process anyway.
pub(crate) fn run(seed: u64, cycles: u64, deaths: &mut Deaths) -> Result<(), String> {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let directory = Directory(parent.join(format!("pixii-soak-{}-{seed}", std::process::id())));
    std::fs::create_dir(&directory.0).map_err(|error| format!("{}: {error}", directory.0.display()))?;
    let tool = std::env::current_exe().map_err(|error| error.to_string())?;
    let child = |store: &Path, round: u64| {
        let mut command = Command::new(&tool);
        command.arg("write-until-killed").arg(store).arg(round.to_string());
        command
    };
    kill_again_and_again(&directory.0.join("store"), seed, cycles, child, deaths)
}

/// A directory that goes when this is dropped.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
