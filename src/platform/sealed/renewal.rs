//! When the controller makes its next key.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::parse_x509_certificate;

use super::keys::generations;
use crate::platform::secret::{Data, text};

/// How old its newest key gets before the controller makes another, unless it is told otherwise (`defaultKeyRenewPeriod`).
const PERIOD: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Returns the day of the newest key of a set, if the controller makes another at its start because of its age. What counts is when
/// the certificate begins (`initKeyRegistry`).
pub fn renewal_due(set: &Data, now: Timestamp) -> Option<Date> {
    let newest = generations(set).values().filter_map(begin).max()?;
    (now.duration_since(newest) > PERIOD).then(|| newest.to_zoned(TimeZone::UTC).date())
}

/// Returns when the certificate of a generation begins.
fn begin(generation: &Data) -> Option<Timestamp> {
    let pem = text(generation, "tls.crt")?;
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (_, certificate) = parse_x509_certificate(&certificate).ok()?;
    Timestamp::from_second(certificate.validity().not_before.timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;
    use crate::redact::Secret;

    fn set(begins: &[(i32, u8, u8)]) -> Data {
        let key = KeyPair::generate().unwrap();
        let certificate = |(year, month, day): (i32, u8, u8)| {
            let mut params = CertificateParams::default();
            params.not_before = date_time_ymd(year, month, day);
            Secret::from(params.self_signed(&key).unwrap().pem().as_str())
        };
        let begins = begins.iter().enumerate();
        begins
            .map(|(index, begin)| (format!("k{index}.tls.crt"), certificate(*begin)))
            .collect()
    }

    #[test]
    fn a_key_is_due_thirty_days_after_the_newest_one_began() {
        let now = "2026-11-22T00:00:00Z".parse().unwrap();
        for (begins, due) in [
            (vec![(2026, 10, 24)], None),
            (vec![(2026, 10, 23)], None),
            (vec![(2026, 10, 22)], Some("2026-10-22")),
            (vec![(2026, 1, 1), (2026, 11, 1)], None),
            (vec![(2026, 9, 1), (2026, 10, 1), (2026, 8, 1)], Some("2026-10-01")),
            (vec![], None),
        ] {
            let found = renewal_due(&set(&begins), now).map(|day| day.to_string());
            assert_eq!(found.as_deref(), due, "{begins:?}");
        }
        let garbled = Data::from([("k.tls.crt".to_owned(), Secret::from("nonsense"))]);
        assert_eq!(renewal_due(&garbled, now), None);
    }
}
