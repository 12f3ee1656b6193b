//! One arm for each kind of store.

use super::{aws, env, exec, files, kubernetes, vault};
use crate::event::Failure;
use crate::redact::Redactor;
use crate::runbook::{Runbook, Store as Configured, StoreKind};
use crate::secrets::Store;

/// Makes the stores that the runbook reads from. Nothing is sent yet.
pub(in super::super) fn stores(runbook: &Runbook, redactor: &Redactor) -> Result<Vec<Box<dyn Store>>, Failure> {
    let is_used = |store: &&Configured| {
        let mut places = runbook.secrets.values().flat_map(|spec| &spec.from);
        places.any(|from| from.store == store.name)
    };
    runbook
        .stores
        .iter()
        .filter(is_used)
        .map(|store| make(store, redactor))
        .collect()
}

fn make(store: &Configured, redactor: &Redactor) -> Result<Box<dyn Store>, Failure> {
    match &store.kind {
        StoreKind::Vault(vault) => vault::make(&store.name, vault, redactor),
        StoreKind::Aws(aws) => aws::make(&store.name, aws, redactor),
        StoreKind::Files(folder) => Ok(files::make(&store.name, folder)),
        StoreKind::Env(variables) => Ok(env::make(&store.name, variables)),
        StoreKind::Exec(program) => exec::make(&store.name, program, redactor),
        StoreKind::Kubernetes(cluster) => Ok(kubernetes::make(&store.name, cluster, redactor)),
        // `supported` has refused it.
        StoreKind::Sops(_) => Err(Failure::new(format!("store {}: not supported", store.name))),
    }
}
