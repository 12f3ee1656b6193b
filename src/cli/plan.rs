//! `gitops-dr plan`.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::args::{Output, Plan};
use super::error::Error;
use super::request::{request, sinks};
use super::ui::Ui;
use super::{exit, signal};
use crate::clock::{Clock, SystemClock};
use crate::event::{Body, Event, Failure, Run, RunState, Sink};
use crate::finding::Finding;
use crate::plan::{self, Foresight};
use crate::restore;

/// Shows what a restore would do.
pub(super) async fn plan(ui: &Ui, arguments: &Plan) -> Result<u8, Error> {
    if arguments.why.is_some() && matches!(ui.looks.output, Output::Dot | Output::Svg) {
        return Err(Error::refused(
            Failure::new("--why is told in words or as JSON, and cannot be drawn")
                .hint("leave out --why for the whole graph, or write --output text or json"),
        ));
    }
    let interrupt = signal::interrupt()
        .map_err(|error| Error::failed(Failure::new(format!("signals cannot be handled: {error}"))))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let (mut request, warnings) = request(ui, &arguments.book, interrupt, &clock)?;
    // Progress is for people; a machine gets the plan and nothing else, with what the runbook is warned of inside it.
    if !ui.is_json() {
        warnings.tell(ui);
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
    let answer = match plan {
        Some((plan, foresight)) => answer(ui, arguments.why.as_deref(), &plan, foresight.as_ref(), &warnings.found),
        None => Err(Error {
            code: state.exit_code(),
            failure: state
                .finished
                .clone()
                .and_then(|(_, failure)| failure)
                .or_else(|| Some(Failure::new("there is no plan"))),
        }),
    };
    if answer.is_err() && ui.is_json() {
        warnings.draw(ui);
    }
    ui.out(&answer?);
    Ok(exit::DONE)
}

/// Returns what is asked for, in the form that is asked for: the plan, or why something of it comes no earlier.
fn answer(
    ui: &Ui,
    why: Option<&str>,
    plan: &plan::Plan,
    foresight: Option<&Foresight>,
    findings: &[Finding],
) -> Result<String, Error> {
    let form = ui.looks.output;
    let drawn = |draw: fn(&Foresight) -> String| foresight.map(draw).unwrap_or_default();
    let Some(thing) = why else {
        return match form {
            Output::Text => Ok(format!("{plan}{}", drawn(ToString::to_string))),
            Output::Dot => Ok(drawn(|foresight| foresight.graph.dot(&foresight.timeline))),
            Output::Svg => Ok(drawn(|foresight| foresight.graph.svg(&foresight.timeline))),
            Output::Json => {
                let graph = foresight.map(|foresight| foresight.graph.shape(&foresight.timeline));
                document(
                    plan,
                    graph.map(|graph| ("graph", serde_json::to_value(graph))),
                    findings,
                )
            }
        };
    };
    let Some(foresight) = foresight else {
        return Err(Error::refused(Failure::new(
            "there is no graph of what follows from the roots",
        )));
    };
    let answer = foresight.why(thing, plan).map_err(Error::refused)?;
    if form == Output::Json {
        return document(&answer, None, findings);
    }
    Ok(answer.to_string())
}

/// Writes one JSON document, with what the runbook is warned of in it.
fn document(
    what: &impl Serialize,
    more: Option<(&str, serde_json::Result<Value>)>,
    findings: &[Finding],
) -> Result<String, Error> {
    let written = || {
        let mut value = serde_json::to_value(what)?;
        if let Some((key, more)) = more {
            value[key] = more?;
        }
        value["findings"] = serde_json::to_value(findings)?;
        serde_json::to_string_pretty(&value)
    };
    let text = written().map_err(|error: serde_json::Error| Error::failed(Failure::of(&error)))?;
    Ok(format!("{text}\n"))
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
