//! The keeper: one small child that cleans up when the test process is gone, however it went.
//!
//! `Drop` does not run after `kill -9`, an abort or a Ctrl-C, and a process that forgets its servers fills the machine.
//! The keeper reads from a pipe that only the test process holds: end of file means that it is gone. Then the keeper kills
//! every process whose environment has our mark, which all descendants inherit whatever process group or
//! namespace they moved to, and removes the folders it was told of. `PR_SET_PDEATHSIG` would not do: it follows the thread that
//! started the child, and the threads of a test runtime come and go.

use std::io::{PipeWriter, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::{Error, Result};

/// Name of the environment variable that marks all processes of one test process.
pub const MARK: &str = "GITOPS_DR_TESTBED_OWNER";

/// It ignores the signals of a terminal, which are for the test; it scans until two scans in a row find nothing, because a
/// process that is just being started still shows its parent's environment.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
while IFS= read -r folder; do set -- "$@" "$folder"; done
clean=0
while [ "$clean" -lt 2 ]; do
    clean=$((clean + 1))
    for environ in $(grep -lszxF "$MARKED" /proc/[0-9]*/environ); do
        process=${environ#/proc/}
        [ "${process%/environ}" = self ] || kill -KILL "${process%/environ}" 2>/dev/null
        clean=0
    done
    sleep 0.05
done
rm -rf -- "$@"
"#;

struct Keeper {
    mark: String,
    pipe: Mutex<PipeWriter>,
}

/// The value of [`MARK`] for the children of this process; starts the keeper if there is none yet.
pub fn mark() -> Result<&'static str> {
    keeper().map(|keeper| keeper.mark.as_str())
}

/// Removes `folder` and all in it after this process has ended.
pub fn remove_at_end(folder: &Path) -> Result<()> {
    let mut pipe = keeper()?.pipe.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(pipe, "{}", folder.display()).map_err(Error::io("tell the keeper of a folder"))
}

fn keeper() -> Result<&'static Keeper> {
    static KEEPER: OnceLock<Keeper> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    let _one_starter = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(keeper) = KEEPER.get() {
        return Ok(keeper);
    }
    let keeper = start().map_err(Error::io("start the keeper of the testbed"))?;
    Ok(KEEPER.get_or_init(|| keeper))
}

fn start() -> std::io::Result<Keeper> {
    let (reader, writer) = std::io::pipe()?;
    let started = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
    let mark = format!("{}-{started}", std::process::id());
    // Its own process group keeps it out of reach of a Ctrl-C; nobody waits for it, it outlives us by design. The words to look
    // for stand in a variable that does not contain them as a whole assignment, or the keeper would find itself.
    Command::new("sh")
        .args(["-c", SCRIPT, "keeper"])
        .env_remove(MARK)
        .env("MARKED", format!("{MARK}={mark}"))
        .stdin(reader)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    Ok(Keeper {
        mark,
        pipe: Mutex::new(writer),
    })
}
