//! Starting the proxy, and telling it what to do.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::connection;
use super::hold::Hold;
use super::rules::Rules;
use super::upstream::Upstream;
use super::{Asked, Fault, Met, Side};
use crate::control_plane::{ControlPlane, User};
use crate::{Error, Folder, Port, Result};

/// A running proxy. Without rules it only passes on.
pub struct Proxy {
    shared: Arc<Shared>,
    kubeconfig: PathBuf,
    address: String,
    accepting: JoinHandle<()>,
    _port: Port,
    _folder: Folder,
}

/// What the proxy's tasks need.
pub(super) struct Shared {
    pub(super) rules: Rules,
    upstream: RwLock<Upstream>,
    /// Cancelled to break all connections there are; then a new one is put in its place.
    connections: RwLock<CancellationToken>,
}

impl Proxy {
    /// Starts one before the API server of `plane`. Whoever asks, the server is asked as `user`. The certificate is one of the
    /// cluster's own authority, so that the kubeconfig differs in the address alone.
    pub async fn start(plane: &ControlPlane, user: &User, context: &str) -> Result<Self> {
        let acceptor = acceptor(plane)?;
        let proxy = Self::begin("https", Upstream::of(user)?, Some(acceptor)).await?;
        user.at(&proxy.address).write_kubeconfig(&proxy.kubeconfig, context)?;
        Ok(proxy)
    }

    /// Starts one before a server that speaks plain HTTP, such as a secret store of the tests.
    pub async fn plain(address: &str) -> Result<Self> {
        Self::begin("http", Upstream::plain(address)?, None).await
    }

    /// Its own address, such as `https://127.0.0.1:20002`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The kubeconfig that leads through it; not there for one that was started by [`Proxy::plain`].
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// `fault` happens to the next `times` requests that match.
    pub fn next(&self, times: usize, matches: impl Fn(&Asked) -> bool + Send + Sync + 'static, fault: Fault) -> Met {
        self.after(0, times, matches, fault)
    }

    /// Lets `skip` requests that match through; then `fault` happens to the next `times`.
    pub fn after(
        &self,
        skip: usize,
        times: usize,
        matches: impl Fn(&Asked) -> bool + Send + Sync + 'static,
        fault: Fault,
    ) -> Met {
        self.shared.rules.add(matches, skip, times, fault)
    }

    /// `fault` happens to all requests that match from now on.
    pub fn always(&self, matches: impl Fn(&Asked) -> bool + Send + Sync + 'static, fault: Fault) -> Met {
        self.next(usize::MAX, matches, fault)
    }

    /// Lets `skip` requests that match through and holds the next, before the server hears of it or after it answered.
    pub fn hold(&self, skip: usize, matches: impl Fn(&Asked) -> bool + Send + Sync + 'static, side: Side) -> Hold {
        let (ours, theirs) = Hold::new(side);
        self.shared.rules.hold(matches, skip, theirs);
        ours
    }

    /// Forgets all rules. A request that is held and was not reached yet is passed on.
    pub fn clear(&self) {
        self.shared.rules.clear();
    }

    /// Breaks all connections there are, those of watches too. New ones are taken.
    pub fn break_connections(&self) {
        let mut token = self.shared.connections.write().unwrap_or_else(PoisonError::into_inner);
        token.cancel();
        *token = CancellationToken::new();
    }

    /// From now on leads to the API server of this user, who may be one of another cluster, and breaks all connections.
    pub fn lead_to(&self, user: &User) -> Result<()> {
        let upstream = Upstream::of(user)?;
        *self.shared.upstream.write().unwrap_or_else(PoisonError::into_inner) = upstream;
        self.break_connections();
        Ok(())
    }

    async fn begin(scheme: &str, upstream: Upstream, acceptor: Option<TlsAcceptor>) -> Result<Self> {
        let (port, folder) = (Port::free()?, Folder::new("proxy")?);
        let listener = TcpListener::bind(("127.0.0.1", port.number()))
            .await
            .map_err(Error::io("listen as the proxy"))?;
        let shared = Arc::new(Shared {
            rules: Rules::default(),
            upstream: RwLock::new(upstream),
            connections: RwLock::default(),
        });
        Ok(Self {
            accepting: tokio::spawn(accept(listener, acceptor, Arc::clone(&shared))),
            shared,
            kubeconfig: folder.join("kubeconfig"),
            address: format!("{scheme}://127.0.0.1:{port}"),
            _port: port,
            _folder: folder,
        })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.break_connections();
    }
}

impl Shared {
    pub(super) fn upstream(&self) -> Upstream {
        self.upstream.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn connections(&self) -> CancellationToken {
        self.connections.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        // What ends without an answer is to look like a reset, not like an orderly end.
        stream.set_zero_linger().ok();
        stream.set_nodelay(true).ok();
        tokio::spawn(connected(stream, acceptor.clone(), Arc::clone(&shared)));
    }
}

async fn connected(stream: TcpStream, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let broken = shared.connections();
    let serving = async {
        match acceptor {
            Some(acceptor) => {
                // Who fails does not trust us, or only looked whether the port is open.
                if let Ok(stream) = acceptor.accept(stream).await {
                    speak(stream, shared).await;
                }
            }
            None => speak(stream, shared).await,
        }
    };
    broken.run_until_cancelled(serving).await;
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>) {
    let service = service_fn(|request| connection::serve(Arc::clone(&shared), request));
    let builder = hyper::server::conn::http1::Builder::new();
    // An error is one that a fault asked for, or that of somebody who went away.
    builder.serve_connection(TokioIo::new(stream), service).await.ok();
}

/// The TLS of the cluster's own API server: the same certificate and key, for the same names.
fn acceptor(plane: &ControlPlane) -> Result<TlsAcceptor> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let failed = |error: String| Error::Other(format!("read the certificate of the API server: {error}"));
    let certificate = CertificateDer::from_pem_file(plane.folder().join("server.crt"));
    let key = PrivateKeyDer::from_pem_file(plane.folder().join("server.key"));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.map_err(|error| failed(error.to_string()))?],
            key.map_err(|error| failed(error.to_string()))?,
        )
        .map_err(|error| failed(error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
