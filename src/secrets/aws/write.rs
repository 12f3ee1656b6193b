//! Writes a secret, as a new version, in the region that holds the originals.
//!
//! It hits the account and the region of the store that the runbook names, and never a replica. What keeps it from writing over what it
//! does not know is the stage `AWSCURRENT`: the new version is stored beside the others under a stage of our own, which nobody reads,
//! and `AWSCURRENT` is then taken from exactly the version that it is to take the place of. AWS refuses that where another one has it. A
//! new secret is created, which AWS refuses where there is one. Nothing is deleted, and what is to be deleted is not brought back.
//! Held by the tests of `tests/integration/aws/write.rs`.
//!
//! Every version is named by ourselves: a request that AWS has taken and whose answer was lost is the same one when it is sent again.
//! Source: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html> and
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html>.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use zeroize::Zeroizing;

use super::absent::id_of;
use super::cause::{Cause, Refused};
use super::client::Aws;
use super::explain::Asked;
use super::version::{CURRENT, Version};
use crate::redact::{Redactor, Secret};
use crate::secrets::writer::{knowing, moved, writable};
use crate::secrets::{Error, ErrorKind, WHOLE, Writer};

/// The right to make a new secret.
pub(super) const CREATE: &str = "secretsmanager:CreateSecret";
/// The right to store a new version.
pub(super) const PUT: &str = "secretsmanager:PutSecretValue";
/// The right to say which version is the newest.
pub(super) const STAGE: &str = "secretsmanager:UpdateSecretVersionStage";

/// The stage of a version that is not yet the newest. A version without any is dropped by AWS in time.
const OURS: &str = "gitops-dr";

/// How many bytes a value may have.
/// Source: <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>.
const MOST: usize = 65_536;

/// One secret to write.
struct Writing<'run> {
    path: &'run str,
    /// The JSON object that is stored.
    text: Zeroizing<String>,
    /// The id of the new version.
    id: String,
    /// The version that it takes the place of.
    over: Option<&'run str>,
    /// Knows the values.
    redactor: Redactor,
    client: &'run Client,
}

/// Which version is the newest by now.
enum Current {
    Is(Option<String>),
    /// The secret is to be deleted.
    Deleted(Error),
    /// We may not see it.
    Unseen,
}

#[async_trait]
impl Writer for Aws {
    async fn write(&self, path: &str, data: &BTreeMap<String, Secret>, over: Option<&str>) -> Result<String, Error> {
        let texts = writable(&self.name, path, data)?;
        self.open()?;
        self.names_ours(path, over)?;
        let writing = Writing {
            path,
            text: self.object(path, &texts)?,
            id: self.new_id()?,
            over,
            redactor: knowing(&self.redactor, data),
            client: self.primary().client(self).await,
        };
        match over {
            None => Box::pin(self.create(&writing)).await,
            Some(_) => self.put(&writing).await,
        }
    }
}

impl Aws {
    /// Makes a new secret. Where there is one that has never had a value, that gets its first one.
    async fn create(&self, writing: &Writing<'_>) -> Result<String, Error> {
        let request = writing.client.create_secret().name(writing.path);
        let request = request.client_request_token(&writing.id);
        let Err(error) = request.secret_string(writing.text.as_str()).send().await else {
            return Ok(writing.id.clone());
        };
        let refused = Refused::of(&error, &writing.redactor);
        if refused.as_ref().map(|refused| refused.cause) != Some(Cause::Exists) {
            return Err(self.unwritten(writing, CREATE, &error).await);
        }
        match self.current(writing).await {
            Current::Is(None) => self.put(writing).await,
            Current::Is(Some(id)) if id == writing.id => Ok(id),
            current => Err(self.moved(writing, current, refused.as_ref())),
        }
    }

    /// Stores a new version, and makes it the newest if the one that was is the one that it takes the place of.
    async fn put(&self, writing: &Writing<'_>) -> Result<String, Error> {
        let request = writing.client.put_secret_value().secret_id(writing.path);
        let request = request.client_request_token(&writing.id).version_stages(OURS);
        let put = match request.secret_string(writing.text.as_str()).send().await {
            Ok(put) => put,
            Err(error) => {
                let refused = Refused::of(&error, &writing.redactor);
                if refused.as_ref().is_some_and(|refused| refused.cause == Cause::Missing) {
                    return Err(self.moved(writing, Current::Is(None), refused.as_ref()));
                }
                return Err(self.unwritten(writing, PUT, &error).await);
            }
        };
        // The first version of all is the newest at once.
        let is_first = put.version_stages().iter().any(|stage| stage == CURRENT);
        let outcome = if is_first { Ok(()) } else { self.promote(writing).await };
        let is_taken_off = self.take_off(writing).await;
        match outcome {
            Ok(()) => Ok(writing.id.clone()),
            Err(error) if is_taken_off => Err(error.because(format!(
                "version {} was stored and is without a stage: nobody reads it, and AWS drops it in time",
                writing.id
            ))),
            Err(error) => Err(error.because(self.left(writing)).hint(format!(
                "take its stage off: `aws secretsmanager update-secret-version-stage --region {} --secret-id {} --version-stage {OURS} --remove-from-version-id {}`",
                self.primary().name, writing.path, writing.id
            ))),
        }
    }

    /// Makes the new version the newest: the comparison. What came of it is believed of what is the newest then, whatever was answered.
    async fn promote(&self, writing: &Writing<'_>) -> Result<(), Error> {
        let request = writing
            .client
            .update_secret_version_stage()
            .secret_id(writing.path)
            .version_stage(CURRENT)
            .move_to_version_id(&writing.id)
            .set_remove_from_version_id(writing.over.map(str::to_owned));
        let Err(error) = request.send().await else {
            return Ok(());
        };
        let refused = Refused::of(&error, &writing.redactor);
        let cause = refused.as_ref().map(|refused| refused.cause);
        match self.current(writing).await {
            Current::Is(Some(id)) if id == writing.id => Ok(()),
            Current::Is(id) if id.as_deref() == writing.over => Err(self.unwritten(writing, STAGE, &error).await),
            Current::Unseen if !matches!(cause, Some(Cause::Malformed | Cause::Missing | Cause::MissingValue)) => {
                Err(self.unwritten(writing, STAGE, &error).await)
            }
            current => Err(self.moved(writing, current, refused.as_ref())),
        }
    }

    /// Takes our stage off the new version; says whether that is so.
    async fn take_off(&self, writing: &Writing<'_>) -> bool {
        let request = writing.client.update_secret_version_stage().secret_id(writing.path);
        let request = request.version_stage(OURS).remove_from_version_id(&writing.id);
        request.send().await.is_ok()
    }

    async fn current(&self, writing: &Writing<'_>) -> Current {
        match self.described(self.primary(), writing.path).await {
            None => Current::Unseen,
            Some(described) if described.deleted_date().is_some() => {
                Current::Deleted(self.deleted_as(self.primary(), writing.path, Some(&described)))
            }
            Some(described) => Current::Is(id_of(&described, Version::Stage(CURRENT))),
        }
    }

    fn moved(&self, writing: &Writing<'_>, current: Current, refused: Option<&Refused>) -> Error {
        let (store, path) = (self.store_in(self.primary()), writing.path);
        let found = match current {
            Current::Deleted(error) => return error,
            Current::Is(Some(id)) => format!("version {id} is there"),
            Current::Is(None) => "nothing is there".to_owned(),
            Current::Unseen => "another is the newest".to_owned(),
        };
        let error = moved(&format!("{path} in {store}"), writing.over, &found);
        let error = match refused {
            Some(refused) => error.because(refused.quote()),
            None => error,
        };
        error.hint(format!(
            "see what is there (`aws secretsmanager describe-secret --region {} --secret-id {path}`) and who wrote it, and run this again",
            self.primary().name
        ))
    }

    /// Puts a request that came to nothing into words.
    async fn unwritten<E>(
        &self,
        writing: &Writing<'_>,
        action: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let asked = Asked {
            action,
            path: writing.path,
            version: None,
            holds: Some(&writing.redactor),
        };
        let error = self.explain(self.primary(), asked, error).await.error;
        match error.kind() {
            ErrorKind::Unreachable | ErrorKind::Answer | ErrorKind::Throttled => error.hint(format!(
                "whether it was written is not known: `aws secretsmanager describe-secret --region {} --secret-id {}` shows which version is the newest, ours would be {}; to run this again does no harm",
                self.primary().name, writing.path, writing.id
            )),
            _ => error,
        }
    }

    fn left(&self, writing: &Writing<'_>) -> String {
        format!(
            "version {} was stored and has the stage {OURS}, which nobody reads: {} was not to be had to take it off",
            writing.id,
            self.store_in(self.primary())
        )
    }

    /// Refuses an ARN where it would lead elsewhere: a new secret has none yet, and one of another region is another secret.
    fn names_ours(&self, path: &str, over: Option<&str>) -> Result<(), Error> {
        let region = path.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2));
        let wrong = |what: String| {
            Error::new(ErrorKind::Configuration, format!("store {}: {path} {what}", self.name))
                .hint("write the secret by its name")
        };
        match (region, over) {
            (Some(_), None) => Err(wrong("is an ARN, and AWS makes that of a new secret itself".to_owned())),
            (Some(region), Some(_)) if region != self.primary().name => Err(wrong(format!(
                "is a secret of {region}, and secrets are written in {}",
                self.primary().name
            ))),
            _ => Ok(()),
        }
    }

    /// Writes the values as a JSON object; what has no keys as the text that it is, unless that would be read as an object.
    fn object(&self, path: &str, texts: &BTreeMap<&str, &str>) -> Result<Zeroizing<String>, Error> {
        let whole = texts.get(WHOLE).filter(|_| texts.len() == 1);
        let is_object = |text: &str| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok();
        let object = Zeroizing::new(match whole {
            Some(text) if !text.is_empty() && !is_object(text) => (*text).to_owned(),
            // Every text can be written.
            _ => serde_json::to_string(texts).unwrap_or_default(),
        });
        if object.len() <= MOST {
            return Ok(object);
        }
        Err(Error::new(
            ErrorKind::Configuration,
            format!(
                "{path} would have {} bytes, and a secret of store {} holds {MOST} at the most",
                object.len(),
                self.name
            ),
        )
        .hint("store each of its keys as a secret of its own, and read the folder: a path with a slash at its end"))
    }

    /// Makes up the id of a version, in the form of AWS's own.
    fn new_id(&self) -> Result<String, Error> {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes).map_err(|error| {
            Error::new(
                ErrorKind::Answer,
                format!("store {}: the system gives no random bytes", self.name),
            )
            .because(error.to_string())
            .hint("see whether this process may read /dev/urandom")
        })?;
        let hex = format!("{:032x}", u128::from_be_bytes(bytes));
        // The 4 says that it is random (RFC 9562); a digit is also what tells an id from a stage.
        Ok(format!(
            "{}-{}-4{}-8{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[13..16],
            &hex[17..20],
            &hex[20..]
        ))
    }
}
