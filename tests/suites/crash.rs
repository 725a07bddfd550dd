//! Power loss at every operation on files that changes or syncs something, and the death of the process there; half of
//! the images lose power again while they are recovered. After each, in the words of a reader:
//!
//! 1. The store opens, and holds the state after some commit c: a prefix of the order of commits, each batch whole.
//! 2. Every durable write that was acknowledged is at or before c; after the mere death of the process every buffered one
//!    too. No rejected write is.
//! 3. Each index equals one computed from the table.
//! 4. Writing goes on, and what was found at c stays found when the power goes a second time.

use crate::model::{Model, TABLE};
use crate::workload::{Fate, History, Run, open, run};
use pixii::sim::{FaultRule, ImageChoice, OpKind, SimVfs, Simulation, SyncFailure, errno};
use pixii::{Durability, Item};

/// What a suite has done, for the summary line.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) seeds: u64,
    pub(crate) crash_points: u64,
    pub(crate) images: u64,
    pub(crate) second_crashes: u64,
    pub(crate) sync_failures: u64,
    pub(crate) acknowledged: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Loss {
    Power,
    Process,
}

pub(crate) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

const OPERATIONS: u64 = 60;

/// Enumerates the crash points of one seed; every `stride`-th one.
pub(crate) fn enumerate(
    seed: u64,
    stride: usize,
    images: usize,
    figures: &mut Figures,
) -> Result<(), String> {
    let whole = run(seed, OPERATIONS, |_| false)?;
    let points = whole.simulation.vfs().crash_points();
    figures.seeds += 1;
    let offset = usize::try_from(seed).unwrap_or(0) % stride;
    for point in points.into_iter().skip(offset).step_by(stride) {
        let context = |wrong: String| format!("seed {seed}, crash at operation {point}: {wrong}");
        let crashed = run(seed, OPERATIONS, |simulation| {
            simulation.vfs().crash_at(point);
            false
        })
        .map_err(context)?;
        figures.crash_points += 1;
        figures.acknowledged += u64::try_from(crashed.history.acknowledged()).unwrap_or(0);
        check_images(&crashed, images, Loss::Process, point, figures).map_err(context)?;
    }
    Ok(())
}

/// Fails each sync of one seed in turn, in each of the ways that the page cache can be left behind, and lets the store go
/// on as it likes.
pub(crate) fn fail_syncs(seed: u64, stride: usize, figures: &mut Figures) -> Result<(), String> {
    for nth in (0..).step_by(stride) {
        let mut has_fired = false;
        for failure in SyncFailure::ALL {
            let mut fault = None;
            let context = |wrong: String| format!("seed {seed}, sync {nth} fails ({failure:?}): {wrong}");
            let failed = run(seed, OPERATIONS, |simulation| {
                let rule = FaultRule::on(&[OpKind::Sync]).skip(nth).errno(errno::EIO).sync(failure);
                fault = Some(simulation.vfs().fail(rule));
                true
            })
            .map_err(context)?;
            has_fired |= fault.is_some_and(|fault| failed.simulation.vfs().fired(fault) > 0);
            figures.sync_failures += 1;
            check_images(&failed, 2, Loss::Power, nth, figures).map_err(context)?;
        }
        if !has_fired {
            return Ok(());
        }
    }
    Ok(())
}

/// Checks `count` images of a power loss and one of the death of the process, which costs `death`: after a failed sync
/// the page cache may have lost what only the process's death would have left.
fn check_images(
    run: &Run,
    count: usize,
    death: Loss,
    salt: u64,
    figures: &mut Figures,
) -> Result<(), String> {
    let vfs = run.simulation.vfs();
    let images = vfs.images(count, salt).map(|(choice, image)| (format!("{choice:?}"), image, Loss::Power));
    let death = std::iter::once(("process death".to_owned(), vfs.process_death_image(), death));
    for (index, (name, image, loss)) in images.chain(death).enumerate() {
        figures.images += 1;
        let second_crash = (index % 2 == 1).then_some(salt.wrapping_mul(31).wrapping_add(index as u64));
        check_image(run, image, loss, second_crash, figures)
            .map_err(|wrong| format!("image {name}: {wrong}"))?;
    }
    Ok(())
}

fn check_image(
    run: &Run,
    image: SimVfs,
    loss: Loss,
    second_crash: Option<u64>,
    figures: &mut Figures,
) -> Result<(), String> {
    let mut loss = loss;
    let mut simulation = run.simulation.restart(image);
    if let Some(salt) = second_crash {
        // The same recovery without a crash says how many operations there are to crash at.
        let rehearsal = run.simulation.restart(simulation.vfs().process_death_image());
        let Ok(database) = open(&rehearsal) else {
            return Err(
                open(&rehearsal).map_or_else(|error| format!("it does not open: {error}"), |_| String::new())
            );
        };
        let points = rehearsal.vfs().crash_points();
        drop(database);
        if let Some(point) = points.get(usize::try_from(salt).unwrap_or(0) % points.len().max(1)) {
            figures.second_crashes += 1;
            simulation.vfs().crash_at(*point);
            drop(open(&simulation));
            if simulation.vfs().is_crashed() {
                simulation = simulation.restart(simulation.vfs().crash_image(salt));
                loss = Loss::Power;
            }
        }
    }
    let found = check_store(&simulation, run, loss)?;
    // What was found is decided: it stays when the power goes now.
    let vfs = simulation.vfs();
    vfs.crash_now();
    let restarted = simulation.restart(vfs.crash_image(ImageChoice::AllLost));
    check_decided(&restarted, found.as_ref())
}

/// Opens the store, checks it against the history, and writes on. Returns what it then holds, durably.
fn check_store(simulation: &Simulation, run: &Run, loss: Loss) -> Result<Option<Model>, String> {
    let database = open(simulation).map_err(|error| format!("it does not open: {error}"))?;
    if database.tables().is_empty() {
        return if run.has_table { Err("the table is gone".to_owned()) } else { Ok(None) };
    }
    let recovered = database.statistics().published.0;
    check_fates(&run.history, recovered, loss)?;
    let mut model = run.history.state_at(recovered);
    model.check(&database).map_err(|wrong| format!("recovered to commit {recovered}: {wrong}"))?;
    let table = database.table(TABLE).map_err(|error| error.to_string())?;
    for sort in [0, 1] {
        let key = ("a".to_owned(), sort);
        let item: Item = crate::workload::item(&key, 1_000_000, Some(1), Some(1), 10);
        table.put(&item).map_err(|error| format!("writing does not go on: {error}"))?;
        model.apply(&key, Some(&item));
    }
    model.check(&database).map_err(|wrong| format!("after writing on: {wrong}"))?;
    // The machine stops without a clean close.
    simulation.vfs().crash_now();
    Ok(Some(model))
}

fn check_fates(history: &History, recovered: u64, loss: Loss) -> Result<(), String> {
    for write in &history.writes {
        let is_found = write.seqno <= recovered;
        let must_be_found = write.fate == Fate::Acknowledged
            && (write.durability == Durability::Durable || loss == Loss::Process);
        if must_be_found && !is_found {
            return Err(format!("acknowledged commit {} is lost: recovered to {recovered}", write.seqno));
        }
        if write.fate == Fate::Rejected && is_found {
            return Err(format!("rejected commit {} is found: recovered to {recovered}", write.seqno));
        }
    }
    Ok(())
}

fn check_decided(simulation: &Simulation, found: Option<&Model>) -> Result<(), String> {
    let database = open(simulation).map_err(|error| format!("it does not open a second time: {error}"))?;
    match found {
        Some(model) => {
            model.check(&database).map_err(|wrong| format!("what was found did not stay: {wrong}"))
        }
        None => Ok(()),
    }
}

#[test]
fn power_loss_at_every_operation_loses_nothing_acknowledged() {
    let images = usize::try_from(setting("PIXII_CRASH_IMAGES", 4)).expect("a small number");
    let mut figures = Figures::default();
    for seed in 1..=setting("PIXII_CRASH_SEEDS", 3) {
        if let Err(wrong) = enumerate(seed, 1, images, &mut figures) {
            panic!("{wrong}");
        }
    }
    println!("crash enumeration: {figures:?}, violations 0");
}

#[test]
fn a_failed_sync_is_never_believed() {
    let mut figures = Figures::default();
    for seed in 1..=setting("PIXII_CRASH_SEEDS", 3) {
        if let Err(wrong) = fail_syncs(seed, 3, &mut figures) {
            panic!("{wrong}");
        }
    }
    println!("failed syncs: {figures:?}, violations 0");
}

#[test]
fn a_seed_gives_the_same_operations_on_files_every_time() {
    for seed in 1..=10 {
        let hash = || run(seed, OPERATIONS, |_| false).map(|run| run.simulation.vfs().op_hash());
        assert_eq!(hash(), hash(), "seed {seed}");
    }
}
