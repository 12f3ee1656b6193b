//! The certificate with which we speak TLS.
//!
//! Source: <https://openbao.org/docs/auth/cert/>.

use super::super::client::Vault;
use super::super::transport::Call;
use super::refused::Method;
use crate::redact::Secret;
use crate::secrets::Error;

impl Vault {
    pub(super) async fn by_certificate(&self, mount: &str, name: Option<&str>) -> Result<Secret, Error> {
        let body: Vec<_> = name.map(|name| ("name", name)).into_iter().collect();
        let call = Call::login(format!("auth/{mount}/login"), &body);
        let role = name.unwrap_or("NAME");
        let method = Method {
            name: "certificate",
            mount,
            known: Vec::new(),
            hints: vec![
                format!("the certificate has expired, or its CA or name is not that of the role: compare `openssl x509 -in CERTIFICATE -noout -subject -issuer -dates` with `bao read auth/{mount}/certs/{role}`"),
                "a proxy or load balancer ends TLS in front of the server, which then sees no certificate: name an address that leads to the server itself".to_owned(),
            ],
        };
        self.log_in_by(&method, &call).await
    }
}
