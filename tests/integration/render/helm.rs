//! Charts with what an Application tells them.

use std::fs;

use gitops_dr::render::Error;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::scene::{checkout, helm, ids, job, only, render, repository, words};

const TEMPLATE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n  namespace: {{ .Release.Namespace }}\ndata:\n  kube: {{ .Capabilities.KubeVersion.Version }}\n  monitored: {{ .Capabilities.APIVersions.Has \"monitoring.coreos.com/v1/ServiceMonitor\" | quote }}\n  values: {{ .Values | toJson | quote }}\n";

fn chart() -> TempDir {
    let hook = |name: &str, kind: &str| {
        format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, annotations: {{helm.sh/hook: {kind}}}}}\n")
    };
    repository(&[
        ("charts/shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n"),
        (
            "charts/shop/values.yaml",
            "a: chart\nb: chart\nc: chart\nd: chart\ne: chart\n",
        ),
        ("charts/shop/one.yaml", "b: one\nc: one\nd: one\ne: one\n"),
        ("env/shop.yaml", "c: two\nd: two\n"),
        ("env/note.txt", "from a file, with a comma"),
        ("charts/shop/templates/config.yaml", TEMPLATE),
        ("charts/shop/templates/init.yaml", &hook("init", "pre-install")),
        ("charts/shop/templates/test.yaml", &hook("test", "test")),
        (
            "charts/shop/crds/carts.yaml",
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: carts.h}\n",
        ),
    ])
}

fn values(rendered: &gitops_dr::render::Rendered) -> Value {
    serde_json::from_str(only(rendered, "ConfigMap")["data"]["values"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn values_take_each_others_place_as_in_argo_cd() {
    let root = chart();
    let said = json!({
        "valueFiles": ["one.yaml", "/env/$ARGOCD_APP_NAME.yaml"],
        "values": "d: never seen",
        "valuesObject": {"d": {"x": [1, "$ARGOCD_APP_NAME"]}},
        "parameters": [{"name": "e", "value": "$ARGOCD_APP_NAME,x"}, {"name": "f", "value": "{a,b}"},
            {"name": "g", "value": "007", "forceString": true}, {"name": "h", "value": "7"}],
        "fileParameters": [{"name": "i", "path": "../../env/note.txt"}],
    });
    let rendered = render(&job(root.path(), "charts/shop", helm(said))).await.unwrap();
    assert!(rendered.findings.is_empty(), "{:?}", rendered.findings);
    assert_eq!(
        values(&rendered),
        json!({"a": "chart", "b": "one", "c": "two", "d": {"x": [1, "$ARGOCD_APP_NAME"]}, "e": "shop,x", "f": ["a", "b"],
            "g": "007", "h": 7, "i": "from a file, with a comma"})
    );
    let rendered = render(&job(root.path(), "charts/shop", helm(json!({"values": "d: text"}))))
        .await
        .unwrap();
    assert_eq!(values(&rendered)["d"], "text");
    // An empty object counts, and takes the place of the text.
    let both = json!({"values": "d: text", "valuesObject": {}});
    let rendered = render(&job(root.path(), "charts/shop", helm(both))).await.unwrap();
    assert_eq!(values(&rendered)["d"], "chart");
}

#[tokio::test]
async fn files_of_another_source_are_lent_by_its_ref() {
    let root = chart();
    let other = repository(&[("prod/shop.yaml", "a: lent\n")]);
    let said = json!({"valueFiles": ["$values/prod/${ARGOCD_APP_NAME}.yaml"], "fileParameters": [{"name": "b", "path": "$values/prod/shop.yaml"}]});
    let mut job = job(root.path(), "charts/shop", helm(said));
    // Without it, it is a variable that nobody set.
    let error = render(&job).await.unwrap_err();
    assert!(matches!(error, Error::NotThere { .. }), "{error}");
    job.lent.insert("$values".to_owned(), checkout(other.path()));
    let rendered = render(&job).await.unwrap();
    assert_eq!(
        (&values(&rendered)["a"], &values(&rendered)["b"]),
        (&json!("lent"), &json!("a: lent\n"))
    );
    job.tool = helm(json!({"valueFiles": ["$values/../outside.yaml"]}));
    assert!(matches!(render(&job).await.unwrap_err(), Error::LeadsOut(_)));
}

#[tokio::test]
async fn a_missing_file_is_an_error_unless_it_may_be_missing_and_none_is_read_from_elsewhere() {
    let root = chart();
    let of = async |said| render(&job(root.path(), "charts/shop", helm(said))).await;
    let missing = json!({"valueFiles": ["one.yaml", "$ARGOCD_APP_NAME-only.yaml"]});
    assert_eq!(
        words(&of(missing.clone()).await.unwrap_err()),
        "there is no `$ARGOCD_APP_NAME-only.yaml` in the repository"
    );
    let mut ignored = missing;
    ignored["ignoreMissingValueFiles"] = json!(true);
    assert_eq!(values(&of(ignored).await.unwrap())["b"], "one");
    for (file, expected) in [
        ("../../../etc/passwd", "leads out"),
        ("/../etc/passwd", "leads out"),
        ("https://h/values.yaml", "a file on a server"),
    ] {
        let error = of(json!({"valueFiles": [file]})).await.unwrap_err();
        assert!(words(&error).contains(expected), "{}", words(&error));
    }
}

#[tokio::test]
async fn names_versions_and_what_is_skipped_are_as_the_application_says() {
    let root = chart();
    let of = async |said| render(&job(root.path(), "charts/shop", helm(said))).await.unwrap();
    let plain = of(json!({"values": "x: y"})).await;
    let config = only(&plain, "ConfigMap");
    assert_eq!(
        (&config["metadata"]["name"], &config["metadata"]["namespace"]),
        (&json!("shop"), &json!("web"))
    );
    assert_eq!(
        (&config["data"]["kube"], &config["data"]["monitored"]),
        (&json!("v1.35.4"), &json!("false"))
    );
    assert!(ids(&plain).iter().any(|id| id.starts_with("CustomResourceDefinition")));
    // A hook is a hook; a test is one that never runs.
    assert_eq!(
        plain.hooks.iter().map(|hook| hook.id().name).collect::<Vec<_>>(),
        ["init"]
    );
    assert_eq!(plain.hooks[0].origin().file, "charts/shop/templates/init.yaml");

    let said = json!({"releaseName": "r", "namespace": "own", "kubeVersion": "1.33.1", "skipCrds": true, "skipTests": true,
        "apiVersions": ["monitoring.coreos.com/v1/ServiceMonitor"]});
    let other = of(said).await;
    let config = only(&other, "ConfigMap");
    assert_eq!(
        (&config["metadata"]["name"], &config["metadata"]["namespace"]),
        (&json!("r"), &json!("own"))
    );
    assert_eq!(
        (&config["data"]["kube"], &config["data"]["monitored"]),
        (&json!("v1.33.1"), &json!("true"))
    );
    assert_eq!(ids(&other), ["ConfigMap own/r"]);
}

#[tokio::test]
async fn a_schema_is_held_against_the_values_unless_it_is_skipped() {
    let root = chart();
    let schema = json!({"properties": {"a": {"type": "integer"}}}).to_string();
    fs::write(root.path().join("charts/shop/values.schema.json"), schema).unwrap();
    let of = async |said| render(&job(root.path(), "charts/shop", helm(said))).await;
    let error = of(json!({"releaseName": "r"})).await.unwrap_err();
    assert!(words(&error).contains("schema"), "{}", words(&error));
    of(json!({"skipSchemaValidation": true})).await.unwrap();
}
