//! An app needs its project.

use super::applications::applications;
use crate::graph::{Draft, Firmness, Reason, Whole, Written};
use crate::platform::argocd::GROUP;
use crate::platform::argocd::application::Application;

/// Puts each Application behind its project, which is where Argo CD is.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    for (index, one, object) in applications(whole) {
        let name = Application::new(object).project();
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
