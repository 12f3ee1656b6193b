//! Servers that do not serve: sealed, stopped, not trusted.

use std::time::Duration;

use gitops_dr::clock::{Clock as _, SystemClock};
use gitops_dr::redact::Redactor;
use gitops_dr::secrets::vault::Vault;
use gitops_dr::secrets::{ErrorKind, Store as _};

use super::bench::{Bench, CANARY, by, token};

#[tokio::test]
async fn a_sealed_store_says_so_and_serves_again_when_unsealed() {
    let mut bench = Bench::start().await;
    bench
        .bao
        .root()
        .put("secret/dr/repo", [("password", CANARY)])
        .await
        .unwrap();
    let vault = bench.as_root();
    vault.read("secret/dr/repo", None).await.unwrap();
    bench.bao.seal().await.unwrap();
    let error = vault.check().await.unwrap_err();
    bench.expect(
        &error,
        ErrorKind::Sealed,
        &["store vault is sealed", "answered 503", "bao operator unseal"],
    );
    let error = vault.read("secret/dr/repo", None).await.unwrap_err();
    bench.expect(
        &error,
        ErrorKind::Sealed,
        &["store vault is sealed", "bao operator unseal"],
    );
    bench.bao.unseal().await.unwrap();
    vault.read("secret/dr/repo", None).await.unwrap();
}

#[tokio::test]
async fn a_store_that_comes_back_in_a_moment_is_waited_for_and_a_dead_one_is_not() {
    let mut bench = Bench::start().await;
    bench
        .bao
        .root()
        .put("secret/dr/repo", [("password", CANARY)])
        .await
        .unwrap();
    let vault = bench.as_root();
    bench.bao.stop().await.unwrap();
    let place = bench.bao.address().trim_start_matches("http://").to_owned();
    let words = [
        format!("store vault at {place} does not answer"),
        "connection refused".to_owned(),
    ];
    for error in [
        vault.check().await.unwrap_err(),
        vault.read("secret/dr/repo", None).await.unwrap_err(),
    ] {
        bench.expect(
            &error,
            ErrorKind::Unreachable,
            &[&words[0], &words[1], "check that the server runs"],
        );
    }
    // It comes back sealed while the check is already knocking.
    let (error, ()) = tokio::join!(vault.check(), async { bench.bao.start_again().await.unwrap() });
    bench.expect(&error.unwrap_err(), ErrorKind::Sealed, &["is sealed"]);
}

#[tokio::test]
async fn a_store_that_hangs_is_given_up_in_less_than_a_minute_and_named() {
    let bench = Bench::start().await;
    let vault = bench.as_root();
    vault.check().await.unwrap();
    bench.bao.freeze();
    let place = bench.bao.address().trim_start_matches("http://").to_owned();
    let clock = SystemClock::start();
    let error = vault.check().await.unwrap_err();
    let words = format!("store vault at {place} does not answer");
    bench.expect(&error, ErrorKind::Unreachable, &[&words, "no answer came in time"]);
    assert!(clock.elapsed() < Duration::from_mins(1), "{:?}", clock.elapsed());
}

#[tokio::test]
async fn a_host_that_dns_does_not_know_is_named() {
    let bench = Bench::start().await;
    let mut settings = bench.settings(token("s.canarycanarycanary"));
    settings.address = "https://vault.invalid:8200".parse().unwrap();
    let error = Vault::new(settings, &Redactor::default())
        .unwrap()
        .check()
        .await
        .unwrap_err();
    bench.expect(
        &error,
        ErrorKind::Unreachable,
        &["the host name vault.invalid is not known", "getent hosts vault.invalid"],
    );
}

#[tokio::test]
async fn a_certificate_is_trusted_only_by_its_ca() {
    let bench = Bench::start_with_tls().await;
    let role = bench
        .role(r#"path "secret/data/dr/*" { capabilities = ["read"] }"#)
        .await;
    bench
        .bao
        .root()
        .put("secret/dr/repo", [("password", CANARY)])
        .await
        .unwrap();
    let vault = bench.vault(by(&role));
    vault.check().await.unwrap();
    vault.read("secret/dr/repo", None).await.unwrap();

    let with_ca = |ca: Option<Vec<u8>>, address: Option<String>| {
        let mut settings = bench.settings(by(&role));
        settings.ca_pem = ca;
        if let Some(address) = address {
            settings.address = address.parse().unwrap();
        }
        Vault::new(settings, &Redactor::default())
    };
    let error = with_ca(None, None).unwrap().check().await.unwrap_err();
    bench.expect(
        &error,
        ErrorKind::Untrusted,
        &["cannot be trusted", "a CA that this machine does not know", "`ca:`"],
    );

    let plain = bench.bao.address().replace("https", "http");
    let error = with_ca(None, Some(plain)).unwrap().check().await.unwrap_err();
    bench.expect(&error, ErrorKind::Configuration, &["answered 400", "https://"]);

    let no_pem = b"-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n";
    for ca in [b"no certificate".as_slice(), no_pem] {
        let error = with_ca(Some(ca.to_vec()), None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
    }
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the variables of this process cannot be changed, those of a child can"
)]
async fn variables_that_steer_other_clients_do_not_steer_this_one() {
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "vault::server::a_certificate_is_trusted_only_by_its_ca"])
        .envs(["VAULT_SKIP_VERIFY", "BAO_SKIP_VERIFY"].map(|name| (name, "true")))
        .envs(["VAULT_ADDR", "BAO_ADDR"].map(|name| (name, "http://127.0.0.1:1")))
        .envs(["VAULT_TOKEN", "BAO_TOKEN", "VAULT_NAMESPACE", "BAO_NAMESPACE"].map(|name| (name, "elsewhere")))
        .envs(["VAULT_CACERT", "VAULT_CAPATH", "VAULT_CLIENT_CERT", "VAULT_CLIENT_KEY"].map(|name| (name, "/nowhere")))
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && told.contains("1 passed"), "{told}");
}

#[tokio::test]
async fn tls_spoken_to_a_plain_server_is_explained() {
    let bench = Bench::start().await;
    let mut settings = bench.settings(token("s.canarycanarycanary"));
    settings.address = bench.bao.address().replace("http", "https").parse().unwrap();
    let error = Vault::new(settings, &Redactor::default())
        .unwrap()
        .check()
        .await
        .unwrap_err();
    bench.expect(&error, ErrorKind::Untrusted, &["does not speak TLS", "http://"]);
}
