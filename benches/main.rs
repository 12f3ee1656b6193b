//! `make bench`: how fast and how light the program is, beside what people do today, measured in one run on the testbed.
//!
//! Each measurement checks that the work was really done. One that misses its goal is a result; one that could not be made is an
//! error, and the exit code says so. Words after `--` name the entries to make; none means all of them.
//!
//! The same program plays parts of a measurement as a child of itself ([`part`]), so that memory and processor time of that part
//! are those of a process of its own.

#![expect(
    clippy::disallowed_methods,
    reason = "a bench is measured by the machine's clock, and starts what it measures itself"
)]

mod apply_5000;
mod entry;
mod far;
mod goal;
mod graph_10000;
mod machine;
mod measured;
mod part;
mod plan_1000;
mod plane;
mod processes;
mod raw_patches;
mod readme;
mod restore_100_apps;
mod restore_deep_chain;
mod restore_late_crd;
mod results;
mod scene;
mod secrets_500;
mod sights;
mod start;
mod watch_1000_apps;

use std::process::ExitCode;

/// What stops a measurement, in words.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((first, rest)) if first == part::WORD => part::play(rest),
        _ => entry::run_all(&arguments),
    };
    outcome.unwrap_or_else(|trouble| {
        say(&format!("error: {trouble}"));
        ExitCode::FAILURE
    })
}

/// Says a line to whoever waits: to standard error, since a part's answer goes to standard output.
fn say(line: &str) {
    use std::io::Write as _;
    // Nobody reads it where this fails.
    writeln!(std::io::stderr(), "{line}").ok();
}
