//! The history of a run: what was committed, and what was said of it.

use crate::world::{Deed, World};
use pixii::{Durability, SequenceNumber};

/// What has become of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    InFlight,
    Acknowledged,
    Rejected,
    Unknown,
}

/// Something that got its place in the order.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) seqno: u64,
    pub(crate) deed: Deed,
    pub(crate) durability: Durability,
    pub(crate) fate: Fate,
}

/// All commits of a run that change what a reader sees.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) events: Vec<Event>,
}

impl History {
    /// The state after the commit `seqno`.
    pub(crate) fn world_at(&self, seqno: u64) -> Result<World, String> {
        let mut world = World::default();
        // They were submitted one after the other, so they stand in the order of commits.
        for event in self.events.iter().take_while(|event| event.seqno <= seqno) {
            world.apply(event.seqno, &event.deed)?;
        }
        Ok(world)
    }

    /// The newest commit that was acknowledged as durable.
    pub(crate) fn durable(&self) -> u64 {
        let is_durable =
            |event: &&Event| event.fate == Fate::Acknowledged && event.durability == Durability::Durable;
        self.events.iter().rfind(is_durable).map_or(0, |event| event.seqno)
    }

    pub(crate) fn newest(&self) -> u64 {
        self.events.last().map_or(0, |event| event.seqno)
    }

    pub(crate) fn note(&mut self, seqno: u64, deed: Deed, durability: Durability) -> usize {
        self.events.push(Event { seqno, deed, durability, fate: Fate::InFlight });
        self.events.len() - 1
    }
}

/// How far the stream's consumer has come, in the stream that began with that commit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) stream: u64,
    pub(crate) kept: Option<SequenceNumber>,
    /// What was to be kept instead, with an unknown outcome.
    pub(crate) tried: Vec<SequenceNumber>,
}

/// How often what the suite is about came about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) commits: u64,
    pub(crate) refused: u64,
    pub(crate) tokens_again: u64,
    pub(crate) conflicts: u64,
    pub(crate) interactive: u64,
    pub(crate) table_changes: u64,
    pub(crate) records_consumed: u64,
    pub(crate) checks: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.commits += other.commits;
        self.refused += other.refused;
        self.tokens_again += other.tokens_again;
        self.conflicts += other.conflicts;
        self.interactive += other.interactive;
        self.table_changes += other.table_changes;
        self.records_consumed += other.records_consumed;
        self.checks += other.checks;
    }
}
