//! Rendering with the real programs, and the real install manifests of Argo CD.

use std::fs;
use std::path::Path;

use gitops_dr::finding::Severity;
use gitops_dr::redact::Redactor;
use gitops_dr::render::{Error, Form, Options, Rendered, render};
use tempfile::TempDir;
use testbed::Programs;

/// Lays files out in a folder.
fn repository(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = root.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    root
}

fn options() -> Options {
    Options {
        namespace: "argocd".to_owned(),
        release: "argo".to_owned(),
        programs: Some(Programs::find().unwrap().bin().as_os_str().to_owned()),
        ..Options::default()
    }
}

async fn rendered(root: &Path, path: &str, options: &Options) -> Result<Rendered, Error> {
    render(root, path, options, &Redactor::default()).await
}

fn ids(rendered: &Rendered) -> Vec<String> {
    rendered
        .manifests
        .iter()
        .map(|manifest| manifest.id().to_string())
        .collect()
}

#[tokio::test]
async fn the_core_install_of_argo_cd_is_the_same_plain_and_as_a_kustomization() {
    let install = fs::read_to_string(Programs::find().unwrap().shared("argocd/core-install.yaml").unwrap()).unwrap();
    let root = repository(&[
        ("plain/core-install.yaml", &install),
        ("kustomized/base/core-install.yaml", &install),
        ("kustomized/base/kustomization.yaml", "resources: [core-install.yaml]\n"),
        (
            "kustomized/overlay/kustomization.yml",
            "resources: [../base]\nnamespace: argocd\n",
        ),
    ]);
    let plain = rendered(root.path(), "plain", &options()).await.unwrap();
    assert_eq!((plain.form, plain.manifests.len()), (Form::Plain, 34));
    assert!(plain.findings.is_empty(), "{:?}", plain.findings);
    let file = rendered(root.path(), "plain/core-install.yaml", &options())
        .await
        .unwrap();
    let kustomized = rendered(root.path(), "kustomized/base", &options()).await.unwrap();
    assert_eq!((kustomized.form, kustomized.manifests.len()), (Form::Kustomize, 34));
    assert_eq!(plain.digest, file.digest);
    assert_eq!(plain.digest, kustomized.digest);

    let overlay = rendered(root.path(), "kustomized/overlay", &options()).await.unwrap();
    assert_ne!(overlay.digest, plain.digest);
    assert_eq!(
        overlay.manifests[0].origin().file,
        "kustomized/overlay/kustomization.yml"
    );
    assert!(
        ids(&overlay).contains(&"ConfigMap argocd/argocd-cm".to_owned()),
        "{:?}",
        ids(&overlay)
    );
    assert!(ids(&plain).contains(&"ConfigMap argocd-cm".to_owned()));
}

const CHART: &str = "apiVersion: v2\nname: shop\nversion: 1.0.0\n";
const TEMPLATE: &str = "# {{ .Release.Name }}\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Values.name }}\n  namespace: {{ .Release.Namespace }}\ndata:\n  release: {{ .Release.Name }}\n  version: {{ .Capabilities.KubeVersion.Version }}\n";
const HOOK: &str =
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: init\n  annotations: {helm.sh/hook: pre-install}\n";
const TEST: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: test\n  annotations: {helm.sh/hook: test}\n";
const CRD: &str =
    "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: carts.shop.example.com\n";

fn chart() -> TempDir {
    repository(&[
        ("shop/Chart.yaml", CHART),
        ("shop/values.yaml", "name: from-chart\n"),
        ("shop/prod.yaml", "name: from-prod\n"),
        ("shop/templates/config.yaml", TEMPLATE),
        ("shop/templates/init.yaml", HOOK),
        ("shop/templates/test.yaml", TEST),
        ("shop/crds/carts.yaml", CRD),
    ])
}

#[tokio::test]
async fn a_chart_is_rendered_with_its_crds_and_without_its_hooks() {
    let root = chart();
    let shop = rendered(root.path(), "shop", &options()).await.unwrap();
    assert_eq!(shop.form, Form::Helm);
    assert_eq!(
        ids(&shop),
        [
            "CustomResourceDefinition.apiextensions.k8s.io carts.shop.example.com",
            "ConfigMap argocd/from-chart"
        ]
    );
    assert_eq!(shop.manifests[1].text("/data/release"), "argo");
    assert_eq!(shop.manifests[1].origin().file, "shop/templates/config.yaml");
    let hooks: Vec<_> = shop.hooks.iter().map(|hook| hook.id().to_string()).collect();
    assert_eq!(hooks, ["Secret init"]);
    assert_eq!((shop.findings.len(), shop.findings[0].severity), (1, Severity::Note));

    fs::rename(
        root.path().join("shop/prod.yaml"),
        root.path().join("shop/of prod, \"new\".yaml"),
    )
    .unwrap();
    let prod = Options {
        values: vec!["of prod, \"new\".yaml".to_owned()],
        kube_version: Some("1.35.4".to_owned()),
        ..options()
    };
    let prod = rendered(root.path(), "shop", &prod).await.unwrap();
    assert!(ids(&prod).contains(&"ConfigMap argocd/from-prod".to_owned()));
    assert_eq!(prod.manifests[1].text("/data/version"), "v1.35.4");
    assert_ne!(prod.digest, shop.digest);
}

#[tokio::test]
async fn a_chart_may_be_the_whole_repository() {
    let root = chart();
    let shop = rendered(&root.path().join("shop"), "", &options()).await.unwrap();
    assert_eq!(shop.manifests[1].origin().file, "templates/config.yaml");
}

#[tokio::test]
async fn a_chart_whose_dependency_was_not_committed_says_so() {
    let root = chart();
    let chart =
        format!("{CHART}dependencies:\n- {{name: redis, version: 1.0.0, repository: 'https://charts.invalid'}}\n");
    fs::write(root.path().join("shop/Chart.yaml"), chart).unwrap();
    let error = rendered(root.path(), "shop", &options()).await.unwrap_err();
    assert_eq!(error.to_string(), "shop needs charts that are not in its folder: redis");
    assert!(error.hints()[0].contains("helm dependency build"));

    // As `helm dependency build` would lay it out, unpacked.
    for (name, text) in [
        ("Chart.yaml", "apiVersion: v2\nname: redis\nversion: 1.0.0\n"),
        ("templates/a.yaml", CRD),
    ] {
        let file = root.path().join("shop/charts/redis").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text.replace("carts", "redis")).unwrap();
    }
    let shop = rendered(root.path(), "shop", &options()).await.unwrap();
    assert_eq!(shop.manifests.len(), 3);
    assert!(
        shop.manifests
            .iter()
            .any(|manifest| manifest.origin().file == "shop/charts/redis/templates/a.yaml")
    );
}

#[tokio::test]
async fn what_a_program_says_is_kept() {
    let root = chart();
    fs::write(root.path().join("shop/templates/config.yaml"), "{{ .Values.no.such }}").unwrap();
    let error = rendered(root.path(), "shop", &options()).await.unwrap_err();
    assert!(
        error.failure().causes[0].contains("config.yaml:1"),
        "{:?}",
        error.failure()
    );
    let root = repository(&[("kustomization.yaml", "resources: [missing.yaml]\n")]);
    let error = rendered(root.path(), "", &options()).await.unwrap_err();
    assert!(
        error.failure().causes[0].contains("missing.yaml"),
        "{:?}",
        error.failure()
    );
}

#[tokio::test]
async fn kubectl_does_where_kustomize_is_not_and_else_what_to_install_is_said() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = repository(&[("x/kustomization.yaml", "resources: []\n"), ("y/Chart.yaml", CHART)]);
    let bin = repository(&[(
        "kubectl",
        "#!/bin/sh\n[ \"$*\" = 'kustomize ./x' ] && echo '{apiVersion: v1, kind: Namespace, metadata: {name: a}}'\n",
    )]);
    let kubectl = bin.path().join("kubectl");
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
    let options = Options {
        programs: Some(bin.path().as_os_str().to_owned()),
        ..options()
    };
    assert_eq!(
        ids(&rendered(root.path(), "x", &options).await.unwrap()),
        ["Namespace a"]
    );
    fs::remove_file(kubectl).unwrap();
    let error = rendered(root.path(), "x", &options).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "x is a kustomization, and neither kustomize nor kubectl is on PATH"
    );
    assert!(error.hints()[0].contains("install kustomize 5"));
    let error = rendered(root.path(), "y", &options).await.unwrap_err();
    assert_eq!(error.to_string(), "y is a Helm chart, and helm is not on PATH");
}

#[tokio::test]
async fn a_kustomization_cannot_read_files_outside_its_folder() {
    let root = repository(&[
        ("a/kustomization.yaml", "resources: [../secret.yaml]\n"),
        ("secret.yaml", CRD),
    ]);
    let error = rendered(root.path(), "a", &options()).await.unwrap_err();
    assert!(error.failure().causes[0].contains("security"), "{:?}", error.failure());
}

#[tokio::test]
async fn values_outside_the_repository_are_refused() {
    let root = chart();
    for values in ["../../etc/passwd", "/etc/passwd"] {
        let options = Options {
            values: vec![values.to_owned()],
            ..options()
        };
        let error = rendered(root.path(), "shop", &options).await.unwrap_err();
        assert!(matches!(error, Error::LeadsOut(_) | Error::NotThere { .. }), "{error}");
    }
}
