//! A secret id that comes wrapped: the token in hand holds it, and opens once.
//!
//! Source: <https://openbao.org/docs/concepts/response-wrapping/>.

use serde::Deserialize;
use serde_json::json;
use vaultrs::api::EndpointResult;

use super::client::Vault;
use super::transport::{Answer, Call};
use crate::redact::Secret;
use crate::secrets::{Error, ErrorKind};

#[derive(Deserialize)]
struct Lookup {
    creation_path: String,
}

#[derive(Deserialize)]
struct Wrapped {
    secret_id: String,
}

impl Vault {
    /// Opens a wrapping token, once for the whole run, and returns the secret id in it.
    pub(super) async fn unwrapped(&self, mount: &str, token: &Secret) -> Result<Secret, Error> {
        let mut opened = self.opened.lock().await;
        if let Some(secret_id) = &*opened {
            return Ok(secret_id.clone());
        }
        self.judge_origin(mount, token).await?;
        let call = Call::post("sys/wrapping/unwrap", &json!({}));
        let answer = self.transport.send(&call, Some(token)).await?;
        let secret_id = answer
            .is_success()
            .then(|| answer.parse::<EndpointResult<Wrapped>>()?.data)
            .flatten()
            .map(|wrapped| Secret::from(wrapped.secret_id.as_str()))
            .ok_or_else(|| self.not_opened(mount, &answer))?;
        self.redactor.learn(&secret_id);
        *opened = Some(secret_id.clone());
        Ok(secret_id)
    }

    /// Asks what the token holds before it is opened: whoever caught the real one may have put a wrapping of their own in its
    /// place, and that was not made where secret ids are.
    async fn judge_origin(&self, mount: &str, token: &Secret) -> Result<(), Error> {
        let call = Call::post(
            "sys/wrapping/lookup",
            &json!({"token": token.expose_str().unwrap_or_default()}),
        );
        let answer = self.transport.send(&call, None).await?;
        self.check_namespace(&answer)?;
        let Some(lookup) = answer
            .is_success()
            .then(|| answer.parse::<EndpointResult<Lookup>>()?.data)
            .flatten()
        else {
            return Err(self.not_opened(mount, &answer));
        };
        let path = lookup.creation_path.trim_matches('/');
        if path.contains(&format!("auth/{mount}/role/")) && path.ends_with("secret-id") {
            return Ok(());
        }
        let what = format!(
            "{} of store {} was not made by auth/{mount}/role/NAME/secret-id",
            self.credential, self.name
        );
        Err(Error::new(ErrorKind::Login, what)
            .because(format!("it was made by {}", self.redactor.redact(path)))
            .hint("if you did not wrap it yourself, somebody else may have the real one: have the secret id revoked")
            .hint(self.fresh(mount)))
    }

    fn not_opened(&self, mount: &str, answer: &Answer) -> Error {
        Error::new(
            ErrorKind::Login,
            format!(
                "{} of store {} opens once, and it has been opened or has expired",
                self.credential, self.name
            ),
        )
        .because(answer.quote(&self.redactor))
        .hint(self.fresh(mount))
        .hint("if nobody of yours has opened it, somebody else has: have the secret id revoked")
    }

    /// Says how to come by another.
    fn fresh(&self, mount: &str) -> String {
        format!(
            "export a fresh {}: `bao write -f -wrap-ttl=1h{} auth/{mount}/role/NAME/secret-id`",
            self.credential,
            self.namespace_flag()
        )
    }
}
