//! Objects that stand on each other, applied in an order that works on an empty cluster.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::try_join_all;
use serde_json::Value;

use super::apply::Mode;
use super::connect::Cluster;
use super::error::{Error, ErrorKind};
use super::order::{answers_for, brings, ranks};
use crate::health;
use crate::object::{Manifest, ObjectRef};

impl Cluster {
    /// Applies objects rank by rank, as they [need each other](ranks), and waits until the CRDs among them are served. Custom
    /// resources wait for their own CRD, and what an API service answers for waits until that is available; whatever else is in
    /// their rank does not. A `List` is taken for what it lists. Returns how many objects were sent and how many were already so.
    ///
    /// The system it hits if the target were wrong: the one that this connection leads to, and each object of the set there. The
    /// guard asks who it is before the first request, and again as [`Cluster::still_the_same`] says.
    pub async fn apply_ranked(
        &self,
        manifests: &[Manifest],
        namespace: &str,
        mode: Mode,
    ) -> Result<(usize, usize), Error> {
        let manifests = unpacked(manifests)?;
        let crds: HashSet<(&str, &str)> = manifests.iter().filter_map(brings).collect();
        let groups: HashSet<&str> = manifests.iter().filter_map(answers_for).collect();
        let (mut sent, mut same) = (0, 0);
        for rank in ranks(&manifests, namespace) {
            let rank = rank.into_iter().map(|index| &manifests[index]);
            let (customs, others): (Vec<_>, Vec<_>) = rank.partition(|manifest| {
                crds.contains(&(manifest.group(), manifest.kind())) || groups.contains(manifest.group())
            });
            let kinds: HashSet<_> = customs.iter().map(|custom| (custom.group(), custom.kind())).collect();
            let needed = manifests
                .iter()
                .filter(|one| brings(one).is_some_and(|kind| kinds.contains(&kind)));
            let services = services_of(&manifests, &customs);
            // An apply is never dropped in mid-air, so all end even if one fails.
            let (others, served, answered) = tokio::join!(
                self.apply_each(&others, namespace, mode),
                self.until_brought(needed.collect()),
                self.until_answered(&services),
            );
            let others = others?;
            served?;
            answered?;
            let customs = self.apply_each(&customs, namespace, mode).await?;
            (sent, same) = (sent + others.0 + customs.0, same + others.1 + customs.1);
        }
        self.until_crds_served(&manifests).await?;
        Ok((sent, same))
    }

    /// Waits until the CRDs among these objects are Established, and discovery lists what they bring.
    pub async fn until_crds_served(&self, manifests: &[Manifest]) -> Result<(), Error> {
        self.until_brought(manifests.iter().filter(|manifest| brings(manifest).is_some()).collect())
            .await
    }

    async fn until_brought(&self, crds: Vec<&Manifest>) -> Result<(), Error> {
        if crds.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = crds.iter().map(|crd| crd.id()).collect();
        try_join_all(ids.iter().map(|id| self.until(id, health::established, |_| ()))).await?;
        let kinds: Vec<_> = crds.iter().flat_map(|crd| served_by(crd)).collect();
        self.until_served(&kinds).await
    }
}

/// How long an API service may take until it is available: as long as a request for what it answers would be made again.
const ANSWERED: Duration = Duration::from_mins(2);

impl Cluster {
    /// Waits until API services are available, and discovery lists what they answer for.
    async fn until_answered(&self, services: &[Service]) -> Result<(), Error> {
        for service in services {
            let (id, last) = (&service.id, Mutex::new(String::new()));
            let note = |why: &str| why.clone_into(&mut last.lock().unwrap_or_else(PoisonError::into_inner));
            let is = |service: &Value| health::condition_or_phase(service, "Available");
            let available = self.until(id, is, note);
            let Ok(seen) = tokio::time::timeout(ANSWERED, available).await else {
                let why = last.into_inner().unwrap_or_else(PoisonError::into_inner);
                return Err(Error::new(ErrorKind::Server, format!("{id} is not available"))
                    .because(why)
                    .hint("objects of its group wait for it: what answers it, its Service and the pods behind that, must come first"));
            };
            seen?;
            self.until_served(&service.kinds).await?;
        }
        Ok(())
    }
}

/// An API service of a set, and what of its group is in a rank.
#[derive(Debug, PartialEq)]
struct Service {
    id: ObjectRef,
    /// Each an `apiVersion` and a kind.
    kinds: Vec<(String, String)>,
}

/// Returns the API services of a set that answer for objects of a rank, with these objects' kinds.
fn services_of(set: &[Manifest], rank: &[&Manifest]) -> Vec<Service> {
    let service = |manifest: &Manifest| {
        let group = answers_for(manifest)?;
        let api_version = format!("{group}/{}", manifest.text("/spec/version"));
        let kinds: BTreeSet<_> = rank
            .iter()
            .filter(|object| object.text("/apiVersion") == api_version)
            .map(|object| (api_version.clone(), object.kind().to_owned()))
            .collect();
        let kinds: Vec<_> = kinds.into_iter().collect();
        (!kinds.is_empty()).then(|| Service {
            id: manifest.id(),
            kinds,
        })
    };
    set.iter().filter_map(service).collect()
}

/// Returns what a CRD brings, each an `apiVersion` and a kind.
fn served_by(crd: &Manifest) -> Vec<(String, String)> {
    let (group, kind) = (crd.text("/spec/group"), crd.text("/spec/names/kind"));
    let versions = crd.value().pointer("/spec/versions").and_then(Value::as_array);
    let served = versions
        .into_iter()
        .flatten()
        .filter(|version| version["served"] == true);
    let named = served.filter_map(|version| version["name"].as_str());
    named
        .map(|version| (format!("{group}/{version}"), kind.to_owned()))
        .collect()
}

/// Returns the objects with each `List` replaced by what it lists.
fn unpacked(manifests: &[Manifest]) -> Result<Cow<'_, [Manifest]>, Error> {
    if !manifests.iter().any(Manifest::is_list) {
        return Ok(Cow::Borrowed(manifests));
    }
    let mut all = Vec::new();
    for manifest in manifests {
        let origin = manifest.origin();
        for (number, item) in manifest.clone().items().into_iter().enumerate() {
            let item = item.map_err(|why| {
                let list = format!("the {} in {}:{}", manifest.kind(), origin.file, origin.line);
                Error::new(
                    ErrorKind::Invalid,
                    format!("cannot apply item {} of {list}", number + 1),
                )
                .because(why.to_string())
                .hint("each item of a List is an object with apiVersion, kind and metadata.name of its own")
            })?;
            all.push(item);
        }
    }
    // A List in a List is odd, and allowed.
    if all.iter().any(Manifest::is_list) {
        return Ok(Cow::Owned(unpacked(&all)?.into_owned()));
    }
    Ok(Cow::Owned(all))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Origin;

    #[test]
    fn objects_wait_for_the_api_service_that_answers_for_their_version_and_nothing_else_does() {
        let origin = Origin {
            file: "all.yaml".into(),
            line: 1,
        };
        let object = |api_version: &str, kind: &str, spec: serde_json::Value| {
            let value = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "spec": spec});
            Manifest::new(value, origin.clone()).unwrap()
        };
        let service = |group: &str, version: &str| {
            object(
                "apiregistration.k8s.io/v1",
                "APIService",
                json!({"group": group, "version": version}),
            )
        };
        let set = [
            service("packages.example.com", "v1"),
            service("packages.example.com", "v2"),
            service("metrics.example.com", "v1"),
            object("packages.example.com/v1", "Package", json!({})),
            object("packages.example.com/v1", "Package", json!({})),
            object("packages.example.com/v1", "Repository", json!({})),
            object("v1", "ConfigMap", json!({})),
        ];
        let rank: Vec<_> = set[3..].iter().collect();
        let kind = |kind: &str| ("packages.example.com/v1".to_owned(), kind.to_owned());
        let expected = Service {
            id: set[0].id(),
            kinds: vec![kind("Package"), kind("Repository")],
        };
        assert_eq!(services_of(&set, &rank), [expected]);
    }

    #[test]
    fn a_list_is_taken_for_what_it_lists_and_a_bad_item_is_named() {
        let origin = Origin {
            file: "apps/all.yaml".into(),
            line: 7,
        };
        let list = |items| {
            let value = json!({"apiVersion": "v1", "kind": "List", "items": items});
            Manifest::new(value, origin.clone()).unwrap()
        };
        let item = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        let nested = list(json!([item("a"), {"apiVersion": "v1", "kind": "List", "items": [item("b")]}, item("c")]));
        let set = [nested];
        let names: Vec<_> = unpacked(&set).unwrap().iter().map(|one| one.id().name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let bad = [list(json!([item("a"), {"kind": "ConfigMap"}]))];
        let error = unpacked(&bad).unwrap_err();
        assert_eq!(error.to_string(), "cannot apply item 2 of the List in apps/all.yaml:7");
        assert_eq!(error.causes(), ["`apiVersion` is missing or is not text"]);
    }
}
