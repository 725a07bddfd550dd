//! The operating system: files by `pread`, `pwrite` and maps, its clocks, its randomness, its threads.
//!
//! The one place where the calls that `clippy.toml` bans are allowed.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the seam they are banned for"
)]

pub(super) mod clock;
mod mounts;
pub(super) mod files;
pub(super) mod threads;
