//! A platform that lives, and whoever captures it.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use testbed::outage::CONTEXT;
use testbed::{Ran, Tool};

use crate::restore::scene::{RUNBOOK, Scene};

/// Where the manifest is kept.
pub(super) const CAPTURE: &str = "capture: {vault: dr/manifest}\nroots:\n";

/// What may write what a restore reads, and look at what is there.
const POLICY: &str = r#"
path "dr/data/*" { capabilities = ["read", "create", "update"] }
path "dr/metadata/*" { capabilities = ["read", "list"] }
"#;

/// Returns the scene's runbook with a place for the manifest.
pub(super) fn runbook() -> String {
    RUNBOOK.replace("roots:\n", CAPTURE)
}

/// Returns a program whose user may write into the store.
pub(super) async fn keeper(scene: &Scene) -> Tool {
    let root = scene.outage.vault.root();
    root.policy("capture", POLICY).await.unwrap();
    let day = Duration::from_hours(24);
    let role = root.app_role("capture", &["capture"], day).await.unwrap();
    let mut tool = scene.elsewhere();
    tool.set("VAULT_ROLE_ID", role.role_id);
    tool.set("VAULT_SECRET_ID", role.secret_id);
    tool
}

/// Captures the scene's cluster.
pub(super) async fn capture(scene: &Scene, tool: &Tool, runbook: &str, flags: &[&str]) -> Ran {
    let runbook = scene.outage.runbook("captured.yaml", runbook).unwrap();
    let mut all = vec!["secrets", "capture", runbook.to_str().unwrap()];
    if !flags.contains(&"--context") {
        all.extend(["--context", CONTEXT]);
    }
    all.extend(flags);
    tool.run(&all).await.unwrap()
}

/// Returns the number of the newest version of a stored secret; 0 where there is none.
pub(super) async fn version(scene: &Scene, path: &str) -> u64 {
    let answer = scene.outage.vault.root().get(&format!("dr/metadata/{path}")).await;
    answer.map_or(0, |answer| answer["data"]["current_version"].as_u64().unwrap())
}

/// Returns the values of a stored secret.
pub(super) async fn stored(scene: &Scene, path: &str) -> Value {
    let answer = scene.outage.vault.root().get(&format!("dr/data/{path}")).await;
    answer.unwrap()["data"]["data"].clone()
}

/// Writes a Secret into a cluster as somebody does by hand.
pub(super) async fn put(client: &Client, namespace: &str, name: &str, kind: &str, data: &[(&str, &[u8])]) {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let data: BTreeMap<_, _> = data
        .iter()
        .map(|(key, value)| ((*key).to_owned(), k8s_openapi::ByteString(value.to_vec())))
        .collect();
    if secrets.get_opt(name).await.unwrap().is_some() {
        let patch = json!({"data": data});
        let by = PatchParams::apply("kubectl-edit");
        let merge = Patch::Merge(patch);
        secrets
            .patch(
                name,
                &PatchParams {
                    field_manager: by.field_manager,
                    ..PatchParams::default()
                },
                &merge,
            )
            .await
            .unwrap();
        return;
    }
    let secret = Secret {
        data: Some(data),
        type_: Some(kind.to_owned()),
        metadata: kube::api::ObjectMeta {
            name: Some(name.to_owned()),
            ..kube::api::ObjectMeta::default()
        },
        ..Secret::default()
    };
    secrets.create(&PostParams::default(), &secret).await.unwrap();
}

/// Returns the bytes of a Secret.
pub(super) async fn bytes(client: &Client, namespace: &str, name: &str) -> BTreeMap<String, Vec<u8>> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let secret = secrets.get(name).await.unwrap();
    let data = secret.data.into_iter().flatten();
    data.map(|(key, value)| (key, value.0)).collect()
}
