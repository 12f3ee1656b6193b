//! What was rendered once is not rendered again, and is known where the programs are not asked any more.

use std::fs;
use std::path::Path;

use futures::StreamExt as _;
use gitops_dr::redact::Redactor;
use gitops_dr::render::{From, Job, Renderer, Settings};
use testbed::Programs;

use super::scene::{config, helm, ids, job, render_with, repository, script, settings};

fn at(root: &Path, path: &str, commit: &str) -> Job {
    let mut job = job(root, path, None);
    if let From::Folder { checkout, .. } = &mut job.from {
        commit.clone_into(&mut checkout.commit);
    }
    job
}

#[tokio::test]
async fn a_commit_is_rendered_once_and_whatever_changes_the_result_makes_it_anew() {
    let root = repository(&[
        ("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n"),
        (
            "app/templates/c.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}'}\n",
        ),
    ]);
    let (bin, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = bin.path().join("log");
    let helm_itself = Programs::find().unwrap().built("helm").unwrap();
    let counting = |version: &str| {
        let text = format!(
            "[ $1 = version ] && echo {version} && exit\necho x >> {}\nexec {} \"$@\"",
            log.display(),
            helm_itself.display()
        );
        script(bin.path(), "helm", &text);
    };
    counting("v4.3.1");
    let with = || Settings {
        programs: Some(bin.path().as_os_str().to_owned()),
        cache: Some(cache.path().to_owned()),
        ..settings()
    };
    let runs = || fs::read_to_string(&log).unwrap_or_default().lines().count();
    let first = render_with(with(), &at(root.path(), "app", "c0ffee")).await.unwrap();
    let again = render_with(with(), &at(root.path(), "app", "c0ffee")).await.unwrap();
    assert_eq!(
        (runs(), first.digest.as_str(), ids(&again)),
        (1, again.digest.as_str(), ids(&first))
    );
    assert_eq!(again.manifests[0].origin(), first.manifests[0].origin());

    let mut other = at(root.path(), "app", "c0ffee");
    other.tool = helm(serde_json::json!({"releaseName": "r"}));
    let mut newer = at(root.path(), "app", "c0ffee");
    newer.cluster.kube_version = Some("1.36.0".to_owned());
    for (count, job) in [at(root.path(), "app", "bad"), other, newer].into_iter().enumerate() {
        render_with(with(), &job).await.unwrap();
        assert_eq!(runs(), count + 2);
    }
    counting("v4.4.0");
    render_with(with(), &at(root.path(), "app", "c0ffee")).await.unwrap();
    assert_eq!(runs(), 5);
    // Files that may change are read each time.
    for expected in [6, 7] {
        render_with(with(), &at(root.path(), "app", "")).await.unwrap();
        assert_eq!(runs(), expected);
    }
    // What was damaged is made anew.
    let mut open = vec![cache.path().join("manifests")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text.replace("ConfigMap", "Secret")).unwrap();
        }
    }
    let rendered = render_with(with(), &at(root.path(), "app", "c0ffee")).await.unwrap();
    assert_eq!((runs(), ids(&rendered)), (8, vec!["ConfigMap shop".to_owned()]));
}

#[tokio::test]
async fn a_thousand_apps_are_there_at_once_when_nothing_has_changed() {
    const APPS: usize = 1000;
    let files: Vec<(String, String)> = (0..APPS)
        .map(|app| {
            (
                format!("apps/a{app}/all.yaml"),
                (0..10).map(|at| config(&format!("c{app}-{at}")) + "---\n").collect(),
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let root = repository(&files);
    let cache = tempfile::tempdir().unwrap();
    let with = || Settings {
        cache: Some(cache.path().to_owned()),
        ..settings()
    };
    let all = async || {
        let renderer = Renderer::new(with(), &Redactor::default());
        let jobs: Vec<Job> = (0..APPS)
            .map(|app| at(root.path(), &format!("apps/a{app}"), "c0ffee"))
            .collect();
        let counts = futures::stream::iter(&jobs).map(async |job| renderer.render(job).await.unwrap().manifests.len());
        counts
            .buffer_unordered(64)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .sum::<usize>()
    };
    assert_eq!(all().await, APPS * 10);
    // Nothing but the cache is read now.
    for app in 0..APPS {
        fs::write(root.path().join(format!("apps/a{app}/all.yaml")), "a: [").unwrap();
    }
    assert_eq!(all().await, APPS * 10);
}
