//! The token in use: got once, shared by all reads, and got again when it ends.

use vaultrs::api::EndpointResult;
use vaultrs::api::auth::approle::requests::LoginWithApproleRequest;
use vaultrs::api::token::requests::LookupTokenSelfRequest;
use vaultrs::api::token::responses::LookupTokenResponse;

use super::client::Vault;
use super::settings::Login;
use super::transport::{Answer, Call};
use crate::redact::Secret;
use crate::secrets::{Error, ErrorKind};

/// A token, and which one in the row of those that this run has had.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) token: Secret,
    generation: u64,
}

impl Vault {
    /// Sends a request with our token; logs in again, once, when the token has ended.
    pub(super) async fn ask(&self, call: &Call) -> Result<Answer, Error> {
        let session = self.session().await?;
        let answer = self.transport.send(call, Some(&session.token)).await?;
        if answer.status != 403 {
            return Ok(answer);
        }
        // A denied path and an ended token both answer 403; only asking about the token itself tells them apart.
        let Some(refusal) = self.refusal(&session.token).await? else {
            return Ok(answer);
        };
        let session = self.renew(&session, &refusal).await?;
        self.transport.send(call, Some(&session.token)).await
    }

    /// Proves that the token in use is accepted.
    pub(super) async fn log_in(&self) -> Result<(), Error> {
        let session = self.session().await?;
        if let Some(refusal) = self.refusal(&session.token).await? {
            self.renew(&session, &refusal).await?;
        }
        Ok(())
    }

    /// Describes whom the server takes us for, as far as it tells: `approle, role dr, with policies default, restore`.
    pub(super) async fn identity(&self) -> Option<String> {
        let session = self.session().await.ok()?;
        let call = Call::of(&LookupTokenSelfRequest {});
        let answer = self.transport.send(&call, Some(&session.token)).await.ok()?;
        let token = answer.parse::<EndpointResult<LookupTokenResponse>>()?.data?;
        let role = token.meta.as_ref().and_then(|meta| meta.get("role_name"));
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
            None => self.open(&mut state, 1).await,
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
        if let Login::Token(_) = self.login {
            return Err(self.ended().because(refusal.quote(&self.redactor)));
        }
        self.open(&mut state, ended.generation + 1).await
    }

    /// Logs in and keeps what came of it. A refused login is kept as well: five of them lock the role for a while
    /// (<https://openbao.org/docs/concepts/user-lockout/>), and twenty reads would be enough.
    async fn open(&self, state: &mut Option<Result<Session, Error>>, generation: u64) -> Result<Session, Error> {
        let opened = self.obtain().await.map(|token| Session { token, generation });
        *state = match &opened {
            Err(error) if error.kind() != ErrorKind::Login => None,
            known => Some(known.clone()),
        };
        opened
    }

    async fn obtain(&self) -> Result<Secret, Error> {
        match &self.login {
            Login::Token(token) => Ok(token.clone()),
            Login::AppRole {
                mount,
                role_id,
                secret_id,
                wrapped,
            } => {
                let mount = mount.trim_matches('/');
                let secret_id = if *wrapped {
                    self.unwrapped(mount, secret_id).await?
                } else {
                    secret_id.clone()
                };
                let call = Call::of(&LoginWithApproleRequest {
                    mount: mount.to_owned(),
                    role_id: role_id.expose_str().unwrap_or_default().to_owned(),
                    secret_id: secret_id.expose_str().unwrap_or_default().to_owned(),
                });
                let answer = self.transport.send(&call, None).await?;
                let token = answer
                    .is_success()
                    .then(|| answer.parse::<EndpointResult<()>>()?.auth)
                    .flatten()
                    .map(|auth| Secret::from(auth.client_token.as_str()))
                    .filter(|token| !token.is_empty())
                    .ok_or_else(|| self.not_let_in(mount, &answer))?;
                self.redactor.learn(&token);
                Ok(token)
            }
        }
    }

    /// Returns how the server refuses a token, or nothing if it knows it. Without the `default` policy a good token may not
    /// look itself up, but any good token may list the mounts that it can see.
    async fn refusal(&self, token: &Secret) -> Result<Option<Answer>, Error> {
        let own = self
            .transport
            .send(&Call::of(&LookupTokenSelfRequest {}), Some(token))
            .await?;
        self.check_namespace(&own)?;
        if own.is_success() {
            return Ok(None);
        }
        let mounts = self
            .transport
            .send(&Call::get("sys/internal/ui/mounts"), Some(token))
            .await?;
        Ok((!mounts.is_success()).then_some(own))
    }

    fn ended(&self) -> Error {
        Error::new(ErrorKind::Login, format!("store {} does not accept its token", self.name))
            .hint(format!("the token is wrong, has expired, was revoked or has been used as often as it may: export a fresh {} (`bao token create`)", self.credential))
            .hint("by `auth: {approle: …}` the store would log in again by itself")
    }

    fn not_let_in(&self, mount: &str, answer: &Answer) -> Error {
        let namespace = self.namespace_words();
        if let Err(error) = self.check_namespace(answer) {
            return error;
        }
        let error = Error::new(
            ErrorKind::Login,
            format!(
                "store {} does not let us in by AppRole at auth/{mount}{namespace}",
                self.name
            ),
        )
        .because(answer.quote(&self.redactor));
        match answer.status {
            400 => error
                .hint(format!("the secret id is wrong, has expired or is used up (its `secret_id_num_uses`; each run logs in anew): export a fresh {}, made by `bao write -f auth/{mount}/role/NAME/secret-id`", self.credential))
                .hint(format!("the role id is another role's: compare with `bao read auth/{mount}/role/NAME/role-id`"))
                .hint("the role or secret id is bound to other addresses: its `secret_id_bound_cidrs` must hold this machine's"),
            403 | 404 => error
                .hint(format!("check that AppRole is enabled at auth/{mount}{namespace} (`bao auth list`), or name its `mount`"))
                .hint("the role or secret id is bound to other addresses: its `secret_id_bound_cidrs` must hold this machine's")
                .hint("after several wrong logins the role is locked for a while (`bao read sys/locked-users`)"),
            _ => error.hint("check its log, and any proxy or load balancer in front of it"),
        }
    }
}
