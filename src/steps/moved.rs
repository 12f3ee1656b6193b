//! Branches that move while the apps are driven. Only reads.
//!
//! Apps follow their own `targetRevision`, so the agent goes on to a new commit by itself; neither do we hold it back, nor
//! could we. What we owe is to notice, to wait for the commit that is there now, and to say it loudly where somebody has
//! rewritten history: then nobody has planned what comes up.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use super::World;
use super::replanned::Moved;
use super::sources::{request, short};
use crate::engine::Context;
use crate::event::{Exception, Failure, Run};
use crate::git;
use crate::platform::argocd::decide::{Decision, Resolved};
use crate::runbook::Revision;

/// How long a source is left alone after it was asked. A Git server that has just come up is not asked by every event.
const PAUSE: Duration = Duration::from_secs(30);

/// How often one tries to find out about one commit.
const TRIES: usize = 3;

/// What came of asking a source where it is now.
struct Looked {
    source: String,
    /// The commits of the agent that made us ask.
    seen: Vec<String>,
    /// Where it is, and whether that follows from where it was.
    found: Result<Option<Moved>, Failure>,
}

/// What is known of one commit at which the agent is and we were not.
#[derive(Default)]
struct Known {
    /// Whether it is explained: the agent is behind, or ahead and we have caught up.
    is_explained: bool,
    /// How often finding out has failed.
    failed: usize,
}

/// Follows the sources while the apps are driven.
pub(super) struct Following {
    world: Arc<World>,
    looks: JoinSet<Looked>,
    /// When each source was last asked, by the run's clock.
    asked: BTreeMap<String, Duration>,
    known: BTreeMap<(String, String), Known>,
}

impl Following {
    pub(super) fn new(world: &Arc<World>) -> Self {
        Self {
            world: Arc::clone(world),
            looks: JoinSet::new(),
            asked: BTreeMap::new(),
            known: BTreeMap::new(),
        }
    }

    /// Returns the commits at which the sources are, as far as is known.
    pub(super) fn revisions(world: &World) -> Result<Vec<Resolved>, Failure> {
        let resolved = world.runbook()?.sources.iter().filter_map(|(name, source)| {
            Some(Resolved {
                repository: source.git.clone(),
                target: source.revision.text().to_owned(),
                commit: newest(world, name)?,
            })
        });
        Ok(resolved.collect())
    }

    /// Asks the sources of which the agent sees another commit than we know, where that is due. Returns after which time to
    /// decide again.
    pub(super) fn look(&mut self, decision: &Decision, context: &Context) -> Result<Option<Duration>, Failure> {
        let now = context.clock().elapsed();
        let mut again: Option<Duration> = None;
        for (source, seen) in self.unexplained(decision)? {
            let left = self
                .asked
                .get(&source)
                .map_or(Duration::ZERO, |asked| PAUSE.saturating_sub(now.saturating_sub(*asked)));
            if !left.is_zero() {
                again = Some(again.map_or(left, |again| again.min(left)));
                continue;
            }
            self.asked.insert(source.clone(), now);
            let world = Arc::clone(&self.world);
            self.looks.spawn(async move {
                let found = find(&world, &source).await;
                Looked { source, seen, found }
            });
        }
        Ok(again)
    }

    /// Whether every commit at which the agent is has been explained, so that an end can be judged.
    pub(super) fn is_clear(&self, decision: &Decision) -> Result<bool, Failure> {
        Ok(self.looks.is_empty() && self.unexplained(decision)?.is_empty())
    }

    /// Waits until a source has answered; for ever where none was asked. Returns whether the commits to wait for are others now.
    pub(super) async fn answered(&mut self, context: &Context) -> bool {
        let looked = loop {
            match self.looks.join_next().await {
                Some(Ok(looked)) => break looked,
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        };
        for seen in &looked.seen {
            let known = self.known.entry((looked.source.clone(), seen.clone())).or_default();
            match &looked.found {
                Ok(_) => known.is_explained = true,
                Err(failure) => {
                    known.failed += 1;
                    if known.failed == TRIES {
                        context.emit(Run::Excepted(unknown(&looked.source, seen, failure)));
                    }
                }
            }
        }
        let Ok(Some(moved)) = looked.found else {
            return false;
        };
        context.emit(moved.event());
        if moved.rewritten {
            context.emit(Run::Excepted(Exception {
                subject: format!("source {}", moved.source),
                what: moved.words(),
                reason: "the agent follows its branch, and with it what nobody has planned; see what came up".into(),
            }));
        }
        let mut commits = self.world.moved.lock().unwrap_or_else(PoisonError::into_inner);
        commits.entry(moved.source).or_default().push(moved.to);
        true
    }

    /// Returns the followed sources of which the agent sees commits that nobody has explained, with these.
    fn unexplained(&self, decision: &Decision) -> Result<BTreeMap<String, Vec<String>>, Failure> {
        let mut unexplained: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let sources = &self.world.runbook()?.sources;
        let followed = sources
            .iter()
            .filter(|(_, source)| matches!(source.revision, Revision::Follow(_)));
        for (name, source) in followed {
            let past = self.past(name);
            for seen in &decision.elsewhere {
                let key = (name.clone(), seen.commit.clone());
                let is_known = past.contains(&seen.commit)
                    || self
                        .known
                        .get(&key)
                        .is_some_and(|known| known.is_explained || known.failed >= TRIES);
                if !is_known && seen.is_of(&source.git, source.revision.text()) {
                    unexplained.entry(name.clone()).or_default().push(seen.commit.clone());
                }
            }
        }
        Ok(unexplained)
    }

    /// Returns the commits at which we knew a source to be: whoever is there is behind.
    fn past(&self, source: &str) -> Vec<String> {
        let earlier = self
            .world
            .earlier
            .get()
            .into_iter()
            .flat_map(|earlier| &earlier.revisions);
        let earlier = earlier
            .filter(|(name, _)| name == source)
            .map(|(_, commit)| commit.clone());
        let planned = self
            .world
            .checkouts
            .get()
            .and_then(|checkouts| Some(checkouts.get(source)?.commit.clone()));
        let moved = self.world.moved.lock().unwrap_or_else(PoisonError::into_inner);
        let moved = moved.get(source).cloned().unwrap_or_default();
        earlier.chain(planned).chain(moved).collect()
    }
}

/// Returns the commit at which we know a source to be.
fn newest(world: &World, source: &str) -> Option<String> {
    let moved = world.moved.lock().unwrap_or_else(PoisonError::into_inner);
    let newest = moved.get(source).and_then(|commits| commits.last());
    newest
        .or(world.checkouts.get()?.get(source).map(|checkout| &checkout.commit))
        .cloned()
}

/// Asks a source where it is now; `None` if it is where we knew it.
async fn find(world: &World, source: &str) -> Result<Option<Moved>, Failure> {
    let (request, folder) = request(world, source)?;
    let refused = |error: git::Error| error.failure();
    let to = git::fetch(&request, &folder).await.map_err(refused)?.commit;
    let from = newest(world, source).ok_or_else(|| Failure::new(format!("source {source} was not fetched")))?;
    if from == to {
        return Ok(None);
    }
    let follows = git::follows(&request, &from, &to, &folder).await.map_err(refused)?;
    Ok(Some(Moved {
        source: source.to_owned(),
        from,
        to,
        rewritten: !follows,
    }))
}

fn unknown(source: &str, seen: &str, failure: &Failure) -> Exception {
    let causes: Vec<_> = std::iter::once(&failure.message)
        .chain(&failure.causes)
        .map(String::as_str)
        .collect();
    Exception {
        subject: format!("source {source}"),
        what: format!(
            "the agent is at {}, and whether that follows from what was planned cannot be told",
            short(seen)
        ),
        reason: causes.join(": "),
    }
}
