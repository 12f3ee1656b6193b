//! What a store is told about its server.

use url::Url;

use super::auth::{Login, is_header};
use crate::secrets::{Error, ErrorKind};

/// Where a Vault or OpenBao server is and how to log in. Nothing else decides: `VAULT_*` and `BAO_*` variables are not read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store's name in the runbook.
    pub name: String,
    /// Its address: `http` or `https`; a path in it is the prefix of a proxy.
    pub address: Url,
    /// The namespace to log in to and to read from.
    pub namespace: Option<String>,
    /// Certificates (PEM) to trust beside the system's own.
    pub ca_pem: Option<Vec<u8>>,
    /// How to log in.
    pub auth: Login,
    /// The variable of the environment that the credential was read from, for those who have to give another.
    pub variable: Option<String>,
}

impl Settings {
    /// Finds what could not work or would leak, before anything is sent.
    pub(super) fn check(&self) -> Result<(), Error> {
        let wrong = |what: &str| Error::new(ErrorKind::Configuration, format!("store {}: {what}", self.name));
        if !matches!(self.address.scheme(), "http" | "https") || self.address.host().is_none() {
            return Err(wrong("its address is no http or https address").hint("write it as https://HOST:8200"));
        }
        if !self.address.username().is_empty() || self.address.password().is_some() {
            return Err(wrong("its address holds a user or password").hint("log in by `auth` instead"));
        }
        if self.address.query().is_some() || self.address.fragment().is_some() {
            return Err(wrong("its address holds a query or fragment").hint("write it as https://HOST:8200"));
        }
        if self
            .namespace
            .as_deref()
            .is_some_and(|namespace| !is_header(namespace.as_bytes()))
        {
            return Err(wrong("its namespace is empty or holds spaces or control characters"));
        }
        if matches!(self.auth, Login::Certificate { .. }) && self.address.scheme() != "https" {
            return Err(wrong("it logs in by a certificate, and its address is not https")
                .hint("write it as https://HOST:8200: only TLS shows a certificate"));
        }
        match self.auth.trouble() {
            Some((what, hint)) => Err(wrong(what).hint(hint)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Secret;
    use crate::secrets::vault::Bearer;

    fn settings(address: &str, namespace: Option<&str>, auth: Login) -> Settings {
        Settings {
            name: "vault".into(),
            address: Url::parse(address).unwrap(),
            namespace: namespace.map(str::to_owned),
            ca_pem: None,
            auth,
            variable: None,
        }
    }

    fn approle(mount: &str, role: &str, secret: &str) -> Login {
        Login::AppRole {
            mount: mount.into(),
            role_id: Secret::from(role),
            secret_id: Secret::from(secret),
            wrapped: false,
        }
    }

    fn userpass(username: &str, password: &str) -> Login {
        Login::UserPass {
            mount: "userpass".into(),
            username: username.into(),
            password: Secret::from(password),
        }
    }

    fn jwt(mount: &str, token: &str) -> Login {
        Login::Jwt {
            mount: mount.into(),
            role: None,
            token: Bearer::Given(Secret::from(token)),
        }
    }

    fn certificate() -> Login {
        Login::Certificate {
            mount: "cert".into(),
            name: None,
            identity: Secret::from("canary"),
        }
    }

    #[test]
    fn what_could_not_work_is_refused_without_quoting_a_credential() {
        let good = "https://vault.example.com:8200";
        let token = || Login::Token(Secret::from("hvs.canary"));
        for (settings, words) in [
            (settings("ftp://h/", None, token()), "no http or https"),
            (settings("https://u:canary@h/", None, token()), "user or password"),
            (settings("https://h/?a=canary", None, token()), "query or fragment"),
            (settings(good, Some("a b"), token()), "namespace"),
            (
                settings(good, None, Login::Token(Secret::from("canary\n"))),
                "line breaks",
            ),
            (settings(good, None, Login::Token(Secret::from(""))), "token is empty"),
            (
                settings(good, None, approle("approle", "canary", "")),
                "secret id is empty",
            ),
            (
                settings(good, None, approle("/", "canary", "canary")),
                "mount of its login",
            ),
            (
                settings(good, None, Login::Wrapped(Secret::from("canary "))),
                "wrapping token",
            ),
            (settings(good, None, userpass("ann/canary", "canary")), "holds a slash"),
            (settings(good, None, userpass("ann", "")), "password is empty"),
            (settings(good, None, jwt("jwt", "")), "JWT) is empty"),
            (settings(good, None, jwt("", "canary")), "mount of its login"),
            (
                settings("http://h/", None, certificate()),
                "by a certificate, and its address is not https",
            ),
        ] {
            let error = settings.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.to_string().contains(words), "{error}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
        assert_eq!(
            settings(good, Some("team/dr"), approle("approle", "r", "s")).check(),
            Ok(())
        );
    }
}
