//! JWT: a token that somebody else has signed, such as that of a CI job.
//!
//! Source: <https://openbao.org/docs/auth/jwt/>.

use super::super::auth::Bearer;
use super::super::client::Vault;
use super::super::transport::Call;
use super::claims;
use super::refused::Method;
use crate::redact::Secret;
use crate::secrets::Error;

impl Vault {
    pub(super) async fn by_jwt(&self, mount: &str, role: Option<&str>, token: &Bearer) -> Result<Secret, Error> {
        let token = self.bearer(token).await?;
        let mut body = vec![("jwt", token.expose_str().unwrap_or_default())];
        body.extend(role.map(|role| ("role", role)));
        let call = Call::login(format!("auth/{mount}/login"), &body);
        let name = role.unwrap_or("NAME");
        let method = Method {
            name: "JWT",
            mount,
            known: claims::told(&token),
            hints: vec![
                format!(
                    "the token has ended, or is for another audience: have its issuer make a fresh one, and compare with `bao read auth/{mount}/role/{name}` (`bound_audiences`, `bound_subject`, `bound_claims`)"
                ),
                format!(
                    "the server does not know its issuer or key: compare with `bao read auth/{mount}/config` (`bound_issuer`, `jwks_url`, `jwt_validation_pubkeys`); a `jwks_url` or discovery address in the lost cluster answers no more"
                ),
            ],
        };
        self.log_in_by(&method, &call).await
    }
}
