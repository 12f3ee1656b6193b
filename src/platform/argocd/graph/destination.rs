//! An app needs the Secret that registers the cluster that it deploys to.

use super::credential::secrets;
use crate::graph::{Draft, Firmness, Opens, Reason, Whole, Written};
use crate::platform::argocd::application::text;
use crate::platform::argocd::{GROUP, IN_CLUSTER};

/// Puts each Application behind the Secret of its cluster. Argo CD's own cluster needs none.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let secrets = secrets(whole, draft);
    for (index, one) in whole.apps.iter().enumerate() {
        let Some(object) = one
            .object
            .as_ref()
            .filter(|object| object.manifest.is(GROUP, "Application"))
        else {
            continue;
        };
        let spec = object.manifest.value();
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
