//! Objects that operators make of others, and what these take them from.

use serde_json::Value;

use super::super::draft::Draft;
use super::super::kinds::{items, text};
use super::super::reason::Reason;
use super::super::whole::{Subject, Whole};

const STORES: &str = "external-secrets.io";
const CERTIFICATES: &str = "cert-manager.io";

/// Draws what external-secrets, cert-manager and sealed-secrets make.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    for subject in whole.of_kind(STORES, "ExternalSecret") {
        let value = subject.manifest.value();
        let target = text(value, "/spec/target/name");
        // With `Merge` it adds to a Secret that somebody else makes; with `None` it makes none.
        if !matches!(text(value, "/spec/target/creationPolicy"), "Merge" | "None") {
            makes(
                draft,
                subject,
                "Secret",
                if target.is_empty() { subject.name } else { target },
            );
        }
        let store = |reference: &'p Value, field: &str, draft: &mut Draft<'p>| {
            let is_wide = text(reference, "/kind") == "ClusterSecretStore";
            let kind = if is_wide { "ClusterSecretStore" } else { "SecretStore" };
            from(draft, subject, (STORES, kind), is_wide, text(reference, "/name"), field);
        };
        if let Some(reference) = value.pointer("/spec/secretStoreRef") {
            store(reference, "spec.secretStoreRef", draft);
        }
        for (index, data) in items(value, "/spec/data").enumerate() {
            if let Some(reference) = data.pointer("/sourceRef/storeRef") {
                store(reference, &format!("spec.data[{index}].sourceRef.storeRef"), draft);
            }
        }
    }
    for kind in ["SecretStore", "ClusterSecretStore"] {
        for subject in whole.of_kind(STORES, kind) {
            if let Some(provider) = subject.manifest.value().pointer("/spec/provider") {
                logins(draft, subject, provider, "spec.provider", 0);
            }
        }
    }
    for subject in whole.of_kind(CERTIFICATES, "Certificate") {
        let value = subject.manifest.value();
        makes(draft, subject, "Secret", text(value, "/spec/secretName"));
        issuer(
            draft,
            subject,
            text(value, "/spec/issuerRef/kind"),
            text(value, "/spec/issuerRef/name"),
            value,
        );
    }
    for kind in ["Issuer", "ClusterIssuer"] {
        for subject in whole.of_kind(CERTIFICATES, kind) {
            let name = subject.manifest.text("/spec/ca/secretName");
            if !name.is_empty() {
                // One of the whole cluster reads where cert-manager itself runs, which need not be called so.
                let namespace = if subject.namespace.is_empty() {
                    "cert-manager"
                } else {
                    subject.namespace
                };
                let object = draft.of(subject);
                let secret = draft.object(subject.cluster, ("", "Secret"), namespace, name);
                draft.may(
                    object.healthy(),
                    secret.exists(),
                    Reason::Reads("spec.ca.secretName".into()),
                    subject,
                );
            }
        }
    }
    for subject in whole.of_kind("bitnami.com", "SealedSecret") {
        let name = subject.manifest.text("/spec/template/metadata/name");
        makes(
            draft,
            subject,
            "Secret",
            if name.is_empty() { subject.name } else { name },
        );
    }
}

/// Says that an object makes another in its namespace.
fn makes<'p>(draft: &mut Draft<'p>, maker: &Subject<'p>, kind: &'static str, name: &'p str) {
    if !name.is_empty() {
        let object = draft.of(maker);
        let made = draft.object(maker.cluster, ("", kind), maker.namespace, name);
        draft.must(made.exists(), object.healthy(), Reason::Makes, maker);
    }
}

fn from<'p>(
    draft: &mut Draft<'p>,
    subject: &Subject<'p>,
    kind: (&'static str, &'static str),
    is_wide: bool,
    name: &'p str,
    field: &str,
) {
    if !name.is_empty() {
        let object = draft.of(subject);
        let namespace = if is_wide { "" } else { subject.namespace };
        let store = draft.object(subject.cluster, kind, namespace, name);
        draft.must(
            object.healthy(),
            store.healthy(),
            Reason::From(field.to_owned()),
            subject,
        );
    }
}

fn issuer<'p>(draft: &mut Draft<'p>, subject: &Subject<'p>, kind: &'p str, name: &'p str, value: &'p Value) {
    // Other groups have issuers of their own, which are objects like any other.
    let group = text(value, "/spec/issuerRef/group");
    if matches!(group, "" | CERTIFICATES) {
        let is_wide = kind == "ClusterIssuer";
        let kind = if is_wide { "ClusterIssuer" } else { "Issuer" };
        from(draft, subject, (CERTIFICATES, kind), is_wide, name, "spec.issuerRef");
    }
}

/// A store logs in with what Secrets and service accounts hold, wherever its provider names them.
fn logins<'p>(draft: &mut Draft<'p>, subject: &Subject<'p>, value: &'p Value, field: &str, depth: usize) {
    let Some(map) = value.as_object().filter(|_| depth < 8) else {
        return;
    };
    for (key, inner) in map {
        let field = format!("{field}.{key}");
        let name = text(inner, "/name");
        let is_secret = key.to_lowercase().ends_with("secretref") || key == "tokenSecretRef";
        let namespace = match text(inner, "/namespace") {
            "" => subject.namespace,
            named => named,
        };
        if !name.is_empty() && !namespace.is_empty() && (is_secret || key == "serviceAccountRef") {
            let kind = if is_secret { "Secret" } else { "ServiceAccount" };
            let object = draft.of(subject);
            let read = draft.object(subject.cluster, ("", kind), namespace, name);
            draft.must(object.healthy(), read.exists(), Reason::Reads(field), subject);
        } else {
            logins(draft, subject, inner, &field, depth + 1);
        }
    }
}
