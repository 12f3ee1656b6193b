//! Label selectors, also over parameters, whose values need not be labels (`applicationset/utils/selector.go`).

use serde_json::{Map, Value};

use super::parameters::Parameters;

/// Whether a selector says anything at all; an empty one takes everything.
pub(super) fn is_selective(selector: &Value) -> bool {
    let says = |name: &str| match &selector[name] {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    says("matchLabels") || says("matchExpressions")
}

/// Whether these values, all of them texts, are taken.
pub(super) fn takes(selector: &Value, values: &Map<String, Value>) -> Result<bool, String> {
    let labels = selector["matchLabels"].as_object();
    if labels
        .into_iter()
        .flatten()
        .any(|(key, value)| values.get(key) != Some(value))
    {
        return Ok(false);
    }
    for rule in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = rule["key"].as_str().unwrap_or_default();
        let value = values.get(key);
        let is_among = || {
            let among = rule["values"].as_array().into_iter().flatten();
            value.is_some_and(|value| among.into_iter().any(|one| one == value))
        };
        let holds = match rule["operator"].as_str().unwrap_or_default() {
            "In" => is_among(),
            "NotIn" => !is_among(),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            other => return Err(format!("`{other}` is no operator of a selector")),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Leaves the sets that the selector of a generator takes.
pub(super) fn chosen(selector: &Value, sets: Vec<Parameters>) -> Result<Vec<Parameters>, String> {
    if selector.is_null() {
        return Ok(sets);
    }
    let mut left = Vec::new();
    for set in sets {
        if takes(selector, &super::parameters::flat(&set))? {
            left.push(set);
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_selector_takes_what_all_its_rules_take() {
        let values = json!({"env": "prod", "server": "https://10.0.0.9:6443"});
        let values = values.as_object().unwrap();
        for (selector, expected) in [
            (json!({}), true),
            (json!({"matchLabels": {"env": "prod"}}), true),
            (json!({"matchLabels": {"env": "test"}}), false),
            (json!({"matchLabels": {"server": "https://10.0.0.9:6443"}}), true),
            (
                json!({"matchExpressions": [{"key": "env", "operator": "In", "values": ["test", "prod"]}]}),
                true,
            ),
            (
                json!({"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["prod"]}]}),
                false,
            ),
            (
                json!({"matchExpressions": [{"key": "absent", "operator": "NotIn", "values": ["prod"]}]}),
                true,
            ),
            (
                json!({"matchExpressions": [{"key": "absent", "operator": "Exists"}]}),
                false,
            ),
            (
                json!({"matchExpressions": [{"key": "absent", "operator": "DoesNotExist"}]}),
                true,
            ),
        ] {
            assert_eq!(takes(&selector, values), Ok(expected), "{selector}");
        }
        assert!(takes(&json!({"matchExpressions": [{"key": "a", "operator": "Near"}]}), values).is_err());
    }
}
