//! The command line of pixii.

fn main() {}
