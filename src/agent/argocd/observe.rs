//! What Argo CD's own resources look like now, kept up to date by watch.

use std::collections::BTreeMap;
use std::pin::Pin;

use futures::stream::{Stream, StreamExt as _, select};
use serde_json::Value;

use crate::cluster::{Cluster, Error, Seen};
use crate::object::ObjectRef;
use crate::platform::argocd::decide::{Ground, Tree};

/// Which kind a sight is of.
#[derive(Clone, Copy)]
enum Kind {
    Application,
    ApplicationSet,
}

/// Keeps a [`Tree`] of all Applications and ApplicationSets up to date.
pub struct Observer {
    tree: Tree,
    sights: Pin<Box<dyn Stream<Item = (Kind, Seen)> + Send>>,
    listed: (bool, bool),
    /// Why the newest look at Applications, and at ApplicationSets, failed.
    trouble: [Option<String>; 2],
}

impl Observer {
    /// Begins to watch, in all namespaces: an Application may live outside the agent's own.
    pub fn start(cluster: &Cluster) -> Result<Self, Error> {
        let applications = cluster.watch("argoproj.io/v1alpha1", "Application", "")?;
        let sets = cluster.watch("argoproj.io/v1alpha1", "ApplicationSet", "")?;
        let sights = select(
            applications.map(|seen| (Kind::Application, seen)),
            sets.map(|seen| (Kind::ApplicationSet, seen)),
        );
        Ok(Self {
            tree: Tree::default(),
            sights: Box::pin(sights),
            listed: (false, false),
            trouble: [None, None],
        })
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

    /// Waits for the next change and takes it in, with all others that are there already.
    pub async fn changed(&mut self) {
        if let Some((kind, seen)) = self.sights.next().await {
            self.take(kind, seen);
        }
        while let Some(Some((kind, seen))) = futures::FutureExt::now_or_never(self.sights.next()) {
            self.take(kind, seen);
        }
    }

    fn take(&mut self, kind: Kind, seen: Seen) {
        let (objects, listed) = match kind {
            Kind::Application => (&mut self.tree.applications, &mut self.listed.0),
            Kind::ApplicationSet => (&mut self.tree.sets, &mut self.listed.1),
        };
        let trouble = &mut self.trouble[kind as usize];
        *trouble = None;
        match seen {
            Seen::Listed(values) => {
                *objects = values.into_iter().filter_map(identified).collect::<BTreeMap<_, _>>();
                *listed = true;
            }
            Seen::There(value) => objects.extend(identified(value)),
            Seen::Gone(value) => {
                if let Some((id, _)) = identified(value) {
                    objects.remove(&id);
                }
            }
            Seen::Broken(why) => *trouble = Some(why),
        }
    }
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
