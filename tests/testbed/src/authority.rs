//! A certificate authority for one server of the testbed and its users.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

use crate::{Error, Result};

/// Signs certificates that only those trust who were given [`Authority::certificate`].
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

/// A certificate and its private key, both as PEM text.
#[derive(Clone)]
pub(crate) struct Identity {
    /// The certificate.
    pub(crate) certificate: String,
    /// The private key (PKCS #8).
    pub(crate) key: String,
}

impl Authority {
    /// Makes a new authority with the common name `name`.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(failed)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
        })
    }

    /// The certificate to trust, as PEM text.
    pub(crate) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A server's identity for host names and IP addresses. It is a leaf apart from the authority, because rustls refuses a
    /// certificate that is its own authority.
    pub(crate) fn server(&self, names: &[&str]) -> Result<Identity> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).map_err(failed)?;
        params.distinguished_name.push(DnType::CommonName, "server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    /// A client's identity, as the API server reads it: the common name is the user, the organisations are the groups.
    pub(crate) fn client(&self, user: &str, groups: &[&str]) -> Result<Identity> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, user);
        for group in groups {
            params.distinguished_name.push(DnType::OrganizationName, *group);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    /// Writes an identity as [`Authority::server`] makes it to `server.crt` and `server.key` in `folder`, and what to trust to
    /// `ca.crt`, whose path it returns.
    pub(crate) fn write_server(&self, names: &[&str], folder: &Path) -> Result<PathBuf> {
        let server = self.server(names)?;
        let trusted = folder.join("ca.crt");
        std::fs::write(&trusted, self.certificate())
            .and_then(|()| std::fs::write(folder.join("server.crt"), server.certificate))
            .and_then(|()| std::fs::write(folder.join("server.key"), server.key))
            .map_err(Error::io("write a server certificate"))?;
        Ok(trusted)
    }

    fn sign(&self, mut params: CertificateParams) -> Result<Identity> {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
fn failed(error: rcgen::Error) -> Error {
    Error::Other(format!("make a certificate: {error}"))
}
