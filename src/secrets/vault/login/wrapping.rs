//! A secret id or a token that comes wrapped: the token in hand holds it, and opens once.
//!
//! Source: <https://openbao.org/docs/concepts/response-wrapping/>.

use serde::Deserialize;
use serde_json::json;

use super::super::client::Vault;
use super::super::transport::{Answer, Call};
use super::obtain::Granted;
use crate::redact::Secret;
use crate::secrets::{Error, ErrorKind};

/// What a wrapping token holds.
pub(super) enum Content<'mount> {
    /// The secret id of a role of the `AppRole` method that is mounted there.
    SecretId { mount: &'mount str },
    /// A token.
    Token,
}

#[derive(Deserialize)]
struct Lookup {
    creation_path: String,
}

#[derive(Deserialize)]
struct Wrapped {
    secret_id: String,
}

impl Content<'_> {
    fn noun(&self) -> &'static str {
        match self {
            Self::SecretId { .. } => "secret id",
            Self::Token => "token",
        }
    }

    /// Returns where such a thing is made.
    fn origin(&self) -> String {
        match self {
            Self::SecretId { mount } => format!("auth/{mount}/role/NAME/secret-id"),
            Self::Token => "auth/token/create".to_owned(),
        }
    }

    /// Whether it was made where such things are. A namespace may stand before the path.
    fn is_made_by(&self, path: &str) -> bool {
        match self {
            Self::SecretId { mount } => path.contains(&format!("auth/{mount}/role/")) && path.ends_with("secret-id"),
            Self::Token => {
                let (_, method) = path.rsplit_once("auth/").unwrap_or_default();
                method.starts_with("token/create") || method.split('/').nth(1) == Some("login")
            }
        }
    }

    /// Returns the command that wraps another.
    fn command(&self, flag: &str) -> String {
        match self {
            Self::SecretId { .. } => format!("bao write -f -wrap-ttl=1h{flag} {}", self.origin()),
            Self::Token => format!("bao token create -wrap-ttl=1h{flag}"),
        }
    }

    fn of(&self, answer: &Answer) -> Option<Secret> {
        match self {
            Self::SecretId { .. } => answer.data::<Wrapped>().map(|wrapped| Secret::new(wrapped.secret_id)),
            Self::Token => match Granted::of(answer) {
                Granted::Token(token) => Some(token),
                Granted::HalfWay | Granted::Nothing => None,
            },
        }
    }
}

impl Vault {
    /// Opens a wrapping token, once for the whole run, and returns what is in it.
    pub(super) async fn unwrapped(&self, content: &Content<'_>, token: &Secret) -> Result<Secret, Error> {
        let mut opened = self.opened.lock().await;
        if let Some(known) = &*opened {
            return Ok(known.clone());
        }
        self.judge_origin(content, token).await?;
        let call = Call::post("sys/wrapping/unwrap", &json!({}));
        let answer = self.transport.send(&call, Some(token)).await?;
        let held = content.of(&answer).ok_or_else(|| self.not_opened(content, &answer))?;
        self.redactor.learn(&held);
        *opened = Some(held.clone());
        Ok(held)
    }

    /// Asks what the token holds before it is opened: whoever caught the real one may have put a wrapping of their own in its
    /// place, and that was not made where such things are.
    async fn judge_origin(&self, content: &Content<'_>, token: &Secret) -> Result<(), Error> {
        let call = Call::post(
            "sys/wrapping/lookup",
            &json!({"token": token.expose_str().unwrap_or_default()}),
        );
        let answer = self.transport.send(&call, None).await?;
        self.check_namespace(&answer)?;
        let Some(lookup) = answer.data::<Lookup>() else {
            return Err(self.not_opened(content, &answer));
        };
        let path = lookup.creation_path.trim_matches('/');
        if content.is_made_by(path) {
            return Ok(());
        }
        let what = format!(
            "{} of store {} was not made by {}",
            self.credential,
            self.name,
            content.origin()
        );
        Err(Error::new(ErrorKind::Login, what)
            .because(format!("it was made by {}", self.redactor.redact(path)))
            .hint(format!(
                "if you did not wrap it yourself, somebody else may have the real one: have the {} revoked",
                content.noun()
            ))
            .hint(self.fresh(content)))
    }

    fn not_opened(&self, content: &Content<'_>, answer: &Answer) -> Error {
        Error::new(
            ErrorKind::Login,
            format!(
                "{} of store {} opens once, and it has been opened or has expired",
                self.credential, self.name
            ),
        )
        .because(answer.quote(&self.redactor))
        .hint(self.fresh(content))
        .hint(format!(
            "if nobody of yours has opened it, somebody else has: have the {} revoked",
            content.noun()
        ))
    }

    /// Says how to come by another.
    fn fresh(&self, content: &Content<'_>) -> String {
        let command = content.command(&self.namespace_flag());
        format!("export a fresh {}: `{command}`", self.credential)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapping_is_known_by_where_its_content_was_made() {
        let secret_id = Content::SecretId { mount: "approle" };
        for (content, path, is_ours) in [
            (&secret_id, "auth/approle/role/dr/secret-id", true),
            (&secret_id, "team/auth/approle/role/dr/secret-id", true),
            (&secret_id, "auth/other/role/dr/secret-id", false),
            (&secret_id, "sys/wrapping/wrap", false),
            (&Content::Token, "auth/token/create", true),
            (&Content::Token, "team/auth/token/create-orphan", true),
            (&Content::Token, "auth/token/create/dr", true),
            (&Content::Token, "auth/userpass/login/ann", true),
            (&Content::Token, "sys/wrapping/wrap", false),
            (&Content::Token, "secret/data/auth", false),
        ] {
            assert_eq!(content.is_made_by(path), is_ours, "{path}");
        }
    }
}
