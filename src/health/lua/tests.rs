//! What a script may say, and what it cannot do.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Checks, Script};
use crate::health::{Health, Status};

fn certificate() -> Value {
    json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "tls", "finalizers": null},
           "spec": {"names": ["a", "b"]}, "status": {}})
}

fn named<const N: usize>(scripts: [(&str, &str); N]) -> BTreeMap<String, Script> {
    scripts
        .into_iter()
        .map(|(name, text)| (name.to_owned(), Script::new(text, false)))
        .collect()
}

/// Judges a certificate by one script.
fn judged(script: Script) -> Option<Health> {
    let settings = BTreeMap::from([("cert-manager.io/Certificate".to_owned(), script)]);
    Checks::new(settings, BTreeMap::new()).judge(&certificate())
}

fn plain(text: &str) -> Option<Health> {
    judged(Script::new(text, false))
}

/// The message of a script that failed.
#[track_caller]
fn failed(text: &str, libraries: bool) -> String {
    let health = judged(Script::new(text, libraries)).unwrap();
    assert_eq!(health.status, Status::Unknown, "{health:?}");
    let told = health
        .message
        .strip_prefix("the health check for cert-manager.io/Certificate failed: ");
    told.unwrap_or_else(|| panic!("{}", health.message)).to_owned()
}

#[test]
fn a_script_says_how_well_an_object_is() {
    for (text, expected) in [
        (
            "return {status = 'Healthy', message = obj.metadata.name}",
            Some((Status::Healthy, "tls")),
        ),
        ("return {status = 'Degraded'}", Some((Status::Degraded, ""))),
        (
            "return {status = 'Suspended', more = {}}",
            Some((Status::Suspended, "")),
        ),
        (
            "hs = {} hs.status = 'Missing' return 1, hs",
            Some((Status::Missing, "")),
        ),
        (
            "return {status = 'Progressing', message = tostring(#obj.spec.names)}",
            Some((Status::Progressing, "2")),
        ),
        (
            "return {status = 'Progressing', message = tostring(table.getn(obj.spec.names))}",
            Some((Status::Progressing, "2")),
        ),
        (
            "return {status = 'healthy'}",
            Some((Status::Unknown, "it returned a status that there is none of")),
        ),
        (
            "return {message = 'x'}",
            Some((Status::Unknown, "it returned a status that there is none of")),
        ),
        ("return {}", None),
        ("return {'Healthy'}", None),
        ("return {status = 3}", None),
        ("return nil", None),
        ("", None),
    ] {
        let health = plain(text);
        let health = health.as_ref().map(|health| (health.status, health.message.as_str()));
        assert_eq!(health, expected, "{text}");
    }
}

#[test]
fn what_is_null_is_not_there() {
    let text = "if obj.metadata.finalizers == nil and next(obj.status) == nil then return {status = 'Healthy'} end";
    assert_eq!(plain(text), Some(Status::Healthy.into()));
}

#[test]
fn a_script_goes_before_the_check_in_code_and_deletion_before_both() {
    let settings = named([
        ("apps/Deployment", "return {status = 'Degraded', message = 'mine'}"),
        ("Pod", "return {status = 'Healthy'}"),
    ]);
    let checks = Checks::new(settings, BTreeMap::new());
    let mut deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"paused": true}});
    assert_eq!(checks.judge(&deployment), Some(Status::Degraded.because("mine")));
    assert_eq!(
        Checks::default().judge(&deployment),
        Some(Status::Suspended.because("it is paused"))
    );
    assert_eq!(
        checks.judge(&json!({"apiVersion": "v1", "kind": "Pod"})),
        Some(Status::Healthy.into())
    );
    assert_eq!(checks.judge(&certificate()), None);
    deployment["metadata"] = json!({"deletionTimestamp": "2026-11-21T10:00:00Z"});
    assert_eq!(checks.judge(&deployment).unwrap().status, Status::Progressing);
}

#[test]
fn the_settings_go_before_the_bundle_and_names_before_patterns() {
    let says = |who: &str| Script::new(format!("return {{status = 'Healthy', message = '{who}'}}"), false);
    let object = |group: &str, kind: &str| json!({"apiVersion": format!("{group}/v1"), "kind": kind});
    let scripts = |names: &[&str], whose: &str| -> BTreeMap<String, Script> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), says(&format!("{whose} {name}"))))
            .collect()
    };
    let checks = Checks::new(
        scripts(
            &["*.example.com/*", "a.example.com/Named", "*b.org*", "c.io/{One,Two}"],
            "settings",
        ),
        scripts(
            &[
                "a.example.com/Other",
                "*.crossplane.io/*",
                "x.crossplane.io/Named",
                "*.k8s.io/*",
            ],
            "bundle",
        ),
    );
    for (group, kind, expected) in [
        ("a.example.com", "Named", Some("settings a.example.com/Named")),
        ("a.example.com", "Other", Some("settings *.example.com/*")),
        ("b.org", "Kind", Some("settings *b.org*")),
        ("c.io", "Two", Some("settings c.io/{One,Two}")),
        ("c.io", "Three", None),
        ("x.crossplane.io", "Named", Some("bundle x.crossplane.io/Named")),
        ("s3.aws.crossplane.io", "Bucket", Some("bundle *.crossplane.io/*")),
        ("crossplane.io", "Bucket", None),
    ] {
        let health = checks.judge(&object(group, kind));
        assert_eq!(
            health.as_ref().map(|health| health.message.as_str()),
            expected,
            "{group}/{kind}"
        );
    }
    assert_eq!(checks.count(), 8);
    assert_eq!(checks.judge(&json!({"apiVersion": "v1", "kind": "Secret"})), None);
}

#[test]
fn what_anything_checks_is_covered() {
    let checks = Checks::new(
        named([("cert-manager.io/*", "return {}"), ("ConfigMap", "return {}")]),
        BTreeMap::new(),
    );
    for (group, kind, by_scripts, by_code) in [
        ("cert-manager.io", "Certificate", true, false),
        ("", "ConfigMap", true, false),
        ("", "Pod", true, true),
        ("apps", "Deployment", true, true),
        ("", "Secret", false, false),
        ("apps", "Pod", false, false),
    ] {
        assert_eq!(checks.cover(group, kind), by_scripts, "{kind}");
        assert_eq!(Checks::default().cover(group, kind), by_code, "{kind}");
    }
}

#[test]
fn a_script_that_is_not_lua_is_named_and_its_objects_are_unknown() {
    let checks = Checks::new(
        named([
            ("cert-manager.io/Certificate", "return {\n"),
            ("[", "return nil"),
            ("a/B", "return {}"),
        ]),
        named([("c/D", "x = = 1")]),
    );
    let broken: Vec<_> = checks.broken().into_iter().map(|broken| broken.to_string()).collect();
    assert_eq!(broken.len(), 3, "{broken:#?}");
    assert!(
        broken[0].contains("`cert-manager.io/Certificate`") && broken[0].contains("health.lua:2"),
        "{}",
        broken[0]
    );
    assert!(broken[1].contains("`[`"), "{}", broken[1]);
    assert!(broken[2].contains("`c/D`"), "{}", broken[2]);
    let health = checks.judge(&certificate()).unwrap();
    assert_eq!(health.status, Status::Unknown);
    assert!(health.message.contains("health.lua:2"), "{}", health.message);
}

#[test]
fn a_script_that_fails_says_where() {
    let message = failed("local a = obj.spec\nreturn a.b.c", false);
    assert_eq!(message, "health.lua:2: attempt to index field 'b' (a nil value)");
    assert_eq!(
        failed("return 'Healthy'", false),
        "it returned string where a table is expected"
    );
}

#[test]
fn a_loop_without_an_end_is_ended() {
    for text in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "local function again() pcall(again) return again() end return again()",
        "pcall(function() while true do xpcall(function() while true do end end, function() while true do end end) end end)",
        "setmetatable(_G, {__index = function() while true do end end}) return nothing",
    ] {
        assert_eq!(failed(text, true), "it did not end within 1 s", "{text}");
    }
}

#[test]
fn what_cannot_be_ended_is_left_and_not_run_again() {
    // One search of this kind is one instruction, and would take longer than anybody lives.
    let text = "return {message = string.find(string.rep('a', 60), string.rep('a*', 60) .. 'b')}";
    let settings = BTreeMap::from([("cert-manager.io/Certificate".to_owned(), Script::new(text, true))]);
    let checks = Checks::new(settings, BTreeMap::new());
    for expected in [
        "it did not end within 1 s and could not be stopped",
        "so it is not run again",
        "so it is not run again",
    ] {
        let health = checks.judge(&certificate()).unwrap();
        assert_eq!(health.status, Status::Unknown);
        assert!(health.message.ends_with(expected), "{}", health.message);
    }
}

#[test]
fn a_script_that_fills_the_memory_is_ended() {
    const TOO_LARGE: &str = "it needs more memory than 32 MB";
    // On a busy machine the other bound, that of time, may end it first.
    for script in [
        "local a = 'x' while true do a = a .. a end",
        "local t = {} for i = 1, 2^40 do t[i] = {i} end",
    ] {
        let why = failed(script, false);
        assert!(why == TOO_LARGE || why.starts_with("it did not end within"), "{why}");
    }
    assert_eq!(failed("return string.rep('x', 2^30)", true), TOO_LARGE);
    let takes = |size: u32| format!("local a = string.rep('x', {size} * 2^20) return {{status = 'Healthy'}}");
    assert_eq!(failed(&takes(33), true), TOO_LARGE);
    assert_eq!(judged(Script::new(takes(8), true)), Some(Status::Healthy.into()));
}

#[test]
fn a_script_can_neither_read_nor_run_nor_print_nor_load_anything() {
    for libraries in [false, true] {
        for name in [
            "io",
            "debug",
            "package",
            "coroutine",
            "dofile",
            "load",
            "loadfile",
            "loadstring",
            "collectgarbage",
            "os.execute",
            "os.exit",
            "os.getenv",
            "os.remove",
            "os.tmpname",
            "string and string.dump",
        ] {
            let text = format!("return {{status = 'Healthy', message = tostring({name})}}");
            let health = judged(Script::new(text, libraries)).unwrap();
            assert_eq!(
                (health.status, health.message.as_str()),
                (Status::Healthy, "nil"),
                "{name}"
            );
        }
    }
    assert!(failed("return require('io')", true).contains("there is no module 'io'"));
    assert!(failed("setmetatable({}, {__gc = function() while true do end end})", true).contains("finalizers"));
    assert_eq!(
        plain("print('x') return {status = 'Healthy'}"),
        Some(Status::Healthy.into())
    );
}

#[test]
fn the_libraries_are_there_for_who_asks() {
    let time =
        "local os = require('os') if os.time() > 0 and os.date('%Y') + 0 > 2000 then return {status = 'Healthy'} end";
    assert_eq!(plain(time), Some(Status::Healthy.into()));
    let upper = "return {status = 'Healthy', message = string.upper('a') .. ('b'):upper() .. math.floor(1.5)}";
    assert_eq!(judged(Script::new(upper, true)), Some(Status::Healthy.because("AB1")));
    assert!(failed(upper, false).contains("'string' (a nil value)"));
}

#[test]
fn no_script_sees_what_another_left() {
    let text = "local was = left left = true string = nil return {status = 'Healthy', message = tostring(was)}";
    let settings = BTreeMap::from([("cert-manager.io/Certificate".to_owned(), Script::new(text, true))]);
    let checks = Checks::new(settings, BTreeMap::new());
    for _ in 0..2 {
        assert_eq!(checks.judge(&certificate()), Some(Status::Healthy.because("nil")));
    }
}
