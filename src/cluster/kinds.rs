//! Which kinds a cluster serves: asked once as a whole, and later only for the groups of which something changed.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use kube::Client;
use kube::api::ApiResource;
use kube::discovery::{ApiGroup, Discovery, Scope, verbs};

use super::connect::Cluster;
use super::error::{Error, ErrorKind};
use super::request::TOLD_AFTER;

/// What is known of the kinds that are served.
#[derive(Default)]
pub(super) struct Kinds {
    /// What was asked for, the newest first: of a group counts what was asked for last.
    asked: Vec<Arc<Discovery>>,
}

impl Kinds {
    /// Asks for all kinds: two requests.
    pub(super) async fn all(client: &Client) -> Result<Self, kube::Error> {
        let all = Discovery::new(client.clone()).run_aggregated().await?;
        Ok(Self {
            asked: vec![Arc::new(all)],
        })
    }

    /// Asks for the kinds of some groups, and takes over what is known of the others.
    async fn with_newer(&self, client: &Client, groups: &BTreeSet<String>) -> Result<Self, kube::Error> {
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let newer = Discovery::new(client.clone()).filter(&groups).run().await?;
        let asked = std::iter::once(Arc::new(newer)).chain(self.asked.iter().cloned());
        Ok(Self { asked: asked.collect() })
    }

    /// Returns the groups, each once.
    pub(super) fn groups(&self) -> impl Iterator<Item = &ApiGroup> {
        let mut seen = BTreeSet::new();
        let groups = self.asked.iter().flat_map(|asked| asked.groups());
        groups.filter(move |group| seen.insert(group.name()))
    }

    fn group(&self, name: &str) -> Option<&ApiGroup> {
        self.asked.iter().find_map(|asked| asked.get(name))
    }
}

impl Cluster {
    /// Looks again which kinds are served, all of them.
    pub async fn rediscover(&self) -> Result<(), Error> {
        let fresh = self
            .attempt("ask which kinds are served", || Kinds::all(&self.client))
            .await?;
        self.knows(fresh);
        Ok(())
    }

    /// Looks again, at the groups concerned, until all of these kinds are served, each an `apiVersion` and a kind. Where all are
    /// known already nothing is asked. Discovery lags behind an Established CRD by up to a second or two, and more where several
    /// API servers share the work.
    pub(super) async fn until_served(&self, kinds: &[(String, String)]) -> Result<(), Error> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(std::time::Duration::from_millis(50))
            .with_max_delay(std::time::Duration::from_secs(1))
            .with_max_times(40);
        let missing = || -> Vec<&(String, String)> {
            let missing = kinds.iter().filter(|(version, kind)| !self.serves(version, kind));
            missing.collect()
        };
        let began = tokio::time::Instant::now();
        for pause in pauses.build() {
            let missing_now = missing();
            if missing_now.is_empty() {
                if began.elapsed() >= TOLD_AFTER {
                    self.guard.has_trouble(None);
                }
                return Ok(());
            }
            let groups = missing_now.iter().map(|(version, _)| group_of(version).0.to_owned());
            let groups: BTreeSet<String> = groups.collect();
            let known = self.discovered();
            let asked = self
                .attempt("ask which kinds are served", || known.with_newer(&self.client, &groups))
                .await;
            match asked {
                Ok(fresh) => self.knows(fresh),
                // A group is listed a moment before its versions are.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            let still = missing();
            if let Some((version, kind)) = still.first() {
                if began.elapsed() >= TOLD_AFTER {
                    self.guard
                        .has_trouble(Some(format!("{kind} of {version} is not served yet")));
                }
                tokio::time::sleep(pause).await;
            }
        }
        let missing = missing().into_iter();
        let missing: Vec<_> = missing.map(|(version, kind)| format!("{kind} of {version}")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::UnknownKind,
            format!("the cluster does not serve {}", missing.join(", ")),
        )
        .because("its CRD is Established or its API service available, and discovery does not list it"))
    }

    /// Returns the kinds that are served, as last looked.
    pub(super) fn discovered(&self) -> Arc<Kinds> {
        Arc::clone(&self.kinds.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn knows(&self, kinds: Kinds) {
        *self.kinds.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(kinds);
    }

    /// Returns the resource of a kind and whether it is namespaced; `None` where the server does not serve it.
    pub(super) fn resource(&self, api_version: &str, kind: &str) -> Option<(ApiResource, bool)> {
        let (group, version) = group_of(api_version);
        let kinds = self.discovered();
        let mut found = kinds.group(group)?.versioned_resources(version).into_iter();
        let (resource, capabilities) = found.find(|(found, _)| found.kind == kind)?;
        Some((resource, capabilities.scope == Scope::Namespaced))
    }

    /// Whether the server serves a kind in this very version.
    pub fn serves(&self, api_version: &str, kind: &str) -> bool {
        self.resource(api_version, kind).is_some()
    }

    /// Returns what can be listed and watched, as `group/version` and `group/version/Kind`: what an agent that watches it knows to
    /// be served.
    pub fn watchable(&self) -> BTreeSet<String> {
        let kinds = self.discovered();
        let mut all = BTreeSet::new();
        for group in kinds.groups() {
            for version in group.versions() {
                for (resource, capabilities) in group.versioned_resources(version) {
                    if capabilities.supports_operation(verbs::LIST) && capabilities.supports_operation(verbs::WATCH) {
                        all.insert(format!("{}/{}", resource.api_version, resource.kind));
                        all.insert(resource.api_version);
                    }
                }
            }
        }
        all
    }

    /// Returns the newest served version of a group's kind as `apiVersion`; with an empty group the kind is searched in
    /// all groups, the core group first.
    pub fn served(&self, group: Option<&str>, kind: &str) -> Option<String> {
        let kinds = self.discovered();
        let mut groups: Vec<_> = kinds
            .groups()
            .filter(|found| group.is_none_or(|group| found.name() == group))
            .collect();
        groups.sort_by_key(|found| found.name().to_owned());
        groups
            .into_iter()
            .find_map(|found| found.recommended_kind(kind).map(|(resource, _)| resource.api_version))
    }
}

/// Splits an `apiVersion` into the group, empty for the core one, and the version.
fn group_of(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}
