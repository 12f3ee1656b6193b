//! Charts of repositories: with a login, by ranges, and from this machine when nothing answers any more.

use std::collections::BTreeMap;
use std::path::Path;

use gitops_dr::redact::Secret;
use gitops_dr::render::{Error, From, Job, Rendered, Repository, Settings};
use serde_json::{Value, json};

use super::scene::{helm, job, only, render_with, repository, settings, words};
use super::server::{Server, publish, publish_to_registry};

fn chart(server: &Server, version: &str, said: Value) -> Job {
    Job {
        from: From::Chart {
            repository: server.url.clone(),
            name: "redis".to_owned(),
            version: version.to_owned(),
        },
        lent: BTreeMap::new(),
        missing: BTreeMap::new(),
        ..job(Path::new("/"), "", helm(said))
    }
}

fn with(server: &Server, cache: &Path, network: bool) -> Settings {
    Settings {
        cache: Some(cache.to_owned()),
        network,
        repositories: vec![Repository {
            url: server.url.clone(),
            username: "user".to_owned(),
            password: Some(Secret::from("hunter2hunter2")),
            ..Repository::default()
        }],
        ..settings()
    }
}

fn version(rendered: &Rendered) -> String {
    only(rendered, "ConfigMap")["data"]["version"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_chart_is_had_by_its_version_or_a_range_and_later_without_the_network() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for version in ["1.0.0", "1.2.0", "1.3.0-rc.1", "2.0.0"] {
        publish(folder.path(), "redis", version).await;
    }
    let server = Server::start(folder.path());
    let get = async |version: &str, network| {
        let said =
            json!({"valueFiles": ["prod.yaml"], "parameters": [{"name": "rev", "value": "$ARGOCD_APP_REVISION"}]});
        render_with(with(&server, cache.path(), network), &chart(&server, version, said)).await
    };
    for (range, expected) in [
        ("1.0.0", "1.0.0"),
        ("^1.0.0", "1.2.0"),
        ("1.x", "1.2.0"),
        (">=1.3.0-0 <2", "1.3.0-rc.1"),
        ("", "2.0.0"),
    ] {
        let rendered = get(range, true).await.unwrap();
        assert_eq!(
            (version(&rendered).as_str(), rendered.version.as_deref()),
            (expected, Some(expected)),
            "{range}"
        );
        assert!(rendered.findings.is_empty(), "{range}: {:?}", rendered.findings);
        assert_eq!(only(&rendered, "ConfigMap")["data"]["told"], "by-prod");
    }
    // What is written out is fetched once.
    let count = server.count();
    assert_eq!(version(&get("1.0.0", true).await.unwrap()), "1.0.0");
    assert_eq!(server.count(), count);
    // A range is resolved anew while that can be done.
    publish(folder.path(), "redis", "1.4.0").await;
    assert_eq!(version(&get("^1.0.0", true).await.unwrap()), "1.4.0");
    assert!(server.count() > count);

    // Without the network, and when the server has forgotten everything: what was known the last time.
    let count = server.count();
    let rendered = get("^1.0.0", false).await.unwrap();
    assert_eq!((version(&rendered).as_str(), server.count()), ("1.4.0", count));
    assert_eq!(rendered.findings.len(), 1);
    assert!(
        rendered.findings[0].message.contains("what it was the last time"),
        "{:?}",
        rendered.findings
    );
    std::fs::remove_file(folder.path().join("index.yaml")).unwrap();
    let rendered = get("^1.0.0", true).await.unwrap();
    assert_eq!(version(&rendered), "1.4.0");
    assert!(rendered.findings[0].message.contains("404"), "{:?}", rendered.findings);
    let error = get("~1.0.0", false).await.unwrap_err();
    assert!(words(&error).contains("is not on this machine"), "{}", words(&error));
}

#[tokio::test]
async fn a_chart_that_cannot_be_had_is_named_and_no_password_is_seen() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    publish(folder.path(), "redis", "1.0.0").await;
    let server = Server::start(folder.path());
    let mut wrong = with(&server, cache.path(), true);
    wrong.repositories.clear();
    let error = render_with(wrong, &chart(&server, "1.0.0", json!({})))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotFetched { .. }), "{error}");
    assert!(
        words(&error).contains(&format!("redis 1.0.0 cannot be had from {}", server.url)),
        "{}",
        words(&error)
    );
    assert!(words(&error).contains("401"), "{}", words(&error));
    let error = render_with(with(&server, cache.path(), true), &chart(&server, "9.9.9", json!({})))
        .await
        .unwrap_err();
    assert!(words(&error).contains("9.9.9"), "{}", words(&error));
    // Nothing of a login stays on disk.
    let mut open = vec![cache.path().to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned();
                assert!(!text.contains("hunter2"), "{:?}", entry.path());
            }
        }
    }
}

#[tokio::test]
async fn what_a_chart_of_the_repository_needs_is_fetched_and_kept_and_nothing_is_written_beside_it() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    publish(folder.path(), "redis", "1.2.0").await;
    let server = Server::start(folder.path());
    let root = repository(&[
        ("common/Chart.yaml", "apiVersion: v2\nname: common\nversion: 0.1.0\n"),
        (
            "common/templates/c.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: common}\n",
        ),
        (
            "app/Chart.yaml",
            &format!(
                "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n- {{name: redis, version: ^1.0.0, repository: '{}'}}\n",
                server.url
            ),
        ),
        (
            "local/Chart.yaml",
            "apiVersion: v2\nname: local\nversion: 0.1.0\ndependencies:\n- {name: common, version: '*', repository: 'file://../common'}\n",
        ),
    ]);
    let before = std::fs::read_dir(root.path().join("app")).unwrap().count();
    let get =
        async |path, network| render_with(with(&server, cache.path(), network), &job(root.path(), path, None)).await;
    // What is beside it needs no network.
    let local = get("local", false).await.unwrap();
    assert_eq!(super::scene::ids(&local), ["Secret common"]);
    // What was laid out for it is packed, and nobody knows whether it asks which kinds are served.
    assert!(local.asks);
    let error = get("app", false).await.unwrap_err();
    assert!(
        words(&error).contains("neither in its folder nor on this machine"),
        "{}",
        words(&error)
    );
    assert_eq!(version(&get("app", true).await.unwrap()), "1.2.0");
    assert!(
        server.asked().iter().any(|path| path.ends_with("redis-1.2.0.tgz")),
        "{:?}",
        server.asked()
    );
    let rendered = get("app", false).await.unwrap();
    assert_eq!(version(&rendered), "1.2.0");
    assert!(
        rendered.findings[0].message.contains("were the last time"),
        "{:?}",
        rendered.findings
    );
    assert_eq!(std::fs::read_dir(root.path().join("app")).unwrap().count(), before);
}

#[tokio::test]
async fn a_chart_of_a_registry_is_had_with_a_login_by_its_version_or_a_range_and_later_without_the_network() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for version in ["1.0.0", "1.2.0", "2.0.0"] {
        publish_to_registry(folder.path(), "redis", version).await;
    }
    let server = Server::start(folder.path());
    // Argo CD writes a registry without its scheme, Helm with it.
    for scheme in ["", "oci://"] {
        let url = server.url.replace("http://", scheme);
        let get = async |version: &str, network, username: &str| {
            let mut settings = with(&server, cache.path(), network);
            settings.repositories[0].url.clone_from(&url);
            settings.repositories[0].plain_http = true;
            username.clone_into(&mut settings.repositories[0].username);
            let mut job = chart(&server, version, json!({}));
            if let From::Chart { repository, .. } = &mut job.from {
                repository.clone_from(&url);
            }
            render_with(settings, &job).await
        };
        let error = get("1.0.0", true, "").await.unwrap_err();
        assert!(matches!(error, Error::NotFetched { .. }), "{error}");
        for (range, expected) in [("1.0.0", "1.0.0"), ("^1.0.0", "1.2.0")] {
            let rendered = get(range, true, "user")
                .await
                .unwrap_or_else(|error| panic!("{}", words(&error)));
            assert_eq!(
                (version(&rendered).as_str(), rendered.findings.len()),
                (expected, 0),
                "{url} {range}"
            );
        }
        let count = server.count();
        assert_eq!(version(&get("^1.0.0", false, "").await.unwrap()), "1.2.0");
        assert_eq!(version(&get("1.0.0", true, "").await.unwrap()), "1.0.0");
        assert_eq!(server.count(), count);
    }
}
