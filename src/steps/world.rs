//! What the steps of a run share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use super::lease::Sight;
use super::record::{Found, RunRecord};
use super::{Answers, Fate};
use crate::cluster::{Cluster, Holder, Mode};
use crate::engine::{Alarm, Context};
use crate::event::{Failure, RunId, RunOutcome, RunState};
use crate::git::Checkout;
use crate::object::{Manifest, ObjectRef};
use crate::plan::Plan;
use crate::platform::argocd::decide::Memory;
use crate::platform::argocd::install::{Hold, Sets, Stage};
use crate::redact::{Redactor, Secret};
use crate::runbook::{Expect, Runbook};
use crate::secrets::Store;

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
    pub stores: Vec<Box<dyn Store>>,
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
    /// The sources on disk by name.
    pub checkouts: OnceLock<BTreeMap<String, Checkout>>,
    /// What is to be applied.
    pub prepared: OnceLock<Prepared>,
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

    /// Returns the runbook.
    pub fn runbook(&self) -> Result<&Runbook, Failure> {
        Self::need(&self.runbook, "the runbook")
    }

    /// Returns the cluster.
    pub fn cluster(&self) -> Result<&Cluster, Failure> {
        Self::need(&self.cluster, "the cluster")
    }

    /// Returns the cluster for the work of a step: once the step is told to stop, what is in flight ends and no request begins.
    pub fn cluster_until_stopped(&self, context: &Context) -> Result<Cluster, Failure> {
        Ok(self.cluster()?.until_stopped(context.halt()))
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
        let has_recovered = matches!(found.state.finished, Some((RunOutcome::Recovered, _)));
        (is_ours && !has_recovered && self.earlier.get().is_none()).then_some((run.0.as_str(), found.by.as_str()))
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
