//! A bed: a cluster for one test.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule};
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::control_plane::{AuditEvent, ControlPlane, User};
use crate::host_node::{self, HostNode};
use crate::kwok::Kwok;
use crate::{Error, Programs, Proxy, Result};

/// The user that the tool under test is: an administrator to whom RBAC and flow control apply, unlike `system:masters`.
pub const ADMINISTRATOR: &str = "recovery-admin";
const ADMINISTRATORS: &str = "recovery-admins";

/// Places have the networks 127.16.0.0/16 and up.
const FIRST_RANGE: u8 = 16;

/// What a bed takes with all of Argo CD running in it.
const MEMORY_KIB: u64 = 1200 * 1024;

/// What a bed is to be like.
#[derive(Clone, Debug)]
pub struct BedOptions {
    /// Name of the context in the kubeconfig.
    pub context: String,
    /// How many simulated nodes it has.
    pub simulated_nodes: usize,
    /// The host node; its `range` is chosen by the bed.
    pub host: host_node::Options,
}

impl Default for BedOptions {
    fn default() -> Self {
        Self {
            context: "testbed".to_owned(),
            simulated_nodes: 2,
            host: host_node::Options::default(),
        }
    }
}

/// A running cluster: control plane, simulated nodes, host node. Dropping it ends all of it.
pub struct Bed {
    // In the order in which they are to end.
    host: HostNode,
    _kwok: Kwok,
    plane: ControlPlane,
    admin: Client,
    client: Client,
    kubeconfig: PathBuf,
    context: String,
    _slot: Slot,
}

impl Bed {
    /// Starts a bed, after waiting for room on this machine, and returns when pods can be created in it.
    pub async fn start(options: BedOptions) -> Result<Self> {
        let programs = Programs::find()?;
        let slot = Slot::take().await?;
        let plane = ControlPlane::start(&programs).await?;
        let admin = plane.master("testbed:admin")?.client().await?;
        bind(&admin, ADMINISTRATORS, "Group", "cluster-admin").await?;
        let administrator = plane.user(ADMINISTRATOR, &[ADMINISTRATORS])?;
        let kubeconfig = plane.folder().join("kubeconfig");
        administrator.write_kubeconfig(&kubeconfig, &options.context)?;
        let client = administrator.client().await?;
        let host = host_node::Options {
            range: slot.range(),
            ..options.host
        };
        let (kwok, host) = tokio::try_join!(
            Kwok::start(&programs, &plane, options.simulated_nodes),
            HostNode::start(&programs, &plane, host)
        )?;
        Ok(Self {
            host,
            _kwok: kwok,
            plane,
            admin,
            client,
            kubeconfig,
            context: options.context,
            _slot: slot,
        })
    }

    /// The tool's kubeconfig: user [`ADMINISTRATOR`], the context as chosen.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A client of the user [`ADMINISTRATOR`].
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The user that the tool is: [`ADMINISTRATOR`] with the group that has the rights.
    pub fn administrator(&self) -> Result<User> {
        self.plane.user(ADMINISTRATOR, &[ADMINISTRATORS])
    }

    /// Starts a proxy before the API server for the tool's user; [`Proxy::kubeconfig`] leads through it, by the same context.
    pub async fn proxy(&self) -> Result<Proxy> {
        Proxy::start(&self.plane, &self.administrator()?, &self.context).await
    }

    /// A client of the bed itself, for what a test prepares and looks up: another user in the audit log, and beyond RBAC.
    pub fn admin(&self) -> Client {
        self.admin.clone()
    }

    /// The control plane, to stop parts of it or to read its logs.
    pub fn control_plane(&mut self) -> &mut ControlPlane {
        &mut self.plane
    }

    /// Starts the control plane of another cluster in which the tool's user has the same rights: where the address of this one
    /// might come to lead.
    pub async fn twin(&self) -> Result<ControlPlane> {
        let twin = self.plane.start_twin().await?;
        let admin = twin.master("testbed:admin")?.client().await?;
        bind(&admin, ADMINISTRATORS, "Group", "cluster-admin").await?;
        Ok(twin)
    }

    /// The port of the API server.
    pub fn port(&self) -> u16 {
        self.plane.port()
    }

    /// The node that runs agents.
    pub fn host_node(&self) -> &HostNode {
        &self.host
    }

    /// The output of all pods of the host node whose name starts with `prefix`, such as `argocd-repo-server`.
    pub fn logs_of(&self, prefix: &str) -> Result<String> {
        self.host.logs_of(prefix)
    }

    /// A user who may do what `rules` say in the whole cluster and nothing else, with a kubeconfig in the bed's folder.
    pub async fn limited_user(&self, name: &str, rules: Vec<PolicyRule>) -> Result<(User, PathBuf)> {
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": name}, "rules": rules,
        });
        let api: Api<ClusterRole> = Api::all(self.admin());
        api.patch(name, &PatchParams::apply("testbed").force(), &Patch::Apply(&role))
            .await
            .map_err(Error::kube(format!("make the role {name}")))?;
        bind(&self.admin, name, "User", name).await?;
        let user = self.plane.user(name, &[])?;
        let kubeconfig = self.plane.folder().join(format!("{name}.user.kubeconfig"));
        user.write_kubeconfig(&kubeconfig, name)?;
        Ok((user, kubeconfig))
    }

    /// All requests answered before this call. The API server writes a request down after it answered it, so this sends one of its
    /// own and waits until that is written.
    pub async fn audit(&self) -> Result<Vec<AuditEvent>> {
        self.plane.audit_log().up_to_now(&self.client).await
    }

    /// The requests of `user` so far that were meant to change something; see [`AuditEvent::is_mutation`].
    pub async fn mutations_by(&self, user: &str) -> Result<Vec<AuditEvent>> {
        let mut events = self.audit().await?;
        events.retain(|event| event.user == user && event.is_mutation());
        Ok(events)
    }
}

pub(crate) async fn bind(admin: &Client, subject: &str, kind: &str, role: &str) -> Result<()> {
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": subject},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": subject}],
    });
    let bindings: Api<ClusterRoleBinding> = Api::all(admin.clone());
    bindings
        .patch(subject, &PatchParams::apply("testbed").force(), &Patch::Apply(&binding))
        .await
        .map_err(Error::kube(format!("give {subject} its rights")))
        .map(drop)
}

/// One of the places for beds on this machine, which all test processes of all its users share: as many as it has room for. Who listens on
/// the first address of a place has it; the kernel gives it back when the process ends.
struct Slot {
    number: u8,
    _taken: TcpListener,
}

/// Outside of the range of [`crate::Port`] and of that for outgoing connections.
const SLOT_PORT: u16 = 19_999;

impl Slot {
    async fn take() -> Result<Self> {
        let count = slots()?;
        loop {
            for number in 0..count {
                let address = Ipv4Addr::new(127, FIRST_RANGE + number, 0, 1);
                if let Ok(taken) = TcpListener::bind((address, SLOT_PORT)) {
                    return Ok(Self { number, _taken: taken });
                }
            }
            // The end of another process cannot be awaited.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The second number of the place's own network.
    fn range(&self) -> u8 {
        FIRST_RANGE + self.number
    }
}

/// `GITOPS_DR_TESTBED_BEDS`, or else by the memory and the processors of the machine.
fn slots() -> Result<u8> {
    if let Some(count) = std::env::var("GITOPS_DR_TESTBED_BEDS")
        .ok()
        .and_then(|text| text.parse().ok())
    {
        return Ok(count);
    }
    let text = std::fs::read_to_string("/proc/meminfo").map_err(Error::io("read the size of the memory"))?;
    let total = text.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?
            .trim()
            .strip_suffix(" kB")?
            .parse::<u64>()
            .ok()
    });
    // Half of it is left to the compiler, the page cache and everybody else. And more than two for a processor only wait for each other.
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let count = (total.unwrap_or(0) / 2 / MEMORY_KIB).min(2 * processors as u64);
    Ok(u8::try_from(count.clamp(1, 100)).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
    use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod};
    use kube::ResourceExt;
    use kube::api::{ListParams, PostParams};
    use kube::runtime::wait::{await_condition, conditions::is_deleted};

    use super::*;

    fn parse<T: serde::de::DeserializeOwned>(object: serde_json::Value) -> T {
        serde_json::from_value(object).unwrap()
    }

    fn is_ready(pod: Option<&Pod>) -> bool {
        let conditions = pod
            .and_then(|pod| pod.status.as_ref())
            .and_then(|status| status.conditions.as_ref());
        conditions
            .into_iter()
            .flatten()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
    }

    #[tokio::test]
    async fn every_change_by_the_administrator_is_on_record_and_nothing_else() {
        let bed = Bed::start(BedOptions::default()).await.unwrap();
        assert_eq!(bed.mutations_by(ADMINISTRATOR).await.unwrap(), []);
        let maps: Api<ConfigMap> = Api::namespaced(bed.client(), "default");
        let map: ConfigMap = parse(json!({"metadata": {"name": "shop"}}));
        let dry_run = PostParams {
            dry_run: true,
            field_manager: None,
        };
        maps.create(&dry_run, &map).await.unwrap();
        let review = parse(json!({"spec": {"resourceAttributes": {"verb": "*", "group": "*", "resource": "*"}}}));
        let reviews: Api<SelfSubjectAccessReview> = Api::all(bed.client());
        assert!(
            reviews
                .create(&PostParams::default(), &review)
                .await
                .unwrap()
                .status
                .unwrap()
                .allowed
        );
        assert_eq!(bed.mutations_by(ADMINISTRATOR).await.unwrap(), []);
        maps.create(&PostParams::default(), &map).await.unwrap();
        let events = bed.mutations_by(ADMINISTRATOR).await.unwrap();
        let told: Vec<_> = events
            .iter()
            .map(|event| (&*event.verb, &*event.resource, &*event.name, event.code))
            .collect();
        assert_eq!(told, [("create", "configmaps", "shop", 201)]);
    }

    #[tokio::test]
    async fn a_limited_user_may_do_what_its_rules_say_and_no_more() {
        let bed = Bed::start(BedOptions::default()).await.unwrap();
        let rules = parse(json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]));
        let (user, kubeconfig) = bed.limited_user("reader", rules).await.unwrap();
        assert!(kubeconfig.exists());
        let client = user.client().await.unwrap();
        Api::<Pod>::all(client.clone())
            .list(&ListParams::default())
            .await
            .unwrap();
        let refusal = Api::<Node>::all(client).list(&ListParams::default()).await.unwrap_err();
        assert!(matches!(refusal, kube::Error::Api(answer) if answer.code == 403));
    }

    #[tokio::test]
    async fn the_api_server_comes_back_and_the_cluster_goes_on() {
        let mut bed = Bed::start(BedOptions::default()).await.unwrap();
        bed.control_plane().stop_api_server().await.unwrap();
        let pods: Api<Pod> = Api::namespaced(bed.client(), "default");
        assert!(pods.list(&ListParams::default()).await.is_err());
        bed.control_plane().start_api_server().await.unwrap();
        // One pod for each kind of node: KWOK and the host node have both found their way back.
        for (name, image) in [("simulated", "nginx:1"), ("host", "redis:8")] {
            let probe = json!({"tcpSocket": {"port": 6379}});
            let container = json!({"name": "x", "image": image, "readinessProbe": probe});
            let pod = json!({"metadata": {"name": name}, "spec": {"containers": [container]}});
            pods.create(&PostParams::default(), &parse(pod)).await.unwrap();
            await_condition(pods.clone(), name, is_ready).await.unwrap();
            let node = pods.get(name).await.unwrap().spec.unwrap().node_name.unwrap();
            assert!(node.starts_with(name), "{name} is on {node}");
        }
        assert!(bed.logs_of("host").unwrap().contains("Ready to accept connections"));
        // Deleted as a kubelet does it: the process has ended when the object is gone.
        let uid = pods.get("host").await.unwrap().uid().unwrap();
        pods.delete("host", &kube::api::DeleteParams::default()).await.unwrap();
        await_condition(pods.clone(), "host", is_deleted(&uid)).await.unwrap();
        assert!(bed.logs_of("host").unwrap().contains("ready to exit, bye bye"));
    }
}
