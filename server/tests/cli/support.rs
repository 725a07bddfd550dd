//! A store in a directory of its own, and the program run on it.

use serde_json::Value as Json;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A directory for one test, gone when it ends. The store, once there is one, is in `store` of it.
pub(crate) struct Place {
    directory: TempDir,
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a temporary directory") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// Writes a file, and returns its path as an argument.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.path(name);
        fs::write(&path, content).expect("space for a small file");
        path.display().to_string()
    }

    /// The program with these words on its command line, split at white space, and this store.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = program();
        command.args(words.split_whitespace()).env("PIXII_STORE", self.store());
        command
    }

    pub(crate) fn run(&self, words: &str) -> Run {
        Run::of(&mut self.command(words))
    }

    /// Runs the program, and returns what it prints; it must succeed.
    pub(crate) fn printed(&self, words: &str) -> String {
        self.run(words).printed()
    }

    /// The lines that the program prints, each as JSON.
    pub(crate) fn items(&self, words: &str) -> Vec<Json> {
        let printed = self.printed(words);
        printed.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    /// Runs the program with this on its standard input.
    pub(crate) fn run_with_input(&self, words: &str, input: &str) -> Run {
        let mut command = self.command(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        let mut stdin = child.stdin.take().expect("it was asked for");
        match stdin.write_all(input.as_bytes()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {} // it refused before it read everything
            written => written.expect("the program reads it"),
        }
        drop(stdin);
        Run::from(child.wait_with_output().expect("the program ends"))
    }
}

/// The program without arguments, and without what the environment says of stores.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pixii"));
    command.env_remove("PIXII_STORE").stdin(Stdio::null());
    command
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().expect("the program runs"))
    }

    pub(crate) fn printed(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// The run must have failed, printed nothing, and said this.
    #[track_caller]
    pub(crate) fn check_refused(&self, said: &str) {
        assert_eq!((self.code, self.out.as_str()), (Some(1), ""), "{self:?}");
        assert_eq!(self.err.trim_end(), format!("error: {said}"));
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// What a file holds, by its whole path.
pub(crate) fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
