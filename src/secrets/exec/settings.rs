//! Which program, and how it is run.

use std::time::Duration;

use crate::redact::Secret;

/// What a program prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Output {
    /// A JSON object of texts, each of which is a key; or one JSON text, which has no keys.
    #[default]
    Json,
    /// The value itself, without the line break at its end.
    Text,
    /// The value itself, byte by byte.
    Bytes,
}

/// Which program is run, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store's name in the runbook.
    pub name: String,
    /// The program and its first arguments.
    pub command: Vec<String>,
    /// The variables of its environment beside the usual ones.
    pub env: Vec<(String, Secret)>,
    /// How long it may run for one secret.
    pub limit: Duration,
    /// What it prints.
    pub output: Output,
}
