//! The host node: a node of the cluster whose pods are real processes of this machine.
//!
//! KWOK alone would call an agent ready while no agent runs. Pods of an image in the table of [`program`] are placed here instead
//! ([`placement`]), and a small kubelet runs the real program with what the pod's spec says: its own ServiceAccount token
//! and files ([`volume`]), environment ([`environment`]), init containers, probes, restarts. So an agent runs only
//! because somebody installed it, and breaks where a binding, a key or a ConfigMap was forgotten.
//!
//! There is no network between pods: each pod has a loopback address and each Service's name leads there ([`network`]), and a mount
//! namespace gives each pod the files that its image would have ([`root`]).

mod container;
mod environment;
mod kubelet;
mod network;
mod node;
mod placement;
mod pod;
mod probe;
mod program;
mod root;
mod source;
mod status;
mod volume;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::control_plane::ControlPlane;
use crate::{Error, Folder, Programs, Result};

/// Name of the node.
pub const NAME: &str = "host";

/// What a bed may ask of its host node.
#[derive(Clone, Debug)]
pub struct Options {
    /// The second number of the loopback addresses 127.N.0.0/16 that are this node's own.
    pub range: u8,
    /// Further names in `/etc/hosts` of every pod, for the servers of a test.
    pub hosts: Vec<(String, IpAddr)>,
    /// Paths of the host that its pods see as well although they have folders such as `/tmp` of their own; for Git repositories on disk.
    pub visible: Vec<PathBuf>,
    /// The first wait before a container that crashed twice is started again; each further one takes twice as long.
    pub crash_backoff: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            range: 16,
            hosts: Vec::new(),
            visible: Vec::new(),
            crash_backoff: Duration::from_secs(1),
        }
    }
}

/// What all pods of the node share.
struct Shared {
    client: Client,
    programs: program::Installed,
    folder: Folder,
    network: network::Network,
    changes: source::Changes,
    api_port: u16,
    options: Options,
}

/// The running node. Dropping it kills its pods.
pub struct HostNode {
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl HostNode {
    /// Registers the node and waits until pods are placed on it.
    pub async fn start(
        programs: &Programs,
        plane: &ControlPlane,
        options: Options,
    ) -> Result<Self> {
        let client = plane.master("testbed:host-node")?.client().await?;
        let folder = Folder::new("pods")?;
        let network = network::Network::new(&folder, options.range, &options.hosts)?;
        let shared = Arc::new(Shared {
            programs: program::Installed::find(programs, &folder)?,
            changes: source::Changes::new(),
            api_port: plane.port(),
            client,
            folder,
            network,
            options,
        });
        let mut node = Self {
            shared,
            stop: CancellationToken::new(),
            tasks: JoinSet::new(),
        };
        node::register(&node.shared.client).await?;
        let shared = &node.shared;
        node.tasks.spawn(node::keep_alive(shared.client.clone()));
        node.tasks.spawn(source::follow(shared.clone()));
        node.tasks.spawn(network::follow(shared.clone()));
        node.tasks
            .spawn(kubelet::run(shared.clone(), node.stop.clone()));
        placement::establish(&shared.client).await?;
        Ok(node)
    }

    /// The loopback address that the newest pod of the Service `name` listens on.
    pub fn address_of(&self, namespace: &str, name: &str) -> Option<Ipv4Addr> {
        self.shared.network.address_of(namespace, name)
    }

    /// The logs of all pods whose name starts with `prefix`, each container's whole output.
    pub fn logs_of(&self, prefix: &str) -> Result<String> {
        let failed = || Error::io(format!("read the logs of {prefix}"));
        let mut text = String::new();
        for pod in std::fs::read_dir(self.shared.folder.path()).map_err(failed())? {
            let pod = pod.map_err(failed())?;
            // The folders are named by namespace, pod and uid.
            let name = pod.file_name().to_string_lossy().into_owned();
            if !name
                .split('_')
                .nth(1)
                .is_some_and(|pod| pod.starts_with(prefix))
            {
                continue;
            }
            for file in std::fs::read_dir(pod.path()).map_err(failed())? {
                let path = file.map_err(failed())?.path();
                if path.extension().is_some_and(|extension| extension == "log") {
                    text.push_str(&String::from_utf8_lossy(
                        &std::fs::read(path).map_err(failed())?,
                    ));
                }
            }
        }
        Ok(text)
    }
}
