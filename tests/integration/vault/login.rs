//! Logging in, and logging in again.

use futures::future::join_all;
use gitops_dr::redact::{Redactor, Secret};
use gitops_dr::secrets::vault::{Login, Vault};
use gitops_dr::secrets::{ErrorKind, Store as _};
use serde_json::json;
use testbed::openbao::AppRole;

use super::bench::{Bench, CANARY, DAY, by, token};

const RULES: &str = r#"path "secret/data/dr/*" { capabilities = ["read"] }"#;

async fn bench() -> (Bench, AppRole) {
    let bench = Bench::start().await;
    bench
        .bao
        .root()
        .put("secret/dr/repo", [("password", CANARY)])
        .await
        .unwrap();
    let role = bench.role(RULES).await;
    (bench, role)
}

#[tokio::test]
async fn a_good_credential_passes_the_check() {
    let (bench, role) = bench().await;
    bench.as_root().check().await.unwrap();
    bench.vault(by(&role)).check().await.unwrap();
    // A token without the `default` policy may not even look itself up, and is good all the same.
    let bare = json!({"policies": ["restore"], "no_default_policy": true});
    let answer = bench.bao.root().post("auth/token/create", &bare).await.unwrap();
    let bare = bench.vault(token(answer["auth"]["client_token"].as_str().unwrap()));
    bare.check().await.unwrap();
    bare.read("secret/dr/repo", None).await.unwrap();
    let error = bare.read("secret/private/repo", None).await.unwrap_err();
    bench.expect(&error, ErrorKind::Denied, &["may not look itself up"]);
}

#[tokio::test]
async fn a_wrong_credential_is_told_by_the_check() {
    let (bench, role) = bench().await;
    let error = bench.vault(token("s.canarycanarycanary")).check().await.unwrap_err();
    bench.expect(
        &error,
        ErrorKind::Login,
        &["does not accept its token", "bao token create"],
    );

    let changed = |change: fn(&mut AppRole)| {
        let mut role = role.clone();
        change(&mut role);
        bench.vault(by(&role))
    };
    let wrong = [
        changed(|role| role.secret_id = "b3a1c0de-canary".to_owned()),
        changed(|role| role.role_id = "b3a1c0de-canary".to_owned()),
    ];
    for vault in wrong {
        let error = vault.check().await.unwrap_err();
        let words = [
            "by AppRole at auth/approle",
            "answered 400",
            "role/NAME/secret-id",
            "used up",
            "bound_cidrs",
        ];
        bench.expect(&error, ErrorKind::Login, &words);
    }

    let Login::AppRole { role_id, secret_id, .. } = by(&role) else {
        unreachable!()
    };
    let elsewhere = Login::AppRole {
        mount: "elsewhere".to_owned(),
        role_id,
        secret_id,
        wrapped: false,
    };
    let error = bench.vault(elsewhere).check().await.unwrap_err();
    bench.expect(&error, ErrorKind::Login, &["enabled at auth/elsewhere", "`mount`"]);
}

#[tokio::test]
async fn a_secret_id_bound_to_other_addresses_is_explained() {
    let (bench, role) = bench().await;
    let bound = json!({"secret_id_bound_cidrs": ["192.0.2.0/24"], "token_policies": ["restore"]});
    bench
        .bao
        .root()
        .post("auth/approle/role/recovery", &bound)
        .await
        .unwrap();
    let answer = bench
        .bao
        .root()
        .post("auth/approle/role/recovery/secret-id", &json!({}))
        .await
        .unwrap();
    let bound = AppRole {
        secret_id: answer["data"]["secret_id"].as_str().unwrap().to_owned(),
        ..role
    };
    let error = bench.vault(by(&bound)).check().await.unwrap_err();
    bench.expect(
        &error,
        ErrorKind::Login,
        &["bound to other addresses", "secret_id_bound_cidrs"],
    );
}

#[tokio::test]
async fn a_token_that_ends_mid_run_is_replaced_once_for_all_reads() {
    let (bench, role) = bench().await;
    let vault = bench.vault(by(&role));
    vault.read("secret/dr/repo", None).await.unwrap();
    bench.end_tokens().await;
    let before = bench.tokens().await;
    for stored in join_all((0..20).map(|_| vault.read("secret/dr/repo", None))).await {
        assert_eq!(stored.unwrap().data["password"], Secret::from(CANARY));
    }
    assert_eq!(bench.tokens().await, before + 1);
}

#[tokio::test]
async fn a_role_that_may_not_come_back_is_told_as_such() {
    let (bench, role) = bench().await;
    let once = json!({"secret_id_num_uses": 1, "token_policies": ["restore"]});
    bench
        .bao
        .root()
        .post("auth/approle/role/recovery", &once)
        .await
        .unwrap();
    let answer = bench
        .bao
        .root()
        .post("auth/approle/role/recovery/secret-id", &json!({}))
        .await
        .unwrap();
    let once = AppRole {
        secret_id: answer["data"]["secret_id"].as_str().unwrap().to_owned(),
        ..role
    };
    let vault = bench.vault(by(&once));
    for stored in join_all((0..10).map(|_| vault.read("secret/dr/repo", None))).await {
        stored.unwrap();
    }
    bench.end_tokens().await;
    let error = vault.read("secret/dr/repo", None).await.unwrap_err();
    bench.expect(
        &error,
        ErrorKind::Login,
        &["used up", "bao write -f auth/approle/role/NAME/secret-id"],
    );
}

#[tokio::test]
async fn a_given_token_that_ends_cannot_be_replaced() {
    let (bench, _) = bench().await;
    let given = bench.bao.root().create_token(&["restore"], DAY).await.unwrap();
    let vault = bench.vault(token(&given));
    vault.read("secret/dr/repo", None).await.unwrap();
    bench.bao.root().revoke(&given).await.unwrap();
    for error in [
        vault.read("secret/dr/repo", None).await.unwrap_err(),
        vault.check().await.unwrap_err(),
    ] {
        bench.expect(
            &error,
            ErrorKind::Login,
            &["does not accept its token", "was revoked", "approle"],
        );
    }
}

/// Wraps a new secret id of the role, so that it opens once.
async fn wrapped(bench: &Bench, role: &AppRole) -> Login {
    let root = bench.bao.root();
    let token = root
        .wrapped("auth/approle/role/recovery/secret-id", &json!({}))
        .await
        .unwrap();
    Login::AppRole {
        mount: "approle".to_owned(),
        role_id: Secret::from(role.role_id.as_str()),
        secret_id: Secret::from(token.as_str()),
        wrapped: true,
    }
}

#[tokio::test]
async fn a_wrapped_secret_id_is_opened_once_and_serves_the_whole_run() {
    let (bench, role) = bench().await;
    let login = wrapped(&bench, &role).await;
    let vault = bench.vault(login.clone());
    for stored in join_all((0..10).map(|_| vault.read("secret/dr/repo", None))).await {
        stored.unwrap();
    }
    // What was in it is kept, so that a session that ends is no end.
    bench.end_tokens().await;
    vault.read("secret/dr/repo", None).await.unwrap();

    let mut settings = bench.settings(login);
    settings.variable = Some("VAULT_SECRET_ID".to_owned());
    let second = Vault::new(settings, &Redactor::default()).unwrap();
    for error in [
        second.check().await.unwrap_err(),
        second.read("secret/dr/repo", None).await.unwrap_err(),
    ] {
        let words = [
            "VAULT_SECRET_ID of store vault opens once, and it has been opened or has expired",
            "export a fresh VAULT_SECRET_ID: `bao write -f -wrap-ttl=1h auth/approle/role/NAME/secret-id`",
            "somebody else has",
        ];
        bench.expect(&error, ErrorKind::Login, &words);
    }
}

#[tokio::test]
async fn a_wrapping_that_does_not_come_from_the_role_is_not_opened() {
    let (bench, role) = bench().await;
    let root = bench.bao.root();
    let body = json!({"secret_id": role.secret_id, "note": "canary"});
    let token = root.wrapped("sys/wrapping/wrap", &body).await.unwrap();
    let Login::AppRole { role_id, .. } = by(&role) else {
        unreachable!()
    };
    let put_in_its_place = Login::AppRole {
        mount: "approle".to_owned(),
        role_id,
        secret_id: Secret::from(token.as_str()),
        wrapped: true,
    };
    let error = bench.vault(put_in_its_place).check().await.unwrap_err();
    let words = [
        "was not made by auth/approle/role/NAME/secret-id",
        "sys/wrapping/wrap",
        "somebody else",
    ];
    bench.expect(&error, ErrorKind::Login, &words);
    // It is still there for those who look into it.
    root.post("sys/wrapping/lookup", &json!({"token": token}))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_secret_id_that_is_good_for_one_login_names_its_variable_when_it_is_used_up() {
    let (bench, role) = bench().await;
    let once = json!({"secret_id_num_uses": 1, "token_policies": ["restore"]});
    let root = bench.bao.root();
    root.post("auth/approle/role/recovery", &once).await.unwrap();
    let answer = root
        .post("auth/approle/role/recovery/secret-id", &json!({}))
        .await
        .unwrap();
    let once = AppRole {
        secret_id: answer["data"]["secret_id"].as_str().unwrap().to_owned(),
        ..role
    };
    let another_run = || {
        let mut settings = bench.settings(by(&once));
        settings.variable = Some("VAULT_SECRET_ID".to_owned());
        Vault::new(settings, &Redactor::default()).unwrap()
    };
    another_run().read("secret/dr/repo", None).await.unwrap();
    let error = another_run().check().await.unwrap_err();
    let words = ["used up", "each run logs in anew", "export a fresh VAULT_SECRET_ID"];
    bench.expect(&error, ErrorKind::Login, &words);
}
