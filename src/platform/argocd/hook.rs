//! What a sync runs instead of managing it.

use serde_json::Value;

/// The annotations that make an object a hook of Argo CD, or one of Helm's that Argo CD takes for its own.
const ANNOTATIONS: [&str; 2] = ["argocd.argoproj.io/hook", "helm.sh/hook"];

/// Whether an object is marked as a hook, of whatever kind.
pub fn is_hook(object: &Value) -> bool {
    let annotations = object.pointer("/metadata/annotations");
    ANNOTATIONS.iter().any(|name| {
        let said = annotations.and_then(|annotations| annotations.get(name)?.as_str());
        said.is_some_and(|kind| !kind.is_empty())
    })
}
