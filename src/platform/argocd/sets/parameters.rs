//! Sets of parameters: how they are flattened, written and laid over each other.

use serde_json::{Map, Value};

/// One set of parameters.
pub(super) type Parameters = Map<String, Value>;

/// Returns all values that are no mappings or lists, by their path with dots (`jeremywohl/flatten`, `DotStyle`), written as
/// Go's `%v` writes them.
pub(super) fn flat(parameters: &Parameters) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, value) in parameters {
        flatten(key.clone(), value, &mut out);
    }
    out
}

fn flatten(key: String, value: &Value, out: &mut Map<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(format!("{key}.{name}"), value, out);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                flatten(format!("{key}.{index}"), value, out);
            }
        }
        scalar => {
            out.insert(key, written(scalar).into());
        }
    }
}

/// Returns a value as Go's `%v` writes it. All numbers are floating there.
pub(super) fn written(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), float),
        Value::Bool(truth) => truth.to_string(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(written).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields
                .iter()
                .map(|(key, value)| format!("{key}:{}", written(value)))
                .collect();
            fields.sort();
            format!("map[{}]", fields.join(" "))
        }
    }
}

/// A million is `1e+06` for Go (`strconv`, format `g` with the fewest digits).
fn float(number: f64) -> String {
    let shortest = format!("{number:e}");
    let Some((digits, exponent)) = shortest.split_once('e') else {
        return shortest;
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => number.to_string(),
    }
}

/// Whether a value is Go's zero value of its type, which `mergo` takes for "not given".
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) => false,
    }
}

/// Lays `over` over `under`, mapping by mapping (`mergo.Merge` with `WithOverride`): what is empty there covers nothing.
pub(super) fn overlay(under: &mut Parameters, over: &Parameters) {
    for (key, value) in over {
        match (under.get_mut(key), value) {
            (Some(Value::Object(under)), Value::Object(over)) => overlay(under, over),
            (Some(under), value) if !is_empty(value) => *under = value.clone(),
            (Some(_), _) => {}
            (None, value) => {
                under.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Fills what is empty in `wanted` from `base`, mapping by mapping (`mergo.Merge`).
pub(super) fn fill(wanted: &mut Value, base: &Value) {
    if is_empty(wanted) {
        wanted.clone_from(base);
        return;
    }
    if let (Value::Object(wanted), Value::Object(base)) = (wanted, base) {
        for (key, value) in base {
            fill(wanted.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Joins two sets whose common parameters must be equal (`utils.CombineStringMaps`).
pub(super) fn combine(one: &Parameters, other: &Parameters) -> Result<Parameters, String> {
    let mut all: Parameters = one
        .iter()
        .map(|(key, value)| (key.clone(), written(value).into()))
        .collect();
    for (key, value) in other {
        let value = Value::from(written(value));
        if let Some(before) = all.get(key).filter(|before| **before != value) {
            return Err(format!(
                "both generators of a matrix give `{key}`: {} and {}",
                written(before),
                written(&value)
            ));
        }
        all.insert(key.clone(), value);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: &Value) -> Parameters {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn parameters_are_flattened_with_dots_and_written_as_go_writes_them() {
        let flat = flat(&of(
            &json!({"a": {"b": [1, 2.5, true], "c": null}, "d": "x", "e": {}, "f": [123_456, 1_234_567, 0.00001, -2]}),
        ));
        let expected = json!({"a.b.0": "1", "a.b.1": "2.5", "a.b.2": "true", "a.c": "<nil>", "d": "x",
            "f.0": "123456", "f.1": "1.234567e+06", "f.2": "1e-05", "f.3": "-2"});
        assert_eq!(Value::Object(flat), expected);
    }

    #[test]
    fn what_is_empty_covers_nothing() {
        let mut under = of(&json!({"a": {"x": "1", "y": "2"}, "b": "3", "c": "4"}));
        overlay(&mut under, &of(&json!({"a": {"x": "9", "z": "8"}, "b": "", "d": ""})));
        assert_eq!(
            Value::Object(under),
            json!({"a": {"x": "9", "y": "2", "z": "8"}, "b": "3", "c": "4", "d": ""})
        );
        let mut wanted = json!({"metadata": {"name": "own"}, "spec": {"source": {"path": ""}}});
        fill(
            &mut wanted,
            &json!({"metadata": {"name": "base", "labels": {"a": "b"}}, "spec": {"source": {"path": "p"}}}),
        );
        assert_eq!(
            wanted,
            json!({"metadata": {"name": "own", "labels": {"a": "b"}}, "spec": {"source": {"path": "p"}}})
        );
    }

    #[test]
    fn what_two_generators_say_differently_is_an_error() {
        let (one, other) = (of(&json!({"a": "1", "b": "2"})), of(&json!({"b": "2", "c": "3"})));
        assert_eq!(
            Value::Object(combine(&one, &other).unwrap()),
            json!({"a": "1", "b": "2", "c": "3"})
        );
        assert!(combine(&one, &of(&json!({"a": "9"}))).unwrap_err().contains("`a`"));
    }
}
