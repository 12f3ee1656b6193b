//! A platform after an outage: generated apps in Git, an empty cluster, the credentials where each side looks for them.

use std::path::PathBuf;

use testbed::outage::{RUNBOOK, core_install};
use testbed::{Folder, Outage};

use crate::Trouble;

const PASSWORD: &str = "bench-password";
const SIGNING_KEY: &str = "bench-signing-key-of-the-old-platform";
/// As in the examples; replaced by the address of the Git server here.
const REPOSITORY: &str = "https://git.example.com/shop/platform.git";

/// What the kinds of the generated custom resources belong to.
pub(crate) const GROUP: &str = "bench.example.com";

/// What is in Git, and what it comes to on the cluster.
pub(crate) struct Platform {
    /// Paths and contents.
    pub(crate) files: Vec<(String, String)>,
    /// How many Applications there are in the end, the root counted.
    pub(crate) applications: usize,
    /// How many Deployments.
    pub(crate) deployments: usize,
    /// How many CRDs of [`GROUP`].
    pub(crate) definitions: usize,
    /// How many objects of these.
    pub(crate) custom: usize,
}

impl Platform {
    /// Returns as many apps as named in three waves. Each has a Deployment, a Service and a ConfigMap; those of the first wave bring a
    /// CRD, and each of the others has an object of a kind that one of the first wave brings.
    ///
    /// All is as Argo CD has it if nothing is set: one look each three minutes, five retries of a sync, no health check for
    /// Applications.
    pub(crate) fn of_apps(count: usize) -> Self {
        let first = count.div_ceil(3);
        let mut files = Vec::new();
        for number in 0..count {
            let (name, wave) = (format!("app-{number:03}"), number / first);
            files.push((format!("apps/{name}.yaml"), application(&name, wave, "")));
            files.push((format!("manifests/{name}/workload.yaml"), workload(&name, "")));
            let extra = if wave == 0 {
                definition(number, "")
            } else {
                custom(&name, number % first)
            };
            files.push((format!("manifests/{name}/extra.yaml"), extra));
        }
        Self {
            files,
            applications: count + 1,
            deployments: count,
            definitions: first,
            custom: count - first,
        }
    }

    /// Returns as many apps as named, each of which brings a CRD and has an object of the kind that the one before it brings.
    pub(crate) fn of_a_chain(depth: usize) -> Self {
        let mut files = Vec::new();
        for number in 0..depth {
            let name = format!("link-{number}");
            let mut extra = definition(number, "");
            if let Some(before) = number.checked_sub(1) {
                extra.push_str("---\n");
                extra.push_str(&custom(&name, before));
            }
            files.push((format!("apps/{name}.yaml"), application(&name, 0, "")));
            files.push((format!("manifests/{name}/workload.yaml"), workload(&name, "")));
            files.push((format!("manifests/{name}/extra.yaml"), extra));
        }
        Self {
            files,
            applications: depth + 1,
            deployments: depth,
            definitions: depth,
            custom: depth - 1,
        }
    }

    /// Returns two apps, of which the first needs a kind that the second brings only after the first has given up: its CRD comes
    /// after a Deployment that takes its time, and the first tries a sync twice, as a `retry` of one says.
    pub(crate) fn of_a_late_definition() -> Self {
        let once = "    retry: {limit: 1, backoff: {duration: 2s, factor: 1, maxDuration: 2s}}\n";
        let file = |path: &str, text: String| (path.to_owned(), text);
        Self {
            files: vec![
                file("apps/early.yaml", application("early", 0, once)),
                file("apps/late.yaml", application("late", 1, "")),
                file("manifests/early/workload.yaml", workload("early", "")),
                file("manifests/early/extra.yaml", custom("early", 0)),
                file(
                    "manifests/late/workload.yaml",
                    workload("late", "  minReadySeconds: 20\n"),
                ),
                file(
                    "manifests/late/extra.yaml",
                    definition(0, "  annotations: {argocd.argoproj.io/sync-wave: \"1\"}\n"),
                ),
            ],
            applications: 3,
            deployments: 2,
            definitions: 1,
            custom: 1,
        }
    }
}

fn application(name: &str, wave: usize, policy: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}\n  namespace: argocd\n  \
         annotations: {{argocd.argoproj.io/sync-wave: \"{wave}\"}}\nspec:\n  project: default\n  \
         source: {{repoURL: \"{REPOSITORY}\", targetRevision: main, path: manifests/{name}}}\n  \
         destination: {{server: \"https://kubernetes.default.svc\", namespace: {name}}}\n  \
         syncPolicy:\n    automated: {{prune: true, selfHeal: true}}\n    syncOptions: [CreateNamespace=true]\n{policy}"
    )
}

fn workload(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n{spec}  \
         selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    \
         spec:\n      containers:\n        - name: main\n          image: registry.example.com/{name}:1\n          \
         envFrom: [{{configMapRef: {{name: {name}}}}}]\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n\
         spec:\n  selector: {{app: {name}}}\n  ports: [{{port: 80}}]\n---\napiVersion: v1\nkind: ConfigMap\n\
         metadata: {{name: {name}}}\ndata: {{GREETING: \"hello from {name}\"}}\n"
    )
}

fn definition(number: usize, metadata: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things{number}.{GROUP}\n\
         {metadata}spec:\n  group: {GROUP}\n  scope: Namespaced\n  \
         names: {{kind: Thing{number}, listKind: Thing{number}List, plural: things{number}, singular: thing{number}}}\n  \
         versions:\n    - name: v1\n      served: true\n      storage: true\n      schema:\n        openAPIV3Schema:\n          \
         type: object\n          properties:\n            spec: {{type: object, properties: {{size: {{type: integer}}}}}}\n"
    )
}

fn custom(name: &str, definition: usize) -> String {
    format!("apiVersion: {GROUP}/v1\nkind: Thing{definition}\nmetadata: {{name: {name}}}\nspec: {{size: 3}}\n")
}

/// The Application from which all others follow.
fn root() -> String {
    application("root", 0, "")
        .replace("path: manifests/root", "path: apps")
        .replace("namespace: root", "namespace: argocd")
}

/// Argo CD's core does not make the project that Applications belong to if nothing else is said.
const PROJECT: &str = "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: default, namespace: argocd}\nspec:\n  \
    sourceRepos: [\"*\"]\n  destinations: [{server: \"*\", namespace: \"*\"}]\n  \
    clusterResourceWhitelist: [{group: \"*\", kind: \"*\"}]\n";

const BOOTSTRAP: &str =
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: argocd\nresources: [install.yaml]\n";

/// The platform's outage.
pub(crate) struct Scene {
    /// The cluster and what outlived the old one.
    pub(crate) outage: Outage,
    /// What is to come back.
    pub(crate) platform: Platform,
    /// For us: the runbook.
    pub(crate) runbook: PathBuf,
    /// The same in the order of the graph.
    pub(crate) by_graph: PathBuf,
    /// For the script: a checkout of the repository.
    pub(crate) checkout: Folder,
    /// For the script: the credentials, where a person has laid them out beforehand.
    pub(crate) credentials: PathBuf,
}

impl Scene {
    /// Starts the servers, and fills the repository and the store.
    pub(crate) async fn start(mut platform: Platform) -> Result<Self, Trouble> {
        let outage = Box::pin(Outage::start()).await?;
        let repository = outage.git.create("shop/platform", "dr", PASSWORD).await?;
        let mut files = std::mem::take(&mut platform.files);
        files.extend([
            ("bootstrap/argocd/kustomization.yaml".into(), BOOTSTRAP.into()),
            ("bootstrap/argocd/install.yaml".into(), core_install()?),
            ("bootstrap/project.yaml".into(), PROJECT.into()),
            ("clusters/prod/root.yaml".into(), root()),
        ]);
        for (_, text) in &mut files {
            *text = outage.localised(text);
        }
        let checkout = Folder::new("checkout")?;
        for (path, text) in &files {
            let file = checkout.join(path);
            file.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(file, text)?;
        }
        repository.commit("the platform", files).await?;
        let url = repository.url_http().to_owned();
        let login = [
            ("url", url.as_str()),
            ("type", "git"),
            ("username", "dr"),
            ("password", PASSWORD),
        ];
        let store = outage.vault.root();
        store.put("dr/repo-platform", login).await?;
        store
            .put("dr/argocd-secret", [("server.secretkey", SIGNING_KEY)])
            .await?;
        let credentials = checkout.join("credentials.yaml");
        std::fs::write(
            &credentials,
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: repo-platform\n  namespace: argocd\n  \
                 labels: {{argocd.argoproj.io/secret-type: repository}}\n\
                 stringData: {{url: \"{url}\", type: git, username: dr, password: {PASSWORD}}}\n---\n\
                 apiVersion: v1\nkind: Secret\nmetadata:\n  name: argocd-secret\n  namespace: argocd\n  \
                 labels: {{app.kubernetes.io/name: argocd-secret, app.kubernetes.io/part-of: argocd}}\n\
                 stringData: {{server.secretkey: {SIGNING_KEY}}}\n"
            ),
        )?;
        let text = RUNBOOK.replace("name: small", "name: bench");
        let runbook = outage.runbook("bench.yaml", &text)?;
        let by_graph = outage.runbook("by-graph.yaml", &format!("{text}order: graph\n"))?;
        Ok(Self {
            outage,
            platform,
            runbook,
            by_graph,
            checkout,
            credentials,
        })
    }
}
