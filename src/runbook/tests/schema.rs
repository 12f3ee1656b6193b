//! The JSON schema and the parser know the same runbook.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{broken, good};
use crate::runbook::{parse, schema};

/// What a schema can see. Of the rest it must not complain.
const STRUCTURAL: [&str; 14] = [
    "runbook/unknown-key",
    "runbook/missing-key",
    "runbook/wrong-type",
    "runbook/empty-value",
    "runbook/no-kind",
    "runbook/several-kinds",
    "runbook/unknown-word",
    "runbook/out-of-range",
    "runbook/env-not-allowed",
    "runbook/name",
    "runbook/digest",
    "runbook/path",
    "runbook/variable-name",
    "runbook/cluster",
];

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&schema()).unwrap()
}

#[test]
fn the_schema_accepts_what_the_parser_accepts() {
    for text in [good::SMALL, good::COMPLETE, good::DESIGN] {
        let value: Value = crate::yaml::runbook(text).unwrap();
        let errors: Vec<_> = validator()
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new());
    }
}

#[test]
fn the_schema_refuses_what_is_broken_in_structure_and_nothing_else() {
    let validator = validator();
    let mut seen = BTreeSet::new();
    for broken in broken::all() {
        // What is no YAML has no structure.
        let Ok(value) = crate::yaml::runbook::<Value>(&broken.text) else {
            continue;
        };
        let structural = broken.expected.iter().any(|(rule, _)| STRUCTURAL.contains(rule));
        let rules: Vec<_> = broken.expected.iter().map(|(rule, _)| *rule).collect();
        if structural {
            assert!(
                !validator.is_valid(&value),
                "the schema accepts `{}`, {rules:?}",
                broken.name
            );
            seen.extend(rules);
        } else if !rules.iter().any(|rule| may_be_seen(rule)) {
            let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert_eq!(errors, Vec::<String>::new(), "{}", broken.name);
        }
    }
    assert!(STRUCTURAL.iter().all(|rule| seen.contains(rule)), "{seen:?}");
}

/// Whether a pattern sees a part of what the parser sees.
fn may_be_seen(rule: &str) -> bool {
    matches!(
        rule,
        "runbook/syntax"
            | "runbook/url"
            | "runbook/url-credentials"
            | "runbook/duration"
            | "runbook/literal-secret"
            | "runbook/tag"
            | "runbook/merge-key"
            | "runbook/empty"
    )
}

/// Collects the keys that a schema names, as `sources.*.git`.
fn named(schema: &Value, path: &str, out: &mut BTreeSet<String>) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        named(property, &path, out);
        out.insert(path);
    }
    if schema["additionalProperties"].is_object() {
        named(&schema["additionalProperties"], &format!("{path}.*"), out);
    }
    if schema["items"].is_object() {
        named(&schema["items"], path, out);
    }
    for choice in schema["oneOf"].as_array().into_iter().flatten() {
        named(choice, path, out);
    }
}

/// Collects the keys of a runbook that the schema names.
fn used(value: &Value, path: &str, known: &BTreeSet<String>, out: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| used(item, path, known, out)),
        Value::Object(entries) => {
            for (key, value) in entries {
                let own = format!("{path}.{key}");
                if known.contains(&own) {
                    used(value, &own, known, out);
                    out.insert(own);
                } else {
                    used(value, &format!("{path}.*"), known, out);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn the_complete_runbook_uses_every_key_that_the_schema_names() {
    let (mut known, mut found) = (BTreeSet::new(), BTreeSet::new());
    named(&schema(), "", &mut known);
    // The example of the design reads a role's id from the environment, the complete runbook has it in the file.
    for text in [good::COMPLETE, good::DESIGN, good::WARNED] {
        let value: Value = crate::yaml::runbook(text).unwrap();
        used(&value, "", &known, &mut found);
    }
    // A runbook has one agent.
    let missing: Vec<_> = known
        .difference(&found)
        .filter(|key| !key.starts_with(".agent.flux"))
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
    assert!(known.len() > 90, "{}", known.len());
}

/// Returns the places of all values in a value.
fn pointers(value: &Value, path: &str, out: &mut Vec<String>) {
    out.push(path.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{path}/{index}"), out);
            }
        }
        Value::Object(entries) => {
            for (key, entry) in entries {
                pointers(entry, &format!("{path}/{}", key.replace('/', "~1")), out);
            }
        }
        _ => {}
    }
}

/// Returns the edits of a value, each with its name: something else in each place, and keys left out, added or renamed.
fn edits(whole: &Value) -> Vec<(String, Value)> {
    let mut edits = Vec::new();
    let mut paths = Vec::new();
    pointers(whole, "", &mut paths);
    let others = [
        json!("word"),
        json!("Two Words"),
        json!(7),
        json!(true),
        json!([]),
        json!(["word"]),
        json!({}),
        json!({"env": "NAME"}),
        json!({"word": "word"}),
        json!(null),
        json!(""),
    ];
    for path in &paths {
        for other in &others {
            let mut edited = whole.clone();
            *edited.pointer_mut(path).unwrap() = other.clone();
            edits.push((format!("{path} = {other}"), edited));
        }
        let keys: Vec<_> = whole
            .pointer(path)
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|map| map.keys())
            .collect();
        for key in keys {
            let mut without = whole.clone();
            let removed = without
                .pointer_mut(path)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(key)
                .unwrap();
            let mut renamed = without.clone();
            renamed.pointer_mut(path).unwrap()[format!("{key}x")] = removed.clone();
            let mut more = whole.clone();
            more.pointer_mut(path).unwrap()[format!("{key}x")] = removed;
            edits.push((format!("{path} without {key}"), without));
            edits.push((format!("{path} with {key}x for {key}"), renamed));
            edits.push((format!("{path} with {key} and {key}x"), more));
        }
    }
    edits
}

#[test]
fn the_schema_and_the_parser_agree_on_every_edit_of_the_complete_runbook() {
    let validator = validator();
    let whole: Value = crate::yaml::runbook(good::COMPLETE).unwrap();
    let mut disagreed = String::new();
    let (mut refused, mut accepted) = (0, 0);
    for (name, edited) in edits(&whole) {
        let text = crate::yaml::write(&edited).unwrap();
        let (_, findings) = parse("runbook.yaml", &text);
        let rules: BTreeSet<_> = findings.iter().map(|finding| finding.rule).collect();
        let structural = rules.iter().any(|rule| STRUCTURAL.contains(rule));
        if !structural && rules.iter().any(|rule| may_be_seen(rule)) {
            continue;
        }
        if validator.is_valid(&edited) == structural {
            let _ = writeln!(disagreed, "{name}: the parser says {rules:?}");
        } else if structural {
            refused += 1;
        } else {
            accepted += 1;
        }
    }
    assert!(disagreed.is_empty(), "{disagreed}");
    assert!(
        refused > 1000 && accepted > 250,
        "{refused} refused, {accepted} accepted"
    );
}
