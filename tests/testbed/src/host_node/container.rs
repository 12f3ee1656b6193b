//! One container: made when its values are there, run, probed, and started again when it ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, Pod};
use kube::ResourceExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::environment::{self, expand};
use super::program::{Installed, Ports, Run};
use super::root::Root;
use super::source;
use super::status::{self, ContainerView, Ended, State, View};
use super::{Shared, probe};
use crate::process::{Process, log_tail};

/// No wait between two starts is longer; and a container that ran for this long starts over with the short one.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// A container of a pod on this node.
pub(super) struct Runner<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) pod: &'a Pod,
    pub(super) container: &'a Container,
    /// Its place among the init containers, or else among the containers.
    pub(super) index: usize,
    pub(super) is_init: bool,
    pub(super) view: &'a watch::Sender<View>,
    /// The folder of the pod.
    pub(super) folder: &'a Path,
    pub(super) address: std::net::Ipv4Addr,
    pub(super) stop: &'a CancellationToken,
}

enum Outcome {
    Ended(Ended),
    Stopped,
}

impl Runner<'_> {
    /// Runs it until it ends for good: an init container by success, another when its pod's restart policy says so. Gives
    /// the exit status, or nothing if the pod was stopped first.
    pub(super) async fn run(&self) -> Option<i32> {
        let policy = self.pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref());
        let mut backoff = Duration::ZERO;
        loop {
            let begun = Instant::now();
            let Outcome::Ended(ended) = self.attempt().await else {
                return None;
            };
            let code = ended.code;
            let is_final = match policy {
                Some("Never") => true,
                Some("OnFailure") => code == 0,
                _ => self.is_init && code == 0,
            };
            self.update(|view| {
                view.ready = self.is_init && code == 0;
                view.state = State::Ended(ended.clone());
                view.last = None;
            });
            if is_final {
                return Some(code);
            }
            if begun.elapsed() > LONGEST_BACKOFF {
                backoff = Duration::ZERO;
            }
            self.back_off(backoff, ended).await?;
            backoff = (backoff * 2).clamp(self.shared.options.crash_backoff, LONGEST_BACKOFF);
        }
    }

    /// Waits before the next start; nothing if the pod is stopped meanwhile. The first start again comes at once, as in the kubelet.
    async fn back_off(&self, pause: Duration, ended: Ended) -> Option<()> {
        if !pause.is_zero() {
            let message = format!(
                "back-off {}s restarting failed container={} pod={}_{}({})",
                pause.as_secs(),
                self.container.name,
                self.pod.name_any(),
                self.pod.namespace().unwrap_or_default(),
                self.pod.uid().unwrap_or_default()
            );
            self.update(|view| {
                view.state = State::Waiting {
                    reason: "CrashLoopBackOff",
                    message: message.clone(),
                }
            });
            self.update(|view| view.last = Some(ended.clone()));
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.update(|view| {
            view.restarts += 1;
            view.last = Some(ended.clone());
        });
        Some(())
    }

    /// One life of the container.
    async fn attempt(&self) -> Outcome {
        let started = Timestamp::now();
        let Some(environment) = self.environment().await else {
            return Outcome::Stopped;
        };
        let end = |code, message| {
            Outcome::Ended(Ended {
                code,
                message,
                started,
                finished: Timestamp::now(),
            })
        };
        let (process, ports) = match self.start(environment) {
            Ok(Some(started)) => started,
            Ok(None) => return end(0, String::new()),
            // As a kubelet says it when a container cannot be made: exit status 128.
            Err(error) => return end(128, error.to_string()),
        };
        self.update(|view| view.state = State::Running { since: started });
        self.watch(process, &ports)
            .await
            .map_or(Outcome::Stopped, |code| end(code, log_tail(&self.log(), 1)))
    }

    /// The exit status of `process`, or nothing when it was stopped.
    async fn watch(&self, mut process: Process, ports: &Ports) -> Option<i32> {
        let set_ready = |ready| {
            if !self.is_init {
                self.update(|view| view.ready = ready);
            }
        };
        let status = tokio::select! {
            status = process.exited() => Some(status),
            () = probe::follow(self.container, ports, set_ready) => None,
            () = self.stop.cancelled() => None,
        };
        if let Some(status) = status {
            // Without an exit status it was killed, which is 128 and the number of the signal.
            return Some(status.ok().and_then(|status| status.code()).unwrap_or(137));
        }
        let spec = self.pod.spec.as_ref();
        let grace = spec
            .and_then(|spec| spec.termination_grace_period_seconds)
            .unwrap_or(30);
        let grace = Duration::from_secs(u64::try_from(grace).unwrap_or(30).min(10));
        process.stop_within(grace).await.ok();
        None
    }

    /// Its variables, as soon as all that they are taken from exists; nothing if the pod is stopped first.
    async fn environment(&self) -> Option<BTreeMap<String, String>> {
        let spec = self.pod.spec.as_ref()?;
        let namespace = self.pod.namespace().unwrap_or_default();
        let mut changes = self.shared.changes.subscribe(&namespace, source::references(spec));
        let mut told = String::new();
        loop {
            let resolved = environment::resolve(&self.shared.client, self.pod, self.container, self.base()).await;
            let message = match resolved {
                Ok(environment) => return Some(environment),
                Err(error) => error.to_string(),
            };
            if message != told {
                self.update(|view| {
                    view.state = State::Waiting {
                        reason: "CreateContainerConfigError",
                        message: message.clone(),
                    };
                });
                status::warn(&self.shared.client, self.pod, "Failed", &format!("Error: {message}")).await;
                told = message;
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = changes.changed(Duration::from_secs(5)) => {}
            }
        }
    }

    /// What the image and the kubelet set.
    fn base(&self) -> BTreeMap<String, String> {
        [
            ("PATH", Installed::search_path()),
            ("HOME", "/home/argocd".to_owned()),
            ("USER", "argocd".to_owned()),
            // The image brings gpg and its wrappers; whether this machine has them must not matter.
            ("ARGOCD_GPG_ENABLED", "false".to_owned()),
            ("HOSTNAME", self.pod.name_any()),
            ("KUBERNETES_SERVICE_HOST", "127.0.0.1".to_owned()),
            ("KUBERNETES_SERVICE_PORT", self.shared.api_port.to_string()),
            ("KUBERNETES_SERVICE_PORT_HTTPS", self.shared.api_port.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// The running process, or nothing if there is nothing to run.
    fn start(&self, environment: BTreeMap<String, String>) -> crate::Result<Option<(Process, Ports)>> {
        let expanded = |words: &Option<Vec<String>>| -> Vec<String> {
            words.iter().flatten().map(|word| expand(word, &environment)).collect()
        };
        let (command, args) = (expanded(&self.container.command), expanded(&self.container.args));
        let image = self.container.image.as_deref().unwrap_or_default();
        let run = self.shared.programs.run(image, &command, &args, self.address)?;
        let Run::Program(words, ports) = run else {
            return Ok(None);
        };
        let root = Root {
            folder: self.folder.join("root"),
            hostname: self.pod.name_any(),
            workdir: self
                .container
                .working_dir
                .clone()
                .unwrap_or_else(|| "/home/argocd".to_owned()),
            mounts: self.mounts(),
            environment,
        };
        let name = format!("{}/{}", self.pod.name_any(), self.container.name);
        Ok(Some((Process::spawn(name, root.command(&words)?, &self.log())?, ports)))
    }

    fn mounts(&self) -> Vec<(PathBuf, String)> {
        let mut mounts = self.shared.programs.mounts().to_vec();
        mounts.push((
            self.shared.network.file(&self.pod.uid().unwrap_or_default()),
            "/etc/hosts".to_owned(),
        ));
        let mut volumes: Vec<(PathBuf, String)> = self
            .container
            .volume_mounts
            .iter()
            .flatten()
            .map(|mount| {
                let volume = self.folder.join("volumes").join(&mount.name);
                let source = mount.sub_path.as_ref().map_or(volume.clone(), |path| volume.join(path));
                (source, mount.mount_path.clone())
            })
            .collect();
        // A mount within a mount comes after it.
        volumes.sort_by(|one, other| one.1.cmp(&other.1));
        mounts.extend(volumes);
        // After the volumes, as one of them may be the pod's own `/tmp`.
        let visible = self.shared.options.visible.iter();
        mounts.extend(visible.map(|path| (path.clone(), path.display().to_string())));
        mounts
    }

    fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.container.name))
    }

    fn update(&self, change: impl FnOnce(&mut ContainerView)) {
        self.view.send_if_modified(|view| {
            let list = if self.is_init { &mut view.init } else { &mut view.main };
            let Some(container) = list.get_mut(self.index) else {
                return false;
            };
            let before = container.clone();
            change(container);
            if matches!(container.state, State::Waiting { .. } | State::Ended(_)) && !self.is_init {
                container.ready = false;
            }
            *container != before
        });
        let ready = self.view.borrow().is_ready();
        self.shared
            .network
            .set_ready(&self.pod.uid().unwrap_or_default(), ready);
    }
}
