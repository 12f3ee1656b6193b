//! Of which kinds there is anything to know.

use crate::health::lua::Checks;
use crate::platform::argocd::bundled::may_judge;

/// What there is to know of the objects of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    /// How well they are.
    Watching,
    /// Nothing: they have no health.
    Nothing,
    /// What they say of themselves. How well they are only the agent can tell.
    Words,
    /// What we do not want to find out.
    Unknown,
}

/// Says what there is to know of the objects of a kind.
pub(super) fn worth(checks: &Checks, group: &str, kind: &str) -> Worth {
    let is_covered = checks.cover(group, kind);
    match (group, kind) {
        // Whatever somebody's script would say of one, it is not worth to read them all.
        ("", "Secret") if is_covered => Worth::Unknown,
        _ if is_covered => Worth::Watching,
        // What the agent has beside it is all that it has.
        _ if may_judge(group, kind) && !checks.has_bundle() => Worth::Words,
        _ => Worth::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::lua::Script;

    fn checks(settings: &[&str], bundle: &[&str]) -> Checks {
        let scripts = |names: &[&str]| {
            let scripts = names
                .iter()
                .map(|name| ((*name).to_owned(), Script::new("return {}", false)));
            scripts.collect()
        };
        Checks::new(scripts(settings), scripts(bundle))
    }

    #[test]
    fn what_has_no_health_is_known_to_have_none_and_secrets_are_never_read() {
        use Worth::{Nothing, Unknown, Watching, Words};
        let (none, bundle) = (checks(&[], &[]), checks(&[], &["argoproj.io/Rollout"]));
        for (checks, group, kind, expected) in [
            (&none, "", "Secret", Nothing),
            (&checks(&["Secret"], &[]), "", "Secret", Unknown),
            (&none, "", "ConfigMap", Nothing),
            (&none, "apps", "Deployment", Watching),
            (&none, "argoproj.io", "AppProject", Nothing),
            (&none, "monitoring.coreos.com", "ServiceMonitor", Nothing),
            (&none, "monitoring.coreos.com", "Prometheus", Words),
            // A bundle that is there holds all that its Argo CD has.
            (&bundle, "monitoring.coreos.com", "Prometheus", Nothing),
            (&bundle, "argoproj.io", "Rollout", Watching),
        ] {
            assert_eq!(worth(checks, group, kind), expected, "{group}/{kind}");
        }
    }
}
