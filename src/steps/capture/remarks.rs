//! What the runbook says of a secret otherwise than the cluster has it.

use std::collections::BTreeMap;

use super::live::Living;
use crate::finding::Finding;
use crate::runbook::{Runbook, SecretShape, SecretSpec};

/// Labels that agents and package managers put onto what they know, and put there again.
const OF_PROGRAMS: [&str; 4] = [
    "app.kubernetes.io/",
    "argocd.argoproj.io/",
    "helm.sh/",
    "kustomize.toolkit.fluxcd.io/",
];

/// Says what a restore would make otherwise than it is now, whatever the stores hold.
pub(super) fn remarks(runbook: &Runbook, name: &str, spec: &SecretSpec, living: &Living) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut warn = |rule, message: String, help: &str| {
        found.push(Finding::warning(rule, format!("secret `{name}`: {message}")).help(help));
    };
    let none = BTreeMap::new();
    let labels = if let SecretShape::Kubernetes { labels, .. } = &spec.shape {
        labels
    } else {
        // Those by which ApplicationSets choose stand with the cluster.
        let mut clusters = runbook.clusters.values();
        let cluster = clusters.find(|cluster| cluster.secret.as_deref() == Some(name));
        cluster.map_or(&none, |cluster| &cluster.labels)
    };
    let is_own = |label: &&String| !OF_PROGRAMS.iter().any(|prefix| label.starts_with(prefix));
    let lost: Vec<&str> = living
        .labels
        .iter()
        .filter(|(label, value)| labels.get(*label) != Some(value))
        .map(|(label, _)| label)
        .filter(is_own)
        .map(String::as_str)
        .collect();
    if !lost.is_empty() && !matches!(spec.shape, SecretShape::SealedKeys { .. }) {
        warn(
            "capture/labels",
            format!("a restore does not give it the labels that it has: {}", lost.join(", ")),
            "write them under `labels` in the runbook, of a cluster's Secret under `clusters`, if anything chooses by them",
        );
    }
    if let SecretShape::Kubernetes { kind, immutable, .. } = &spec.shape {
        if *kind != living.kind {
            warn(
                "capture/another-type",
                format!(
                    "it has the type `{}` in the cluster, and a restore makes it `{kind}`",
                    living.kind
                ),
                "correct `type` in the runbook",
            );
        }
        if living.immutable && !immutable {
            warn(
                "capture/immutable",
                "it is immutable in the cluster, and a restore makes it so that it can be changed".into(),
                "say `immutable: true` in the runbook",
            );
        }
    }
    let differing: Vec<&str> = spec
        .set
        .iter()
        .filter(|(key, value)| {
            living
                .data
                .get(*key)
                .is_some_and(|live| live.expose() != value.as_bytes())
        })
        .map(|(key, _)| key.as_str())
        .collect();
    if !differing.is_empty() {
        warn(
            "capture/set",
            format!(
                "the cluster has another value than `set` in the runbook: {}",
                differing.join(", ")
            ),
            "correct `set` in the runbook",
        );
    }
    let is_left_out = |key: &&String| {
        !spec.set.contains_key(*key)
            && spec
                .from
                .iter()
                .any(|from| !from.keys.is_empty() && !from.keys.contains_key(*key))
    };
    let left_out: Vec<&str> = living.data.keys().filter(is_left_out).map(String::as_str).collect();
    if !left_out.is_empty() {
        warn(
            "capture/left-out",
            format!(
                "a restore does not bring all its keys, for `keys` in the runbook does not name {}",
                left_out.join(", ")
            ),
            "name them under `keys`, or leave `keys` out",
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Secret;

    fn runbook(of: &str) -> Runbook {
        let text = format!(
            "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {{context: new}}\n\
             sources:\n  platform: {{git: \"https://git.example.com/p.git\", revision: main}}\n\
             stores:\n  - aws: {{region: eu-west-1}}\n\
             agent: {{argocd: {{from: {{source: platform, path: argocd}}}}}}\n\
             secrets:\n  db: {of}\n\
             roots:\n  - {{id: apps, source: platform, path: apps}}\n"
        );
        let (runbook, findings) = crate::runbook::parse("shop.yaml", &text);
        runbook.unwrap_or_else(|| panic!("{findings:?}"))
    }

    #[test]
    fn what_a_restore_would_make_otherwise_is_told() {
        let living = Living {
            data: BTreeMap::from([
                ("user".into(), Secret::from("dr")),
                ("password".into(), Secret::from("hunter2")),
            ]),
            kind: "Opaque".into(),
            labels: BTreeMap::from([
                ("team".into(), "shop".into()),
                ("app.kubernetes.io/instance".into(), "cart".into()),
            ]),
            immutable: true,
        };
        let whole = "labels: {team: shop}, immutable: true";
        for (of, expected) in [
            (
                format!("{{as: {{namespace: n, type: Opaque, {whole}}}, from: {{aws: db}}}}"),
                vec![],
            ),
            (
                "{as: {namespace: n, type: kubernetes.io/basic-auth}, from: {aws: db}}".to_owned(),
                vec!["capture/labels", "capture/another-type", "capture/immutable"],
            ),
            (
                format!("{{as: {{namespace: n, type: Opaque, {whole}}}, from: {{aws: db}}, set: {{user: another}}}}"),
                vec!["capture/set"],
            ),
            (
                format!("{{as: {{namespace: n, type: Opaque, {whole}}}, from: {{aws: db, keys: {{password: pass}}}}}}"),
                vec!["capture/left-out"],
            ),
        ] {
            let runbook = runbook(&of);
            let found = remarks(&runbook, "db", &runbook.secrets["db"], &living);
            let rules: Vec<_> = found.iter().map(|finding| finding.rule).collect();
            assert_eq!(rules, expected, "{of}");
            assert!(found.iter().all(|finding| !finding.message.contains("hunter2")));
        }
    }
}
