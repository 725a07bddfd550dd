//! DynamoDB's protocol as a client meets it: raw requests over TCP, and the exact bytes of the answers. The rules are those
//! of DynamoDB's documentation.

mod client;
mod access;
mod attacks;
mod backups;
mod batches;
mod envelope;
mod items;
mod legacy;
mod page;
mod pages;
mod statements;
mod streams;
mod tables;
mod transactions;
