//! A Vault Agent or proxy that logs in by itself and lends its token to whoever asks through it.
//!
//! Source: <https://openbao.org/docs/agent-and-proxy/proxy/apiproxy/> (`use_auto_auth_token`).

use super::super::client::Vault;
use crate::secrets::{Error, ErrorKind};

impl Vault {
    pub(super) fn agent_not_let_in(&self) -> Error {
        Error::new(
            ErrorKind::Login,
            format!(
                "store {} is reached through an agent that lends us no token that is accepted",
                self.name
            ),
        )
        .hint("let the agent lend its token: `api_proxy { use_auto_auth_token = true }` in its configuration")
        .hint("see in the agent's log whether it has logged in itself")
        .hint("if the address is that of the server and no agent's, log in by another `auth`")
    }
}
