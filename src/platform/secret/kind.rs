//! The types of Secret that the API server looks into.

use super::report::Report;
use super::{Data, has};

/// What a type must hold: one of the keys in each row. Source: `ValidateSecret` in `pkg/apis/core/validation/validation.go`.
const NEEDED: &[(&str, &[&[&str]])] = &[
    ("kubernetes.io/tls", &[&["tls.crt"], &["tls.key"]]),
    ("kubernetes.io/dockerconfigjson", &[&[".dockerconfigjson"]]),
    ("kubernetes.io/dockercfg", &[&[".dockercfg"]]),
    ("kubernetes.io/basic-auth", &[&["username", "password"]]),
    ("kubernetes.io/ssh-auth", &[&["ssh-privatekey"]]),
];

/// Checks that a Secret holds what its type must.
pub(super) fn check(kind: &str, data: &Data, report: &mut Report<'_>) {
    let Some((_, rows)) = NEEDED.iter().find(|(known, _)| *known == kind) else {
        return;
    };
    for keys in *rows {
        if !keys.iter().any(|key| has(data, key)) {
            report
                .error(
                    "secret/missing-key",
                    format!(
                        "the API server takes no Secret of type `{kind}` without `{}`",
                        keys.join("` or `")
                    ),
                )
                .help("store it, name the right key under `keys`, or give the Secret another `type`");
        }
    }
    for key in [".dockerconfigjson", ".dockercfg"] {
        let is_json = |value: &crate::redact::Secret| {
            serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(value.expose()).is_ok()
        };
        if data.get(key).is_some_and(|value| !value.is_empty() && !is_json(value)) {
            report
                .error(
                    "secret/malformed",
                    format!("`{key}` is no JSON object, and the API server refuses it"),
                )
                .help("check its quotes and braces; the document must not be base64");
        }
    }
}
