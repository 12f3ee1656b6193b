//! Creating what is not there, and leaving alone what is.

use kube::api::{DynamicObject, PostParams};
use serde_json::Value;

use super::apply::MANAGER;
use super::connect::Cluster;
use super::error::{Error, ErrorKind};
use crate::object::ObjectRef;

impl Cluster {
    /// Creates an object. Returns whether it was created: what is there already stays as it is, whoever made it.
    ///
    /// The system it hits if the target were wrong: a new object of this name on the cluster that this connection leads to, and never one
    /// that is there. Each try passes the guard, which asks who that is. It is no apply, which would change what is there.
    pub async fn create(&self, id: &ObjectRef, object: &Value) -> Result<bool, Error> {
        let doing = format!("create {id}");
        let api = self.api_of(id)?;
        let object: DynamicObject = serde_json::from_value(object.clone())
            .map_err(|error| Error::new(ErrorKind::Invalid, format!("cannot {doing}")).because(error.to_string()))?;
        let params = PostParams {
            field_manager: Some(MANAGER.into()),
            ..PostParams::default()
        };
        match self.mutate(&doing, || api.create(&params, &object)).await {
            Ok(_) => Ok(true),
            // `AlreadyExists`, which a request whose answer was lost meets when it is made again.
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }
}
