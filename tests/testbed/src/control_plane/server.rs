//! Starting and stopping the four programs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::KeyPair;

use super::audit::{self, AuditLog};
use super::user::User;
use crate::authority::Authority;
use crate::{Error, Folder, Port, Process, Programs, Result};

/// How long any of the programs may take to serve; many times what a slow machine needs.
const START: Duration = Duration::from_mins(2);

/// The group that skips RBAC: for the parts of the testbed, never for what is tested.
const MASTERS: &str = "system:masters";

/// Whether etcd waits until what it has written is on disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Disk {
    Forced,
    Trusted,
}

/// A running control plane. Dropping it kills all of it.
pub struct ControlPlane {
    programs: Programs,
    folder: Folder,
    authority: Arc<Authority>,
    port: Port,
    etcd_port: Port,
    /// Held so that no other bed takes them; the kubelet's port of etcd's peers and the two of the controllers.
    spare_ports: [Port; 3],
    api_server: Option<Process>,
    controllers: Vec<Process>,
    // Last, so that those above it, which need it, end first.
    etcd: Process,
}

impl ControlPlane {
    /// Starts it on free ports and waits until the API server is ready.
    pub async fn start(programs: &Programs) -> Result<Self> {
        Self::start_under(programs, Arc::new(Authority::new("testbed")?), Disk::Trusted).await
    }

    /// The same with an etcd that forces what is written to disk before it answers, as one must whose data are to last: for what is
    /// measured.
    pub async fn start_durable(programs: &Programs) -> Result<Self> {
        Self::start_under(programs, Arc::new(Authority::new("testbed")?), Disk::Forced).await
    }

    /// Starts another one that trusts the same users and is trusted by them: nothing but its content tells them apart.
    pub async fn start_twin(&self) -> Result<Self> {
        Self::start_under(&self.programs, Arc::clone(&self.authority), Disk::Trusted).await
    }

    async fn start_under(programs: &Programs, authority: Arc<Authority>, disk: Disk) -> Result<Self> {
        let folder = Folder::new("cluster")?;
        let port = Port::free()?;
        let etcd_port = Port::free()?;
        let spare_ports = [Port::free()?, Port::free()?, Port::free()?];
        write_files(&folder, &authority)?;
        let etcd = start_etcd(programs, &folder, &etcd_port, &spare_ports[0], disk)?;
        let mut plane = Self {
            programs: programs.clone(),
            folder,
            authority,
            port,
            etcd_port,
            spare_ports,
            api_server: None,
            controllers: Vec::new(),
            etcd,
        };
        plane.start_api_server().await?;
        plane.start_controllers()?;
        Ok(plane)
    }

    /// The address of the API server.
    pub fn server(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The port of the API server, the same over restarts.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The certificate of the authority that signed the API server's, as PEM text.
    pub fn authority(&self) -> &str {
        self.authority.certificate()
    }

    /// The folder of everything that belongs to this control plane.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the log of `program` is.
    pub fn log(&self, program: &str) -> PathBuf {
        self.folder.join(format!("{program}.log"))
    }

    /// What the API server was asked to do so far.
    pub fn audit_log(&self) -> AuditLog {
        AuditLog::new(self.folder.join("audit.log"))
    }

    /// A user with groups; what they may do is up to RBAC.
    pub fn user(&self, name: &str, groups: &[&str]) -> Result<User> {
        Ok(User {
            name: name.to_owned(),
            identity: self.authority.client(name, groups)?,
            server: self.server(),
            authority: self.authority.certificate().to_owned(),
        })
    }

    /// A user of the testbed itself, to whom no RBAC applies.
    pub fn master(&self, name: &str) -> Result<User> {
        self.user(name, &[MASTERS])
    }

    /// Starts the API server (again) on its port and waits until it is ready.
    pub async fn start_api_server(&mut self) -> Result<()> {
        let mut process = Process::spawn(
            "kube-apiserver",
            self.api_server_command()?,
            &self.log("kube-apiserver"),
        )?;
        let client = self.master("testbed:readiness")?.client().await?;
        let started = Instant::now();
        // A server that does not listen yet cannot be watched. Etcd may also be the one to end.
        while !is_ready(&client).await {
            process.still_running()?;
            self.etcd.still_running()?;
            if started.elapsed() > START {
                return Err(Error::TooSlow {
                    what: "the start of kube-apiserver".to_owned(),
                    after: START,
                    log: process.log_tail(20),
                });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.api_server = Some(process);
        Ok(())
    }

    /// Stops the API server and waits for its exit; etcd, the controllers and all nodes go on without it.
    pub async fn stop_api_server(&mut self) -> Result<()> {
        match self.api_server.take() {
            // On its own it would wait a minute for its watches to end, answering nobody meanwhile.
            Some(process) => process.stop_within(Duration::from_secs(1)).await,
            None => Ok(()),
        }
    }

    /// Stops etcd where it is, as a disk that hangs would: it keeps its connections and answers nothing.
    pub fn freeze_etcd(&self) {
        self.etcd.freeze();
    }

    /// Lets etcd go on.
    pub fn thaw_etcd(&self) {
        self.etcd.thaw();
    }

    fn start_controllers(&mut self) -> Result<()> {
        for (index, program) in ["kube-controller-manager", "kube-scheduler"].into_iter().enumerate() {
            let kubeconfig = self.folder.join(format!("{program}.kubeconfig"));
            self.master(&format!("system:{program}"))?
                .write_kubeconfig(&kubeconfig, "testbed")?;
            let mut command = self.programs.control_plane(program)?;
            command
                .arg(format!("--kubeconfig={}", kubeconfig.display()))
                .arg(format!("--secure-port={}", self.spare_ports[index + 1]))
                .args(["--leader-elect=false", "--bind-address=127.0.0.1"])
                .args(["--kube-api-qps=200", "--kube-api-burst=400"])
                .arg(format!("--cert-dir={}", self.folder.join("self-signed").display()));
            if program == "kube-controller-manager" {
                command
                    .arg(self.file("--service-account-private-key-file", "service-accounts.key"))
                    .arg(self.file("--root-ca-file", "ca.crt"))
                    // Those that belong to a cloud, and the one that would give nodes address ranges.
                    .arg("--controllers=*,-nodeipam,-cloud-node-lifecycle-controller,-service-lb-controller,-node-route-controller");
            }
            self.controllers
                .push(Process::spawn(program, command, &self.log(program))?);
        }
        Ok(())
    }

    fn api_server_command(&self) -> Result<Command> {
        let mut command = self.programs.control_plane("kube-apiserver")?;
        command
            .arg(format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port))
            .arg(format!("--secure-port={}", self.port))
            .arg(self.file("--tls-cert-file", "server.crt"))
            .arg(self.file("--tls-private-key-file", "server.key"))
            .arg(self.file("--client-ca-file", "ca.crt"))
            .arg(self.file("--service-account-key-file", "service-accounts.pub"))
            .arg(self.file("--service-account-signing-key-file", "service-accounts.key"))
            .arg(self.file("--audit-policy-file", "audit-policy.yaml"))
            .arg(self.file("--audit-log-path", "audit.log"))
            // One file, never rotated: it is read as a whole.
            .arg("--audit-log-maxsize=100000")
            .args(["--bind-address=127.0.0.1", "--authorization-mode=RBAC"])
            // The address is a loopback one, which the endpoints of the Service `kubernetes` may not have.
            .arg("--endpoint-reconciler-type=none")
            .arg("--service-account-issuer=https://kubernetes.default.svc")
            .arg("--service-cluster-ip-range=10.96.0.0/16")
            // The names of nodes are known to nobody; their addresses lead to whoever plays them.
            .arg("--kubelet-preferred-address-types=InternalIP")
            // The policy that sends pods to the host node.
            .arg("--feature-gates=MutatingAdmissionPolicy=true")
            .arg("--runtime-config=admissionregistration.k8s.io/v1beta1=true");
        Ok(command)
    }

    fn file(&self, flag: &str, name: &str) -> String {
        format!("{flag}={}", self.folder.join(name).display())
    }
}

async fn is_ready(client: &kube::Client) -> bool {
    match http_get("/readyz") {
        Ok(request) => client.request_text(request).await.is_ok(),
        Err(_) => false,
    }
}

/// A request without body for a path outside of any resource.
pub(super) fn http_get(path: &str) -> Result<http::Request<Vec<u8>>> {
    http::Request::get(path)
        .body(Vec::new())
        .map_err(|error| Error::Other(format!("ask the API server for {path}: {error}")))
}

fn write_files(folder: &Folder, authority: &Authority) -> Result<()> {
    let server = authority.server(&[
        "127.0.0.1",
        "localhost",
        "10.96.0.1",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ])?;
    let accounts =
        KeyPair::generate().map_err(|error| Error::Other(format!("make the key of the service accounts: {error}")))?;
    let files = [
        ("ca.crt", authority.certificate().to_owned()),
        ("server.crt", server.certificate),
        ("server.key", server.key),
        ("service-accounts.key", accounts.serialize_pem()),
        ("service-accounts.pub", accounts.public_key_pem()),
        ("audit-policy.yaml", audit::policy()),
    ];
    for (name, content) in files {
        std::fs::write(folder.join(name), content).map_err(Error::io(format!("write {name}")))?;
    }
    Ok(())
}

fn start_etcd(programs: &Programs, folder: &Folder, port: &Port, peer: &Port, disk: Disk) -> Result<Process> {
    let client_url = format!("http://127.0.0.1:{port}");
    let peer_url = format!("http://127.0.0.1:{peer}");
    let mut command = programs.control_plane("etcd")?;
    command
        .arg(format!("--data-dir={}", folder.join("etcd").display()))
        .arg(format!("--listen-client-urls={client_url}"))
        .arg(format!("--advertise-client-urls={client_url}"))
        .arg(format!("--listen-peer-urls={peer_url}"))
        .arg(format!("--initial-advertise-peer-urls={peer_url}"))
        .arg(format!("--initial-cluster=default={peer_url}"))
        .arg("--log-level=warn");
    if disk == Disk::Trusted {
        // A test's cluster need not survive a power cut, and the writes to disk take most of its time.
        command.arg("--unsafe-no-fsync");
    }
    Process::spawn("etcd", command, &folder.join("etcd.log"))
}
