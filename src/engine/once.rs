//! What must not be done twice is not done twice: what becomes of a step that an earlier run had begun.

use super::{Answer, Context, Holds, Step};
use crate::event::{Begun, Effect, Failure, Outcome, PlannedStep, Question, Run};

/// Returns whether what a step did in the runs before still stands, so that it is not done now.
///
/// A step that had finished is asked itself. One that must not be done twice, and was begun with no good end known, is a
/// matter for a person; without an answer it fails, and nothing was done.
pub(super) async fn stands(
    step: &dyn Step,
    planned: &PlannedStep,
    before: Option<&Begun>,
    context: &Context,
) -> Result<Holds, Failure> {
    match before {
        Some(begun @ Begun { ended: Some(ended), .. }) if begun.is_done() => step.holds(context, ended).await,
        Some(begun) if planned.effect == Effect::Once => ask(planned, begun, context).await,
        _ => Ok(Holds::Again),
    }
}

async fn ask(planned: &PlannedStep, begun: &Begun, context: &Context) -> Result<Holds, Failure> {
    match context.ask(question(planned, begun)).await? {
        Answer::Given { comment, .. } => {
            let told = comment.split_once(' ').map(|(word, reason)| (word, reason.trim()));
            let Some((word @ (Run::WAS_DONE | Run::DO_AGAIN), reason)) = told else {
                return Err(Failure::new(
                    "the answer was neither that it was done nor that it is to be done again",
                ));
            };
            context.emit(Run::told_of_step(word, &planned.id, reason));
            Ok(if word == Run::WAS_DONE {
                Holds::Yes(format!("a person says that it was done: {reason}"))
            } else {
                Holds::Again
            })
        }
        Answer::Refused { by } => Err(Failure::new(format!(
            "whether {} was done is not known, and {by} did not say",
            planned.id
        ))
        .hint(format!(
            "see what it did, then go on with --resume and {}",
            flags(&planned.id)
        ))),
    }
}

fn question(planned: &PlannedStep, begun: &Begun) -> Question {
    let before = match (&begun.ended, &begun.by) {
        (_, Some(run)) if begun.did_its_work() => {
            format!("Run {run} did it on this cluster, and this run does not go on with that one.")
        }
        (Some(Outcome::Failed { failure }), _) => {
            format!("It was begun in a run before, and failed: {}.", failure.message)
        }
        _ => "It was begun in a run before, which was cut off: it may have done all, a part, or nothing.".to_owned(),
    };
    Question {
        prompt: format!("Was the step {} done? ({})", planned.id, planned.title),
        details: vec![
            before,
            "It must not be done twice. See what it did, and whether it still runs, before you answer.".to_owned(),
        ],
        confirm: None,
        choices: [Run::WAS_DONE, Run::DO_AGAIN].map(str::to_owned).to_vec(),
        timeout_ms: None,
        flag: flags(&planned.id),
    }
}

fn flags(id: &str) -> String {
    format!("--{} {id}=REASON or --{} {id}=REASON", Run::WAS_DONE, Run::DO_AGAIN)
}

#[cfg(test)]
mod tests;
