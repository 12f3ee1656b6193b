//! `ConfigMap`s and Secrets that pods take values from, and word of their changes.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, PodSpec, Secret};
use kube::api::Api;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Resource, ResourceExt};
use tokio::sync::broadcast;

use super::Shared;

/// The kind of an object with values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    ConfigMap,
    Secret,
}

impl Kind {
    /// As the kubelet writes it in "… not found".
    pub(super) fn lower(self) -> &'static str {
        match self {
            Self::ConfigMap => "configmap",
            Self::Secret => "secret",
        }
    }

    /// As the kubelet writes it in "couldn't find key …".
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }
}

/// The values of one object, or nothing if it does not exist.
pub(super) async fn values(
    client: &Client,
    namespace: &str,
    kind: Kind,
    name: &str,
) -> kube::Result<Option<BTreeMap<String, Vec<u8>>>> {
    match kind {
        Kind::ConfigMap => {
            let found = Api::<ConfigMap>::namespaced(client.clone(), namespace)
                .get_opt(name)
                .await?;
            Ok(found.map(|map| {
                let texts = map
                    .data
                    .into_iter()
                    .flatten()
                    .map(|(key, text)| (key, text.into_bytes()));
                let bytes = map.binary_data.into_iter().flatten().map(|(key, bytes)| (key, bytes.0));
                texts.chain(bytes).collect()
            }))
        }
        Kind::Secret => {
            let found = Api::<Secret>::namespaced(client.clone(), namespace)
                .get_opt(name)
                .await?;
            Ok(found.map(|secret| {
                secret
                    .data
                    .into_iter()
                    .flatten()
                    .map(|(key, bytes)| (key, bytes.0))
                    .collect()
            }))
        }
    }
}

/// The objects that a pod names.
pub(super) fn references(spec: &PodSpec) -> HashSet<(Kind, String)> {
    let mut found = HashSet::new();
    let mut add = |kind, name: &str| found.insert((kind, name.to_owned()));
    for container in spec.init_containers.iter().flatten().chain(&spec.containers) {
        for source in container.env.iter().flatten().filter_map(|env| env.value_from.as_ref()) {
            source
                .config_map_key_ref
                .as_ref()
                .map(|key| add(Kind::ConfigMap, &key.name));
            source.secret_key_ref.as_ref().map(|key| add(Kind::Secret, &key.name));
        }
        for source in container.env_from.iter().flatten() {
            source
                .config_map_ref
                .as_ref()
                .map(|map| add(Kind::ConfigMap, &map.name));
            source.secret_ref.as_ref().map(|secret| add(Kind::Secret, &secret.name));
        }
    }
    for volume in spec.volumes.iter().flatten() {
        volume.config_map.as_ref().map(|map| add(Kind::ConfigMap, &map.name));
        volume
            .secret
            .as_ref()
            .and_then(|secret| secret.secret_name.as_ref())
            .map(|name| add(Kind::Secret, name));
        for source in volume
            .projected
            .iter()
            .flat_map(|projected| projected.sources.iter().flatten())
        {
            source.config_map.as_ref().map(|map| add(Kind::ConfigMap, &map.name));
            source.secret.as_ref().map(|secret| add(Kind::Secret, &secret.name));
        }
    }
    found
}

/// Word of every change of a `ConfigMap` or Secret: kind, namespace, name.
pub(super) struct Changes {
    sender: broadcast::Sender<(Kind, String, String)>,
}

impl Changes {
    pub(super) fn new() -> Self {
        Self {
            sender: broadcast::channel(1024).0,
        }
    }

    pub(super) fn subscribe(&self, namespace: &str, references: HashSet<(Kind, String)>) -> Subscription {
        Subscription {
            receiver: self.sender.subscribe(),
            namespace: namespace.to_owned(),
            references,
        }
    }
}

/// Word of the changes that concern one pod.
pub(super) struct Subscription {
    receiver: broadcast::Receiver<(Kind, String, String)>,
    namespace: String,
    references: HashSet<(Kind, String)>,
}

impl Subscription {
    /// Waits for the next change, at most for `bound`. It may come early, which costs another look and no more.
    pub(super) async fn changed(&mut self, bound: Duration) {
        let change = async {
            while let Ok((kind, namespace, name)) = self.receiver.recv().await {
                if namespace == self.namespace && self.references.contains(&(kind, name)) {
                    return;
                }
            }
        };
        tokio::time::timeout(bound, change).await.ok();
    }
}

/// Follows the `ConfigMap`s and Secrets of the cluster for as long as it is polled.
pub(super) async fn follow(shared: Arc<Shared>) {
    tokio::join!(
        follow_kind::<ConfigMap>(&shared, Kind::ConfigMap),
        follow_kind::<Secret>(&shared, Kind::Secret)
    );
}

async fn follow_kind<K>(shared: &Shared, kind: Kind)
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + Send + serde::de::DeserializeOwned + 'static,
{
    let api: Api<PartialObjectMeta<K>> = Api::all(shared.client.clone());
    let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
    while let Some(event) = events.next().await {
        if let Ok(Event::Apply(object) | Event::InitApply(object) | Event::Delete(object)) = event {
            let change = (kind, object.namespace().unwrap_or_default(), object.name_any());
            // Nobody listens as long as there are no pods.
            shared.changes.sender.send(change).ok();
        }
    }
}
