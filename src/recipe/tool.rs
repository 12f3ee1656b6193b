//! Which of the programs, with what it is told.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Directory, Flux, Helm, Kustomize};

/// How a folder is rendered, where that is said. Where it is not, the folder says it by the files that it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Tool {
    /// Files as they are, and jsonnet.
    Directory(Directory),
    /// A kustomization.
    Kustomize(Kustomize),
    /// A Helm chart.
    Helm(Box<Helm>),
    /// What Flux makes of a folder: a kustomization, written by it where there is none.
    Flux(Box<Flux>),
}

/// Reads what an object says under `name`; `None` where it says nothing that has an effect.
///
/// A setting that is not heeded would make the result a guess, so what is not known is an error that names it.
pub fn read<T: DeserializeOwned>(name: &str, value: &Value) -> Result<Option<T>, String> {
    let fields: Map<String, Value> = match value {
        Value::Null => return Ok(None),
        Value::Object(fields) => fields.clone(),
        _ => return Err(format!("`{name}` is not a mapping")),
    };
    // `valuesObject: {}` counts: it takes the place of `values`.
    let said: Map<String, Value> = fields
        .into_iter()
        .filter(|(key, value)| says_something(value) || (key == "valuesObject" && value.is_object()))
        .collect();
    if said.is_empty() {
        return Ok(None);
    }
    serde_json::from_value(Value::Object(said)).map(Some).map_err(|error| {
        let words = error.to_string();
        match words
            .strip_prefix("unknown field `")
            .and_then(|rest| rest.split_once('`'))
        {
            Some((field, _)) => only_the_agent(&format!("{name}.{field}")),
            None => format!("`{name}` cannot be read: {words}"),
        }
    })
}

fn only_the_agent(what: &str) -> String {
    format!("`{what}`, which only the agent can render")
}

/// Whether a setting is there and is not what goes without saying.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => fields.values().any(says_something),
        Value::Bool(true) | Value::Number(_) => true,
    }
}
