//! A platform in which each case is an app or two of the same root.

use testbed::Webhook;

use super::super::scene::{application, deployment, files};
use super::super::waiting;

/// Settings of the agent: the health of a child counts in its parent's sync, as Argo CD's documentation has it (with the check of
/// `bootstrap/` a child that is Degraded fails no parent, and a case would be none); apps may live in the namespace `teams`; sets may roll
/// out step by step.
const SETTINGS: [(&str, &str); 2] = [
    (
        "apiVersion: v1\ndata:\n  resource.customizations.ignoreResourceUpdates.ConfigMap: |\n",
        r#"apiVersion: v1
data:
  resource.customizations.health.argoproj.io_Application: |
    hs = {status = "Progressing", message = ""}
    if obj.status ~= nil and obj.status.health ~= nil then
      hs.status = obj.status.health.status
    end
    return hs
  resource.customizations.ignoreResourceUpdates.ConfigMap: |
"#,
    ),
    (
        "\n  name: argocd-cmd-params-cm\n---\n",
        r#"
  name: argocd-cmd-params-cm
data:
  application.namespaces: teams
  applicationsetcontroller.enable.progressive.syncs: "true"
---
"#,
    ),
];

/// The operator's webhook judges its kind before that is there, and refuses all while nobody serves.
fn webhook(webhook: &Webhook) -> String {
    format!(
        r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {{name: press, annotations: {{argocd.argoproj.io/sync-wave: "-1"}}}}
webhooks:
  - name: press.shop.example.com
    failurePolicy: Fail
    sideEffects: None
    admissionReviewVersions: [v1]
    timeoutSeconds: 5
    clientConfig: {{url: "{}", caBundle: {}}}
    rules: [{{apiGroups: [shop.example.com], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [stamps], scope: "*"}}]
"#,
        webhook.url(),
        webhook.ca_bundle()
    )
}

/// Of these the agent alone may bring the definition, since a webhook would convert its objects if there were two versions.
fn definition(kind: &str, wave: i32) -> String {
    let lower = kind.to_lowercase();
    format!(
        r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {lower}s.shop.example.com, annotations: {{argocd.argoproj.io/sync-wave: "{wave}"}}}}
spec:
  group: shop.example.com
  names: {{kind: {kind}, listKind: {kind}List, plural: {lower}s, singular: {lower}}}
  scope: Namespaced
  conversion:
    strategy: Webhook
    webhook: {{conversionReviewVersions: [v1], clientConfig: {{url: "https://127.0.0.1:1/convert"}}}}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
"#
    )
}

fn custom(kind: &str) -> String {
    format!("apiVersion: shop.example.com/v1\nkind: {kind}\nmetadata: {{name: one}}\nspec: {{size: 3}}\n")
}

/// A project; `more` is of its specification.
pub(super) fn project(name: &str, more: &str) -> String {
    format!(
        r#"
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {{name: {name}, namespace: argocd}}
spec:
  sourceRepos: ["*"]
  destinations: [{{server: "*", namespace: "*"}}]
  clusterResourceWhitelist: [{{group: "*", kind: "*"}}]
  {more}
"#
    )
}

/// A window that is never open for a sync.
const CLOSED: &str = "syncWindows: [{kind: deny, schedule: \"* * * * *\", duration: 24h, applications: [\"*\"]}]";

fn set(name: &str, wave: u32, elements: &str, strategy: &str) -> String {
    format!(
        r#"
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: {name}, namespace: argocd, annotations: {{argocd.argoproj.io/sync-wave: "{wave}"}}}}
spec:
  goTemplate: true
  generators: [{{list: {{elements: [{elements}]}}}}]
{strategy}  template:
    metadata: {{name: "{name}-{{{{.name}}}}", labels: {{step: "{{{{.name}}}}"}}}}
    spec:
      project: default
      source: {{repoURL: "https://git.example.com/shop/platform.git", targetRevision: main, path: "{name}-{{{{.name}}}}"}}
      destination: {{server: "https://kubernetes.default.svc", namespace: "{name}-{{{{.name}}}}"}}
      syncPolicy:
        automated: {{prune: true, selfHeal: true}}
        syncOptions: [CreateNamespace=true]
"#
    )
}

/// Two apps, one after the other.
const STEPS: &str = r"  strategy:
    type: RollingSync
    rollingSync:
      steps:
        - matchExpressions: [{key: step, operator: In, values: [first]}]
        - matchExpressions: [{key: step, operator: In, values: [second]}]
";

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}`");
    text.replace(from, to)
}

/// An app whose syncs the agent soon gives up.
fn giving_up(name: &str, limit: u32) -> String {
    replaced(&application(name, name, name), "limit: -1", &format!("limit: {limit}"))
}

fn in_wave(app: &str, wave: u32) -> String {
    let waved = format!(", namespace: argocd, annotations: {{argocd.argoproj.io/sync-wave: \"{wave}\"}}}}");
    replaced(app, ", namespace: argocd}", &waved)
}

/// An app that has others below it.
fn parent(app: &str, name: &str) -> String {
    replaced(app, &format!("namespace: {name}}}"), "namespace: argocd}")
}

/// The agent, with the settings that the cases need.
fn agent(all: &mut [(String, String)]) {
    let install = all
        .iter_mut()
        .find(|(name, _)| name == "bootstrap/argocd/install.yaml")
        .unwrap();
    for (from, to) in SETTINGS {
        install.1 = replaced(&install.1, from, to);
    }
}

/// Returns how many Applications there are when all is back.
pub(super) const APPLICATIONS: usize = 21;

/// Returns the platform, whose apps are:
///
/// * `widget` has an object whose kind comes later, from the app `kinds`, which is slow;
/// * `mint` has the operator `press`, and after it `stamp`, whose object the operator's webhook has to allow;
/// * `aisle` has the child `shelf`, which is Degraded for a while, and after it the child `basket`;
/// * `bazaar` is slow, and after that there is a set, which makes `stalls-a` and `stalls-b`;
/// * `frozen` is under a sync window that is closed;
/// * `manual` has no automated sync;
/// * `tills-first` and `tills-second` are rolled out one after the other by their set;
/// * `argocd` is the agent itself;
/// * `crew` lives in another namespace than the agent's;
/// * `mirror` goes to a cluster that is not there;
/// * `cart` and `search` are as usual.
pub(super) fn platform(hook: &Webhook) -> Vec<(String, String)> {
    let mut all = files();
    agent(&mut all);
    let mut file = |name: &str, text: String| all.push((name.to_owned(), text));
    let plain = |name: &str| application(name, name, name);

    // The group of the late kind is served from the first, which the agent says otherwise than of a group that is not.
    file("apps/group.yaml", definition("Ware", 0));
    file("apps/widget.yaml", giving_up("widget", 1));
    file("widget/widget.yaml", custom("Widget"));
    file("apps/kinds.yaml", plain("kinds"));
    file("kinds/deployment.yaml", waiting::deployment("kinds"));
    file("kinds/definition.yaml", definition("Widget", 1));

    file("apps/mint.yaml", parent(&plain("mint"), "mint"));
    file("mint/press.yaml", in_wave(&plain("press"), 0));
    file("mint/stamp.yaml", in_wave(&giving_up("stamp", 1), 1));
    file("press/webhook.yaml", webhook(hook));
    file("press/definition.yaml", definition("Stamp", 0));
    file("press/deployment.yaml", deployment("press"));
    file("stamp/stamp.yaml", custom("Stamp"));

    file("apps/aisle.yaml", parent(&giving_up("aisle", 0), "aisle"));
    file("aisle/shelf.yaml", in_wave(&plain("shelf"), 0));
    file("aisle/basket.yaml", in_wave(&plain("basket"), 1));
    let impatient = "spec:\n  progressDeadlineSeconds: 3\n  selector";
    file(
        "shelf/deployment.yaml",
        replaced(&waiting::deployment("shelf"), "spec:\n  selector", impatient),
    );
    file("basket/deployment.yaml", deployment("basket"));

    file("apps/bazaar.yaml", plain("bazaar"));
    file("bazaar/deployment.yaml", waiting::deployment("bazaar"));
    file("bazaar/set.yaml", set("stalls", 1, "{name: a}, {name: b}", ""));

    file("apps/frozen-project.yaml", project("frozen", CLOSED));
    file(
        "apps/frozen.yaml",
        replaced(&plain("frozen"), "project: default", "project: frozen"),
    );
    file(
        "apps/manual.yaml",
        replaced(&plain("manual"), "    automated: {prune: true, selfHeal: true}\n", ""),
    );
    file(
        "apps/tills.yaml",
        set("tills", 0, "{name: first}, {name: second}", STEPS),
    );
    file(
        "apps/argocd.yaml",
        replaced(
            &application("argocd", "bootstrap/argocd", "argocd"),
            "[CreateNamespace=true]",
            "[CreateNamespace=true, ServerSideApply=true]",
        ),
    );
    file(
        "apps/teams.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: teams}\n".to_owned(),
    );
    file("apps/teams-project.yaml", project("teams", "sourceNamespaces: [teams]"));
    file(
        "apps/crew.yaml",
        replaced(
            &replaced(&plain("crew"), "project: default", "project: teams"),
            ", namespace: argocd}\nspec",
            ", namespace: teams}\nspec",
        ),
    );
    file(
        "apps/mirror.yaml",
        replaced(
            &plain("mirror"),
            "server: \"https://kubernetes.default.svc\"",
            "name: far",
        ),
    );
    for name in [
        "stalls-a",
        "stalls-b",
        "frozen",
        "manual",
        "tills-first",
        "tills-second",
        "crew",
        "mirror",
    ] {
        file(&format!("{name}/deployment.yaml"), deployment(name));
    }
    all
}
