//! The program under test, run as its user runs it, in an environment of its own.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::{Error, Folder, Programs, Result};

/// The program with the environment that it gets: nothing of the test's own but what is named.
pub struct Tool {
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
    home: Folder,
}

/// What a run of the program left behind.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; −1 where a signal ended it.
    pub code: i32,
    /// All that it wrote to standard output.
    pub out: String,
    /// All that it wrote to standard error.
    pub err: String,
}

impl Tool {
    /// Prepares runs of `program` with a home of its own.
    pub fn new(program: impl Into<PathBuf>) -> Result<Self> {
        let programs = Programs::find()?;
        let home = Folder::new("home")?;
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", programs.bin().display());
        let environment = vec![("PATH".into(), path.into()), ("HOME".into(), home.path().into())];
        Ok(Self {
            program: program.into(),
            environment,
            home,
        })
    }

    /// The same program with the same environment on another machine: a home without journals and caches.
    pub fn elsewhere(&self) -> Result<Self> {
        let home = Folder::new("home")?;
        let mut other = Self {
            program: self.program.clone(),
            environment: self.environment.clone(),
            home,
        };
        other.set("HOME", other.home.path().as_os_str().to_owned());
        Ok(other)
    }

    /// Starts it so that the kernel kills it when it is about to force its journal to disk for the `nth` time (counted from 1): the line is
    /// written, and nothing that follows has happened. It takes `strace` and the right to trace one's own processes.
    pub fn start_killed_at_append(&self, nth: usize, arguments: &[impl AsRef<OsStr>]) -> Result<Child> {
        let mut command = Command::new("strace");
        // Without `--seccomp-bpf`, with which strace 6.1 loses the signal.
        command
            .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync"])
            .arg("-e")
            .arg(format!("inject=fdatasync:signal=SIGKILL:when={nth}"))
            .arg(&self.program)
            .args(arguments);
        self.prepare(&mut command);
        spawn(command, "strace, which kills the program at an append")
    }

    /// Sets a variable for all runs from now on.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        let name = name.into();
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.into()));
    }

    /// The home of the program's user; journals and caches are below it.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where the journals of its runs are.
    pub fn journals(&self) -> PathBuf {
        self.home.join(".local/state/gitops-dr/runs")
    }

    /// Returns the command, for callers that attach it to something else than a pipe.
    pub fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        self.prepare(&mut command);
        command
    }

    /// Starts it with its output on pipes.
    pub fn start(&self, arguments: &[impl AsRef<OsStr>]) -> Result<Child> {
        spawn(self.command(arguments), &self.program.display().to_string())
    }

    /// Runs it to its end.
    pub async fn run(&self, arguments: &[impl AsRef<OsStr>]) -> Result<Ran> {
        self.start(arguments)?
            .wait_with_output()
            .await
            .map(|output| Ran::of(&output))
            .map_err(Error::io("wait for the program"))
    }

    fn prepare(&self, command: &mut Command) {
        command
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .current_dir(self.home.path());
    }
}

fn spawn(mut command: Command, what: &str) -> Result<Child> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(Error::io(format!("start {what}")))
}

impl Ran {
    /// Takes the output of a process that has ended.
    pub fn of(output: &std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Returns all that it said, for the message of a failed assertion.
    pub fn said(&self) -> String {
        format!(
            "exit code {}\n--- standard output\n{}\n--- standard error\n{}",
            self.code, self.out, self.err
        )
    }
}

/// Presses Ctrl-C on a running program, as a terminal would.
pub fn interrupt(child: &Child) -> Result<()> {
    let id = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw);
    let id = id.ok_or_else(|| Error::Other("interrupt a program that has ended".to_owned()))?;
    rustix::process::kill_process(id, rustix::process::Signal::INT)
        .map_err(|error| Error::io("interrupt the program")(error.into()))
}
