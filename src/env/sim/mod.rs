//! The simulated world: a machine whose disk forgets what was not synced, whose clock stands still until it is moved,
//! and whose jobs run on one thread in an order chosen by a seed.
//!
//! It is public (feature `sim`) so that what is built on the store, or anything else that writes files through
//! [`Vfs`](crate::env::file::Vfs), can be tested in the same way as the store is: run a workload, stop the machine at
//! any operation, and look at every state that a power loss at that moment could leave.
//!
//! # The storage model
//!
//! These are also the assumptions that the store makes of a disk.
//!
//! * What is written to a file is visible at once, and pending until a sync of that file, which also makes the size
//!   durable, and never the name.
//! * A name that is created, linked, renamed or unlinked is pending until a sync of its directory.
//! * A power loss keeps, of every file on its own, any of the pending writes: none, all, the first few, or any subset.
//!   A write that is kept may be torn: any of its bytes, its 8-byte words, its sectors of 512 bytes or its pages of
//!   4 KiB. The size is kept or lost on its own. What did not land within an extension reads as zeros, as garbage, or
//!   as the bytes of a file that was unlinked.
//! * Of the pending names it keeps any subset in which a change of a name is kept only with all earlier changes of that
//!   name. A rename is atomic, across directories too.
//! * Bytes outside of the range of a write do not change. A disk that lies about a sync is not modelled.
//! * The death of the process loses nothing that was written and ends its locks; what was pending stays pending.
//!
//! # A test of your own
//!
//! The smallest log there is keeps numbers, eight bytes each, and answers once the number is durable. Whatever the
//! power loss, the numbers it has answered for must be found again.
//!
//! ```
//! use pixii::env::file::{Vfs, read_all};
//! use pixii::sim::{SimVfs, is_simulated_crash};
//! use std::io;
//! use std::path::Path;
//!
//! /// Writes 1, 2, 3 …, and counts in `acknowledged` how many are durable.
//! fn count(vfs: &dyn Vfs, acknowledged: &mut u64) -> io::Result<()> {
//!     let log = vfs.create(Path::new("/numbers"))?;
//!     vfs.sync_dir(Path::new("/"))?; // without this line the test fails: the name is lost
//!     for number in 1..=5_u64 {
//!         log.append(&number.to_le_bytes())?;
//!         log.sync()?; // and without this one
//!         *acknowledged = number;
//!     }
//!     Ok(())
//! }
//!
//! /// The numbers that are found again: those before the first that is torn or missing.
//! fn recover(vfs: &dyn Vfs) -> io::Result<u64> {
//!     let log = match vfs.open(Path::new("/numbers")) {
//!         Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
//!         log => log?,
//!     };
//!     let bytes = read_all(log.as_ref())?;
//!     let whole = bytes.chunks_exact(8).zip(1_u64..);
//!     Ok(whole.take_while(|(bytes, number)| *bytes == number.to_le_bytes()).count() as u64)
//! }
//!
//! let undisturbed = SimVfs::new();
//! count(&undisturbed, &mut 0)?;
//!
//! let mut images = 0;
//! for operation in 0..undisturbed.operation_count() {
//!     let vfs = SimVfs::new();
//!     vfs.crash_at(operation);
//!     let mut acknowledged = 0;
//!     let error = count(&vfs, &mut acknowledged).expect_err("the machine has stopped");
//!     assert!(is_simulated_crash(&error));
//!     for (choice, image) in vfs.images(20, operation) {
//!         let found = recover(&image)?;
//!         assert!(found >= acknowledged, "operation {operation}, {choice:?}: {acknowledged} > {found}");
//!         assert!(found <= acknowledged + 1, "only the number in flight may be found as well");
//!         images += 1;
//!     }
//! }
//! assert!(images > 20);
//! # Ok::<(), io::Error>(())
//! ```
//!
//! [`Simulation`] adds the clock, the randomness and the scheduler, and makes the
//! [`Environment`](crate::env::environment::Environment) to open a store in.
//!
//! Knows nothing of the store. In the order of use:

mod rng;
mod clock;
mod operation;
mod fault;
mod inode;
mod directory;
mod machine;
mod handle;
mod fs;
mod survival;
mod image;
mod inspect;
mod scheduler;
mod simulation;

#[cfg(test)]
mod differential;
#[cfg(test)]
mod toy_log;

pub use clock::SimClock;
pub use fault::{FaultId, FaultRule, Repeat, SyncFailure, errno};
pub use fs::SimVfs;
pub use image::ImageChoice;
pub use machine::is_simulated_crash;
pub use operation::{OpKind, Operation};
pub use rng::{Seed, SimRandom, SimRng};
pub use scheduler::SimScheduler;
pub use simulation::Simulation;
