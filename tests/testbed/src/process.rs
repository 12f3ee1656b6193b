//! A server as a child process: its log, its end, and nothing left over.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;
use tokio::time::timeout;

use crate::{Error, Result, keeper};

/// How long a server may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(15);

/// A running child with a process group of its own. Dropping it kills the whole group at once.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    group: Option<Pid>,
    log: PathBuf,
}

impl Process {
    /// Starts `command` as `name` with no input, its output and errors appended to the file `log`.
    pub fn spawn(name: impl Into<String>, mut command: Command, log: &Path) -> Result<Self> {
        let name = name.into();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .map_err(Error::io(format!("open the log of {name}")))?;
        let errors = file.try_clone().map_err(Error::io(format!("open the log of {name}")))?;
        command
            .env(keeper::MARK, keeper::mark()?)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors);
        let mut command = tokio::process::Command::from(command);
        let child = command
            .process_group(0)
            .spawn()
            .map_err(Error::io(format!("start {name}")))?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            keeper::kill_at_end(group)?;
        }
        Ok(Self {
            name,
            child,
            group,
            log: log.to_path_buf(),
        })
    }

    /// The name it was started with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id, or nothing when it has ended and was waited for.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The file its output goes to.
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// The last `lines` lines of its log.
    pub fn log_tail(&self, lines: usize) -> String {
        log_tail(&self.log, lines)
    }

    /// Waits for its end.
    pub async fn exited(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait().await;
        self.forget();
        status.map_err(Error::io(format!("wait for {}", self.name)))
    }

    /// An error with the end of its log if it has ended, for use while waiting for it to serve.
    pub fn still_running(&mut self) -> Result<()> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                self.forget();
                Err(Error::Ended {
                    name: self.name.clone(),
                    status: status.to_string(),
                    log: self.log_tail(20),
                })
            }
            Err(error) => Err(Error::io(format!("look after {}", self.name))(error)),
        }
    }

    /// Sends SIGTERM to its group.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Stops its work without ending it, as a machine that hangs: connections are taken, and nothing is answered.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on after [`Process::freeze`].
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Ends it: SIGTERM, the wait for its exit, SIGKILL after a bound. Its ports are free afterwards.
    pub async fn stop(self) -> Result<()> {
        self.stop_within(GRACE).await
    }

    /// The same as [`Process::stop`] with a bound of one's own.
    pub async fn stop_within(mut self, grace: Duration) -> Result<()> {
        self.terminate();
        if timeout(grace, self.exited()).await.is_err() {
            self.signal(Signal::KILL);
            self.exited().await?;
        }
        Ok(())
    }

    /// Ends what the process left in its group when it ended; from then on the number of the group may be another's.
    fn forget(&mut self) {
        self.signal(Signal::KILL);
        if let Some(group) = self.group.take() {
            // Without a keeper there was nobody to tell in the first place.
            keeper::has_ended(group).ok();
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // It fails only when nobody is left to receive it, which is what we want.
            kill_process_group(group, signal).ok();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        // Its folder is often removed next, and a process that still writes would make that fail. A killed process is gone within
        // milliseconds; there is no way to await it in a destructor.
        for _ in 0..200 {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                _ => break,
            }
        }
        self.forget();
    }
}

/// The last `lines` lines of the file `log`; says so if it cannot be read.
pub fn log_tail(log: &Path, lines: usize) -> String {
    match std::fs::read(log) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let all: Vec<&str> = text.lines().collect();
            all[all.len().saturating_sub(lines)..].join("\n")
        }
        Err(error) => format!("(the log {} cannot be read: {error})", log.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Folder;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn alive(id: &str) -> bool {
        // A killed process whose parent has not waited for it yet is a zombie, and as good as gone.
        std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[tokio::test]
    async fn stop_lets_a_server_finish_and_takes_its_children_with_it() {
        let folder = Folder::new("process").unwrap();
        let log = folder.join("log");
        let script = "trap 'echo bye; exit' TERM; sleep 1000 & echo child $!; wait";
        let process = Process::spawn("server", shell(script), &log).unwrap();
        while !process.log_tail(1).starts_with("child") {
            tokio::task::yield_now().await;
        }
        let child = process.log_tail(1).split_whitespace().last().unwrap().to_owned();
        assert!(alive(&child));
        process.stop().await.unwrap();
        assert!(log_tail(&log, 1).contains("bye"));
        while alive(&child) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_server_deaf_to_sigterm_is_killed() {
        let folder = Folder::new("process").unwrap();
        let process = Process::spawn(
            "deaf",
            shell("trap '' TERM; while :; do sleep 1; done"),
            &folder.join("log"),
        )
        .unwrap();
        let id = process.id().unwrap().to_string();
        process.stop_within(Duration::from_millis(100)).await.unwrap();
        assert!(!alive(&id));
    }

    #[tokio::test]
    async fn an_early_end_is_told_with_the_log() {
        let folder = Folder::new("process").unwrap();
        let mut process =
            Process::spawn("broken", shell("echo no such flag >&2; exit 3"), &folder.join("log")).unwrap();
        process.exited().await.unwrap();
        let error = process.still_running().unwrap_err().to_string();
        assert!(
            error.contains("exit status: 3") && error.contains("no such flag"),
            "{error}"
        );
    }
}
