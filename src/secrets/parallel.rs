//! Many reads at once.

use std::sync::OnceLock;

use futures::future::{BoxFuture, join_all};
use futures::{FutureExt as _, StreamExt as _, stream};

use super::{Error, ErrorKind, Seen, Store, Stored, Wanted};

/// One secret to read, and where.
#[derive(Clone, Copy)]
pub struct Request<'run> {
    /// Where.
    pub store: &'run dyn Store,
    /// Which.
    pub wanted: Wanted<'run>,
}

/// Reads many secrets, of all stores at once, and of each as many at a time as it can bear. Results are in the order of the
/// requests, and every request has one: what cannot be had is known all at once.
pub async fn read_all(requests: Vec<Request<'_>>) -> Vec<Result<Stored, Error>> {
    by_store(&requests, |store, wanted| {
        async move { store.read_many(&wanted).await }.boxed()
    })
    .await
}

/// Looks at many secrets without their values, where the stores can tell of them so.
pub async fn look_all(requests: Vec<Request<'_>>) -> Vec<Result<Seen, Error>> {
    by_store(&requests, |store, wanted| {
        async move { store.look_many(&wanted).await }.boxed()
    })
    .await
}

/// Asks each store once, all at the same time, for all that is wanted of it.
async fn by_store<'run, Answer>(
    requests: &[Request<'run>],
    ask: impl Fn(&'run dyn Store, Vec<Wanted<'run>>) -> BoxFuture<'run, Vec<Answer>>,
) -> Vec<Answer> {
    // The requests of each store, by their places; a store goes by its name, which a runbook gives once.
    let mut stores: Vec<(&dyn Store, Vec<usize>)> = Vec::new();
    for (place, request) in requests.iter().enumerate() {
        match stores
            .iter_mut()
            .find(|(store, _)| store.name() == request.store.name())
        {
            Some((_, places)) => places.push(place),
            None => stores.push((request.store, vec![place])),
        }
    }
    let asked = stores.into_iter().map(|(store, places)| {
        let answers = ask(store, places.iter().map(|&place| requests[place].wanted).collect());
        async move { places.into_iter().zip(answers.await).collect::<Vec<_>>() }
    });
    let mut all: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, answer)| answer).collect()
}

/// Whether a store was found to be down, so that it costs its timeout once and not for each of its secrets. One that took too long for
/// one secret is not down.
#[derive(Default)]
pub(super) struct Down(OnceLock<Error>);

impl Down {
    /// Asks, unless the store is known to be down.
    pub(super) async fn unless<T>(&self, ask: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        if let Some(error) = self.0.get() {
            return Err(error.clone());
        }
        let answer = ask.await;
        if let Err(error) = &answer
            && error.kind() == ErrorKind::Unreachable
        {
            // Whoever was first has said it.
            let _ = self.0.set(error.clone());
        }
        answer
    }
}

/// Awaits reads, at most `limit` in flight (at least one). Results are in their order.
pub(super) async fn read_each<T>(reads: Vec<impl Future<Output = T>>, limit: usize) -> Vec<T> {
    stream::iter(reads).buffered(limit.max(1)).collect().await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use super::super::store::IN_FLIGHT;
    use super::*;

    /// Counts how many reads are in flight; `a…` paths take longest, so that answers come out of order.
    struct Counting {
        name: &'static str,
        limit: usize,
        now: AtomicUsize,
        most: AtomicUsize,
    }

    impl Counting {
        fn new(name: &'static str, limit: usize) -> Self {
            Self {
                name,
                limit,
                now: AtomicUsize::new(0),
                most: AtomicUsize::new(0),
            }
        }
    }

    #[async_trait]
    impl Store for Counting {
        fn name(&self) -> &str {
            self.name
        }

        async fn check(&self) -> Result<(), Error> {
            Ok(())
        }

        async fn read(&self, path: &str, version: Option<&str>) -> Result<Stored, Error> {
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
                version: version.map(str::to_owned),
                written: None,
            })
        }

        async fn read_many(&self, wanted: &[Wanted<'_>]) -> Vec<Result<Stored, Error>> {
            let reads = wanted.iter().map(|wanted| self.read(wanted.path, wanted.version));
            read_each(reads.collect(), self.limit).await
        }
    }

    /// Reads of two stores in turn.
    async fn versions(limit: usize) -> (Vec<Option<String>>, [usize; 2]) {
        let stores = [Counting::new("one", limit), Counting::new("two", limit)];
        let paths = ["a0", "b1", "c-missing", "d3", "a4", "b5"];
        let numbers = ["0", "1", "2", "3", "4", "5"];
        let requests: Vec<_> = (0..paths.len())
            .map(|at| Request {
                store: &stores[at % 2],
                wanted: Wanted {
                    path: paths[at],
                    version: Some(numbers[at]),
                },
            })
            .collect();
        let results = read_all(requests).await;
        let versions = results
            .into_iter()
            .map(|result| result.ok().and_then(|stored| stored.version));
        (
            versions.collect(),
            stores.each_ref().map(|store| store.most.load(Ordering::SeqCst)),
        )
    }

    #[tokio::test]
    async fn results_keep_the_order_of_requests_and_the_reads_of_each_store_stay_within_its_limit() {
        let expected: Vec<_> = [Some("0"), Some("1"), None, Some("3"), Some("4"), Some("5")]
            .map(|version| version.map(str::to_owned))
            .to_vec();
        for (limit, most) in [(0, 1), (1, 1), (2, 2), (50, 3)] {
            assert_eq!(versions(limit).await, (expected.clone(), [most; 2]), "limit {limit}");
        }
    }

    /// Fails, and counts how often it is asked.
    struct Dead(AtomicUsize, ErrorKind);

    #[async_trait]
    impl Store for Dead {
        fn name(&self) -> &'static str {
            "dead"
        }

        async fn check(&self) -> Result<(), Error> {
            Ok(())
        }

        async fn read(&self, _: &str, _: Option<&str>) -> Result<Stored, Error> {
            self.0.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Err(Error::new(self.1, "store dead: nothing comes"))
        }
    }

    /// Returns how often a store is asked for a hundred secrets that fails for each.
    async fn asked(kind: ErrorKind) -> usize {
        let dead = Dead(AtomicUsize::new(0), kind);
        let wanted = Wanted {
            path: "x",
            version: None,
        };
        let requests = vec![Request { store: &dead, wanted }; 100];
        let answers = read_all(requests).await;
        assert!(answers.len() == 100 && answers.iter().all(Result::is_err));
        dead.0.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn a_store_that_went_down_is_not_asked_for_each_of_its_secrets() {
        let asked = asked(ErrorKind::Unreachable).await;
        assert!(asked <= IN_FLIGHT, "those that were under way, and no more: {asked}");
    }

    #[tokio::test]
    async fn a_store_that_took_too_long_for_one_secret_is_asked_for_the_others() {
        assert_eq!(asked(ErrorKind::TooLong).await, 100);
    }
}
