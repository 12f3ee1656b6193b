//! What the bench itself sees of a cluster while somebody restores it, and whether all of it is back in the end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::watcher::{self, watcher};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::Trouble;
use crate::scene::{GROUP, Platform};

/// A kind that is watched, and what makes an object of it ready.
struct Watched {
    group: &'static str,
    version: &'static str,
    name: &'static str,
    plural: &'static str,
    is_ready: fn(&Value) -> bool,
}

const APPLICATION: Watched = Watched {
    group: "argoproj.io",
    version: "v1alpha1",
    name: "Application",
    plural: "applications",
    is_ready: |app| app["status"]["sync"]["status"] == "Synced" && app["status"]["health"]["status"] == "Healthy",
};

const DEPLOYMENT: Watched = Watched {
    group: "apps",
    version: "v1",
    name: "Deployment",
    plural: "deployments",
    is_ready: |deployment| {
        let number = |pointer: &str| deployment.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
        let wanted = number("/spec/replicas");
        number("/status/observedGeneration") >= number("/metadata/generation")
            && number("/status/updatedReplicas") >= wanted
            && number("/status/availableReplicas") >= wanted
    },
};

const DEFINITION: Watched = Watched {
    group: "apiextensions.k8s.io",
    version: "v1",
    name: "CustomResourceDefinition",
    plural: "customresourcedefinitions",
    is_ready: |definition| {
        let conditions = definition["status"]["conditions"].as_array();
        conditions.is_some_and(|conditions| {
            conditions
                .iter()
                .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
        })
    },
};

impl Watched {
    fn api(&self, client: Client) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk(self.group, self.version, self.name);
        Api::all_with(client, &ApiResource::from_gvk_with_plural(&kind, self.plural))
    }
}

/// Since when each object of a kind is ready; those that are not have no entry.
type Since = Arc<Mutex<BTreeMap<String, Instant>>>;

/// The watches. They end with this.
pub(crate) struct Sights {
    client: Client,
    applications: Since,
    workloads: Since,
    _watches: JoinSet<()>,
}

impl Sights {
    /// Begins to watch.
    pub(crate) fn start(client: Client) -> Self {
        let (applications, workloads) = (Since::default(), Since::default());
        let mut watches = JoinSet::new();
        watches.spawn(follow(APPLICATION, client.clone(), Arc::clone(&applications)));
        watches.spawn(follow(DEPLOYMENT, client.clone(), Arc::clone(&workloads)));
        watches.spawn(follow(DEFINITION, client.clone(), Arc::clone(&workloads)));
        Self {
            client,
            applications,
            workloads,
            _watches: watches,
        }
    }

    /// Returns when the last Deployment of an app, or CRD, became ready, of those that are so now.
    pub(crate) fn last_workload(&self) -> Result<Instant, Trouble> {
        last(&self.workloads)
    }

    /// Returns when the last Application became Synced and Healthy.
    pub(crate) fn last_verdict(&self) -> Result<Instant, Trouble> {
        last(&self.applications)
    }

    /// All that the platform comes to has to be there and well, by the word of the agent and of the objects themselves.
    pub(crate) async fn check(&self, platform: &Platform) -> Result<(), Trouble> {
        let ready = async |kind: Watched, counts: fn(&Value) -> bool| -> Result<usize, Trouble> {
            let objects = self.list(&kind).await?;
            let counted = objects.iter().filter(|object| counts(object));
            Ok(counted.filter(|object| (kind.is_ready)(object)).count())
        };
        let applications = ready(APPLICATION, |_| true).await?;
        let deployments = ready(DEPLOYMENT, is_of_an_app).await?;
        let definitions = ready(DEFINITION, |object| object["spec"]["group"] == GROUP).await?;
        let mut custom = 0;
        for definition in self
            .list(&DEFINITION)
            .await?
            .iter()
            .filter(|object| object["spec"]["group"] == GROUP)
        {
            let names = |name: &str| definition["spec"]["names"][name].as_str().unwrap_or_default();
            let kind = GroupVersionKind::gvk(GROUP, "v1", names("kind"));
            let resource = ApiResource::from_gvk_with_plural(&kind, names("plural"));
            let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
            custom += api.list(&ListParams::default()).await?.items.len();
        }
        let found = [applications, deployments, definitions, custom];
        let wanted = [
            platform.applications,
            platform.deployments,
            platform.definitions,
            platform.custom,
        ];
        if found == wanted {
            return Ok(());
        }
        let words = |of: [usize; 4]| {
            let [applications, deployments, definitions, custom] = of;
            format!(
                "{applications} Applications, {deployments} Deployments, {definitions} CRDs and {custom} objects of these"
            )
        };
        Err(format!("{} are well, not {}", words(found), words(wanted)).into())
    }

    async fn list(&self, kind: &Watched) -> Result<Vec<Value>, Trouble> {
        let listed = kind.api(self.client.clone()).list(&ListParams::default()).await?;
        Ok(listed
            .items
            .into_iter()
            .map(serde_json::to_value)
            .collect::<Result<_, _>>()?)
    }
}

fn is_of_an_app(object: &Value) -> bool {
    object["metadata"]["namespace"] != "argocd"
}

fn last(since: &Since) -> Result<Instant, Trouble> {
    let since = since.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(*since.values().max().ok_or("nothing became ready")?)
}

/// Notes since when objects are ready. A kind that is not served yet is asked for again.
async fn follow(kind: Watched, client: Client, since: Since) {
    let mut events = std::pin::pin!(watcher(kind.api(client), watcher::Config::default()));
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
                let name = format!(
                    "{}/{}/{}",
                    kind.name,
                    object.metadata.namespace.as_deref().unwrap_or_default(),
                    object.metadata.name.as_deref().unwrap_or_default()
                );
                let value = serde_json::to_value(&object).unwrap_or_default();
                let mut since = since.lock().unwrap_or_else(PoisonError::into_inner);
                // What the agent's own pods do is not what is waited for.
                if kind.name == DEPLOYMENT.name && !is_of_an_app(&value) {
                    continue;
                }
                if (kind.is_ready)(&value) {
                    since.entry(name).or_insert_with(Instant::now);
                } else {
                    since.remove(&name);
                }
            }
            Ok(_) => {}
            Err(_) => tokio::time::sleep(Duration::from_millis(250)).await,
        }
    }
}
