//! The other ways to log in: user and password, signed tokens, certificates, wrapped tokens, an agent.

use std::fs;
use std::path::Path;

use gitops_dr::redact::{Redactor, Secret};
use gitops_dr::secrets::vault::{Bearer, Login, Vault};
use gitops_dr::secrets::{ErrorKind, Store as _};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::json;
use testbed::{ControlPlane, Port, Programs};

use super::bench::{Bench, CANARY};

const RULES: &str = r#"path "secret/data/dr/*" { capabilities = ["read"] }"#;

async fn filled(bench: Bench) -> Bench {
    let root = bench.bao.root();
    root.put("secret/dr/repo", [("password", CANARY)]).await.unwrap();
    root.policy("restore", RULES).await.unwrap();
    bench
}

async fn reads(vault: &Vault) {
    vault.check().await.unwrap();
    let stored = vault.read("secret/dr/repo", None).await.unwrap();
    assert_eq!(stored.data["password"], Secret::from(CANARY));
}

fn named(bench: &Bench, variable: &str, auth: Login) -> Vault {
    let mut settings = bench.settings(auth);
    settings.variable = Some(variable.to_owned());
    Vault::new(settings, &Redactor::default()).unwrap()
}

#[tokio::test]
async fn a_user_logs_in_with_a_password_and_again_when_the_token_ends() {
    let bench = filled(Bench::start().await).await;
    bench.enable("userpass").await;
    let user = json!({"password": "canary-of-ann", "token_policies": ["restore"]});
    bench.bao.root().post("auth/userpass/users/ann", &user).await.unwrap();
    let by_password = |mount: &str, password: &str| Login::UserPass {
        mount: mount.into(),
        username: "ann".into(),
        password: Secret::from(password),
    };
    let vault = bench.vault(by_password("userpass", "canary-of-ann"));
    reads(&vault).await;
    bench.end_tokens_of("userpass").await;
    reads(&vault).await;

    let wrong = named(&bench, "ANNS_PASSWORD", by_password("userpass", "canary-of-bob"));
    let words = [
        "by user and password at auth/userpass",
        "the user is ann",
        "export a right ANNS_PASSWORD",
    ];
    bench.expect(&wrong.check().await.unwrap_err(), ErrorKind::Login, &words);
    let elsewhere = bench
        .vault(by_password("ldap", "canary-of-ann"))
        .check()
        .await
        .unwrap_err();
    bench.expect(&elsewhere, ErrorKind::Login, &["is enabled at auth/ldap", "`mount`"]);
}

#[tokio::test]
async fn a_certificate_logs_in_over_tls() {
    let bench = filled(Bench::start_with_tls().await).await;
    bench.enable("cert").await;
    let (certificate, key) = bench.bao.client();
    let identity = [fs::read(certificate).unwrap(), fs::read(key).unwrap()].concat();
    let by_certificate = |name: Option<&str>, identity: &[u8]| Login::Certificate {
        mount: "cert".into(),
        name: name.map(str::to_owned),
        identity: Secret::new(identity),
    };
    let unknown = bench.vault(by_certificate(None, &identity)).check().await.unwrap_err();
    let words = [
        "by certificate at auth/cert",
        "openssl x509",
        "bao read auth/cert/certs/NAME",
    ];
    bench.expect(&unknown, ErrorKind::Login, &words);

    let authority = fs::read_to_string(bench.bao.authority().unwrap()).unwrap();
    let role = json!({"certificate": authority, "token_policies": ["restore"], "allowed_common_names": ["recovery"]});
    bench.bao.root().post("auth/cert/certs/dr", &role).await.unwrap();
    for name in [None, Some("dr")] {
        reads(&bench.vault(by_certificate(name, &identity))).await;
    }
    let other = bench
        .vault(by_certificate(Some("other"), &identity))
        .check()
        .await
        .unwrap_err();
    bench.expect(&other, ErrorKind::Login, &["bao read auth/cert/certs/other"]);

    let settings = bench.settings(by_certificate(None, b"canary"));
    let unusable = Vault::new(settings, &Redactor::default()).unwrap_err();
    bench.expect(
        &unusable,
        ErrorKind::Configuration,
        &["its client certificate cannot be used", "`key`"],
    );
}

#[tokio::test]
async fn a_wrapped_token_is_opened_once_and_serves_the_whole_run() {
    let bench = filled(Bench::start().await).await;
    let root = bench.bao.root();
    let wrapped = root
        .wrapped("auth/token/create", &json!({"policies": ["restore"]}))
        .await
        .unwrap();
    let login = || Login::Wrapped(Secret::from(wrapped.as_str()));
    let vault = bench.vault(login());
    reads(&vault).await;
    reads(&vault).await;
    let second = named(&bench, "VAULT_TOKEN", login()).check().await.unwrap_err();
    let words = [
        "VAULT_TOKEN of store vault opens once, and it has been opened or has expired",
        "export a fresh VAULT_TOKEN: `bao token create -wrap-ttl=1h`",
        "have the token revoked",
    ];
    bench.expect(&second, ErrorKind::Login, &words);

    let body = json!({"client_token": root.token(), "note": "canary"});
    let foreign = root.wrapped("sys/wrapping/wrap", &body).await.unwrap();
    let foreign = bench.vault(Login::Wrapped(Secret::from(foreign.as_str())));
    let words = ["was not made by auth/token/create", "it was made by sys/wrapping/wrap"];
    bench.expect(&foreign.check().await.unwrap_err(), ErrorKind::Login, &words);

    // A token that is given cannot be had again by the store.
    let brief = root
        .wrapped("auth/token/create", &json!({"policies": ["restore"]}))
        .await
        .unwrap();
    let vault = named(&bench, "VAULT_TOKEN", Login::Wrapped(Secret::from(brief.as_str())));
    reads(&vault).await;
    let accessors = root.get("auth/token/accessors?list=true").await.unwrap();
    for accessor in accessors["data"]["keys"].as_array().unwrap() {
        // A wrapping token that was opened ends in its own time.
        let wanted = json!({ "accessor": accessor });
        let Ok(token) = root.post("auth/token/lookup-accessor", &wanted).await else {
            continue;
        };
        if token["data"]["policies"] == json!(["default", "restore"]) {
            root.post("auth/token/revoke-accessor", &json!({"accessor": accessor}))
                .await
                .unwrap();
        }
    }
    let ended = vault.read("secret/dr/repo", None).await.unwrap_err();
    let words = ["does not accept its token", "bao token create -wrap-ttl=1h"];
    bench.expect(&ended, ErrorKind::Login, &words);
}

/// A cluster that makes tokens of accounts, and reviews them for who asks.
struct Issuer {
    plane: ControlPlane,
    client: Client,
}

impl Issuer {
    async fn start() -> Self {
        let plane = ControlPlane::start(&Programs::find().unwrap()).await.unwrap();
        let client = plane.master("testbed:admin").unwrap().client().await.unwrap();
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
        for name in ["restorer", "reviewer", "other"] {
            let account = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
            accounts.create(&PostParams::default(), &account).await.unwrap();
        }
        let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
        let binding = json!({
            "metadata": {"name": "reviewer"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator"},
            "subjects": [{"kind": "ServiceAccount", "name": "reviewer", "namespace": "default"}],
        });
        let binding = serde_json::from_value(binding).unwrap();
        bindings.create(&PostParams::default(), &binding).await.unwrap();
        Self { plane, client }
    }

    async fn token(&self, account: &str, audiences: &[&str]) -> String {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), "default");
        let spec = TokenRequestSpec {
            audiences: audiences.iter().map(ToString::to_string).collect(),
            expiration_seconds: Some(3600),
            ..TokenRequestSpec::default()
        };
        let request = TokenRequest {
            spec,
            ..TokenRequest::default()
        };
        let made = accounts
            .create_token_request(account, &PostParams::default(), &request)
            .await;
        made.unwrap().status.unwrap().token
    }
}

#[tokio::test]
async fn a_token_that_a_cluster_has_signed_logs_in_by_its_key() {
    let bench = filled(Bench::start().await).await;
    let issuer = Issuer::start().await;
    bench.enable("jwt").await;
    let root = bench.bao.root();
    let key = fs::read_to_string(issuer.plane.folder().join("service-accounts.pub")).unwrap();
    root.post("auth/jwt/config", &json!({"jwt_validation_pubkeys": [key]}))
        .await
        .unwrap();
    let role = json!({
        "role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"], "token_policies": ["restore"],
        "bound_subject": "system:serviceaccount:default:restorer",
    });
    root.post("auth/jwt/role/dr", &role).await.unwrap();
    let by_token = |role: Option<&str>, token: Bearer| Login::Jwt {
        mount: "jwt".into(),
        role: role.map(str::to_owned),
        token,
    };
    let given = |token: &str| Bearer::Given(Secret::from(token));
    let right = issuer.token("restorer", &["vault"]).await;
    reads(&bench.vault(by_token(Some("dr"), given(&right)))).await;

    let another = issuer.token("restorer", &["elsewhere"]).await;
    let error = bench
        .vault(by_token(Some("dr"), given(&another)))
        .check()
        .await
        .unwrap_err();
    let words = [
        "by JWT at auth/jwt",
        "audience elsewhere, subject system:serviceaccount:default:restorer, ends at ",
        "bao read auth/jwt/role/dr",
    ];
    bench.expect(&error, ErrorKind::Login, &words);
    let error = bench
        .vault(by_token(Some("dr"), given("canary")))
        .check()
        .await
        .unwrap_err();
    bench.expect(&error, ErrorKind::Login, &["what was given is no JWT"]);

    // A file is read at each login: whoever made the token replaces it before it ends.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, format!("{another}\n")).unwrap();
    let vault = bench.vault(by_token(Some("dr"), Bearer::File(file.clone())));
    fs::write(&file, format!("{right}\n")).unwrap();
    reads(&vault).await;
    bench.end_tokens_of("jwt").await;
    fs::remove_file(&file).unwrap();
    let error = vault.read("secret/dr/repo", None).await.unwrap_err();
    bench.expect(
        &error,
        ErrorKind::Login,
        &["its token", "cannot be read", "`jwt: {file: …}`"],
    );
}

#[tokio::test]
async fn an_account_of_a_cluster_that_lives_logs_in_and_one_of_a_lost_cluster_is_told_why_not() {
    let bench = filled(Bench::start().await).await;
    let mut issuer = Issuer::start().await;
    bench.enable("kubernetes").await;
    let root = bench.bao.root();
    let config = json!({
        "kubernetes_host": issuer.plane.server(), "kubernetes_ca_cert": issuer.plane.authority(),
        "token_reviewer_jwt": issuer.token("reviewer", &[]).await,
    });
    root.post("auth/kubernetes/config", &config).await.unwrap();
    let role = json!({
        "bound_service_account_names": ["restorer"], "bound_service_account_namespaces": ["default"],
        "token_policies": ["restore"],
    });
    root.post("auth/kubernetes/role/dr", &role).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let by_account = || Login::Kubernetes {
        mount: "kubernetes".into(),
        role: "dr".into(),
        token: Bearer::File(file.clone()),
    };
    fs::write(&file, issuer.token("restorer", &[]).await).unwrap();
    reads(&bench.vault(by_account())).await;

    fs::write(&file, issuer.token("other", &[]).await).unwrap();
    let error = bench.vault(by_account()).check().await.unwrap_err();
    let words = [
        "by Kubernetes at auth/kubernetes",
        "system:serviceaccount:default:other",
        "bound_service_account_names",
    ];
    bench.expect(&error, ErrorKind::Login, &words);

    fs::write(&file, issuer.token("restorer", &[]).await).unwrap();
    issuer.plane.stop_api_server().await.unwrap();
    let error = bench.vault(by_account()).check().await.unwrap_err();
    let words = [
        "still asks the cluster that is lost",
        "bao write auth/kubernetes/config",
    ];
    bench.expect(&error, error.kind(), &words);
}

/// Starts the proxy of OpenBao, which logs in by itself.
#[expect(clippy::disallowed_methods, reason = "the proxy is a server of this test")]
async fn proxy(
    bench: &Bench,
    folder: &Path,
    role: &testbed::openbao::AppRole,
) -> (tokio::process::Child, Port, String) {
    let port = Port::free().unwrap();
    let address = format!("127.0.0.1:{port}");
    fs::write(folder.join("role"), &role.role_id).unwrap();
    fs::write(folder.join("secret"), &role.secret_id).unwrap();
    let config = json!({
        "vault": {"address": bench.bao.address()},
        "listener": [{"tcp": {"address": address, "tls_disable": true, "require_request_header": true}}],
        "api_proxy": {"use_auto_auth_token": "force"},
        "auto_auth": {"method": [{"type": "approle", "config": {
            "role_id_file_path": folder.join("role"), "secret_id_file_path": folder.join("secret"),
            "remove_secret_id_file_after_reading": false,
        }}]},
    });
    fs::write(folder.join("proxy.json"), config.to_string()).unwrap();
    let child = tokio::process::Command::new(Programs::find().unwrap().built("bao").unwrap())
        .args([
            "proxy".into(),
            format!("-config={}", folder.join("proxy.json").display()),
        ])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    while tokio::net::TcpStream::connect(&address).await.is_err() {
        tokio::task::yield_now().await;
    }
    (child, port, format!("http://{address}"))
}

#[tokio::test]
async fn behind_an_agent_no_token_is_needed_and_without_one_that_is_said() {
    let bench = filled(Bench::start().await).await;
    let role = bench.role(RULES).await;
    let folder = tempfile::tempdir().unwrap();
    let (proxy, _port, address) = proxy(&bench, folder.path(), &role).await;
    let mut settings = bench.settings(Login::Agent);
    settings.address = address.parse().unwrap();
    let vault = Vault::new(settings, &Redactor::default()).unwrap();
    // It listens before it has logged in.
    while vault.check().await.is_err() {
        tokio::task::yield_now().await;
    }
    reads(&vault).await;
    let denied = vault.read("secret/private/repo", None).await.unwrap_err();
    bench.expect(&denied, ErrorKind::Denied, &["policies default, restore"]);
    drop(proxy);

    let bare = bench.vault(Login::Agent);
    for error in [
        bare.check().await.unwrap_err(),
        bare.read("secret/dr/repo", None).await.unwrap_err(),
    ] {
        let words = [
            "lends us no token that is accepted",
            "use_auto_auth_token = true",
            "another `auth`",
        ];
        bench.expect(&error, ErrorKind::Login, &words);
    }
}
