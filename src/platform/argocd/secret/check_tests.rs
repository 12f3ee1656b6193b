use super::*;
use crate::finding::Severity;
use crate::redact::Secret;

const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----\n";
const CERT: &str = "-----BEGIN CERTIFICATE-----\nMIIBcert\n-----END CERTIFICATE-----\n";
/// Stands for a value that no finding may quote.
const CANARY: &str = "hunter2-canary";

fn data(pairs: &[(&str, &str)]) -> Data {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
        .collect()
}

/// Returns each finding as `rule severity: message (help)`.
fn found(shape: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    check(shape, "s", &data(pairs))
        .into_iter()
        .map(|finding| {
            let weight = if finding.severity == Severity::Error {
                "error"
            } else {
                "warning"
            };
            format!(
                "{weight} {}: {} ({})",
                finding.rule,
                finding.message,
                finding.help.unwrap_or_default()
            )
        })
        .collect()
}

/// Asserts that there is exactly one finding and that it contains every word.
#[track_caller]
fn one(shape: &str, pairs: &[(&str, &str)], words: &[&str]) {
    let found = found(shape, pairs);
    assert_eq!(found.len(), 1, "{shape} {found:#?}");
    for word in words {
        assert!(found[0].contains(word), "{word:?} is not in {:?}", found[0]);
    }
}

#[test]
fn sound_secrets_have_no_findings() {
    let config = format!(
        r#"{{"bearerToken": "t", "tlsClientConfig": {{"caData": "{}"}}}}"#,
        base64(CERT)
    );
    for (shape, pairs) in [
        (
            "repository",
            vec![("url", "https://h/a"), ("username", "x"), ("password", "y")],
        ),
        (
            "repository",
            vec![
                ("url", "git@h:a"),
                ("sshPrivateKey", KEY),
                ("insecureIgnoreHostKey", "true"),
            ],
        ),
        (
            "repository",
            vec![("url", "https://charts"), ("type", "helm"), ("name", "charts")],
        ),
        (
            "repository",
            vec![
                ("url", "registry.example.com/charts"),
                ("type", "helm"),
                ("name", "c"),
                ("enableOCI", "true"),
            ],
        ),
        (
            "repo-creds",
            vec![
                ("url", "https://h/"),
                ("githubAppID", "1"),
                ("githubAppInstallationID", "2"),
                ("githubAppPrivateKey", KEY),
            ],
        ),
        ("repo-creds", vec![("url", "https://h/"), ("type", "helm")]),
        (
            "repository-write",
            vec![("url", "https://h/a"), ("password", "y"), ("username", "x")],
        ),
        ("repo-write-creds", vec![("url", "https://h/a"), ("bearerToken", "y")]),
        ("scm-creds", vec![("whatever", "y")]),
        (
            "cluster",
            vec![
                ("name", "edge"),
                ("server", "https://10.0.0.7:6443"),
                ("config", &config),
            ],
        ),
        (
            "cluster",
            vec![
                ("name", "in-cluster"),
                ("server", "https://kubernetes.default.svc"),
                ("shard", "1"),
            ],
        ),
        (
            "argocd-secret",
            vec![
                ("server.secretkey", "abc"),
                ("dex.github.clientSecret", "x"),
                ("oidc.whatever", "y"),
                ("my-own", "z"),
            ],
        ),
    ] {
        assert_eq!(found(shape, &pairs), [""; 0], "{shape} {pairs:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_trap_of_a_repository_is_found() {
    let with = |more: &[(&'static str, &'static str)]| -> Vec<(&'static str, &'static str)> {
        [("url", "https://h/a")].iter().chain(more).copied().collect()
    };
    for (pairs, words) in [
        (
            with(&[("insecure", "")]),
            &["error secret/malformed", "`insecure` is empty"][..],
        ),
        (
            with(&[("enableLfs", "yes")]),
            &["`enableLfs` is not a boolean", "write `true` or `false`"],
        ),
        (
            with(&[("enableLfs", "true\n")]),
            &["`enableLfs` is not a boolean", "white space"],
        ),
        (
            with(&[
                ("githubAppID", "12x"),
                ("githubAppInstallationID", "3"),
                ("githubAppPrivateKey", KEY),
            ]),
            &["`githubAppID` is not a whole number"],
        ),
        (with(&[("depth", "")]), &["`depth` is empty"]),
        (
            with(&[("Password", "x")]),
            &["error secret/unknown-key", "did you mean `password`?"],
        ),
        (with(&[("passwrd", "x")]), &["did you mean `password`?"]),
        (with(&[("ssh-privatekey", "x")]), &["did you mean `sshPrivateKey`?"]),
        (
            with(&[("owner", "team-a")]),
            &["warning secret/unknown-key", "`owner` is not a key of `repository`"],
        ),
        (with(&[("server", "x")]), &["warning", "it belongs to `cluster`"]),
        (
            with(&[("azureServicePrincipalClientID", "x")]),
            &["error", "did you mean `azureServicePrincipalClientId`?"],
        ),
        (
            with(&[("type", "Helm"), ("name", "x")]),
            &["error secret/repository-type", "did you mean `helm`?"],
        ),
        (with(&[("type", "helm")]), &["error secret/helm-name"]),
        (
            with(&[("username", "x"), ("password", "a"), ("bearerToken", "b")]),
            &["error secret/two-ways-in", "takes only a bearer token"],
        ),
        (
            with(&[("password", "a"), ("gcpServiceAccountKey", "{}")]),
            &["two-ways-in", "only a password"],
        ),
        (
            with(&[("githubAppPrivateKey", KEY)]),
            &[
                "half-a-way-in",
                "a GitHub App also needs `githubAppID` and `githubAppInstallationID`",
            ],
        ),
        (
            with(&[("tlsClientCertData", CERT)]),
            &["half-a-pair", "also needs `tlsClientCertKey`"],
        ),
        (
            with(&[
                ("azureServicePrincipalClientId", "a"),
                ("azureServicePrincipalTenantId", "b"),
            ]),
            &["also needs `azureServicePrincipalClientSecret`"],
        ),
        (with(&[("sshPrivateKey", KEY)]), &["warning secret/key-without-ssh"]),
        (with(&[("username", "me")]), &["warning secret/no-password"]),
        (
            with(&[("password", "x\n")]),
            &["warning secret/white-space", "`password` ends in white space"],
        ),
        (
            with(&[("gcpServiceAccountKey", "e30=")]),
            &["`gcpServiceAccountKey` is not JSON"],
        ),
        (vec![("url", "git@h:a")], &["warning secret/ssh-without-key"]),
        (
            vec![("url", "git@h:a"), ("sshPrivateKey", "ssh-ed25519 AAAA")],
            &["error secret/malformed", "no PEM private key"],
        ),
        (vec![("url", "https://u:p@h/a")], &["error secret/url-password"]),
        (vec![("url", "https://h/a\n")], &["error secret/url", "white space"]),
        (vec![("password", "x")], &["error secret/no-url"]),
        (vec![("url", ""), ("password", "x")], &["error secret/no-url"]),
        (
            vec![
                ("url", "oci://r/charts"),
                ("type", "helm"),
                ("name", "x"),
                ("enableOCI", "true"),
            ],
            &["warning secret/helm-oci-url"],
        ),
    ] {
        one("repository", &pairs, words);
    }
}

#[test]
fn credentials_spell_the_azure_keys_otherwise_and_know_fewer_keys() {
    one(
        "repo-creds",
        &[("url", "https://h"), ("azureServicePrincipalTenantId", "x")],
        &["did you mean `azureServicePrincipalTenantID`?"],
    );
    one(
        "repo-creds",
        &[("url", "https://h"), ("insecure", "true")],
        &[
            "warning",
            "`insecure` is not a key of `repo-creds`",
            "belongs to `repository`",
        ],
    );
    one(
        "repo-creds",
        &[("url", "https://h"), ("project", "x")],
        &["warning", "`project`", "`cluster`"],
    );
}

#[test]
fn an_ssh_address_with_a_password_would_leave_the_key_aside() {
    let found = found(
        "repository",
        &[("url", "git@h:a"), ("sshPrivateKey", KEY), ("password", "x")],
    );
    assert!(
        found.iter().any(|line| line.contains("secret/password-for-ssh")),
        "{found:?}"
    );
    assert!(
        found.iter().any(|line| line.contains("secret/two-ways-in")),
        "{found:?}"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_trap_of_a_cluster_is_found() {
    let cert = base64(CERT);
    let twice = base64(&cert);
    for (config, words) in [
        (
            "{".to_owned(),
            &["error secret/cluster-config", "`config` is not a JSON object"][..],
        ),
        ("[]".to_owned(), &["`config` is not a JSON object"]),
        (
            r#"{"bearerToken": 7}"#.to_owned(),
            &["error", "`config.bearerToken` is of the wrong type", "it is text"],
        ),
        (
            r#"{"bearerToken": "x", "tlsClientConfig": {"insecure": "true"}}"#.to_owned(),
            &["`config.tlsClientConfig.insecure`", "without quotes"],
        ),
        (
            r#"{"bearerToken": "x", "tlsClientConfig": {"caData": "-----BEGIN CERTIFICATE-----"}}"#.to_owned(),
            &["is not base64", "plain PEM"],
        ),
        (
            format!(r#"{{"bearerToken": "x", "tlsClientConfig": {{"caData": "{twice}"}}}}"#),
            &["decoded, holds no PEM certificate", "encoded twice"],
        ),
        (
            r#"{"bearerToken": "x", "tlsClientConfig": {"caData": "aGVsbG8="}}"#.to_owned(),
            &["decoded, holds no PEM certificate"],
        ),
        (
            r#"{"bearerToken": "x", "tlsClientConf": {}}"#.to_owned(),
            &["warning secret/cluster-config-key", "did you mean `tlsClientConfig`?"],
        ),
        (
            r#"{"bearerToken": "x", "caData": "eA=="}"#.to_owned(),
            &["warning", "it belongs into `tlsClientConfig`"],
        ),
        (
            r#"{"bearerToken": "x", "username": "u", "password": "p"}"#.to_owned(),
            &["error secret/two-ways-in"],
        ),
        (
            r#"{"tlsClientConfig": {}}"#.to_owned(),
            &["warning", "holds no credentials"],
        ),
        (
            r#"{"awsAuthConfig": {"roleARN": "r"}}"#.to_owned(),
            &["`config.awsAuthConfig` needs `clusterName`"],
        ),
        (
            r#"{"execProviderConfig": {"command": "c"}}"#.to_owned(),
            &["needs `apiVersion`"],
        ),
        (
            r#"{"execProviderConfig": {"command": "c", "apiVersion": "v", "args": [1]}}"#.to_owned(),
            &["a list of text"],
        ),
        (
            format!(r#"{{"bearerToken": "x", "tlsClientConfig": {{"insecure": true, "caData": "{cert}"}}}}"#),
            &["both `insecure` and `caData`"],
        ),
        (
            format!(r#"{{"bearerToken": "x", "tlsClientConfig": {{"certData": "{cert}"}}}}"#),
            &["half-a-pair"],
        ),
    ] {
        one(
            "cluster",
            &[("name", "e"), ("server", "https://x"), ("config", &config)],
            words,
        );
    }
    let config = r#"{"bearerToken": "x"}"#;
    for (pairs, words) in [
        (
            vec![("name", "e"), ("config", config)],
            &["error secret/cluster-server", "`server` is missing"][..],
        ),
        (
            vec![("name", "e"), ("server", "10.0.0.7:6443"), ("config", config)],
            &["error secret/cluster-server", "with its scheme"],
        ),
        (
            vec![
                ("name", "e"),
                ("server", "https://kubernetes.default"),
                ("config", config),
            ],
            &["warning secret/cluster-server"],
        ),
        (
            vec![("server", "https://x"), ("config", config)],
            &["warning secret/cluster-name"],
        ),
        (
            vec![("name", "e"), ("server", "https://x")],
            &["warning secret/cluster-config", "`config` is missing"],
        ),
        (
            vec![
                ("name", "e"),
                ("server", "https://x"),
                ("config", config),
                ("shard", ""),
            ],
            &["error", "`shard`"],
        ),
        (
            vec![
                ("name", "e"),
                ("server", "https://x"),
                ("config", config),
                ("namespaces", "a"),
                ("clusterResources", "True"),
            ],
            &["error", "`clusterResources`"],
        ),
        (
            vec![
                ("name", "e"),
                ("server", "https://x"),
                ("config", config),
                ("clusterResources", "true"),
            ],
            &["warning", "no effect without `namespaces`"],
        ),
        (
            vec![
                ("name", "e"),
                ("server", "https://x"),
                ("config", config),
                ("Namespaces", "a"),
            ],
            &["did you mean `namespaces`?"],
        ),
    ] {
        one("cluster", &pairs, words);
    }
}

#[test]
fn each_trap_of_argocd_secret_is_found() {
    let with = |more: &[(&'static str, &'static str)]| -> Vec<(&'static str, &'static str)> {
        [("server.secretkey", "k")].iter().chain(more).copied().collect()
    };
    for (pairs, words) in [
        (
            vec![("webhook.gogs.secret", "x")],
            &["warning secret/server-secretkey", "a new one will be made"][..],
        ),
        (vec![("server.secretkey", "")], &["error secret/server-secretkey"]),
        (
            vec![("server.secretKey", "x"), ("server.secretkey", "k")],
            &["warning", "`server.secretkey`, which is also there, is"],
        ),
        (
            with(&[("admin.password", "admin")]),
            &["`admin.password` is not a bcrypt hash", "argocd account bcrypt"],
        ),
        (with(&[("admin.passwordMtime", "now")]), &["not a time of RFC 3339"]),
        (with(&[("tls.crt", CERT)]), &["half-a-pair"]),
        (
            with(&[("webhook.github.secrets", "x")]),
            &["did you mean `webhook.github.secret`?"],
        ),
        (with(&[("accounts.ci.tokens", "[{}]")]), &["not a JSON list of tokens"]),
        (with(&[("accounts.ci.password", "plain")]), &["not a bcrypt hash"]),
        (
            with(&[("accounts.ci.token", "[]")]),
            &["warning", "`accounts.NAME.password`"],
        ),
    ] {
        one("argocd-secret", &pairs, words);
    }
}

#[test]
fn what_no_delivery_of_a_git_host_can_match_is_found() {
    let with = |more: &[(&'static str, &'static str)]| -> Vec<(&'static str, &'static str)> {
        [("server.secretkey", "k")].iter().chain(more).copied().collect()
    };
    for (pairs, words) in [
        (
            with(&[("webhook.github.secret", "hunter2-canary\n")]),
            &[
                "warning secret/white-space",
                "`webhook.github.secret` begins or ends in white space",
                "no delivery passes",
            ][..],
        ),
        (with(&[("webhook.bitbucket.uuid", " u")]), &["secret/white-space"]),
        (
            with(&[("webhook.gogs.secret", "")]),
            &["warning secret/empty-webhook", "takes deliveries from anybody"],
        ),
        (
            with(&[("webhook.gitlab.secret", "")]),
            &["only deliveries that bear no token"],
        ),
        (
            with(&[("webhook.azuredevops.username", "u")]),
            &["warning secret/half-a-pair", "compared together"],
        ),
        (
            with(&[
                ("webhook.azuredevops.password", "p"),
                ("webhook.azuredevops.username", ""),
            ]),
            &["secret/half-a-pair"],
        ),
        (
            with(&[("webhook.github.secret", "$hunter2-canary")]),
            &[
                "warning secret/webhook-reference",
                "the name of another key, which is not stored",
            ],
        ),
    ] {
        one("argocd-secret", &pairs, words);
        assert!(!found("argocd-secret", &pairs)[0].contains(CANARY));
    }
    for pairs in [
        with(&[("webhook.github.secret", "$other"), ("other", "x\n")]),
        with(&[("webhook.github.secret", "$elsewhere:key")]),
        with(&[
            ("webhook.azuredevops.username", "u"),
            ("webhook.azuredevops.password", "p"),
        ]),
        with(&[("webhook.gitlab.secret", "in the middle")]),
    ] {
        assert_eq!(found("argocd-secret", &pairs), [""; 0], "{pairs:?}");
    }
}

#[test]
fn the_type_itself_is_checked() {
    one("repository-creds", &[("url", "x")], &["error secret/unknown-type"]);
    one("repo-write", &[("url", "x")], &["secret/unknown-type"]);
    one("Repository", &[("url", "x")], &["did you mean `repository`?"]);
    one("repository", &[], &["error secret/empty"]);
}

#[test]
fn all_that_is_wrong_is_found_at_once() {
    let found = found(
        "repository",
        &[
            ("type", "helm"),
            ("insecure", ""),
            ("enableLfs", "on"),
            ("passwrd", "x"),
        ],
    );
    assert_eq!(found.len(), 5, "{found:#?}");
}

#[test]
fn no_finding_quotes_a_value() {
    for shape in Shape::ALL {
        let everything: Data = shape
            .keys()
            .iter()
            .map(|key| (key.name.to_owned(), Secret::from(CANARY)))
            .chain([
                ("accounts.x.tokens".to_owned(), Secret::from(CANARY)),
                ("odd".to_owned(), Secret::from(CANARY)),
            ])
            .collect();
        let config = format!(r#"{{"bearerToken": ["{CANARY}"], "tlsClientConfig": {{"caData": "{CANARY}"}}}}"#);
        let config = Data::from([
            ("server".to_owned(), Secret::from(CANARY)),
            ("config".to_owned(), Secret::from(config.as_str())),
        ]);
        for data in [everything, config] {
            let findings = check(shape.word(), "s", &data);
            assert!(shape == Shape::ScmCreds || !findings.is_empty(), "{shape:?}");
            for finding in findings {
                assert!(!format!("{finding:?}").contains(CANARY), "{finding:?}");
            }
        }
    }
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
