//! One request: bounded in time, and made again after trouble that passes.

use std::future::Future;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};

use super::connect::Cluster;
use super::error::{Error, ErrorKind};

/// How long one answer is waited for. The API server itself gives up on a request after a minute.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

impl Cluster {
    /// Makes a request that reads, and may be made twice without harm.
    ///
    /// A server that is restarting, a webhook whose pods are not up yet, or too many requests are given about half a minute.
    pub(super) async fn attempt<T, F>(&self, doing: &str, request: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, kube::Error>>,
    {
        again(|| self.once(doing, &request)).await
    }

    /// Makes a request that changes something and may be made twice without harm, such as a server-side apply. Each time it
    /// passes the guard first.
    pub(super) async fn mutate<T, F>(&self, doing: &str, request: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, kube::Error>>,
    {
        let request = &request;
        again(|| async move {
            self.pass().await?;
            self.once(doing, request).await
        })
        .await
    }

    /// Makes a request once. Trouble with the connection puts the cluster in doubt.
    pub(super) async fn once<T, F>(&self, doing: &str, request: &impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, kube::Error>>,
    {
        let error = match tokio::time::timeout(LIMIT, request()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => Error::of(doing, &error),
            Err(_) => Error::new(ErrorKind::Unreachable, format!("cannot {doing}"))
                .because(format!("no answer came within {}s", LIMIT.as_secs())),
        };
        if error.kind() == ErrorKind::Unreachable {
            self.guard.doubt();
        }
        Err(error)
    }
}

async fn again<T, F>(request: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(5))
        .with_max_times(9)
        .with_jitter()
        .build();
    loop {
        let error = match request().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        match pauses.next().filter(|_| error.may_pass()) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return Err(error),
        }
    }
}
