//! `gitops-dr report`.

use std::io;

use super::args::Report;
use super::error::Error;
use super::exit;
use super::restore::journals;
use super::ui::Ui;
use crate::engine::journal;
use crate::event::{Failure, RunState, Sink as _};
use crate::report::{Json, summary};

/// Shows a past run again, from its journal.
pub(super) fn report(ui: &Ui, arguments: &Report) -> Result<u8, Error> {
    let folder = journals(ui)?;
    let unreadable = |error: journal::Error| {
        Error::refused(Failure::of(&error).hint("`--state` names the folder where runs are kept"))
    };
    let path = journal::find(&folder, arguments.run.as_deref()).map_err(unreadable)?;
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
