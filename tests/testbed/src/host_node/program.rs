//! Which images run as which programs of this machine, and how those are told where to listen.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::{Error, Folder, Port, Programs, Result};

/// Names of the images (their last part, without tag) that have a program here.
pub(super) const IMAGES: [&str; 3] = ["argocd", "redis", "sealed-secrets-controller"];

/// The controller of Sealed Secrets: our name for its program, and its name in the image.
const SEALED_SECRETS: &str = "sealed-secrets";
const CONTROLLER: &str = "controller";

/// Where the pods see the programs.
const PATH: &str = "/testbed/path";
const BIN: &str = "/testbed/bin";

/// The names under which the image of Argo CD has its one program.
const ARGOCD_NAMES: [&str; 10] = [
    "argocd",
    "argocd-server",
    "argocd-repo-server",
    "argocd-cmp-server",
    "argocd-application-controller",
    "argocd-applicationset-controller",
    "argocd-commit-server",
    "argocd-notifications",
    "argocd-git-ask-pass",
    "argocd-k8s-auth",
];

/// A listener of a program, which would else take its port on all addresses and clash with that of the next pod.
#[derive(Clone, Copy)]
enum Listener {
    /// Flag for the address alone; the ports stay as they are.
    Address(&'static str),
    /// Flag for address and port together.
    Both(&'static str, u16),
    /// There is only a flag for the port: a free one is taken, for the port that the pod names.
    Port(&'static str, u16),
}

/// The listeners of each role (Argo CD 3.2.11: `cmd/*/commands/*.go`).
const ROLES: [(&str, &[Listener]); 7] = [
    (
        "argocd-server",
        &[Listener::Address("--address"), Listener::Address("--metrics-address")],
    ),
    (
        "argocd-repo-server",
        &[Listener::Address("--address"), Listener::Address("--metrics-address")],
    ),
    (
        "argocd-application-controller",
        &[Listener::Port("--metrics-port", 8082)],
    ),
    (
        "argocd-applicationset-controller",
        &[
            Listener::Both("--metrics-addr", 8080),
            Listener::Both("--probe-addr", 8081),
            Listener::Both("--webhook-addr", 7000),
        ],
    ),
    ("argocd-notifications", &[Listener::Port("--metrics-port", 9001)]),
    ("redis-server", &[Listener::Address("--bind")]),
    // Sealed Secrets 0.27.1: `pkg/controller/server.go`.
    (
        CONTROLLER,
        &[
            Listener::Both("--listen-addr", 8080),
            Listener::Both("--listen-metrics-addr", 8081),
        ],
    ),
];

/// What a container comes down to on this machine.
pub(super) enum Run {
    /// A program with its arguments, and where it listens.
    Program(Vec<String>, Ports),
    /// Nothing has to be done for it to succeed.
    Nothing,
}

/// Where a program listens for the ports that its pod names.
pub(super) struct Ports {
    address: Ipv4Addr,
    moved: HashMap<u16, Port>,
}

impl Ports {
    /// The address to connect to for `port` of the pod.
    pub(super) fn address(&self, port: u16) -> SocketAddr {
        match self.moved.get(&port) {
            Some(moved) => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), moved.number()),
            None => SocketAddr::new(IpAddr::V4(self.address), port),
        }
    }
}

/// The programs as found on this machine.
pub(super) struct Installed {
    /// Files or folders of the host and where the pods see them.
    mounts: Vec<(PathBuf, String)>,
    redis: PathBuf,
}

impl Installed {
    /// Looks for all of them; `folder` takes a folder of links.
    pub(super) fn find(programs: &Programs, folder: &Folder) -> Result<Self> {
        let links = folder.join("path");
        std::fs::create_dir(&links).map_err(Error::io("make a folder for links"))?;
        let link = |target: &str, name: &str| {
            std::os::unix::fs::symlink(format!("{BIN}/{target}"), links.join(name))
                .map_err(Error::io(format!("make the link {name}")))
        };
        let mut mounts = vec![(links.clone(), PATH.to_owned())];
        // Only tests have the last one; a pod of its image fails without it.
        let optional = programs.built(SEALED_SECRETS).is_ok().then_some(SEALED_SECRETS);
        for program in ["argocd", "helm", "kustomize"].into_iter().chain(optional) {
            // The file itself: what the name leads to may be in a folder that pods do not see.
            let file = programs.built(program)?;
            let file = file.canonicalize().map_err(Error::io(format!("find {program}")))?;
            mounts.push((file, format!("{BIN}/{program}")));
        }
        for name in ["helm", "kustomize"] {
            link(name, name)?;
        }
        for name in ARGOCD_NAMES {
            link("argocd", name)?;
        }
        link(SEALED_SECRETS, CONTROLLER)?;
        Ok(Self {
            mounts,
            redis: Programs::on_path("redis-server")?,
        })
    }

    /// What every pod has mounted for its programs.
    pub(super) fn mounts(&self) -> &[(PathBuf, String)] {
        &self.mounts
    }

    /// The search path in a pod.
    pub(super) fn search_path() -> String {
        format!("{PATH}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    }

    /// The program for a container of `image` with the words of its command and arguments, listening on `address`.
    pub(super) fn run(&self, image: &str, command: &[String], args: &[String], address: Ipv4Addr) -> Result<Run> {
        let mut words = [command, args].concat();
        let is_flag = words.first().is_none_or(|word| word.starts_with('-'));
        if command.is_empty() && is_flag && image_name(image) == "redis" {
            // As the entry point of the image does.
            words.insert(0, "redis-server".to_owned());
        }
        let Some(first) = words.first() else {
            return Err(Error::Other(format!("run {image}: it has no command")));
        };
        let name = Path::new(first)
            .file_name()
            .map_or(String::new(), |name| name.to_string_lossy().into_owned());
        if name == "cp" {
            // The image copies its own program into a folder for another container; ours are there already.
            return Ok(Run::Nothing);
        }
        if ARGOCD_NAMES.contains(&name.as_str()) || name == CONTROLLER {
            words[0] = format!("{PATH}/{name}");
        } else if name == "redis-server" {
            words[0] = self.redis.display().to_string();
        }
        let mut ports = Ports {
            address,
            moved: HashMap::new(),
        };
        let listeners = ROLES
            .iter()
            .find(|(role, _)| *role == name)
            .map_or(&[][..], |(_, listeners)| listeners);
        for listener in listeners {
            match *listener {
                Listener::Address(flag) => words.extend([flag.to_owned(), address.to_string()]),
                Listener::Both(flag, port) => {
                    words.extend([flag.to_owned(), format!("{address}:{port}")]);
                }
                Listener::Port(flag, port) => {
                    let free = Port::free()?;
                    words.extend([flag.to_owned(), free.to_string()]);
                    ports.moved.insert(port, free);
                }
            }
        }
        Ok(Run::Program(words, ports))
    }
}

/// Whether pods with `image` have a program here.
pub(super) fn has_program(image: &str) -> bool {
    IMAGES.contains(&image_name(image))
}

/// `argocd` of `quay.io/argoproj/argocd:v3.2.11`.
fn image_name(image: &str) -> &str {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split([':', '@']).next().unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_by_their_last_part() {
        for image in [
            "quay.io/argoproj/argocd:v3.2.11",
            "redis",
            "a.example:5000/x/redis@sha256:0",
            "docker.io/bitnami/sealed-secrets-controller:0.27.1",
        ] {
            assert!(has_program(image), "{image}");
        }
        for image in [
            "quay.io/argoproj/argocd-image-updater:v1",
            "redis/insight:2",
            "ghcr.io/dexidp/dex:v2",
        ] {
            assert!(!has_program(image), "{image}");
        }
    }
}
