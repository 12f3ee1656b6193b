//! Watches the live objects that the Applications deploy to this cluster, and what is behind them.
//!
//! One watch a kind for the whole cluster, begun when an Application first names an object of it; only kinds that have a check, so
//! that Secrets and ConfigMaps are never read. Of each object no more is kept than a [`Glance`]. What may not be watched is not
//! seen, and that is said once.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, BoxStream, SelectAll, StreamExt as _};
use serde_json::{Value, json};

use crate::cluster::{Cluster, Seen, Sort};
use crate::health;
use crate::platform::argocd::application::Application;
use crate::platform::argocd::bundled::may_judge;
use crate::platform::argocd::decide::Tree;
use crate::platform::live::Sight as Extent;
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

/// One thing that was seen.
pub(super) enum Sight {
    /// An object of a kind: group and kind.
    Object(String, String, Seen<Glance>),
    /// An event.
    Warning(Seen<Warning>),
    /// The last line of a log, where it could be had.
    Words(Question, Option<String>),
}

/// All that is watched, and what is known by it.
pub(super) struct Live {
    cluster: Cluster,
    facts: Facts,
    sights: SelectAll<BoxStream<'static, Sight>>,
    /// The kinds that are watched or cannot be, by group and kind.
    begun: BTreeSet<(String, String)>,
    /// The kinds of which all is known that there is to know, by group and kind, and whether that is news.
    kinds: BTreeMap<(String, String), Extent>,
    kinds_are_new: bool,
    asked: BTreeSet<Question>,
    notices: Vec<String>,
}

impl Live {
    /// Begins to watch what is behind all apps.
    pub(super) fn start(cluster: &Cluster) -> Self {
        let mut live = Self {
            cluster: cluster.clone(),
            facts: Facts::default(),
            sights: SelectAll::new(),
            begun: BTreeSet::new(),
            kinds: BTreeMap::new(),
            kinds_are_new: false,
            asked: BTreeSet::new(),
            notices: Vec::new(),
        };
        for (api_version, kind) in BEHIND {
            live.begin(api_version, kind);
        }
        live.sights.push(warnings(live.cluster.clone()));
        live
    }

    /// Begins to watch what an Application names and is not watched yet.
    pub(super) fn name(&mut self, app: Application<'_>) {
        if !app.is_in_cluster() {
            return;
        }
        for id in app
            .resources()
            .filter(|resource| !resource.is_app())
            .map(|resource| resource.id())
        {
            if !self.is_begun(&id.group, &id.kind) {
                self.begin(&id.api_version(), &id.kind);
            }
        }
    }

    fn is_begun(&self, group: &str, kind: &str) -> bool {
        self.begun.contains(&(group.to_owned(), kind.to_owned()))
    }

    fn begin(&mut self, api_version: &str, kind: &str) {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        self.begun.insert((group.to_owned(), kind.to_owned()));
        // What has no check is well as soon as it is there, and that the agent says itself.
        if health::judge(&json!({"apiVersion": api_version, "kind": kind})).is_some() {
            self.sights
                .push(objects(self.cluster.clone(), api_version.to_owned(), kind.to_owned()));
        } else if !may_judge(group) {
            self.know(group, kind, Some(Extent::Unchecked));
        }
    }

    /// Notes how much is known of a kind from now on.
    fn know(&mut self, group: &str, kind: &str, extent: Option<Extent>) {
        let key = (group.to_owned(), kind.to_owned());
        self.kinds_are_new |= self.kinds.get(&key).copied() != extent;
        match extent {
            Some(extent) => self.kinds.insert(key, extent),
            None => self.kinds.remove(&key),
        };
    }

    /// Waits for the next sight. May be given up at any time.
    pub(super) async fn next(&mut self) -> Option<Sight> {
        self.sights.next().await
    }

    /// Takes in what was seen.
    pub(super) fn take(&mut self, sight: Sight) {
        match sight {
            Sight::Object(group, kind, seen) => match seen {
                Seen::Listed(glances) => {
                    self.facts.list(&group, &kind, glances);
                    self.know(&group, &kind, Some(Extent::Watched));
                }
                Seen::There(glance) => self.facts.see(glance),
                Seen::Gone(glance) => self.facts.gone(&glance.id),
                Seen::Broken(_) => {
                    self.facts.forget(&group, &kind);
                    self.know(&group, &kind, None);
                }
                Seen::Refused(why) => {
                    self.facts.forget(&group, &kind);
                    self.know(&group, &kind, None);
                    let dot = if group.is_empty() { "" } else { "." };
                    self.notices.push(format!(
                        "{kind}{dot}{group} cannot be watched, so what is wrong with such objects is not told: {why}"
                    ));
                }
            },
            Sight::Warning(seen) => match seen {
                Seen::Listed(warnings) => self.facts.list_warnings(warnings),
                Seen::There(warning) => self.facts.warn(warning),
                // That an event is forgotten by the server, or not seen for a while, makes nothing well.
                Seen::Gone(_) | Seen::Broken(_) => {}
                Seen::Refused(why) => self
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

    /// Brings the tree up to date, and asks for the last words of what crashed since.
    pub(super) fn update(&mut self, tree: &mut Tree) -> News {
        let mut news = self.facts.update(&mut tree.live);
        if std::mem::take(&mut self.kinds_are_new) {
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

/// Watches a kind. A kind whose CRD came after the last look is looked for once more.
fn objects(cluster: Cluster, api_version: String, kind: String) -> BoxStream<'static, Sight> {
    let group = api_version.split_once('/').map_or("", |(group, _)| group).to_owned();
    let name = kind.clone();
    let begun = async move {
        let sort = |version: &str| -> Result<_, crate::cluster::Error> {
            let sort = Sort {
                // Of these only who made them is of interest; what they say of themselves their owner repeats.
                metadata_only: kind == "ReplicaSet",
                ..Sort::all(version, &kind)
            };
            cluster.watch_of(sort, keep(version.to_owned(), kind.clone()))
        };
        let mut version = api_version;
        if !cluster.serves(&version, &kind) {
            let _ = cluster.rediscover().await;
            let (group, _) = version.split_once('/').unwrap_or_default();
            version = cluster.served(Some(group), &kind).unwrap_or(version);
        }
        match sort(&version) {
            Ok(seen) => seen,
            Err(error) => stream::once(std::future::ready(Seen::Refused(error.to_string()))).boxed(),
        }
    };
    let seen = stream::once(begun).flatten();
    until_refused(seen)
        .map(move |seen| Sight::Object(group.clone(), name.clone(), seen))
        .boxed()
}

/// Keeps a glance of an object. Those of a list, and those of which only the metadata are fetched, do not say what they are.
fn keep(api_version: String, kind: String) -> impl FnMut(Value) -> Option<Glance> + Send + 'static {
    move |mut object: Value| {
        let is_whole = object.get("kind").is_none_or(|said| said != "PartialObjectMetadata");
        object["apiVersion"] = api_version.clone().into();
        object["kind"] = kind.clone().into();
        let health = if is_whole { health::judge(&object) } else { None };
        Glance::of(&object, health)
    }
}

fn warnings(cluster: Cluster) -> BoxStream<'static, Sight> {
    let sort = Sort {
        fields: "type!=Normal",
        ..Sort::all("v1", "Event")
    };
    let seen = match cluster.watch_of(sort, |event| Warning::of(&event)) {
        Ok(seen) => seen,
        Err(error) => stream::once(std::future::ready(Seen::Refused(error.to_string()))).boxed(),
    };
    until_refused(seen).map(Sight::Warning).boxed()
}

/// Ends a watch that the server will not have.
fn until_refused<T: Send + 'static>(
    seen: impl stream::Stream<Item = Seen<T>> + Send + 'static,
) -> impl stream::Stream<Item = Seen<T>> + Send {
    seen.scan(false, |is_over, seen| {
        let was_over = std::mem::replace(is_over, matches!(seen, Seen::Refused(_)));
        std::future::ready((!was_over).then_some(seen))
    })
}
