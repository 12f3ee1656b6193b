//! A user and a password that the server itself keeps.
//!
//! Source: <https://openbao.org/docs/auth/userpass/>.

use super::super::client::Vault;
use super::super::transport::Call;
use super::refused::Method;
use crate::redact::Secret;
use crate::secrets::Error;

impl Vault {
    pub(super) async fn by_userpass(&self, mount: &str, username: &str, password: &Secret) -> Result<Secret, Error> {
        let body = [("password", password.expose_str().unwrap_or_default())];
        let call = Call::login(format!("auth/{mount}/login/{username}"), &body);
        let method = Method {
            name: "user and password",
            mount,
            known: vec![format!("the user is {username}")],
            hints: vec![
                format!(
                    "the user or the password is wrong: correct `username`, or export a right {} (`bao write auth/{mount}/users/{username}/password password=…`)",
                    self.credential
                ),
                format!(
                    "the user is bound to other addresses: `bao read auth/{mount}/users/{username}` names its `token_bound_cidrs`"
                ),
            ],
        };
        self.log_in_by(&method, &call).await
    }
}
