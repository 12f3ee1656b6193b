//! Tests against real servers and programs; `make setup` sees to them.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod apply;
mod architecture;
mod aws;
mod bed;
mod bench;
mod capture;
mod command;
mod generated;
mod git;
mod health;
mod near;
mod overlay;
mod render;
mod restore;
mod runbook;
mod secrets;
mod sops;
mod told;
mod tree;
mod vault;
