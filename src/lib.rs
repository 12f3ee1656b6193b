//! Rebuilds a Kubernetes platform from Git and a secret store, proves that it is back, and says how long it took.
//!
//! The map: [`runbook`] and [`platform`] are pure knowledge; [`git`], [`render`], [`secrets`] and [`cluster`] are the
//! only rooms that touch the outside; [`agent`] installs and observes Argo CD through [`cluster`]; [`engine`] runs a plan
//! and writes the journal; [`steps`] joins the engine to the adapters; [`restore`] puts a run together; [`report`] shows
//! it; [`cli`] is the command line. ARCHITECTURE.md names the rules between them, and a test holds them.

pub mod agent;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod engine;
pub mod event;
pub mod exec;
pub mod finding;
pub mod git;
pub mod graph;
pub mod health;
pub mod known_hosts;
pub mod object;
pub mod plan;
pub mod platform;
pub mod recipe;
pub mod redact;
pub mod render;
pub mod report;
pub mod restore;
pub mod rto;
pub mod runbook;
pub mod secrets;
pub mod steps;
pub mod yaml;
