use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

use super::*;
use crate::redact::Secret;

fn now() -> Timestamp {
    "2026-11-22T00:00:00Z".parse().unwrap()
}

/// The rules that a Secret of a type breaks, each with its weight.
fn rules(kind: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    let data = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
        .collect();
    let findings = check(kind, "mine", &data, now());
    for finding in &findings {
        assert!(finding.message.starts_with("secret `mine`: "), "{}", finding.message);
        assert!(finding.help.is_some(), "{}", finding.message);
    }
    let told = |finding: &Finding| format!("{:?} {}", finding.severity, finding.rule);
    findings.iter().map(told).collect()
}

/// A certificate that ends on a day, and its key.
fn pair(year: i32, month: u8, day: u8) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "shop");
    params.not_after = date_time_ymd(year, month, day);
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn openssh(cipher: &str) -> String {
    let length = u32::try_from(cipher.len()).unwrap().to_be_bytes();
    let key = [
        b"openssh-key-v1\0".as_slice(),
        &length,
        cipher.as_bytes(),
        b"and the rest",
    ]
    .concat();
    format!(
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n",
        STANDARD.encode(key)
    )
}

#[test]
fn what_the_api_server_would_refuse_is_an_error() {
    let big = "x".repeat((1 << 20) / 2 + 1);
    for (kind, pairs, expected) in [
        ("Opaque", vec![], vec![]),
        ("Opaque", vec![("a", &*big), ("b", &*big)], vec!["Error secret/too-big"]),
        ("Opaque", vec![("a", &big[1..]), ("b", &big[1..])], vec![]),
        ("Opaque", vec![("not/a key", "x")], vec!["Error secret/illegal-key"]),
        ("Opaque", vec![("", "x")], vec!["Error secret/illegal-key"]),
        ("Opaque", vec![("empty", "")], vec![]),
        (
            "kubernetes.io/tls",
            vec![("tls.crt", "")],
            vec!["Error secret/missing-key", "Error secret/missing-key"],
        ),
        ("kubernetes.io/basic-auth", vec![("password", "x")], vec![]),
        (
            "kubernetes.io/basic-auth",
            vec![("pass", "x")],
            vec!["Error secret/missing-key"],
        ),
        (
            "kubernetes.io/ssh-auth",
            vec![("identity", "x")],
            vec!["Error secret/missing-key"],
        ),
        (
            "kubernetes.io/dockerconfigjson",
            vec![(".dockerconfigjson", "e30=")],
            vec!["Error secret/malformed"],
        ),
        (
            "kubernetes.io/dockerconfigjson",
            vec![(".dockerconfigjson", "{}")],
            vec![],
        ),
    ] {
        assert_eq!(
            rules(kind, &pairs),
            expected,
            "{kind} {:?}",
            pairs.iter().map(|pair| pair.0).collect::<Vec<_>>()
        );
    }
}

#[test]
fn certificates_that_end_are_told_and_a_key_of_another_is_an_error() {
    let (good, key) = pair(2027, 11, 22);
    let (soon, soon_key) = pair(2026, 12, 1);
    let (ended, ended_key) = pair(2026, 11, 1);
    let tls = |certificate: &str, key: &str| rules("kubernetes.io/tls", &[("tls.crt", certificate), ("tls.key", key)]);
    assert_eq!(tls(&good, &key), [""; 0]);
    assert_eq!(tls(&soon, &soon_key), ["Warning secret/certificate-ends"]);
    assert_eq!(tls(&ended, &ended_key), ["Warning secret/certificate-ended"]);
    assert_eq!(tls(&good, &soon_key), ["Error secret/another-key"]);
    assert_eq!(
        rules("Opaque", &[("bundle", &format!("{good}{ended}"))]),
        ["Warning secret/certificate-ended"],
        "each of a bundle is looked at, under whatever key"
    );
}

#[test]
fn private_keys_that_nobody_can_use_are_told() {
    let (_, key) = pair(2027, 1, 1);
    let lines: Vec<&str> = key.lines().collect();
    let torn = [lines[0], lines[1], lines[lines.len() - 1]].join("\n");
    for (text, expected) in [
        (key.clone(), vec![]),
        (key.trim_end().to_owned(), vec![]),
        (key.replace('\n', "\r\n"), vec!["Warning secret/line-breaks"]),
        (torn, vec!["Warning secret/unreadable-key"]),
        (
            key.replace("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE")
                .replace("END PRIVATE", "END ENCRYPTED PRIVATE"),
            vec!["Error secret/passphrase"],
        ),
        (openssh("none"), vec![]),
        (openssh("aes256-ctr"), vec!["Error secret/passphrase"]),
        (
            openssh("none").replace("b3Bl", "c3Bl"),
            vec!["Warning secret/unreadable-key"],
        ),
        ("ssh-ed25519 AAAA me".to_owned(), vec![]),
    ] {
        assert_eq!(rules("Opaque", &[("key", &text)]), expected, "{text}");
    }
}
