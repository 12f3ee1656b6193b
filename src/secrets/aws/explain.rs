//! Why a request came to nothing, in words.

use std::error::Error as StdError;

use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};

use super::cause::{Cause, Refused};
use super::client::Aws;
use super::denied::{secret, statement};
use super::folder::LIST;
use super::held::Odd;
use super::read::READ;
use super::region::Region;
use super::skew;
use super::write::{CREATE, PUT, STAGE};
use crate::clock::Clock as _;
use crate::redact::Redactor;
use crate::secrets::{Error, ErrorKind};

/// Why a request came to nothing.
pub(super) struct Trouble {
    /// In words.
    pub(super) error: Error,
    /// Whether another region may do better.
    pub(super) passing: bool,
}

/// What was asked for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'run> {
    /// The right that it takes.
    pub(super) action: &'static str,
    /// The secret.
    pub(super) path: &'run str,
    /// Its version, if it is pinned.
    pub(super) version: Option<&'run str>,
    /// Knows the values that were sent, where there were any: a refusal may quote them.
    pub(super) holds: Option<&'run Redactor>,
}

impl Asked<'_> {
    /// Returns all rights that what we do takes: whoever grants one of them should not have to come back for the next.
    fn rights(&self) -> Vec<&'static str> {
        match self.action {
            PUT | STAGE => vec![PUT, STAGE],
            one => vec![one],
        }
    }

    fn verb(&self) -> &'static str {
        match self.action {
            READ => "read",
            CREATE | PUT | STAGE => "write",
            LIST => "list",
            _ => "look at",
        }
    }

    /// Returns what is done with the key of the secret, and the rights that it takes.
    pub(super) fn of_key(&self) -> (&'static str, &'static [&'static str]) {
        match self.verb() {
            "write" => ("encrypt", &["kms:GenerateDataKey", "kms:Decrypt"]),
            _ => ("decrypt", &["kms:Decrypt"]),
        }
    }
}

impl Aws {
    /// Puts a failed request into words. Asks AWS for what mends it, as far as that may be known.
    pub(super) async fn explain<E>(
        &self,
        region: &Region,
        asked: Asked<'_>,
        error: &SdkError<E, HttpResponse>,
    ) -> Trouble
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let Some(refused) = Refused::of(error, asked.holds.unwrap_or(&self.redactor)) else {
            return self.unreached(region, error);
        };
        let error = match refused.cause {
            Cause::Denied => self.denied(region, asked, &refused),
            Cause::KeyDenied => self.key_denied(region, asked, &refused).await,
            Cause::Undecipherable => self.undecipherable(region, asked, &refused).await,
            Cause::Missing => self.missing(region, asked, &refused).await,
            Cause::MissingValue => self.missing_version(region, asked, &refused).await,
            Cause::Deleted => self.deleted(region, asked, &refused).await,
            _ => self.refused(region, asked, &refused),
        };
        Trouble {
            passing: refused.cause.is_passing(),
            error,
        }
    }

    /// Returns `store aws in eu-west-1`.
    pub(super) fn store_in(&self, region: &Region) -> String {
        format!("store {} in {}", self.name, region.name)
    }

    /// Makes the error of a value that cannot be handed on.
    pub(super) fn odd(&self, path: &str, odd: &Odd) -> Error {
        match odd {
            Odd::Number(key) => Error::new(
                ErrorKind::NotText,
                format!(
                    "{key} of {path} in store {} is a number too long to be read exactly",
                    self.name
                ),
            )
            .hint("store it as text, in quotes"),
            Odd::Nothing => Error::new(
                ErrorKind::Answer,
                format!("store {} gave an answer for {path} that is not understood", self.name),
            )
            .because("it holds neither a text nor bytes")
            .hint("check what answers at its `endpoint`"),
        }
    }

    /// Makes the error of a refusal that is about nobody's secret in particular.
    pub(super) fn refused(&self, region: &Region, asked: Asked<'_>, refused: &Refused) -> Error {
        let store = self.store_in(region);
        let error = |kind, words: String| Error::new(kind, words).because(refused.quote());
        match refused.cause {
            Cause::Throttled => error(
                ErrorKind::Throttled,
                format!("{store} asks to slow down and did not stop asking"),
            )
            .hint("see who else asks it so often (CloudTrail), or have the quota of the account raised"),
            Cause::Failing => error(ErrorKind::Answer, format!("{store} fails to answer"))
                .hint("see https://health.aws.amazon.com, or name a region with replicas of the secrets in `replicas`"),
            Cause::Expired => {
                error(ErrorKind::Login, format!("the credentials for {store} have expired")).hint(self.renew())
            }
            Cause::Unknown => error(ErrorKind::Login, format!("{store} does not know our credentials"))
                .hint(self.renew())
                .hint(format!(
                    "if they are right, check that the account may use {} (`aws account list-regions`)",
                    region.name
                )),
            Cause::Signature | Cause::Skewed => self.signature(region, refused),
            Cause::Malformed if refused.words.contains("on a replica secret") => error(
                ErrorKind::Configuration,
                format!(
                    "{} is a replica in {}, and is written where its original is",
                    asked.path, region.name
                ),
            )
            .hint("name the region of the original as `region` of the store, and this one in `replicas`"),
            Cause::Full => error(
                ErrorKind::Configuration,
                format!("{store} takes no more: a quota of the account is used up"),
            )
            .hint("delete secrets or versions that nobody needs, or have the quota raised (Service Quotas)"),
            Cause::Malformed => error(
                ErrorKind::Configuration,
                format!("{store} cannot make sense of {}", asked.path),
            )
            .hint("write a secret by its name, as `aws secretsmanager list-secrets` prints it"),
            _ => error(
                ErrorKind::Answer,
                format!("{store} gave an answer for {} that is not understood", asked.path),
            )
            .hint(format!(
                "check what answers at {}, and any proxy in front of it",
                region.host()
            )),
        }
    }

    /// Makes the error of a request that we may not make.
    pub(super) fn denied(&self, region: &Region, asked: Asked<'_>, refused: &Refused) -> Error {
        let verb = asked.verb();
        let error = Error::new(
            ErrorKind::Denied,
            format!("{} does not allow us to {verb} {}", self.store_in(region), asked.path),
        )
        .because(refused.quote());
        if refused.words.contains("explicit deny") {
            return error.hint(format!(
                "a policy denies {} outright: take that out, for no other policy can allow it",
                asked.action
            ));
        }
        let of = |path: &str| secret(path, &region.name, &refused.account);
        let add = |statement: String| format!("add to one of our policies: {statement}");
        if asked.action == LIST {
            // AWS grants a list of all secrets or none.
            return error
                .hint(add(statement(&[LIST], "*")))
                .hint(add(statement(&[READ], &of(&format!("{}*", asked.path)))));
        }
        error.hint(add(statement(&asked.rights(), &of(asked.path))))
    }

    fn signature(&self, region: &Region, refused: &Refused) -> Error {
        let store = self.store_in(region);
        let apart = refused.date.and_then(|date| skew::apart(self.clock.now(), date));
        if apart.is_none() && refused.cause == Cause::Signature {
            return Error::new(ErrorKind::Login, format!("{store} does not accept our signature"))
                .because(refused.quote())
                .hint(format!("the secret of the access key is another: {}", self.renew()));
        }
        let error = Error::new(
            ErrorKind::Login,
            format!("{store} does not accept a signature of another time"),
        );
        let error = match apart {
            Some(apart) => error.because(apart),
            None => error,
        };
        error
            .because(refused.quote())
            .hint("set this machine's clock (`timedatectl set-ntp true`, or `chronyc makestep`), and run again")
    }
}
