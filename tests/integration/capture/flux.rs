//! A platform of Flux, whose own objects say which Secrets they read. Its controllers do not run here.

use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::runtime::wait::{await_condition, conditions};
use serde_json::{Value, json};

use super::platform::{CAPTURE, capture, keeper, put};
use crate::restore::scene::{PASSWORD, RUNBOOK, Scene};

/// A kind as far as a reader of references needs it.
fn definition(group: &str, kind: &str, plural: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase()},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    })
}

/// Makes a platform of Flux with one repository, which opens with the Secret `flux-system`, and one Kustomization.
pub(super) async fn platform(live: &Client) {
    let read = json!({
        "decryption": {"provider": "sops", "secretRef": {"name": "sops-age"}},
        "postBuild": {"substituteFrom": [{"kind": "Secret", "name": "not-there"}]},
    });
    let opened = json!({"secretRef": {"name": "flux-system"}});
    for (group, kind, plural, spec) in [
        ("source.toolkit.fluxcd.io", "GitRepository", "gitrepositories", opened),
        ("kustomize.toolkit.fluxcd.io", "Kustomization", "kustomizations", read),
    ] {
        let crds = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
        let crds: Api<DynamicObject> = Api::all_with(live.clone(), &ApiResource::from_gvk(&crds));
        let by = PatchParams::apply("test");
        let name = format!("{plural}.{group}");
        let definition = Patch::Apply(definition(group, kind, plural));
        crds.patch(&name, &by, &definition).await.unwrap();
        let typed = Api::all(live.clone());
        await_condition(typed, &name, conditions::is_crd_established())
            .await
            .unwrap();
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural);
        let objects: Api<DynamicObject> = Api::namespaced_with(live.clone(), "default", &resource);
        let object =
            json!({"apiVersion": format!("{group}/v1"), "kind": kind, "metadata": {"name": "platform"}, "spec": spec});
        objects.patch("platform", &by, &Patch::Apply(object)).await.unwrap();
    }
    let login: [(&str, &[u8]); 2] = [("username", b"dr"), ("password", PASSWORD.as_bytes())];
    put(live, "default", "flux-system", "Opaque", &login).await;
    put(
        live,
        "default",
        "sops-age",
        "Opaque",
        &[("age.agekey", b"c4n4ry-of-age")],
    )
    .await;
}

/// The runbook of that platform, with more secrets.
pub(super) fn runbook(secrets: &str) -> String {
    let own =
        format!("  flux-system: {{as: {{namespace: default, type: Opaque}}, from: [{{vault: dr/flux}}]}}\n{secrets}");
    RUNBOOK
        .replace("agent: {argocd:", "agent: {flux:")
        .replace(
            "  repo-platform: {as: argocd/repository, from: [{vault: dr/repo-platform}]}\n",
            &own,
        )
        .replace(
            "  argocd-secret: {as: argocd/argocd-secret, from: [{vault: dr/argocd-secret}]}\n",
            "",
        )
        .replace("credentials: repo-platform", "credentials: flux-system")
        .replace("roots:\n", CAPTURE)
}

#[tokio::test]
async fn what_objects_of_flux_read_is_named_where_the_runbook_does_not() {
    let scene = Scene::start().await;
    platform(&scene.outage.bed.admin()).await;
    let ran = capture(&scene, &keeper(&scene).await, &runbook(""), &[]).await;
    assert_eq!(ran.code, 1, "{}", ran.said());
    for words in [
        "flux-system  vault dr/flux  new",
        "Secret default/sops-age, for Kustomization default/platform",
        "sops-age: {as: {namespace: default, type: Opaque}, from: {vault: dr/sops-age}}",
    ] {
        assert!(ran.out.contains(words), "“{words}” is not said:\n{}", ran.said());
    }
    let nobody = ran.out.contains("not-there");
    assert!(
        !nobody,
        "what the cluster does not have cannot be captured:\n{}",
        ran.said()
    );
}
