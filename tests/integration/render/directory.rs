//! Folders of manifests as Argo CD reads them.

use gitops_dr::finding::Severity;
use serde_json::json;

use super::scene::{config, directory, ids, job, render, render_with, repository, settings, words};

#[tokio::test]
async fn the_files_are_those_that_argo_cd_reads() {
    let root = repository(&[
        ("app/a.yaml", &config("a")),
        ("app/b.yml", &config("b")),
        (
            "app/c.json",
            r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}"#,
        ),
        ("app/.hidden.yaml", &config("d")),
        (
            "app/skipped.yaml",
            &format!("# +argocd:skip-file-rendering\n{}", config("c")),
        ),
        ("app/values.yaml", "replicas: 3\nname: x\n"),
        ("app/README.md", "# nothing"),
        ("app/sub/e.yaml", &config("e")),
    ]);
    let of = async |said| {
        let rendered = render(&job(root.path(), "app", directory(said))).await.unwrap();
        assert!(rendered.findings.is_empty(), "{:?}", rendered.findings);
        let mut names: Vec<_> = ids(&rendered).iter().map(|id| id.replace("ConfigMap ", "")).collect();
        names.sort();
        names.concat()
    };
    assert_eq!(of(json!({})).await, "abcd");
    assert_eq!(of(json!({"recurse": true})).await, "abcde");
    assert_eq!(of(json!({"recurse": true, "exclude": "{a.yaml,sub/*}"})).await, "bcd");
    // A star goes over folders, and a file below is named from the app's folder.
    assert_eq!(of(json!({"recurse": true, "include": "*.yaml"})).await, "ade");
    assert_eq!(
        of(json!({"recurse": true, "include": "{a,sub/e}.yaml", "exclude": "a*"})).await,
        "e"
    );
}

#[tokio::test]
async fn what_the_agent_stumbles_over_is_named_with_its_file() {
    let twice = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}} {}"#;
    for (name, text, rule) in [
        (
            "broken.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: [\n",
            Some("render/not-yaml"),
        ),
        ("unrelated.yaml", "a: [\n", None),
        (
            "later.yaml",
            &format!("{}---\na: b\n", config("x")) as &str,
            Some("render/not-an-object"),
        ),
        (
            "first.yaml",
            &format!("a: b\n---\n{}", config("x")),
            Some("render/not-an-object"),
        ),
        ("twice.json", twice, Some("render/not-json")),
        ("package.json", r#"{"name": "x"}"#, Some("render/not-an-object")),
        ("list.yaml", "apiVersion: v1\nkind: List\nitems: []\n", None),
    ] {
        let root = repository(&[("app/a.yaml", &config("a")), (&format!("app/{name}"), text)]);
        let rendered = render(&job(root.path(), "app", None)).await.unwrap();
        let fault = rendered.fault();
        assert_eq!(fault.map(|fault| fault.rule), rule, "{name}: {:?}", rendered.findings);
        assert!(ids(&rendered).contains(&"ConfigMap a".to_owned()), "{name}");
        if let Some(fault) = fault {
            assert_eq!(fault.place.as_ref().unwrap().file, format!("app/{name}"));
        }
    }
}

#[tokio::test]
async fn of_an_object_that_is_there_twice_the_last_is_taken_and_generated_names_are_never_twice() {
    let job_ = "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: run-, annotations: {argocd.argoproj.io/hook: Sync}}\n";
    let root = repository(&[
        ("a.yaml", &format!("{}data: {{from: a}}\n", config("x"))),
        (
            "b.yaml",
            &format!("{}data: {{from: b}}\n---\n{job_}---\n{job_}", config("x")),
        ),
    ]);
    let rendered = render(&job(root.path(), ".", None)).await.unwrap();
    assert_eq!(rendered.manifests.len(), 1);
    assert_eq!(rendered.manifests[0].text("/data/from"), "b");
    assert_eq!(rendered.hooks.len(), 2);
    assert_eq!(rendered.hooks[0].id().to_string(), "Job.batch run-");
    assert_eq!(rendered.findings.len(), 1, "{:?}", rendered.findings);
    assert_eq!(rendered.findings[0].severity, Severity::Warning);
    assert_eq!(rendered.findings[0].place.as_ref().unwrap().file, "a.yaml");
}

#[tokio::test]
async fn a_folder_that_is_too_large_for_the_agent_is_refused() {
    let root = repository(&[(
        "a.yaml",
        &format!("{}data: {{x: {}}}\n", config("a"), "x".repeat(10_000_000)),
    )]);
    let error = render(&job(root.path(), ".", None)).await.unwrap_err();
    let said = words(&error);
    assert!(
        said.starts_with("the manifests of `.` have more than 10 MB together"),
        "{said}"
    );
    let mut larger = settings();
    larger.combined = 20_000_000;
    assert_eq!(
        render_with(larger, &job(root.path(), ".", None))
            .await
            .unwrap()
            .manifests
            .len(),
        1
    );
}
