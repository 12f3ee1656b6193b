//! Loopback addresses of pods and the names of Services.
//!
//! Each Service has a loopback address from the moment it exists. The first pod that it selects listens there; while a rollout has two,
//! the second has an address of its own and the name moves to it when it is ready. Without a pod a connection is refused,
//! as it would be by a Service without endpoints. `/etc/hosts` of all pods is one file, written in place because it is
//! mounted as a file.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::ResourceExt;
use kube::api::Api;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};

use super::Shared;
use crate::{Error, Folder, Result};

type Labels = BTreeMap<String, String>;
/// Namespace and name.
type Key = (String, String);

pub(super) struct Network {
    range: u8,
    file: PathBuf,
    fixed: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: u16,
    services: BTreeMap<Key, NamedAddress>,
    /// By uid, in order of arrival.
    pods: HashMap<String, Endpoint>,
}

struct NamedAddress {
    selector: Labels,
    address: Ipv4Addr,
}

struct Endpoint {
    namespace: String,
    labels: Labels,
    address: Ipv4Addr,
    ready: bool,
}

impl Network {
    pub(super) fn new(folder: &Folder, range: u8, hosts: &[(String, IpAddr)]) -> Result<Self> {
        let mut fixed = "127.0.0.1 localhost\n::1 localhost\n".to_owned();
        for (name, address) in hosts {
            // Writing to a String cannot fail.
            writeln!(fixed, "{address} {name}").ok();
        }
        let network = Self {
            range,
            file: folder.join("hosts"),
            fixed,
            state: Mutex::default(),
        };
        std::fs::write(&network.file, &network.fixed).map_err(Error::io("write the hosts file"))?;
        Ok(network)
    }

    /// The file to mount as `/etc/hosts`.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Gives `pod` an address, its own until [`Network::release`].
    pub(super) fn assign(&self, pod: &Pod) -> Ipv4Addr {
        let mut state = self.state();
        let namespace = pod.namespace().unwrap_or_default();
        let free = state.services.iter().find(|((ns, _), service)| {
            *ns == namespace
                && selects(&service.selector, pod.labels())
                && !state
                    .pods
                    .values()
                    .any(|other| other.address == service.address)
        });
        let address = free.map(|(_, service)| service.address);
        let address = address.unwrap_or_else(|| state.next(self.range));
        let endpoint = Endpoint {
            namespace,
            labels: pod.labels().clone(),
            address,
            ready: false,
        };
        state.pods.insert(pod.uid().unwrap_or_default(), endpoint);
        self.write(&state);
        address
    }

    /// Notes whether the pod `uid` takes requests.
    pub(super) fn set_ready(&self, uid: &str, ready: bool) {
        let mut state = self.state();
        if let Some(pod) = state.pods.get_mut(uid)
            && pod.ready != ready
        {
            pod.ready = ready;
            self.write(&state);
        }
    }

    /// Gives back the address of the pod `uid`.
    pub(super) fn release(&self, uid: &str) {
        let mut state = self.state();
        if state.pods.remove(uid).is_some() {
            self.write(&state);
        }
    }

    pub(super) fn address_of(&self, namespace: &str, name: &str) -> Option<Ipv4Addr> {
        let state = self.state();
        let key = (namespace.to_owned(), name.to_owned());
        state
            .services
            .get(&key)
            .map(|service| state.target(namespace, service))
    }

    fn apply(&self, service: &Service) {
        let mut state = self.state();
        let key = (service.namespace().unwrap_or_default(), service.name_any());
        let selector = service
            .spec
            .as_ref()
            .and_then(|spec| spec.selector.clone())
            .unwrap_or_default();
        match state.services.get_mut(&key) {
            Some(known) => known.selector = selector,
            None => {
                let address = state.next(self.range);
                state
                    .services
                    .insert(key, NamedAddress { selector, address });
            }
        }
        self.write(&state);
    }

    fn remove(&self, service: &Service) {
        let mut state = self.state();
        state
            .services
            .remove(&(service.namespace().unwrap_or_default(), service.name_any()));
        self.write(&state);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, state: &State) {
        let mut text = self.fixed.clone();
        for ((namespace, name), service) in &state.services {
            let address = state.target(namespace, service);
            // Short names are those of the reader's own namespace in a cluster; here agents live in one namespace.
            writeln!(
                text,
                "{address} {name}.{namespace}.svc.cluster.local {name}.{namespace}.svc {name}.{namespace} {name}"
            )
            .ok();
        }
        let written = OpenOptions::new()
            .write(true)
            .open(&self.file)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.set_len(text.len() as u64)
            });
        // It fails only when the folder is gone, and then so is the bed.
        written.ok();
    }
}

impl State {
    fn next(&mut self, range: u8) -> Ipv4Addr {
        self.last += 1;
        // The last number keeps away from 0 and 255, which look like those of a network.
        let [third, fourth] = [self.last / 250, self.last % 250 + 1];
        Ipv4Addr::new(
            127,
            range,
            u8::try_from(third).unwrap_or(u8::MAX),
            u8::try_from(fourth).unwrap_or(u8::MAX),
        )
    }

    fn target(&self, namespace: &str, service: &NamedAddress) -> Ipv4Addr {
        let selected = || {
            self.pods
                .values()
                .filter(|pod| pod.namespace == namespace && selects(&service.selector, &pod.labels))
        };
        let own = selected().find(|pod| pod.address == service.address);
        match (
            own,
            selected()
                .filter(|pod| pod.ready)
                .max_by_key(|pod| pod.address),
        ) {
            (_, Some(newest)) => newest.address,
            (Some(_), None) => service.address,
            (None, None) => selected().next().map_or(service.address, |pod| pod.address),
        }
    }
}

fn selects(selector: &Labels, labels: &Labels) -> bool {
    !selector.is_empty()
        && selector
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
}

/// Follows the Services of the cluster for as long as it is polled.
pub(super) async fn follow(shared: Arc<Shared>) {
    let services: Api<Service> = Api::all(shared.client.clone());
    let mut events = watcher(services, watcher::Config::default())
        .default_backoff()
        .boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(service) | Event::InitApply(service)) => shared.network.apply(&service),
            Ok(Event::Delete(service)) => shared.network.remove(&service),
            _ => {}
        }
    }
}
