//! An app needs the Secret that registers the cluster that it deploys to.

use super::applications::applications;
use super::credential::secrets;
use crate::graph::{Draft, Firmness, Opens, Reason, Whole, Written};
use crate::platform::argocd::IN_CLUSTER;
use crate::platform::argocd::application::text;

/// Puts each Application behind the Secret of its cluster. Argo CD's own cluster needs none.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let secrets = secrets(whole, draft);
    for (index, _, spec) in applications(whole) {
        let [server, name] = ["/spec/destination/server", "/spec/destination/name"].map(|field| text(spec, field));
        if server == IN_CLUSTER || name == "in-cluster" {
            continue;
        }
        let is_it = |opens: &Opens| match opens {
            Opens::Cluster { name: own, server: at } => {
                (!server.is_empty() && at.trim_end_matches('/') == server.trim_end_matches('/'))
                    || (!name.is_empty() && own == name)
            }
            _ => false,
        };
        let app = draft.app(whole, index);
        for (secret, _) in secrets.iter().filter(|(_, opens)| is_it(opens)) {
            let place = Written::App(index);
            draft.wait(
                app.exists(),
                secret.exists(),
                Reason::Destination,
                Firmness::Conditional,
                place,
            );
        }
    }
}
