//! What is kept of an event.

use serde_json::Value;

use super::cause::{Cause, Depth, said};
use super::container::pull_message;
use super::unwell::refusal;
use crate::event::one_line;
use crate::object::ObjectRef;
use crate::platform::argocd::application::text;

/// Reasons that repeat what the object says of itself, better.
const ECHOES: [&str; 6] = [
    "BackOff",
    "FailedScheduling",
    "Failed",
    "InspectFailed",
    "BackoffLimitExceeded",
    "NotTriggerScaleUp",
];

/// What is kept of an event of type `Warning`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The event itself.
    pub id: ObjectRef,
    /// The UID of the object that it is about.
    pub about: String,
    /// Why, as a word of the component that says it, such as `FailedMount`.
    pub reason: String,
    /// What it says.
    pub message: String,
    /// When it was said last, as the API writes it: such times sort as text.
    pub at: String,
}

impl Warning {
    /// Takes an event; `None` where it is about nothing that can be found again.
    pub fn of(event: &Value) -> Option<Self> {
        let about = Some(text(event, "/involvedObject/uid")).filter(|uid| !uid.is_empty())?;
        let at = [
            "/series/lastObservedTime",
            "/lastTimestamp",
            "/eventTime",
            "/metadata/creationTimestamp",
        ]
        .into_iter()
        .map(|pointer| text(event, pointer))
        .find(|time| !time.is_empty())
        .unwrap_or_default();
        let (reason, message) = (text(event, "/reason"), text(event, "/message"));
        // "Error: ErrImagePull" comes with the same reason as, and right after, the message that tells why.
        if reason == "Failed" && !message.starts_with("Failed to pull image") {
            return None;
        }
        Some(Self {
            id: ObjectRef::new(
                "v1",
                "Event",
                text(event, "/metadata/namespace"),
                text(event, "/metadata/name"),
            ),
            about: about.to_owned(),
            reason: reason.to_owned(),
            message: one_line(message),
            at: at.to_owned(),
        })
    }

    /// Returns what it tells of why the object is not well; `None` where the object tells it better.
    pub(super) fn cause(&self) -> Option<Cause> {
        let (depth, reason) = match self.reason.as_str() {
            reason if ECHOES.contains(&reason) => return None,
            "FailedCreate" => (Depth::Creation, refusal(&self.message).to_owned()),
            "FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox" | "NetworkNotReady" => {
                (Depth::Container, said(&self.reason, &self.message))
            }
            "Unhealthy" => (Depth::Container, self.message.clone()),
            "ProvisioningFailed" => (Depth::Claim, said("Pending", &self.message)),
            "SyncLoadBalancerFailed" => (Depth::Own, said("no load balancer", &self.message)),
            reason => (Depth::Passing, said(reason, &self.message)),
        };
        Some(Cause::new(depth, reason))
    }

    /// Returns why an image could not be pulled, where this tells it.
    pub(super) fn of_image(&self, image: &str) -> Option<String> {
        let is_of_it = self.reason == "Failed" && self.message.contains(&format!("Failed to pull image \"{image}\""));
        is_of_it.then(|| pull_message(&self.message, image))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(reason: &str, message: &str) -> Warning {
        let event = json!({"metadata": {"namespace": "shop", "name": "cart.1"}, "involvedObject": {"uid": "u"}, "reason": reason, "message": message, "lastTimestamp": "2026-11-21T10:00:00Z"});
        Warning::of(&event).unwrap()
    }

    #[test]
    fn an_event_tells_what_its_object_does_not() {
        for (reason, message, expected) in [
            (
                "FailedMount",
                "MountVolume.SetUp failed for volume \"tls\" : secret \"tls\" not found",
                Some("FailedMount: MountVolume.SetUp failed for volume \"tls\" : secret \"tls\" not found"),
            ),
            (
                "Unhealthy",
                "Readiness probe failed: HTTP probe failed with statuscode: 503",
                Some("Readiness probe failed: HTTP probe failed with statuscode: 503"),
            ),
            (
                "FailedCreate",
                "Error creating: pods \"a-\" is forbidden: exceeded quota: q",
                Some("exceeded quota: q"),
            ),
            (
                "ProvisioningFailed",
                "storageclass.storage.k8s.io \"fast\" not found",
                Some("Pending: storageclass.storage.k8s.io \"fast\" not found"),
            ),
            ("BackOff", "Back-off restarting failed container", None),
            ("FailedScheduling", "0/3 nodes are available", None),
        ] {
            assert_eq!(
                event(reason, message).cause().map(|cause| cause.reason).as_deref(),
                expected,
                "{reason}"
            );
        }
    }

    #[test]
    fn an_event_tells_why_an_image_cannot_be_pulled() {
        let failed = event(
            "Failed",
            "Failed to pull image \"r/cart:1\": rpc error: code = Unknown desc = 403 Forbidden",
        );
        assert_eq!(failed.of_image("r/cart:1").as_deref(), Some("403 Forbidden"));
        assert_eq!(failed.of_image("r/other:1"), None);
    }
}
