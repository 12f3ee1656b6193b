//! The last line of a container's log.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, LogParams};

use super::connect::Cluster;

/// How long an answer is waited for: it only adds words to what is known already.
const LIMIT: Duration = Duration::from_secs(2);

/// How many bytes of the line are read.
const BYTES: i64 = 4096;

impl Cluster {
    /// Returns the last line that a container wrote, or (`previous`) that it wrote before it was started again. `None` where it
    /// cannot be had: the node does not answer, the log is gone, the user may not read it. Only reads, and asks once.
    pub async fn last_line(&self, namespace: &str, pod: &str, container: &str, previous: bool) -> Option<String> {
        if self.halt.is_cancelled() {
            return None;
        }
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let asked = LogParams {
            container: Some(container.to_owned()),
            previous,
            tail_lines: Some(1),
            limit_bytes: Some(BYTES),
            ..LogParams::default()
        };
        let answer = tokio::time::timeout(LIMIT, pods.logs(pod, &asked)).await.ok()?.ok()?;
        let line = answer.lines().rfind(|line| !line.trim().is_empty())?.trim();
        Some(line.to_owned())
    }
}
