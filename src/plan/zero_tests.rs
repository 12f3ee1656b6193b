use super::*;
use crate::graph::fixture::Scene;
use crate::graph::{Given, Standing};
use crate::platform::flux;
use crate::runbook;

const STORE: &str = "
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: vault}
spec: {provider: {vault: {auth: {tokenSecretRef: {name: vault-token, namespace: eso, key: token}}}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec: {secretStoreRef: {kind: ClusterSecretStore, name: vault}}
";

/// The login of the store, made out of the store.
const OWN: &str = "
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: token, namespace: eso}
spec: {secretStoreRef: {kind: ClusterSecretStore, name: vault}, target: {name: vault-token}}
";

const FLUX_OBJECTS: &str = "
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  decryption: {provider: sops, secretRef: {name: sops-age}}
  postBuild: {substituteFrom: [{kind: Secret, name: vars}, {kind: Secret, name: never, optional: true}]}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Receiver
metadata: {name: hook, namespace: flux-system}
spec: {secretRef: {name: hook-token}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: platform, namespace: flux-system}
spec: {secretRef: {name: vars}}
";

const STORES: &str = "stores:\n  - vault: {address: \"https://v.example.com\", auth: {token: {env: T}}}\n";

/// Reads a runbook with these secrets.
#[track_caller]
fn runbook_with(secrets: &str) -> Runbook {
    let text = format!(
        "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {{context: new}}\n\
         sources:\n  platform: {{git: \"https://git.example.com/p.git\", revision: main}}\n{STORES}\
         agent: {{argocd: {{from: {{source: platform, path: argocd}}}}}}\n\
         roots:\n  - {{id: apps, source: platform, path: apps}}\n{secrets}"
    );
    let (runbook, findings) = runbook::parse("shop.yaml", &text);
    runbook.unwrap_or_else(|| panic!("{text}\n{findings:?}"))
}

/// Returns what is said of a platform of which the runbook restores these Secrets.
fn said(text: &str, secrets: &str, restored: &[(&str, &str)]) -> Vec<String> {
    let mut scene = Scene::default().root("infra", text).rules(flux::graph::ROWS);
    scene.known.given = restored
        .iter()
        .map(|(namespace, name)| Given {
            cluster: String::new(),
            id: ObjectRef::new("v1", "Secret", namespace, name),
            by: Standing::Runbook,
            opens: None,
        })
        .collect();
    unopened(&scene.graph(), &scene.platform, &runbook_with(secrets))
}

#[test]
fn the_login_of_a_store_that_nobody_brings_is_told_with_the_entry_that_the_runbook_lacks() {
    let told = said(STORE, "", &[]);
    assert_eq!(
        told,
        [
            "ClusterSecretStore.external-secrets.io vault logs in with Secret eso/vault-token \
          (spec.provider.vault.auth.tokenSecretRef, platform:infra.yaml:2), which neither the runbook restores nor any app that is \
          known brings. Without it vault cannot become ready. Write under `secrets`: `vault-token: {as: {namespace: eso, type: Opaque}, \
          from: [{vault: PATH}]}`, with the key `token`."
        ]
    );
    assert_eq!(said(STORE, "", &[("eso", "vault-token")]), [""; 0]);
    let brought =
        format!("{STORE}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: vault-token, namespace: eso}}\n");
    assert_eq!(said(&brought, "", &[]), [""; 0]);
}

#[test]
fn what_is_to_be_written_is_a_runbook_that_restores_just_that_secret() {
    let other = "secrets:\n  vault-token: {as: {namespace: shop, type: Opaque}, from: [{vault: dr/x}]}\n";
    let dotted = STORE.replace("name: vault-token", "name: vault.token");
    for (text, secrets, name) in [
        (STORE, "", "vault-token"),
        (STORE, other, "vault-token"),
        (&dotted, "", "vault.token"),
    ] {
        let told = said(text, secrets, &[]).remove(0);
        let entry = told.split('`').nth(3).unwrap().replace("PATH", "dr/token");
        let all = if secrets.is_empty() { "secrets:\n" } else { secrets };
        let runbook = runbook_with(&format!("{all}  {entry}\n"));
        let id = ObjectRef::new("v1", "Secret", "eso", name);
        assert!(named(&runbook, &id).is_some(), "{entry}");
    }
}

#[test]
fn a_login_that_comes_out_of_its_own_store_is_a_circle_unless_the_runbook_restores_it() {
    let circle = format!("{STORE}{OWN}");
    let told = said(&circle, "", &[]);
    assert_eq!(told.len(), 1, "{told:#?}");
    for words in [
        "ClusterSecretStore.external-secrets.io vault logs in with Secret eso/vault-token",
        "and ExternalSecret.external-secrets.io eso/token makes that out of the same store: each waits for the other",
        "`vault-token: {as: {namespace: eso, type: Opaque}, from: [{vault: PATH}]}`, with the key `token`",
    ] {
        assert!(told[0].contains(words), "{words}: {told:#?}");
    }
    // Restored first and kept fresh by the store afterwards: the usual way, and no circle.
    assert_eq!(said(&circle, "", &[("eso", "vault-token")]), [""; 0]);
}

#[test]
fn a_secret_that_is_optional_in_the_runbook_and_was_nowhere_is_told_by_its_name_there() {
    let optional = "secrets:\n  zero: {as: {namespace: eso, type: Opaque, name: vault-token}, from: [{vault: dr/zero}], optional: true}\n";
    let told = said(STORE, optional, &[]);
    for words in [
        "which `zero` of the runbook restores where a store has it, and none has",
        "Store it where `zero` is read, with the key `token`.",
    ] {
        assert!(told[0].contains(words), "{words}: {told:#?}");
    }
}

#[test]
fn what_objects_of_flux_are_decrypted_filled_and_read_with_is_told_once_a_secret() {
    let told = said(FLUX_OBJECTS, "", &[]);
    let begin = "Kustomization.kustomize.toolkit.fluxcd.io flux-system/apps reads Secret flux-system/sops-age";
    assert_eq!(told.len(), 3, "{told:#?}");
    for words in [
        begin,
        "`sops-age: {as: {namespace: flux-system, type: Opaque}, from: [{vault: PATH}]}`, with the key `NAME.agekey`",
        "Receiver.notification.toolkit.fluxcd.io flux-system/hook reads Secret flux-system/hook-token (spec.secretRef",
        "with the key `token`",
        ", and 1 more that reads it, cannot become ready",
    ] {
        assert!(told.iter().any(|told| told.contains(words)), "{words}: {told:#?}");
    }
    let all = ["sops-age", "vars", "hook-token"].map(|name| ("flux-system", name));
    assert_eq!(said(FLUX_OBJECTS, "", &all), [""; 0]);
}

#[test]
fn of_a_mistake_in_a_template_the_first_few_are_told() {
    let store = |at: usize| {
        format!(
            "---\napiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {{name: s, namespace: n{at}}}\n\
             spec: {{provider: {{vault: {{auth: {{tokenSecretRef: {{name: t, key: token}}}}}}}}}}\n"
        )
    };
    let told = said(&(0..20).map(store).collect::<String>(), "", &[]);
    assert_eq!(told.len(), SHOWN + 1);
    assert!(told[SHOWN].starts_with("12 more"), "{told:#?}");
}
