//! The list generator (`generators/list.go`).

use serde_json::{Map, Value};

use super::facts::Attempt;
use super::parameters::Parameters;
use crate::yaml;

pub(super) fn parameters(attempt: &Attempt<'_>, list: &Value) -> Result<Vec<Parameters>, String> {
    let mut sets = Vec::new();
    for element in list["elements"].as_array().into_iter().flatten() {
        let element = element.as_object().ok_or("an element of a list is no mapping")?;
        sets.push(if attempt.is_go {
            element.clone()
        } else {
            texts(element)?
        });
    }
    let written = list["elementsYaml"].as_str().unwrap_or_default();
    if !written.is_empty() {
        let documents = yaml::manifests(written).map_err(|error| format!("`elementsYaml` cannot be read: {error}"))?;
        let items = documents.into_iter().next().map(|(_, value)| value).unwrap_or_default();
        for item in items.as_array().ok_or("`elementsYaml` is no list")? {
            sets.push(
                item.as_object()
                    .ok_or("an element of `elementsYaml` is no mapping")?
                    .clone(),
            );
        }
    }
    Ok(sets)
}

/// Without Go templates a parameter is a text; `values` are parameters of their own.
fn texts(element: &Parameters) -> Result<Parameters, String> {
    let mut set = Map::new();
    for (key, value) in element {
        if key == "values" {
            for (name, value) in value.as_object().ok_or("`values` of an element is no mapping")? {
                set.insert(format!("values.{name}"), text(name, value)?);
            }
        } else {
            set.insert(key.clone(), text(key, value)?);
        }
    }
    Ok(set)
}

fn text(key: &str, value: &Value) -> Result<Value, String> {
    let is_text = value.is_string();
    is_text
        .then(|| value.clone())
        .ok_or_else(|| format!("`{key}` of an element is no text, which only Go templates can use"))
}
