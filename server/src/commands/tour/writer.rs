//! The child of the tour: writes durable messages without end, and prints each as soon as it is acknowledged.
//!
//! A line is `writer number`, and is printed whole. The child ends when its parent kills it, or is gone.

use super::messages::{self, TABLE};
use crate::failure::{Failure, Result};
use clap::Args;
use pixii::{Database, Table};
use std::io::{self, Write as _};
use std::path::PathBuf;

/// Writes durable messages until it is killed, and prints each that is acknowledged.
#[derive(Args, Debug)]
pub(crate) struct WriterArguments {
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
}

/// Runs the child.
pub(crate) fn run(arguments: &WriterArguments) -> Result<()> {
    let database = Database::open(&arguments.store)?;
    let table = &database.table(TABLE)?;
    std::thread::scope(|scope| {
        let writers: Vec<_> =
            (0..messages::WRITERS).map(|writer| scope.spawn(move || write(table, writer))).collect();
        writers
            .into_iter()
            .try_for_each(|writer| writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn write(table: &Table, writer: u64) -> Result<()> {
    for number in 0.. {
        table.put(&messages::of_writer(writer, number))?;
        writeln!(io::stdout(), "{writer} {number}").map_err(|_| Failure::OutputClosed)?;
    }
    Ok(())
}
