//! Faults to order: which operation is to fail, how, and what state a failed sync leaves.
//!
//! Invariants:
//! 1. Every rule counts the operations that match it, whether or not another rule fires for them; of several rules that
//!    fire for one operation the first that was added decides.
//! 2. A rule that is lifted counts and fires no more.

use super::operation::{OpKind, Operation};
use std::io;

/// Numbers of the system's errors, for [`FaultRule::errno`].
pub mod errno {
    /// Input/output error.
    pub const EIO: i32 = 5;
    /// Out of memory.
    pub const ENOMEM: i32 = 12;
    /// Permission denied.
    pub const EACCES: i32 = 13;
    /// Too many open files.
    pub const EMFILE: i32 = 24;
    /// No space left on the device.
    pub const ENOSPC: i32 = 28;
    /// Read-only file system.
    pub const EROFS: i32 = 30;
    /// Not open for writing.
    pub(in crate::env::sim) const EBADF: i32 = 9;
}

/// An operation that is to fail.
///
/// ```
/// use pixii::env::file::Vfs;
/// use pixii::sim::{FaultRule, OpKind, SimVfs, errno};
/// use std::path::Path;
///
/// let vfs = SimVfs::new();
/// // The second sync of any log fails, and every one after it.
/// let fault = vfs.fail(FaultRule::on(&[OpKind::Sync]).path("*.wal").skip(1).sticky());
/// let log = vfs.create_log(Path::new("/1.wal"))?;
/// log.sync()?;
/// assert_eq!(log.sync().unwrap_err().raw_os_error(), Some(errno::EIO));
/// assert_eq!(vfs.fired(fault), 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FaultRule {
    /// The kinds of operations that match; none means all.
    pub kinds: Vec<OpKind>,
    /// What the end of the path must look like: `*` stands for any characters and `?` for one. None means any path.
    pub path: Option<String>,
    /// How many matching operations succeed before one fails.
    pub skip: u64,
    /// The number of the only operation that matches, if given.
    pub operation: Option<u64>,
    /// How often it fails.
    pub repeat: Repeat,
    /// The system's number of the error.
    pub errno: i32,
    /// How many bytes of a write that fails are written all the same.
    pub written_bytes: u64,
    /// What a sync that fails leaves.
    pub sync: SyncFailure,
    /// Whether a sync or a change of names is done all the same, and only its answer is lost.
    pub takes_effect: bool,
}

/// How often a rule fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Repeat {
    /// Once.
    Once,
    /// For every matching operation from the first failure on.
    Sticky,
}

/// What a sync that fails leaves. File systems differ, and all of these have been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyncFailure {
    /// The writes stay pending, and the next sync makes them durable.
    StaysPending,
    /// The pages count as clean though they may not have been written. The cache shows what was written, and the next
    /// sync succeeds without having done anything: the failure is reported once.
    CleanKeepsNew,
    /// The pages count as clean and are read again from the disk: the cache shows what was there before. The failure is
    /// reported once.
    CleanRevertsToOld,
    /// As [`CleanKeepsNew`](Self::CleanKeepsNew), and every handle of the file that was open by then is told once.
    CleanToldToEveryHandle,
}

impl SyncFailure {
    /// Every variant.
    pub const ALL: [SyncFailure; 4] = [
        SyncFailure::StaysPending,
        SyncFailure::CleanKeepsNew,
        SyncFailure::CleanRevertsToOld,
        SyncFailure::CleanToldToEveryHandle,
    ];
}

impl FaultRule {
    /// The first operation of one of these kinds fails once with an input/output error. No kinds means any.
    pub fn on(kinds: &[OpKind]) -> Self {
        Self {
            kinds: kinds.to_vec(),
            path: None,
            skip: 0,
            operation: None,
            repeat: Repeat::Once,
            errno: errno::EIO,
            written_bytes: 0,
            sync: SyncFailure::CleanKeepsNew,
            takes_effect: false,
        }
    }

    /// The operation with this number fails.
    pub fn at_operation(number: u64) -> Self {
        Self { operation: Some(number), ..Self::on(&[]) }
    }

    /// Only on paths that end like this: `*` stands for any characters and `?` for one.
    pub fn path(self, pattern: &str) -> Self {
        Self { path: Some(pattern.to_owned()), ..self }
    }

    /// Only after this many matching operations have succeeded.
    pub fn skip(self, skip: u64) -> Self {
        Self { skip, ..self }
    }

    /// And every matching operation after the first failure as well. With
    /// [`at_operation`](Self::at_operation) that is every operation from that number on.
    pub fn sticky(self) -> Self {
        Self { repeat: Repeat::Sticky, ..self }
    }

    /// With this error instead; see [`errno`].
    pub fn errno(self, errno: i32) -> Self {
        Self { errno, ..self }
    }

    /// After this many bytes of the write were written.
    pub fn written_bytes(self, written_bytes: u64) -> Self {
        Self { written_bytes, ..self }
    }

    /// A sync that fails leaves this.
    pub fn sync(self, sync: SyncFailure) -> Self {
        Self { sync, ..self }
    }

    /// A sync or a change of names is done all the same, and only its answer is lost.
    pub fn takes_effect(self) -> Self {
        Self { takes_effect: true, ..self }
    }

    fn matches(&self, number: u64, operation: &Operation) -> bool {
        let is_its_turn = match (self.operation, self.repeat) {
            (None, _) => true,
            (Some(first), Repeat::Sticky) => number >= first,
            (Some(only), Repeat::Once) => number == only,
        };
        is_its_turn
            && (self.kinds.is_empty() || self.kinds.contains(&operation.kind))
            && self.path.as_ref().is_none_or(|pattern| {
                let path = operation.path.to_string_lossy();
                (0..=path.len()).any(|start| {
                    path.get(start..).is_some_and(|end| glob(pattern.as_bytes(), end.as_bytes()))
                })
            })
    }
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => glob(rest, text),
        (Some((b'*', rest)), Some((_, shorter))) => glob(rest, text) || glob(pattern, shorter),
        (Some((wanted, rest)), Some((found, shorter))) => {
            (*wanted == b'?' || wanted == found) && glob(rest, shorter)
        }
        _ => false,
    }
}

/// A rule that was added, to be asked about or lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(usize);

/// The rules in force.
#[derive(Debug, Default)]
pub(super) struct FaultPlan {
    rules: Vec<ActiveRule>,
}

#[derive(Debug)]
struct ActiveRule {
    rule: FaultRule,
    matched: u64,
    fired: u64,
    is_lifted: bool,
}

/// A failure that is due.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) error: io::Error,
    pub(super) written_bytes: u64,
    pub(super) sync: SyncFailure,
    pub(super) takes_effect: bool,
}

impl FaultPlan {
    pub(super) fn add(&mut self, rule: FaultRule) -> FaultId {
        self.rules.push(ActiveRule { rule, matched: 0, fired: 0, is_lifted: false });
        FaultId(self.rules.len() - 1)
    }

    pub(super) fn lift(&mut self, id: FaultId) {
        if let Some(active) = self.rules.get_mut(id.0) {
            active.is_lifted = true;
        }
    }

    pub(super) fn lift_all(&mut self) {
        for active in &mut self.rules {
            active.is_lifted = true;
        }
    }

    pub(super) fn fired(&self, id: FaultId) -> u64 {
        self.rules.get(id.0).map_or(0, |active| active.fired)
    }

    /// What is to fail now, if anything.
    pub(super) fn due(&mut self, number: u64, operation: &Operation) -> Option<Fault> {
        let mut due = None;
        for active in self.rules.iter_mut().filter(|active| !active.is_lifted) {
            if !active.rule.matches(number, operation) {
                continue;
            }
            active.matched += 1;
            let is_due = match active.rule.repeat {
                Repeat::Once => active.matched == active.rule.skip + 1,
                Repeat::Sticky => active.matched > active.rule.skip,
            };
            if is_due && due.is_none() {
                active.fired += 1;
                due = Some(Fault {
                    error: io::Error::from_raw_os_error(active.rule.errno),
                    written_bytes: active.rule.written_bytes,
                    sync: active.rule.sync,
                    takes_effect: active.rule.takes_effect,
                });
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn firing(rule: FaultRule, operations: &[Operation]) -> Vec<usize> {
        let mut plan = FaultPlan::default();
        plan.add(rule);
        let numbered = operations.iter().enumerate();
        let fired = numbered.filter(|(number, operation)| plan.due(*number as u64, operation).is_some());
        fired.map(|(number, _)| number).collect()
    }

    fn sync(path: &str) -> Operation {
        Operation::on(OpKind::Sync, Path::new(path))
    }

    #[test]
    fn a_rule_fires_for_its_kind_and_path_after_its_skip() {
        let operations = [
            sync("/1.wal"),
            sync("/1.sst"),
            sync("/2.wal"),
            sync("/3.wal"),
            Operation::on(OpKind::Size, Path::new("/4.wal")),
        ];
        let wal = FaultRule::on(&[OpKind::Sync]).path(".wal");
        assert_eq!(firing(wal.clone(), &operations), [0]);
        assert_eq!(firing(wal.clone().skip(1), &operations), [2]);
        assert_eq!(firing(wal.skip(1).sticky(), &operations), [2, 3]);
        assert_eq!(firing(FaultRule::at_operation(3), &operations), [3]);
        assert_eq!(firing(FaultRule::at_operation(3).sticky(), &operations), [3, 4]);
    }

    #[test]
    fn patterns_match_the_end_of_the_path() {
        let matches =
            |pattern: &str| !firing(FaultRule::on(&[]).path(pattern), &[sync("/db/000012.wal")]).is_empty();
        assert!(
            matches(".wal")
                && matches("0000??.wal")
                && matches("/db/*.wal")
                && matches("*")
                && matches("12*")
        );
        assert!(
            !matches(".sst") && !matches("wa") && !matches("/x/*.wal") && !matches("?????????????????.wal")
        );
    }

    #[test]
    fn a_lifted_rule_is_quiet() {
        let mut plan = FaultPlan::default();
        let id = plan.add(FaultRule::on(&[]).sticky());
        assert!(plan.due(0, &sync("/a")).is_some());
        plan.lift(id);
        assert!(plan.due(1, &sync("/a")).is_none());
        assert_eq!(plan.fired(id), 1);
    }
}
