//! Addresses of pods, names of Services, and the way from one to the other.
//!
//! Each pod has a loopback address of its own and each Service another one, which its names lead to in `/etc/hosts`. On a Service's
//! address [`forward`] listens and passes connections on to a ready pod, as kube-proxy would: a rollout or a restart
//! changes no name, and without a ready pod a connection is refused. Each pod has a hosts file of its own, in which `localhost` is
//! the pod's address, as it listens nowhere else; it is written in place because it is mounted as a file.

mod forward;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::core::v1::{Container, Pod, Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;
use tokio::sync::watch;

pub(super) use forward::follow;

use crate::{Error, Folder, Result};

/// Namespace and name.
type Key = (String, String);

pub(super) struct Network {
    range: u8,
    folder: PathBuf,
    /// The lines of the hosts file that do not change.
    fixed: String,
    api_server: SocketAddr,
    state: Mutex<State>,
    /// Told whenever a pod or a Service comes, goes or changes.
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    last: u16,
    services: BTreeMap<Key, (Ipv4Addr, ServiceSpec)>,
    /// By uid.
    pods: HashMap<String, Endpoint>,
    /// Counts connections, to spread them over pods.
    turn: usize,
}

struct Endpoint {
    namespace: String,
    labels: BTreeMap<String, String>,
    containers: Vec<Container>,
    address: Ipv4Addr,
    ready: bool,
}

impl Network {
    pub(super) fn new(folder: &Folder, range: u8, hosts: &[(String, IpAddr)], api_port: u16) -> Result<Self> {
        let mut fixed = String::new();
        for (name, address) in hosts {
            // Writing to a String cannot fail.
            writeln!(fixed, "{address} {name}").ok();
        }
        let folder = folder.join("hosts");
        std::fs::create_dir(&folder).map_err(Error::io("make the folder of the hosts files"))?;
        Ok(Self {
            range,
            folder,
            fixed,
            api_server: SocketAddr::from((Ipv4Addr::LOCALHOST, api_port)),
            state: Mutex::default(),
            changed: watch::Sender::new(()),
        })
    }

    /// The file to mount as `/etc/hosts` in the pod `uid`.
    pub(super) fn file(&self, uid: &str) -> PathBuf {
        self.folder.join(uid)
    }

    /// Gives `pod` an address, its own until [`Network::release`].
    pub(super) fn assign(&self, pod: &Pod) -> Ipv4Addr {
        let mut state = self.state();
        let address = state.next(self.range);
        let endpoint = Endpoint {
            namespace: pod.namespace().unwrap_or_default(),
            labels: pod.labels().clone(),
            containers: pod.spec.iter().flat_map(|spec| spec.containers.clone()).collect(),
            address,
            ready: false,
        };
        state.pods.insert(pod.uid().unwrap_or_default(), endpoint);
        self.write(&state);
        address
    }

    /// Notes whether the pod `uid` takes requests.
    pub(super) fn set_ready(&self, uid: &str, ready: bool) {
        if let Some(pod) = self.state().pods.get_mut(uid) {
            pod.ready = ready;
        }
        self.changed.send_replace(());
    }

    /// Sends no further connections to the pod `uid`.
    pub(super) fn release(&self, uid: &str) {
        self.state().pods.remove(uid);
        self.changed.send_replace(());
    }

    /// The address of a Service.
    pub(super) fn address_of(&self, namespace: &str, name: &str) -> Option<Ipv4Addr> {
        let key = (namespace.to_owned(), name.to_owned());
        self.state().services.get(&key).map(|(address, _)| *address)
    }

    /// Notes a new or changed Service and gives its address.
    fn apply(&self, key: Key, spec: ServiceSpec) -> Ipv4Addr {
        let mut state = self.state();
        let known = state.services.get(&key).map(|(address, _)| *address);
        let address = known.unwrap_or_else(|| state.next(self.range));
        state.services.insert(key, (address, spec));
        self.write(&state);
        self.changed.send_replace(());
        address
    }

    fn remove(&self, key: &Key) {
        let mut state = self.state();
        state.services.remove(key);
        self.write(&state);
    }

    /// Where to connect for `port` of a Service, or nothing while it has no ready pod.
    fn endpoint(&self, key: &Key, port: &ServicePort) -> Option<SocketAddr> {
        if *key == ("default".to_owned(), "kubernetes".to_owned()) {
            return Some(self.api_server);
        }
        let mut state = self.state();
        state.turn = state.turn.wrapping_add(1);
        let selector = state
            .services
            .get(key)?
            .1
            .selector
            .as_ref()
            .filter(|selector| !selector.is_empty())?;
        let mut ready: Vec<&Endpoint> = state.pods.values().collect();
        ready.retain(|pod| {
            let labels = |(name, value)| pod.labels.get(name) == Some(value);
            pod.ready && pod.namespace == key.0 && selector.iter().all(labels)
        });
        ready.sort_by_key(|pod| pod.address);
        let pod = ready.get(state.turn % ready.len().max(1))?;
        Some(SocketAddr::from((pod.address, pod.port(port)?)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, state: &State) {
        let mut text = self.fixed.clone();
        for ((namespace, name), (address, _)) in &state.services {
            // Short names are those of the reader's own namespace in a cluster; here agents live in one namespace.
            let names =
                format!("{name}.{namespace}.svc.cluster.local {name}.{namespace}.svc {name}.{namespace} {name}");
            writeln!(text, "{address} {names}").ok();
        }
        for (uid, pod) in &state.pods {
            let text = format!("{} localhost\n{text}", pod.address);
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(self.file(uid));
            let written = file.and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.set_len(text.len() as u64)
            });
            // It fails only when the folder is gone, and then so is the bed.
            written.ok();
        }
    }
}

impl State {
    fn next(&mut self, range: u8) -> Ipv4Addr {
        self.last += 1;
        // The last number keeps away from 0 and 255, which look like those of a network.
        let third = u8::try_from(self.last / 250).unwrap_or(u8::MAX);
        let fourth = u8::try_from(self.last % 250 + 1).unwrap_or(u8::MAX);
        Ipv4Addr::new(127, range, third, fourth)
    }
}

impl Endpoint {
    /// The pod's port behind a Service's.
    fn port(&self, port: &ServicePort) -> Option<u16> {
        let number = match &port.target_port {
            None => port.port,
            Some(IntOrString::Int(number)) => *number,
            Some(IntOrString::String(name)) => {
                let mut ports = self
                    .containers
                    .iter()
                    .flat_map(|container| container.ports.iter().flatten());
                ports.find(|port| port.name.as_ref() == Some(name))?.container_port
            }
        };
        u16::try_from(number).ok()
    }
}

/// What a Service is known by here.
fn parts(service: &Service) -> (Key, ServiceSpec) {
    let key = (service.namespace().unwrap_or_default(), service.name_any());
    (key, service.spec.clone().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn network() -> (Folder, Network) {
        let folder = Folder::new("network").unwrap();
        let network = Network::new(
            &folder,
            99,
            &[("git.example".to_owned(), IpAddr::from([127, 0, 0, 1]))],
            6443,
        );
        (folder, network.unwrap())
    }

    fn pod(uid: &str) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"namespace": "argocd", "name": uid, "uid": uid, "labels": {"app": "redis", "x": "y"}},
            "spec": {"containers": [{"name": "redis", "ports": [{"name": "redis", "containerPort": 6379}]}]},
        }))
        .unwrap()
    }

    fn service() -> (Key, ServiceSpec) {
        let spec = json!({"selector": {"app": "redis"}, "ports": [{"port": 80, "targetPort": "redis"}]});
        (
            ("argocd".to_owned(), "redis".to_owned()),
            serde_json::from_value(spec).unwrap(),
        )
    }

    #[test]
    fn a_service_leads_to_ready_pods_only_and_keeps_its_name() {
        let (_folder, network) = network();
        let (key, spec) = service();
        let port = spec.ports.clone().unwrap().remove(0);
        let name = network.apply(key.clone(), spec);
        let (old, new) = (network.assign(&pod("old")), network.assign(&pod("new")));
        assert_eq!(network.endpoint(&key, &port), None);
        network.set_ready("old", true);
        assert_eq!(network.endpoint(&key, &port), Some(SocketAddr::from((old, 6379))));
        network.set_ready("new", true);
        network.release("old");
        assert_eq!(network.endpoint(&key, &port), Some(SocketAddr::from((new, 6379))));
        let hosts = std::fs::read_to_string(network.file("new")).unwrap();
        assert!(hosts.contains(&format!("{new} localhost")), "{hosts}");
        assert!(
            hosts.contains(&format!("{name} redis.argocd.svc.cluster.local")),
            "{hosts}"
        );
        assert!(hosts.contains("127.0.0.1 git.example"), "{hosts}");
        network.release("new");
        assert_eq!(network.endpoint(&key, &port), None);
    }
}
