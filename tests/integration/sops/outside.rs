//! A file says nothing about where credentials go: what the program finds and whom it asks comes from the runbook.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

use gitops_dr::redact::Secret;
use gitops_dr::secrets::{ErrorKind, Store as _};
use testbed::Programs;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::drawer::{CANARY, Drawer, Key, says, shown};

/// What a token is called that nobody but the operator's own Vault may see.
const TOKEN: &str = "hvs.the-token-of-the-operator";

/// Somebody who listens, and says no to whatever is asked. Returns the address, and what was asked.
async fn listener() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 16_384];
            let length = stream.read(&mut request).await.unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            heard.lock().unwrap().push(request);
            let _ = stream
                .write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
                .await;
        }
    });
    (address, asked)
}

/// Writes a file for somebody else's age key, which says that a Vault at this address opens it too.
fn names_vault(drawer: &Drawer, address: &str) {
    drawer
        .encrypt_for(
            "a.yaml",
            format!("password: {CANARY}\n"),
            &["--age", &Key::new().public],
        )
        .unwrap();
    let vault = format!(
        "sops:\n    hc_vault:\n        - vault_address: {address}\n          engine_path: transit\n          key_name: dr\n          created_at: \"2026-11-22T00:00:00Z\"\n          enc: vault:v1:AAAA\n"
    );
    let text = drawer.text("a.yaml").replace("sops:\n", &vault);
    assert!(text.contains(address));
    fs::write(drawer.path("a.yaml"), text).unwrap();
}

#[tokio::test]
async fn no_vault_that_a_file_names_is_asked_unless_the_runbook_allows_it() {
    let (drawer, (address, asked)) = (Drawer::new(), listener().await);
    names_vault(&drawer, &address);
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join(".vault-token"), TOKEN).unwrap();
    let program = Programs::find().unwrap().built("sops").unwrap().display().to_string();
    let store = |allowed: Option<&str>| {
        drawer.store(|settings| {
            settings.program.clone_from(&program);
            let mut given = |name: &str, value: &str| settings.environment.push((name.into(), Secret::from(value)));
            given("HOME", &home.path().display().to_string());
            if let Some(allowed) = allowed {
                given("SOPS_HC_VAULT_ALLOWLIST", allowed);
            }
        })
    };
    let error = store(None).read("a.yaml", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error} {:?}", error.causes());
    says(
        &drawer,
        &error,
        &[
            "is opened by no key that we have",
            "name SOPS_HC_VAULT_ALLOWLIST under `env`",
        ],
    );
    assert!(asked.lock().unwrap().is_empty(), "{asked:?}");
    // So that we know that it would have been heard.
    let error = store(Some(&address)).read("a.yaml", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(asked.lock().unwrap()[0].contains(TOKEN), "{asked:?}");
}

#[tokio::test]
async fn the_program_finds_an_empty_home_unless_the_runbook_names_one() {
    let drawer = Drawer::new();
    names_vault(&drawer, "http://127.0.0.1:1");
    let program = drawer.path("tells");
    let script = "#!/bin/sh\nprintf '{\"home\": \"%s\", \"files\": \"%s\", \"config\": \"%s\", \"keyring\": \"%s\", \"vaults\": \"%s\"}' \"$HOME\" \"$(ls -A \"$HOME\")\" \"$XDG_CONFIG_HOME\" \"$GNUPGHOME\" \"$SOPS_HC_VAULT_ALLOWLIST\"\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let told = async |home: Option<&str>| {
        let store = drawer.store(|settings| {
            settings.program = program.display().to_string();
            if let Some(home) = home {
                settings.environment.push(("HOME".into(), Secret::from(home)));
            }
        });
        shown(&store.read("a.yaml", None).await.unwrap().data)
    };
    let found = told(None).await;
    let home = found["home"].as_str();
    assert_ne!(Some(home), std::env::var("HOME").ok().as_deref());
    assert!(
        !home.is_empty() && !std::path::Path::new(home).exists(),
        "it is gone again: {home}"
    );
    assert_eq!(found["files"], "");
    assert!(
        found["config"].starts_with(home) && found["keyring"].starts_with(home),
        "{found:?}"
    );
    assert_eq!(found["vaults"], "none");
    let other = tempfile::tempdir().unwrap();
    let named = other.path().display().to_string();
    let found = told(Some(&named)).await;
    assert_eq!(
        (found["home"].as_str(), found["keyring"].as_str()),
        (named.as_str(), "")
    );
}
