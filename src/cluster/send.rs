//! The one request of an apply: written once, sent as often as it takes, its answer not built into an object.

use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE};
use kube::Client;
use kube::api::ApiResource;
use kube::client::Body;
use kube::core::Status;
use serde::Deserialize;
use serde_json::Value;

use super::apply::MANAGER;
use super::error::{Error, ErrorKind};
use crate::object::ObjectRef;

/// The answer is to hold the object's metadata alone. Where a server cannot do that, it sends the object.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json";

/// An apply that is ready to be sent.
pub(super) struct Patch {
    address: http::Uri,
    body: Bytes,
}

/// What is read of the answer.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    metadata: Metadata,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    uid: String,
    deletion_timestamp: Option<serde::de::IgnoredAny>,
}

impl Answer {
    /// Returns the UID of the object if somebody has deleted it.
    pub(super) fn going(&self) -> Option<&str> {
        let is_going = self.metadata.deletion_timestamp.is_some();
        is_going.then_some(self.metadata.uid.as_str())
    }
}

impl Patch {
    /// Writes the apply of an object.
    ///
    /// The system it hits if the target were wrong: the one that the client leads to, whose object becomes ours; so it is sent
    /// by [`Cluster::mutate`](super::Cluster) alone, past the guard. With `forces` fields that others own are overwritten.
    pub(super) fn new(resource: &ApiResource, id: &ObjectRef, object: &Value, forces: bool) -> Result<Self, Error> {
        let invalid = |why: String| Error::new(ErrorKind::Invalid, format!("cannot apply {id}")).because(why);
        let body = serde_json::to_vec(object).map_err(|error| invalid(error.to_string()))?;
        let root = if resource.group.is_empty() { "/api" } else { "/apis" };
        let namespace = match id.namespace.as_str() {
            "" => String::new(),
            namespace => format!("/namespaces/{namespace}"),
        };
        let force = if forces { "&force=true" } else { "" };
        let address = format!(
            "{root}/{}{namespace}/{}/{}?fieldManager={MANAGER}{force}",
            resource.api_version, resource.plural, id.name
        );
        let address = address
            .parse()
            .map_err(|_| invalid("its name or its namespace is none that an address can hold".to_owned()))?;
        Ok(Self {
            address,
            body: body.into(),
        })
    }

    /// Returns how many bytes it is.
    pub(super) fn size(&self) -> usize {
        self.body.len()
    }

    /// Sends it.
    pub(super) async fn send(&self, client: &Client) -> Result<Answer, kube::Error> {
        let request = Request::patch(self.address.clone())
            .header(CONTENT_TYPE, "application/apply-patch+yaml")
            .header(ACCEPT, METADATA)
            .body(Body::from(self.body.clone()))
            .map_err(kube::Error::HttpError)?;
        let answer = client.send(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect_bytes().await?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(kube::Error::SerdeError);
        }
        // As kube does it for its own requests: what is no Status is told as it is.
        let status = serde_json::from_slice(&body).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(&body);
            Status::failure(text.trim(), "Failed to parse error data").with_code(status.as_u16())
        });
        Err(kube::Error::Api(Box::new(status)))
    }
}
