//! Whether the live objects of an app are well, as they were last seen themselves and not by the agent.

use super::Tree;
use crate::health::Status;
use crate::platform::argocd::application::Application;
use crate::platform::live::Sight;

/// How the live objects of an app are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wellness {
    /// All that have a health are Healthy.
    Well,
    /// One is not, or is not there.
    Unwell,
    /// Of one nothing is known, or the app has none.
    Unseen,
}

/// Judges the live objects of an app by what is known of them. Hooks come and go, and do not count.
pub(super) fn wellness(app: Application<'_>, tree: &Tree) -> Wellness {
    if !app.is_in_cluster() || app.resources().next().is_none() {
        return Wellness::Unseen;
    }
    let mut wellness = Wellness::Well;
    for resource in app.resources().filter(|resource| !resource.is_hook()) {
        let id = resource.id();
        if resource.is_app() {
            // A child is a node of its own; to its parent it is well if the agent says so.
            let child = tree.applications.get(&app.with_namespace(id));
            if child.is_some_and(|child| Application::new(child).health() != "Healthy") {
                wellness = Wellness::Unwell;
            }
            continue;
        }
        match tree.kinds.get(&(id.group.clone(), id.kind.clone())) {
            None => return Wellness::Unseen,
            Some(Sight::Unchecked) => {}
            Some(Sight::Watched) => {
                let live = tree.live.get(&id);
                let is_well = live.is_some_and(|live| {
                    let health = live.health.as_ref();
                    health.is_none_or(|health| health.status == Status::Healthy)
                });
                if !is_well {
                    wellness = Wellness::Unwell;
                }
            }
        }
    }
    wellness
}

#[cfg(test)]
#[path = "well_tests.rs"]
mod tests;
