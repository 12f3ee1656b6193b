//! `gitops-dr report`.

use std::io;
use std::path::{Path, PathBuf};

use super::args::Report;
use super::error::Error;
use super::exit;
use super::folders::journals;
use super::ui::Ui;
use crate::engine::journal;
use crate::event::{Failure, RunState, Sink as _};
use crate::report::{Json, summary};

/// Shows a past run again, from its journal.
pub(super) fn report(ui: &Ui, arguments: &Report) -> Result<u8, Error> {
    let folder = journals(ui)?;
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

/// Returns the newest run that changed anything, or else the newest: a mistyped call is not what people ask about.
fn newest(folder: &Path) -> Result<PathBuf, journal::Error> {
    let changed = |path: &PathBuf| journal::read(path).is_ok_and(|events| RunState::of(&events).touched());
    journal::newest_first(folder)
        .into_iter()
        .find(changed)
        .map_or_else(|| journal::find(folder, None), Ok)
}
