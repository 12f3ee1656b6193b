//! All refusals on one cluster, and what this version cannot do.

use super::super::scene::Scene;
use super::judge::{Judge, case, with};
use super::{cluster, secrets, sources};

/// The addresses as the scene's runbook has them.
pub(super) const GIT: &str = "https://git.example.com/shop/platform.git";
pub(super) const VAULT: &str = "https://vault.example.com:8200";
pub(super) const AGENT: &str = "agent: {argocd: {from: {source: platform, path: bootstrap/argocd}}}";
pub(super) const REPOSITORY: &str = "from: [{vault: dr/repo-platform}]";
pub(super) const KEY: &str = "from: [{vault: dr/argocd-secret}]";

#[tokio::test]
async fn what_is_refused_is_explained_and_changes_nothing() {
    let mut scene = Scene::start().await;
    let mut judge = Judge::default();

    cluster::the_wrong_cluster(&mut scene, &mut judge).await;
    cluster::a_cluster_that_is_not_empty(&scene, &mut judge).await;
    cluster::a_namespace_that_is_being_deleted(&scene, &mut judge).await;
    cluster::a_user_without_rights(&scene, &mut judge).await;
    sources::the_wrong_sources(&scene, &mut judge).await;
    secrets::the_wrong_secrets(&mut scene, &mut judge).await;
    what_this_version_cannot_do(&scene, &mut judge).await;

    let changed = scene.mutations().await;
    assert!(changed.is_empty(), "a refusal changed something: {changed:#?}");
    judge.verdict();

    let ran = scene.restore(&["--deadline", "10m"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert!(!scene.mutations().await.is_empty(), "a restore went by unseen");
}

async fn what_this_version_cannot_do(scene: &Scene, judge: &mut Judge) {
    let steps = "roots:\n  - {id: root, source: platform, path: clusters/prod/root.yaml}\nsteps:\n  - {id: mail, after: root, run: {command: [no-such-mailer], env: [NO_SUCH_VARIABLE]}}";
    let root = "roots:\n  - {id: root, source: platform, path: clusters/prod/root.yaml}";
    for case in [
        case("Flux", "agent: {argocd:", "agent: {flux:", &["Argo CD only", "Flux"]),
        case(
            "a program to run",
            root,
            steps,
            &[
                "step mail",
                "NO_SUCH_VARIABLE is not set",
                "no program `no-such-mailer`",
            ],
        ),
        case(
            "a bad runbook",
            "sources:\n  platform: {git:",
            "sauces: {}\nsources:\n  plaftorm: {git:",
            &[
                "unknown",
                "sauces",
                "did you mean `sources`?",
                "no source",
                "did you mean `plaftorm`?",
                "^^^",
                "small.yaml:",
                "refused, nothing was changed",
            ],
        ),
        with(
            "a deadline without unit",
            &["--deadline", "90"],
            &["--deadline", "90s, 30m or 1h 30m"],
        ),
        with(
            "nothing to resume",
            &["--resume=01ARZ3NDEKTSV4RRFFQ69G5FAV"],
            &["there is no run to go on with", "01ARZ3NDEKTSV4RRFFQ69G5FAV"],
        ),
        with(
            "a revision of nothing",
            &["--revision", "apps=main"],
            &["--revision names the source `apps`", "it has: platform"],
        ),
    ] {
        judge.refused(scene, &case).await;
    }
}

pub(super) fn pinned() -> String {
    let digest = format!("sha256:{}", "0".repeat(64));
    AGENT.replace("from: {", &format!("digest: \"{digest}\", from: {{"))
}
