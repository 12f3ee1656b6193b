//! Whether we may do what a restore will do, asked before anything is done.

use std::collections::BTreeSet;

use futures::{StreamExt as _, stream};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::api::{Api, PostParams};

use super::connect::Cluster;
use super::error::Error;
use crate::object::Manifest;

/// A right that is missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// The verb.
    pub verb: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// The resource in the plural.
    pub resource: String,
    /// The namespace; empty for cluster scope.
    pub namespace: String,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if self.namespace.is_empty() {
            f.write_str(" in the whole cluster")
        } else {
            write!(f, " in namespace {}", self.namespace)
        }
    }
}

impl Cluster {
    /// Returns the rights that applying these objects needs and the user lacks. Kinds that are not served yet are asked
    /// for by their CRD among the objects. Access reviews store nothing.
    pub async fn missing_rights(&self, manifests: &[Manifest], namespace: &str) -> Result<Vec<Missing>, Error> {
        let mut wanted = BTreeSet::new();
        for manifest in manifests {
            let id = manifest.id();
            let Some((resource, namespaced)) = self.resource(&id.api_version(), &id.kind) else {
                continue;
            };
            let place = match (namespaced, id.namespace.is_empty()) {
                (false, _) => "",
                (true, true) => namespace,
                (true, false) => &id.namespace,
            };
            // Server-side apply of a new object needs both: `patch` for the request and `create` for the object.
            for verb in ["create", "patch"] {
                wanted.insert(Missing {
                    verb: verb.into(),
                    group: resource.group.clone(),
                    resource: resource.plural.clone(),
                    namespace: place.to_owned(),
                });
            }
        }
        let asked: Vec<Result<Option<Missing>, Error>> = stream::iter(
            wanted
                .into_iter()
                .map(|right| async move { Ok((!self.may(&right).await?).then_some(right)) }),
        )
        .buffered(16)
        .collect()
        .await;
        asked.into_iter().filter_map(Result::transpose).collect()
    }

    async fn may(&self, right: &Missing) -> Result<bool, Error> {
        let attributes = ResourceAttributes {
            verb: Some(right.verb.clone()),
            group: Some(right.group.clone()),
            resource: Some(right.resource.clone()),
            namespace: Some(right.namespace.clone()),
            ..ResourceAttributes::default()
        };
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(attributes),
                non_resource_attributes: None,
            },
            ..SelfSubjectAccessReview::default()
        };
        let api: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let answer = api
            .create(&PostParams::default(), &review)
            .await
            .map_err(|error| Error::of("ask for our own rights", &error))?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }
}
