//! A program run under the clock, as its user would run it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use testbed::{Folder, Process};

use crate::{Trouble, part, processes};

/// What a run took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Took {
    /// From its start to its end.
    pub(crate) seconds: f64,
    /// Processor time of it and of all that it waited for.
    pub(crate) cpu_seconds: f64,
    /// Its exit code; −1 where a signal ended it.
    pub(crate) code: i32,
}

/// How a run under the clock ended.
pub(crate) enum Run {
    /// By itself; and what it wrote.
    Ended(Took, String),
    /// It was stopped when its time was over.
    Capped(Duration),
}

impl Run {
    /// Returns what a run took that has to have succeeded, and what it wrote.
    pub(crate) fn succeeded(self, what: &str) -> Result<(Took, String), Trouble> {
        match self {
            Self::Ended(took, said) if took.code == 0 => Ok((took, said)),
            Self::Ended(took, said) => Err(format!("{what} ended with exit code {}:\n{said}", took.code).into()),
            Self::Capped(cap) => Err(format!("{what} had not ended after {} s", cap.as_secs()).into()),
        }
    }
}

/// Runs a command to its end, or stops it with all that it has started when `cap` is over.
///
/// It runs below a part of this program that does nothing but wait for it: what the kernel counts for a process's children is
/// then what it counts for this one. The rest of the environment is the command's own.
pub(crate) async fn run(command: &Command, cap: Duration) -> Result<Run, Trouble> {
    let folder = Folder::new("measured")?;
    let (answer, log) = (folder.join("answer.json"), folder.join("log"));
    let mut wrapped = Command::new(std::env::current_exe()?);
    wrapped.args([OsStr::new(part::WORD), OsStr::new("measured"), answer.as_os_str()]);
    wrapped.arg(command.get_program()).args(command.get_args()).env_clear();
    wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let name = command.get_program().to_string_lossy().into_owned();
    let mut process = Process::spawn(name, wrapped, &log)?;
    if tokio::time::timeout(cap, process.exited()).await.is_err() {
        process.stop_within(Duration::from_secs(2)).await?;
        return Ok(Run::Capped(cap));
    }
    Ok(Run::Ended(part::answered(&answer)?, process.log_tail(40)))
}

/// The part: runs the program, and answers what it took.
pub(crate) fn play(file: &Path, program: &str, arguments: &[&str]) -> Result<ExitCode, Trouble> {
    let began = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .status()
        .map_err(|error| format!("{program} cannot be run: {error}"))?;
    let took = Took {
        seconds: began.elapsed().as_secs_f64(),
        cpu_seconds: processes::of_children()?,
        code: status.code().unwrap_or(-1),
    };
    part::answer(file, &took)?;
    Ok(ExitCode::SUCCESS)
}
