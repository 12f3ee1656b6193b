//! Many requests at once, of which none is left half-way.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

/// Requests in flight at most. A user outside `system:masters` has about 49 seats of the API server's priority and
/// fairness; more would queue and be refused.
pub(super) const IN_FLIGHT: usize = 16;

/// Makes requests, some at a time, and returns what they came to, in the order in which they ended.
///
/// After one that fails none is begun any more, and those that are in flight end: an answer that nobody waits for would leave it
/// open what was done. The first failure is returned.
///
/// It takes them made, since a closure that makes them here would borrow for too short a time.
pub async fn all_ended<T, E>(requests: Vec<impl Future<Output = Result<T, E>>>) -> Result<Vec<T>, E> {
    let mut waiting = requests.into_iter();
    let mut flying: FuturesUnordered<_> = waiting.by_ref().take(IN_FLIGHT).collect();
    let (mut done, mut failed) = (Vec::new(), None);
    while let Some(result) = flying.next().await {
        match result {
            Ok(value) => done.push(value),
            Err(error) => failed = failed.or(Some(error)),
        }
        if failed.is_none() {
            flying.extend(waiting.next());
        }
    }
    failed.map_or(Ok(done), Err)
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
