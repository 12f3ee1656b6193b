//! The environment of a container, as the kubelet makes it from the pod's spec.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, EnvVarSource, Pod};
use kube::{Client, ResourceExt};

use super::source::{self, Kind};

/// Why a container cannot be made yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unresolved {
    /// In the kubelet's words.
    #[error("{0}")]
    Missing(String),
    #[error("{0}")]
    Api(#[from] kube::Error),
}

/// The variables of `container` on top of `base`.
pub(super) async fn resolve(
    client: &Client,
    pod: &Pod,
    container: &Container,
    base: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Unresolved> {
    let namespace = pod.namespace().unwrap_or_default();
    let mut variables = base;
    for from in container.env_from.iter().flatten() {
        let prefix = from.prefix.as_deref().unwrap_or_default();
        let named = [
            from.config_map_ref
                .as_ref()
                .map(|map| (Kind::ConfigMap, &map.name, map.optional)),
            from.secret_ref
                .as_ref()
                .map(|secret| (Kind::Secret, &secret.name, secret.optional)),
        ];
        for (kind, name, optional) in named.into_iter().flatten() {
            match source::values(client, &namespace, kind, name).await? {
                Some(values) => variables.extend(
                    values
                        .into_iter()
                        .map(|(key, value)| (format!("{prefix}{key}"), text(&value))),
                ),
                None if optional == Some(true) => {}
                None => return Err(not_found(kind, name)),
            }
        }
    }
    for variable in container.env.iter().flatten() {
        let value = match &variable.value_from {
            Some(from) => value_from(client, pod, from).await?,
            None => Some(expand(variable.value.as_deref().unwrap_or_default(), &variables)),
        };
        if let Some(value) = value {
            variables.insert(variable.name.clone(), value);
        }
    }
    Ok(variables)
}

async fn value_from(client: &Client, pod: &Pod, from: &EnvVarSource) -> Result<Option<String>, Unresolved> {
    let namespace = pod.namespace().unwrap_or_default();
    let (kind, name, key, optional) = if let Some(map) = &from.config_map_key_ref {
        (Kind::ConfigMap, &map.name, &map.key, map.optional)
    } else if let Some(secret) = &from.secret_key_ref {
        (Kind::Secret, &secret.name, &secret.key, secret.optional)
    } else if let Some(field) = &from.field_ref {
        return self::field(pod, &field.field_path).map(Some);
    } else {
        return Err(Unresolved::Missing(
            "the host node knows no such source of a variable".to_owned(),
        ));
    };
    match source::values(client, &namespace, kind, name).await? {
        Some(mut values) => match values.remove(key) {
            Some(value) => Ok(Some(text(&value))),
            None if optional == Some(true) => Ok(None),
            None => Err(Unresolved::Missing(format!(
                "couldn't find key {key} in {} {namespace}/{name}",
                kind.title()
            ))),
        },
        None if optional == Some(true) => Ok(None),
        None => Err(not_found(kind, name)),
    }
}

/// The value of a path such as `metadata.labels['app']`.
pub(super) fn field(pod: &Pod, path: &str) -> Result<String, Unresolved> {
    let spec = pod.spec.as_ref();
    let subscript = |map: &str| path.strip_prefix(map).and_then(|rest| rest.strip_suffix("']"));
    Ok(match path {
        "metadata.name" => pod.name_any(),
        "metadata.namespace" => pod.namespace().unwrap_or_default(),
        "metadata.uid" => pod.uid().unwrap_or_default(),
        "spec.nodeName" => super::NAME.to_owned(),
        "spec.serviceAccountName" => spec
            .and_then(|spec| spec.service_account_name.clone())
            .unwrap_or_default(),
        "status.hostIP" | "status.podIP" | "status.podIPs" => "10.242.0.1".to_owned(),
        _ => {
            if let Some(key) = subscript("metadata.labels['") {
                pod.labels().get(key).cloned().unwrap_or_default()
            } else if let Some(key) = subscript("metadata.annotations['") {
                pod.annotations().get(key).cloned().unwrap_or_default()
            } else {
                return Err(Unresolved::Missing(format!("the host node knows no field {path}")));
            }
        }
    })
}

/// In the kubelet's words.
pub(super) fn not_found(kind: Kind, name: &str) -> Unresolved {
    Unresolved::Missing(format!("{} {name:?} not found", kind.lower()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Replaces `$(NAME)` where the variable is known; `$$` stands for one `$`, and what is unknown stays
/// (`k8s.io/kubernetes/third_party/forked/golang/expansion`).
pub(super) fn expand(input: &str, variables: &BTreeMap<String, String>) -> String {
    let mut output = String::new();
    let mut rest = input;
    while let Some(start) = rest.find('$') {
        output.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            output.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|name| name.split_once(')')) {
            match variables.get(name) {
                Some(value) => output.push_str(value),
                None => output.extend(["$(", name, ")"]),
            }
            rest = after;
        } else {
            output.push('$');
        }
    }
    output.push_str(rest);
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_expand_as_in_the_kubelet() {
        let variables = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
        for (input, expected) in [
            ("--requirepass $(A)", "--requirepass 1"),
            ("$$(A)", "$(A)"),
            ("$(B)-$(A)", "$(B)-1"),
            ("a$b$", "a$b$"),
            ("$(open", "$(open"),
        ] {
            assert_eq!(expand(input, &variables), expected, "{input}");
        }
    }
}
