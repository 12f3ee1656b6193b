//! A platform in which each app is broken in a way of its own, and what should be said of it.

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy as Rule, ValidatingAdmissionPolicyBinding as Binding,
    ValidatingWebhookConfiguration as Webhooks,
};
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use crate::restore::scene::{self, application};

/// One broken app.
pub(super) struct Broken {
    /// Its name, and that of its namespace.
    pub(super) name: &'static str,
    /// The object of it that is named.
    pub(super) object: &'static str,
    /// What is said of it.
    pub(super) reason: &'static str,
}

const fn broken(name: &'static str, object: &'static str, reason: &'static str) -> Broken {
    Broken { name, object, reason }
}

/// All of them.
pub(super) const BROKEN: [Broken; 12] = [
    broken(
        "image",
        "Deployment.apps image/main",
        "ImagePullBackOff registry.example.com/image:1: failed to resolve reference: 403 Forbidden",
    ),
    broken(
        "secret",
        "Deployment.apps secret/main",
        "CreateContainerConfigError: secret \"pay\" not found",
    ),
    broken(
        "crash",
        "Deployment.apps crash/main",
        "CrashLoopBackOff, exit code 2, 3 restarts: panic: no route to the database db:5432",
    ),
    broken(
        "quota",
        "Deployment.apps quota/main",
        "exceeded quota: tight, requested: pods=1",
    ),
    broken("huge", "Deployment.apps huge/main", "no node for it: 0/"),
    broken(
        "claim",
        "Deployment.apps claim/main",
        "PersistentVolumeClaim data: Pending: storageclass.storage.k8s.io \"fast\" not found",
    ),
    broken(
        "balancer",
        "Service balancer/main",
        "no load balancer was given to it yet",
    ),
    broken(
        "refused",
        "Deployment.apps refused/main",
        "ValidatingAdmissionPolicy 'no-pods' with binding 'no-pods' denied request: not on a Saturday",
    ),
    broken(
        "ingress",
        "Ingress.networking.k8s.io ingress/main",
        "no address yet: does a controller of class `nginx` run?",
    ),
    broken("job", "Job.batch job/main", "exit code 3: cannot read /data"),
    // A kind for which Argo CD has a check that is not in any source here.
    broken(
        "certificate",
        "Certificate.cert-manager.io certificate/main",
        "Progressing: no such issuer",
    ),
    broken(
        "guard",
        "Deployment.apps guard/main",
        "deadlock: webhook `pods.guard.example.com` fails closed ← Service guard/main ← Deployment.apps guard/main, whose own pods it refuses",
    ),
];

/// Returns the files of the platform: the broken apps beside a well one.
pub(super) fn files() -> Vec<(String, String)> {
    let mut files = scene::files();
    files.retain(|(name, _)| !name.contains("search"));
    for Broken { name, .. } in BROKEN {
        files.push((format!("apps/{name}.yaml"), application(name, name, name)));
        for (index, object) in objects(name).into_iter().enumerate() {
            files.push((format!("{name}/{index}.yaml"), object.to_string()));
        }
    }
    files
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({"phase": "Pending", "containerStatuses": [
        {"name": "main", "image": "x", "imageID": "", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": reason, "message": message}}},
    ]})
}

fn objects(name: &str) -> Vec<Value> {
    let image = format!("registry.example.com/{name}:1");
    match name {
        "image" => vec![deployment(
            name,
            Some(&waiting(
                "ImagePullBackOff",
                &format!(
                    "Back-off pulling image \"{image}\": ErrImagePull: rpc error: code = Unknown desc = failed to pull and unpack image \"{image}\": failed to resolve reference: 403 Forbidden"
                ),
            )),
            &json!({}),
        )],
        "secret" => vec![deployment(
            name,
            Some(&waiting("CreateContainerConfigError", "secret \"pay\" not found")),
            &json!({}),
        )],
        "crash" => vec![deployment(
            name,
            Some(&json!({"phase": "Running", "containerStatuses": [{
                "name": "main", "image": "x", "imageID": "", "ready": false, "restartCount": 3,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}},
                "lastState": {"terminated": {"exitCode": 2, "reason": "Error"}},
            }]})),
            &json!({}),
        )],
        "quota" => vec![
            json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight"}, "spec": {"hard": {"pods": "0"}}}),
            deployment(name, None, &json!({})),
        ],
        "huge" => vec![deployment(name, None, &json!({"requests": {"cpu": "100000"}}))],
        "claim" => {
            let mut deployment = deployment(name, None, &json!({}));
            deployment["spec"]["template"]["spec"]["volumes"] =
                json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]);
            vec![
                json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": {
                    "storageClassName": "fast", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
                }}),
                deployment,
            ]
        }
        "balancer" => vec![
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "main"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}),
        ],
        "ingress" => vec![
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "main"}, "spec": {
                "ingressClassName": "nginx", "defaultBackend": {"service": {"name": "main", "port": {"number": 80}}},
            }}),
        ],
        "job" => {
            let ended = json!({"phase": "Failed", "containerStatuses": [{
                "name": "main", "image": "x", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"terminated": {"exitCode": 3, "reason": "Error", "message": "starting\ncannot read /data\n"}},
            }]});
            let template = json!({"metadata": {"annotations": {testbed::kwok::STATUS: ended.to_string()}}, "spec": {
                "restartPolicy": "Never", "containers": [{"name": "main", "image": image}],
            }});
            vec![
                json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "main"}, "spec": {"backoffLimit": 0, "template": template}}),
            ]
        }
        "certificate" => {
            let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
            let ready =
                json!({"type": "Ready", "status": "False", "reason": "DoesNotExist", "message": "no such issuer"});
            vec![
                json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                    "metadata": {"name": "certificates.cert-manager.io", "annotations": {"api-approved.kubernetes.io": "https://example.com"}},
                    "spec": {"group": "cert-manager.io", "scope": "Namespaced", "names": {"kind": "Certificate", "plural": "certificates"},
                        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}}),
                json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "main"}, "status": {"conditions": [ready]}}),
            ]
        }
        "guard" => vec![
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "main"}, "spec": {"selector": {"app": name}, "ports": [{"port": 443}]}}),
            deployment(name, None, &json!({})),
        ],
        _ => vec![deployment(name, None, &json!({}))],
    }
}

/// A Deployment whose pods have a status of their own, where one is given.
pub(super) fn deployment(name: &str, status: Option<&Value>, resources: &Value) -> Value {
    let mut annotations = json!({});
    if let Some(status) = status {
        annotations[testbed::kwok::STATUS] = status.to_string().into();
    }
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "main"}, "spec": {
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}, "annotations": annotations},
            "spec": {"containers": [{"name": "main", "image": format!("registry.example.com/{name}:1"), "resources": resources}]},
        },
    }})
}

/// Lets a webhook judge the pods of one namespace, behind which are pods of that very namespace.
pub(super) async fn guard_pods(client: Client) {
    let webhook = json!({"metadata": {"name": "guard"}, "webhooks": [{
        "name": "pods.guard.example.com", "failurePolicy": "Fail", "sideEffects": "None", "timeoutSeconds": 1,
        "admissionReviewVersions": ["v1"], "clientConfig": {"service": {"namespace": "guard", "name": "main"}},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "guard"}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
    }]});
    let webhooks: Api<Webhooks> = Api::all(client);
    webhooks
        .create(&PostParams::default(), &serde_json::from_value(webhook).unwrap())
        .await
        .unwrap();
}

/// Keeps pods out of one namespace, as a policy engine would.
pub(super) async fn refuse_pods(client: Client) {
    let policy = json!({"metadata": {"name": "no-pods"}, "spec": {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]},
        "validations": [{"expression": "request.namespace != 'refused'", "message": "not on a Saturday"}],
    }});
    let binding =
        json!({"metadata": {"name": "no-pods"}, "spec": {"policyName": "no-pods", "validationActions": ["Deny"]}});
    let rules: Api<Rule> = Api::all(client.clone());
    rules
        .create(&PostParams::default(), &serde_json::from_value(policy).unwrap())
        .await
        .unwrap();
    let bindings: Api<Binding> = Api::all(client);
    bindings
        .create(&PostParams::default(), &serde_json::from_value(binding).unwrap())
        .await
        .unwrap();
}
