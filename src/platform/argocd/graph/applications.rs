//! The Applications among what brings objects.

use serde_json::Value;

use crate::graph::{App, Whole};
use crate::platform::argocd::GROUP;

/// Returns each Application: its place in [`Whole::apps`], the app, and its own object.
pub(super) fn applications<'p>(whole: &Whole<'p>) -> impl Iterator<Item = (usize, &'p App, &'p Value)> + use<'p> {
    whole.apps.iter().enumerate().filter_map(|(index, app)| {
        let object = &app.object.as_ref()?.manifest;
        object.is(GROUP, "Application").then(|| (index, app, object.value()))
    })
}
