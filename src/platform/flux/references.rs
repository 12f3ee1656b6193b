//! Which Secrets an object of Flux reads.

use std::collections::BTreeSet;

use serde_json::Value;

/// The kinds that read Secrets, by their groups.
pub const KINDS: [(&str, &str); 11] = [
    ("source.toolkit.fluxcd.io", "GitRepository"),
    ("source.toolkit.fluxcd.io", "OCIRepository"),
    ("source.toolkit.fluxcd.io", "HelmRepository"),
    ("source.toolkit.fluxcd.io", "Bucket"),
    ("kustomize.toolkit.fluxcd.io", "Kustomization"),
    ("helm.toolkit.fluxcd.io", "HelmRelease"),
    ("notification.toolkit.fluxcd.io", "Receiver"),
    ("notification.toolkit.fluxcd.io", "Provider"),
    ("source.toolkit.fluxcd.io", "HelmChart"),
    ("image.toolkit.fluxcd.io", "ImageRepository"),
    ("image.toolkit.fluxcd.io", "ImageUpdateAutomation"),
];

/// Returns the names of the Secrets that a `spec` reads, all in the namespace of its object: what stands in a `secretRef`, of whatever
/// purpose (`certSecretRef`, `proxySecretRef`, `decryption.secretRef` …), and in lists whose items name a kind
/// (`valuesFrom`, `substituteFrom`).
pub fn secrets(spec: &Value) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    // What stands under `values` is the chart's.
    let fields = spec
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| *key != "values");
    for (key, value) in fields {
        field(key, value, &mut found);
    }
    found
}

fn field<'spec>(key: &str, value: &'spec Value, found: &mut BTreeSet<&'spec str>) {
    let is_reference = key == "secretRef" || key.ends_with("SecretRef");
    match value["name"].as_str() {
        Some(name) if is_reference && !name.is_empty() => drop(found.insert(name)),
        _ => collect(value, found),
    }
}

fn collect<'spec>(value: &'spec Value, found: &mut BTreeSet<&'spec str>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                field(key, value, found);
            }
            let is_secret = fields.get("kind").and_then(Value::as_str) == Some("Secret");
            if let Some(name) = fields.get("name").and_then(Value::as_str).filter(|_| is_secret) {
                found.insert(name);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_way_to_name_a_secret_is_known() {
        let spec = json!({
            "secretRef": {"name": "git"},
            "certSecretRef": {"name": "ca"},
            "proxySecretRef": {"name": "proxy"},
            "decryption": {"provider": "sops", "secretRef": {"name": "age"}},
            "kubeConfig": {"secretRef": {"name": "remote", "key": "value"}},
            "postBuild": {"substituteFrom": [{"kind": "Secret", "name": "words"}, {"kind": "ConfigMap", "name": "open"}]},
            "valuesFrom": [{"kind": "Secret", "name": "values"}],
            "sourceRef": {"kind": "GitRepository", "name": "platform"},
            "values": {"secretRef": {"name": "no-reference"}},
        });
        let expected = ["age", "ca", "git", "proxy", "remote", "values", "words"];
        assert!(secrets(&spec).into_iter().eq(expected));
        assert!(secrets(&Value::Null).is_empty());
    }
}
