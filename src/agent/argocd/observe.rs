//! What Argo CD's own resources look like now, and the objects that they deploy, kept up to date by watch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::stream::{BoxStream, SelectAll, StreamExt as _};
use serde_json::{Value, json};

use super::lean::lean;
use super::live::{Live, Sight};
use crate::cluster::{Cluster, Error, Refused, Seen, Sort};
use crate::health::lua::Checks;
use crate::object::ObjectRef;
use crate::platform::argocd::application::Application;
use crate::platform::argocd::decide::{Ground, Tree};
use crate::platform::why::News;

/// For how long changes are gathered that only say in other words what is known: of a hundred rollouts there are a thousand.
const GATHER: Duration = Duration::from_millis(250);

/// Few of them at a time: an Application with a hundred objects is large.
const PAGE: u32 = 50;

/// Which kind a sight is of.
#[derive(Clone, Copy)]
enum Kind {
    Application,
    ApplicationSet,
    Project,
}

/// Keeps a [`Tree`] of all Applications and ApplicationSets up to date, and of the objects that they deploy to this cluster.
pub struct Observer {
    tree: Tree,
    sights: SelectAll<BoxStream<'static, (Kind, Result<Seen, Refused>)>>,
    listed: (bool, bool),
    /// Why the newest look at Applications, and at ApplicationSets, failed.
    trouble: [Option<String>; 2],
    live: Option<Live>,
    notices: Vec<String>,
}

impl Observer {
    /// Begins to watch, in all namespaces: an Application may live outside the agent's own.
    pub fn start(cluster: &Cluster) -> Result<Self, Error> {
        let watch = |kind, name| {
            let sort = Sort {
                page: PAGE,
                ..Sort::all("argoproj.io/v1alpha1", name)
            };
            let seen = cluster.watch_of(sort, |object| Some(lean(object)))?;
            Ok::<_, Error>(seen.map(move |seen| (kind, seen)).boxed())
        };
        let sights = [
            watch(Kind::Application, "Application")?,
            watch(Kind::ApplicationSet, "ApplicationSet")?,
        ];
        Ok(Self {
            tree: Tree::default(),
            sights: sights.into_iter().collect(),
            listed: (false, false),
            trouble: [None, None],
            live: None,
            notices: Vec::new(),
        })
    }

    /// Watches also what the Applications deploy to this cluster, and why it is not well; and their projects, whose windows may
    /// hold them back.
    #[must_use]
    pub fn with_live(mut self, cluster: &Cluster, checks: Arc<Checks>) -> Self {
        self.live = Some(Live::start(cluster, checks));
        match cluster.watch_of(Sort::all("argoproj.io/v1alpha1", "AppProject"), |project| {
            Some(windows(project))
        }) {
            Ok(seen) => self.sights.push(seen.map(|seen| (Kind::Project, seen)).boxed()),
            Err(error) => self.notices.push(unseen(&error.to_string())),
        }
        self
    }

    /// Returns what was seen last.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Takes in what there is of what syncs failed for.
    pub fn set_ground(&mut self, ground: &Ground) {
        self.tree.ground.clone_from(ground);
    }

    /// Whether both kinds were listed at least once: before that, what is missing may just not have been looked for.
    pub fn is_complete(&self) -> bool {
        self.listed.0 && self.listed.1
    }

    /// Returns why the newest look failed, if it did: what is known may be old then.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.iter().flatten().next().map(String::as_str)
    }

    /// Takes whether a watch of live objects broke since this was last asked: what fell ill meanwhile was not seen.
    pub fn lost_sight(&mut self) -> bool {
        self.live.as_mut().is_some_and(Live::lost_sight)
    }

    /// Takes what is to be said of live objects that cannot be seen; each thing once.
    pub fn notices(&mut self) -> Vec<String> {
        let mut notices = std::mem::take(&mut self.notices);
        notices.extend(self.live.iter_mut().flat_map(Live::notices));
        notices
    }

    /// Waits for the next change that matters and takes it in, with all others that are there already. May be given up at any
    /// time: what was taken in by then is in the tree.
    pub async fn changed(&mut self) {
        let mut is_wordy = false;
        loop {
            let next = self.next();
            let sight = if is_wordy {
                match tokio::time::timeout(GATHER, next).await {
                    Ok(sight) => sight,
                    Err(_) => return,
                }
            } else {
                next.await
            };
            let mut news = self.take(sight);
            while let Some(sight) = self.next().now_or_never() {
                news = news.max(self.take(sight));
            }
            if let Some(live) = &mut self.live {
                news = news.max(live.update(&mut self.tree));
            }
            match news {
                News::State => return,
                News::Words if is_wordy => return,
                News::Words => is_wordy = true,
                News::Nothing => {}
            }
        }
    }

    async fn next(&mut self) -> Either {
        let live = async {
            match &mut self.live {
                Some(live) => match live.next().await {
                    Some(sight) => sight,
                    None => std::future::pending().await,
                },
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some((kind, seen)) = self.sights.next() => Either::Agent(kind, seen),
            sight = live => Either::Live(Box::new(sight)),
        }
    }

    fn take(&mut self, sight: Either) -> News {
        let (kind, seen) = match sight {
            Either::Agent(kind, seen) => (kind, seen),
            Either::Live(sight) => {
                if let Some(live) = &mut self.live {
                    live.take(*sight);
                }
                return News::Nothing;
            }
        };
        let (objects, listed) = match kind {
            Kind::Application => (&mut self.tree.applications, &mut self.listed.0),
            Kind::ApplicationSet => (&mut self.tree.sets, &mut self.listed.1),
            Kind::Project => return self.take_project(seen),
        };
        if let (Kind::Application, Some(live)) = (kind, &mut self.live) {
            let named: &[Value] = match &seen {
                Ok(Seen::Listed(values)) => values,
                Ok(Seen::There(value)) => std::slice::from_ref(value),
                _ => &[],
            };
            for value in named {
                live.name(Application::new(value));
            }
        }
        let trouble = &mut self.trouble[kind as usize];
        *trouble = None;
        match seen {
            Ok(Seen::Listed(values)) => {
                *objects = values.into_iter().filter_map(identified).collect::<BTreeMap<_, _>>();
                *listed = true;
            }
            Ok(Seen::There(value)) => objects.extend(identified(value)),
            Ok(Seen::Gone(value)) => {
                if let Some((id, _)) = identified(value) {
                    objects.remove(&id);
                }
            }
            Ok(Seen::Broken(why)) | Err(Refused(why)) => *trouble = Some(why),
        }
        News::State
    }

    /// A watch of projects that broke leaves what is known of them: nothing ends by it.
    fn take_project(&mut self, seen: Result<Seen, Refused>) -> News {
        let projects = &mut self.tree.projects;
        match seen {
            Ok(Seen::Listed(values)) => *projects = values.into_iter().filter_map(identified).collect(),
            Ok(Seen::There(value)) => projects.extend(identified(value)),
            Ok(Seen::Gone(value)) => {
                if let Some((id, _)) = identified(value) {
                    projects.remove(&id);
                }
            }
            Ok(Seen::Broken(_)) => return News::Nothing,
            Err(Refused(why)) => {
                let notice = unseen(&why);
                if self.notices.contains(&notice) {
                    return News::Nothing;
                }
                self.notices.push(notice);
            }
        }
        News::State
    }
}

/// Returns what is kept of a project: its windows.
fn windows(mut project: Value) -> Value {
    let windows = project.pointer_mut("/spec/syncWindows").map(Value::take);
    let text = |pointer: &str| project.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": text("/metadata/name"), "namespace": text("/metadata/namespace")},
        "spec": {"syncWindows": windows.unwrap_or_default()},
    })
}

fn unseen(why: &str) -> String {
    format!("projects cannot be watched, so which sync windows are closed is not told: {why}")
}

/// Something that was seen.
enum Either {
    /// Of the agent's own resources.
    Agent(Kind, Result<Seen, Refused>),
    /// Of what they deploy.
    Live(Box<Sight>),
}

fn identified(value: Value) -> Option<(ObjectRef, Value)> {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    let id = ObjectRef::new(
        text("/apiVersion")?,
        text("/kind")?,
        text("/metadata/namespace").unwrap_or_default(),
        text("/metadata/name")?,
    );
    Some((id, value))
}
