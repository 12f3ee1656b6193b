//! An OpenBao with a store in front of it, and an eye on what errors give away.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use gitops_dr::redact::{Redactor, Secret};
use gitops_dr::secrets::vault::{Bearer, Login, Settings, Vault};
use gitops_dr::secrets::{Error, ErrorKind};
use testbed::OpenBao;
use testbed::openbao::AppRole;

use crate::told::assert_told;

pub(super) const DAY: Duration = Duration::from_hours(24);

/// The value of every secret that the tests store.
pub(super) const CANARY: &str = "canary-3b1f\"\n+/= of dr";

/// A running OpenBao and all credentials that were used on it.
pub(super) struct Bench {
    pub(super) bao: OpenBao,
    credentials: Mutex<Vec<String>>,
}

impl Bench {
    pub(super) async fn start() -> Self {
        Self::around(OpenBao::start().await.unwrap())
    }

    pub(super) async fn start_with_tls() -> Self {
        Self::around(OpenBao::start_with_tls().await.unwrap())
    }

    fn around(bao: OpenBao) -> Self {
        let root = bao.root().token().to_owned();
        Self {
            bao,
            credentials: Mutex::new(vec![CANARY.to_owned(), root]),
        }
    }

    /// Settings for this server in the root namespace.
    pub(super) fn settings(&self, auth: Login) -> Settings {
        let mut credentials = self.credentials.lock().unwrap();
        let used = match &auth {
            Login::AppRole { role_id, secret_id, .. } => vec![role_id, secret_id],
            Login::Token(token)
            | Login::Wrapped(token)
            | Login::UserPass { password: token, .. }
            | Login::Certificate { identity: token, .. }
            | Login::Jwt {
                token: Bearer::Given(token),
                ..
            } => vec![token],
            _ => Vec::new(),
        };
        credentials.extend(used.iter().map(|used| used.expose_str().unwrap().to_owned()));
        Settings {
            name: "vault".to_owned(),
            address: self.bao.address().parse().unwrap(),
            namespace: None,
            ca_pem: self.bao.authority().map(|file: &Path| std::fs::read(file).unwrap()),
            auth,
            variable: None,
        }
    }

    pub(super) fn vault(&self, auth: Login) -> Vault {
        Vault::new(self.settings(auth), &Redactor::default()).unwrap()
    }

    /// Enables a way to log in, where it is usually mounted.
    pub(super) async fn enable(&self, method: &str) {
        let body = serde_json::json!({ "type": method });
        self.bao
            .root()
            .post(&format!("sys/auth/{method}"), &body)
            .await
            .unwrap();
    }

    /// A store that may do everything.
    pub(super) fn as_root(&self) -> Vault {
        self.vault(token(self.bao.root().token()))
    }

    /// Writes a policy and a role that has it.
    pub(super) async fn role(&self, rules: &str) -> AppRole {
        self.bao.root().policy("restore", rules).await.unwrap();
        self.bao.root().app_role("recovery", &["restore"], DAY).await.unwrap()
    }

    /// Ends every token that AppRole has given out, as if their time had run out.
    pub(super) async fn end_tokens(&self) {
        self.end_tokens_of("approle").await;
    }

    /// The same of another way to log in.
    pub(super) async fn end_tokens_of(&self, mount: &str) {
        let path = &format!("sys/leases/revoke-prefix/auth/{mount}/login");
        self.bao
            .root()
            .post(path, &serde_json::json!({"sync": true}))
            .await
            .unwrap();
    }

    /// Counts the tokens that exist.
    pub(super) async fn tokens(&self) -> usize {
        let answer = self.bao.root().get("auth/token/accessors?list=true").await.unwrap();
        answer["data"]["keys"].as_array().unwrap().len()
    }

    /// Asserts what an error says, wherever it says it, and that it gives nothing away.
    pub(super) fn expect(&self, error: &Error, kind: ErrorKind, words: &[&str]) {
        assert_told(error, kind, words, &self.credentials.lock().unwrap());
    }
}

pub(super) fn token(token: &str) -> Login {
    Login::Token(Secret::from(token))
}

pub(super) fn by(role: &AppRole) -> Login {
    Login::AppRole {
        mount: "approle".to_owned(),
        role_id: Secret::from(role.role_id.as_str()),
        secret_id: Secret::from(role.secret_id.as_str()),
        wrapped: false,
    }
}
