//! Reading repositories from real servers: nginx with `git http-backend`, and sshd.

use std::collections::BTreeMap;
use std::time::Duration;

use gitops_dr::clock::{Clock as _, SystemClock};
use gitops_dr::exec::Exec;
use gitops_dr::git::{Access, Checkout, Error, Kind, Known, PATIENCE, Request, Trust, Wanted, fetch, follows};
use gitops_dr::redact::{Redactor, Secret};
use tempfile::TempDir;
use testbed::GitServer;
use testbed::git_server::{GitServerOptions, Repository};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A password that would be seen wherever it got out.
const PASSWORD: &str = "canary-pa55-w0rd";

async fn server() -> GitServer {
    let options = GitServerOptions {
        https: true,
        ssh: true,
        ..GitServerOptions::default()
    };
    GitServer::start(options).await.unwrap()
}

async fn platform(server: &GitServer) -> (Repository, String) {
    let repository = server.create("shop/platform", "robot", PASSWORD).await.unwrap();
    let commit = repository
        .commit("first", [("clusters/root.yaml", "a: 1\n")])
        .await
        .unwrap();
    (repository, commit)
}

/// The access that an Argo CD secret with these keys grants.
fn access(data: &[(&str, &str)]) -> Access {
    let data: BTreeMap<_, _> = data
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
        .collect();
    Access::from_repository_secret(&data).unwrap()
}

fn password(password: &str) -> Access {
    access(&[("username", "robot"), ("password", password)])
}

fn key(repository: &Repository, known_hosts: Option<String>) -> Access {
    let access = access(&[("sshPrivateKey", repository.private_key().unwrap())]);
    let trust = Trust {
        known_hosts,
        ..access.trust
    };
    Access { trust, ..access }
}

fn request(url: &str, access: Access) -> Request {
    Request {
        url: url.to_owned(),
        mirrors: Vec::new(),
        revision: Wanted::Follow("main".to_owned()),
        access,
        patience: PATIENCE,
    }
}

#[tokio::test]
async fn whether_a_commit_follows_from_another_is_told_with_as_much_history_as_it_takes() {
    let server = server().await;
    let (repository, first) = platform(&server).await;
    let mut newest = first.clone();
    for n in 0..30 {
        newest = repository.commit("more", [("n", n.to_string())]).await.unwrap();
    }
    let cache = cache();
    let ways = [
        request(repository.url_http(), password(PASSWORD)),
        request(
            repository.url_ssh().unwrap(),
            key(&repository, Some(server.known_hosts().unwrap())),
        ),
    ];
    for request in &ways {
        assert!(follows(request, &first, &newest, cache.path()).await.unwrap());
        assert!(follows(request, &newest, &newest, cache.path()).await.unwrap());
    }
    repository.force_back_to(&first).await.unwrap();
    let rewritten = repository.commit("another past", [("n", "x")]).await.unwrap();
    for request in &ways {
        assert!(follows(request, &first, &rewritten, cache.path()).await.unwrap());
        assert!(!follows(request, &newest, &rewritten, cache.path()).await.unwrap());
    }
    assert_eq!(
        std::fs::read_dir(cache.path()).unwrap().count(),
        0,
        "history is not kept"
    );
}

fn cache() -> TempDir {
    tempfile::tempdir().unwrap()
}

async fn taken(request: &Request) -> (TempDir, Checkout) {
    let cache = cache();
    let checkout = fetch(request, cache.path()).await.unwrap();
    (cache, checkout)
}

/// Fetches in vain: quickly, and without a word of the secret.
async fn refused(request: &Request) -> (Kind, Error) {
    let clock = SystemClock::start();
    let error = fetch(request, cache().path()).await.unwrap_err();
    assert!(clock.elapsed() < Duration::from_secs(5), "{error}");
    let told = format!("{error} {error:?} {:?}", error.failure());
    assert!(!told.contains(PASSWORD), "{told}");
    (error.kind().unwrap().clone(), error)
}

#[tokio::test]
async fn a_private_repository_is_read_over_http_and_https_and_ssh() {
    let server = server().await;
    let (repository, commit) = platform(&server).await;
    let ca = std::fs::read_to_string(server.authority().unwrap()).unwrap();
    let trusting = Access {
        trust: Trust {
            ca: Some(ca),
            ..Trust::default()
        },
        ..password(PASSWORD)
    };
    for (url, access) in [
        (repository.url_http(), password(PASSWORD)),
        (repository.url_https().unwrap(), trusting),
        (repository.url_ssh().unwrap(), key(&repository, server.known_hosts())),
    ] {
        let (_cache, checkout) = taken(&request(url, access)).await;
        assert_eq!(
            (checkout.commit.as_str(), checkout.url.as_str()),
            (commit.as_str(), url)
        );
        assert_eq!(
            std::fs::read(checkout.directory.join("clusters/root.yaml")).unwrap(),
            b"a: 1\n"
        );
    }
}

#[tokio::test]
async fn a_public_repository_needs_no_login() {
    let server = server().await;
    let charts = server.create_public("charts").await.unwrap();
    let commit = charts.commit("first", [("Chart.yaml", "name: a\n")]).await.unwrap();
    let (_cache, checkout) = taken(&request(charts.url_http(), Access::default())).await;
    assert_eq!(checkout.commit, commit);
}

#[tokio::test]
async fn a_wrong_password_is_refused_at_once() {
    let server = server().await;
    let (repository, _) = platform(&server).await;
    let (kind, _) = refused(&request(repository.url_http(), password("canary-pa55-wrong"))).await;
    assert_eq!(
        kind,
        Kind::Denied("the server does not accept this name and password".to_owned())
    );
    let (kind, _) = refused(&request(repository.url_http(), Access::default())).await;
    assert_eq!(
        kind,
        Kind::Denied("the server wants a login and none was given".to_owned())
    );
    let (kind, _) = refused(&request(repository.url_http(), access(&[("bearerToken", PASSWORD)]))).await;
    assert_eq!(kind, Kind::Denied("the server does not accept this token".to_owned()));
    let (kind, _) = refused(&request(repository.url_http(), key(&repository, None))).await;
    assert!(kind.to_string().contains("the credential is an SSH key"), "{kind}");
    assert!(server.requests().lines().count() < 12, "{}", server.requests());
}

#[tokio::test]
async fn a_login_in_the_address_works_and_is_never_shown() {
    let server = server().await;
    let (repository, _) = platform(&server).await;
    let url = repository
        .url_http()
        .replacen("://", &format!("://robot:{PASSWORD}@"), 1);
    let (_cache, checkout) = taken(&request(&url, Access::default())).await;
    assert_eq!(checkout.url, repository.url_http());
    refused(&request(&format!("{url}x"), Access::default())).await;
}

#[tokio::test]
async fn a_missing_repository_is_told_from_a_refused_login() {
    let server = server().await;
    let (repository, _) = platform(&server).await;
    server.create_public("shop/charts").await.unwrap();
    let over_ssh = repository.url_ssh().unwrap().replace("platform", "plattform");
    let (kind, _) = refused(&request(&over_ssh, key(&repository, server.known_hosts()))).await;
    assert_eq!(kind, Kind::NoSuchRepository);
    let over_http = repository.url_http().replace("platform", "plattform");
    let (kind, _) = refused(&request(&over_http, password(PASSWORD))).await;
    assert_eq!(kind, Kind::NoSuchRepository);
}

#[tokio::test]
async fn an_unknown_host_key_is_shown_with_the_line_that_makes_it_known() {
    let server = server().await;
    let (repository, commit) = platform(&server).await;
    let url = repository.url_ssh().unwrap();
    let (kind, error) = refused(&request(url, key(&repository, Some(String::new())))).await;
    let Kind::HostKey(shown) = kind else { panic!("{kind}") };
    assert_eq!(shown.known, Known::Nothing);
    assert!(server.known_hosts().unwrap().contains(&shown.line), "{}", shown.line);
    assert!(error.failure().hints.iter().any(|hint| hint.contains(&shown.line)));
    let (_cache, checkout) = taken(&request(url, key(&repository, Some(shown.line)))).await;
    assert_eq!(checkout.commit, commit);
}

#[tokio::test]
async fn a_changed_host_key_is_refused_unless_told_otherwise() {
    let (server, other) = (server().await, server().await);
    let (repository, commit) = platform(&server).await;
    let url = repository.url_ssh().unwrap();
    let host = url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
    let (address, port) = host.split_once(':').unwrap();
    let keys = other.known_hosts().unwrap();
    let old = format!("[{address}]:{port} {}", keys.split_once(' ').unwrap().1);
    let (kind, error) = refused(&request(url, key(&repository, Some(old.clone())))).await;
    let Kind::HostKey(shown) = kind else { panic!("{kind}") };
    assert_eq!(shown.known, Known::AnotherKey);
    assert!(
        error.to_string().contains("has changed") && error.to_string().contains("SHA256:"),
        "{error}"
    );

    let mut careless = key(&repository, Some(old));
    careless.trust.insecure = true;
    let (_cache, checkout) = taken(&request(url, careless)).await;
    assert_eq!(checkout.commit, commit);
}

#[tokio::test]
async fn a_key_of_another_repository_is_refused() {
    let server = server().await;
    let (repository, _) = platform(&server).await;
    let stranger = GitServer::start(GitServerOptions {
        ssh: true,
        ..GitServerOptions::default()
    });
    let stranger = stranger.await.unwrap();
    let unknown = stranger.create("shop/apps", "robot", "x").await.unwrap();
    let (kind, _) = refused(&request(
        repository.url_ssh().unwrap(),
        key(&unknown, server.known_hosts()),
    ))
    .await;
    assert!(
        matches!(&kind, Kind::Denied(why) if why.contains("does not accept this key")),
        "{kind}"
    );
    let mut with_password = password(PASSWORD);
    with_password.trust.known_hosts = server.known_hosts();
    let (kind, _) = refused(&request(repository.url_ssh().unwrap(), with_password)).await;
    assert!(
        matches!(&kind, Kind::Denied(why) if why.contains("wants an SSH key")),
        "{kind}"
    );
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let (server, other) = (server().await, server().await);
    let (repository, _) = platform(&server).await;
    let url = repository.url_https().unwrap();
    let (kind, _) = refused(&request(url, password(PASSWORD))).await;
    assert!(matches!(kind, Kind::Tls(_)), "{kind}");
    let mut mistaken = password(PASSWORD);
    mistaken.trust.ca = Some(std::fs::read_to_string(other.authority().unwrap()).unwrap());
    let (kind, _) = refused(&request(url, mistaken)).await;
    assert!(matches!(kind, Kind::Tls(_)), "{kind}");
    let (_cache, _checkout) = taken(&request(
        url,
        access(&[("username", "robot"), ("password", PASSWORD), ("insecure", "true")]),
    ))
    .await;
}

#[tokio::test]
async fn any_commit_can_be_pinned_and_no_history_is_kept() {
    let server = server().await;
    let (repository, first) = platform(&server).await;
    let second = repository
        .commit("second", [("clusters/root.yaml", "a: 2\n")])
        .await
        .unwrap();
    let third = repository
        .commit("third", [("clusters/root.yaml", "a: 3\n")])
        .await
        .unwrap();
    let cache = cache();
    for (commit, text) in [(&first, "a: 1\n"), (&second, "a: 2\n"), (&third, "a: 3\n")] {
        for (url, access) in [
            (repository.url_http(), password(PASSWORD)),
            (repository.url_ssh().unwrap(), key(&repository, server.known_hosts())),
        ] {
            let pinned = Request {
                revision: Wanted::Pinned(commit.clone()),
                ..request(url, access)
            };
            let checkout = fetch(&pinned, cache.path()).await.unwrap();
            assert_eq!(&checkout.commit, commit);
            assert_eq!(
                std::fs::read_to_string(checkout.directory.join("clusters/root.yaml")).unwrap(),
                text
            );
        }
    }
    let missing = Request {
        revision: Wanted::Pinned("1".repeat(40)),
        ..request(repository.url_http(), password(PASSWORD))
    };
    let (kind, _) = refused(&missing).await;
    assert!(matches!(kind, Kind::NoSuchRevision { .. }), "{kind}");
}

#[tokio::test]
async fn when_a_server_is_down_its_mirror_steps_in() {
    let (mut server, mirror) = (server().await, server().await);
    let (repository, _) = platform(&server).await;
    let (copy, commit) = platform(&mirror).await;
    server.stop().await.unwrap();
    let mirrored = Request {
        mirrors: vec![copy.url_http().to_owned()],
        ..request(repository.url_http(), password(PASSWORD))
    };
    let (_cache, checkout) = taken(&mirrored).await;
    assert_eq!(
        (checkout.commit.as_str(), checkout.url.as_str()),
        (commit.as_str(), copy.url_http())
    );
    let (kind, _) = refused(&request(repository.url_http(), password(PASSWORD))).await;
    assert!(matches!(kind, Kind::Unreachable(_)), "{kind}");
}

/// Answers in front of a server: sends on what begins with `/old/`, lets in who shows the token.
async fn gate(upstream: &str, token: Option<&'static str>) -> u16 {
    let upstream = upstream.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let upstream = upstream.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await?);
                }
                let text = String::from_utf8_lossy(&head).into_owned();
                if let Some((_, rest)) = text.split_once("GET /old/") {
                    let path = rest.split(' ').next().unwrap_or_default();
                    let answer =
                        format!("HTTP/1.1 302 Found\r\nLocation: {upstream}/{path}\r\nContent-Length: 0\r\n\r\n");
                    return client.write_all(answer.as_bytes()).await;
                }
                if token.is_some_and(|token| !text.contains(&format!("Authorization: Bearer {token}\r\n"))) {
                    let answer = "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n";
                    return client.write_all(answer.as_bytes()).await;
                }
                let mut server = TcpStream::connect(upstream.trim_start_matches("http://")).await?;
                server.write_all(&head).await?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await.map(drop)
            });
        }
    });
    port
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn a_token_opens_what_asks_for_one() {
    let server = server().await;
    let charts = server.create_public("charts").await.unwrap();
    let commit = charts.commit("first", [("Chart.yaml", "name: a\n")]).await.unwrap();
    let port = gate(&origin(charts.url_http()), Some(PASSWORD)).await;
    let url = format!("http://127.0.0.1:{port}/charts.git");
    let (_cache, checkout) = taken(&request(&url, access(&[("bearerToken", PASSWORD)]))).await;
    assert_eq!(checkout.commit, commit);
    let (kind, _) = refused(&request(&url, access(&[("bearerToken", "canary-other")]))).await;
    assert!(matches!(kind, Kind::Denied(_)), "{kind}");
}

#[tokio::test]
async fn a_moved_repository_is_followed_but_no_credential_goes_to_another_host() {
    let server = server().await;
    let (repository, commit) = platform(&server).await;
    let here = origin(repository.url_http());
    let port = gate(&here, None).await;
    let url = format!("http://127.0.0.1:{port}/old/shop/platform.git");
    let (_cache, checkout) = taken(&request(&url, password(PASSWORD))).await;
    assert_eq!(checkout.commit, commit);

    let port = gate(&here.replace("127.0.0.1", "localhost"), None).await;
    let url = format!("http://127.0.0.1:{port}/old/shop/platform.git");
    let before = server.requests().matches("robot").count();
    let (kind, _) = refused(&request(&url, password(PASSWORD))).await;
    assert!(
        matches!(&kind, Kind::Denied(why) if why.contains("sends us on to http://localhost")),
        "{kind}"
    );
    assert_eq!(server.requests().matches("robot").count(), before);
    let (kind, _) = refused(&request(&url, access(&[("bearerToken", PASSWORD)]))).await;
    assert!(kind.to_string().contains("cannot redirect"), "{kind}");
}

#[tokio::test]
async fn a_slow_server_that_sends_is_waited_for() {
    let server = server().await;
    let charts = server.create_public("charts").await.unwrap();
    // Bytes that do not compress, so that they take their time on the way.
    let noise: Vec<u8> = (0_u64..1 << 16)
        .flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31).to_le_bytes())
        .collect();
    let commit = charts.commit("first", [("noise", &noise)]).await.unwrap();
    let upstream = origin(charts.url_http());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/charts.git", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(upstream.trim_start_matches("http://")).await?;
            let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
            tokio::spawn(async move {
                let mut piece = vec![0; 16 << 10];
                loop {
                    let length = from_server.read(&mut piece).await?;
                    if length == 0 {
                        return to_client.shutdown().await;
                    }
                    to_client.write_all(&piece[..length]).await?;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            });
        }
        std::io::Result::Ok(())
    });
    let patience = Duration::from_millis(600);
    let clock = SystemClock::start();
    let (_cache, checkout) = taken(&Request {
        patience,
        ..request(&url, Access::default())
    })
    .await;
    assert_eq!(checkout.commit, commit);
    assert!(clock.elapsed() > patience, "the server was not slow");
}

#[tokio::test]
async fn names_that_ssh_keygen_hashed_are_found() {
    let server = server().await;
    let (repository, commit) = platform(&server).await;
    let folder = cache();
    let file = folder.path().join("known_hosts");
    std::fs::write(&file, server.known_hosts().unwrap()).unwrap();
    let hash = Exec::new("ssh-keygen", &Redactor::default())
        .args(["-H", "-f"])
        .args([&file]);
    hash.run().await.unwrap();
    let hashed = std::fs::read_to_string(&file).unwrap();
    assert!(hashed.starts_with("|1|"), "{hashed}");
    let (_cache, checkout) = taken(&request(repository.url_ssh().unwrap(), key(&repository, Some(hashed)))).await;
    assert_eq!(checkout.commit, commit);
}

#[tokio::test]
async fn a_key_that_was_copied_carelessly_still_works_and_a_broken_one_says_so() {
    let server = server().await;
    let (repository, commit) = platform(&server).await;
    let url = repository.url_ssh().unwrap();
    let with = |key: &str| {
        let mut access = access(&[("sshPrivateKey", key)]);
        access.trust.known_hosts = server.known_hosts();
        request(url, access)
    };
    let good = repository.private_key().unwrap();
    for key in [
        good.trim_end().to_owned(),
        good.replace('\n', "\r\n"),
        format!("\n{good}\n\n"),
    ] {
        let (_cache, checkout) = taken(&with(&key)).await;
        assert_eq!(checkout.commit, commit);
    }
    let broken = good.lines().take(2).collect::<Vec<_>>().join("\n");
    let (kind, _) = refused(&with(&broken)).await;
    assert!(
        matches!(&kind, Kind::Denied(why) if why.contains("the key cannot be used")),
        "{kind}"
    );
}

#[tokio::test]
async fn the_users_own_git_configuration_is_not_obeyed() {
    let Ok(url) = std::env::var("URL_FOR_A_CHILD") else {
        let server = server().await;
        let charts = server.create_public("charts").await.unwrap();
        charts.commit("first", [("Chart.yaml", "name: a\n")]).await.unwrap();
        let home = cache();
        let elsewhere = format!(
            "[url \"http://127.0.0.1:1/\"]\n\tinsteadOf = {}/\n",
            origin(charts.url_http())
        );
        std::fs::write(
            home.path().join(".gitconfig"),
            elsewhere + "[http]\n\tproxy = http://127.0.0.1:1\n",
        )
        .unwrap();
        // A home folder is the whole process's, so a process of its own fetches.
        Exec::new(std::env::current_exe().unwrap(), &Redactor::default())
            .args(["--exact", "git::the_users_own_git_configuration_is_not_obeyed"])
            .env("HOME", home.path())
            .env("URL_FOR_A_CHILD", charts.url_http())
            .run()
            .await
            .unwrap();
        return;
    };
    taken(&request(&url, Access::default())).await;
}
