//! `gitops-dr secrets`.

use std::fmt::Display;
use std::sync::Arc;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::args::{Book, Secrets, SecretsCapture, SecretsCheck};
use super::error::Error;
use super::request::request;
use super::ui::Ui;
use super::{exit, signal};
use crate::clock::{Clock, SystemClock};
use crate::event::Failure;
use crate::restore::{self, Request, Wishes};

/// Looks after the credentials that a restore needs.
pub(super) async fn secrets(ui: &Ui, command: Secrets) -> Result<u8, Error> {
    match command {
        Secrets::Check(arguments) => check(ui, &arguments).await,
        Secrets::Capture(arguments) => capture(ui, arguments).await,
    }
}

/// Looks whether every secret can be read.
async fn check(ui: &Ui, arguments: &SecretsCheck) -> Result<u8, Error> {
    let (request, interrupt) = asked(ui, &arguments.book, "looking for")?;
    let survey = tokio::select! {
        survey = restore::survey(request, arguments.read) => survey.map_err(Error::refused)?,
        () = interrupt.cancelled() => return Err(interrupted("interrupted before every place was looked at; nothing was changed")),
    };
    let is_well = if arguments.strict {
        survey.is_spotless()
    } else {
        survey.is_complete()
    };
    told(ui, &survey, is_well)
}

/// Takes what a restore will need from a live cluster into the stores.
async fn capture(ui: &Ui, arguments: SecretsCapture) -> Result<u8, Error> {
    let (mut request, interrupt) = asked(ui, &arguments.book, "comparing")?;
    request.context = arguments.context;
    request.kubeconfig = arguments.kubeconfig;
    let wishes = Wishes {
        writes: arguments.write,
        to: arguments.to,
        replace: arguments.replace,
        other_cluster: arguments.other_cluster,
        now: request.clock.now(),
    };
    let capture = restore::capture(request, wishes).await.map_err(Error::refused)?;
    let Some(capture) = capture else {
        return Err(interrupted("interrupted; nothing was written"));
    };
    let is_well = if arguments.write || arguments.check {
        capture.is_current()
    } else {
        capture.can_be_written()
    };
    let code = told(ui, &capture, is_well)?;
    if interrupt.is_cancelled() {
        return Err(interrupted(
            "interrupted: what was on its way has ended; capture again, which finds what is stored already",
        ));
    }
    Ok(code)
}

/// Reads the runbook, and says on a terminal that it may take a moment.
fn asked(ui: &Ui, book: &Book, doing: &str) -> Result<(Request, CancellationToken), Error> {
    let interrupt = signal::interrupt()
        .map_err(|error| Error::failed(Failure::new(format!("signals cannot be handled: {error}"))))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let (request, warnings) = request(ui, book, interrupt.clone(), &clock)?;
    if !ui.is_json() {
        warnings.tell(ui);
        if Ui::is_live() && !ui.looks.quiet {
            let count = request.runbook.secrets.len();
            ui.err(&format!(
                "{doing} {count} secrets in {} stores\n",
                request.runbook.stores.len()
            ));
        }
    }
    Ok((request, interrupt))
}

fn interrupted(words: &str) -> Error {
    Error {
        code: exit::INTERRUPTED,
        failure: Some(Failure::new(words)),
    }
}

/// Tells what was found; where a person wants quiet, only what is not well.
fn told(ui: &Ui, found: &(impl Serialize + Display), is_well: bool) -> Result<u8, Error> {
    if ui.is_json() {
        let text = serde_json::to_string_pretty(found).map_err(|error| Error::failed(Failure::of(&error)))?;
        ui.out(&format!("{text}\n"));
    } else if !(ui.looks.quiet && is_well) {
        ui.out(&found.to_string());
    }
    Ok(if is_well { exit::DONE } else { exit::FAILED })
}
