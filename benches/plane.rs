//! A control plane without nodes, for what needs an API server only.

use std::path::PathBuf;

use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use testbed::{ControlPlane, Programs};

use crate::Trouble;

/// The context of the kubeconfig.
pub(crate) const CONTEXT: &str = "bench";

/// A running control plane, and its administrator: one to whom RBAC and flow control apply, as to a person.
pub(crate) struct Plane {
    /// The administrator's.
    pub(crate) kubeconfig: PathBuf,
    /// The API server's.
    pub(crate) port: u16,
    /// A client of the bench itself, to prepare and to look.
    pub(crate) client: Client,
    _servers: ControlPlane,
}

impl Plane {
    pub(crate) async fn start() -> Result<Self, Trouble> {
        let plane = ControlPlane::start_durable(&Programs::find()?).await?;
        let client = plane.master("bench:preparation")?.client().await?;
        let kubeconfig = plane.folder().join("bench.kubeconfig");
        plane
            .user("bench", &["bench-admins"])?
            .write_kubeconfig(&kubeconfig, CONTEXT)?;
        let started = Self {
            kubeconfig,
            port: plane.port(),
            client,
            _servers: plane,
        };
        let group = "rbac.authorization.k8s.io";
        let binding = json!({
            "apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": "bench-admins"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"apiGroup": group, "kind": "Group", "name": "bench-admins"}],
        });
        started
            .put(group, "v1", "ClusterRoleBinding", "clusterrolebindings", &binding)
            .await?;
        Ok(started)
    }

    /// Makes a namespace.
    pub(crate) async fn namespace(&self, name: &str) -> Result<(), Trouble> {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.put("", "v1", "Namespace", "namespaces", &namespace).await
    }

    /// Applies an object that has no namespace.
    pub(crate) async fn put(
        &self,
        group: &str,
        version: &str,
        kind: &str,
        plural: &str,
        object: &Value,
    ) -> Result<(), Trouble> {
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let patch = Patch::Apply(object);
        api.patch(name, &PatchParams::apply("bench").force(), &patch)
            .await
            .map_err(|error| format!("{kind} {name} cannot be made: {error}"))?;
        Ok(())
    }
}
