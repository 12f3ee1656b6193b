use serde_json::{Value, json};

use super::NodePhase::{Failing, Progressing, Ready};
use super::*;

/// The run began here; the fixture's last sync ended 10 s later and was compared 2 s after that.
const STARTED: &str = "2026-11-21T03:00:00Z";

/// A settled Application, changed by merging each `(pointer, value)` into it; `null` removes.
fn app(changes: &[(&str, Value)]) -> Value {
    let source = json!({"repoURL": "https://git.example.com/shop.git", "path": "cart", "targetRevision": "main"});
    let destination = json!({"server": "https://kubernetes.default.svc", "namespace": "shop"});
    let mut object = json!({
        "metadata": {"name": "cart", "namespace": "argocd", "annotations": {}},
        "spec": {
            "project": "default", "source": source, "destination": destination,
            "syncPolicy": {"automated": {"prune": true, "selfHeal": true}},
        },
        "status": {
            "reconciledAt": "2026-11-21T03:00:12Z",
            "health": {"status": "Healthy"},
            "sync": {"status": "Synced", "revision": "abc", "comparedTo": {"source": source, "destination": destination}},
            "operationState": {"phase": "Succeeded", "finishedAt": "2026-11-21T03:00:10Z", "syncResult": {"revision": "abc"}},
        },
    });
    for (pointer, value) in changes {
        let (outer, key) = pointer.rsplit_once('/').unwrap();
        let map = object.pointer_mut(outer).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            map.remove(key);
        } else {
            map.insert(key.to_owned(), value.clone());
        }
    }
    object
}

fn judge(object: &Value) -> Vec<Obstacle> {
    let surroundings = Surroundings {
        since: Some(STARTED.parse().unwrap()),
        ..Surroundings::default()
    };
    application(Application::new(object), surroundings)
}

/// Returns the phase and the first thing that blocks, or the word where nothing more is known.
fn said(object: &Value) -> (NodePhase, String) {
    let obstacles = judge(object);
    let first = obstacles
        .iter()
        .find_map(|obstacle| obstacle.blockers.first().map(ToString::to_string));
    let word = obstacles.iter().find_map(|obstacle| obstacle.word.clone());
    (phase(&obstacles, &[]), first.or(word).unwrap_or_default())
}

const OPERATION: &str = "/status/operationState";
const SYNC: &str = "/status/sync/status";
const HEALTH: &str = "/status/health/status";
const CONDITIONS: &str = "/status/conditions";
const RESOURCES: &str = "/status/resources";
const RECONCILED: &str = "/status/reconciledAt";
const AUTOMATED: &str = "/spec/syncPolicy/automated";

fn condition(kind: &str) -> Value {
    json!([{"type": kind, "message": "why\nin  detail"}])
}

fn deployment(more: &Value) -> Value {
    let mut entry = json!({"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "cart"});
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!([entry])
}

/// One row: its name, what is changed, the phase, what blocks first.
type Row = (&'static str, Vec<(&'static str, Value)>, NodePhase, &'static str);

fn settled() -> Vec<Row> {
    vec![
        ("as it should be", vec![], Ready, ""),
        (
            "never synced, since nothing differed",
            vec![(OPERATION, Value::Null)],
            Ready,
            "",
        ),
        (
            "compared in the second in which its sync ended",
            vec![(RECONCILED, json!("2026-11-21T03:00:10Z"))],
            Ready,
            "",
        ),
        (
            "compared in the second in which the run began",
            vec![(OPERATION, Value::Null), (RECONCILED, json!(STARTED))],
            Ready,
            "",
        ),
        (
            "failed once, put right since",
            vec![
                ("/status/operationState/phase", json!("Failed")),
                ("/status/sync/revision", json!("def")),
            ],
            Ready,
            "",
        ),
        (
            "only a warning",
            vec![(CONDITIONS, condition("OrphanedResourceWarning"))],
            Ready,
            "",
        ),
        (
            "only a warning about sharing",
            vec![(CONDITIONS, condition("SharedResourceWarning"))],
            Ready,
            "",
        ),
        ("not automated, but in sync", vec![(AUTOMATED, Value::Null)], Ready, ""),
        ("an operation of null", vec![("/operation", json!(null))], Ready, ""),
        (
            "what Go leaves out",
            vec![("/spec/source/directory", json!({"recurse": false}))],
            Ready,
            "",
        ),
        (
            "an empty list of differences to ignore",
            vec![("/spec/ignoreDifferences", json!([]))],
            Ready,
            "",
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn sync_in_the_way() -> Vec<Row> {
    vec![
        (
            "a sync is asked for",
            vec![("/operation", json!({"sync": {}}))],
            Progressing,
            "a sync is asked for and has not begun",
        ),
        (
            "a sync runs",
            vec![(OPERATION, json!({"phase": "Running"}))],
            Progressing,
            "its sync has begun",
        ),
        (
            "a sync runs and waits for an object",
            vec![(
                OPERATION,
                json!({"phase": "Running", "message": "waiting for healthy state of apps/Deployment/cart"}),
            )],
            Progressing,
            "Deployment.apps cart: waiting for its healthy state",
        ),
        (
            "a sync runs and waits for a hook",
            vec![(
                OPERATION,
                json!({"phase": "Running", "message": "waiting for completion of hook batch/Job/migrate"}),
            )],
            Progressing,
            "Job.batch migrate: waiting for its completion as a hook",
        ),
        (
            "a sync runs while an older failure is still in the conditions",
            vec![
                (OPERATION, json!({"phase": "Running"})),
                (CONDITIONS, condition("SyncError")),
            ],
            Failing,
            "its sync has begun",
        ),
        (
            "a sync is being stopped",
            vec![(OPERATION, json!({"phase": "Terminating"}))],
            Progressing,
            "its sync is being terminated",
        ),
        (
            "a sync ended without saying when",
            vec![(OPERATION, json!({"phase": "Succeeded"}))],
            Progressing,
            "its sync has not ended",
        ),
        (
            "a sync waits for its next try",
            vec![(
                OPERATION,
                json!({"phase": "Running", "finishedAt": "2026-11-21T03:00:10Z", "message": "one or more objects failed to apply. Retrying attempt #2 at 3:04PM."}),
            )],
            Failing,
            "one or more objects failed to apply. Retrying attempt #2 at 3:04PM.",
        ),
        (
            "a sync waits for its next try and names the object",
            vec![(
                OPERATION,
                json!({"phase": "Running", "finishedAt": "2026-11-21T03:00:10Z", "message": "m", "syncResult": {"resources": [
                {"kind": "Service", "namespace": "shop", "name": "cart", "status": "SyncFailed", "message": "denied by webhook"}]}}),
            )],
            Failing,
            "Service shop/cart: SyncFailed: denied by webhook",
        ),
        (
            "a sync failed for good",
            vec![
                (SYNC, json!("OutOfSync")),
                (
                    OPERATION,
                    json!({"phase": "Failed", "finishedAt": "2026-11-21T03:00:10Z", "message": "one or more synchronization tasks are not valid (retried 5 times)."}),
                ),
            ],
            Failing,
            "one or more synchronization tasks are not valid (retried 5 times).",
        ),
        (
            "a sync ended in an error",
            vec![
                (SYNC, json!("OutOfSync")),
                (
                    OPERATION,
                    json!({"phase": "Error", "finishedAt": "2026-11-21T03:00:10Z", "message": "error"}),
                ),
            ],
            Failing,
            "error",
        ),
        (
            "all is in sync, but the hook after the sync failed",
            vec![(
                OPERATION,
                json!({"phase": "Failed", "finishedAt": "2026-11-21T03:00:10Z", "message": "m", "syncResult": {"revision": "abc", "resources": [
                {"group": "batch", "kind": "Job", "namespace": "shop", "name": "smoke", "hookType": "PostSync", "hookPhase": "Failed", "message": "timed out"}]}}),
            )],
            Failing,
            "Job.batch shop/smoke: hook failed: timed out",
        ),
        (
            "a hook failed",
            vec![
                (SYNC, json!("OutOfSync")),
                (
                    OPERATION,
                    json!({"phase": "Failed", "finishedAt": "2026-11-21T03:00:10Z", "message": "m", "syncResult": {"resources": [
                {"group": "batch", "kind": "Job", "namespace": "shop", "name": "migrate", "hookType": "PreSync", "hookPhase": "Failed", "message": "Job has reached the specified backoff limit"}]}}),
                ),
            ],
            Failing,
            "Job.batch shop/migrate: hook failed: Job has reached the specified backoff limit",
        ),
    ]
}

fn earlier_state() -> Vec<Row> {
    vec![
        (
            "never looked at",
            vec![(RECONCILED, Value::Null), (OPERATION, Value::Null)],
            Progressing,
            "Argo CD has not compared it yet",
        ),
        (
            "not compared since its sync",
            vec![(RECONCILED, json!("2026-11-21T03:00:09Z"))],
            Progressing,
            "not compared since its last sync ended",
        ),
        (
            "not compared since the run began",
            vec![(OPERATION, Value::Null), (RECONCILED, json!("2026-11-21T02:59:59Z"))],
            Progressing,
            "not compared since this run began",
        ),
        (
            "compared with another path",
            vec![("/spec/source/path", json!("basket"))],
            Progressing,
            "not compared with its present specification",
        ),
        (
            "compared with another branch",
            vec![("/spec/source/targetRevision", json!("v2"))],
            Progressing,
            "not compared with its present specification",
        ),
        (
            "compared with another place",
            vec![("/spec/destination/namespace", json!("shop2"))],
            Progressing,
            "not compared with its present specification",
        ),
        (
            "compared before several sources",
            vec![("/spec/sources", json!([{"repoURL": "a"}]))],
            Progressing,
            "not compared with its present specification",
        ),
        (
            "compared with other differences ignored",
            vec![("/spec/ignoreDifferences", json!([{"kind": "Secret"}]))],
            Progressing,
            "not compared with its present specification",
        ),
        (
            "compared with nothing",
            vec![("/status/sync/comparedTo", Value::Null)],
            Progressing,
            "not compared with its present specification",
        ),
    ]
}

fn sync_and_health() -> Vec<Row> {
    vec![
        (
            "no sync status",
            vec![(SYNC, Value::Null)],
            Progressing,
            "has no sync status yet",
        ),
        (
            "no health",
            vec![(HEALTH, Value::Null)],
            Progressing,
            "has no health yet",
        ),
        ("sync unknown", vec![(SYNC, json!("Unknown"))], Progressing, "Unknown"),
        (
            "on its way",
            vec![(HEALTH, json!("Progressing"))],
            Progressing,
            "Progressing",
        ),
        ("missing", vec![(HEALTH, json!("Missing"))], Progressing, "Missing"),
        (
            "suspended",
            vec![(HEALTH, json!("Suspended"))],
            Progressing,
            "Suspended",
        ),
        (
            "health unknown",
            vec![(HEALTH, json!("Unknown"))],
            Progressing,
            "Unknown",
        ),
        ("degraded", vec![(HEALTH, json!("Degraded"))], Failing, "Degraded"),
        (
            "degraded by an object that the Application names",
            vec![
                (HEALTH, json!("Degraded")),
                (
                    RESOURCES,
                    deployment(&json!({"health": {"status": "Degraded", "message": "exceeded its progress deadline"}})),
                ),
            ],
            Failing,
            "Deployment.apps shop/cart: Degraded: exceeded its progress deadline",
        ),
        (
            "out of sync, automated, about to start",
            vec![(SYNC, json!("OutOfSync")), (OPERATION, Value::Null)],
            Progressing,
            "OutOfSync",
        ),
        (
            "out of sync, not automated",
            vec![(SYNC, json!("OutOfSync")), (AUTOMATED, Value::Null)],
            Progressing,
            "no automated sync: somebody must start its sync",
        ),
        (
            "out of sync, automation switched off",
            vec![(SYNC, json!("OutOfSync")), (AUTOMATED, json!({"enabled": false}))],
            Progressing,
            "no automated sync: somebody must start its sync",
        ),
        (
            "only prunes left",
            vec![
                (SYNC, json!("OutOfSync")),
                (AUTOMATED, json!({})),
                (
                    RESOURCES,
                    deployment(&json!({"status": "OutOfSync", "requiresPruning": true})),
                ),
            ],
            Progressing,
            "only prunes are left, and automated pruning is off",
        ),
        (
            "synced before, without selfHeal",
            vec![(SYNC, json!("OutOfSync")), (AUTOMATED, json!({"prune": true}))],
            Progressing,
            "this revision was synced already, and without selfHeal Argo CD does not sync it again",
        ),
        (
            "out of sync by an object",
            vec![
                (SYNC, json!("OutOfSync")),
                (RESOURCES, deployment(&json!({"status": "OutOfSync"}))),
            ],
            Progressing,
            "Deployment.apps shop/cart: OutOfSync",
        ),
    ]
}

fn conditions() -> Vec<Row> {
    vec![
        (
            "comparison failed",
            vec![(CONDITIONS, condition("ComparisonError")), (SYNC, json!("Unknown"))],
            Failing,
            "ComparisonError: why in detail",
        ),
        (
            "specification refused",
            vec![(CONDITIONS, condition("InvalidSpecError"))],
            Failing,
            "InvalidSpecError: why in detail",
        ),
        (
            "unknown error",
            vec![(CONDITIONS, condition("UnknownError"))],
            Failing,
            "UnknownError: why in detail",
        ),
        (
            "deletion failed",
            vec![(CONDITIONS, condition("DeletionError"))],
            Failing,
            "DeletionError: why in detail",
        ),
        (
            "sync error beside Synced and Healthy",
            vec![(CONDITIONS, condition("SyncError"))],
            Failing,
            "SyncError: why in detail",
        ),
        (
            "an error that a later version invents",
            vec![(CONDITIONS, condition("NovelError"))],
            Failing,
            "NovelError: why in detail",
        ),
    ]
}

fn going_away() -> Vec<Row> {
    vec![(
        "being deleted",
        vec![
            ("/metadata/deletionTimestamp", json!(STARTED)),
            ("/metadata/finalizers", json!(["a/b"])),
        ],
        Progressing,
        "is being deleted, waits on finalizers: a/b",
    )]
}

#[test]
fn an_application_is_settled_or_says_why_not() {
    let tables = [
        settled(),
        sync_in_the_way(),
        earlier_state(),
        sync_and_health(),
        conditions(),
        going_away(),
    ];
    assert!(tables.iter().map(Vec::len).sum::<usize>() >= 50);
    for (name, changes, phase, blocker) in tables.into_iter().flatten() {
        assert_eq!(said(&app(&changes)), (phase, blocker.to_owned()), "{name}");
    }
}

#[test]
fn annotations_that_hold_a_verdict_back_are_seen() {
    for (annotation, value, blocker) in [
        (
            "argocd.argoproj.io/refresh",
            "hard",
            "a refresh is asked for and not yet answered",
        ),
        (
            "argocd.argoproj.io/skip-reconcile",
            "true",
            "`argocd.argoproj.io/skip-reconcile` tells Argo CD to leave it alone",
        ),
    ] {
        let object = app(&[("/metadata/annotations", json!({annotation: value}))]);
        assert_eq!(said(&object), (NodePhase::Progressing, blocker.to_owned()));
    }
}

#[test]
fn a_verdict_known_to_be_new_enough_needs_no_time() {
    let object = app(&[
        ("/status/operationState", Value::Null),
        ("/status/reconciledAt", json!("2026-11-21T02:00:00Z")),
    ]);
    assert_eq!(application(Application::new(&object), Surroundings::default()), []);
}

#[test]
fn a_window_that_holds_a_sync_back_is_named_before_what_else_may_be() {
    let closed = "held back until 2026-11-22T06:00:00Z by project `shop`";
    let surroundings = Surroundings {
        closed: Some(closed),
        ..Surroundings::default()
    };
    let first = |changes: &[(&str, Value)]| {
        let object = app(changes);
        let obstacles = application(Application::new(&object), surroundings);
        obstacles.first().map(|obstacle| obstacle.blockers[0].to_string())
    };
    let waits = |message: &str| json!({"phase": "Running", "startedAt": "2026-11-21T03:00:00Z", "message": message});
    let held = "Sync operation blocked by sync window";
    for (changes, expected) in [
        (vec![(SYNC, json!("OutOfSync")), (OPERATION, Value::Null)], Some(closed)),
        // Synced at this revision before, and not healing itself: the window comes first.
        (vec![(SYNC, json!("OutOfSync"))], Some(closed)),
        (vec![("/status/operationState", waits(held))], Some(closed)),
        (vec![("/status/operationState", waits("applying"))], Some("applying")),
        (vec![], None),
    ] {
        assert_eq!(first(&changes), expected.map(str::to_owned), "{changes:?}");
    }
}

#[test]
fn many_objects_are_named_by_the_first_three_and_a_count() {
    let resources: Vec<_> = (0..5)
        .map(
            |index| json!({"kind": "Service", "namespace": "shop", "name": format!("s{index}"), "status": "OutOfSync"}),
        )
        .collect();
    let object = app(&[
        (SYNC, json!("OutOfSync")),
        (OPERATION, Value::Null),
        (RESOURCES, json!(resources)),
    ]);
    let blockers = &judge(&object)[0].blockers;
    assert_eq!(blockers.len(), 4);
    assert_eq!(blockers[3].to_string(), "2 more objects are out of sync");
}

#[test]
fn words_are_the_agents_own() {
    assert_eq!(words(Application::new(&app(&[]))), "Synced, Healthy");
    assert_eq!(words(Application::new(&json!({}))), "new");
}

#[test]
fn a_set_is_complete_only_by_all_its_conditions() {
    let set = |conditions: &[(&str, &str)]| {
        let conditions: Vec<_> = conditions
            .iter()
            .map(|(kind, status)| json!({"type": kind, "status": status, "reason": "Why", "message": "so"}))
            .collect();
        json!({"metadata": {"uid": "u"}, "status": {"conditions": conditions}})
    };
    let good = [
        ("ErrorOccurred", "False"),
        ("ParametersGenerated", "True"),
        ("ResourcesUpToDate", "True"),
    ];
    let with = |kind: &'static str, status: &'static str| {
        let mut conditions: Vec<_> = good.into_iter().filter(|(known, _)| *known != kind).collect();
        conditions.push((kind, status));
        conditions
    };
    for (conditions, expected, blocker) in [
        (good.to_vec(), NodePhase::Ready, ""),
        (with("RolloutProgressing", "False"), NodePhase::Ready, ""),
        (
            with("RolloutProgressing", "True"),
            NodePhase::Progressing,
            "RolloutProgressing: so",
        ),
        (with("ErrorOccurred", "True"), NodePhase::Failing, "Why: so"),
        (
            with("ParametersGenerated", "False"),
            NodePhase::Progressing,
            "ParametersGenerated: so",
        ),
        (
            with("ResourcesUpToDate", "False"),
            NodePhase::Progressing,
            "ResourcesUpToDate: so",
        ),
        (good[..2].to_vec(), NodePhase::Progressing, "ResourcesUpToDate: not yet"),
        (
            vec![],
            NodePhase::Progressing,
            "the ApplicationSet controller has not looked at it yet",
        ),
    ] {
        let object = set(&conditions);
        let obstacles = application_set(ApplicationSet::new(&object), 0);
        let first = obstacles
            .first()
            .map(|obstacle| obstacle.blockers[0].to_string())
            .unwrap_or_default();
        assert_eq!(
            (phase(&obstacles, &[]), first.as_str()),
            (expected, blocker),
            "{conditions:?}"
        );
    }
}

#[test]
fn a_policy_allows_only_the_words_it_names() {
    let object = app(&[
        (HEALTH, json!("Degraded")),
        (SYNC, json!("OutOfSync")),
        (OPERATION, Value::Null),
    ]);
    let obstacles = judge(&object);
    let allow = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    assert_eq!(phase(&obstacles, &allow(&["Suspended"])), NodePhase::Failing);
    assert_eq!(phase(&obstacles, &allow(&["Degraded"])), NodePhase::Progressing);
    assert_eq!(
        phase(&obstacles, &allow(&["Degraded", "OutOfSync"])),
        NodePhase::Excepted
    );
}

#[test]
fn what_only_time_can_mend_is_never_allowed() {
    let object = app(&[("/operation", json!({"sync": {}})), (HEALTH, json!("Progressing"))]);
    let every = ["Progressing", "OutOfSync", "Running", ""].map(str::to_owned);
    assert_eq!(phase(&judge(&object), &every), NodePhase::Progressing);
}
