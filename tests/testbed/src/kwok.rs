//! KWOK: nodes without machines, whose pods are ready as soon as they are scheduled.

use std::path::Path;

use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, PostParams};
use kube::runtime::wait::await_condition;
use serde_json::json;

use crate::control_plane::ControlPlane;
use crate::{Error, Port, Process, Programs, Result};

/// The label of the nodes that KWOK plays; it leaves all others alone, the host node above all.
const LABEL: &str = "testbed/simulated";

/// The annotation of a pod that does not become ready by itself: its status, as JSON, stays as is written there.
pub const STATUS: &str = "testbed/status";

/// The stage that gives such a pod its status. By its weight it comes before those that make pods ready. It says the same each time,
/// or it would write for ever.
const AS_TOLD: &str = r#"apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-as-told}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
      - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
      - {key: '.metadata.annotations["testbed/status"]', operator: Exists}
  weight: 1
  next:
    statusTemplate: |
      {{ index .metadata.annotations "testbed/status" }}
"#;

/// What every container on the simulated nodes wrote before it was started again; asked of KWOK as of a kubelet.
pub const LAST_WORDS: [&str; 2] = ["listening on :8080", "panic: no route to the database db:5432"];

/// The running KWOK with its nodes.
#[derive(Debug)]
pub struct Kwok {
    _process: Process,
    _port: Port,
}

impl Kwok {
    /// Starts it with `nodes` large nodes and waits until those are ready.
    pub async fn start(programs: &Programs, plane: &ControlPlane, nodes: usize) -> Result<Self> {
        let user = plane.master("testbed:kwok")?;
        let kubeconfig = plane.folder().join("kwok.kubeconfig");
        user.write_kubeconfig(&kubeconfig, "testbed")?;
        let port = Port::free()?;
        let process = spawn(programs, plane, &kubeconfig, &port)?;
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
        Ok(Self {
            _process: process,
            _port: port,
        })
    }
}

fn spawn(programs: &Programs, plane: &ControlPlane, kubeconfig: &Path, port: &Port) -> Result<Process> {
    let folder = plane.folder();
    let log = folder.join("kwok-previous.log");
    let lines = LAST_WORDS.map(|line| format!("2026-01-01T00:00:00.000000000Z stdout F {line}\n"));
    let logs = format!(
        "---\napiVersion: kwok.x-k8s.io/v1alpha1\nkind: ClusterLogs\nmetadata: {{name: all}}\nspec: {{logs: [{{logsFile: '{0}', previousLogsFile: '{0}'}}]}}\n",
        log.display()
    );
    let config = folder.join("kwok.yaml");
    for (path, text) in [(&log, lines.concat()), (&config, format!("{AS_TOLD}{logs}"))] {
        std::fs::write(path, text).map_err(Error::io(format!("write {}", path.display())))?;
    }
    let mut command = std::process::Command::new(programs.built("kwok")?);
    command
        .arg(format!("--kubeconfig={}", kubeconfig.display()))
        .arg(format!("--config={}", programs.shared("kwok-stages.yaml")?.display()))
        .arg(format!("--config={}", config.display()))
        .arg(format!("--manage-nodes-with-label-selector={LABEL}=true"))
        // Where the API server asks for logs.
        .args(["--node-ip=127.0.0.1", &format!("--node-port={port}")])
        .arg(format!("--server-address=127.0.0.1:{port}"))
        .arg(format!("--tls-cert-file={}", folder.join("server.crt").display()))
        .arg(format!(
            "--tls-private-key-file={}",
            folder.join("server.key").display()
        ))
        // Without leases the nodes would be taken for lost after 40 s, and every pod with them.
        .arg("--node-lease-duration-seconds=40");
    Process::spawn("kwok", command, &plane.log("kwok"))
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
