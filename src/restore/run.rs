//! The run.

use std::sync::{Arc, OnceLock};

use super::operator::operator;
use super::request::Request;
use super::resume::{self, Here};
use super::took::took;
use super::{answers, build, follow, stores};
use crate::engine::journal::Journal;
use crate::engine::{Alarm, Engine, Settings, Step};
use crate::event::{Failure, Run, RunId, RunOutcome, RunState};
use crate::plan::{Action, Foresight, Plan, Waves, apps, manual};
use crate::runbook::{ClusterState, Order, Runbook};
use crate::secrets::Fetched;
use crate::steps::{
    Connect, FetchSources, Holder, Options, Prepare, ReadSources, ReadStores, RunRecord, World, learn_variables,
};

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
    let attended = request.person.is_there();
    let asked = request.resume.clone();
    let (mut engine, world) = begin(request, run, journal, Purpose::Restores);
    if let Some(error) = trouble {
        // An outage is no time to insist on a place for the journal; but nobody must believe that there is one.
        engine.record(Run::Unjournaled { why: error.to_string() });
    }
    let result = match world {
        Ok(ref world) => carry_out(&mut engine, world, asked.as_deref(), attended).await,
        Err(ref failure) => Err((RunOutcome::Refused, failure.clone())),
    };
    let state = engine.finish(result);
    if let Ok(world) = world {
        world.leave().await;
    }
    state
}

/// Makes the plan of a restore and changes nothing. With the state of the run, for what went wrong.
pub async fn plan(request: Request) -> (Option<(Plan, Option<Foresight>)>, RunState) {
    let (mut engine, world) = begin(request, RunId(String::new()), None, Purpose::Restores);
    let world = match world {
        Ok(world) => world,
        Err(failure) => return (None, engine.finish(Err((RunOutcome::Refused, failure)))),
    };
    let result = engine.run(&prepare(&world)).await;
    let plan = world.prepared.get().map(|prepared| {
        let mut plan = prepared.plan.clone();
        plan.notices.clone_from(&engine.state().notices);
        plan.apps = world.platform.get().map(apps).unwrap_or_default();
        let orders = world.runbook.get().map(|runbook| runbook.order);
        // Where the run itself creates the apps, the order of its step tells more than what the agent would wait for.
        let of_agent = world.platform.get().filter(|_| orders == Some(Order::Agent));
        plan.waves = of_agent.map(Waves::of);
        let known = world.platform.get().zip(world.runbook.get());
        plan.manual = known
            .map(|(platform, runbook)| manual(platform, runbook))
            .unwrap_or_default();
        let lacking = world.runbook.get().map(answers::lacking).unwrap_or_default();
        let lacking = lacking
            .into_iter()
            .map(|lack| format!("A restore would be refused: {lack}."));
        plan.notices.extend(lacking);
        let graph = world.graph.get().cloned();
        let took = world.took.get().cloned().unwrap_or_default();
        let foresight = graph.map(|graph| Foresight::new(graph, &took));
        (plan, foresight)
    });
    match result {
        // Nothing has recovered: there is no end of a run to tell of.
        Ok(()) => (plan, engine.state().clone()),
        ended => (None, engine.finish(ended)),
    }
}

/// Returns a name for a run: names sort by time.
pub(super) fn new_run() -> RunId {
    RunId(ulid::Ulid::r#gen().to_string())
}

/// What is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A restore, or its plan: what this version cannot carry out is refused.
    Restores,
    /// A look at the credentials, which are the same whatever agent needs them.
    Looks,
}

/// Starts the run's clock and puts together what its steps share.
pub(super) fn begin(
    request: Request,
    run: RunId,
    journal: Option<Journal>,
    purpose: Purpose,
) -> (Engine, Result<Arc<World>, Failure>) {
    let started = request.clock.now();
    let holder = Holder {
        run: run.to_string(),
        by: operator(),
    };
    let record = Arc::new(RunRecord::of(&holder.by));
    let alarm = Alarm::default();
    let mut engine = Engine::new(Settings {
        journal,
        record: Some(Arc::<RunRecord>::clone(&record)),
        person: request.person,
        sinks: request.sinks,
        clock: request.clock,
        redactor: request.redactor.clone(),
        interrupt: request.interrupt,
        alarm: alarm.clone(),
        deadline: request.deadline,
    });
    let runbook = request.runbook;
    engine.record(Run::Started {
        run: run.clone(),
        runbook: runbook.name.clone(),
        file: request.file,
        program: env!("CARGO_PKG_VERSION").into(),
        target_ms: runbook
            .target
            .rto
            .map(|rto| u64::try_from(rto.as_millis()).unwrap_or(u64::MAX)),
        arguments: request.arguments,
    });
    let took = took(&request.journals, &runbook.name);
    let world = (|| {
        if purpose == Purpose::Restores {
            build::supported(&runbook)?;
        }
        answers::known(&runbook, &request.answers)?;
        learn_variables(&runbook, &request.redactor);
        let fetched = Fetched::default();
        let stores = stores::stores(&runbook, &fetched, &request.redactor)?;
        Ok(Arc::new(World {
            options: Options {
                kubeconfig: request.kubeconfig,
                context: request.context,
                cache: request.cache,
                answers: request.answers,
                journals: request.journals,
                holder,
            },
            record,
            alarm,
            redactor: request.redactor,
            stores,
            fetched,
            run: OnceLock::from(run),
            started: OnceLock::from(started),
            runbook: OnceLock::from(runbook),
            took: OnceLock::from(took),
            ..World::default()
        }))
    })();
    (engine, world)
}

async fn carry_out(engine: &mut Engine, world: &Arc<World>, resume: Option<&str>, attended: bool) -> Result<(), Ended> {
    let runbook = world.runbook().map_err(refused)?;
    // What this machine knows to be wrong is said before the cluster is asked.
    let here = if let Some(name) = resume {
        resume::find(&world.options.journals, name, &runbook.name).map_err(refused)?
    } else {
        // What was begun before is known only of a cluster.
        answers::missing(runbook, &world.options.answers, engine.state(), attended).map_err(refused)?;
        Here::Nothing
    };
    let connect: [Box<dyn Step>; 1] = [Box::new(Connect(Arc::clone(world)))];
    engine.run(&connect).await?;
    if let Some(name) = resume {
        go_on(engine, world, name, here).map_err(refused)?;
    } else {
        follow(engine, world).map_err(refused)?;
    }
    answered(engine, world, attended)?;
    engine.run(&prepare(world)).await?;
    let plan = &world.prepared().map_err(refused)?.plan;
    let steps = build::steps(runbook, plan, world);
    for (action, step) in steps {
        // With critical apps named, the recovery clock stops before all apps are waited for: the rest goes on.
        let is_running = engine.state().stopped_at_ms().is_none();
        if action == Action::Apps && !runbook.done.critical.is_empty() && is_running {
            engine.record(Run::Recovered);
        }
        let ran = engine.run(std::slice::from_ref(&step)).await;
        if let (Err(_), Some(hold)) = (&ran, world.hold()) {
            engine.record(Run::LeftToDo {
                what: format!(
                    "ApplicationSets are held back ({} in {}) until the platform is settled: go on with --resume, which ends with Git's policy.",
                    hold.words(),
                    hold.settings()
                ),
                lasting: false,
            });
        }
        ran?;
    }
    for what in left_to_do(runbook) {
        engine.record(Run::LeftToDo { what, lasting: false });
    }
    Ok(())
}

/// Returns the steps that find out what is to be done. What a store keeps in a source is read once that is fetched.
fn prepare(world: &Arc<World>) -> Vec<Box<dyn Step>> {
    let mut steps: Vec<Box<dyn Step>> = vec![
        Box::new(ReadStores(Arc::clone(world))),
        Box::new(FetchSources(Arc::clone(world))),
    ];
    if world.runbook.get().is_some_and(Runbook::reads_from_sources) {
        steps.push(Box::new(ReadSources(Arc::clone(world))));
    }
    steps.push(Box::new(Prepare(Arc::clone(world))));
    steps
}

/// Refuses a run that would stop in the middle for an answer, and takes what a person said of steps begun before.
fn answered(engine: &mut Engine, world: &World, attended: bool) -> Result<(), Ended> {
    let given = &world.options.answers;
    let runbook = world.runbook().map_err(refused)?;
    answers::unbegun(given, engine.state(), world.earlier.get()).map_err(refused)?;
    answers::missing(runbook, given, engine.state(), attended).map_err(refused)?;
    for told in answers::told(given) {
        engine.record(told);
    }
    Ok(())
}

fn refused(failure: Failure) -> Ended {
    (RunOutcome::Refused, failure)
}

/// Takes up an earlier run: the one that this machine knows, or the one of which the cluster tells.
fn go_on(engine: &mut Engine, world: &World, name: &str, here: Here) -> Result<(), Failure> {
    let chosen = resume::choose(name, here, world.found.get(), &world.runbook()?.name)?;
    let started = World::need(&world.started, "when the run began")?;
    let goes_on = resume::goes_on(&chosen.state, *started)?;
    let of_record = chosen.by.zip(chosen.state.run.clone());
    world.take_up(chosen.state)?;
    engine.record(goes_on);
    if let Some((by, run)) = of_record {
        let notice = format!("The run {run} of {by} is gone on with by its record in the cluster.");
        engine.record(Run::Noticed { notice });
    }
    Ok(())
}

/// Takes to heart what a run of this runbook, which this one does not go on with, has begun on this cluster.
fn follow(engine: &mut Engine, world: &World) -> Result<(), Failure> {
    let uid = &world.cluster()?.identity().uid;
    let before = follow::newest(&world.options.journals, world.found.get(), world.runbook()?, uid)?;
    for told in before {
        engine.record(told);
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
        match (cluster.state, &cluster.secret) {
            (ClusterState::Rebuilt, Some(secret)) => left.push(format!(
                "Cluster {name} was rebuilt: the stored secret {secret} still holds its old address, CA and token; store the new one."
            )),
            (ClusterState::Absent, _) => left.push(format!(
                "Cluster {name} is absent: when it is back, say in the runbook what became of it, and restore with `expect: adopt`."
            )),
            _ => {}
        }
    }
    left
}
