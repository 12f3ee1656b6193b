//! A platform of which the agent gives up three apps on the way: each failed before what it needs was there.

use super::super::scene::{application, deployment, files};
use super::super::waiting;

/// What keeps the health of a child in its parent's sync, as `argocd-cm` has it where waves between apps shall gate.
const APPLICATION_HEALTH: &str = r#"
  resource.customizations.health.argoproj.io_Application: |
    hs = {status = "Progressing", message = ""}
    if obj.status ~= nil and obj.status.health ~= nil then
      hs.status = obj.status.health.status
    end
    return hs
"#;

/// The agent alone may bring it, since a webhook converts its objects, or would if there were two versions: so it is late.
const DEFINITION: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.shop.example.com, annotations: {argocd.argoproj.io/sync-wave: "1"}}
spec:
  group: shop.example.com
  names: {kind: Widget, listKind: WidgetList, plural: widgets, singular: widget}
  scope: Namespaced
  conversion:
    strategy: Webhook
    webhook: {conversionReviewVersions: [v1], clientConfig: {url: "https://127.0.0.1:1/convert"}}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"#;

const WIDGET: &str = "apiVersion: shop.example.com/v1\nkind: Widget\nmetadata: {name: one}\nspec: {size: 3}\n";

/// The same, not tried out beforehand: what comes before it in the sync is done, and then it fails.
const LATER: &str = r"
apiVersion: shop.example.com/v1
kind: Widget
metadata: {name: two, annotations: {argocd.argoproj.io/sync-options: SkipDryRunOnMissingResource=true}}
spec: {size: 4}
";

const MIGRATION: &str = r#"
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {argocd.argoproj.io/hook: PreSync}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "registry.example.com/migrate:1"}]
"#;

/// An app whose syncs the agent soon gives up.
fn giving_up(name: &str, limit: u32) -> String {
    let patient = application(name, name, name);
    let hasty = patient.replace("limit: -1", &format!("limit: {limit}"));
    assert_ne!(patient, hasty);
    hasty
}

fn in_wave(app: &str, wave: u32) -> String {
    app.replace(
        ", namespace: argocd}",
        &format!(", namespace: argocd, annotations: {{argocd.argoproj.io/sync-wave: \"{wave}\"}}}}"),
    )
}

/// Returns the platform:
///
/// * `widget` has an object whose kind comes later, from the app `kinds`;
/// * `ledger` the same, behind a hook that runs before;
/// * `aisle` has the child `shelf`, which is Degraded for a while, and after it the child `basket`.
pub(super) fn platform() -> Vec<(String, String)> {
    let file = |name: &str, text: String| (name.to_owned(), text);
    let mut all = files();
    let install = all
        .iter_mut()
        .find(|(name, _)| name == "bootstrap/argocd/kustomization.yaml");
    install
        .unwrap()
        .1
        .push_str("patches: [{path: health.yaml, target: {kind: ConfigMap, name: argocd-cm}}]\n");
    let impatient =
        waiting::deployment("shelf").replace("spec:\n  selector", "spec:\n  progressDeadlineSeconds: 3\n  selector");
    assert!(impatient.contains("progressDeadlineSeconds"));
    all.extend([
        file(
            "bootstrap/argocd/health.yaml",
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: argocd-cm}}\ndata:{APPLICATION_HEALTH}"),
        ),
        file("apps/widget.yaml", giving_up("widget", 1)),
        file("apps/ledger.yaml", giving_up("ledger", 1)),
        file("apps/kinds.yaml", application("kinds", "kinds", "kinds")),
        file(
            "apps/aisle.yaml",
            giving_up("aisle", 0).replace("namespace: aisle}", "namespace: argocd}"),
        ),
        file("widget/widget.yaml", WIDGET.to_owned()),
        file("ledger/widget.yaml", LATER.to_owned()),
        file("ledger/job.yaml", MIGRATION.to_owned()),
        file("kinds/deployment.yaml", waiting::deployment("kinds")),
        file("kinds/definition.yaml", DEFINITION.to_owned()),
        file("aisle/shelf.yaml", in_wave(&application("shelf", "shelf", "shelf"), 0)),
        file(
            "aisle/basket.yaml",
            in_wave(&application("basket", "basket", "basket"), 1),
        ),
        file("shelf/deployment.yaml", impatient),
        file("basket/deployment.yaml", deployment("basket")),
    ]);
    all
}
