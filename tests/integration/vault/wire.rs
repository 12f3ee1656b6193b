//! Retries, odd answers and node states, against a scripted server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use gitops_dr::clock::{Clock as _, SystemClock};
use gitops_dr::redact::{MASK, Redactor};
use gitops_dr::secrets::vault::Vault;
use gitops_dr::secrets::{Error, ErrorKind, Store as _};
use serde_json::json;
use testbed::openbao::AppRole;

use super::bench::{CANARY, by, token};
use super::fake::{Fake, TOKEN};
use crate::told::{assert_silent, told};

const MOUNTS: &str = "/v1/sys/internal/ui/mounts/secret/dr/repo";
const REPO: &str = "/v1/secret/data/dr/repo";

pub(super) fn wrapped(data: &serde_json::Value) -> String {
    json!({"request_id": "1", "lease_id": "", "renewable": false, "lease_duration": 0, "data": data}).to_string()
}

pub(super) fn mount() -> String {
    wrapped(&json!({"path": "secret/", "type": "kv", "options": {"version": "2"}}))
}

fn repo() -> String {
    let metadata = json!({"created_time": "", "deletion_time": "", "destroyed": false, "version": 1});
    wrapped(&json!({"data": {"password": CANARY}, "metadata": metadata}))
}

fn login() -> String {
    let given = json!({
        "client_token": TOKEN, "accessor": "", "policies": [], "token_policies": [], "metadata": {}, "lease_duration": 60,
        "renewable": true, "entity_id": "", "token_type": "service", "orphan": true,
    });
    let mut login: serde_json::Value = serde_json::from_str(&wrapped(&json!(null))).unwrap();
    login["auth"] = given;
    login.to_string()
}

fn role() -> AppRole {
    AppRole {
        role_id: "canary-role-id".to_owned(),
        secret_id: "canary-secret-id".to_owned(),
    }
}

fn expect(error: &Error, kind: ErrorKind, word: &str) {
    let told = told(error);
    assert_eq!(error.kind(), kind, "{told}");
    assert!(told.contains(word), "`{word}` is not in:\n{told}");
    assert_silent(&told, CANARY);
    assert_silent(&told, TOKEN);
}

#[tokio::test]
async fn the_state_of_a_node_is_told_by_its_health_code_alone() {
    for (status, kind, word) in [
        (472, ErrorKind::Standby, "disaster-recovery secondary"),
        (474, ErrorKind::Standby, "cannot reach the active node"),
        (501, ErrorKind::NotInitialised, "not initialised"),
        (503, ErrorKind::Sealed, "is sealed"),
        (530, ErrorKind::Standby, "removed from its cluster"),
        (404, ErrorKind::Configuration, "no Vault or OpenBao"),
        (302, ErrorKind::Answer, "not as a Vault"),
    ] {
        let fake = Fake::start(move |_, _| (status, "", CANARY.to_owned())).await;
        expect(&fake.vault().check().await.unwrap_err(), kind, word);
        // A state is not a fault: it is asked for once, and a token is not shown to whoever answers there.
        assert_eq!(fake.asked(), ["/v1/sys/health"], "{status}");
    }
    for status in [200, 429, 473] {
        let fake = Fake::start(move |path, _| {
            if path.ends_with("health") {
                (status, "", String::new())
            } else {
                (200, "", "{}".to_owned())
            }
        })
        .await;
        fake.vault().check().await.unwrap();
        assert_eq!(
            fake.asked(),
            ["/v1/sys/health", "/v1/auth/token/lookup-self with token"],
            "{status}"
        );
    }
}

#[tokio::test]
async fn passing_faults_are_retried() {
    let html = || format!("<html>{CANARY}</html>");
    let fake = Fake::start(move |path, before| match (path, before) {
        (MOUNTS, 0) => (502, "", html()),
        (MOUNTS, _) => (200, "", mount()),
        (_, 2) => (
            412,
            "",
            json!({"errors": ["required index state not present"]}).to_string(),
        ),
        (_, 3) => (500, "", html()),
        _ => (200, "", repo()),
    })
    .await;
    fake.vault().read("secret/dr/repo", None).await.unwrap();
    let mounts = format!("{MOUNTS} with token");
    let repo = format!("{REPO} with token");
    assert_eq!(
        fake.asked(),
        [&mounts, &mounts, &repo, &repo, &repo].map(String::as_str)
    );
}

#[tokio::test]
async fn a_server_that_asks_to_slow_down_is_given_the_time_it_asks_for() {
    let fake = Fake::start(|path, before| match (path, before) {
        (MOUNTS, _) => (200, "", mount()),
        (_, 1) => (
            429,
            "Retry-After: 2\r\n",
            json!({"errors": ["request path: rate limit quota exceeded"]}).to_string(),
        ),
        _ => (200, "", repo()),
    })
    .await;
    let clock = SystemClock::start();
    fake.vault().read("secret/dr/repo", None).await.unwrap();
    assert!(clock.elapsed() >= Duration::from_secs(2), "{:?}", clock.elapsed());
}

#[tokio::test]
async fn faults_that_stay_are_told_without_what_the_server_said_around_them() {
    for (status, kind, word) in [
        (429, ErrorKind::Throttled, "slow down"),
        (502, ErrorKind::Answer, "answered 502"),
    ] {
        let fake =
            Fake::start(move |_, _| (status, "Retry-After: 0\r\n", format!("<html>{CANARY}{TOKEN}</html>"))).await;
        expect(
            &fake.vault().read("secret/dr/repo", None).await.unwrap_err(),
            kind,
            word,
        );
        assert_eq!(fake.asked().len(), 5);
    }
    // What a server says of an error goes through the redactor.
    let fake = Fake::start(|_, _| {
        (
            503,
            "Retry-After: 0\r\n",
            json!({"errors": [format!("local node not active: {TOKEN}")]}).to_string(),
        )
    })
    .await;
    expect(
        &fake.vault().read("secret/dr/repo", None).await.unwrap_err(),
        ErrorKind::Standby,
        "no active node",
    );
}

#[tokio::test]
async fn an_answer_of_the_wrong_shape_is_not_quoted() {
    for body in [
        format!("<html>{CANARY}</html>"),
        wrapped(&json!({"data": CANARY, "metadata": {}})),
        wrapped(&json!(CANARY)),
        wrapped(&json!({"data": {"password": CANARY}, "metadata": {"version": CANARY}})),
        json!({"lease_id": CANARY, "data": {"data": {"password": CANARY}}}).to_string(),
    ] {
        let fake = Fake::start(move |path, _| (200, "", if path == MOUNTS { mount() } else { body.clone() })).await;
        expect(
            &fake.vault().read("secret/dr/repo", None).await.unwrap_err(),
            ErrorKind::Answer,
            "not understood",
        );
    }
}

#[tokio::test]
async fn a_number_that_would_be_changed_by_reading_is_refused() {
    let exact = "123456789012345678901234";
    let body = repo().replace(&serde_json::to_string(CANARY).unwrap(), exact);
    let fake = Fake::start(move |path, _| (200, "", if path == MOUNTS { mount() } else { body.clone() })).await;
    let error = fake.vault().read("secret/dr/repo", None).await.unwrap_err();
    expect(&error, ErrorKind::NotText, "password of secret/dr/repo");
    assert_silent(&told(&error), "1234567890");
}

#[tokio::test]
async fn a_standby_that_sends_on_to_the_active_node_is_followed() {
    let active = Fake::start(|path, _| (200, "", if path == MOUNTS { mount() } else { repo() })).await;
    let location: &'static str = format!("Location: {}\r\n", active.url(REPO)).leak();
    let standby = Fake::start(move |path, _| {
        if path == MOUNTS {
            (200, "", mount())
        } else {
            (307, location, String::new())
        }
    })
    .await;
    standby.vault().read("secret/dr/repo", None).await.unwrap();
    assert_eq!(active.asked(), [format!("{REPO} with token")]);
}

#[tokio::test]
async fn a_path_in_the_address_is_kept() {
    let fake = Fake::start(|path, _| {
        (
            200,
            "",
            if path.ends_with("mounts/secret/dr/repo") {
                mount()
            } else {
                repo()
            },
        )
    })
    .await;
    for prefix in ["/bao", "/bao/"] {
        let vault = Vault::new(fake.settings(prefix, token(TOKEN)), &Redactor::default()).unwrap();
        vault.read("secret/dr/repo", Some("1")).await.unwrap();
    }
    let expected = [
        format!("/bao{MOUNTS} with token"),
        format!("/bao{REPO}?version=1 with token"),
    ];
    assert_eq!(fake.asked(), [expected.clone(), expected].concat());
}

#[tokio::test]
async fn the_redactor_learns_every_credential_at_once_the_token_that_is_given_out_too() {
    let role = role();
    let fake = Fake::start(move |_, _| (200, "", login())).await;
    let redactor = Redactor::default();
    let vault = Vault::new(fake.settings("", by(&role)), &redactor).unwrap();
    let credentials = format!("{} {}", role.role_id, role.secret_id);
    assert_eq!(redactor.redact(&credentials), format!("{MASK} {MASK}"));
    vault.check().await.unwrap();
    assert_eq!(redactor.redact(TOKEN), MASK);
}

#[tokio::test]
async fn a_broken_connection_is_tried_again_but_not_for_a_login_that_may_have_been_seen() {
    let fake = Fake::start(|_, _| (0, "", String::new())).await;
    let error = fake.vault().read("secret/dr/repo", None).await.unwrap_err();
    expect(&error, ErrorKind::Unreachable, "the connection broke");
    assert_eq!(fake.asked().len(), 5);

    let fake = Fake::start(|_, _| (0, "", String::new())).await;
    let role = role();
    let vault = Vault::new(fake.settings("", by(&role)), &Redactor::default()).unwrap();
    expect(
        &vault.read("secret/dr/repo", None).await.unwrap_err(),
        ErrorKind::Unreachable,
        "the connection broke",
    );
    assert_eq!(fake.asked(), ["/v1/auth/approle/login"]);
}

#[tokio::test]
async fn reads_that_start_at_once_ask_for_their_mount_once() {
    let fake = Fake::start(|path, _| (200, "", if path == MOUNTS { mount() } else { repo() })).await;
    let vault = fake.vault();
    for stored in join_all((0..10).map(|_| vault.read("secret/dr/repo", None))).await {
        stored.unwrap();
    }
    let asked = fake.asked();
    assert_eq!(
        (
            asked.len(),
            asked.iter().filter(|path| path.starts_with(MOUNTS)).count()
        ),
        (11, 1)
    );
}

#[tokio::test]
async fn a_refused_login_is_not_tried_by_every_read() {
    let refusal = json!({"errors": ["invalid role or secret ID"]}).to_string();
    let fake = Fake::start(move |_, _| (400, "", refusal.clone())).await;
    let vault = Vault::new(fake.settings("", by(&role())), &Redactor::default()).unwrap();
    for error in join_all((0..10).map(|_| vault.read("secret/dr/repo", None))).await {
        expect(&error.unwrap_err(), ErrorKind::Login, "invalid role or secret ID");
    }
    assert_eq!(fake.asked(), ["/v1/auth/approle/login"]);
}

#[tokio::test]
async fn after_a_renewal_that_failed_one_login_serves_all_that_wait_for_it() {
    let logins = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&logins);
    // The first login is good until the first read was answered. Then the server knows it no more, fails at all tries of the first renewal,
    // and gives another token.
    let fake = Fake::start(move |path, _| {
        let is_renewed = counted.load(Ordering::SeqCst) > 6;
        if path.ends_with("/login") {
            match counted.fetch_add(1, Ordering::SeqCst) {
                1..=5 => (502, "Retry-After: 0\r\n", String::new()),
                _ => (200, "", login()),
            }
        } else if path.contains("/mounts/") {
            (200, "", mount())
        } else if is_renewed || path.ends_with("first") {
            (200, "", repo())
        } else {
            (403, "", json!({"errors": ["permission denied"]}).to_string())
        }
    })
    .await;
    let vault = Vault::new(fake.settings("", by(&role())), &Redactor::default()).unwrap();
    vault.read("secret/dr/first", None).await.unwrap();
    let read = join_all((0..5).map(|_| vault.read("secret/dr/repo", None))).await;
    // Whoever renewed first is told why that failed. All others had the ended token too, and share the next one.
    assert_eq!(read.iter().filter(|stored| stored.is_ok()).count(), 4);
    assert_eq!(logins.load(Ordering::SeqCst), 7);
}
