//! What Flux makes one object wait for another by.

use serde_json::Value;

use crate::graph::{Draft, Reason, Row, Subject, Whole};

/// The group of Kustomizations.
const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";
/// The group of Helm releases.
const HELM: &str = "helm.toolkit.fluxcd.io";
/// The group of sources.
const SOURCE: &str = "source.toolkit.fluxcd.io";

/// The group of what tells and hears of others.
const NOTIFICATION: &str = "notification.toolkit.fluxcd.io";
/// The group of what looks for images.
const IMAGE: &str = "image.toolkit.fluxcd.io";

/// What holds for the objects of Flux.
pub const ROWS: &[Row] = &[
    Row {
        name: "dependsOn",
        source: "kustomize-controller and helm-controller internal/controller: of the same kind only",
        draw: depends_on,
    },
    Row {
        name: "sources",
        source: "kustomize-controller, helm-controller and source-controller: sourceRef, chartRef",
        draw: sources,
    },
    Row {
        name: "what Flux reads",
        source: "kustomize-controller substituteFrom, decryption, kubeConfig; helm-controller valuesFrom; source-, notification- and image-reflector-controller secretRef",
        draw: reads,
    },
];

fn depends_on<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    for (group, kind) in [(KUSTOMIZE, "Kustomization"), (HELM, "HelmRelease")] {
        for subject in whole.of_kind(group, kind) {
            for other in items(subject.manifest.value(), "/spec/dependsOn") {
                let object = draft.of(subject);
                let other = draft.object(
                    subject.cluster,
                    (group, kind),
                    near(subject, other),
                    text(other, "/name"),
                );
                draft.must(object.healthy(), other.healthy(), Reason::DependsOn, subject);
                // What it brings waits, and not only its verdict.
                for brought in brought(whole, subject) {
                    let point = draft.of(brought).exists();
                    draft.must(point, other.healthy(), Reason::DependsOn, subject);
                }
            }
        }
    }
}

/// Returns what a Kustomization or a release brings, if it is an app.
fn brought<'w, 'p>(whole: &'w Whole<'p>, subject: &Subject<'_>) -> impl Iterator<Item = &'w Subject<'p>> {
    let app = whole.apps.iter().position(|app| {
        let id = (
            app.id.group.as_str(),
            app.id.kind.as_str(),
            app.id.namespace.as_str(),
            app.id.name.as_str(),
        );
        id == (subject.group, subject.kind, subject.namespace, subject.name)
    });
    whole.subjects.iter().filter(move |other| Some(other.app) == app)
}

fn sources<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    for (group, kind, pointer) in [
        (KUSTOMIZE, "Kustomization", "/spec/sourceRef"),
        (HELM, "HelmRelease", "/spec/chart/spec/sourceRef"),
        (HELM, "HelmRelease", "/spec/chartRef"),
        (SOURCE, "HelmChart", "/spec/sourceRef"),
    ] {
        for subject in whole.of_kind(group, kind) {
            let Some(source) = subject.manifest.value().pointer(pointer) else {
                continue;
            };
            let (kind, name) = (text(source, "/kind"), text(source, "/name"));
            if !kind.is_empty() && !name.is_empty() {
                let object = draft.of(subject);
                let source = draft.object(subject.cluster, (SOURCE, kind), near(subject, source), name);
                draft.must(object.healthy(), source.healthy(), Reason::Source, subject);
            }
        }
    }
}

fn reads<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let all = [(KUSTOMIZE, "Kustomization"), (HELM, "HelmRelease")]
        .into_iter()
        .chain(["Bucket", "GitRepository", "HelmRepository", "OCIRepository"].map(|kind| (SOURCE, kind)))
        .chain(["Provider", "Receiver"].map(|kind| (NOTIFICATION, kind)))
        .chain([(IMAGE, "ImageRepository")]);
    for subject in all.flat_map(|(group, kind)| whole.of_kind(group, kind)) {
        let value = subject.manifest.value();
        for list in ["/spec/postBuild/substituteFrom", "/spec/valuesFrom"] {
            let all = items(value, list).enumerate();
            for (index, reference) in all.filter(|(_, one)| one.get("optional") != Some(&Value::Bool(true))) {
                let kind = if text(reference, "/kind") == "ConfigMap" {
                    "ConfigMap"
                } else {
                    "Secret"
                };
                read(draft, subject, kind, reference, &format!("{list}[{index}]"));
            }
        }
        for field in [
            "/spec/secretRef",
            "/spec/certSecretRef",
            "/spec/proxySecretRef",
            "/spec/verify/secretRef",
            "/spec/chart/spec/verify/secretRef",
            "/spec/sts/secretRef",
            "/spec/sts/certSecretRef",
            "/spec/decryption/secretRef",
            "/spec/kubeConfig/secretRef",
        ] {
            if let Some(reference) = value.pointer(field) {
                read(draft, subject, "Secret", reference, field);
            }
        }
    }
}

fn read<'p>(draft: &mut Draft<'p>, subject: &Subject<'p>, kind: &'static str, reference: &'p Value, field: &str) {
    let name = text(reference, "/name");
    if !name.is_empty() {
        let object = draft.of(subject);
        let read = draft.object(subject.cluster, ("", kind), subject.namespace, name);
        let field = field.trim_start_matches('/').replace('/', ".");
        draft.must(object.healthy(), read.exists(), Reason::Reads(field), subject);
    }
}

fn near<'p>(subject: &Subject<'p>, reference: &'p Value) -> &'p str {
    match text(reference, "/namespace") {
        "" => subject.namespace,
        named => named,
    }
}

fn text<'value>(value: &'value Value, pointer: &str) -> &'value str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn items<'value>(value: &'value Value, pointer: &str) -> impl Iterator<Item = &'value Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}
