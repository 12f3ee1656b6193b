//! A platform of which much is broken, too large or meant to harm: each of it is named, bounded, and keeps nobody else waiting.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use testbed::tool::interrupt;
use testbed::{Outage, Ran};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::Instant;

use super::agent::{deployed, planned};
use crate::restore::scene::{RUNBOOK, Scene, application, deployment, files};

/// What nobody may ever see.
const VALUE: &str = "c4n4ry-in-a-broken-file";
/// How much longer than its bound a forecast may take on a machine that does other things too.
const SLACK: Duration = Duration::from_secs(30);

/// A small document that means more than a billion values.
const BOMB: &str = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: &h [*g,*g,*g,*g,*g,*g,*g,*g,*g]\ni: [*h,*h,*h,*h,*h,*h,*h,*h,*h]\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\n";

/// An Application with this `source`.
fn with(name: &str, source: &str) -> String {
    let written = application(name, name, name);
    let line = written
        .lines()
        .find(|line| line.trim_start().starts_with("source: "))
        .unwrap();
    written.replace(line, &format!("  source: {source}"))
}

/// Kustomizations that take each other twice, forty times over: a build of them has no end that anybody sees.
fn endless(all: &mut Vec<(String, String)>) {
    for depth in 0..40 {
        let next = depth + 1;
        for side in ["a", "b"] {
            let text = format!("namePrefix: {side}-\nresources: [../a{next}, ../b{next}]\n");
            all.push((format!("endless/{side}{depth}/kustomization.yaml"), text));
        }
    }
    for side in ["a", "b"] {
        let text = format!("namePrefix: {side}-\n");
        all.push((format!("endless/{side}40/kustomization.yaml"), text));
    }
}

/// What is wrong with each broken app, and the words in which that is said.
const BROKEN: [(&str, &[&str]); 13] = [
    ("bomb", &["bomb/map.yaml:", "repeat too much"]),
    ("chart-gone", &["the chart redis 1.0.0", "127.0.0.1:1"]),
    ("chart-hangs", &["the chart redis 1.0.0", "did not end within"]),
    ("endless", &["endless/a0", "`kustomize`", "did not end within"]),
    ("heavy", &["heavy", "10 MB"]),
    ("leaky", &["leaky/secret.yaml:6"]),
    ("leaky-literal", &["leaky-literal", "expected key=value"]),
    ("linked", &["link.yaml", "/etc/hostname"]),
    ("many", &["many", "10 MB"]),
    ("pathless", &["there is no `serch`", "did you mean `search`?"]),
    ("plugged", &["`plugin`, which only the agent can render"]),
    ("template", &["template/templates/map.yaml:3", "not so"]),
    ("unbuilt", &["unbuilt", "invalid Kustomization"]),
];

/// Those that are well.
const WELL: [&str; 4] = ["cart", "search", "odd", "zone"];

fn platform(charts: &str) -> Vec<(String, String)> {
    let url = "https://git.example.com/shop/platform.git";
    let source = |path: &str, more: &str| format!("{{repoURL: \"{url}\", targetRevision: main, path: {path}{more}}}");
    let chart = |url: &str| format!("{{repoURL: \"{url}\", chart: redis, targetRevision: 1.0.0}}");
    let mut all = files();
    let mut add = |name: &str, text: String| all.push((name.to_owned(), text));
    let apps = [
        ("bomb", source("bomb", "")),
        ("chart-gone", chart("http://127.0.0.1:1/charts")),
        ("chart-hangs", chart(charts)),
        ("endless", source("endless/a0", "")),
        ("heavy", source("heavy", "")),
        ("leaky", source("leaky", "")),
        ("leaky-literal", source("leaky-literal", "")),
        (
            "linked",
            "{repoURL: \"https://git.example.com/shop/linked.git\", targetRevision: main, path: .}".to_owned(),
        ),
        ("many", source("many", ", directory: {recurse: true}")),
        ("odd", source("'odd name, \"so\" $x'", "")),
        ("pathless", source("serch", "")),
        ("plugged", source("cart", ", plugin: {name: mine}")),
        ("template", source("template", "")),
        ("unbuilt", source("unbuilt", "")),
        // Below it is another app: what is broken above and beside it keeps nobody waiting.
        ("zone", source("zone", "")),
    ];
    for (name, source) in apps {
        add(&format!("apps/{name}.yaml"), with(name, &source));
    }
    add("bomb/map.yaml", BOMB.into());
    let map = |size: usize| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: large}}\ndata:\n  text: {}\n",
            "x".repeat(size)
        )
    };
    add("heavy/map.yaml", map(10_500_000));
    for number in 0..200 {
        add(&format!("many/{}/{number}.yaml", number % 7), map(1_000_000));
    }
    add("unbuilt/kustomization.yaml", "resources: {a: b}\n".into());
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData:\n  password: {VALUE}\n bad: [{VALUE}\n"
    );
    add("leaky/secret.yaml", secret);
    let literal = format!("secretGenerator:\n- name: a\n  literals: ['{VALUE}']\n");
    add("leaky-literal/kustomization.yaml", literal);
    add("odd name, \"so\" $x/deployment.yaml", deployment("odd"));
    add(
        "template/Chart.yaml",
        "apiVersion: v2\nname: template\nversion: 1.0.0\n".into(),
    );
    add(
        "template/templates/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ fail \"not so\" }}'}\n".into(),
    );
    add("zone/below.yaml", application("below", "cart", "below"));
    endless(&mut all);
    all
}

/// The platform with a repository of charts that never answers, and one that holds a link to this machine's files.
async fn scene() -> (Scene, TcpListener) {
    // Nobody takes what waits here.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let charts = format!("http://{}/charts", silent.local_addr().unwrap());
    let scene = Scene::with(platform(&charts)).await;
    let linked = scene.outage.git.create_public("shop/linked").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("link.yaml")).unwrap();
    linked.commit_folder("a link", folder.path()).await.unwrap();
    (scene, silent)
}

fn runbook(outage: &Outage) -> String {
    outage.runbook("small.yaml", RUNBOOK).unwrap().display().to_string()
}

fn of<'plan>(plan: &'plan Value, name: &str) -> &'plan Value {
    let mut apps = plan["apps"].as_array().unwrap().iter();
    apps.find(|app| app["app"]["name"] == name && app["app"]["kind"] == "Application")
        .unwrap_or_else(|| panic!("{name} is not planned"))
}

#[tokio::test]
async fn each_broken_app_is_named_in_bounded_time_and_the_good_ones_are_planned_and_come_back() {
    let (scene, _silent) = scene().await;
    let runbook = runbook(&scene.outage);
    let began = Instant::now();
    let told = scene.tool.run(&["plan", &runbook]).await.unwrap();
    let took = began.elapsed();
    assert_eq!(told.code, 0, "{}", told.said());
    assert!(took < Duration::from_mins(1) + SLACK, "{took:?}");
    let mut lacking = Vec::new();
    for (name, words) in BROKEN {
        let start = format!("  ? Application.argoproj.io argocd/{name} is not known beforehand: ");
        let line = told.out.lines().find(|line| line.starts_with(&start));
        let lacks = words
            .iter()
            .filter(|word| !line.is_some_and(|line| line.contains(**word)));
        lacking.extend(lacks.map(|word| format!("{name}: {word}")));
    }
    assert_eq!(lacking, [""; 0], "{}", told.said());
    assert_eq!(
        told.out.matches("is not known beforehand").count(),
        BROKEN.len(),
        "{}",
        told.said()
    );
    assert!(!told.said().contains(VALUE), "{}", told.said());

    let json = scene.tool.run(&["plan", &runbook, "--output", "json"]).await.unwrap();
    assert!(!json.said().contains(VALUE));
    let mut plan: Value = serde_json::from_str(&json.out).unwrap();
    for name in WELL {
        assert_eq!(of(&plan, name)["objects"].as_array().unwrap().len(), 1, "{name}");
    }

    let critical = |text: &str| format!("{text}done: {{critical: [cart, search, odd, zone, below]}}\n");
    let ran = scene.restore_with(critical, &["--deadline", "3m"]).await;
    assert_eq!(ran.code, 1, "{}", ran.said());
    assert!(!ran.said().contains(VALUE), "{}", ran.said());
    let apps = plan["apps"].as_array_mut().unwrap();
    apps.retain(|app| WELL.iter().any(|name| app["app"]["name"] == *name));
    let bed = &scene.outage.bed;
    let mut deployed = deployed(bed).await;
    deployed.retain(|name, _| WELL.contains(&name.as_str()));
    super::agent::same(&planned(bed, &plan).await, &deployed);
}

/// Whether kustomize builds something below this folder.
fn builds(home: &Path) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(home)))
        .filter_map(|process| std::fs::read_to_string(process.path().join("cmdline")).ok())
        .any(|line| line.contains("kustomize\0build\0./endless/a0"))
}

/// A platform of 190 MB: twenty folders of as many small objects as the agent reads, and a kustomization without an end.
fn large() -> Vec<(String, String)> {
    let url = "https://git.example.com/shop/platform.git";
    let mut all = files();
    let mut objects = String::new();
    for number in 0..9_500 {
        let text = "x".repeat(900);
        let object =
            format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: map-{number}}}\ndata:\n  text: {text}\n");
        objects.push_str(&object);
    }
    for number in 0..20 {
        let name = format!("part-{number}");
        all.push((format!("apps/{name}.yaml"), application(&name, &name, &name)));
        all.push((format!("{name}/all.yaml"), objects.clone()));
    }
    let source = format!("{{repoURL: \"{url}\", targetRevision: main, path: endless/a0}}");
    all.push(("apps/endless.yaml".to_owned(), with("endless", &source)));
    endless(&mut all);
    all
}

#[tokio::test]
async fn ctrl_c_while_much_is_rendered_ends_the_plan_at_once_and_leaves_no_program_behind() {
    let scene = Scene::with(large()).await;
    let runbook = runbook(&scene.outage);
    let home = scene.tool.home().canonicalize().unwrap();
    let mut child = scene.tool.start(&["plan", &runbook]).unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    while !builds(&home) {
        let line = tokio::time::timeout(Duration::from_millis(100), lines.next_line()).await;
        assert!(
            !matches!(line, Ok(Ok(None))),
            "the plan ended before anything was built"
        );
    }
    let pressed = Instant::now();
    interrupt(&child).unwrap();
    let ended = child.wait_with_output().await.unwrap();
    let took = pressed.elapsed();
    let ran = Ran::of(&ended);
    assert_eq!(ran.code, 130, "{}", ran.said());
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(!builds(&home), "a program was left behind");

    let began = Instant::now();
    let plan = scene.tool.run(&["plan", &runbook]).await.unwrap();
    assert_eq!(plan.code, 0, "{}", plan.said());
    assert!(
        began.elapsed() < Duration::from_mins(1) + SLACK,
        "{:?}",
        began.elapsed()
    );
}
