//! The binary: parse and exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    gitops_dr::cli::run()
}
