//! What there is of what syncs failed for: kinds, namespaces, and Services with something behind them.
//!
//! Each is watched only once a sync has failed for it.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;

use futures::FutureExt as _;
use futures::stream::{SelectAll, Stream, StreamExt as _};
use serde_json::Value;

use super::arrivals::Arrivals;
use crate::cluster::{Cluster, Error, Seen};
use crate::platform::argocd::decide::Ground;

/// Something that is watched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Namespaces,
    /// The endpoints in one namespace.
    Endpoints(String),
}

/// One thing that was seen.
enum Sight {
    /// Discovery was asked.
    Looked,
    Seen(Subject, Seen),
}

/// Watches what syncs failed for.
pub struct Lookout {
    wanted: Ground,
    known: Ground,
    watched: BTreeSet<Subject>,
    sights: SelectAll<Pin<Box<dyn Stream<Item = Sight> + Send>>>,
    /// The Services behind which something is ready, by the slice that says so, with the slice's namespace.
    slices: BTreeMap<(String, String), Option<String>>,
    /// Which kinds are served, once one is looked for.
    arrivals: Option<Arrivals>,
}

impl Lookout {
    /// Begins with nothing to look for.
    pub fn new() -> Self {
        Self {
            wanted: Ground::default(),
            known: Ground::default(),
            watched: BTreeSet::new(),
            sights: SelectAll::new(),
            slices: BTreeMap::new(),
            arrivals: None,
        }
    }

    /// Looks for this from now on. What was looked for before goes on being watched.
    pub fn look_for(&mut self, cluster: &Cluster, wanted: Ground) -> Result<(), Error> {
        if self.wanted == wanted {
            return Ok(());
        }
        let mut subjects: Vec<Subject> = wanted
            .services
            .iter()
            .map(|(namespace, _)| Subject::Endpoints(namespace.clone()))
            .collect();
        subjects.extend((!wanted.namespaces.is_empty()).then_some(Subject::Namespaces));
        if !wanted.kinds.is_subset(&self.wanted.kinds) {
            self.arrivals = Some(Arrivals::start(cluster));
        }
        self.wanted = wanted;
        self.note_kinds(cluster);
        for subject in subjects {
            if self.watched.contains(&subject) {
                continue;
            }
            self.sights.push(sights(cluster, &subject)?);
            self.watched.insert(subject);
        }
        Ok(())
    }

    /// Returns what there is of what is looked for.
    pub fn known(&self) -> &Ground {
        &self.known
    }

    /// Waits until there is something new to [look](Self::look) at; for ever where nothing is looked for. May be dropped at any time.
    pub async fn changed(&mut self) {
        let sight = self.next().await;
        self.take(sight);
    }

    /// Takes in what is new.
    pub fn look(&mut self, cluster: &Cluster) {
        while let Some(sight) = self.next().now_or_never() {
            self.take(sight);
        }
        self.note_kinds(cluster);
    }

    async fn next(&mut self) -> Sight {
        let looked = async {
            match &mut self.arrivals {
                Some(arrivals) => arrivals.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(sight) = self.sights.next() => sight,
            () = looked => Sight::Looked,
        }
    }

    fn note_kinds(&mut self, cluster: &Cluster) {
        let served = |(group, kind): &&(String, String)| cluster.served(Some(group), kind).is_some();
        self.known.kinds = self.wanted.kinds.iter().filter(served).cloned().collect();
        if let Some(arrivals) = &self.arrivals {
            arrivals.set_missing(self.known.kinds != self.wanted.kinds);
        }
    }

    fn take(&mut self, sight: Sight) {
        match sight {
            Sight::Looked => {}
            Sight::Seen(Subject::Namespaces, seen) => {
                let name = |value: &Value| text(value, "/metadata/name");
                match seen {
                    Seen::Listed(values) => self.known.namespaces = values.iter().map(name).collect(),
                    Seen::There(value) => {
                        self.known.namespaces.insert(name(&value));
                    }
                    Seen::Gone(value) => {
                        self.known.namespaces.remove(&name(&value));
                    }
                    Seen::Broken(_) => {}
                }
            }
            Sight::Seen(Subject::Endpoints(namespace), seen) => self.take_slices(&namespace, seen),
        }
    }

    fn take_slices(&mut self, namespace: &str, seen: Seen) {
        let key = |value: &Value| (namespace.to_owned(), text(value, "/metadata/name"));
        match seen {
            Seen::Listed(values) => {
                self.slices.retain(|(other, _), _| other != namespace);
                self.slices
                    .extend(values.iter().map(|value| (key(value), backed(value))));
            }
            Seen::There(value) => {
                self.slices.insert(key(&value), backed(&value));
            }
            Seen::Gone(value) => {
                self.slices.remove(&key(&value));
            }
            Seen::Broken(_) => {}
        }
        self.known.services = self
            .slices
            .iter()
            .filter_map(|((namespace, _), service)| Some((namespace.clone(), service.clone()?)))
            .collect();
    }
}

impl Default for Lookout {
    fn default() -> Self {
        Self::new()
    }
}

fn sights(cluster: &Cluster, subject: &Subject) -> Result<Pin<Box<dyn Stream<Item = Sight> + Send>>, Error> {
    let subject = subject.clone();
    Ok(match &subject {
        Subject::Namespaces => {
            let seen = cluster.watch("v1", "Namespace", "")?;
            seen.map(move |seen| Sight::Seen(subject.clone(), seen)).boxed()
        }
        Subject::Endpoints(namespace) => {
            let seen = cluster.watch("discovery.k8s.io/v1", "EndpointSlice", namespace)?;
            seen.map(move |seen| Sight::Seen(subject.clone(), seen)).boxed()
        }
    })
}

/// Returns the Service that a slice is of, if any of its endpoints is ready.
fn backed(slice: &Value) -> Option<String> {
    let mut endpoints = slice["endpoints"].as_array().into_iter().flatten();
    let is_ready = endpoints.any(|endpoint| endpoint["conditions"]["ready"] != Value::Bool(false));
    let service = slice.pointer("/metadata/labels/kubernetes.io~1service-name")?;
    is_ready.then(|| service.as_str().unwrap_or_default().to_owned())
}

fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
