//! The node object and its heartbeat.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Node;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use super::NAME;
use crate::{Error, Result};

/// A quarter of what the controller manager waits before it calls a node lost, as the kubelet does it.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Creates the node, ready, with a taint that keeps off what is not sent here by name.
pub(super) async fn register(client: &Client) -> Result<()> {
    let now = Timestamp::now().to_string();
    let size = json!({"cpu": "64", "memory": "256Gi", "pods": "1000", "ephemeral-storage": "1Ti"});
    let object = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NAME, "labels": {
            "kubernetes.io/hostname": NAME,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
        }},
        "spec": {"taints": [{"key": "testbed/host", "value": "true", "effect": "NoSchedule"}]},
        "status": {
            "allocatable": size,
            "capacity": size,
            "addresses": [{"type": "Hostname", "address": NAME}, {"type": "InternalIP", "address": "10.242.0.1"}],
            "nodeInfo": {
                "architecture": "amd64", "operatingSystem": "linux", "kubeletVersion": "v1.35.4", "kubeProxyVersion": "",
                "containerRuntimeVersion": "host://1", "bootID": "", "machineID": "", "systemUUID": "",
                "kernelVersion": "", "osImage": "the host of the testbed",
            },
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "KubeletReady",
                "message": "the host node runs pods as processes",
                "lastHeartbeatTime": now, "lastTransitionTime": now,
            }],
        },
    });
    let failed = || Error::kube("register the host node");
    let api: Api<Node> = Api::all(client.clone());
    let params = PatchParams::apply("testbed:host-node").force();
    api.patch(NAME, &params, &Patch::Apply(&object))
        .await
        .map_err(failed())?;
    api.patch_status(NAME, &params, &Patch::Apply(&object))
        .await
        .map_err(failed())?;
    renew(client).await.map_err(failed())
}

/// Renews the lease for as long as it is polled. A failure is not told: the API server may be down on purpose.
pub(super) async fn keep_alive(client: Client) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        renew(&client).await.ok();
    }
}

async fn renew(client: &Client) -> kube::Result<()> {
    let api: Api<Lease> = Api::namespaced(client.clone(), "kube-node-lease");
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": NAME},
        "spec": {"holderIdentity": NAME, "leaseDurationSeconds": 40, "renewTime": format!("{:.6}", Timestamp::now())},
    });
    api.patch(
        NAME,
        &PatchParams::apply("testbed:host-node").force(),
        &Patch::Apply(&lease),
    )
    .await
    .map(drop)
}
