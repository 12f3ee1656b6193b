//! What the server's answer to an apply means: whether it may pass, and in whose words it is told.
//!
//! The table is that of the API server's own sources: field conflicts from `apimachinery/pkg/util/managedfields`, namespaces from
//! `plugin/namespace/lifecycle`, CRDs from `apiextensions-apiserver/pkg/apiserver/customresource_handler.go`.

use std::collections::BTreeMap;

use kube::core::Status;

use super::error::{Error, ErrorKind};

/// What kube calls an answer that is no Status: such as the plain text by which a server says that it knows no such path.
const PLAIN: &str = "Failed to parse error data";

/// What stands in a failure of the server that a little time may mend: a webhook or a converter that does not serve yet, and etcd
/// while it looks for a leader.
const PASSING: &[&str] = &[
    "failed calling webhook",
    "failed calling admission webhook",
    "conversion webhook",
    "etcdserver:",
    "connection refused",
    "connection reset",
    "context deadline exceeded",
    "timed out",
    "unavailable",
    "EOF",
];

/// Takes the error of an apply of so many bytes.
pub(super) fn of_apply(doing: &str, error: &kube::Error, size: usize) -> Error {
    let kube::Error::Api(status) = error else {
        return Error::of(doing, error);
    };
    let (kind, words) = (kind_of(status), status.message.clone());
    let error = Error::new(kind, format!("cannot {doing}"));
    match kind {
        ErrorKind::NotServed => error
            .because("no API of the cluster serves its kind")
            .hint("is the CRD or the API service that brings it part of what is applied, and is it well?"),
        ErrorKind::NoNamespace => error
            .because(words)
            .hint("is the Namespace part of what is applied, here or before?"),
        ErrorKind::Terminating => error
            .because(words)
            .hint("somebody has deleted it: see which finalizers it waits for, and who should take them out"),
        ErrorKind::Conflict => owners(status)
            .into_iter()
            .fold(error, |error, (owner, fields)| {
                error.because(format!("{owner} owns {}", fields.join(", ")))
            })
            .hint("remove these fields there, or from the manifest")
            .hint("or take them over, for this step: --force-conflicts STEP"),
        ErrorKind::Invalid if is_too_large(&words) => error
            .because(format!("it is {} as it is sent: {words}", megabytes(size)))
            .hint("the server keeps objects of up to 1.5 MB, and ConfigMaps and Secrets of up to 1 MiB: split it"),
        _ => Error::of_kind(kind, doing, status),
    }
}

fn kind_of(status: &Status) -> ErrorKind {
    let says = |words: &str| status.message.contains(words);
    let details = status.details.as_ref();
    let has_cause = |reason: &str| {
        let causes = details.map(|details| details.causes.as_slice()).unwrap_or_default();
        causes.iter().any(|cause| cause.reason == reason)
    };
    if says("not allowed while custom resource definition is terminating") || has_cause("NamespaceTerminating") {
        return ErrorKind::Terminating;
    }
    if is_too_large(&status.message) {
        return ErrorKind::Invalid;
    }
    match status.code {
        404 if status.reason == PLAIN => ErrorKind::NotServed,
        404 if details.is_some_and(|details| details.kind == "namespaces") => ErrorKind::NoNamespace,
        409 if has_cause("FieldManagerConflict") => ErrorKind::Conflict,
        // Two who write at once: the object itself, or the count of a quota (kubernetes#67761).
        409 => ErrorKind::Server,
        500 if !PASSING.iter().any(|words| says(words)) => ErrorKind::Fault,
        _ => Error::kind_of_code(status.code),
    }
}

/// Returns who owns which of the fields in conflict.
fn owners(status: &Status) -> BTreeMap<String, Vec<String>> {
    let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for cause in status.details.iter().flat_map(|details| &details.causes) {
        // `conflict with "kubectl" using v1`, or with a subresource or a time between.
        let owner = cause.message.strip_prefix("conflict with ").unwrap_or(&cause.message);
        let owner = owner.split(" using ").next().unwrap_or(owner);
        owners.entry(owner.to_owned()).or_default().push(cause.field.clone());
    }
    owners
}

fn is_too_large(words: &str) -> bool {
    // The request (3 MiB), etcd (1.5 MB), its client, and what ConfigMaps and Secrets may hold (1 MiB).
    [
        "equest entity too large",
        "request is too large",
        "larger than max",
        "Too long: may not be more than 1048576",
    ]
    .iter()
    .any(|known| words.contains(known))
}

/// Writes a size in megabytes, with one digit behind the point.
fn megabytes(bytes: usize) -> String {
    let tenths = (bytes + 50_000) / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use kube::core::response::{StatusCause, StatusDetails};

    use super::*;

    fn status(code: u16, message: &str) -> Status {
        Status::failure(message, "Other").with_code(code)
    }

    fn cause(reason: &str, message: &str, field: &str) -> StatusCause {
        StatusCause {
            reason: reason.into(),
            message: message.into(),
            field: field.into(),
        }
    }

    fn with(status: Status, kind: &str, causes: Vec<StatusCause>) -> Status {
        let details = StatusDetails {
            kind: kind.into(),
            causes,
            name: String::new(),
            group: String::new(),
            uid: String::new(),
            retry_after_seconds: 0,
        };
        Status {
            details: Some(details),
            ..status
        }
    }

    fn told(status: Status) -> Error {
        of_apply("apply ConfigMap shop/x", &kube::Error::Api(Box::new(status)), 2_340_000)
    }

    #[test]
    fn each_answer_is_what_it_means() {
        let plain = Status::failure("404 page not found", PLAIN).with_code(404);
        let terminating = vec![cause(
            "NamespaceTerminating",
            "namespace shop is being terminated",
            "metadata.namespace",
        )];
        let quota = "Operation cannot be fulfilled on resourcequotas \"q\": the object has been modified";
        let table = [
            (plain, ErrorKind::NotServed),
            (
                with(status(404, "namespaces \"shop\" not found"), "namespaces", vec![]),
                ErrorKind::NoNamespace,
            ),
            (
                with(status(404, "configmaps \"x\" not found"), "configmaps", vec![]),
                ErrorKind::NotFound,
            ),
            (
                with(status(403, "forbidden"), "configmaps", terminating),
                ErrorKind::Terminating,
            ),
            (
                status(
                    405,
                    "create not allowed while custom resource definition is terminating",
                ),
                ErrorKind::Terminating,
            ),
            (status(403, "User \"ann\" cannot patch"), ErrorKind::Denied),
            (
                status(400, "admission webhook \"w\" denied the request"),
                ErrorKind::Invalid,
            ),
            (status(409, quota), ErrorKind::Server),
            (
                status(413, "Request entity too large: limit is 3145728"),
                ErrorKind::Invalid,
            ),
            (status(500, "etcdserver: request is too large"), ErrorKind::Invalid),
            (
                status(500, "rpc error: trying to send message larger than max"),
                ErrorKind::Invalid,
            ),
            (
                status(422, "data: Too long: may not be more than 1048576 bytes"),
                ErrorKind::Invalid,
            ),
            (status(422, "spec.selector: field is immutable"), ErrorKind::Invalid),
            (status(429, "too many requests"), ErrorKind::Server),
            (
                status(500, "failed calling webhook \"w\": no endpoints available"),
                ErrorKind::Server,
            ),
            (
                status(500, "conversion webhook for example.com/v1 failed"),
                ErrorKind::Server,
            ),
            (status(500, "etcdserver: leader changed"), ErrorKind::Server),
            (status(500, "runtime error: invalid memory address"), ErrorKind::Fault),
            (
                status(503, "the server is currently unable to handle the request"),
                ErrorKind::Server,
            ),
            (status(401, "Unauthorized"), ErrorKind::Unauthenticated),
        ];
        for (status, kind) in table {
            let message = status.message.clone();
            assert_eq!(told(status).kind(), kind, "{message}");
        }
    }

    #[test]
    fn a_conflict_names_each_owner_with_its_fields_and_the_flag_that_takes_them_over() {
        let causes = vec![
            cause(
                "FieldManagerConflict",
                "conflict with \"kubectl-edit\" using v1",
                ".data.a",
            ),
            cause(
                "FieldManagerConflict",
                "conflict with \"kubectl-edit\" using v1",
                ".data.b",
            ),
            cause(
                "FieldManagerConflict",
                "conflict with \"hpa\" with subresource \"scale\" using v1",
                ".spec.replicas",
            ),
        ];
        let error = told(with(status(409, "Apply failed with 3 conflicts"), "", causes));
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(
            error.causes(),
            [
                "\"hpa\" with subresource \"scale\" owns .spec.replicas",
                "\"kubectl-edit\" owns .data.a, .data.b"
            ]
        );
        assert!(error.hints().concat().contains("--force-conflicts STEP"), "{error:?}");
    }

    #[test]
    fn what_is_too_large_is_told_with_its_size() {
        let error = told(status(413, "Request entity too large: limit is 3145728"));
        assert!(
            error.causes()[0].starts_with("it is 2.3 MB as it is sent: "),
            "{error:?}"
        );
    }
}
