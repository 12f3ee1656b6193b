//! An app needs its project.

use crate::graph::{Draft, Firmness, Reason, Whole, Written};
use crate::platform::argocd::GROUP;
use crate::platform::argocd::application::text;

/// Puts each Application behind its project, which is where Argo CD is.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    for (index, one) in whole.apps.iter().enumerate() {
        let Some(object) = one
            .object
            .as_ref()
            .filter(|object| object.manifest.is(GROUP, "Application"))
        else {
            continue;
        };
        let name = match text(object.manifest.value(), "/spec/project") {
            "" => "default",
            named => named,
        };
        let namespace = match whole.known.agent_namespace.as_str() {
            "" => &one.id.namespace,
            named => named,
        };
        let app = draft.app(whole, index);
        let project = draft.object("", (GROUP, "AppProject"), namespace, name);
        draft.wait(
            app.exists(),
            project.exists(),
            Reason::Project,
            Firmness::Conditional,
            Written::App(index),
        );
    }
}
