//! Follows the pods of the node and gives each a task of its own.

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::Api;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{NAME, Shared, pod};

/// Runs the pods of the node for as long as it is polled.
pub(super) async fn run(shared: Arc<Shared>) {
    let pods: Api<Pod> = Api::all(shared.client.clone());
    let config = watcher::Config::default().fields(&format!("spec.nodeName={NAME}"));
    let mut events = watcher(pods, config).default_backoff().boxed();
    let mut known = Known {
        shared,
        tokens: HashMap::new(),
        tasks: JoinSet::new(),
    };
    let mut listed = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(pod)) => known.apply(pod),
            Ok(Event::Delete(pod)) => known.end(&pod.uid().unwrap_or_default()),
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(pod)) => {
                listed.push(pod.uid().unwrap_or_default());
                known.apply(pod);
            }
            // What is not in a new list was deleted while nobody looked.
            Ok(Event::InitDone) => known.end_others(&listed),
            Err(_) => {}
        }
    }
}

/// The pods that have a task.
struct Known {
    shared: Arc<Shared>,
    tokens: HashMap<String, CancellationToken>,
    tasks: JoinSet<()>,
}

impl Known {
    fn apply(&mut self, pod: Pod) {
        while self.tasks.try_join_next().is_some() {}
        let uid = pod.uid().unwrap_or_default();
        let is_leaving = pod.metadata.deletion_timestamp.is_some();
        let has_ended = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        if !self.tokens.contains_key(&uid) && !matches!(has_ended, Some("Succeeded" | "Failed")) {
            let token = CancellationToken::new();
            self.tokens.insert(uid.clone(), token.clone());
            self.tasks.spawn(pod::run(self.shared.clone(), pod, token));
        }
        if is_leaving {
            self.end(&uid);
        }
    }

    fn end(&self, uid: &str) {
        // As in a cluster, a pod that is to go gets no new connections while it finishes its work.
        self.shared.network.release(uid);
        if let Some(token) = self.tokens.get(uid) {
            token.cancel();
        }
    }

    fn end_others(&self, listed: &[String]) {
        for uid in self.tokens.keys().filter(|uid| !listed.contains(uid)) {
            self.end(uid);
        }
    }
}
