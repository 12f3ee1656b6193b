//! The steps that read secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::super::{Restored, World, homes};
use super::reading::{Early, Reading};
use crate::engine::{Context, Step};
use crate::event::{Effect, Failure, Outcome, Phase, PlannedStep};

/// Reads the stores.
pub struct ReadStores(pub Arc<World>);

/// Reads what stores keep in sources, once these are fetched.
pub struct ReadSources(pub Arc<World>);

/// Reads only what opens sources, for whoever wants nothing else of them than to look into them. What cannot be had is a notice: the
/// source that it opens says so.
pub struct ReadOpeners(pub Arc<World>);

#[async_trait]
impl Step for ReadOpeners {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: "stores".into(),
            phase: Phase::Prepare,
            title: "read what opens the sources".into(),
            effect: Effect::Reads,
        }
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let (world, runbook) = (&self.0, self.0.runbook()?);
        let reading = Reading {
            world,
            runbook,
            context,
            has_sources: false,
        };
        let mut all = Early::default();
        for name in runbook.secrets.keys().filter(|name| runbook.opens_a_source(name)) {
            match context.unless_stopped(reading.read(vec![(name.clone(), 0)])).await? {
                Ok(read) => all.restored.extend(read.restored),
                Err(failure) => context.notice(format!("{}.", failure.words())),
            }
        }
        let detail = counted(&all.restored);
        let _ = world.early.set(all);
        Ok(Outcome::Done { detail })
    }
}

#[async_trait]
impl Step for ReadStores {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: "stores".into(),
            phase: Phase::Prepare,
            title: "read the secrets".into(),
            effect: Effect::Reads,
        }
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        context.unless_stopped(self.read(context)).await?
    }
}

#[async_trait]
impl Step for ReadSources {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: "sealed".into(),
            phase: Phase::Prepare,
            title: "read the secrets in the sources".into(),
            effect: Effect::Reads,
        }
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        context.unless_stopped(self.read(context)).await?
    }
}

impl ReadStores {
    async fn read(&self, context: &Context) -> Result<Outcome, Failure> {
        let world = &self.0;
        let runbook = world.runbook()?;
        if runbook.secrets.is_empty() {
            let _ = world.secrets.set(BTreeMap::new());
            return Ok(Outcome::Skipped {
                detail: "the runbook names no secrets".into(),
            });
        }
        homes::apart(world).await?;
        let reading = Reading {
            world,
            runbook,
            context,
            has_sources: false,
        };
        let all = runbook.secrets.keys().map(|name| (name.clone(), 0)).collect();
        let read = reading.read(all).await?;
        let detail = counted(&read.restored);
        if read.waiting.is_empty() {
            reading.check(&read.restored)?;
            let _ = world.secrets.set(read.restored);
            return Ok(Outcome::Done { detail });
        }
        let waiting = format!("{} in the sources", read.waiting.len());
        let _ = world.early.set(read);
        Ok(Outcome::Done {
            detail: if detail.is_empty() {
                waiting
            } else {
                format!("{detail}, {waiting}")
            },
        })
    }
}

impl ReadSources {
    async fn read(&self, context: &Context) -> Result<Outcome, Failure> {
        let world = &self.0;
        let Some(early) = world.early.get() else {
            return Ok(Outcome::Skipped {
                detail: "all secrets have been read".into(),
            });
        };
        let reading = Reading {
            world,
            runbook: world.runbook()?,
            context,
            has_sources: true,
        };
        let read = reading.read(early.waiting.clone()).await?;
        let detail = counted(&read.restored);
        let mut restored = early.restored.clone();
        restored.extend(read.restored);
        reading.check(&restored)?;
        let _ = world.secrets.set(restored);
        Ok(Outcome::Done { detail })
    }
}

fn counted(restored: &BTreeMap<String, Restored>) -> String {
    let mut by_store: BTreeMap<&str, usize> = BTreeMap::new();
    for secret in restored.values() {
        *by_store.entry(secret.store.as_str()).or_default() += 1;
    }
    by_store
        .iter()
        .map(|(store, count)| format!("{count} from {store}"))
        .collect::<Vec<_>>()
        .join(", ")
}
