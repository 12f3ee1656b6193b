//! Addresses of repositories.

use percent_encoding::percent_decode_str;
use url::Url;

use super::Login;
use crate::redact::Secret;

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// HTTP, with TLS or without.
    Http,
    /// SSH.
    Ssh,
    /// The file system: a copy on disk can be a mirror.
    File,
}

/// An address, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Address {
    /// What is handed to libgit2: without a password.
    pub(super) url: String,
    /// How the server is spoken to.
    pub(super) transport: Transport,
    /// The host; empty for files.
    pub(super) host: String,
    /// The port, the scheme's own one where none is written.
    pub(super) port: u16,
    /// The SSH user.
    pub(super) user: String,
    /// A login that is written in the address itself.
    pub(super) login: Option<Login>,
}

impl Address {
    /// Takes an address apart: `https://…`, `http://…`, `ssh://…` or `user@host:path`. The error says what is wrong with it.
    pub(super) fn parse(written: &str) -> Result<Self, &'static str> {
        if !written.contains("://") {
            return Self::parse_scp(written);
        }
        let mut url = Url::parse(written).map_err(|_| "it is not a valid address")?;
        let (transport, port) = match url.scheme() {
            "https" => (Transport::Http, 443),
            "http" => (Transport::Http, 80),
            "ssh" => (Transport::Ssh, 22),
            "file" => (Transport::File, 0),
            _ => return Err("it begins with neither `https://`, `http://` nor `ssh://`"),
        };
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if host.is_empty() && transport != Transport::File {
            return Err("it names no host");
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let user = decoded(url.username());
        let login = url.password().map(|password| Login::Basic {
            username: user.clone(),
            password: Secret::new(decoded(password)),
        });
        // An address of any of these schemes has a host, or is a file, which has no login to take away.
        let _ = url.set_password(None);
        if transport == Transport::Http {
            let _ = url.set_username("");
        }
        Ok(Self {
            port: url.port().unwrap_or(port),
            url: url.to_string(),
            transport,
            host,
            user: if user.is_empty() { "git".to_owned() } else { user },
            login,
        })
    }

    /// `user@host:path`, as scp and Git write it.
    fn parse_scp(written: &str) -> Result<Self, &'static str> {
        let (server, path) = written.split_once(':').ok_or("it names no host")?;
        let (user, host) = server.split_once('@').unwrap_or(("git", server));
        if host.is_empty() || path.is_empty() || host.contains('/') {
            return Err("it is neither a URL nor `user@host:path`");
        }
        Ok(Self {
            url: format!("{user}@{host}:{path}"),
            transport: Transport::Ssh,
            host: host.to_owned(),
            port: 22,
            user: user.to_owned(),
            login: None,
        })
    }

    /// Whether another address, to which the server may have sent us, is of the same host and as safe.
    pub(super) fn trusts(&self, other: &str) -> bool {
        let Ok(other) = Self::parse(other) else { return false };
        let plain = |url: &str| url.starts_with("http://");
        other.host.eq_ignore_ascii_case(&self.host) && (plain(&self.url) || !plain(&other.url))
    }
}

/// Whether an address is one of files of this machine.
pub fn is_local(written: &str) -> bool {
    Address::parse(written).is_ok_and(|address| address.transport == Transport::File)
}

/// Returns an address as it may be shown: without a password, and whatever cannot be read, without all before an `@`.
pub(super) fn shown(written: &str) -> String {
    match Address::parse(written) {
        Ok(address) => address.url,
        Err(_) => written.rsplit_once('@').map_or(written, |(_, rest)| rest).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let table = [
            (
                "https://git.example.com/a.git",
                Transport::Http,
                "git.example.com",
                443,
                "git",
            ),
            ("http://127.0.0.1:8080/a.git", Transport::Http, "127.0.0.1", 8080, "git"),
            (
                "ssh://deploy@git.example.com:2222/a.git",
                Transport::Ssh,
                "git.example.com",
                2222,
                "deploy",
            ),
            (
                "git@github.com:shop/platform.git",
                Transport::Ssh,
                "github.com",
                22,
                "git",
            ),
            ("ssh://[::1]:22/a.git", Transport::Ssh, "::1", 22, "git"),
        ];
        for (written, transport, host, port, user) in table {
            let address = Address::parse(written).unwrap();
            let found = (
                address.transport,
                address.host.as_str(),
                address.port,
                address.user.as_str(),
            );
            assert_eq!(found, (transport, host, port, user), "{written}");
        }
        for bad in ["ftp://a/b", "just-words", "https://", "/a/b:c"] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_used_but_never_shown() {
        let address = Address::parse("https://bot:hunter%202@git.example.com/a.git").unwrap();
        assert_eq!(address.url, "https://git.example.com/a.git");
        let login = Login::Basic {
            username: "bot".to_owned(),
            password: Secret::from("hunter 2"),
        };
        assert_eq!(address.login, Some(login));
        for bad in [
            "https://bot:hunter2@git.example.com:99999/a",
            "ftp://bot:hunter2@h/a",
            "ssh://git:hunter2@h/a",
        ] {
            assert!(!shown(bad).contains("hunter2"), "{}", shown(bad));
        }
    }

    #[test]
    fn a_credential_stays_with_the_host_that_it_is_for() {
        let address = Address::parse("https://git.example.com/a").unwrap();
        assert!(address.trusts("https://git.example.com/a.git/"));
        assert!(!address.trusts("https://evil.example.com/a"));
        assert!(!address.trusts("http://git.example.com/a"));
        assert!(
            Address::parse("http://git.example.com/a")
                .unwrap()
                .trusts("https://git.example.com/a")
        );
    }
}
