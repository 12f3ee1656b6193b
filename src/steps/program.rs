//! Runs a program that the runbook names, such as one that restores a database.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use backon::{BackoffBuilder as _, ExponentialBuilder};

use super::{World, variables, weather};
use crate::engine::{Context, Holds, Step};
use crate::event::{Effect, Failure, OUTPUT, Outcome, PlannedStep, Step as StepEvent};
use crate::exec::{Error, Exec};
use crate::runbook::Program;

/// How long a program may run unless the runbook says otherwise.
const LIMIT: Duration = Duration::from_mins(10);

/// One of the runbook's own programs.
///
/// It may do anything to any system that its user can reach: this tool cannot know which. It comes after the interlock, so it
/// never runs for a run that was refused, and unless the runbook calls it repeatable it runs once.
pub struct RunProgram {
    /// What the run knows.
    pub world: Arc<World>,
    /// The step as planned.
    pub planned: PlannedStep,
    /// What is run.
    pub program: Program,
}

#[async_trait]
impl Step for RunProgram {
    fn planned(&self) -> PlannedStep {
        self.planned.clone()
    }

    /// What must not be done twice and was done stands, whatever became of it. What is repeatable is run again, unless a
    /// person says that it was done.
    async fn holds(&self, _context: &Context, earlier: &Outcome) -> Result<Holds, Failure> {
        let told = self.world.options.answers.says_done(&self.planned.id).is_some();
        Ok(match earlier {
            Outcome::Done { detail } | Outcome::Skipped { detail } if self.is_once() || told => {
                Holds::Yes(detail.clone())
            }
            _ => Holds::Again,
        })
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let retries = usize::try_from(self.program.retries).unwrap_or(usize::MAX);
        // A checked runbook has retries only where it may be run again.
        let retries = if self.is_once() { 0 } else { retries };
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_secs(1))
            .with_max_delay(Duration::from_secs(30))
            .with_max_times(retries)
            .build();
        loop {
            let error = match self.follow(context).await? {
                Ok(detail) => return Ok(Outcome::Done { detail }),
                Err(error) => error,
            };
            let is_final = matches!(error, Error::Start { .. } | Error::Stopped { .. });
            let Some(pause) = pauses.next().filter(|_| !is_final) else {
                return Err(self.failure(&error));
            };
            context.emit(StepEvent::Output {
                id: self.planned.id.clone(),
                line: format!("{}; it is run again", self.failure(&error).message),
            });
            context.unless_stopped(tokio::time::sleep(pause)).await?;
        }
    }
}

impl RunProgram {
    fn is_once(&self) -> bool {
        self.planned.effect == Effect::Once
    }

    /// Runs it once. The outer failure is ours: then the program was not started.
    async fn follow(&self, context: &Context) -> Result<Result<String, Error>, Failure> {
        // Kept until the program has ended.
        let copy = self.folder().await?;
        // Nothing asks whose the cluster is once it runs.
        let cluster = self.world.cluster_until_stopped(context)?;
        weather::told(context, &cluster, cluster.still_mine()).await?;
        let mut count = 0_usize;
        let say = |line: &str| {
            count += 1;
            context.emit(StepEvent::Output {
                id: self.planned.id.clone(),
                line: line.to_owned(),
            });
        };
        let exec = self.exec(copy.as_ref().map(tempfile::TempDir::path));
        let result = exec.follow(say, context.stopped()).await;
        let lines = if count == 1 { "line" } else { "lines" };
        Ok(result.map(|()| format!("exit status 0, {count} {lines} of output")))
    }

    /// Returns a copy of the source's checkout, if it runs in one: others read the checkout, and a program may write.
    async fn folder(&self) -> Result<Option<tempfile::TempDir>, Failure> {
        let Some(source) = &self.program.source else {
            return Ok(None);
        };
        let checkouts = World::need(&self.world.checkouts, "where the sources are")?;
        let checkout = checkouts
            .get(source)
            .ok_or_else(|| Failure::new(format!("there is no source {source}")))?;
        let from = checkout.directory.clone();
        let copied = tokio::task::spawn_blocking(move || {
            let folder = tempfile::tempdir()?;
            copy(&from, folder.path())?;
            Ok::<_, std::io::Error>(folder)
        });
        copied
            .await
            .map_err(|_| Failure::new("the copying of a folder ended in a panic; this is a mistake in gitops-dr"))?
            .map(Some)
            .map_err(|error| Failure::new(format!("source {source} cannot be copied for the program: {error}")))
    }

    fn exec(&self, folder: Option<&Path>) -> Exec {
        let command = &self.program.command;
        let program = command.first().map(PathBuf::from).unwrap_or_default();
        let program = match folder {
            // A path with a slash is one in the source; a bare name is found on PATH.
            Some(folder) if program.is_relative() && program.components().count() > 1 => folder.join(program),
            _ => program,
        };
        let run = self.world.run.get().map(ToString::to_string).unwrap_or_default();
        let context = self
            .world
            .cluster
            .get()
            .map(|cluster| cluster.identity().context.clone());
        let redactor = variables::of_output(&self.program.env, &self.world.redactor);
        let mut exec = Exec::new(program, &redactor)
            .args(command.iter().skip(1))
            .limit(self.program.timeout.unwrap_or(LIMIT))
            .env("GITOPS_DR_RUN", run)
            .env("GITOPS_DR_CONTEXT", context.unwrap_or_default());
        for name in &self.program.env {
            if let Some(value) = std::env::var_os(name) {
                exec = exec.env(name, value);
            }
        }
        match folder {
            Some(folder) => exec.directory(folder),
            None => exec,
        }
    }

    fn failure(&self, error: &Error) -> Failure {
        let (message, said) = match error {
            Error::Failed { program, status, said } => (
                format!("`{program}` ended with {}", status.replacen("status: ", "status ", 1)),
                said.as_str(),
            ),
            other => (other.to_string(), ""),
        };
        let mut failure = Failure::new(message);
        failure.causes = said.lines().map(|line| format!("{OUTPUT}{line}")).collect();
        let id = &self.planned.id;
        if matches!(error, Error::Start { .. }) {
            return failure.hint("see that it is there and may be run");
        }
        if self.is_once() {
            return failure.hint(format!(
                "see what it did; then go on with --resume and --was-done {id}=REASON or --do-again {id}=REASON"
            ));
        }
        failure.hint("mend it, and go on with --resume: it is run again")
    }
}

/// Copies a folder with its modes; symbolic links stay what they are.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, kind) = (to.join(entry.file_name()), entry.file_type()?);
        if kind.is_dir() {
            std::fs::create_dir(&path)?;
            copy(&entry.path(), &path)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(entry.path())?, &path)?;
        } else {
            std::fs::copy(entry.path(), &path)?;
        }
    }
    Ok(())
}
