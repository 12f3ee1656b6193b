//! Renders what decides the order, checks it, and makes the plan. Only reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::chosen::astray;
use super::replanned::Replanned;
use super::{Prepared, World, ahead, clusters, credentials, findings, hosts, references, settings, tree};
use crate::cluster::Cluster;
use crate::engine::{Context, Step};
use crate::event::{Effect, Failure, Outcome, Phase, PlannedStep, Run};
use crate::finding::Finding;
use crate::graph::{Known, Platform};
use crate::object::{Manifest, ObjectRef};
use crate::plan::{self, Input, Outlook, RootInput, SourceAt};
use crate::platform::argocd::damage::{self, Applied};
use crate::platform::argocd::install::{self, Install, Sets, StageName, Workload};
use crate::platform::argocd::leaves::{self, Leaves};
use crate::platform::argocd::preload::Preloaded;
use crate::platform::argocd::{manifest, preload, served};
use crate::render::{self, Rendered};
use crate::runbook::{ExtraAction, InSource, Order, Runbook, SecretShape};

/// What is applied beside the agent.
#[derive(Default)]
struct Others {
    roots: Vec<Vec<Manifest>>,
    inputs: Vec<RootInput>,
    extras: BTreeMap<usize, Vec<Manifest>>,
    digests: Vec<String>,
}

/// Makes the plan.
pub struct Prepare(pub Arc<World>);

#[async_trait]
impl Step for Prepare {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: "plan".into(),
            phase: Phase::Prepare,
            title: "make the plan".into(),
            effect: Effect::Reads,
        }
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let prepared = context.unless_stopped(self.prepare(context)).await??;
        let replanned = context.unless_stopped(Replanned::of(&self.0, &prepared.plan)).await??;
        if let Some(replanned) = &replanned {
            replanned.judge()?;
        }
        context.emit(Run::Planned {
            digest: prepared.plan.digest.clone(),
            revisions: prepared
                .plan
                .sources
                .iter()
                .map(|source| (source.name.clone(), source.commit.clone()))
                .collect(),
            steps: prepared.plan.steps.iter().map(|item| item.step.clone()).collect(),
            covers: prepared.plan.covers.clone(),
        });
        if let Some(replanned) = replanned {
            replanned.tell(context);
        }
        if !self.0.adopts() && self.0.earlier.get().is_none() && !stores_a_key(self.0.runbook()?) {
            context.notice(NO_KEY);
        }
        let applied = prepared.roots.iter().flatten();
        let apps: Vec<_> = applied
            .filter(|manifest| manifest.is("argoproj.io", "Application"))
            .map(Manifest::value)
            .collect();
        for astray in astray(self.0.runbook()?, &apps) {
            context.notice(astray.notice());
        }
        self.look_out(&prepared, context)?;
        let detail = format!("{} steps", prepared.plan.steps.len());
        let _ = self.0.prepared.set(prepared);
        Ok(Outcome::Done { detail })
    }
}

/// How long what follows from the roots is rendered at most: an outage is no time to wait for a forecast.
const RENDERING: Duration = Duration::from_mins(1);

/// Told before anything is changed.
const NO_KEY: &str = "The runbook restores no argocd-secret, so Argo CD makes a new server.secretkey: people log in again, and API \
tokens of CI and other programs become void. To keep them, store the key of the living Argo CD and restore it.";

/// Whether the key that Argo CD signs with may come from a store. What the stored secret lacks is told when it is read.
fn stores_a_key(runbook: &Runbook) -> bool {
    let mut secrets = runbook.secrets.values();
    secrets.any(|secret| matches!(&secret.shape, SecretShape::Argocd(shape) if shape == "argocd-secret"))
}

impl Prepare {
    /// Tells what is expected of the run.
    fn look_out(&self, prepared: &Prepared, context: &Context) -> Result<(), Failure> {
        let critical = &self.0.runbook()?.done.critical;
        let took = self.0.took.get().cloned().unwrap_or_default();
        let outlook = Outlook::new(&prepared.plan, critical, self.0.graph.get().cloned(), took);
        if let Some(foreseen) = outlook.foreseen() {
            context.emit(foreseen);
            context.emit(outlook.expected(outlook.before()));
        }
        let _ = self.0.outlook.set(outlook);
        Ok(())
    }

    /// Renders what follows from the roots. It is good to know and no condition: what cannot be told keeps nobody from a
    /// restore, and neither does a cluster that does not say how it waits.
    async fn look_ahead(
        &self,
        install: &Install,
        roots: &[Vec<Manifest>],
        context: &Context,
    ) -> Result<&Platform, Failure> {
        let ahead = tree::Ahead {
            roots,
            settings: tree::installed(install.manifests()),
            kube_version: self.kube_version(),
            served: self.served(install),
            limit: RENDERING,
        };
        // A screen needs no more than this of a thousand apps, and a journal less.
        let told = |done: usize, total: usize, name: &str| {
            if done == total || done.is_multiple_of(total.div_ceil(50)) {
                context.progress(done, Some(total), format!("rendered {name}"));
            }
        };
        let work = tree::follow(&self.0, ahead, &told);
        let mut found = match context.unless_stopped(work).await? {
            Ok(found) => found,
            // Nothing could be created in an order of which nothing is known.
            Err(failure) if self.0.runbook()?.order == Order::Graph => {
                return Err(
                    failure.within("what follows from the roots is not known beforehand, and `order: graph` needs it")
                );
            }
            Err(failure) => {
                context.notice(format!(
                    "What follows from the roots is not known beforehand: {}.",
                    failure.words()
                ));
                return Ok(self.0.platform.get_or_init(Platform::default));
            }
        };
        let awaited = context
            .unless_stopped(tree::children_are_awaited(&self.0, install))
            .await?;
        // Where we create the apps ourselves, waves between them gate whatever the agent's settings are.
        let are_ours = self.0.runbook()?.order == Order::Graph;
        found.platform.children_are_awaited = are_ours || awaited.unwrap_or_default();
        for notice in found.notices {
            context.notice(notice);
        }
        Ok(self.0.platform.get_or_init(|| found.platform))
    }

    async fn prepare(&self, context: &Context) -> Result<Prepared, Failure> {
        let runbook = self.0.runbook()?;
        let of_agent = render::Options {
            release: runbook.agent.release.clone(),
            values: runbook.agent.values.clone(),
            ..self.options(runbook)
        };
        let rendered = self.render(&runbook.agent.from, &of_agent).await?;
        let mut found = rendered.findings.clone();
        pinned(runbook, &rendered, &mut found);
        let form = rendered.form.word().to_owned();
        let digest = rendered.digest.clone();
        // A chart's install hooks are part of the install: one of them may make what the others need.
        let objects = rendered.manifests.into_iter().chain(rendered.hooks).collect();
        let install = install::arrange(objects, &runbook.agent.namespace);
        found.extend(install.findings.iter().cloned());
        let sets = install::sets(&install);
        if let Sets::Loose(why) = &sets {
            found.push(loose(why));
        }

        found.extend(hosts::unknown(&self.0, runbook, &install));

        let beside = self.others(runbook, &mut found).await?;
        found.extend(self.damage(runbook, &install, &beside)?);
        findings::judge("the sources cannot be restored from", &found, |notice| {
            context.notice(notice);
        })?;

        let platform = self.look_ahead(&install, &beside.roots, context).await?;
        self.remark(&install, platform, context)?;
        let projects: Vec<_> = install
            .manifests()
            .filter(|manifest| manifest.is("argoproj.io", "AppProject"))
            .map(|project| project.value().clone())
            .collect();
        let mut preloaded = preload::preloaded(platform, &projects, &runbook.agent.namespace);
        let known = ahead::known(&self.0, runbook, &install);
        self.draw(platform, &known, context)?;
        let leaves = match runbook.order {
            Order::Agent => Leaves::default(),
            Order::Graph => self.leaves(&known?, &projects, &mut preloaded)?,
        };
        let version = install.version.unwrap_or_default();
        let namespace = &runbook.agent.namespace;
        // Whether an ApplicationSet follows from the roots is known only when they are rendered by the agent itself.
        let (needed, others): (Vec<_>, Vec<_>) =
            install::workloads(install.stages.iter().flat_map(|stage| &stage.manifests), true)
                .into_iter()
                .partition(|workload| workload.is_needed);
        let ids = |workloads: Vec<Workload>| {
            workloads
                .into_iter()
                .map(|workload| in_namespace(workload.id, namespace))
                .collect()
        };
        let (ground, agent): (Vec<_>, Vec<_>) = install
            .stages
            .into_iter()
            .partition(|stage| stage.name < StageName::Workloads);
        let input = Input {
            sources: self.sources(runbook)?,
            agent_version: version.clone(),
            agent_digest: digest,
            agent_form: form,
            ground: ground
                .iter()
                .map(|stage| (stage.name.word().to_owned(), named(&stage.manifests)))
                .collect(),
            workloads: agent.iter().flat_map(|stage| named(&stage.manifests)).collect(),
            sets: match &sets {
                Sets::Holdable(hold) => vec![format!("until then {} in {}", hold.words(), hold.settings())],
                Sets::Harmless | Sets::Loose(_) => Vec::new(),
            },
            preloaded: preloaded.iter().map(ToString::to_string).collect(),
            leaves: leaves.lines(),
            roots: beside.inputs,
            extras: beside.digests,
        };
        Ok(Prepared {
            plan: plan::make(runbook, &input),
            ground,
            placeholders: install.placeholders,
            argocd_secret: install.argocd_secret,
            agent,
            sets,
            needed: ids(needed),
            others: ids(others),
            version,
            preloaded,
            leaves,
            roots: beside.roots,
            extras: beside.extras,
        })
    }

    /// Tells what in the sources is probably not meant, now that they are known.
    fn remark(&self, install: &Install, platform: &Platform, context: &Context) -> Result<(), Failure> {
        let runbook = self.0.runbook()?;
        for stranger in plan::strangers(platform, runbook) {
            context.notice(format!("Mind that {stranger}."));
        }
        let dangling = references::dangling(&self.0, runbook, install, platform);
        findings::judge("the agent's settings cannot be used", &dangling, |notice| {
            context.notice(notice);
        })
    }

    /// Draws what waits for what, and tells what opens the rest and comes from nowhere.
    fn draw(&self, platform: &Platform, known: &Result<Known, Failure>, context: &Context) -> Result<(), Failure> {
        let known = match known {
            Ok(known) => known,
            Err(failure) => {
                context.notice(format!(
                    "What waits for what is not known beforehand: {}.",
                    failure.words()
                ));
                return Ok(());
            }
        };
        let graph = ahead::graph(platform, known);
        for lacking in plan::unopened(&graph, platform, self.0.runbook()?) {
            context.notice(lacking);
        }
        drop(self.0.graph.set(Arc::new(graph)));
        Ok(())
    }

    /// Finds the apps that are created before the roots, and puts to what is applied ahead the projects that they belong to.
    fn leaves(&self, known: &Known, projects: &[Value], preloaded: &mut Vec<Preloaded>) -> Result<Leaves, Failure> {
        let (Some(platform), Some(graph)) = (self.0.platform.get(), self.0.graph.get()) else {
            return Ok(Leaves::default());
        };
        findings::judge(
            "the platform cannot be brought in the order of its graph",
            &leaves::refused(platform, graph),
            |_| (),
        )?;
        let namespace = &self.0.runbook()?.agent.namespace;
        let there: BTreeSet<ObjectRef> = known.given.iter().map(|given| given.id.clone()).collect();
        let of_projects = leaves::projects(platform, projects, namespace);
        let before: Vec<_> = preloaded.iter().chain(&of_projects).cloned().collect();
        let found = leaves::leaves(platform, graph, projects, &there, &before, namespace);
        let is_lacking = |project: &Preloaded| !there.contains(&project.id());
        preloaded.extend(leaves::named(of_projects, &found.ours).into_iter().filter(is_lacking));
        Ok(found)
    }

    /// Renders the roots and what the runbook's own steps apply.
    async fn others(&self, runbook: &Runbook, found: &mut Vec<Finding>) -> Result<Others, Failure> {
        let options = self.options(runbook);
        let mut others = Others::default();
        for root in &runbook.roots {
            let rendered = self
                .render(&root.from, &options)
                .await
                .map_err(|failure| failure.within(format!("cannot read root `{}`", root.id)))?;
            found.extend(rendered.findings);
            let manifests: Vec<Manifest> = rendered.manifests.into_iter().map(manifest::for_restore).collect();
            found.extend(manifests.iter().flat_map(manifest::check));
            others.inputs.push(RootInput {
                digest: rendered.digest,
                objects: named(&manifests),
            });
            others.roots.push(manifests);
        }
        let is_app = |manifest: &Manifest| ["Application", "ApplicationSet"].contains(&manifest.kind());
        if !others.roots.iter().flatten().any(is_app) {
            // Nothing would follow, and a platform of nothing is ready at once.
            let message = "no root holds an Application or an ApplicationSet";
            found.push(Finding::error("root/no-application", message).help("name the file or folder that does"));
        }
        for (index, step) in runbook.steps.iter().enumerate() {
            if let ExtraAction::Apply(from) = &step.action {
                let rendered = self
                    .render(from, &options)
                    .await
                    .map_err(|failure| failure.within(format!("cannot read what step `{}` applies", step.id)))?;
                found.extend(rendered.findings);
                others.extras.insert(
                    index,
                    rendered.manifests.into_iter().map(manifest::for_restore).collect(),
                );
                others.digests.push(rendered.digest);
            }
        }
        Ok(others)
    }

    /// What in the sources would do damage, held against each other and against what the stores give.
    fn damage(&self, runbook: &Runbook, install: &Install, beside: &Others) -> Result<Vec<Finding>, Failure> {
        let mut restored = Vec::new();
        let secrets = World::need(&self.0.secrets, "what the stores hold")?;
        for (name, secret) in secrets {
            let manifests = credentials::manifests(runbook, name, secret)?.into_iter();
            let settings = settings::of(runbook, name, secret)?;
            restored.extend(manifests.chain(settings).map(|manifest| (name.clone(), manifest.id())));
        }
        let namespace = &runbook.agent.namespace;
        let roots: Vec<_> = runbook.roots.iter().map(|root| format!("root `{}`", root.id)).collect();
        let steps: Vec<_> = runbook.steps.iter().map(|step| format!("step `{}`", step.id)).collect();
        let of = |by, namespace, is_install| {
            move |manifest| Applied {
                by,
                manifest,
                namespace,
                is_install,
            }
        };
        let mut applied: Vec<Applied<'_>> = install
            .manifests()
            .map(of("the agent's install", namespace, true))
            .collect();
        for (by, manifests) in roots.iter().zip(&beside.roots) {
            applied.extend(manifests.iter().map(of(by, namespace, false)));
        }
        for (index, manifests) in &beside.extras {
            applied.extend(manifests.iter().map(of(&steps[*index], "default", false)));
        }
        let mut findings = damage::check(&applied, &restored, namespace);
        findings.extend(clusters::unapproved(&self.0, runbook, secrets, &applied));
        Ok(findings)
    }

    /// How all but the agent is rendered.
    fn options(&self, runbook: &Runbook) -> render::Options {
        render::Options {
            namespace: runbook.agent.namespace.clone(),
            kube_version: self.kube_version(),
            ..render::Options::default()
        }
    }

    /// The target's version, which a chart may ask for; unknown where only a plan is made.
    fn kube_version(&self) -> Option<String> {
        Some(self.0.cluster.get()?.identity().version.clone())
    }

    /// What the target serves when the agent begins: what it serves now, or what every cluster does, and the agent's own kinds.
    fn served(&self, install: &Install) -> BTreeSet<String> {
        let now = self.0.cluster.get().map_or_else(served::usual, Cluster::watchable);
        now.into_iter().chain(served::of_crds(install.manifests())).collect()
    }

    async fn render(&self, from: &InSource, options: &render::Options) -> Result<Rendered, Failure> {
        let checkouts = World::need(&self.0.checkouts, "where the sources are")?;
        let checkout = checkouts
            .get(&from.source)
            .ok_or_else(|| Failure::new(format!("source {} was not fetched", from.source)))?;
        render::render(&checkout.directory, &from.path, options, &self.0.redactor)
            .await
            .map_err(|error| {
                error
                    .failure()
                    .within(format!("cannot render {}:{}", from.source, from.path))
            })
    }

    fn sources(&self, runbook: &Runbook) -> Result<Vec<SourceAt>, Failure> {
        let checkouts = World::need(&self.0.checkouts, "where the sources are")?;
        let at = |(name, _): (&String, _)| {
            let checkout = checkouts.get(name)?;
            Some(SourceAt {
                name: name.clone(),
                url: checkout.url.clone(),
                commit: checkout.commit.clone(),
            })
        };
        Ok(runbook.sources.iter().filter_map(at).collect())
    }
}

/// Holds the rendered install against the digest that the runbook pins.
fn pinned(runbook: &Runbook, rendered: &Rendered, found: &mut Vec<Finding>) {
    if let Some(pinned) = runbook
        .agent
        .digest
        .as_ref()
        .filter(|pinned| **pinned != rendered.digest)
    {
        found.push(
            Finding::error(
                "agent/digest",
                format!(
                    "the agent's install has digest {}, and the runbook pins {pinned}",
                    rendered.digest
                ),
            )
            .help("see what changed in the source; then put the new digest into the runbook"),
        );
    }
}

/// Says that ApplicationSets are under Git's policy from the start.
fn loose(why: &str) -> Finding {
    Finding::warning(
        "install/sets-not-held",
        format!("ApplicationSets cannot be held back while the platform comes back: {why}"),
    )
    .help("let the controller read its policy from `argocd-cmd-params-cm`, as upstream's Deployment does; until then a set whose generators see too little deletes Applications that it owns")
}

/// Workloads of an install are namespaced, and one that names no namespace goes to the agent's.
fn in_namespace(mut id: ObjectRef, namespace: &str) -> ObjectRef {
    if id.namespace.is_empty() {
        namespace.clone_into(&mut id.namespace);
    }
    id
}

fn named(manifests: &[Manifest]) -> Vec<String> {
    manifests.iter().map(|manifest| manifest.id().to_string()).collect()
}
