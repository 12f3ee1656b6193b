//! Upstream's own test cases of health checks, judged by ours; `make setup` copies them from the modules of Argo CD.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use gitops_dr::cluster::{Cluster, Target};
use gitops_dr::health::lua::Checks;
use gitops_dr::health::{Health, Status, judge};
use gitops_dr::object::ObjectRef;
use gitops_dr::platform::argocd::bundled::named;
use gitops_dr::platform::argocd::checks::of_bundle;
use gitops_dr::steps::read_checks;
use gitops_dr::yaml;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};
use testbed::{Bed, BedOptions, Programs};

fn upstream(folder: &str) -> PathBuf {
    Programs::find()
        .unwrap()
        .shared(&format!("argocd-checks/{folder}"))
        .unwrap()
}

/// The first document of a file.
fn read(file: &Path) -> Value {
    let documents = yaml::manifests(&fs::read_to_string(file).unwrap()).unwrap();
    documents.into_iter().next().unwrap().1
}

/// What upstream says of each of its files (gitops-engine, `pkg/health/health_test.go`).
#[test]
fn the_kinds_of_the_cluster_are_judged_as_argo_cd_judges_them() {
    use Status::{Degraded, Healthy, Progressing, Suspended};
    let expected = BTreeMap::from([
        ("apiservice-v1-false", Some(Progressing)),
        ("apiservice-v1-true", Some(Healthy)),
        ("apiservice-v1beta1-false", Some(Progressing)),
        ("apiservice-v1beta1-true", Some(Healthy)),
        ("application-degraded", None),
        ("application-healthy", None),
        ("daemonset-ondelete", Some(Healthy)),
        ("deployment-degraded", Some(Degraded)),
        ("deployment-progressing", Some(Progressing)),
        ("deployment-suspended", Some(Suspended)),
        ("hpa-v1-degraded", Some(Degraded)),
        ("hpa-v1-healthy", Some(Healthy)),
        ("hpa-v1-healthy-toofew", Some(Healthy)),
        ("hpa-v1-progressing", Some(Progressing)),
        ("hpa-v1-progressing-with-no-annotations", Some(Progressing)),
        ("hpa-v2-degraded", Some(Degraded)),
        ("hpa-v2-healthy", Some(Healthy)),
        ("hpa-v2-progressing", Some(Progressing)),
        ("hpa-v2beta1-healthy", Some(Healthy)),
        ("hpa-v2beta1-healthy-disabled", Some(Healthy)),
        ("hpa-v2beta2-healthy", Some(Healthy)),
        ("ingress", Some(Healthy)),
        ("ingress-nonemptylist", Some(Healthy)),
        ("ingress-unassigned", Some(Progressing)),
        ("job-failed", Some(Degraded)),
        ("job-running", Some(Progressing)),
        ("job-succeeded", Some(Healthy)),
        ("job-suspended", Some(Suspended)),
        ("knative-service", None),
        ("pod-crashloop", Some(Degraded)),
        ("pod-deletion", Some(Progressing)),
        ("pod-error", Some(Degraded)),
        ("pod-failed", Some(Degraded)),
        ("pod-imagepullbackoff", Some(Degraded)),
        ("pod-pending", Some(Progressing)),
        ("pod-running-not-ready", Some(Progressing)),
        ("pod-running-restart-always", Some(Healthy)),
        ("pod-running-restart-never", Some(Progressing)),
        ("pod-running-restart-onfailure", Some(Progressing)),
        ("pod-succeeded", Some(Healthy)),
        ("pvc-bound", Some(Healthy)),
        ("pvc-pending", Some(Progressing)),
        ("statefulset", Some(Healthy)),
        ("statefulset-ondelete", Some(Healthy)),
        ("svc-clusterip", Some(Healthy)),
        ("svc-loadbalancer", Some(Healthy)),
        ("svc-loadbalancer-nonemptylist", Some(Healthy)),
        ("svc-loadbalancer-unassigned", Some(Progressing)),
    ]);
    let mut judged = BTreeMap::new();
    for file in fs::read_dir(upstream("testdata")).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        judged.insert(name, judge(&read(&file)).map(|health| health.status));
    }
    let expected = expected
        .into_iter()
        .map(|(name, status)| (name.to_owned(), status))
        .collect();
    assert_eq!(judged, expected);
}

/// The files of the bundle with their paths below it.
fn bundle(root: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("health.lua") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    files
}

/// What upstream expects of a file; a status that is empty is no health.
fn expected(case: &Value) -> Option<Health> {
    let text = |field: &str| case["healthStatus"][field].as_str().unwrap_or_default();
    let status = serde_json::from_value(case["healthStatus"]["status"].clone()).ok()?;
    Some(Health {
        status,
        message: text("message").to_owned(),
    })
}

/// Upstream's test asks the script alone. Argo CD asks none about an object that is being deleted, unless it is a hook.
fn for_the_script(mut object: Value) -> Value {
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        object["metadata"]["finalizers"] = json!(["argocd.argoproj.io/hook-finalizer"]);
    }
    object
}

#[test]
fn the_kinds_that_are_known_to_have_a_check_are_those_of_the_release() {
    let files = bundle(&upstream("resource_customizations"));
    let of_kubernetes = ["apiextensions.k8s.io", "batch", "policy"];
    let theirs: BTreeSet<_> = files
        .iter()
        .filter_map(|(path, _)| path.strip_suffix("/health.lua")?.split_once('/'))
        .filter(|(group, _)| !group.starts_with('_') && !of_kubernetes.contains(group))
        .collect();
    assert_eq!(named().collect::<BTreeSet<_>>(), theirs);
}

#[test]
fn the_scripts_of_argo_cd_judge_its_own_cases_as_it_does() {
    let root = upstream("resource_customizations");
    let files = bundle(&root);
    let folders: Vec<_> = files
        .iter()
        .map(|(path, _)| root.join(path).parent().unwrap().to_owned())
        .collect();
    let checks = Checks::new(BTreeMap::new(), of_bundle(files));
    assert_eq!(checks.broken(), []);
    let mut passed = 0;
    for folder in &folders {
        let cases = read(&folder.join("health_test.yaml"));
        for case in cases["tests"].as_array().unwrap() {
            // Go reads a key in whatever case.
            let path = case.get("inputPath").or_else(|| case.get("inputpath"));
            let file = folder.join(path.unwrap().as_str().unwrap());
            let name = file.strip_prefix(&root).unwrap().display().to_string();
            let object = read(&file);
            let health = checks.judge(&for_the_script(object));
            let expected = expected(case);
            assert_eq!(health, expected, "{name}");
            passed += 1;
        }
    }
    assert_eq!((checks.count(), passed), (233, 1037));
}

/// A platform's own check, which says more than upstream's.
const OWN: &str = r#"
hs = { status = "Progressing", message = "waits for its issuer" }
if obj.data ~= nil and obj.data.issued == "yes" then hs = { status = "Healthy", message = string.upper("issued") } end
return hs
"#;

#[tokio::test]
async fn the_checks_are_read_from_the_live_settings_and_from_a_release_that_a_source_holds() {
    let bed = Bed::start(BedOptions::default()).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(bed.admin(), "default");
    let settings = json!({
        "metadata": {"name": "argocd-cm"},
        "data": {
            "resource.customizations.health.ConfigMap": OWN,
            "resource.customizations.useOpenLibs.ConfigMap": "true",
            "resource.customizations.health.shop.example.com_Broken": "return {",
        },
    });
    let create = async |map: Value| {
        maps.create(&PostParams::default(), &serde_json::from_value(map).unwrap())
            .await
    };
    create(settings).await.unwrap();
    create(json!({"metadata": {"name": "issued"}, "data": {"issued": "yes"}}))
        .await
        .unwrap();

    let target = Target {
        kubeconfig: Some(bed.kubeconfig().to_owned()),
        context: "testbed".to_owned(),
    };
    let cluster = Cluster::connect(&target).await.unwrap();
    let release = upstream("resource_customizations").parent().unwrap().to_owned();
    let sources = vec![("argo-cd".to_owned(), release)];
    let (checks, notices) = read_checks(&cluster, "default", "3.2.11", sources).await.unwrap();
    assert_eq!(checks.count(), 2 + 233);
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("`shop.example.com/Broken`"), "{notices:?}");

    let live = async |name: &str| {
        let id = ObjectRef::new("v1", "ConfigMap", "default", name);
        checks.judge(&cluster.get(&id).await.unwrap().unwrap()).unwrap()
    };
    let issued = live("issued").await;
    assert_eq!((issued.status, issued.message.as_str()), (Status::Healthy, "ISSUED"));
    assert_eq!(live("argocd-cm").await.status, Status::Progressing);
    let certificate = json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "status": {"conditions":
        [{"type": "Ready", "status": "False", "reason": "DoesNotExist", "message": "no such issuer"}]}});
    assert_eq!(checks.judge(&certificate).unwrap().status, Status::Degraded);

    // Of an agent that has no settings the checks in its code count, and nothing is complained of.
    let (checks, notices) = read_checks(&cluster, "kube-system", "3.2.11", Vec::new())
        .await
        .unwrap();
    assert_eq!((checks.count(), notices), (0, vec![]));
    assert_eq!(bed.mutations_by(testbed::bed::ADMINISTRATOR).await.unwrap(), []);
}
