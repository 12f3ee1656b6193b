//! One key of a secret: its name, the form of its value, whether it is secret at all.

use crate::redact::Secret;

/// One key that Argo CD reads.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// The form of its value.
    pub form: Form,
    /// Whether the value may be shown.
    pub public: bool,
}

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Text,
    /// As Go's `strconv.ParseBool` reads it. Present but empty is malformed.
    Boolean,
    /// As Go's `strconv.ParseInt` reads it in base 10. Present but empty is malformed.
    Integer,
    /// One or more certificates in PEM.
    Certificate,
    /// A private key in PEM.
    PrivateKey,
    /// A public key of PGP, armored.
    PublicKey,
    /// A JSON document.
    Json,
    /// A bcrypt hash.
    Bcrypt,
    /// A time as RFC 3339 writes it.
    Time,
}

impl Key {
    pub(super) const fn public(name: &'static str, form: Form) -> Self {
        Self {
            name,
            form,
            public: true,
        }
    }

    pub(super) const fn secret(name: &'static str, form: Form) -> Self {
        Self {
            name,
            form,
            public: false,
        }
    }
}

impl Form {
    /// Says what is wrong with a value, in words that do not quote it; `None` where nothing is.
    pub(super) fn fault(self, value: &Secret) -> Option<Fault> {
        let Some(text) = value.expose_str() else {
            return Some(Fault::new("is not text", "store it as plain UTF-8 text"));
        };
        if text.is_empty() {
            return match self {
                Self::Boolean | Self::Integer => Some(Fault::new(
                    "is empty, and Argo CD then refuses the whole secret",
                    "give it a value or leave the key out",
                )),
                _ => None,
            };
        }
        if self.is(text) {
            return None;
        }
        let help = if self.is(text.trim()) {
            "take away the white space around the value, a newline at its end most likely"
        } else {
            self.help()
        };
        Some(Fault::new(self.complaint(), help))
    }

    fn is(self, text: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Boolean => matches!(
                text,
                "1" | "t" | "T" | "TRUE" | "true" | "True" | "0" | "f" | "F" | "FALSE" | "false" | "False"
            ),
            Self::Integer => text.parse::<i64>().is_ok(),
            Self::Certificate => pem(text).any(|label| label == "CERTIFICATE" || label == "TRUSTED CERTIFICATE"),
            Self::PrivateKey => pem(text).any(|label| label.ends_with("PRIVATE KEY")),
            Self::PublicKey => pem(text).any(|label| label == "PGP PUBLIC KEY BLOCK"),
            Self::Json => serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(),
            Self::Bcrypt => {
                text.len() == 60 && ["$2a$", "$2b$", "$2y$"].iter().any(|version| text.starts_with(version))
            }
            Self::Time => text.parse::<jiff::Timestamp>().is_ok(),
        }
    }

    fn complaint(self) -> &'static str {
        match self {
            Self::Text => "is not text",
            Self::Boolean => "is not a boolean, and Argo CD then refuses the whole secret",
            Self::Integer => "is not a whole number, and Argo CD then refuses the whole secret",
            Self::Certificate => "holds no PEM certificate",
            Self::PrivateKey => "holds no PEM private key",
            Self::PublicKey => "holds no PGP public key",
            Self::Json => "is not JSON",
            Self::Bcrypt => "is not a bcrypt hash",
            Self::Time => "is not a time of RFC 3339",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Text => "store it as plain UTF-8 text",
            Self::Boolean => "write `true` or `false`",
            Self::Integer => "write digits only",
            Self::Certificate => "it starts with `-----BEGIN CERTIFICATE-----`, and its line breaks must be kept",
            Self::PrivateKey => {
                "it starts with `-----BEGIN … PRIVATE KEY-----`, and its line breaks must be kept; a public key does not do"
            }
            Self::PublicKey => {
                "it starts with `-----BEGIN PGP PUBLIC KEY BLOCK-----`, as `gpg --export --armor KEY-ID` prints it, and its line breaks must be kept"
            }
            Self::Json => "check its quotes and braces; the document must not be base64",
            Self::Bcrypt => "make one with `argocd account bcrypt --password …`",
            Self::Time => "write it like `2026-01-31T12:00:00Z`",
        }
    }
}

/// What is wrong with a value and how to mend it; never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    /// Goes on after the key's name.
    pub(super) what: &'static str,
    /// How to mend it.
    pub(super) help: &'static str,
}

impl Fault {
    fn new(what: &'static str, help: &'static str) -> Self {
        Self { what, help }
    }
}

/// Returns the labels of the PEM blocks of a text that begin and end on lines of their own.
fn pem(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .filter_map(|line| line.strip_prefix("-----BEGIN ")?.strip_suffix("-----"))
        .filter(move |label| {
            text.lines().any(|line| {
                line.trim()
                    .strip_prefix("-----END ")
                    .and_then(|rest| rest.strip_suffix("-----"))
                    == Some(label)
            })
        })
}

/// Returns the candidate that a misspelt word most likely meant: equal but for case, or close.
pub(super) fn meant<'word>(word: &str, candidates: impl IntoIterator<Item = &'word str>) -> Option<&'word str> {
    let bare = |text: &str| text.to_lowercase().replace(['-', '_', '.'], "");
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&bare(word), &bare(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_strictly_as_go_reads_them() {
        let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----";
        let hash = "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
        for (form, value, good) in [
            (Form::Boolean, "true", true),
            (Form::Boolean, "False", true),
            (Form::Boolean, "yes", false),
            (Form::Boolean, "", false),
            (Form::Boolean, "true\n", false),
            (Form::Boolean, "tRUE", false),
            (Form::Integer, "12345", true),
            (Form::Integer, "-1", true),
            (Form::Integer, "", false),
            (Form::Integer, "1_000", false),
            (Form::Integer, "99999999999999999999", false),
            (Form::Integer, "12\n", false),
            (Form::Text, "", true),
            (Form::Certificate, pem, true),
            (Form::Certificate, "", true),
            (Form::Certificate, "MIIB", false),
            (Form::Certificate, key, false),
            (Form::PrivateKey, key, true),
            (Form::PrivateKey, "ssh-ed25519 AAAA me", false),
            (Form::PrivateKey, &key.replace('\n', " "), false),
            (Form::Json, "{\"a\": 1}", true),
            (Form::Json, "eyJhIjogMX0=", false),
            (Form::Bcrypt, hash, true),
            (Form::Bcrypt, "admin", false),
            (Form::Time, "2026-01-31T12:00:00Z", true),
            (Form::Time, "yesterday", false),
        ] {
            assert_eq!(form.fault(&Secret::from(value)).is_none(), good, "{form:?} {value:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_said_to_be_so() {
        assert_eq!(
            Form::Text.fault(&Secret::new([0xff, 0xfe])).map(|fault| fault.what),
            Some("is not text")
        );
    }

    #[test]
    fn a_misspelt_word_is_guessed() {
        let words = ["sshPrivateKey", "password", "url"];
        assert_eq!(meant("ssh-private-key", words), Some("sshPrivateKey"));
        assert_eq!(meant("PASSWORD", words), Some("password"));
        assert_eq!(meant("passwort", words), Some("password"));
        assert_eq!(meant("URL", words), Some("url"));
        assert_eq!(meant("comment", words), None);
    }
}
