//! What texts must look like.

use std::time::Duration;

use jiff::SignedDuration;
use url::Url;

use super::super::shape::Format;
use super::super::tree::Span;
use super::Check;
use crate::object::{is_label, is_subdomain};

/// The lengths of full commit hashes: SHA-1 and SHA-256.
const HASHES: [usize; 2] = [40, 64];

impl Check<'_> {
    /// Checks what a text looks like. Addresses are never quoted, since they may hold a password.
    pub(super) fn format(&mut self, text: &str, format: Format, span: Span) {
        let problem: Option<(&'static str, String, Option<&str>)> = match format {
            Format::Name(whose) => return self.reference(text, whose, span),
            Format::Any => text.trim().is_empty().then(|| {
                (
                    "runbook/empty-value",
                    "expected text, found only blanks".to_owned(),
                    None,
                )
            }),
            Format::Label => (!is_label(text)).then(|| {
                (
                    "runbook/name",
                    format!("`{text}` is not a DNS label"),
                    Some("lower-case letters, digits and `-`, at most 63, a letter or digit at both ends"),
                )
            }),
            Format::Subdomain => (!is_subdomain(text)).then(|| {
                (
                    "runbook/name",
                    format!("`{text}` is not a Kubernetes name"),
                    Some("lower-case letters, digits, `-` and `.`, at most 253, a letter or digit at both ends"),
                )
            }),
            Format::App => (!is_app(text)).then(|| {
                (
                    "runbook/name",
                    format!("`{text}` is not the name of an app"),
                    Some("`name`, or `namespace/name`"),
                )
            }),
            Format::Kind => (!is_kind(text)).then(|| {
                (
                    "runbook/name",
                    format!("`{text}` is not a kind"),
                    Some("such as `Deployment`, or `Restore.velero.io` with its group"),
                )
            }),
            // What stands here may be the secret itself: it is not quoted.
            Format::Variable => (!is_variable(text)).then(|| {
                (
                    "runbook/variable-name",
                    "expected the name of a variable of the environment".to_owned(),
                    Some("such as `SOPS_AGE_KEY`: letters, digits and `_`"),
                )
            }),
            Format::Duration => duration(text).err().map(|help| {
                (
                    "runbook/duration",
                    format!("`{text}` is not a span of time"),
                    Some(help),
                )
            }),
            Format::Git => git(text).err().map(|message| {
                (
                    "runbook/url",
                    message.to_owned(),
                    Some("`https://…`, `http://…`, `ssh://…` or `user@host:path`"),
                )
            }),
            Format::Http => http(text).err().map(|message| {
                (
                    "runbook/url",
                    message.to_owned(),
                    Some("such as `https://host:8443/path`"),
                )
            }),
            Format::Cluster => (!is_uid(text) && http(text).is_err()).then(|| {
                (
                    "runbook/cluster",
                    "expected the UID of a cluster, or the address of its API server".to_owned(),
                    Some("`kubectl get namespace kube-system -o jsonpath={.metadata.uid}` prints the UID"),
                )
            }),
            Format::Path => path(text).err().map(|message| {
                (
                    "runbook/path",
                    format!("`{text}` {message}"),
                    Some("paths are relative to the root of the repository"),
                )
            }),
            Format::Digest => (!is_digest(text)).then(|| {
                (
                    "runbook/digest",
                    "expected `sha256:` and 64 hexadecimal digits".to_owned(),
                    Some("`gitops-dr plan` prints the digest of the install"),
                )
            }),
        };
        if let Some((rule, message, help)) = problem {
            self.error(rule, span, message, help.map(str::to_owned));
        }
    }
}

/// Reads a span of time; an error is a hint.
pub(in super::super) fn duration(text: &str) -> Result<Duration, &'static str> {
    const EXAMPLE: &str = "such as `30m` or `1h 30m`";
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err("give it a unit: `90s`, `90m`, or `1h 30m`");
    }
    let duration: SignedDuration = text.parse().map_err(|_| {
        if text.ends_with('d') || text.contains("day") || text.contains('w') {
            "days are not all equally long: write hours, such as `24h`"
        } else {
            EXAMPLE
        }
    })?;
    if duration <= SignedDuration::ZERO {
        return Err("it must be longer than nothing");
    }
    Duration::try_from(duration).map_err(|_| EXAMPLE)
}

/// Whether a text names a variable as a shell does, `$NAME` alone or `${NAME}` anywhere.
pub(super) fn names_variable(text: &str) -> bool {
    let is_name = |name: &str| is_variable(name) && name.contains(|letter: char| letter.is_ascii_uppercase());
    let braced = text.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
    text.strip_prefix('$').is_some_and(is_name) || braced.map(|(name, _)| name).any(is_name)
}

/// Whether the text is a full commit hash.
pub(in super::super) fn is_commit(text: &str) -> bool {
    HASHES.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether the text is the name of a variable of the environment.
pub(super) fn is_variable(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && !text.is_empty()
}

fn is_app(text: &str) -> bool {
    match text.split_once('/') {
        Some((namespace, name)) => is_label(namespace) && is_subdomain(name),
        None => is_subdomain(text),
    }
}

fn is_kind(text: &str) -> bool {
    let (kind, group) = text
        .split_once('.')
        .map_or((text, None), |(kind, group)| (kind, Some(group)));
    kind.starts_with(|first: char| first.is_ascii_uppercase())
        && kind.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && group.is_none_or(is_subdomain)
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hash| hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

fn is_uid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn http(text: &str) -> Result<(), &'static str> {
    match Url::parse(text) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => Err("expected an address that starts with `https://`"),
        Ok(url) if url.host_str().is_none_or(str::is_empty) => Err("the address names no host"),
        Ok(_) if text.contains(char::is_whitespace) => Err("the address holds a blank"),
        Ok(_) => Ok(()),
        Err(url::ParseError::RelativeUrlWithoutBase) => Err("the address lacks its scheme, such as `https://`"),
        Err(url::ParseError::InvalidPort) => Err("the address has a port that is none"),
        Err(_) => Err("not a valid address"),
    }
}

fn git(text: &str) -> Result<(), &'static str> {
    const EXPECTED: &str = "expected the address of a Git repository";
    if text.contains(char::is_whitespace) {
        return Err("the address holds a blank");
    }
    if !text.contains("://") {
        // The short form of SSH: `git@host:path`.
        let (host, path) = text.split_once(':').ok_or(EXPECTED)?;
        let (user, host) = host.split_once('@').ok_or(EXPECTED)?;
        let is_whole = !user.is_empty() && !host.is_empty() && !path.is_empty() && !host.contains('/');
        return if is_whole { Ok(()) } else { Err(EXPECTED) };
    }
    let url = Url::parse(text).map_err(|_| "not a valid address")?;
    match url.scheme() {
        "http" | "https" | "ssh" if url.host_str().is_none_or(str::is_empty) => Err("the address names no host"),
        "http" | "https" | "ssh" if url.path().trim_matches('/').is_empty() => Err("the address names no repository"),
        "http" | "https" | "ssh" => Ok(()),
        _ => Err("a Git repository is read over HTTPS, HTTP or SSH"),
    }
}

fn path(text: &str) -> Result<(), &'static str> {
    if text.starts_with('/') {
        return Err("is absolute");
    }
    if text.contains('\\') {
        return Err("holds a backslash");
    }
    if text.split('/').any(|part| part == "..") {
        return Err("leads out with `..`");
    }
    if text.contains(char::is_control) || text.trim() != text {
        return Err("starts or ends with a blank");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_have_a_unit() {
        assert_eq!(duration("30m"), Ok(Duration::from_mins(30)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_mins(90)));
        assert!(duration("90").unwrap_err().contains("unit"));
        assert!(duration("1.5").unwrap_err().contains("unit"));
        assert!(duration("1d").unwrap_err().contains("24h"));
        assert!(duration("0s").unwrap_err().contains("longer"));
        assert!(duration("5m ago").unwrap_err().contains("longer"));
        assert!(duration("soon").unwrap_err().contains("such as"));
    }

    #[test]
    fn a_git_address_is_one_of_four() {
        for good in [
            "https://git.example.com/shop/platform.git",
            "http://127.0.0.1:3000/platform.git",
            "ssh://git@git.example.com:2222/shop/platform.git",
            "git@git.example.com:shop/platform.git",
        ] {
            assert_eq!(git(good), Ok(()), "{good}");
        }
        for bad in [
            "platform",
            "../platform.git",
            "/srv/platform.git",
            "file:///srv/platform.git",
            "https://",
            "https://git.example.com",
            "https://git.example.com/a b.git",
            "git@host",
            "host:path",
            "ftp://host/x",
        ] {
            assert!(git(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_those_of_kubernetes() {
        for good in ["a", "a-b", "0", &"a".repeat(63)] {
            assert!(is_label(good), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a_b", "ä", &"a".repeat(64)] {
            assert!(!is_label(bad), "{bad}");
        }
        assert!(is_subdomain("a.b-c") && !is_subdomain("a..b"));
        assert!(is_app("payments") && is_app("team/payments") && !is_app("a/b/c"));
        assert!(is_kind("Restore") && is_kind("Restore.velero.io") && !is_kind("restore") && !is_kind("Restore."));
        assert!(is_uid("4f1c0b4e-8f6f-4c3e-9d6a-2f1f2f3f4f5f") && !is_uid("4f1c"));
        assert!(is_variable("VAULT_TOKEN") && !is_variable("1A") && !is_variable("a-b"));
    }
}
