//! An app needs what its repositories are read with, and its cluster is reached with. What no Secret opens is open to all.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::applications::applications;
use crate::graph::{Draft, Firmness, Object, Opens, Reason, Whole, Written};
use crate::object::Manifest;
use crate::platform::argocd::address::normal;
use crate::platform::argocd::application::{items, text};

const LABEL: &str = "argocd.argoproj.io/secret-type";

/// Puts each Application behind the Secret of its repositories: the one of exactly this address, else the longest that it begins with.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let secrets = secrets(whole, draft);
    for (index, _, spec) in applications(whole) {
        let many = items(spec, "/spec/sources").map(|source| text(source, "/repoURL"));
        let mut addresses: Vec<String> = many
            .chain([text(spec, "/spec/source/repoURL")])
            .filter(|address| !address.is_empty())
            .map(normal)
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        let app = draft.app(whole, index);
        for address in addresses {
            let exact = secrets
                .iter()
                .find(|(_, opens)| matches!(opens, Opens::Repository(one) if normal(one) == address));
            let begins = |opens: &Opens| match opens {
                Opens::Repositories(begin) if address.starts_with(&normal(begin)) => Some(begin.len()),
                _ => None,
            };
            let longest = || {
                secrets
                    .iter()
                    .filter(|(_, opens)| begins(opens).is_some())
                    .max_by_key(|(_, opens)| begins(opens))
            };
            if let Some((secret, _)) = exact.or_else(longest) {
                let place = Written::App(index);
                draft.wait(
                    app.exists(),
                    secret.exists(),
                    Reason::Credential,
                    Firmness::Conditional,
                    place,
                );
            }
        }
    }
}

/// Returns the Secrets of the agent that are known, and what they open: given ones, and those that apps bring, or have made by
/// external-secrets with their label and address in the template.
pub(super) fn secrets<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) -> Vec<(Object, Opens)> {
    let mut all = Vec::new();
    for given in &whole.known.given {
        if let Some(opens) = &given.opens {
            let kind = (given.id.group.as_str(), given.id.kind.as_str());
            let secret = draft.object(&given.cluster, kind, &given.id.namespace, given.id.name.as_str());
            all.push((secret, opens.clone()));
        }
    }
    for subject in whole.of_kind("", "Secret") {
        let labels = subject.manifest.value().pointer("/metadata/labels");
        let kind = labels
            .and_then(|labels| labels.get(LABEL))
            .and_then(serde_json::Value::as_str);
        if let Some(opens) = kind.and_then(|kind| opens(kind, |key| of_secret(subject.manifest, key))) {
            all.push((draft.of(subject), opens));
        }
    }
    for subject in whole.of_kind("external-secrets.io", "ExternalSecret") {
        let template = subject.manifest.value().pointer("/spec/target/template");
        let kind = template.and_then(|template| template.pointer("/metadata/labels")?.get(LABEL)?.as_str());
        let value = |key: &str| Some(template?.pointer("/data")?.get(key)?.as_str()?.to_owned());
        if let Some(opens) = kind.and_then(|kind| opens(kind, value)) {
            let name = match subject.manifest.text("/spec/target/name") {
                "" => subject.name,
                named => named,
            };
            all.push((
                draft.object(subject.cluster, ("", "Secret"), subject.namespace, name),
                opens,
            ));
        }
    }
    all
}

fn opens(kind: &str, value: impl Fn(&str) -> Option<String>) -> Option<Opens> {
    match kind {
        "repository" => Some(Opens::Repository(value("url")?)),
        "repo-creds" => Some(Opens::Repositories(value("url")?)),
        "cluster" => Some(Opens::Cluster {
            name: value("name").unwrap_or_default(),
            server: value("server")?,
        }),
        _ => None,
    }
}

fn of_secret(secret: &Manifest, key: &str) -> Option<String> {
    let value = secret.value();
    let plain = value.pointer("/stringData").and_then(|data| data.get(key)?.as_str());
    let encoded = || {
        let bytes = BASE64_STANDARD
            .decode(value.pointer("/data")?.get(key)?.as_str()?)
            .ok()?;
        String::from_utf8(bytes).ok()
    };
    plain.map(str::to_owned).or_else(encoded)
}
