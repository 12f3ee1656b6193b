//! `gitops-dr restore`.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use console::Term;
use tokio_util::sync::CancellationToken;

use super::args::{Answered, Book, Restore};
use super::error::Error;
use super::person::AtTerminal;
use super::run::folder;
use super::ui::Ui;
use super::{exit, signal};
use crate::clock::{Clock, SystemClock};
use crate::engine::Nobody;
use crate::event::{Failure, Sink};
use crate::report::{Json, Quiet, summary, terminal};
use crate::restore::{self, Answers, Request};

/// Restores.
pub(super) async fn restore(ui: &Ui, arguments: Restore) -> Result<u8, Error> {
    let interrupt = signal::interrupt()
        .map_err(|error| Error::failed(Failure::new(format!("signals cannot be handled: {error}"))))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let request = Request {
        arguments: again(ui, &arguments),
        kubeconfig: arguments.kubeconfig,
        context: arguments.context,
        deadline: arguments.deadline,
        resume: arguments.resume,
        sinks: sinks(ui, &clock),
        answers: answers(arguments.answered),
        person: Arc::new(AtTerminal::new(&ui.redactor)),
        ..request(ui, &arguments.book, interrupt, &clock)?
    };
    let journals = request.journals.clone();
    let state = restore::restore(request).await;
    if !ui.is_json() && !ui.looks.quiet {
        let journal = state
            .run
            .as_ref()
            .map(|run| journals.join(format!("{run}.jsonl")))
            .filter(|path| path.exists());
        ui.out(&summary(&state, Ui::out_style(), journal.as_deref()));
    }
    Ok(state.exit_code())
}

fn answers(given: Answered) -> Answers {
    Answers {
        fenced: given.fenced,
        adopt: given.adopt,
        plan_change: given.accept_plan_change,
        approve: given.approve.into_iter().collect(),
        yes: given.yes,
        was_done: given.was_done.into_iter().collect(),
        do_again: given.do_again.into_iter().collect(),
    }
}

/// Returns what has to be given again to go on with the run, as it was given.
fn again(ui: &Ui, arguments: &Restore) -> Vec<String> {
    let path = |path: &PathBuf| path.display().to_string();
    let mut again = Vec::new();
    let mut option = |name: &str, value: Option<String>| {
        again.extend(value.map(|value| format!("--{name}={value}")));
    };
    option("kubeconfig", arguments.kubeconfig.as_ref().map(path));
    option("context", arguments.context.clone());
    for (source, revision) in &arguments.book.revision {
        option("revision", Some(format!("{source}={revision}")));
    }
    option("state", ui.looks.state.as_ref().map(path));
    option("cache", arguments.book.cache.as_ref().map(path));
    again
}

/// Reads the runbook and fills in what `restore` and `plan` have in common.
pub(super) fn request(
    ui: &Ui,
    book: &Book,
    interrupt: CancellationToken,
    clock: &Arc<dyn Clock>,
) -> Result<Request, Error> {
    let (runbook, warnings, text) = restore::read(&book.runbook, &book.revision).map_err(|unreadable| {
        ui.findings(&unreadable.findings, &book.runbook, &unreadable.text);
        let count = unreadable.findings.len();
        let many = if count == 1 { "finding" } else { "findings" };
        if !ui.is_json() {
            ui.err(&format!(
                "refused, nothing was changed: {count} {many} in {}\n",
                book.runbook.display()
            ));
        }
        Error::said(exit::REFUSED)
    })?;
    ui.findings(&warnings, &book.runbook, &text);
    Ok(Request {
        runbook,
        file: book.runbook.display().to_string(),
        arguments: Vec::new(),
        kubeconfig: None,
        context: None,
        journals: journals(ui)?,
        cache: folder(book.cache.as_ref(), "XDG_CACHE_HOME", ".cache")?.join("sources"),
        deadline: None,
        resume: None,
        answers: Answers::default(),
        person: Arc::new(Nobody),
        sinks: Vec::new(),
        clock: Arc::clone(clock),
        redactor: ui.redactor.clone(),
        interrupt,
    })
}

/// Returns the folder of the journals.
pub(super) fn journals(ui: &Ui) -> Result<PathBuf, Error> {
    Ok(folder(ui.looks.state.as_ref(), "XDG_STATE_HOME", ".local/state")?.join("runs"))
}

/// Returns who shows the run: a live view on a terminal, plain lines elsewhere, JSON for machines.
pub(super) fn sinks(ui: &Ui, clock: &Arc<dyn Clock>) -> Vec<Box<dyn Sink>> {
    if ui.is_json() {
        return vec![Box::new(Json::new(io::stdout()))];
    }
    if ui.looks.quiet {
        return vec![Box::new(Quiet::new(io::stderr(), Ui::style()))];
    }
    if Ui::is_live() {
        return vec![Box::new(terminal::Live::new(
            &Term::buffered_stderr(),
            Ui::style(),
            Arc::clone(clock),
        ))];
    }
    vec![Box::new(terminal::Lines::new(io::stderr()))]
}
