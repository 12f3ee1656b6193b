//! What may not be watched is not seen; that is said once, and keeps nobody from recovering.

use serde_json::Value;
use testbed::proxy::{Asked, Fault};

use crate::restore::scene::Scene;
use crate::restore::watched::Watched;

fn forbidden() -> Fault {
    Fault::Answer {
        status: 403,
        retry_after: None,
        reason: "Forbidden".to_owned(),
        message: "it is forbidden: User \"recovery-admin\" cannot watch it at the cluster scope".to_owned(),
    }
}

fn is_watch_of(asked: &Asked, path: &str) -> bool {
    asked.is_watch() && asked.path == path
}

#[tokio::test]
async fn what_may_not_be_watched_is_said_once_and_keeps_nobody_from_recovering() {
    let mut scene = Scene::start().await;
    let api = scene.outage.bed.proxy().await.unwrap();
    scene.tool.set("KUBECONFIG", api.kubeconfig());
    let refused = [
        api.always(|asked| is_watch_of(asked, "/api/v1/events"), forbidden()),
        api.always(|asked| is_watch_of(asked, "/apis/apps/v1/deployments"), forbidden()),
    ];
    let mut run = Watched::start(&scene, str::to_owned);
    assert_eq!(run.end().await, 0, "{}", run.said().await);
    for words in ["events cannot be watched", "Deployment.apps cannot be watched"] {
        let is_it = |event: &&Value| event["notice"].as_str().is_some_and(|notice| notice.contains(words));
        let count = run.events.iter().filter(is_it).count();
        assert_eq!(count, 1, "{words}: {}", run.said().await);
    }
    assert!(
        refused.iter().all(|met| met.times() <= 3),
        "what is refused is not asked for again and again: {refused:?}"
    );
    let listed = scene.outage.bed.audit().await.unwrap();
    let secrets = listed.iter().filter(|event| {
        event.user == testbed::bed::ADMINISTRATOR && event.resource == "secrets" && event.verb == "watch"
    });
    assert_eq!(secrets.count(), 0, "Secrets are never watched");
}
