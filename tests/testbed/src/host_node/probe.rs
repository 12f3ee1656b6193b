//! Readiness probes.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::program::Ports;

/// While a container is not ready it is asked at first this often, then ever more seldom up to [`SLOWEST`]. The delays of the probe are
/// not kept: they spare slow machines, and here they would be most of the time of a test.
const FASTEST: Duration = Duration::from_millis(100);
const SLOWEST: Duration = Duration::from_secs(1);

/// Asks for as long as it is polled, and tells each change by `set_ready`.
pub(super) async fn follow(container: &Container, ports: &Ports, set_ready: impl Fn(bool)) {
    let Some(probe) = &container.readiness_probe else {
        set_ready(true);
        return std::future::pending().await;
    };
    let threshold = probe.failure_threshold.unwrap_or(3);
    let (mut failures, mut pause) = (0, FASTEST);
    loop {
        if answers(container, probe, ports).await {
            (failures, pause) = (0, FASTEST);
            set_ready(true);
            sleep(SLOWEST).await;
        } else {
            failures += 1;
            if failures >= threshold {
                set_ready(false);
            }
            sleep(pause).await;
            pause = (pause * 2).min(SLOWEST);
        }
    }
}

async fn answers(container: &Container, probe: &Probe, ports: &Ports) -> bool {
    let bound = Duration::from_secs(u64::try_from(probe.timeout_seconds.unwrap_or(1)).unwrap_or(1).max(2));
    let check = async {
        if let Some(http) = &probe.http_get {
            let Some(port) = number(container, &http.port) else {
                return false;
            };
            let scheme = http.scheme.as_deref().unwrap_or("HTTP").to_lowercase();
            let path = http.path.as_deref().unwrap_or("/");
            get(&format!("{scheme}://{}{path}", ports.address(port))).await
        } else if let Some(tcp) = &probe.tcp_socket {
            let Some(port) = number(container, &tcp.port) else {
                return false;
            };
            TcpStream::connect(ports.address(port)).await.is_ok()
        } else {
            // A program that asks its own container: there is no container to run it in, so running is ready.
            true
        }
    };
    timeout(bound, check).await.unwrap_or(false)
}

/// As the kubelet does it: any certificate will do, and a redirection is a good answer.
async fn get(url: &str) -> bool {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .danger_accept_invalid_certs(true)
        .no_proxy()
        .build();
    let Ok(client) = client else { return false };
    let answer = client.get(url).send().await;
    answer.is_ok_and(|answer| (200..400).contains(&answer.status().as_u16()))
}

fn number(container: &Container, port: &IntOrString) -> Option<u16> {
    let number = match port {
        IntOrString::Int(number) => *number,
        IntOrString::String(name) => {
            container
                .ports
                .iter()
                .flatten()
                .find(|port| port.name.as_ref() == Some(name))?
                .container_port
        }
    };
    u16::try_from(number).ok()
}
