//! A server that asks to be left alone is left alone, by all requests of this process together.
//!
//! The API server's own limits (priority and fairness) and load balancers before it answer 429 or 503 with `Retry-After`. Were each
//! request to wait by itself, those that have not asked yet would be the storm from which the server wants to recover. So the
//! whole connection pauses: tower's buffer asks its one service whether it is ready before each request, and it is not.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::header::{HeaderMap, RETRY_AFTER};
use http::{Response, StatusCode};
use tokio::time::{Instant, Sleep};
use tower::{Layer, Service};

/// The longest pause that is granted, well below the time that one request may take, so that none is given up while it only waits.
const LONGEST: Duration = Duration::from_secs(20);

/// Puts the pause around a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pausing;

impl<S> Layer<S> for Pausing {
    type Service = Paused<S>;

    fn layer(&self, inner: S) -> Paused<S> {
        Paused {
            inner,
            until: Arc::default(),
            sleep: None,
        }
    }
}

/// A connection that can be paused by what it answers.
pub(super) struct Paused<S> {
    inner: S,
    until: Arc<Mutex<Option<Instant>>>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<S, R, B> Service<R> for Paused<S>
where
    S: Service<R, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(context));
                self.sleep = None;
            }
            let until = self.until.lock().unwrap_or_else(PoisonError::into_inner).take();
            match until {
                Some(until) => self.sleep = Some(Box::pin(tokio::time::sleep_until(until))),
                None => return self.inner.poll_ready(context),
            }
        }
    }

    fn call(&mut self, request: R) -> Self::Future {
        let (answer, until) = (self.inner.call(request), Arc::clone(&self.until));
        Box::pin(async move {
            let answer = answer.await?;
            if let Some(time) = asked_for(answer.status(), answer.headers()) {
                let mut until = until.lock().unwrap_or_else(PoisonError::into_inner);
                // Of several that are asked for, the one that ends last.
                *until = (*until).max(Some(Instant::now() + time));
            }
            Ok(answer)
        })
    }
}

/// How long an answer asks to be left alone.
fn asked_for(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if !matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        return None;
    }
    // The API server sends seconds; a date, which the header may hold as well, is left to the usual back-off.
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tower::ServiceExt as _;

    use super::*;

    fn answer(status: u16, retry_after: Option<&str>) -> Response<()> {
        let mut builder = Response::builder().status(status);
        if let Some(text) = retry_after {
            builder = builder.header(RETRY_AFTER, text);
        }
        builder.body(()).unwrap()
    }

    #[test]
    fn only_a_busy_server_that_says_how_long_is_left_alone_and_not_for_ever() {
        let table = [
            (429, Some("2"), Some(2)),
            (503, Some("3"), Some(3)),
            (429, Some("9999"), Some(20)),
            (429, None, None),
            (429, Some("Sat, 21 Nov 2026 11:11:10 GMT"), None),
            (500, Some("2"), None),
            (200, Some("2"), None),
        ];
        for (status, header, seconds) in table {
            let answer = answer(status, header);
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(
                asked_for(answer.status(), answer.headers()),
                expected,
                "{status} {header:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_request_after_one_that_was_turned_away_waits_as_long_as_was_asked() {
        let count = AtomicUsize::new(0);
        let server = tower::service_fn(|()| {
            let first = count.fetch_add(1, Ordering::SeqCst) == 0;
            async move {
                Ok::<_, Infallible>(if first {
                    answer(429, Some("4"))
                } else {
                    answer(200, None)
                })
            }
        });
        let mut paused = Pausing.layer(server);
        let began = Instant::now();
        assert_eq!(paused.ready().await.unwrap().call(()).await.unwrap().status(), 429);
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(paused.ready().await.unwrap().call(()).await.unwrap().status(), 200);
        assert_eq!(began.elapsed().as_secs(), 4);
        assert_eq!(paused.ready().await.unwrap().call(()).await.unwrap().status(), 200);
        assert_eq!(began.elapsed().as_secs(), 4, "a pause is kept once");
    }
}
