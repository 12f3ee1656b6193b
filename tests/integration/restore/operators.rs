//! Two operators, and one who goes on where another was stopped: the Lease, and the record of the run in the target.

use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::rbac::v1::PolicyRule;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use testbed::{Forwarder, Ran, Tool};

use super::scene::{RUNBOOK, Scene, platform_only};
use super::watched::{Watched, node};

/// A colleague at another machine: another user of the cluster, with a home and a kubeconfig of their own.
async fn colleague(scene: &Scene) -> Tool {
    let rules: Vec<PolicyRule> = serde_json::from_value(json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ]))
    .unwrap();
    let (user, kubeconfig) = scene.outage.bed.limited_user("colleague", rules).await.unwrap();
    user.write_kubeconfig(&kubeconfig, testbed::outage::CONTEXT).unwrap();
    let mut tool = scene.elsewhere();
    tool.set("KUBECONFIG", &kubeconfig);
    tool.set("USER", "colleague");
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

    let runbook = scene.outage.runbook("small.yaml", RUNBOOK).unwrap();
    let second = run(&colleague, &runbook, &[]).await;
    assert_eq!(second.code, 2, "{}", second.said());
    for words in [
        "the cluster is being restored by another".to_owned(),
        format!("run {run_of_first} of "),
        format!("--resume={run_of_first}"),
    ] {
        assert!(flat(&second).contains(&words), "{words}: {}", second.said());
    }
    assert!(!second.err.contains("stores: "), "a login was spent: {}", second.said());
    // Not even with the word that a cluster which is not empty may be taken.
    let adopting = RUNBOOK.replace("expect: empty", "expect: adopt");
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
    assert!(
        flat(&anew).contains(&format!("--resume={run_of_first}")),
        "{}",
        anew.said()
    );
    assert_eq!(scene.outage.bed.mutations_by("colleague").await.unwrap(), []);
}

#[tokio::test]
async fn a_run_that_loses_the_lease_ends_and_with_it_the_program_that_it_runs() {
    let scene = Scene::start().await;
    let program =
        "steps:\n  - {id: long, before: root, run: {command: [sleep, \"600\"], repeatable: true, timeout: 15m}}\n";
    let mut run = Watched::start(&scene, |runbook| format!("{runbook}{program}"));
    run.until("the program runs", |event| is_step(event, "started", "step/long"))
        .await;
    what_is_deleted_of_the_record_comes_back(&scene).await;
    let leases: Api<Lease> = Api::namespaced(scene.outage.bed.admin(), "kube-system");
    let stolen = json!({"spec": {"holderIdentity": "01ZZZ eve@elsewhere"}});
    leases
        .patch("gitops-dr", &PatchParams::default(), &Patch::Merge(&stolen))
        .await
        .unwrap();
    assert_eq!(run.end().await, 1, "{}", run.said().await);
    let failure = run.events.last().unwrap()["failure"].to_string();
    assert!(
        failure.contains("another run took over: run 01ZZZ of eve@elsewhere"),
        "{failure}"
    );
    let ended = run.events.iter().find(|event| is_step(event, "finished", "step/long"));
    let ended = ended.unwrap()["failure"]["message"].to_string();
    assert!(ended.contains("was told to end"), "{ended}");
    assert_eq!(holder(&scene).await, "01ZZZ eve@elsewhere", "it is left to the other");
}

/// Nothing else happens meanwhile that the run would write down.
async fn what_is_deleted_of_the_record_comes_back(scene: &Scene) {
    let records: Api<ConfigMap> = Api::namespaced(scene.outage.bed.admin(), "kube-system");
    let was = records.get("gitops-dr").await.unwrap().data.unwrap();
    records.delete("gitops-dr", &DeleteParams::default()).await.unwrap();
    let back = async {
        loop {
            if let Some(map) = records.get_opt("gitops-dr").await.unwrap() {
                return map.data.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let back = tokio::time::timeout(Duration::from_mins(2), back).await;
    let back = back.expect("the record does not come back");
    // What was not written yet is in it, too.
    assert!(back["events"].starts_with(&was["events"]), "{back:?}, not {was:?}");
}

#[tokio::test]
async fn of_two_operators_who_begin_at_once_exactly_one_goes_on() {
    let scene = Scene::start().await;
    let colleague = colleague(&scene).await;
    let runbook = scene.outage.runbook("small.yaml", RUNBOOK).unwrap();
    let (one, other) = tokio::join!(run(&scene.tool, &runbook, &[]), run(&colleague, &runbook, &[]),);
    let (winner, loser, user) = if one.code == 0 {
        (one, other, "colleague")
    } else {
        (other, one, testbed::bed::ADMINISTRATOR)
    };
    assert_eq!(winner.code, 0, "{}", winner.said());
    assert_eq!(loser.code, 2, "{}", loser.said());
    let words = ["the cluster is being restored by another", "another run was quicker"];
    assert!(
        words.iter().any(|words| flat(&loser).contains(words)),
        "{}",
        loser.said()
    );
    // One of two who see an empty cluster must try for the Lease and miss it; nothing else may come of it.
    let tried = scene.outage.bed.mutations_by(user).await.unwrap();
    assert!(tried.iter().all(|event| event.code == 409), "{tried:#?}");
    assert_eq!(platform_only(tried), []);
}

#[tokio::test]
async fn a_run_that_was_killed_is_gone_on_with_here_at_once_and_from_elsewhere_by_its_record() {
    let scene = Scene::with(super::broken::with_a_broken_app()).await;
    let runbook = scene.outage.runbook("small.yaml", RUNBOOK).unwrap();
    let mut first = Watched::start(&scene, str::to_owned);
    first
        .until("the first is at work", |event| is_step(event, "started", "apps"))
        .await;
    first.kill().await;
    let run_of_first = name(&first);
    assert!(
        holder(&scene).await.starts_with(&run_of_first),
        "it could not give it back"
    );

    // Here its journal tells that it is dead, so nobody waits for a sign of life.
    let mut second = Watched::start_as(&scene.tool, &runbook, &["--resume"]);
    second
        .until("the second is at work", |event| is_step(event, "started", "apps"))
        .await;
    second.kill().await;
    let notice = |run: &Watched, words: &str| {
        run.position(|event| event["event"] == "noticed" && event["notice"].as_str().unwrap().contains(words))
    };
    assert!(notice(&second, "which ended on this machine without giving it back").is_some());
    let run_of_second = name(&second);
    assert_ne!(run_of_second, run_of_first);

    // Elsewhere there is no journal. The first run's record was overwritten by the second's, which is the one to go on with.
    scene.mend("payments").await;
    let elsewhere = scene.elsewhere();
    let named = run(&elsewhere, &runbook, &[&format!("--resume={run_of_first}")]).await;
    assert_eq!(named.code, 2, "{}", named.said());
    assert!(
        flat(&named).contains(&format!("--resume={run_of_second}")),
        "{}",
        named.said()
    );

    let mut third = Watched::start_as(&elsewhere, &runbook, &["--resume"]);
    assert_eq!(third.end().await, 0, "{}", third.said().await);
    assert!(
        notice(&third, "gave no sign of life for 30s").is_some(),
        "{}",
        third.said().await
    );
    let is_told_before =
        notice(&third, "waiting up to 12s for a sign of life") < notice(&third, "gave no sign of life");
    assert!(is_told_before && notice(&third, "waiting up to 12s").is_some());
    assert!(third.position(|event| node(event, "payments", "ready")).is_some());
    let goes_on = |run: &Watched| {
        let at = run.position(|event| event["event"] == "goes-on").unwrap();
        let event = &run.events[at];
        (
            event["with"].as_str().unwrap().to_owned(),
            event["since_ms"].as_u64().unwrap(),
        )
    };
    let (with, since) = goes_on(&third);
    assert_eq!(with, run_of_second);
    // The same recovery clock: it began with the first run.
    let (with, before) = goes_on(&second);
    assert_eq!(with, run_of_first);
    let worked = second.events.last().unwrap()["elapsed_ms"].as_u64().unwrap();
    assert!(
        since >= before + worked,
        "{since} ms, and not {before} ms and {worked} ms more"
    );
    assert_eq!(holder(&scene).await, "");

    // What has recovered is not gone on with, from wherever.
    let again = run(&scene.elsewhere(), &runbook, &["--resume"]).await;
    assert_eq!(again.code, 2, "{}", again.said());
    assert!(flat(&again).contains("has recovered"), "{}", again.said());
}

#[tokio::test]
async fn an_address_that_comes_to_lead_to_another_cluster_ends_the_run_and_nothing_is_sent_there() {
    let mut scene = Scene::start().await;
    let bed = &scene.outage.bed;
    let (forwarder, twin) = tokio::try_join!(Forwarder::to(bed.port()), bed.twin()).unwrap();
    let kubeconfig = std::fs::read_to_string(bed.kubeconfig()).unwrap();
    let through = kubeconfig.replace(&format!(":{}", bed.port()), &format!(":{}", forwarder.port()));
    assert_ne!(through, kubeconfig);
    let path = scene.tool.home().join("through");
    std::fs::write(&path, through).unwrap();
    scene.tool.set("KUBECONFIG", &path);

    let mut run = Watched::start(&scene, str::to_owned);
    run.until("the ground is being laid", |event| {
        event["family"] == "step" && event["event"] == "started" && event["effect"] == "repeatable"
    })
    .await;
    forwarder.cut();
    let before = scene.mutations().await.len();
    forwarder.lead_to(twin.port());
    assert_eq!(run.end().await, 1, "{}", run.said().await);
    let said = run.events.last().unwrap()["failure"].to_string();
    assert!(said.contains("leads to another cluster now"), "{said}");

    assert!(before > 0, "the first cluster was being restored");
    let asked = twin.audit_log().read().unwrap();
    let asked: Vec<_> = asked
        .iter()
        .filter(|event| event.user == testbed::bed::ADMINISTRATOR)
        .collect();
    assert!(
        asked.iter().any(|event| event.name == "kube-system"),
        "the other was asked who it is"
    );
    let changing: Vec<_> = asked.iter().filter(|event| event.is_mutation()).collect();
    assert!(changing.is_empty(), "{changing:#?}");
    assert!(
        holder(&scene).await.starts_with(&name(&run)),
        "nor was the Lease given back there"
    );
}
