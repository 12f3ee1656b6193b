//! That the bed is honest: what a restore forgets must hurt in it as it would in a cluster. The controls that need a whole
//! restore are beside the other restores, in `restore::honesty`.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bed's start is timed by the real clock and printed; another process is held and killed"
)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::{Pod, Secret};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use kube::runtime::wait::{Condition, await_condition};
use serde_json::json;
use testbed::{Bed, BedOptions};

/// Long enough for a machine that does ten other things.
const PATIENCE: Duration = Duration::from_mins(2);

async fn until(pods: &Api<Pod>, name: &str, condition: impl Condition<Pod>) -> Pod {
    let awaited = tokio::time::timeout(PATIENCE, await_condition(pods.clone(), name, condition));
    awaited.await.expect("the pod gets there in time").unwrap().unwrap()
}

/// Why the first container of a pod waits, as the kubelet says it: reason and message.
fn waiting(pod: Option<&Pod>) -> Option<(String, String)> {
    let state = pod?
        .status
        .as_ref()?
        .container_statuses
        .as_ref()?
        .first()?
        .state
        .as_ref()?
        .waiting
        .clone()?;
    Some((state.reason.unwrap_or_default(), state.message.unwrap_or_default()))
}

fn is_ready(pod: Option<&Pod>) -> bool {
    let conditions = pod.and_then(|pod| pod.status.as_ref()?.conditions.as_ref());
    conditions.is_some_and(|all| all.iter().any(|one| one.type_ == "Ready" && one.status == "True"))
}

#[tokio::test]
async fn a_pod_waits_for_its_secret_and_the_tools_user_has_no_right_that_was_not_given() {
    let started = Instant::now();
    let bed = Bed::start(BedOptions::default()).await.unwrap();
    println!(
        "the bed was ready after {:.1} s, with the wait for its place among other beds",
        started.elapsed().as_secs_f32()
    );
    a_pod_waits_for_its_secret(&bed).await;
    the_tools_user_lives_by_its_rights(&bed).await;
}

async fn a_pod_waits_for_its_secret(bed: &Bed) {
    let pods: Api<Pod> = Api::namespaced(bed.admin(), "default");
    let pod = serde_json::from_value(json!({
        "metadata": {"name": "needy"},
        "spec": {"containers": [{
            "name": "main",
            "image": "redis:7",
            "env": [{"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "lost", "key": "word"}}}],
        }]},
    }));
    pods.create(&PostParams::default(), &pod.unwrap()).await.unwrap();
    let refused = |pod: Option<&Pod>| waiting(pod).is_some_and(|(reason, _)| reason == "CreateContainerConfigError");
    let pod = until(&pods, "needy", refused).await;
    assert!(!is_ready(Some(&pod)));
    assert_eq!(waiting(Some(&pod)).unwrap().1, "secret \"lost\" not found");

    let secrets: Api<Secret> = Api::namespaced(bed.admin(), "default");
    let secret = serde_json::from_value(json!({"metadata": {"name": "lost"}, "stringData": {"word": "found"}}));
    secrets.create(&PostParams::default(), &secret.unwrap()).await.unwrap();
    let pod = until(&pods, "needy", is_ready).await;
    assert_eq!(waiting(Some(&pod)), None);
}

async fn the_tools_user_lives_by_its_rights(bed: &Bed) {
    let reviews: Api<SelfSubjectReview> = Api::all(bed.client());
    let review = reviews
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await
        .unwrap();
    let user = review.status.unwrap().user_info.unwrap();
    assert_eq!(user.username.as_deref(), Some(testbed::bed::ADMINISTRATOR));
    let groups = user.groups.unwrap_or_default();
    assert!(!groups.iter().any(|group| group == "system:masters"), "{groups:?}");

    // With its one binding gone it may do nothing, which no member of `system:masters` would notice.
    let secrets: Api<Secret> = Api::all(bed.client());
    secrets.list(&ListParams::default()).await.unwrap();
    let bindings: Api<ClusterRoleBinding> = Api::all(bed.admin());
    let given = bindings
        .list(&ListParams::default())
        .await
        .unwrap()
        .into_iter()
        .filter(|binding| {
            let subjects = binding.subjects.iter().flatten();
            subjects
                .into_iter()
                .any(|subject| groups.contains(&subject.name) && !subject.name.starts_with("system:"))
        });
    for binding in given {
        bindings
            .delete(&binding.metadata.name.unwrap(), &DeleteParams::default())
            .await
            .unwrap();
    }
    // The authorizer learns of it by a watch of its own, which nobody else can follow.
    let refused = async {
        loop {
            match secrets.list(&ListParams::default()).await {
                Err(kube::Error::Api(answer)) if answer.code == 403 => break answer.message,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let message = tokio::time::timeout(PATIENCE, refused)
        .await
        .expect("the right is gone in time");
    assert!(message.contains("cannot list resource \"secrets\""), "{message}");
}

/// Not a test by itself: the process that the next test kills while it holds a bed.
#[tokio::test]
#[ignore = "held and killed by the test below it"]
async fn hold_a_bed() {
    let bed = Bed::start(BedOptions::default()).await.unwrap();
    println!("\nfolder={}", bed.kubeconfig().parent().unwrap().display());
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn a_killed_process_leaves_no_server_and_no_folder_behind() {
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "bed::hold_a_bed", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    let folder = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("folder=").map(str::to_owned));
    let folder = folder.expect("the bed starts");
    let servers = processes_of(&folder);
    let names: BTreeSet<_> = servers.iter().map(|(_, name)| name.as_str()).collect();
    for server in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        assert!(names.contains(server), "{server} runs: {names:?}");
    }

    holder.kill().unwrap();
    holder.wait().unwrap();
    // They are nobody's children any more, so their end can only be looked for.
    let started = Instant::now();
    loop {
        let left: Vec<_> = servers.iter().filter(|(id, _)| is_alive(id)).collect();
        if left.is_empty() && !Path::new(&folder).exists() {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "still there: {left:?}, {folder}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The processes that were told of a folder on their command line: their ids, and the role they were started in.
fn processes_of(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let id = entry.file_name().to_string_lossy().into_owned();
        // Most of `/proc` is no process, and any process may end while it is looked at.
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        if line.contains(folder) {
            found.push((id, line.split('\0').nth(1).unwrap_or_default().to_owned()));
        }
    }
    found
}

fn is_alive(id: &str) -> bool {
    // A killed process that nobody has waited for yet is as good as gone.
    std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
