//! What stands between a tired person and the wrong cluster: each interlock on one bed, then the restore that passes them all.

use std::time::Duration;

use jiff::SignedDuration;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use testbed::proxy::Fault;
use testbed::{ControlPlane, Programs};

use super::super::scene::{Scene, files};
use super::judge::{Judge, case};
use super::objects::{api, define, definition, put, remove};
use super::replaced;

/// What Git holds beside the platform, each a thing that must not be applied.
const BAD: [(&str, &str); 6] = [
    (
        "bad/secret.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: repo-platform, namespace: argocd}\nstringData: {url: elsewhere}\n",
    ),
    (
        "bad/key.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: argocd-secret, namespace: argocd}\nstringData: {a: b}\n",
    ),
    (
        "bad/one.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: colours}\ndata: {cart: red}\n",
    ),
    (
        "bad/two.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: colours}\ndata: {cart: blue}\n",
    ),
    (
        "bad/old.yaml",
        "# Of another time.\napiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: cart}\nspec: {}\n",
    ),
    (
        "bad/unknown.yaml",
        "apiVersion: apps/v9\nkind: Deployment\nmetadata: {name: cart}\nspec: {}\n---\napiVersion: autoscaling/v1\nkind: Quorum\nmetadata: {name: cart}\n",
    ),
];

const ROOT: &str = "roots:\n  - {id: root, source: platform, path: clusters/prod/root.yaml}\n";

#[tokio::test]
async fn every_interlock_refuses_with_its_own_words_and_nothing_is_changed() {
    let bad = BAD.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let mut scene = Scene::with(files().into_iter().chain(bad).collect()).await;
    let mut old = ControlPlane::start(&Programs::find().unwrap()).await.unwrap();
    let mut judge = Judge::default();

    what_would_do_damage(&scene, &mut judge).await;
    what_is_not_served(&scene, &mut judge).await;
    another_clock_and_another_version(&scene, &mut judge).await;
    a_platform_of_another_agent(&scene, &mut judge).await;
    a_root_that_is_being_deleted(&scene, &mut judge).await;
    replaced::the_old_cluster(&mut scene, &mut old, &mut judge).await;

    let changed = scene.mutations().await;
    assert!(changed.is_empty(), "a refusal changed something: {changed:#?}");
    judge.verdict();

    // A clock that is a little behind is no hindrance, and what the agent writes down by it is believed.
    let proxy = scene.outage.bed.proxy().await.unwrap();
    proxy.always(|_| true, Fault::Date(SignedDuration::from_secs(-20)));
    replaced::is_fenced_by_word(&scene, &old, &proxy).await;
    let after = scene.platform_mutations().await.len();
    assert!(after > 0, "a restore went by unseen");

    a_platform_is_taken_over_by_word(&scene).await;
    let untouched = scene.mutations().await.len();
    let (code, said) = replaced::is_asked_for(&scene, &old, "").await;
    assert!(
        code == 2 && said.contains("nobody says how the old cluster"),
        "{code}: {said}"
    );
    assert_eq!(scene.mutations().await.len(), untouched, "{said}");
    let (code, said) = replaced::is_asked_for(&scene, &old, "unplugged, ticket 4711").await;
    assert!(code == 0 && said.contains("unplugged, ticket 4711"), "{code}: {said}");
    assert_eq!(scene.platform_mutations().await.len(), after, "{said}");
}

async fn another_clock_and_another_version(scene: &Scene, judge: &mut Judge) {
    let proxy = scene.outage.bed.proxy().await.unwrap();
    let kubeconfig = proxy.kubeconfig().display().to_string();
    let through = ["--kubeconfig", kubeconfig.as_str()];
    for seconds in [7200, -90] {
        proxy.clear();
        proxy.always(|_| true, Fault::Date(SignedDuration::from_secs(seconds)));
        let words = [
            "the clocks of the API server and of this machine are",
            "60 s are tolerated",
            "the API server says 20",
            "this machine says 20",
            "timedatectl set-ntp true",
        ];
        judge
            .refused(scene, &case("another clock", "", "", &words).given(&through))
            .await;
    }
    proxy.clear();
    proxy.always(|asked| asked.path == "/version", Fault::Version("v1.21.14".to_owned()));
    let words = [
        "the API server is Kubernetes v1.21.14",
        "a restore needs 1.22 or newer",
        "restore onto a newer cluster",
    ];
    judge
        .refused(scene, &case("too old a server", "", "", &words).given(&through))
        .await;
}

/// Returns the runbook's roots with steps after them that apply these files.
fn applying(files: &[&str]) -> String {
    let step = |(index, file): (usize, &&str)| {
        format!("  - {{id: bad{index}, after: root, apply: {{source: platform, path: bad/{file}}}}}\n")
    };
    let steps: String = files.iter().enumerate().map(step).collect();
    format!("{ROOT}steps:\n{steps}")
}

async fn what_would_do_damage(scene: &Scene, judge: &mut Judge) {
    for (name, files, words) in [
        (
            "a Secret of the runbook in Git",
            &["secret.yaml"][..],
            &[
                "bad/secret.yaml:1",
                "step `bad0` holds Secret argocd/repo-platform, which secret `repo-platform` of the runbook restores",
                "take it out of Git, or out of the runbook",
            ][..],
        ),
        (
            "the signing key in Git",
            &["key.yaml"],
            &[
                "the key that signs sessions would be overwritten",
                "as: argocd/argocd-secret",
            ],
        ),
        (
            "one object with two contents",
            &["one.yaml", "two.yaml"],
            &[
                "ConfigMap default/colours is in step `bad0` (bad/one.yaml:1) and otherwise in step `bad1`",
                "keep it in one place",
            ],
        ),
        (
            "all that would do damage",
            &["one.yaml", "two.yaml", "key.yaml", "secret.yaml"],
            &["the key that signs sessions", "colours", "Secret argocd/repo-platform"],
        ),
    ] {
        judge.refused(scene, &case(name, ROOT, applying(files), words)).await;
    }
}

async fn what_is_not_served(scene: &Scene, judge: &mut Judge) {
    let words = [
        "does not serve what is to be applied",
        "Ingress cart (bad/old.yaml:2): extensions/v1beta1 is not served; networking.k8s.io/v1 is",
        "Deployment cart (bad/unknown.yaml:1): apps/v9 is not served; apps/v1 is",
        "Quorum cart (bad/unknown.yaml:6): autoscaling/v1 is not served; nothing of that kind is",
        "write them in a version that is served",
    ];
    let to = applying(&["old.yaml", "unknown.yaml"]);
    judge
        .refused(scene, &case("versions of another time", ROOT, to, &words))
        .await;
}

async fn a_platform_of_another_agent(scene: &Scene, judge: &mut Judge) {
    let admin = scene.outage.bed.admin();
    let crd = definition("kustomize.toolkit.fluxcd.io", "Kustomization", "v1");
    define(&admin, &crd).await;
    let flux = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "apps", "namespace": "default"}, "spec": {},
    });
    put(&admin, &flux).await;
    let words = [
        "the cluster is not empty",
        "1 agent resource: Kustomization default/apps",
        "is this the right cluster?",
        "expect: adopt",
        "--adopt REASON",
    ];
    judge.refused(scene, &case("a platform of Flux", "", "", &words)).await;
    remove(&admin, &flux).await;
    remove(&admin, &crd).await;

    // What runs without a Deployment is somebody's too.
    let pod =
        json!({"containers": [{"name": "main", "image": "registry.example.com/report:1"}], "restartPolicy": "Never"});
    let named = |api_version: &str, kind: &str, spec: Value| {
        json!({
            "apiVersion": api_version, "kind": kind, "metadata": {"name": "report", "namespace": "default"}, "spec": spec,
        })
    };
    let foreign = [
        named("v1", "Pod", pod.clone()),
        named("batch/v1", "Job", json!({"suspend": true, "template": {"spec": pod}})),
        named(
            "batch/v1",
            "CronJob",
            json!({"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": pod}}}}),
        ),
    ];
    for object in &foreign {
        put(&admin, object).await;
    }
    let words = [
        "3 workloads: CronJob default/report, Job default/report, Pod default/report",
        "namespaces: [default]",
    ];
    judge
        .refused(scene, &case("work without a Deployment", "", "", &words))
        .await;
    for object in &foreign {
        remove(&admin, object).await;
    }
}

/// A root with a finalizer that somebody has deleted: applying it again would not keep it.
async fn a_root_that_is_being_deleted(scene: &Scene, judge: &mut Judge) {
    let admin = scene.outage.bed.admin();
    let crd = definition("argoproj.io", "Application", "v1alpha1");
    define(&admin, &crd).await;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}});
    put(&admin, &namespace).await;
    let root = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "root", "namespace": "argocd", "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
        "spec": {},
    });
    put(&admin, &root).await;
    let (roots, name) = api(&admin, &root);
    roots.delete(&name, &DeleteParams::default()).await.unwrap();
    let adopt = ["--adopt", "the agent alone is gone"];
    let words = [
        "a root is being deleted on the cluster",
        "Application.argoproj.io argocd/root is being deleted since 20",
        "all that it deployed goes with it",
        "let the deletion end",
    ];
    judge
        .refused(scene, &case("a root that dies", "", "", &words).given(&adopt))
        .await;
    // Without the word both are told.
    let words = [
        "2 things stand in the way",
        "the cluster is not empty",
        "a root is being deleted on the cluster",
    ];
    judge
        .refused(
            scene,
            &case("a root that dies on a cluster that is not ours", "", "", &words),
        )
        .await;

    let free = json!({"metadata": {"finalizers": null}});
    roots
        .patch(&name, &PatchParams::default(), &Patch::Merge(&free))
        .await
        .unwrap();
    remove(&admin, &crd).await;
    remove(&admin, &namespace).await;
}

/// The word is journaled with its reason, and what is there stays as it is.
async fn a_platform_is_taken_over_by_word(scene: &Scene) {
    let before = scene.platform_mutations().await.len();
    let untouched = scene.mutations().await.len();
    let refused = scene.restore(&["--yes"]).await;
    assert_eq!(refused.code, 2, "{}", refused.said());
    assert!(refused.err.contains("the cluster is not empty"), "{}", refused.said());
    assert_eq!(scene.mutations().await.len(), untouched, "{}", refused.said());
    let patience = tokio::time::timeout(
        Duration::from_mins(8),
        scene.restore(&["--adopt", "a drill on Tuesday", "--deadline", "7m"]),
    );
    let ran = patience.await.unwrap();
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert!(
        ran.said().contains("vouched for, adopt: a drill on Tuesday"),
        "{}",
        ran.said()
    );
    assert_eq!(scene.platform_mutations().await.len(), before, "{}", ran.said());
}
