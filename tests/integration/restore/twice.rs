//! What is restored is not restored again.

use super::scene::{Scene, platform_only};

#[tokio::test]
async fn a_second_restore_changes_nothing() {
    let scene = Scene::start().await;
    let first = scene.restore(&["--deadline", "5m"]).await;
    assert_eq!(first.code, 0, "{}", first.said());
    let after_first = scene.mutations().await;
    assert!(!after_first.is_empty(), "the audit log saw the first restore");

    // The runbook expects an empty cluster, and this one is a platform by now: it might be the wrong one.
    let refused = scene.restore(&[]).await;
    assert_eq!(refused.code, 2, "{}", refused.said());
    assert!(refused.err.contains("the cluster is not empty"), "{}", refused.said());
    assert_eq!(
        scene.mutations().await.len(),
        after_first.len(),
        "a refusal changes nothing"
    );

    let second = scene
        .restore_with(
            |runbook| runbook.replace("expect: empty", "expect: adopt"),
            &["--deadline", "5m"],
        )
        .await;
    assert_eq!(second.code, 0, "{}", second.said());
    // That it is at work is all that it writes.
    let after_second = scene.mutations().await.split_off(after_first.len());
    assert!(!after_second.is_empty(), "the audit log saw the Lease");
    assert_eq!(platform_only(after_second), [], "{}", second.said());
}
