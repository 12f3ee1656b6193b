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
use http::{Method, Request, Response, StatusCode};
use tokio::time::{Instant, Sleep};
use tower::{Layer, Service};

use super::pace::Pace;

/// The longest pause that is granted, well below the time that one request may take, so that none is given up while it only waits.
const LONGEST: Duration = Duration::from_secs(20);

/// Puts the pause around a connection. The pace learns here how long each answer took, without any pause before it.
#[derive(Debug, Clone)]
pub(super) struct Pausing {
    pace: Arc<Pace>,
}

impl Pausing {
    pub(super) fn new(pace: Arc<Pace>) -> Self {
        Self { pace }
    }
}

impl<S> Layer<S> for Pausing {
    type Service = Paused<S>;

    fn layer(&self, inner: S) -> Paused<S> {
        Paused {
            inner,
            pace: Arc::clone(&self.pace),
            until: Arc::default(),
            sleep: None,
        }
    }
}

/// A connection that can be paused by what it answers.
pub(super) struct Paused<S> {
    inner: S,
    pace: Arc<Pace>,
    until: Arc<Mutex<Option<Instant>>>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<S, R, B> Service<Request<R>> for Paused<S>
where
    S: Service<Request<R>, Response = Response<B>>,
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

    fn call(&mut self, request: Request<R>) -> Self::Future {
        // A watch or a list takes as long as it is long; what is written is much alike.
        let pace = (request.method() == Method::PATCH).then(|| Arc::clone(&self.pace));
        let began = Instant::now();
        let (answer, until) = (self.inner.call(request), Arc::clone(&self.until));
        Box::pin(async move {
            let answer = answer.await?;
            if let Some(pace) = pace {
                pace.answered(began, Instant::now(), is_too_much(answer.status()));
            }
            if let Some(time) = asked_for(answer.status(), answer.headers()) {
                let mut until = until.lock().unwrap_or_else(PoisonError::into_inner);
                // Of several that are asked for, the one that ends last.
                *until = (*until).max(Some(Instant::now() + time));
            }
            Ok(answer)
        })
    }
}

/// Whether an answer says that the server has too much to do.
fn is_too_much(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

/// How long an answer asks to be left alone.
fn asked_for(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if !is_too_much(status) {
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
        let server = tower::service_fn(|_: Request<()>| {
            let first = count.fetch_add(1, Ordering::SeqCst) == 0;
            async move {
                Ok::<_, Infallible>(if first {
                    answer(429, Some("4"))
                } else {
                    answer(200, None)
                })
            }
        });
        let pace = Arc::new(Pace::default());
        let mut paused = Pausing::new(Arc::clone(&pace)).layer(server);
        let patch = || Request::patch("/").body(()).unwrap();
        let began = Instant::now();
        assert_eq!(paused.ready().await.unwrap().call(patch()).await.unwrap().status(), 429);
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(paused.ready().await.unwrap().call(patch()).await.unwrap().status(), 200);
        assert_eq!(began.elapsed().as_secs(), 4);
        assert_eq!(paused.ready().await.unwrap().call(patch()).await.unwrap().status(), 200);
        assert_eq!(began.elapsed().as_secs(), 4, "a pause is kept once");
        assert_eq!(pace.limit(), super::super::pace::START / 2, "the pace is halved, once");
    }
}
