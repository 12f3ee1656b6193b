//! The repositories and what is in them.

use testbed::Port;

use super::super::scene::Scene;
use super::judge::{Judge, case, with};
use super::table::{AGENT, GIT, REPOSITORY, pinned};

pub(super) async fn the_wrong_sources(scene: &Scene, judge: &mut Judge) {
    let stopped = format!("http://127.0.0.1:{}/shop/platform.git", Port::free().unwrap().number());
    let store = scene.outage.vault.root();
    let url = scene.platform.url_http();
    store
        .put(
            "dr/wrong-password",
            [("url", url), ("username", "dr"), ("password", "c4n4ry-wrong-password")],
        )
        .await
        .unwrap();
    for case in [
        case(
            "wrong digest",
            AGENT,
            pinned(),
            &["digest", "sha256:0000", "the runbook pins", "put the new digest"],
        ),
        case(
            "wrong path of the agent",
            "bootstrap/argocd}",
            "bootstrap/argo}",
            &[
                "cannot render platform:bootstrap/argo",
                "there is no `bootstrap/argo`",
                "did you mean `argocd`?",
            ],
        ),
        case(
            "wrong path of a root",
            "clusters/prod/root.yaml",
            "clusters/prod/rot.yaml",
            &[
                "cannot read root `root`",
                "there is no `clusters/prod/rot.yaml`",
                "did you mean `root.yaml`?",
            ],
        ),
        case(
            "wrong password",
            REPOSITORY,
            "from: [{vault: dr/wrong-password}]",
            &[
                "cannot fetch source platform",
                "access denied",
                "the secret repo-platform, read from dr/wrong-password in store vault",
            ],
        ),
        case(
            "no Git server",
            GIT,
            stopped,
            &[
                "cannot fetch source platform",
                "unreachable",
                "Connection refused",
                "check that the Git server runs",
                "`mirrors` of source platform",
            ],
        ),
        case(
            "no such repository",
            "shop/platform.git",
            "shop/plattform.git",
            &["no such repository", "check the spelling"],
        ),
        with(
            "no such revision",
            &["--revision", "platform=mian"],
            &[
                "no branch or tag `mian`",
                "did you mean `main`?",
                "--revision platform=…",
            ],
        ),
        with(
            "no such commit",
            &["--revision", "platform=0123456789012345678901234567890123456789"],
            &["there is no commit"],
        ),
    ] {
        judge.refused(scene, &case).await;
    }
}
