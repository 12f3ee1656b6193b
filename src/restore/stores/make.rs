//! One arm for each kind of store.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::plain::together;
use super::{aws, env, exec, files, kubernetes, sops, vault};
use crate::event::Failure;
use crate::redact::Redactor;
use crate::runbook::{Runbook, Store as Configured, StoreKind};
use crate::secrets::{Fetched, Store};

/// Makes the stores that the runbook reads from. Nothing is sent yet. `fetched` will tell where the sources are.
pub(in super::super) fn stores(
    runbook: &Runbook,
    fetched: &Fetched,
    redactor: &Redactor,
) -> Result<Vec<Arc<dyn Store>>, Failure> {
    let used = used(runbook);
    let mut configured: Vec<_> = runbook
        .stores
        .iter()
        .filter(|store| used.contains(store.name.as_str()))
        .collect();
    // What needs another comes after it.
    configured.sort_by_key(|store| store.kind.needs().is_some());
    let (mut made, mut failures) = (Vec::with_capacity(configured.len()), Vec::new());
    for store in configured {
        match make(store, &made, fetched, redactor) {
            Ok(store) => made.push(Arc::from(store)),
            Err(failure) => failures.push(failure),
        }
    }
    if failures.is_empty() {
        Ok(made)
    } else {
        Err(together(failures))
    }
}

/// Returns the stores that secrets are read from, and those that these need themselves.
fn used(runbook: &Runbook) -> BTreeSet<&str> {
    let places = runbook.secrets.values().flat_map(|spec| &spec.from);
    let mut used: BTreeSet<&str> = places.map(|from| from.store.as_str()).collect();
    let needed = runbook.stores.iter().filter(|store| used.contains(store.name.as_str()));
    let needed: Vec<&str> = needed.filter_map(|store| store.kind.needs()).collect();
    used.extend(needed);
    used
}

fn make(
    store: &Configured,
    others: &[Arc<dyn Store>],
    fetched: &Fetched,
    redactor: &Redactor,
) -> Result<Box<dyn Store>, Failure> {
    match &store.kind {
        StoreKind::Vault(vault) => vault::make(&store.name, vault, redactor),
        StoreKind::Aws(aws) => aws::make(&store.name, aws, redactor),
        StoreKind::Files(folder) => Ok(files::make(&store.name, folder)),
        StoreKind::Env(variables) => Ok(env::make(&store.name, variables)),
        StoreKind::Exec(program) => exec::make(&store.name, program, redactor),
        StoreKind::Kubernetes(cluster) => Ok(kubernetes::make(&store.name, cluster, redactor)),
        StoreKind::Sops(sops) => sops::make(&store.name, sops, others, fetched, redactor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stores_of(sops: &str) -> Vec<String> {
        let text = format!(
            "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {{context: new}}\n\
             sources:\n  platform: {{git: \"https://git.example.com/p.git\", revision: main}}\n\
             stores:\n  - sops: {sops}\n  - vault: {{address: \"https://vault.example.com\", auth: {{approle: {{role-id: a, secret-id: {{env: PATH}}}}}}}}\n\
             agent: {{argocd: {{from: {{source: platform, path: argocd}}}}}}\n\
             secrets:\n  db: {{as: {{namespace: shop, type: Opaque}}, from: {{sops: db.yaml}}}}\n\
             roots:\n  - {{id: apps, source: platform, path: apps}}\n"
        );
        let (runbook, findings) = crate::runbook::parse("shop.yaml", &text);
        let runbook = runbook.unwrap_or_else(|| panic!("{findings:?}"));
        let made = stores(&runbook, &Fetched::default(), &Redactor::default()).unwrap();
        made.iter().map(|store| store.name().to_owned()).collect()
    }

    #[test]
    fn a_store_that_only_another_needs_is_made_and_comes_before_it() {
        assert_eq!(
            stores_of("{source: platform, age-key: {store: vault, path: dr/age}}"),
            ["vault", "sops"]
        );
        assert_eq!(stores_of("{source: platform, age-key: {env: PATH}}"), ["sops"]);
    }
}
