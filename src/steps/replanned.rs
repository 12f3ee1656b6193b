//! Is the plan still the one that the run was begun with, of which this run goes on? Only reads.
//!
//! Another digest is another plan, and a followed source that does not follow from the planned commit is another platform:
//! both are refused, unless a person says beforehand why that is right.

use crate::engine::Context;
use crate::event::{Exception, Failure, Run, RunState};
use crate::git;
use crate::plan::{Difference, Plan};
use crate::runbook::{Revision, Runbook};

use super::World;
use super::sources::{request, short};

/// The flag by which a person accepts another plan.
const FLAG: &str = "--accept-plan-change";

/// A followed source that is at another commit than it was planned at.
pub(super) struct Moved {
    pub(super) source: String,
    pub(super) from: String,
    pub(super) to: String,
    /// Whether the new commit does not follow from the old one, as far as its history shows.
    pub(super) rewritten: bool,
}

impl Moved {
    /// Returns the event that tells of it.
    pub(super) fn event(&self) -> Run {
        Run::SourceMoved {
            source: self.source.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            rewritten: self.rewritten,
        }
    }

    /// Says that history was rewritten, with both commits.
    pub(super) fn words(&self) -> String {
        format!(
            "it was planned at {} and is at {}, which does not follow from it: somebody has rewritten its history",
            short(&self.from),
            short(&self.to)
        )
    }
}

/// What differs from the plan of the earlier run.
pub(super) struct Replanned<'run> {
    world: &'run World,
    earlier: &'run RunState,
    difference: Difference,
    is_another: bool,
    moved: Vec<Moved>,
}

impl<'run> Replanned<'run> {
    /// Compares a plan with that of the earlier run; `None` where there is no earlier run. Asks Git of the sources that moved.
    pub(super) async fn of(world: &'run World, plan: &Plan) -> Result<Option<Self>, Failure> {
        let Some(earlier) = world.earlier.get() else {
            return Ok(None);
        };
        let difference = Difference::between(&earlier.covers, &plan.covers);
        let mut replanned = Self {
            world,
            earlier,
            is_another: earlier.digest.as_ref().is_some_and(|digest| *digest != plan.digest),
            difference,
            moved: Vec::new(),
        };
        let runbook = world.runbook()?;
        for now in &plan.sources {
            let before = earlier.revisions.iter().find(|(name, _)| *name == now.name);
            // What was chosen anew, or pinned, differs by that already.
            let is_chosen = replanned.is_another && replanned.difference.holds(&format!("source {}", now.name));
            if let Some((_, before)) = before
                && *before != now.commit
                && !is_chosen
                && follows_a_branch(runbook, &now.name)
            {
                let rewritten = !replanned.follows(&now.name, before, &now.commit).await?;
                replanned.moved.push(Moved {
                    source: now.name.clone(),
                    from: before.clone(),
                    to: now.commit.clone(),
                    rewritten,
                });
            }
        }
        Ok(Some(replanned))
    }

    async fn follows(&self, source: &str, from: &str, to: &str) -> Result<bool, Failure> {
        let (request, folder) = request(self.world, source)?;
        match git::follows(&request, from, to, &folder).await {
            Ok(follows) => Ok(follows),
            // Whoever accepts another plan accepts what cannot be told too.
            Err(_) if self.accepted().is_some() => Ok(false),
            Err(error) => Err(error.failure().within(format!(
                "source {source} was at {} and is at {}, and whether that follows cannot be told",
                short(from),
                short(to)
            ))),
        }
    }

    /// The person's words for another plan.
    fn accepted(&self) -> Option<&'run str> {
        self.world.options.answers.plan_change.as_deref()
    }

    /// Whether a person has to accept it.
    fn is_refused(&self) -> bool {
        self.is_another || self.moved.iter().any(|moved| moved.rewritten)
    }

    /// Refuses another plan that nobody has accepted.
    pub(super) fn judge(&self) -> Result<(), Failure> {
        if !self.is_refused() || self.accepted().is_some() {
            return Ok(());
        }
        let run = self.earlier.run.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut failure = Failure::new(format!("the plan is not the one that run {run} was begun with"));
        if self.is_another {
            failure.causes = self.difference.words();
            if self.earlier.covers.is_empty() || failure.causes.is_empty() {
                failure.causes = vec!["what differs is not known: that run did not write down what it covered".into()];
            }
        }
        for moved in self.moved.iter().filter(|moved| moved.rewritten) {
            failure
                .causes
                .push(format!("source {}: {}", moved.source, moved.words()));
        }
        let given: Vec<_> = self
            .earlier
            .arguments
            .iter()
            .filter(|argument| argument.starts_with("--revision"))
            .map(String::as_str)
            .collect();
        if !given.is_empty() {
            failure = failure.hint(format!("that run was given {}", given.join(" ")));
        }
        Err(failure
            .hint("to go on with what was planned, bring the runbook, or the branch, back to what it was")
            .hint(format!(
                "to go on with the plan as it is now, say why: {FLAG} \"REASON\" (`gitops-dr plan` shows it)"
            )))
    }

    /// Tells of what moved and of what was accepted, once the plan is told.
    pub(super) fn tell(&self, context: &Context) {
        for moved in &self.moved {
            context.emit(moved.event());
        }
        let Some(reason) = self.accepted().filter(|_| self.is_refused()) else {
            return;
        };
        context.vouched(FLAG.trim_start_matches('-'), reason);
        if self.is_another {
            let what = self.difference.words().join("; ");
            context.notice(format!("The plan is another than the run was begun with: {what}."));
        }
        for moved in self.moved.iter().filter(|moved| moved.rewritten) {
            context.emit(Run::Excepted(Exception {
                subject: format!("source {}", moved.source),
                what: moved.words(),
                reason: reason.to_owned(),
            }));
        }
    }
}

fn follows_a_branch(runbook: &Runbook, source: &str) -> bool {
    let revision = runbook.sources.get(source).map(|source| &source.revision);
    matches!(revision, Some(Revision::Follow(_)))
}
