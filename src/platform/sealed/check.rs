//! What is wrong with a set of keys, before it is restored.
//!
//! The controller takes its keys as they are: one that it cannot read ends it at its start, for all generations
//! (`initKeyRegistry` goes on with what is not there), and one that is missing leaves what was sealed for it sealed.

use jiff::Timestamp;
use rustls::SignatureAlgorithm;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::der_parser::parse_der;
use x509_parser::parse_x509_certificate;

use super::keys::{HALVES, generations, split};
use super::renewal::renewal_due;
use crate::finding::Finding;
use crate::object::is_subdomain;
use crate::platform::secret::{Data, Report, check_pair, has, text};

/// Checks a set of keys and returns everything that is wrong with it. `name` is how findings call it; none quotes a value.
///
/// That a certificate ended is nothing to tell: what was sealed for it is opened all the same.
pub fn check(name: &str, set: &Data, now: Timestamp) -> Vec<Finding> {
    let mut report = Report::new(name);
    let generations = generations(set);
    if generations.is_empty() {
        report
            .error("sealed/no-keys", "it holds no key of Sealed Secrets")
            .help(
                "each generation is stored as `NAME.tls.crt` and `NAME.tls.key`, where NAME is the name of its Secret",
            );
    }
    for key in set.keys().filter(|key| split(key).is_none()) {
        if HALVES.contains(&key.as_str()) {
            report
                .error("sealed/no-name", format!("`{key}` does not say of which Secret it is"))
                .help(format!(
                    "store it as `NAME.{key}`, where NAME is the name of the Secret, such as `sealed-secrets-key5x8kq`"
                ));
        } else {
            report
                .warning(
                    "sealed/unknown-key",
                    format!("`{key}` is no half of a pair, and is left out"),
                )
                .help("a set holds `NAME.tls.crt` and `NAME.tls.key` of each generation");
        }
    }
    for (generation, pair) in &generations {
        let mut report_of = Report::part(name, generation);
        check_generation(generation, pair, &mut report_of);
        report.take(report_of);
    }
    if let Some(newest) = renewal_due(set, now) {
        report
            .warning(
                "sealed/stale",
                format!("its newest key is of {newest}, and the controller makes one each month: a newer one is probably missing"),
            )
            .help("store the keys of the living controller again; what was sealed for one that nobody has stays sealed");
    }
    report.into_findings()
}

fn check_generation(name: &str, pair: &Data, report: &mut Report<'_>) {
    if !is_subdomain(name) {
        report
            .error("sealed/illegal-name", "no Secret can have this name")
            .help(
                "names are lower-case letters, digits, `-` and `.`: take it from the Secret of the living controller",
            );
    }
    let missing: Vec<_> = HALVES.into_iter().filter(|half| !has(pair, half)).collect();
    if let [half] = missing.as_slice() {
        report
            .error(
                "sealed/half-a-pair",
                format!("`{half}` is missing, and a pair is of no use without it"),
            )
            .help(format!(
                "store `{name}.{half}` too, from the Secret of the living controller"
            ));
        return;
    }
    if !missing.is_empty() {
        report
            .error("sealed/half-a-pair", "both halves are empty")
            .help("store them anew, from the Secret of the living controller");
        return;
    }
    let faults = [
        certificate_fault(text(pair, "tls.crt")),
        key_fault(text(pair, "tls.key")),
    ];
    let is_sound = faults.iter().all(Option::is_none);
    for (what, help) in faults.into_iter().flatten() {
        report.error("sealed/unreadable-key", what).help(help);
    }
    if is_sound {
        check_pair(pair, report);
    }
}

/// Says what keeps the controller from reading a certificate, and how to mend it.
fn certificate_fault(text: Option<&str>) -> Option<(&'static str, &'static str)> {
    let pem = "it starts with `-----BEGIN CERTIFICATE-----`, and its line breaks must be kept";
    let Some(Ok(first)) = text.and_then(|text| CertificateDer::pem_slice_iter(text.as_bytes()).next()) else {
        return Some(("`tls.crt` holds no PEM certificate", pem));
    };
    let is_read = parse_x509_certificate(&first).is_ok();
    (!is_read).then_some((
        "`tls.crt` holds a certificate that cannot be read",
        "compare it with the living controller's: lines may be missing",
    ))
}

/// Says what keeps the controller from reading a private key, and how to mend it.
///
/// It takes RSA alone (`readKey`). Of a kind of RSA key that our own library does not know, only that it is whole is asked.
fn key_fault(text: Option<&str>) -> Option<(&'static str, &'static str)> {
    let Some(Ok(key)) = text.map(|text| PrivateKeyDer::from_pem_slice(text.as_bytes())) else {
        return Some((
            "`tls.key` holds no PEM private key that can be read",
            "it starts with `-----BEGIN RSA PRIVATE KEY-----`, its line breaks must be kept, and no passphrase protects it",
        ));
    };
    if !parse_der(key.secret_der()).is_ok_and(|(rest, _)| rest.is_empty()) {
        return Some((
            "`tls.key` holds a private key of which a part is missing",
            "compare it with the living controller's: lines may be missing",
        ));
    }
    let is_other = matches!(key, PrivateKeyDer::Sec1(_))
        || any_supported_type(&key).is_ok_and(|key| key.algorithm() != SignatureAlgorithm::RSA);
    is_other.then_some((
        "`tls.key` is no RSA key, and the controller takes no other",
        "store the key of the Secret that the controller made or was given",
    ))
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
