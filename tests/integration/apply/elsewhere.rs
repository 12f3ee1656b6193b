//! An address that comes to lead to another cluster while nothing is asked.

use gitops_dr::cluster::{ErrorKind, Mode};

use super::scene::{Scene, config_map, may_all};

#[tokio::test]
async fn what_an_address_leads_to_after_it_was_moved_gets_nothing() {
    let scene = Scene::start().await;
    let twin = scene.plane.start_twin().await.unwrap();
    let admin = twin.master("testbed:admin").unwrap().client().await.unwrap();
    may_all(&admin).await;
    let user = twin.user("operator", &[]).unwrap();
    let map = |name: &str| [config_map("default", name, "x")];
    scene
        .cluster
        .apply_ranked(&map("before"), "default", Mode::Fresh)
        .await
        .unwrap();
    // In the very moment, with nothing asked meanwhile.
    scene.proxy.lead_to(&user).unwrap();
    let error = scene
        .cluster
        .apply_ranked(&map("after"), "default", Mode::Fresh)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OtherCluster, "{error:?}");
    let made = map("made").into_iter().next().unwrap();
    let error = scene.cluster.create(&made.id(), made.value()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OtherCluster, "{error:?}");
    let witness = twin.user("witness", &[]).unwrap().client().await.unwrap();
    let asked = twin.audit_log().up_to_now(&witness).await.unwrap();
    let changes: Vec<_> = asked
        .iter()
        .filter(|event| event.user == "operator" && event.is_mutation())
        .collect();
    assert!(changes.is_empty(), "{changes:?}");
    assert!(
        asked.iter().any(|event| event.user == "operator"),
        "the guard asked who it is"
    );
}
