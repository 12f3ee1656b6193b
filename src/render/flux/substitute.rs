//! Replaces variables in rendered objects (`SubstituteVariables` of `fluxcd/pkg/kustomize`, in its strict form).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::Rendered;
use super::super::collect::place;
use super::super::digest::digest;
use super::evaluate::{Wrong, evaluate};
use crate::finding::Finding;
use crate::object::Manifest;
use crate::yaml;

/// The label or annotation that leaves an object as it is.
const MARK: &str = "kustomize.toolkit.fluxcd.io~1substitute";

/// The variables of a Kustomization (`spec.postBuild`). They may be secret: nothing of them is kept on disk.
#[derive(Default)]
pub struct Variables {
    /// The values by name: of ConfigMaps and Secrets in the order of `substituteFrom`, and over them those of `substitute`.
    pub values: BTreeMap<String, String>,
    /// The ConfigMaps and Secrets that are not known, in words; a variable that is not set may be theirs.
    pub unknown: Vec<String>,
}

/// Replaces the variables of all objects. An object with a variable that has no value stays as it is, with a finding that names
/// it.
pub fn substitute(mut rendered: Rendered, variables: &Variables) -> Rendered {
    if variables.values.is_empty() && variables.unknown.is_empty() {
        return rendered;
    }
    // A value has no lines, as in Flux.
    let values = variables
        .values
        .iter()
        .map(|(name, value)| (name.clone(), value.replace('\n', "")))
        .collect();
    let mut findings = Vec::new();
    for manifest in rendered.manifests.iter_mut().chain(&mut rendered.hooks) {
        let is_left = ["labels", "annotations"]
            .iter()
            .any(|field| manifest.text(&format!("/metadata/{field}/{MARK}")) == "disabled");
        if is_left {
            continue;
        }
        let mut wrong = BTreeSet::new();
        let value = replaced(manifest.value(), &values, &mut wrong);
        let changed = Manifest::new(value, manifest.origin().clone());
        match changed {
            Ok(changed) if wrong.is_empty() => *manifest = changed,
            Err(error) if wrong.is_empty() => findings.push(finding(manifest, &error.to_string())),
            _ => {
                let from = variables.unknown.join(", ");
                let from = if from.is_empty() {
                    from
                } else {
                    format!("; {from} could not be read")
                };
                let wrong: Vec<_> = wrong.into_iter().collect();
                findings.push(finding(manifest, &format!("{}{from}", wrong.join(", "))));
            }
        }
    }
    rendered.findings.append(&mut findings);
    rendered.digest = digest(rendered.manifests.iter().chain(&rendered.hooks));
    rendered
}

fn finding(manifest: &Manifest, what: &str) -> Finding {
    let origin = manifest.origin();
    let message = format!("variables of {} cannot be replaced: {what}", manifest.id());
    Finding::error("render/substitution", message).at(place(&origin.file, origin.line, 1))
}

fn replaced(value: &Value, values: &BTreeMap<String, String>, wrong: &mut BTreeSet<String>) -> Value {
    match value {
        Value::String(text) if text.contains('$') => scalar(text, values, wrong),
        Value::Array(items) => items.iter().map(|item| replaced(item, values, wrong)).collect(),
        Value::Object(fields) => {
            let mut changed = Map::new();
            for (name, value) in fields {
                let name = match scalar(name, values, wrong) {
                    Value::String(name) => name,
                    other => other.to_string(),
                };
                changed.insert(name, replaced(value, values, wrong));
            }
            Value::Object(changed)
        }
        other => other.clone(),
    }
}

/// Replaces the variables of a text. Flux does so in the YAML of the object: what is written there without quotes is read
/// anew, so that `${COUNT}` becomes a number.
fn scalar(text: &str, values: &BTreeMap<String, String>, wrong: &mut BTreeSet<String>) -> Value {
    let as_it_is = || Value::String(text.to_owned());
    let evaluated = match evaluate(text, values) {
        Ok(evaluated) => evaluated,
        Err(Wrong::NotSet(name)) => {
            wrong.insert(format!("`{name}` has no value"));
            return as_it_is();
        }
        Err(Wrong::Text(what)) => {
            wrong.insert(format!("{what} in a text with `$`"));
            return as_it_is();
        }
    };
    if evaluated == text || !is_plain(text) {
        return Value::String(evaluated);
    }
    if evaluated.trim().is_empty() {
        return Value::Null;
    }
    let is_collection = evaluated.starts_with(['[', '{']);
    match yaml::manifests(&evaluated).ok().and_then(|mut read| read.pop()) {
        Some((_, value)) if is_collection || !(value.is_array() || value.is_object()) => value,
        // Null is left out by the reader of documents.
        None if ["~", "null", "Null", "NULL"].contains(&evaluated.trim()) => Value::Null,
        _ => {
            wrong.insert("a value makes it no YAML".to_owned());
            as_it_is()
        }
    }
}

/// Whether the YAML of a text needs no quotes (`yaml_emitter_analyze_scalar` of go-yaml).
fn is_plain(text: &str) -> bool {
    let starts_like_a_sign = text.starts_with([
        '#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`',
    ]) || ["- ", "? ", ": "].iter().any(|sign| text.starts_with(sign));
    let has_a_sign = text.contains(": ") || text.ends_with(':') || text.contains(" #");
    let has_lines = text.contains(['\n', '\r', '\t']) || text.trim() != text;
    !(text.is_empty() || starts_like_a_sign || has_a_sign || has_lines)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Origin;
    use crate::render::Form;

    fn substituted(object: Value, unknown: &[&str]) -> (Value, Vec<String>) {
        let manifest = Manifest::new(object, Origin::default()).unwrap();
        let rendered = Rendered {
            form: Form::Kustomize,
            digest: digest([&manifest].into_iter()),
            manifests: vec![manifest],
            hooks: Vec::new(),
            findings: Vec::new(),
            version: None,
            asks: false,
        };
        let values = [
            ("NAME", "shop"),
            ("COUNT", "3"),
            ("YES", "true"),
            ("LIST", "[a, b]"),
            ("LINES", "a\nb"),
            ("ODD", "a: b"),
        ];
        let variables = Variables {
            values: values
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            unknown: unknown.iter().map(|text| (*text).to_owned()).collect(),
        };
        let rendered = substitute(rendered, &variables);
        let said = rendered
            .findings
            .iter()
            .map(|finding| finding.message.clone())
            .collect();
        (rendered.manifests[0].value().clone(), said)
    }

    fn config(data: impl Into<Value>) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "${NAME}"}, "data": data.into()})
    }

    #[test]
    fn values_are_read_as_yaml_where_the_text_has_no_quotes() {
        let data = json!({"a": "${COUNT}", "b": "x-${COUNT}", "c": "${YES}", "d": "${LIST}", "e": "n: ${COUNT}", "f": "${LINES}",
            "${NAME}": "${MISSING:=default}", "g": "$${NAME} costs 5$", "h": 1});
        let (value, said) = substituted(config(data), &[]);
        assert!(said.is_empty(), "{said:?}");
        assert_eq!(value["metadata"]["name"], "shop");
        assert_eq!(
            value["data"],
            json!({"a": 3, "b": "x-3", "c": true, "d": ["a", "b"], "e": "n: 3", "f": "ab", "shop": "default",
                "g": "${NAME} costs 5$", "h": 1})
        );
    }

    #[test]
    fn what_has_no_value_is_named_with_where_it_may_have_come_from() {
        let (value, said) = substituted(
            config(json!({"a": "${MISSING} ${NAME}", "b": "${OTHER}"})),
            &["Secret cluster"],
        );
        assert_eq!(value["data"]["a"], "${MISSING} ${NAME}");
        assert_eq!(
            said,
            [
                "variables of ConfigMap ${NAME} cannot be replaced: `MISSING` has no value, `OTHER` has no value; \
                Secret cluster could not be read"
            ]
        );
        let (_, said) = substituted(config(json!({"a": "${ODD}"})), &[]);
        assert!(said[0].contains("a value makes it no YAML"), "{said:?}");
        assert!(!said[0].contains("a: b"), "{said:?}");
    }

    #[test]
    fn a_marked_object_stays_as_it_is() {
        for field in ["labels", "annotations"] {
            let mut object = config(json!({"a": "${MISSING}"}));
            object["metadata"][field] = json!({"kustomize.toolkit.fluxcd.io/substitute": "disabled"});
            assert_eq!(substituted(object.clone(), &[]), (object, Vec::new()));
        }
    }
}
