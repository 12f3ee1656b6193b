//! A token that somebody else made: in hand, or wrapped.

use super::super::auth::Login;
use super::super::client::Vault;
use super::wrapping::Content;
use crate::redact::Secret;
use crate::secrets::{Error, ErrorKind};

impl Vault {
    pub(super) async fn by_wrapped_token(&self, token: &Secret) -> Result<Secret, Error> {
        self.unwrapped(&Content::Token, token).await
    }

    /// Returns the error of a session that has ended and that we cannot begin anew; nothing where we can.
    pub(in super::super) fn cannot_return(&self) -> Option<Error> {
        match &self.login {
            Login::Token(_) | Login::Wrapped(_) => Some(self.ended()),
            Login::Agent => Some(self.agent_not_let_in()),
            _ => None,
        }
    }

    fn ended(&self) -> Error {
        let flag = if matches!(self.login, Login::Wrapped(_)) {
            " -wrap-ttl=1h"
        } else {
            ""
        };
        Error::new(ErrorKind::Login, format!("store {} does not accept its token", self.name))
            .hint(format!("the token is wrong, has expired, was revoked or has been used as often as it may: export a fresh {} (`bao token create{flag}`)", self.credential))
            .hint("by `auth: {approle: …}` the store would log in again by itself")
    }
}
