//! What is a hook for Argo CD.

use crate::object::Manifest;

const HOOK: &str = "/metadata/annotations/argocd.argoproj.io~1hook";
const OF_HELM: &str = "/metadata/annotations/helm.sh~1hook";
/// What runs in a sync, and what is never made (`NewHookType` in `gitops-engine/pkg/sync/common`).
const KINDS: [&str; 5] = ["PreSync", "Sync", "PostSync", "SyncFail", "Skip"];
/// What of Helm's hooks runs in a sync (`gitops-engine/pkg/sync/hook/helm`).
const KINDS_OF_HELM: [&str; 4] = ["pre-install", "pre-upgrade", "post-install", "post-upgrade"];

/// Parts hooks from what is managed. Argo CD takes Helm's hooks for its own (`hook.IsHook` in `gitops-engine`).
///
/// Left out is what a sync does not make: hooks that run on deletion, those that only Helm knows, such as tests
/// (`ignore.Ignore`), and what is marked `Skip`, which Argo CD lists and never applies.
pub(super) fn apart(manifests: Vec<Manifest>) -> (Vec<Manifest>, Vec<Manifest>) {
    let (mut hooks, mut objects) = (Vec::new(), Vec::new());
    for manifest in manifests {
        let kinds = kinds(&manifest);
        if kinds == ["Skip"] {
            continue;
        }
        if !is_hook(&manifest) {
            objects.push(manifest);
        } else if !kinds.is_empty() {
            hooks.push(manifest);
        }
    }
    (hooks, objects)
}

fn is_hook(manifest: &Manifest) -> bool {
    let of_helm = manifest.value().pointer(OF_HELM);
    manifest.value().pointer(HOOK).is_some() || of_helm.is_some_and(|kind| kind != "crd-install")
}

fn kinds(manifest: &Manifest) -> Vec<&str> {
    let known = |pointer: &str, known: &[&str]| -> Vec<&str> {
        let words = manifest.text(pointer).split(',').map(str::trim);
        words.filter(|word| known.contains(word)).collect()
    };
    let kinds = known(HOOK, &KINDS);
    if kinds.is_empty() {
        known(OF_HELM, &KINDS_OF_HELM)
    } else {
        kinds
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Origin;

    #[test]
    fn hooks_are_told_as_argo_cd_tells_them() {
        let made = |annotations: serde_json::Value| {
            let object =
                json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "annotations": annotations}});
            let (hooks, objects) = apart(vec![Manifest::new(object, Origin::default()).unwrap()]);
            (hooks.len(), objects.len())
        };
        let (hook, object, neither) = ((1, 0), (0, 1), (0, 0));
        for (argo, helm, expected) in [
            ("", "", object),
            ("PreSync", "", hook),
            ("PreSync,PostSync", "", hook),
            ("Skip", "", neither),
            ("Sync, Skip", "", hook),
            ("", "pre-install", hook),
            ("", "pre-install,pre-upgrade", hook),
            ("", "post-delete", neither),
            ("PostDelete", "", neither),
            ("anything", "post-install", hook),
            ("", "crd-install", object),
            ("", "test", neither),
            ("", "pre-rollback", neither),
            ("Sync", "test", hook),
        ] {
            let mut annotations = json!({});
            if !argo.is_empty() {
                annotations["argocd.argoproj.io/hook"] = json!(argo);
            }
            if !helm.is_empty() {
                annotations["helm.sh/hook"] = json!(helm);
            }
            assert_eq!(made(annotations), expected, "{argo} {helm}");
        }
    }
}
