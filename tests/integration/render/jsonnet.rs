//! Jsonnet in folders of manifests.

use serde_json::json;

use super::scene::{directory, ids, job, render, render_with, repository, script, settings, words};

#[tokio::test]
async fn without_the_program_it_is_not_passed_over() {
    let root = repository(&[("a.jsonnet", "{}"), ("b.yaml", &super::scene::config("b"))]);
    let mut without = settings();
    without.programs = Some(root.path().as_os_str().to_owned());
    let error = render_with(without, &job(root.path(), "", None)).await.unwrap_err();
    assert_eq!(words(&error), "a.jsonnet is jsonnet, and `jsonnet` is not on PATH");
    // One that the app leaves out needs no program.
    let rendered = render(&job(root.path(), "", directory(json!({"exclude": "*.jsonnet"}))))
        .await
        .unwrap();
    assert_eq!(ids(&rendered), ["ConfigMap b"]);
}

/// The program itself is none of the testbed's: a stand-in says what it was told.
#[tokio::test]
async fn the_program_is_told_what_the_app_says() {
    let root = repository(&[
        ("app/a.jsonnet", "import 'lib.libsonnet'"),
        ("vendor/lib.libsonnet", "{}"),
    ]);
    let bin = tempfile::tempdir().unwrap();
    let object =
        r#"printf '[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"told":"%s"}}]' "$*""#;
    script(bin.path(), "jsonnet", &format!("[ \"$1\" = --version ] || {object}"));
    let said = json!({"jsonnet": {
        "libs": ["vendor"],
        "tlas": [{"name": "app", "value": "$ARGOCD_APP_NAME"}, {"name": "n", "value": "1 + 1", "code": true}],
        "extVars": [{"name": "env", "value": "prod"}],
    }});
    let mut stand_in = settings();
    stand_in.programs = Some(bin.path().as_os_str().to_owned());
    let rendered = render_with(stand_in, &job(root.path(), "app", directory(said)))
        .await
        .unwrap();
    let top = root.path().canonicalize().unwrap();
    let top = top.display();
    assert_eq!(
        rendered.manifests[0].text("/data/told"),
        format!(
            "-J {top}/app -J {top}/vendor --tla-str app=shop --tla-code n=1 + 1 --ext-str env=prod -- app/a.jsonnet"
        )
    );
    assert_eq!(rendered.manifests[0].origin().file, "app/a.jsonnet");
}
