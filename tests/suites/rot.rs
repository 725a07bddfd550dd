//! Damaged files: a flipped bit in any file is found out or harmless; the store never answers with other data.

use crate::model::{Model, schema};
use crate::workload::{item, open};
use pixii::sim::{SimVfs, Simulation};

/// A store with tables on two levels, a manifest with several edits, and a log with commits that were promised.
fn fixture() -> Result<(Simulation, Model), String> {
    let text = |error: pixii::Error| error.to_string();
    let simulation = Simulation::new(77);
    let database = open(&simulation).map_err(text)?;
    let table = database.create_table(schema()).map_err(text)?;
    let mut model = Model::default();
    for id in 0..70 {
        let key = (
            ["a", "ä"][usize::try_from(id % 2).unwrap_or(0)].to_owned(),
            i64::try_from(id % 6).unwrap_or(0) - 2,
        );
        let item = item(&key, id, Some(id), Some(id), 40);
        table.put(&item).map_err(text)?;
        model.apply(&key, Some(&item));
    }
    // The log goes idle, and promises what is synced.
    simulation.clock().advance(std::time::Duration::from_secs(1));
    simulation.scheduler().run_until_idle();
    simulation.vfs().crash_now();
    Ok((simulation, model))
}

/// What a damaged store says of itself.
enum Verdict {
    FoundOut,
    Harmless,
}

fn judge(simulation: &Simulation, image: SimVfs, model: &Model) -> Result<Verdict, String> {
    let damaged = simulation.restart(image);
    let Ok(database) = open(&damaged) else { return Ok(Verdict::FoundOut) };
    match model.check(&database) {
        Ok(()) => Ok(Verdict::Harmless),
        Err(wrong) if wrong.starts_with("a read failed") => Ok(Verdict::FoundOut),
        Err(wrong) => Err(wrong),
    }
}

/// Flips one bit in every `stride`-th byte of every file.
pub(crate) fn flip_bits(stride: u64) -> Result<(u64, u64), String> {
    let (simulation, model) = fixture()?;
    let whole = simulation.vfs().process_death_image();
    let (mut found_out, mut harmless) = (0, 0);
    for (path, bytes) in whole.files() {
        let size = bytes.len() as u64;
        for offset in (0..size).step_by(usize::try_from(stride).unwrap_or(1)) {
            let image = whole.process_death_image();
            let bit = u32::try_from(offset % 8).unwrap_or(0);
            image.flip(&path, offset, bit);
            let place = || format!("bit {bit} of byte {offset} of {}", path.display());
            match judge(&simulation, image, &model).map_err(|wrong| format!("{}: {wrong}", place()))? {
                Verdict::FoundOut => found_out += 1,
                Verdict::Harmless => harmless += 1,
            }
        }
    }
    Ok((found_out, harmless))
}

#[test]
fn a_flipped_bit_is_found_out_or_harmless() {
    let (found_out, harmless) = flip_bits(7).unwrap_or_else(|wrong| panic!("{wrong}"));
    println!("bit flips: found out {found_out}, harmless {harmless}, wrong answers 0");
    assert!(found_out > 100, "the flips hit something");
}

#[test]
fn a_missing_file_is_found_out() {
    let (simulation, model) = fixture().unwrap_or_else(|wrong| panic!("{wrong}"));
    let whole = simulation.vfs().process_death_image();
    for (path, _) in whole.files() {
        if path.ends_with("LOCK") {
            continue;
        }
        let image = whole.process_death_image();
        image.remove(&path);
        let verdict = judge(&simulation, image, &model);
        assert!(matches!(verdict, Ok(Verdict::FoundOut)), "{} was not missed", path.display());
    }
}
