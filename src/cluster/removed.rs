//! What a client-side apply would take out of an object: a server's dry run for a manager who owns nothing there cannot show it.

use serde_json::Value;

/// Where clients that apply keep what they applied last (`kubectl`, and Argo CD with it).
const LAST: &str = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";

/// Returns whether applying `wanted` would remove anything that was applied last and is there still; `None` where nobody has
/// written down what was.
pub(super) fn would_remove(live: &Value, wanted: &Value) -> Option<bool> {
    let last: Value = serde_json::from_str(live.pointer(LAST)?.as_str()?).ok()?;
    Some(removes(&last, wanted, live))
}

/// Whether anything of `last` is not in `wanted` and still in `live`.
fn removes(last: &Value, wanted: &Value, live: &Value) -> bool {
    match (last, wanted, live) {
        (Value::Object(last), Value::Object(wanted), Value::Object(live)) => last.iter().any(|(key, was)| {
            let Some(is) = live.get(key).filter(|is| !was.is_null() && !is.is_null()) else {
                return false;
            };
            // An empty value is written by some and left out by others.
            match wanted.get(key).filter(|to_be| !to_be.is_null()) {
                None => says_something(was) && says_something(is),
                Some(to_be) => removes(was, to_be, is),
            }
        }),
        (Value::Array(last), Value::Array(wanted), Value::Array(live)) => last.iter().any(|was| {
            // The merge keys of most lists; the others are compared by what their items say.
            let same = |item: &&Value| match (name(was), name(item)) {
                (Some(was), Some(item)) => was == item,
                _ => covers(item, was),
            };
            match (wanted.iter().find(same), live.iter().find(same)) {
                (Some(to_be), Some(is)) => removes(was, to_be, is),
                (to_be, is) => to_be.is_none() && is.is_some(),
            }
        }),
        _ => false,
    }
}

fn name(item: &Value) -> Option<&str> {
    item.get("name")?.as_str()
}

/// Whether an item says all that another says.
fn covers(item: &Value, other: &Value) -> bool {
    match (item, other) {
        (Value::Object(item), Value::Object(other)) => other
            .iter()
            .all(|(key, value)| item.get(key).is_some_and(|own| covers(own, value))),
        (item, other) => item == other,
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn live(last: &Value, mut now: Value) -> Value {
        now["metadata"]["annotations"] =
            json!({"kubectl.kubernetes.io/last-applied-configuration": last.to_string(), "of": "another"});
        now
    }

    #[test]
    fn what_was_applied_and_is_no_longer_wanted_would_be_removed() {
        let container = |env: Value| json!({"spec": {"containers": [{"name": "main", "env": env}]}});
        let both = json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]);
        for (last, now, wanted, removed) in [
            (
                json!({"data": {"a": "1", "b": "2"}}),
                json!({"data": {"a": "1", "b": "2"}}),
                json!({"data": {"a": "1"}}),
                true,
            ),
            // Somebody has taken it out already.
            (
                json!({"data": {"a": "1", "b": "2"}}),
                json!({"data": {"a": "1"}}),
                json!({"data": {"a": "1"}}),
                false,
            ),
            // Others have put it there.
            (
                json!({"data": {"a": "1"}}),
                json!({"data": {"a": "1", "b": "2"}}),
                json!({"data": {"a": "1"}}),
                false,
            ),
            (
                json!({"data": {"a": "1"}}),
                json!({"data": {"a": "1"}}),
                json!({}),
                true,
            ),
            (
                json!({"data": {}, "x": null}),
                json!({"data": {}, "x": 1}),
                json!({}),
                false,
            ),
            (
                container(both.clone()),
                container(both.clone()),
                container(json!([{"name": "A", "value": "1"}])),
                true,
            ),
            (
                container(both.clone()),
                container(both.clone()),
                container(both.clone()),
                false,
            ),
            (
                container(json!([])),
                container(both.clone()),
                container(json!([])),
                false,
            ),
            (
                json!({"args": ["a", "b"]}),
                json!({"args": ["a", "b"]}),
                json!({"args": ["a"]}),
                true,
            ),
            (
                json!({"ports": [{"port": 80}, {"port": 81}]}),
                json!({"ports": [{"port": 80, "protocol": "TCP"}, {"port": 81, "protocol": "TCP"}]}),
                json!({"ports": [{"port": 80}]}),
                true,
            ),
        ] {
            assert_eq!(
                would_remove(&live(&last, now.clone()), &wanted),
                Some(removed),
                "{last} {now} {wanted}"
            );
        }
        assert_eq!(would_remove(&json!({"data": {"a": "1"}}), &json!({})), None);
    }
}
