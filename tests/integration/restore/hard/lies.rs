//! Where the script says that all is back and it is not.

use std::time::Duration;

use super::super::scene::{Scene, application, deployment, files};
use super::super::waiting;
use super::script::{Ended, lay_out};
use super::world::verdicts;

/// A set of two apps, of which one is slow. What we do there is held by `policy.rs`: late children are waited for.
fn platform() -> Vec<(String, String)> {
    let file = |name: &str, text: String| (name.to_owned(), text);
    let mut all = files();
    all.extend([
        file("apps/reports.yaml", application("reports", "reports", "reports")),
        file("apps/shards.yaml", waiting::set("{name: a}, {name: b}")),
        file("reports/deployment.yaml", deployment("reports")),
        file("shard-a/deployment.yaml", deployment("shard")),
        file("shard-b/deployment.yaml", waiting::deployment("shard")),
    ]);
    all
}

/// Whoever counts the Applications that are in Git, as one can, does not count those that a set makes.
#[tokio::test]
async fn the_script_ends_well_while_what_a_set_makes_is_not_back() {
    let scene = Scene::with(platform()).await;
    let laid = lay_out(&scene, &platform());
    let counted = platform()
        .iter()
        .filter(|(_, text)| text.contains("\nkind: Application\n"))
        .count();
    let ended = laid.run(counted, Duration::from_mins(10)).await;
    assert!(matches!(ended, Ended::With(0)), "{ended:?}: {}", laid.said());
    let verdicts = verdicts(&scene).await;
    let is_back = verdicts
        .iter()
        .any(|verdict| verdict == "argocd/shard-b: Synced Healthy");
    assert!(
        !is_back,
        "its Deployment waits for a Secret that nobody has made: {verdicts:?}"
    );

    // It cannot be run again, either: what it has done it does not look at.
    let again = laid.run(counted, Duration::from_mins(1)).await;
    assert!(matches!(again, Ended::With(1)), "{again:?}");
    assert!(
        laid.said().contains("namespaces \"argocd\" already exists"),
        "{}",
        laid.said()
    );
}
