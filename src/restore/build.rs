//! From the checked runbook to stores, and from the plan to steps.

use std::sync::Arc;

use crate::engine::Step;
use crate::event::Failure;
use crate::plan::{Action, Item, Plan};
use crate::redact::{Redactor, Secret};
use crate::runbook::{AgentKind, Auth, ExtraAction, Plain, Runbook, Store as Configured, StoreKind, Vault};
use crate::secrets::Store;
use crate::secrets::vault::{self, Login, Settings};
use crate::steps::{
    ApplyExtra, ApplyRoot, Approve, CheckStep, ConnectSurvivor, Drive, Interlock, LayGround, LetSetsGo, Preload,
    ProveClusters, RegisterCluster, Release, RestoreCredentials, RunProgram, StartAgent, Until, World,
};

/// Makes the stores that the runbook reads from.
pub(super) fn stores(runbook: &Runbook, redactor: &Redactor) -> Result<Vec<Box<dyn Store>>, Failure> {
    let mut stores: Vec<Box<dyn Store>> = Vec::new();
    let used = |store: &&Configured| {
        runbook
            .secrets
            .values()
            .any(|spec| spec.from.iter().any(|from| from.store == store.name))
    };
    for store in runbook.stores.iter().filter(used) {
        match &store.kind {
            StoreKind::Vault(vault) => {
                let settings = settings(&store.name, vault)?;
                stores.push(Box::new(vault::Vault::new(settings, redactor)?));
            }
            // `supported` has refused them.
            StoreKind::Aws { .. } | StoreKind::Sops { .. } => {}
        }
    }
    Ok(stores)
}

fn settings(name: &str, vault: &Vault) -> Result<Settings, Failure> {
    let ca_pem = match &vault.ca {
        None => None,
        Some(path) => Some(
            std::fs::read(path)
                .map_err(|error| Failure::new(format!("store {name}: its CA {path} cannot be read: {error}")))?,
        ),
    };
    let auth = match &vault.auth {
        Auth::Token(token) => Login::Token(value(name, token)?),
        Auth::AppRole {
            mount,
            role_id,
            secret_id,
            wrapped,
        } => Login::AppRole {
            mount: mount.clone(),
            role_id: value(name, role_id)?,
            secret_id: value(name, secret_id)?,
            wrapped: *wrapped,
        },
    };
    let (Auth::Token(credential)
    | Auth::AppRole {
        secret_id: credential, ..
    }) = &vault.auth;
    Ok(Settings {
        name: name.to_owned(),
        address: vault.address.clone(),
        namespace: vault.namespace.clone(),
        ca_pem,
        auth,
        variable: match credential {
            Plain::Env(variable) => Some(variable.clone()),
            Plain::Literal(_) => None,
        },
    })
}

/// Returns a value of the runbook, read from the environment where it says so.
fn value(store: &str, plain: &Plain) -> Result<Secret, Failure> {
    match plain {
        Plain::Literal(text) => Ok(Secret::from(text.as_str())),
        Plain::Env(name) => match std::env::var(name) {
            // A line break at the end is what `$(cat file)` keeps out and an editor puts in.
            Ok(value) if !value.trim().is_empty() => Ok(Secret::from(value.trim())),
            _ => Err(Failure::new(format!(
                "store {store}: the variable {name} is not set, and the runbook logs in with it"
            ))
            .hint(format!("export {name} and run again"))),
        },
    }
}

/// Refuses what this version understands but cannot carry out, all of it at once and before anything is touched.
pub(super) fn supported(runbook: &Runbook) -> Result<(), Failure> {
    let mut causes = Vec::new();
    if runbook.agent.kind == AgentKind::Flux {
        causes.push("agent: this version restores Argo CD only, and the runbook's agent is Flux".to_owned());
    }
    for store in &runbook.stores {
        if !matches!(store.kind, StoreKind::Vault(_)) {
            causes.push(format!(
                "store {}: this version reads only from Vault and OpenBao",
                store.name
            ));
        }
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
