//! Pod (gitops-engine, `health_pod.go`).

use serde_json::Value;

use crate::health::condition::condition;
use crate::health::field::{list, number, text};
use crate::health::verdict::{Health, Status};

pub(super) fn check(object: &Value) -> Health {
    let lasting = text(object, "/spec/restartPolicy") == "Always";
    // A pod that ends is often a hook. It must not fail while its image cannot be had yet: it would run all the same
    // once it can, after the sync has been given up.
    if lasting {
        let stuck = stuck_containers(object);
        if !stuck.is_empty() {
            return Status::Degraded.because(stuck.join(", "));
        }
    }
    let message = text(object, "/status/message");
    match text(object, "/status/phase") {
        "Pending" => Status::Progressing.because(message),
        "Succeeded" => Status::Healthy.because(message),
        "Failed" if message.is_empty() => Status::Degraded.because(why_failed(object)),
        "Failed" => Status::Degraded.because(message),
        "Running" if lasting => running(object).because(message),
        "Running" if ["OnFailure", "Never"].contains(&text(object, "/spec/restartPolicy")) => {
            Status::Progressing.because(message)
        }
        _ => Status::Unknown.because(message),
    }
}

fn running(object: &Value) -> Status {
    let ended_before = |container: &Value| {
        container
            .pointer("/lastState/terminated")
            .is_some_and(|it| !it.is_null())
    };
    if condition(object, "Ready").is_some_and(|ready| ready.status == "True") {
        Status::Healthy
    } else if containers(object).iter().any(ended_before) {
        Status::Degraded
    } else {
        Status::Progressing
    }
}

fn containers(object: &Value) -> &[Value] {
    list(object, "/status/containerStatuses")
}

/// Returns what each container says that waits because of an error.
fn stuck_containers(object: &Value) -> Vec<&str> {
    let is_error = |container: &&Value| {
        let reason = text(container, "/state/waiting/reason");
        reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff")
    };
    containers(object)
        .iter()
        .filter(is_error)
        .map(|container| text(container, "/state/waiting/message"))
        .collect()
}

/// Returns what the first container says that ended badly.
fn why_failed(object: &Value) -> String {
    let why = |container: &Value| {
        let ended = |field: &str| text(container, &format!("/state/terminated/{field}"));
        let code = number(container, "/state/terminated/exitCode");
        match (ended("message"), ended("reason")) {
            ("", "OOMKilled") => Some("OOMKilled".to_owned()),
            ("", _) if code == 0 => None,
            ("", _) => Some(format!(
                "container {} ended with exit code {code}",
                text(container, "/name")
            )),
            (message, _) => Some(message.to_owned()),
        }
    };
    let before = list(object, "/status/initContainerStatuses");
    before
        .iter()
        .chain(containers(object))
        .find_map(why)
        .unwrap_or_default()
}
