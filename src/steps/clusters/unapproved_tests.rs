use serde_json::json;

use super::*;
use crate::platform::argocd::decide::AwayState;

fn edge() -> Away {
    Away {
        cluster: "edge".to_owned(),
        name: "edge-1".to_owned(),
        servers: vec!["https://edge.example.com:6443".to_owned()],
        state: AwayState::Held,
    }
}

fn secret(name: &str, server: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": name, "namespace": "argocd", "labels": {TYPE: "cluster"}},
        "data": {"server": STANDARD.encode(server)},
    })
}

#[test]
fn what_in_git_would_connect_a_survivor_is_found() {
    let held = [edge()];
    let own = |_: &Away| Some("cluster-edge".to_owned());
    let of = |object: &Value| connected_by(object, &held, own).map(|leads| leads != Leads::Unknown);
    let mut plain = secret("spare", "");
    plain["data"] = Value::Null;
    plain["stringData"] = json!({"server": "https://edge.example.com:6443/"});
    let mut unlabelled = secret("spare", "https://edge.example.com:6443");
    unlabelled["metadata"]["labels"] = Value::Null;
    let external = |target: &str, template: Value| {
        json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "from-store"},
            "spec": {"target": {"name": target, "template": template}},
        })
    };
    let labelled = |server: &str| json!({"metadata": {"labels": {TYPE: "cluster"}}, "data": {"server": server}});
    let sealed = json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "cluster-edge"},
        "spec": {"encryptedData": {}},
    });
    let set = json!({
        "kind": "ApplicationSet", "metadata": {"name": "all"},
        "spec": {"generators": [{"clusters": {"selector": {"matchLabels": {TYPE: "cluster"}}}}]},
    });
    for (object, expected) in [
        (secret("spare", "https://EDGE.example.com:6443/"), Some(true)),
        (plain, Some(true)),
        (secret("spare", "https://other.example.com"), None),
        (unlabelled, None),
        (secret("cluster-edge", "https://other.example.com"), Some(true)),
        (external("cluster-edge", json!({})), Some(true)),
        (external("spare", labelled("https://edge.example.com:6443")), Some(true)),
        (external("spare", labelled("{{ .server }}")), Some(false)),
        (external("spare", json!({})), None),
        (sealed, Some(true)),
        (set, None),
    ] {
        assert_eq!(of(&object), expected, "{object}");
    }
}

#[test]
fn a_connection_that_no_restore_has_made_is_known_by_who_made_it() {
    let managed = |mut secret: Value, manager: &str| {
        secret["metadata"]["managedFields"] = json!([{"manager": manager}]);
        secret
    };
    let there = "https://edge.example.com:6443/";
    for (live, expected) in [
        (vec![], None),
        (vec![secret("other", "https://other.example.com")], None),
        (vec![managed(secret("cluster-edge", there), MANAGER)], Some(true)),
        (vec![managed(secret("cluster-edge", there), "kubectl")], Some(false)),
        (vec![managed(secret("spare", there), MANAGER)], Some(false)),
        // Beside ours there is another, which is not ours to have made.
        (
            vec![
                managed(secret("cluster-edge", there), MANAGER),
                managed(secret("spare", there), "argocd-server"),
            ],
            Some(false),
        ),
    ] {
        let found = connected_live(&live, &edge(), Some("cluster-edge"));
        assert_eq!(found.map(|(_, by_us)| by_us), expected, "{live:?}");
    }
}
