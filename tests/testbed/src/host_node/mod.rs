//! The host node: a node of the cluster whose pods are real processes of this machine.
//!
//! KWOK alone would call an agent ready while no agent runs. Pods of an image in the table of `program` are placed here instead
//! (`placement`), and a small kubelet runs the real program with what the pod's spec says: its own token
//! and files (`volume`), environment (`environment`), init containers, probes, restarts. So an agent runs only
//! because somebody installed it, and breaks where a binding, a key or a `ConfigMap` was forgotten.
//!
//! There is no network between pods: each pod has a loopback address and each Service's name leads there (`network`), and a mount
//! namespace gives each pod the files that its image would have (`root`).

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
#[cfg(test)]
mod tests;
mod volume;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::runtime::Runtime;

use crate::control_plane::{ControlPlane, User};
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
    /// A runtime of its own: the node goes on while a test blocks its thread, as by waiting for a program it started.
    runtime: Option<Runtime>,
}

impl HostNode {
    /// Registers the node and waits until pods are placed on it.
    pub async fn start(programs: &Programs, plane: &ControlPlane, options: Options) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("host-node")
            .enable_all()
            .build()
            .map_err(Error::io("start the threads of the host node"))?;
        let user = plane.master("testbed:host-node")?;
        let starting = runtime.spawn(begin(programs.clone(), user, plane.port(), options));
        // Kept by the node from here on, so that it ends in the right way should the start fail.
        let failed = |error| Error::Other(format!("start the host node: {error}"));
        match starting.await.map_err(failed) {
            Ok(Ok(shared)) => Ok(Self {
                shared,
                runtime: Some(runtime),
            }),
            Ok(Err(error)) | Err(error) => {
                end(runtime);
                Err(error)
            }
        }
    }

    /// The loopback address of the Service `name`.
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
            if !name.split('_').nth(1).is_some_and(|pod| pod.starts_with(prefix)) {
                continue;
            }
            for file in std::fs::read_dir(pod.path()).map_err(failed())? {
                let path = file.map_err(failed())?.path();
                if path.extension().is_some_and(|extension| extension == "log") {
                    text.push_str(&String::from_utf8_lossy(&std::fs::read(path).map_err(failed())?));
                }
            }
        }
        Ok(text)
    }
}

impl Drop for HostNode {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            end(runtime);
        }
    }
}

async fn begin(programs: Programs, user: User, api_port: u16, options: Options) -> Result<Arc<Shared>> {
    let folder = Folder::new("pods")?;
    let network = network::Network::new(&folder, options.range, &options.hosts, api_port)?;
    let shared = Arc::new(Shared {
        client: user.client().await?,
        programs: program::Installed::find(&programs, &folder)?,
        changes: source::Changes::new(),
        api_port,
        folder,
        network,
        options,
    });
    node::register(&shared.client).await?;
    // They end with the runtime.
    tokio::spawn(node::keep_alive(shared.client.clone()));
    tokio::spawn(source::follow(shared.clone()));
    tokio::spawn(network::follow(shared.clone()));
    tokio::spawn(kubelet::run(shared.clone()));
    placement::establish(&shared.client).await?;
    Ok(shared)
}

/// Drops all tasks of `runtime` and with them their processes. It waits for that on another thread, because a runtime may not be waited for
/// on a thread of another one.
fn end(runtime: Runtime) {
    let waiting = std::thread::spawn(move || runtime.shutdown_timeout(Duration::from_secs(10)));
    // It does not panic; and if it did, the keeper would still clean up.
    waiting.join().ok();
}
