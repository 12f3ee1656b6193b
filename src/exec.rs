//! The one way to run another program: bounded in time, with an environment of its own, and its output redacted.
//!
//! [`Exec::run`] returns what the program wrote; [`Exec::follow`](Exec::follow) hands it on line by line and can end the program
//! and all that it started.

mod follow;
mod group;
mod shown;
mod taken;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, prlimit};
use tokio::io::AsyncWriteExt as _;

use self::group::Group;
use self::taken::{Taken, taken};
use crate::redact::Redactor;

/// Variables that a child may have from us: where things are and which language it speaks, nothing that grants a right.
const INHERITED: [&str; 8] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "XDG_CACHE_HOME",
];

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be started.
    #[error("`{program}` could not be started: {source}")]
    Start {
        /// The program.
        program: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It ran longer than it may.
    #[error("`{program}` did not end within {}s", .limit.as_secs())]
    TooLong {
        /// The program.
        program: String,
        /// How long it may run.
        limit: Duration,
    },
    /// It ended with another status than 0.
    #[error("`{program}` ended with {status}: {said}")]
    Failed {
        /// The program.
        program: String,
        /// Its status, in words.
        status: String,
        /// The last lines it wrote to its error output, redacted.
        said: String,
    },
    /// It needed more memory than it may have.
    #[error("`{program}` needs more than the {} MB of memory that it may have", .limit / 1_000_000)]
    TooMuchMemory {
        /// The program.
        program: String,
        /// How many bytes it may have.
        limit: u64,
    },
    /// It wrote more than is taken from it.
    #[error("`{program}` wrote more than {} MB", .limit / 1_000_000)]
    TooMuchOutput {
        /// The program.
        program: String,
        /// How many bytes are taken.
        limit: usize,
    },
    /// It was told to end, and did.
    #[error("`{program}` was told to end, and ended with {status}")]
    Stopped {
        /// The program.
        program: String,
        /// Its status, in words.
        status: String,
    },
}

/// A program to run.
pub struct Exec {
    program: OsString,
    called: Option<String>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    stdin: Vec<u8>,
    limit: Duration,
    memory: Option<u64>,
    output: usize,
    quotes_output: bool,
    redactor: Redactor,
}

/// How many lines of a program that failed are quoted.
const QUOTED: usize = 8;
/// How many bytes of output are taken of a program that is not told otherwise.
const OUTPUT: usize = 256_000_000;

impl Exec {
    /// Names a program, found on `PATH`. Its output is masked by `redactor`.
    pub fn new(program: impl Into<OsString>, redactor: &Redactor) -> Self {
        Self {
            program: program.into(),
            called: None,
            args: Vec::new(),
            env: Vec::new(),
            directory: None,
            stdin: Vec::new(),
            limit: Duration::from_mins(1),
            memory: None,
            output: OUTPUT,
            quotes_output: false,
            redactor: redactor.clone(),
        }
    }

    /// Whether a program of that name, without a slash, is on `PATH`.
    pub fn is_on_path(name: &str) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
    }

    /// Says how it is called in errors; as it is named where not given.
    #[must_use = "the program is returned, not changed in place"]
    pub fn called(mut self, name: impl Into<String>) -> Self {
        self.called = Some(name.into());
        self
    }

    /// Adds arguments. A secret never goes here: every user of the machine can read the arguments of a process.
    #[must_use = "the program is returned, not changed in place"]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable of its environment.
    #[must_use = "the program is returned, not changed in place"]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Sets the folder it runs in.
    #[must_use = "the program is returned, not changed in place"]
    pub fn directory(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    /// Gives it this on standard input.
    #[must_use = "the program is returned, not changed in place"]
    pub fn stdin(mut self, stdin: impl Into<Vec<u8>>) -> Self {
        self.stdin = stdin.into();
        self
    }

    /// Sets how long it may run; a minute if not set.
    #[must_use = "the program is returned, not changed in place"]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sets how many bytes of memory it and each program that it starts may have; not bounded if not set.
    ///
    /// Only data counts, not the addresses that a Go program keeps for later (`RLIMIT_DATA`). The bound is set when the
    /// program has just begun.
    #[must_use = "the program is returned, not changed in place"]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Sets how many bytes of its output are taken before it is ended; 256 MB if not set.
    #[must_use = "the program is returned, not changed in place"]
    pub fn output(mut self, bytes: usize) -> Self {
        self.output = bytes;
        self
    }

    /// When it fails, its standard output is quoted too: for a program that says there what went wrong.
    #[must_use = "the program is returned, not changed in place"]
    pub fn quotes_output(mut self) -> Self {
        self.quotes_output = true;
        self
    }

    /// Runs it and returns what it wrote to standard output, as it is: manifests may hold what must reach the cluster.
    ///
    /// When it is over one of its bounds it is killed, with all in its process group; so it is when the future is dropped.
    pub async fn run(self) -> Result<Vec<u8>, Error> {
        let program = self.name();
        let started = |source| Error::Start {
            program: program.clone(),
            source,
        };
        let mut child = self.command(Stdio::piped()).spawn().map_err(started)?;
        let mut group = Group::of(&child);
        if let (Some(bytes), Some(pid)) = (self.memory, group.id()) {
            let bound = Rlimit {
                current: Some(bytes),
                maximum: Some(bytes),
            };
            // A program that has ended already needs no bound.
            let _ = prlimit(Some(pid), Resource::Data, bound);
        }
        let (stdin, out, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let fed = async {
            if let Some(mut pipe) = stdin {
                // A program that does not read its input closes the pipe; that is no failure of its work.
                let _ = pipe.write_all(&self.stdin).await;
            }
        };
        let all = async {
            let ((), out, said) = tokio::join!(fed, taken(out, self.output), taken::said(errors));
            match out.map_err(started)? {
                Taken::All(out) => Ok((child.wait().await.map_err(started)?, out, said)),
                Taken::TooMuch => Err(Error::TooMuchOutput {
                    program: program.clone(),
                    limit: self.output,
                }),
            }
        };
        let (status, out, said) = tokio::time::timeout(self.limit, all)
            .await
            .map_err(|_| Error::TooLong {
                program: program.clone(),
                limit: self.limit,
            })??;
        group.has_ended();
        if status.success() {
            return Ok(out);
        }
        if let Some(limit) = self.memory.filter(|_| is_out_of_memory(&said)) {
            return Err(Error::TooMuchMemory { program, limit });
        }
        let out = if self.quotes_output {
            String::from_utf8_lossy(&out)
        } else {
            "".into()
        };
        Err(Error::Failed {
            program,
            status: status.to_string(),
            said: self.redactor.redact(&quoted(&format!("{out}\n{said}"))).into_owned(),
        })
    }

    fn name(&self) -> String {
        let called = self.called.clone();
        called.unwrap_or_else(|| self.program.to_string_lossy().into_owned())
    }

    /// Returns the command, with both its outputs on pipes.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that starts programs")]
    fn command(&self, stdin: Stdio) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.program);
        let inherited = INHERITED
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)));
        command
            .args(&self.args)
            .env_clear()
            .envs(inherited)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A group of its own: a Ctrl-C of the terminal is for us to handle, not for the child.
        command.process_group(0);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }
}

/// Quotes the words of a program that failed: from the line that begins with `Error` on, which may stand before a page of usage,
/// or else the last.
fn quoted(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.len().saturating_sub(QUOTED);
    let from = lines
        .iter()
        .position(|line| line.starts_with("Error"))
        .map_or(last, |error| error.min(last));
    let quoted: Vec<&str> = lines.into_iter().skip(from).take(QUOTED).collect();
    quoted.join("\n")
}

/// Whether these are the last words of a program that got no more memory: of Go's, of C's and of a shell.
fn is_out_of_memory(said: &str) -> bool {
    let said = said.to_lowercase();
    ["out of memory", "cannot allocate memory", "memory exhausted"]
        .iter()
        .any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::{MASK, Secret};

    fn shell(script: &str, redactor: &Redactor) -> Exec {
        Exec::new("sh", redactor).args(["-c", script])
    }

    #[tokio::test]
    async fn the_words_of_a_failed_program_are_kept_and_masked() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::from("hunter2hunter2"));
        let error = shell("echo token hunter2hunter2 is wrong >&2; exit 3", &redactor)
            .run()
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`sh` ended with exit status: 3: token {MASK} is wrong")
        );
    }

    #[tokio::test]
    async fn of_many_words_the_error_is_quoted_and_of_the_output_only_what_is_asked_for() {
        let script = "echo out; echo 'Error: so' >&2; seq 20 >&2; exit 1";
        let failed = async |exec: Exec| exec.run().await.unwrap_err().to_string();
        let error = failed(shell(script, &Redactor::default())).await;
        assert!(error.ends_with("1: Error: so\n1\n2\n3\n4\n5\n6\n7"), "{error}");
        let error = failed(shell("echo out; echo err >&2; exit 1", &Redactor::default()).quotes_output()).await;
        assert!(error.ends_with("1: out\nerr"), "{error}");
    }

    #[tokio::test]
    async fn the_environment_is_not_handed_on() {
        let out = shell("env", &Redactor::default()).env("OURS", "1").run().await.unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("OURS=1") && !text.contains("CARGO"), "{text}");
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended() {
        let error = shell("exec sleep 60", &Redactor::default())
            .limit(Duration::from_millis(50))
            .run()
            .await
            .unwrap_err();
        assert!(matches!(error, Error::TooLong { .. }), "{error}");
    }

    #[tokio::test]
    async fn standard_input_reaches_the_program() {
        let out = shell("cat", &Redactor::default()).stdin("hello").run().await.unwrap();
        assert_eq!(out, b"hello");
    }

    #[tokio::test]
    async fn a_program_that_writes_without_end_is_ended() {
        let error = shell("yes", &Redactor::default())
            .output(1_000_000)
            .run()
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "`sh` wrote more than 1 MB");
    }

    #[tokio::test]
    async fn a_program_that_fills_the_memory_is_ended() {
        // Awk doubles a text until it gets no more.
        let script = r#"awk 'BEGIN { text = "x"; for (;;) text = text text }'"#;
        let error = shell(script, &Redactor::default())
            .memory(64_000_000)
            .run()
            .await
            .unwrap_err();
        // Where it could not say so any more, it is ended all the same, and nothing is made up.
        match error {
            Error::TooMuchMemory { .. } => assert_eq!(
                error.to_string(),
                "`sh` needs more than the 64 MB of memory that it may have"
            ),
            Error::Failed { status, .. } => assert_ne!(status, "exit status: 0"),
            other => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn the_last_words_of_a_program_without_memory_are_understood_where_it_has_a_bound() {
        for (said, is_understood) in [
            ("fatal error: runtime: out of memory", true),
            ("sh: 1: fork: Cannot allocate memory", true),
            ("virtual memory exhausted", true),
            ("a value of memory is wrong", false),
        ] {
            let script = format!("echo '{said}' >&2; exit 2");
            let exec = || shell(&script, &Redactor::default());
            let error = exec().memory(64_000_000).run().await.unwrap_err();
            assert_eq!(
                matches!(error, Error::TooMuchMemory { limit: 64_000_000, .. }),
                is_understood,
                "{error}"
            );
            let error = exec().run().await.unwrap_err();
            assert!(matches!(error, Error::Failed { .. }), "{error}");
        }
    }

    #[tokio::test]
    async fn what_it_started_does_not_outlive_a_program_that_ran_too_long() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("child");
        let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
        let limit = Duration::from_millis(500);
        shell(&script, &Redactor::default())
            .limit(limit)
            .run()
            .await
            .unwrap_err();
        let child = std::fs::read_to_string(file).unwrap();
        let stat = format!("/proc/{}/stat", child.trim());
        // It is killed, and waited for by whoever inherited it.
        while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            tokio::task::yield_now().await;
        }
    }
}
