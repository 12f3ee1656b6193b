//! What external-secrets fills Secrets from, and what its stores log in with.

use std::collections::HashMap;

use serde_json::Value;

use super::super::draft::Draft;
use super::super::kinds::{items, text};
use super::super::reason::Reason;
use super::super::whole::{Subject, Whole};
use super::admission::selects;
use super::made::{There, from, makes};

const GROUP: &str = "external-secrets.io";
/// The group of what makes values up, such as passwords.
const GENERATORS: &str = "generators.external-secrets.io";

/// How deep in its provider a store names what it logs in with.
const DEPTH: usize = 8;

/// An object that the provider of a store names.
struct Login<'p> {
    kind: &'static str,
    namespace: &'p str,
    name: &'p str,
    /// Where it is named.
    field: String,
}

/// Puts stores behind their logins, what fills Secrets behind its stores, and these Secrets behind what fills them.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let there = There::of(whole);
    let mut lent: HashMap<(&str, &str), Vec<Login<'p>>> = HashMap::new();
    for kind in ["SecretStore", "ClusterSecretStore"] {
        for store in whole.of_kind(GROUP, kind) {
            let mut logins = Vec::new();
            if let Some(provider) = store.manifest.value().pointer("/spec/provider") {
                find(provider, "spec.provider", 0, &mut logins);
            }
            for login in &mut logins {
                // One of a namespace reads nowhere else, whatever it says.
                if kind == "SecretStore" {
                    login.namespace = store.namespace;
                }
            }
            let (own, of_users): (Vec<_>, Vec<_>) = logins.into_iter().partition(|login| !login.namespace.is_empty());
            for login in own {
                reads(draft, store, login.namespace, &login);
            }
            if !of_users.is_empty() {
                lent.insert((store.cluster, store.name), of_users);
            }
        }
    }
    for user in whole.of_kind(GROUP, "ExternalSecret") {
        let spec = user.manifest.value().get("spec").unwrap_or(&Value::Null);
        for (store, is_wide) in stores(draft, user, spec, "spec") {
            // What a store of the whole cluster names without a namespace is read where its user is.
            let lent = lent.get(&(user.cluster, store)).filter(|_| is_wide);
            for login in lent.into_iter().flatten() {
                reads(draft, user, user.namespace, login);
            }
        }
        if let Some(target) = target(spec, user.name) {
            makes(draft, &there, user, user.namespace, target);
        }
    }
    for maker in whole.of_kind(GROUP, "ClusterExternalSecret") {
        of_many(whole, draft, &there, maker);
    }
    for pusher in whole.of_kind(GROUP, "PushSecret") {
        let value = pusher.manifest.value();
        for (index, reference) in items(value, "/spec/secretStoreRefs").enumerate() {
            store(draft, pusher, reference, &format!("spec.secretStoreRefs[{index}]"));
        }
        let pushed = text(value, "/spec/selector/secret/name");
        if !pushed.is_empty() {
            let login = Login {
                kind: "Secret",
                namespace: pusher.namespace,
                name: pushed,
                field: "spec.selector.secret".to_owned(),
            };
            reads(draft, pusher, pusher.namespace, &login);
        }
    }
}

/// One that makes an `ExternalSecret` in each of many namespaces: those that it names, and those of the platform that it selects.
fn of_many<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>, there: &There<'p>, maker: &Subject<'p>) {
    let value = maker.manifest.value();
    let spec = value.pointer("/spec/externalSecretSpec").unwrap_or(&Value::Null);
    stores(draft, maker, spec, "spec.externalSecretSpec");
    let named = match text(value, "/spec/externalSecretName") {
        "" => maker.name,
        named => named,
    };
    let Some(target) = target(spec, named) else { return };
    let listed = items(value, "/spec/namespaces").filter_map(Value::as_str);
    let selectors: Vec<&Value> = items(value, "/spec/namespaceSelectors")
        .chain(value.pointer("/spec/namespaceSelector"))
        .collect();
    let selected = whole.of_kind("", "Namespace").filter(|namespace| {
        let labels = namespace.manifest.value().pointer("/metadata/labels");
        let is_meant = |selector: &&Value| selects(Some(selector), labels, namespace.name);
        namespace.cluster == maker.cluster && selectors.iter().any(is_meant)
    });
    for namespace in listed.chain(selected.map(|namespace| namespace.name)) {
        makes(draft, there, maker, namespace, target);
    }
}

/// Returns the name of the Secret that is made. With `Merge` it adds to one that somebody else makes; with `None` it makes none.
fn target<'p>(spec: &'p Value, named: &'p str) -> Option<&'p str> {
    let is_made = !matches!(text(spec, "/target/creationPolicy"), "Merge" | "None");
    is_made.then(|| match text(spec, "/target/name") {
        "" => named,
        target => target,
    })
}

/// Puts what takes values behind each store and generator that it names; returns the stores, and whether each is of the whole cluster.
fn stores<'p>(draft: &mut Draft<'p>, user: &Subject<'p>, spec: &'p Value, at: &str) -> Vec<(&'p str, bool)> {
    let mut named = Vec::new();
    if let Some(reference) = spec.get("secretStoreRef") {
        named.push((reference, format!("{at}.secretStoreRef")));
    }
    for list in ["data", "dataFrom"] {
        for (index, item) in items(spec, &format!("/{list}")).enumerate() {
            let field = format!("{at}.{list}[{index}].sourceRef");
            if let Some(reference) = item.pointer("/sourceRef/storeRef") {
                named.push((reference, format!("{field}.storeRef")));
            }
            if let Some(reference) = item.pointer("/sourceRef/generatorRef") {
                let kind = text(reference, "/kind");
                let is_wide = kind == "ClusterGenerator";
                let field = format!("{field}.generatorRef");
                from(
                    draft,
                    user,
                    (GENERATORS, kind),
                    is_wide,
                    text(reference, "/name"),
                    &field,
                );
            }
        }
    }
    let stores = named.into_iter();
    stores
        .map(|(reference, field)| store(draft, user, reference, &field))
        .collect()
}

fn store<'p>(draft: &mut Draft<'p>, user: &Subject<'p>, reference: &'p Value, field: &str) -> (&'p str, bool) {
    let is_wide = text(reference, "/kind") == "ClusterSecretStore";
    let kind = if is_wide { "ClusterSecretStore" } else { "SecretStore" };
    let name = text(reference, "/name");
    from(draft, user, (GROUP, kind), is_wide, name, field);
    (name, is_wide)
}

fn reads<'p>(draft: &mut Draft<'p>, reader: &Subject<'p>, namespace: &'p str, login: &Login<'p>) {
    if !namespace.is_empty() {
        let object = draft.of(reader);
        let read = draft.object(reader.cluster, ("", login.kind), namespace, login.name);
        let reason = Reason::Reads(login.field.clone());
        draft.must(object.healthy(), read.exists(), reason, reader);
    }
}

/// Finds what a provider names. All of them do it by the same few shapes: a name with a key, one in a field that says that it is of
/// a Secret or a service account, and a CA with its `type`.
fn find<'p>(value: &'p Value, field: &str, depth: usize, found: &mut Vec<Login<'p>>) {
    if depth >= DEPTH {
        return;
    }
    if let Some(list) = value.as_array() {
        for (index, inner) in list.iter().enumerate() {
            find(inner, &format!("{field}[{index}]"), depth + 1, found);
        }
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        let field = format!("{field}.{key}");
        let name = text(inner, "/name");
        let kind = match key.as_str() {
            _ if name.is_empty() => None,
            "serviceAccountRef" | "serviceAccount" => Some("ServiceAccount"),
            _ if text(inner, "/type") == "ConfigMap" => Some("ConfigMap"),
            _ if inner.get("key").is_some_and(Value::is_string) => Some("Secret"),
            _ if key.to_lowercase().ends_with("secretref") => Some("Secret"),
            _ => None,
        };
        match kind {
            Some(kind) => found.push(Login {
                kind,
                namespace: text(inner, "/namespace"),
                name,
                field,
            }),
            None => find(inner, &field, depth + 1, found),
        }
    }
}

#[cfg(test)]
#[path = "external_tests.rs"]
mod tests;
