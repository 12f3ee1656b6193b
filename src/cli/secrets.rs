//! `gitops-dr secrets`.

use std::sync::Arc;

use super::args::{Secrets, SecretsCheck};
use super::error::Error;
use super::request::request;
use super::ui::Ui;
use super::{exit, signal};
use crate::clock::{Clock, SystemClock};
use crate::event::Failure;
use crate::restore;

/// Looks after the credentials that a restore needs.
pub(super) async fn secrets(ui: &Ui, command: Secrets) -> Result<u8, Error> {
    match command {
        Secrets::Check(arguments) => check(ui, &arguments).await,
    }
}

/// Looks whether every secret can be read.
async fn check(ui: &Ui, arguments: &SecretsCheck) -> Result<u8, Error> {
    let interrupt = signal::interrupt()
        .map_err(|error| Error::failed(Failure::new(format!("signals cannot be handled: {error}"))))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let (request, warnings) = request(ui, &arguments.book, interrupt.clone(), &clock)?;
    if !ui.is_json() {
        warnings.tell(ui);
        if Ui::is_live() && !ui.looks.quiet {
            let count = request.runbook.secrets.len();
            ui.err(&format!(
                "looking for {count} secrets in {} stores\n",
                request.runbook.stores.len()
            ));
        }
    }
    let survey = tokio::select! {
        survey = restore::survey(request, arguments.read) => survey.map_err(Error::refused)?,
        () = interrupt.cancelled() => return Err(Error {
            code: exit::INTERRUPTED,
            failure: Some(Failure::new("interrupted before every place was looked at; nothing was changed")),
        }),
    };
    let is_well = if arguments.strict {
        survey.is_spotless()
    } else {
        survey.is_complete()
    };
    if ui.is_json() {
        let text = serde_json::to_string_pretty(&survey).map_err(|error| Error::failed(Failure::of(&error)))?;
        ui.out(&format!("{text}\n"));
    } else if !(ui.looks.quiet && is_well) {
        ui.out(&survey.to_string());
    }
    Ok(if is_well { exit::DONE } else { exit::FAILED })
}
