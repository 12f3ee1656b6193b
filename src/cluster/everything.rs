//! All objects of a cluster, by their metadata.

use futures::{StreamExt as _, stream};
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::discovery::verbs;
use serde_json::{Value, json};

use super::batch::IN_FLIGHT;
use super::connect::Cluster;
use super::error::{Error, ErrorKind};

/// How many objects one answer holds at most.
const PAGE: u32 = 500;

/// Kinds that no agent applies and of which there are many.
const LEFT_OUT: [(&str, &str); 3] = [
    ("", "Event"),
    ("events.k8s.io", "Event"),
    ("coordination.k8s.io", "Lease"),
];

/// What was listed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Everything {
    /// Each object's `apiVersion`, `kind` and `metadata`.
    pub objects: Vec<Value>,
    /// The kinds that could not be listed, each with the reason.
    pub unlisted: Vec<String>,
}

impl Cluster {
    /// Lists the metadata of all objects of all kinds but events and leases. Only reads. What may not be listed is named.
    pub async fn everything(&self) -> Result<Everything, Error> {
        // The futures are made before they are polled: a closure inside the stream would borrow for too short a time.
        let lists: Vec<_> = self
            .listable()
            .into_iter()
            .map(|resource| self.listed(resource))
            .collect();
        let mut found = Everything::default();
        let mut lists = stream::iter(lists).buffered(IN_FLIGHT);
        while let Some((resource, result)) = lists.next().await {
            match result {
                Ok(objects) => found.objects.extend(objects),
                // A kind that went away since discovery has no objects.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) if matches!(error.kind(), ErrorKind::Denied | ErrorKind::Invalid | ErrorKind::Server) => {
                    let why = error.causes().last().cloned().unwrap_or_else(|| error.to_string());
                    let group = if resource.group.is_empty() {
                        String::new()
                    } else {
                        format!(".{}", resource.group)
                    };
                    found.unlisted.push(format!("{}{group}: {why}", resource.plural));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn listable(&self) -> Vec<ApiResource> {
        let kinds = self.discovered();
        kinds
            .groups()
            .flat_map(kube::discovery::ApiGroup::recommended_resources)
            .filter(|(resource, capabilities)| {
                capabilities.supports_operation(verbs::LIST)
                    && !LEFT_OUT.contains(&(resource.group.as_str(), resource.kind.as_str()))
            })
            .map(|(resource, _)| resource)
            .collect()
    }

    async fn listed(&self, resource: ApiResource) -> (ApiResource, Result<Vec<Value>, Error>) {
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
        let doing = format!("list {}", resource.plural);
        let mut objects = Vec::new();
        let mut from = None;
        loop {
            let mut page = ListParams::default().limit(PAGE);
            page.continue_token.clone_from(&from);
            let list = match self.attempt(&doing, || api.list_metadata(&page)).await {
                Ok(list) => list,
                Err(error) => return (resource, Err(error)),
            };
            from = list.metadata.continue_.filter(|token| !token.is_empty());
            objects.extend(list.items.into_iter().map(
                |item| json!({"apiVersion": resource.api_version, "kind": resource.kind, "metadata": item.metadata}),
            ));
            if from.is_none() {
                return (resource, Ok(objects));
            }
        }
    }
}
