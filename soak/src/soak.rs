//! The run: threads take the suite that is farthest behind its share, with its next seed, until time is up; then every
//! bug is planted.

use crate::plan::{Figures, SUITES, WANTED, WANTED_BUGS};
use crate::planted;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What became of one suite.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) seeds: u64,
    pub(crate) time: Duration,
    pub(crate) figures: Figures,
    pub(crate) violations: Vec<String>,
}

/// A soak that is over.
pub(crate) struct Soak {
    pub(crate) first_seed: u64,
    pub(crate) jobs: usize,
    pub(crate) time: Duration,
    /// Of it, before bugs were planted.
    pub(crate) suites_time: Duration,
    /// In the order of the suites.
    pub(crate) outcomes: Vec<Outcome>,
    /// Each bug, the suite that should catch it, and what it said.
    pub(crate) planted: Vec<planted::Catch>,
}

/// Each kind of operation on each kind of file that the store does must have been stopped or failed so often.
pub(crate) const HITS_LEAST: u64 = 100;

/// What must have been hit.
pub(crate) const MUST_BE_HIT: [(&str, &str); 24] = [
    ("read_dir", "directory"),
    ("create_dir", "directory"),
    ("open", "table"),
    ("size", "table"),
    ("map", "table"),
    ("open", "log segment"),
    ("read", "log segment"),
    ("open", "manifest"),
    ("create", "table"),
    ("append", "table"),
    ("sync", "table"),
    ("unlink", "table"),
    ("create_log", "log segment"),
    ("fill", "log segment"),
    ("publish", "log segment"),
    ("sync", "log segment"),
    ("unlink", "log segment"),
    ("create", "unfinished manifest"),
    ("append", "unfinished manifest"),
    ("sync", "unfinished manifest"),
    ("rename", "unfinished manifest"),
    ("unlink", "manifest"),
    ("sync_dir", "directory"),
    ("lock", "lock"),
];

impl Soak {
    /// All figures together.
    pub(crate) fn total(&self) -> Figures {
        let mut total = Figures::default();
        for outcome in &self.outcomes {
            total.merge(&outcome.figures);
        }
        total
    }

    /// What is wanted of an hour, and what there was, the planted bugs last.
    pub(crate) fn reached(&self) -> Vec<(&'static str, u64, u64)> {
        let counts = self.total().counts;
        let caught = self.planted.iter().filter(|planted| planted.caught.is_some()).count();
        let bugs = ("planted bugs caught", WANTED_BUGS as u64, caught as u64);
        let of = |(name, wanted)| (name, wanted, counts.get(name).copied().unwrap_or(0));
        WANTED.into_iter().map(of).chain([bugs]).collect()
    }

    /// Why the run is red, if it is.
    pub(crate) fn red(&self) -> Vec<String> {
        let mut red: Vec<String> =
            self.outcomes.iter().flat_map(|outcome| outcome.violations.clone()).collect();
        let missed = self.planted.iter().filter(|planted| planted.caught.is_none());
        red.extend(missed.map(|planted| format!("the planted bug {:?} was not caught", planted.bug)));
        let hits = self.total().hits;
        for (kind, file) in MUST_BE_HIT {
            let count = hits.get(&(kind.to_owned(), file)).copied().unwrap_or(0);
            if count < HITS_LEAST {
                red.push(format!("{kind} of a {file} was stopped or failed {count} times only"));
            }
        }
        if self.suites_time >= Duration::from_secs(3600) {
            let short = self.reached().into_iter().filter(|(_, wanted, reached)| reached < wanted);
            red.extend(short.map(|(name, wanted, reached)| format!("{name}: {reached} of {wanted}")));
        }
        red
    }
}

/// What there was so far, for who watches.
#[derive(Default)]
struct Progress {
    figures: Figures,
    violations: usize,
    minutes_said: u64,
}

impl Progress {
    /// What the bar says; where there is no terminal for a bar, a line each minute.
    fn say(&mut self, suite: &str, seed: u64, elapsed: Duration) -> String {
        let count = |name: &str| self.figures.counts.get(name).copied().unwrap_or(0);
        let figures: Vec<String> =
            WANTED.iter().map(|(name, _)| format!("{} {name}", count(name))).take(4).collect();
        let said = format!("{suite} {seed}; {}; {} violations", figures.join(", "), self.violations);
        let minutes = elapsed.as_secs() / 60;
        if minutes > self.minutes_said && !std::io::stderr().is_terminal() {
            self.minutes_said = minutes;
            eprintln!("minute {minutes}: {said}");
        }
        said
    }
}

/// Runs one seed of a suite, and counts a panic as a violation.
fn run_seed(suite: usize, seed: u64, outcome: &mut Outcome) {
    let begun = Instant::now();
    let suite = &SUITES[suite];
    let result = catch_unwind(AssertUnwindSafe(|| (suite.run)(seed, &mut outcome.figures)));
    outcome.seeds += 1;
    outcome.time += begun.elapsed();
    let wrong = match result {
        Ok(Ok(())) => return,
        Ok(Err(wrong)) => wrong,
        Err(_) => "it panicked".to_owned(),
    };
    // Some tell whole stores; who repeats the seed sees it all.
    let wrong: String = wrong.chars().take(600).collect();
    let line = format!("cargo run --profile soak -p pixii-soak -- repeat {} {seed}  # {wrong}", suite.name);
    eprintln!("{line}");
    outcome.violations.push(line);
}

/// The suite that is farthest behind its share of the time, and its next seed.
fn next(taken: &Mutex<Vec<(u64, Duration)>>, first_seed: u64) -> (usize, u64) {
    let mut taken = taken.lock().expect("nobody panics with it");
    let behind = |at: &usize| taken[*at].1.as_micros() / u128::from(SUITES[*at].share);
    let at = (0..SUITES.len()).min_by_key(behind).unwrap_or(0);
    let seed = first_seed + taken[at].0;
    taken[at].0 += 1;
    // Until its time is known, so that two threads do not take the same suite at once.
    taken[at].1 += Duration::from_millis(100);
    (at, seed)
}

/// Runs the suites for so many minutes, then plants every bug.
pub(crate) fn run(minutes: u64, first_seed: u64, jobs: usize) -> Soak {
    let begun = Instant::now();
    let until = Duration::from_secs(60 * minutes);
    let progress = Mutex::new(Progress::default());
    let taken = Mutex::new(vec![(0, Duration::ZERO); SUITES.len()]);
    let bar = ProgressBar::new(until.as_secs());
    let style = ProgressStyle::with_template("{bar:40} {elapsed_precise} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let parts: Vec<Vec<Outcome>> = std::thread::scope(|scope| {
        let work = || {
            let mut outcomes = vec![Outcome::default(); SUITES.len()];
            while begun.elapsed() < until {
                let (at, seed) = next(&taken, first_seed);
                let before = (outcomes[at].time, outcomes[at].violations.len());
                let mut figures = std::mem::take(&mut outcomes[at].figures);
                run_seed(at, seed, &mut outcomes[at]);
                let said = {
                    let mut progress = progress.lock().expect("nobody panics with it");
                    progress.figures.merge(&outcomes[at].figures);
                    progress.violations += outcomes[at].violations.len() - before.1;
                    progress.say(SUITES[at].name, seed, begun.elapsed())
                };
                figures.merge(&outcomes[at].figures);
                outcomes[at].figures = figures;
                bar.set_message(said);
                let before = before.0;
                let took = outcomes[at].time.saturating_sub(before);
                taken.lock().expect("nobody panics with it")[at].1 += took;
                bar.set_position(begun.elapsed().as_secs().min(until.as_secs()));
            }
            outcomes
        };
        let threads: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("panics are caught")).collect()
    });
    let mut outcomes = vec![Outcome::default(); SUITES.len()];
    for (outcome, part) in
        parts.iter().flat_map(|part| (0..).zip(part)).map(|(at, part): (usize, _)| (at, part))
    {
        outcomes[outcome].seeds += part.seeds;
        outcomes[outcome].time += part.time;
        outcomes[outcome].figures.merge(&part.figures);
        outcomes[outcome].violations.extend(part.violations.iter().cloned());
    }
    let suites_time = begun.elapsed();
    bar.set_message("planting bugs");
    let planted = planted::plant_all();
    bar.finish_with_message("done");
    Soak { first_seed, jobs, time: begun.elapsed(), suites_time, outcomes, planted }
}
