//! The acts that a decision asks for.

use serde_json::json;

use crate::cluster::{Cluster, Error};
use crate::platform::argocd::decide::Action;
use crate::platform::argocd::{REFRESH, REFRESH_SET};

/// Does what was decided. Each act only asks the agent to look again; none changes what it wants or what is there.
pub async fn perform(cluster: &Cluster, action: &Action) -> Result<(), Error> {
    let (object, annotation, value) = match action {
        Action::Refresh(refresh) => (&refresh.object, REFRESH, "normal"),
        Action::RefreshSet(refresh) => (&refresh.object, REFRESH_SET, "true"),
    };
    cluster
        .merge(object, &json!({"metadata": {"annotations": {annotation: value}}}))
        .await
}
