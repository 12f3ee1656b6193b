//! What `argocd-cm` takes out of Secrets: `$key` of `argocd-secret`, `$name:key` of another.
//!
//! Source: `ReplaceStringSecret` and `getSecrets` in `util/settings/settings.go` of Argo CD 3.2.11. A name that leads nowhere is no error
//! there: the words themselves become the value, and the login that they are for fails.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::finding::Finding;
use crate::platform::argocd::PART_OF;
use crate::yaml;

/// The settings in which secrets are named (`util/dex/config.go`, `util/settings/settings.go`, `server/extension/extension.go`).
const SETTINGS: [&str; 3] = ["dex.config", "oidc.config", "extension.config"];
/// The Secret that is meant where none is named.
const OWN: &str = "argocd-secret";

/// What is known of a Secret in the agent's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Held {
    /// Its keys; `None` where nobody can tell beforehand, and any may be there.
    pub keys: Option<BTreeSet<String>>,
    /// Whether it bears the label by which Argo CD reads it.
    pub is_read: bool,
}

/// Holds each name in `argocd-cm` against what will be there. `held` says what of a Secret is known; `None` where nothing brings it.
/// Warnings alone: the platform comes back without its logins.
pub fn check_references(settings: &Value, held: impl Fn(&str) -> Option<Held>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for setting in SETTINGS {
        let text = settings.pointer("/data").and_then(|data| data.get(setting)?.as_str());
        // What cannot be read Argo CD cannot read either, and says so.
        let documents = text.and_then(|text| yaml::manifests(text).ok()).unwrap_or_default();
        let mut named = BTreeSet::new();
        for (_, document) in &documents {
            names(document, &mut named);
        }
        findings.extend(named.iter().filter_map(|name| dangling(setting, name, &held)));
    }
    findings
}

/// Finds the texts that begin with `$`, without that.
fn names<'value>(value: &'value Value, found: &mut BTreeSet<&'value str>) {
    match value {
        Value::String(text) => found.extend(text.strip_prefix('$')),
        Value::Array(list) => list.iter().for_each(|inner| names(inner, found)),
        Value::Object(map) => map.values().for_each(|inner| names(inner, found)),
        _ => {}
    }
}

fn dangling(setting: &str, name: &str, of: impl Fn(&str) -> Option<Held>) -> Option<Finding> {
    let (secret, key) = name.split_once(':').unwrap_or((OWN, name));
    let fails = format!("Argo CD then takes `${name}` itself for the value");
    let begin = format!("`{setting}` of argocd-cm takes the key `{key}` of Secret {secret}");
    let Some(there) = of(secret) else {
        let message = format!("{begin}, which neither the runbook restores nor any app that is known brings: {fails}");
        return Some(
            Finding::warning("secret/unknown-reference", message).help(if secret == OWN {
                format!("restore it: `{OWN}: {{as: argocd/{OWN}, from: …}}`, with that key")
            } else {
                format!("restore it in the agent's namespace, with that key and the label `{PART_OF}: argocd`")
            }),
        );
    };
    if there.keys.is_some_and(|keys| !keys.contains(key)) {
        let message = format!("{begin}, which has no such key: {fails}");
        let help = "store the key with the others of that Secret";
        return Some(Finding::warning("secret/unknown-reference", message).help(help));
    }
    if secret != OWN && !there.is_read {
        let message = format!("{begin}, which lacks the label by which Argo CD reads it: {fails}");
        let help = format!("give it the label `{PART_OF}: argocd`");
        return Some(Finding::warning("secret/unknown-reference", message).help(help));
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(config: &str, held: &[(&str, Option<&[&str]>, bool)]) -> Vec<String> {
        let settings = json!({"data": {"url": "https://a", "oidc.config": config, "dex.config": "a: ["}});
        let of = |secret: &str| {
            let (_, keys, is_read) = held.iter().find(|(name, ..)| *name == secret)?;
            Some(Held {
                keys: keys.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect()),
                is_read: *is_read,
            })
        };
        let findings = check_references(&settings, of);
        findings
            .into_iter()
            .map(|finding| format!("{} ({})", finding.message, finding.help.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn a_login_that_takes_a_key_which_will_not_be_there_is_told() {
        let own = "issuer: https://i\nclientSecret: $oidc.secret\nlist: [{x: $oidc.secret}, plain]\n";
        let other = "clientSecret: $sso:client\n";
        for (config, held, expected) in [
            (own, &[("argocd-secret", Some(&["oidc.secret"][..]), false)][..], None),
            (own, &[("argocd-secret", None, false)], None),
            (
                own,
                &[("argocd-secret", Some(&["a"]), false)],
                Some("of Secret argocd-secret, which has no such key: Argo CD then takes `$oidc.secret` itself"),
            ),
            (
                own,
                &[],
                Some("which neither the runbook restores nor any app that is known brings"),
            ),
            (other, &[("sso", Some(&["client"]), true)], None),
            (
                other,
                &[("sso", Some(&["client"]), false)],
                Some("lacks the label by which Argo CD reads it"),
            ),
            (
                other,
                &[("sso", Some(&["cleint"]), true)],
                Some("key `client` of Secret sso, which has no such key"),
            ),
            (
                other,
                &[("argocd-secret", None, true)],
                Some("the label `app.kubernetes.io/part-of: argocd`"),
            ),
            ("clientSecret: in the open\n", &[], None),
        ] {
            let found = found(config, held);
            assert_eq!(
                found.len(),
                usize::from(expected.is_some()),
                "{config} {held:?}: {found:#?}"
            );
            let words = expected.unwrap_or_default();
            assert!(found.iter().all(|found| found.contains(words)), "{words}: {found:#?}");
        }
    }
}
