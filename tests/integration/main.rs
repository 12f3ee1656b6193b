//! Tests against real servers and programs; `make setup` sees to them.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod apply;
mod architecture;
mod bed;
mod bench;
mod command;
mod generated;
mod git;
mod health;
mod overlay;
mod render;
mod restore;
mod runbook;
mod sops;
mod tree;
mod vault;
