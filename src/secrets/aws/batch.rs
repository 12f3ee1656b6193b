//! Many secrets at once.
//!
//! Source: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html>.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use aws_sdk_secretsmanager::types::SecretValueEntry;

use super::cause::{Cause, Refused};
use super::client::Aws;
use super::explain::{Asked, Trouble};
use super::region::Region;
use crate::secrets::parallel::read_each;
use crate::secrets::store::IN_FLIGHT;
use crate::secrets::{Error, Stored, Wanted};

/// As many as AWS takes in one request.
const MOST: usize = 20;

/// What one secret is known by: its path, and its version if it is pinned.
type Key<'run> = (&'run str, Option<&'run str>);

impl Aws {
    /// Reads many secrets, each once: those that are not pinned in batches, then the others, and what no batch has given, one by one.
    /// The answer for one secret says more than the batch's line for it does, and what was only throttled is asked for again.
    pub(super) async fn read_by_batches(&self, wanted: &[Wanted<'_>]) -> Vec<Result<Stored, Error>> {
        let keys: Vec<Key<'_>> = wanted.iter().map(|wanted| (wanted.path, wanted.version)).collect();
        let batches = batches(&keys).into_iter().map(|paths| self.read_batch(paths)).collect();
        let given = read_each(batches, IN_FLIGHT).await.into_iter().flatten();
        let mut read: BTreeMap<Key<'_>, Result<Stored, Error>> =
            given.map(|(path, result)| ((path, None), result)).collect();
        let left: BTreeSet<Key<'_>> = keys.iter().copied().filter(|key| !read.contains_key(key)).collect();
        let singles = left.into_iter().map(async |(path, version)| {
            let stored = self.anywhere(|region| self.read_in(region, path, version)).await;
            ((path, version), stored)
        });
        read.extend(read_each(singles.collect(), IN_FLIGHT).await);
        // Every key was in a batch or by itself.
        keys.iter().filter_map(|key| read.get(key).cloned()).collect()
    }

    /// Reads a batch and returns what it gives.
    async fn read_batch<'run>(&self, paths: Vec<&'run str>) -> Vec<(&'run str, Result<Stored, Error>)> {
        if self.singly.load(Ordering::Relaxed) {
            return Vec::new();
        }
        match self.anywhere(|region| self.batch_in(region, &paths)).await {
            Ok(given) => given,
            // A store that does not let us in does not do so for one secret either.
            Err(error) => paths.into_iter().map(|path| (path, Err(error.clone()))).collect(),
        }
    }

    /// Reads a batch in one region and returns what it gives, by path. Nothing where it is not allowed, now or ever.
    async fn batch_in<'run>(
        &self,
        region: &Region,
        paths: &[&'run str],
    ) -> Result<Vec<(&'run str, Result<Stored, Error>)>, Trouble> {
        let ids = paths.iter().map(|path| region.id(path)).collect();
        let request = region
            .client(self)
            .await
            .batch_get_secret_value()
            .set_secret_id_list(Some(ids));
        let error = match request.send().await {
            Ok(output) => return Ok(self.given(region, paths, output.secret_values.unwrap_or_default())),
            Err(error) => error,
        };
        match Refused::of(&error, &self.redactor).map(|refused| refused.cause) {
            // The right to batches is one of its own; an AWS of somebody else's may not know them.
            Some(Cause::Denied | Cause::NoSuchRequest) => {
                self.singly.store(true, Ordering::Relaxed);
                Ok(Vec::new())
            }
            // One name that cannot be spoils a whole batch.
            Some(Cause::Malformed | Cause::Missing | Cause::MissingValue | Cause::Deleted | Cause::KeyDenied) => {
                Ok(Vec::new())
            }
            _ => {
                let asked = Asked {
                    action: "secretsmanager:BatchGetSecretValue",
                    path: "a batch of secrets",
                    version: None,
                    holds: None,
                };
                Err(self.explain(region, asked, &error).await)
            }
        }
    }

    /// Sorts the values of an answer by the paths that were asked for. What could not be read is not among them: the answer is a success
    /// all the same.
    fn given<'run>(
        &self,
        region: &Region,
        paths: &[&'run str],
        mut values: Vec<SecretValueEntry>,
    ) -> Vec<(&'run str, Result<Stored, Error>)> {
        let mut take = |id: &str| {
            let mut known = values.iter().map(|value| [value.name(), value.arn()]);
            let at = known.position(|known| known.contains(&Some(id)))?;
            Some(values.swap_remove(at))
        };
        paths
            .iter()
            .filter_map(|path| Some((*path, self.stored(path, take(&region.id(path))?.into()))))
            .collect()
    }
}

/// Puts the paths that are not pinned together, each once. One that would be alone is read by itself: that takes one right less.
fn batches<'run>(keys: &[Key<'run>]) -> Vec<Vec<&'run str>> {
    let newest = keys.iter().filter(|(_, version)| version.is_none());
    let once: BTreeSet<&str> = newest.map(|(path, _)| *path).collect();
    let once: Vec<&str> = once.into_iter().collect();
    let batches = once.chunks(MOST).filter(|paths| paths.len() > 1);
    batches.map(<[&str]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_pinned_is_read_by_twenties_and_everything_once() {
        let names: Vec<String> = (0..41).map(|number| format!("dr/{number:02}")).collect();
        let mut keys: Vec<Key<'_>> = names.iter().map(|name| (name.as_str(), None)).collect();
        keys.extend([("dr/01", Some("AWSPREVIOUS")), ("dr/01", None)]);
        let batches = batches(&keys);
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20]);
        assert_eq!(batches.concat(), names[..40]);
    }
}
