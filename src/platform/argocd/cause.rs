//! Why a sync failed, as far as it can be seen whether that is still so.
//!
//! Texts: `util/argo/argo.go` (`FormatMissing…`), `gitops-engine/pkg/sync/sync_context.go`, client-go and the API server's
//! admission (`k8s.io/apiserver/pkg/admission/plugin/webhook`).

use std::fmt;

use super::application::{Application, Operation, Resource};
use crate::object::ObjectRef;

/// One thing for which a sync failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A kind that was not served.
    Kind {
        /// Its group; empty for the core group.
        group: String,
        /// The kind.
        kind: String,
    },
    /// A namespace that was not there.
    Namespace(String),
    /// A webhook that did not answer.
    Webhook {
        /// The namespace of its Service.
        namespace: String,
        /// The name of its Service.
        service: String,
    },
    /// An object that the sync waited for, such as a child Application, and that was Degraded.
    Unwell(ObjectRef),
    /// Something else.
    Unknown,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { group, kind } if group.is_empty() => f.write_str(kind),
            Self::Kind { group, kind } => write!(f, "{kind}.{group}"),
            Self::Namespace(name) => write!(f, "Namespace {name}"),
            Self::Webhook { namespace, service } => write!(f, "Service {namespace}/{service} of a webhook"),
            Self::Unwell(object) => write!(f, "{object}"),
            Self::Unknown => f.write_str("a cause that cannot be watched"),
        }
    }
}

impl Cause {
    /// Returns the word for how it must become: `served`, `there`.
    pub fn wanted(&self) -> &'static str {
        match self {
            Self::Kind { .. } => "served",
            Self::Namespace(_) => "there",
            Self::Webhook { .. } => "ready",
            Self::Unwell(_) => "Healthy",
            Self::Unknown => "gone",
        }
    }
}

/// Returns for what a sync failed; never nothing.
pub fn causes(app: Application<'_>, operation: Operation<'_>) -> Vec<Cause> {
    let mut causes: Vec<Cause> = operation
        .results()
        .filter(|result| result.status() == "SyncFailed" || matches!(result.hook_phase(), "Failed" | "Error"))
        .map(|result| of_result(app, result))
        .collect();
    if causes.is_empty() {
        causes.push(of_text(operation.message()).unwrap_or(Cause::Unknown));
    }
    causes.sort();
    causes.dedup();
    causes
}

fn of_result(app: Application<'_>, result: Resource<'_>) -> Cause {
    let id = result.id();
    if let Some(cause) = of_text(result.message()) {
        return cause;
    }
    // Of a kind that is not served, discovery and the REST client say no more than this.
    if result
        .message()
        .contains("the server could not find the requested resource")
    {
        return Cause::Kind {
            group: id.group,
            kind: id.kind,
        };
    }
    // It was applied, and the sync waited in vain for its health (`sync_context.go`, `Sync`).
    if result.status() == "Synced" && !result.is_hook() {
        return Cause::Unwell(app.with_namespace(id));
    }
    Cause::Unknown
}

/// Returns what a message says that something failed for; `None` where it does not tell.
pub(in crate::platform) fn of_text(text: &str) -> Option<Cause> {
    missing_kind(text)
        .or_else(|| missing_namespace(text))
        .or_else(|| webhook(text))
}

/// `The Kubernetes API could not find cert-manager.io/Certificate for requested resource …`,
/// `no matches for kind "Certificate" in version "cert-manager.io/v1"`, or, where other kinds of its group are served,
/// `Certificate.cert-manager.io "" not found` (`gitops-engine/pkg/utils/kube/kube.go`, `ServerResourceForGroupVersionKind`).
fn missing_kind(text: &str) -> Option<Cause> {
    if let Some(rest) = after(text, "could not find ")
        && let Some((named, _)) = rest.split_once(" for requested resource")
    {
        let (group, kind) = named.rsplit_once('/')?;
        return kind_of(group, kind);
    }
    if let Some((named, _)) = text.split_once(" \"\" not found") {
        let named = named.rsplit(' ').next()?;
        let (kind, group) = named.split_once('.').unwrap_or((named, ""));
        return kind_of(group, kind);
    }
    let rest = after(text, "no matches for kind \"")?;
    let (kind, rest) = rest.split_once('"')?;
    let version = after(rest, "in version \"")?.split('"').next()?;
    kind_of(version.split_once('/').map_or("", |(group, _)| group), kind)
}

fn kind_of(group: &str, kind: &str) -> Option<Cause> {
    let is_word = |text: &str| {
        text.chars()
            .all(|letter| letter.is_ascii_alphanumeric() || ".-".contains(letter))
    };
    (!kind.is_empty() && is_word(group) && is_word(kind)).then(|| Cause::Kind {
        group: group.to_owned(),
        kind: kind.to_owned(),
    })
}

/// `namespaces "shop" not found`.
fn missing_namespace(text: &str) -> Option<Cause> {
    let (name, rest) = after(text, "namespaces \"")?.split_once('"')?;
    rest.starts_with(" not found")
        .then(|| Cause::Namespace(name.to_owned()))
}

/// `failed calling webhook "w": failed to call webhook: Post "https://NAME.NAMESPACE.svc:443/…": …`.
fn webhook(text: &str) -> Option<Cause> {
    let rest = after(text, "failed calling webhook")?;
    let host = after(rest, "https://")?.split(['/', ':', '"', '?']).next()?;
    let (service, rest) = host.split_once('.')?;
    let (namespace, rest) = rest.split_once('.')?;
    (rest == "svc").then(|| Cause::Webhook {
        namespace: namespace.to_owned(),
        service: service.to_owned(),
    })
}

fn after<'text>(text: &'text str, mark: &str) -> Option<&'text str> {
    text.split_once(mark).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn said(message: &str, results: &Value) -> Vec<String> {
        let object = json!({"spec": {"destination": {"namespace": "shop"}}, "status": {"operationState": {
            "phase": "Failed", "message": message, "syncResult": {"resources": results},
        }}});
        let app = Application::new(&object);
        causes(app, app.operation().unwrap())
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn what_a_sync_failed_for_is_read_from_what_it_says() {
        let tried = "failed calling webhook \"w.example.com\": failed to call webhook: Post \"https://hook.cert-manager.svc:443/mutate?timeout=10s\": no endpoints available for service \"hook\"";
        for (message, expected) in [
            (
                "The Kubernetes API could not find shop.example.com/Widget for requested resource shop/one. Make sure the \"Widget\" CRD is installed on the destination cluster.",
                "Widget.shop.example.com",
            ),
            (
                "The Kubernetes API could not find /Gadget for requested resource shop/one. Make",
                "Gadget",
            ),
            (
                "error: no matches for kind \"Widget\" in version \"shop.example.com/v1\"",
                "Widget.shop.example.com",
            ),
            ("no matches for kind \"Widget\" in version \"v1\"", "Widget"),
            ("Widget.shop.example.com \"\" not found", "Widget.shop.example.com"),
            ("error: Widget \"\" not found (retried 1 times).", "Widget"),
            ("namespaces \"shop\" not found", "Namespace shop"),
            (tried, "Service cert-manager/hook of a webhook"),
            (
                "failed calling webhook \"w\": Post \"https://hooks.example.com/\": EOF",
                "a cause that cannot be watched",
            ),
            (
                "could not find the way for requested resource x",
                "a cause that cannot be watched",
            ),
            (
                "admission webhook \"w\" denied the request: no",
                "a cause that cannot be watched",
            ),
            ("", "a cause that cannot be watched"),
        ] {
            assert_eq!(said(message, &json!([])), [expected], "{message}");
            let failed = json!([{"group": "g", "kind": "K", "name": "n", "status": "SyncFailed", "message": message}]);
            assert_eq!(
                said("one or more objects failed to apply", &failed),
                [expected],
                "{message}"
            );
        }
    }

    #[test]
    fn every_result_that_failed_names_its_own_cause_once() {
        let results = json!([
            {"group": "a.io", "kind": "One", "namespace": "n", "name": "x", "status": "SyncFailed", "message": "the server could not find the requested resource"},
            {"group": "a.io", "kind": "One", "namespace": "n", "name": "y", "status": "SyncFailed", "message": "the server could not find the requested resource"},
            {"group": "argoproj.io", "kind": "Application", "namespace": "argocd", "name": "child", "status": "Synced", "hookPhase": "Failed", "message": ""},
            {"group": "apps", "kind": "Deployment", "name": "cart", "status": "Synced", "hookPhase": "Failed"},
            {"group": "batch", "kind": "Job", "namespace": "n", "name": "migrate", "status": "Synced", "hookType": "PreSync", "hookPhase": "Failed", "message": "BackoffLimitExceeded"},
            {"group": "", "kind": "Service", "namespace": "n", "name": "well", "status": "Synced", "hookPhase": "Running"},
        ]);
        assert_eq!(
            said("one or more synchronization tasks completed unsuccessfully", &results),
            [
                "One.a.io",
                "Deployment.apps shop/cart",
                "Application.argoproj.io argocd/child",
                "a cause that cannot be watched",
            ]
        );
    }
}
