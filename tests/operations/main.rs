//! Every operation on items, by DynamoDB's rules and in its words.

mod support;
mod updates;
mod conditions;
mod reads;
mod batches;
mod transactions;
mod segments;
mod order;
mod capacity;
mod legacy;
mod index_lag;
mod streams;
mod backups;
mod expiry;
mod awaiting;
mod read_only;
mod verify;
