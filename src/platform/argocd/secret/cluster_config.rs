//! The JSON document in a cluster secret's `config`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::key::{Form, meant};
use super::{Data, has, text};
use crate::platform::argocd::IN_CLUSTER;
use crate::platform::secret::Report;
use crate::redact::Secret;

/// What a field holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Boolean,
    /// Base64 of a PEM certificate.
    Certificate,
    /// Base64 of a PEM private key.
    PrivateKey,
    /// A list of text.
    List,
    /// Any mapping.
    Map,
    /// A mapping with these fields.
    Fields(&'static [(&'static str, Kind)]),
}

/// The fields of `config` (`pkg/apis/application/v1alpha1/types.go:ClusterConfig`).
const CONFIG: &[(&str, Kind)] = &[
    ("username", Kind::Text),
    ("password", Kind::Text),
    ("bearerToken", Kind::Text),
    (
        "tlsClientConfig",
        Kind::Fields(&[
            ("insecure", Kind::Boolean),
            ("serverName", Kind::Text),
            ("certData", Kind::Certificate),
            ("keyData", Kind::PrivateKey),
            ("caData", Kind::Certificate),
        ]),
    ),
    (
        "awsAuthConfig",
        Kind::Fields(&[
            ("clusterName", Kind::Text),
            ("roleARN", Kind::Text),
            ("profile", Kind::Text),
        ]),
    ),
    (
        "execProviderConfig",
        Kind::Fields(&[
            ("command", Kind::Text),
            ("args", Kind::List),
            ("env", Kind::Map),
            ("apiVersion", Kind::Text),
            ("installHint", Kind::Text),
            ("provideClusterInfo", Kind::Boolean),
            ("config", Kind::Map),
        ]),
    ),
    ("disableCompression", Kind::Boolean),
    ("proxyUrl", Kind::Text),
];

/// Checks the document.
pub(super) fn check(data: &Data, report: &mut Report<'_>) {
    let in_cluster = text(data, "server").is_some_and(|server| server.trim_end_matches('/') == IN_CLUSTER);
    if !has(data, "config") {
        if !in_cluster {
            report
                .warning(
                    "secret/cluster-config",
                    "`config` is missing: Argo CD has no credentials for the cluster",
                )
                .help("add `config`, a JSON document with `bearerToken` and `tlsClientConfig`, or with another way in");
        }
        return;
    }
    let Some(config) = parse(data) else {
        report
            .error(
                "secret/cluster-config",
                "`config` is not a JSON object, and Argo CD then refuses the whole secret",
            )
            .help("check its quotes and braces; it must not be base64");
        return;
    };
    check_fields("config", &config, CONFIG, report);
    check_ways(&config, in_cluster, report);
    check_tls(&config, report);
}

/// Returns the document; `None` where it is absent or no JSON object.
pub(super) fn parse(data: &Data) -> Option<Map<String, Value>> {
    serde_json::from_str(text(data, "config")?).ok()
}

/// Returns the values of the document that must not be shown.
pub(super) fn confidential(data: &Data) -> Vec<Secret> {
    let config = parse(data).unwrap_or_default();
    let mut values = Vec::new();
    for path in [&["password"][..], &["bearerToken"], &["tlsClientConfig", "keyData"]] {
        if let Some(value) = at(&config, path) {
            values.push(Secret::from(value));
            if let Some(decoded) = decode(value) {
                values.push(Secret::new(decoded));
            }
        }
    }
    if let Some(env) = field(&config, "execProviderConfig").and_then(|exec| field(exec.as_object()?, "env")) {
        let env = env.as_object().into_iter().flat_map(Map::values);
        values.extend(env.filter_map(Value::as_str).map(Secret::from));
    }
    values
}

fn check_fields(path: &str, map: &Map<String, Value>, fields: &[(&'static str, Kind)], report: &mut Report<'_>) {
    for (name, value) in map {
        // Go's JSON reader takes a key in any case.
        let known = fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        let place = format!("{path}.{name}");
        if let Some((_, kind)) = known {
            check_value(&place, value, *kind, report);
            continue;
        }
        let finding = report.warning("secret/cluster-config-key", format!("`{place}` is not read by Argo CD"));
        if let Some(guess) = meant(name, fields.iter().map(|(field, _)| *field)) {
            finding.help(format!("did you mean `{guess}`?"));
        } else if let Some(outer) = path_of(name) {
            finding.help(format!("it belongs into `{outer}`"));
        }
    }
}

/// Returns where a field that was written in the wrong mapping belongs.
fn path_of(name: &str) -> Option<&'static str> {
    if CONFIG.iter().any(|(field, _)| field.eq_ignore_ascii_case(name)) {
        return Some("config");
    }
    CONFIG.iter().find_map(|(outer, kind)| match kind {
        Kind::Fields(inner) => inner
            .iter()
            .any(|(field, _)| field.eq_ignore_ascii_case(name))
            .then_some(*outer),
        _ => None,
    })
}

fn check_value(place: &str, value: &Value, kind: Kind, report: &mut Report<'_>) {
    let fits = match kind {
        _ if value.is_null() => true,
        Kind::Text | Kind::Certificate | Kind::PrivateKey => value.is_string(),
        Kind::Boolean => value.is_boolean(),
        Kind::List => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
        Kind::Map | Kind::Fields(_) => value.is_object(),
    };
    if !fits {
        let expected = match kind {
            Kind::Text | Kind::Certificate | Kind::PrivateKey => "text",
            Kind::Boolean => "true or false, without quotes",
            Kind::List => "a list of text",
            Kind::Map | Kind::Fields(_) => "a mapping",
        };
        report
            .error(
                "secret/cluster-config",
                format!("`{place}` is of the wrong type, and Argo CD then refuses the whole secret"),
            )
            .help(format!("it is {expected}"));
        return;
    }
    match (kind, value) {
        (Kind::Fields(fields), Value::Object(map)) => check_fields(place, map, fields, report),
        (Kind::Certificate, Value::String(text)) => check_pem(place, text, Form::Certificate, report),
        (Kind::PrivateKey, Value::String(text)) => check_pem(place, text, Form::PrivateKey, report),
        _ => {}
    }
}

fn check_pem(place: &str, text: &str, form: Form, report: &mut Report<'_>) {
    let Some(decoded) = decode(text) else {
        let help = if text.trim_start().starts_with("-----BEGIN") {
            "it is plain PEM: encode it once more with `base64 -w0`"
        } else {
            "encode the PEM text with `base64 -w0`"
        };
        report
            .error(
                "secret/cluster-config",
                format!("`{place}` is not base64, and Argo CD then refuses the whole secret"),
            )
            .help(help);
        return;
    };
    let decoded = Secret::new(decoded);
    if let Some(fault) = form.fault(&decoded) {
        let twice = decoded
            .expose_str()
            .and_then(decode)
            .is_some_and(|inner| inner.starts_with(b"-----BEGIN"));
        report
            .error("secret/cluster-config", format!("`{place}`, decoded, {}", fault.what))
            .help(if twice {
                "it is encoded twice: decode it once"
            } else {
                fault.help
            });
    }
}

fn check_ways(config: &Map<String, Value>, in_cluster: bool, report: &mut Report<'_>) {
    let given = |path: &[&str]| at(config, path).is_some_and(|value| !value.is_empty());
    // One of the wrong type was meant as a way in too, and has its own finding.
    let is_there = |name: &str| field(config, name).is_some_and(|value| !value.is_null() && value != "");
    let mut ways = Vec::new();
    for (way, present) in [
        ("`awsAuthConfig`", is_there("awsAuthConfig")),
        ("`execProviderConfig`", is_there("execProviderConfig")),
        ("`bearerToken`", is_there("bearerToken")),
        (
            "`username` and `password`",
            is_there("username") || is_there("password"),
        ),
    ] {
        if present {
            ways.push(way);
        }
    }
    if ways.len() > 1 {
        report
            .error(
                "secret/two-ways-in",
                format!("`config` gives {}: at most one of them works", ways.join(" and ")),
            )
            .help("keep one way in");
    }
    if ways.is_empty() && !in_cluster && !given(&["tlsClientConfig", "certData"]) {
        report
            .warning("secret/cluster-config", "`config` holds no credentials")
            .help("add `bearerToken`, a client certificate, `awsAuthConfig` or `execProviderConfig`");
    }
    if is_there("awsAuthConfig") && !given(&["awsAuthConfig", "clusterName"]) {
        report
            .error("secret/cluster-config", "`config.awsAuthConfig` needs `clusterName`")
            .help("add the cluster's name in EKS");
    }
    for name in ["command", "apiVersion"] {
        if is_there("execProviderConfig") && !given(&["execProviderConfig", name]) {
            report
                .error("secret/cluster-config", format!("`config.execProviderConfig` needs `{name}`"))
                .help("`command` is a program in Argo CD's image, `apiVersion` such as `client.authentication.k8s.io/v1beta1`");
        }
    }
}

fn check_tls(config: &Map<String, Value>, report: &mut Report<'_>) {
    let given = |name: &str| at(config, &["tlsClientConfig", name]).is_some_and(|value| !value.is_empty());
    let insecure = field(config, "tlsClientConfig")
        .and_then(|tls| field(tls.as_object()?, "insecure"))
        .is_some_and(|value| value == &Value::Bool(true));
    if insecure && given("caData") {
        report
            .error(
                "secret/cluster-config",
                "`config.tlsClientConfig` has both `insecure` and `caData`, which the client refuses",
            )
            .help("leave `insecure` out");
    }
    if given("certData") != given("keyData") {
        report
            .error(
                "secret/half-a-pair",
                "`certData` and `keyData` of `config.tlsClientConfig` only work together",
            )
            .help("add the other one");
    }
}

/// Returns the field of that name, in whatever case.
pub(super) fn field<'map>(map: &'map Map<String, Value>, name: &str) -> Option<&'map Value> {
    map.get(name).or_else(|| {
        map.iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// Returns the text at a path.
pub(super) fn at<'map>(map: &'map Map<String, Value>, path: &[&str]) -> Option<&'map str> {
    match path {
        [] => None,
        [name] => field(map, name)?.as_str(),
        [name, rest @ ..] => at(field(map, name)?.as_object()?, rest),
    }
}

/// Decodes base64 as Go does: line breaks do not count.
fn decode(text: &str) -> Option<Vec<u8>> {
    let joined: String = text
        .chars()
        .filter(|character| !matches!(character, '\n' | '\r'))
        .collect();
    STANDARD.decode(joined).ok()
}
