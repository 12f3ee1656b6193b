//! The five steps of most runbooks, run on a bed with the same files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use testbed::{Folder, Process, Programs, Tool};

use super::super::scene::{PASSWORD, SIGNING_KEY, Scene};
use super::platform::project;

/// What a person has laid out for the script.
pub(super) struct Laid {
    checkout: Folder,
    credentials: PathBuf,
    tool: Tool,
    log: PathBuf,
}

/// How the script ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// It had not when its time was over, and was stopped.
    Never,
    /// With this exit code.
    With(i32),
}

/// Lays out the checkout of the platform, and the credentials as manifests.
pub(super) fn lay_out(scene: &Scene, files: &[(String, String)]) -> Laid {
    Programs::find().unwrap().built("kubectl").unwrap();
    let checkout = Folder::new("checkout").unwrap();
    let project = ("bootstrap/project.yaml".to_owned(), project("default", ""));
    for (name, text) in files.iter().chain([&project]) {
        let file = checkout.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, scene.outage.localised(text)).unwrap();
    }
    let credentials = checkout.join("credentials.yaml");
    let url = scene.platform.url_http();
    let secret = |name: &str, labels: &str, data: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: argocd, labels: {{{labels}}}}}\nstringData: {data}\n"
        )
    };
    let password = serde_json::to_string(PASSWORD).unwrap();
    let text = [
        secret(
            "repo-platform",
            "argocd.argoproj.io/secret-type: repository",
            &format!("{{url: \"{url}\", type: git, username: dr, password: {password}}}"),
        ),
        secret(
            "argocd-secret",
            "app.kubernetes.io/name: argocd-secret, app.kubernetes.io/part-of: argocd",
            &format!("{{server.secretkey: {SIGNING_KEY}}}"),
        ),
    ]
    .join("---\n");
    std::fs::write(&credentials, text).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/five-steps.sh");
    let mut tool = Tool::new(script).unwrap();
    for (name, value) in scene.outage.environment() {
        tool.set(name, value);
    }
    Laid {
        log: checkout.join("log"),
        checkout,
        credentials,
        tool,
    }
}

impl Laid {
    /// Runs the script until it ends or its time is over. `count` is how many apps there will be, as its person believes.
    ///
    /// It can only hit the scene's own cluster: its kubeconfig leads nowhere else.
    pub(super) async fn run(&self, count: usize, cap: Duration) -> Ended {
        let count = count.to_string();
        let arguments = [
            self.checkout.path().as_os_str(),
            self.credentials.as_os_str(),
            count.as_ref(),
            "10".as_ref(),
        ];
        let command = self.tool.command(&arguments).into_std();
        let mut process = Process::spawn("five-steps.sh", command, &self.log).unwrap();
        if let Ok(status) = tokio::time::timeout(cap, process.exited()).await {
            return Ended::With(status.unwrap().code().unwrap_or(-1));
        }
        process.stop_within(Duration::from_secs(2)).await.unwrap();
        Ended::Never
    }

    /// Returns all that it wrote.
    pub(super) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}
