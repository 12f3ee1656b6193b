//! A webhook that waits for the pods that it refuses: it fails closed while nothing is ready behind its Service, and what is behind
//! that Service are pods which nobody may make without it. No time mends that.

use serde_json::Value;

use crate::object::ObjectRef;
use crate::platform::argocd::cause::{Cause, of_text};

/// A webhook that could not be asked, so that what it would have judged was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The webhook.
    pub(super) webhook: String,
    /// The Service by which it is reached.
    pub(super) service: ObjectRef,
}

/// Returns which webhook could not be asked, where a refusal says so (`k8s.io/apiserver/pkg/admission/plugin/webhook`):
/// `failed calling webhook "w": failed to call webhook: Post "https://NAME.NAMESPACE.svc:443/…": …`.
pub(super) fn refusal(text: &str) -> Option<Refusal> {
    let (_, rest) = text.split_once("failed calling webhook \"")?;
    let (webhook, _) = rest.split_once('"')?;
    let Some(Cause::Webhook { namespace, service }) = of_text(text) else {
        return None;
    };
    Some(Refusal {
        webhook: webhook.to_owned(),
        service: ObjectRef::new("v1", "Service", &namespace, &service),
    })
}

/// Tells the chain, and what breaks it. `behind` is the workload whose pods the Service would lead to.
pub(super) fn words(refusal: &Refusal, behind: &ObjectRef) -> String {
    let Refusal { webhook, service } = refusal;
    let namespace = &behind.namespace;
    format!(
        "deadlock: webhook `{webhook}` fails closed ← {service} ← {behind}, whose own pods it refuses: \
         keep namespace {namespace} out of it (`namespaceSelector`), or set its `failurePolicy: Ignore` until that is ready"
    )
}

/// Labels, or what chooses by them.
pub(super) type Labels = Vec<(String, String)>;

/// Returns the labels at a JSON pointer, in the order of their names.
pub(super) fn labels(object: &Value, pointer: &str) -> Labels {
    let all = object.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
    let mut labels: Labels = all
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    labels.sort();
    labels
}
