//! Waiting by watch: a stream of what is seen, and waiting until an object is as it should be.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _};
use kube::api::{Api, DynamicObject, PartialObjectMeta};
use kube::runtime::watcher::{self, watcher};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use super::connect::Cluster;
use super::error::{Error, ErrorKind};
use super::guard::Guard;
use crate::object::ObjectRef;

/// How long one watch lasts, in seconds, before the server ends it and it is taken up where it was. Short enough that a connection
/// which says nothing for [`SILENCE`] is known to be dead.
const ROUND: u32 = 60;

/// After how long without a word a connection is given up. A list that a restarting server never answers is asked for again then.
pub(super) const SILENCE: Duration = Duration::from_secs(75);

/// One thing that a watch saw, with what was kept of an object.
#[derive(Debug, Clone)]
pub enum Seen<T = Value> {
    /// All objects were listed anew; what is not among them is gone.
    Listed(Vec<T>),
    /// An object is new or changed.
    There(T),
    /// An object is gone.
    Gone(T),
    /// The watch broke and is being taken up again; what is known may be old.
    Broken(String),
}

/// Why the server does not let objects be watched, and will not the next time.
#[derive(Debug, Clone)]
pub struct Refused(pub String);

/// Which objects are watched, and how.
#[derive(Debug, Clone, Copy)]
pub struct Sort<'name> {
    /// The `apiVersion`.
    pub api_version: &'name str,
    /// The kind.
    pub kind: &'name str,
    /// The namespace; empty for all.
    pub namespace: &'name str,
    /// A selector of fields, such as `type!=Normal`; empty for all.
    pub fields: &'name str,
    /// Whether no more than their metadata is fetched.
    pub metadata_only: bool,
    /// How many of them come in one piece of the list: few where each is large, so that few are in memory at a time.
    pub page: u32,
}

impl<'name> Sort<'name> {
    /// All objects of a kind, in all namespaces.
    pub fn all(api_version: &'name str, kind: &'name str) -> Self {
        Self {
            api_version,
            kind,
            namespace: "",
            fields: "",
            metadata_only: false,
            page: 100,
        }
    }
}

impl Cluster {
    /// Watches all objects of a kind, in one namespace or (empty) in all.
    pub fn watch(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
    ) -> Result<impl Stream<Item = Seen> + Send + use<>, Error> {
        let sort = Sort {
            namespace,
            ..Sort::all(api_version, kind)
        };
        Ok(self.watch_of(sort, Some)?.map(or_broken))
    }

    /// Says whenever an object of a cluster-scoped kind is new, changed or gone, without its content: a CRD may be a megabyte.
    pub fn stirrings(&self, api_version: &str, kind: &str) -> Result<impl Stream<Item = ()> + Send + use<>, Error> {
        let sort = Sort {
            metadata_only: true,
            ..Sort::all(api_version, kind)
        };
        let seen = self.watch_of(sort, |_| Some(()))?;
        Ok(seen.filter_map(|seen| {
            let is_news = matches!(seen, Ok(Seen::Listed(_) | Seen::There(()) | Seen::Gone(())));
            std::future::ready(is_news.then_some(()))
        }))
    }

    /// Watches objects of which no more is kept than `keep` takes of each, as soon as it is read.
    pub fn watch_of<T: Send + 'static>(
        &self,
        sort: Sort<'_>,
        mut keep: impl FnMut(Value) -> Option<T> + Send + 'static,
    ) -> Result<BoxStream<'static, Result<Seen<T>, Refused>>, Error> {
        self.watch_each(sort, move |object| std::future::ready(keep(object)))
    }

    /// The same where `keep` takes its time: one object is kept after the other, in the order in which they are seen.
    pub fn watch_each<T, F>(
        &self,
        sort: Sort<'_>,
        keep: impl FnMut(Value) -> F + Send + 'static,
    ) -> Result<BoxStream<'static, Result<Seen<T>, Refused>>, Error>
    where
        T: Send + 'static,
        F: Future<Output = Option<T>> + Send + 'static,
    {
        let (resource, namespaced) = self.known(sort.api_version, sort.kind)?;
        let mut config = watcher::Config::default().timeout(ROUND).page_size(sort.page);
        if !sort.fields.is_empty() {
            config = config.fields(sort.fields);
        }
        let (client, guard) = (self.client.clone(), Arc::clone(&self.guard));
        let is_one = namespaced && !sort.namespace.is_empty();
        Ok(if sort.metadata_only {
            let api: Api<PartialObjectMeta<DynamicObject>> = if is_one {
                Api::namespaced_with(client, sort.namespace, &resource)
            } else {
                Api::all_with(client, &resource)
            };
            sights(guard, move || watcher(api.clone(), config.clone()), keep)
        } else {
            let api: Api<DynamicObject> = if is_one {
                Api::namespaced_with(client, sort.namespace, &resource)
            } else {
                Api::all_with(client, &resource)
            };
            sights(guard, move || watcher(api.clone(), config.clone()), keep)
        })
    }

    /// Watches one object.
    pub(super) fn watch_one(&self, id: &ObjectRef) -> Result<impl Stream<Item = Seen> + Send + use<>, Error> {
        let named = watcher::Config::default()
            .fields(&format!("metadata.name={}", id.name))
            .timeout(ROUND);
        let api = self.api_of(id)?;
        let begin = move || watcher(api.clone(), named.clone());
        let all = |object| std::future::ready(Some(object));
        Ok(sights(Arc::clone(&self.guard), begin, all).map(or_broken))
    }

    /// Waits until one object is as `is` wants it, and returns it. `note` hears why it is not so yet.
    ///
    /// There is no time limit: it ends early where the connection is one [until the work is stopped](Cluster::until_stopped), or
    /// the caller drops the future.
    pub async fn until(
        &self,
        id: &ObjectRef,
        is: impl Fn(&Value) -> Result<(), String> + Send,
        mut note: impl FnMut(&str) + Send,
    ) -> Result<Value, Error> {
        let mut sights = std::pin::pin!(self.watch_one(id)?);
        loop {
            let seen = tokio::select! {
                biased;
                () = self.halt.cancelled() => return Err(Error::stopped(&format!("see {id} as it should be"))),
                seen = sights.next() => seen,
            };
            let object = match seen {
                Some(Seen::Listed(objects)) => objects.into_iter().next(),
                Some(Seen::There(object)) => Some(object),
                Some(Seen::Gone(_)) => None,
                Some(Seen::Broken(why)) => {
                    note(&why);
                    continue;
                }
                None => break,
            };
            let Some(object) = object else {
                note("it is not there");
                continue;
            };
            self.if_in_doubt_the_same().await?;
            match is(&object) {
                Ok(()) => return Ok(object),
                Err(why) => note(&why),
            }
        }
        Err(Error::new(ErrorKind::Server, format!("cannot watch {id}")).because("the watch ended"))
    }
}

/// For whoever waits on: rights may be granted meanwhile.
fn or_broken<T>(seen: Result<Seen<T>, Refused>) -> Seen<T> {
    seen.unwrap_or_else(|Refused(why)| Seen::Broken(why))
}

/// Turns what a watch says into what is seen by it.
///
/// A watch that broke is begun anew, with a list. Taken up where it was it would say nothing until something changes, and on a
/// platform that is settled nobody would ever hear that it is seen again.
fn sights<K, S, T, F>(
    guard: Arc<Guard>,
    begin: impl Fn() -> S + Send + 'static,
    mut keep: impl FnMut(Value) -> F + Send + 'static,
) -> BoxStream<'static, Result<Seen<T>, Refused>>
where
    K: Serialize + Send + 'static,
    S: Stream<Item = watcher::Result<watcher::Event<K>>> + Send + 'static,
    T: Send + 'static,
    F: Future<Output = Option<T>> + Send + 'static,
{
    let mut keep = move |object: K| keep(serde_json::to_value(object).unwrap_or_default());
    let mut listing: Vec<T> = Vec::new();
    begun_anew(begin)
        .then(move |event| {
            let (event, kept) = split(event);
            let kept = kept.map(&mut keep);
            async move {
                match kept {
                    Some(kept) => (event, kept.await),
                    None => (event, None),
                }
            }
        })
        .filter_map(move |(event, kept)| {
            let seen = match event {
                Ok(watcher::Event::Init) => {
                    listing.clear();
                    None
                }
                Ok(watcher::Event::InitApply(())) => {
                    listing.extend(kept);
                    None
                }
                Ok(watcher::Event::InitDone) => Some(Ok(Seen::Listed(std::mem::take(&mut listing)))),
                Ok(watcher::Event::Apply(())) => kept.map(Seen::There).map(Ok),
                Ok(watcher::Event::Delete(())) => kept.map(Seen::Gone).map(Ok),
                Err(error) if is_refusal(&error) => Some(Err(Refused(broken(&error)))),
                Err(error) => {
                    guard.doubt();
                    Some(Ok(Seen::Broken(broken(&error))))
                }
            };
            std::future::ready(seen)
        })
        .boxed()
}

/// Parts what happened from the object that it happened to.
fn split<K>(event: watcher::Result<watcher::Event<K>>) -> (watcher::Result<watcher::Event<()>>, Option<K>) {
    match event {
        Ok(watcher::Event::Init) => (Ok(watcher::Event::Init), None),
        Ok(watcher::Event::InitApply(object)) => (Ok(watcher::Event::InitApply(())), Some(object)),
        Ok(watcher::Event::InitDone) => (Ok(watcher::Event::InitDone), None),
        Ok(watcher::Event::Apply(object)) => (Ok(watcher::Event::Apply(())), Some(object)),
        Ok(watcher::Event::Delete(object)) => (Ok(watcher::Event::Delete(())), Some(object)),
        Err(error) => (Err(error), None),
    }
}

/// A watch that goes on for ever: after each failure another one, with growing pauses between those that fail soon.
fn begun_anew<K, S>(
    begin: impl Fn() -> S + Send + 'static,
) -> impl Stream<Item = watcher::Result<watcher::Event<K>>> + Send
where
    K: Send + 'static,
    S: Stream<Item = watcher::Result<watcher::Event<K>>> + Send + 'static,
{
    let pauses = || {
        ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(Duration::from_secs(5))
            .without_max_times()
            .with_jitter()
            .build()
    };
    let nothing: BoxStream<'static, _> = stream::empty().boxed();
    let first = (nothing, begin, pauses(), Instant::now());
    stream::unfold(first, move |(mut events, begin, mut left, mut began)| async move {
        loop {
            match events.next().await {
                Some(Ok(event)) => return Some((Ok(event), (events, begin, left, began))),
                Some(Err(error)) => {
                    if began.elapsed() > SILENCE {
                        left = pauses();
                    }
                    let pause = left.next().unwrap_or_default();
                    // Told at once; the pause comes before the next one.
                    let silence = stream::once(tokio::time::sleep(pause)).filter_map(|()| std::future::ready(None));
                    return Some((Err(error), (silence.boxed(), begin, left, began)));
                }
                None => {
                    began = Instant::now();
                    events = begin().boxed();
                }
            }
        }
    })
}

/// Whether the server said that it will not let these objects be watched: the user may not, or the kind cannot be.
fn is_refusal(error: &watcher::Error) -> bool {
    let code = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => status.code,
        _ => 0,
    };
    matches!(code, 403 | 405)
}

/// Says why a watch broke, without what was being decoded.
fn broken(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(inner)
        | watcher::Error::WatchStartFailed(inner)
        | watcher::Error::WatchFailed(inner) => {
            let error = Error::of("watch", inner);
            error.causes().last().cloned().unwrap_or_else(|| error.to_string())
        }
        watcher::Error::WatchError(status) => status.message.clone(),
        watcher::Error::NoResourceVersion => "the server sent no resource version".into(),
    }
}
