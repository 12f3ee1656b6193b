//! Fetches the Git repositories and fixes their revisions. Only reads.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;

use super::World;
use crate::engine::{Context, Step};
use crate::event::{Effect, Failure, Outcome, Phase, PlannedStep};
use crate::git::{Access, Checkout, Kind, PATIENCE, Request, Wanted, fetch};
use crate::runbook::{Revision, Source};

/// Fetches the sources.
pub struct FetchSources(pub Arc<World>);

#[async_trait]
impl Step for FetchSources {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: "sources".into(),
            phase: Phase::Prepare,
            title: "fetch the sources".into(),
            effect: Effect::Reads,
        }
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let runbook = self.0.runbook()?;
        let fetches = runbook
            .sources
            .iter()
            .map(|(name, source)| async move { (name, self.fetch(name, source).await) });
        let mut checkouts = BTreeMap::new();
        let mut failures = Vec::new();
        for (name, result) in context.unless_stopped(join_all(fetches)).await? {
            match result {
                Ok(checkout) => {
                    if checkout.url != runbook.sources[name].git {
                        context.notice(format!(
                            "Source {name} came from its mirror {}; the agent itself will ask {}.",
                            checkout.url, runbook.sources[name].git
                        ));
                    }
                    checkouts.insert(name.clone(), checkout);
                }
                Err(failure) => failures.push(failure),
            }
        }
        // Also where others cannot be fetched: a check of the secrets looks at what there is.
        let folder = |(name, checkout): (&String, &Checkout)| (name.clone(), checkout.directory.clone());
        self.0.fetched.tell(checkouts.iter().map(folder).collect());
        match failures.len() {
            0 => {}
            1 => return Err(failures.swap_remove(0)),
            count => {
                let mut all = Failure::new(format!("{count} sources cannot be fetched"));
                for failure in failures {
                    all.causes
                        .push(format!("{}: {}", failure.message, failure.causes.join(": ")));
                    for hint in failure.hints {
                        if !all.hints.contains(&hint) {
                            all.hints.push(hint);
                        }
                    }
                }
                return Err(all);
            }
        }
        let detail: Vec<_> = checkouts
            .iter()
            .map(|(name, checkout)| format!("{name} at {}", short(&checkout.commit)))
            .collect();
        let detail = detail.join(", ");
        let _ = self.0.checkouts.set(checkouts);
        Ok(Outcome::Done { detail })
    }
}

impl FetchSources {
    async fn fetch(&self, name: &str, source: &Source) -> Result<Checkout, Failure> {
        let (request, folder) = request(&self.0, name)?;
        fetch(&request, &folder).await.map_err(|error| {
            let failure = error.failure().within(format!("cannot fetch source {name}"));
            match error.kind() {
                Some(Kind::Denied(_) | Kind::NoSuchRepository) => failure.hint(self.credentials(source)),
                Some(Kind::Unreachable(_)) => failure
                    .hint("check that the Git server runs and that this machine reaches it")
                    .hint(format!(
                        "other addresses of the repository go under `mirrors` of source {name}"
                    )),
                Some(Kind::NoSuchRevision { .. }) => failure.hint(format!(
                    "name a branch, a tag or a full commit hash in the runbook, or with --revision {name}=…"
                )),
                Some(Kind::HostKey(_)) => {
                    failure.hint("host keys are read from ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts")
                }
                _ => failure,
            }
        })
    }
}

impl FetchSources {
    /// Says which credentials were used, and where they come from.
    fn credentials(&self, source: &Source) -> String {
        let Some(secret) = &source.credentials else {
            return "the runbook names no `credentials` for it".into();
        };
        let restored = self.0.secret(secret);
        let place = restored.map(|restored| format!(", read from {} in store {}", restored.path, restored.store));
        format!("its credentials are the secret {secret}{}", place.unwrap_or_default())
    }
}

/// Returns what is asked of a source's addresses, and the folder for what comes.
pub(super) fn request(world: &World, name: &str) -> Result<(Request, PathBuf), Failure> {
    let source = world
        .runbook()?
        .sources
        .get(name)
        .ok_or_else(|| Failure::new(format!("there is no source {name}")))?;
    let access = match &source.credentials {
        None => Access::default(),
        Some(secret) => {
            let restored = world
                .secret(secret)
                .ok_or_else(|| Failure::new(format!("source {name} needs the secret {secret}, which was left out")))?;
            Access::from_repository_secret(&restored.data).map_err(|error| {
                error
                    .failure()
                    .within(format!("the secret {secret} does not open source {name}"))
            })?
        }
    };
    let revision = match &source.revision {
        Revision::Follow(name) => Wanted::Follow(name.clone()),
        Revision::Pinned(commit) => Wanted::Pinned(commit.clone()),
    };
    let request = Request {
        url: source.git.clone(),
        mirrors: source.mirrors.clone(),
        revision,
        access,
        patience: PATIENCE,
    };
    Ok((request, world.options.cache.join(name)))
}

/// Returns as much of a commit's hash as people need.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..8).unwrap_or(commit)
}
