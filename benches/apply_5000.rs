//! How fast many objects are applied: 5,000 ConfigMaps into an empty namespace of a real API server.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use gitops_dr::cluster::{Cluster, Mode, Target};
use gitops_dr::object::{Manifest, Origin};
use gitops_dr::yaml;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};
use serde::{Deserialize, Serialize};
use testbed::{Folder, Programs};

use crate::entry::Wanted;
use crate::far::Far;
use crate::goal::{Goal, Peer, median};
use crate::measured::{self, Took};
use crate::part::{answer, answered};
use crate::plane::{CONTEXT, Plane};
use crate::results::Row;
use crate::{Trouble, say};

/// How many objects.
const OBJECTS: usize = 5000;
#[expect(clippy::cast_precision_loss, reason = "a small number")]
const OBJECTS_F: f64 = OBJECTS as f64;

/// How many bytes of text each of them holds: what a configuration file of a service has.
const BYTES: usize = 800;

/// More than anybody needs.
const CAP: Duration = Duration::from_mins(15);

/// What applying came to, without the start of the process and reading the file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Applied {
    /// From the first request to the last answer.
    pub(crate) seconds: f64,
    /// How many were sent.
    pub(crate) sent: usize,
}

/// Applies them by ours, by a bare loop of requests and by `kubectl`, each time into a namespace of its own.
pub(crate) async fn measure(wanted: Wanted) -> Result<Vec<Row>, Trouble> {
    let bench = Bench {
        plane: Plane::start().await?,
        folder: Folder::new("apply")?,
    };
    let near = bench.plane.kubeconfig.clone();
    let (mut ours, mut rates, mut raw, mut kubectl) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let is_near = wanted.has("apply-5000") || wanted.has("apply-5000-raw");
    for round in 0..if is_near { wanted.rounds(3) } else { 0 } {
        if wanted.has("apply-5000-raw") {
            let (_, applied) = bench.by_part("raw-patches", &near, &format!("raw-{round}")).await?;
            raw.push(OBJECTS_F / applied.seconds);
        }
        let (took, applied) = bench.by_part("apply", &near, &format!("ours-{round}")).await?;
        ours.push(took.seconds);
        rates.push(OBJECTS_F / applied.seconds);
    }
    if wanted.has("apply-5000") {
        // One request after the other: it takes long, and varies little.
        for round in 0..wanted.rounds(1) {
            kubectl.push(bench.by_kubectl(&near, &format!("kubectl-{round}")).await?.seconds);
        }
    }
    let (mut far_ours, mut far_kubectl) = (Vec::new(), Vec::new());
    if wanted.has("apply-5000-far") {
        let far = Far::start(&bench.plane, &bench.folder).await?;
        for round in 0..wanted.rounds(1) {
            let namespace = format!("far-ours-{round}");
            far_ours.push(bench.by_part("apply", &far.kubeconfig, &namespace).await?.0.seconds);
            let namespace = format!("far-kubectl-{round}");
            far_kubectl.push(bench.by_kubectl(&far.kubeconfig, &namespace).await?.seconds);
        }
    }
    for (what, rounds) in [
        ("ours, seconds", &ours),
        ("ours, objects/s", &rates),
        ("bare loop, objects/s", &raw),
        ("kubectl, seconds", &kubectl),
        ("ours from afar, seconds", &far_ours),
        ("kubectl from afar, seconds", &far_kubectl),
    ] {
        if !rounds.is_empty() {
            say(&format!("  {what}: {:.1}", median(rounds)));
        }
    }
    Ok(vec![
        Row {
            name: "apply-5000",
            does: "5,000 ConfigMaps of 1 kB from one YAML file: start, connect, read, apply, end",
            unit: "s",
            ours,
            peer: Some(Peer {
                name: "kubectl apply --server-side",
                does: "the same file, the same start and end; one request after the other",
                rounds: kubectl,
            }),
            goal: Goal::TimesFaster(25.0),
        },
        Row {
            name: "apply-5000-raw",
            does: "the same; from the first request to the last answer only",
            unit: "objects/s",
            ours: rates,
            peer: Some(Peer {
                name: "raw keep-alive PATCH loop",
                does: "16 connections that send the same applies, made beforehand, and read the answers unseen",
                rounds: raw,
            }),
            goal: Goal::ShareOfRate(0.7),
        },
        Row {
            name: "apply-5000-far",
            does: "as apply-5000, with 25 ms from the client to the API server and back",
            unit: "s",
            ours: far_ours,
            peer: Some(Peer {
                name: "kubectl apply --server-side",
                does: "the same over the same way",
                rounds: far_kubectl,
            }),
            goal: Goal::TimesFaster(25.0),
        },
    ])
}

struct Bench {
    plane: Plane,
    folder: Folder,
}

impl Bench {
    /// Has a part of this program apply the objects.
    async fn by_part(&self, part: &str, kubeconfig: &Path, namespace: &str) -> Result<(Took, Applied), Trouble> {
        let file = self.prepare(namespace).await?;
        let answer = self.folder.join(format!("{namespace}.json"));
        let mut command = Command::new(std::env::current_exe()?);
        command.args([crate::part::WORD, part]).arg(kubeconfig);
        if part == "apply" {
            command.arg(CONTEXT);
        }
        command.args([&file, &answer]);
        let (took, _) = measured::run(&command, CAP).await?.succeeded(part)?;
        self.check(namespace).await?;
        Ok((took, answered(&answer)?))
    }

    async fn by_kubectl(&self, kubeconfig: &Path, namespace: &str) -> Result<Took, Trouble> {
        let file = self.prepare(namespace).await?;
        let mut command = Command::new(Programs::find()?.built("kubectl")?);
        command
            .args(["apply", "--server-side"])
            .arg(format!("--filename={}", file.display()))
            .env("KUBECONFIG", kubeconfig)
            // Where it keeps what it has learnt of the server: between its runs too, as on anybody's machine.
            .env("HOME", self.folder.path());
        let (took, _) = measured::run(&command, CAP).await?.succeeded("kubectl")?;
        self.check(namespace).await?;
        Ok(took)
    }

    /// Makes the namespace, and writes the objects for it to a file.
    async fn prepare(&self, namespace: &str) -> Result<PathBuf, Trouble> {
        self.plane.namespace(namespace).await?;
        let mut text = String::new();
        for number in 0..OBJECTS {
            let (name, content) = (name(number), content(number));
            let _ = write!(
                text,
                "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: {namespace}\n  labels: {{app: shop}}\n\
                 data:\n  settings: {content}\n"
            );
        }
        let file = self.folder.join(format!("{namespace}.yaml"));
        std::fs::write(&file, text)?;
        Ok(file)
    }

    /// All of them have to be there, each with its own content.
    async fn check(&self, namespace: &str) -> Result<(), Trouble> {
        let api: Api<ConfigMap> = Api::namespaced(self.plane.client.clone(), namespace);
        let there: BTreeSet<(String, String)> = api
            .list(&ListParams::default().labels("app=shop"))
            .await?
            .into_iter()
            .map(|map| {
                let content = map
                    .data
                    .clone()
                    .unwrap_or_default()
                    .remove("settings")
                    .unwrap_or_default();
                (map.name_any(), content)
            })
            .collect();
        let missing = (0..OBJECTS).find(|number| !there.contains(&(name(*number), content(*number))));
        match missing {
            None if there.len() == OBJECTS => Ok(()),
            _ => Err(format!(
                "{namespace}: {} ConfigMaps are there, and {} is not as it was to be",
                there.len(),
                name(missing.unwrap_or_default())
            )
            .into()),
        }
    }
}

fn name(number: usize) -> String {
    format!("settings-{number:04}")
}

/// A text of its own for each.
fn content(number: usize) -> String {
    format!("line-{number:04}-").repeat(BYTES / 10)
}

/// The part: applies the objects of a file by our own library.
///
/// It can only hit the cluster that its arguments name, which the bench has started for itself.
pub(crate) async fn play(kubeconfig: &str, context: &str, file: &Path, told: &Path) -> Result<(), Trouble> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let target = Target {
        kubeconfig: Some(kubeconfig.into()),
        context: context.into(),
    };
    let cluster = Cluster::connect(&target).await?;
    let text = std::fs::read_to_string(file)?;
    let manifests = yaml::manifests(&text)
        .map_err(|error| format!("{error:?}"))?
        .into_iter()
        .map(|(line, value)| {
            let file = file.display().to_string();
            Manifest::new(value, Origin { file, line })
        })
        .collect::<Result<Vec<Manifest>, _>>()?;
    let began = Instant::now();
    let (sent, _) = cluster.apply_ranked(&manifests, "default", Mode::Fresh).await?;
    let seconds = began.elapsed().as_secs_f64();
    answer(told, &Applied { seconds, sent })
}
