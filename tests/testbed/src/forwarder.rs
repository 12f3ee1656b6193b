//! An address that can come to lead elsewhere: passes connections on to one server, to another, or to none.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::{Error, Port, Result};

/// A port of this machine behind which there is a server, as long as this value lives.
pub struct Forwarder {
    port: Port,
    target: watch::Sender<Option<SocketAddr>>,
    task: JoinHandle<()>,
}

impl Forwarder {
    /// Passes connections on to this port of this machine.
    pub async fn to(port: u16) -> Result<Self> {
        let own = Port::free()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, own.number()))
            .await
            .map_err(Error::io("listen for connections to pass on"))?;
        let (target, changed) = watch::channel(Some((Ipv4Addr::LOCALHOST, port).into()));
        Ok(Self {
            port: own,
            target,
            task: tokio::spawn(serve(listener, changed)),
        })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Ends all connections, and every new one at once.
    pub fn cut(&self) {
        self.target.send_replace(None);
    }

    /// Ends all connections and passes new ones on to another port of this machine.
    pub fn lead_to(&self, port: u16) {
        self.target.send_replace(Some((Ipv4Addr::LOCALHOST, port).into()));
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, mut target: watch::Receiver<Option<SocketAddr>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Ok(()) = target.changed() => connections.shutdown().await,
            Ok((incoming, _)) = listener.accept() => {
                let to = *target.borrow();
                if let Some(to) = to {
                    connections.spawn(pass_on(incoming, to));
                }
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn pass_on(mut incoming: TcpStream, to: SocketAddr) {
    if let Ok(mut outgoing) = TcpStream::connect(to).await {
        incoming.set_nodelay(true).ok();
        outgoing.set_nodelay(true).ok();
        copy_bidirectional(&mut incoming, &mut outgoing).await.ok();
    }
}
