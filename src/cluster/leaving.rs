//! Namespaces that somebody has deleted and that are not gone yet, in which the server takes nothing new.

use std::collections::BTreeSet;

use serde_json::Value;

use super::connect::Cluster;
use super::error::Error;
use crate::object::{Manifest, ObjectRef};

/// A namespace that is on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Its name.
    pub namespace: String,
    /// When it was deleted, as the server writes a time.
    pub since: String,
    /// What holds it, in the server's words.
    pub held_by: Vec<String>,
}

impl Cluster {
    /// Returns the namespaces of these objects, and those among them, that are being deleted. It only reads.
    ///
    /// Each object comes with the namespace that it goes to if it names none.
    pub async fn leaving(&self, objects: &[(Manifest, &str)]) -> Result<Vec<Leaving>, Error> {
        let mut names = BTreeSet::new();
        for (manifest, namespace) in objects {
            if let Ok(id) = self.located(manifest, namespace) {
                let is_one = id.group.is_empty() && id.kind == "Namespace";
                names.insert(if is_one { id.name } else { id.namespace });
            }
        }
        let mut leaving = Vec::new();
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            let namespace = self.get(&ObjectRef::new("v1", "Namespace", "", &name)).await?;
            leaving.extend(namespace.and_then(|namespace| of(&namespace)));
        }
        Ok(leaving)
    }
}

/// Reads a namespace; nothing where it is to stay.
fn of(namespace: &Value) -> Option<Leaving> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &namespace["metadata"];
    let since = metadata["deletionTimestamp"].as_str()?.to_owned();
    // The controller of namespaces says so (`NamespaceContentRemaining` and `NamespaceFinalizersRemaining`).
    let conditions = namespace["status"]["conditions"].as_array().map(Vec::as_slice);
    let held_by = conditions.unwrap_or_default().iter().filter(|condition| {
        condition["status"] == "True"
            && condition["type"]
                .as_str()
                .is_some_and(|kind| kind.ends_with("Remaining"))
    });
    Some(Leaving {
        namespace: text(&metadata["name"]),
        since,
        held_by: held_by.map(|condition| text(&condition["message"])).collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_namespace_that_is_deleted_says_since_when_and_what_holds_it() {
        let mut shop = json!({"metadata": {"name": "shop"}, "status": {"phase": "Active"}});
        assert_eq!(of(&shop), None);
        shop["metadata"]["deletionTimestamp"] = json!("2026-11-22T01:00:00Z");
        shop["status"]["conditions"] = json!([
            {"type": "NamespaceContentRemaining", "status": "True", "message": "configmaps. has 1 resource instances"},
            {"type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "all is well"},
            {"type": "NamespaceFinalizersRemaining", "status": "False", "message": "none"},
        ]);
        let expected = Leaving {
            namespace: "shop".into(),
            since: "2026-11-22T01:00:00Z".into(),
            held_by: vec!["configmaps. has 1 resource instances".into()],
        };
        assert_eq!(of(&shop), Some(expected));
    }
}
