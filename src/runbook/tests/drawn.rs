//! What a user sees.

use super::broken;
use crate::finding::{Severity, draw_all};
use crate::runbook::parse;

/// A runbook with a mistake on most of its lines.
const MANY: &str = r#"apiVersion: gitops-dr/v1
kind: Runbok
name: Shop_Prod
target: {context: shop-new, expect: emtpy, rto: 90, replaces: {server: "10.0.0.3"}}
sources:
  platform: {git: "https://git.example.com/shop/platform.git", revision: 1.10, credentials: repo-plaftorm}
stores:
  - vault: {address: "https://vault.example.com:8200", auth: {approle: {role_id: a, secret-id: {env: VAULT_SECRET_ID}}}}
  - aws: {}
agent: {argocd: {from: {source: plattform, path: ../argocd}}}
secrets:
  repo-platform: {as: argocd/repo, from: [{vault: dr/repo-platform}, {asw: prod/repo-platform}]}
roots:
  - {id: infra, source: platform}
  - {id: apps, source: platform, path: clusters/prod/root.yaml}
steps:
  - {id: data, after: apps, before: infra, check: {http: {url: "https://shop.example.com", status: "200"}}}
apps:
  reports: {allow: [Suspended]}
done: {critcal: [payments]}
"#;

#[test]
fn all_that_is_wrong_is_said_at_once_in_the_order_of_the_file() {
    let (runbook, findings) = parse("shop.yaml", MANY);
    assert!(runbook.is_none());
    let found: Vec<_> = findings
        .iter()
        .map(|finding| (finding.place.as_ref().unwrap(), finding.rule))
        .map(|(place, rule)| (place.line, place.column, rule))
        .collect();
    assert_eq!(
        found,
        [
            (2, 7, "runbook/unknown-word"),
            (3, 7, "runbook/name"),
            (4, 37, "runbook/unknown-word"),
            (4, 49, "runbook/duration"),
            (4, 72, "runbook/url"),
            (6, 74, "runbook/wrong-type"),
            (6, 93, "runbook/unknown-secret"),
            (8, 73, "runbook/unknown-key"),
            (9, 5, "runbook/missing-key"),
            (10, 33, "runbook/unknown-source"),
            (10, 50, "runbook/path"),
            (12, 23, "runbook/unknown-word"),
            (12, 71, "runbook/unknown-store"),
            (14, 6, "runbook/missing-key"),
            (17, 23, "runbook/circle"),
            (17, 100, "runbook/wrong-type"),
            (19, 3, "runbook/missing-key"),
            (20, 8, "runbook/unknown-key"),
        ]
    );
    insta::assert_snapshot!(draw_all(&findings, false, |_| Some(MANY.to_owned())));
}

#[test]
fn a_secret_in_the_file_is_neither_quoted_nor_framed() {
    let (mut count, mut all) = (0, String::new());
    for broken in broken::all().iter().filter(|broken| broken.text.contains("hunter2")) {
        let (_, findings) = parse("runbook.yaml", &broken.text);
        let drawn = draw_all(&findings, false, |_| Some(broken.text.clone()));
        let json = serde_json::to_string(&findings).unwrap();
        for shown in [&drawn, &json] {
            assert!(!shown.contains("hunter2"), "{}: {shown}", broken.name);
        }
        assert!(drawn.contains("--> runbook.yaml:"), "the place is still named: {drawn}");
        all += &drawn;
        count += 1;
    }
    assert!(count >= 7, "{count}");
    insta::assert_snapshot!(all);
}

#[test]
fn what_else_is_wrong_on_a_line_with_a_secret_is_said_without_the_line() {
    let text = MANY.replace("secret-id: {env: VAULT_SECRET_ID}", "secret-id: hunter2");
    let (_, findings) = parse("shop.yaml", &text);
    let drawn = draw_all(&findings, false, |_| Some(text.clone()));
    assert!(!drawn.contains("hunter2"), "{drawn}");
    assert!(
        drawn.contains("unknown key `role_id`\n--> shop.yaml:8:73\n = help: did you mean `role-id`?"),
        "{drawn}"
    );
    // The others keep their frames.
    assert!(drawn.contains("9 |   - aws: {}"), "{drawn}");
}

#[test]
fn a_token_in_a_comment_is_not_shown() {
    let text = super::good::SMALL.replace("rto: 30m", "rto: 30 # hvs.hunter2hunter2");
    let (_, findings) = parse("runbook.yaml", &text);
    let drawn = draw_all(&findings, false, |_| Some(text.clone()));
    assert!(
        drawn.contains("runbook/duration") && !drawn.contains("hunter2"),
        "{drawn}"
    );
}

#[test]
fn a_secret_in_what_is_no_yaml_is_not_shown() {
    for line in [
        "token: \"hunter2",
        "secret_id: [hunter2",
        "git: {https://me:hunter2@git.example.com/a.git",
        "x: \"ghp_hunter2hunter2",
    ] {
        let text = format!("name: a\n{line}");
        let (_, findings) = parse("runbook.yaml", &text);
        let drawn = draw_all(&findings, false, |_| Some(text.clone()));
        assert!(
            drawn.contains("runbook/syntax") && !drawn.contains("hunter2"),
            "{drawn}"
        );
    }
}

#[test]
fn a_warning_does_not_stop_a_recovery() {
    let text = super::good::SMALL.replace("revision: main", "revision: abc1234");
    let (runbook, findings) = parse("runbook.yaml", &text);
    assert!(runbook.is_some());
    assert!(matches!(findings.as_slice(), [only] if only.severity == Severity::Warning));
}
