//! The way to the server behind the proxy.

use reqwest::{Certificate, Client, Identity};

use crate::control_plane::User;
use crate::{Error, Result};

/// A server, and as whom it is asked.
#[derive(Clone)]
pub(super) struct Upstream {
    pub(super) client: Client,
    /// Such as `https://127.0.0.1:20001`, without a path.
    pub(super) address: String,
}

impl Upstream {
    /// The API server of a user, who is the one that its audit log will name.
    pub(super) fn of(user: &User) -> Result<Self> {
        let (certificate, key) = user.identity_pem();
        let identity = Identity::from_pem(format!("{key}\n{certificate}").as_bytes()).map_err(failed)?;
        let authority = Certificate::from_pem(user.authority().as_bytes()).map_err(failed)?;
        let client = Client::builder()
            .http1_only()
            .no_proxy()
            .tls_certs_only([authority])
            .identity(identity)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(failed)?;
        Ok(Self {
            client,
            address: user.server().to_owned(),
        })
    }

    /// A server that speaks plain HTTP.
    pub(super) fn plain(address: &str) -> Result<Self> {
        let client = Client::builder()
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(failed)?;
        Ok(Self {
            client,
            address: address.to_owned(),
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
fn failed(error: reqwest::Error) -> Error {
    Error::Other(format!("make the client of the proxy: {error}"))
}
