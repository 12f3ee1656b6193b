//! Drives the apps until they are settled: observes, lets a pure function decide, performs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::chosen::astray;
use super::connect::counted;
use super::moved::Following;
use super::{World, clusters, leaves, outlook, weather};
use crate::agent::argocd::{Lookout, Observer, perform};
use crate::engine::{Context, Step};
use crate::event::{Body, Exception, Failure, Intervention, Node, NodePhase, Outcome, PlannedStep, Run};
use crate::object::ObjectRef;
use crate::platform::argocd::decide::{Action, Decision, Policy, Rules, Tree, decide, name, wanted};
use crate::runbook::Runbook;

/// How long the closure must stay as it is before it counts as settled.
const QUIET: Duration = Duration::from_secs(10);

/// For how long changes are gathered before the next decision, at least.
const BREATH: Duration = Duration::from_millis(50);

/// For how many times as long as a decision took changes are gathered before the next: each looks at everything, and the agent needs the
/// processors more than we do.
const BREATHS: u32 = 4;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The leaves that the run creates itself are there.
    Created,
    /// The runbook's critical apps.
    Critical,
    /// Everything that follows from the roots.
    All,
}

/// Drives the apps.
pub struct Drive {
    /// What the run knows.
    pub world: Arc<World>,
    /// The step as planned.
    pub planned: PlannedStep,
    /// What is waited for.
    pub until: Until,
}

#[async_trait]
impl Step for Drive {
    fn planned(&self) -> PlannedStep {
        self.planned.clone()
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let runbook = self.world.runbook()?;
        let cluster = &self.world.cluster_until_stopped(context)?;
        clusters::find_connected(&self.world, context).await?;
        let mut rules = self.rules(runbook, context)?;
        if self.until == Until::Created {
            rules.roots.clear();
            rules.leaves = leaves::ours(&self.world).into();
        }
        let mut following = Following::new(&self.world);
        let checks = self.world.checks.get().cloned().unwrap_or_default();
        let mut observer = Observer::start(cluster)?.with_live(cluster, checks);
        let mut lookout = Lookout::new();
        let mut told = Told::default();
        let mut watch = outlook::Watch::default();
        loop {
            // After a break it may be another cluster that is seen.
            cluster.if_in_doubt_the_same().await?;
            let mut look_again = None;
            let looked = tokio::time::Instant::now();
            let mut breath = BREATH;
            for notice in observer.notices() {
                context.notice(notice);
            }
            if observer.is_complete() {
                // While the watch is broken, what is known is old: nothing is asked for by it, nor does it count as asked for.
                let is_blind = observer.trouble().is_some();
                lookout.look_for(cluster, wanted(observer.tree()))?;
                lookout.look(cluster);
                observer.set_ground(lookout.known());
                let decision = {
                    let mut memory = self.world.memory.lock().unwrap_or_else(PoisonError::into_inner);
                    // What controllers write down is the cluster's time, and is compared with it.
                    let now = cluster.time_of(context.clock().now());
                    // What fell ill while it could not be seen is not known, of apps as of what they deploy.
                    if observer.lost_sight() || is_blind {
                        memory.lost_sight();
                    }
                    let mut aside = is_blind.then(|| memory.clone());
                    decide(observer.tree(), &rules, aside.as_mut().unwrap_or(&mut memory), now)
                };
                breath = breath.max(looked.elapsed() * BREATHS);
                told.tell(&decision, observer.trouble(), context);
                watch.tell(self.world.outlook.get(), &decision, context);
                // With a broken watch what is known may be old, and an end by it would be a guess.
                if !is_blind && self.is_done(runbook, &decision, observer.tree()) && following.is_clear(&decision)? {
                    // A server that went silent, an address that was moved and a Lease that another took break no watch for a while: one
                    // answer now proves that what is known is new, of the cluster that it was begun on, and still this run's to end.
                    match weather::told(context, cluster, cluster.still_mine()).await {
                        Ok(()) => {
                            if self.until == Until::All {
                                tell_astray(runbook, observer.tree(), &decision, context);
                                leaves::tell_unnamed(&self.world, &decision, context);
                            }
                            return Ok(self.done(decision, context));
                        }
                        Err(error) if error.is_final() => return Err(error.into()),
                        Err(error) => context.notice(format!("{error}: {}.", error.causes().join(": "))),
                    }
                }
                for action in decision.actions.iter().filter(|_| !is_blind) {
                    match weather::told(context, cluster, perform(cluster, action)).await {
                        Ok(()) => {
                            if let Some(intervention) = intervention(action) {
                                context.emit(intervention);
                            }
                        }
                        Err(error) if error.is_final() => return Err(error.into()),
                        // What was not done is decided on anew; it must not end a recovery, nor count as an attempt.
                        Err(error) => {
                            let mut memory = self.world.memory.lock().unwrap_or_else(PoisonError::into_inner);
                            memory.not_done(action);
                            context.notice(format!("{error}: {}.", error.causes().join(": ")));
                        }
                    }
                }
                if !is_blind {
                    let due = following.look(&decision, context)?;
                    look_again = decision.look_again.into_iter().chain(due).min();
                }
            } else if let Some(trouble) = observer.trouble() {
                context.progress(0, None, format!("Argo CD's apps cannot be seen: {trouble}"));
            }
            let wait = async {
                match look_again {
                    Some(time) => {
                        // The time after which nothing having changed is itself the event.
                        let _ = tokio::time::timeout(time, observer.changed()).await;
                    }
                    None => observer.changed().await,
                }
                // One change seldom comes alone, and each decision looks at everything.
                let until = tokio::time::Instant::now() + breath;
                while tokio::time::timeout_at(until, observer.changed()).await.is_ok() {}
            };
            let is_moved = tokio::select! {
                waited = context.unless_stopped(wait) => waited.map(|()| false)?,
                () = lookout.changed() => false,
                is_moved = following.answered(context) => is_moved,
            };
            if is_moved {
                rules.revisions = Following::revisions(&self.world)?;
                self.world
                    .memory
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .revisions_moved();
            }
        }
    }
}

impl Drive {
    fn rules(&self, runbook: &Runbook, context: &Context) -> Result<Rules, Failure> {
        let prepared = self.world.prepared()?;
        let cluster = self.world.cluster()?;
        let roots = prepared
            .roots
            .iter()
            .flatten()
            .filter(|manifest| {
                manifest.group() == "argoproj.io" && matches!(manifest.kind(), "Application" | "ApplicationSet")
            })
            .map(|manifest| cluster.located(manifest, &runbook.agent.namespace))
            .collect::<Result<Vec<ObjectRef>, _>>()?;
        let since = *self.world.started.get_or_init(|| context.clock().now());
        Ok(Rules {
            roots,
            leaves: Vec::new().into(),
            ahead: prepared
                .preloaded
                .iter()
                .filter_map(|one| one.unsynced(&runbook.agent.namespace))
                .collect(),
            started: cluster.time_of(since),
            first_started: cluster.time_of(self.world.first_started(since)),
            apps: runbook
                .apps
                .iter()
                .map(|(name, app)| {
                    (
                        name.clone(),
                        Policy {
                            allow: app.allow.clone(),
                            ignore: app.ignore,
                            rerun_hooks: app.rerun_hooks,
                            sync: app.sync,
                            reason: app.reason.clone(),
                        },
                    )
                })
                .collect(),
            revisions: Following::revisions(&self.world)?,
            away: clusters::away(&self.world, runbook),
            quiet: QUIET,
            run: self.world.run.get().map(|run| run.0.clone()).unwrap_or_default(),
        })
    }

    fn is_done(&self, runbook: &Runbook, decision: &Decision, tree: &Tree) -> bool {
        match self.until {
            Until::Created => leaves::ours(&self.world)
                .iter()
                .all(|leaf| tree.applications.contains_key(&leaf.id)),
            Until::All => decision.settled,
            Until::Critical => runbook.done.critical.iter().all(|name| {
                // One that waits for a cluster to be connected is not waited for here: it would never come.
                decision.nodes.iter().any(|node| {
                    let is_ready = matches!(node.phase, NodePhase::Ready | NodePhase::Excepted);
                    node.name == *name && (is_ready || decision.held.contains(&node.id))
                })
            }),
        }
    }

    fn done(&self, decision: Decision, context: &Context) -> Outcome {
        let count = decision.nodes.len();
        match self.until {
            Until::Created => Outcome::Done {
                detail: format!("{} there, each when what it needs was ready", counted(count, "app")),
            },
            Until::Critical => {
                let critical = &self
                    .world
                    .runbook
                    .get()
                    .map(|runbook| runbook.done.critical.clone())
                    .unwrap_or_default();
                let held: Vec<_> = decision
                    .nodes
                    .iter()
                    .filter(|node| critical.contains(&node.name) && decision.held.contains(&node.id))
                    .map(|node| node.name.as_str())
                    .collect();
                if held.is_empty() {
                    return Outcome::Done {
                        detail: "the critical apps are ready".into(),
                    };
                }
                context.notice(format!(
                    "The recovery clock does not wait for {}: an approval to connect a cluster comes first.",
                    held.join(", ")
                ));
                Outcome::Done {
                    detail: format!("the critical apps are ready, but for {}", held.join(", ")),
                }
            }
            Until::All => {
                let (exceptions, held) = (decision.exceptions.len(), decision.held.len());
                decision
                    .exceptions
                    .into_iter()
                    .for_each(|exception: Exception| context.emit(Run::Excepted(exception)));
                let mut detail = match exceptions {
                    0 if held == 0 => format!("{} Synced and Healthy", counted(count, "app")),
                    0 => format!("{} of {} Synced and Healthy", count - held, counted(count, "app")),
                    _ => format!("{}, {exceptions} of them by exception", counted(count, "app")),
                };
                if held > 0 {
                    let _ = write!(detail, ", {held} for which a cluster is still to be connected");
                }
                Outcome::Done { detail }
            }
        }
    }
}

/// Tells of the apps that do not follow the revision chosen for this run.
fn tell_astray(runbook: &Runbook, tree: &Tree, decision: &Decision, context: &Context) {
    let is_ours = |id: &ObjectRef| decision.nodes.iter().any(|node| node.id == name(id));
    let ours: Vec<_> = tree
        .applications
        .iter()
        .filter(|(id, _)| is_ours(id))
        .map(|(_, object)| object)
        .collect();
    for astray in astray(runbook, &ours) {
        context.emit(Run::Excepted(astray.exception()));
    }
}

/// Returns what was done about a stuck thing; that an app is created as planned is none.
fn intervention(action: &Action) -> Option<Intervention> {
    let (object, verb, trigger, attempt, bound) = match action {
        Action::Refresh(act) | Action::RefreshSet(act) => {
            let verb = match action {
                Action::RefreshSet(_) => "refresh of the set",
                _ if act.is_hard => "hard refresh",
                _ => "refresh",
            };
            (&act.object, verb, &act.trigger, act.attempt, act.bound)
        }
        Action::Sync(act) => {
            let verb = if act.is_again {
                "re-issued its sync"
            } else {
                "began its sync"
            };
            (&act.object, verb, &act.trigger, act.attempt, act.bound)
        }
        Action::Create(_) => return None,
    };
    Some(Intervention {
        node: name(object),
        action: verb.into(),
        trigger: trigger.clone(),
        attempt,
        bound,
    })
}

/// What was told already, so that only changes are.
#[derive(Default)]
struct Told {
    nodes: BTreeMap<String, Node>,
    progress: Option<(usize, usize, String)>,
}

impl Told {
    fn tell(&mut self, decision: &Decision, trouble: Option<&str>, context: &Context) {
        for node in &decision.nodes {
            if self.nodes.get(&node.id) != Some(node) {
                self.nodes.insert(node.id.clone(), node.clone());
                context.emit(Body::Node(node.clone()));
            }
        }
        // What no longer follows from the roots is not waited for any more, and must not be reported as missing.
        let gone = |node: &Node| !decision.nodes.iter().any(|there| there.id == node.id);
        for node in self
            .nodes
            .values_mut()
            .filter(|node| node.phase != NodePhase::Ignored && gone(node))
        {
            node.phase = NodePhase::Ignored;
            node.words = "no longer follows from the roots".into();
            node.blocked_by.clear();
            context.emit(Body::Node(node.clone()));
        }
        let ready = decision.nodes.iter().filter(|node| node.phase.is_settled()).count();
        let progress = (ready, decision.nodes.len(), trouble.unwrap_or_default().to_owned());
        if self.progress.as_ref() != Some(&progress) {
            context.progress(progress.0, Some(progress.1), progress.2.clone());
            self.progress = Some(progress);
        }
    }
}
