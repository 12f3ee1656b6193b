//! A validating webhook of an operator that begins to serve when a test says so, and allows everything then.

use std::convert::Infallible;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::authority::Authority;
use crate::{Error, Port, Result};

/// The webhook: its address is known, and nobody listens there yet.
pub struct Webhook {
    port: Port,
    trusted: String,
    acceptor: TlsAcceptor,
    serving: Option<JoinHandle<()>>,
}

impl Webhook {
    /// Chooses an address and makes a certificate for it.
    pub fn prepare() -> Result<Self> {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let authority = Authority::new("webhook")?;
        let server = authority.server(&["127.0.0.1", "localhost"])?;
        let failed = |error: String| Error::Other(format!("make the certificate of a webhook: {error}"));
        let certificate =
            CertificateDer::from_pem_slice(server.certificate.as_bytes()).map_err(|error| failed(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes()).map_err(|error| failed(error.to_string()))?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            port: Port::free()?,
            trusted: STANDARD.encode(authority.certificate()),
            acceptor: TlsAcceptor::from(Arc::new(config)),
            serving: None,
        })
    }

    /// Its address, as a configuration's `clientConfig.url` names it.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}/validate", self.port)
    }

    /// Whom to trust, as a configuration's `clientConfig.caBundle` has it.
    pub fn ca_bundle(&self) -> &str {
        &self.trusted
    }

    /// Begins to serve.
    pub async fn serve(&mut self) -> Result<()> {
        let listener = TcpListener::bind(("127.0.0.1", self.port.number()))
            .await
            .map_err(Error::io("listen as the webhook"))?;
        self.serving = Some(tokio::spawn(accept(listener, self.acceptor.clone())));
        Ok(())
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
        }
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(connected(stream, acceptor.clone()));
    }
}

async fn connected(stream: TcpStream, acceptor: TlsAcceptor) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let builder = hyper::server::conn::http1::Builder::new();
    // Whoever goes away in the middle of a request is not missed.
    builder
        .serve_connection(TokioIo::new(stream), service_fn(review))
        .await
        .ok();
}

/// Allows what is asked for.
async fn review(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await;
    let asked: Value = body
        .ok()
        .and_then(|body| serde_json::from_slice(&body.to_bytes()).ok())
        .unwrap_or_default();
    let answer = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "response": {"uid": asked["request"]["uid"], "allowed": true},
    });
    let mut response = Response::new(Full::new(Bytes::from(answer.to_string())));
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    Ok(response)
}
