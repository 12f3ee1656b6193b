//! How long a plan of a big platform takes once its sources were rendered before: on an ordinary day, and again in the outage.

use std::process::Command;
use std::time::Duration;

use testbed::git_server::Repository;
use testbed::{Folder, GitServer, GitServerOptions, Programs, outage};

use crate::entry::Wanted;
use crate::goal::Goal;
use crate::measured;
use crate::results::Row;
use crate::{Trouble, say};

/// How many Applications follow from the root.
const APPS: usize = 1000;
/// When a run is given up.
const CAP: Duration = Duration::from_mins(10);

const BOOTSTRAP: &str =
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: argocd\nresources: [install.yaml]\n";
const CHART: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}\"}\ndata: {a: {{ .Values.a | quote }}}\n";

/// Plans once cold, and then warm as often as is wanted.
pub(crate) async fn measure(wanted: Wanted) -> Result<Vec<Row>, Trouble> {
    let git = GitServer::start(GitServerOptions::default()).await?;
    let platform = git.create_public("shop/platform").await?;
    platform.commit("the platform", files(&platform)?).await?;
    let folder = Folder::new("plan")?;
    let runbook = folder.join("runbook.yaml");
    std::fs::write(&runbook, self::runbook(&platform))?;
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", Programs::find()?.bin().display());
    let mut ours = Vec::new();
    for round in 0..=wanted.rounds(5) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gitops-dr"));
        command
            .arg("plan")
            .arg(&runbook)
            .env("PATH", &path)
            .env("HOME", folder.path());
        let (took, said) = measured::run(&command, CAP).await?.succeeded("the plan")?;
        let follows = format!("follow {APPS} Applications with {} objects", APPS * 3);
        if !said.contains(&follows) || said.contains("not known beforehand") {
            return Err(format!("the plan has not all that follows:\n{said}").into());
        }
        if round == 0 {
            say(&format!("  the first plan, which renders all: {:.1} s", took.seconds));
        } else {
            ours.push(took.seconds);
        }
    }
    Ok(vec![Row {
        name: "plan-1000",
        does: "`gitops-dr plan` of 1,000 apps (700 of plain files, 200 kustomizations, 100 charts), rendered before",
        unit: "s",
        ours,
        peer: None,
        goal: Goal::AtMost(2.0),
    }])
}

fn runbook(platform: &Repository) -> String {
    format!(
        "apiVersion: gitops-dr/v1\nkind: Runbook\nname: big\ntarget: {{context: new}}\n\
         sources:\n  platform: {{git: \"{}\", revision: main}}\n\
         agent: {{argocd: {{from: {{source: platform, path: argocd}}}}}}\n\
         roots:\n  - {{id: apps, source: platform, path: apps}}\n",
        platform.url_http()
    )
}

/// Two objects an app, whatever it is made of; with the Applications that is three.
fn files(platform: &Repository) -> Result<Vec<(String, String)>, Trouble> {
    let mut files = vec![
        ("argocd/kustomization.yaml".to_owned(), BOOTSTRAP.to_owned()),
        ("argocd/install.yaml".to_owned(), outage::core_install()?),
    ];
    let mut file = |name: String, text: String| files.push((name, text));
    for index in 0..APPS {
        let name = format!("app-{index:04}");
        let map = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: b}}\n");
        file(
            format!("apps/{name}.yaml"),
            format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, namespace: argocd}}\nspec:\n  project: default\n  \
                 source: {{repoURL: \"{}\", targetRevision: main, path: {name}}}\n  \
                 destination: {{server: \"https://kubernetes.default.svc\", namespace: {name}}}\n  \
                 syncPolicy: {{automated: {{prune: true, selfHeal: true}}, retry: {{limit: -1}}, syncOptions: [CreateNamespace=true]}}\n",
                platform.url_http()
            ),
        );
        match index % 10 {
            0..7 => {
                file(format!("{name}/one.yaml"), map("one"));
                file(format!("{name}/two.yaml"), map("two"));
            }
            7..9 => {
                file(
                    format!("{name}/kustomization.yaml"),
                    "resources: [all.yaml]\n".to_owned(),
                );
                file(format!("{name}/all.yaml"), format!("{}---\n{}", map("one"), map("two")));
            }
            _ => {
                file(
                    format!("{name}/Chart.yaml"),
                    format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n"),
                );
                file(format!("{name}/values.yaml"), "a: b\n".to_owned());
                file(format!("{name}/templates/one.yaml"), CHART.to_owned());
                file(format!("{name}/templates/two.yaml"), map("two"));
            }
        }
    }
    Ok(files)
}
