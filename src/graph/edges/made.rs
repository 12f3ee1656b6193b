//! Objects that operators make of others, and what these take them from.

use std::collections::HashSet;

use serde_json::Value;

use super::super::draft::Draft;
use super::super::kinds::text;
use super::super::reason::Reason;
use super::super::whole::{Subject, Whole};

const CERTIFICATES: &str = "cert-manager.io";

/// The Secrets that are there before any app, such as those that the runbook restores: what makes them finds them, and nobody waits for it.
pub(super) struct There<'p>(HashSet<(&'p str, &'p str, &'p str)>);

impl<'p> There<'p> {
    pub(super) fn of(whole: &Whole<'p>) -> Self {
        let secrets = whole.known.given.iter().filter(|given| given.id.kind == "Secret");
        let named = secrets.map(|given| {
            (
                given.cluster.as_str(),
                given.id.namespace.as_str(),
                given.id.name.as_str(),
            )
        });
        Self(named.collect())
    }
}

/// Draws what cert-manager and sealed-secrets make.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let there = There::of(whole);
    for subject in whole.of_kind(CERTIFICATES, "Certificate") {
        let value = subject.manifest.value();
        makes(
            draft,
            &there,
            subject,
            subject.namespace,
            text(value, "/spec/secretName"),
        );
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
        let name = if name.is_empty() { subject.name } else { name };
        makes(draft, &there, subject, subject.namespace, name);
    }
}

/// Says that an object makes a Secret in a namespace.
pub(super) fn makes<'p>(
    draft: &mut Draft<'p>,
    there: &There<'p>,
    maker: &Subject<'p>,
    namespace: &'p str,
    name: &'p str,
) {
    if !name.is_empty() && !there.0.contains(&(maker.cluster, namespace, name)) {
        let object = draft.of(maker);
        let made = draft.object(maker.cluster, ("", "Secret"), namespace, name);
        draft.must(made.exists(), object.healthy(), Reason::Makes, maker);
    }
}

/// Says that an object takes what it makes from another, in its own namespace or in none.
pub(super) fn from<'p>(
    draft: &mut Draft<'p>,
    subject: &Subject<'p>,
    kind: (&'static str, &'p str),
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
