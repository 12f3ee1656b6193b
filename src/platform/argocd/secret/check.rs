//! One secret, looked at alone.

use super::key::{Fault, meant};
use super::{Data, Shape, agent, cluster, repository, settings};
use crate::finding::Finding;
use crate::platform::secret::{Report, is_key};

/// Checks one secret of a type (`repository`, `repo-creds`, `repository-write`, `repo-write-creds`, `scm-creds`,
/// `cluster`, `argocd-secret`, `ssh-known-hosts`, `tls-certs`, `gpg-keys`) and returns everything that is wrong with it. `name` is how findings call it.
///
/// Findings never quote a value.
pub fn check(shape: &str, name: &str, data: &Data) -> Vec<Finding> {
    let mut report = Report::new(name);
    let Some(shape) = Shape::of(shape) else {
        let words = Shape::ALL.map(Shape::word);
        let help = meant(shape, words).map_or_else(
            || format!("one of {}", words.map(|word| format!("`{word}`")).join(", ")),
            |word| format!("did you mean `{word}`?"),
        );
        report
            .error(
                "secret/unknown-type",
                format!("Argo CD knows no secret of type `{shape}`"),
            )
            .help(help);
        return report.into_findings();
    };
    if data.is_empty() {
        report
            .error("secret/empty", "it holds no keys at all")
            .help("look at what the store has at its path");
        return report.into_findings();
    }
    check_keys(shape, data, &mut report);
    match shape {
        Shape::Repository | Shape::RepositoryWrite | Shape::RepoCreds | Shape::RepoWriteCreds => {
            repository::check(shape, data, &mut report);
        }
        Shape::Cluster => cluster::check(data, &mut report),
        Shape::Agent => agent::check(data, &mut report),
        Shape::SshKnownHosts | Shape::TlsCerts | Shape::GpgKeys => settings::check(shape, data, &mut report),
        Shape::ScmCreds => {}
    }
    report.into_findings()
}

fn check_keys(shape: Shape, data: &Data, report: &mut Report<'_>) {
    for (name, value) in data {
        if let Some(key) = shape.key(name) {
            if let Some(Fault { what, help }) = key.form.fault(value) {
                report.error("secret/malformed", format!("`{name}` {what}")).help(help);
            }
        } else if is_key(name) {
            check_unknown(shape, name, data, report);
        }
        // Whoever writes a password with an editor or `echo` stores a newline with it, and a server refuses that one.
        let is_line = value.expose_str().is_some_and(|text| text.lines().count() == 1);
        if matches!(name.as_str(), "password" | "bearerToken" | "username")
            && is_line
            && value.expose_str().is_some_and(|text| text.ends_with(['\n', '\r', ' ']))
        {
            report
                .warning("secret/white-space", format!("`{name}` ends in white space"))
                .help("a newline at the end most likely, which then is part of the value");
        }
    }
}

/// A key that Argo CD does not read. Misspelling a key that is else missing loses it silently; any other extra key is
/// only of no use.
fn check_unknown(shape: Shape, name: &str, data: &Data, report: &mut Report<'_>) {
    if shape.keys().is_empty() || (shape == Shape::Agent && agent::is_free(name)) {
        return;
    }
    if let Some(guess) = meant(name, shape.keys().iter().map(|key| key.name)) {
        if data.contains_key(guess) {
            report
                .warning(
                    "secret/unknown-key",
                    format!("`{name}` is not read; `{guess}`, which is also there, is"),
                )
                .help(format!("leave `{name}` out"));
        } else {
            report
                .error("secret/unknown-key", format!("`{name}` is not read by Argo CD"))
                .help(format!("did you mean `{guess}`?"));
        }
        return;
    }
    if shape == Shape::Agent {
        return;
    }
    let owners: Vec<_> = Shape::ALL
        .into_iter()
        .filter(|other| *other != Shape::Agent && other.key(name).is_some())
        .map(|other| format!("`{}`", other.word()))
        .collect();
    let finding = report.warning(
        "secret/unknown-key",
        format!(
            "`{name}` is not a key of `{}`, and Argo CD does not read it",
            shape.word()
        ),
    );
    if !owners.is_empty() {
        finding.help(format!("it belongs to {}", owners.join(", ")));
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
