//! What keeps a container from running. Reasons and texts: `pkg/kubelet/container/sync_result.go`, `pkg/kubelet/images/types.go`.

use jiff::Timestamp;
use serde_json::Value;

use super::cause::{Cause, Depth, End, IMAGE_PATIENCE, Question, said};
use crate::platform::argocd::application::text;

/// The reasons that are about the image.
const IMAGE: [&str; 6] = [
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
];

/// Those of them that time may mend.
const PULLED_AGAIN: [&str; 3] = ["ImagePullBackOff", "ErrImagePull", "RegistryUnavailable"];

/// What a runtime wraps the reason into.
const WRAPPINGS: [&str; 4] = [
    "rpc error: code = ",
    "desc = ",
    "ErrImagePull: ",
    "failed to pull and unpack image ",
];

/// The pod that a container is in.
pub(super) struct Whose<'pod> {
    pub(super) uid: &'pod str,
    pub(super) namespace: &'pod str,
    pub(super) pod: &'pod str,
    /// When the pod was taken up, or else made.
    pub(super) since: Option<Timestamp>,
    /// Whether the name of the container tells anything.
    pub(super) is_one_of_many: bool,
}

/// Returns what keeps a container from running; `None` where nothing is known to.
pub(super) fn trouble(status: &Value, image: &str, whose: &Whose<'_>) -> Option<Cause> {
    let name = text(status, "/name");
    let waiting = status.pointer("/state/waiting");
    let reason = waiting.map(|waiting| text(waiting, "/reason")).unwrap_or_default();
    let message = waiting.map(|waiting| text(waiting, "/message")).unwrap_or_default();
    let restarts = status["restartCount"].as_i64().unwrap_or(0);
    let question = |end: &Value, previous: bool| Question {
        end: End {
            uid: whose.uid.to_owned(),
            container: name.to_owned(),
            by: told_apart(end, restarts - i64::from(previous)),
        },
        namespace: whose.namespace.to_owned(),
        pod: whose.pod.to_owned(),
        previous,
    };
    let (what, asks) = match reason {
        _ if IMAGE.contains(&reason) => (said(&format!("{reason} {image}"), &pull_message(message, image)), None),
        "CrashLoopBackOff" => {
            let end = status.pointer("/lastState/terminated").unwrap_or(&Value::Null);
            (
                format!("CrashLoopBackOff, {}, {restarts} restarts", ended(end)),
                Some((end, question(end, true))),
            )
        }
        "" => match (
            status.pointer("/state/terminated"),
            status.pointer("/lastState/terminated"),
        ) {
            (Some(end), _) if end["exitCode"].as_i64() != Some(0) => (ended(end), Some((end, question(end, false)))),
            (None, Some(end)) if status.pointer("/state/running").is_some() && status["ready"] != true => (
                format!("started again {restarts} times, last {}", ended(end)),
                Some((end, question(end, true))),
            ),
            _ => return None,
        },
        // On its way; what holds it up is told by events.
        "ContainerCreating" | "PodInitializing" => return None,
        reason => (said(reason, message), None),
    };
    let what = if whose.is_one_of_many {
        format!("container {name}: {what}")
    } else {
        what
    };
    let (words, question) = match asks {
        // The termination message is what the program wanted to be its last words.
        Some((end, question)) => match last_line(text(end, "/message")) {
            "" => ("", Some(question)),
            words => (words, None),
        },
        None => ("", None),
    };
    let mut cause = Cause::new(Depth::Container, said(&what, words));
    cause.question = question;
    cause.image = (IMAGE.contains(&reason) && pull_message(message, image).is_empty()).then(|| image.to_owned());
    cause.warning_until = whose
        .since
        .filter(|_| PULLED_AGAIN.contains(&reason))
        .and_then(|since| since.checked_add(IMAGE_PATIENCE).ok());
    Some(cause)
}

/// By what an end is told from others, seen as it ends or after the container was started again.
fn told_apart(end: &Value, restarts: i64) -> String {
    let texts = ["/containerID", "/finishedAt"].map(|pointer| text(end, pointer));
    let known = texts.into_iter().find(|known| !known.is_empty());
    known.map_or_else(|| restarts.to_string(), str::to_owned)
}

/// How a container ended: `exit code 137 (OOMKilled)`.
fn ended(end: &Value) -> String {
    let code = end["exitCode"].as_i64();
    let reason = text(end, "/reason");
    match (code, reason) {
        (None, _) => "exit code unknown".to_owned(),
        (Some(code), "" | "Error") => format!("exit code {code}"),
        (Some(code), reason) => format!("exit code {code} ({reason})"),
    }
}

pub(super) fn last_line(text: &str) -> &str {
    text.lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or_default()
}

/// Takes from the message about an image what is not said already: that there is a pause, and which image.
pub(super) fn pull_message(message: &str, image: &str) -> String {
    let mut rest = message.trim();
    if let Some((before, after)) = rest.split_once(&format!("image \"{image}\""))
        && (before.starts_with("Back-off") || before.starts_with("Failed to pull"))
    {
        rest = after.trim_start_matches(':').trim_start();
    }
    loop {
        let before = rest;
        for wrapping in WRAPPINGS {
            if let Some(inner) = rest.strip_prefix(wrapping) {
                rest = inner.trim_start();
                // The code is a word of its own, told again by the description.
                if wrapping.ends_with("code = ") {
                    rest = rest.split_once(' ').map_or("", |(_, description)| description);
                }
            }
        }
        rest = rest.strip_prefix(&format!("\"{image}\":")).unwrap_or(rest).trim_start();
        if rest == before {
            return rest.to_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(status: &Value, is_one_of_many: bool) -> Option<(String, bool)> {
        let whose = Whose {
            uid: "u",
            namespace: "shop",
            pod: "cart-1",
            since: "2026-11-21T10:00:00Z".parse().ok(),
            is_one_of_many,
        };
        trouble(status, "registry.example.com/cart:1", &whose).map(|cause| (cause.reason, cause.question.is_some()))
    }

    #[test]
    fn a_container_says_what_keeps_it_from_running() {
        let waiting = |reason: &str, message: &str| json!({"name": "main", "state": {"waiting": {"reason": reason, "message": message}}});
        let crashed = |end: Value| json!({"name": "main", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": end}});
        let image = "registry.example.com/cart:1";
        for (status, expected, asks) in [
            (
                waiting(
                    "ImagePullBackOff",
                    &format!(
                        "Back-off pulling image \"{image}\": ErrImagePull: rpc error: code = Unknown desc = failed to pull and unpack image \"{image}\": failed to resolve reference: 403 Forbidden"
                    ),
                ),
                "ImagePullBackOff registry.example.com/cart:1: failed to resolve reference: 403 Forbidden",
                false,
            ),
            (
                waiting("ImagePullBackOff", &format!("Back-off pulling image \"{image}\"")),
                "ImagePullBackOff registry.example.com/cart:1",
                false,
            ),
            (
                waiting("ErrImagePull", "rpc error: code = NotFound desc = manifest unknown"),
                "ErrImagePull registry.example.com/cart:1: manifest unknown",
                false,
            ),
            (
                waiting("CreateContainerConfigError", "secret \"pay\" not found"),
                "CreateContainerConfigError: secret \"pay\" not found",
                false,
            ),
            (
                crashed(json!({"exitCode": 137, "reason": "OOMKilled"})),
                "CrashLoopBackOff, exit code 137 (OOMKilled), 3 restarts",
                true,
            ),
            (
                crashed(json!({"exitCode": 1, "reason": "Error", "message": "starting\nno database at db:5432\n\n"})),
                "CrashLoopBackOff, exit code 1, 3 restarts: no database at db:5432",
                false,
            ),
            (
                json!({"name": "main", "state": {"terminated": {"exitCode": 2, "reason": "Error"}}}),
                "exit code 2",
                true,
            ),
            (
                json!({"name": "main", "restartCount": 1, "ready": false, "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}}),
                "started again 1 times, last exit code 1",
                true,
            ),
        ] {
            assert_eq!(told(&status, false), Some((expected.to_owned(), asks)), "{status}");
        }
        let fine = [
            waiting("ContainerCreating", ""),
            waiting("PodInitializing", ""),
            json!({"name": "main", "state": {"terminated": {"exitCode": 0}}}),
            json!({"name": "main", "ready": false, "state": {"running": {}}}),
        ];
        for status in fine {
            assert_eq!(told(&status, false), None, "{status}");
        }
        let named = told(&waiting("InvalidImageName", "no"), true).unwrap().0;
        assert_eq!(
            named,
            "container main: InvalidImageName registry.example.com/cart:1: no"
        );
    }

    #[test]
    fn only_an_image_that_may_be_pulled_later_is_a_warning() {
        let since: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let whose = Whose {
            uid: "u",
            namespace: "shop",
            pod: "cart-1",
            since: Some(since),
            is_one_of_many: false,
        };
        let until = |reason: &str| {
            trouble(
                &json!({"name": "main", "state": {"waiting": {"reason": reason}}}),
                "x",
                &whose,
            )
            .unwrap()
            .warning_until
        };
        assert_eq!(until("ImagePullBackOff"), "2026-11-21T10:05:00Z".parse().ok());
        assert_eq!(until("ErrImagePull"), "2026-11-21T10:05:00Z".parse().ok());
        for reason in ["InvalidImageName", "CreateContainerConfigError", "CrashLoopBackOff"] {
            assert_eq!(until(reason), None, "{reason}");
        }
    }
}
