//! The command line: one file a subcommand. Only this room parses arguments and prints.

mod args;
mod error;
mod exit;
mod folders;
mod generate;
mod person;
mod plan;
mod report;
mod request;
mod restore;
mod secrets;
mod signal;
mod ui;

pub use run::run;

mod run;
