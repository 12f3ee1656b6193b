//! The Lease, on a server that a test plays.

use std::sync::Mutex as Plain;

use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;

use super::*;
use crate::clock::ManualClock;

/// A server with one Lease.
#[derive(Clone)]
struct Server(Arc<Plain<Known>>);

struct Known {
    uid: &'static str,
    holder: String,
    /// Whether somebody deleted it.
    gone: bool,
    version: u64,
    /// How many requests are lost on the way.
    breaks: usize,
    /// How often the Lease was changed by a request.
    changes: usize,
}

impl Server {
    fn held_by(holder: &str) -> Self {
        Self(Arc::new(Plain::new(Known {
            uid: "ours",
            holder: holder.into(),
            gone: false,
            version: 1,
            breaks: 0,
            changes: 0,
        })))
    }

    fn cluster(&self) -> Cluster {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { server.answer(request).await }
        });
        Cluster::of_test(Client::new(service, "default"), "ours")
    }

    /// What happens to the Lease without us.
    fn taken_by(&self, holder: &str) {
        let mut known = self.0.lock().unwrap();
        known.holder = holder.into();
        known.version += 1;
    }

    fn changes(&self) -> usize {
        self.0.lock().unwrap().changes
    }

    async fn answer(self, request: Request<Body>) -> Result<Response<Body>, std::io::Error> {
        let uri = request.uri().to_string();
        if uri.contains("watch=") {
            // Nothing is ever heard by it.
            std::future::pending::<()>().await;
        }
        let method = request.method().clone();
        let body = request.into_body().collect_bytes().await.unwrap();
        let mut known = self.0.lock().unwrap();
        if known.breaks > 0 {
            known.breaks -= 1;
            return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        }
        if uri.contains("/namespaces/kube-system") && !uri.contains("leases") {
            return Ok(answer(
                200,
                &json!({"metadata": {"name": "kube-system", "uid": known.uid}}),
            ));
        }
        if known.gone && uri.contains("leases/") {
            let status =
                json!({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound", "message": ""});
            return Ok(answer(404, &status));
        }
        if method == Method::PATCH {
            let change: Value = serde_json::from_slice(&body).unwrap();
            let version = known.version.to_string();
            if change["metadata"]["resourceVersion"].as_str() != Some(version.as_str()) {
                let status =
                    json!({"kind": "Status", "status": "Failure", "code": 409, "reason": "Conflict", "message": ""});
                return Ok(answer(409, &status));
            }
            known.version += 1;
            known.changes += 1;
            if let Some(holder) = change["spec"]["holderIdentity"].as_str() {
                known.holder = holder.to_owned();
            }
        }
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": NAME, "namespace": NAMESPACE, "resourceVersion": known.version.to_string()},
            "spec": {"holderIdentity": known.holder, "leaseDurationSeconds": 30},
        });
        let list = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "LeaseList", "metadata": {"resourceVersion": "1"}, "items": [lease]});
        Ok(answer(200, if uri.contains("leases/") { &lease } else { &list }))
    }
}

fn answer(status: u16, body: &Value) -> Response<Body> {
    let body = Body::from(serde_json::to_vec(body).unwrap());
    Response::builder().status(status).body(body).unwrap()
}

fn holder(run: &str) -> Holder {
    Holder {
        run: run.into(),
        by: "ann@desk".into(),
    }
}

#[test]
fn a_holder_is_read_as_it_was_written_and_an_empty_name_is_nobody() {
    let holder = Holder {
        run: "01JD8".into(),
        by: "ann@desk 7".into(),
    };
    assert_eq!(Holder::of(&holder.to_string()), Some(holder));
    assert_eq!(Holder::of(""), None);
    for foreign in ["velero-backup-7", "velero backup", "velero-7 a@b", " 01A ann@desk"] {
        let holder = Holder::of(foreign).unwrap();
        assert_eq!((holder.run.as_str(), holder.is_a_run()), (foreign, false));
        assert_eq!(holder.to_string(), foreign);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_taken_for_dead_before_the_lease_was_looked_at_once_more() {
    // Renewed, given back, and neither, while its reader was at something else for longer than it is good.
    for (happens, expected) in [
        (Some("01A ann@desk"), "alive"),
        (Some("01B eve@elsewhere"), "alive"),
        (Some(""), "released"),
        (None, "silent"),
    ] {
        for reads_late in [Duration::ZERO, Duration::from_mins(1)] {
            let server = Server::held_by("01A ann@desk");
            let cluster = server.cluster();
            let claim = cluster.claim().await.unwrap().unwrap();
            let at = Instant::now();
            if let Some(holder) = happens {
                server.taken_by(holder);
            }
            tokio::time::sleep(reads_late).await;
            let pulse = match cluster.watch_claim(&claim, at, claim.duration).await {
                Pulse::Alive(_) => "alive",
                Pulse::Released(_) => "released",
                Pulse::Silent => "silent",
            };
            assert_eq!(pulse, expected, "{happens:?} {reads_late:?}");
            assert!(expected != "silent" || at.elapsed() >= claim.duration);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_another_takes_is_lost_within_seconds_and_one_that_is_given_back_is_not() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    for taken in [true, false] {
        let server = Server::held_by("");
        let cluster = server.cluster();
        let found = cluster.claim().await.unwrap();
        cluster.hold(found.as_ref(), &holder("01A"), &clock).await.unwrap();
        if taken {
            server.taken_by("01B eve@elsewhere");
        } else {
            cluster.give_back().await.unwrap();
        }
        let lost = tokio::time::timeout(RENEWAL * 2, cluster.until_lost()).await.unwrap();
        assert_eq!(lost.as_ref().map(Error::kind), taken.then_some(ErrorKind::Held));
        assert!(cluster.still_mine().await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn how_the_lease_was_lost_is_told_and_how_to_go_on() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    for (taken, words, hint) in [
        (
            None,
            "the Lease kube-system/gitops-dr is gone: somebody deleted it",
            "--resume=01A",
        ),
        (
            Some("01B eve@elsewhere"),
            "another run took over: run 01B of eve@elsewhere",
            "--resume=01B",
        ),
        (
            Some("velero-backup-7"),
            "another took over: `velero-backup-7`, which is not a run of gitops-dr",
            "--resume=01A",
        ),
        (Some(""), "another run took over, and has ended", "run again"),
    ] {
        let server = Server::held_by("");
        let cluster = server.cluster();
        let found = cluster.claim().await.unwrap();
        cluster.hold(found.as_ref(), &holder("01A"), &clock).await.unwrap();
        match taken {
            Some(by) => server.taken_by(by),
            None => server.0.lock().unwrap().gone = true,
        }
        let lost = tokio::time::timeout(RENEWAL * 2, cluster.until_lost()).await.unwrap();
        let lost = crate::event::Failure::from(lost.unwrap());
        assert_eq!(lost.message, words);
        assert!(lost.hints.concat().contains(hint), "{lost:?}");
    }
}

#[test]
fn what_was_renewed_is_recent_only_by_both_clocks() {
    let seconds = |by_machine: u64, by_day: i64| Renewed {
        by_machine: start() + Duration::from_secs(by_machine),
        by_day: Timestamp::from_second(1_000 + by_day).unwrap(),
    };
    for (machine, day, is_recent) in [
        (0, 0, true),
        (14, 14, true),
        (15, 15, false),
        // A machine that slept, and one whose time of day was set.
        (1, 600, false),
        (16, 1, false),
        (1, -600, false),
    ] {
        let is = seconds(0, 0).is_recent(seconds(machine, day));
        assert_eq!(is, is_recent, "{machine}s and {day}s");
    }
}

/// Some moment, always the same.
fn start() -> Instant {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *START.get_or_init(Instant::now)
}

#[tokio::test(start_paused = true)]
async fn before_a_change_the_lease_is_renewed_where_it_is_old_or_a_connection_broke() {
    let manual = Arc::new(ManualClock::default());
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&manual);
    let server = Server::held_by("");
    let cluster = server.cluster();
    let found = cluster.claim().await.unwrap();
    cluster.hold(found.as_ref(), &holder("01A"), &clock).await.unwrap();
    let held = server.changes();
    cluster.still_mine().await.unwrap();
    assert_eq!(server.changes(), held, "it was renewed just now");
    manual.advance(Duration::from_hours(1));
    cluster.still_mine().await.unwrap();
    assert_eq!(server.changes(), held + 1, "the machine slept");
    // An answer of this very moment would do for the cluster.
    tokio::time::sleep(Duration::from_millis(1)).await;
    server.0.lock().unwrap().breaks = 1;
    cluster.still_mine().await.unwrap();
    assert_eq!(server.changes(), held + 2, "a connection broke");
    cluster.still_mine().await.unwrap();
    assert_eq!(server.changes(), held + 2, "once is enough");
}
