//! `gitops-dr restore`.

use std::path::PathBuf;
use std::sync::Arc;

use super::args::{Answered, Restore};
use super::error::Error;
use super::person::AtTerminal;
use super::request::{request, sinks};
use super::signal;
use super::ui::Ui;
use crate::clock::{Clock, SystemClock};
use crate::event::Failure;
use crate::report::summary;
use crate::restore::{self, Answers, Request};

/// Restores.
pub(super) async fn restore(ui: &Ui, arguments: Restore) -> Result<u8, Error> {
    let interrupt = signal::interrupt()
        .map_err(|error| Error::failed(Failure::new(format!("signals cannot be handled: {error}"))))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let (common, warnings) = request(ui, &arguments.book, interrupt, &clock)?;
    warnings.tell(ui);
    let request = Request {
        arguments: again(ui, &arguments),
        kubeconfig: arguments.kubeconfig,
        context: arguments.context,
        deadline: arguments.deadline,
        resume: arguments.resume,
        sinks: sinks(ui, &clock),
        answers: answers(arguments.answered),
        person: Arc::new(AtTerminal::new(&ui.redactor)),
        ..common
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
        force: given.force_conflicts.into_iter().collect(),
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
