//! Charts that ask which kinds the cluster serves.

use std::collections::BTreeSet;

use gitops_dr::platform::argocd::served;
use serde_json::Value;

use super::agent::{deployed, planned, same};
use crate::restore::scene::{RUNBOOK, Scene, application, files};

/// The kind that another app brings.
const CRD: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.shop.example.com}
spec:
  group: shop.example.com
  names: {kind: Gadget, plural: gadgets, singular: gadget}
  scope: Namespaced
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
";

/// An object for each thing that is served, and one of the other app's kind.
const ASKING: &str = r#"{{- range $name, $kind := dict "workload" "apps/v1/Deployment" "entrance" "networking.k8s.io/v1/Ingress" "agent" "argoproj.io/v1alpha1/Application" "late" "shop.example.com/v1/Gadget" "group" "shop.example.com/v1" "nobody" "nobody.example.com/v1" }}
{{- if $.Capabilities.APIVersions.Has $kind }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ $name }}"}
{{- end }}
{{- end }}
{{- if .Capabilities.APIVersions.Has "shop.example.com/v1/Gadget" }}
---
apiVersion: shop.example.com/v1
kind: Gadget
metadata: {name: one}
{{- end }}
"#;

fn platform() -> Vec<(String, String)> {
    let mut all = files();
    all.extend(
        [
            ("apps/kinds.yaml", application("kinds", "kinds", "kinds")),
            ("apps/asking.yaml", application("asking", "asking", "asking")),
            ("kinds/gadgets.yaml", CRD.to_owned()),
            (
                "kinds/map.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kinds}\n".to_owned(),
            ),
            (
                "asking/Chart.yaml",
                "apiVersion: v2\nname: asking\nversion: 1.0.0\n".to_owned(),
            ),
            ("asking/templates/all.yaml", ASKING.to_owned()),
        ]
        .map(|(name, text)| (name.to_owned(), text)),
    );
    all
}

#[tokio::test]
async fn a_chart_that_asks_what_is_served_is_planned_as_the_agent_renders_it() {
    let scene = Scene::with(platform()).await;
    let runbook = scene.outage.runbook("small.yaml", RUNBOOK).unwrap();
    let runbook = runbook.display().to_string();
    let plan = scene.tool.run(&["plan", &runbook, "--output", "json"]).await.unwrap();
    assert_eq!(plan.code, 0, "{}", plan.said());
    let plan: Value = serde_json::from_str(&plan.out).unwrap();

    let ran = scene.restore(&["--deadline", "8m"]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let bed = &scene.outage.bed;
    let planned = planned(bed, &plan).await;
    // All but what nobody serves.
    assert_eq!(planned["asking"].len(), 6, "{:#?}", planned["asking"]);
    same(&planned, &deployed(bed).await);

    let client = kube::discovery::Discovery::new(bed.admin()).run().await.unwrap();
    let of_cluster: BTreeSet<String> = client
        .groups()
        .flat_map(|group| {
            group
                .versions()
                .flat_map(|version| group.versioned_resources(version))
                .collect::<Vec<_>>()
        })
        .map(|(resource, _)| format!("{}/{}", resource.api_version, resource.kind))
        .collect();
    let usual = served::usual().into_iter().filter(|one| {
        one.rsplit('/')
            .next()
            .is_some_and(|last| last.starts_with(char::is_uppercase))
    });
    let unserved: Vec<_> = usual.filter(|kind| !of_cluster.contains(kind)).collect();
    assert!(
        unserved.is_empty(),
        "what every cluster is taken to serve: {unserved:?}"
    );
}
