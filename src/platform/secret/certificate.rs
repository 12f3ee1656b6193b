//! Certificates in PEM.

use jiff::{Timestamp, ToSpan as _};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use super::report::Report;
use super::{Data, text};

/// How many hours before its end a certificate is told of: a month, in which whoever looks each day has time to act.
const SOON: i64 = 30 * 24;

/// Checks when the certificates in a text end.
pub(super) fn check(key: &str, text: &str, now: Timestamp, report: &mut Report<'_>) {
    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()).flatten() {
        let parsed = x509_parser::parse_x509_certificate(&certificate);
        let Ok((_, parsed)) = parsed else {
            report
                .warning(
                    "secret/unreadable-certificate",
                    format!("`{key}` holds a certificate that cannot be read"),
                )
                .help("compare it with the one in use: lines may be missing");
            continue;
        };
        let Ok(end) = Timestamp::from_second(parsed.validity().not_after.timestamp()) else {
            continue;
        };
        let soon = now.checked_add(SOON.hours()).unwrap_or(now);
        let subject = parsed.subject();
        if end <= now {
            report
                .warning(
                    "secret/certificate-ended",
                    format!("`{key}` holds the certificate of {subject}, which ended at {end}"),
                )
                .help("store the one that is in use");
        } else if end <= soon {
            report
                .warning(
                    "secret/certificate-ends",
                    format!("`{key}` holds the certificate of {subject}, which ends at {end}"),
                )
                .help("store its successor before that");
        }
    }
}

/// Checks that a certificate and its key belong together.
pub(in super::super) fn check_pair(data: &Data, report: &mut Report<'_>) {
    let (Some(certificate), Some(key)) = (text(data, "tls.crt"), text(data, "tls.key")) else {
        return;
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate.as_bytes())
        .flatten()
        .collect();
    let Ok(key) = PrivateKeyDer::from_pem_slice(key.as_bytes()) else {
        return;
    };
    let Ok(key) = any_supported_type(&key) else { return };
    if chain.is_empty() {
        return;
    }
    let matching = CertifiedKey::new(chain, key).keys_match();
    if matches!(matching, Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch))) {
        report
            .error(
                "secret/another-key",
                "`tls.key` is not the key of the certificate in `tls.crt`",
            )
            .help("store both of one pair");
    }
}
