//! What the host node says about a pod, in the shape in which a kubelet says it.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, Event, Pod};
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::watch;

/// How a container ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ended {
    pub(super) code: i32,
    pub(super) message: String,
    pub(super) started: Timestamp,
    pub(super) finished: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    Waiting { reason: &'static str, message: String },
    Running { since: Timestamp },
    Ended(Ended),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct ContainerView {
    name: String,
    image: String,
    pub(super) state: State,
    pub(super) last: Option<Ended>,
    pub(super) ready: bool,
    pub(super) restarts: u32,
}

/// A pod's state as a whole.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    pub(super) init: Vec<ContainerView>,
    pub(super) main: Vec<ContainerView>,
    /// Set once for pods whose containers are not restarted.
    pub(super) finished: Option<&'static str>,
    address: Ipv4Addr,
    started: Timestamp,
}

impl View {
    pub(super) fn new(pod: &Pod, address: Ipv4Addr) -> Self {
        let spec = pod.spec.clone().unwrap_or_default();
        let init = spec.init_containers.unwrap_or_default();
        let reason = if init.is_empty() {
            "ContainerCreating"
        } else {
            "PodInitializing"
        };
        let view = |container: &Container| ContainerView {
            name: container.name.clone(),
            image: container.image.clone().unwrap_or_default(),
            state: State::Waiting {
                reason,
                message: String::new(),
            },
            last: None,
            ready: false,
            restarts: 0,
        };
        Self {
            init: init.iter().map(view).collect(),
            main: spec.containers.iter().map(view).collect(),
            finished: None,
            address,
            started: Timestamp::now(),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.finished.is_none() && self.main.iter().all(|container| container.ready)
    }

    fn phase(&self) -> &'static str {
        let begun = self
            .main
            .iter()
            .any(|container| container.last.is_some() || !matches!(container.state, State::Waiting { .. }));
        self.finished.unwrap_or(if begun { "Running" } else { "Pending" })
    }

    fn status(&self, conditions: &mut Conditions) -> Value {
        let initialized = self.init.iter().all(|container| container.ready);
        let [_, _, third, fourth] = self.address.octets();
        // An address that Endpoints accept, unlike the loopback one; nobody connects to it.
        let address = format!("10.242.{third}.{fourth}");
        json!({
            "phase": self.phase(),
            "hostIP": "10.242.0.1",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": self.started.to_string(),
            "conditions": conditions.now([
                ("PodScheduled", true),
                ("PodReadyToStartContainers", true),
                ("Initialized", initialized),
                ("ContainersReady", self.is_ready()),
                ("Ready", self.is_ready()),
            ]),
            "initContainerStatuses": self.init.iter().map(ContainerView::status).collect::<Vec<_>>(),
            "containerStatuses": self.main.iter().map(ContainerView::status).collect::<Vec<_>>(),
        })
    }
}

impl ContainerView {
    fn status(&self) -> Value {
        let state = match &self.state {
            State::Waiting { reason, message } if message.is_empty() => {
                json!({"waiting": {"reason": reason}})
            }
            State::Waiting { reason, message } => {
                json!({"waiting": {"reason": reason, "message": message}})
            }
            State::Running { since } => json!({"running": {"startedAt": since.to_string()}}),
            State::Ended(ended) => ended.status(),
        };
        json!({
            "name": self.name,
            "image": self.image,
            "imageID": "",
            "ready": self.ready,
            "started": matches!(self.state, State::Running { .. }),
            "restartCount": self.restarts,
            "state": state,
            "lastState": self.last.as_ref().map_or_else(|| json!({}), Ended::status),
        })
    }
}

impl Ended {
    fn status(&self) -> Value {
        json!({"terminated": {
            "exitCode": self.code,
            "reason": if self.code == 0 { "Completed" } else { "Error" },
            "message": self.message,
            "startedAt": self.started.to_string(),
            "finishedAt": self.finished.to_string(),
        }})
    }
}

/// The conditions with the time of their last change.
#[derive(Default)]
struct Conditions {
    known: Vec<(&'static str, bool, Timestamp)>,
}

impl Conditions {
    fn now<const N: usize>(&mut self, wanted: [(&'static str, bool); N]) -> Vec<Value> {
        for (kind, holds) in wanted {
            match self.known.iter_mut().find(|known| known.0 == kind) {
                Some(known) if known.1 == holds => {}
                Some(known) => *known = (kind, holds, Timestamp::now()),
                None => self.known.push((kind, holds, Timestamp::now())),
            }
        }
        let describe = |(kind, holds, since): &(&str, bool, Timestamp)| {
            let status = if *holds { "True" } else { "False" };
            let mut condition = json!({"type": kind, "status": status, "lastTransitionTime": since.to_string()});
            if !holds && kind.ends_with("Ready") {
                condition["reason"] = json!("ContainersNotReady");
            }
            condition
        };
        self.known.iter().map(describe).collect()
    }
}

/// Keeps the status of `pod` in the API server as `view` says, until the pod is gone.
pub(super) async fn report(client: &Client, pod: &Pod, mut view: watch::Receiver<View>) {
    let api: Api<Pod> = Api::namespaced(client.clone(), &pod.namespace().unwrap_or_default());
    let mut conditions = Conditions::default();
    loop {
        let status = view.borrow_and_update().status(&mut conditions);
        // With the uid, so that a later pod of the same name is not meant.
        let patch = json!({"metadata": {"uid": pod.uid()}, "status": status});
        match api
            .patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Merge(&patch))
            .await
        {
            Err(kube::Error::Api(answer)) if matches!(answer.code, 404 | 409) => return,
            // The API server is down or busy: what is to be said then may be something newer.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(500)).await,
            Ok(_) => {
                if view.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Writes a warning event about `pod`, as the kubelet does. It is best effort, as it is there.
pub(super) async fn warn(client: &Client, pod: &Pod, reason: &str, message: &str) {
    let namespace = pod.namespace().unwrap_or_default();
    let now = Timestamp::now().to_string();
    let event = json!({
        "metadata": {"generateName": format!("{}.", pod.name_any()), "namespace": namespace},
        "involvedObject": {
            "apiVersion": "v1", "kind": "Pod", "name": pod.name_any(), "namespace": namespace, "uid": pod.uid(),
        },
        "reason": reason,
        "message": message,
        "type": "Warning",
        "count": 1,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "source": {"component": "kubelet", "host": super::NAME},
        "reportingComponent": "kubelet",
        "reportingInstance": super::NAME,
    });
    if let Ok(event) = serde_json::from_value::<Event>(event) {
        Api::<Event>::namespaced(client.clone(), &namespace)
            .create(&PostParams::default(), &event)
            .await
            .ok();
    }
}
