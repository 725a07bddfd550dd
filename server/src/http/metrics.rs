//! What is counted of requests, and how it is told: in Prometheus' text form, by operation, with no name of a table and no
//! value in it.

use crate::wire::dispatch;
use crate::wire::writer::{self, ObjectWriter};
use pixii::Statistics;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the latency's buckets, in microseconds.
const BOUNDS_MICROS: [u64; 12] =
    [100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 500_000, 1_000_000];

/// The counts of all operations.
#[derive(Debug)]
pub(crate) struct Metrics {
    operations: Vec<Counts>,
}

#[derive(Debug)]
struct Counts {
    operation: &'static str,
    /// By how they were answered: well, refused, failed.
    answers: [AtomicU64; 3],
    /// Each request in the first bucket that holds it; the last one is for what no bound holds.
    buckets: [AtomicU64; BOUNDS_MICROS.len() + 1],
    micros: AtomicU64,
}

impl Counts {
    fn new(operation: &'static str) -> Self {
        Self {
            operation,
            answers: Default::default(),
            buckets: Default::default(),
            micros: AtomicU64::new(0),
        }
    }
}

impl Metrics {
    /// Nothing is counted.
    pub(crate) fn new() -> Self {
        Self { operations: dispatch::names().chain(["none"]).map(Counts::new).collect() }
    }

    /// Counts a request; one of no operation is counted, too.
    pub(crate) fn count(&self, operation: Option<&'static str>, status: u16, time: Duration) {
        let operation = operation.unwrap_or("none");
        let Some(counts) = self.operations.iter().find(|counts| counts.operation == operation) else {
            return;
        };
        let answer = match status {
            0..400 => 0,
            400..500 => 1,
            _ => 2,
        };
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MICROS.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS_MICROS.len());
        counts.answers[answer].fetch_add(1, Ordering::Relaxed);
        counts.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        counts.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// All counts, and what the engine tells of itself.
    pub(crate) fn text(&self, engine: &Statistics) -> String {
        let mut text = String::new();
        self.write_requests(&mut text);
        for (name, kind, value) in [
            ("commits_total", "counter", engine.commits),
            ("log_syncs_total", "counter", engine.log_syncs),
            ("log_bytes_total", "counter", engine.log_bytes),
            ("flushes_total", "counter", engine.flushes),
            ("compactions_total", "counter", engine.compactions),
            ("table_bytes_written_total", "counter", engine.table_bytes_written),
            ("stalls_total", "counter", engine.stalls),
            ("memtable_bytes", "gauge", engine.memtable_bytes as u64),
            ("table_memory_bytes", "gauge", engine.table_memory_bytes as u64),
            ("snapshots", "gauge", engine.snapshots as u64),
            ("poisoned", "gauge", u64::from(engine.poison.is_some())),
        ] {
            line(&mut text, &format!("# TYPE pixii_engine_{name} {kind}\npixii_engine_{name} {value}"));
        }
        line(&mut text, "# TYPE pixii_engine_level_bytes gauge");
        for (level, holds) in engine.levels.iter().enumerate() {
            line(&mut text, &format!("pixii_engine_level_bytes{{level=\"{level}\"}} {}", holds.bytes));
        }
        text
    }

    /// The same for the page for people, of the operations that were asked.
    pub(crate) fn json(&self, engine: &Statistics) -> Vec<u8> {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let was_asked = |counts: &&Counts| counts.answers.iter().any(|answer| load(answer) > 0);
        writer::body(|body| {
            body.object("Engine", |object| write_engine(engine, object));
            body.array("BoundsMicros", BOUNDS_MICROS, write_number);
            body.objects("Operations", self.operations.iter().filter(was_asked), |counts, object| {
                object.string("Operation", counts.operation);
                for (name, answer) in ["Succeeded", "Refused", "Failed"].iter().zip(&counts.answers) {
                    object.plain(name, load(answer));
                }
                object.plain("Micros", load(&counts.micros));
                object.array("Buckets", counts.buckets.iter().map(load), write_number);
            });
        })
    }

    fn write_requests(&self, text: &mut String) {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        line(text, "# TYPE pixii_requests_total counter");
        for Counts { operation, answers, .. } in &self.operations {
            for (answer, count) in ["success", "refused", "failed"].iter().zip(answers) {
                let labels = format!("operation=\"{operation}\",answer=\"{answer}\"");
                line(text, &format!("pixii_requests_total{{{labels}}} {}", load(count)));
            }
        }
        line(text, "# TYPE pixii_request_seconds histogram");
        for Counts { operation, buckets, micros, .. } in &self.operations {
            let mut count = 0;
            for (bucket, bound) in buckets.iter().zip(BOUNDS_MICROS.iter().map(Some).chain([None])) {
                count += load(bucket);
                let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| seconds(*bound));
                let labels = format!("operation=\"{operation}\",le=\"{bound}\"");
                line(text, &format!("pixii_request_seconds_bucket{{{labels}}} {count}"));
            }
            let label = format!("{{operation=\"{operation}\"}}");
            line(text, &format!("pixii_request_seconds_sum{label} {}", seconds(load(micros))));
            line(text, &format!("pixii_request_seconds_count{label} {count}"));
        }
    }
}

fn write_number(number: u64, buffer: &mut Vec<u8>) {
    buffer.extend_from_slice(number.to_string().as_bytes());
}

fn write_engine(engine: &Statistics, object: &mut ObjectWriter<'_>) {
    for (name, value) in [
        ("Commits", engine.commits),
        ("LogSyncs", engine.log_syncs),
        ("LogBytes", engine.log_bytes),
        ("Flushes", engine.flushes),
        ("Compactions", engine.compactions),
        ("TableBytesWritten", engine.table_bytes_written),
        ("Stalls", engine.stalls),
        ("MemtableBytes", engine.memtable_bytes as u64),
        ("FrozenMemtables", engine.frozen_memtables as u64),
        ("TableMemoryBytes", engine.table_memory_bytes as u64),
        ("Snapshots", engine.snapshots as u64),
    ] {
        object.plain(name, value);
    }
    object.plain("IsPoisoned", engine.poison.is_some());
    object.plain("HasBackgroundError", engine.background_error.is_some());
    object.objects("Levels", &engine.levels, |level, object| {
        object.plain("Tables", level.tables);
        object.plain("Entries", level.entries);
        object.plain("Bytes", level.bytes);
    });
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("memory takes it");
}

fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_operation_answer_and_time() {
        let metrics = Metrics::new();
        metrics.count(Some("GetItem"), 200, Duration::from_micros(90));
        metrics.count(Some("GetItem"), 400, Duration::from_micros(300));
        metrics.count(Some("GetItem"), 500, Duration::from_secs(2));
        metrics.count(None, 404, Duration::ZERO);
        let text = metrics.text(&pixii::Database::in_memory().expect("a database").statistics());
        for expected in [
            "pixii_requests_total{operation=\"GetItem\",answer=\"success\"} 1",
            "pixii_requests_total{operation=\"GetItem\",answer=\"refused\"} 1",
            "pixii_requests_total{operation=\"GetItem\",answer=\"failed\"} 1",
            "pixii_requests_total{operation=\"none\",answer=\"refused\"} 1",
            "pixii_request_seconds_bucket{operation=\"GetItem\",le=\"0.000100\"} 1",
            "pixii_request_seconds_bucket{operation=\"GetItem\",le=\"0.000500\"} 2",
            "pixii_request_seconds_bucket{operation=\"GetItem\",le=\"1.000000\"} 2",
            "pixii_request_seconds_bucket{operation=\"GetItem\",le=\"+Inf\"} 3",
            "pixii_request_seconds_sum{operation=\"GetItem\"} 2.000390",
            "pixii_request_seconds_count{operation=\"GetItem\"} 3",
            "pixii_engine_poisoned 0",
        ] {
            assert!(text.lines().any(|line| line == expected), "{expected}\n{text}");
        }
    }
}
