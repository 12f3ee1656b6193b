//! Secrets that are written in the file, where they do not belong.
//!
//! They are found before anything else, so that no other finding quotes one. A line that holds one is never framed.

use url::Url;

use super::super::tree::{Entry, Kind, Node, Span, Value};
use super::Check;

/// How tokens and keys start that are known by their start.
const STARTS: [&str; 16] = [
    "hvs.",
    "hvb.",
    "hvr.",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "AKIA",
    "xoxb-",
    "xoxp-",
    "AGE-SECRET-KEY-",
    "ATATT3",
    "eyJhbGciOi",
];

/// How keys end that hold a secret, in lower case, letters and digits only.
const ENDS: [&str; 13] = [
    "token",
    "password",
    "passwd",
    "passphrase",
    "privatekey",
    "secretid",
    "secretkey",
    "clientsecret",
    "accesskey",
    "apikey",
    "serviceaccountkey",
    "clientcertkey",
    "tlskey",
];

/// The stretches of the file that hold a secret.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    spans: Vec<Span>,
    /// Those of which a finding says so.
    told: Vec<Span>,
}

impl Hidden {
    /// Marks a stretch.
    pub(super) fn hide(&mut self, span: Span) {
        self.spans.push(span);
    }

    /// Whether the stretch may be a secret.
    pub(super) fn contains(&self, span: Span) -> bool {
        self.spans.contains(&span)
    }

    /// Whether a finding says that the stretch is a secret, so that no other need look at it.
    pub(super) fn is_told(&self, span: Span) -> bool {
        self.told.contains(&span)
    }

    /// Whether a line holds a part of one.
    pub(super) fn on_line(&self, line: usize) -> bool {
        self.spans.iter().any(|span| (span.line..=span.last).contains(&line))
    }
}

/// Whether a line of what is no YAML may hold a secret. Without a tree only a key tells, and the key may stand on the
/// line before; a line without a key may be anything.
pub(in super::super) fn may_hold_secret(before: &str, line: &str) -> bool {
    let plain = [before.trim(), line.trim()]
        .concat()
        .to_lowercase()
        .replace(['-', '_', ' '], "");
    let has_key = line.contains(": ") || line.trim_end().ends_with(':');
    !has_key
        || ENDS.iter().any(|end| plain.contains(end))
        || (line.contains("://") && line.contains('@'))
        || holds_secret(line)
}

/// Whether a line holds what is a secret by its looks, be it in a comment.
pub(in super::super) fn holds_secret(line: &str) -> bool {
    line.contains("-----BEGIN")
        || line
            .split(|character: char| !character.is_ascii_alphanumeric() && !matches!(character, '.' | '_' | '-'))
            .any(looks_secret)
}

impl Check<'_> {
    /// Finds all secrets in the file.
    pub(super) fn literal(&mut self) {
        let root = self.root;
        self.below(root, None, false);
    }

    fn below(&mut self, node: &Node, key: Option<&Entry>, is_in_login: bool) {
        match &node.value {
            Value::List(items) => items.iter().for_each(|item| self.below(item, key, is_in_login)),
            Value::Map(entries) => {
                let is_login = key.is_some_and(is_login);
                let is_from = key.is_some_and(|entry| entry.key == "from");
                for entry in entries {
                    // Behind `keys` stand the names of keys, which may well be `password`; but a template is text.
                    if entry.key == "keys" {
                        for taken in entry.value.entries() {
                            // Its braces are no credentials of an address.
                            if let Some(template) = taken.value.get("template")
                                && template.written().is_some_and(holds_secret)
                            {
                                self.below(template, None, false);
                            }
                        }
                        continue;
                    }
                    let is_plain = matches!(entry.key.as_str(), "mount" | "role-id" | "role" | "username" | "file");
                    if is_login && !is_plain && entry.value.written().is_some_and(|text| !text.is_empty()) {
                        self.hidden.hide(entry.value.span);
                    }
                    // The keys of `from` are names of stores.
                    self.below(&entry.value, Some(entry).filter(|_| !is_from), is_login);
                }
            }
            Value::Scalar(scalar) => {
                let text = scalar.text.as_str();
                if scalar.kind() == Kind::Null || text.is_empty() {
                    return;
                }
                // What stands for a whole login is probably a token whose key is missing.
                if key.is_some_and(is_login) && text != "agent" {
                    self.hidden.hide(node.span);
                }
                if key.is_some_and(|entry| names_secret(&entry.key)) || looks_secret(text) {
                    self.hidden.hide(node.span);
                    let is_read = |entry: &Entry| is_in_login || matches!(entry.key.as_str(), "token" | "secret-id");
                    let help = if key.is_some_and(is_read) {
                        "write `{env: NAME}`, and give the value in that variable of the environment"
                    } else {
                        "keep it in a store and name it in `secrets`"
                    };
                    self.hidden.told.push(node.span);
                    self.error(
                        "runbook/literal-secret",
                        node.span,
                        "a secret is written in the runbook",
                        help.to_owned(),
                    );
                } else if let Some(is_sure) = credentials(text, key.is_some_and(is_git)) {
                    self.hidden.hide(node.span);
                    if is_sure {
                        self.hidden.told.push(node.span);
                        self.error(
                            "runbook/url-credentials",
                            node.span,
                            "an address with a user or password in it",
                            "keep them in a secret, and name that as the source's `credentials`".to_owned(),
                        );
                    }
                }
            }
        }
    }
}

/// Whether a key says how to log in.
fn is_login(entry: &Entry) -> bool {
    matches!(entry.key.as_str(), "auth" | "approle" | "userpass" | "jwt")
}

/// Whether behind a key stand addresses of repositories.
fn is_git(entry: &Entry) -> bool {
    matches!(entry.key.as_str(), "git" | "mirrors")
}

/// Whether a key is that of a secret.
fn names_secret(key: &str) -> bool {
    let plain: String = key
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_lowercase();
    ENDS.iter().any(|end| plain.ends_with(end)) || key.ends_with(".secret")
}

/// Whether a value is a secret by its looks.
fn looks_secret(text: &str) -> bool {
    let text = text.trim();
    let has_start = STARTS
        .iter()
        .any(|start| text.starts_with(start) && text.len() >= start.len() + 8 && !text.contains(char::is_whitespace));
    has_start || (text.contains("-----BEGIN") && text.contains("PRIVATE KEY"))
}

/// Whether a value of which nothing is known may be a secret: one long word of letters and digits.
pub(super) fn may_be_secret(text: &str) -> bool {
    text.len() >= 8
        && !text.contains(char::is_whitespace)
        && text.contains(|character: char| character.is_ascii_digit())
        && text.contains(char::is_alphabetic)
}

/// Whether an address holds credentials: surely, or (`Some(false)`) perhaps.
fn credentials(text: &str, is_git: bool) -> Option<bool> {
    let Some((scheme, rest)) = text.split_once("://") else {
        // The short form of SSH takes no password: `user:password@host:path`.
        let (user, _) = text.split_once('@').filter(|_| is_git)?;
        return user.contains(':').then_some(true);
    };
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    if query.split(['&', '#']).any(|pair| {
        pair.split_once('=')
            .is_some_and(|(key, value)| names_secret(key) && !value.is_empty())
    }) {
        return Some(true);
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match host.rsplit_once('@') {
        Some((user, _)) if scheme.ends_with("ssh") && !user.contains(':') => None,
        Some(("", _)) => None,
        Some(_) => Some(true),
        // A password may hold a slash, a path an `@`: what is no address the other way is the former.
        None => rest
            .split_once('@')
            .filter(|(before, _)| before.contains(':'))
            .map(|_| Url::parse(text).is_err()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_an_address_are_seen_and_a_user_of_ssh_is_none() {
        for (text, expected) in [
            ("https://git.example.com/a.git", None),
            ("ssh://git@git.example.com/a.git", None),
            ("git@git.example.com:a.git", None),
            ("https://me:hunter2@git.example.com/a.git", Some(true)),
            ("https://hunter2@git.example.com/a.git", Some(true)),
            ("ssh://git:hunter2@git.example.com/a.git", Some(true)),
            ("git:hunter2@git.example.com:a.git", Some(true)),
            ("https://me:hunter/2@git.example.com/a.git", Some(true)),
            ("https://git.example.com:8443/a@v1", Some(false)),
            ("https://git.example.com/a@v1", None),
            ("https://git.example.com/a.git?private_token=hunter2", Some(true)),
            ("https://git.example.com/a.git?ref=main", None),
        ] {
            assert_eq!(credentials(text, true), expected, "{text}");
        }
    }

    #[test]
    fn a_context_with_a_user_in_it_is_no_address() {
        assert_eq!(credentials("arn:aws:iam::1:user/me@prod", false), None);
    }

    #[test]
    fn a_token_is_known_by_its_looks_wherever_it_stands() {
        assert!(holds_secret("rto: 90 # hvs.hunter2hunter2"));
        assert!(holds_secret("x: {a: \"ghp_hunter2hunter2\"}"));
        assert!(!holds_secret("- token: {env: VAULT_TOKEN} # hvs. is how it starts"));
    }

    #[test]
    fn of_what_is_no_yaml_only_a_line_with_a_harmless_key_is_shown() {
        assert!(!may_hold_secret("sources:", "  platform: {git: a"));
        assert!(may_hold_secret("auth:", "  token: a"));
        assert!(may_hold_secret("  to", "ken: a"));
        assert!(may_hold_secret("  token:", "   a: b"));
        assert!(may_hold_secret("", "   bWluZSBvd24="));
    }

    #[test]
    fn a_key_that_holds_a_secret_is_known_by_its_name() {
        for key in [
            "token",
            "secret-id",
            "secret_id",
            "sshPrivateKey",
            "bearerToken",
            "webhook.github.secret",
        ] {
            assert!(names_secret(key), "{key}");
        }
        for key in ["secret", "credentials", "role-id", "username", "url", "as"] {
            assert!(!names_secret(key), "{key}");
        }
    }
}
