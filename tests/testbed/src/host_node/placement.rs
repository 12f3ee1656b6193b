//! Sends pods to the host node by their image, without a change to what was applied.
//!
//! An admission policy of the API server names the node in the pod as it is created: Deployments and their
//! templates stay byte for byte what the restore wrote, and the scheduler has no part in it.

use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::json;

use super::NAME;
use super::program::{IMAGES, has_program};
use crate::{Error, Result};

const POLICY: &str = "testbed-host-node";

/// Puts the policy in place and waits until the API server follows it.
pub(super) async fn establish(client: &Client) -> Result<()> {
    for (kind, spec) in [
        ("MutatingAdmissionPolicy", policy()),
        ("MutatingAdmissionPolicyBinding", json!({"policyName": POLICY})),
    ] {
        let gvk = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1beta1", kind);
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&gvk));
        let object = json!({
            "apiVersion": "admissionregistration.k8s.io/v1beta1",
            "kind": kind,
            "metadata": {"name": POLICY},
            "spec": spec,
        });
        api.patch(POLICY, &PatchParams::apply("testbed"), &Patch::Apply(&object))
            .await
            .map_err(Error::kube("place pods by their image"))?;
    }
    in_force(client).await
}

fn policy() -> serde_json::Value {
    let images = IMAGES.join("|");
    json!({
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": {"resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]},
        ]},
        "matchConditions": [{
            "name": "has-a-program",
            "expression": format!("object.spec.containers.exists(c, c.image.matches('(^|/)({images})([:@].*)?$'))"),
        }],
        "mutations": [{
            "patchType": "JSONPatch",
            "jsonPatch": {"expression": format!("[JSONPatch{{op: 'add', path: '/spec/nodeName', value: '{NAME}'}}]")},
        }],
    })
}

/// The API server learns of its own policies by a watch: asks by dry runs until a pod is placed.
async fn in_force(client: &Client) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let image = format!("example.com/{}:1", IMAGES[0]);
    debug_assert!(has_program(&image));
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": "testbed-placement"},
        "spec": {"containers": [{"name": "x", "image": image}], "automountServiceAccountToken": false},
    }))
    .map_err(|error| Error::Other(format!("describe a pod: {error}")))?;
    let dry_run = PostParams {
        dry_run: true,
        field_manager: None,
    };
    let mut refusal = None;
    for _ in 0..600 {
        match pods.create(&dry_run, &pod).await {
            Ok(pod) => {
                if pod.spec.is_some_and(|spec| spec.node_name.as_deref() == Some(NAME)) {
                    return Ok(());
                }
            }
            // The ServiceAccount `default` comes a moment after the namespace.
            Err(error) => refusal = Some(error),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Err(refusal.map_or_else(
        || Error::Other("have the API server follow the policy that places pods".to_owned()),
        Error::kube("place pods by their image"),
    ))
}
