//! What a run knows of steps that were begun before it, and tells the next.

use serde::{Deserialize, Serialize};

use super::{Effect, Outcome, Phase, PlannedStep, Run, RunId, RunState, StepStatus};

/// A step that was begun in an earlier run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Begun {
    /// The step.
    pub id: String,
    /// How it ended; nothing where that is not known, since the run was cut off before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Outcome>,
    /// The run that had begun it, where this one follows that and does not go on with it: then even a good end is no word on
    /// whether it is to be done now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<RunId>,
}

impl Begun {
    /// Whether it did its work, then or before, and that stands for this run.
    pub fn is_done(&self) -> bool {
        self.by.is_none() && self.did_its_work()
    }

    /// Whether it did its work, then or before.
    pub fn did_its_work(&self) -> bool {
        matches!(self.ended, Some(Outcome::Done { .. } | Outcome::Skipped { .. }))
    }
}

impl RunState {
    /// Returns what is known of a step that was begun in the runs before.
    pub fn begun_before(&self, id: &str) -> Option<&Begun> {
        self.before.iter().find(|begun| begun.id == id)
    }

    /// Returns what is known of all steps that were begun in this run and those before it, for a run that goes on with this.
    pub fn begun(&self) -> Vec<Begun> {
        let mut all = self.before.clone();
        for step in self.steps.iter().filter(|step| step.started_ms.is_some()) {
            let ended = match &step.status {
                StepStatus::Finished(outcome) => Some(outcome.clone()),
                StepStatus::Planned | StepStatus::Running { .. } => None,
            };
            let now = Begun {
                id: step.step.id.clone(),
                ended,
                by: None,
            };
            match all.iter_mut().find(|begun| begun.id == now.id) {
                // Here it was looked at or asked about, and not done: what is done stays done, and what must not be done
                // twice is done again only after somebody said so, which forgets what was known of it.
                Some(_) if !now.is_done() && step.step.effect == Effect::Once => {}
                Some(before) if !now.is_done() && step.step.effect == Effect::Reads && before.is_done() => {}
                Some(before) => *before = now,
                None => all.push(now),
            }
        }
        all
    }

    /// Returns the run that ended recovered and whose work a step therefore is. A platform that lives is not restored a second
    /// time: what was changed on it since is not for a run to take back. Only clusters that were left unconnected are gone on
    /// with, and what only reads is read again.
    pub fn recovered_with(&self, step: &PlannedStep) -> Option<&RunId> {
        let by = self.recovered_by.as_ref()?;
        let is_of_clusters = step.phase == Phase::Clusters || step.id == PlannedStep::OF_CLUSTERS;
        let was_done = self.begun_before(&step.id).is_some_and(Begun::is_done);
        (step.effect != Effect::Reads && !is_of_clusters && was_done).then_some(by)
    }

    /// Takes what a person says of a step whose result is not known.
    pub(super) fn told_of_step(&mut self, what: &str, reason: &str) {
        let Some((word, id)) = what
            .split_once(' ')
            .filter(|(word, _)| [Run::WAS_DONE, Run::DO_AGAIN].contains(word))
        else {
            return;
        };
        self.before.retain(|begun| begun.id != id);
        if word == Run::WAS_DONE {
            let detail = format!("a person says that it was done: {reason}");
            self.before.push(Begun {
                id: id.to_owned(),
                ended: Some(Outcome::Done { detail }),
                by: None,
            });
        }
    }
}
