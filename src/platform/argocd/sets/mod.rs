//! Which Applications an `ApplicationSet` makes, told without a cluster.
//!
//! [`generate`] follows `applicationset/{generators,utils,controllers/template}` of Argo CD 3.2.11. It reads nothing itself: it
//! is given [`Facts`], and where it needs more it says what ([`Needs`]); whoever has fetched that asks again. What depends on
//! servers that only the agent can ask – hosts of code, pull requests, plugins – is [`Generated::Unknown`], never nothing.
//!
//! Go templates are rendered by Helm's engine, which is Go's: [`text::Asked`] is how one is written for it.

mod clusters;
mod combined;
mod facts;
mod generate;
mod generator;
mod git;
mod list;
mod parameters;
mod patch;
mod pattern;
mod selector;
mod template;
pub mod text;

pub use facts::{Cluster, Facts, Folder, Generated, Needs, Place};
pub use generate::generate;
