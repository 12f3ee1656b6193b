//! Starts a bed and keeps it until Ctrl-C or the end of the input: `testbed up [--kubeconfig PATH]`.

use std::io::{Read, Write};

use testbed::{Bed, BedOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let copy = match words.as_slice() {
        ["up"] => None,
        ["up", "--kubeconfig", path] => Some(*path),
        _ => return Err("usage: testbed up [--kubeconfig PATH]".into()),
    };
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
