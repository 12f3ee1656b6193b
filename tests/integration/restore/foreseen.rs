//! What a plan foresees, and that a restore bears it out.

use serde_json::Value;

use super::preload;
use super::scene::{RUNBOOK, Scene};

/// Plans the scene's platform in a form.
pub(super) async fn plan(scene: &Scene, arguments: &[&str]) -> testbed::Ran {
    let runbook = scene.outage.runbook("small.yaml", RUNBOOK).unwrap();
    let runbook = runbook.display().to_string();
    let arguments: Vec<&str> = ["plan", &runbook]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    scene.tool.run(&arguments).await.unwrap()
}

#[tokio::test]
async fn a_plan_tells_the_order_of_the_apps_what_decides_how_long_it_takes_and_why() {
    let scene = Scene::with(preload::platform("[CreateNamespace=true]")).await;
    let guessed = plan(&scene, &[]).await;
    assert_eq!(guessed.code, 0, "{}", guessed.said());
    for words in [
        "CustomResourceDefinition.apiextensions.k8s.io gadgets.shop.example.com of kinds, which gadget needs",
        "from the roots follow 5 Applications with ",
        "guessed by what the apps hold; what decides:",
        "? nothing that is known brings Secret kinds/late",
    ] {
        assert!(guessed.out.contains(words), "{words}: {}", guessed.said());
    }
    let line = |name: &str| {
        guessed.out.lines().position(|line| {
            line.split(". ")
                .nth(1)
                .is_some_and(|names| names.split(", ").any(|one| one == name))
        })
    };
    assert!(line("kinds").unwrap() < line("gadget").unwrap(), "{}", guessed.said());

    let why = plan(&scene, &["--why", "Gadget/one"]).await;
    assert_eq!(why.code, 0, "{}", why.said());
    for words in [
        "Gadget.shop.example.com gadgets/one\n",
        "is of the kind of CustomResourceDefinition.apiextensions.k8s.io gadgets.shop.example.com  (platform:gadget/gadget.yaml:1)",
    ] {
        assert!(why.out.contains(words), "{words}: {}", why.said());
    }
    let loss = plan(&scene, &["--why", "CustomResourceDefinition/gadgets.shop.example.com"]).await;
    assert!(loss.out.contains("its loss would hold back"), "{}", loss.said());
    let unknown = plan(&scene, &["--why", "gadgets/none"]).await;
    assert_eq!(unknown.code, 2, "{}", unknown.said());
    assert!(
        unknown.said().contains("is called `gadgets/none`"),
        "{}",
        unknown.said()
    );

    let why = plan(
        &scene,
        &["--why", "Gadget.shop.example.com gadgets/one", "--output", "json"],
    )
    .await;
    let why: Value = serde_json::from_str(&why.out).unwrap_or_else(|error| panic!("{error}: {}", why.said()));
    assert_eq!(
        why["things"][0]["name"], "Gadget.shop.example.com gadgets/one",
        "{why:#}"
    );
    let drawn = plan(&scene, &["--why", "Gadget/one", "--output", "svg"]).await;
    assert_eq!((drawn.code, drawn.out.as_str()), (2, ""), "{}", drawn.said());
    assert!(drawn.said().contains("cannot be drawn"), "{}", drawn.said());

    let svg = plan(&scene, &["--output", "svg"]).await;
    assert!(
        svg.out.starts_with("<svg") && svg.out.contains(">gadget<"),
        "{}",
        svg.said()
    );
    let dot = plan(&scene, &["--output", "dot"]).await;
    assert!(
        dot.out.starts_with("digraph") && dot.out.contains("label=\"gadget\\n"),
        "{}",
        dot.said()
    );
    let json: Value = serde_json::from_str(&plan(&scene, &["--output", "json"]).await.out).unwrap();
    let apps = json["graph"]["apps"].as_array().unwrap();
    assert!(
        apps.iter()
            .any(|app| app["name"].as_str().is_some_and(|name| name.ends_with("argocd/gadget"))),
        "{:#}",
        json["graph"]
    );
}

#[tokio::test]
async fn the_plan_of_a_runbook_with_a_warning_is_one_json_document_with_the_warning_in_it() {
    let scene = Scene::with(preload::platform("[CreateNamespace=true]")).await;
    let nobodys = scene.outage.git.create_public("shop/nobodys").await.unwrap();
    nobodys
        .commit("first", [("README.md".to_owned(), String::new())])
        .await
        .unwrap();
    let unused = "sources:\n  nobodys: {git: \"https://git.example.com/shop/nobodys.git\", revision: main}\n";
    let text = RUNBOOK.replacen("sources:\n", unused, 1);
    let runbook = scene.outage.runbook("warned.yaml", &text).unwrap();
    let ran = scene
        .tool
        .run(&["plan", &runbook.display().to_string(), "--output", "json"])
        .await
        .unwrap();
    let plan: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.said()));
    assert_eq!(plan["findings"][0]["rule"], "runbook/unused-source", "{plan:#}");
}
