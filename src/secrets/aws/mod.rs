//! AWS Secrets Manager.
//!
//! A secret is named as the console shows it (`prod/repo`); by its ARN too. A value that is a JSON object has its keys; any
//! other text, and a value that is binary, is whole. A pinned version is an id, or a stage such as `AWSPREVIOUS`. A path that ends in a
//! slash is a folder, whose secrets are read as one: those whose names begin with it and have no further slash.
//!
//! Many secrets are read in batches of twenty. Where batches are not allowed, and for what a batch does not give, secrets are
//! read one by one. The regions are asked in their order: the next one where one does not answer, keeps asking to slow down or fails
//! in itself. What a region says of a secret is believed: that it is not there, or may not be read, is no reason to ask a replica,
//! whose value may be older than the deletion. Secrets are written in the first region alone.
//!
//! How one logs in is the SDK's business, and so are the variables that it reads for it (`AWS_ACCESS_KEY_ID`,
//! `AWS_WEB_IDENTITY_TOKEN_FILE`, …). Where secrets are read is the runbook's: neither a region nor an address
//! for Secrets Manager is taken from the environment.

mod absent;
mod batch;
mod cause;
mod client;
mod denied;
mod explain;
mod folder;
mod held;
mod login;
mod look;
mod read;
mod region;
mod settings;
mod skew;
mod unreached;
mod version;
mod write;

pub use client::Aws;
pub use settings::{Login, Place, Role, Settings};
