//! Many secrets at once.
//!
//! Source: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html>.

use std::collections::BTreeMap;
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
    /// Reads many secrets: those that are not pinned in batches, the others one by one, each once.
    pub(super) async fn read_by_batches(&self, wanted: &[Wanted<'_>]) -> Vec<Result<Stored, Error>> {
        let keys: Vec<Key<'_>> = wanted.iter().map(|wanted| (wanted.path, wanted.version)).collect();
        let reads = jobs(&keys).into_iter().map(|job| self.read_together(job)).collect();
        let read: BTreeMap<Key<'_>, Result<Stored, Error>> =
            read_each(reads, IN_FLIGHT).await.into_iter().flatten().collect();
        // Every key is in one of the jobs.
        keys.iter().filter_map(|key| read.get(key).cloned()).collect()
    }

    /// Reads a batch, and what it does not give one by one: the answer for one secret says more than the batch's line for it does, and
    /// is tried again where it was only in the way of others.
    async fn read_together<'run>(&self, keys: Vec<Key<'run>>) -> Vec<(Key<'run>, Result<Stored, Error>)> {
        let paths: Vec<&str> = keys.iter().map(|(path, _)| *path).collect();
        let mut given = if keys.len() == 1 || self.singly.load(Ordering::Relaxed) {
            BTreeMap::new()
        } else {
            match self.anywhere(|region| self.batch_in(region, &paths)).await {
                Ok(given) => given,
                Err(error) => return keys.into_iter().map(|key| (key, Err(error.clone()))).collect(),
            }
        };
        let mut read = Vec::with_capacity(keys.len());
        for key in keys {
            let (path, version) = key;
            let result = match given.remove(path) {
                Some(result) => result,
                None => self.anywhere(|region| self.read_in(region, path, version)).await,
            };
            read.push((key, result));
        }
        read
    }

    /// Reads a batch in one region and returns what it gives, by path. Nothing where it is not allowed, now or ever.
    async fn batch_in(
        &self,
        region: &Region,
        paths: &[&str],
    ) -> Result<BTreeMap<String, Result<Stored, Error>>, Trouble> {
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
                Ok(BTreeMap::new())
            }
            // One name that cannot be spoils a whole batch.
            Some(Cause::Malformed | Cause::Missing | Cause::MissingValue | Cause::Deleted | Cause::KeyDenied) => {
                Ok(BTreeMap::new())
            }
            _ => {
                let asked = Asked {
                    action: "secretsmanager:BatchGetSecretValue",
                    path: "a batch of secrets",
                    version: None,
                };
                Err(self.explain(region, asked, &error).await)
            }
        }
    }

    /// Sorts the values of an answer by the paths that were asked for. What could not be read is not among them: the answer is a success
    /// all the same.
    fn given(
        &self,
        region: &Region,
        paths: &[&str],
        mut values: Vec<SecretValueEntry>,
    ) -> BTreeMap<String, Result<Stored, Error>> {
        let mut given = BTreeMap::new();
        for path in paths {
            let id = region.id(path);
            let at = values.iter().position(|value| {
                let is = |known: Option<&str>| known == Some(id.as_str());
                is(value.name()) || is(value.arn())
            });
            if let Some(at) = at {
                let held = values.swap_remove(at).into();
                given.insert((*path).to_owned(), self.stored(path, held));
            }
        }
        given
    }
}

/// Puts keys together that are read together; each is in one job, once.
fn jobs<'run>(keys: &[Key<'run>]) -> Vec<Vec<Key<'run>>> {
    let mut once: Vec<Key<'run>> = keys.to_vec();
    once.sort_unstable();
    once.dedup();
    let (newest, pinned): (Vec<_>, Vec<_>) = once.into_iter().partition(|(_, version)| version.is_none());
    let batches = newest.chunks(MOST).map(<[Key<'run>]>::to_vec);
    batches.chain(pinned.into_iter().map(|key| vec![key])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_pinned_is_read_by_twenties_and_everything_once() {
        let names: Vec<String> = (0..45).map(|number| format!("dr/{number:02}")).collect();
        let mut keys: Vec<Key<'_>> = names.iter().map(|name| (name.as_str(), None)).collect();
        keys.extend([
            ("dr/01", Some("AWSPREVIOUS")),
            ("dr/01", None),
            ("dr/01", Some("AWSPREVIOUS")),
        ]);
        let jobs = jobs(&keys);
        let sizes: Vec<usize> = jobs.iter().map(Vec::len).collect();
        assert_eq!(sizes, [20, 20, 5, 1]);
        let mut all: Vec<_> = jobs.into_iter().flatten().collect();
        all.sort_unstable();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(all, keys);
    }
}
