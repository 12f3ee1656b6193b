//! The store itself.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::cause::{Cause, Refused};
use super::explain::{Asked, Trouble};
use super::region::Region;
use super::settings::{Login, Role, Settings};
use crate::clock::SystemClock;
use crate::event::Failure;
use crate::redact::Redactor;
use crate::secrets::{Error, ErrorKind, Seen, Store, Stored, Wanted, Writer};

/// The name of a secret that nobody has: who is told that it is not there, or that it may not be looked at, is let in.
const NOBODYS: &str = "gitops-dr/is-anybody-there";

/// AWS Secrets Manager as a [`Store`].
pub struct Aws {
    pub(super) name: String,
    pub(super) login: Login,
    pub(super) role: Option<Role>,
    pub(super) redactor: Redactor,
    pub(super) clock: SystemClock,
    /// Whether batches are refused here.
    pub(super) singly: AtomicBool,
    primary: Region,
    replicas: Vec<Region>,
    known: Mutex<Known>,
}

/// What the regions have come to.
#[derive(Default)]
struct Known {
    /// Why regions were passed over, the primary first. The next one is asked.
    passed_over: Vec<Error>,
    /// Why no region is asked any more.
    closed: Option<Error>,
}

impl Aws {
    /// Makes a store of its settings. Nothing is sent yet; the redactor learns the credentials.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where the settings cannot work.
    pub fn new(settings: Settings, redactor: &Redactor) -> Result<Self, Error> {
        if let Login::Key { secret, token, .. } = &settings.login {
            redactor.learn(secret);
            if let Some(token) = token {
                redactor.learn(token);
            }
        }
        settings.check()?;
        Ok(Self {
            primary: Region::new(&settings.place),
            replicas: settings.replicas.iter().map(Region::new).collect(),
            name: settings.name,
            login: settings.login,
            role: settings.role,
            redactor: redactor.clone(),
            clock: SystemClock::start(),
            singly: AtomicBool::new(false),
            known: Mutex::default(),
        })
    }

    /// Returns the region that holds the originals.
    pub(super) fn primary(&self) -> &Region {
        &self.primary
    }

    /// Lets on whoever is not known to be shut out.
    pub(super) fn open(&self) -> Result<(), Error> {
        self.known().begin().map(drop)
    }

    /// Asks in the region that answered last, and in the next one wherever one does not serve.
    ///
    /// # Errors
    /// The answer of the first region that gave one, or why none did. Where nothing answers and where we are not let in that is
    /// remembered: no other read waits for the same.
    pub(super) async fn anywhere<'aws, T, Answer>(&'aws self, ask: impl Fn(&'aws Region) -> Answer) -> Result<T, Error>
    where
        Answer: Future<Output = Result<T, Trouble>>,
    {
        let mut at = self.known().begin()?;
        loop {
            let trouble = match ask(self.region(at).unwrap_or(&self.primary)).await {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            if !trouble.passing {
                if trouble.error.kind() == ErrorKind::Login {
                    self.known().closed = Some(trouble.error.clone());
                }
                return Err(trouble.error);
            }
            at = self.known().pass_over(at, trouble.error.clone());
            if self.region(at).is_none() {
                return Err(self.exhausted(trouble.error));
            }
        }
    }

    /// Returns a region by its place in the order.
    fn region(&self, at: usize) -> Option<&Region> {
        match at.checked_sub(1) {
            None => Some(&self.primary),
            Some(at) => self.replicas.get(at),
        }
    }

    /// Makes the error of a store none of whose regions serves. `last` is that of the last one.
    fn exhausted(&self, last: Error) -> Error {
        let mut known = self.known();
        let mut errors = std::mem::take(&mut known.passed_over).into_iter();
        let Some(first) = errors.next() else {
            // Another request has just come to the same.
            return known.closed.clone().unwrap_or(last);
        };
        let error = errors.fold(first, |error, of_replica| {
            error.because(format!("and {}", Failure::from(of_replica).words()))
        });
        // What is only busy may be less so for the next one.
        if error.kind() == ErrorKind::Unreachable {
            known.closed = Some(error.clone());
        }
        error
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Proves that a region lets us in.
    async fn prove(&self, region: &Region) -> Result<(), Trouble> {
        let request = region.client(self).await.describe_secret().secret_id(NOBODYS);
        let Err(error) = request.send().await else {
            return Ok(());
        };
        let refused = Refused::of(&error, &self.redactor);
        if matches!(
            refused.map(|refused| refused.cause),
            Some(Cause::Missing | Cause::Denied | Cause::KeyDenied)
        ) {
            return Ok(());
        }
        let asked = Asked {
            action: "secretsmanager:DescribeSecret",
            path: NOBODYS,
            version: None,
            holds: None,
        };
        Err(self.explain(region, asked, &error).await)
    }
}

impl Known {
    /// Returns the place of the region to ask.
    fn begin(&self) -> Result<usize, Error> {
        match &self.closed {
            Some(error) => Err(error.clone()),
            None => Ok(self.passed_over.len()),
        }
    }

    /// Passes a region over, and returns the place of the next one. Many requests may come to the same at once.
    fn pass_over(&mut self, at: usize, error: Error) -> usize {
        if self.passed_over.len() == at {
            self.passed_over.push(error);
        }
        self.passed_over.len().max(at + 1)
    }
}

#[async_trait]
impl Store for Aws {
    fn name(&self) -> &str {
        &self.name
    }

    async fn check(&self) -> Result<(), Error> {
        *self.known() = Known::default();
        self.anywhere(|region| self.prove(region)).await
    }

    async fn read(&self, path: &str, version: Option<&str>) -> Result<Stored, Error> {
        if path.ends_with('/') {
            return Box::pin(self.read_folder(path, version)).await;
        }
        self.anywhere(|region| self.read_in(region, path, version)).await
    }

    async fn read_many(&self, wanted: &[Wanted<'_>]) -> Vec<Result<Stored, Error>> {
        self.read_with_folders(wanted).await
    }

    async fn look(&self, path: &str, version: Option<&str>) -> Result<Seen, Error> {
        // Which keys a folder gives is known of its secrets' values alone.
        if path.ends_with('/') {
            return Box::pin(self.read_folder(path, version))
                .await
                .map(|stored| stored.seen());
        }
        match self.anywhere(|region| self.look_in(region, path, version)).await {
            // The right to look is one of its own, and a restore does without it.
            Err(error) if error.kind() == ErrorKind::Denied => {
                self.read(path, version).await.map(|stored| stored.seen())
            }
            seen => seen,
        }
    }

    fn writer(&self) -> Option<&dyn Writer> {
        Some(self)
    }

    fn remark(&self) -> Option<String> {
        let known = self.known();
        let region = self.region(known.passed_over.len())?;
        let why = known.passed_over.last()?;
        Some(format!(
            "Store {} is read in its replica region {}, whose values may be older: {}.",
            self.name,
            region.name,
            Failure::from(why.clone()).words()
        ))
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(words: &str) -> Error {
        Error::new(ErrorKind::Unreachable, words)
    }

    #[test]
    fn a_region_is_passed_over_once_however_many_requests_find_it_down() {
        let mut known = Known::default();
        assert_eq!(known.begin().unwrap(), 0);
        assert_eq!(known.pass_over(0, error("one")), 1);
        // A request that had begun before goes where the first one has gone.
        assert_eq!(known.pass_over(0, error("two")), 1);
        assert_eq!(known.begin().unwrap(), 1);
        assert_eq!(known.pass_over(1, error("three")), 2);
        assert_eq!(known.pass_over(0, error("four")), 2);
        let words: Vec<String> = known.passed_over.iter().map(ToString::to_string).collect();
        assert_eq!(words, ["one", "three"]);
    }
}
