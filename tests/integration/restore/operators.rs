//! Two operators, and one who goes on where another was stopped: the Lease, and the record of the run in the target.

use std::path::Path;
use std::time::Duration;

use gitops_dr::exec::Exec;
use gitops_dr::redact::Redactor;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::rbac::v1::PolicyRule;
use kube::api::Api;
use serde_json::{Value, json};
use testbed::{Ran, Tool};

use super::scene::{Scene, platform_only};
use super::watched::{Watched, node};

/// A colleague at another machine: another user of the cluster, with a home and a kubeconfig of their own.
async fn colleague(scene: &Scene) -> Tool {
    let rules: Vec<PolicyRule> = serde_json::from_value(json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ]))
    .unwrap();
    let (_, kubeconfig) = scene.outage.bed.limited_user("colleague", rules).await.unwrap();
    let mut tool = elsewhere(scene);
    tool.set("KUBECONFIG", &kubeconfig);
    tool.set("USER", "colleague");
    tool
}

/// The same user on another machine, without any journal.
fn elsewhere(scene: &Scene) -> Tool {
    let mut tool = Tool::new(env!("CARGO_BIN_EXE_gitops-dr")).unwrap();
    for (name, value) in scene.outage.environment() {
        tool.set(name, value);
    }
    tool
}

async fn run(tool: &Tool, runbook: &Path, arguments: &[&str]) -> Ran {
    let mut all = vec!["restore", runbook.to_str().unwrap()];
    all.extend(arguments);
    tool.run(&all).await.unwrap()
}

async fn lease(scene: &Scene) -> Option<Lease> {
    let leases: Api<Lease> = Api::namespaced(scene.outage.bed.admin(), "kube-system");
    leases.get_opt("gitops-dr").await.unwrap()
}

async fn holder(scene: &Scene) -> String {
    let spec = lease(scene).await.expect("there is a Lease").spec.unwrap();
    spec.holder_identity.unwrap_or_default()
}

async fn record(scene: &Scene) -> Vec<Value> {
    let maps: Api<ConfigMap> = Api::namespaced(scene.outage.bed.admin(), "kube-system");
    let data = maps.get("gitops-dr").await.unwrap().data.unwrap();
    let lines = data["events"].lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

/// The name of the run that a watched restore is.
fn name(run: &Watched) -> String {
    run.events[0]["run"].as_str().unwrap().to_owned()
}

fn flat(ran: &Ran) -> String {
    ran.said().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_step(event: &Value, word: &str, id: &str) -> bool {
    event["family"] == "step" && event["event"] == word && event["id"] == id
}

#[tokio::test]
async fn a_second_operator_is_refused_with_who_is_at_work_and_ctrl_c_gives_the_cluster_back() {
    let scene = Scene::with(super::broken::with_a_broken_app()).await;
    let colleague = colleague(&scene).await;
    let mut first = Watched::start(&scene, str::to_owned);
    first
        .until("the first is at work", |event| is_step(event, "started", "apps"))
        .await;
    let run_of_first = name(&first);
    assert!(holder(&scene).await.starts_with(&run_of_first));

    let runbook = scene.outage.runbook("small.yaml", super::scene::RUNBOOK).unwrap();
    let second = run(&colleague, &runbook, &[]).await;
    assert_eq!(second.code, 2, "{}", second.said());
    for words in [
        "the cluster is being restored by another".to_owned(),
        format!("run {run_of_first} of "),
        format!("--resume={run_of_first}"),
    ] {
        assert!(flat(&second).contains(&words), "{words}: {}", second.said());
    }
    // Not even with the word that a cluster which is not empty may be taken.
    let adopting = super::scene::RUNBOOK.replace("expect: empty", "expect: adopt");
    let adopting = scene.outage.runbook("adopting.yaml", &adopting).unwrap();
    let second = run(&colleague, &adopting, &["--yes"]).await;
    assert_eq!(second.code, 2, "{}", second.said());
    assert_eq!(scene.outage.bed.mutations_by("colleague").await.unwrap(), []);

    first.interrupt().await;
    assert_eq!(first.end().await, 130, "{}", first.said().await);
    assert_eq!(holder(&scene).await, "", "the Lease is given back");
    let ended = record(&scene).await;
    assert_eq!(ended.last().unwrap()["outcome"], "interrupted", "{ended:?}");

    // Who begins anew is told of what was left, and by whom.
    let anew = run(&colleague, &runbook, &[]).await;
    assert_eq!(anew.code, 2, "{}", anew.said());
    assert!(flat(&anew).contains(&format!("--resume={run_of_first}")), "{}", anew.said());
    assert_eq!(scene.outage.bed.mutations_by("colleague").await.unwrap(), []);
}
