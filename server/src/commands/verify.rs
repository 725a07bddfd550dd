//! `pixii verify`: whether a store is whole.

use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::store::StoreArguments;
use clap::Args;
use indicatif::{BinaryBytes, HumanCount, ProgressBar, ProgressStyle};
use pixii::{Environment, VerifyProgress, VerifyReport};

/// Check every checksum and every order of a store, and every index against its table.
///
/// Nothing is written, and nobody can have the store open to write meanwhile. Each finding is printed, one a line, with the
/// file and the place in it. The exit code is 1 if there are any.
#[derive(Args, Debug)]
pub(crate) struct VerifyArguments {
    #[command(flatten)]
    store: StoreArguments,
}

/// Runs the command.
pub(crate) fn run(arguments: &VerifyArguments) -> Result<()> {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{wide_bar} {bytes} of {total_bytes}, {msg}");
    bar.set_style(style.expect("the template is well-formed"));
    let mut tell = |progress: VerifyProgress| match progress {
        VerifyProgress::Files(files) => {
            bar.set_length(files.total_bytes);
            bar.set_position(files.done_bytes);
            bar.set_message(
                files.path.file_name().map_or_else(String::new, |name| name.display().to_string()),
            );
        }
        VerifyProgress::Rows(rows) => {
            bar.set_position(bar.length().unwrap_or_default());
            bar.set_message(format!("{} items, table {}", HumanCount(rows.item_count), rows.table));
        }
    };
    let report = pixii::verify(&Environment::system(), &arguments.store.directory, &mut tell);
    bar.finish_and_clear();
    let report = report?;
    let mut output = Output::new();
    print_report(&mut output, &report)?;
    output.flush()?;
    match report.findings.len() {
        0 => Ok(()),
        1 => Err(Failure::told("the store is not whole: there is 1 finding")),
        count => Err(Failure::told(format!("the store is not whole: there are {count} findings"))),
    }
}

fn print_report(output: &mut Output, report: &VerifyReport) -> Result<()> {
    for finding in &report.findings {
        output.text(&format!("wrong  {finding}"))?;
    }
    for note in &report.notes {
        output.text(&format!("note   {note}"))?;
    }
    output.text(&format!(
        "files  {} files of {}: {} entries in tables, {} batches in the log",
        report.file_count,
        BinaryBytes(report.bytes),
        HumanCount(report.entry_count),
        HumanCount(report.batch_count)
    ))?;
    match report.item_count {
        Some(items) => output.text(&format!(
            "rows   {} items, {} index entries",
            HumanCount(items),
            HumanCount(report.index_entry_count)
        )),
        None => output.text("rows   not looked at, because the files are not whole"),
    }
}
