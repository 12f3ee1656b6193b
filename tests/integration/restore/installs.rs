//! The forms in which an agent's install lies in Git, and what is restored before the agent starts.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::runtime::wait::{await_condition, conditions};
use serde_json::{Value, json};
use testbed::control_plane::AuditEvent;
use testbed::{Bed, outage};

use super::scene::{SIGNING_KEY, Scene, files};

/// The scene's files with these in place of its install.
fn with_install(install: Vec<(&str, String)>) -> Vec<(String, String)> {
    let mut files = files();
    files.retain(|(name, _)| !name.starts_with("bootstrap/"));
    files.extend(
        install
            .into_iter()
            .map(|(name, text)| (format!("bootstrap/argocd/{name}"), text)),
    );
    files
}

fn of_argoproj(bed: &Bed, kind: &str) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", kind));
    Api::namespaced_with(bed.admin(), "argocd", &resource)
}

async fn secret(bed: &Bed, namespace: &str, name: &str) -> Secret {
    Api::<Secret>::namespaced(bed.admin(), namespace)
        .get(name)
        .await
        .unwrap()
}

fn words(secret: &Secret) -> BTreeMap<&str, &str> {
    let pairs = secret.data.iter().flatten();
    pairs
        .map(|(key, value)| (key.as_str(), std::str::from_utf8(&value.0).unwrap()))
        .collect()
}

async fn signing_key(bed: &Bed) -> String {
    words(&secret(bed, "argocd", "argocd-secret").await)["server.secretkey"].to_owned()
}

fn is_workload(event: &AuditEvent) -> bool {
    matches!(event.resource.as_str(), "deployments" | "statefulsets")
}

/// Secrets of all the kinds that Argo CD knows by a label, and one that only Kubernetes knows.
const SECRETS: &str = r#"  team:
    as: argocd/repo-creds
    from: {vault: dr/team}
  github:
    as: argocd/scm-creds
    from: {vault: dr/github}
  edge:
    as: argocd/cluster
    from: {vault: dr/edge}
    set: {name: edge}
  upstream:
    as: {namespace: mirror, type: kubernetes.io/basic-auth, name: upstream-login, labels: {team: platform}, annotations: {for: "the mirror"}}
    from: {vault: dr/upstream, keys: {username: user, password: word}}
roots:
"#;

async fn store_secrets(scene: &Scene) {
    let store = scene.outage.vault.root();
    let team = [
        ("url", "https://git.example.org/team"),
        ("username", "dr"),
        ("password", "pässword\nof two lines"),
    ];
    store.put("dr/team", team).await.unwrap();
    store
        .put("dr/github", [("token", "github-token-of-the-team")])
        .await
        .unwrap();
    // Nothing listens there, and no app goes there.
    let edge = [
        ("server", "https://127.0.0.1:9"),
        (
            "config",
            r#"{"bearerToken": "token-of-the-edge", "tlsClientConfig": {"insecure": true}}"#,
        ),
    ];
    store.put("dr/edge", edge).await.unwrap();
    store
        .put(
            "dr/upstream",
            [
                ("user", "mirror"),
                ("word", "upstream-password"),
                ("note", "not wanted"),
            ],
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn plain_manifests_are_an_install_and_an_agent_that_is_there_stays() {
    let scene = Scene::with(with_install(vec![("install.yaml", outage::core_install().unwrap())])).await;
    store_secrets(&scene).await;
    Box::pin(another_version_is_refused(&scene)).await;

    let change = |runbook: &str| runbook.replace("roots:\n", SECRETS);
    let ran = scene.restore_with(change, &[]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let before = scene.platform_mutations().await;
    what_the_agent_needs_comes_before_it(&before);
    secrets_are_as_argocd_and_kubernetes_want_them(&scene.outage.bed).await;
    assert_eq!(signing_key(&scene.outage.bed).await, SIGNING_KEY);

    an_agent_without_apps_stays(&scene, before.len()).await;
    a_second_install_takes_nothing_away(&scene).await;
}

/// An agent of another version: refused, and not one request that changes anything.
async fn another_version_is_refused(scene: &Scene) {
    let admin = scene.outage.bed.admin();
    let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": "argocd"}})).unwrap();
    Api::all(admin.clone())
        .create(&PostParams::default(), &namespace)
        .await
        .unwrap();
    let name = "argocd-application-controller";
    let old: StatefulSet = serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {
            "replicas": 0,
            "serviceName": name,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "registry.example.com/argoproj/argocd:v3.1.9"}]},
            },
        },
    }))
    .unwrap();
    let sets: Api<StatefulSet> = Api::namespaced(admin, "argocd");
    sets.create(&PostParams::default(), &old).await.unwrap();

    let ran = scene.restore(&[]).await;
    assert_eq!(ran.code, 2, "{}", ran.said());
    assert!(
        ran.out.contains("3.1.9") && ran.out.contains("3.2.11"),
        "{}",
        ran.said()
    );
    assert_eq!(scene.mutations().await, []);

    let old = sets.get(name).await.unwrap();
    sets.delete(name, &DeleteParams::default()).await.unwrap();
    await_condition(sets, name, conditions::is_deleted(&old.metadata.uid.unwrap()))
        .await
        .unwrap();
}

/// The API server saw every credential before the first workload.
fn what_the_agent_needs_comes_before_it(mutations: &[AuditEvent]) {
    let first = mutations.iter().position(is_workload).expect("workloads are applied");
    for name in [
        "argocd-secret",
        "repo-platform",
        "team",
        "github",
        "edge",
        "upstream-login",
    ] {
        let of_it: Vec<_> = (0..mutations.len())
            .filter(|index| mutations[*index].resource == "secrets" && mutations[*index].name == name)
            .collect();
        assert_eq!(of_it.len(), 1, "{name} is written once");
        assert!(of_it[0] < first, "{name} comes before {}", mutations[first].name);
    }
}

async fn secrets_are_as_argocd_and_kubernetes_want_them(bed: &Bed) {
    const TYPE: &str = "argocd.argoproj.io/secret-type";
    for (name, kind, key, value) in [
        ("repo-platform", "repository", "type", "git"),
        ("team", "repo-creds", "password", "pässword\nof two lines"),
        ("github", "scm-creds", "token", "github-token-of-the-team"),
        ("edge", "cluster", "name", "edge"),
    ] {
        let live = secret(bed, "argocd", name).await;
        assert_eq!(live.metadata.labels.as_ref().unwrap()[TYPE], kind, "{name}");
        assert_eq!(live.type_.as_deref(), Some("Opaque"), "{name}");
        assert_eq!(words(&live)[key], value, "{name}");
    }
    let live = secret(bed, "mirror", "upstream-login").await;
    assert_eq!(live.type_.as_deref(), Some("kubernetes.io/basic-auth"));
    assert_eq!(live.metadata.labels.as_ref().unwrap()["team"], "platform");
    assert_eq!(live.metadata.annotations.as_ref().unwrap()["for"], "the mirror");
    assert_eq!(
        words(&live),
        BTreeMap::from([("username", "mirror"), ("password", "upstream-password")])
    );

    let project = of_argoproj(bed, "AppProject").get("default").await.unwrap();
    assert_eq!(
        project.data["spec"]["sourceRepos"],
        json!(["*"]),
        "core has no server that would make it"
    );
}

/// All apps are lost, the agent is not: its install is left alone, and so is its project `default`.
async fn an_agent_without_apps_stays(scene: &Scene, before: usize) {
    let bed = &scene.outage.bed;
    let apps = of_argoproj(bed, "Application");
    // The root first, or it makes the others anew.
    for name in ["root", "cart", "search"] {
        apps.delete(name, &DeleteParams::default()).await.unwrap();
    }
    let namespaces: Api<Namespace> = Api::all(bed.admin());
    for name in ["cart", "search"] {
        let uid = namespaces.get(name).await.unwrap().metadata.uid.unwrap();
        namespaces.delete(name, &DeleteParams::default()).await.unwrap();
        await_condition(namespaces.clone(), name, conditions::is_deleted(&uid))
            .await
            .unwrap();
    }
    let projects = of_argoproj(bed, "AppProject");
    let narrow = json!({"spec": {"description": "only ours", "sourceRepos": [scene.platform.url_http()]}});
    projects
        .patch("default", &PatchParams::default(), &Patch::Merge(&narrow))
        .await
        .unwrap();

    let ran = scene.restore(&[]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert!(
        ran.out
            .contains("Argo CD 3.2.11 is on the cluster already and stays as it is"),
        "{}",
        ran.said()
    );
    let project = projects.get("default").await.unwrap();
    assert_eq!(project.data["spec"]["description"], "only ours");
    let since = scene.platform_mutations().await.split_off(before);
    let of_install = |event: &AuditEvent| {
        is_workload(event)
            || matches!(
                event.resource.as_str(),
                "customresourcedefinitions" | "configmaps" | "secrets" | "appprojects"
            )
    };
    let touched: Vec<_> = since.iter().filter(|event| of_install(event)).collect();
    assert!(touched.is_empty(), "{touched:?}");
    assert!(since.iter().any(|event| event.resource == "applications"));
}

/// A part of the agent is lost after a run, and its keys have changed since: a recovered run is not gone on with, and taking
/// the platform over brings back what is lost and takes nothing from `argocd-secret`, of which the install has an empty one.
async fn a_second_install_takes_nothing_away(scene: &Scene) {
    let bed = &scene.outage.bed;
    let secrets: Api<Secret> = Api::namespaced(bed.admin(), "argocd");
    let changed = json!({"stringData": {"webhook.github.secret": "learned since", "server.secretkey": "of its own"}});
    secrets
        .patch("argocd-secret", &PatchParams::default(), &Patch::Merge(&changed))
        .await
        .unwrap();
    let deployments: Api<Deployment> = Api::namespaced(bed.admin(), "argocd");
    let name = "argocd-applicationset-controller";
    deployments.delete(name, &DeleteParams::default()).await.unwrap();

    let before = scene.mutations().await.len();
    let ran = scene.restore(&["--resume"]).await;
    assert_eq!(ran.code, 2, "{}", ran.said());
    assert!(
        ran.out.contains("the run to go on with has recovered"),
        "{}",
        ran.said()
    );
    assert_eq!(scene.mutations().await.len(), before, "a refusal changes nothing");

    let ran = scene.restore_with(adopting, &[]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let kept = "Secret argocd/argocd-secret: it differs from what the store holds and stays as it is";
    assert!(
        ran.err.contains(kept) && ran.err.contains("wrote server.secretkey at "),
        "{}",
        ran.said()
    );
    deployments.get(name).await.unwrap();
    let live = secret(bed, "argocd", "argocd-secret").await;
    let words = words(&live);
    assert_eq!(words["server.secretkey"], "of its own");
    assert_eq!(words["webhook.github.secret"], "learned since");
}

/// Changes a runbook into one that takes the platform over as it is.
fn adopting(runbook: &str) -> String {
    runbook.replace("expect: empty", "expect: adopt")
}

/// A chart of one's own that holds the install.
fn chart() -> Vec<(&'static str, String)> {
    let install = outage::core_install().unwrap();
    let place = "\n  name: argocd-cm\n---";
    // Whatever looks like a template in the manifests is text in them.
    let install = install.replace("{{", "{{ \"{{\" }}");
    assert!(install.contains(place));
    let install = install.replace(
        place,
        "\n  name: argocd-cm\ndata:\n  url: {{ .Values.url | quote }}\n---",
    );
    vec![
        (
            "Chart.yaml",
            "apiVersion: v2\nname: argo-cd\nversion: 1.0.0\n".to_owned(),
        ),
        ("values.yaml", "url: https://nowhere.example.com\n".to_owned()),
        ("values-prod.yaml", "url: https://argocd.example.com\n".to_owned()),
        ("templates/install.yaml", install),
    ]
}

#[tokio::test]
async fn a_chart_is_an_install_pinned_by_its_digest_and_a_lost_signing_key_is_made_anew_once() {
    let scene = Scene::with(with_install(chart())).await;
    let from = "agent: {argocd: {from: {source: platform, path: bootstrap/argocd}";
    let change = move |runbook: &str| {
        let kept = runbook.lines().filter(|line| !line.contains("argocd/argocd-secret"));
        let kept = kept.collect::<Vec<_>>().join("\n") + "\n";
        kept.replace(from, &format!("{from}, values: [values-prod.yaml]"))
    };
    let digest = planned_digest(&scene, &change(super::scene::RUNBOOK)).await;
    let pinned = |runbook: &str| change(runbook).replace(from, &format!("{from}, digest: \"{digest}\""));

    let ran = scene.restore_with(pinned, &[]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    let bed = &scene.outage.bed;
    let settings: Api<ConfigMap> = Api::namespaced(bed.admin(), "argocd");
    let settings = settings.get("argocd-cm").await.unwrap();
    assert_eq!(settings.data.unwrap()["url"], "https://argocd.example.com");
    let made = signing_key(bed).await;
    assert!(made.len() >= 32 && made != SIGNING_KEY);
    assert!(
        !ran.out.contains(&made) && !ran.err.contains(&made),
        "the key is not shown"
    );
    let (_, left) = ran
        .out
        .split_once("left to do by hand")
        .expect("something is left to do");
    assert!(left.contains("tokens"), "{}", ran.said());
    assert!(ran.out.contains("No server.secretkey is stored"), "{}", ran.said());

    // The key that was made stays: a second restore must not end the new sessions too. Nor is anything else done twice.
    let before = scene.platform_mutations().await.len();
    let ran = scene.restore_with(|runbook| adopting(&pinned(runbook)), &[]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert_eq!(signing_key(bed).await, made);
    assert_eq!(scene.platform_mutations().await[before..], [], "{}", ran.said());
}

/// The digest that `plan` shows for a copy into the runbook.
async fn planned_digest(scene: &Scene, runbook: &str) -> String {
    let runbook = scene.outage.runbook("plan.yaml", runbook).unwrap();
    let ran = scene
        .tool
        .run(&["plan", runbook.to_str().unwrap(), "--output", "json"])
        .await
        .unwrap();
    assert_eq!(ran.code, 0, "{}", ran.said());
    let plan: Value = serde_json::from_str(&ran.out).unwrap();
    let steps = plan["steps"].as_array().unwrap();
    let agent = steps.iter().find(|step| step["id"] == "agent").unwrap();
    let from = agent["details"][0].as_str().unwrap();
    let start = from.find("sha256:").expect("the plan names the digest");
    from[start..].trim_end_matches(')').to_owned()
}

/// The full install, in which the notifications cannot start.
fn full() -> Vec<(&'static str, String)> {
    let kustomization = r"
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: argocd
resources: [install.yaml]
patches:
  - target: {kind: Deployment, name: argocd-notifications-controller}
    patch: |
      - {op: add, path: /spec/template/spec/containers/0/envFrom, value: [{secretRef: {name: nobody-has-it}}]}
";
    let install = testbed::Programs::find()
        .unwrap()
        .shared("argocd/install.yaml")
        .unwrap();
    vec![
        ("kustomization.yaml", kustomization.to_owned()),
        ("install.yaml", std::fs::read_to_string(install).unwrap()),
    ]
}

#[tokio::test]
async fn a_full_install_runs_and_recovery_does_not_wait_for_what_it_does_not_need() {
    let scene = Scene::with(with_install(full())).await;
    let ran = scene.restore(&[]).await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert!(
        ran.out.contains("argocd-notifications-controller is not ready"),
        "{}",
        ran.said()
    );

    let bed = &scene.outage.bed;
    let deployments: Api<Deployment> = Api::namespaced(bed.admin(), "argocd");
    let serves = |deployment: Option<&Deployment>| {
        deployment
            .and_then(|deployment| deployment.status.as_ref()?.ready_replicas)
            .unwrap_or_default()
            > 0
    };
    await_condition(deployments, "argocd-server", serves).await.unwrap();
    let log = bed.logs_of("argocd-server").unwrap();
    assert!(log.contains("serving on port 8080"), "{log}");

    // The server writes an admin's password beside the restored key, and takes the key as its own.
    let secrets: Api<Secret> = Api::namespaced(bed.admin(), "argocd");
    let has_admin = |secret: Option<&Secret>| secret.is_some_and(|secret| words(secret).contains_key("admin.password"));
    await_condition(secrets, "argocd-secret", has_admin).await.unwrap();
    assert_eq!(signing_key(bed).await, SIGNING_KEY);
}
