//! What a command prints on standard output: lines, each whole.
//!
//! A reader that goes away ends the command quietly: [`Failure::OutputClosed`].

use crate::failure::{Failure, Result};
use crate::json::{plain, text, typed};
use clap::ValueEnum;
use pixii::Item;
use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};

/// How items are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ItemFormat {
    /// Plain JSON; sets become arrays, binary becomes base64
    #[default]
    Json,
    /// Every value with its type: {"year": {"N": "2013"}}
    DynamodbJson,
}

/// Standard output.
pub(crate) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    line: Vec<u8>,
}

impl Output {
    /// Standard output, held until this is dropped.
    pub(crate) fn new() -> Self {
        Self { out: BufWriter::with_capacity(64 * 1024, io::stdout().lock()), line: Vec::new() }
    }

    /// Prints an item as a line.
    pub(crate) fn item(&mut self, item: &Item, format: ItemFormat) -> Result<()> {
        self.json(|line| match format {
            ItemFormat::Json => plain::write_item(item, line),
            ItemFormat::DynamodbJson => typed::write_item(item, line),
        })
    }

    /// Prints an item as a line of an export: in the typed form it is wrapped as DynamoDB's own exports are.
    pub(crate) fn exported_item(&mut self, item: &Item, format: ItemFormat) -> Result<()> {
        match format {
            ItemFormat::Json => self.item(item, format),
            ItemFormat::DynamodbJson => {
                self.json(|line| text::write_object([("Item", item)], line, typed::write_item))
            }
        }
    }

    /// Prints what `write` appends as a line.
    pub(crate) fn json(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        self.line.clear();
        write(&mut self.line);
        self.line.push(b'\n');
        told(self.out.write_all(&self.line))
    }

    /// Prints a line of text.
    pub(crate) fn text(&mut self, text: &str) -> Result<()> {
        self.json(|line| line.extend_from_slice(text.as_bytes()))
    }

    /// Hands on what was printed.
    pub(crate) fn flush(&mut self) -> Result<()> {
        told(self.out.flush())
    }
}

fn told(result: io::Result<()>) -> Result<()> {
    result.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::OutputClosed,
        _ => Failure::told(format!("cannot write to standard output: {error}")),
    })
}
