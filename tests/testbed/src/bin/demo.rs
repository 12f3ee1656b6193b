//! `make demo`: a real restore of `examples/shop` on a throw-away control plane.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use testbed::shop::Shop;
use testbed::{Outage, Tool};

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let started = Instant::now();
    let outage = Outage::start().await?;
    let seconds = started.elapsed().as_secs_f32();
    say(&format!(
        "Started a cluster, a secret store and a Git server: {seconds:.1}s"
    ));
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop");
    let shop = Shop::fill(outage, &example).await?;

    let program = std::env::current_exe()?.with_file_name("gitops-dr");
    let mut tool = Tool::new(program.clone())?;
    for (name, value) in shop.outage.environment() {
        tool.set(name, value);
    }
    for name in ["TERM", "NO_COLOR", "LANG"] {
        if let Some(value) = std::env::var_os(name) {
            tool.set(name, value);
        }
    }
    say("The cluster is empty. The platform is in Git, its credentials are in the store. Now:\n");
    say("    gitops-dr restore examples/shop/runbook.yaml\n");
    // The journal outlives the demo, so that its report can be looked at again: beside the programs, in the target folder.
    let journals = program.ancestors().nth(2).unwrap_or(&program).join("demo");
    let mut state = OsString::from("--state=");
    state.push(&journals);
    let mut restore = tool.command(&["restore".as_ref(), shop.runbook.as_os_str(), state.as_os_str()]);
    let mut child = restore.spawn()?;
    // Ctrl-C reaches the restore as well, by the terminal: it is the one that stops cleanly and says how to go on.
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    say("\nThe servers are stopped, and all that they wrote is removed. The run's journal is kept.");
    Ok(ExitCode::from(
        status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1),
    ))
}

fn say(line: &str) {
    // Nobody reads it where this fails.
    writeln!(std::io::stderr(), "{line}").ok();
}
