//! Runbooks in which nothing is wrong.

use std::time::Duration;

use crate::runbook::{
    AgentKind, App, Auth, Check, ClusterState, Expect, ExtraAction, From, Given, Plain, Printed, Revision, Runbook,
    SecretShape, SopsKey, SopsPlace, StoreKind, Taken, parse,
};

pub(super) const SMALL: &str = include_str!("../../../runbooks/small.yaml");
/// Ways to log in that a complete runbook does not have: of one of them it would be warned.
pub(super) const WARNED: &str = "stores:
  - vault: {auth: {kubernetes: {mount: lab, role: dr, jwt: {env: A}}}}
  - vault: {auth: {kubernetes: {role: dr, jwt: {file: a}}}}
  - vault: {auth: {jwt: {jwt: {env: A}}}}
";
pub(super) const COMPLETE: &str = include_str!("../../../runbooks/complete.yaml");

/// The example of the design, with all it leaves open filled in.
pub(super) const DESIGN: &str = r#"apiVersion: gitops-dr/v1
kind: Runbook
name: shop-prod
target: {context: shop-new, expect: empty, replaces: {server: "https://10.0.0.3:6443"}, rto: 30m}
sources:
  platform: {git: "https://git.example.com/shop/platform.git", revision: main, credentials: repo-platform, mirrors: ["git@mirror:shop/platform.git"]}
stores:                                        # named by their kind, or by `name:` where there are two of one kind
  - vault: {address: "https://vault.example.com:8200", auth: {approle: {role-id: {env: VAULT_ROLE_ID}, secret-id: {env: VAULT_SECRET_ID}}}}
  - aws: {region: eu-west-1}
agent: {argocd: {from: {source: platform, path: bootstrap/argocd}}}
secrets:
  repo-platform: {as: argocd/repository, from: [{vault: dr/repo-platform}, {aws: prod/repo-platform}]}
  sops-age:      {as: {namespace: flux-system, type: Opaque}, from: [{vault: dr/sops-age}]}
  cluster-edge:  {as: argocd/cluster, from: [{vault: dr/cluster-edge}]}
clusters:
  edge: {state: survives, secret: cluster-edge}
roots:
  - {id: infra, source: platform, path: clusters/prod/infra.yaml}
  - {id: apps, source: platform, path: clusters/prod/root.yaml}
steps:
  - {id: data, after: infra, before: apps, check: {condition: {kind: Restore, namespace: velero, name: shop, is: Completed}}}
done: {critical: [payments, checkout], checks: [{http: {url: "https://shop.example.com/healthz", status: 200}}]}
"#;

fn read(text: &str) -> Runbook {
    let (runbook, findings) = parse("runbook.yaml", text);
    assert_eq!(findings, []);
    runbook.unwrap()
}

#[test]
fn the_example_of_the_design_is_read() {
    let runbook = read(DESIGN);
    assert_eq!(runbook.name, "shop-prod");
    assert_eq!(runbook.target.rto, Some(Duration::from_mins(30)));
    assert_eq!(
        runbook.roots.iter().map(|root| root.id.as_str()).collect::<Vec<_>>(),
        ["infra", "apps"]
    );
    let StoreKind::Vault(vault) = &runbook.stores[0].kind else {
        panic!()
    };
    assert!(
        matches!(&vault.auth, Auth::AppRole { mount, role_id: Plain::Env(name), .. }
        if mount == "approle" && name == "VAULT_ROLE_ID")
    );
    assert_eq!(runbook.secrets["repo-platform"].place, (12, 3));
    assert_eq!(runbook.clusters["edge"].state, ClusterState::Survives);
    let step = &runbook.steps[0];
    assert_eq!(
        (step.after.as_deref(), step.before.as_deref()),
        (Some("infra"), Some("apps"))
    );
    assert!(matches!(&step.action, ExtraAction::Check(Check::Condition { is, .. }) if is == "Completed"));
}

#[test]
fn the_least_runbook_has_the_defaults_of_the_table() {
    let runbook = read(SMALL);
    assert_eq!(runbook.target.expect, Expect::Empty);
    assert_eq!(runbook.agent.kind, AgentKind::Argocd);
    assert_eq!(
        (runbook.agent.namespace.as_str(), runbook.agent.release.as_str()),
        ("argocd", "argocd")
    );
    assert_eq!(runbook.agent.from.path, "bootstrap/argocd");
    assert_eq!(runbook.sources["platform"].revision, Revision::Follow("main".into()));
    let StoreKind::Vault(vault) = &runbook.stores[0].kind else {
        panic!()
    };
    assert!(matches!(&vault.auth, Auth::Token { token: Plain::Env(name), wrapped: false } if name == "VAULT_TOKEN"));
    assert_eq!(runbook.stores[0].name, "vault");
    assert!(runbook.done.critical.is_empty());
}

#[test]
fn every_key_of_the_format_reaches_the_runbook() {
    let runbook = read(COMPLETE);
    remote_stores_and_files_of_sops(&runbook);
    near_stores_and_their_logins(&runbook);
    assert_eq!(runbook.target.namespaces, ["local-path-storage"]);
    assert_eq!(runbook.target.never.len(), 2);
    assert_eq!(
        runbook.target.replaces.as_ref().unwrap().server.as_str(),
        "https://10.0.0.3:6443/"
    );
    assert!(matches!(&runbook.sources["charts"].revision, Revision::Pinned(hash) if hash.starts_with("8a3f")));
    assert_eq!(runbook.sources["platform"].mirrors.len(), 2);
    assert_eq!(runbook.agent.values, ["values.yaml", "values-prod.yaml"]);
    assert!(runbook.agent.digest.unwrap().starts_with("sha256:0f1e"));
    let repository = &runbook.secrets["repo-platform"];
    assert_eq!(repository.shape, SecretShape::Argocd("repository".into()));
    assert_eq!(
        repository.from[0],
        From {
            store: "vault".into(),
            path: "dr/repo-platform".into(),
            version: Some("3".into()),
            keys: [(
                "password".to_owned(),
                Taken::Key {
                    key: "token".into(),
                    field: None,
                    base64: false
                }
            )]
            .into(),
        }
    );
    assert_eq!(repository.from.len(), 3);
    assert_eq!(repository.set["enableLfs"], "true");
    assert_eq!(runbook.secrets["repos"].from.len(), 1);
    assert!(runbook.secrets["argocd"].optional);
    assert!(
        matches!(&runbook.secrets["sops-age"].shape, SecretShape::Kubernetes { kind, labels, .. }
        if kind == "Opaque" && labels["team"] == "platform")
    );
    assert_eq!(runbook.clusters["lab"].secret, None);
    assert!(matches!(&runbook.steps[3].action, ExtraAction::Run(program) if program.command.len() == 2));
    assert!(matches!(&runbook.steps[4].action, ExtraAction::Apply(place) if place.path == "bootstrap/extra"));
    assert_eq!(
        runbook.apps["reports"],
        App {
            allow: vec!["Suspended".into()],
            ignore: false,
            rerun_hooks: false,
            sync: false,
            reason: "runs once a night".into(),
        }
    );
    assert!(runbook.apps["team/lab"].ignore);
    assert!(runbook.apps["ledger"].rerun_hooks);
    assert!(runbook.apps["archive"].sync);
    assert!(matches!(&runbook.done.checks[0], Check::Http { status: 200, .. }));
    assert!(matches!(&runbook.done.checks[2], Check::Condition { namespace, .. } if namespace.is_empty()));
}

/// The stores of the complete runbook that are servers, and the files of SOPS.
fn remote_stores_and_files_of_sops(runbook: &Runbook) {
    let names: Vec<_> = runbook.stores.iter().map(|store| store.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "vault", "old", "aws", "sops", "stick", "env", "exec", "mgmt", "ci", "ann", "strict", "sidecar", "drawer",
            "shelf", "box"
        ]
    );
    assert_eq!(runbook.stores[3].kind.source(), Some("platform"));
    let drawer_store = &runbook.stores[12];
    let StoreKind::Sops(drawer) = &drawer_store.kind else {
        panic!()
    };
    assert!(matches!(&drawer.place, SopsPlace::Folder(folder) if folder == "/etc/dr/sops"));
    assert!(
        matches!(&drawer.age_key, Some(SopsKey::Store { store, path, key: Some(key) })
        if store == "vault" && path == "dr/age" && key == "prod")
    );
    assert_eq!(
        (
            drawer.path.as_str(),
            drawer.program.as_str(),
            drawer.gnupg_home.as_deref()
        ),
        ("prod", "/usr/local/bin/sops", Some("/etc/dr/gnupg"))
    );
    assert_eq!((drawer.env.len(), drawer_store.kind.needs()), (1, Some("vault")));
    assert!(runbook.reads_from_sources() && runbook.opens_a_source("repo-platform"));
    let StoreKind::Vault(vault) = &runbook.stores[0].kind else {
        panic!()
    };
    assert_eq!(
        (vault.namespace.as_deref(), vault.ca.as_deref()),
        (Some("platform"), Some("/etc/ssl/vault-ca.pem"))
    );
    assert!(
        matches!(&vault.auth, Auth::AppRole { mount, role_id: Plain::Literal(role), secret_id: Plain::Env(name), wrapped: false }
        if mount == "approle" && role == "6d2c6f6a-dr" && name == "VAULT_SECRET_ID")
    );
    let StoreKind::Aws(aws) = &runbook.stores[2].kind else {
        panic!()
    };
    let role = aws.role.as_ref().unwrap();
    let replicas: Vec<_> = aws.replicas.iter().map(|replica| replica.region.as_str()).collect();
    assert_eq!(
        (aws.region.as_str(), replicas),
        ("eu-west-1", vec!["eu-central-1", "eu-north-1"])
    );
    assert_eq!(
        (&aws.replicas[0].endpoint, aws.replicas[1].endpoint.is_some()),
        (&None, true)
    );
    assert!(
        aws.endpoint
            .as_ref()
            .unwrap()
            .as_str()
            .starts_with("https://vpce-0a1b2c")
    );
    assert_eq!(
        (aws.profile.as_deref(), role.arn.as_str()),
        (Some("recovery"), "arn:aws:iam::123456789012:role/recovery")
    );
    assert_eq!(
        (role.session_name.as_deref(), role.external_id.as_deref()),
        (Some("disaster-recovery"), Some("shop-prod"))
    );
    assert_eq!(
        role.endpoint.as_ref().unwrap().as_str(),
        "https://sts.eu-west-1.amazonaws.com/"
    );
}

/// The stores of the complete runbook that are near, and the ways to log in that only one store has.
fn near_stores_and_their_logins(runbook: &Runbook) {
    let kind = |name: &str| &runbook.stores.iter().find(|store| store.name == name).unwrap().kind;
    let auth = |name: &str| match kind(name) {
        StoreKind::Vault(vault) => &vault.auth,
        other => panic!("{other:?}"),
    };
    assert!(matches!(auth("old"), Auth::Token { wrapped: true, .. }));
    assert!(
        matches!(auth("ci"), Auth::Jwt { mount, role: Some(role), token: Given::File(path) }
        if mount == "gitlab" && role == "dr" && path == "/run/secrets/vault.jwt")
    );
    assert!(
        matches!(auth("ann"), Auth::UserPass { mount, username, password: Plain::Env(name) }
        if mount == "userpass" && username == "ann" && name == "VAULT_PASSWORD")
    );
    assert!(
        matches!(auth("strict"), Auth::Certificate { mount, name: Some(name), certificate, key }
        if mount == "cert" && name == "dr" && certificate.ends_with("crt.pem") && key.ends_with("key.pem"))
    );
    assert!(matches!(auth("sidecar"), Auth::Agent));
    assert!(matches!(kind("stick"), StoreKind::Files(files) if files.folder == "/media/stick/dr"));
    assert!(matches!(kind("env"), StoreKind::Env(env) if env.prefix == "DR_"));
    assert!(
        matches!(kind("exec"), StoreKind::Exec(exec) if exec.command == ["op", "read"] && exec.env == ["OP_TOKEN"]
        && exec.timeout == Some(Duration::from_mins(1)) && exec.output == Printed::Text)
    );
    assert!(
        matches!(kind("mgmt"), StoreKind::Kubernetes(cluster) if cluster.context == "mgmt"
        && cluster.kubeconfig.as_deref() == Some("/etc/dr/mgmt.kubeconfig") && cluster.namespace.as_deref() == Some("dr"))
    );
}

#[test]
fn a_login_by_an_account_of_a_cluster_is_warned_of_and_read() {
    let text = SMALL.replace("token: {env: VAULT_TOKEN}", "kubernetes: {role: dr}");
    let (runbook, findings) = parse("runbook.yaml", &text);
    let rules: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["runbook/login-of-the-lost-cluster"]);
    let StoreKind::Vault(vault) = &runbook.unwrap().stores[0].kind else {
        panic!()
    };
    assert!(
        matches!(&vault.auth, Auth::Kubernetes { mount, role, token: None } if mount == "kubernetes" && role == "dr")
    );
}

#[test]
fn flux_is_understood() {
    let text = SMALL
        .replace("argocd:", "flux:")
        .replace("as: argocd/repository", "as: {namespace: flux-system, type: Opaque}");
    let runbook = read(&text);
    assert_eq!(runbook.agent.kind, AgentKind::Flux);
    assert_eq!(runbook.agent.namespace, "flux-system");
}

#[test]
fn anchors_and_aliases_are_read_in_place() {
    let text = SMALL
        .replace(
            "{source: platform, path: bootstrap/argocd}",
            "&here {source: platform, path: ./bootstrap//argocd/}",
        )
        .replace(
            "  - {id: apps, source: platform, path: clusters/prod/root.yaml}",
            "  - {id: apps, source: platform, path: .}\nsteps:\n  - {id: crds, before: apps, apply: *here}",
        );
    let runbook = read(&text);
    assert_eq!(runbook.agent.from.path, "bootstrap/argocd");
    assert_eq!(runbook.roots[0].from.path, ".");
    assert!(matches!(&runbook.steps[0].action, ExtraAction::Apply(place) if *place == runbook.agent.from));
}

#[test]
fn an_at_in_the_path_of_an_address_is_no_login() {
    read(&SMALL.replace(
        "https://vault.example.com:8200",
        "https://vault.example.com:8200/behind/a@b",
    ));
}

#[test]
fn lines_may_end_as_on_windows_and_the_file_with_a_byte_order_mark() {
    read(&SMALL.replace('\n', "\r\n"));
    read(&format!("\u{feff}{SMALL}"));
    read(&format!("---\n{SMALL}...\n"));
}
