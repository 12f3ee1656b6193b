//! KWOK: nodes without machines, whose pods are ready as soon as they are scheduled.

use std::path::Path;

use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, PostParams};
use kube::runtime::wait::await_condition;
use serde_json::json;

use crate::control_plane::ControlPlane;
use crate::{Error, Process, Programs, Result};

/// The label of the nodes that KWOK plays; it leaves all others alone, the host node above all.
const LABEL: &str = "testbed/simulated";

/// The running KWOK with its nodes.
#[derive(Debug)]
pub struct Kwok {
    _process: Process,
}

impl Kwok {
    /// Starts it with `nodes` large nodes and waits until those are ready.
    pub async fn start(programs: &Programs, plane: &ControlPlane, nodes: usize) -> Result<Self> {
        let user = plane.master("testbed:kwok")?;
        let kubeconfig = plane.folder().join("kwok.kubeconfig");
        user.write_kubeconfig(&kubeconfig, "testbed")?;
        let process = spawn(programs, &kubeconfig, &plane.log("kwok"))?;
        let api: Api<Node> = Api::all(user.client().await?);
        for index in 0..nodes {
            let name = format!("simulated-{index}");
            let node = node(&name)?;
            api.create(&PostParams::default(), &node)
                .await
                .map_err(Error::kube(format!("create the node {name}")))?;
        }
        for index in 0..nodes {
            let name = format!("simulated-{index}");
            await_condition(api.clone(), &name, |node: Option<&Node>| node.is_some_and(is_ready))
                .await
                .map_err(|error| Error::Other(format!("wait for the node {name}: {error}")))?;
        }
        Ok(Self { _process: process })
    }
}

fn spawn(programs: &Programs, kubeconfig: &Path, log: &Path) -> Result<Process> {
    let mut command = std::process::Command::new(programs.built("kwok")?);
    command
        .arg(format!("--kubeconfig={}", kubeconfig.display()))
        .arg(format!("--config={}", programs.shared("kwok-stages.yaml")?.display()))
        .arg(format!("--manage-nodes-with-label-selector={LABEL}=true"))
        // Without leases the nodes would be taken for lost after 40 s, and every pod with them.
        .arg("--node-lease-duration-seconds=40");
    Process::spawn("kwok", command, log)
}

fn node(name: &str) -> Result<Node> {
    let size = json!({"cpu": "1000", "memory": "4Ti", "pods": "5000", "ephemeral-storage": "4Ti"});
    let node = json!({
        "metadata": {"name": name, "labels": {
            LABEL: "true",
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
        }},
        "status": {"allocatable": size, "capacity": size},
    });
    serde_json::from_value(node).map_err(|error| Error::Other(format!("describe a node: {error}")))
}

/// Whether pods can be scheduled to it: ready, and its taint from before that removed.
pub(crate) fn is_ready(node: &Node) -> bool {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let ready = conditions
        .into_iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True");
    let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    ready
        && !taints
            .into_iter()
            .any(|taint| taint.key.starts_with("node.kubernetes.io/"))
}
