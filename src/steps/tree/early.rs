//! Renders every app as soon as it is found, so that one that takes long holds up nobody but those below it.
//!
//! What comes of it is put in order by `walk`, which does not depend on who was ready first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::walk::{Brought, DEPTH, Ground, Told, brought, followers};
use crate::graph::Sourced;
use crate::object::ObjectRef;
use crate::platform::argocd::application::Application;
use crate::platform::argocd::served;
use crate::render::Cluster;

/// How often what asks which kinds are served is rendered anew, since kinds were found that apps bring.
const ROUNDS: usize = 3;

/// What charts are told of the target.
#[derive(Clone)]
pub(super) struct Target {
    /// Its version, where it is known.
    pub(super) kube_version: Option<String>,
    /// What it serves.
    pub(super) served: BTreeSet<String>,
}

/// An app as somebody brings it: two may bring one of the same name, and say different things of it.
type Key = (ObjectRef, String);

/// An app that was found.
struct Known {
    object: Sourced,
    depth: usize,
    state: State,
}

enum State {
    /// It is being rendered for the first time, or that broke off.
    Open,
    Brought(Brought),
    /// It was not in time.
    Late,
}

impl State {
    /// Takes what a rendering came to, none where it was not in time. What was known before is kept until there is something better.
    fn ended(&mut self, found: Option<Brought>) {
        match (found, &self) {
            (Some(found), _) => *self = Self::Brought(found),
            (None, Self::Brought(_)) => {}
            (None, _) => *self = Self::Late,
        }
    }
}

/// What was rendered.
pub(super) struct Early {
    ground: Arc<Ground>,
    target: Target,
    until: Instant,
    limit: Duration,
    known: BTreeMap<Key, Known>,
    running: JoinSet<(Key, Option<Brought>)>,
}

fn key(object: &Sourced) -> Key {
    (object.manifest.id(), object.manifest.value().to_string())
}

impl Early {
    pub(super) fn new(ground: &Arc<Ground>, target: Target, limit: Duration) -> Self {
        Self {
            ground: Arc::clone(ground),
            target,
            until: Instant::now() + limit,
            limit,
            known: BTreeMap::new(),
            running: JoinSet::new(),
        }
    }

    /// Renders these apps and all that follow from them. `before` is how many are known besides.
    ///
    /// Argo CD tells charts which kinds its cluster serves. What another app needs of kinds is applied before the roots, so that
    /// Argo CD finds them served from the start; a chart that asks for such a kind is one that needs it.
    pub(super) async fn all(&mut self, first: impl Iterator<Item = Sourced>, before: usize, told: Told<'_>) {
        first.for_each(|object| self.find(object, 0));
        for _ in 0..ROUNDS {
            self.finish(before, told).await;
            let count = self.target.served.len();
            let brought = self.brought();
            self.target.served.extend(brought);
            if self.target.served.len() == count {
                return;
            }
            let asks = |known: &Known| matches!(&known.state, State::Brought(brought) if brought.asks);
            let again: Vec<Key> = self
                .known
                .iter()
                .filter(|(_, known)| asks(known))
                .map(|(key, _)| key.clone())
                .collect();
            for key in again {
                self.begin(key);
            }
        }
        self.finish(before, told).await;
    }

    /// Returns the kinds that apps bring to the target by themselves.
    fn brought(&self) -> BTreeSet<String> {
        let of = |known: &&Known| {
            let app = &known.object.manifest;
            let (cluster, _) = self.ground.whereabouts(app);
            cluster.is_empty() && app.kind() == "Application" && Application::new(app.value()).is_automated()
        };
        let objects = self.known.values().filter(of).filter_map(|known| match &known.state {
            State::Brought(brought) => brought.contents.as_ref().ok(),
            State::Open | State::Late => None,
        });
        served::of_crds(objects.flatten().map(|one| &one.manifest))
    }

    fn find(&mut self, object: Sourced, depth: usize) {
        let key = key(&object);
        if depth >= DEPTH || self.known.contains_key(&key) {
            return;
        }
        let known = Known {
            object,
            depth,
            state: State::Open,
        };
        self.known.insert(key.clone(), known);
        self.begin(key);
    }

    fn begin(&mut self, key: Key) {
        let Some(known) = self.known.get(&key) else { return };
        let (ground, until, object) = (Arc::clone(&self.ground), self.until, known.object.clone());
        let target = Cluster {
            kube_version: self.target.kube_version.clone(),
            api_versions: self.target.served.iter().cloned().collect(),
        };
        self.running.spawn(async move {
            let found = timeout_at(until, brought(&ground, &object, &target)).await;
            (key, found.ok())
        });
    }

    /// Waits for all that is being rendered, and for what follows from it.
    async fn finish(&mut self, before: usize, told: Told<'_>) {
        while let Some(ended) = self.running.join_next().await {
            // A task that panicked leaves its app open.
            let Ok((key, found)) = ended else { continue };
            let name = key.0.name.clone();
            self.take(&key, found);
            let total = before + self.known.len();
            told(total - self.running.len(), total, &name);
        }
    }

    fn take(&mut self, key: &Key, found: Option<Brought>) {
        let Some(known) = self.known.get_mut(key) else { return };
        let mut below = Vec::new();
        if let Some(Ok(objects)) = found.as_ref().map(|found| &found.contents) {
            let (cluster, namespace) = self.ground.whereabouts(&known.object.manifest);
            below.extend(followers(objects, &cluster, &namespace));
        }
        let depth = known.depth + 1;
        known.state.ended(found);
        for object in below {
            self.find(object, depth);
        }
    }

    /// Returns what an app brings, once.
    pub(super) fn of(&mut self, object: &Sourced) -> Brought {
        let why = match self.known.remove(&key(object)).map(|known| known.state) {
            Some(State::Brought(brought)) => return brought,
            Some(State::Late) => format!(
                "not rendered within {} s, which is all that is looked ahead",
                self.limit.as_secs()
            ),
            Some(State::Open) => "its rendering broke off; this is a mistake in gitops-dr".to_owned(),
            None => format!("it is deeper than {DEPTH} levels below the roots"),
        };
        Brought {
            sources: Vec::new(),
            asks: false,
            contents: Err(vec![why]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn because(why: &str) -> Brought {
        Brought {
            sources: Vec::new(),
            asks: true,
            contents: Err(vec![why.to_owned()]),
        }
    }

    #[test]
    fn a_rendering_is_replaced_by_a_later_one_only_where_that_was_in_time() {
        let after = |ends: Vec<Option<&str>>| {
            let mut state = State::Open;
            for found in ends {
                state.ended(found.map(because));
            }
            match state {
                State::Open => "open".to_owned(),
                State::Late => "late".to_owned(),
                State::Brought(brought) => brought.contents.unwrap_err().concat(),
            }
        };
        for (ends, expected) in [
            (vec![], "open"),
            (vec![None], "late"),
            (vec![Some("first"), None], "first"),
            (vec![Some("first"), Some("second")], "second"),
            (vec![None, Some("second")], "second"),
        ] {
            assert_eq!(after(ends.clone()), expected, "{ends:?}");
        }
    }
}
