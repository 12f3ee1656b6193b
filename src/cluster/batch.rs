//! Many requests at once, of which none is left half-way.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::pace::{Pace, START};

/// Requests in flight where nobody measures how the server bears them.
pub(super) const IN_FLIGHT: usize = START;

/// Makes requests, some at a time, and returns what they came to, in the order in which they ended.
///
/// After one that fails none is begun any more, and those that are in flight end: an answer that nobody waits for would leave it
/// open what was done. The first failure is returned.
///
/// It takes them made, since a closure that makes them here would borrow for too short a time.
pub async fn all_ended<T, E>(requests: Vec<impl Future<Output = Result<T, E>>>) -> Result<Vec<T>, E> {
    ended(requests, || IN_FLIGHT).await
}

/// The same, as many at a time as the pace allows.
pub(super) async fn all_paced<T, E>(
    pace: &Pace,
    requests: Vec<impl Future<Output = Result<T, E>>>,
) -> Result<Vec<T>, E> {
    ended(requests, || pace.limit()).await
}

async fn ended<T, E>(
    requests: Vec<impl Future<Output = Result<T, E>>>,
    limit: impl Fn() -> usize,
) -> Result<Vec<T>, E> {
    let mut done = Vec::with_capacity(requests.len());
    let mut waiting = requests.into_iter();
    let mut flying = FuturesUnordered::new();
    let mut failed = None;
    loop {
        while failed.is_none() && flying.len() < limit() {
            let Some(request) = waiting.next() else { break };
            flying.push(request);
        }
        match flying.next().await {
            Some(Ok(value)) => done.push(value),
            Some(Err(error)) => failed = failed.or(Some(error)),
            None => return failed.map_or(Ok(done), Err),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_failure_none_is_begun_and_what_is_in_flight_ends() {
        let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let request = async |number: usize| {
            begun.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(if number == 3 { 1 } else { 5 })).await;
            ended.fetch_add(1, Ordering::Relaxed);
            if number == 3 { Err(number) } else { Ok(number) }
        };
        let requests: Vec<_> = (0..100).map(&request).collect();
        assert_eq!(all_ended(requests).await, Err(3));
        let count = |counted: &AtomicUsize| counted.load(Ordering::Relaxed);
        assert_eq!((count(&begun), count(&ended)), (IN_FLIGHT, IN_FLIGHT));
        let requests: Vec<_> = (50..100).map(&request).collect();
        assert_eq!(all_ended(requests).await.map(|done| done.len()), Ok(50));
    }
}
