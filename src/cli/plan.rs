//! `gitops-dr plan`.

use std::sync::Arc;

use super::args::Plan;
use super::error::Error;
use super::request::{request, sinks};
use super::ui::Ui;
use super::{exit, signal};
use crate::clock::{Clock, SystemClock};
use crate::event::{Body, Event, Failure, Run, RunState, Sink};
use crate::restore;

/// Shows what a restore would do.
pub(super) async fn plan(ui: &Ui, arguments: &Plan) -> Result<u8, Error> {
    let interrupt = signal::interrupt()
        .map_err(|error| Error::failed(Failure::new(format!("signals cannot be handled: {error}"))))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let mut request = request(ui, &arguments.book, interrupt, &clock)?;
    // Progress is for people; a machine gets the plan and nothing else.
    if !ui.is_json() {
        let shown = sinks(ui, &clock).into_iter();
        request.sinks = shown.map(|sink| Box::new(ButTheEnd(sink)) as Box<dyn Sink>).collect();
    }
    let flags = [
        arguments.kubeconfig.as_ref().map(|_| "--kubeconfig"),
        arguments.context.as_ref().map(|_| "--context"),
    ];
    for flag in flags.into_iter().flatten() {
        ui.err(&format!("plan does not look at a cluster: {flag} changes nothing\n"));
    }
    let (plan, state) = restore::plan(request).await;
    let Some(plan) = plan else {
        let failure = state.finished.clone().and_then(|(_, failure)| failure);
        return Err(Error {
            code: state.exit_code(),
            failure: Some(failure.unwrap_or_else(|| Failure::new("there is no plan"))),
        });
    };
    if ui.is_json() {
        let text = serde_json::to_string_pretty(&plan).map_err(|error| Error::failed(Failure::of(&error)))?;
        ui.out(&format!("{text}\n"));
    } else {
        ui.out(&plan.to_string());
    }
    Ok(exit::DONE)
}

/// Shows all but the end: a plan that cannot be made is an error, which is told once and with all that belongs to it.
struct ButTheEnd(Box<dyn Sink>);

impl Sink for ButTheEnd {
    fn event(&mut self, event: &Event, state: &RunState) {
        if !matches!(event.body, Body::Run(Run::Finished { .. })) {
            self.0.event(event, state);
        }
    }
}
