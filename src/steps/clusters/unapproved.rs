//! What would connect a cluster that lives on before a person has approved it: any Secret but its own by which the agent
//! gets in there. Only reads.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::away::{held_back, survivors};
use crate::cluster::{MANAGER, same_server};
use crate::finding::{Finding, Severity};
use crate::platform::argocd::damage::Applied;
use crate::platform::argocd::decide::Away;
use crate::platform::argocd::secret::{TYPE, field};
use crate::runbook::{Runbook, SecretShape};
use crate::steps::{Restored, World};

const RULE: &str = "damage/cluster-unapproved";

/// Where a Secret's name stands in the objects from which operators make Secrets: External Secrets, Sealed Secrets, Vault's.
const NAMES: [&str; 4] = [
    "/metadata/name",
    "/spec/target/name",
    "/spec/template/metadata/name",
    "/spec/destination/name",
];

/// Where an object from Git that makes a cluster secret leads.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Leads<'held> {
    /// To this surviving cluster.
    To(&'held Away),
    /// It cannot be told.
    Unknown,
}

/// Finds what in the sources and in the stores would connect a surviving cluster by the back door.
pub(in crate::steps) fn unapproved(
    world: &World,
    runbook: &Runbook,
    secrets: &BTreeMap<String, Restored>,
    applied: &[Applied<'_>],
) -> Vec<Finding> {
    let held = survivors(world, runbook);
    if held.is_empty() {
        return Vec::new();
    }
    let own = |away: &Away| runbook.clusters[&away.cluster].secret.clone();
    let stored = secrets
        .iter()
        .filter(|(name, _)| !held_back(runbook).contains(name.as_str()))
        .filter(|(name, _)| is_of_cluster(runbook, name))
        .filter_map(|(name, restored)| {
            let away = led_to(&held, field(&restored.data, "server")?)?;
            let message = format!(
                "secret `{name}` leads to cluster {}, which lives on: the agent would act there before anybody approves it",
                away.cluster
            );
            let way_out = format!(
                "keep one secret of it, and name it: `clusters: {{{}: {{secret: …}}}}`",
                away.cluster
            );
            Some(Finding::error(RULE, message).help(way_out))
        });
    let from_git = applied
        .iter()
        .filter(|one| one.id().namespace == runbook.agent.namespace)
        .filter_map(|one| {
            let leads = connected_by(one.manifest.value(), &held, own)?;
            let what = one.id();
            let by = one.by;
            let finding = match leads {
                Leads::To(away) => one.finding(
                    RULE,
                    format!(
                        "{by} holds {what}, which connects cluster {}: it lives on, and nobody would have approved it",
                        away.cluster
                    ),
                ),
                Leads::Unknown => Finding {
                    severity: Severity::Warning,
                    ..one.finding(
                        RULE,
                        format!(
                            "{by} holds {what}, which makes a cluster secret, and where that leads cannot be told: if to a cluster \
                             that lives on, nobody will have approved it"
                        ),
                    )
                },
            };
            Some(finding.help(
                "take it out of there until the cluster is connected, and let the runbook restore it from a store",
            ))
        });
    stored.chain(from_git).collect()
}

/// Returns the live Secret by which the agent reaches a cluster that lives on, and whether it is the one with which a restore
/// connects it: `own`, applied by us.
pub(super) fn connected_live<'live>(
    live: &'live [Value],
    away: &Away,
    own: Option<&str>,
) -> Option<(&'live Value, bool)> {
    let by_us = |secret: &Value| {
        let managers = secret.pointer("/metadata/managedFields").and_then(Value::as_array);
        own == Some(text(secret, "/metadata/name"))
            && managers.into_iter().flatten().any(|entry| entry["manager"] == MANAGER)
    };
    let mut leading = live.iter().filter(|secret| {
        own == Some(text(secret, "/metadata/name")) || server(secret).is_some_and(|server| leads_to(away, &server))
    });
    leading
        .clone()
        .find(|secret| !by_us(secret))
        .or_else(|| leading.next())
        .map(|secret| (secret, by_us(secret)))
}

/// Returns where an object from Git leads that makes a cluster secret; `None` for one that connects no surviving cluster.
fn connected_by<'held>(
    object: &Value,
    held: &'held [Away],
    own: impl Fn(&Away) -> Option<String>,
) -> Option<Leads<'held>> {
    let kind = text(object, "/kind");
    let makes_secrets = kind.ends_with("Secret");
    let is_labelled = labels_a_cluster(object);
    if !makes_secrets && !is_labelled {
        return None;
    }
    let named = |away: &&Away| {
        let own = own(away);
        NAMES
            .iter()
            .any(|place| own.as_deref().is_some_and(|own| text(object, place) == own))
    };
    if let Some(away) = held.iter().find(named) {
        return Some(Leads::To(away));
    }
    if !is_labelled {
        return None;
    }
    if kind == "Secret" && text(object, "/apiVersion") == "v1" {
        return Some(Leads::To(led_to(held, &server(object)?)?));
    }
    let away = held.iter().find(|away| says(object, &|word| leads_to(away, word)));
    Some(away.map_or(Leads::Unknown, Leads::To))
}

/// Whether a stored secret becomes one by which the agent knows a cluster.
fn is_of_cluster(runbook: &Runbook, name: &str) -> bool {
    match runbook.secrets.get(name).map(|spec| &spec.shape) {
        Some(SecretShape::Argocd(shape)) => shape == "cluster",
        Some(SecretShape::Kubernetes { namespace, labels, .. }) => {
            *namespace == runbook.agent.namespace && labels.get(TYPE).is_some_and(|kind| kind == "cluster")
        }
        Some(SecretShape::SealedKeys { .. }) | None => false,
    }
}

fn led_to<'held>(held: &'held [Away], server: &str) -> Option<&'held Away> {
    held.iter().find(|away| leads_to(away, server))
}

fn leads_to(away: &Away, server: &str) -> bool {
    away.servers
        .iter()
        .any(|known| same_server(known.trim(), server.trim()))
}

/// Returns where a cluster Secret leads.
fn server(secret: &Value) -> Option<String> {
    if let Some(plain) = secret.pointer("/stringData/server").and_then(Value::as_str) {
        return Some(plain.to_owned());
    }
    let encoded = secret.pointer("/data/server").and_then(Value::as_str)?;
    String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()
}

/// Whether the object, or one that is made from a template in it, bears the label of a cluster secret.
fn labels_a_cluster(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            let is_labelled = fields
                .get("labels")
                .and_then(|labels| labels.get(TYPE)?.as_str())
                .is_some_and(|kind| kind == "cluster");
            is_labelled || fields.values().any(labels_a_cluster)
        }
        Value::Array(items) => items.iter().any(labels_a_cluster),
        _ => false,
    }
}

/// Whether any text in it is such a word.
fn says(value: &Value, is_it: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(word) => is_it(word),
        Value::Array(items) => items.iter().any(|item| says(item, is_it)),
        Value::Object(fields) => fields.values().any(|field| says(field, is_it)),
        _ => false,
    }
}

fn text<'object>(object: &'object Value, place: &str) -> &'object str {
    object.pointer(place).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
#[path = "unapproved_tests.rs"]
mod tests;
