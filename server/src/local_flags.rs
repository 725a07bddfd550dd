//! The command line of DynamoDB Local, which has one dash where ours has two and no commands: so that a script needs to
//! change only the program that it calls. What it tells Java is passed over.

use std::ffi::OsString;

/// Where DynamoDB Local's flags say nothing of a place, the store is here.
const DIRECTORY: &str = "pixii-local";

/// The same command line in our words, if it is one of DynamoDB Local's; or else as it is. The first argument is the
/// program.
pub(crate) fn translated(arguments: Vec<OsString>) -> Vec<OsString> {
    let arguments = without_java(arguments);
    let mut rest = arguments.iter().skip(1).map(|argument| argument.to_str()).collect::<Vec<_>>();
    if rest.first() == Some(&Some("serve")) {
        rest.remove(0);
    }
    if rest.first().copied().flatten().and_then(our_words).is_none() {
        return arguments;
    }
    let mut ours: Vec<OsString> = arguments.iter().take(1).cloned().collect();
    ours.push("serve".into());
    let mut has_place = false;
    for argument in arguments.into_iter().skip(1).filter(|argument| argument != "serve") {
        match argument.to_str().and_then(our_words) {
            Some(words) => {
                has_place |= matches!(words, "--store" | "--in-memory" | "--help" | "--version");
                ours.extend(Some(words).filter(|words| !words.is_empty()).map(OsString::from));
            }
            None => ours.push(argument),
        }
    }
    if !has_place {
        ours.extend(["--store".into(), DIRECTORY.into()]);
    }
    ours
}

/// The same command line without what stands in it for Java: `-Djava.library.path=… -Xmx1g -jar DynamoDBLocal.jar`. Only where
/// it begins with that: no other command line has such flags there.
fn without_java(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_setting = |argument: &OsString| {
        argument.to_str().is_some_and(|flag| flag.starts_with("-D") || flag.starts_with("-X"))
    };
    while arguments.get(1).is_some_and(is_setting) {
        arguments.remove(1);
    }
    if arguments.get(1).is_some_and(|flag| flag == "-jar") {
        arguments.drain(1..arguments.len().min(3));
        // The program without any flag keeps a store in its own directory.
        if arguments.len() == 1 {
            arguments.push("-sharedDb".into());
        }
    }
    arguments
}

/// What a flag of DynamoDB Local is called here; empty for one that means nothing here.
fn our_words(flag: &str) -> Option<&'static str> {
    Some(match flag {
        "-port" => "--port",
        "-inMemory" => "--in-memory",
        "-dbPath" => "--store",
        "-cors" => "--cors",
        "-delayTransientStatuses" => "--delay-transient-statuses",
        "-help" => "--help",
        "-version" => "--version",
        // One store is shared by all clients anyway, nothing has to be optimised, and nothing is reported to anybody.
        "-sharedDb" | "-optimizeDbBeforeStartup" | "-disableTelemetry" => "",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &[&str], expected: &[&str]) {
        let strings = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(translated(strings(given)), strings(expected), "{given:?}");
    }

    #[test]
    fn dynamodb_locals_flags_are_ours() {
        check(
            &["pixii", "-sharedDb", "-port", "8001", "-inMemory"],
            &["pixii", "serve", "--port", "8001", "--in-memory"],
        );
        check(
            &["pixii", "-dbPath", "./data", "-sharedDb", "-optimizeDbBeforeStartup", "-disableTelemetry"],
            &["pixii", "serve", "--store", "./data"],
        );
        check(&["pixii", "-port", "8000"], &["pixii", "serve", "--port", "8000", "--store", DIRECTORY]);
        check(
            &["pixii", "serve", "-inMemory", "-cors", "*"],
            &["pixii", "serve", "--in-memory", "--cors", "*"],
        );
        check(
            &["pixii", "-inMemory", "-delayTransientStatuses"],
            &["pixii", "serve", "--in-memory", "--delay-transient-statuses"],
        );
        check(
            &[
                "pixii",
                "-Djava.library.path=./DynamoDBLocal_lib",
                "-Xmx1g",
                "-jar",
                "DynamoDBLocal.jar",
                "-sharedDb",
                "-inMemory",
            ],
            &["pixii", "serve", "--in-memory"],
        );
        check(&["pixii", "-jar", "DynamoDBLocal.jar"], &["pixii", "serve", "--store", DIRECTORY]);
        check(&["pixii", "-help"], &["pixii", "serve", "--help"]);
    }

    #[test]
    fn other_command_lines_stay_as_they_are() {
        for given in [
            &["pixii"][..],
            &["pixii", "--help"],
            &["pixii", "serve", "--port", "1"],
            &["pixii", "get", "-Dx", "-jar", "y"],
            &["pixii", "get", "-x"],
        ] {
            check(given, given);
        }
    }
}
