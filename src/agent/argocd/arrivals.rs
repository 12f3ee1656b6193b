//! Hears of kinds that come to be served. Discovery cannot be watched: it is asked after something stirred that brings kinds, and
//! with growing pauses for as long as one is missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use futures::stream::{self, BoxStream, SelectAll, StreamExt as _};
use tokio::time::Instant;

use crate::cluster::Cluster;

/// What brings kinds.
const BRINGERS: [(&str, &str); 2] = [
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("apiregistration.k8s.io/v1", "APIService"),
];

/// The pauses between two looks, the first and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// How often at least discovery is asked once something has stirred: it lags behind a CRD that is Established.
const LAG: u32 = 4;

/// Asks discovery, of which the connection keeps what it heard, and says each time that it did. The first time is now.
pub(super) struct Arrivals {
    looks: BoxStream<'static, ()>,
    is_missing: Arc<AtomicBool>,
}

impl Arrivals {
    /// Begins, with something missing.
    pub(super) fn start(cluster: &Cluster) -> Self {
        let stirrings = BRINGERS
            .iter()
            .filter_map(|(version, kind)| cluster.stirrings(version, kind).ok());
        let stirrings: SelectAll<_> = stirrings.map(stream::StreamExt::boxed).collect();
        let cluster = cluster.clone();
        Self::of(stirrings.boxed(), move || {
            let cluster = cluster.clone();
            async move {
                // Where it fails what is known will do until the next time.
                let _ = cluster.rediscover().await;
            }
        })
    }

    fn of<F>(stirrings: BoxStream<'static, ()>, look: impl FnMut() -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let is_missing = Arc::new(AtomicBool::new(true));
        let begun = Asked {
            stirrings,
            is_missing: Arc::clone(&is_missing),
            pauses: pauses(),
            due: Instant::now(),
            left: 1,
        };
        let looks = stream::unfold((begun, look), |(mut asked, mut look)| async move {
            asked.until_due().await;
            look().await;
            Some(((), (asked, look)))
        });
        Self {
            looks: looks.boxed(),
            is_missing,
        }
    }

    /// Says whether something is still missing. Where nothing is, discovery is asked only after something stirred.
    pub(super) fn set_missing(&self, is_missing: bool) {
        self.is_missing.store(is_missing, Ordering::Relaxed);
    }

    /// Waits until discovery was asked once more. May be given up at any time.
    pub(super) async fn next(&mut self) {
        if self.looks.next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// When discovery was asked, and is to be asked.
struct Asked {
    stirrings: BoxStream<'static, ()>,
    is_missing: Arc<AtomicBool>,
    pauses: ExponentialBackoff,
    due: Instant,
    /// How often it is still to be asked whatever is missing.
    left: u32,
}

impl Asked {
    async fn until_due(&mut self) {
        loop {
            tokio::select! {
                Some(()) = self.stirrings.next() => {
                    // Never later than it was: of a thousand CRDs each stirs several times.
                    self.due = self.due.min(Instant::now() + PAUSES.0);
                    self.pauses = pauses();
                    self.left = LAG;
                }
                () = tokio::time::sleep_until(self.due) => {
                    // Before the look, or one that fails at once would be followed by the next.
                    self.due = Instant::now() + self.pauses.next().unwrap_or(PAUSES.1);
                    if self.left > 0 || self.is_missing.load(Ordering::Relaxed) {
                        self.left = self.left.saturating_sub(1);
                        return;
                    }
                }
            }
        }
    }
}

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(PAUSES.0)
        .with_max_delay(PAUSES.1)
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::*;

    /// Arrivals whose looks are counted, and by what they are stirred.
    fn counted() -> (Arrivals, Arc<AtomicUsize>, mpsc::UnboundedSender<()>) {
        let (count, (stir, stirred)) = (Arc::new(AtomicUsize::new(0)), mpsc::unbounded_channel());
        let counter = Arc::clone(&count);
        let stirrings = stream::unfold(stirred, |mut stirred| async { Some((stirred.recv().await?, stirred)) });
        let arrivals = Arrivals::of(stirrings.boxed(), move || {
            counter.fetch_add(1, Ordering::Relaxed);
            std::future::ready(())
        });
        (arrivals, count, stir)
    }

    /// Returns how often discovery was asked within a time.
    async fn looks(arrivals: &mut Arrivals, count: &AtomicUsize, seconds: u64) -> usize {
        let before = count.load(Ordering::Relaxed);
        let asked = async {
            loop {
                arrivals.next().await;
            }
        };
        assert!(timeout(Duration::from_secs(seconds), asked).await.is_err());
        count.load(Ordering::Relaxed) - before
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_missing_is_looked_for_with_growing_pauses_and_without_an_end() {
        let (mut arrivals, count, _stir) = counted();
        let soon = looks(&mut arrivals, &count, 4).await;
        assert!((3..=5).contains(&soon), "{soon}");
        looks(&mut arrivals, &count, 60).await;
        let in_an_hour = looks(&mut arrivals, &count, 3600).await;
        assert!((119..=121).contains(&in_an_hour), "{in_an_hour}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_stirs_is_looked_at_soon_also_where_nothing_is_missing_and_a_storm_does_not_put_it_off() {
        let (mut arrivals, count, stir) = counted();
        looks(&mut arrivals, &count, 600).await;
        stir.send(()).unwrap();
        assert!(looks(&mut arrivals, &count, 2).await >= 2, "discovery lags");
        arrivals.set_missing(false);
        looks(&mut arrivals, &count, 60).await;
        assert_eq!(looks(&mut arrivals, &count, 3600).await, 0, "nothing is missing");
        stir.send(()).unwrap();
        assert_eq!(looks(&mut arrivals, &count, 3600).await, LAG as usize);
        let storm = async {
            loop {
                stir.send(()).unwrap();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let looked = async { looks(&mut arrivals, &count, 10).await };
        tokio::select! {
            () = storm => {}
            looked = looked => assert!((10..=21).contains(&looked), "{looked}"),
        }
    }
}
