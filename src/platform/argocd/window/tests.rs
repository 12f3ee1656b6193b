use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::closed::closed;
use super::schedule::Schedule;
use crate::platform::argocd::application::Application;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_schedule_says_when_it_is_next() {
    for (schedule, after, next) in [
        ("* * * * *", "2026-11-21T21:00:30Z", "2026-11-21T21:01:00Z"),
        // Never the very moment.
        ("0 22 * * *", "2026-11-21T22:00:00Z", "2026-11-22T22:00:00Z"),
        ("*/15 8-17 * * *", "2026-11-21T17:45:00Z", "2026-11-22T08:00:00Z"),
        ("10-30/10 0 1 * *", "2026-11-21T00:00:00Z", "2026-12-01T00:10:00Z"),
        ("50/5 3 * * *", "2026-11-21T03:51:00Z", "2026-11-21T03:55:00Z"),
        ("0 9 * * MON-fri", "2026-11-21T10:00:00Z", "2026-11-23T09:00:00Z"),
        ("0 9 * jan,Mar 0", "2026-11-21T10:00:00Z", "2027-01-03T09:00:00Z"),
        // Both a day and a weekday: either will do; with a star both must.
        ("0 0 13 * 5", "2026-11-21T00:00:00Z", "2026-11-27T00:00:00Z"),
        ("0 0 */2 * 5", "2026-11-21T00:00:00Z", "2026-11-23T00:00:00Z"),
        ("0 0 29 2 *", "2026-11-21T00:00:00Z", "2028-02-29T00:00:00Z"),
    ] {
        let found = Schedule::parse(schedule).unwrap().next(time(after).as_second());
        assert_eq!(found, Some(time(next).as_second()), "{schedule} after {after}");
    }
    assert_eq!(Schedule::parse("0 0 30 2 *").unwrap().next(0), None);
}

#[test]
fn what_argo_cd_does_not_read_is_not_read() {
    for schedule in [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 7",
        "5-1 * * * *",
        "*/0 * * * *",
        "x * * * *",
        "@daily",
        "1--2 * * * *",
    ] {
        assert_eq!(Schedule::parse(schedule), None, "{schedule}");
    }
}

fn app() -> Value {
    json!({
        "metadata": {"name": "shop-cart"},
        "spec": {"project": "shop", "destination": {"server": "https://kubernetes.default.svc", "namespace": "cart"}},
    })
}

fn told(windows: &Value, now: &str) -> Option<String> {
    let project = json!({"metadata": {"name": "shop"}, "spec": {"syncWindows": windows}});
    closed(Application::new(&app()), &project, time(now)).map(|closed| closed.reason)
}

/// A window as written, with some fields of its own.
fn window(kind: &str, schedule: &str, duration: &str, other: &Value) -> Value {
    let mut window = json!({"kind": kind, "schedule": schedule, "duration": duration, "applications": ["shop-*"]});
    for (field, value) in other.as_object().unwrap() {
        window[field] = value.clone();
    }
    window
}

#[test]
fn a_closed_window_is_named_with_the_time_until_which_it_holds_the_app_back() {
    let plain = json!({});
    let night = window("deny", "0 22 * * *", "8h", &plain);
    let work = window("allow", "0 8 * * *", "1h30m", &json!({"manualSync": true}));
    let forever = window("deny", "* * * * *", "1h", &plain);
    let berlin = window(
        "deny",
        "0 22 * * *",
        "1h",
        &json!({"timeZone": "Europe/Berlin", "description": "ticket 4711"}),
    );
    for (windows, now, expected) in [
        (json!([]), "2026-11-21T23:00:00Z", None),
        (json!([night]), "2026-11-21T21:59:59Z", None),
        (
            json!([night]),
            "2026-11-21T23:00:00Z",
            Some("held back until 2026-11-22T06:00:00Z by project `shop`: its sync window deny `0 22 * * *` for 8h"),
        ),
        (json!([night]), "2026-11-22T06:00:00Z", None),
        (
            json!([work]),
            "2026-11-21T23:00:00Z",
            Some(
                "held back until 2026-11-22T08:00:01Z by project `shop`: its sync window allow `0 8 * * *` for 1h30m; a sync started by hand is let through",
            ),
        ),
        (json!([work]), "2026-11-22T09:00:00Z", None),
        // What denies goes before what allows, and what follows on it is counted in.
        (
            json!([
                work,
                window("deny", "30 8 * * *", "1h", &plain),
                window("deny", "0 9 * * *", "2h", &plain)
            ]),
            "2026-11-22T08:45:00Z",
            Some("held back until 2026-11-23T08:00:01Z by project `shop`: its sync window deny `30 8 * * *` for 1h"),
        ),
        (
            json!([berlin]),
            "2026-11-21T21:30:00Z",
            Some(
                "held back until 2026-11-21T22:00:00Z by project `shop`: its sync window deny `0 22 * * *` for 1h in Europe/Berlin (ticket 4711)",
            ),
        ),
        (
            json!([forever]),
            "2026-11-21T21:30:00Z",
            Some("held back with no end in sight by project `shop`: its sync window deny `* * * * *` for 1h"),
        ),
        (
            json!([window("deny", "0 22 * *", "8h", &plain)]),
            "2026-11-21T12:00:00Z",
            Some(
                "held back by project `shop`: its sync window deny `0 22 * *` for 8h cannot be read, and while that is so nothing is synced; mend it",
            ),
        ),
        (
            json!([window("deny", "0 22 * * *", "8 hours", &plain)]),
            "2026-11-21T12:00:00Z",
            Some(
                "held back by project `shop`: its sync window deny `0 22 * * *` for 8 hours cannot be read, and while that is so nothing is synced; mend it",
            ),
        ),
    ] {
        assert_eq!(told(&windows, now), expected.map(str::to_owned), "{windows} at {now}");
    }
}

#[test]
fn a_window_holds_back_what_it_is_for_and_nothing_else() {
    for (chosen, is_held) in [
        (json!({"applications": ["shop-cart"]}), true),
        (json!({"applications": ["*"]}), true),
        (json!({"applications": ["cart"]}), false),
        (json!({"applications": ["cart"], "namespaces": ["c?rt"]}), true),
        (json!({"applications": [], "clusters": ["https://kubernetes.*"]}), true),
        (json!({"applications": [], "clusters": ["in-cluster"]}), false),
        (json!({"applications": []}), false),
        (json!({"namespaces": ["other"], "andOperator": true}), false),
        (json!({"namespaces": ["cart"], "andOperator": true}), true),
        (json!({"applications": [], "andOperator": true}), false),
    ] {
        let windows = json!([window("deny", "* * * * *", "1h", &chosen)]);
        assert_eq!(told(&windows, "2026-11-21T21:30:00Z").is_some(), is_held, "{chosen}");
    }
}

proptest! {
    #[test]
    fn until_the_time_that_is_named_it_is_held_back_and_from_then_on_not(
        hours in proptest::collection::vec((0..24_u8, 0..60_u8, 1..20_u8, any::<bool>()), 1..4),
        minutes in 0..3000_i64,
        part in 0..100_i64,
    ) {
        let windows: Vec<_> = hours.iter().map(|(hour, minute, long, denies)| {
            window(if *denies { "deny" } else { "allow" }, &format!("{minute} {hour} * * *"), &format!("{long}h"), &json!({}))
        }).collect();
        let project = json!({"metadata": {"name": "shop"}, "spec": {"syncWindows": windows}});
        let object = app();
        let is = |at: Timestamp| closed(Application::new(&object), &project, at);
        let now = Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap();
        if let Some(until) = is(now).and_then(|closed| closed.until) {
            prop_assert!(is(until).is_none());
            let between = now.as_second() + (until.as_second() - 1 - now.as_second()) * part / 100;
            prop_assert!(is(Timestamp::from_second(between).unwrap()).is_some());
        }
    }
}
