//! Watches the live objects that the Applications deploy to this cluster, and what is behind them.
//!
//! One watch a kind for the whole cluster, begun when an Application first names an object of it; only kinds that have a check, so
//! that Secrets and ConfigMaps are never read. Of each object no more is kept than a [`Glance`]. What may not be watched is not
//! seen, and that is said once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{self, BoxStream, SelectAll, StreamExt as _};
use serde_json::Value;

use super::arrivals::Arrivals;
use super::judged::Judge;
use super::worth::{Worth, worth};
use crate::cluster::{Cluster, Refused, Seen, Sort};
use crate::health::lua::Checks;
use crate::platform::argocd::application::{Application, Resource};
use crate::platform::argocd::decide::Tree;
use crate::platform::live::Sight as Known;
use crate::platform::why::{End, Facts, Glance, News, Question, Warning};

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
    Words(End, Option<String>),
    /// It was asked again which kinds are served.
    Looked,
}

/// All that is watched, and what is known by it.
pub(super) struct Live {
    cluster: Cluster,
    judge: Judge,
    facts: Facts,
    /// Of which kinds all is known, and of which there is nothing to know.
    kinds: BTreeMap<(String, String), Known>,
    sights: SelectAll<BoxStream<'static, Sight>>,
    /// The kinds that are watched or cannot be, by group and kind.
    begun: BTreeSet<(String, String)>,
    /// Those of them that nobody serves yet, with the `apiVersion` that was named, and what hears of them.
    absent: BTreeMap<(String, String), String>,
    arrivals: Option<Arrivals>,
    asked: BTreeSet<End>,
    notices: Vec<String>,
    given_up: BTreeSet<String>,
    /// Whether a watch broke since that was last asked.
    lost_sight: bool,
}

impl Live {
    /// Begins to watch what is behind all apps.
    pub(super) fn start(cluster: &Cluster, checks: Arc<Checks>) -> Self {
        let mut live = Self {
            cluster: cluster.clone(),
            judge: Judge::new(checks),
            kinds: BTreeMap::new(),
            facts: Facts::default(),
            sights: SelectAll::new(),
            begun: BTreeSet::new(),
            absent: BTreeMap::new(),
            arrivals: None,
            asked: BTreeSet::new(),
            notices: Vec::new(),
            given_up: BTreeSet::new(),
            lost_sight: false,
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
        for id in app.resources().filter(|resource| !resource.is_app()).map(Resource::id) {
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
        match worth(self.judge.checks(), group, kind) {
            Worth::Watching | Worth::Words => self.watch(group, kind, api_version),
            // It is well as soon as it is there, and that the agent says itself.
            Worth::Nothing => {
                self.kinds.insert((group.to_owned(), kind.to_owned()), Known::Unchecked);
            }
            Worth::Unknown => {}
        }
    }

    /// Watches a kind, in the version that is served. One whose CRD comes after its app is watched as soon as it is served.
    fn watch(&mut self, group: &str, kind: &str, named: &str) {
        let named = named.to_owned();
        let version = Some(named.clone()).filter(|named| self.cluster.serves(named, kind));
        let version = version.or_else(|| self.cluster.served(Some(group), kind));
        let seen = version.and_then(|version| objects(&self.cluster, self.judge.clone(), &version, group, kind));
        if let Some(seen) = seen {
            self.sights.push(seen);
        } else {
            self.absent.insert((group.to_owned(), kind.to_owned()), named);
            self.arrivals.get_or_insert_with(|| Arrivals::start(&self.cluster));
        }
    }

    /// Looks once more for the kinds that nobody served.
    fn watch_absent(&mut self) {
        for ((group, kind), named) in std::mem::take(&mut self.absent) {
            self.watch(&group, &kind, &named);
        }
        if self.absent.is_empty() {
            self.arrivals = None;
        }
    }

    /// Waits for the next sight. May be given up at any time.
    pub(super) async fn next(&mut self) -> Option<Sight> {
        let looked = async {
            match &mut self.arrivals {
                Some(arrivals) => arrivals.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(sight) = self.sights.next() => Some(sight),
            () = looked => Some(Sight::Looked),
        }
    }

    /// Takes whether what is known may have gaps since this was last asked: a watch broke, and what fell ill and was well again
    /// meanwhile was not seen.
    pub(super) fn lost_sight(&mut self) -> bool {
        std::mem::take(&mut self.lost_sight)
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
            Sight::Words(end, words) => {
                if let Some(words) = words {
                    self.facts.hear(end, &words);
                }
            }
            Sight::Looked => self.watch_absent(),
        }
    }

    fn take_object(&mut self, group: String, kind: String, seen: Result<Seen<Glance>, Refused>) {
        // Of these no more than their metadata is seen, and of those the agent may think otherwise.
        let is_judged = kind != OWNERS_ONLY && self.judge.checks().cover(&group, &kind);
        match seen {
            Ok(Seen::Broken(_)) => {
                // What is known may be old. It is kept until the watch, begun anew, has listed what there is.
                self.kinds.remove(&(group, kind));
                self.lost_sight = true;
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
        for script in self.judge.checks().given_up() {
            if self.given_up.insert(script.name.clone()) {
                self.notices.push(format!(
                    "{script}. Objects that it judges are Unknown here; the agent's own verdict counts."
                ));
            }
        }
        news
    }

    /// Each end of a container is asked about once, and of no more than [`ASKED`] pods that are unwell at a time: a log is read by
    /// the node itself, which in an outage has other things to do.
    fn ask(&mut self) {
        let fresh: Vec<_> = self
            .facts
            .questions()
            .filter(|question| !self.asked.contains(&question.end))
            .cloned()
            .collect();
        for question in fresh {
            let uids = self.asked.iter().map(|asked| asked.uid.as_str());
            let pods: BTreeSet<_> = uids.filter(|uid| self.facts.is_unwell(uid)).collect();
            if pods.len() >= ASKED && !pods.contains(question.end.uid.as_str()) {
                continue;
            }
            self.asked.insert(question.end.clone());
            let cluster = self.cluster.clone();
            let answer = async move {
                let Question {
                    end,
                    namespace,
                    pod,
                    previous,
                } = question;
                let words = cluster.last_line(&namespace, &pod, &end.container, previous).await;
                Sight::Words(end, words)
            };
            self.sights.push(stream::once(answer).boxed());
        }
    }

    /// Takes what is to be said of what cannot be seen.
    pub(super) fn notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }
}

/// Watches a kind; `None` where nobody serves it.
fn objects(
    cluster: &Cluster,
    judge: Judge,
    api_version: &str,
    group: &str,
    kind: &str,
) -> Option<BoxStream<'static, Sight>> {
    let sort = Sort {
        metadata_only: kind == OWNERS_ONLY,
        page: if kind == LARGE.0 { LARGE.1 } else { PAGE },
        ..Sort::all(api_version, kind)
    };
    let (version, name) = (api_version.to_owned(), kind.to_owned());
    let glance = move |object: Value| judge.clone().glance(object, version.clone(), name.clone());
    let seen = cluster.watch_each(sort, glance).ok()?;
    let (group, kind) = (group.to_owned(), kind.to_owned());
    let sights = until_refused(seen).map(move |seen| Sight::Object(group.clone(), kind.clone(), seen));
    Some(sights.boxed())
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::health::lua::Script;

    #[tokio::test]
    async fn a_watch_that_broke_is_lost_sight_once_and_one_that_is_taken_up_is_none() {
        let mut live = Live::start(&Cluster::deaf("new"), Arc::default());
        let seen = |seen| Sight::Object("apps".into(), "Deployment".into(), Ok(seen));
        live.take(seen(Seen::Listed(Vec::new())));
        assert!(!live.lost_sight());
        live.take(seen(Seen::Broken("reset".into())));
        live.take(seen(Seen::Listed(Vec::new())));
        assert!(live.lost_sight());
        assert!(!live.lost_sight());
    }

    #[tokio::test]
    async fn a_kind_that_nobody_serves_yet_is_neither_given_up_nor_said_to_be_refused() {
        let script = Script::new("return {}", false);
        let checks = Checks::new(
            BTreeMap::from([("example.com/Widget".to_owned(), script)]),
            BTreeMap::new(),
        );
        let mut live = Live::start(&Cluster::deaf("new"), Arc::new(checks));
        let app = json!({
            "spec": {"destination": {"server": "https://kubernetes.default.svc"}},
            "status": {"resources": [{"group": "example.com", "version": "v1", "kind": "Widget", "namespace": "a", "name": "b"}]},
        });
        live.name(Application::new(&app));
        let widget = ("example.com".to_owned(), "Widget".to_owned());
        assert_eq!(live.absent.get(&widget).map(String::as_str), Some("example.com/v1"));
        live.take(Sight::Looked);
        assert!(live.absent.contains_key(&widget), "it is looked for until it is there");
        let known: BTreeSet<_> = live.absent.keys().cloned().collect();
        live.name(Application::new(&app));
        assert_eq!(live.absent.keys().cloned().collect::<BTreeSet<_>>(), known);
        live.update(&mut Tree::default());
        assert!(live.notices().is_empty());
    }
}
