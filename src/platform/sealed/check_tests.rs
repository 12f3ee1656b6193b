use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, date_time_ymd};

use super::*;
use crate::redact::Secret;

/// A certificate and its key, in PEM.
fn pair(algorithm: &'static rcgen::SignatureAlgorithm) -> (String, String) {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2026, 11, 1);
    let certificate = params.self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// What is said of a set, each with its rule.
fn said(pairs: &[(&str, &str)]) -> Vec<String> {
    let set = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
        .collect::<Data>();
    said_on("2026-11-22T00:00:00Z", &set)
}

fn said_on(day: &str, set: &Data) -> Vec<String> {
    let findings = check("sealing", set, day.parse().unwrap());
    for finding in &findings {
        assert!(finding.help.is_some(), "{}", finding.message);
    }
    let told = |finding: &Finding| format!("{:?} {}: {}", finding.severity, finding.rule, finding.message);
    findings.iter().map(told).collect()
}

/// What is said of one generation, without its name.
fn of_one(certificate: &str, key: &str) -> Vec<String> {
    let said = said(&[("k1.tls.crt", certificate), ("k1.tls.key", key)]);
    let cut = |text: String| text.replace("secret `sealing`, key `k1`: ", "");
    said.into_iter().map(cut).collect()
}

/// The PEM block without one of its lines.
fn torn(pem: &str) -> String {
    let lines: Vec<_> = pem.lines().collect();
    [&lines[..2], &lines[3..]].concat().join("\n")
}

#[test]
fn a_set_of_whole_pairs_is_well_and_all_that_is_wrong_with_another_is_said() {
    let (certificate, key) = pair(&PKCS_RSA_SHA256);
    let (other, other_key) = pair(&PKCS_RSA_SHA256);
    let good = [("k1.tls.crt", &*certificate), ("k1.tls.key", &*key)];
    let second = [("k2.tls.crt", &*other), ("k2.tls.key", &*other_key)];
    assert_eq!(said(&[good, second].concat()), [""; 0]);
    for (name, set, expected) in [
        (
            "nothing",
            vec![],
            vec!["Error sealed/no-keys: secret `sealing`: it holds no key of Sealed Secrets"],
        ),
        (
            "a pair without the name of its Secret",
            vec![("tls.crt", &*certificate), ("tls.key", &*key)],
            vec![
                "Error sealed/no-keys: secret `sealing`: it holds no key of Sealed Secrets",
                "Error sealed/no-name: secret `sealing`: `tls.crt` does not say of which Secret it is",
                "Error sealed/no-name: secret `sealing`: `tls.key` does not say of which Secret it is",
            ],
        ),
        (
            "halves",
            vec![good[0], second[1]],
            vec![
                "Error sealed/half-a-pair: secret `sealing`, key `k1`: `tls.key` is missing, and a pair is of no use without it",
                "Error sealed/half-a-pair: secret `sealing`, key `k2`: `tls.crt` is missing, and a pair is of no use without it",
            ],
        ),
        (
            "a name that is none",
            vec![("K 1.tls.crt", &*certificate), ("K 1.tls.key", &*key)],
            vec!["Error sealed/illegal-name: secret `sealing`, key `K 1`: no Secret can have this name"],
        ),
        (
            "something else beside it",
            vec![good[0], good[1], ("k1.ca.crt", &*certificate)],
            vec!["Warning sealed/unknown-key: secret `sealing`: `k1.ca.crt` is no half of a pair, and is left out"],
        ),
        (
            "the key of another generation",
            vec![good[0], ("k1.tls.key", &*other_key)],
            vec![
                "Error secret/another-key: secret `sealing`, key `k1`: `tls.key` is not the key of the certificate in `tls.crt`",
            ],
        ),
    ] {
        assert_eq!(said(&set), expected, "{name}");
    }
}

#[test]
fn a_set_that_lacks_the_newest_keys_most_likely_is_told() {
    let (certificate, key) = pair(&PKCS_RSA_SHA256);
    let set = [("k1.tls.crt", certificate), ("k1.tls.key", key)];
    let set = set
        .map(|(name, value)| (name.to_owned(), Secret::from(value.as_str())))
        .into();
    assert_eq!(said_on("2026-11-30T00:00:00Z", &set), [""; 0]);
    let stale = "Warning sealed/stale: secret `sealing`: its newest key is of 2026-11-01, and the controller makes one each month: \
        a newer one is probably missing";
    assert_eq!(said_on("2026-12-24T00:00:00Z", &set), [stale]);
}

#[test]
fn what_the_controller_could_not_read_is_an_error() {
    let (certificate, key) = pair(&PKCS_RSA_SHA256);
    let (elliptic, elliptic_key) = pair(&PKCS_ECDSA_P256_SHA256);
    let none = "Error sealed/unreadable-key: `tls.key` holds no PEM private key that can be read";
    let locked = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for (name, certificate, key, expected) in [
        ("well", &certificate, &key, vec![]),
        (
            "a key without a line",
            &certificate,
            &torn(&key),
            vec!["Error sealed/unreadable-key: `tls.key` holds a private key of which a part is missing"],
        ),
        (
            "a certificate without a line",
            &torn(&certificate),
            &key,
            vec!["Error sealed/unreadable-key: `tls.crt` holds a certificate that cannot be read"],
        ),
        (
            "both in each other's place",
            &key,
            &certificate,
            vec!["Error sealed/unreadable-key: `tls.crt` holds no PEM certificate", none],
        ),
        (
            "without its line breaks",
            &certificate,
            &key.replace('\n', " "),
            vec![none],
        ),
        ("behind a passphrase", &certificate, &locked, vec![none]),
        (
            "of another kind",
            &elliptic,
            &elliptic_key,
            vec!["Error sealed/unreadable-key: `tls.key` is no RSA key, and the controller takes no other"],
        ),
    ] {
        assert_eq!(of_one(certificate, key), expected, "{name}");
    }
}
