//! The run.

use std::sync::{Arc, OnceLock};

use super::build;
use super::request::Request;
use jiff::Timestamp;

use crate::engine::journal::{self, Journal};
use crate::engine::{Engine, Settings, Step};
use crate::event::{Failure, Run, RunId, RunOutcome, RunState};
use crate::plan::{Action, Plan};
use crate::runbook::Runbook;
use crate::steps::{Connect, FetchSources, Options, Prepare, ReadStores, World};

/// How a run that ends early ends.
type Ended = (RunOutcome, Failure);

/// Restores. Everything that happens is an event; the state after the last one is returned.
pub async fn restore(request: Request) -> RunState {
    let run = new_run();
    let opened = Journal::create(&request.journals, &run);
    let (journal, trouble) = match opened {
        Ok(journal) => (Some(journal), None),
        Err(error) => (None, Some(error)),
    };
    let (mut engine, world) = begin(request, run, journal);
    if let Some(error) = trouble {
        // An outage is no time to insist on a place for the journal; but nobody must believe that there is one.
        engine.record(Run::Noticed {
            notice: format!("The run is not written down: {error}."),
        });
    }
    let result = match world {
        Ok(world) => carry_out(&mut engine, &world).await,
        Err(failure) => Err((RunOutcome::Refused, failure)),
    };
    engine.finish(result)
}

/// Makes the plan of a restore and changes nothing. With the state of the run, for what went wrong.
pub async fn plan(request: Request) -> (Option<Plan>, RunState) {
    let (mut engine, world) = begin(request, RunId(String::new()), None);
    let world = match world {
        Ok(world) => world,
        Err(failure) => return (None, engine.finish(Err((RunOutcome::Refused, failure)))),
    };
    let steps: [Box<dyn Step>; 3] = [
        Box::new(ReadStores(Arc::clone(&world))),
        Box::new(FetchSources(Arc::clone(&world))),
        Box::new(Prepare(Arc::clone(&world))),
    ];
    let result = engine.run(&steps).await;
    let plan = world.prepared.get().map(|prepared| prepared.plan.clone());
    match result {
        // Nothing has recovered: there is no end of a run to tell of.
        Ok(()) => (plan, engine.state().clone()),
        ended => (None, engine.finish(ended)),
    }
}

/// Returns a name for a run: names sort by time.
fn new_run() -> RunId {
    RunId(ulid::Ulid::r#gen().to_string())
}

/// Starts the run's clock and puts together what its steps share.
fn begin(request: Request, run: RunId, journal: Option<Journal>) -> (Engine, Result<Arc<World>, Failure>) {
    let started = request.clock.now();
    let mut engine = Engine::new(Settings {
        journal,
        sinks: request.sinks,
        clock: request.clock,
        redactor: request.redactor.clone(),
        interrupt: request.interrupt,
        deadline: request.deadline,
    });
    let runbook = request.runbook;
    engine.record(Run::Started {
        run,
        runbook: runbook.name.clone(),
        file: request.file,
        program: env!("CARGO_PKG_VERSION").into(),
        target_ms: runbook
            .target
            .rto
            .map(|rto| u64::try_from(rto.as_millis()).unwrap_or(u64::MAX)),
        arguments: request.arguments,
    });
    let world = (|| {
        build::supported(&runbook)?;
        for notice in build::unheeded(&runbook) {
            engine.record(Run::Noticed { notice });
        }
        let earlier = request
            .resume
            .map(|name| resumed(&request.journals, &name, &runbook.name))
            .transpose()?;
        if let Some(earlier) = &earlier {
            engine.record(earlier.goes_on(started));
        }
        let resumes = earlier.map(|earlier| earlier.uid);
        let stores = build::stores(&runbook, &request.redactor)?;
        Ok(Arc::new(World {
            options: Options {
                kubeconfig: request.kubeconfig,
                context: request.context,
                cache: request.cache,
                resumes,
            },
            redactor: request.redactor,
            stores,
            started: OnceLock::from(started),
            runbook: OnceLock::from(runbook),
            ..World::default()
        }))
    })();
    (engine, world)
}

/// An earlier run that this one goes on with.
#[derive(Debug)]
struct Earlier {
    run: RunId,
    /// The UID of the cluster that it was about.
    uid: String,
    /// When it began, by the time of day.
    began: Timestamp,
    /// How long the recovery had gone on then, in milliseconds.
    before_ms: u64,
}

impl Earlier {
    /// Says that this run, begun now, goes on with it. An outage does not end where a run was interrupted.
    fn goes_on(&self, now: Timestamp) -> Run {
        let since = u64::try_from(now.duration_since(self.began).as_millis()).unwrap_or(0);
        Run::GoesOn {
            with: self.run.clone(),
            since_ms: self.before_ms + since,
        }
    }
}

/// Returns an earlier run of this runbook that is to be gone on with: the run of that name or, without a name,
/// the newest that changed anything. This very run has a journal too by now.
fn resumed(journals: &std::path::Path, name: &str, runbook: &str) -> Result<Earlier, Failure> {
    let state = if name.is_empty() {
        let mut found = None;
        for path in journal::newest_first(journals) {
            // One that cannot be read may be the very run: to take an older one in its place would be a guess.
            let events =
                journal::read(&path).map_err(|error| Failure::of(&error).hint("name the run: --resume RUN"))?;
            let state = RunState::of(&events);
            if state.runbook == runbook && state.touched() {
                found = Some(state);
                break;
            }
        }
        found.ok_or_else(|| {
            Failure::new(format!(
                "there is no run to go on with: none of runbook {runbook} in {} changed anything",
                journals.display()
            ))
            .hint("run without --resume, or name the folder of the journals with --state")
        })?
    } else {
        let failed = |error: &journal::Error| Failure::of(error).within("the run to go on with cannot be read");
        let path = journal::find(journals, Some(name)).map_err(|error| failed(&error))?;
        RunState::of(&journal::read(&path).map_err(|error| failed(&error))?)
    };
    if state.runbook != runbook {
        return Err(Failure::new(format!(
            "the run to go on with is of runbook {}, not {runbook}",
            state.runbook
        ))
        .hint("name a run of this runbook, or none: --resume takes the newest"));
    }
    if matches!(state.finished, Some((RunOutcome::Recovered, _))) {
        // The platform lives; whatever was changed on it since is not for a resume to take back.
        return Err(
            Failure::new("the run to go on with has recovered, so nothing is to be gone on with")
                .hint("to take the platform over as it is, say so: `target: {expect: adopt}`"),
        );
    }
    if !state.touched() {
        // It was refused, perhaps because the cluster was the wrong one: that must not open the way onto it.
        return Err(
            Failure::new("the run to go on with has changed nothing, so nothing is to be gone on with")
                .hint("run without --resume"),
        );
    }
    let (Some(run), Some(began), Some(cluster)) = (state.run, state.started_at, state.cluster) else {
        return Err(Failure::new("the run to go on with never reached a cluster").hint("run without --resume"));
    };
    Ok(Earlier {
        run,
        uid: cluster.uid,
        began,
        before_ms: state.before_ms,
    })
}

async fn carry_out(engine: &mut Engine, world: &Arc<World>) -> Result<(), Ended> {
    let prepare: [Box<dyn Step>; 4] = [
        Box::new(Connect(Arc::clone(world))),
        Box::new(ReadStores(Arc::clone(world))),
        Box::new(FetchSources(Arc::clone(world))),
        Box::new(Prepare(Arc::clone(world))),
    ];
    engine.run(&prepare).await?;
    let refused = |failure| (RunOutcome::Refused, failure);
    let runbook = world.runbook().map_err(refused)?;
    let plan = &world.prepared().map_err(refused)?.plan;
    let steps = build::steps(runbook, plan, world);
    // With critical apps named, the recovery clock stops before the last step: the rest goes on.
    let rest = steps.len() - usize::from(!runbook.done.critical.is_empty());
    for (index, (action, step)) in steps.into_iter().enumerate() {
        if index == rest && action == Action::Apps {
            engine.record(Run::Recovered);
        }
        engine.run(std::slice::from_ref(&step)).await?;
    }
    for what in left_to_do(runbook) {
        engine.record(Run::LeftToDo { what });
    }
    Ok(())
}

/// What nobody but a person can do after a rebuild of this platform.
fn left_to_do(runbook: &Runbook) -> Vec<String> {
    let mut left = Vec::new();
    if let Some(replaces) = &runbook.target.replaces {
        left.push(format!(
            "What names the old cluster {} still does: DNS, identity federation of clouds, Vault's Kubernetes login, CI kubeconfigs.",
            replaces.server
        ));
    }
    for (name, cluster) in &runbook.clusters {
        if cluster.secret.is_some() && cluster.state == crate::runbook::ClusterState::Rebuilt {
            left.push(format!(
                "Cluster {name} was rebuilt: see that its stored cluster secret holds its new address, CA and token."
            ));
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::Timestamp;

    use super::*;
    use crate::event::{Body, Effect, Event, Phase, PlannedStep, Step};

    /// Writes the journal of a run on the cluster `uid` that got as far as a step with this effect.
    fn ran(folder: &Path, name: &str, runbook: &str, uid: &str, effect: Effect) {
        let started = Run::Started {
            run: RunId(name.into()),
            runbook: runbook.into(),
            file: String::new(),
            program: String::new(),
            target_ms: None,
            arguments: Vec::new(),
        };
        let cluster = Run::Cluster {
            context: String::new(),
            server: String::new(),
            uid: uid.into(),
            version: String::new(),
            state: String::new(),
        };
        let step = Step::Started(PlannedStep {
            id: "one".into(),
            phase: Phase::Ground,
            title: String::new(),
            effect,
        });
        let mut journal = Journal::create(folder, &RunId(name.into())).unwrap();
        for (seq, body) in (1..).zip([Body::Run(started), Body::Run(cluster), Body::Step(step)]) {
            let at = Timestamp::UNIX_EPOCH;
            let elapsed_ms = 0;
            journal
                .append(&Event {
                    seq,
                    at,
                    elapsed_ms,
                    body,
                })
                .unwrap();
        }
    }

    #[test]
    fn without_a_name_the_newest_run_of_the_runbook_that_changed_anything_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| resumed(folder.path(), name, "shop");
        assert!(of("").unwrap_err().message.starts_with("there is no run to go on with"));
        ran(folder.path(), "01A", "shop", "older", Effect::Repeatable);
        ran(folder.path(), "01B", "shop", "newer", Effect::Once);
        ran(folder.path(), "01C", "shop", "refused", Effect::Reads);
        ran(folder.path(), "01D", "other", "foreign", Effect::Once);
        // The run that asks has a journal too, in which nothing is written yet.
        let _own = Journal::create(folder.path(), &RunId("01E".into())).unwrap();
        assert_eq!(of("").unwrap().uid, "newer");
        assert_eq!(of("01A").unwrap().uid, "older");
        assert!(of("01D").unwrap_err().message.contains("is of runbook other, not shop"));
        assert!(of("01C").unwrap_err().message.contains("has changed nothing"));
        assert!(of("01X").is_err());
    }
}
