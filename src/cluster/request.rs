//! One request: bounded in time, and made again after trouble that passes.

use std::future::Future;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};

use super::error::{Error, ErrorKind};

/// How long one answer is waited for. The API server itself gives up on a request after a minute.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// Makes a request that may be made twice without harm: a read, or a server-side apply.
///
/// A server that is restarting, a webhook whose pods are not up yet, or too many requests are given about half a minute.
pub(super) async fn attempt<T, F>(doing: &str, request: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, kube::Error>>,
{
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(5))
        .with_max_times(9)
        .with_jitter()
        .build();
    loop {
        let error = match tokio::time::timeout(LIMIT, request()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => Error::of(doing, &error),
            Err(_) => Error::new(ErrorKind::Unreachable, format!("cannot {doing}"))
                .because(format!("no answer came within {}s", LIMIT.as_secs())),
        };
        if !error.may_pass() {
            return Err(error);
        }
        match pauses.next() {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return Err(error),
        }
    }
}
