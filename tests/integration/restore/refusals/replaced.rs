//! The old cluster, which may not be dead.

use std::time::Duration;

use testbed::{ControlPlane, Proxy, Terminal};

use super::super::scene::{RUNBOOK, Scene};
use super::judge::{Judge, case};

const FENCED: [&str; 2] = ["--fenced", "power off, ticket 4711"];

fn replacing(server: &str) -> String {
    format!("expect: empty, replaces: {{server: \"{server}\"}}")
}

pub(super) async fn the_old_cluster(scene: &mut Scene, old: &mut ControlPlane, judge: &mut Judge) {
    let server = old.server();
    let own = scene.outage.bed.control_plane().server();
    let other_name = own.replace("127.0.0.1", "localhost");
    let alive = [
        "the old cluster https://127.0.0.1",
        "answers: it is not off",
        "power it off, or cut its network",
        "take `replaces` out of the runbook",
    ];
    let none = "nobody says how the old cluster";
    let flag = "--fenced 'power off, ticket 4711'";
    for case in [
        case("the old cluster lives", "expect: empty", replacing(&server), &alive),
        // Whatever is vouched for.
        case(
            "the old cluster lives, by word",
            "expect: empty",
            replacing(&server),
            &alive,
        )
        .given(&FENCED),
        case(
            "the old cluster is the new one",
            "expect: empty",
            replacing(&own),
            &[none, "leads to this very cluster", flag],
        ),
        case(
            "the old cluster is the new one by another name",
            "expect: empty",
            replacing(&other_name),
            &[
                "answers: it is not off",
                "it shows the same certificate as",
                "if that address leads to the new cluster already",
                "take `replaces` out of the runbook",
            ],
        ),
    ] {
        judge.refused(scene, &case).await;
    }

    old.stop_api_server().await.unwrap();
    let silent = ["does not answer", "refused", "no proof that it is off", none, flag];
    judge
        .refused(
            scene,
            &case(
                "the old cluster is silent",
                "expect: empty",
                replacing(&server),
                &silent,
            ),
        )
        .await;
    where_clusters_lead(scene, &server, &own, judge).await;
    // Nobody has ever told it who we are; its own parts speak as what they are.
    let heard = old.audit_log().read().unwrap();
    let stranger = |user: &str| !user.starts_with("system:") && !user.starts_with("testbed:");
    let strangers: Vec<_> = heard.iter().filter(|event| stranger(&event.user)).collect();
    judge.that(strangers.is_empty(), || {
        format!("the old cluster was told who we are: {strangers:#?}")
    });
}

/// Argo CD must not drive the old cluster, one that is never to be touched, or the target a second time.
async fn where_clusters_lead(scene: &Scene, old: &str, own: &str, judge: &mut Judge) {
    let store = scene.outage.vault.root();
    let config = "{\"bearerToken\": \"c4n4ry-bearer\", \"tlsClientConfig\": {\"insecure\": true}}";
    for (name, server) in [("old", old), ("own", own)] {
        let data = [("name", name), ("server", server), ("config", config)];
        store.put(&format!("dr/cluster-{name}"), data).await.unwrap();
    }
    let secret = |name: &str| {
        let key = "from: [{vault: dr/argocd-secret}]";
        (
            key,
            format!("{key}}}\n  edge: {{as: argocd/cluster, from: [{{vault: dr/cluster-{name}}}]"),
        )
    };
    let twice = "this is the target itself, which Argo CD would take for another cluster";
    for (name, which, target, words) in [
        (
            "a cluster secret of the old cluster",
            "old",
            replacing(old),
            "this cluster is replaced",
        ),
        (
            "a cluster secret of a cluster that is never touched",
            "old",
            format!("expect: empty, never: [\"{old}/\"]"),
            "it is on the runbook's `never` list",
        ),
        (
            "a cluster secret of the target",
            "own",
            "expect: empty".to_owned(),
            twice,
        ),
    ] {
        let (from, to) = secret(which);
        let changed = [("expect: empty", target.as_str()), (from, to.as_str())];
        let words = [
            "Argo CD would be led to a cluster that it must not drive",
            "secret edge leads to",
            words,
        ];
        judge.refused_all(scene, &changed, (name, &words), &FENCED).await;
    }
}

/// Where a person is at the terminal the word is asked for; none is a refusal.
pub(super) async fn is_asked_for(scene: &Scene, old: &ControlPlane, answer: &str) -> (i32, String) {
    let runbook = RUNBOOK.replace("expect: empty", &replacing(&old.server()).replace("empty", "adopt"));
    let runbook = scene.outage.runbook("small.yaml", &runbook).unwrap();
    let command = scene
        .tool
        .command(&["restore", runbook.to_str().unwrap(), "--deadline", "7m"]);
    let (mut terminal, mut child) = Terminal::start(command, 32, 200).unwrap();
    let asked = async {
        terminal.until("How was the old cluster").await.unwrap();
        terminal.until("What you say is kept in the journal").await.unwrap();
        terminal.type_line(answer).unwrap();
        terminal.rest().await
    };
    let said = tokio::time::timeout(Duration::from_mins(8), asked).await.unwrap();
    (child.wait().await.unwrap().code().unwrap_or(-1), said)
}

/// By the right word the restore goes on, and the word is journaled.
pub(super) async fn is_fenced_by_word(scene: &Scene, old: &ControlPlane, proxy: &Proxy) {
    let server = old.server();
    let kubeconfig = proxy.kubeconfig().display().to_string();
    let arguments: Vec<&str> = FENCED
        .into_iter()
        .chain(["--deadline", "10m", "--kubeconfig", &kubeconfig])
        .collect();
    let ran = scene
        .restore_with(
            |runbook| runbook.replace("expect: empty", &replacing(&server)),
            &arguments,
        )
        .await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert!(
        ran.said().contains(&format!("vouched for, fenced {server}")),
        "{}",
        ran.said()
    );
    assert!(
        ran.said().contains("s behind ours; its own time is reckoned with"),
        "{}",
        ran.said()
    );
}
