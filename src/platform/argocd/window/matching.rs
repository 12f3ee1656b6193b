//! To which apps a window applies (`pkg/apis/application/v1alpha1/types.go`, `SyncWindows.Matches`).

use serde_json::Value;

use crate::platform::argocd::application::{Application, items};
use crate::platform::argocd::glob::is_match;

/// Whether a window applies to an app, by its name, by its cluster or by its namespace: by any of them, or by all that are
/// chosen where the window says so.
pub(super) fn applies(window: &Value, app: Application<'_>) -> bool {
    let (cluster, server) = app.destination();
    let chosen = [
        ("/applications", vec![app.name()]),
        ("/clusters", vec![cluster, server]),
        ("/namespaces", vec![app.namespace()]),
    ];
    let mut fits = chosen
        .into_iter()
        .filter(|(pointer, _)| items(window, pointer).next().is_some())
        .map(|(pointer, names)| {
            // A namespace that is not named is matched by `*`, as there; a cluster is not.
            let named = names
                .iter()
                .filter(|name| !name.is_empty() || *pointer == *"/namespaces");
            let patterns = || items(window, pointer).filter_map(Value::as_str);
            named
                .into_iter()
                .any(|name| patterns().any(|pattern| is_match(pattern, name, false)))
        })
        .peekable();
    if window["andOperator"] == Value::Bool(true) {
        fits.peek().is_some() && fits.all(|fit| fit)
    } else {
        fits.any(|fit| fit)
    }
}
