//! Files, time, randomness and threads: the only code that touches the operating system.
//!
//! Everything above asks an [`Environment`](environment::Environment) and never the standard library, which
//! `clippy.toml` enforces. There are three worlds: the real one (`system`), one that keeps files in memory (`memory`),
//! and the simulated one (`sim`), which knows what has been synced, can lose the rest, and runs every job on one
//! thread in an order chosen by a seed.
//!
//! Knows nothing of anything above. In the order of use:

pub mod mapping;
pub mod file;
pub mod time;
pub mod random;
pub mod schedule;
mod lock_table;
mod memory;
pub(crate) mod overlay;
mod system;
pub mod environment;
#[cfg(feature = "sim")]
pub mod sim;
