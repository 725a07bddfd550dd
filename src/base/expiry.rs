//! Expiry: when an entry dies, and what is done about the dead.
//!
//! An entry's expiry names a *generation*: the time during which one setting of the layer above was in force. The entry
//! is dead at a time if its expiry is at or before both that time and the end of its generation; so what had not expired
//! when its generation ended never does. What a generation's dead entries are to readers and to compaction is told to the
//! engine as [`ExpiryRules`]; of a generation that it was told nothing of, the safe is believed: hidden, and kept.
//!
//! Expiry is in milliseconds, the unit of commit times, because it is compared with nothing else.

use super::ident::CommitTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One setting of expiry of one table, told apart from those before and after it. Never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExpiryGeneration(pub u32);

/// When an entry dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Expiry {
    /// The first millisecond since 1970 at which it is dead.
    pub at_millis: u64,
    /// The setting under which it was written.
    pub generation: ExpiryGeneration,
}

/// What becomes of dead entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeadEntries {
    /// Readers see them until somebody deletes them.
    Shown,
    /// Readers do not see them; they stay until somebody deletes them.
    #[default]
    Hidden,
    /// Readers do not see them, and compaction takes them away.
    Reclaimed,
}

/// What the engine is told about a generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ExpiryRule {
    /// When the generation ended: what expires later never dies. `None` while it goes on.
    pub ended_at: Option<CommitTime>,
    /// What becomes of its dead entries.
    pub dead: DeadEntries,
}

impl ExpiryRule {
    /// Whether an entry of the generation that expires at `at_millis` dies at all.
    fn dies(&self, at_millis: u64) -> bool {
        self.ended_at.is_none_or(|end| at_millis <= end.0)
    }
}

/// What the engine is told about all generations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpiryRules {
    rules: BTreeMap<ExpiryGeneration, ExpiryRule>,
}

impl ExpiryRules {
    /// The rule of a generation.
    pub fn rule(&self, generation: ExpiryGeneration) -> ExpiryRule {
        self.rules.get(&generation).copied().unwrap_or_default()
    }

    /// Says what becomes of a generation, in place of what was said before.
    pub fn set(&mut self, generation: ExpiryGeneration, rule: ExpiryRule) {
        self.rules.insert(generation, rule);
    }

    /// From when on readers do not see an entry because it is dead; `None` if they always will.
    pub fn hidden_from(&self, expiry: Expiry) -> Option<CommitTime> {
        let rule = self.rule(expiry.generation);
        let is_hidden_once = rule.dies(expiry.at_millis) && rule.dead != DeadEntries::Shown;
        is_hidden_once.then_some(CommitTime(expiry.at_millis))
    }

    /// When an entry dies; `None` if it outlives its generation.
    pub fn dies_at(&self, expiry: Expiry) -> Option<CommitTime> {
        self.rule(expiry.generation).dies(expiry.at_millis).then_some(CommitTime(expiry.at_millis))
    }

    /// Whether an entry is dead at a time.
    pub fn is_dead(&self, expiry: Expiry, at: CommitTime) -> bool {
        self.dies_at(expiry).is_some_and(|dies| dies <= at)
    }

    /// Whether readers at a time do not see an entry because it is dead.
    pub fn is_hidden(&self, expiry: Expiry, at: CommitTime) -> bool {
        self.hidden_from(expiry).is_some_and(|hidden| hidden <= at)
    }

    /// Up to which expiry, in milliseconds, compaction may take entries of a generation away if it may treat as dead
    /// what is dead at `at`; `None` if it may take none.
    pub fn reclaim_horizon(&self, generation: ExpiryGeneration, at: CommitTime) -> Option<u64> {
        let rule = self.rule(generation);
        (rule.dead == DeadEntries::Reclaimed).then(|| rule.ended_at.map_or(at, |end| end.min(at)).0)
    }
}

impl FromIterator<(ExpiryGeneration, ExpiryRule)> for ExpiryRules {
    fn from_iter<I: IntoIterator<Item = (ExpiryGeneration, ExpiryRule)>>(rules: I) -> Self {
        Self { rules: rules.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENERATION: ExpiryGeneration = ExpiryGeneration(3);

    fn rules(ended_at: Option<u64>, dead: DeadEntries) -> ExpiryRules {
        [(GENERATION, ExpiryRule { ended_at: ended_at.map(CommitTime), dead })].into_iter().collect()
    }

    fn expiry(at_millis: u64) -> Expiry {
        Expiry { at_millis, generation: GENERATION }
    }

    #[test]
    fn an_entry_is_dead_from_its_instant_on() {
        let rules = rules(None, DeadEntries::Reclaimed);
        assert!(!rules.is_dead(expiry(100), CommitTime(99)));
        assert!(rules.is_dead(expiry(100), CommitTime(100)));
        assert_eq!(rules.reclaim_horizon(GENERATION, CommitTime(99)), Some(99));
    }

    #[test]
    fn what_had_not_expired_when_its_generation_ended_never_does() {
        let rules = rules(Some(100), DeadEntries::Reclaimed);
        assert!(rules.is_hidden(expiry(100), CommitTime(500)));
        assert!(!rules.is_dead(expiry(101), CommitTime(500)));
        assert_eq!(
            (rules.hidden_from(expiry(100)), rules.hidden_from(expiry(101))),
            (Some(CommitTime(100)), None)
        );
        assert_eq!(rules.reclaim_horizon(GENERATION, CommitTime(500)), Some(100));
    }

    #[test]
    fn the_dead_of_an_unknown_generation_are_hidden_and_kept() {
        let rules = ExpiryRules::default();
        assert!(rules.is_hidden(expiry(1), CommitTime(1)));
        assert_eq!(rules.reclaim_horizon(GENERATION, CommitTime(1)), None);
    }

    #[test]
    fn shown_entries_are_dead_and_not_hidden() {
        let rules = rules(None, DeadEntries::Shown);
        assert!(rules.is_dead(expiry(1), CommitTime(1)) && !rules.is_hidden(expiry(1), CommitTime(1)));
        assert_eq!((rules.dies_at(expiry(1)), rules.hidden_from(expiry(1))), (Some(CommitTime(1)), None));
    }
}
