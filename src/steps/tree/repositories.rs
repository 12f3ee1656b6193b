//! Where a repository at a revision is on this disk: a source of the runbook, or fetched for this.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::{OnceCell, Semaphore};

use super::login;
use crate::event::Failure;
use crate::git::{self, Checkout, Kind, Request, Wanted};
use crate::platform::argocd::address;
use crate::recipe::{password, without_password};
use crate::redact::{Redactor, Secret};
use crate::runbook::Revision;
use crate::steps::World;
use crate::steps::sources::request;

/// How long a server of a repository that nobody named may be silent.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many repositories are fetched at once.
const AT_ONCE: usize = 8;

/// A commit on disk.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// The name of the source in the runbook; empty where it is none of them.
    pub(super) name: String,
    /// The commit.
    pub(super) checkout: Checkout,
}

/// A repository at a revision, as the first to ask for it finds it.
type Once = Arc<OnceCell<Result<Found, String>>>;

/// Finds repositories; each is fetched once.
pub(super) struct Repositories {
    world: Arc<World>,
    asked: Mutex<BTreeMap<(String, String), Once>>,
    places: Semaphore,
}

impl Repositories {
    pub(super) fn new(world: &Arc<World>) -> Self {
        Self {
            world: Arc::clone(world),
            asked: Mutex::default(),
            places: Semaphore::new(AT_ONCE),
        }
    }

    /// Returns the checkout of a repository at a revision, as an Application names them; or why there is none.
    pub(super) async fn at(&self, repository: &str, target: &str) -> Result<Found, String> {
        learn(&self.world.redactor, repository);
        let key = (address::normal(repository), target.to_owned());
        let once = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(asked.entry(key).or_default())
        };
        once.get_or_init(|| self.find(repository, target)).await.clone()
    }

    async fn find(&self, repository: &str, target: &str) -> Result<Found, String> {
        let told = |failure: Failure| -> String {
            let words: Vec<_> = std::iter::once(failure.message).chain(failure.causes).collect();
            words.join(": ")
        };
        let runbook = self.world.runbook().map_err(told)?;
        let planned = self.world.checkouts.get().ok_or("the sources were not fetched")?;
        let wanted = address::normal(repository);
        let mut same = None;
        for (name, source) in &runbook.sources {
            let mut addresses = std::iter::once(&source.git).chain(&source.mirrors);
            if !addresses.any(|address| address::normal(address) == wanted) {
                continue;
            }
            same = Some(name);
            if let Some(checkout) = planned.get(name)
                && address::is_revision(target, source.revision.text(), &checkout.commit)
            {
                return Ok(Found {
                    name: name.clone(),
                    checkout: checkout.clone(),
                });
            }
        }
        let revision = match Revision::of(target) {
            Revision::Pinned(commit) => Wanted::Pinned(commit),
            Revision::Follow(name) => Wanted::Follow(name),
        };
        let (request, folder) = if let Some(name) = same {
            let (request, folder) = request(&self.world, name).map_err(told)?;
            (Request { revision, ..request }, folder)
        } else {
            // Whoever writes an Application would have files of this machine read.
            if git::is_local(repository) {
                return Err(format!(
                    "{} is a folder of this machine and no source of the runbook",
                    without_password(repository)
                ));
            }
            let secrets = self.world.secrets.get().ok_or("the stores were not read")?;
            let request = Request {
                url: repository.to_owned(),
                mirrors: Vec::new(),
                revision,
                access: login::access(runbook, secrets, repository)?,
                patience: PATIENCE,
            };
            (
                request,
                self.world.options.cache.join(".others").join(short_digest(&wanted)),
            )
        };
        let _place = self.places.acquire().await.ok();
        let checkout = git::fetch(&request, &folder).await.map_err(|error| {
            let failure = error.failure();
            let (mend, why) = (mend(&error, &failure), told(failure));
            let repository = without_password(repository);
            if same.is_some() {
                format!("{repository} at {target} cannot be read: {why}")
            } else {
                format!("{repository} is no source of the runbook, and cannot be read: {why}{mend}")
            }
        })?;
        Ok(Found {
            name: same.cloned().unwrap_or_default(),
            checkout,
        })
    }
}

/// Says how to mend that a repository which is no source of the runbook cannot be read: what it lacks may be a login or a mirror.
fn mend(error: &git::Error, failure: &Failure) -> String {
    let is_barred = |refusal: &git::Refusal| !matches!(refusal.kind, Kind::LeadsOut(_) | Kind::NoSuchRevision { .. });
    let hints = match error {
        git::Error::Refused(refusals) if refusals.iter().any(is_barred) => {
            vec!["name it under `sources`, with its credentials".to_owned()]
        }
        _ => failure.hints.clone(),
    };
    hints
        .into_iter()
        .fold(String::new(), |all, hint| format!("{all}; {hint}"))
}

/// Teaches the redactor the password that an address carries, as it is written there and as it is meant.
pub(super) fn learn(redactor: &Redactor, repository: &str) {
    if let Some(password) = password(repository) {
        redactor.learn(&Secret::from(password));
        let meant: Vec<u8> = percent_encoding::percent_decode_str(password).collect();
        redactor.learn(&Secret::new(meant));
    }
}

/// A name for a folder.
fn short_digest(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest
        .iter()
        .take(10)
        .fold(String::new(), |name, byte| name + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;
    use crate::runbook;

    const RUNBOOK: &str = "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {context: new}\n\
        sources:\n  platform: {git: \"https://h/p.git\", revision: main}\n\
        agent: {argocd: {from: {source: platform, path: argocd}}}\n\
        roots:\n  - {id: apps, source: platform, path: apps}\n";

    fn repositories() -> Repositories {
        Repositories::new(&Arc::new(World {
            runbook: OnceLock::from(runbook::parse("shop.yaml", RUNBOOK).0.unwrap()),
            checkouts: OnceLock::from(BTreeMap::new()),
            secrets: OnceLock::from(BTreeMap::new()),
            ..World::default()
        }))
    }

    #[tokio::test]
    async fn a_folder_of_this_machine_is_no_repository_of_an_app() {
        for address in ["file:///srv/git", "FILE:///srv/git"] {
            let why = repositories().at(address, "main").await.unwrap_err();
            assert!(why.contains("is a folder of this machine"), "{why}");
        }
    }

    #[tokio::test]
    async fn a_password_in_an_address_is_neither_told_nor_shown_later() {
        let repositories = repositories();
        // Nobody listens there.
        let asked = "http://bot:hunter%202hunter@127.0.0.1:1/p.git";
        let why = repositories.at(asked, "main").await.unwrap_err();
        assert!(why.starts_with("http://127.0.0.1:1/p.git is no source"), "{why}");
        assert!(!why.contains("hunter"), "{why}");
        for shape in ["hunter%202hunter", "hunter 2hunter"] {
            let text = repositories.world.redactor.redact(shape).into_owned();
            assert!(!text.contains("hunter"), "{text}");
        }
    }
}
