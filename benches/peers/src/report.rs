//! Tables of what was measured: medians, spread, and how pixii stands to each engine.

use crate::engine::{kind, kinds};
use crate::plot::{Curve, Row, curves, ratios};
use crate::run::{Options, Sample};
use crate::workloads::{Better, WORKLOADS, Workload};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

const OWN: &str = "pixii";

/// A median, and the lowest and highest beside it.
#[derive(Clone, Copy)]
struct Measured {
    median: f64,
    lowest: f64,
    highest: f64,
}

struct Figures<'a>(&'a [Sample]);

impl Figures<'_> {
    fn find(&self, size: (usize, u64), workload: &str, engine: &str, name: &str) -> Option<Measured> {
        let is_meant = |sample: &&Sample| {
            (sample.value_bytes, sample.items) == size
                && sample.workload == workload
                && sample.engine == engine
                && sample.name == name
        };
        let mut figures: Vec<_> = self.0.iter().filter(is_meant).map(|sample| sample.figure).collect();
        figures.sort_unstable_by(f64::total_cmp);
        let (lowest, highest) = (*figures.first()?, *figures.last()?);
        let median = (figures[(figures.len() - 1) / 2] + figures[figures.len() / 2]) / 2.0;
        Some(Measured { median, lowest, highest })
    }

    fn sizes(&self) -> Vec<(usize, u64)> {
        let sizes: BTreeSet<_> = self.0.iter().map(|sample| (sample.value_bytes, sample.items)).collect();
        sizes.into_iter().collect()
    }

    fn engines(&self) -> Vec<&'static str> {
        let is_there = |name: &&str| self.0.iter().any(|sample| sample.engine == *name);
        kinds().iter().map(|kind| kind.name).filter(is_there).collect()
    }

    /// How many times better pixii is than an engine.
    fn lead(&self, size: (usize, u64), workload: &Workload, engine: &str) -> Option<f64> {
        let own = self.find(size, workload.name, OWN, "value")?.median;
        let other = self.find(size, workload.name, engine, "value")?.median;
        Some(match workload.better {
            Better::More => own / other,
            Better::Less => other / own,
        })
    }
}

fn short(figure: f64) -> String {
    match figure {
        _ if figure >= 1e6 => format!("{:.2}M", figure / 1e6),
        _ if figure >= 1e4 => format!("{:.0}k", figure / 1e3),
        _ if figure >= 1e3 => format!("{:.1}k", figure / 1e3),
        _ if figure >= 100.0 => format!("{figure:.0}"),
        _ if figure >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

/// `123k ±4 %`: half of the way from lowest to highest, of the median.
fn with_spread(measured: Measured) -> String {
    let spread = (measured.highest - measured.lowest) / 2.0 / measured.median * 100.0;
    if measured.highest > measured.lowest {
        format!("{} ±{spread:.0} %", short(measured.median))
    } else {
        short(measured.median)
    }
}

fn machine() -> String {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = text("/proc/cpuinfo");
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("?");
    let memory = text("/proc/meminfo");
    let memory = memory.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) >> 20;
    let threads = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = text("/proc/sys/kernel/osrelease");
    format!(
        "{threads} processors ({}), {memory} GiB of memory, Linux {}",
        cpu.trim_matches([' ', '\t', ':']),
        kernel.trim()
    )
}

/// Writes `peers.md` and a plot for each size of values.
pub fn write_comparison(samples: &[Sample], options: &Options, output: &Path) {
    let figures = Figures(samples);
    let engines = figures.engines();
    let mut page = String::from(
        "# Pixii beside its peers\n\nMade by `benches/peers/run`; what the workloads are and how it is measured is said in \
         `benches/peers/README.md`. Each cell has the median of all repetitions, half of the spread between lowest and highest, \
         and in brackets how many times better pixii (engine level) is: above 1 it leads. Ratios are of one run on one \
         machine; absolute figures are of no use elsewhere.\n\n",
    );
    let _ = writeln!(page, "Machine: {}. Cache budget: {} MiB.\n", machine(), options.cache_mib);
    for size in figures.sizes() {
        let (value_bytes, items) = size;
        let _ = writeln!(page, "## Values of {value_bytes} bytes, {items} items\n");
        let name = format!("peers-{value_bytes}.svg");
        let _ = writeln!(page, "![how the engines stand to pixii]({name})\n");
        table(&mut page, &figures, size, &engines);
        details(&mut page, &figures, size, &engines);
        let row = |workload: &Workload| {
            let peers = engines.iter().filter(|engine| **engine != OWN);
            let leads =
                peers.filter_map(|&engine| Some((engine, figures.lead(size, workload, engine)?.recip())));
            Row { title: workload.title, relative: leads.collect() }
        };
        let rows: Vec<_> = WORKLOADS.iter().map(row).filter(|row| !row.relative.is_empty()).collect();
        std::fs::write(output.join(name), ratios(&rows, &engines)).expect("space");
    }
    page.push_str("## Settings\n\n");
    for kind in engines.iter().map(|name| kind(name)) {
        let _ = writeln!(page, "- **{}**: {}", kind.name, kind.settings);
        if let Some(weaker) = kind.weaker {
            let _ = writeln!(page, "  Weaker: {weaker}");
        }
    }
    std::fs::write(output.join("peers.md"), page).expect("space");
}

fn heading(page: &mut String, first: &str, names: &[&str]) {
    let _ = writeln!(page, "| {first} | {} |\n|{}", names.join(" | "), " --- |".repeat(names.len() + 1));
}

fn table(page: &mut String, figures: &Figures<'_>, size: (usize, u64), engines: &[&'static str]) {
    let columns: Vec<_> = engines.iter().copied().chain(["pixii to the best peer"]).collect();
    heading(page, "workload", &columns);
    for workload in WORKLOADS {
        let mut cells = Vec::new();
        let mut best: Option<(f64, &str)> = None;
        for &engine in engines {
            let Some(measured) = figures.find(size, workload.name, engine, "value") else {
                cells.push(String::new());
                continue;
            };
            let lead = figures.lead(size, workload, engine);
            let is_peer = !engine.starts_with(OWN) && kind(engine).weaker.is_none();
            if let Some(lead) = lead.filter(|&lead| is_peer && best.is_none_or(|(least, _)| lead < least)) {
                best = Some((lead, engine));
            }
            let mark = if kind(engine).weaker.is_some() { " †" } else { "" };
            let lead =
                lead.filter(|_| engine != OWN).map_or(String::new(), |lead| format!(" ({}×)", short(lead)));
            cells.push(format!("{}{lead}{mark}", with_spread(measured)));
        }
        if cells.iter().all(String::is_empty) {
            continue;
        }
        let best = best.map_or(String::new(), |(lead, engine)| format!("**{}×** {engine}", short(lead)));
        let unit = if workload.unit.is_empty() { String::new() } else { format!(", {}", workload.unit) };
        let _ = writeln!(page, "| {}{unit} | {} | {best} |", workload.title, cells.join(" | "));
    }
    if engines.iter().any(|engine| kind(engine).weaker.is_some()) {
        page.push_str("\n† promises less, see the settings; does not count as a best peer.\n");
    }
    page.push('\n');
}

/// What a load or a mixture costs beside time.
const DETAILS: &[(&str, &str, &str, f64)] = &[
    ("load-random", "settled", "load in random order until background work is done, /s", 1.0),
    ("load-random", "written", "bytes that the system wrote per byte of data, load in random order", 1.0),
    ("load-ordered", "written", "… in key order", 1.0),
    ("bulk-load", "written", "… bulk load", 1.0),
    ("load-random", "disk", "bytes on disk per byte of data", 1.0),
    ("load-random", "peak_bytes", "peak memory of the load, mapped files included, MB", 1e-6),
    ("load-random", "own_memory_bytes", "own memory at the end of the load, MB", 1e-6),
    ("get-hit-2", "own_memory_bytes", "own memory after the gets, MB", 1e-6),
    ("loaded-reads", "p50", "get under load, p50, µs", 1.0),
    ("loaded-reads", "p99", "… p99, µs", 1.0),
    ("loaded-reads", "reads", "… gets, /s", 1.0),
    ("loaded-reads", "puts", "… puts meanwhile, /s", 1.0),
    ("loaded-reads", "slowest_put_ms", "… the slowest put, ms", 1.0),
    ("delete-half", "deletes", "deletes in batches of 1,000, /s", 1.0),
    ("delete-half", "left_alone", "disk per byte of what is left, before compaction is asked for", 1.0),
    ("delete-half", "compact_seconds", "… and how long that takes, s", 1.0),
    ("reopen-killed", "lost", "acknowledged writes lost to kill -9", 1.0),
];

fn details(page: &mut String, figures: &Figures<'_>, size: (usize, u64), engines: &[&'static str]) {
    heading(page, "beside speed", engines);
    for &(workload, name, title, factor) in DETAILS {
        let cell = |engine: &&'static str| {
            let measured = figures.find(size, workload, engine, name);
            measured.map_or(String::new(), |measured| short(measured.median * factor))
        };
        let cells: Vec<_> = engines.iter().map(cell).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            let _ = writeln!(page, "| {title} | {} |", cells.join(" | "));
        }
    }
    page.push('\n');
}

/// Writes `growth.md` and its plots.
pub fn write_growth(samples: &[Sample], output: &Path) {
    let figures = Figures(samples);
    let mut page = String::from(
        "# Growth\n\nMade by `benches/peers/run --growth …`: what becomes of the time of one step as the store grows.\n\n",
    );
    let engines = figures.engines();
    let _ = writeln!(page, "Machine: {}.\n", machine());
    for (workload, title, unit) in [
        ("load-random", "load in random order, µs per item", "µs"),
        ("get-hit-1", "get, hit, 1 thread, µs", "µs"),
        ("reopen", "reopen after a clean close, ms", "ms"),
    ] {
        let time = |size, engine: &str| {
            let median = figures.find(size, workload, engine, "value")?.median;
            Some(if unit == "ms" { median } else { 1e6 / median })
        };
        let name = format!("growth-{workload}.svg");
        let _ = writeln!(page, "## {title}\n\n![{title}]({name})\n");
        heading(&mut page, "items", &engines);
        for size in figures.sizes() {
            let cell = |engine: &&'static str| time(size, engine).map_or(String::new(), short);
            let cells: Vec<_> = engines.iter().map(cell).collect();
            let _ = writeln!(page, "| {} | {} |", size.1, cells.join(" | "));
        }
        page.push('\n');
        let curve = |&engine: &&'static str| {
            let points =
                figures.sizes().into_iter().filter_map(|size| Some((size.1 as f64, time(size, engine)?)));
            Curve { name: engine, points: points.collect() }
        };
        let lines: Vec<_> = engines.iter().map(curve).collect();
        std::fs::write(output.join(name), curves(title, &lines)).expect("space");
    }
    std::fs::write(output.join("growth.md"), page).expect("space");
}
