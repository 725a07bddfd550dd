//! A file of settings for `pixii serve`: each line has a flag's name, an equals sign and its value. What the command line or the
//! environment says counts more.
//!
//! ```text
//! # a comment
//! store = /var/lib/pixii
//! port = 8000
//! log-requests = true
//! ```

use crate::failure::{Failure, Result};
use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// The flag that names the file.
const FLAG: &str = "--config";

/// The command line with the settings of the file that it names, where it does not have them itself.
pub(crate) fn expanded(arguments: Vec<OsString>) -> Result<Vec<OsString>> {
    let Some(at) = arguments.iter().position(|argument| argument == FLAG) else { return Ok(arguments) };
    if arguments.get(1).is_none_or(|command| command != "serve") {
        return Ok(arguments);
    }
    let Some(path) = arguments.get(at + 1).map(Path::new) else {
        return Err(Failure::told(format!("{FLAG} needs a file")));
    };
    let shown = path.display();
    let text =
        fs::read_to_string(path).map_err(|error| Failure::told(format!("cannot read {shown}: {error}")))?;
    let settings =
        settings(&text).map_err(|line| Failure::told(format!("{shown}:{line} is not a setting")))?;
    Ok(merged(arguments, at, &settings, |name| std::env::var_os(variable(name)).is_some()))
}

/// The environment's variable of a flag.
fn variable(name: &str) -> String {
    format!("PIXII_{}", name.to_uppercase().replace('-', "_"))
}

/// Names and values; or the number of the line that is neither a setting nor a comment.
fn settings(text: &str) -> std::result::Result<Vec<(&str, &str)>, usize> {
    let mut settings = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once('=').ok_or(number)?;
        let (name, value) = (name.trim(), value.trim());
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        };
        if !is_name(name) || value.is_empty() {
            return Err(number);
        }
        settings.push((name, value));
    }
    Ok(settings)
}

/// Takes the file's flag at `at` out, and puts settings behind the rest that nothing else has.
fn merged(
    arguments: Vec<OsString>,
    at: usize,
    settings: &[(&str, &str)],
    is_in_environment: impl Fn(&str) -> bool,
) -> Vec<OsString> {
    let mut merged: Vec<OsString> = arguments;
    merged.drain(at..(at + 2).min(merged.len()));
    let mut more = Vec::new();
    for (name, value) in settings {
        let flag = format!("--{name}");
        let is_given = |argument: &OsString| {
            argument.to_str().is_some_and(|argument| {
                argument == flag || argument.strip_prefix(&flag).is_some_and(|rest| rest.starts_with('='))
            })
        };
        if merged.iter().any(is_given) || is_in_environment(name) {
            continue;
        }
        match *value {
            "true" => more.push(flag.into()),
            "false" => {}
            value => more.push(format!("{flag}={value}").into()),
        }
    }
    merged.extend(more);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &[&str], text: &str, expected: &[&str]) {
        let strings = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let at = given.iter().position(|word| *word == FLAG).expect("a file");
        let settings = settings(text).expect("settings");
        assert_eq!(merged(strings(given), at, &settings, |name| name == "host"), strings(expected));
    }

    #[test]
    fn what_the_command_line_or_the_environment_has_counts_more() {
        let text =
            "# a comment\n\nstore = /a b\nport = 1\nhost = ::1\nlog-requests = true\nshow-expired = false\n";
        check(
            &["pixii", "serve", "--config", "file"],
            text,
            &["pixii", "serve", "--store=/a b", "--port=1", "--log-requests"],
        );
        check(
            &["pixii", "serve", "--port=2", "--config", "file", "--store", "x"],
            text,
            &["pixii", "serve", "--port=2", "--store", "x", "--log-requests"],
        );
    }

    #[test]
    fn a_line_that_is_no_setting_is_told() {
        for (text, line) in [("port", 1), ("port = 1\n= 2", 2), ("\n\nport =", 3), ("Port = 1", 1)] {
            assert_eq!(settings(text), Err(line), "{text}");
        }
    }

    #[test]
    fn without_a_file_nothing_changes() {
        let arguments = vec![OsString::from("pixii"), OsString::from("serve"), OsString::from("--port=1")];
        assert!(matches!(expanded(arguments.clone()), Ok(expanded) if expanded == arguments));
    }
}
