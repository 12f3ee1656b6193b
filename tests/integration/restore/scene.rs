//! A small platform in a private repository, and the program that restores it.

use testbed::git_server::Repository;
use testbed::{Outage, Ran, Tool, outage};

/// The password of the platform's repository; long and odd, so that no other text holds it by chance.
pub(crate) const PASSWORD: &str = "c4n4ry/git+p@ss\"w0rd";
/// The stored key that signs sessions.
pub(crate) const SIGNING_KEY: &str = "c4n4ry-signing-key-of-the-old-platform";

/// What a test about a restore begins with.
pub(crate) struct Scene {
    pub(crate) outage: Outage,
    pub(crate) platform: Repository,
    pub(crate) tool: Tool,
}

/// The runbook of the scene. Tests change it by replacing words.
pub(crate) use testbed::outage::RUNBOOK;

/// The kustomization that installs Argo CD's core into its namespace.
const BOOTSTRAP: &str =
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: argocd\nresources: [install.yaml]\n";

/// Returns an Application that takes `path` of the platform's repository.
pub(crate) fn application(name: &str, path: &str, namespace: &str) -> String {
    format!(
        r#"apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}, namespace: argocd}}
spec:
  project: default
  source: {{repoURL: "https://git.example.com/shop/platform.git", targetRevision: main, path: {path}}}
  destination: {{server: "https://kubernetes.default.svc", namespace: {namespace}}}
  syncPolicy:
    automated: {{prune: true, selfHeal: true}}
    syncOptions: [CreateNamespace=true]
    retry: {{limit: -1, backoff: {{duration: 2s, factor: 2, maxDuration: 10s}}}}
"#
    )
}

/// Returns a Deployment that nothing keeps from running.
pub(crate) fn deployment(name: &str) -> String {
    format!(
        r#"apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: main, image: "registry.example.com/{name}:1"}}]}}
"#
    )
}

/// Returns the files of the platform: Argo CD's core, a root, and two apps.
pub(crate) fn files() -> Vec<(String, String)> {
    let file = |name: &str, text: String| (name.to_owned(), text);
    vec![
        file("bootstrap/argocd/kustomization.yaml", BOOTSTRAP.into()),
        file("bootstrap/argocd/install.yaml", outage::core_install().unwrap()),
        file("clusters/prod/root.yaml", application("root", "apps", "argocd")),
        file("apps/cart.yaml", application("cart", "cart", "cart")),
        file("apps/search.yaml", application("search", "search", "search")),
        file("cart/deployment.yaml", deployment("cart")),
        file("search/deployment.yaml", deployment("search")),
    ]
}

impl Scene {
    /// Starts the servers, fills the repository and the store.
    pub(crate) async fn start() -> Self {
        Self::with(files()).await
    }

    /// The same with other files.
    pub(crate) async fn with(files: Vec<(String, String)>) -> Self {
        let outage = Box::pin(Outage::start()).await.unwrap();
        let platform = outage.git.create("shop/platform", "dr", PASSWORD).await.unwrap();
        let localised: Vec<_> = files
            .into_iter()
            .map(|(name, text)| (name, outage.localised(&text)))
            .collect();
        platform.commit("the platform", localised).await.unwrap();
        let store = outage.vault.root();
        let url = platform.url_http().to_owned();
        let repository = [
            ("url", url.as_str()),
            ("type", "git"),
            ("username", "dr"),
            ("password", PASSWORD),
        ];
        store.put("dr/repo-platform", repository).await.unwrap();
        store
            .put("dr/argocd-secret", [("server.secretkey", SIGNING_KEY)])
            .await
            .unwrap();
        let mut tool = Tool::new(env!("CARGO_BIN_EXE_gitops-dr")).unwrap();
        for (name, value) in outage.environment() {
            tool.set(name, value);
        }
        Self { outage, platform, tool }
    }

    /// Runs `restore` with the scene's runbook, changed by `change`.
    pub(crate) async fn restore_with(&self, change: impl Fn(&str) -> String, arguments: &[&str]) -> Ran {
        let runbook = self.outage.runbook("small.yaml", &change(RUNBOOK)).unwrap();
        let runbook = runbook.display().to_string();
        let arguments: Vec<&str> = ["restore", &runbook]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        self.tool.run(&arguments).await.unwrap()
    }

    /// Runs `restore` with the scene's runbook as it is.
    pub(crate) async fn restore(&self, arguments: &[&str]) -> Ran {
        self.restore_with(str::to_owned, arguments).await
    }

    /// Puts what an app lacks into the repository.
    pub(crate) async fn mend(&self, app: &str) {
        let file = (format!("{app}/deployment.yaml"), deployment(app));
        self.platform.commit(&format!("mend {app}"), [file]).await.unwrap();
    }

    /// Returns a program with another home and the same rights: the same user on another machine, without any journal.
    pub(crate) fn elsewhere(&self) -> Tool {
        let mut tool = Tool::new(env!("CARGO_BIN_EXE_gitops-dr")).unwrap();
        for (name, value) in self.outage.environment() {
            tool.set(name, value);
        }
        tool
    }

    /// Returns the requests of the tool's user that changed something, or tried to.
    pub(crate) async fn mutations(&self) -> Vec<testbed::control_plane::AuditEvent> {
        self.outage.bed.mutations_by(testbed::bed::ADMINISTRATOR).await.unwrap()
    }

    /// Returns those of them that are of the platform: without the run's own Lease and record.
    pub(crate) async fn platform_mutations(&self) -> Vec<testbed::control_plane::AuditEvent> {
        platform_only(self.mutations().await)
    }
}

/// Leaves out the two objects by which a run says that it is at work: every run writes them, whatever it finds.
pub(crate) fn platform_only(
    mut events: Vec<testbed::control_plane::AuditEvent>,
) -> Vec<testbed::control_plane::AuditEvent> {
    events.retain(|event| {
        let is_own = (event.group == "coordination.k8s.io" && event.resource == "leases")
            || (event.group.is_empty() && event.resource == "configmaps");
        !(is_own && event.namespace == "kube-system" && event.name == "gitops-dr")
    });
    events
}

/// Returns a text without the line breaks that the width of a page made.
pub(crate) fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
