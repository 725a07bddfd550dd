//! `pixii`, the command line: a tour of the library, tables of a store imported, looked at and exported, and a server.
//!
//! Items go to standard output, one a line; everything said about them goes to standard error. The exit code is 0 when
//! all went well, 1 when something failed, 2 when the command line was wrong.

use crate::commands::{
    archive, backup, checkpoint, diff, export, fork, get, import, query, restore, scan, serve, stats, tables,
    tour, verify,
};
use crate::config_file::expanded;
use crate::failure::Failure;
use crate::local_flags::translated;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// An embedded, persistent storage engine with the data model of DynamoDB: tables of a store on the command line
#[derive(Parser, Debug)]
#[command(name = "pixii", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Tour(tour::TourArguments),
    Import(import::ImportArguments),
    Get(get::GetArguments),
    Query(query::QueryArguments),
    Scan(scan::ScanArguments),
    Tables(tables::TablesArguments),
    Export(export::ExportArguments),
    Diff(diff::DiffArguments),
    Checkpoint(checkpoint::CheckpointArguments),
    Fork(fork::ForkArguments),
    Archive(archive::ArchiveArguments),
    Restore(restore::RestoreArguments),
    Backup(backup::BackupArguments),
    Stats(stats::StatsArguments),
    Verify(verify::VerifyArguments),
    Serve(serve::ServeArguments),
    #[command(hide = true)]
    TourWriter(tour::writer::WriterArguments),
}

/// Does what the command line of this process says.
pub fn run() -> ExitCode {
    let arguments = match expanded(translated(std::env::args_os().collect())) {
        Ok(arguments) => arguments,
        Err(failure) => return ended(Err(failure)),
    };
    let result = match CommandLine::parse_from(arguments).command {
        Command::Tour(arguments) => tour::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Get(arguments) => get::run(&arguments),
        Command::Query(arguments) => query::run(&arguments),
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Tables(arguments) => tables::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Checkpoint(arguments) => checkpoint::run(&arguments),
        Command::Fork(arguments) => fork::run(&arguments),
        Command::Archive(arguments) => archive::run(&arguments),
        Command::Restore(arguments) => restore::run(&arguments),
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Stats(arguments) => stats::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::TourWriter(arguments) => tour::writer::run(&arguments),
    };
    ended(result)
}

/// How the process ends.
fn ended(result: crate::failure::Result<()>) -> ExitCode {
    match result {
        Ok(()) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Err(Failure::Told(words)) => {
            eprintln!("error: {words}");
            ExitCode::FAILURE
        }
    }
}
