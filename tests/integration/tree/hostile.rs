//! What a repository may write where an operator reads.

use serde_json::Value;

use crate::restore::scene::{RUNBOOK, Scene, application, files};

#[tokio::test]
async fn no_control_character_of_a_repository_reaches_a_terminal_and_machines_get_it_as_it_is() {
    let mut all = files();
    let evil = application("evil", "evil", "evil")
        .replace("name: evil,", "name: \"evil\\e[2J\\x9b31m\",")
        .replace("path: evil", "path: \"e\\e]0;vil\\a\"");
    assert!(evil.contains("\\x9b") && evil.contains("\\a"), "{evil}");
    all.push(("apps/evil.yaml".to_owned(), evil));
    let scene = Scene::with(all).await;
    let runbook = scene.outage.runbook("small.yaml", RUNBOOK).unwrap();
    let runbook = runbook.display().to_string();
    let ran = scene.tool.run(&["plan", &runbook]).await.unwrap();
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert!(ran.out.contains("evil\u{fffd}[2J\u{fffd}31m"), "{}", ran.said());
    for said in [&ran.out, &ran.err] {
        let bad = said.lines().find(|line| line.contains(char::is_control));
        assert_eq!(bad, None, "{said:?}");
    }
    let ran = scene.tool.run(&["plan", &runbook, "--output", "json"]).await.unwrap();
    let plan: Value = serde_json::from_str(&ran.out).unwrap();
    let mut apps = plan["apps"].as_array().unwrap().iter();
    assert!(
        apps.any(|app| app["app"]["name"] == "evil\u{1b}[2J\u{9b}31m"),
        "{}",
        ran.said()
    );
}
