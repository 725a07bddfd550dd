//! The n-th operation on files fails, for every n, with each error, once and for good: a read, a write in part, a sync, a
//! change of names, also one that is done all the same and only says that it failed. The store goes on as it likes; then
//! the process dies, or the power goes.
//!
//! 1. While it runs, no answer is wrong: a read gives what was published, or an error.
//! 2. What was acknowledged is there when the store is opened again without the fault, what was rejected is not, and what
//!    is unknown is there whole or not at all.
//! 3. Nobody hangs, and nothing panics.

use crate::clients::run;
use crate::crash::{Figures, Loss, check_images, setting};
use pixii::sim::{FaultRule, OpKind, errno};

/// Interrupted by a signal.
const EINTR: i32 = 4;

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    Io,
    IoForGood,
    NoSpace,
    NoSpaceForGood,
    /// It writes the first bytes.
    Short,
    Interrupted,
    /// It is done, and says that it failed.
    DoneAllTheSame,
}

impl Failure {
    const ALL: [Self; 7] = [
        Self::Io,
        Self::IoForGood,
        Self::NoSpace,
        Self::NoSpaceForGood,
        Self::Short,
        Self::Interrupted,
        Self::DoneAllTheSame,
    ];

    fn at(self, operation: u64) -> FaultRule {
        let rule = FaultRule::at_operation(operation);
        match self {
            Self::Io => rule,
            Self::IoForGood => rule.sticky(),
            Self::NoSpace => rule.errno(errno::ENOSPC),
            Self::NoSpaceForGood => {
                let writes =
                    [OpKind::Append, OpKind::Fill, OpKind::Publish, OpKind::Create, OpKind::CreateLog];
                FaultRule { kinds: writes.to_vec(), ..rule.sticky().errno(errno::ENOSPC) }
            }
            Self::Short => rule.errno(errno::ENOSPC).written_bytes(7),
            Self::Interrupted => rule.errno(EINTR),
            Self::DoneAllTheSame => rule.takes_effect(),
        }
    }
}

const OPERATIONS: u64 = 40;

/// Fails every `stride`-th operation of a seed, in every way.
pub(crate) fn inject(seed: u64, stride: u64, figures: &mut Figures) -> Result<(), String> {
    let whole = run(seed, OPERATIONS, |_| false)?;
    let operations = whole.simulation.vfs().op_log();
    figures.seeds += 1;
    let first = seed % stride;
    for (number, operation) in (0_u64..).zip(&operations).skip(usize::try_from(first).unwrap_or(0)) {
        if !(number - first).is_multiple_of(stride) {
            continue;
        }
        for failure in Failure::ALL {
            let context =
                |wrong: String| format!("seed {seed}, operation {number} fails ({failure:?}): {wrong}");
            let mut fault = None;
            let failed = run(seed, OPERATIONS, |simulation| {
                fault = Some(simulation.vfs().fail(failure.at(number)));
                true
            })
            .map_err(context)?;
            if fault.is_none_or(|fault| failed.simulation.vfs().fired(fault) == 0) {
                continue;
            }
            figures.errors_injected += 1;
            *figures.faults.entry(format!("{failure:?}")).or_default() += 1;
            figures.hit(operation);
            figures.counts += failed.counts;
            // After a sync that failed the cache may have lost what only the process's death would have left.
            check_images(&failed, 1, Loss::Power, number, figures).map_err(context)?;
        }
    }
    Ok(())
}

#[test]
fn an_operation_that_fails_makes_no_answer_wrong_and_loses_nothing() {
    let mut figures = Figures::default();
    for seed in 1..=setting("PIXII_FAULT_SEEDS", 3) {
        if let Err(wrong) = inject(seed, setting("PIXII_FAULT_STRIDE", 1), &mut figures) {
            panic!("{wrong}");
        }
    }
    println!("injected errors: {figures:?}, violations 0");
    assert!(figures.errors_injected > 0, "{figures:?}");
}
