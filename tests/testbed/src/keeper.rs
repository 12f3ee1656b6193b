//! The keeper: one small child that cleans up when the test process is gone, however it went.
//!
//! `Drop` does not run after `kill -9`, an abort or a Ctrl-C, and a process that forgets its servers fills the machine.
//! The keeper reads from a pipe that only the test process holds: end of file means that it is gone. Then it kills
//!
//! * every process group it was told of and not told the end of. That alone would leave a server that was started in the moment
//!   of the kill, and descendants that moved to a group of their own;
//! * every process whose environment has our mark, which all descendants inherit. That alone would leave redis, nginx
//!   and sshd, which write their title over their environment;
//!
//! and removes the folders it was told of. `PR_SET_PDEATHSIG` would not do: it follows the thread that started the child, and the
//! threads of a test runtime come and go.

use std::io::{PipeWriter, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::process::Pid;

use crate::{Error, Result};

/// Name of the environment variable that marks all processes of one test process.
pub const MARK: &str = "GITOPS_DR_TESTBED_OWNER";

/// It ignores the signals of a terminal, which are for the test; it scans until two scans in a row find nothing, because a
/// process that is just being started still shows its parent's environment. Argo CD takes all rights from the folders of its checkouts, which
/// only root could remove then.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
groups=' '
while IFS=' ' read -r word value; do
    case "$word" in
        folder) set -- "$@" "$value" ;;
        group) groups="$groups$value " ;;
        ended) groups="${groups%% "$value" *} ${groups#* "$value" }" ;;
    esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
clean=0
while [ "$clean" -lt 2 ]; do
    clean=$((clean + 1))
    for environ in $(grep -lszxF "$MARKED" /proc/[0-9]*/environ); do
        process=${environ#/proc/}
        kill -s KILL "${process%/environ}" 2>/dev/null
        clean=0
    done
    sleep 0.05
done
chmod -R u+rwx -- "$@" 2>/dev/null
rm -rf -- "$@"
"#;

struct Keeper {
    mark: String,
    pipe: Mutex<PipeWriter>,
}

/// The value of [`MARK`] for the children of this process; starts the keeper if there is none yet.
pub(crate) fn mark() -> Result<&'static str> {
    keeper().map(|keeper| keeper.mark.as_str())
}

/// Removes `folder` and all in it after this process has ended.
pub(crate) fn remove_at_end(folder: &Path) -> Result<()> {
    keeper()?.tell("folder", &folder.display().to_string())
}

/// Kills the process group `group` after this process has ended.
pub(crate) fn kill_at_end(group: Pid) -> Result<()> {
    keeper()?.tell("group", &group.as_raw_nonzero().to_string())
}

/// Takes back [`kill_at_end`], because the group has ended and its number may soon be another's.
pub(crate) fn has_ended(group: Pid) -> Result<()> {
    keeper()?.tell("ended", &group.as_raw_nonzero().to_string())
}

fn keeper() -> Result<&'static Keeper> {
    static KEEPER: OnceLock<Keeper> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    let _one_starter = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(keeper) = KEEPER.get() {
        return Ok(keeper);
    }
    let keeper = Keeper::start().map_err(Error::io("start the keeper of the testbed"))?;
    Ok(KEEPER.get_or_init(|| keeper))
}

impl Keeper {
    fn start() -> std::io::Result<Self> {
        let (reader, writer) = std::io::pipe()?;
        let started = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
        let mark = format!("{}-{started}", std::process::id());
        // Its own process group keeps it out of reach of a Ctrl-C; nobody waits for it, it outlives us by design. The mark
        // to look for is in a variable of another name, or the keeper would find itself.
        Command::new("sh")
            .args(["-c", SCRIPT, "keeper"])
            .env_remove(MARK)
            .env("MARKED", format!("{MARK}={mark}"))
            .stdin(reader)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self {
            mark,
            pipe: Mutex::new(writer),
        })
    }

    fn tell(&self, word: &str, value: &str) -> Result<()> {
        let line = format!("{word} {value}\n");
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        pipe.write_all(line.as_bytes())
            .map_err(Error::io("tell the keeper of a server"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Child;

    use super::*;

    fn sleeper(mark: Option<&str>) -> Child {
        let mut command = Command::new("sleep");
        command.arg("1000").process_group(0).env_remove(MARK);
        if let Some(mark) = mark {
            command.env(MARK, mark);
        }
        command.spawn().unwrap()
    }

    #[test]
    fn the_end_of_its_pipe_ends_what_it_was_told_of_or_bears_the_mark_and_nothing_else() {
        let keeper = Keeper::start().unwrap();
        let folder = tempfile::tempdir().unwrap().keep();
        std::fs::create_dir_all(folder.join("closed/inner")).unwrap();
        std::fs::set_permissions(folder.join("closed"), Permissions::from_mode(0o0)).unwrap();
        keeper.tell("folder", &folder.display().to_string()).unwrap();
        let mut marked = sleeper(Some(&keeper.mark));
        let mut told = sleeper(None);
        let mut ended = sleeper(None);
        let mut stranger = sleeper(Some("of-somebody-else"));
        for child in [&ended, &told] {
            keeper.tell("group", &child.id().to_string()).unwrap();
        }
        keeper.tell("ended", &ended.id().to_string()).unwrap();
        drop(keeper);
        // The folder is the last thing it sees to.
        for _ in 0..1000 {
            if !folder.exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(!folder.exists());
        for victim in [&mut marked, &mut told] {
            assert_eq!(victim.try_wait().unwrap().and_then(|status| status.signal()), Some(9));
        }
        for survivor in [&mut ended, &mut stranger] {
            assert!(survivor.try_wait().unwrap().is_none());
            survivor.kill().unwrap();
            survivor.wait().unwrap();
        }
    }
}
