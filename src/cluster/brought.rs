//! Waiting for what makes a kind be served: a CRD, an API service, or somebody else who brings it.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::try_join_all;
use serde_json::Value;
use tokio::time::{Instant, interval_at};

use super::connect::Cluster;
use super::error::{Error, ErrorKind};
use crate::graph::brings;
use crate::health;
use crate::object::{Manifest, ObjectRef};

/// How long a CRD or an API service may take: behind an API service are pods, whose image may still be pulled.
const PATIENCE: Duration = Duration::from_mins(5);

/// How soon, and how often, it is told what is waited for. Requests that succeed meanwhile take the words back.
const TOLD: Duration = Duration::from_secs(2);

impl Cluster {
    /// Waits until the CRDs among these objects are Established, and discovery lists what they bring.
    pub async fn until_crds_served(&self, manifests: &[Manifest]) -> Result<(), Error> {
        self.until_brought(manifests.iter().filter(|manifest| brings(manifest).is_some()).collect())
            .await
    }

    /// Waits until these CRDs are Established, and discovery lists what they bring. A CRD whose names are another's will never be.
    pub(super) async fn until_brought(&self, crds: Vec<&Manifest>) -> Result<(), Error> {
        if crds.is_empty() {
            return Ok(());
        }
        try_join_all(crds.iter().map(|crd| async {
            let id = crd.id();
            let is_decided = |object: &Value| match health::names_refused(object) {
                Some(_) => Ok(()),
                None => health::established(object),
            };
            let seen = self.patiently(&id, is_decided).await?;
            health::names_refused(&seen).map_or(Ok(()), |why| Err(refused(&id, why)))
        }))
        .await?;
        let kinds: Vec<_> = crds.iter().flat_map(|crd| served_by(crd)).collect();
        self.until_served(&kinds).await
    }

    /// Waits until these API services are available, which is when what stands behind them answers.
    pub(super) async fn until_available(&self, services: &[&Manifest]) -> Result<(), Error> {
        try_join_all(services.iter().map(|service| async {
            self.patiently(&service.id(), |object| health::condition_or_phase(object, "Available"))
                .await
        }))
        .await?;
        Ok(())
    }

    /// Waits a while for kinds that somebody else brings. What is not served by then is for the apply to tell, which knows the file.
    pub(super) async fn until_listed(&self, objects: &[&Manifest]) -> Result<(), Error> {
        let kinds: BTreeSet<_> = objects
            .iter()
            .map(|object| (object.id().api_version(), object.kind().to_owned()))
            .collect();
        match self.until_served(&kinds.into_iter().collect::<Vec<_>>()).await {
            Err(error) if error.kind() == ErrorKind::UnknownKind => Ok(()),
            done => done,
        }
    }

    /// Waits until an object is as `is` wants it, for as long as [`PATIENCE`], and tells meanwhile what is missing. Only reads.
    async fn patiently(
        &self,
        id: &ObjectRef,
        is: impl Fn(&Value) -> Result<(), String> + Send,
    ) -> Result<Value, Error> {
        let lacks = Mutex::new("it has not been seen yet".to_owned());
        let words = || lacks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let note = |why: &str| why.clone_into(&mut lacks.lock().unwrap_or_else(PoisonError::into_inner));
        let mut seen = pin!(self.until(id, is, note));
        let mut over = pin!(tokio::time::sleep(PATIENCE));
        let mut due = interval_at(Instant::now() + TOLD, TOLD);
        loop {
            tokio::select! {
                biased;
                seen = &mut seen => {
                    self.guard.has_trouble(None);
                    return seen;
                }
                () = &mut over => {
                    return Err(Error::new(ErrorKind::NotServed, format!("cannot apply what stands on {id}"))
                        .because(format!("after {}s: {}", PATIENCE.as_secs(), words()))
                        .hint(format!("mend {id} and go on with --resume")));
                }
                _ = due.tick() => self.guard.has_trouble(Some(format!("{id} is waited for: {}", words()))),
            }
        }
    }
}

fn refused(id: &ObjectRef, why: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("{id} will not be served"))
        .because(format!("NamesAccepted is False: {why}"))
        .hint("another CRD has these names: see `kubectl get crd`, and take one of the two out")
}

/// Returns what a CRD brings, each an `apiVersion` and a kind.
fn served_by(crd: &Manifest) -> Vec<(String, String)> {
    let (group, kind) = (crd.text("/spec/group"), crd.text("/spec/names/kind"));
    let versions = crd.value().pointer("/spec/versions").and_then(Value::as_array);
    let served = versions
        .into_iter()
        .flatten()
        .filter(|version| version["served"] == true);
    let named = served.filter_map(|version| version["name"].as_str());
    named
        .map(|version| (format!("{group}/{version}"), kind.to_owned()))
        .collect()
}
