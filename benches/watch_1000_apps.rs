//! How much memory it takes to watch a large platform: 1,000 Applications, each of which changes three times.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use gitops_dr::agent::argocd::Observer;
use gitops_dr::cluster::{Cluster, Target};
use gitops_dr::yaml;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use testbed::outage::core_install;
use testbed::{Folder, Process};

use crate::entry::Wanted;
use crate::goal::Goal;
use crate::part::{answer, answered};
use crate::plane::{CONTEXT, Plane};
use crate::results::Row;
use crate::{Trouble, processes};

const APPS: usize = 1000;
const CHANGES: u64 = 3;
const IN_FLIGHT: usize = 16;

/// More than anybody needs.
const CAP: Duration = Duration::from_mins(5);

#[derive(Debug, Serialize, Deserialize)]
struct Watched {
    megabytes: f64,
    apps: usize,
}

/// Writes the Applications as Argo CD writes them, and has a part of this program watch them as a restore does.
pub(crate) async fn measure(wanted: Wanted) -> Result<Vec<Row>, Trouble> {
    let mut ours = Vec::new();
    for _ in 0..wanted.rounds(1) {
        ours.push(once().await?);
    }
    Ok(vec![Row {
        name: "watch-1000-apps",
        does: "peak memory of a process that lists 1,000 Applications of 5 kB and sees each change three times",
        unit: "MB",
        ours,
        peer: None,
        goal: Goal::AtMost(80.0),
    }])
}

async fn once() -> Result<f64, Trouble> {
    let plane = Plane::start().await?;
    let group = "apiextensions.k8s.io";
    let definitions = yaml::manifests(&core_install()?).map_err(|error| format!("{error:?}"))?;
    for (_, crd) in definitions
        .iter()
        .filter(|(_, object)| object["kind"] == "CustomResourceDefinition")
    {
        plane
            .put(
                group,
                "v1",
                "CustomResourceDefinition",
                "customresourcedefinitions",
                crd,
            )
            .await?;
    }
    plane.namespace("argocd").await?;
    let kind = GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application");
    let resource = ApiResource::from_gvk_with_plural(&kind, "applications");
    let api: Api<DynamicObject> = Api::namespaced_with(plane.client.clone(), "argocd", &resource);
    // The kind is served a moment after its definition is there.
    while api.list(&kube::api::ListParams::default()).await.is_err() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stream::iter(0..APPS)
        .map(|number| create(&api, number))
        .buffer_unordered(IN_FLIGHT)
        .try_collect::<Vec<()>>()
        .await?;

    let folder = Folder::new("watch")?;
    let (listed, told, log) = (folder.join("listed"), folder.join("told.json"), folder.join("log"));
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args([crate::part::WORD, "watch"])
        .arg(&plane.kubeconfig)
        .args([CONTEXT])
        .args([&listed, &told]);
    let mut part = Process::spawn("watch", command, &log)?;
    while !listed.exists() {
        part.still_running()?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for change in 1..=CHANGES {
        stream::iter(0..APPS)
            .map(|number| touch(&api, number, change))
            .buffer_unordered(IN_FLIGHT)
            .try_collect::<Vec<()>>()
            .await?;
    }
    let ended = tokio::time::timeout(CAP, part.exited()).await;
    let log = part.log_tail(20);
    let status = ended.map_err(|_| format!("not all changes were seen in {} s:\n{log}", CAP.as_secs()))??;
    if !status.success() {
        return Err(format!("the watching part ended with {status}:\n{log}").into());
    }
    let watched: Watched = answered(&told)?;
    if watched.apps != APPS {
        return Err(format!("{} Applications were seen, not {APPS}", watched.apps).into());
    }
    Ok(watched.megabytes)
}

async fn create(api: &Api<DynamicObject>, number: usize) -> Result<(), Trouble> {
    let app: DynamicObject = serde_json::from_value(application(number))?;
    api.create(&PostParams::default(), &app).await?;
    Ok(())
}

async fn touch(api: &Api<DynamicObject>, number: usize, change: u64) -> Result<(), Trouble> {
    let part = json!({"metadata": {"labels": {"change": change.to_string()}}});
    let patch = Patch::Merge(&part);
    api.patch(&name(number), &PatchParams::default(), &patch).await?;
    Ok(())
}

fn name(number: usize) -> String {
    format!("app-{number:04}")
}

/// Returns an Application with the status that Argo CD gives to one of four objects.
fn application(number: usize) -> Value {
    let (name, url) = (name(number), "https://git.example.com/shop/platform.git");
    let revision = format!("{number:040x}");
    let source = json!({"repoURL": url, "targetRevision": "main", "path": format!("manifests/{name}")});
    let destination = json!({"server": "https://kubernetes.default.svc", "namespace": name});
    let kinds = [
        ("", "ConfigMap"),
        ("", "Service"),
        ("apps", "Deployment"),
        ("shop.example.com", "Widget"),
    ];
    let resources: Vec<Value> = kinds
        .iter()
        .map(|(group, kind)| {
            json!({"group": group, "version": "v1", "kind": kind, "namespace": name, "name": name, "status": "Synced",
                "health": {"status": "Healthy"}})
        })
        .collect();
    let results: Vec<Value> = kinds
        .iter()
        .map(|(group, kind)| {
            json!({"group": group, "version": "v1", "kind": kind, "namespace": name, "name": name, "status": "Synced",
                "hookPhase": "Running", "syncPhase": "Sync", "message": format!("{kind}/{name} created")})
        })
        .collect();
    let options = json!({"automated": {"prune": true, "selfHeal": true}, "syncOptions": ["CreateNamespace=true"]});
    let began = "2026-01-01T00:00:00Z";
    let mut words = String::new();
    let _ = write!(words, "successfully synced (all tasks run) at {revision}");
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": name, "labels": {"change": "0"},
            "annotations": {"argocd.argoproj.io/sync-wave": (number % 3).to_string()}},
        "spec": {"project": "default", "source": source, "destination": destination, "syncPolicy": options},
        "status": {
            "controllerNamespace": "argocd", "reconciledAt": began, "sourceType": "Directory",
            "health": {"status": "Healthy", "lastTransitionTime": began},
            "history": [{"deployStartedAt": began, "deployedAt": began, "id": 0, "initiatedBy": {"automated": true},
                "revision": revision, "source": source}],
            "operationState": {"finishedAt": began, "message": words, "phase": "Succeeded", "startedAt": began,
                "operation": {"initiatedBy": {"automated": true}, "retry": {"limit": 5},
                    "sync": {"prune": true, "revision": revision, "syncOptions": ["CreateNamespace=true"]}},
                "syncResult": {"resources": results, "revision": revision, "source": source}},
            "resources": resources,
            "summary": {"images": [format!("registry.example.com/{name}:1")]},
            "sync": {"comparedTo": {"destination": destination, "source": source}, "revision": revision,
                "status": "Synced"},
        },
    })
}

/// The part: watches until every Application was seen to have changed as often as it does.
pub(crate) async fn play(kubeconfig: &str, context: &str, listed: &Path, told: &Path) -> Result<(), Trouble> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let target = Target {
        kubeconfig: Some(kubeconfig.into()),
        context: context.into(),
    };
    let cluster = Cluster::connect(&target).await?;
    let mut observer = Observer::start(&cluster)?.with_live(&cluster, Arc::default());
    let last = CHANGES.to_string();
    loop {
        observer.changed().await;
        let apps = &observer.tree().applications;
        if observer.is_complete() && !listed.exists() {
            std::fs::write(listed, "")?;
        }
        let seen = apps
            .values()
            .filter(|app| app["metadata"]["labels"]["change"] == last)
            .count();
        if seen == APPS {
            let megabytes = processes::peak_memory()?;
            return answer(
                told,
                &Watched {
                    megabytes,
                    apps: apps.len(),
                },
            );
        }
    }
}
