//! What is broken, too large or meant to harm is named and bounded, and the rest goes on.

use std::fs;
use std::time::Duration;

use gitops_dr::redact::Redactor;
use gitops_dr::render::{Error, Renderer};

use super::scene::{config, helm, ids, job, render, render_with, repository, script, settings, words};

#[tokio::test]
async fn each_of_what_cannot_be_rendered_is_named_and_the_rest_goes_on() {
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: &h [*g,*g,*g,*g,*g,*g,*g,*g,*g]\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\n";
    let root = repository(&[
        ("well/a.yaml", &config("a")),
        ("broken/kustomization.yaml", "resources: [\n"),
        ("missing/kustomization.yaml", "resources: [nowhere.yaml]\n"),
        (
            "remote/kustomization.yaml",
            "resources: ['https://github.com/a/b//c?ref=v1']\n",
        ),
        ("outside/kustomization.yaml", "resources: [../well/a.yaml]\n"),
        ("bomb/a.yaml", bomb),
        ("chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("chart/templates/a.yaml", "{{ fail \"not so\" }}"),
        ("no-chart/values.yaml", "a: b\n"),
        ("odd name, \"so\" $x/a.yaml", &config("odd")),
    ]);
    let renderer = Renderer::new(settings(), &Redactor::default());
    let of = async |path, tool| renderer.render(&job(root.path(), path, tool)).await;
    for (path, expected) in [
        ("broken", "kustomization"),
        ("missing", "nowhere.yaml"),
        ("remote", "`https://github.com/a/b//c?ref=v1` is a base on a server"),
        ("outside", "security"),
        ("chart", "not so"),
        ("wel", "did you mean `well`?"),
        ("../etc", "leads out"),
        ("/etc", "leads out"),
    ] {
        let error = of(path, None).await.unwrap_err();
        assert!(words(&error).contains(expected), "{path}: {}", words(&error));
    }
    let error = of("no-chart", helm(serde_json::json!({"releaseName": "x"})))
        .await
        .unwrap_err();
    assert!(words(&error).contains("Chart.yaml"), "{}", words(&error));
    let bomb = of("bomb", None).await.unwrap();
    assert!(bomb.fault().is_some(), "{:?}", bomb.findings);
    assert_eq!(ids(&of("odd name, \"so\" $x", None).await.unwrap()), ["ConfigMap odd"]);
    assert_eq!(ids(&of("well", None).await.unwrap()), ["ConfigMap a"]);
}

#[tokio::test]
async fn a_link_out_of_the_repository_is_followed_by_nobody() {
    let outside = repository(&[("secret.yaml", &config("secret"))]);
    for (file, target) in [
        ("chart/files/link", outside.path().join("secret.yaml")),
        ("chart/templates/link.yaml", outside.path().join("secret.yaml")),
        ("kustomized/link.yaml", outside.path().join("secret.yaml")),
        ("plain/link.yaml", "../../../../../../../../etc/hostname".into()),
        ("plain/folder", outside.path().to_owned()),
    ] {
        let root = repository(&[
            ("chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
            ("chart/files/a", ""),
            (
                "chart/templates/a.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: {{ .Files.Get \"files/link\" | quote }}}\n",
            ),
            ("kustomized/kustomization.yaml", "resources: [link.yaml]\n"),
            ("plain/a.yaml", &config("a")),
        ]);
        std::os::unix::fs::symlink(target, root.path().join(file)).unwrap();
        for path in ["chart", "kustomized", "plain"] {
            let error = render(&job(root.path(), path, None)).await.unwrap_err();
            assert_eq!(words(&error), format!("the link `{file}` leads out of the repository"));
        }
    }
    // One that stays is followed.
    let root = repository(&[("a/a.yaml", &config("a")), ("b/.keep", "")]);
    std::os::unix::fs::symlink("../a/a.yaml", root.path().join("b/b.yaml")).unwrap();
    assert_eq!(
        ids(&render(&job(root.path(), "b", None)).await.unwrap()),
        ["ConfigMap a"]
    );
}

#[tokio::test]
async fn a_program_is_bounded_in_time_memory_and_output_and_reaches_no_other_program() {
    let root = repository(&[
        ("app/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("app/templates/.keep", ""),
    ]);
    let template = root.path().join("app/templates/a.yaml");
    let of = async |text: &str, change: fn(&mut gitops_dr::render::Settings)| {
        fs::write(&template, text).unwrap();
        let mut bounded = settings();
        change(&mut bounded);
        render_with(bounded, &job(root.path(), "app", None)).await.unwrap_err()
    };
    let endless = "{{ range $i := until 100000 }}{{ range $j := until 100000 }}{{ $j | toString | sha256sum | trunc 0 }}{{ end }}{{ end }}";
    let error = of(endless, |bounded| bounded.limit = Duration::from_secs(3)).await;
    assert!(words(&error).contains("did not end within 3s"), "{}", words(&error));
    let large = "{{ $x := \"x\" }}{{ range $i := until 40 }}{{ $x = cat $x $x }}{{ end }}";
    let error = of(large, |bounded| bounded.memory = 300_000_000).await;
    assert!(
        words(&error).contains("needs more than the 300 MB of memory"),
        "{}",
        words(&error)
    );
    let error = of(
        "{{ range $i := until 200000 }}# aaaaaaaaaaaaaaaa\n{{ end }}a: b",
        |bounded| bounded.output = 1_000_000,
    )
    .await;
    assert!(words(&error).contains("wrote more than 1 MB"), "{}", words(&error));

    // Nor does it find another program, or the network.
    let bin = tempfile::tempdir().unwrap();
    script(
        bin.path(),
        "helm",
        "echo \"PATH $PATH proxy $HTTPS_PROXY home $HOME\" >&2; exit 1",
    );
    let mut told = settings();
    told.programs = Some(bin.path().as_os_str().to_owned());
    let error = render_with(told, &job(root.path(), "app", None)).await.unwrap_err();
    assert!(matches!(error, Error::Program { .. }), "{error}");
    let said = words(&error);
    assert!(
        said.contains("proxy http://127.0.0.1:9") && !said.contains("/usr/bin"),
        "{said}"
    );
}
