//! The store for AWS Secrets Manager: against moto, and against a scripted AWS for the faults that moto does not make.

#![expect(
    clippy::unwrap_used,
    reason = "what a test stands on may fail it like the test itself"
)]

mod batch;
mod bench;
mod fake;
mod faults;
mod folder;
mod login;
mod read;
mod regions;
mod write;
