//! Certificates that are signed by an authority of the user's own.
//!
//! libgit2 can be told of one only for the whole process. So its own check runs first, with the system's authorities, and
//! this one decides where the user gave a certificate.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

/// Whether one of these certificates (PEM) vouches for the certificate that a host shows.
///
/// Only the server's own certificate is at hand, not its chain: those in between must be among the given ones.
/// A server's certificate that is itself given is trusted as it is.
pub(super) fn vouched(ca: &str, host: &str, shown: &[u8]) -> Result<(), String> {
    let given: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(ca.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| "the given authority is not a certificate in PEM".to_owned())?;
    if given.is_empty() {
        return Err("the given authority holds no certificate".to_owned());
    }
    if given.iter().any(|certificate| certificate.as_ref() == shown) {
        return Ok(());
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(given.iter().cloned());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| error.to_string())?;
    let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
    verifier
        .verify_server_cert(&CertificateDer::from(shown), &given, &name, &[], UnixTime::now())
        .map(|_| ())
        .map_err(|error| error.to_string())
}
