//! A platform in which the order of the apps matters, and nothing that is applied ahead of them helps.

use super::super::scene::{application, deployment, files};

/// Its objects are converted by a webhook, so that the agent alone may bring it.
const DEFINITION: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: stamps.shop.example.com, annotations: {argocd.argoproj.io/sync-wave: "1"}}
spec:
  group: shop.example.com
  names: {kind: Stamp, listKind: StampList, plural: stamps, singular: stamp}
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

const STAMP: &str = "apiVersion: shop.example.com/v1\nkind: Stamp\nmetadata: {name: one}\nspec: {size: 3}\n";

const PROJECT: &str = r#"
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: framers, namespace: argocd}
spec:
  sourceRepos: ["*"]
  destinations: [{server: "*", namespace: "*"}]
  clusterResourceWhitelist: [{group: "*", kind: "*"}]
"#;

const NOTE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: note}\n";

/// The leaves, each with the app that brings it.
pub(super) const LEAVES: [(&str, &str); 6] = [
    ("cart", "root"),
    ("search", "root"),
    ("press", "root"),
    ("stamp", "root"),
    ("frame", "frames"),
    ("book", "shelf"),
];

/// The apps above them.
pub(super) const INTERIOR: [&str; 3] = ["root", "frames", "shelf"];

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}`");
    text.replace(from, to)
}

/// An app that has others below it.
fn parent(name: &str) -> String {
    replaced(
        &application(name, name, name),
        &format!("namespace: {name}}}"),
        "namespace: argocd}",
    )
}

/// Returns the platform, whose apps are, beside `cart` and `search`:
///
/// * `press` is an operator that takes its time, and brings its kind in its second wave;
/// * `stamp` is of this kind, and the agent gives it up after this many tries again;
/// * `frames` brings a project, a note and `frame`, which is of the project and of the operator's kind;
/// * `shelf` brings nothing but `book`.
pub(super) fn platform(tries: &str) -> Vec<(String, String)> {
    let plain = |name: &str| application(name, name, name);
    let giving_up = |app: String| replaced(&app, "limit: -1", &format!("limit: {tries}"));
    let slow = replaced(
        &deployment("press"),
        "spec:\n  selector",
        "spec:\n  minReadySeconds: 12\n  selector",
    );
    let mut all = files();
    for (name, text) in [
        ("apps/press.yaml", plain("press")),
        ("press/deployment.yaml", slow),
        ("press/definition.yaml", DEFINITION.to_owned()),
        ("apps/stamp.yaml", giving_up(plain("stamp"))),
        ("stamp/stamp.yaml", STAMP.to_owned()),
        ("apps/frames.yaml", parent("frames")),
        ("frames/project.yaml", PROJECT.to_owned()),
        ("frames/note.yaml", NOTE.to_owned()),
        (
            "frames/frame.yaml",
            giving_up(replaced(&plain("frame"), "project: default", "project: framers")),
        ),
        ("frame/stamp.yaml", STAMP.to_owned()),
        ("apps/shelf.yaml", parent("shelf")),
        ("shelf/book.yaml", plain("book")),
        ("book/deployment.yaml", deployment("book")),
    ] {
        all.push((name.to_owned(), text));
    }
    all
}

/// The scene's runbook, in the order of the graph.
pub(super) fn by_graph(runbook: &str) -> String {
    format!("{runbook}order: graph\n")
}
