//! What is said of a secret or a version that is not there, or cannot be opened.

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};

use super::cause::Refused;
use super::client::Aws;
use super::denied::{key, statement};
use super::explain::Asked;
use super::held::moment;
use super::region::Region;
use super::version::Version;
use crate::secrets::store::nearest;
use crate::secrets::{Error, ErrorKind};

/// How many names are looked through for one that is likely meant.
const NAMES: i32 = 100;

impl Aws {
    /// Makes the error of a secret that is not there. Looks around for one with a similar name.
    pub(super) async fn missing(&self, region: &Region, asked: Asked<'_>, refused: &Refused) -> Error {
        let Asked { path, version, .. } = asked;
        // Not every AWS has other words for a missing version.
        if version.is_some()
            && let Some(described) = self.described(region, path).await
        {
            return self.no_version(region, asked, Some(&described));
        }
        let error = Error::new(
            ErrorKind::MissingPath,
            format!("{} has no secret {path}", self.store_in(region)),
        )
        .because(refused.quote());
        let primary = self.primary();
        if primary.name != region.name {
            return error
                .because(format!("it is a replica: {} was not to be had", primary.name))
                .hint(format!(
                    "when that is back, replicate it: `aws secretsmanager replicate-secret-to-regions --region {} --secret-id {path} --add-replica-regions Region={}`",
                    primary.name, region.name
                ));
        }
        let error = match nearest(path, &self.names(region, path).await) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error,
        };
        error.hint(format!(
            "see what is there: `aws secretsmanager list-secrets --region {}`; another account or region has others",
            region.name
        ))
    }

    /// Lists the names that begin as the path does; nothing where that is not allowed.
    async fn names(&self, region: &Region, path: &str) -> Vec<String> {
        let mut request = region.client(self).await.list_secrets().max_results(NAMES);
        if let Some((folder, _)) = path.rsplit_once('/') {
            let filter = Filter::builder().key(FilterNameStringType::Name).values(folder);
            request = request.filters(filter.build());
        }
        let answer = request.send().await;
        let list = answer.ok().and_then(|answer| answer.secret_list).unwrap_or_default();
        list.into_iter().filter_map(|entry| entry.name).collect()
    }

    /// Makes the error of a secret that has no such version, as far as that may be seen.
    pub(super) async fn missing_version(&self, region: &Region, asked: Asked<'_>, refused: &Refused) -> Error {
        let described = self.described(region, asked.path).await;
        let error = self.no_version(region, asked, described.as_ref());
        if described.is_some() {
            return error;
        }
        error
            .because(refused.quote())
            .because("which there are could not be seen: we may not describe it")
    }

    /// The same where the secret is already described.
    pub(super) fn no_version(
        &self,
        region: &Region,
        asked: Asked<'_>,
        described: Option<&DescribeSecretOutput>,
    ) -> Error {
        let (store, path) = (self.store_in(region), asked.path);
        let words = match asked.version {
            None => format!("{store} has no value for {path} yet"),
            Some(version) => format!("{store} has no version {version} of {path}"),
        };
        let error = Error::new(ErrorKind::MissingVersion, words)
            .hint("pin one that is there, or leave `version` out for the newest");
        match described {
            Some(described) => error.because(versions(described)),
            None => error,
        }
    }

    /// Makes the error of a secret that was deleted and can be brought back.
    pub(super) async fn deleted(&self, region: &Region, asked: Asked<'_>, refused: &Refused) -> Error {
        let described = self.described(region, asked.path).await;
        let error = self.deleted_as(region, asked.path, described.as_ref());
        error.because(refused.quote())
    }

    /// The same where it is already described.
    pub(super) fn deleted_as(&self, region: &Region, path: &str, described: Option<&DescribeSecretOutput>) -> Error {
        let date = described.and_then(|described| moment(described.deleted_date()?));
        let at = date.map(|date| format!(" at {date}")).unwrap_or_default();
        let store = self.store_in(region);
        Error::new(
            ErrorKind::Deleted,
            format!("{path} in {store} was scheduled for deletion{at}"),
        )
        .hint(format!(
            "bring it back: `aws secretsmanager restore-secret --region {} --secret-id {path}`",
            region.name
        ))
    }

    /// Makes the error of a value whose key we may not use.
    pub(super) async fn key_denied(&self, region: &Region, asked: Asked<'_>, refused: &Refused) -> Error {
        let id = self.key_of(region, asked.path).await;
        let known = id.as_deref().unwrap_or("KEY");
        let resource = key(known, &region.name, &refused.account);
        let store = self.store_in(region);
        let (verb, rights) = asked.of_key();
        let error = Error::new(
            ErrorKind::Denied,
            format!("{store} does not allow us to {verb} {}", asked.path),
        )
        .because(refused.quote())
        .hint(format!("add to one of our policies: {}", statement(rights, &resource)))
        .hint("and let the key's own policy allow the account, or us, to use it");
        match id {
            Some(_) => error,
            None => error.hint(ask_for_key(region, asked.path)),
        }
    }

    /// Makes the error of a value that its key does not open, or does not close.
    pub(super) async fn undecipherable(&self, region: &Region, asked: Asked<'_>, refused: &Refused) -> Error {
        let id = self.key_of(region, asked.path).await;
        let store = self.store_in(region);
        let error = Error::new(
            ErrorKind::Undecipherable,
            format!("{store} cannot {} {}", asked.of_key().0, asked.path),
        )
        .because(refused.quote());
        let known = id.as_deref().unwrap_or("KEY");
        let error = error.hint(format!(
            "see whether its key is disabled or to be deleted: `aws kms describe-key --region {0} --key-id {known}`; `aws kms cancel-key-deletion` and `aws kms enable-key` bring it back",
            region.name
        ));
        match id {
            Some(_) => error,
            None => error.hint(ask_for_key(region, asked.path)),
        }
    }

    async fn key_of(&self, region: &Region, path: &str) -> Option<String> {
        self.described(region, path).await?.kms_key_id
    }

    /// Describes a secret; nothing where that is not allowed.
    pub(super) async fn described(&self, region: &Region, path: &str) -> Option<DescribeSecretOutput> {
        let request = region.client(self).await.describe_secret().secret_id(region.id(path));
        request.send().await.ok()
    }
}

fn ask_for_key(region: &Region, path: &str) -> String {
    format!(
        "KEY is what this prints: `aws secretsmanager describe-secret --region {} --secret-id {path} --query KmsKeyId`",
        region.name
    )
}

/// Says which versions there are: those with a stage, which are those that AWS keeps.
fn versions(described: &DescribeSecretOutput) -> String {
    let all = described.version_ids_to_stages();
    let mut kept: Vec<String> = all
        .into_iter()
        .flatten()
        .filter(|(_, stages)| !stages.is_empty())
        .map(|(id, stages)| format!("{id} ({})", stages.join(", ")))
        .collect();
    kept.sort();
    if kept.is_empty() {
        "it has no versions".to_owned()
    } else {
        format!("there are {}", kept.join(", "))
    }
}

/// Returns the id of a version that a secret has.
pub(super) fn id_of(described: &DescribeSecretOutput, version: Version<'_>) -> Option<String> {
    let mut all = described.version_ids_to_stages().into_iter().flatten();
    all.find(|(id, stages)| match version {
        Version::Id(wanted) => id.as_str() == wanted,
        Version::Stage(wanted) => stages.iter().any(|stage| stage == wanted),
    })
    .map(|(id, _)| id.clone())
}
