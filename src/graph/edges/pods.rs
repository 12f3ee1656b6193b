//! A container is not started without what it reads, and a pod is not made without its service account.

use serde_json::Value;

use super::super::draft::Draft;
use super::super::kinds::{items, template, text};
use super::super::reason::Reason;
use super::super::whole::{Subject, Whole};

/// Where a volume names what it needs: the pointer, the kind, the field of the name and where `optional` is.
const VOLUMES: &[(&str, &str, &str)] = &[
    ("/secret", "Secret", "/secretName"),
    ("/configMap", "ConfigMap", "/name"),
    ("/persistentVolumeClaim", "PersistentVolumeClaim", "/claimName"),
    ("/csi/nodePublishSecretRef", "Secret", "/name"),
    ("/cephfs/secretRef", "Secret", "/name"),
    ("/rbd/secretRef", "Secret", "/name"),
    ("/iscsi/secretRef", "Secret", "/name"),
    ("/azureFile", "Secret", "/secretName"),
];

/// Puts workloads behind the Secrets, ConfigMaps, claims and service accounts of their pods. They can be there without them; they
/// are not well without them.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    for subject in &whole.subjects {
        let Some(template) = template(subject.group, subject.kind) else {
            continue;
        };
        let pointer = format!("{template}/spec");
        let Some(spec) = subject.manifest.value().pointer(&pointer) else {
            continue;
        };
        let mut pod = Pod {
            draft: &mut *draft,
            subject,
            field: pointer.trim_start_matches('/').replace('/', "."),
        };
        pod.volumes(spec);
        for containers in ["initContainers", "containers"] {
            pod.containers(spec, containers);
        }
        pod.others(spec);
    }
}

struct Pod<'d, 'p> {
    draft: &'d mut Draft<'p>,
    subject: &'d Subject<'p>,
    field: String,
}

impl<'p> Pod<'_, 'p> {
    fn reads(&mut self, kind: &'static str, reference: &'p Value, name: &str, field: &str) {
        let named = text(reference, name);
        if named.is_empty() || reference.get("optional") == Some(&Value::Bool(true)) {
            return;
        }
        let field = format!("{}.{field}", self.field);
        let (object, subject) = (self.draft.of(self.subject), self.subject);
        let read = self.draft.object(subject.cluster, ("", kind), subject.namespace, named);
        // A claim binds only when a pod wants it, so nobody waits for that.
        self.draft
            .must(object.healthy(), read.exists(), Reason::Reads(field), subject);
    }

    fn volumes(&mut self, spec: &'p Value) {
        for (index, volume) in items(spec, "/volumes").enumerate() {
            for (pointer, kind, name) in VOLUMES {
                if let Some(reference) = volume.pointer(pointer) {
                    let what = pointer.trim_start_matches('/').replace('/', ".");
                    self.reads(kind, reference, name, &format!("volumes[{index}].{what}"));
                }
            }
            for (place, source) in items(volume, "/projected/sources").enumerate() {
                for (what, kind) in [("secret", "Secret"), ("configMap", "ConfigMap")] {
                    if let Some(reference) = source.get(what) {
                        let field = format!("volumes[{index}].projected.sources[{place}].{what}");
                        self.reads(kind, reference, "/name", &field);
                    }
                }
            }
        }
    }

    fn containers(&mut self, spec: &'p Value, list: &str) {
        for (index, container) in spec
            .get(list)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .enumerate()
        {
            let at = format!("{list}[{index}]");
            for (place, variable) in items(container, "/env").enumerate() {
                for (what, kind) in [("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")] {
                    if let Some(reference) = variable.get("valueFrom").and_then(|from| from.get(what)) {
                        self.reads(kind, reference, "/name", &format!("{at}.env[{place}].{what}"));
                    }
                }
            }
            for (place, all) in items(container, "/envFrom").enumerate() {
                for (what, kind) in [("secretRef", "Secret"), ("configMapRef", "ConfigMap")] {
                    if let Some(reference) = all.get(what) {
                        self.reads(kind, reference, "/name", &format!("{at}.envFrom[{place}].{what}"));
                    }
                }
            }
        }
    }

    fn others(&mut self, spec: &'p Value) {
        let subject = self.subject;
        // Without a pull secret the kubelet tries all the same, and is often turned away.
        let object = self.draft.of(subject);
        for (index, reference) in items(spec, "/imagePullSecrets").enumerate() {
            let name = text(reference, "/name");
            if !name.is_empty() {
                let secret = self
                    .draft
                    .object(subject.cluster, ("", "Secret"), subject.namespace, name);
                let field = format!("{}.imagePullSecrets[{index}]", self.field);
                self.draft
                    .may(object.healthy(), secret.exists(), Reason::Reads(field), subject);
            }
        }
        let account = match text(spec, "/serviceAccountName") {
            "" => text(spec, "/serviceAccount"),
            named => named,
        };
        // Every namespace has a `default` one.
        if !matches!(account, "" | "default") {
            let account = self
                .draft
                .object(subject.cluster, ("", "ServiceAccount"), subject.namespace, account);
            self.draft
                .must(object.healthy(), account.exists(), Reason::RunsAs, subject);
        }
    }
}
