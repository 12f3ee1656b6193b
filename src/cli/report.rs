//! `gitops-dr report`.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::args::Report;
use super::error::Error;
use super::exit;
use super::folders::journals;
use super::ui::Ui;
use crate::engine::journal;
use crate::event::{Failure, RunState, Sink as _};
use crate::report::{Json, outcome, summary};

/// Shows a past run again, from its journal.
pub(super) fn report(ui: &Ui, arguments: &Report) -> Result<u8, Error> {
    let folder = journals(ui)?;
    if arguments.list {
        list(ui, &folder);
        return Ok(exit::DONE);
    }
    let unreadable = |error: journal::Error| {
        let hint = match &error {
            journal::Error::Newer { .. } => "a newer gitops-dr wrote it: use that one",
            journal::Error::NoSuchRun(..) => "`--state` names the folder where runs are kept",
            _ => "the journal is damaged; other runs are beside it",
        };
        Error::refused(Failure::of(&error).hint(hint))
    };
    let path = match &arguments.run {
        Some(run) => journal::find(&folder, Some(run)),
        None => newest(&folder),
    }
    .map_err(unreadable)?;
    if journal::is_being_written(&path) == Some(true) {
        ui.err("This run is still going on.\n");
    }
    let events = journal::read(&path).map_err(unreadable)?;
    if ui.is_json() {
        let mut sink = Json::new(io::stdout());
        let mut state = RunState::default();
        for event in &events {
            state.apply(event);
            sink.event(event, &state);
        }
    } else {
        ui.out(&summary(&RunState::of(&events), Ui::out_style(), Some(&path)));
    }
    Ok(exit::DONE)
}

/// Lists all runs, the newest first.
fn list(ui: &Ui, folder: &Path) {
    let journals = journal::newest_first(folder);
    if journals.is_empty() && !ui.is_json() {
        ui.err(&format!("There is no run in {}.\n", folder.display()));
    }
    for path in journals {
        let run = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let listed = match journal::read(&path) {
            Ok(events) => Listed::of(
                run,
                &RunState::of(&events),
                journal::is_being_written(&path) == Some(true),
            ),
            Err(error) => Listed {
                run,
                told: format!("cannot be read: {error}"),
                ..Listed::default()
            },
        };
        if ui.is_json() {
            let line = serde_json::to_string(&listed).unwrap_or_default();
            ui.out(&format!("{line}\n"));
        } else {
            ui.out(&listed.line());
        }
    }
}

/// A run in the list.
#[derive(Debug, Default, Serialize)]
struct Listed {
    /// Its name.
    run: String,
    /// The runbook's name.
    runbook: String,
    /// When it began, such as `2026-11-21T03:12:00Z`.
    started_at: Option<String>,
    /// Whether a step began that may change the world.
    changed: bool,
    /// The exit code that it ended with; nothing while it goes on, or where its record ends before.
    exit_code: Option<u8>,
    /// How it ended, in a phrase.
    told: String,
}

impl Listed {
    fn of(run: String, state: &RunState, goes_on: bool) -> Self {
        Self {
            run,
            runbook: state.runbook.clone(),
            started_at: state.started_at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            changed: state.touched(),
            exit_code: state.finished.as_ref().map(|_| state.exit_code()),
            told: if goes_on {
                "still going on".into()
            } else {
                outcome(state)
            },
        }
    }

    fn line(&self) -> String {
        let when = self.started_at.as_deref().unwrap_or("-");
        let runbook = if self.runbook.is_empty() { "-" } else { &self.runbook };
        format!("{}  {when:<20}  {runbook}  {}\n", self.run, self.told)
    }
}

/// Returns the newest run that changed anything, or else the newest: a mistyped call is not what people ask about.
fn newest(folder: &Path) -> Result<PathBuf, journal::Error> {
    let changed = |path: &PathBuf| journal::read(path).is_ok_and(|events| RunState::of(&events).touched());
    journal::newest_first(folder)
        .into_iter()
        .find(changed)
        .map_or_else(|| journal::find(folder, None), Ok)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::event::RunOutcome;

    #[test]
    fn a_run_in_the_list_says_which_when_and_how_it_ended() {
        let mut state = RunState {
            runbook: "shop".into(),
            started_at: Some(Timestamp::UNIX_EPOCH),
            elapsed_ms: 61_000,
            finished: Some((RunOutcome::Recovered, None)),
            ..RunState::default()
        };
        let line = |state: &RunState, goes_on| Listed::of("01A".into(), state, goes_on).line();
        assert_eq!(
            line(&state, false),
            "01A  1970-01-01T00:00:00Z  shop  recovered in 1m 01s\n"
        );
        assert_eq!(line(&state, true), "01A  1970-01-01T00:00:00Z  shop  still going on\n");
        assert_eq!(Listed::of("01A".into(), &state, false).exit_code, Some(0));
        state.finished = None;
        assert!(line(&state, false).ends_with("not finished: its record ends after 1m 01s\n"));
        assert_eq!(Listed::of("01A".into(), &state, false).exit_code, None);
    }
}
