//! Waits until something is so: an address answers, or an object has a condition.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use backon::{BackoffBuilder as _, ExponentialBuilder};

use super::World;
use crate::cluster::Cluster;
use crate::engine::{Context, Step};
use crate::event::{Failure, Outcome, PlannedStep};
use crate::health;
use crate::object::ObjectRef;
use crate::runbook::Check;

/// Waits for one check to pass. It has no limit of its own: a deadline is the user's to set.
pub struct CheckStep {
    /// What the run knows.
    pub world: Arc<World>,
    /// The step as planned.
    pub planned: PlannedStep,
    /// What is to be so.
    pub check: Check,
}

#[async_trait]
impl Step for CheckStep {
    fn planned(&self) -> PlannedStep {
        self.planned.clone()
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let last = Mutex::new(String::new());
        let note = |why: &str| {
            if let Ok(mut last) = last.lock() {
                why.clone_into(&mut last);
            }
            context.progress(0, None, why);
        };
        let passed = async {
            match &self.check {
                Check::Http { url, status } => http(url, *status, &note).await,
                Check::Condition {
                    kind,
                    namespace,
                    name,
                    is,
                } => condition(self.world.cluster()?, (kind, namespace, name), is, &note).await,
            }
        };
        // Whoever stops the wait, or finds that its deadline has passed, is told what it was for.
        let ended = context.unless_stopped(passed).await.map_err(|mut stopped| {
            let why = last.lock().map(|last| last.clone()).unwrap_or_default();
            stopped.causes.extend(Some(why).filter(|why| !why.is_empty()));
            stopped
        });
        ended??;
        Ok(Outcome::Done {
            detail: "it is so".into(),
        })
    }
}

/// The world outside cannot be watched, so it is asked again with growing pauses, half a minute at most.
fn pauses() -> impl Iterator<Item = Duration> {
    let growing = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(Duration::from_secs(30));
    growing.without_max_times().with_jitter().build()
}

async fn http(url: &url::Url, status: u16, note: &(impl Fn(&str) + Sync)) -> Result<(), Failure> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| Failure::new(format!("no HTTP client can be made: {}", error.without_url())))?;
    for pause in pauses() {
        match client.get(url.clone()).send().await {
            Ok(answer) if answer.status().as_u16() == status => return Ok(()),
            Ok(answer) => note(&format!("{url} answers {}, not {status}", answer.status())),
            Err(error) => note(&format!("{url}: {}", innermost(&error.without_url()))),
        }
        tokio::time::sleep(pause).await;
    }
    Err(Failure::new(format!("{url} never answered {status}")))
}

fn innermost(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

async fn condition(
    cluster: &Cluster,
    (kind, namespace, name): (&str, &str, &str),
    is: &str,
    note: &(impl Fn(&str) + Sync),
) -> Result<(), Failure> {
    let (kind, group) = kind
        .split_once('.')
        .map_or((kind, None), |(kind, group)| (kind, Some(group)));
    // The CRD of the kind may come with an app that is still on its way.
    for pause in pauses() {
        if let Some(api_version) = cluster.served(group, kind) {
            let id = ObjectRef::new(&api_version, kind, namespace, name);
            cluster
                .until(
                    &id,
                    |object| health::condition_or_phase(object, is),
                    |why| note(&format!("{id}: {why}")),
                )
                .await?;
            return Ok(());
        }
        note(&format!("the cluster serves no kind {kind} yet"));
        tokio::time::sleep(pause).await;
        cluster.rediscover().await?;
    }
    Err(Failure::new(format!("the cluster never served the kind {kind}")))
}
