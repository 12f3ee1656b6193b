//! Server-side apply: one request an object on an empty cluster, and none that would change nothing on a living one.

use std::borrow::Cow;

use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use serde_json::Value;

use super::batch::all_paced;
use super::connect::Cluster;
use super::error::{Error, ErrorKind};
use super::ranked::Counts;
use super::removed::would_remove;
use super::{send, verdict};
use crate::object::{Manifest, ObjectRef};

/// The field manager under which everything is applied.
pub const MANAGER: &str = "gitops-dr";

/// How to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The cluster is new: one request an object.
    Fresh,
    /// The cluster lives: look first, and send nothing that would change nothing.
    Careful,
}

/// What becomes of an object of which another manager owns fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conflicts {
    /// Nothing goes on.
    Fail,
    /// It stays as it is, and is told.
    Leave,
}

/// What an apply came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It was created or changed, or at least sent.
    Sent,
    /// It was already so, and nothing was sent.
    Same,
}

/// What would become of an object that somebody else applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// There is none yet.
    New,
    /// It would stay as it is.
    Same,
    /// It would become another.
    Other,
    /// Nothing would be added or changed; but whether anything would be taken out cannot be seen.
    Unseen,
}

impl Cluster {
    /// Applies objects of one rank, all at once; returns how many were sent and how many were already so.
    ///
    /// An object without a namespace whose kind is namespaced goes to `namespace`.
    pub async fn apply_all(
        &self,
        manifests: &[Manifest],
        namespace: &str,
        mode: Mode,
    ) -> Result<(usize, usize), Error> {
        let manifests: Vec<&Manifest> = manifests.iter().collect();
        let counts = self.apply_each(&manifests, namespace, mode, Conflicts::Fail).await?;
        Ok((counts.sent, counts.same))
    }

    /// The same of objects that are elsewhere.
    pub(super) async fn apply_each(
        &self,
        manifests: &[&Manifest],
        namespace: &str,
        mode: Mode,
        conflicts: Conflicts,
    ) -> Result<Counts, Error> {
        let applies = manifests.iter().map(|manifest| async move {
            match self.apply(manifest, namespace, mode).await {
                Err(error) if conflicts == Conflicts::Leave && error.kind() == ErrorKind::Conflict => Ok(Err(error)),
                applied => applied.map(Ok),
            }
        });
        let mut counts = Counts::default();
        for applied in all_paced(&self.pace, applies.collect()).await? {
            match applied {
                Ok(Applied::Sent) => counts.sent += 1,
                Ok(Applied::Same) => counts.same += 1,
                Err(error) => counts.left.push(error),
            }
        }
        Ok(counts)
    }

    /// Applies one object. One that somebody has deleted and that is not gone yet is awaited, and made anew.
    ///
    /// The system it hits if the target were wrong: the object of this name on the cluster that this connection leads to. Each try
    /// passes the guard, which asks who that is.
    pub async fn apply(&self, manifest: &Manifest, namespace: &str, mode: Mode) -> Result<Applied, Error> {
        let Prepared { id, resource, body, .. } = self.prepared(manifest, namespace)?;
        let doing = format!("apply {id}");
        if mode == Mode::Careful && self.is_so(&self.api_of(&id)?, &body, &id).await? {
            return Ok(Applied::Same);
        }
        let patch = send::Patch::new(&resource, &id, &body, self.forces)?;
        loop {
            let answer = self
                .mutate_as(
                    &doing,
                    || patch.send(&self.client),
                    |error| verdict::of_apply(&doing, error, patch.size()),
                )
                .await?;
            match answer.going() {
                None => return Ok(Applied::Sent),
                Some(uid) => self.until_gone(&id, uid).await?,
            }
        }
    }

    /// Asks the server whether it would take the object, without keeping it.
    pub async fn dry_run(&self, manifest: &Manifest, namespace: &str) -> Result<(), Error> {
        let Prepared { id, body, .. } = self.prepared(manifest, namespace)?;
        let (api, doing) = (self.api_of(&id)?, format!("apply {id} (dry run)"));
        let params = PatchParams {
            dry_run: true,
            ..PatchParams::apply(MANAGER)
        };
        let patch = Patch::Apply(&body);
        self.attempt(&doing, || api.patch(&id.name, &params, &patch)).await?;
        Ok(())
    }

    /// Returns what would become of the object if `agent`, a field manager, applied it on the server's or on the client's side.
    /// Only reads, and asks for a dry run.
    pub async fn would_change(&self, manifest: &Manifest, namespace: &str, agent: &str) -> Result<Change, Error> {
        let Prepared { id, body, .. } = self.prepared(manifest, namespace)?;
        let api = self.api_of(&id)?;
        let Some(live) = self.attempt(&format!("read {id}"), || api.get_opt(&id.name)).await? else {
            return Ok(Change::New);
        };
        let value = serde_json::to_value(&live).unwrap_or_default();
        // Only a manager's own dry run shows the fields that it would give up.
        let owns = applies(&value, agent);
        let manager = if owns { agent } else { MANAGER };
        if !self.comes_out_as(&api, &body, &id, live, manager).await? {
            return Ok(Change::Other);
        }
        Ok(match would_remove(&value, &body) {
            Some(true) => Change::Other,
            None if !owns => Change::Unseen,
            Some(false) | None => Change::Same,
        })
    }

    /// Merges a part into an object that is there.
    pub async fn merge(&self, id: &ObjectRef, part: &Value) -> Result<(), Error> {
        let params = PatchParams {
            field_manager: Some(MANAGER.into()),
            ..PatchParams::default()
        };
        let (api, patch) = (self.api_of(id)?, Patch::Merge(part));
        self.mutate(&format!("patch {id}"), || api.patch(&id.name, &params, &patch))
            .await?;
        Ok(())
    }

    /// Returns the object's identity in this cluster, with its namespace filled in or taken away as the kind's scope asks.
    pub fn located(&self, manifest: &Manifest, namespace: &str) -> Result<ObjectRef, Error> {
        Ok(self.prepared(manifest, namespace)?.id)
    }

    fn prepared<'of>(&self, manifest: &'of Manifest, namespace: &str) -> Result<Prepared<'of>, Error> {
        let mut id = manifest.id();
        let (resource, namespaced) = self.resource(&id.api_version(), &id.kind).ok_or_else(|| {
            let origin = manifest.origin();
            Error::new(
                ErrorKind::UnknownKind,
                format!("cannot apply {id} ({}:{})", origin.file, origin.line),
            )
            .because(format!(
                "the cluster serves no kind {} of {}",
                id.kind,
                id.api_version()
            ))
            .hint("is the CRD that defines it part of the install, or of an earlier root?")
        })?;
        if !namespaced {
            id.namespace.clear();
        } else if id.namespace.is_empty() {
            namespace.clone_into(&mut id.namespace);
        }
        let mut body = Cow::Borrowed(manifest.value());
        if manifest.text("/metadata/namespace") != id.namespace
            && let Some(metadata) = body.to_mut().pointer_mut("/metadata").and_then(Value::as_object_mut)
        {
            if namespaced {
                metadata.insert("namespace".into(), id.namespace.clone().into());
            } else {
                metadata.remove("namespace");
            }
        }
        Ok(Prepared { id, resource, body })
    }

    /// Whether the live object already is what applying would make it. Two reads and no write: a `GET`, and an apply as
    /// a dry run, whose result is compared without the fields that the server counts up.
    async fn is_so(&self, api: &Api<DynamicObject>, body: &Value, id: &ObjectRef) -> Result<bool, Error> {
        let doing = format!("read {id}");
        let Some(live) = self.attempt(&doing, || api.get_opt(&id.name)).await? else {
            return Ok(false);
        };
        // What is on its way out is not there.
        if live.metadata.deletion_timestamp.is_some() {
            return Ok(false);
        }
        self.comes_out_as(api, body, id, live, MANAGER).await
    }

    /// Whether a dry run of an apply by a manager comes out as what is there.
    async fn comes_out_as(
        &self,
        api: &Api<DynamicObject>,
        body: &Value,
        id: &ObjectRef,
        live: DynamicObject,
        manager: &str,
    ) -> Result<bool, Error> {
        // Forced, because only the outcome is compared: a conflict is for the real apply to report.
        let params = PatchParams {
            dry_run: true,
            force: true,
            ..PatchParams::apply(manager)
        };
        let patch = Patch::Apply(body);
        let would = self
            .attempt(&format!("apply {id} (dry run)"), || {
                api.patch(&id.name, &params, &patch)
            })
            .await?;
        Ok(essence(live) == essence(would))
    }
}

/// An object as it is to be sent.
struct Prepared<'of> {
    id: ObjectRef,
    resource: ApiResource,
    body: Cow<'of, Value>,
}

/// Whether a manager has applied the object on the server's side.
fn applies(object: &Value, manager: &str) -> bool {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .any(|entry| entry["manager"] == manager && entry["operation"] == "Apply")
}

/// Returns the object without what the server counts up by itself.
fn essence(object: DynamicObject) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    if let Some(metadata) = value.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        for counted in ["managedFields", "resourceVersion", "generation"] {
            metadata.remove(counted);
        }
    }
    value
}
