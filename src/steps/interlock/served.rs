//! Whether the server is new enough, and serves the kinds of what is applied in the versions in which it is written.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::World;
use crate::cluster::{Cluster, Identity};
use crate::event::Failure;
use crate::object::Manifest;

/// Server-side apply is generally available from this version on (KEP-555, "Graduation Criteria").
const OLDEST: (u32, u32) = (1, 22);

/// The groups that come with Kubernetes (`k8s.io/api`, its `register.go` files): no CRD can bring what they lack.
const BUILT_IN: [&str; 23] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// Refuses a server that is too old for what a restore does.
pub(super) fn version(identity: &Identity) -> Result<(), Failure> {
    // A version that cannot be read is no reason to refuse: what a server cannot do it says itself.
    if numbers(&identity.version).is_none_or(|numbers| numbers >= OLDEST) {
        return Ok(());
    }
    let (major, minor) = OLDEST;
    Err(Failure::new(format!(
        "the API server is Kubernetes {}, and a restore needs {major}.{minor} or newer: everything is applied server-side",
        identity.version
    ))
    .hint("restore onto a newer cluster"))
}

/// Refuses objects of kinds that the server does not serve and that nothing in the plan brings.
pub(super) fn kinds(world: &World, cluster: &Cluster) -> Result<(), Failure> {
    let prepared = world.prepared()?;
    let install = || {
        let stages = prepared.ground.iter().chain(&prepared.agent);
        stages.flat_map(|stage| &stage.manifests)
    };
    let beside = || prepared.roots.iter().chain(prepared.extras.values()).flatten();
    let coming = brought(install().chain(beside()));
    let comes = |manifest: &Manifest, version: &str| {
        coming.contains(&(manifest.group().into(), version.into(), manifest.kind().into()))
    };
    let group_comes = |manifest: &Manifest| {
        coming
            .iter()
            .any(|(group, _, kind)| group == manifest.group() && kind == manifest.kind())
    };
    let lacking = |manifest: &&Manifest| {
        let api_version = manifest.text("/apiVersion");
        let version = api_version.rsplit('/').next().unwrap_or_default();
        !cluster.serves(api_version, manifest.kind()) && !comes(manifest, version)
    };
    // What an earlier root brings up may serve the kinds of a later one; nothing comes before the agent.
    let certain = |manifest: &&Manifest| {
        let group = manifest.group();
        BUILT_IN.contains(&group) || group_comes(manifest) || cluster.served(Some(group), manifest.kind()).is_some()
    };
    let missing: Vec<String> = install()
        .filter(lacking)
        .chain(beside().filter(lacking).filter(certain))
        .map(|manifest| told(manifest, &instead(cluster, manifest)))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut failure = Failure::new(format!(
        "the API server ({}) does not serve what is to be applied",
        cluster.identity().version
    ))
    .hint("write them in a version that is served, or add the CRD that defines them to the agent's install");
    failure.causes = missing;
    Err(failure)
}

fn told(manifest: &Manifest, instead: &str) -> String {
    let origin = manifest.origin();
    format!(
        "{} {} ({}:{}): {} is not served; {instead}",
        manifest.kind(),
        manifest.text("/metadata/name"),
        origin.file,
        origin.line,
        manifest.text("/apiVersion"),
    )
}

/// Says what of the same kind is served.
fn instead(cluster: &Cluster, manifest: &Manifest) -> String {
    let kind = manifest.kind();
    let same_group = cluster.served(Some(manifest.group()), kind);
    match same_group.or_else(|| cluster.served(None, kind)) {
        Some(served) => format!("{served} is"),
        None => "nothing of that kind is".to_owned(),
    }
}

/// Returns what the CRDs among the objects bring: group, version and kind.
fn brought<'manifest>(manifests: impl Iterator<Item = &'manifest Manifest>) -> BTreeSet<(String, String, String)> {
    let mut found = BTreeSet::new();
    for crd in manifests.filter(|manifest| manifest.kind() == "CustomResourceDefinition") {
        let versions = crd.value().pointer("/spec/versions").and_then(Value::as_array);
        for version in versions
            .into_iter()
            .flatten()
            .filter(|version| version["served"] != false)
        {
            let name = version["name"].as_str().unwrap_or_default();
            found.insert((
                crd.text("/spec/group").to_owned(),
                name.to_owned(),
                crd.text("/spec/names/kind").to_owned(),
            ));
        }
    }
    found
}

/// Reads `v1.33.2`, and what vendors make of it: `v1.27.3-gke.100`, `1.22+`.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split('.');
    let major = parts.next()?.parse().ok()?;
    let minor: String = parts.next()?.chars().take_while(char::is_ascii_digit).collect();
    Some((major, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Origin;

    #[test]
    fn a_server_without_server_side_apply_is_too_old() {
        let of = |text: &str| {
            version(&Identity {
                context: String::new(),
                server: String::new(),
                uid: String::new(),
                version: text.into(),
            })
        };
        for (text, fine) in [
            ("v1.33.2", true),
            ("v1.22.0", true),
            ("1.22+", true),
            ("v1.27.3-gke.100", true),
            ("v2.0.0", true),
            ("v1.21.14", false),
            ("v1.9.0-eks", false),
            ("odd", true),
        ] {
            assert_eq!(of(text).is_ok(), fine, "{text}");
        }
    }

    #[test]
    fn a_crd_brings_the_versions_that_it_serves() {
        let crd = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "ws.shop.io"},
            "spec": {
                "group": "shop.io", "names": {"kind": "Widget", "plural": "ws"},
                "versions": [{"name": "v1", "served": true}, {"name": "v1beta1", "served": false}],
            },
        });
        let crd = Manifest::new(crd, Origin::default()).unwrap();
        assert_eq!(
            brought([&crd].into_iter()),
            BTreeSet::from([("shop.io".to_owned(), "v1".to_owned(), "Widget".to_owned())])
        );
    }
}
