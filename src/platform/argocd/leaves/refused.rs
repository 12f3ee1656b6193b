//! What a platform must not hold, or nothing would be known of the order in which its apps can come.

use crate::finding::Finding;
use crate::graph::{Contents, Graph, Platform};

/// How to mend all of it.
const HELP: &str = "leave `order: graph` out of the runbook: with `order: agent` the agent brings such a platform, too";

/// Returns why a platform cannot be brought in the order of its graph: an error for each app that only the agent can render, and for
/// each circle that nothing but a person can cut.
pub fn refused(platform: &Platform, graph: &Graph) -> Vec<Finding> {
    let unknown = platform.apps.iter().filter_map(|app| match &app.contents {
        Contents::Known(_) => None,
        Contents::Unknown(why) => Some(error(format!(
            "what {} brings is not known beforehand: {}",
            app.id,
            why.join("; ")
        ))),
    });
    let circles = graph.cycles().iter().map(|cycle| {
        let links = cycle.links.iter().map(|link| {
            let [later, earlier] = [link.later.0, link.earlier.0].map(|node| graph.node(node));
            format!("{later} {} {earlier}", link.reason)
        });
        error(format!("a circle: {}", links.collect::<Vec<_>>().join(", ")))
    });
    unknown.chain(circles).collect()
}

fn error(message: String) -> Finding {
    Finding::error("order/graph", message).help(HELP)
}
