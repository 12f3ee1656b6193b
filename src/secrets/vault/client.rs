//! The store itself.

use std::fmt;
use std::sync::atomic::AtomicU64;

use async_trait::async_trait;
use tokio::sync::{Mutex, Semaphore};

use super::auth::Login;
use super::health;
use super::mount::Mount;
use super::session::Session;
use super::settings::Settings;
use super::transport::{Answer, Transport};
use crate::redact::{Redactor, Secret};
use crate::secrets::parallel::{Down, read_each};
use crate::secrets::store::IN_FLIGHT;
use crate::secrets::{Error, ErrorKind, Seen, Store, Stored, Wanted, Writer};

/// A Vault or OpenBao server as a [`Store`].
pub struct Vault {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) login: Login,
    /// What must be given anew when the login is used up: the variable's name, or what people call it.
    pub(super) credential: String,
    /// What a wrapping token held, once it was opened.
    pub(super) opened: Mutex<Option<Secret>>,
    pub(super) redactor: Redactor,
    pub(super) transport: Transport,
    /// The session, once it was asked for; or why we were not let in, so that no other read tries the same credential.
    pub(super) session: Mutex<Option<Result<Session, Error>>>,
    /// How often a session was asked for.
    pub(super) generations: AtomicU64,
    pub(super) mounts: Mutex<Vec<Mount>>,
    /// What is read at a time, be it by itself or in a folder.
    turns: Semaphore,
}

impl Vault {
    /// Makes a store of its settings. Nothing is sent yet; the redactor learns the credentials.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where the settings cannot work.
    pub fn new(settings: Settings, redactor: &Redactor) -> Result<Self, Error> {
        for credential in settings.auth.credentials() {
            redactor.learn(credential);
        }
        settings.check()?;
        Ok(Self {
            transport: Transport::new(&settings, redactor)?,
            credential: settings.variable.unwrap_or_else(|| settings.auth.called().into()),
            opened: Mutex::default(),
            name: settings.name,
            namespace: settings.namespace,
            login: settings.auth,
            redactor: redactor.clone(),
            session: Mutex::default(),
            generations: AtomicU64::default(),
            mounts: Mutex::default(),
            turns: Semaphore::new(IN_FLIGHT),
        })
    }

    /// Asks for one thing when it is its turn, unless the store has gone down by then.
    pub(super) async fn in_turn<T>(
        &self,
        down: &Down,
        ask: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        // It is never closed.
        let _turn = self.turns.acquire().await;
        down.unless(ask).await
    }

    pub(super) async fn read_unless(&self, down: &Down, path: &str, version: Option<&str>) -> Result<Stored, Error> {
        if path.ends_with('/') {
            self.read_folder(down, path, version).await
        } else {
            self.in_turn(down, self.read_kv(path, version)).await
        }
    }

    /// Returns ` in namespace team`, or nothing outside of one.
    pub(super) fn namespace_words(&self) -> String {
        self.namespace
            .as_ref()
            .map(|namespace| format!(" in namespace {namespace}"))
            .unwrap_or_default()
    }

    /// Returns the flag that a command of the server's command line needs to see what we see.
    pub(super) fn namespace_flag(&self) -> String {
        self.namespace
            .as_ref()
            .map(|namespace| format!(" -namespace={namespace}"))
            .unwrap_or_default()
    }

    /// Tells a missing namespace from a missing path: both answer 404.
    pub(super) fn check_namespace(&self, answer: &Answer) -> Result<(), Error> {
        if answer.status != 404 || !answer.words(&self.redactor).contains("namespace not found") {
            return Ok(());
        }
        let namespace = self.namespace.as_deref().unwrap_or("root");
        Err(Error::new(
            ErrorKind::Configuration,
            format!("store {} has no namespace {namespace}", self.name),
        )
        .because(answer.quote(&self.redactor))
        .hint("correct `namespace` of the store (`bao namespace list` shows them)"))
    }
}

#[async_trait]
impl Store for Vault {
    fn name(&self) -> &str {
        &self.name
    }

    async fn check(&self) -> Result<(), Error> {
        health::judge(self.transport.health().await?, &format!("store {}", self.name))?;
        self.log_in().await
    }

    async fn read(&self, path: &str, version: Option<&str>) -> Result<Stored, Error> {
        self.read_unless(&Down::default(), path, version).await
    }

    /// As any store does it, and the secrets of a folder count as any other.
    async fn read_many(&self, wanted: &[Wanted<'_>]) -> Vec<Result<Stored, Error>> {
        let down = Down::default();
        let reads = wanted
            .iter()
            .map(|wanted| self.read_unless(&down, wanted.path, wanted.version));
        read_each(reads.collect(), IN_FLIGHT).await
    }

    async fn look(&self, path: &str, version: Option<&str>) -> Result<Seen, Error> {
        self.look_at_one(path, version).await
    }

    async fn look_many(&self, wanted: &[Wanted<'_>]) -> Vec<Result<Seen, Error>> {
        self.look_at_all(wanted).await
    }

    fn writer(&self) -> Option<&dyn Writer> {
        Some(self)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
