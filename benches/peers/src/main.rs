//! Pixii beside the embedded engines that one would pick instead: the same work, in turns, in one run.
//!
//! See README.md for what is run and how. Every workload of every engine runs in a process of its own, which this program
//! starts as a child of itself, so that memory and writing are that workload's alone.

mod data;
mod engine;
mod engines;
mod plot;
mod process;
mod report;
mod run;
mod workloads;

use std::time::Duration;

const USAGE: &str = "usage: pixii-peers [options]        run, and write tables and plots to docs/benchmarks
       pixii-peers report [options] write them anew from the samples of the last run

  --quick            small counts, one repetition: shows that everything works, not how fast
  --items N          items of 100 bytes; of 1 KiB there are a third as many   (1000000)
  --values A,B       sizes of values                                          (100,1024)
  --repetitions N    in each, every engine has its turn at every workload     (3)
  --seconds S        for what has no natural end                              (1)
  --cache-mib N      the cache budget                                         (256)
  --engines A,B      only these; pixii is needed for ratios
  --workloads A,B    only these, or those that begin so
  --directory D      where stores are made; on a disk, not in memory          (target/stores of this package)
  --output D         for tables and plots                                     (docs/benchmarks; --quick: nowhere)
  --append           add to the samples that are there: a run in parts
  --growth N,N,...   instead: load, point read and open by number of items
  --list             show engines, their settings, and workloads";

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "child") {
        return child(&arguments[1..]);
    }
    let is_report = arguments.first().is_some_and(|first| first == "report");
    if is_report {
        arguments.remove(0);
    }
    let options = match run::Options::parse(&arguments) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}\n\n{USAGE}");
            std::process::exit(2);
        }
    };
    if options.is_list {
        return run::list();
    }
    let are_sound = is_report || run::run(&options);
    if let Some(output) = &options.output {
        let samples = run::read_samples(&options);
        std::fs::create_dir_all(output).expect("space");
        if options.growth.is_empty() {
            report::write_comparison(&samples, &options, output);
        } else {
            report::write_growth(&samples, output);
        }
    }
    if !are_sound {
        eprintln!("some workloads failed");
        std::process::exit(1);
    }
}

/// What the parent asks of a child, in the order of [`run::Turn::arguments`].
fn child(arguments: &[String]) {
    let [kind, workload, directory, items, value_bytes, cache_bytes, millis] = arguments else {
        panic!("a child is started by its parent")
    };
    let workload = workloads::workload(workload);
    let job = workloads::Job {
        kind: engine::kind(kind),
        directory: directory.into(),
        items: items.parse().expect("a number"),
        value_bytes: value_bytes.parse().expect("a number"),
        cache_bytes: cache_bytes.parse().expect("a number"),
        time: Duration::from_millis(millis.parse().expect("a number")),
        durability: workload.durability,
    };
    job.run(workload);
}
