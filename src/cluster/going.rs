//! Objects that somebody has deleted and that are not gone yet.
//!
//! The server takes an apply to such an object and answers with success, and then the object goes, with all that was applied to
//! it: so its end is awaited, and it is made anew. Nothing is sent here; the deletion is another's.

use std::time::Duration;

use futures::StreamExt as _;
use serde_json::Value;

use super::connect::Cluster;
use super::error::{Error, ErrorKind};
use super::wait::Seen;
use crate::object::ObjectRef;

/// How long the end of an object is awaited: what has not gone by then waits for a finalizer that nobody takes out.
const PATIENCE: Duration = Duration::from_mins(5);

impl Cluster {
    /// Waits until the object that has this UID is gone.
    pub(super) async fn until_gone(&self, id: &ObjectRef, uid: &str) -> Result<(), Error> {
        let mut sights = std::pin::pin!(self.watch_one(id)?);
        let over = tokio::time::sleep(PATIENCE);
        let mut over = std::pin::pin!(over);
        let mut holds = String::new();
        loop {
            let seen = tokio::select! {
                biased;
                () = self.halt.cancelled() => return Err(Error::stopped(&format!("see {id} go"))),
                () = &mut over => {
                    return Err(Error::new(ErrorKind::Terminating, format!("cannot apply {id}"))
                        .because(format!("it is being deleted, and is still there after {}s{holds}", PATIENCE.as_secs()))
                        .hint("see which finalizers it waits for, and who should take them out"));
                }
                seen = sights.next() => seen,
            };
            let object = match seen {
                Some(Seen::Listed(objects)) => objects.into_iter().next(),
                Some(Seen::There(object)) => Some(object),
                Some(Seen::Gone(_)) => None,
                Some(Seen::Broken(_)) => continue,
                None => return Err(Error::new(ErrorKind::Server, format!("cannot watch {id}"))),
            };
            let Some(object) = object.filter(|object| object["metadata"]["uid"] == uid) else {
                self.guard.has_trouble(None);
                return Ok(());
            };
            holds = waits_for(&object);
            self.guard.has_trouble(Some(format!("{id} is being deleted{holds}")));
        }
    }
}

/// Says what an object waits for before it goes; empty where it does not say.
fn waits_for(object: &Value) -> String {
    let texts = |pointer: &str| -> Vec<String> {
        let texts = object.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        texts.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let remaining = conditions.into_iter().flatten().filter(|one| {
        let is_of_it = |kind: &str| kind.ends_with("Remaining") || kind.ends_with("Failure");
        one["status"] == "True" && one["type"].as_str().is_some_and(is_of_it)
    });
    let remaining = remaining.filter_map(|one| one["message"].as_str()).map(str::to_owned);
    let words: Vec<String> = texts("/metadata/finalizers").into_iter().chain(remaining).collect();
    if words.is_empty() {
        String::new()
    } else {
        format!(", and waits for: {}", words.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_keeps_an_object_from_going_is_told() {
        let namespace = json!({
            "metadata": {"finalizers": ["example.com/backup"]},
            "status": {"conditions": [
                {"type": "NamespaceContentRemaining", "status": "True", "message": "1 claim remains"},
                {"type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "all well"},
            ]},
        });
        assert_eq!(
            waits_for(&namespace),
            ", and waits for: example.com/backup; 1 claim remains"
        );
        assert_eq!(waits_for(&json!({"metadata": {}})), "");
    }
}
