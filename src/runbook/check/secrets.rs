//! What secrets are for: the right kind where one is named, and none restored twice.

use std::collections::BTreeMap;

use super::super::table::{ARGOCD_SECRETS, SEALED_KEYS};
use super::super::tree::{Entry, Node, Span};
use super::names::store_kind;
use super::{Check, store_name};

/// The kinds of Argo CD's secrets that grant access to a repository.
const REPOSITORY: [&str; 4] = [
    "argocd/repository",
    "argocd/repo-creds",
    "argocd/repository-write",
    "argocd/repo-write-creds",
];

/// The types of Secret that grant access to a repository.
const LOGIN: [&str; 2] = ["kubernetes.io/basic-auth", "kubernetes.io/ssh-auth"];

impl Check<'_> {
    /// Checks secrets and stores.
    pub(super) fn secrets(&mut self) {
        let stores: Vec<_> = self
            .root
            .list("stores")
            .iter()
            .filter_map(|store| Some((store_name(store)?, store.entries().first()?.span)))
            .collect();
        self.twice("runbook/duplicate-store", "stores", stores, "give one of them a `name`");
        for store in self.root.list("stores") {
            if let Some(name) = store.get("name")
                && let Some(text) = name.text()
                && matches!(text, "version" | "keys")
            {
                self.error(
                    "runbook/reserved-name",
                    name.span,
                    format!("a store cannot be named `{text}`: that key means something else in `from`"),
                    None,
                );
            }
        }
        self.uses();
        self.same();
        self.versions();
        self.taken();
        self.sealed_keys();
        self.age_keys();
        self.locked_in();
    }

    /// Checks that what is pinned is a version that its store keeps.
    fn versions(&mut self) {
        let root = self.root;
        for entry in root.table("secrets") {
            for from in entry.value.get("from").map_or(&[][..], Node::one_or_many) {
                let (Some(version), Some((name, ..))) = (from.get("version"), place(from)) else {
                    continue;
                };
                let mut stores = root.list("stores").iter();
                let store = stores.find(|store| store_name(store) == Some(name));
                let kind = store.and_then(store_kind);
                let is_whole = version.whole().is_some_and(|number| number > 0);
                match kind {
                    _ if version.written().is_none() => {}
                    None | Some("aws") => {}
                    // A program is told which version is wanted where it reads what it is told.
                    Some("exec") if store.is_some_and(prints_json) => {}
                    Some("vault") if is_whole => {}
                    Some("vault") => self.error(
                        "runbook/version",
                        version.span,
                        "the versions of Vault are whole numbers from 1 on",
                        None,
                    ),
                    Some(kind) => self.error(
                        "runbook/version",
                        version.span,
                        format!(
                            "a store of the kind `{kind}` keeps no versions{}",
                            if kind == "exec" {
                                " where it prints plain text"
                            } else {
                                ""
                            }
                        ),
                        "leave `version` out".to_owned(),
                    ),
                }
            }
        }
    }

    /// Checks that what is named as credentials can be such.
    fn uses(&mut self) {
        let is_flux = self.root.get("agent").is_some_and(|agent| agent.get("flux").is_some());
        for source in self.root.table("sources") {
            self.used_as(&source.value, "credentials", "runbook/credentials-kind", |shape| {
                shape.text().is_some_and(|kind| REPOSITORY.contains(&kind))
                    || shape
                        .get("type")
                        .and_then(Node::text)
                        .is_some_and(|kind| is_flux || LOGIN.contains(&kind))
            });
        }
        for cluster in self.root.table("clusters") {
            self.used_as(&cluster.value, "secret", "runbook/cluster-kind", |shape| {
                shape.text() == Some("argocd/cluster") || (is_flux && shape.get("type").is_some())
            });
            let survives = cluster.value.get("state").and_then(Node::text) == Some("survives");
            if survives && cluster.value.get("secret").is_none() {
                self.warning(
                    "runbook/cluster-without-secret",
                    cluster.span,
                    format!(
                        "the cluster `{}` survives, but no secret of it is restored",
                        cluster.key
                    ),
                    "name its `secret`, or the agent cannot reach it".to_owned(),
                );
            }
            let rebuilt = cluster.value.get("state").and_then(Node::text) == Some("rebuilt");
            if rebuilt && cluster.value.get("context").is_none() {
                self.error(
                    "runbook/cluster-without-context",
                    cluster.span,
                    format!("the cluster `{}` was rebuilt, but no context leads to it", cluster.key),
                    "name its `context`, or say that it is `absent` for now".to_owned(),
                );
            }
        }
    }

    fn used_as(&mut self, user: &Node, key: &str, rule: &'static str, fits: impl Fn(&Node) -> bool) {
        let Some(named) = user.get(key) else { return };
        let Some(name) = named.text() else { return };
        let secret = self.root.get("secrets").and_then(|secrets| secrets.get(name));
        let Some(shape) = secret.and_then(|secret| secret.get("as")) else {
            return;
        };
        // What is no known kind has been reported.
        let is_known = match shape.text() {
            Some(kind) => ARGOCD_SECRETS.iter().any(|word| word.word == kind),
            None => shape.get("type").is_some(),
        };
        if is_known && !fits(shape) {
            let (what, help) = if key == "credentials" {
                (
                    "grants no access to a repository",
                    "it takes a secret `as: argocd/repository` or `argocd/repo-creds`",
                )
            } else {
                ("is not that of a cluster", "it takes a secret `as: argocd/cluster`")
            };
            self.error(rule, named.span, format!("the secret `{name}` {what}"), help.to_owned());
        }
    }

    /// Checks that of a set of keys nothing is said that the keys themselves say, and that it is called what it is.
    fn sealed_keys(&mut self) {
        let root = self.root;
        for entry in root.table("secrets") {
            let Some(shape) = entry.value.get("as") else { continue };
            let Some(kind) = shape.get("type") else { continue };
            let word = kind.text().unwrap_or_default();
            if word != SEALED_KEYS {
                if word.starts_with("sealed-secrets") {
                    let message = format!("there is no `{word}`, and no controller knows a Secret of that type");
                    let help = format!("the keys of Sealed Secrets are `{SEALED_KEYS}`");
                    self.error("runbook/sealed-keys", kind.span, message, help);
                }
                continue;
            }
            let said = shape.entries().iter();
            for own in said.filter(|own| matches!(own.key.as_str(), "name" | "labels" | "annotations" | "immutable")) {
                self.error(
                    "runbook/sealed-keys",
                    own.span,
                    format!("`{}` cannot be said of a set of keys, which becomes several Secrets", own.key),
                    "leave it out: each gets the name that its pair bears in the store, and the label by which the controller finds it"
                        .to_owned(),
                );
            }
        }
    }

    /// Reports credentials that are only in the repository which they open.
    fn locked_in(&mut self) {
        let root = self.root;
        let holder = |store: &str| {
            let mut stores = root.list("stores").iter();
            stores
                .find(|known| store_name(known) == Some(store))?
                .get("sops")?
                .get("source")?
                .text()
        };
        for source in root.table("sources") {
            let Some(credentials) = source.value.get("credentials") else {
                continue;
            };
            let secret = credentials.text().and_then(|name| root.get("secrets")?.get(name));
            let from = secret
                .and_then(|secret| secret.get("from"))
                .map_or(&[][..], Node::one_or_many);
            let inside: Vec<_> = from
                .iter()
                .map(|from| place(from).and_then(|(store, ..)| holder(store)))
                .collect();
            if from.is_empty() || inside.iter().any(Option::is_none) {
                continue;
            }
            let message = if inside.iter().all(|holder| *holder == Some(&source.key)) {
                format!("the credentials of `{0}` are kept in `{0}` alone", source.key)
            } else {
                format!(
                    "the credentials of `{}` are kept in other sources alone, and all are fetched at once",
                    source.key
                )
            };
            self.error(
                "runbook/locked-in",
                credentials.span,
                message,
                "keep them in another store too".to_owned(),
            );
        }
    }

    /// Checks that an age key can be had where it is said to be.
    fn age_keys(&mut self) {
        let root = self.root;
        for store in root.list("stores") {
            let Some(key) = store.get("sops").and_then(|sops| sops.get("age-key")) else {
                continue;
            };
            let Some(holder) = key.get("store") else {
                for name in ["path", "key"] {
                    if let Some(given) = key.get(name) {
                        let message = format!("`{name}` says where in a `store` the age key is, and none is named");
                        let help = "name the `store`, or leave it out".to_owned();
                        self.error("runbook/age-key", given.span, message, help);
                    }
                }
                continue;
            };
            if key.get("path").is_none() {
                let help = "name the `path` of the secret there".to_owned();
                self.error(
                    "runbook/age-key",
                    holder.span,
                    "the age key's place in its store is missing",
                    help,
                );
            }
            let mut stores = root.list("stores").iter();
            let is_sops = |store: &Node| store_name(store) == holder.text() && store_kind(store) == Some("sops");
            if stores.any(is_sops) {
                let help = "keep it in a store of another kind, in a file or in a variable".to_owned();
                let message = "an age key that opens SOPS files is itself in a SOPS file";
                self.error("runbook/age-key", holder.span, message, help);
            }
        }
    }

    /// Reports secrets that become, or are read as, the same.
    fn same(&mut self) {
        let root = self.root;
        let mut becomes: BTreeMap<String, &Entry> = BTreeMap::new();
        let mut read: BTreeMap<(String, String, String), &Entry> = BTreeMap::new();
        for entry in root.table("secrets") {
            if let Some(what) = identity(entry)
                && let Some(first) = becomes.insert(what.clone(), entry)
                && first.key != entry.key
            {
                self.error(
                    "runbook/same-secret",
                    entry.span,
                    format!("`{}` and `{}` both become {what}", first.key, entry.key),
                    "leave one out, or give it another `name`".to_owned(),
                );
            }
            let kind = entry.value.get("as").and_then(Node::text).unwrap_or_default();
            let mut own: Vec<(String, String)> = Vec::new();
            for from in entry.value.get("from").map_or(&[][..], Node::one_or_many) {
                let Some((store, path, span)) = place(from) else {
                    continue;
                };
                let key = (store.to_owned(), path.to_owned());
                if own.contains(&key) {
                    self.error(
                        "runbook/same-place",
                        span,
                        format!("`{path}` in the store `{store}` is named twice"),
                        "leave one out".to_owned(),
                    );
                } else if let Some(first) = read.insert((kind.to_owned(), store.to_owned(), path.to_owned()), entry)
                    && first.key != entry.key
                    && !kind.is_empty()
                {
                    self.warning(
                        "runbook/same-place",
                        span,
                        format!(
                            "the secret `{}` is read from the same place and is of the same kind",
                            first.key
                        ),
                        "leave one out".to_owned(),
                    );
                }
                own.push(key);
            }
        }
    }
}

/// Whether a store of programs prints JSON.
fn prints_json(store: &Node) -> bool {
    let output = store.get("exec").and_then(|exec| exec.get("output"));
    output.is_none_or(|output| output.text() == Some("json"))
}

/// Returns what an entry becomes, where that is written.
fn identity(entry: &Entry) -> Option<String> {
    let shape = entry.value.get("as")?;
    match shape.text() {
        Some("argocd/argocd-secret") => return Some("the Secret `argocd-secret`".to_owned()),
        Some(word @ ("argocd/ssh-known-hosts" | "argocd/tls-certs" | "argocd/gpg-keys")) => {
            return Some(format!("the ConfigMap `{}-cm`", word.replace('/', "-")));
        }
        _ => {}
    }
    let namespace = shape.get("namespace")?.text()?;
    if shape.get("type").and_then(Node::text) == Some(SEALED_KEYS) {
        return Some(format!("the keys of Sealed Secrets in `{namespace}`"));
    }
    let name = shape.get("name").map_or(Some(entry.key.as_str()), Node::text)?;
    Some(format!("the Secret `{namespace}/{name}`"))
}

/// Returns the store and path of an item of `from`, and the place of the path.
fn place(from: &Node) -> Option<(&str, &str, Span)> {
    let entry = from
        .entries()
        .iter()
        .find(|entry| !matches!(entry.key.as_str(), "version" | "keys"))?;
    Some((&entry.key, entry.value.text()?, entry.value.span))
}
