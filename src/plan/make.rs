//! Making the plan.

use serde::Serialize;

use super::digest::{self, Covered};
use super::extra::{Ordered, order};
use super::{PlannedApp, Waves};
use crate::event::{Effect, Phase, PlannedStep};
use crate::object::ObjectRef;
use crate::runbook::{Approval, Check, ClusterState, Expect, ExtraAction, ExtraStep, Order, Runbook, SecretShape};

/// A source at the commit that was fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceAt {
    /// Its name.
    pub name: String,
    /// The address that answered.
    pub url: String,
    /// The commit.
    pub commit: String,
}

/// What is known of a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootInput {
    /// The digest of its objects.
    pub digest: String,
    /// Its objects, as `Kind.group namespace/name`.
    pub objects: Vec<String>,
}

/// What a plan is made from, beside the runbook.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// The sources at their commits.
    pub sources: Vec<SourceAt>,
    /// The agent's version, as its install says.
    pub agent_version: String,
    /// The digest of the rendered install.
    pub agent_digest: String,
    /// How the install is rendered: `plain`, `kustomize`, `helm`.
    pub agent_form: String,
    /// The stages of the ground, each with what it applies.
    pub ground: Vec<(String, Vec<String>)>,
    /// The workloads of the agent.
    pub workloads: Vec<String>,
    /// What holds ApplicationSets back until the platform is settled; empty where nothing does.
    pub sets: Vec<String>,
    /// What is applied before the roots, because apps need it of each other, one line each.
    pub preloaded: Vec<String>,
    /// The apps that are created before the roots in their order, and those that are not, a line each.
    pub leaves: Vec<String>,
    /// The roots, in the order of the runbook.
    pub roots: Vec<RootInput>,
    /// The digests of what the runbook's own steps apply, in their order.
    pub extras: Vec<String>,
}

/// What one item of a plan does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Proves that this is the right cluster.
    Interlock,
    /// Makes what the agent stands on.
    Ground,
    /// Restores secrets.
    Credentials,
    /// Starts the agent.
    Agent,
    /// Applies what apps need of each other.
    Preload,
    /// Creates the apps that bring no others, each when what it needs is ready.
    Leaves,
    /// Applies the root with this index.
    Root(usize),
    /// Does the runbook's own step with this index.
    Extra(usize),
    /// Waits for the critical apps.
    Critical,
    /// Does the final check with this index.
    Check(usize),
    /// Waits for all apps.
    Apps,
    /// Lets ApplicationSets follow Git's policy.
    Sets,
    /// Gives up the ownership of fields that the agent has taken over.
    Release,
    /// Looks for keys of Sealed Secrets that no store has.
    SealedKeys,
    /// Proves that the rebuilt clusters are the right ones.
    ProveClusters,
    /// Registers the rebuilt cluster with this index in the order of names.
    Register(usize),
    /// Connects the cluster with this index, which lives on, when that is approved.
    Connect(usize),
    /// Waits for the apps of the clusters that were connected last.
    Connected,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// As the run's events name it.
    #[serde(flatten)]
    pub step: PlannedStep,
    /// What it touches, one line each.
    pub details: Vec<String>,
    /// What it does.
    #[serde(skip)]
    pub action: Action,
}

/// What a restore would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The runbook's name.
    pub runbook: String,
    /// The digest over steps and pins: two plans with the same digest do the same.
    pub digest: String,
    /// What the digest covers, each thing with a digest of its own, so that of two plans one can say how they differ.
    pub covers: Vec<Covered>,
    /// The sources at their commits.
    pub sources: Vec<SourceAt>,
    /// The steps, in order.
    pub steps: Vec<Item>,
    /// What follows from the roots, as far as it can be told here. No part of the digest: it goes with what the sources hold.
    pub apps: Vec<PlannedApp>,
    /// Whether waves between child apps wait for them; none where nobody could look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waves: Option<Waves>,
    /// The apps without automated sync that are waited for, and that nothing would sync.
    pub manual: Vec<ObjectRef>,
    /// What people should know before they restore, which is no part of the digest: it depends on the machine, too.
    pub notices: Vec<String>,
}

/// Makes the plan of a restore.
pub fn make(runbook: &Runbook, input: &Input) -> Plan {
    let mut steps = beginning(runbook, input);
    // A checked runbook has an order; without one nothing is applied rather than in a wrong order.
    for ordered in order(runbook).unwrap_or_default() {
        steps.push(match ordered {
            Ordered::Root(index) => root(runbook, input, index),
            Ordered::Extra(index) => extra(runbook, index),
        });
    }
    steps.extend(end(runbook, input));
    let covers = digest::covered(runbook, input, &steps);
    Plan {
        runbook: runbook.name.clone(),
        digest: digest::of(&covers),
        covers,
        sources: input.sources.clone(),
        steps,
        apps: Vec::new(),
        waves: None,
        manual: Vec::new(),
        notices: Vec::new(),
    }
}

/// What comes before the roots.
fn beginning(runbook: &Runbook, input: &Input) -> Vec<Item> {
    let mut steps = vec![
        item(
            "interlock",
            Phase::Interlock,
            Effect::Reads,
            Action::Interlock,
            "prove that this is the right cluster",
            interlock(runbook),
        ),
        item(
            "ground",
            Phase::Ground,
            Effect::Repeatable,
            Action::Ground,
            "lay the agent's ground",
            input
                .ground
                .iter()
                .flat_map(|(stage, objects)| {
                    std::iter::once(format!("{stage}:")).chain(objects.iter().map(|object| format!("  {object}")))
                })
                .collect(),
        ),
        item(
            "credentials",
            Phase::Ground,
            Effect::Repeatable,
            Action::Credentials,
            "restore credentials",
            secrets(runbook),
        ),
        item(
            "agent",
            Phase::Agent,
            Effect::Repeatable,
            Action::Agent,
            format!("start Argo CD {}", input.agent_version),
            std::iter::once(format!(
                "from {}:{} ({}, {})",
                runbook.agent.from.source, runbook.agent.from.path, input.agent_form, input.agent_digest
            ))
            .chain(input.workloads.iter().cloned())
            .collect(),
        ),
    ];
    if runbook
        .clusters
        .values()
        .any(|cluster| cluster.state == ClusterState::Rebuilt)
    {
        // Before the interlock of the target, at whose end the target is held for this run.
        steps.insert(0, prove_clusters(runbook));
    }
    steps.extend(of_clusters(runbook, ClusterState::Rebuilt));
    if !input.preloaded.is_empty() {
        steps.push(item(
            "preload",
            Phase::Apps,
            Effect::Repeatable,
            Action::Preload,
            "apply what apps need of each other",
            input.preloaded.clone(),
        ));
    }
    if runbook.order == Order::Graph {
        steps.push(item(
            "leaves",
            Phase::Apps,
            Effect::Repeatable,
            Action::Leaves,
            "create each app when all that it needs is ready",
            input.leaves.clone(),
        ));
    }
    steps
}

/// What comes after the roots and the runbook's own steps.
fn end(runbook: &Runbook, input: &Input) -> Vec<Item> {
    let mut steps = Vec::new();
    if !runbook.done.critical.is_empty() {
        let title = "wait for the critical apps";
        steps.push(item(
            "critical",
            Phase::Apps,
            Effect::Repeatable,
            Action::Critical,
            title,
            runbook.done.critical.clone(),
        ));
        steps.extend(checks(runbook));
    }
    steps.push(item(
        "apps",
        Phase::Apps,
        Effect::Repeatable,
        Action::Apps,
        "wait until every app is Synced and Healthy",
        not_waited_for(runbook),
    ));
    let survivors = of_clusters(runbook, ClusterState::Survives);
    if !survivors.is_empty() {
        steps.extend(survivors);
        steps.push(item(
            PlannedStep::OF_CLUSTERS,
            Phase::Apps,
            Effect::Repeatable,
            Action::Connected,
            "wait for the apps of the clusters that were connected",
            Vec::new(),
        ));
    }
    steps.extend(afterwards(runbook, input));
    if runbook.done.critical.is_empty() {
        steps.extend(checks(runbook));
    }
    steps
}

fn item(
    id: impl Into<String>,
    phase: Phase,
    effect: Effect,
    action: Action,
    title: impl Into<String>,
    details: Vec<String>,
) -> Item {
    Item {
        step: PlannedStep {
            id: id.into(),
            phase,
            title: title.into(),
            effect,
        },
        details,
        action,
    }
}

fn interlock(runbook: &Runbook) -> Vec<String> {
    let target = &runbook.target;
    let mut details = vec![match target.expect {
        Expect::Empty => "the cluster has to be empty".to_owned(),
        Expect::Adopt => "the cluster is taken over as it is".to_owned(),
    }];
    details.extend(target.never.iter().map(|never| format!("it must not be {never}")));
    if let Some(replaces) = &target.replaces {
        details.push(format!(
            "the old cluster {} does not answer; then the run asks how it was fenced (beforehand: --fenced REASON)",
            replaces.server
        ));
    }
    details.push("we have to be allowed all that the restore does".into());
    details
}

fn prove_clusters(runbook: &Runbook) -> Item {
    let details = runbook
        .clusters
        .iter()
        .filter(|(_, cluster)| cluster.state == ClusterState::Rebuilt)
        .map(|(name, cluster)| {
            let what = match cluster.expect {
                Expect::Empty => "is empty, and no other cluster of the runbook",
                Expect::Adopt => "is no other cluster of the runbook, and taken over as it is",
            };
            format!("{name} (context {}) {what}", cluster.context.as_deref().unwrap_or("?"))
        })
        .collect();
    item(
        "interlock/clusters",
        Phase::Interlock,
        Effect::Reads,
        Action::ProveClusters,
        "prove that the rebuilt clusters are the right ones",
        details,
    )
}

/// Returns the steps of the clusters of which this became.
fn of_clusters(runbook: &Runbook, state: ClusterState) -> Vec<Item> {
    let chosen = runbook
        .clusters
        .iter()
        .enumerate()
        .filter(|(_, (_, cluster))| cluster.state == state);
    chosen
        .map(|(index, (name, cluster))| {
            let (action, title, details) = if state == ClusterState::Rebuilt {
                let details = vec![
                    "there: ServiceAccount kube-system/argocd-manager with all rights, and a token".to_owned(),
                    format!(
                        "here: Secret {}",
                        cluster.secret.clone().unwrap_or_else(|| format!("cluster-{name}"))
                    ),
                ];
                (
                    Action::Register(index),
                    format!("register cluster {name} anew"),
                    details,
                )
            } else {
                let details = vec![
                    format!(
                        "asks first, if the agent would delete or change anything there (beforehand: --approve cluster/{name}=COMMENT)"
                    ),
                    format!(
                        "here: Secret {}",
                        cluster.secret.as_deref().unwrap_or("(none is stored)")
                    ),
                ];
                (
                    Action::Connect(index),
                    format!("connect cluster {name}, which lives on"),
                    details,
                )
            };
            item(
                format!("cluster/{name}"),
                Phase::Clusters,
                Effect::Repeatable,
                action,
                title,
                details,
            )
        })
        .collect()
}

/// Returns what the last wait does not wait for, a line each.
fn not_waited_for(runbook: &Runbook) -> Vec<String> {
    let absent = runbook
        .clusters
        .iter()
        .filter(|(_, cluster)| cluster.state == ClusterState::Absent);
    absent
        .map(|(name, _)| format!("but for those that go to cluster {name}, which is absent"))
        .collect()
}

fn secrets(runbook: &Runbook) -> Vec<String> {
    let of_clusters: Vec<_> = runbook
        .clusters
        .values()
        .filter_map(|cluster| cluster.secret.as_ref())
        .collect();
    runbook
        .secrets
        .iter()
        .filter(|(name, _)| !of_clusters.contains(name))
        .map(|(name, spec)| {
            let word = spec.shape.word();
            let shape = match spec.shape.namespace() {
                None => word,
                Some(namespace) => format!("{word} in {namespace}"),
            };
            let from: Vec<_> = spec
                .from
                .iter()
                .map(|from| format!("{} {}", from.store, from.path))
                .collect();
            format!("{name} ({shape}) from {}", from.join(", or "))
        })
        .collect()
}

fn root(runbook: &Runbook, input: &Input, index: usize) -> Item {
    let root = &runbook.roots[index];
    let objects = input
        .roots
        .get(index)
        .map(|root| root.objects.clone())
        .unwrap_or_default();
    let title = format!("apply root {}", root.id);
    item(
        format!("root/{}", root.id),
        Phase::Apps,
        Effect::Repeatable,
        Action::Root(index),
        title,
        objects,
    )
}

fn extra(runbook: &Runbook, index: usize) -> Item {
    let step = &runbook.steps[index];
    let (effect, title) = match &step.action {
        ExtraAction::Check(check) => (Effect::Reads, format!("check {}", check_words(check))),
        ExtraAction::Approve(approval) => (Effect::Reads, format!("ask: {}", approval.prompt)),
        ExtraAction::Run(program) => (
            if program.repeatable {
                Effect::Repeatable
            } else {
                Effect::Once
            },
            format!("run {}", program.command.join(" ")),
        ),
        ExtraAction::Apply(from) => (Effect::Repeatable, format!("apply {}:{}", from.source, from.path)),
    };
    item(
        format!("step/{}", step.id),
        Phase::Apps,
        effect,
        Action::Extra(index),
        title,
        details(step),
    )
}

/// What a person should know of an extra step beside its title.
fn details(step: &ExtraStep) -> Vec<String> {
    let program = match &step.action {
        ExtraAction::Run(program) => program,
        ExtraAction::Approve(approval) => return asked(&step.id, approval),
        ExtraAction::Check(_) | ExtraAction::Apply(_) => return Vec::new(),
    };
    let folder = program
        .source
        .as_ref()
        .map(|source| format!("in a copy of source {source}"));
    let env = (!program.env.is_empty()).then(|| format!("with {} from the environment", program.env.join(", ")));
    let once = if program.repeatable {
        "repeatable".to_owned()
    } else {
        format!(
            "once: after a crash a person is asked (beforehand: --was-done {id}=REASON or --do-again {id}=REASON)",
            id = step.id
        )
    };
    folder.into_iter().chain(env).chain([once]).collect()
}

/// What a person who is asked should know: what to type, how long there is time, and what answers it beforehand.
fn asked(id: &str, approval: &Approval) -> Vec<String> {
    let word = approval.confirm.as_deref().unwrap_or(id);
    let timeout = approval
        .timeout
        .and_then(|timeout| jiff::SignedDuration::try_from(timeout).ok());
    let time = timeout.map_or_else(
        || "waits for an answer as long as it takes".to_owned(),
        |timeout| format!("waits {timeout:#} for an answer, and fails then"),
    );
    vec![
        format!("a person types `{word}` (beforehand: --approve {id}=COMMENT, or --yes)"),
        time,
    ]
}

/// What gives a settled platform over to its agent.
fn afterwards(runbook: &Runbook, input: &Input) -> Vec<Item> {
    let mut steps = Vec::new();
    if !input.sets.is_empty() {
        steps.push(item(
            "sets",
            Phase::Apps,
            Effect::Repeatable,
            Action::Sets,
            "let ApplicationSets follow Git's policy",
            input.sets.clone(),
        ));
    }
    steps.push(item(
        "release",
        Phase::Apps,
        Effect::Repeatable,
        Action::Release,
        "leave to the agent what it has taken over",
        Vec::new(),
    ));
    let shapes = runbook.secrets.values().map(|spec| &spec.shape);
    let sets: Vec<_> = shapes
        .filter(|shape| matches!(shape, SecretShape::SealedKeys { .. }))
        .filter_map(SecretShape::namespace)
        .map(|namespace| format!("in {namespace}"))
        .collect();
    if !sets.is_empty() {
        steps.push(item(
            "sealed-keys",
            Phase::Apps,
            Effect::Reads,
            Action::SealedKeys,
            "look for keys of Sealed Secrets that no store has",
            sets,
        ));
    }
    steps
}

fn checks(runbook: &Runbook) -> impl Iterator<Item = Item> {
    runbook.done.checks.iter().enumerate().map(|(index, check)| {
        let title = format!("check {}", check_words(check));
        item(
            format!("check/{}", index + 1),
            Phase::Checks,
            Effect::Reads,
            Action::Check(index),
            title,
            Vec::new(),
        )
    })
}

fn check_words(check: &Check) -> String {
    match check {
        Check::Http { url, status } => format!("that {url} answers {status}"),
        Check::Condition {
            kind,
            namespace,
            name,
            is,
        } if namespace.is_empty() => format!("that {kind} {name} is {is}"),
        Check::Condition {
            kind,
            namespace,
            name,
            is,
        } => format!("that {kind} {namespace}/{name} is {is}"),
    }
}
