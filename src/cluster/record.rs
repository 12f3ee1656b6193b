//! The record of the newest run in the target: what is left when the machine that ran it is lost.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use super::apply::MANAGER;
use super::connect::Cluster;
use super::error::{Error, ErrorKind};
use super::lease::{NAME, NAMESPACE};

/// The form of the record that this program reads and writes.
const FORMAT: &str = "1";

/// What is kept of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Its lifecycle events, one JSON object a line as in its journal, without any secret value.
    pub events: String,
    /// Who ran it where, `user@host`.
    pub by: String,
}

impl Cluster {
    fn records(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Returns the record of the newest run that changed anything, if there is one. Only reads.
    pub async fn kept(&self) -> Result<Option<Kept>, Error> {
        let (api, doing) = (self.records(), format!("read the run's record {NAMESPACE}/{NAME}"));
        let Some(map) = self.attempt(&doing, || api.get_opt(NAME)).await? else {
            return Ok(None);
        };
        let data = map.data.unwrap_or_default();
        match data.get("format").map(String::as_str) {
            Some(FORMAT) => {}
            // A ConfigMap of somebody else, which happens to have the name.
            None => return Ok(None),
            Some(other) => {
                return Err(Error::new(ErrorKind::Invalid, format!("cannot {doing}"))
                    .because(format!("it has format {other}, and this program reads format {FORMAT}"))
                    .hint("use the program that wrote it, or a newer one")
                    .hint(format!(
                        "or go on without it: kubectl -n {NAMESPACE} get configmap {NAME} -o yaml > kept.yaml, and then \
                         kubectl -n {NAMESPACE} delete configmap {NAME}"
                    )));
            }
        }
        let field = |name: &str| data.get(name).cloned().unwrap_or_default();
        Ok(Some(Kept {
            events: field("events"),
            by: field("by"),
        }))
    }

    /// Returns the version of the record that is there now; nothing where there is none. Only reads, and asks once.
    pub async fn kept_version(&self) -> Result<Option<String>, Error> {
        let (api, doing) = (self.records(), format!("read the run's record {NAMESPACE}/{NAME}"));
        let map = self.once(&doing, &|| api.get_metadata_opt(NAME)).await?;
        Ok(map.map(|map| map.metadata.resource_version.unwrap_or_default()))
    }

    /// Writes the record over the one before, whoever wrote that: the Lease says whose turn it is. Returns its version.
    ///
    /// On the wrong cluster this would overwrite the record of a run there, which is why it passes the guard as any apply does.
    pub async fn keep(&self, kept: &Kept) -> Result<String, Error> {
        let data = BTreeMap::from([
            ("format", FORMAT),
            ("events", kept.events.as_str()),
            ("by", kept.by.as_str()),
        ]);
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": NAME, "namespace": NAMESPACE},
            "data": data,
        });
        let (api, params) = (self.records(), PatchParams::apply(MANAGER).force());
        let (doing, patch) = (format!("write the run's record {NAMESPACE}/{NAME}"), Patch::Apply(&map));
        let map = self.mutate(&doing, || api.patch(NAME, &params, &patch)).await?;
        Ok(map.metadata.resource_version.unwrap_or_default())
    }
}
