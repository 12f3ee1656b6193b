//! The connections to an API server: how they are made, and that each is counted as it comes and goes.
//!
//! The stack is the one that kube makes (`kube-client/src/client/builder.rs`) but for what it does not let one put in: the count.
//! HTTP/1.1, as kube speaks it: so many requests in flight are so many connections, kept for the next.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ClientBuilder, ConfigExt as _};
use kube::{Client, Config};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use tower::util::option_layer;
use tower::{BoxError, Layer as _, Service, ServiceExt as _};
use tower_http::decompression::DecompressionLayer;

use super::pause::Pausing;

/// How often a connection was made or ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes(Arc<AtomicU64>);

impl Changes {
    /// Returns how often so far.
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    pub(super) fn note(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Makes a client. What a kubeconfig says of proxies is left to kube, which refuses those that it was not built for.
pub(super) fn client(config: Config, changes: &Changes, pausing: &Pausing) -> Result<Client, kube::Error> {
    if config.proxy_url.is_some() {
        return Ok(ClientBuilder::try_from(config)?.with_layer(pausing).build());
    }
    if CryptoProvider::get_default().is_none() {
        // An error is that another was faster.
        let _ = aws_lc_rs::default_provider().install_default();
    }
    let mut plain = HttpConnector::new();
    plain.enforce_http(false);
    plain.set_nodelay(true);
    let counting = Counting {
        inner: plain,
        changes: changes.clone(),
    };
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(counting)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    connector.set_reset_reader_on_write(config.reset_reader_on_write);
    let http = legacy::Client::builder(TokioExecutor::new())
        .build::<_, Body>(connector)
        .map_err(BoxError::from);
    let known = option_layer(config.auth_layer()?).layer(config.extra_headers_layer()?.layer(http));
    let unpacked = DecompressionLayer::new().gzip(!config.disable_compression).layer(known);
    let service = pausing.layer(config.base_uri_layer().layer(unpacked));
    Ok(Client::new(service, config.default_namespace))
}

/// Makes connections and counts them.
#[derive(Clone)]
struct Counting<C> {
    inner: C,
    changes: Changes,
}

impl<C> Service<Uri> for Counting<C>
where
    C: Service<Uri>,
    C::Future: Send + 'static,
{
    type Response = Counted<C::Response>;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (connecting, changes) = (self.inner.call(to), self.changes.clone());
        Box::pin(async move {
            let stream = connecting.await?;
            changes.note();
            Ok(Counted { stream, changes })
        })
    }
}

/// A connection that counts its end, from whichever side it comes: hyper reads on while nothing is asked, so that a connection
/// that the other side closes is dropped at once.
struct Counted<S> {
    stream: S,
    changes: Changes,
}

impl<S> Drop for Counted<S> {
    fn drop(&mut self) {
        self.changes.note();
    }
}

impl<S: Connection> Connection for Counted<S> {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

impl<S: Read + Unpin> Read for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: Write + Unpin> Write for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, from)
    }
}
