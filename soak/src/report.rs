//! The report of a soak, in Markdown.

use crate::plan::{POWER_LOSSES, SUITES};
use crate::soak::{HITS_LEAST, MUST_BE_HIT, Soak};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;

/// The first line that a command prints.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").trim().to_owned()
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name =
        info.lines().find_map(|line| line.strip_prefix("model name")).and_then(|rest| rest.split(':').nth(1));
    let count = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{}, {count} processors", name.map_or("unknown processor", str::trim))
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes the report.
pub(crate) fn write(soak: &Soak) -> String {
    let mut text = String::new();
    write_all(soak, &mut text).expect("text takes everything");
    text
}

fn write_all(soak: &Soak, text: &mut String) -> std::fmt::Result {
    let total = soak.total();
    let count = |name: &str| total.counts.get(name).copied().unwrap_or(0);
    let red = soak.red();
    let violations: usize = soak.outcomes.iter().map(|outcome| outcome.violations.len()).sum();
    let caught = soak.planted.iter().filter(|planted| planted.caught.is_some()).count();
    writeln!(text, "# Reliability\n")?;
    writeln!(text, "Written by `cargo run --profile soak -p pixii-soak -- soak`; not by hand.\n")?;
    writeln!(text, "| | |\n| --- | --- |")?;
    writeln!(text, "| commit | {} |", said("git", &["rev-parse", "HEAD"]))?;
    writeln!(text, "| compiler | {} |", said("rustc", &["--version"]))?;
    writeln!(text, "| machine | {} |", processor())?;
    writeln!(text, "| time | {} minutes on {} threads |", soak.time.as_secs() / 60, soak.jobs)?;
    writeln!(text, "| seeds | from {} on |", soak.first_seed)?;
    writeln!(text, "| result | **{}** |\n", if red.is_empty() { "green" } else { "RED" })?;
    writeln!(
        text,
        "Violations: **{violations}**. Planted bugs caught: **{caught} of {}**.\n",
        soak.planted.len()
    )?;
    writeln!(
        text,
        "| counted | this run | wanted of an hour on two processors | an hour at this rate |\n| --- | ---: | ---: | ---: |"
    )?;
    let is_rate = |name: &str| total.counts.contains_key(name);
    for (name, wanted, reached) in soak.reached() {
        let seconds = soak.suites_time.as_secs().max(1);
        let hour = if is_rate(name) { grouped(reached * 3600 / seconds) } else { String::new() };
        writeln!(text, "| {name} | {} | {} | {hour} |", grouped(reached), grouped(wanted))?;
    }
    text.push('\n');
    writeln!(
        text,
        "A violation is a lost acknowledged write, a rejected one that is found, a part of a batch or transaction, an index \
         or a stream that differs from its table, an order that no single client could have made, any other wrong answer, \
         or a panic."
    )?;
    for line in &red {
        writeln!(text, "\n- {line}")?;
    }
    if violations == 0 && count(POWER_LOSSES) > 0 {
        let per_million = 3_000_000.0 / f64::from(u32::try_from(count(POWER_LOSSES)).unwrap_or(u32::MAX));
        writeln!(
            text,
            "\nNone in {} samples bounds the rate of failing ones, with 95 % confidence, at {per_million:.1} in a million: \
             of these simulated machines and workloads, not of the real world.",
            grouped(count(POWER_LOSSES))
        )?;
    }
    writeln!(text, "\n## What each suite did\n\n| suite | what | seeds | seconds | counted | violations |")?;
    writeln!(text, "| --- | --- | ---: | ---: | --- | ---: |")?;
    for (suite, outcome) in SUITES.iter().zip(&soak.outcomes) {
        let counted: Vec<String> = outcome
            .figures
            .counts
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(name, count)| format!("{name}: {}", grouped(*count)))
            .collect();
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            suite.name,
            suite.about,
            grouped(outcome.seeds),
            outcome.time.as_secs(),
            counted.join("; "),
            outcome.violations.len()
        )?;
    }
    write_faults(soak, text)?;
    write_hits(soak, text)?;
    write_planted(soak, text)?;
    text.push_str(NOT_CLAIMED);
    Ok(())
}

fn write_faults(soak: &Soak, text: &mut String) -> std::fmt::Result {
    writeln!(text, "\n## Which faults came about\n\n| fault | times |\n| --- | ---: |")?;
    for (fault, count) in &soak.total().faults {
        writeln!(text, "| {fault} | {} |", grouped(*count))?;
    }
    Ok(())
}

fn write_hits(soak: &Soak, text: &mut String) -> std::fmt::Result {
    let hits = soak.total().hits;
    let files: BTreeSet<&str> = hits.keys().map(|(_, file)| *file).collect();
    let mut by_kind: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for ((kind, file), count) in &hits {
        by_kind.entry(kind).or_default().insert(file, *count);
    }
    writeln!(
        text,
        "\n## Where the machine was stopped, or an operation failed\n\nTimes by operation and kind of file. Of those in bold          fewer than {HITS_LEAST} make the run red.\n"
    )?;
    writeln!(text, "| | {} |", files.iter().copied().collect::<Vec<_>>().join(" | "))?;
    writeln!(text, "| --- |{}", " ---: |".repeat(files.len()))?;
    for (kind, counts) in by_kind {
        let cell = |file: &&str| match (counts.get(file), MUST_BE_HIT.contains(&(kind, *file))) {
            (None, _) => String::new(),
            (Some(count), true) => format!("**{}**", grouped(*count)),
            (Some(count), false) => grouped(*count),
        };
        let cells: Vec<String> = files.iter().map(cell).collect();
        writeln!(text, "| {kind} | {} |", cells.join(" | "))?;
    }
    Ok(())
}

fn write_planted(soak: &Soak, text: &mut String) -> std::fmt::Result {
    writeln!(
        text,
        "\n## Planted bugs\n\nEach breaks one rule of the engine or of the data model (`src/base/planted.rs` says how). A \
         suite that does not notice is no suite.\n\n| bug | caught by |\n| --- | --- |"
    )?;
    for planted in &soak.planted {
        let suite = if planted.caught.is_some() { planted.suite } else { "**nobody**" };
        writeln!(text, "| {:?} | {suite} |", planted.bug)?;
    }
    Ok(())
}

const NOT_CLAIMED: &str = "
## What is not claimed

- That the store is correct: these are samples of workloads on a model of a disk. The model is in the documentation of
  `pixii::sim`; bytes outside the range of a write are assumed not to change, and a disk that lies about a sync is not
  modelled.
- That damage can be repaired: it is found out. That the end of the newest log segment is gone cannot be told from a
  power loss, nor can a whole directory that was put back from yesterday be told from today's.
- Anything about a media error under a mapped table: it ends the process.
- Memory errors, errors of the processor or of the compiler.
- That a killed process says anything about a loss of power: the page cache outlives it. That is simulated.
- That the fuzz targets were led by coverage: here a generator changes the corpus. `fuzz/README.md` has the other way.
";
