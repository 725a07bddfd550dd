//! The command line, run as a process: what it prints, what it says, and how it ends.

mod support;
mod items;
mod faults;
mod pressure;
mod hostile;
mod films;
mod serve;
mod tour;
