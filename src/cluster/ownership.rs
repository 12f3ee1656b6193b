//! Giving up the ownership of fields: once somebody else manages an object, ours would only stand in the way.
//!
//! Which system it would hit if the target were wrong: nothing of an object but its record of owners is sent, and only where
//! that record names us and the caller has seen that another has taken over. On a foreign cluster no object names us.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::apply::MANAGER;
use super::connect::Cluster;
use super::error::{Error, ErrorKind};
use super::request::attempt;
use crate::object::ObjectRef;

/// How often an object is read again that somebody else changed in between.
const TRIES: usize = 10;

/// What giving up an object came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// We own none of its fields any more.
    Released,
    /// We owned none of its fields before, or it is gone.
    NotOurs,
    /// Nobody has taken it over, so it stays ours.
    Kept,
}

impl Cluster {
    /// Takes our entries out of an object's record of owners, if `taken_over` says of the living object that another
    /// manages it. No field changes.
    ///
    /// Never by an apply of nothing, which gives up the fields *and removes them*: the record itself is written, held to the
    /// version that was read (Kubernetes, *Server-Side Apply*, "Clearing managedFields").
    pub async fn release(&self, id: &ObjectRef, taken_over: impl Fn(&Value) -> bool) -> Result<Release, Error> {
        let api = self.api_of(id)?;
        let doing = format!("release {id}");
        let mut tries = 0;
        loop {
            let Some(live) = self.get(id).await? else {
                return Ok(Release::NotOurs);
            };
            let Some(rest) = without_us(&live) else {
                return Ok(Release::NotOurs);
            };
            // An empty record is taken for none at all, and the server keeps the old one.
            if rest.is_empty() || !taken_over(&live) {
                return Ok(Release::Kept);
            }
            let version = &live["metadata"]["resourceVersion"];
            let part = json!({"metadata": {"resourceVersion": version, "managedFields": rest}});
            let (params, patch) = (PatchParams::default(), Patch::Merge(&part));
            match attempt(&doing, || api.patch_metadata(&id.name, &params, &patch)).await {
                Ok(_) => return Ok(Release::Released),
                Err(error) if error.kind() == ErrorKind::Conflict && tries < TRIES => tries += 1,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Release::NotOurs),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Returns the entries of the record of owners that are not ours; `None` where none of them is.
fn without_us(live: &Value) -> Option<Vec<Value>> {
    let entries = live["metadata"]["managedFields"].as_array()?;
    let rest: Vec<Value> = entries
        .iter()
        .filter(|entry| entry["manager"] != MANAGER)
        .cloned()
        .collect();
    (rest.len() < entries.len()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_entries_go_whichever_way_they_were_written() {
        let entry = |manager: &str, operation: &str| json!({"manager": manager, "operation": operation});
        let live = |entries: &[Value]| json!({"metadata": {"managedFields": entries}});
        let theirs = entry("argocd-controller", "Apply");
        for (entries, expected) in [
            (vec![], None),
            (vec![theirs.clone()], None),
            (
                vec![entry(MANAGER, "Apply"), theirs.clone(), entry(MANAGER, "Update")],
                Some(vec![theirs]),
            ),
            (vec![entry(MANAGER, "Apply")], Some(vec![])),
            (vec![entry("gitops-dr-of-another", "Apply")], None),
        ] {
            assert_eq!(without_us(&live(&entries)), expected, "{entries:?}");
        }
        assert_eq!(without_us(&json!({})), None);
    }
}
