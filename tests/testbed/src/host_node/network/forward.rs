//! Listens on the addresses of Services and passes connections on.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use kube::api::Api;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::super::Shared;
use super::{Key, parts};

/// Follows the Services of the cluster for as long as it is polled.
pub(in super::super) async fn follow(shared: Arc<Shared>) {
    let services: Api<Service> = Api::all(shared.client.clone());
    let mut events = watcher(services, watcher::Config::default()).default_backoff().boxed();
    // Dropping a set of tasks ends them.
    let mut known: HashMap<Key, (ServiceSpec, JoinSet<()>)> = HashMap::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(service) | Event::InitApply(service)) => {
                let (key, spec) = parts(&service);
                if known.get(&key).is_some_and(|(old, _)| *old == spec) {
                    continue;
                }
                known.remove(&key);
                let address = shared.network.apply(key.clone(), spec.clone());
                let mut tasks = JoinSet::new();
                for port in spec.ports.iter().flatten().cloned() {
                    tasks.spawn(forward(shared.clone(), key.clone(), address, port));
                }
                known.insert(key, (spec, tasks));
            }
            Ok(Event::Delete(service)) => {
                let (key, _) = parts(&service);
                known.remove(&key);
                shared.network.remove(&key);
            }
            _ => {}
        }
    }
}

/// Serves one port of a Service: listens as long as there is somebody to pass connections on to.
async fn forward(shared: Arc<Shared>, key: Key, address: Ipv4Addr, port: ServicePort) {
    let Ok(number) = u16::try_from(port.port) else {
        return;
    };
    let mut changed = shared.network.changed.subscribe();
    let mut connections = JoinSet::new();
    loop {
        if shared.network.endpoint(&key, &port).is_some() {
            // An ordinary user may not listen on ports below 1024; of Argo CD's Services that concerns the web page alone.
            let Ok(listener) = TcpListener::bind((address, number)).await else {
                return;
            };
            while shared.network.endpoint(&key, &port).is_some() {
                tokio::select! {
                    Ok((incoming, _)) = listener.accept() => {
                        if let Some(target) = shared.network.endpoint(&key, &port) {
                            connections.spawn(pass_on(incoming, target));
                        }
                    }
                    Ok(()) = changed.changed() => {}
                }
                while connections.try_join_next().is_some() {}
            }
        }
        if changed.changed().await.is_err() {
            return;
        }
    }
}

async fn pass_on(mut incoming: TcpStream, target: std::net::SocketAddr) {
    if let Ok(mut outgoing) = TcpStream::connect(target).await {
        // Requests and answers are small and wait for each other.
        incoming.set_nodelay(true).ok();
        outgoing.set_nodelay(true).ok();
        copy_bidirectional(&mut incoming, &mut outgoing).await.ok();
    }
}
