//! Waiting by watch: a stream of what is seen, and waiting until an object is as it should be.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use kube::api::{Api, DynamicObject};
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{self, watcher};
use serde_json::Value;

use super::connect::Cluster;
use super::error::{Error, ErrorKind};
use crate::object::ObjectRef;

/// How long one watch lasts, in seconds, before the server ends it and it is taken up where it was. Short enough that a connection
/// which says nothing for [`SILENCE`] is known to be dead.
const ROUND: u32 = 60;

/// After how long without a word a connection is given up. A list that a restarting server never answers is asked for again then.
pub(super) const SILENCE: Duration = Duration::from_secs(75);

/// One thing that a watch saw.
#[derive(Debug, Clone)]
pub enum Seen {
    /// All objects were listed anew; what is not among them is gone.
    Listed(Vec<Value>),
    /// An object is new or changed.
    There(Value),
    /// An object is gone.
    Gone(Value),
    /// The watch broke and is being taken up again; what is known may be old.
    Broken(String),
}

impl Cluster {
    /// Watches all objects of a kind, in one namespace or (empty) in all.
    pub fn watch(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
    ) -> Result<impl Stream<Item = Seen> + Send + use<>, Error> {
        let api = self.api(api_version, kind, namespace)?;
        Ok(self.sights(api, watcher::Config::default()))
    }

    /// Says whenever an object of a cluster-scoped kind is new, changed or gone, without its content: a CRD may be a megabyte.
    pub fn stirrings(&self, api_version: &str, kind: &str) -> Result<impl Stream<Item = ()> + Send + use<>, Error> {
        let (resource, _) = self.resource(api_version, kind).ok_or_else(|| {
            Error::new(
                ErrorKind::UnknownKind,
                format!("the cluster does not serve {kind} of {api_version}"),
            )
        })?;
        let api: Api<PartialObjectMeta<DynamicObject>> = Api::all_with(self.client.clone(), &resource);
        let config = watcher::Config::default().timeout(ROUND);
        let events = kube::runtime::WatchStreamExt::default_backoff(watcher(api, config));
        Ok(events.filter_map(|event| {
            let is_news = matches!(
                event,
                Ok(watcher::Event::InitDone | watcher::Event::Apply(_) | watcher::Event::Delete(_))
            );
            std::future::ready(is_news.then_some(()))
        }))
    }

    fn sights(&self, api: Api<DynamicObject>, config: watcher::Config) -> impl Stream<Item = Seen> + Send + use<> {
        let mut listing: Vec<Value> = Vec::new();
        let value = |object: DynamicObject| serde_json::to_value(object).unwrap_or_default();
        // `watcher` relists after a gap (410) and backs off by itself when polled through `default_backoff`.
        let events = kube::runtime::WatchStreamExt::default_backoff(watcher(api, config.timeout(ROUND)));
        let guard = Arc::clone(&self.guard);
        events.filter_map(move |event| {
            let seen = match event {
                Ok(watcher::Event::Init) => {
                    listing.clear();
                    None
                }
                Ok(watcher::Event::InitApply(object)) => {
                    listing.push(value(object));
                    None
                }
                Ok(watcher::Event::InitDone) => Some(Seen::Listed(std::mem::take(&mut listing))),
                Ok(watcher::Event::Apply(object)) => Some(Seen::There(value(object))),
                Ok(watcher::Event::Delete(object)) => Some(Seen::Gone(value(object))),
                Err(error) => {
                    guard.doubt();
                    Some(Seen::Broken(broken(&error)))
                }
            };
            std::future::ready(seen)
        })
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
        let named = watcher::Config::default().fields(&format!("metadata.name={}", id.name));
        let mut sights = std::pin::pin!(self.sights(self.api_of(id)?, named));
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
