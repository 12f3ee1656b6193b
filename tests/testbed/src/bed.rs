//! A bed: a cluster for one test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule};
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::control_plane::{AuditEvent, ControlPlane, User};
use crate::host_node::{self, HostNode};
use crate::kwok::Kwok;
use crate::{Error, Programs, Result, port};

/// The user that the tool under test is: an administrator to whom RBAC and flow control apply, unlike `system:masters`.
pub const ADMINISTRATOR: &str = "recovery-admin";
const ADMINISTRATORS: &str = "recovery-admins";

/// What a bed takes at most, with Argo CD running in it.
const MEMORY_KIB: u64 = 900 * 1024;

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

    /// A client of the bed itself, for what a test prepares and looks up: another user in the audit log, and beyond RBAC.
    pub fn admin(&self) -> Client {
        self.admin.clone()
    }

    /// The control plane, to stop parts of it or to read its logs.
    pub fn control_plane(&mut self) -> &mut ControlPlane {
        &mut self.plane
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
        let mark = format!(
            "/version?mark={}",
            std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos())
        );
        let request = http::Request::get(&mark)
            .body(Vec::new())
            .map_err(|error| Error::Other(format!("mark the audit log: {error}")))?;
        self.client
            .request_text(request)
            .await
            .map_err(Error::kube("mark the audit log"))?;
        for _ in 0..1000 {
            let mut events = self.plane.audit_log().read()?;
            if events.iter().any(|event| event.uri == mark) {
                events.retain(|event| !event.uri.starts_with("/version?mark="));
                return Ok(events);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(Error::TooSlow {
            what: "the audit log".to_owned(),
            after: Duration::from_secs(10),
            log: String::new(),
        })
    }

    /// The requests of `user` so far that were meant to change something; see [`AuditEvent::is_mutation`].
    pub async fn mutations_by(&self, user: &str) -> Result<Vec<AuditEvent>> {
        let mut events = self.audit().await?;
        events.retain(|event| event.user == user && event.is_mutation());
        Ok(events)
    }
}

async fn bind(admin: &Client, subject: &str, kind: &str, role: &str) -> Result<()> {
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

/// One of the places for beds on this machine, which all test processes share: as many as there is memory for.
struct Slot {
    number: u8,
    _lock: File,
}

impl Slot {
    async fn take() -> Result<Self> {
        let count = slots()?;
        loop {
            for number in 0..count {
                if let Some(lock) = port::try_lock(&format!("bed-{number}"))? {
                    return Ok(Self { number, _lock: lock });
                }
            }
            // The lock of another process can be awaited only one at a time.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// 127.16.0.0/16 and up, a network for each place.
    fn range(&self) -> u8 {
        16 + self.number
    }
}

/// `GITOPS_DR_TESTBED_BEDS`, or else by the memory of the machine.
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
    // Half of it is left to the compiler, the page cache and everybody else.
    let count = total.unwrap_or(0) / 2 / MEMORY_KIB;
    Ok(u8::try_from(count.clamp(1, 100)).unwrap_or(1))
}
