//! Whether a store lives in the very cluster that is restored.

use futures::future::join_all;

use super::World;
use crate::cluster::{Identity, same_server};
use crate::event::Failure;
use crate::secrets::Home;

/// Refuses a store that lives in the target, or in the cluster that it replaces: what is read there now is either empty or somebody
/// else's, and a run that is gone on with would take what an earlier one has put there for what outlived the outage.
pub async fn apart(world: &World) -> Result<(), Failure> {
    let replaces = world.runbook()?.target.replaces.as_ref();
    let replaces = replaces.map(|replaces| replaces.server.as_str());
    let identity = world.cluster.get().map(crate::cluster::Cluster::identity);
    // Where a store does not answer, its check says why.
    let homes = world
        .stores
        .iter()
        .map(|store| async move { (store.name(), store.home().await) });
    let mut found = join_all(homes)
        .await
        .into_iter()
        .filter_map(|(name, home)| judge(name, &home.ok()??, identity, replaces));
    match found.next() {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

fn judge(store: &str, home: &Home, target: Option<&Identity>, replaces: Option<&str>) -> Option<Failure> {
    let is_target = target.is_some_and(|target| {
        let is_same = home
            .uid
            .as_ref()
            .is_some_and(|uid| !uid.is_empty() && *uid == target.uid);
        is_same || same_server(&home.server, &target.server)
    });
    let is_replaced = replaces.is_some_and(|server| same_server(server, &home.server));
    let what = match (is_target, is_replaced) {
        (true, _) => "leads to the target itself",
        (_, true) => "leads to the cluster that the target replaces",
        _ => return None,
    };
    let failure = Failure::new(format!("store {store} {what}"))
        .hint("name the context of a cluster that lives on, or another store");
    Some(Failure {
        causes: vec![format!("both are {}", home.server)],
        ..failure
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_restored_is_not_what_one_restores_from() {
        let target = Identity {
            context: "shop-new".into(),
            server: "https://10.0.0.7:6443".into(),
            uid: "new".into(),
            version: String::new(),
        };
        for (server, uid, words) in [
            ("https://10.0.0.9:6443", Some("mgmt"), None),
            ("https://10.0.0.9:6443", None, None),
            ("https://10.0.0.9:6443", Some("new"), Some("leads to the target itself")),
            (
                "https://10.0.0.7:6443/",
                Some("mgmt"),
                Some("leads to the target itself"),
            ),
            ("https://10.0.0.7:6443", None, Some("leads to the target itself")),
            ("https://10.0.0.3:6443", None, Some("that the target replaces")),
        ] {
            let home = Home {
                server: server.into(),
                uid: uid.map(str::to_owned),
            };
            let failure = judge("mgmt", &home, Some(&target), Some("https://10.0.0.3:6443"));
            let message = failure.map(|failure| failure.message);
            assert_eq!(
                message
                    .as_ref()
                    .map(|message| words.is_some_and(|words| message.contains(words))),
                words.map(|_| true),
                "{server} {uid:?}: {message:?}"
            );
            // A plan is made without a cluster.
            assert!(judge("mgmt", &home, None, None).is_none());
        }
    }
}
