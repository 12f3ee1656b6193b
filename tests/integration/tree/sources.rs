//! The ways in which an Application and a set can say what they are made of.

use crate::restore::scene::{Scene, application, deployment, files};

use super::agent::{deployed, planned, same};

/// An Application with this `source` or these `sources`.
fn with(name: &str, sources: &str) -> String {
    let written = application(name, name, name);
    let line = written
        .lines()
        .find(|line| line.trim_start().starts_with("source: "))
        .unwrap();
    written.replace(line, &format!("  {sources}"))
}

fn config(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: b}}\n")
}

/// A chart with an object for each of its names, and one only where it is told so.
const NAMES: &str = r#"{{- range .Values.names }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ $.Release.Name }}-{{ . }}"}
{{- end }}
{{- if .Values.more }}
---
apiVersion: v1
kind: Secret
metadata: {name: more}
{{- end }}
"#;

/// Two tiers, each with all folders below `shards`; what is in them is named with functions of Argo CD and of sprig.
const SHARDS: &str = r#"apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shards, namespace: argocd}
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - matrix:
        generators:
          - list: {elements: [{tier: Front_End}, {tier: back}]}
          - git:
              repoURL: "https://git.example.com/shop/platform.git"
              revision: main
              directories: [{path: "shards/*"}, {path: shards/off, exclude: true}]
  template:
    metadata: {name: '{{ printf "%s-%s" (.tier | normalize | replace "_" "-") .path.basename | trunc 40 }}'}
    spec:
      project: default
      source: {repoURL: "https://git.example.com/shop/platform.git", targetRevision: main, path: "{{.path.path}}"}
      destination: {server: "https://kubernetes.default.svc", namespace: "{{ .path.basename }}-{{ slugify 9 true .tier }}"}
      syncPolicy:
        automated: {prune: true, selfHeal: true}
        syncOptions: [CreateNamespace=true]
"#;

fn platform() -> Vec<(String, String)> {
    let file = |name: &str, text: String| (name.to_owned(), text);
    let url = "https://git.example.com/shop/platform.git";
    let at = |path: &str, more: &str| format!("{{repoURL: \"{url}\", targetRevision: main, path: {path}{more}}}");
    let mut all = files();
    all.extend([
        file(
            "apps/picked.yaml",
            with("picked", &format!("source: {}", at("picked", ", directory: {recurse: true, include: '{*.yaml,deep/*}', exclude: '*/skip.yaml'}"))),
        ),
        file("picked/a.yaml", config("a")),
        file("picked/b.json", r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}}"#.into()),
        file("picked/deep/c.yml", config("c")),
        file("picked/deep/skip.yaml", config("skipped")),
        file("picked/other/d.yml", config("d")),
        file(
            "apps/charted.yaml",
            with(
                "charted",
                &format!(
                    "sources:\n    - {}\n    - {{repoURL: \"https://git.example.com/shop/values.git\", targetRevision: main, ref: values}}\n    - {}",
                    at("chart", ", helm: {releaseName: r, valueFiles: [values.yaml, $values/prod/values.yaml], parameters: [{name: 'names[1]', value: last}, {name: more, value: 'true'}]}"),
                    at("cart", ""),
                ),
            ),
        ),
        file("chart/Chart.yaml", "apiVersion: v2\nname: names\nversion: 1.0.0\n".into()),
        file("chart/values.yaml", "names: [one]\nmore: false\n".into()),
        file("chart/templates/all.yaml", NAMES.into()),
        // In this repository it is another file than in the one that lends it.
        file("prod/values.yaml", "names: [wrong]\n".into()),
        file(
            "apps/built.yaml",
            with("built", &format!("source: {}", at("built", ", kustomize: {namePrefix: pre-, commonLabels: {team: shop}, images: ['registry.example.com/x=registry.example.com/y:2'], components: [../component]}"))),
        ),
        file("built/kustomization.yaml", "resources: [deployment.yaml]\nconfigMapGenerator: [{name: settings, literals: [a=b]}]\n".into()),
        file("built/deployment.yaml", deployment("x")),
        file("component/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [more.yaml]\n".into()),
        file("component/more.yaml", config("more")),
        file("apps/shards.yaml", SHARDS.into()),
        file("shards/a/map.yaml", config("shard")),
        file("shards/b/map.yaml", config("shard")),
        file("shards/off/map.yaml", config("shard")),
    ]);
    all
}

#[tokio::test]
async fn whatever_a_source_says_the_plan_has_what_the_agent_then_deploys() {
    let scene = Scene::with(platform()).await;
    let values = scene.outage.git.create_public("shop/values").await.unwrap();
    let lent = ("prod/values.yaml", "names: [first, second, third]\n");
    values.commit("values", [lent]).await.unwrap();
    let runbook = scene
        .outage
        .runbook("small.yaml", crate::restore::scene::RUNBOOK)
        .unwrap();
    let runbook = runbook.display().to_string();
    let plan = scene.tool.run(&["plan", &runbook, "--output", "json"]).await.unwrap();
    assert_eq!(plan.code, 0, "{}", plan.said());
    let plan = serde_json::from_str(&plan.out).unwrap();

    let ran = scene.restore(&["--deadline", "8m"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let bed = &scene.outage.bed;
    let (planned, deployed) = (planned(bed, &plan).await, deployed(bed).await);
    assert!(
        planned.contains_key("front-end-a") && planned.contains_key("back-b"),
        "{:?}",
        planned.keys()
    );
    same(&planned, &deployed);
}
