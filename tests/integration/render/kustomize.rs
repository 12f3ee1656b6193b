//! Kustomizations with what an Application adds to them.

use std::fs;

use serde_json::{Value, json};

use super::scene::{ids, job, kustomize, only, render, render_with, repository, script, settings, words};

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart, labels: {tier: old}}\nspec:\n  selector: {matchLabels: {app: cart}}\n  template:\n    metadata: {labels: {app: cart}}\n    spec: {containers: [{name: c, image: 'shop/cart:1'}]}\n";

fn files() -> tempfile::TempDir {
    repository(&[
        ("base/kustomization.yaml", "resources: [deployment.yaml]\n"),
        ("base/deployment.yaml", DEPLOYMENT),
        (
            "app/kustomization.yaml",
            "# kept as it is\nresources: [../base]\npatches:\n- patch: '[{\"op\": \"add\", \"path\": \"/metadata/annotations\", \"value\": {\"own\": \"x\"}}]'\n  target: {kind: Deployment}\n",
        ),
        (
            "part/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [config.yaml]\n",
        ),
        (
            "part/config.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: part}\n",
        ),
    ])
}

#[tokio::test]
async fn everything_that_an_application_adds_is_heeded() {
    let root = files();
    let before = fs::read_to_string(root.path().join("app/kustomization.yaml")).unwrap();
    let said = json!({
        "namePrefix": "a-", "nameSuffix": "-z", "namespace": "web",
        "images": ["shop/cart=mirror/cart:$ARGOCD_APP_REVISION"],
        "replicas": [{"name": "cart", "count": "4"}],
        "commonLabels": {"tier": "$ARGOCD_APP_NAME"}, "forceCommonLabels": true, "labelWithoutSelector": true,
        "commonAnnotations": {"by": "$ARGOCD_APP_NAME"}, "commonAnnotationsEnvsubst": true,
        "patches": [{"patch": "- {op: add, path: /spec/paused, value: true}", "target": {"kind": "Deployment"}}],
        "components": ["../part", "../missing"], "ignoreMissingComponents": true,
    });
    let rendered = render(&job(root.path(), "app", kustomize(said))).await.unwrap();
    assert!(rendered.findings.is_empty(), "{:?}", rendered.findings);
    let cart = only(&rendered, "Deployment");
    assert_eq!(
        (&cart["metadata"]["name"], &cart["metadata"]["namespace"]),
        (&json!("a-cart-z"), &json!("web"))
    );
    assert_eq!(cart["metadata"]["labels"]["tier"], "shop");
    assert_eq!(cart["metadata"]["annotations"], json!({"own": "x", "by": "shop"}));
    assert_eq!(cart["spec"]["selector"]["matchLabels"], json!({"app": "cart"}));
    assert_eq!(
        (&cart["spec"]["replicas"], &cart["spec"]["paused"]),
        (&json!(4), &json!(true))
    );
    assert_eq!(
        cart["spec"]["template"]["spec"]["containers"][0]["image"],
        "mirror/cart:c0ffee"
    );
    assert!(
        ids(&rendered).contains(&"ConfigMap web/a-part-z".to_owned()),
        "{:?}",
        ids(&rendered)
    );
    // The checkout is everybody's.
    assert_eq!(
        fs::read_to_string(root.path().join("app/kustomization.yaml")).unwrap(),
        before
    );
    assert_eq!(rendered.manifests[0].origin().file, "app/kustomization.yaml");
}

#[tokio::test]
async fn labels_reach_selectors_and_annotations_keep_their_dollars_unless_told_otherwise() {
    let root = files();
    let said = json!({"commonLabels": {"team": "a"}, "commonAnnotations": {"by": "$ARGOCD_APP_NAME"}});
    let rendered = render(&job(root.path(), "app", kustomize(said))).await.unwrap();
    let cart = only(&rendered, "Deployment");
    assert_eq!(
        cart["spec"]["selector"]["matchLabels"],
        json!({"app": "cart", "team": "a"})
    );
    assert_eq!(cart["metadata"]["annotations"]["by"], "$ARGOCD_APP_NAME");
}

#[tokio::test]
async fn a_label_that_is_there_and_a_missing_component_are_errors_as_they_are_for_the_agent() {
    let root = files();
    fs::write(
        root.path().join("app/kustomization.yaml"),
        "resources: [../base]\ncommonLabels: {tier: own}\n",
    )
    .unwrap();
    for (said, expected) in [
        (
            json!({"commonLabels": {"tier": "new"}}),
            "label tier already in kustomization file",
        ),
        (json!({"components": ["../missing"]}), "missing"),
        (
            json!({"replicas": [{"name": "cart", "count": "many"}]}),
            "expected integer value for count",
        ),
    ] {
        let error = render(&job(root.path(), "app", kustomize(said))).await.unwrap_err();
        assert!(words(&error).contains(expected), "{}", words(&error));
    }
}

#[tokio::test]
async fn charts_of_a_kustomization_are_inflated_where_the_agent_does_and_nothing_is_written_into_the_checkout() {
    let root = repository(&[
        (
            "app/kustomization.yaml",
            "helmGlobals: {chartHome: charts}\nhelmCharts: [{name: cart, releaseName: r}]\n",
        ),
        (
            "app/charts/cart/Chart.yaml",
            "apiVersion: v2\nname: cart\nversion: 1.0.0\n",
        ),
        ("app/charts/cart/values.yaml", "a: b\n"),
        (
            "app/charts/cart/templates/c.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata: {version: '{{ .Capabilities.KubeVersion.Version }}'}\n",
        ),
    ]);
    let job = job(root.path(), "app", None);
    let error = render(&job).await.unwrap_err();
    assert!(words(&error).contains("--enable-helm"), "{}", words(&error));
    let mut with_charts = settings();
    with_charts.build_options = "--enable-helm".to_owned();
    let rendered = render_with(with_charts, &job).await.unwrap();
    assert_eq!(only(&rendered, "ConfigMap")["data"]["version"], "v1.35.4");
    assert_eq!(only(&rendered, "ConfigMap")["metadata"]["name"], "r");
}

#[tokio::test]
async fn programs_of_a_repository_are_not_run_whatever_the_agents_options_are() {
    let root = repository(&[("kustomization.yaml", "resources: []\n")]);
    for option in ["--enable-exec", "--enable-alpha-plugins", "--network=true"] {
        let mut bad = settings();
        bad.build_options = format!("--enable-helm {option}");
        let error = render_with(bad, &job(root.path(), ".", None)).await.unwrap_err();
        assert!(words(&error).contains("run programs here"), "{}", words(&error));
    }
    // Nor do they run by the kustomization's own words.
    let ran = root.path().join("ran");
    script(root.path(), "plugin.sh", &format!("touch {}", ran.display()));
    fs::write(root.path().join("kustomization.yaml"), "generators: [g.yaml]\n").unwrap();
    let plugin = "apiVersion: v1\nkind: Mine\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: 'exec: {path: ./plugin.sh}'\n";
    fs::write(root.path().join("g.yaml"), plugin).unwrap();
    render(&job(root.path(), ".", None)).await.unwrap_err();
    assert!(!ran.exists());
}

#[tokio::test]
async fn a_kustomization_beside_a_chart_goes_first_as_for_the_agent_and_an_application_can_say_otherwise() {
    let root = repository(&[
        ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        (
            "templates/c.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: of-chart}\n",
        ),
        ("kustomization.yaml", "resources: [plain.yaml]\n"),
        (
            "plain.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: of-kustomization}\n",
        ),
    ]);
    let named = async |tool| ids(&render(&job(root.path(), "", tool)).await.unwrap());
    assert_eq!(named(None).await, ["ConfigMap of-kustomization"]);
    assert_eq!(
        named(super::scene::helm(Value::Object(serde_json::Map::new()))).await,
        ["ConfigMap of-chart"]
    );
}
