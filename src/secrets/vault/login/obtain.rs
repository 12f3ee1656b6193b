//! From a way to log in to a token.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::auth::{Bearer, Login};
use super::super::client::Vault;
use super::super::transport::{Answer, Call};
use super::refused::Method;
use crate::redact::Secret;
use crate::secrets::{Error, ErrorKind};

#[derive(Deserialize)]
struct LoggedIn {
    auth: Option<Auth>,
}

#[derive(Deserialize)]
struct Auth {
    client_token: String,
    mfa_requirement: Option<IgnoredAny>,
}

/// What a login came to.
pub(super) enum Granted {
    Token(Secret),
    /// The credential is right, and a second factor is asked for.
    HalfWay,
    Nothing,
}

impl Granted {
    /// Takes the token out of an answer to a login.
    pub(super) fn of(answer: &Answer) -> Self {
        let auth = answer.is_success().then(|| answer.parse::<LoggedIn>()?.auth).flatten();
        match auth {
            Some(auth) if !auth.client_token.is_empty() => Self::Token(Secret::new(auth.client_token)),
            Some(auth) if auth.mfa_requirement.is_some() => Self::HalfWay,
            _ => Self::Nothing,
        }
    }
}

impl Vault {
    /// Returns a token; none where whoever stands before the server has one of its own.
    pub(in super::super) async fn obtain(&self) -> Result<Option<Secret>, Error> {
        match &self.login {
            Login::Agent => return Ok(None),
            Login::Token(token) => return Ok(Some(token.clone())),
            Login::Wrapped(token) => self.by_wrapped_token(token).await,
            Login::AppRole {
                mount,
                role_id,
                secret_id,
                wrapped,
            } => {
                self.by_approle(mount.trim_matches('/'), role_id, secret_id, *wrapped)
                    .await
            }
            Login::Kubernetes { mount, role, token } => self.by_kubernetes(mount.trim_matches('/'), role, token).await,
            Login::Jwt { mount, role, token } => self.by_jwt(mount.trim_matches('/'), role.as_deref(), token).await,
            Login::UserPass {
                mount,
                username,
                password,
            } => self.by_userpass(mount.trim_matches('/'), username, password).await,
            Login::Certificate { mount, name, .. } => {
                self.by_certificate(mount.trim_matches('/'), name.as_deref()).await
            }
        }
        .map(Some)
    }

    /// Sends a login and returns the token that it came to.
    pub(super) async fn log_in_by(&self, method: &Method<'_>, call: &Call) -> Result<Secret, Error> {
        let answer = self.transport.send(call, None).await?;
        match Granted::of(&answer) {
            Granted::Token(token) => {
                self.redactor.learn(&token);
                Ok(token)
            }
            Granted::HalfWay => Err(self.second_factor(method)),
            Granted::Nothing => Err(self.refused(method, &answer)),
        }
    }

    /// Returns what proves who we are, read anew where it is in a file: whoever writes it there replaces it before it ends.
    pub(super) async fn bearer(&self, bearer: &Bearer) -> Result<Secret, Error> {
        let path = match bearer {
            Bearer::Given(token) => return Ok(token.clone()),
            Bearer::File(path) => path,
        };
        let wrong = |why: String| {
            Error::new(
                ErrorKind::Login,
                format!("store {}: its token {} cannot be read", self.name, path.display()),
            )
            .because(why)
        };
        let bytes = tokio::fs::read(path).await.map_err(|error| {
            wrong(error.to_string())
                .hint("name the file as `jwt: {file: …}`; in a pod it is there where its ServiceAccount is mounted")
        })?;
        let bytes = zeroize::Zeroizing::new(bytes);
        let token = Secret::new(bytes.trim_ascii());
        self.redactor.learn(&token);
        match token.expose_str() {
            Some(text) if !text.is_empty() => Ok(token),
            _ => Err(wrong("it is empty or no text".to_owned()).hint("it holds one token and nothing else")),
        }
    }
}
