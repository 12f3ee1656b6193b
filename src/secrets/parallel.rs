//! Many reads at once.

use futures::{StreamExt as _, stream};

use super::{Error, Store, Stored};

/// One secret to read.
#[derive(Clone, Copy)]
pub struct Request<'run> {
    /// Where.
    pub store: &'run dyn Store,
    /// At which path.
    pub path: &'run str,
    /// In which version; the newest unless pinned.
    pub version: Option<u64>,
}

/// Reads many secrets, at most `limit` in flight (at least one). Results are in the order of the requests, and every
/// request has one: what cannot be had is known all at once.
pub async fn read_all(requests: &[Request<'_>], limit: usize) -> Vec<Result<Stored, Error>> {
    // The futures are made before they are polled: a closure inside the stream would borrow for too short a time.
    let reads: Vec<_> = requests
        .iter()
        .map(|request| request.store.read(request.path, request.version))
        .collect();
    stream::iter(reads).buffered(limit.max(1)).collect().await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::secrets::ErrorKind;

    /// Counts how many reads are in flight; `a…` paths take longest, so that answers come out of order.
    #[derive(Default)]
    struct Counting {
        now: AtomicUsize,
        most: AtomicUsize,
    }

    #[async_trait]
    impl Store for Counting {
        fn name(&self) -> &'static str {
            "counting"
        }

        async fn check(&self) -> Result<(), Error> {
            Ok(())
        }

        async fn read(&self, path: &str, version: Option<u64>) -> Result<Stored, Error> {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            for _ in 0..if path.starts_with('a') { 50 } else { 5 } {
                tokio::task::yield_now().await;
            }
            self.now.fetch_sub(1, Ordering::SeqCst);
            if path.ends_with("missing") {
                return Err(Error::new(ErrorKind::MissingPath, path));
            }
            Ok(Stored {
                data: BTreeMap::new(),
                version,
            })
        }
    }

    async fn versions(limit: usize) -> (Vec<Option<u64>>, usize) {
        let store = Counting::default();
        let paths = ["a0", "b1", "c-missing", "d3", "a4", "b5"];
        let requests: Vec<_> = (0..)
            .zip(paths)
            .map(|(version, path)| Request {
                store: &store,
                path,
                version: Some(version),
            })
            .collect();
        let results = read_all(&requests, limit).await;
        let versions = results
            .into_iter()
            .map(|result| result.ok().and_then(|stored| stored.version));
        (versions.collect(), store.most.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn results_keep_the_order_of_requests_and_reads_stay_within_the_limit() {
        let expected = vec![Some(0), Some(1), None, Some(3), Some(4), Some(5)];
        for (limit, most) in [(0, 1), (1, 1), (3, 3), (50, 6)] {
            assert_eq!(versions(limit).await, (expected.clone(), most), "limit {limit}");
        }
    }
}
