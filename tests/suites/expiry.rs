//! Expiry and dropped keyspaces, in the simulation: random writes with and without expiry, clocks that go on, snapshots
//! held, generations ended, keyspaces dropped, flushes, compactions, restarts and power losses. Every read is compared
//! with a map of all versions.

use pixii::base::batch::WriteBatch;
use pixii::base::error::StoreError;
use pixii::base::expiry::{DeadEntries, Expiry, ExpiryGeneration, ExpiryRule, ExpiryRules};
use pixii::base::ident::{CommitTime, KeyspaceId, Moment, SeqNo};
use pixii::engine::cursor::KeyRange;
use pixii::engine::snapshot::Snapshot;
use pixii::engine::store::Engine;
use pixii::sim::{ImageChoice, SimRng, SimVfs, Simulation};
use pixii::{Durability, Environment};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn text(error: StoreError) -> String {
    error.to_string()
}

fn open(environment: Environment) -> Result<Engine, String> {
    Engine::open(environment, Path::new("/store"), crate::workload::tiny_options()).map_err(text)
}

/// What a commit said of a key.
#[derive(Clone, Debug)]
struct Version {
    seqno: SeqNo,
    value: Option<Vec<u8>>,
    expiry: Option<Expiry>,
}

/// Everything that was ever said: rules, and the versions of each key, oldest first.
#[derive(Clone, Debug, Default)]
struct Model {
    rules: BTreeMap<ExpiryGeneration, ExpiryRule>,
    versions: BTreeMap<Vec<u8>, Vec<Version>>,
    dropped: BTreeMap<KeyspaceId, SeqNo>,
}

impl Model {
    fn rules(&self) -> ExpiryRules {
        self.rules.iter().map(|(generation, rule)| (*generation, *rule)).collect()
    }

    fn dropped(&self) -> Vec<(KeyspaceId, SeqNo)> {
        self.dropped.iter().map(|(id, seqno)| (*id, *seqno)).collect()
    }

    fn is_dead(&self, expiry: Expiry, time: CommitTime) -> bool {
        let end = self.rules.get(&expiry.generation).and_then(|rule| rule.ended_at);
        expiry.at_millis <= end.map_or(time, |end| end.min(time)).0
    }

    fn newest(&self, key: &[u8], seqno: SeqNo) -> Option<&Version> {
        self.versions.get(key)?.iter().rev().find(|version| version.seqno <= seqno)
    }

    /// What a reader at a moment sees of the keyspaces that it may ask for.
    fn visible(&self, seqno: SeqNo, time: CommitTime) -> Entries {
        let mut visible = Entries::new();
        for key in self.versions.keys().filter(|key| self.is_asked_for(key, seqno)) {
            let Some(version) = self.newest(key, seqno) else { continue };
            let hides = |expiry: Expiry| {
                let rule = self.rules.get(&expiry.generation).copied().unwrap_or_default();
                rule.dead != DeadEntries::Shown && self.is_dead(expiry, time)
            };
            if let Some(value) = &version.value
                && !version.expiry.is_some_and(hides)
            {
                visible.insert(key.clone(), value.clone());
            }
        }
        visible
    }

    fn is_asked_for(&self, key: &[u8], seqno: SeqNo) -> bool {
        self.dropped.get(&KeyspaceId::of_key(key)).is_none_or(|dropped_at| seqno < *dropped_at)
    }
}

/// A store beside its model.
/// Whatever dies at all is dead then.
const FOREVER: CommitTime = CommitTime(u64::MAX);

struct Run {
    simulation: Simulation,
    engine: Engine,
    model: Model,
    held: Vec<Snapshot>,
    rng: SimRng,
    /// The keyspaces that are written to.
    keyspaces: Vec<u32>,
    /// The generation of what is written now; that of every third write of what is only hidden, or shown.
    generation: u32,
    round: u32,
}

const HIDDEN: ExpiryGeneration = ExpiryGeneration(1000);
const SHOWN: ExpiryGeneration = ExpiryGeneration(1001);

impl Run {
    fn new(seed: u64) -> Result<Self, String> {
        let simulation = Simulation::new(seed);
        let engine = open(simulation.environment())?;
        let rng = simulation.seed().stream("expiry");
        let mut model = Model::default();
        let rule = |dead| ExpiryRule { ended_at: None, dead };
        model.rules.insert(HIDDEN, rule(DeadEntries::Hidden));
        model.rules.insert(SHOWN, rule(DeadEntries::Shown));
        model.rules.insert(ExpiryGeneration(1), rule(DeadEntries::Reclaimed));
        let keyspaces = vec![16, 17, 18];
        let mut run =
            Self { simulation, engine, model, held: Vec::new(), rng, keyspaces, generation: 1, round: 0 };
        run.tell();
        Ok(run)
    }

    fn tell(&mut self) {
        self.engine.set_expiry_rules(self.model.rules());
        self.engine.drop_keyspaces(&self.model.dropped());
    }

    fn now(&self) -> CommitTime {
        self.engine.now()
    }

    fn expiry(&mut self) -> Expiry {
        let generation = match self.rng.below(6) {
            0 => HIDDEN,
            1 => SHOWN,
            _ => ExpiryGeneration(self.generation),
        };
        Expiry { at_millis: self.now().0 + self.rng.below(4000), generation }
    }

    fn write(&mut self) -> Result<SeqNo, String> {
        let mut batch = WriteBatch::new();
        let mut versions = BTreeMap::new();
        for _ in 0..=self.rng.below(3) {
            let keyspace = *self.rng.pick(&self.keyspaces);
            let mut key = KeyspaceId(keyspace).prefix().to_vec();
            key.push(u8::try_from(self.rng.below(8)).unwrap_or(0));
            let value = self.round.to_le_bytes().repeat(12);
            let version = match self.rng.below(10) {
                0 => (None, None),
                1..4 => (Some(value), None),
                _ => (Some(value), Some(self.expiry())),
            };
            match version.clone() {
                (None, _) => batch.delete(key.clone()),
                (Some(value), None) => batch.put(key.clone(), value),
                (Some(value), Some(expiry)) => batch.put_expiring(key.clone(), value, expiry),
            }
            versions.insert(key, version);
        }
        let durability = if self.rng.chance(0.2) { Durability::Durable } else { Durability::Buffered };
        self.engine.pay_back_pressure().map_err(text)?;
        let ticket = self.engine.submit(&batch, durability).map_err(text)?;
        let seqno = ticket.seqno();
        for (key, (value, expiry)) in versions {
            self.model.versions.entry(key).or_default().push(Version { seqno, value, expiry });
        }
        ticket.wait().map_err(text)?;
        Ok(seqno)
    }

    /// Ends the generation in the way that `set_expiry_rules` asks for, and begins the next.
    fn end_generation(&mut self) -> Result<(), String> {
        let (ending, next) = (ExpiryGeneration(self.generation), ExpiryGeneration(self.generation + 1));
        let rule = |ended_at, dead| ExpiryRule { ended_at, dead };
        self.model.rules.insert(ending, rule(None, DeadEntries::Hidden));
        self.tell();
        self.write()?;
        self.model.rules.insert(ending, rule(Some(self.now()), DeadEntries::Reclaimed));
        self.model.rules.insert(next, rule(None, DeadEntries::Reclaimed));
        self.generation += 1;
        self.tell();
        Ok(())
    }

    /// Drops a keyspace, and writes to another from then on.
    fn drop_keyspace(&mut self) -> Result<(), String> {
        let next = self.keyspaces.iter().max().copied().unwrap_or(16) + 1;
        let index = self.rng.below_usize(self.keyspaces.len());
        let dead = std::mem::replace(&mut self.keyspaces[index], next);
        let dropped_at = self.write()?;
        self.model.dropped.insert(KeyspaceId(dead), dropped_at);
        self.tell();
        Ok(())
    }

    fn pass_time(&mut self, millis: u64) {
        self.simulation.clock().advance(Duration::from_millis(millis));
        self.simulation.scheduler().run_until_idle();
    }

    fn scan(&self, snapshot: Option<&Snapshot>, seqno: SeqNo) -> Result<Entries, String> {
        let mut cursor = self.engine.cursor(KeyRange::default(), snapshot).map_err(text)?;
        let mut found = Entries::new();
        cursor.seek_first().map_err(text)?;
        while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
            if self.model.is_asked_for(key, seqno) {
                found.insert(key.to_vec(), value.to_vec());
            }
            cursor.next().map_err(text)?;
        }
        let mut backward = Vec::new();
        cursor.seek_last().map_err(text)?;
        while let Some(key) = cursor.key() {
            if self.model.is_asked_for(key, seqno) {
                backward.push(key.to_vec());
            }
            cursor.prev().map_err(text)?;
        }
        backward.reverse();
        if backward.iter().ne(found.keys()) {
            return Err("a cursor sees other keys going backward".to_owned());
        }
        Ok(found)
    }

    /// Every read agrees with the model, at every moment that is held.
    fn check(&self) -> Result<(), String> {
        for snapshot in self.held.iter().map(Some).chain([None]) {
            let published = self.engine.statistics().published;
            let seqno = snapshot.map_or(published, Snapshot::seqno);
            let time = snapshot.map_or_else(|| self.now(), Snapshot::time);
            let expected = self.model.visible(seqno, time);
            let wrong = |what: &str| Err(format!("{what} at commit {seqno} and {time:?} is another"));
            if self.scan(snapshot, seqno)? != expected {
                return wrong("the scan");
            }
            for key in self.model.versions.keys().filter(|key| self.model.is_asked_for(key, seqno)) {
                let found = self.engine.get(key, snapshot, <[u8]>::to_vec).map_err(text)?;
                if found.as_ref() != expected.get(key) {
                    return wrong("a get");
                }
            }
        }
        self.check_latest()?;
        self.check_expired()
    }

    /// Writers see the raw newest version as long as it may matter, and whether it is expired.
    fn check_latest(&self) -> Result<(), String> {
        let (published, now) = (self.engine.statistics().published, self.now());
        let visible = self.model.visible(published, now);
        for key in self.model.versions.keys().filter(|key| self.model.is_asked_for(key, published)) {
            let found = self.engine.latest_version(key, |version| {
                (version.seqno, version.value.map(<[u8]>::to_vec), version.expiry, version.is_expired)
            });
            let newest = self.model.newest(key, published);
            let is_right = match (found.map_err(text)?, newest) {
                // Compaction may have put a tombstone in the place of what has expired.
                (Some((seqno, None, ..)), Some(newest)) => {
                    newest.seqno == seqno && !visible.contains_key(key)
                }
                (Some((seqno, value, expiry, is_expired)), Some(newest)) => {
                    newest.seqno == seqno
                        && newest.value == value
                        && newest.expiry == expiry
                        && is_expired != visible.contains_key(key)
                }
                (None, Some(_)) => !visible.contains_key(key),
                (None, None) => true,
                (Some(_), None) => false,
            };
            if !is_right {
                return Err(format!("the latest version of {key:?} is another"));
            }
        }
        Ok(())
    }

    /// The walk over the dead finds all that compaction leaves to others, and nothing that is not dead.
    fn check_expired(&self) -> Result<(), String> {
        let (published, at) = (self.engine.statistics().published, self.now());
        self.check_expired_since(Moment::default(), at)?;
        let (seqno, time) = (SeqNo(published.0 / 2), CommitTime(at.0.saturating_sub(3000)));
        self.check_expired_since(Moment { seqno, time }, at)
    }

    /// As of somebody who has seen everything up to a moment. What is told of the next death is not too late.
    fn check_expired_since(&self, seen: Moment, at: CommitTime) -> Result<(), String> {
        let published = self.engine.statistics().published;
        let mut found = BTreeMap::new();
        let cursor = self.engine.expired_cursor_since(KeyRange::default(), seen, at);
        let mut cursor = cursor.map_err(text)?;
        while let Some(entry) = cursor.next().map_err(text)? {
            found.insert(entry.key.to_vec(), entry.seqno);
        }
        let next_millis = cursor.next_millis();
        for key in self.model.versions.keys().filter(|key| self.model.is_asked_for(key, published)) {
            let newest = self.model.newest(key, published);
            let dies =
                |version: &&Version| version.expiry.filter(|expiry| self.model.is_dead(*expiry, FOREVER));
            if let Some(dies) = newest.as_ref().and_then(dies).map(|expiry| expiry.at_millis)
                && at.0 < dies
                && next_millis.is_none_or(|next| dies < next)
            {
                return Err(format!(
                    "{key:?} dies at {dies}, and the next death is said to come at {next_millis:?}"
                ));
            }
            let is_new = |version: &&Version| {
                let dies_later = |expiry: Expiry| expiry.at_millis > seen.time.0;
                version.seqno > seen.seqno || version.expiry.is_some_and(dies_later)
            };
            let dead = newest.filter(is_new);
            let dead =
                dead.filter(|version| version.expiry.is_some_and(|expiry| self.model.is_dead(expiry, at)));
            let must_be_found = dead.is_some_and(|version| {
                version.expiry.is_some_and(|expiry| [HIDDEN, SHOWN].contains(&expiry.generation))
            });
            match found.get(key) {
                Some(seqno) if dead.map(|version| version.seqno) != Some(*seqno) => {
                    return Err(format!("the walk over the dead found {key:?} at commit {seqno}"));
                }
                None if must_be_found => return Err(format!("the walk over the dead missed {key:?}")),
                _ => {}
            }
        }
        Ok(())
    }

    fn close_and_open(&mut self) -> Result<(), String> {
        self.held.clear();
        self.engine.close().map_err(text)?;
        self.engine = open(self.simulation.environment())?;
        // Before anything is said, the dead are hidden: only what is shown or has outlived its generation is missing.
        self.tell();
        Ok(())
    }

    /// The machine stops; what the image holds is a prefix of the commits.
    fn lose_power(&mut self) -> Result<(), String> {
        let image: SimVfs = self.simulation.vfs().crash_image(ImageChoice::Random(self.rng.next_u64()));
        self.simulation.vfs().crash_now();
        let _ = self.engine.close();
        self.held.clear();
        self.simulation = self.simulation.restart(image);
        self.engine = open(self.simulation.environment())?;
        let recovered = self.engine.statistics().published;
        for versions in self.model.versions.values_mut() {
            versions.retain(|version| version.seqno <= recovered);
        }
        // A drop whose commit is lost has not happened; what was ended stays ended in this model.
        let lost: Vec<u32> =
            self.model.dropped.iter().filter(|(_, at)| **at > recovered).map(|(id, _)| id.0).collect();
        self.model.dropped.retain(|_, dropped_at| *dropped_at <= recovered);
        for (keyspace, revived) in self.keyspaces.iter_mut().zip(lost) {
            *keyspace = revived;
        }
        self.tell();
        Ok(())
    }

    fn step(&mut self, with_crashes: bool) -> Result<(), String> {
        self.round += 1;
        match self.rng.below(100) {
            0..60 => self.write().map(|_| ()),
            60..72 => {
                let millis = self.rng.below(1500);
                self.pass_time(millis);
                Ok(())
            }
            72..77 => {
                if self.held.len() > 2 {
                    self.held.remove(0);
                }
                self.held.push(self.engine.snapshot());
                Ok(())
            }
            77..80 => {
                self.held.clear();
                Ok(())
            }
            80..83 => self.engine.flush().map_err(text),
            83 => self.engine.compact().map_err(text),
            84 => self.end_generation(),
            85 => self.drop_keyspace(),
            86 => self.close_and_open(),
            87 if with_crashes => self.lose_power(),
            _ => self.check(),
        }
    }
}

pub(crate) fn walk(seed: u64, with_crashes: bool) -> Result<(), String> {
    let context = |wrong: String| format!("seed {seed}: {wrong}");
    let mut run = Run::new(seed).map_err(context)?;
    for round in 0..400 {
        run.step(with_crashes).map_err(|wrong| context(format!("round {round}: {wrong}")))?;
    }
    run.check().map_err(context)
}

#[test]
fn every_reader_sees_what_is_alive_at_its_moment_and_nothing_else() {
    for seed in 0..30 {
        walk(seed, false).unwrap_or_else(|wrong| panic!("{wrong}"));
    }
}

#[test]
fn power_loss_neither_revives_the_dead_nor_takes_the_living() {
    for seed in 100..120 {
        walk(seed, true).unwrap_or_else(|wrong| panic!("{wrong}"));
    }
}

/// The bytes of all tables.
fn table_bytes(engine: &Engine) -> u64 {
    engine.statistics().levels.iter().map(|level| level.bytes).sum()
}

/// Puts that all expire, over several levels, and some that are overwritten.
fn fill(engine: &Engine, keyspace: u32, expires_in: impl Fn(u16) -> Option<u64>) -> Result<(), String> {
    for number in 0..600_u16 {
        let mut key = KeyspaceId(keyspace).prefix().to_vec();
        key.extend_from_slice(&(number.wrapping_mul(7919) % 400).to_be_bytes());
        let mut batch = WriteBatch::new();
        match expires_in(number) {
            Some(millis) => {
                let generation = ExpiryGeneration(1);
                let expiry = Expiry { at_millis: engine.now().0 + millis, generation };
                batch.put_expiring(key, vec![b'v'; 50], expiry);
            }
            None => batch.put(key, vec![b'v'; 50]),
        }
        engine.write(&batch, Durability::Buffered).map_err(text)?;
    }
    engine.flush().map_err(text)
}

fn reclaiming() -> ExpiryRules {
    let rule = ExpiryRule { ended_at: None, dead: DeadEntries::Reclaimed };
    [(ExpiryGeneration(1), rule)].into_iter().collect()
}

/// Lets time pass, in steps in which jobs that wait for it wake.
fn pass_time(simulation: &Simulation, total: Duration) {
    for _ in 0..20 {
        simulation.clock().advance(total / 20);
        simulation.scheduler().run_until_idle();
    }
}

#[test]
fn a_store_that_nobody_writes_to_shrinks_as_it_expires() {
    for seed in 0..10 {
        let simulation = Simulation::new(seed);
        let engine = open(simulation.environment()).expect("a new store");
        engine.set_expiry_rules(reclaiming());
        // Some keys were written without expiry before: what expires hides them until it takes them along.
        fill(&engine, 16, |number| (number % 7 != 0).then_some(10_000)).expect("space");
        fill(&engine, 16, |number| Some(20_000 + 30 * u64::from(number))).expect("space");
        let full = table_bytes(&engine);
        assert!(full > 20_000, "{full} bytes");
        pass_time(&simulation, Duration::from_secs(60));
        assert_eq!(table_bytes(&engine), 0, "seed {seed}: {:?}", engine.statistics());
        assert!(!engine.holds_keyspace(KeyspaceId(16)));
        assert!(
            simulation.vfs().files().iter().all(|(path, _)| path.extension().is_none_or(|end| end != "sst")),
            "the files are gone too"
        );
        let floor = engine.statistics().floor;
        assert!(floor.time.0 > 0 && floor.seqno == engine.statistics().published);
        engine.close().expect("nothing failed");
        let engine = open(simulation.environment()).expect("it was closed");
        assert_eq!(engine.statistics().floor, floor, "the floor outlives the process");
        // The manifest, which lists what was done, begins anew at an opening.
        let disk: usize = simulation.vfs().files().iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(disk < 4096, "the disk holds {disk} bytes");
    }
}

#[test]
fn a_snapshot_keeps_what_it_sees_alive_and_its_end_lets_it_go() {
    let simulation = Simulation::new(1);
    let engine = open(simulation.environment()).expect("a new store");
    engine.set_expiry_rules(reclaiming());
    fill(&engine, 16, |_| Some(10_000)).expect("space");
    let snapshot = engine.snapshot();
    pass_time(&simulation, Duration::from_secs(60));
    let count = |snapshot: Option<&Snapshot>| {
        let mut cursor = engine.cursor(KeyRange::default(), snapshot).expect("it is open");
        let mut count = 0;
        cursor.seek_first().expect("it can be read");
        while cursor.key().is_some() {
            count += 1;
            cursor.next().expect("it can be read");
        }
        count
    };
    assert_eq!((count(Some(&snapshot)), count(None)), (400, 0));
    drop(snapshot);
    pass_time(&simulation, Duration::from_secs(60));
    assert_eq!(table_bytes(&engine), 0);
}

#[test]
fn nothing_is_reclaimed_by_a_generation_that_does_not_say_so() {
    for dead in [None, Some(DeadEntries::Hidden), Some(DeadEntries::Shown)] {
        let simulation = Simulation::new(2);
        let engine = open(simulation.environment()).expect("a new store");
        let rule = dead.map(|dead| (ExpiryGeneration(1), ExpiryRule { ended_at: None, dead }));
        engine.set_expiry_rules(rule.into_iter().collect());
        fill(&engine, 16, |_| Some(10_000)).expect("space");
        pass_time(&simulation, Duration::from_secs(60));
        engine.compact().expect("space");
        let entries: u64 = engine.statistics().levels.iter().map(|level| level.entries).sum();
        assert_eq!(entries, 400, "{dead:?}");
        let mut cursor = engine.expired_cursor(KeyRange::default(), engine.now()).expect("it is open");
        let mut found = 0;
        while cursor.next().expect("it can be read").is_some() {
            found += 1;
        }
        assert_eq!(found, 400, "the walk over the dead finds them: {dead:?}");
    }
}

#[test]
fn nothing_is_reclaimed_while_the_log_is_ahead_of_the_wall_clock() {
    let simulation = Simulation::new(3);
    let start = simulation.environment().clock.wall_millis();
    let engine = open(simulation.environment()).expect("a new store");
    engine.set_expiry_rules(reclaiming());
    simulation.clock().set_wall_millis(start + 100_000);
    fill(&engine, 16, |_| Some(1)).expect("space");
    engine.close().expect("nothing failed");
    simulation.clock().set_wall_millis(start);
    let engine = open(simulation.environment()).expect("it was closed");
    engine.set_expiry_rules(reclaiming());
    let entries =
        |engine: &Engine| -> u64 { engine.statistics().levels.iter().map(|level| level.entries).sum() };
    pass_time(&simulation, Duration::from_secs(10));
    engine.compact().expect("space");
    assert!(entries(&engine) > 0, "the clock is behind");
    pass_time(&simulation, Duration::from_secs(3600));
    assert_eq!(entries(&engine), 0);
}

#[test]
fn a_dropped_keyspace_goes_without_writes_and_is_then_known_to_be_gone() {
    let simulation = Simulation::new(4);
    let engine = open(simulation.environment()).expect("a new store");
    for keyspace in [16, 17, 18] {
        fill(&engine, keyspace, |_| None).expect("space");
    }
    let range = |id: u32| KeyRange {
        start: KeyspaceId(id).prefix().to_vec(),
        end: Some(KeyspaceId(id + 1).prefix().to_vec()),
    };
    engine.compact().expect("space");
    let size = engine.keyspace_size(&range(17));
    assert_eq!((size.entries, size.bytes), (400, 400 * 56));
    assert_eq!(engine.keyspace_size(&KeyRange::default()).entries, 1200);
    let half = KeyRange { start: vec![0, 0, 0, 17], end: Some(vec![0, 0, 0, 17, 0, 200]) };
    let estimate = engine.keyspace_size(&half).entries;
    assert!((150..250).contains(&estimate), "{estimate} of 200");

    let held = engine.snapshot();
    fill(&engine, 16, |_| None).expect("space");
    engine.drop_keyspaces(&[(KeyspaceId(17), engine.statistics().published)]);
    pass_time(&simulation, Duration::from_secs(60));
    assert!(engine.holds_keyspace(KeyspaceId(17)), "a snapshot stands before its end");
    drop(held);
    pass_time(&simulation, Duration::from_secs(60));
    assert_eq!([16, 17, 18].map(|id| engine.holds_keyspace(KeyspaceId(id))), [true, false, true]);
    assert_eq!(engine.keyspace_size(&range(17)).entries, 0);
    assert_eq!(engine.keyspace_size(&range(18)).entries, 400);
}
