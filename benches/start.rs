//! How long the program takes to begin: what every script that calls it pays each time.

use std::process::Command;
use std::time::Instant;

use crate::Trouble;
use crate::goal::Goal;
use crate::results::Row;

/// They cost nothing, and the first ones find nothing in the page cache.
const STARTS: usize = 50;

/// Starts `--version` many times.
pub(crate) fn measure() -> Result<Vec<Row>, Trouble> {
    let mut ours = Vec::new();
    for _ in 0..STARTS {
        let began = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_gitops-dr"))
            .arg("--version")
            .output()?;
        ours.push(began.elapsed().as_secs_f64() * 1000.0);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if said.trim() != concat!("gitops-dr ", env!("CARGO_PKG_VERSION")) {
            return Err(format!("`--version` said `{}`", said.trim()).into());
        }
    }
    Ok(vec![Row {
        name: "start",
        does: "`gitops-dr --version`, from its start to its end",
        unit: "ms",
        ours,
        peer: None,
        goal: Goal::AtMost(20.0),
    }])
}
