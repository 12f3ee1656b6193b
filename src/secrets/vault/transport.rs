//! Sends requests, and again where that may help.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use reqwest::header::{HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode, redirect};
use rustify::Endpoint;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::auth::Login;
use super::health;
use super::settings::Settings;
use super::unreached::{Unreached, explain};
use crate::redact::{Redactor, Secret};
use crate::secrets::{Error, ErrorKind};

const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(20);
/// Longest wait that a server's `Retry-After` is granted.
const PATIENCE: Duration = Duration::from_secs(30);
const RETRIES: usize = 4;
/// Nodes of one cluster send each other's clients on once; more is a circle.
const REDIRECTS: usize = 3;
/// Longest text of a server's that goes into an error.
const QUOTE: usize = 300;

/// One request, which may be sent more than once.
pub(super) struct Call {
    method: Method,
    path: String,
    query: Option<String>,
    body: Option<Zeroizing<Vec<u8>>>,
    /// Knows the values in the body: a refusal may quote them.
    holds: Option<Redactor>,
}

impl Call {
    /// A request that `vaultrs` describes.
    pub(super) fn of(endpoint: &impl Endpoint) -> Self {
        Self {
            method: endpoint.method().into(),
            path: endpoint.path(),
            query: endpoint.query().ok().flatten(),
            body: endpoint.body().ok().flatten().map(Zeroizing::new),
            holds: None,
        }
    }

    /// A request that `vaultrs` does not know. `path` is without the leading `v1/`.
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            query: None,
            body: None,
            holds: None,
        }
    }

    /// A request that `vaultrs` does not know and that must not be sent twice. `path` is without the leading `v1/`.
    pub(super) fn post(path: impl Into<String>, body: &serde_json::Value) -> Self {
        Self {
            method: Method::POST,
            body: Some(Zeroizing::new(body.to_string().into_bytes())),
            ..Self::get(path)
        }
    }

    /// A login, which must not be sent twice: a secret id may be good for one. `path` is without the leading `v1/`.
    pub(super) fn login(path: String, body: &[(&str, &str)]) -> Self {
        let body: BTreeMap<_, _> = body.iter().copied().collect();
        Self::secret(path, &body, None)
    }

    /// A request whose body holds secrets, and that must not be sent twice. `path` is without the leading `v1/`; `holds` knows those
    /// secrets that the store's own redactor does not.
    pub(super) fn secret(path: String, body: &impl Serialize, holds: Option<Redactor>) -> Self {
        // A buffer that has to grow leaves what it held behind. Texts can be written, and memory takes them.
        let mut length = Length(0);
        let _ = serde_json::to_writer(&mut length, body);
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.0));
        let _ = serde_json::to_writer(&mut *bytes, body);
        Self {
            method: Method::POST,
            body: Some(bytes),
            holds,
            ..Self::get(path)
        }
    }

    /// A request for the names in a folder, in the form that every proxy lets through.
    pub(super) fn list(path: impl Into<String>) -> Self {
        Self {
            query: Some("list=true".to_owned()),
            ..Self::get(path)
        }
    }
}

/// Counts what is written and keeps nothing of it.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An answer: a success, or a refusal that whoever asked must judge.
pub(super) struct Answer {
    pub(super) status: u16,
    retry_after: Option<Duration>,
    body: Zeroizing<Vec<u8>>,
    /// Knows the values that were sent.
    sent: Option<Redactor>,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Reads the body; `None` where it is not of that shape. The parser's own error would quote the body.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Reads what a success has under `data`.
    pub(super) fn data<T: DeserializeOwned>(&self) -> Option<T> {
        #[derive(Deserialize)]
        struct Held<T> {
            data: T,
        }
        let held = self.is_success().then(|| self.parse::<Held<T>>()).flatten()?;
        Some(held.data)
    }

    /// Returns the server's words for a refusal, on one line: `permission denied`.
    pub(super) fn words(&self, redactor: &Redactor) -> String {
        #[derive(Deserialize)]
        struct Refusal {
            errors: Vec<String>,
        }
        let errors = self
            .parse::<Refusal>()
            .map(|refusal| refusal.errors)
            .unwrap_or_default();
        // Several errors come as one text: a count, then a line with a star for each.
        let lines: Vec<&str> = errors
            .iter()
            .flat_map(|error| error.lines())
            .map(|line| line.trim().trim_start_matches("* "))
            .filter(|line| !line.is_empty() && !line.ends_with("occurred:"))
            .collect();
        let redactor = self.sent.as_ref().unwrap_or(redactor);
        redactor.redact(&lines.join("; ")).chars().take(QUOTE).collect()
    }

    /// Returns status and words: `403: permission denied`.
    pub(super) fn quote(&self, redactor: &Redactor) -> String {
        let words = self.words(redactor);
        if words.is_empty() {
            format!("it answered {}", self.status)
        } else {
            format!("it answered {}: {words}", self.status)
        }
    }
}

/// The way to one server.
pub(super) struct Transport {
    http: reqwest::Client,
    store: String,
    address: Url,
    namespace: Option<HeaderValue>,
    redactor: Redactor,
}

/// What may be worth another try.
enum Trouble {
    Unreached(Unreached),
    Busy(Answer),
}

impl Transport {
    pub(super) fn new(settings: &Settings, redactor: &Redactor) -> Result<Self, Error> {
        let store = format!("store {}", settings.name);
        let wrong = |what: &str| Error::new(ErrorKind::Configuration, format!("{store}: {what}"));
        let mut http = reqwest::Client::builder()
            .tls_backend_rustls()
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .user_agent(concat!("gitops-dr/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::custom(follow));
        if settings.address.scheme() == "http" {
            // A machine without any CA could not even build a client, and plain HTTP needs none.
            http = http.tls_certs_only([]);
        } else if let Some(pem) = &settings.ca_pem {
            let hint = "`ca:` names a PEM file with one or more certificates, not a key";
            let certificates = reqwest::Certificate::from_pem_bundle(pem)
                .ok()
                .filter(|certificates| !certificates.is_empty())
                .ok_or_else(|| wrong("its CA file holds no certificate").hint(hint))?;
            http = http.tls_certs_merge(certificates);
        }
        if let Login::Certificate { identity, .. } = &settings.auth {
            let identity = reqwest::Identity::from_pem(identity.expose()).map_err(|_| {
                wrong("its client certificate cannot be used").hint(
                    "`certificate` names a PEM file with the certificate, `key` one with its private key, without a passphrase",
                )
            })?;
            http = http.identity(identity);
        }
        let namespace = match &settings.namespace {
            Some(namespace) => Some(HeaderValue::from_str(namespace).map_err(|_| wrong("its namespace is no header"))?),
            None => None,
        };
        Ok(Self {
            http: http.build().map_err(|_| {
                wrong("no TLS client could be built").hint("check its `ca` and this machine's own CA certificates")
            })?,
            store,
            address: settings.address.clone(),
            namespace,
            redactor: redactor.clone(),
        })
    }

    /// Sends a request. Connection errors, 412, 429 and 5xx are tried again, a sealed store is not.
    ///
    /// # Errors
    /// When no answer came, the store is sealed, or it was busy to the last. A refusal (4xx) is an answer.
    pub(super) async fn send(&self, call: &Call, token: Option<&Secret>) -> Result<Answer, Error> {
        let once = || async {
            let answer = self.once(call, token).await.map_err(Trouble::Unreached)?;
            match answer.status {
                412 | 429 | 500.. => Err(Trouble::Busy(answer)),
                _ => Ok(answer),
            }
        };
        once.retry(back_off())
            .when(|trouble| self.is_passing(call, trouble))
            .adjust(|trouble, wait| match trouble {
                Trouble::Busy(answer) => wait.map(|wait| answer.retry_after.map_or(wait, |asked| asked.min(PATIENCE))),
                Trouble::Unreached(_) => wait,
            })
            .await
            .map_err(|trouble| match trouble {
                Trouble::Unreached(unreached) => unreached.error,
                Trouble::Busy(answer) => self.busy(&answer),
            })
    }

    /// Asks for the server's health and returns the status code, which is the whole answer. No token is sent.
    pub(super) async fn health(&self) -> Result<u16, Error> {
        let call = Call::get("sys/health");
        (|| self.once(&call, None))
            .retry(back_off())
            .when(|unreached| unreached.passing)
            .await
            .map(|answer| answer.status)
            .map_err(|unreached| unreached.error)
    }

    async fn once(&self, call: &Call, token: Option<&Secret>) -> Result<Answer, Unreached> {
        let mut request = self
            .http
            .request(call.method.clone(), self.url(call))
            .header("X-Vault-Request", "true");
        // Health belongs to the server as a whole; some servers refuse it inside a namespace.
        if let Some(namespace) = self.namespace.as_ref().filter(|_| call.path != "sys/health") {
            request = request.header("X-Vault-Namespace", namespace);
        }
        if let Some(Ok(mut value)) = token.map(|token| HeaderValue::from_bytes(token.expose())) {
            value.set_sensitive(true);
            request = request.header("X-Vault-Token", value);
        }
        if let Some(body) = &call.body {
            request = request.body(body.to_vec());
        }
        let explained = |error: reqwest::Error| explain(&error, &self.store, &self.address);
        let response = request.send().await.map_err(explained)?;
        let seconds = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after: seconds.map(Duration::from_secs),
            body: Zeroizing::new(response.bytes().await.map_err(explained)?.to_vec()),
            sent: call.holds.clone(),
        })
    }

    fn url(&self, call: &Call) -> Url {
        let mut url = self.address.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .push("v1")
                .extend(call.path.trim_matches('/').split('/'));
        }
        url.set_query(call.query.as_deref().filter(|query| !query.is_empty()));
        url
    }

    fn is_passing(&self, call: &Call, trouble: &Trouble) -> bool {
        match trouble {
            // What the server may have seen is not repeated: a login would use up a secret id that is good for one.
            Trouble::Unreached(unreached) => unreached.passing && !(unreached.maybe_seen && call.body.is_some()),
            Trouble::Busy(answer) => !self.is_sealed(answer),
        }
    }

    fn is_sealed(&self, answer: &Answer) -> bool {
        answer.status == StatusCode::SERVICE_UNAVAILABLE.as_u16() && answer.words(&self.redactor).contains("sealed")
    }

    fn busy(&self, answer: &Answer) -> Error {
        let words = answer.words(&self.redactor);
        let error = if self.is_sealed(answer) {
            health::sealed(&self.store)
        } else if answer.status == StatusCode::TOO_MANY_REQUESTS.as_u16() {
            Error::new(
                ErrorKind::Throttled,
                format!("{} asks to slow down and did not stop asking", self.store),
            )
            .hint("raise or lift its rate-limit quota for this login (`bao list sys/quotas/rate-limit`)")
        } else if words.contains("not active") {
            Error::new(
                ErrorKind::Standby,
                format!("{} has no active node that this one could reach", self.store),
            )
            .hint("name the address of the active node, or restore the quorum of its nodes")
        } else {
            Error::new(ErrorKind::Answer, format!("{} fails to answer", self.store))
                .hint("check its log, and any proxy or load balancer in front of it")
        };
        error.because(answer.quote(&self.redactor))
    }
}

fn back_off() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_factor(2.0)
        .with_max_delay(Duration::from_secs(5))
        .with_max_times(RETRIES)
        .with_jitter()
}

/// Follows a standby to the active node, with the token, but never out of TLS.
fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let leaves_tls = attempt.url().scheme() != "https" && attempt.previous().iter().any(|url| url.scheme() == "https");
    if leaves_tls {
        attempt.stop()
    } else if attempt.previous().len() > REDIRECTS {
        attempt.error("too many redirects")
    } else {
        attempt.follow()
    }
}
