//! `pixii tour`: the main job of the library, told in the terminal. In the order of use:
//!
//! ```text
//! messages   the table of the tour and what is written into it
//! writer     the child that writes durably until it is killed
//! audit      what the store must hold after that
//! story      the tour itself
//! ```

mod messages;
pub(crate) mod writer;
mod audit;
mod story;

pub(crate) use story::{TourArguments, run};
