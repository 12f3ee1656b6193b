//! An install like upstream's `core-install.yaml`, in short.

use serde_json::{Value, json};

use crate::object::{Manifest, Origin};

pub(super) fn manifests(values: impl IntoIterator<Item = Value>) -> Vec<Manifest> {
    values
        .into_iter()
        .enumerate()
        .map(|(index, value)| {
            let origin = Origin {
                file: "install.yaml".to_owned(),
                line: index + 1,
            };
            Manifest::new(value, origin).unwrap()
        })
        .collect()
}

/// Returns an object with more fields put over it.
pub(super) fn object(api_version: &str, kind: &str, name: &str, more: &Value) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
    merge(&mut object, more);
    object
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn workload(kind: &str, name: &str, image: &str) -> [Value; 2] {
    let pod = json!({"spec": {"template": {"spec": {"serviceAccountName": name, "containers": [{"image": image}]}}}});
    [
        object("apps/v1", kind, name, &pod),
        object("v1", "ServiceAccount", name, &json!({})),
    ]
}

/// Workloads come first and the CRDs last, so that whoever does not sort is caught.
pub(super) fn core() -> Vec<Manifest> {
    let argocd = "quay.io/argoproj/argocd:v3.2.11";
    let part_of = json!({"metadata": {"labels": {"app.kubernetes.io/part-of": "argocd"}}});
    let mut values = Vec::new();
    values.extend(workload("StatefulSet", "argocd-application-controller", argocd));
    values.extend(workload("Deployment", "argocd-repo-server", argocd));
    values.extend(workload("Deployment", "argocd-applicationset-controller", argocd));
    values.extend(workload("Deployment", "argocd-redis", "redis:8.2.3-alpine"));
    values.push(object("v1", "Service", "argocd-redis", &json!({})));
    values.push(object("v1", "Secret", "argocd-secret", &part_of));
    for name in [
        "argocd-cm",
        "argocd-ssh-known-hosts-cm",
        "argocd-tls-certs-cm",
        "argocd-gpg-keys-cm",
    ] {
        values.push(object("v1", "ConfigMap", name, &part_of));
    }
    let rbac = "rbac.authorization.k8s.io/v1";
    let subject = |namespace: &str| json!({"subjects": [{"kind": "ServiceAccount", "name": "argocd-application-controller", "namespace": namespace}]});
    values.push(object(rbac, "ClusterRole", "argocd-application-controller", &json!({})));
    values.push(object(
        rbac,
        "ClusterRoleBinding",
        "argocd-application-controller",
        &subject("argocd"),
    ));
    values.push(object(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "argocd-redis",
        &json!({}),
    ));
    for plural in ["applications", "applicationsets", "appprojects"] {
        values.push(object(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            &format!("{plural}.argoproj.io"),
            &json!({}),
        ));
    }
    manifests(values)
}
