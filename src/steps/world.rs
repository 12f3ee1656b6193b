//! What the steps of a run share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use super::lease::Sight;
use super::record::{Found, RunRecord};
use super::rotated::Told;
use super::stores::Early;
use super::{Answers, Fate};
use crate::cluster::{Cluster, Holder, Mode};
use crate::engine::{Alarm, Context};
use crate::event::{Failure, RunId, RunOutcome, RunState};
use crate::git::Checkout;
use crate::graph::{Graph, Platform};
use crate::health::lua::Checks;
use crate::object::{Manifest, ObjectRef};
use crate::plan::{Outlook, Plan, Took};
use crate::platform::argocd::decide::Memory;
use crate::platform::argocd::install::{Hold, Sets, Stage};
use crate::platform::argocd::leaves::Leaves;
use crate::platform::argocd::preload::Preloaded;
use crate::redact::{Redactor, Secret};
use crate::runbook::{Expect, Runbook};
use crate::secrets::{Fetched, Store};

/// What the command line adds to a runbook.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The kubeconfig file; the usual ones if not given.
    pub kubeconfig: Option<PathBuf>,
    /// The context, which goes before the runbook's.
    pub context: Option<String>,
    /// Where repositories are kept between runs.
    pub cache: PathBuf,
    /// What the user says beforehand.
    pub answers: Answers,
    /// Where journals are kept.
    pub journals: PathBuf,
    /// This run, and who runs it where.
    pub holder: Holder,
}

/// A secret of the runbook with its values.
#[derive(Debug, Clone)]
pub struct Restored {
    /// Its values by key, with the runbook's `set` put over them.
    pub data: BTreeMap<String, Secret>,
    /// The store it was read from.
    pub store: String,
    /// Its path in the store.
    pub path: String,
}

/// What is to be applied.
#[derive(Debug)]
pub struct Prepared {
    /// The plan.
    pub plan: Plan,
    /// The stages of the agent's install before its workloads.
    pub ground: Vec<Stage>,
    /// Secrets of the install without a value, made where they are absent and never applied over one that has one.
    pub placeholders: Vec<Manifest>,
    /// `argocd-secret` as the install brings it, which is never applied as it is.
    pub argocd_secret: Option<Manifest>,
    /// The agent's workloads and all that comes with them.
    pub agent: Vec<Stage>,
    /// How ApplicationSets are held back until the platform is settled.
    pub sets: Sets,
    /// The workloads that recovery needs.
    pub needed: Vec<ObjectRef>,
    /// The agent's other workloads.
    pub others: Vec<ObjectRef>,
    /// The agent's version.
    pub version: String,
    /// What is applied before the roots, because apps need it of each other.
    pub preloaded: Vec<Preloaded>,
    /// The apps that the run creates itself before the roots; none but where the runbook says `order: graph`.
    pub leaves: Leaves,
    /// The objects of each root, in the order of the runbook.
    pub roots: Vec<Vec<Manifest>>,
    /// The objects of the runbook's own `apply` steps, by the step's index.
    pub extras: BTreeMap<usize, Vec<Manifest>>,
}

/// What the steps of a run share. Each part is set once, by the step that finds it out.
#[derive(Default)]
pub struct World {
    /// The name of the run.
    pub run: OnceLock<RunId>,
    /// The runbook.
    pub runbook: OnceLock<Runbook>,
    /// What the command line adds.
    pub options: Options,
    /// The net for secret values.
    pub redactor: Redactor,
    /// The stores, ready to read.
    pub stores: Vec<Arc<dyn Store>>,
    /// Where the sources are, for stores that read from one.
    pub fetched: Fetched,
    /// The earlier run of this runbook that was left unfinished, if this run takes it up.
    pub earlier: OnceLock<RunState>,
    /// What the target tells of the newest run that changed anything, or why it cannot be read.
    pub found: OnceLock<Result<Found, Failure>>,
    /// The Lease as the run first saw it.
    pub sight: tokio::sync::Mutex<Option<Sight>>,
    /// The run's record in the target.
    pub record: Arc<RunRecord>,
    /// Raised when the Lease is lost.
    pub alarm: Alarm,
    /// The cluster.
    pub cluster: OnceLock<Cluster>,
    /// How to apply.
    pub mode: OnceLock<Mode>,
    /// The secrets by name; those that are optional and not there are left out.
    pub secrets: OnceLock<BTreeMap<String, Restored>>,
    /// Those of them that were read before the sources, where others are read from these.
    pub early: OnceLock<Early>,
    /// The sources on disk by name.
    pub checkouts: OnceLock<BTreeMap<String, Checkout>>,
    /// What waits for what among it, by the sources.
    pub graph: OnceLock<Arc<Graph>>,
    /// What is to be applied.
    pub prepared: OnceLock<Prepared>,
    /// How an earlier run went.
    pub took: OnceLock<Took>,
    /// How much longer the run takes.
    pub outlook: OnceLock<Outlook>,
    /// What follows from the roots, as far as it can be rendered here.
    pub platform: OnceLock<Platform>,
    /// The health checks by which the agent judges, where it has any of its own.
    pub checks: OnceLock<Arc<Checks>>,
    /// Whether the agent was there already and stays as it is.
    pub agent_present: OnceLock<bool>,
    /// When the run began.
    pub started: OnceLock<jiff::Timestamp>,
    /// Whether ApplicationSets are held back now.
    pub held_back: AtomicBool,
    /// The commits that followed sources moved on to while the apps were driven, the newest last.
    pub moved: Mutex<BTreeMap<String, Vec<String>>>,
    /// The rebuilt clusters by name, once they are proved to be the right ones.
    pub remotes: Mutex<BTreeMap<String, Cluster>>,
    /// What became of the clusters that live on, by name, once that is known.
    pub fates: Mutex<BTreeMap<String, Fate>>,
    /// What the driving of apps remembers.
    pub memory: Mutex<Memory>,
    /// The restored Secrets of which was said that they stay as somebody else has changed them.
    pub told: Told,
}

impl World {
    /// Returns a part, or says that the step that sets it has not run.
    pub fn need<'world, T>(part: &'world OnceLock<T>, what: &str) -> Result<&'world T, Failure> {
        part.get().ok_or_else(|| {
            Failure::new(format!(
                "{what} is not known at this point of the run; this is a mistake in gitops-dr"
            ))
        })
    }

    /// Returns when the first of the runs began that this one goes on with; `started` if there is none.
    pub fn first_started(&self, started: jiff::Timestamp) -> jiff::Timestamp {
        let earlier = self.earlier.get();
        let first = earlier.and_then(|state| {
            let before = jiff::SignedDuration::from_millis(i64::try_from(state.before_ms).ok()?);
            state.started_at?.checked_sub(before).ok()
        });
        first.map_or(started, |first| first.min(started))
    }

    /// Returns the runbook.
    pub fn runbook(&self) -> Result<&Runbook, Failure> {
        Self::need(&self.runbook, "the runbook")
    }

    /// Returns a secret, if it has been read by now.
    pub fn secret(&self, name: &str) -> Option<&Restored> {
        match self.secrets.get() {
            Some(secrets) => secrets.get(name),
            None => self.early.get()?.restored.get(name),
        }
    }

    /// Returns the cluster.
    pub fn cluster(&self) -> Result<&Cluster, Failure> {
        Self::need(&self.cluster, "the cluster")
    }

    /// Returns the cluster for the work of a step: once the step is told to stop, what is in flight ends and no request begins.
    /// Where a person says so, in this run or in the one that it goes on with, what the step applies takes over the fields that
    /// others own; that is recorded.
    pub fn cluster_until_stopped(&self, context: &Context) -> Result<Cluster, Failure> {
        let step = context.step();
        let what = format!("force-conflicts {step}");
        let before = self.earlier.get().and_then(|earlier| {
            let told = earlier.vouched.iter().find(|(known, _)| *known == what);
            told.map(|(_, reason)| reason.as_str())
        });
        let forces = self.options.answers.forces(step).or(before);
        if let Some(reason) = forces {
            context.vouched(what, reason);
        }
        Ok(self.cluster()?.until_stopped(context.halt()).forcing(forces.is_some()))
    }

    /// Returns what is to be applied.
    pub fn prepared(&self) -> Result<&Prepared, Failure> {
        Self::need(&self.prepared, "what is to be applied")
    }

    /// Whether the cluster is taken over as it is: the runbook says so, or a person does, in this run or in the one that it
    /// goes on with.
    pub fn adopts(&self) -> bool {
        let earlier = self.earlier.get();
        self.runbook
            .get()
            .is_some_and(|runbook| runbook.target.expect == Expect::Adopt)
            || self.options.answers.adopt.is_some()
            || earlier.is_some_and(|earlier| earlier.vouched.iter().any(|(what, _)| what == "adopt"))
    }

    /// Returns the run that was left unfinished on the cluster, as its record there says, and who ran it. Only one of this
    /// runbook, and not where this run goes on with it.
    pub fn unfinished(&self) -> Option<(&str, &str)> {
        let found = self.found.get()?.as_ref().ok()?;
        let run = found.state.run.as_ref()?;
        let is_ours = self.runbook.get()?.name == found.state.runbook && found.state.touched();
        let is_ours = is_ours && self.is_of_this_cluster(found);
        let has_recovered = matches!(found.state.finished, Some((RunOutcome::Recovered, _)));
        (is_ours && !has_recovered && self.earlier.get().is_none()).then_some((run.0.as_str(), found.by.as_str()))
    }

    /// Returns what the newest run of this runbook has made of the cluster, as its record there says, and what to do about it.
    pub fn left_here(&self) -> Option<String> {
        if let Some((run, by)) = self.unfinished() {
            return Some(format!(
                "{by} ran {run} here and did not finish: go on with --resume={run}"
            ));
        }
        let found = self.found.get()?.as_ref().ok()?;
        let run = found.state.run.as_ref()?;
        let is_ours = self.runbook.get()?.name == found.state.runbook && self.is_of_this_cluster(found);
        let has_recovered = matches!(found.state.finished, Some((RunOutcome::Recovered, _)));
        let at = found.state.last_at.map(|at| format!(" at {at:.0}")).unwrap_or_default();
        (is_ours && has_recovered).then(|| format!("{by} recovered it{at} by run {run}: it lives", by = found.by))
    }

    /// Whether a record was written on this cluster, and did not come with a backup of another.
    fn is_of_this_cluster(&self, found: &Found) -> bool {
        let was_on = found.state.cluster.as_ref().map(|cluster| &cluster.uid);
        let is_on = self.cluster.get().map(|cluster| &cluster.identity().uid);
        was_on.is_none() || is_on.is_none() || was_on == is_on
    }

    /// Whether the agent's install is applied: not where it was there before any run, as it is left alone then. A run that goes
    /// on applies it again, since Git may hold the very change that the agent was lacking.
    pub fn installs(&self) -> bool {
        self.earlier.get().is_some() || !self.agent_present.get().copied().unwrap_or(false)
    }

    /// Returns how ApplicationSets are held back, if they are.
    pub fn hold(&self) -> Option<&Hold> {
        match &self.prepared.get()?.sets {
            Sets::Holdable(hold) if self.held_back.load(Ordering::Relaxed) => Some(hold),
            _ => None,
        }
    }

    /// Returns how to apply: with looking first, unless the interlock found the cluster empty. What an earlier run has made does
    /// not make it full, and may have been changed since.
    pub fn mode(&self) -> Mode {
        match self.earlier.get() {
            Some(_) => Mode::Careful,
            None => self.mode.get().copied().unwrap_or(Mode::Careful),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_the_newest_run_left_is_told_of_its_own_cluster_only() {
        let text = "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {context: new}\n\
             sources:\n  platform: {git: \"https://git.example.com/p.git\", revision: main}\n\
             agent: {argocd: {from: {source: platform, path: argocd}}}\n\
             roots:\n  - {id: apps, source: platform, path: apps}\n";
        for (runbook, uid, outcome, words) in [
            (
                "shop",
                "here",
                None,
                Some("ann@desk ran 01A here and did not finish: go on with --resume=01A"),
            ),
            (
                "shop",
                "here",
                Some(RunOutcome::Recovered),
                Some("ann@desk recovered it at 1970-01-01T00:00:00Z by run 01A: it lives"),
            ),
            ("shop", "there", None, None),
            ("shop", "there", Some(RunOutcome::Recovered), None),
            ("search", "here", Some(RunOutcome::Recovered), None),
        ] {
            let world = World::default();
            let _ = world.runbook.set(crate::runbook::parse("shop.yaml", text).0.unwrap());
            let _ = world.cluster.set(Cluster::deaf("here"));
            let mut state = RunState {
                run: Some(RunId("01A".into())),
                runbook: runbook.into(),
                cluster: Some(crate::event::Cluster {
                    context: String::new(),
                    server: String::new(),
                    uid: uid.into(),
                    version: String::new(),
                    state: String::new(),
                }),
                finished: outcome.map(|outcome| (outcome, None)),
                last_at: Some(jiff::Timestamp::UNIX_EPOCH),
                ..RunState::default()
            };
            state.steps.push(crate::event::StepState {
                step: crate::event::PlannedStep {
                    id: "ground".into(),
                    phase: crate::event::Phase::Ground,
                    title: String::new(),
                    effect: crate::event::Effect::Repeatable,
                },
                status: crate::event::StepStatus::Running {
                    done: 0,
                    total: None,
                    note: String::new(),
                },
                started_ms: Some(1),
                finished_ms: None,
            });
            let _ = world.found.set(Ok(Found {
                state,
                by: "ann@desk".into(),
            }));
            assert_eq!(world.left_here().as_deref(), words, "{runbook} {uid} {outcome:?}");
            // The journal of a newer run elsewhere is no reason to be silent about what was left here.
            let elsewhere = RunState {
                cluster: Some(crate::event::Cluster {
                    uid: "there".into(),
                    context: String::new(),
                    server: String::new(),
                    version: String::new(),
                    state: String::new(),
                }),
                ..RunState::default()
            };
            let refused = world.take_up(elsewhere).unwrap_err();
            let is_told = refused.hints.concat().contains("--resume=01A");
            assert_eq!(is_told, words.is_some() && outcome.is_none(), "{refused:?}");
        }
    }
}
