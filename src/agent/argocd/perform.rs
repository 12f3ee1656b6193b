//! The acts that a decision asks for.

use serde_json::{Value, json};

use crate::cluster::{Cluster, Error};
use crate::object::ObjectRef;
use crate::platform::argocd::decide::Action;
use crate::platform::argocd::{REFRESH, REFRESH_SET};

/// Does what was decided: asks the agent to look again, or begins a sync that it has given up.
///
/// A sync that is begun makes the agent apply and, where the app says so, prune, on the cluster that the app goes to: with a wrong
/// target that is the live platform. So it is sent on a guarded connection only, which refuses where another cluster answers or
/// another run holds the Lease; it names the version of the Application that was judged, so that the server refuses it where
/// anything has changed since, such as an operation that somebody else has begun; and none is ever decided on for an app of a
/// cluster that is not connected by this run, or that waits for an approval.
///
/// An Application that is created makes the agent apply all that it holds: with a wrong target on the live platform. The same guard
/// stands before it, and what is there already is left as it is, whoever made it.
pub async fn perform(cluster: &Cluster, action: &Action) -> Result<(), Error> {
    if let Action::Create(create) = action {
        return cluster.create(&create.object, &create.manifest).await.map(|_| ());
    }
    match part(action) {
        Some((object, part)) => cluster.merge(object, &part).await,
        None => Ok(()),
    }
}

/// Returns what is to be merged into which object.
fn part(action: &Action) -> Option<(&ObjectRef, Value)> {
    let annotated = |name: &str, value: &str| json!({"metadata": {"annotations": {name: value}}});
    match action {
        Action::Refresh(refresh) => {
            let how = if refresh.is_hard { "hard" } else { "normal" };
            Some((&refresh.object, annotated(REFRESH, how)))
        }
        Action::RefreshSet(refresh) => Some((&refresh.object, annotated(REFRESH_SET, "true"))),
        Action::Sync(sync) => Some((
            &sync.object,
            json!({
                "metadata": {"resourceVersion": sync.resource_version},
                "operation": sync.operation,
            }),
        )),
        Action::Create(_) => None,
    }
}
