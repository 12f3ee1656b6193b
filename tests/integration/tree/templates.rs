//! Go templates of sets, rendered by the real Helm, and what Argo CD's own engine gives for them
//! (`applicationset/utils/{utils,template_functions}_test.go`).

use gitops_dr::platform::argocd::sets::{Facts, Generated, generate, text};
use gitops_dr::redact::Redactor;
use gitops_dr::render;
use serde_json::{Value, json};
use testbed::Programs;

/// Generates a set of one element, whose Application has these annotations; what Go has to render, Helm does.
async fn rendered(element: &Value, templates: &[&str], options: &Value) -> Result<Vec<String>, String> {
    let annotations: serde_json::Map<_, _> = templates
        .iter()
        .enumerate()
        .map(|(index, template)| (format!("a{index:02}"), json!(template)))
        .collect();
    let set = json!({"metadata": {"name": "s"}, "spec": {
        "goTemplate": true, "goTemplateOptions": options, "generators": [{"list": {"elements": [element]}}],
        "template": {"metadata": {"name": "x", "annotations": annotations}, "spec": {}},
    }});
    let mut facts = Facts::default();
    let Generated::Needs(needs) = generate(&set, &facts) else {
        panic!("nothing is asked of Helm")
    };
    let texts: Vec<_> = needs.texts.into_iter().collect();
    let asked: Vec<_> = texts
        .iter()
        .map(|asked| (asked.template.as_str(), asked.parameters.as_str()))
        .collect();
    let settings = render::Settings {
        programs: Some(Programs::find().unwrap().bin().as_os_str().to_owned()),
        ..render::Settings::default()
    };
    let found = render::templates(
        &asked,
        text::DEFINITIONS,
        &render::Renderer::new(settings, &Redactor::default()),
    )
    .await;
    let found = found.map_err(|error| error.failure().words())?;
    facts.texts.extend(texts.into_iter().zip(found.into_iter().map(Ok)));
    match generate(&set, &facts) {
        Generated::Applications(all) => {
            let annotations = all[0]["metadata"]["annotations"].as_object().unwrap().values();
            Ok(annotations.map(|text| text.as_str().unwrap().to_owned()).collect())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_go_template_gives_what_argo_cd_s_own_engine_gives() {
    let long = "x".repeat(300);
    let element = json!({
        "name": "Shop_EU.West", "branch": "feat/a_really+long_pull_request_name_to_test_argo_slugification_and_branch_name_shortening_feature",
        "count": 3, "big": 2_500_000, "half": 0.5, "list": ["a", "b"], "deep": {"x": "y", "none": null}, "long": long,
        "quoted": "a \"b\" {{ c }}\n  d: é",
    });
    let table = [
        ("{{ normalize .name }}", "shop-eu.west"),
        ("{{ .name | normalize | upper }}", "SHOP-EU.WEST"),
        ("{{ len (normalize .long) }}", "253"),
        (
            "{{ .branch | slugify }}",
            "feat-a-really-long-pull-request-name-to-test-argo",
        ),
        (
            "{{ slugify 75 .branch }}",
            "feat-a-really-long-pull-request-name-to-test-argo-slugification-and-branch",
        ),
        (
            "{{ .branch | slugify 100 }}",
            "feat-a-really-long-pull-request-name-to-test-argo-slugification-and-branch-name-shortening-feature",
        ),
        (
            "{{ slugify 50 false .branch }}",
            "feat-a-really-long-pull-request-name-to-test-argo",
        ),
        ("{{ slugify 10 true \"abcdefghijklm\" }}", "abcdefghij"),
        ("{{ .count }}-{{ .big }}-{{ .half }}", "3-2.5e+06-0.5"),
        ("{{ .list }}|{{ .deep.x }}", "[a b]|y"),
        ("{{ .absent }}", "<no value>"),
        ("{{ .deep.none }}", "<no value>"),
        ("{{ .absent | default \"none\" }}", "none"),
        ("{{ if .absent }}a{{ else }}b{{ end }}", "b"),
        ("{{- range $i, $x := .list -}}{{ $i }}{{ $x }},{{- end -}}", "0a,1b,"),
        ("{{ $x := .name | lower }}{{ $x }}", "shop_eu.west"),
        ("{{ .quoted | upper }}", "A \"B\" {{ C }}\n  D: É"),
        ("{{ toYaml .deep }}", "none: null\nx: \"y\""),
        ("{{ (fromYaml \"a: [1, 2]\").a | len }}", "2"),
        ("{{ index .list 1 | quote }}", "\"b\""),
    ];
    let templates: Vec<_> = table.iter().map(|(template, _)| *template).collect();
    let found = rendered(&element, &templates, &json!([])).await.unwrap();
    for ((template, expected), found) in table.iter().zip(&found) {
        assert_eq!(found, expected, "{template}");
    }
}

#[tokio::test]
async fn a_template_that_is_wrong_is_named_by_the_engine() {
    for (template, words) in [
        ("{{ .name | nonsense }}", "nonsense"),
        ("{{ env \"HOME\" | upper }}", "env"),
        ("{{ fail \"not so\" }}", "not so"),
    ] {
        let why = rendered(&json!({"name": "a"}), &[template], &json!([]))
            .await
            .unwrap_err();
        assert!(why.contains(words), "{template}: {why}");
    }
}
