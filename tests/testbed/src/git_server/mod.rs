//! Git servers, as a team's Git host would look to a cluster and to a person who rebuilds it.
//!
//! [`GitServer`] serves bare repositories over HTTP, and over HTTPS and SSH if asked to. Every [`Repository`] has
//! its own user, password and key, which open no other one. Behind both ways stands git itself: `git-http-backend`
//! behind nginx, `git upload-pack` behind sshd.

mod repository;
mod server;
mod ssh;
mod web;

pub use repository::Repository;
pub use server::{GitServer, GitServerOptions};
