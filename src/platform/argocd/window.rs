//! The sync windows of a project that an Application is under (`pkg/apis/application/v1alpha1/types.go`, `SyncWindows.Matches`).

use serde_json::Value;

use super::application::{Application, items, text};

/// Returns the windows that the app is under, or may be, in words such as ``deny `0 22 * * *` for 8h``.
///
/// Whether one is open now is the agent's to know: of an automated sync that one holds back it says nothing in the Application.
pub(super) fn windows(app: Application<'_>, project: &Value) -> Vec<String> {
    items(project, "/spec/syncWindows")
        .filter(|window| is_under(app, window))
        .map(|window| {
            let zone = text(window, "/timeZone");
            let zone = if zone.is_empty() {
                String::new()
            } else {
                format!(" ({zone})")
            };
            let (kind, schedule) = (text(window, "/kind"), text(window, "/schedule"));
            format!("{kind} `{schedule}`{zone} for {}", text(window, "/duration"))
        })
        .collect()
}

/// Whether a window is about the app; also where its pattern would have to be matched to know.
fn is_under(app: Application<'_>, window: &Value) -> bool {
    let may_match = |field: &str, names: &[&str]| {
        items(window, field).filter_map(Value::as_str).any(|pattern| {
            let is_pattern = pattern.contains(['*', '?', '[', '{']);
            is_pattern || names.contains(&pattern)
        })
    };
    let matched = [
        ("/applications", vec![app.name()]),
        ("/namespaces", vec![app.namespace()]),
        ("/clusters", app.destination().to_vec()),
    ]
    .map(|(field, names)| {
        let is_said = items(window, field).next().is_some();
        is_said.then(|| may_match(field, &names))
    });
    let mut said = matched.into_iter().flatten();
    if window["andOperator"] == Value::Bool(true) {
        said.all(|matches| matches)
    } else {
        said.any(|matches| matches)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_windows_of_an_app_are_told_by_when_they_are_and_those_of_others_are_not() {
        let app = json!({
            "metadata": {"name": "cart"},
            "spec": {"destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"}},
        });
        let window = |more: Value| {
            let mut window = json!({"kind": "deny", "schedule": "0 22 * * *", "duration": "8h"});
            window
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            windows(Application::new(&app), &json!({"spec": {"syncWindows": [window]}}))
        };
        let told = ["deny `0 22 * * *` for 8h".to_owned()];
        for under in [
            json!({"applications": ["cart"]}),
            json!({"applications": ["c*"]}),
            json!({"applications": ["search"], "namespaces": ["shop"]}),
            json!({"clusters": ["https://kubernetes.default.svc"]}),
            json!({"applications": ["cart"], "namespaces": ["shop"], "andOperator": true}),
        ] {
            assert_eq!(window(under.clone()), told, "{under}");
        }
        for other in [
            json!({}),
            json!({"applications": ["search"]}),
            json!({"applications": ["search"], "namespaces": ["shop"], "andOperator": true}),
        ] {
            assert_eq!(window(other.clone()), [""; 0], "{other}");
        }
        assert_eq!(
            window(json!({"applications": ["*"], "kind": "allow", "timeZone": "Europe/Vienna"})),
            ["allow `0 22 * * *` (Europe/Vienna) for 8h"]
        );
    }
}
