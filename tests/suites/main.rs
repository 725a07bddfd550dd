//! The suites that try to make the store lose or invent something.
//!
//! - `model`: what a table should hold, as a map; `deed`: a write, as it is asked for and as it changes an item
//! - `world`: what a store of several tables should hold; `workload`: one operation type, drawn from a seed
//! - `history`: what was committed; `transacting`, `ticket`, `clients`: several clients that run operations step by step
//! - `random_walk`: any sequence of operations agrees with the model (proptest)
//! - `crash`: power loss at every file operation, and again during recovery
//! - `expiry`: what has expired or was dropped is gone for every reader from its moment on, and only then
//! - `faults`: the n-th operation on files fails, in every way
//! - `rot`: damaged, exchanged, missing and old files are found out
//! - `options`: the same walk under many options gives the same answers
//! - `golden`: the format is what it was
//! - `transactions`: optimistic transactions are serializable, in a simulation and on threads
//! - `serial`: a million requests of the data model on threads are serializable and respect real time
//! - `indexes`: indexes are filled and dropped while clients write, through power losses
//! - `time`: past moments, checkpoints and forks are what the model was then
//! - `time_to_live`: items expire while clients write, settings change, time passes and power is lost
//! - `planted`: each planted bug is caught by these suites
//! - `regressions`: what was found once, by its seed
//! - `process_death`: a real child process is killed, also while it opens the store
//! - `threads`: real threads on a real disk
//!
//! The sizes of the suites come from environment variables, so that a longer run needs no other code:
//! `PIXII_CRASH_SEEDS` (16, or 3 where a seed is more work), `PIXII_CRASH_IMAGES` (4),
//! `PIXII_CLIENT_SEEDS` (100), `PIXII_SERIAL_SEEDS` (1000), `PIXII_SERIAL_REQUESTS` (1,000,000),
//! `PIXII_FAULT_SEEDS` (3), `PIXII_FAULT_STRIDE` (1), `PIXII_OPTION_SEEDS` (6),
//! `PIXII_FLIP_STRIDE` (1), `PIXII_CUT_STRIDE` (11).
#![expect(clippy::disallowed_methods, reason = "the golden files lie on the real disk")]
#![allow(missing_docs, reason = "a test binary has no readers of its documents")]

mod model;
mod deed;
mod world;
mod workload;
mod history;
mod transacting;
mod ticket;
mod clients;
mod random_walk;
mod crash;
mod expiry;
mod faults;
mod rot;
mod options;
mod golden;
mod transactions;
mod serial;
mod indexes;
mod time;
mod time_to_live;
mod expiring_write;
mod planted;
mod regressions;
mod process_death;
mod threads;
