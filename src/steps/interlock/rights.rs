//! Whether the user may do what a restore does: access reviews, and dry runs for what these know nothing of.

use serde_json::json;

use super::super::World;
use super::super::credentials;
use super::super::ground::built;
use super::super::settings;
use crate::cluster::Cluster;
use crate::engine::Context;
use crate::event::Failure;
use crate::object::Manifest;
use crate::platform::argocd::install;

/// The namespace of an extra step's objects that name none.
const OF_EXTRAS: &str = "default";

/// Refuses a user who may not do all of it, with all that is missing. Nothing is kept of what the server is asked.
pub(super) async fn suffice(
    world: &World,
    cluster: &Cluster,
    installs: bool,
    context: &Context,
) -> Result<(), Failure> {
    let (runbook, prepared) = (world.runbook()?, world.prepared()?);
    let namespace = runbook.agent.namespace.as_str();
    let secrets = secrets(world)?;
    let project = built(install::default_project(namespace))?;
    let mut objects: Vec<(&Manifest, &str)> = Vec::new();
    if installs {
        let stages = prepared.ground.iter().chain(&prepared.agent);
        objects.extend(
            stages
                .flat_map(|stage| &stage.manifests)
                .map(|manifest| (manifest, namespace)),
        );
    }
    objects.extend(prepared.roots.iter().flatten().map(|manifest| (manifest, namespace)));
    objects.extend(prepared.extras.values().flatten().map(|manifest| (manifest, OF_EXTRAS)));
    objects.push((&project, namespace));

    let ours = [("coordination.k8s.io/v1", "Lease"), ("v1", "ConfigMap")].map(|(api_version, kind)| {
        let metadata = json!({"name": "gitops-dr", "namespace": "kube-system"});
        built(json!({"apiVersion": api_version, "kind": kind, "metadata": metadata}))
    });
    let ours = ours.into_iter().collect::<Result<Vec<_>, _>>()?;

    let mut causes = Vec::new();
    let all: Vec<(Manifest, &str)> = objects
        .iter()
        .map(|(manifest, namespace)| ((*manifest).clone(), *namespace))
        .chain(secrets.iter().chain(&ours).map(|object| (object.clone(), namespace)))
        .collect();
    let watched = [
        ("argoproj.io", "applications", ""),
        ("argoproj.io", "applicationsets", ""),
        ("apiextensions.k8s.io", "customresourcedefinitions", ""),
        ("apps", "deployments", namespace),
        ("apps", "statefulsets", namespace),
        ("coordination.k8s.io", "leases", "kube-system"),
    ];
    let missing = cluster.missing_rights(&all, &watched).await?;
    causes.extend(missing.iter().map(|right| format!("may not {right}")));

    // The server takes nothing new in such a namespace, whoever asks for it.
    if causes.is_empty()
        && let Some(leaving) = cluster.leaving(&all).await?.first()
    {
        let name = &leaving.namespace;
        let failure = Failure::new(format!("namespace {name} is being deleted (since {})", leaving.since));
        let causes = leaving.held_by.clone();
        return Err(Failure { causes, ..failure }.hint(format!(
            "wait until it is gone, or remove what holds it: `kubectl get namespace {name} -o yaml` names it under \
             `status.conditions`; then resume"
        )));
    }

    // A Secret that is there is tried by nobody: without its data it would be another, and its data stays at home until
    // the cluster has proved to be the right one.
    for secret in &secrets {
        if cluster.get(&cluster.located(secret, namespace)?).await?.is_none() {
            objects.push((secret, namespace));
        }
    }
    let tried = cluster.try_out(&objects).await?;
    causes.extend(
        tried
            .refused
            .iter()
            .map(|what| format!("the server would refuse {what}")),
    );
    for what in tried.untried {
        context.notice(format!("Whether the server takes it could not be tried: {what}."));
    }
    if causes.is_empty() {
        return Ok(());
    }
    let failure = Failure::new("the user of this context may not do what a restore does");
    Err(Failure { causes, ..failure }
        .hint("grant it (a ClusterRoleBinding to cluster-admin is the usual way), or name another context"))
}

/// Returns the Secrets, and the settings beside them, that the run will apply, without their data, and the namespaces that they need.
fn secrets(world: &World) -> Result<Vec<Manifest>, Failure> {
    let runbook = world.runbook()?;
    let mut objects = Vec::new();
    for (name, restored) in World::need(&world.secrets, "what the stores hold")? {
        let manifests = credentials::manifests(runbook, name, restored)?.into_iter();
        for manifest in manifests.chain(settings::of(runbook, name, restored)?) {
            let id = manifest.id();
            objects.push(built(json!({
                "apiVersion": "v1", "kind": id.kind, "metadata": {"name": id.name, "namespace": id.namespace},
            }))?);
            objects.push(built(
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": id.namespace}}),
            )?);
        }
    }
    // Laid by the ground, with or without a stored key.
    objects.push(built(json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "argocd-secret", "namespace": runbook.agent.namespace},
    }))?);
    Ok(objects)
}
