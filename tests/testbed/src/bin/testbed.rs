//! Starts a bed and keeps it until Ctrl-C or the end of the input: `testbed up [--kubeconfig PATH]`.

use std::io::{Read, Write};
use std::process::ExitCode;

use testbed::{Bed, BedOptions};

const USAGE: &str = "usage: testbed up [--kubeconfig PATH]

Starts a cluster for a test and keeps it until Ctrl-C or the end of the input. It prints the path of its kubeconfig.
The programs must be there: tests/testbed/setup

example:
  cargo run -p testbed --bin testbed -- up --kubeconfig /tmp/bed.kubeconfig
  kubectl --kubeconfig /tmp/bed.kubeconfig get nodes        (in another terminal)";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (said, code) = match words.as_slice() {
        ["-h" | "--help" | "help"] => {
            writeln!(std::io::stdout(), "{USAGE}").ok();
            return ExitCode::SUCCESS;
        }
        ["up"] => (up(None).await, 1),
        ["up", "--kubeconfig", path] => (up(Some(path)).await, 1),
        _ => (Err(USAGE.into()), 2),
    };
    match said {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody reads it where this fails.
            writeln!(std::io::stderr(), "{error}").ok();
            ExitCode::from(code)
        }
    }
}

async fn up(copy: Option<&str>) -> Result<(), Box<dyn std::error::Error>> {
    let started = std::time::Instant::now();
    let mut options = BedOptions::default();
    // Repositories on disk, for trying things out.
    if let Some(visible) = std::env::var_os("TESTBED_VISIBLE") {
        options.host.visible.push(visible.into());
    }
    let bed = Bed::start(options).await?;
    if let Some(path) = copy {
        std::fs::copy(bed.kubeconfig(), path)?;
    }
    let path = copy.map_or_else(|| bed.kubeconfig().display().to_string(), str::to_owned);
    writeln!(std::io::stdout(), "{path}")?;
    writeln!(
        std::io::stderr(),
        "ready after {:.1} s; Ctrl-C ends it",
        started.elapsed().as_secs_f32()
    )?;
    // A thread of its own, because the end of the runtime would wait for a read of its own threads.
    let (sender, input_ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        std::io::stdin().read_to_end(&mut Vec::new()).ok();
        sender.send(()).ok();
    });
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = input_ended => {}
    }
    drop(bed);
    Ok(())
}
