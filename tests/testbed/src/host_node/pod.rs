//! The life of one pod on the host node.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, Preconditions};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::container::Runner;
use super::status::{self, View};
use super::{Shared, source, volume};

/// Tokens last about an hour; all volumes are written anew well before.
const REFRESH: Duration = Duration::from_mins(30);

/// Runs `pod` until `stop`, then removes it from the API server as a kubelet does when its containers have ended.
pub(super) async fn run(shared: Arc<Shared>, pod: Pod, stop: CancellationToken) {
    let uid = pod.uid().unwrap_or_default();
    let address = shared.network.assign(&pod);
    let (sender, receiver) = watch::channel(View::new(&pod, address));
    let name = format!("{}_{}_{uid}", pod.namespace().unwrap_or_default(), pod.name_any());
    let folder = shared.folder.join(name);
    let work = async {
        live(&shared, &pod, &folder, address, &sender, &stop).await;
        stop.cancelled().await;
    };
    tokio::select! {
        () = work => {}
        // It ends first only when the pod is gone; its processes end by being dropped.
        () = status::report(&shared.client, &pod, receiver) => {}
    }
    shared.network.release(&uid);
    remove(&shared, &pod).await;
}

async fn live(
    shared: &Arc<Shared>,
    pod: &Pod,
    folder: &Path,
    address: std::net::Ipv4Addr,
    view: &watch::Sender<View>,
    stop: &CancellationToken,
) {
    let Some(spec) = &pod.spec else { return };
    let prepared = tokio::select! {
        prepared = prepare(shared, pod, spec, folder) => prepared,
        () = stop.cancelled() => return,
    };
    if prepared.is_none() {
        return;
    }
    let runner = |container, index, is_init| Runner {
        shared,
        pod,
        container,
        index,
        is_init,
        view,
        folder,
        address,
        stop,
    };
    for (index, container) in spec.init_containers.iter().flatten().enumerate() {
        match runner(container, index, true).run().await {
            Some(0) => {}
            Some(_) => return finish(view, "Failed"),
            None => return,
        }
    }
    let runners: Vec<Runner<'_>> = spec
        .containers
        .iter()
        .enumerate()
        .map(|(index, container)| runner(container, index, false))
        .collect();
    tokio::select! {
        codes = join_all(runners.iter().map(Runner::run)) => {
            if codes.iter().all(|code| *code == Some(0)) {
                finish(view, "Succeeded");
            } else if codes.iter().all(Option::is_some) {
                finish(view, "Failed");
            }
        }
        () = keep_fresh(shared, pod, spec, folder) => {}
    }
}

fn finish(view: &watch::Sender<View>, phase: &'static str) {
    view.send_modify(|view| view.finished = Some(phase));
}

/// Makes the pod's folders and writes its volumes, as soon as all they are taken from exists. Nothing if the disk refuses.
async fn prepare(shared: &Shared, pod: &Pod, spec: &PodSpec, folder: &Path) -> Option<()> {
    std::fs::create_dir_all(folder.join("root")).ok()?;
    let namespace = pod.namespace().unwrap_or_default();
    let mut changes = shared.changes.subscribe(&namespace, source::references(spec));
    let mut told = BTreeMap::new();
    loop {
        let mut missing = BTreeMap::new();
        for volume in spec.volumes.iter().flatten() {
            let target = folder.join("volumes").join(&volume.name);
            std::fs::create_dir_all(&target).ok()?;
            if let Err(error) = volume::write(&shared.client, pod, volume, &target).await {
                missing.insert(volume.name.clone(), error.to_string());
            }
        }
        if missing.is_empty() {
            return Some(());
        }
        if missing != told {
            for message in missing.values() {
                status::warn(&shared.client, pod, "FailedMount", message).await;
            }
            told = missing;
        }
        changes.changed(Duration::from_secs(5)).await;
    }
}

/// Brings the volumes up to date when a `ConfigMap` or Secret changes and before tokens expire, for as long as it is polled.
async fn keep_fresh(shared: &Shared, pod: &Pod, spec: &PodSpec, folder: &Path) {
    let namespace = pod.namespace().unwrap_or_default();
    let mut changes = shared.changes.subscribe(&namespace, source::references(spec));
    loop {
        changes.changed(REFRESH).await;
        for volume in spec.volumes.iter().flatten() {
            // What cannot be read now keeps its last state, as in the kubelet.
            volume::write(&shared.client, pod, volume, &folder.join("volumes").join(&volume.name))
                .await
                .ok();
        }
    }
}

async fn remove(shared: &Shared, pod: &Pod) {
    let api: Api<Pod> = Api::namespaced(shared.client.clone(), &pod.namespace().unwrap_or_default());
    let params = DeleteParams {
        grace_period_seconds: Some(0),
        preconditions: Some(Preconditions {
            uid: pod.uid(),
            resource_version: None,
        }),
        ..DeleteParams::default()
    };
    // While the API server is down the pod is there; an answer of any kind ends it.
    while let Err(error) = api.delete(&pod.name_any(), &params).await {
        if matches!(error, kube::Error::Api(_)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
