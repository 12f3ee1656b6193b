//! The sources as they are at this moment: what the agent would take when it is connected, which may no longer be what was
//! planned hours before. Only reads.

use std::collections::BTreeMap;

use futures::future::join_all;

use crate::event::Failure;
use crate::git::{self, Checkout};
use crate::platform::argocd::recipe::Recipe;
use crate::recipe::without_password;
use crate::runbook::{Revision, Source};
use crate::steps::World;
use crate::steps::sources::request;

/// The sources, fetched again where they are followed.
pub(super) struct Fresh<'world> {
    world: &'world World,
    /// By the source's name, or why it could not be fetched.
    followed: BTreeMap<&'world str, Result<Checkout, String>>,
}

impl<'world> Fresh<'world> {
    /// Fetches the followed sources again, from their own address: that is where the agent takes them from, and a mirror may
    /// be behind.
    pub(super) async fn fetch(world: &'world World) -> Result<Self, Failure> {
        let sources = &world.runbook()?.sources;
        let followed = sources
            .iter()
            .filter(|(_, source)| matches!(source.revision, Revision::Follow(_)));
        let fetched = followed.map(async |(name, _)| (name.as_str(), now(world, name).await));
        let followed = join_all(fetched).await.into_iter().collect();
        Ok(Self { world, followed })
    }

    /// Returns the commit from which a source of an Application is rendered.
    pub(super) fn of(&self, recipe: &Recipe) -> Result<&Checkout, String> {
        let runbook = self.world.runbook().map_err(|failure| failure.message)?;
        let planned = self.world.checkouts.get().ok_or("the sources were not fetched")?;
        let is_from = |source: &Source, revision: &str, commit: &str| {
            let addresses = std::iter::once(&source.git).chain(&source.mirrors).map(String::as_str);
            recipe.is_from(addresses, revision, commit)
        };
        for (name, source) in &runbook.sources {
            // What is named by its hash is the same for ever.
            if let Some(checkout) = planned.get(name).filter(|at| is_from(source, &at.commit, &at.commit)) {
                return Ok(checkout);
            }
            let revision = source.revision.text();
            let found = match self.followed.get(name.as_str()) {
                None => planned.get(name).filter(|at| is_from(source, revision, &at.commit)),
                Some(Ok(now)) => Some(now).filter(|at| is_from(source, revision, &at.commit)),
                Some(Err(why)) if is_from(source, revision, revision) => {
                    return Err(format!("source {name} cannot be fetched again: {why}"));
                }
                Some(Err(_)) => None,
            };
            if let Some(checkout) = found {
                return Ok(checkout);
            }
        }
        Err(format!(
            "{} at {} is no source of the runbook",
            without_password(&recipe.repository),
            recipe.target
        ))
    }
}

async fn now(world: &World, name: &str) -> Result<Checkout, String> {
    let said = |failure: Failure| {
        let words: Vec<_> = std::iter::once(failure.message).chain(failure.causes).collect();
        words.join(": ")
    };
    let (mut request, folder) = request(world, name).map_err(said)?;
    request.mirrors.clear();
    git::fetch(&request, &folder)
        .await
        .map_err(|error| said(error.failure()))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::OnceLock;

    use serde_json::json;

    use super::*;
    use crate::runbook;
    use crate::steps::Options;

    const PLANNED: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
    // Nobody listens there.
    const RUNBOOK: &str = "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {context: new}\n\
        sources:\n  platform: {git: \"http://127.0.0.1:1/p.git\", revision: main}\n\
        agent: {argocd: {from: {source: platform, path: argocd}}}\n\
        roots:\n  - {id: apps, source: platform, path: apps}\n";

    fn recipe(repository: &str, target: &str) -> Recipe {
        let source = json!({"repoURL": repository, "targetRevision": target, "path": "cart"});
        Recipe::of(&source).unwrap().unwrap()
    }

    #[tokio::test]
    async fn what_cannot_be_fetched_again_is_not_taken_from_what_was_planned() {
        let cache = tempfile::tempdir().unwrap();
        let planned = Checkout {
            commit: PLANNED.to_owned(),
            directory: PathBuf::from("planned"),
            url: "http://127.0.0.1:1/p.git".to_owned(),
            submodules: Vec::new(),
        };
        let world = World {
            runbook: OnceLock::from(runbook::parse("shop.yaml", RUNBOOK).0.unwrap()),
            checkouts: OnceLock::from(BTreeMap::from([("platform".to_owned(), planned)])),
            options: Options {
                cache: cache.path().to_owned(),
                ..Options::default()
            },
            ..World::default()
        };
        let fresh = Fresh::fetch(&world).await.unwrap();
        let of = |repository, target| fresh.of(&recipe(repository, target));
        let why = of("http://127.0.0.1:1/p", "main").unwrap_err();
        assert!(why.starts_with("source platform cannot be fetched again: "), "{why}");
        assert_eq!(of("http://127.0.0.1:1/p", PLANNED).unwrap().commit, PLANNED);
        let why = of("http://127.0.0.1:1/other", "main").unwrap_err();
        assert!(why.ends_with("is no source of the runbook"), "{why}");
    }
}
