//! The whole of it: 100 apps in three waves come back on an empty cluster, by us and by a script.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use testbed::{Programs, Tool};

use crate::entry::Wanted;
use crate::goal::{Goal, Peer};
use crate::measured::{self, Run, Took};
use crate::results::Row;
use crate::scene::{Platform, Scene};
use crate::sights::Sights;
use crate::{Trouble, processes, say};

const APPS: usize = 100;

/// Several times what the slowest was seen to need.
const CAP: Duration = Duration::from_mins(20);

/// How often the script that refreshes does so, in seconds.
pub(crate) const REFRESH: u32 = 10;

/// Who restores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// `gitops-dr restore`.
    Us,
    /// The same with `order: graph` in the runbook.
    UsByGraph,
    /// The five steps.
    Script,
    /// The five steps, and a refresh of every app each [`REFRESH`] seconds while it waits.
    RefreshingScript,
}

/// What a restore that succeeded came to.
struct Restored {
    took: Took,
    /// Seconds from the last Deployment or CRD that became ready to the end of the run.
    after_workloads: f64,
    /// Seconds from the last Application that became Synced and Healthy to the end of the run.
    after_verdicts: f64,
    /// Processor time of the agent's processes, with what they started.
    agent: f64,
}

/// Restores on one fresh cluster after the other: us, the script, the script that refreshes, and again.
pub(crate) async fn measure(wanted: Wanted) -> Result<Vec<Row>, Trouble> {
    let (mut ours, mut plain, mut refreshing) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..wanted.rounds(1) {
        ours.push(Box::pin(restore(By::Us)).await?);
        if wanted.has("restore-100-apps") {
            plain.push(Box::pin(restore(By::Script)).await?);
        }
        if wanted.has("restore-100-apps-refresh") {
            refreshing.push(Box::pin(restore(By::RefreshingScript)).await?);
        }
    }
    let of = |restored: &[Restored], what: fn(&Restored) -> f64| restored.iter().map(what).collect::<Vec<_>>();
    let seconds: fn(&Restored) -> f64 = |restored| restored.took.seconds;
    let row = |name, does, peer, goal| Row {
        name,
        does,
        unit: "s",
        ours: of(&ours, seconds),
        peer,
        goal,
    };
    let restoring =
        "`gitops-dr restore` of 100 apps of 4 objects in 3 waves on an empty cluster, from its start to its end";
    let alone = |name, does, figure: fn(&Restored) -> f64| Row {
        ours: of(&ours, figure),
        ..row(name, does, None, Goal::AtMost(1.0))
    };
    Ok(vec![
        row(
            "restore-100-apps",
            restoring,
            Some(Peer {
                name: "five-step script",
                does: "benches/five-steps.sh, which ends when all apps are Synced and Healthy",
                rounds: of(&plain, seconds),
            }),
            Goal::ShareOfTime(0.4),
        ),
        row(
            "restore-100-apps-refresh",
            restoring,
            Some(Peer {
                name: "five-step script that refreshes",
                does: "the same, which asks Argo CD each 10 s to look at every app again",
                rounds: of(&refreshing, seconds),
            }),
            Goal::ShareOfTime(0.9),
        ),
        alone(
            "finish-latency",
            "from the last Deployment or CRD that became ready to the end of the run",
            |restored| restored.after_workloads,
        ),
        alone(
            "finish-latency-verdict",
            "from the last Application that became Synced and Healthy to the end of the run",
            |restored| restored.after_verdicts,
        ),
        Row {
            unit: "CPU s",
            ours: of(&ours, |restored| restored.took.cpu_seconds),
            ..row(
                "cpu",
                "processor time of `gitops-dr restore` in restore-100-apps, programs that it runs counted",
                Some(Peer {
                    name: "Argo CD",
                    does: "processor time of the agent's own processes in the same restore",
                    rounds: of(&ours, |restored| restored.agent),
                }),
                Goal::Told,
            )
        },
    ])
}

async fn restore(by: By) -> Result<Restored, Trouble> {
    let scene = Box::pin(Scene::start(Platform::of_apps(APPS))).await?;
    let sights = Sights::start(scene.outage.bed.admin());
    let run = run(by, &scene, CAP).await?;
    let ended = Instant::now();
    let agent = processes::of_descendants("argocd")?;
    let (took, _) = run.succeeded(&format!("the restore by {by:?}"))?;
    sights.check(&scene.platform).await?;
    let restored = Restored {
        after_workloads: ended.duration_since(sights.last_workload()?).as_secs_f64(),
        after_verdicts: ended.duration_since(sights.last_verdict()?).as_secs_f64(),
        took,
        agent,
    };
    say(&format!(
        "  {by:?}: {:.1} s, its processor time {:.1} s, the agent's {agent:.1} s, {:.1} s after the last workload, {:.1} s after the last verdict",
        restored.took.seconds, restored.took.cpu_seconds, restored.after_workloads, restored.after_verdicts
    ));
    Ok(restored)
}

/// Restores the platform of a scene.
///
/// It can only hit the scene's own cluster: the kubeconfig that both get leads nowhere else.
pub(crate) async fn run(by: By, scene: &Scene, cap: Duration) -> Result<Run, Trouble> {
    let refresh = if by == By::RefreshingScript { REFRESH } else { 0 };
    let (program, arguments): (PathBuf, Vec<PathBuf>) = match by {
        By::Us | By::UsByGraph => {
            let runbook = if by == By::Us { &scene.runbook } else { &scene.by_graph };
            (
                env!("CARGO_BIN_EXE_gitops-dr").into(),
                vec!["restore".into(), runbook.clone()],
            )
        }
        By::Script | By::RefreshingScript => (
            Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/five-steps.sh"),
            vec![
                scene.checkout.path().to_owned(),
                scene.credentials.clone(),
                scene.platform.applications.to_string().into(),
                refresh.to_string().into(),
            ],
        ),
    };
    // Both sides get the same environment, of which the script uses the kubeconfig only.
    let mut tool = Tool::new(program)?;
    for (name, value) in scene.outage.environment() {
        tool.set(name, value);
    }
    Programs::find()?.built("kubectl")?;
    let command: Command = tool.command(&arguments).into_std();
    measured::run(&command, cap).await
}
