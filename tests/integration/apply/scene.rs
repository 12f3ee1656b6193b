//! A control plane with a proxy before it, and the library connected through that as an administrator who lives by RBAC.

use gitops_dr::cluster::{Cluster, Target};
use gitops_dr::object::{Manifest, Origin};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};
use testbed::control_plane::AuditEvent;
use testbed::{ControlPlane, Programs, Proxy};

/// Who applies.
const OPERATOR: &str = "operator";

pub(super) struct Scene {
    pub(super) proxy: Proxy,
    /// A client of the testbed itself, which is beyond RBAC.
    pub(super) admin: kube::Client,
    witness: kube::Client,
    /// What is tested.
    pub(super) cluster: Cluster,
    pub(super) plane: ControlPlane,
}

impl Scene {
    pub(super) async fn start() -> Self {
        let plane = ControlPlane::start(&Programs::find().unwrap()).await.unwrap();
        let admin = plane.master("testbed:admin").unwrap().client().await.unwrap();
        may_all(&admin).await;
        let user = plane.user(OPERATOR, &[]).unwrap();
        let proxy = Proxy::start(&plane, &user, "new").await.unwrap();
        let target = Target {
            kubeconfig: Some(proxy.kubeconfig().to_owned()),
            context: "new".into(),
        };
        let cluster = Cluster::connect(&target).await.unwrap();
        let witness = plane.user("witness", &[]).unwrap().client().await.unwrap();
        Self {
            proxy,
            admin,
            witness,
            cluster,
            plane,
        }
    }

    /// What the API server was asked by the operator so far. Somebody else marks the end, whose reads are in the log.
    pub(super) async fn asked(&self) -> Vec<AuditEvent> {
        let mut events = self.plane.audit_log().up_to_now(&self.witness).await.unwrap();
        events.retain(|event| event.user == OPERATOR);
        events
    }

    /// The applies of a resource so far, in their order.
    pub(super) async fn applied(&self, resource: &str) -> Vec<AuditEvent> {
        let mut events = self.asked().await;
        events.retain(|event| event.verb == "patch" && event.resource == resource);
        events
    }
}

/// Gives the operator all rights.
pub(super) async fn may_all(admin: &kube::Client) {
    let binding = json!({
        "metadata": {"name": OPERATOR},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": OPERATOR}],
    });
    let bindings: Api<ClusterRoleBinding> = Api::all(admin.clone());
    let binding = serde_json::from_value(binding).unwrap();
    bindings.create(&PostParams::default(), &binding).await.unwrap();
}

pub(super) fn manifest(value: Value) -> Manifest {
    let origin = Origin {
        file: "apps/all.yaml".into(),
        line: 3,
    };
    Manifest::new(value, origin).unwrap()
}

pub(super) fn namespace(name: &str) -> Manifest {
    manifest(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
}

pub(super) fn config_map(namespace: &str, name: &str, word: &str) -> Manifest {
    manifest(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": namespace, "name": name}, "data": {"word": word},
    }))
}

/// A namespace and as many ConfigMaps of a kilobyte in it.
pub(super) fn many(home: &str, count: usize) -> Vec<Manifest> {
    let word = "word ".repeat(200);
    let maps = (0..count).map(|number| config_map(home, &format!("map-{number}"), &word));
    std::iter::once(namespace(home)).chain(maps).collect()
}

/// A CRD that takes anything.
pub(super) fn crd(group: &str, kind: &str) -> Manifest {
    let plural = format!("{}s", kind.to_lowercase());
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    manifest(json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
        },
    }))
}
