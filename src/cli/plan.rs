//! `gitops-dr plan`.

use std::sync::Arc;

use super::args::{Output, Plan};
use super::error::Error;
use super::request::{request, sinks};
use super::ui::Ui;
use super::{exit, signal};
use crate::clock::{Clock, SystemClock};
use crate::event::{Body, Event, Failure, Run, RunState, Sink};
use crate::plan::{self, Foresight};
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
    let Some((plan, foresight)) = plan else {
        let failure = state.finished.clone().and_then(|(_, failure)| failure);
        return Err(Error {
            code: state.exit_code(),
            failure: Some(failure.unwrap_or_else(|| Failure::new("there is no plan"))),
        });
    };
    let text = match (&arguments.why, &foresight) {
        (Some(_), None) => {
            return Err(Error::refused(Failure::new(
                "there is no graph of what follows from the roots",
            )));
        }
        (Some(thing), Some(foresight)) => foresight
            .why(thing)
            .map_err(|error| Error::refused(Failure::new(error).hint("`gitops-dr plan` names the apps")))?,
        (None, _) => shown(ui.looks.output, &plan, foresight.as_ref())?,
    };
    ui.out(&text);
    Ok(exit::DONE)
}

/// Returns a plan in the form that is asked for.
fn shown(form: Output, plan: &plan::Plan, foresight: Option<&Foresight>) -> Result<String, Error> {
    let drawn = |draw: fn(&Foresight) -> String| foresight.map(draw).unwrap_or_default();
    Ok(match form {
        Output::Text => format!("{plan}{}", drawn(ToString::to_string)),
        Output::Dot => drawn(|foresight| foresight.graph.dot(&foresight.timeline)),
        Output::Svg => drawn(|foresight| foresight.graph.svg(&foresight.timeline)),
        Output::Json => {
            let text = json(plan, foresight).map_err(|error| Error::failed(Failure::of(&error)))?;
            format!("{text}\n")
        }
    })
}

/// Writes a plan, and its graph as one of its fields.
fn json(plan: &plan::Plan, foresight: Option<&Foresight>) -> Result<String, serde_json::Error> {
    let mut value = serde_json::to_value(plan)?;
    if let Some(foresight) = foresight {
        value["graph"] = serde_json::to_value(foresight.graph.shape(&foresight.timeline))?;
    }
    serde_json::to_string_pretty(&value)
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
