//! Whether we may do what a restore will do, asked before anything is done.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, stream};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::api::{Api, PostParams};
use serde_json::Value;

use super::batch::IN_FLIGHT;
use super::connect::Cluster;
use super::error::Error;
use crate::object::Manifest;

/// Rights that are missing on one kind of object in one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// Where.
    pub place: Place,
    /// The verbs.
    pub verbs: Vec<&'static str>,
}

/// A kind of object in a namespace, or in the whole cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The API group; empty for the core group.
    pub group: String,
    /// The resource in the plural.
    pub resource: String,
    /// The namespace; empty for the whole cluster.
    pub namespace: String,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Place {
            group,
            resource,
            namespace,
        } = &self.place;
        match self.verbs.split_last() {
            Some((last, [])) => write!(f, "{last} {resource}")?,
            Some((last, others)) => write!(f, "{} and {last} {resource}", others.join(", "))?,
            None => f.write_str(resource)?,
        }
        if !group.is_empty() {
            write!(f, ".{group}")?;
        }
        if namespace.is_empty() {
            f.write_str(" in the whole cluster")
        } else {
            write!(f, " in namespace {namespace}")
        }
    }
}

impl Cluster {
    /// Returns the rights that applying these objects and watching these resources needs and the user lacks. For kinds
    /// that are not served yet their CRDs among the objects say what to ask for. Access reviews store nothing.
    ///
    /// Each object comes with the namespace that it goes to if it names none.
    /// `watched` holds a group, a resource in the plural and a namespace each; an empty namespace means all.
    pub async fn missing_rights(
        &self,
        manifests: &[(Manifest, &str)],
        watched: &[(&str, &str, &str)],
    ) -> Result<Vec<Missing>, Error> {
        let coming = defined(manifests.iter().map(|(manifest, _)| manifest));
        let mut wanted = BTreeSet::new();
        for (manifest, namespace) in manifests {
            let id = manifest.id();
            let served = self
                .resource(&id.api_version(), &id.kind)
                .map(|(resource, namespaced)| (resource.plural, namespaced));
            let Some((resource, namespaced)) =
                served.or_else(|| coming.get(&(id.group.clone(), id.kind.clone())).cloned())
            else {
                continue;
            };
            let namespace = match (namespaced, id.namespace.is_empty()) {
                (false, _) => "",
                (true, true) => *namespace,
                (true, false) => &id.namespace,
            };
            wanted.insert(Place {
                group: id.group.clone(),
                resource,
                namespace: namespace.to_owned(),
            });
        }
        // Server-side apply of a new object needs both `patch` for the request and `create` for the object; on a cluster
        // that is not new, objects are looked at first.
        let mut asked = Vec::new();
        for place in wanted {
            // The futures are made before they are polled: a closure inside the stream would borrow for too short a time.
            asked.extend(["create", "get", "patch"].map(|verb| self.lacks(verb, place.clone())));
        }
        for (group, resource, namespace) in watched {
            let place = Place {
                group: (*group).to_owned(),
                resource: (*resource).to_owned(),
                namespace: (*namespace).to_owned(),
            };
            asked.extend(["list", "watch"].map(|verb| self.lacks(verb, place.clone())));
        }
        let answers: Vec<_> = stream::iter(asked).buffered(IN_FLIGHT).collect().await;
        let mut missing: BTreeMap<Place, Vec<&'static str>> = BTreeMap::new();
        for answer in answers {
            if let Some((place, verb)) = answer? {
                missing.entry(place).or_default().push(verb);
            }
        }
        Ok(missing
            .into_iter()
            .map(|(place, verbs)| Missing { place, verbs })
            .collect())
    }

    /// Returns the right if we do not have it.
    async fn lacks(&self, verb: &'static str, place: Place) -> Result<Option<(Place, &'static str)>, Error> {
        let attributes = ResourceAttributes {
            verb: Some(verb.to_owned()),
            group: Some(place.group.clone()),
            resource: Some(place.resource.clone()),
            namespace: Some(place.namespace.clone()),
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
        let allowed = answer.status.is_some_and(|status| status.allowed);
        Ok((!allowed).then_some((place, verb)))
    }
}

/// Returns what the CRDs among the objects define: by group and kind, the plural and whether it is namespaced.
fn defined<'manifest>(
    manifests: impl Iterator<Item = &'manifest Manifest>,
) -> BTreeMap<(String, String), (String, bool)> {
    let crds = manifests.filter(|manifest| manifest.kind() == "CustomResourceDefinition");
    crds.filter_map(|crd| {
        let word = |pointer: &str| crd.value().pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let namespaced = word("/spec/scope")? == "Namespaced";
        Some((
            (word("/spec/group")?, word("/spec/names/kind")?),
            (word("/spec/names/plural")?, namespaced),
        ))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_is_told_as_an_administrator_would_grant_it() {
        let missing = |verbs: &[&'static str], group: &str, namespace: &str| {
            let place = Place {
                group: group.into(),
                resource: "widgets".into(),
                namespace: namespace.into(),
            };
            Missing {
                place,
                verbs: verbs.to_vec(),
            }
            .to_string()
        };
        assert_eq!(missing(&["create"], "", ""), "create widgets in the whole cluster");
        assert_eq!(
            missing(&["create", "patch"], "shop.io", "a"),
            "create and patch widgets.shop.io in namespace a"
        );
        assert_eq!(
            missing(&["create", "get", "patch"], "", "a"),
            "create, get and patch widgets in namespace a"
        );
    }
}
