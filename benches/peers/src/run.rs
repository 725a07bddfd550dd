//! Runs the workloads in turns and keeps what they say.
//!
//! For each repetition, size of value and workload, every engine has its turn; who is first changes with the repetition.
//! So whatever else the machine does meets all engines alike.

use crate::data::PARTITION_ITEMS;
use crate::engine::{Kind, kind, kinds};
use crate::workloads::{Needs, WORKLOADS, Workload};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub struct Options {
    pub items: u64,
    pub values: Vec<usize>,
    pub repetitions: usize,
    pub millis: u64,
    pub cache_mib: usize,
    pub engines: Vec<String>,
    pub workloads: Vec<String>,
    pub directory: PathBuf,
    pub output: Option<PathBuf>,
    pub is_append: bool,
    pub growth: Vec<u64>,
    pub is_list: bool,
}

impl Options {
    pub fn parse(arguments: &[String]) -> Result<Self, String> {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut options = Self {
            items: 1_000_000,
            values: vec![100, 1024],
            repetitions: 3,
            millis: 1000,
            cache_mib: 256,
            engines: kinds().iter().map(|kind| kind.name.to_owned()).collect(),
            workloads: Vec::new(),
            directory: package.join("target/stores"),
            output: Some(package.join("../../docs/benchmarks")),
            is_append: false,
            growth: Vec::new(),
            is_list: false,
        };
        fn list<T: std::str::FromStr>(text: &str) -> Result<Vec<T>, String> {
            text.split(',').map(|part| part.parse().map_err(|_| format!("what is {part}?"))).collect()
        }
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut text = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--quick" => {
                    (options.items, options.repetitions, options.millis) = (30_000, 1, 100);
                    options.output = None;
                }
                "--items" => options.items = one(text()?)?,
                "--values" => options.values = list(text()?)?,
                "--repetitions" => options.repetitions = one(text()?)?,
                "--seconds" => options.millis = (one::<f64>(text()?)? * 1e3) as u64,
                "--cache-mib" => options.cache_mib = one(text()?)?,
                "--engines" => options.engines = list(text()?)?,
                "--workloads" => options.workloads = list(text()?)?,
                "--directory" => options.directory = text()?.into(),
                "--output" => options.output = Some(text()?.into()),
                "--append" => options.is_append = true,
                "--growth" => options.growth = list(text()?)?,
                "--list" => options.is_list = true,
                _ => return Err(format!("what is {argument}?")),
            }
        }
        let known: Vec<_> = kinds().iter().map(|kind| kind.name).collect();
        match options.engines.iter().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(format!("there is no engine {name}; there are {}", known.join(", "))),
            None => Ok(options),
        }
    }

    fn samples(&self) -> PathBuf {
        let name = if self.growth.is_empty() { "target/samples.tsv" } else { "target/growth.tsv" };
        Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
    }

    /// Sizes of values, each with the numbers of items: whole pairs of partitions, and fewer of long values.
    fn sizes(&self) -> Vec<(usize, u64)> {
        let whole = |items: u64| items.div_ceil(2 * PARTITION_ITEMS) * 2 * PARTITION_ITEMS;
        if !self.growth.is_empty() {
            return self.growth.iter().map(|&items| (self.values[0], whole(items))).collect();
        }
        let items = |bytes: usize| whole(if bytes > 500 { self.items / 3 } else { self.items });
        self.values.iter().map(|&bytes| (bytes, items(bytes))).collect()
    }

    fn is_asked(&self, workload: &Workload) -> bool {
        if !self.growth.is_empty() {
            return ["load-random", "get-hit-1", "reopen"].contains(&workload.name);
        }
        self.workloads.is_empty()
            || self.workloads.iter().any(|name| workload.name.starts_with(name.as_str()))
    }
}

fn one<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("what is {text}?"))
}

/// A figure that came out.
pub struct Sample {
    pub items: u64,
    pub value_bytes: usize,
    pub workload: String,
    pub engine: String,
    pub name: String,
    pub figure: f64,
}

pub fn read_samples(options: &Options) -> Vec<Sample> {
    let text = std::fs::read_to_string(options.samples()).expect("there was a run");
    let sample = |line: &str| {
        let mut fields = line.split('\t');
        let mut next = || fields.next().expect("six fields");
        Sample {
            items: next().parse().expect("a number"),
            value_bytes: next().parse().expect("a number"),
            workload: next().to_owned(),
            engine: next().to_owned(),
            name: next().to_owned(),
            figure: next().parse().expect("a number"),
        }
    };
    text.lines().map(sample).collect()
}

pub fn list() {
    println!("engines:");
    for kind in kinds() {
        println!("  {:<13} {}", kind.name, kind.settings);
        if let Some(weaker) = kind.weaker {
            println!("  {:<13} weaker: {weaker}", "");
        }
    }
    println!("workloads:");
    for workload in WORKLOADS {
        println!("  {:<17} {}", workload.name, workload.title);
    }
}

/// One engine at one workload.
struct Turn<'a> {
    kind: &'a Kind,
    directory: PathBuf,
    items: u64,
    value_bytes: usize,
    options: &'a Options,
}

impl Turn<'_> {
    fn arguments(&self, workload: &str) -> Vec<String> {
        let options = self.options;
        vec![
            "child".to_owned(),
            self.kind.name.to_owned(),
            workload.to_owned(),
            self.directory.to_str().expect("a path in UTF-8").to_owned(),
            self.items.to_string(),
            self.value_bytes.to_string(),
            (options.cache_mib << 20).to_string(),
            options.millis.to_string(),
        ]
    }

    fn start(&self, workload: &str) -> Child {
        let program = std::env::current_exe().expect("it has a path");
        let mut command = Command::new(program);
        command
            .args(self.arguments(workload))
            .stdout(Stdio::piped())
            .spawn()
            .expect("it can be started again")
    }

    /// Runs a workload to its end; its figures, or nothing if it failed.
    fn run(&self, workload: &str) -> Option<Vec<(String, f64)>> {
        let child = self.start(workload);
        let output = child.wait_with_output().expect("it was started");
        let text = String::from_utf8(output.stdout).expect("figures");
        let figures = text.lines().filter_map(figure).collect();
        output.status.success().then_some(figures)
    }

    /// Lets a child write until its log is full and kills it.
    fn fill_log_and_kill(&self) -> bool {
        let mut child = self.start("fill-log");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let is_full = lines.map_while(Result::ok).any(|line| line.starts_with("full"));
        child.kill().expect("it waits");
        child.wait().expect("it was killed");
        is_full
    }

    fn clear(&self) {
        let _ = std::fs::remove_dir_all(&self.directory);
        std::fs::create_dir_all(self.directory.parent().expect("a parent")).expect("space");
    }

    fn take(&self, workload: &Workload) -> Option<Vec<(String, f64)>> {
        match workload.needs {
            Needs::Nothing | Needs::Main => self.clear(),
            Needs::Items | Needs::ItemsLast if !self.directory.exists() => {
                self.run("prepare")?;
            }
            Needs::Items | Needs::ItemsLast => {}
        }
        if workload.name == "reopen-killed" && !self.fill_log_and_kill() {
            return None;
        }
        let figures = self.run(workload.name);
        if figures.is_none() || matches!(workload.needs, Needs::Nothing | Needs::ItemsLast) {
            self.clear();
        }
        figures
    }
}

fn figure(line: &str) -> Option<(String, f64)> {
    let (name, figure) = line.split_once('\t')?;
    Some((name.to_owned(), figure.parse().ok()?))
}

/// Runs all that is asked for; whether nothing failed.
pub fn run(options: &Options) -> bool {
    let samples = options.samples();
    std::fs::create_dir_all(samples.parent().expect("a parent")).expect("space");
    let mut file = std::fs::OpenOptions::new();
    let file = if options.is_append { file.append(true) } else { file.write(true).truncate(true) };
    let mut file = file.create(true).open(samples).expect("space");
    list();
    let kinds: Vec<_> = options.engines.iter().map(|name| kind(name)).collect();
    let mut are_sound = true;
    for repetition in 0..options.repetitions {
        for (value_bytes, items) in options.sizes() {
            let directory = options.directory.join(std::process::id().to_string());
            for workload in WORKLOADS.iter().filter(|workload| options.is_asked(workload)) {
                for turn in 0..kinds.len() {
                    let kind = &kinds[(turn + repetition) % kinds.len()];
                    let place = match workload.needs {
                        Needs::Nothing => "other",
                        _ => "main",
                    };
                    let directory = directory.join(place).join(kind.name);
                    let turn = Turn { kind, directory, items, value_bytes, options };
                    let Some(figures) = turn.take(workload) else {
                        are_sound = false;
                        println!(
                            "{repetition} {value_bytes:>5} {:<17} {:<13} FAILED",
                            workload.name, kind.name
                        );
                        continue;
                    };
                    let mut said = String::new();
                    for (name, figure) in figures {
                        let _ = write!(said, "  {name} {figure:.2}");
                        let workload = workload.name;
                        let kind = kind.name;
                        writeln!(file, "{items}\t{value_bytes}\t{workload}\t{kind}\t{name}\t{figure}")
                            .expect("space");
                    }
                    println!("{repetition} {value_bytes:>5} {:<17} {:<13}{said}", workload.name, kind.name);
                }
            }
            let _ = std::fs::remove_dir_all(directory);
        }
    }
    are_sound
}
