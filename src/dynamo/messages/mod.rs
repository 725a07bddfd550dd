//! DynamoDB's words for every fault, and the only place that knows them. In the order of use:

mod expression;
mod tables;
mod items;
mod legacy;
mod streams;
mod backups;
mod policies;
pub(super) mod request;
