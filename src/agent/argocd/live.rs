//! Watches the live objects that the Applications deploy to this cluster, and what is behind them.
//!
//! One watch a kind for the whole cluster, begun when an Application first names an object of it that is there; only kinds that have a
//! check, so that Secrets and ConfigMaps are never read. Of a kind that the agent may judge by a check which we do not have, what
//! the objects say of themselves tells why one is not well, and settles nothing. Of each object no more is kept than a [`Glance`].
//! What may not be watched is not seen, and that is said once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{self, BoxStream, SelectAll, StreamExt as _};
use serde_json::Value;

use crate::cluster::{Cluster, Refused, Seen, Sort};
use crate::health::by_convention;
use crate::health::lua::Checks;
use crate::platform::argocd::application::Application;
use crate::platform::argocd::bundled::may_judge;
use crate::platform::argocd::decide::Tree;
use crate::platform::live::Sight as Known;
use crate::platform::why::{Facts, Glance, News, Question, Warning};

/// Of how many pods at most the last words are asked for in one run.
const ASKED: usize = 10;

/// What is behind the objects that apps name: pods and the claims they need, and what stands between them and their owners.
const BEHIND: [(&str, &str); 4] = [
    ("v1", "Pod"),
    ("v1", "PersistentVolumeClaim"),
    ("apps/v1", "ReplicaSet"),
    ("batch/v1", "Job"),
];

/// Of these only who made them is of interest; what they say of themselves their owner repeats.
const OWNERS_ONLY: &str = "ReplicaSet";

/// How many objects come in one piece of a list; and of a kind of which one may be a megabyte.
const PAGE: u32 = 100;
const LARGE: (&str, u32) = ("CustomResourceDefinition", 5);

/// One thing that was seen.
pub(super) enum Sight {
    /// An object of a kind: group and kind.
    Object(String, String, Result<Seen<Glance>, Refused>),
    /// An event.
    Warning(Result<Seen<Warning>, Refused>),
    /// The last line of a log, where it could be had.
    Words(Question, Option<String>),
}

/// All that is watched, and what is known by it.
pub(super) struct Live {
    cluster: Cluster,
    checks: Arc<Checks>,
    facts: Facts,
    /// Of which kinds all is known, and of which there is nothing to know.
    kinds: BTreeMap<(String, String), Known>,
    sights: SelectAll<BoxStream<'static, Sight>>,
    /// The kinds that are watched or cannot be, by group and kind.
    begun: BTreeSet<(String, String)>,
    asked: BTreeSet<Question>,
    notices: Vec<String>,
}

impl Live {
    /// Begins to watch what is behind all apps.
    pub(super) fn start(cluster: &Cluster, checks: Arc<Checks>) -> Self {
        let mut live = Self {
            cluster: cluster.clone(),
            checks,
            kinds: BTreeMap::new(),
            facts: Facts::default(),
            sights: SelectAll::new(),
            begun: BTreeSet::new(),
            asked: BTreeSet::new(),
            notices: Vec::new(),
        };
        for (api_version, kind) in BEHIND {
            live.begin(api_version, kind);
        }
        live.sights.push(warnings(cluster));
        live
    }

    /// Begins to watch what an Application names and is not watched yet.
    pub(super) fn name(&mut self, app: Application<'_>) {
        if !app.is_in_cluster() {
            return;
        }
        for resource in app.resources().filter(|resource| !resource.is_app()) {
            let id = resource.id();
            if self.is_begun(&id.group, &id.kind) {
                continue;
            }
            // Before its CRD is there a kind cannot be watched, and once an object is Synced it is.
            let api_version = id.api_version();
            let is_watched = self.checks.cover(&id.group, &id.kind) || may_judge(&id.group);
            if !is_watched || resource.status() == "Synced" || self.cluster.serves(&api_version, &id.kind) {
                self.begin(&api_version, &id.kind);
            }
        }
    }

    fn is_begun(&self, group: &str, kind: &str) -> bool {
        self.begun.contains(&(group.to_owned(), kind.to_owned()))
    }

    fn begin(&mut self, api_version: &str, kind: &str) {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        self.begun.insert((group.to_owned(), kind.to_owned()));
        if (group, kind) == ("", "Secret") {
            // Whatever somebody's script would say of one, it is not worth to read them all.
            return;
        }
        let checks = if self.checks.cover(group, kind) {
            Some(Arc::clone(&self.checks))
        } else if may_judge(group) {
            None
        } else {
            // It is well as soon as it is there, and that the agent says itself.
            self.kinds.insert((group.to_owned(), kind.to_owned()), Known::Unchecked);
            return;
        };
        let cluster = self.cluster.clone();
        self.sights
            .push(objects(cluster, checks, api_version.to_owned(), kind.to_owned()));
    }

    /// Waits for the next sight. May be given up at any time.
    pub(super) async fn next(&mut self) -> Option<Sight> {
        self.sights.next().await
    }

    /// Takes in what was seen.
    pub(super) fn take(&mut self, sight: Sight) {
        match sight {
            Sight::Object(group, kind, seen) => self.take_object(group, kind, seen),
            Sight::Warning(seen) => match seen {
                Ok(Seen::Listed(warnings)) => self.facts.list_warnings(warnings),
                Ok(Seen::There(warning)) => self.facts.warn(warning),
                // That an event is forgotten by the server, or not seen for a while, makes nothing well.
                Ok(Seen::Gone(_) | Seen::Broken(_)) => {}
                Err(Refused(why)) => self
                    .notices
                    .push(format!("events cannot be watched, so some reasons are not told: {why}")),
            },
            Sight::Words(question, words) => {
                if let Some(words) = words {
                    self.facts.hear(question, &words);
                }
            }
        }
    }

    fn take_object(&mut self, group: String, kind: String, seen: Result<Seen<Glance>, Refused>) {
        // Of these no more than their metadata is seen, and of those the agent may think otherwise.
        let is_judged = kind != OWNERS_ONLY && self.checks.cover(&group, &kind);
        match seen {
            Ok(Seen::Broken(_)) => {
                // What is known may be old, but a watch that is taken up where it was does not list anew: it is kept.
                self.kinds.remove(&(group, kind));
            }
            Ok(seen) => {
                match seen {
                    Seen::Listed(glances) => self.facts.list(&group, &kind, glances),
                    Seen::There(glance) => self.facts.see(glance),
                    Seen::Gone(glance) => self.facts.gone(&glance.id),
                    Seen::Broken(_) => {}
                }
                if is_judged {
                    self.kinds.insert((group, kind), Known::Watched);
                }
            }
            Err(Refused(why)) => {
                self.facts.forget(&group, &kind);
                let dot = if group.is_empty() { "" } else { "." };
                self.notices.push(format!(
                    "{kind}{dot}{group} cannot be watched, so what is wrong with such objects is not told: {why}"
                ));
                self.kinds.remove(&(group, kind));
            }
        }
    }

    /// Brings the tree up to date, and asks for the last words of what crashed since.
    pub(super) fn update(&mut self, tree: &mut Tree) -> News {
        let mut news = self.facts.update(&mut tree.live);
        if tree.kinds != self.kinds {
            tree.kinds.clone_from(&self.kinds);
            news = News::State;
        }
        if news != News::Nothing {
            self.ask();
        }
        news
    }

    /// Each end of a container is asked about once, and of no more than [`ASKED`] pods: a log is read by the node itself, which in
    /// an outage has other things to do.
    fn ask(&mut self) {
        let fresh: Vec<_> = self
            .facts
            .questions()
            .filter(|question| !self.asked.contains(question))
            .cloned()
            .collect();
        for question in fresh {
            let pods: BTreeSet<_> = self.asked.iter().map(|asked| asked.uid.as_str()).collect();
            if pods.len() >= ASKED && !pods.contains(question.uid.as_str()) {
                continue;
            }
            self.asked.insert(question.clone());
            let cluster = self.cluster.clone();
            let answer = async move {
                let Question {
                    namespace,
                    pod,
                    container,
                    previous,
                    ..
                } = &question;
                let words = cluster.last_line(namespace, pod, container, *previous).await;
                Sight::Words(question, words)
            };
            self.sights.push(stream::once(answer).boxed());
        }
    }

    /// Takes what is to be said of what cannot be seen.
    pub(super) fn notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }
}

/// Watches a kind, by its check or, without any, by what its objects say of themselves. A kind whose CRD came after the last look is
/// looked for once more.
fn objects(
    cluster: Cluster,
    checks: Option<Arc<Checks>>,
    api_version: String,
    kind: String,
) -> BoxStream<'static, Sight> {
    let group = api_version.split_once('/').map_or("", |(group, _)| group).to_owned();
    let name = kind.clone();
    let begun = async move {
        let sort = |version: &str| -> Result<_, crate::cluster::Error> {
            let sort = Sort {
                metadata_only: kind == OWNERS_ONLY,
                page: if kind == LARGE.0 { LARGE.1 } else { PAGE },
                ..Sort::all(version, &kind)
            };
            cluster.watch_of(sort, keep(checks.clone(), version.to_owned(), kind.clone()))
        };
        let mut version = api_version;
        if !cluster.serves(&version, &kind) {
            let _ = cluster.rediscover().await;
            let (group, _) = version.split_once('/').unwrap_or_default();
            version = cluster.served(Some(group), &kind).unwrap_or(version);
        }
        match sort(&version) {
            Ok(seen) => seen,
            Err(error) => stream::once(std::future::ready(Err(Refused(error.to_string())))).boxed(),
        }
    };
    let seen = stream::once(begun).flatten();
    until_refused(seen)
        .map(move |seen| Sight::Object(group.clone(), name.clone(), seen))
        .boxed()
}

/// Keeps a glance of an object. Those of a list, and those of which only the metadata are fetched, do not say what they are.
fn keep(
    checks: Option<Arc<Checks>>,
    api_version: String,
    kind: String,
) -> impl FnMut(Value) -> Option<Glance> + Send + 'static {
    move |mut object: Value| {
        let is_whole = object.get("kind").is_none_or(|said| said != "PartialObjectMetadata");
        object["apiVersion"] = api_version.clone().into();
        object["kind"] = kind.clone().into();
        let health = match &checks {
            _ if !is_whole => None,
            Some(checks) => checks.judge(&object),
            None => by_convention(&object),
        };
        Glance::of(&object, health)
    }
}

fn warnings(cluster: &Cluster) -> BoxStream<'static, Sight> {
    let sort = Sort {
        fields: "type!=Normal",
        ..Sort::all("v1", "Event")
    };
    let seen = match cluster.watch_of(sort, |event| Warning::of(&event)) {
        Ok(seen) => seen,
        Err(error) => stream::once(std::future::ready(Err(Refused(error.to_string())))).boxed(),
    };
    until_refused(seen).map(Sight::Warning).boxed()
}

/// Ends a watch that the server will not have.
fn until_refused<T: Send + 'static>(
    seen: impl stream::Stream<Item = Result<Seen<T>, Refused>> + Send + 'static,
) -> impl stream::Stream<Item = Result<Seen<T>, Refused>> + Send {
    seen.scan(false, |is_over, seen| {
        let was_over = std::mem::replace(is_over, seen.is_err());
        std::future::ready((!was_over).then_some(seen))
    })
}
