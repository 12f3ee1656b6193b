//! Why no answer came, in words.

use std::io;

use rustls::CertificateError as Certificate;
use url::Url;

use crate::secrets::chain::{find, says};
use crate::secrets::{Error, ErrorKind};

/// A request that got no answer.
#[derive(Debug)]
pub(super) struct Unreached {
    pub(super) error: Error,
    /// Whether the same may go better in a moment.
    pub(super) passing: bool,
    /// Whether the server may have seen the request.
    pub(super) maybe_seen: bool,
}

/// Puts a failed request into words. `store` is the store's name for people.
pub(super) fn explain(error: &reqwest::Error, store: &str, address: &Url) -> Unreached {
    let place = place(address);
    if let Some(tls) = find::<rustls::Error>(error) {
        return Unreached {
            error: untrusted(tls, store, &place),
            passing: false,
            maybe_seen: false,
        };
    }
    let host = address.host_str().unwrap_or_default();
    let unreachable = |cause: String| {
        Error::new(ErrorKind::Unreachable, format!("{store} at {place} does not answer")).because(cause)
    };
    let io_kind = find::<io::Error>(error).map(io::Error::kind);
    let error_in_words = if says(error, "dns error") {
        unreachable(format!("the host name {host} is not known")).hint(format!(
            "check the name in `address`, and that this machine's DNS knows it (`getent hosts {host}`); if the DNS server died with the cluster, write the IP address"
        ))
    } else if error.is_timeout() || io_kind == Some(io::ErrorKind::TimedOut) {
        unreachable("no answer came in time".into()).hint(format!(
            "check that the network and firewalls let this machine reach {place}"
        ))
    } else if io_kind == Some(io::ErrorKind::ConnectionRefused) {
        unreachable(format!("connection refused: nothing listens at {place}"))
            .hint("check that the server runs, host and port of its `address`, and whether HTTPS_PROXY or HTTP_PROXY sends us elsewhere")
    } else if error.is_redirect() {
        unreachable("it redirects in circles".into()).hint("name the address of the active node")
    } else if error.is_connect() {
        unreachable("no connection could be made".into()).hint(format!(
            "check that the network and firewalls let this machine reach {place}, and the proxy settings"
        ))
    } else {
        unreachable("the connection broke before the answer was complete".into())
            .hint("check its log, and any proxy or load balancer in front of it")
    };
    // A server that took the connection and then said nothing has had its time; one that is not reached may be starting.
    let is_silent = error.is_timeout() && !error.is_connect();
    Unreached {
        error: error_in_words,
        passing: !error.is_builder() && !error.is_redirect() && !is_silent,
        maybe_seen: !error.is_connect(),
    }
}

fn untrusted(tls: &rustls::Error, store: &str, place: &str) -> Error {
    let error = |cause: &str, hint: &str| {
        Error::new(ErrorKind::Untrusted, format!("{store} at {place} cannot be trusted"))
            .because(cause)
            .hint(hint)
    };
    match tls {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            Certificate::UnknownIssuer => error(
                "its certificate is signed by a CA that this machine does not know",
                "name the file with that CA's certificate as `ca:` of the store",
            ),
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => error(
                "its certificate is made out to another name",
                "write `address` with a name that its certificate holds",
            ),
            Certificate::Expired | Certificate::ExpiredContext { .. } => error(
                "its certificate has expired",
                "renew it; if it has not expired, set this machine's clock",
            ),
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
                error("its certificate is not valid yet", "set this machine's clock")
            }
            _ => error(
                "its certificate is not acceptable for a server",
                "give the server a certificate of its own (not a CA's) with its name in subjectAltName",
            ),
        },
        rustls::Error::AlertReceived(_) => error(
            "it broke off the TLS handshake",
            "check in its log whether it asks for a client certificate (`auth: {cert: …}`), or does not accept the one that it was shown",
        ),
        _ => error(
            "it does not speak TLS",
            "if it serves plain HTTP, write its `address` with http://",
        ),
    }
}

/// Returns host and port, without anything else that an address may hold.
fn place(address: &Url) -> String {
    let host = address.host_str().unwrap_or_default();
    match address.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
