//! A cluster secret as a kubeconfig: the same way in, in the words that every client of Kubernetes reads.

use serde_json::{Map, Value, json};

use super::cluster_config::{at, field, parse};
use super::{Data, text};
use crate::redact::Secret;

/// The name of everything in the kubeconfig.
pub const CONTEXT: &str = "cluster";

/// Returns a kubeconfig (JSON) with one context, [`CONTEXT`], that leads where the cluster secret leads, as who it says.
///
/// Programs that the agent runs to log in (`execProviderConfig`, `awsAuthConfig`) are in its image and not here: with
/// them there is no way in from here, and the error says so.
pub fn kubeconfig(data: &Data) -> Result<Secret, String> {
    let server = text(data, "server").ok_or("it names no server")?;
    let config = if data.contains_key("config") {
        parse(data).ok_or("its `config` is not a JSON object")?
    } else {
        Map::new()
    };
    for way in ["execProviderConfig", "awsAuthConfig"] {
        if field(&config, way).is_some_and(Value::is_object) {
            return Err(format!("it logs in with `{way}`, which only the agent can do"));
        }
    }
    let tls = |name: &str| at(&config, &["tlsClientConfig", name]).filter(|value| !value.is_empty());
    let insecure = field(&config, "tlsClientConfig")
        .and_then(|tls| field(tls.as_object()?, "insecure"))
        .is_some_and(|value| value == &Value::Bool(true));
    let given = |pairs: &[(&str, Option<&str>)]| -> Map<String, Value> {
        pairs
            .iter()
            .filter_map(|(key, value)| Some(((*key).to_owned(), Value::from((*value)?))))
            .collect()
    };
    let plain = |name: &str| at(&config, &[name]).filter(|value| !value.is_empty());
    let mut cluster = given(&[
        ("server", Some(server)),
        ("certificate-authority-data", tls("caData")),
        ("tls-server-name", tls("serverName")),
        ("proxy-url", plain("proxyUrl")),
    ]);
    if insecure {
        cluster.insert("insecure-skip-tls-verify".to_owned(), true.into());
    }
    let user = given(&[
        ("token", plain("bearerToken")),
        ("username", plain("username")),
        ("password", plain("password")),
        ("client-certificate-data", tls("certData")),
        ("client-key-data", tls("keyData")),
    ]);
    let document = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": CONTEXT,
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": CONTEXT, "user": user}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
    });
    Ok(Secret::from(document.to_string().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(config: &str) -> Result<Value, String> {
        let data: Data = [("server", "https://10.0.0.9:6443"), ("config", config)]
            .map(|(key, value)| (key.to_owned(), Secret::from(value)))
            .into();
        kubeconfig(&data).map(|secret| serde_json::from_slice(secret.expose()).unwrap())
    }

    #[test]
    fn each_way_in_is_the_same_in_a_kubeconfig() {
        for (config, cluster, user) in [
            (
                r#"{"bearerToken": "t", "tlsClientConfig": {"caData": "Q0E=", "serverName": "edge"}}"#,
                json!({"certificate-authority-data": "Q0E=", "tls-server-name": "edge"}),
                json!({"token": "t"}),
            ),
            (
                r#"{"TLSClientConfig": {"certData": "Qw==", "keyData": "Sw==", "insecure": true}, "proxyUrl": "http://p"}"#,
                json!({"insecure-skip-tls-verify": true, "proxy-url": "http://p"}),
                json!({"client-certificate-data": "Qw==", "client-key-data": "Sw=="}),
            ),
            (
                r#"{"username": "u", "password": "p"}"#,
                json!({}),
                json!({"username": "u", "password": "p"}),
            ),
        ] {
            let mut expected = cluster;
            expected["server"] = "https://10.0.0.9:6443".into();
            let read = of(config).unwrap();
            assert_eq!(read["clusters"][0]["cluster"], expected, "{config}");
            assert_eq!(read["users"][0]["user"], user, "{config}");
        }
    }

    #[test]
    fn a_login_that_only_the_agent_can_do_is_said_to_be_one() {
        for config in [
            r#"{"execProviderConfig": {"command": "x"}}"#,
            r#"{"awsAuthConfig": {"clusterName": "x"}}"#,
        ] {
            assert!(of(config).unwrap_err().contains("only the agent can do"), "{config}");
        }
        assert!(of("nonsense").unwrap_err().contains("not a JSON object"));
    }
}
