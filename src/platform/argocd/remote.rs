//! What makes a cluster one that Argo CD drives: an account there, and a Secret here that says where it is and how to get in.
//!
//! Names and rules are those of `argocd cluster add` (`util/clusterauth/clusterauth.go`), so that it and this find each
//! other's work.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::secret::{self, Data};
use crate::object::ObjectRef;
use crate::redact::Secret;

/// The namespace of the account.
pub const NAMESPACE: &str = "kube-system";
/// The account.
const ACCOUNT: &str = "argocd-manager";
/// The Secret in which the server puts the account's token.
const TOKEN: &str = "argocd-manager-long-lived-token";
/// The account's role, and what binds it to it.
const ROLE: &str = "argocd-manager-role";
const BINDING: &str = "argocd-manager-role-binding";

/// The keys of a stored cluster secret that still hold when the cluster was built anew.
const KEPT: [&str; 4] = ["namespaces", "clusterResources", "project", "shard"];

/// Returns the account with its rights, and the Secret into which the server puts its token.
pub fn account() -> [Value; 4] {
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ROLE});
    [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": NAMESPACE}}),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": ROLE},
            "rules": [
                {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
                {"nonResourceURLs": ["*"], "verbs": ["*"]},
            ],
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": BINDING},
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}],
        }),
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": {
                "name": TOKEN, "namespace": NAMESPACE,
                "annotations": {"kubernetes.io/service-account.name": ACCOUNT},
            },
        }),
    ]
}

/// Returns the identity of what gives the account its rights.
pub fn binding_id() -> ObjectRef {
    ObjectRef::new("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", BINDING)
}

/// Returns the identity of the Secret that holds the account's token.
pub fn token_id() -> ObjectRef {
    ObjectRef::new("v1", "Secret", NAMESPACE, TOKEN)
}

/// Returns the token of that Secret, once the server has put it there.
pub fn token(secret: &Value) -> Result<Secret, String> {
    secret
        .pointer("/data/token")
        .and_then(Value::as_str)
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .filter(|token| !token.is_empty())
        .map(Secret::new)
        .ok_or_else(|| "the server has not put a token into it yet".to_owned())
}

/// Where a cluster is, and what proves that it is the right one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// Its API server.
    pub server: String,
    /// The CA that signed its certificate (PEM); the system's own where not given.
    pub authority: Option<String>,
    /// Whether its certificate is not looked at.
    pub insecure: bool,
    /// The name in its certificate, where it is not that of the address.
    pub server_name: Option<String>,
}

/// Returns the data of the cluster secret of a cluster that was built anew.
pub fn registered(cluster: &str, address: &Address, token: &Secret, stored: Option<&Data>) -> Data {
    let mut tls = json!({"insecure": address.insecure});
    if let Some(authority) = address.authority.as_ref().filter(|_| !address.insecure) {
        tls["caData"] = STANDARD.encode(authority).into();
    }
    if let Some(name) = &address.server_name {
        tls["serverName"] = name.as_str().into();
    }
    let config = json!({"bearerToken": token.expose_str().unwrap_or_default(), "tlsClientConfig": tls});
    let mut data: Data = stored
        .into_iter()
        .flatten()
        .filter(|(key, value)| KEPT.contains(&key.as_str()) && !value.is_empty())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    data.insert("name".to_owned(), Secret::from(name_of(cluster, stored)));
    data.insert("server".to_owned(), Secret::from(address.server.as_str()));
    data.insert("config".to_owned(), Secret::from(config.to_string().as_str()));
    data
}

/// Returns the name by which Applications choose a cluster: the stored one, or else the runbook's.
pub fn name_of<'name>(cluster: &'name str, stored: Option<&'name Data>) -> &'name str {
    stored.and_then(|data| secret::field(data, "name")).unwrap_or(cluster)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address {
            server: "https://10.0.0.9:6443".to_owned(),
            authority: Some("PEM".to_owned()),
            ..Address::default()
        }
    }

    fn text<'data>(data: &'data Data, key: &str) -> &'data str {
        data[key].expose_str().unwrap()
    }

    #[test]
    fn of_a_stored_secret_only_what_still_holds_is_kept() {
        let stored: Data = [
            ("name", "edge-1"),
            ("server", "https://old"),
            ("config", "{}"),
            ("project", "shop"),
            ("shard", ""),
        ]
        .map(|(key, value)| (key.to_owned(), Secret::from(value)))
        .into();
        let data = registered("edge", &address(), &Secret::from("t0ken"), Some(&stored));
        assert_eq!(data.keys().collect::<Vec<_>>(), ["config", "name", "project", "server"]);
        assert_eq!(text(&data, "name"), "edge-1");
        assert_eq!(text(&data, "server"), "https://10.0.0.9:6443");
        assert_eq!(text(&data, "project"), "shop");
        assert_eq!(
            serde_json::from_str::<Value>(text(&data, "config")).unwrap(),
            json!({"bearerToken": "t0ken", "tlsClientConfig": {"insecure": false, "caData": "UEVN"}})
        );
        assert_eq!(
            secret::check("cluster", "edge", &data)
                .iter()
                .map(|found| found.rule)
                .collect::<Vec<_>>(),
            ["secret/cluster-config"],
            "only the made-up CA is complained of"
        );
    }

    #[test]
    fn a_cluster_without_a_stored_secret_bears_the_runbooks_name() {
        let insecure = Address {
            insecure: true,
            ..address()
        };
        let data = registered("edge", &insecure, &Secret::from("t0ken"), None);
        assert_eq!(text(&data, "name"), "edge");
        assert!(!text(&data, "config").contains("caData"), "the client refuses both");
    }

    #[test]
    fn a_token_is_there_when_the_server_has_put_it_there() {
        let [_, _, _, mut secret] = account();
        assert!(token(&secret).is_err());
        secret["data"] = json!({"token": "dDBrZW4="});
        assert_eq!(token(&secret), Ok(Secret::from("t0ken")));
    }
}
