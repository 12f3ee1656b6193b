//! From a store's data to a manifest, and what of it may be shown.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Data, Shape, cluster_config, encoded, settings, text};
use crate::platform::argocd::PART_OF;
use crate::redact::Secret;

/// The label by which Argo CD knows what a Secret is.
pub const TYPE: &str = "argocd.argoproj.io/secret-type";

/// Puts the runbook's words onto a manifest. What Argo CD knows a secret by is not for them to change.
pub fn describe(manifest: &mut Value, labels: &BTreeMap<String, String>, annotations: &BTreeMap<String, String>) {
    for (field, words) in [("labels", labels), ("annotations", annotations)] {
        for (key, value) in words {
            if manifest["metadata"][field].get(key).is_none() {
                manifest["metadata"][field][key] = Value::from(value.as_str());
            }
        }
    }
}

/// Builds the manifest of a Secret. `argocd-secret` has a fixed name; every other bears `name`.
///
/// What becomes a ConfigMap is built by [`super::settings()`]. A type that Argo CD does not know gives a Secret without its label; [`super::check`] has refused it before.
pub fn build(shape: &str, name: &str, namespace: &str, data: &Data) -> Value {
    let shape = Shape::of(shape);
    let mut labels = Map::new();
    let mut annotations = Map::new();
    match shape {
        Some(Shape::Agent) => {
            labels.insert("app.kubernetes.io/name".to_owned(), json!("argocd-secret"));
        }
        Some(shape) => {
            labels.insert(TYPE.to_owned(), json!(shape.word()));
            annotations.insert("managed-by".to_owned(), json!("argocd.argoproj.io"));
        }
        None => {}
    }
    // Argo CD's informer of its own settings sees only objects that bear this label; tokens are read through it too.
    if matches!(shape, Some(Shape::Agent | Shape::ScmCreds)) {
        labels.insert(PART_OF.to_owned(), json!("argocd"));
    }
    let name = if shape == Some(Shape::Agent) {
        "argocd-secret"
    } else {
        name
    };
    let mut metadata = json!({"name": name, "namespace": namespace, "labels": labels});
    if !annotations.is_empty() {
        metadata["annotations"] = Value::Object(annotations);
    }
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": encoded(data)})
}

/// Whether the value of a key may be shown: addresses, names, switches, and whom Argo CD trusts. Unknown keys may not.
pub fn is_public(shape: &str, key: &str) -> bool {
    Shape::of(shape).is_some_and(|shape| shape.config_map().is_some() || shape.key(key).is_some_and(|key| key.public))
}

/// Returns every value that must not be shown, those inside a cluster's `config` too, for a redactor to learn.
///
/// A username is public, since masking one such as `argocd` would garble every text; unless it looks like a token, which
/// some hosts take as the username.
pub fn confidential(shape: &str, data: &Data) -> Vec<Secret> {
    let mut values: Vec<_> = data
        .iter()
        .filter(|(key, value)| {
            !is_public(shape, key)
                || (key.as_str() == "username" && is_token(value))
                // It does not belong there and is refused; until then it is a secret all the same.
                || settings::holds_private_key(value)
        })
        .map(|(_, value)| value.clone())
        .collect();
    if Shape::of(shape) == Some(Shape::Cluster) {
        values.extend(cluster_config::confidential(data));
    }
    values
}

fn is_token(value: &Secret) -> bool {
    value.expose_str().is_none_or(|text| {
        text.len() >= 30
            || ["ghp_", "gho_", "ghs_", "github_pat_", "glpat-"]
                .iter()
                .any(|start| text.starts_with(start))
    })
}

/// Returns the address of the repository that a secret is about.
pub fn repository_url(data: &Data) -> Option<&str> {
    text(data, "url")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(pairs: &[(&str, &str)]) -> Data {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
            .collect()
    }

    #[test]
    fn a_repository_becomes_a_labelled_secret() {
        let built = build(
            "repository",
            "repo-platform",
            "argocd",
            &data(&[("url", "https://h/a")]),
        );
        assert_eq!(
            built,
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": {
                    "name": "repo-platform", "namespace": "argocd",
                    "labels": {"argocd.argoproj.io/secret-type": "repository"},
                    "annotations": {"managed-by": "argocd.argoproj.io"},
                },
                "data": {"url": "aHR0cHM6Ly9oL2E="},
            })
        );
    }

    #[test]
    fn argocd_secret_has_its_own_name_and_the_label_that_makes_it_seen() {
        let built = build(
            "argocd-secret",
            "whatever",
            "argocd",
            &data(&[("server.secretkey", "x")]),
        );
        assert_eq!(built["metadata"]["name"], "argocd-secret");
        assert_eq!(built["metadata"]["labels"][PART_OF], "argocd");
        assert!(
            built["metadata"]["labels"]
                .get("argocd.argoproj.io/secret-type")
                .is_none()
        );
    }

    #[test]
    fn only_what_is_known_to_be_no_secret_may_be_shown() {
        for (shape, key, public) in [
            ("repository", "url", true),
            ("repository", "password", false),
            ("repo-creds", "type", true),
            ("repo-creds", "name", false),
            ("cluster", "server", true),
            ("cluster", "config", false),
            ("argocd-secret", "server.secretkey", false),
            ("scm-creds", "token", false),
            ("tls-certs", "git.example.com", true),
            ("ssh-known-hosts", "ssh_known_hosts", true),
            ("nonsense", "url", false),
        ] {
            assert_eq!(is_public(shape, key), public, "{shape} {key}");
        }
    }

    #[test]
    fn secrets_inside_a_clusters_config_are_masked_alone_too() {
        let config = r#"{"bearerToken": "tok-123456", "tlsClientConfig": {"keyData": "c2VjcmV0LWtleQ=="}}"#;
        let values = confidential("cluster", &data(&[("server", "https://x"), ("config", config)]));
        for expected in [config, "tok-123456", "c2VjcmV0LWtleQ==", "secret-key"] {
            assert!(values.contains(&Secret::from(expected)), "{expected}");
        }
        assert!(!values.contains(&Secret::from("https://x")));
    }

    #[test]
    fn a_private_key_among_what_is_public_is_masked() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";
        let values = confidential("tls-certs", &data(&[("a", "-----BEGIN CERTIFICATE-----"), ("b", key)]));
        assert_eq!(values, [Secret::from(key)]);
    }

    #[test]
    fn a_token_used_as_username_is_masked_and_a_plain_name_is_not() {
        assert_eq!(confidential("repository", &data(&[("username", "argocd")])), []);
        assert_eq!(
            confidential("repository", &data(&[("username", "ghp_abcdef")])),
            [Secret::from("ghp_abcdef")]
        );
    }
}
