//! One request: bounded in time, and made again after trouble that passes.

use std::future::Future;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connect::Cluster;
use super::error::{Error, ErrorKind};

/// How long one answer is waited for. The API server itself gives up on a request after a minute.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// How long trouble lasts before it is told: most of it is over by then.
pub(super) const TOLD_AFTER: Duration = Duration::from_secs(2);

/// How long trouble may last until a request is given up, counted from its first try.
#[derive(Debug, Clone, Copy)]
enum Patience {
    /// Nobody is known to be there yet: who named a dead server wants to hear of it within seconds.
    FirstWords,
    /// The server has answered before, and nothing has been changed yet.
    Beforehand,
    /// In mid-run to give up costs more than to wait: an API server that is upgraded or moved is away for a minute or so.
    MidRun,
}

impl Patience {
    const fn time(self) -> Duration {
        match self {
            Self::FirstWords => Duration::from_secs(4),
            Self::Beforehand => Duration::from_secs(30),
            Self::MidRun => Duration::from_mins(2),
        }
    }
}

/// Makes one of the first requests of a connection. They only read.
pub(super) async fn first_words<T, F>(doing: &str, request: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, kube::Error>>,
{
    let never = CancellationToken::new();
    let limits = Limits {
        patience: Patience::FirstWords,
        halt: &never,
    };
    let words = |error: &kube::Error| Error::of(doing, error);
    Box::pin(again(limits, || bounded(doing, request(), words), |_, _| ())).await
}

impl Cluster {
    /// Makes a request that reads, and may be made twice without harm.
    ///
    /// A server that is restarting, a webhook whose pods are not up yet, or too many requests are given half a minute, and two
    /// minutes once the run may change things.
    pub(super) async fn attempt<T, F>(&self, doing: &str, request: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, kube::Error>>,
    {
        let request = &request;
        self.again(|| async move {
            self.unless_halted(doing)?;
            self.once(doing, request).await
        })
        .await
    }

    /// Makes a request that changes something and may be made twice without harm, such as a server-side apply. Each time it
    /// passes the guard first.
    pub(super) async fn mutate<T, F>(&self, doing: &str, request: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, kube::Error>>,
    {
        self.mutate_as(doing, request, |error| Error::of(doing, error)).await
    }

    /// The same, with words of its own for what the server answers.
    pub(super) async fn mutate_as<T, F>(
        &self,
        doing: &str,
        request: impl Fn() -> F,
        words: impl Fn(&kube::Error) -> Error,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, kube::Error>>,
    {
        let (request, words) = (&request, &words);
        self.again(|| async move {
            self.unless_halted(doing)?;
            self.pass().await?;
            self.unless_halted(doing)?;
            self.once_as(doing, request, words).await
        })
        .await
    }

    /// Refuses to begin a request once the work is told to stop.
    fn unless_halted(&self, doing: &str) -> Result<(), Error> {
        if self.halt.is_cancelled() {
            Err(Error::stopped(doing))
        } else {
            Ok(())
        }
    }

    /// Makes a request once. Trouble with the connection puts the cluster in doubt.
    pub(super) async fn once<T, F>(&self, doing: &str, request: &impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, kube::Error>>,
    {
        self.once_as(doing, request, &|error| Error::of(doing, error)).await
    }

    async fn once_as<T, F>(
        &self,
        doing: &str,
        request: &impl Fn() -> F,
        words: &impl Fn(&kube::Error) -> Error,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, kube::Error>>,
    {
        Box::pin(bounded(doing, request(), words)).await.inspect_err(|error| {
            if error.kind() == ErrorKind::Unreachable {
                self.guard.doubt();
            }
        })
    }

    /// Returns what is wrong with the server, for as long as requests are made again because of it.
    pub fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.guard.trouble.subscribe()
    }

    pub(super) async fn again<T, F>(&self, request: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        // Who holds the Lease is past the interlock.
        let patience = match self.guard.held.get() {
            Some(_) => Patience::MidRun,
            None => Patience::Beforehand,
        };
        let halt = &self.halt;
        let tell = |error: &Error, lasts: Duration| {
            if lasts >= TOLD_AFTER {
                let words = error.causes().last().cloned().unwrap_or_else(|| error.to_string());
                self.guard.has_trouble(Some(words));
            }
        };
        // On the heap, or every step that makes a request would carry all of this.
        Box::pin(again(Limits { patience, halt }, request, tell))
            .await
            .inspect(|_| self.guard.has_trouble(None))
    }
}

async fn bounded<T>(
    doing: &str,
    request: impl Future<Output = Result<T, kube::Error>>,
    words: impl Fn(&kube::Error) -> Error,
) -> Result<T, Error> {
    match tokio::time::timeout(LIMIT, request).await {
        Ok(answer) => answer.map_err(|error| words(&error)),
        Err(_) => Err(Error::new(ErrorKind::Unreachable, format!("cannot {doing}"))
            .because(format!("no answer came within {}s", LIMIT.as_secs()))),
    }
}

/// How a request is made again after trouble of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Course {
    /// The first pause and the longest; each is twice the one before.
    pauses: (Duration, Duration),
    /// How often at most.
    times: usize,
    /// For how long, counted from the first failure of this kind.
    patience: Duration,
}

impl Course {
    fn of(kind: ErrorKind, patience: Patience) -> Self {
        let (millis, patience) = (Duration::from_millis, patience.time());
        let (pauses, times, patience) = match kind {
            // Where several API servers share the work, one serves a CRD about a second before the next.
            ErrorKind::NotServed => (
                (millis(100), millis(1000)),
                usize::MAX,
                patience.min(Duration::from_secs(30)),
            ),
            // A server may learn of a namespace a little after another has taken it.
            ErrorKind::NoNamespace => ((millis(50), millis(1000)), 10, patience),
            ErrorKind::Fault => ((millis(250), millis(5000)), 5, patience),
            _ => ((millis(250), millis(5000)), usize::MAX, patience),
        };
        Self {
            pauses,
            times,
            patience,
        }
    }

    fn pauses(self) -> ExponentialBackoff {
        ExponentialBuilder::default()
            .with_min_delay(self.pauses.0)
            .with_max_delay(self.pauses.1)
            .with_max_times(self.times)
            .with_jitter()
            .build()
    }
}

/// What keeps a request from being made again.
#[derive(Clone, Copy)]
struct Limits<'run> {
    patience: Patience,
    halt: &'run CancellationToken,
}

/// Makes a request until it succeeds, fails for good, the patience is over, or the run is told to stop: then what is in flight
/// ends, and it is not made again. `tell` hears of each failure after which it is made again, and how long the trouble has lasted.
async fn again<T, F>(limits: Limits<'_>, request: impl Fn() -> F, tell: impl Fn(&Error, Duration)) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let began = Instant::now();
    let mut course: Option<(Course, ExponentialBackoff, Instant)> = None;
    loop {
        let error = match request().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let lasts = began.elapsed();
        let wanted = Course::of(error.kind(), limits.patience);
        // Trouble of another kind has its own pauses and its own time, from the first.
        if course.as_ref().map(|(course, ..)| course) != Some(&wanted) {
            course = Some((wanted, wanted.pauses(), Instant::now()));
        }
        let pause = course.as_mut().and_then(|(_, pauses, since)| {
            let pause = pauses.next()?;
            (since.elapsed() + pause <= wanted.patience).then_some(pause)
        });
        let is_in_time = |pause: &Duration| lasts + *pause <= limits.patience.time();
        match pause.filter(is_in_time).filter(|_| error.may_pass()) {
            Some(pause) => {
                tell(&error, lasts);
                tokio::select! {
                    biased;
                    () = limits.halt.cancelled() => return Err(error),
                    () = tokio::time::sleep(pause) => {}
                }
            }
            None => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Returns how long a request goes on that is answered so for so long, whether it succeeds then, and whether its trouble was
    /// told.
    async fn trial(patience: Patience, kind: ErrorKind, lasts: Duration) -> (Duration, bool, bool) {
        let (began, told) = (Instant::now(), Mutex::new(Duration::ZERO));
        let request = || async move {
            if began.elapsed() < lasts {
                Err(Error::new(kind, "cannot read"))
            } else {
                Ok(())
            }
        };
        let longest = |_: &Error, lasts: Duration| *told.lock().unwrap() = lasts;
        let halt = &CancellationToken::new();
        let ended = again(Limits { patience, halt }, request, longest).await;
        let told = *told.lock().unwrap();
        (began.elapsed(), ended.is_ok(), told >= TOLD_AFTER)
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_away_is_given_seconds_at_first_and_minutes_in_mid_run() {
        let seconds = Duration::from_secs;
        for (patience, away, goes_on) in [
            (Patience::FirstWords, 1, true),
            (Patience::FirstWords, 6, false),
            (Patience::Beforehand, 20, true),
            (Patience::Beforehand, 60, false),
            (Patience::MidRun, 100, true),
            (Patience::MidRun, 600, false),
        ] {
            for kind in [ErrorKind::Unreachable, ErrorKind::Server] {
                let (took, succeeded, told) = trial(patience, kind, seconds(away)).await;
                assert_eq!(succeeded, goes_on, "{patience:?} {away}s");
                assert!(
                    took <= patience.time() + seconds(10),
                    "{patience:?} {away}s took {took:?}"
                );
                assert!(told || away < 20, "{patience:?} {away}s was not told");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_in_flight_ends_when_the_run_stops_and_is_not_made_again() {
        let seconds = Duration::from_secs;
        let halt = &CancellationToken::new();
        let limits = Limits {
            patience: Patience::MidRun,
            halt,
        };
        let asked = Mutex::new(0);
        let ask = |answer: Result<(), ErrorKind>| {
            let asked = &asked;
            let request = move || async move {
                *asked.lock().unwrap() += 1;
                tokio::time::sleep(seconds(3)).await;
                answer.map_err(|kind| Error::new(kind, "cannot apply"))
            };
            async move { again(limits, request, |_, _| ()).await.map_err(|error| error.kind()) }
        };
        let stops = async {
            tokio::time::sleep(seconds(1)).await;
            halt.cancel();
        };
        let (answered, troubled, ()) = tokio::join!(ask(Ok(())), ask(Err(ErrorKind::Server)), stops);
        assert_eq!((answered, troubled), (Ok(()), Err(ErrorKind::Server)));
        assert_eq!(*asked.lock().unwrap(), 2, "trouble is not asked again");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_there_yet_is_asked_for_soon_and_what_fails_without_a_reason_not_for_long() {
        let (millis, ever) = (Duration::from_millis, Duration::from_hours(1));
        // A kind that is served a second later is seen at once, not after a pause of seconds.
        let (took, succeeded, _) = trial(Patience::MidRun, ErrorKind::NotServed, millis(1000)).await;
        // The pauses double from 0.1 s and are drawn up to twice as long: the last before is 1.6 s at most.
        assert!(succeeded && took < millis(2700), "{took:?}");
        let (took, succeeded, _) = trial(Patience::MidRun, ErrorKind::NotServed, ever).await;
        assert!(
            !succeeded && (Duration::from_secs(25)..=Duration::from_secs(30)).contains(&took),
            "{took:?}"
        );
        let (took, succeeded, _) = trial(Patience::MidRun, ErrorKind::NoNamespace, millis(500)).await;
        assert!(succeeded && took < millis(1500), "{took:?}");
        for (kind, least, most) in [(ErrorKind::NoNamespace, 3, 15), (ErrorKind::Fault, 7, 20)] {
            let (took, succeeded, _) = trial(Patience::MidRun, kind, ever).await;
            assert!(
                !succeeded && (least..=most).contains(&took.as_secs()),
                "{kind:?} {took:?}"
            );
        }
        let (_, succeeded, told) = trial(Patience::MidRun, ErrorKind::Terminating, Duration::from_mins(1)).await;
        assert!(succeeded && told);
    }

    #[tokio::test(start_paused = true)]
    async fn trouble_of_another_kind_has_its_own_time_within_that_of_the_whole() {
        let seconds = Duration::from_secs;
        // The server is away, and comes back without the kind: as after a restart in the middle of an apply.
        for (away, unserved, goes_on) in [(60, 10, true), (60, 40, false), (100, 60, false)] {
            let began = Instant::now();
            let request = || async move {
                match began.elapsed() {
                    now if now < seconds(away) => Err(Error::new(ErrorKind::Unreachable, "cannot apply")),
                    now if now < seconds(away + unserved) => Err(Error::new(ErrorKind::NotServed, "cannot apply")),
                    _ => Ok(()),
                }
            };
            let limits = Limits {
                patience: Patience::MidRun,
                halt: &CancellationToken::new(),
            };
            let ended = again(limits, request, |_, _| ()).await;
            let took = began.elapsed();
            assert_eq!(ended.is_ok(), goes_on, "{away} {unserved}: {took:?}");
            assert!(took <= Patience::MidRun.time(), "{away} {unserved}: {took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_verdict_of_the_server_is_not_asked_for_again() {
        for kind in [
            ErrorKind::Denied,
            ErrorKind::Invalid,
            ErrorKind::Conflict,
            ErrorKind::OtherCluster,
        ] {
            let (took, succeeded, told) = trial(Patience::MidRun, kind, Duration::from_secs(1)).await;
            assert_eq!((took, succeeded, told), (Duration::ZERO, false, false), "{kind:?}");
        }
    }
}
