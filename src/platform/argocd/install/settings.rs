//! What argocd-server would make on its first start, and a core install never gets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::object::Manifest;
use crate::platform::argocd::secret::{self, Data};
use crate::platform::secret::decoded;
use crate::redact::Secret;

/// Builds the AppProject `default` as argocd-server does (`server/server.go:initializeDefaultProject`).
pub fn default_project(namespace: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "default", "namespace": namespace},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    })
}

/// `argocd-secret` as it is to be.
#[derive(Debug)]
pub struct ArgocdSecret {
    /// The Secret, to be applied server-side: keys of other owners stay.
    pub manifest: Value,
    /// Whether a new `server.secretkey` was made, which ends every session and token signed with the old one.
    pub is_key_new: bool,
    /// The value of a new `server.secretkey`, to be masked from then on.
    pub new_key: Option<Secret>,
    /// The keys that the cluster has with another value than is stored. The cluster's is kept.
    pub kept: Vec<String>,
}

/// Builds `argocd-secret` from what the install brings, what is stored and what is live, where the later wins: a value
/// that is live is never replaced.
///
/// `random` becomes `server.secretkey` if none of them has one; Argo CD's own is 32 bytes.
pub fn argocd_secret(
    namespace: &str,
    installed: Option<&Manifest>,
    stored: &Data,
    live: Option<&Value>,
    random: &[u8],
) -> ArgocdSecret {
    let mut data = installed.map(|manifest| decoded(manifest.value())).unwrap_or_default();
    let mut ours: std::collections::BTreeSet<_> = data.keys().cloned().collect();
    for (key, value) in stored {
        data.insert(key.clone(), value.clone());
        ours.insert(key.clone());
    }
    let live = live.map(decoded).unwrap_or_default();
    let mut kept = Vec::new();
    for key in &ours {
        if let Some(value) = live.get(key).filter(|value| !value.is_empty()) {
            if stored.get(key).is_some_and(|stored| stored != value) {
                kept.push(key.clone());
            }
            data.insert(key.clone(), value.clone());
        }
    }
    let has_key = |data: &Data| data.get("server.secretkey").is_some_and(|key| !key.is_empty());
    let mut new_key = None;
    if !has_key(&data) {
        // Applied once by us, it is ours: left out the next time, it would be taken away.
        let value = live
            .get("server.secretkey")
            .filter(|key| !key.is_empty())
            .cloned()
            .unwrap_or_else(|| {
                let made = Secret::new(STANDARD.encode(random));
                new_key = Some(made.clone());
                made
            });
        data.insert("server.secretkey".to_owned(), value);
    }
    let mut manifest = secret::build("argocd-secret", "argocd-secret", namespace, &data);
    for field in ["labels", "annotations"] {
        let extra = installed.and_then(|installed| installed.value()["metadata"][field].as_object());
        for (name, value) in extra.into_iter().flatten() {
            manifest["metadata"][field][name] = value.clone();
        }
    }
    ArgocdSecret {
        manifest,
        is_key_new: new_key.is_some(),
        new_key,
        kept,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Origin;

    fn data(pairs: &[(&str, &str)]) -> Data {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
            .collect()
    }

    fn live(pairs: &[(&str, &str)]) -> Value {
        secret::build("argocd-secret", "argocd-secret", "argocd", &data(pairs))
    }

    fn built(installed: Option<&Manifest>, stored: &[(&str, &str)], live: Option<&Value>) -> (ArgocdSecret, Data) {
        let built = argocd_secret("argocd", installed, &data(stored), live, &[7; 32]);
        let data = decoded(&built.manifest);
        (built, data)
    }

    #[test]
    fn the_stored_key_is_restored() {
        let (built, values) = built(None, &[("server.secretkey", "old"), ("admin.password", "hash")], None);
        assert_eq!(values, data(&[("server.secretkey", "old"), ("admin.password", "hash")]));
        assert!(!built.is_key_new && built.new_key.is_none() && built.kept.is_empty());
    }

    #[test]
    fn a_new_key_is_made_only_where_none_is_stored_or_live() {
        let (made, values) = built(None, &[], None);
        assert!(made.is_key_new);
        assert_eq!(values.get("server.secretkey"), made.new_key.as_ref());
        assert_eq!(values["server.secretkey"].expose().len(), 44);
        let (again, values) = built(None, &[], Some(&made.manifest));
        assert!(!again.is_key_new);
        assert_eq!(again.manifest, made.manifest);
        assert_eq!(values.len(), 1);
    }

    #[test]
    fn an_empty_key_is_no_key() {
        let (built, _) = built(
            None,
            &[("server.secretkey", "")],
            Some(&live(&[("server.secretkey", "")])),
        );
        assert!(built.is_key_new);
    }

    #[test]
    fn a_live_value_is_never_replaced_and_that_is_said() {
        let live = live(&[
            ("server.secretkey", "live"),
            ("admin.password", "changed"),
            ("other", "x"),
        ]);
        let (built, values) = built(
            None,
            &[("server.secretkey", "live"), ("admin.password", "stored")],
            Some(&live),
        );
        assert_eq!(built.kept, ["admin.password"]);
        assert_eq!(
            values,
            data(&[("server.secretkey", "live"), ("admin.password", "changed")])
        );
    }

    #[test]
    fn what_the_install_brings_is_kept_under_what_is_stored() {
        let installed = Manifest::new(
            json!({
                "apiVersion": "v1", "kind": "Secret",
                "metadata": {"name": "argocd-secret", "labels": {"team": "platform"}, "annotations": {"a": "b"}},
                "stringData": {"webhook.github.secret": "w", "admin.password": "from git"},
            }),
            Origin::default(),
        )
        .unwrap();
        let (built, values) = built(
            Some(&installed),
            &[("server.secretkey", "k"), ("admin.password", "stored")],
            None,
        );
        assert_eq!(values["admin.password"], Secret::from("stored"));
        assert_eq!(values["webhook.github.secret"], Secret::from("w"));
        assert_eq!(built.manifest["metadata"]["labels"]["team"], "platform");
        assert_eq!(
            built.manifest["metadata"]["labels"]["app.kubernetes.io/part-of"],
            "argocd"
        );
        assert_eq!(built.manifest["metadata"]["annotations"]["a"], "b");
    }

    #[test]
    fn the_default_project_lets_everything_in_as_argocd_servers_does() {
        let project = default_project("argocd");
        assert_eq!(
            project["spec"]["destinations"],
            json!([{"server": "*", "namespace": "*"}])
        );
        assert_eq!(project["metadata"], json!({"name": "default", "namespace": "argocd"}));
    }
}
