//! Objects that stand on each other, applied in an order that works on an empty cluster.

use std::borrow::Cow;
use std::collections::HashSet;

use super::apply::{Conflicts, Mode};
use super::connect::Cluster;
use super::error::{Error, ErrorKind};
use crate::graph::{answers_for, brings, ranks};
use crate::object::Manifest;

/// What an apply of many objects came to.
#[derive(Debug, Default)]
pub struct Counts {
    /// How many objects were sent.
    pub sent: usize,
    /// How many were already so.
    pub same: usize,
    /// Why others stay as they are: fields of them belong to another manager.
    pub left: Vec<Error>,
}

impl Cluster {
    /// Applies objects rank by rank, as they [need each other](ranks), and waits until the CRDs among them are served. Custom
    /// resources wait for their own CRD, and a kind that somebody else brings is waited for a while; whatever else is in their rank
    /// does not wait. What an API service of the set serves comes last, once that is available: what answers for it is in the set
    /// too. A `List` is taken for what it lists. Returns how many objects were sent and how many were already so.
    ///
    /// The system it hits if the target were wrong: the one that this connection leads to, and each object of the set there. The
    /// guard asks who it is before the first request, and again as [`Cluster::still_the_same`] says.
    pub async fn apply_ranked(
        &self,
        manifests: &[Manifest],
        namespace: &str,
        mode: Mode,
    ) -> Result<(usize, usize), Error> {
        let counts = self.apply_in_ranks(manifests, namespace, mode, Conflicts::Fail).await?;
        Ok((counts.sent, counts.same))
    }

    /// The same, but an object of which another manager owns fields is left as it is, and told.
    pub async fn apply_ranked_around_conflicts(
        &self,
        manifests: &[Manifest],
        namespace: &str,
        mode: Mode,
    ) -> Result<Counts, Error> {
        self.apply_in_ranks(manifests, namespace, mode, Conflicts::Leave).await
    }

    async fn apply_in_ranks(
        &self,
        manifests: &[Manifest],
        namespace: &str,
        mode: Mode,
        conflicts: Conflicts,
    ) -> Result<Counts, Error> {
        let manifests = unpacked(manifests)?;
        let crds: HashSet<(&str, &str)> = manifests.iter().filter_map(brings).collect();
        let groups: HashSet<&str> = manifests.iter().filter_map(answers_for).collect();
        let (mut counts, mut last) = (Counts::default(), Vec::new());
        for rank in ranks(&manifests, namespace) {
            let (mut others, mut customs, mut late) = (Vec::new(), Vec::new(), Vec::new());
            for manifest in rank.into_iter().map(|index| &manifests[index]) {
                let id = manifest.id();
                if groups.contains(manifest.group()) {
                    last.push(manifest);
                } else if crds.contains(&(manifest.group(), manifest.kind())) {
                    customs.push(manifest);
                } else if self.serves(&id.api_version(), &id.kind) {
                    others.push(manifest);
                } else {
                    late.push(manifest);
                }
            }
            let kinds: HashSet<_> = customs.iter().map(|custom| (custom.group(), custom.kind())).collect();
            let needed = manifests
                .iter()
                .filter(|one| brings(one).is_some_and(|kind| kinds.contains(&kind)));
            // An apply is never dropped in mid-air, so all end even if one fails.
            let (others, served, listed) = tokio::join!(
                self.apply_each(&others, namespace, mode, conflicts),
                self.until_brought(needed.collect()),
                self.until_listed(&late),
            );
            counts.add(others?);
            served.and(listed)?;
            customs.append(&mut late);
            counts.add(self.apply_each(&customs, namespace, mode, conflicts).await?);
        }
        if !last.is_empty() {
            let services: Vec<_> = manifests.iter().filter(|one| answers_for(one).is_some()).collect();
            self.until_available(&services).await?;
            self.until_listed(&last).await?;
            counts.add(self.apply_each(&last, namespace, mode, conflicts).await?);
        }
        self.until_crds_served(&manifests).await?;
        Ok(counts)
    }
}

impl Counts {
    fn add(&mut self, more: Self) {
        self.sent += more.sent;
        self.same += more.same;
        self.left.extend(more.left);
    }
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
