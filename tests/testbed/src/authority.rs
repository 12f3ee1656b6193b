//! A certificate authority of our own, for servers with TLS.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

use crate::{Error, Result};

/// An authority that nobody trusts unless told to.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// Where the certificate and the key of a server lie, both PEM.
#[derive(Clone, Debug)]
pub struct ServerCertificate {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Authority {
    /// Makes an authority with a new key.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(failed("make the key of an authority"))?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(failed("make an authority"))?;
        Ok(Self { issuer })
    }

    /// Its own certificate as PEM: what a client must trust.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Issues a certificate for a server reached by `names` (host names or IP addresses), as files in `folder`.
    ///
    /// A leaf apart from the authority, because rustls refuses an authority's certificate as a server's.
    pub fn issue(&self, names: &[String], folder: &Path) -> Result<ServerCertificate> {
        let mut params = CertificateParams::new(names).map_err(failed("name a server certificate"))?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(failed("make the key of a server"))?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(failed("sign a server certificate"))?;
        let files = ServerCertificate {
            certificate: folder.join("server.crt"),
            key: folder.join("server.key"),
        };
        std::fs::write(&files.certificate, certificate.pem())
            .and_then(|()| std::fs::write(&files.key, key.serialize_pem()))
            .map_err(Error::io("write a server certificate"))?;
        Ok(files)
    }
}

fn failed(action: &'static str) -> impl FnOnce(rcgen::Error) -> Error {
    move |error| Error::Other(format!("{action}: {error}"))
}
