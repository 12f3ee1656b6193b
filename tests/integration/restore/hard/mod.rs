//! The hard cases: what a restore meets on the way, by us and by the five steps of most runbooks. What each comes to is in
//! `docs/design/hard-cases.md`.

mod lies;
mod platform;
mod script;
mod story;
mod world;
