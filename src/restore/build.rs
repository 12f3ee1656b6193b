//! From the plan to steps.

use std::sync::Arc;

use crate::engine::Step;
use crate::event::Failure;
use crate::plan::{Action, Item, Plan};
use crate::runbook::{AgentKind, ExtraAction, Runbook};
use crate::steps::{
    ApplyExtra, ApplyRoot, Approve, CheckStep, ConnectSurvivor, Drive, Interlock, LayGround, LetSetsGo, Preload,
    ProveClusters, RegisterCluster, Release, RestoreCredentials, RunProgram, SealedKeys, StartAgent, Until, World,
};

/// Refuses what this version understands but cannot carry out, all of it at once and before anything is touched.
pub(super) fn supported(runbook: &Runbook) -> Result<(), Failure> {
    let mut causes = Vec::new();
    if runbook.agent.kind == AgentKind::Flux {
        causes.push("agent: this version restores Argo CD only, and the runbook's agent is Flux".to_owned());
    }
    if causes.is_empty() {
        return Ok(());
    }
    let failure = Failure::new("the runbook asks for what this version cannot carry out");
    Err(Failure { causes, ..failure }.hint("take it out of the runbook, and do by hand what it says"))
}

/// Makes the steps of a plan.
pub(super) fn steps(runbook: &Runbook, plan: &Plan, world: &Arc<World>) -> Vec<(Action, Box<dyn Step>)> {
    plan.steps
        .iter()
        .map(|item| (item.action, step(runbook, item, world)))
        .collect()
}

fn step(runbook: &Runbook, item: &Item, world: &Arc<World>) -> Box<dyn Step> {
    let (world, planned) = (Arc::clone(world), item.step.clone());
    match item.action {
        Action::Interlock => Box::new(Interlock(world)),
        Action::Ground => Box::new(LayGround(world)),
        Action::Credentials => Box::new(RestoreCredentials(world)),
        Action::Agent => Box::new(StartAgent(world)),
        Action::Preload => Box::new(Preload { world, planned }),
        Action::Leaves => Box::new(Drive {
            world,
            planned,
            until: Until::Created,
        }),
        Action::Root(index) => Box::new(ApplyRoot { world, planned, index }),
        Action::Extra(index) => match &runbook.steps[index].action {
            ExtraAction::Check(check) => Box::new(CheckStep {
                world,
                planned,
                check: check.clone(),
            }),
            ExtraAction::Approve(approval) => Box::new(Approve {
                world,
                planned,
                id: runbook.steps[index].id.clone(),
                approval: approval.clone(),
            }),
            ExtraAction::Run(program) => Box::new(RunProgram {
                world,
                planned,
                program: program.clone(),
            }),
            ExtraAction::Apply(_) => Box::new(ApplyExtra { world, planned, index }),
        },
        Action::Critical => Box::new(Drive {
            world,
            planned,
            until: Until::Critical,
        }),
        Action::ProveClusters => Box::new(ProveClusters(world)),
        Action::Register(index) => Box::new(RegisterCluster {
            world,
            planned,
            name: cluster(runbook, index),
        }),
        Action::Connect(index) => Box::new(ConnectSurvivor {
            world,
            planned,
            name: cluster(runbook, index),
        }),
        Action::Apps | Action::Connected => Box::new(Drive {
            world,
            planned,
            until: Until::All,
        }),
        Action::Sets => Box::new(LetSetsGo { world, planned }),
        Action::Release => Box::new(Release { world, planned }),
        Action::SealedKeys => Box::new(SealedKeys { world, planned }),
        Action::Check(index) => Box::new(CheckStep {
            world,
            planned,
            check: runbook.done.checks[index].clone(),
        }),
    }
}

/// Returns the name of the cluster with this index.
fn cluster(runbook: &Runbook, index: usize) -> String {
    runbook.clusters.keys().nth(index).cloned().unwrap_or_default()
}
