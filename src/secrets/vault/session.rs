//! The token in use: got once, shared by all reads, and got again when it ends.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use vaultrs::api::token::requests::LookupTokenSelfRequest;

use super::client::Vault;
use super::transport::{Answer, Call};
use crate::redact::Secret;
use crate::secrets::{Error, ErrorKind};

/// A token, and which one in the row of those that this run has had.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// None where an agent lends its own.
    token: Option<Secret>,
    generation: u64,
}

/// What a token knows of itself. An agent leaves out its id.
#[derive(Deserialize)]
struct Own {
    display_name: String,
    meta: Option<BTreeMap<String, String>>,
    policies: Vec<String>,
    identity_policies: Option<Vec<String>>,
}

/// The mounts that we may know of.
#[derive(Deserialize)]
struct Visible {
    secret: serde_json::Map<String, serde_json::Value>,
}

impl Vault {
    /// Sends a request with our token; logs in again, once, when the token has ended.
    pub(super) async fn ask(&self, call: &Call) -> Result<Answer, Error> {
        let session = self.session().await?;
        let answer = self.transport.send(call, session.token.as_ref()).await?;
        if answer.status != 403 {
            return Ok(answer);
        }
        // A denied path and an ended token both answer 403; only asking about the token itself tells them apart.
        let Some(refusal) = self.refusal(session.token.as_ref()).await? else {
            return Ok(answer);
        };
        let session = self.renew(&session, &refusal).await?;
        self.transport.send(call, session.token.as_ref()).await
    }

    /// Proves that the token in use is accepted.
    pub(super) async fn log_in(&self) -> Result<(), Error> {
        let session = self.session().await?;
        if let Some(refusal) = self.refusal(session.token.as_ref()).await? {
            self.renew(&session, &refusal).await?;
        }
        Ok(())
    }

    /// Describes whom the server takes us for, as far as it tells: `approle, role dr, with policies default, restore`.
    pub(super) async fn identity(&self) -> Option<String> {
        let session = self.session().await.ok()?;
        let call = Call::of(&LookupTokenSelfRequest {});
        let answer = self.transport.send(&call, session.token.as_ref()).await.ok()?;
        let token = answer.data::<Own>()?;
        // Methods do not agree on what a role is called.
        let role = token.meta.as_ref();
        let role = role.and_then(|meta| meta.get("role_name").or_else(|| meta.get("role")));
        let role = role.map(|role| format!(", role {role}")).unwrap_or_default();
        let mut policies = token.policies;
        policies.extend(token.identity_policies.unwrap_or_default());
        let who = format!("{}{role}, with policies {}", token.display_name, policies.join(", "));
        Some(self.redactor.redact(&who).into_owned())
    }

    async fn session(&self) -> Result<Session, Error> {
        // The lock is held over the login: of many reads that start at once, one logs in and the others wait for it.
        let mut state = self.session.lock().await;
        match state.as_ref() {
            Some(known) => known.clone(),
            None => self.open(&mut state).await,
        }
    }

    /// Gets a new token in place of one that has ended, unless another read has already done so.
    async fn renew(&self, ended: &Session, refusal: &Answer) -> Result<Session, Error> {
        let mut state = self.session.lock().await;
        match state.as_ref() {
            Some(Ok(current)) if current.generation > ended.generation => return Ok(current.clone()),
            Some(Err(error)) => return Err(error.clone()),
            _ => {}
        }
        if let Some(error) = self.cannot_return() {
            return Err(error.because(refusal.quote(&self.redactor)));
        }
        self.open(&mut state).await
    }

    /// Logs in and keeps what came of it. A refused login is kept as well: five of them lock the role for a while
    /// (<https://openbao.org/docs/concepts/user-lockout/>), and twenty reads would be enough.
    async fn open(&self, state: &mut Option<Result<Session, Error>>) -> Result<Session, Error> {
        // Counted on also where a login failed: what comes after an ended token is later than it, whatever was in between.
        let generation = self.generations.fetch_add(1, Ordering::Relaxed) + 1;
        let opened = self.obtain().await.map(|token| Session { token, generation });
        *state = match &opened {
            Err(error) if error.kind() != ErrorKind::Login => None,
            known => Some(known.clone()),
        };
        opened
    }

    /// Returns how the server refuses a token, or nothing if it knows it. Without the `default` policy a good token may not
    /// look itself up, but any good token may list the mounts that it can see.
    async fn refusal(&self, token: Option<&Secret>) -> Result<Option<Answer>, Error> {
        let own = self
            .transport
            .send(&Call::of(&LookupTokenSelfRequest {}), token)
            .await?;
        self.check_namespace(&own)?;
        if own.is_success() {
            return Ok(None);
        }
        let mounts = self.transport.send(&Call::get("sys/internal/ui/mounts"), token).await?;
        let is_known = match token {
            Some(_) => mounts.is_success(),
            // Without any token the list is answered too, and is empty.
            None => mounts
                .data::<Visible>()
                .is_some_and(|visible| !visible.secret.is_empty()),
        };
        Ok((!is_known).then_some(own))
    }
}
