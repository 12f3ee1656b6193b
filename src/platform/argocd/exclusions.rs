//! Which kinds the agent does not look at (`resource.exclusions` and `resource.inclusions` of `argocd-cm`; `util/settings/resources_filter.go`).

use globset::{Glob, GlobMatcher};
use serde_json::Value;

use crate::yaml;

/// What the agent leaves out of every app.
#[derive(Debug, Default)]
pub struct Exclusions {
    excluded: Vec<Rule>,
    included: Vec<Rule>,
}

/// Some kinds on some clusters; what names nothing means all.
#[derive(Debug)]
struct Rule {
    groups: Vec<GlobMatcher>,
    kinds: Vec<String>,
    clusters: Vec<GlobMatcher>,
}

impl Exclusions {
    /// Reads them from `argocd-cm`. Rules that cannot be read leave nothing out: Argo CD itself does nothing then.
    pub fn of(settings: Option<&Value>) -> Self {
        let rules = |key: &str| {
            let text = settings
                .and_then(|settings| settings.get("data")?.get(key)?.as_str())
                .unwrap_or_default();
            let documents = yaml::manifests(text).unwrap_or_default();
            let rules = documents
                .iter()
                .flat_map(|(_, value)| value.as_array().into_iter().flatten());
            rules.map(Rule::of).collect()
        };
        Self {
            excluded: rules("resource.exclusions"),
            included: rules("resource.inclusions"),
        }
    }

    /// Whether the agent leaves this kind out on the cluster with this address.
    pub fn has(&self, group: &str, kind: &str, server: &str) -> bool {
        let any = |rules: &[Rule]| rules.iter().any(|rule| rule.matches(group, kind, server));
        any(&self.excluded) || (!any(&self.included) && self.included.iter().any(|rule| rule.is_for(server)))
    }
}

impl Rule {
    fn of(rule: &Value) -> Self {
        let texts = |field: &str| -> Vec<String> {
            let items = rule[field].as_array().into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let globs = |field: &str| {
            let globs = texts(field).into_iter().filter_map(|text| Glob::new(&text).ok());
            globs.map(|glob| glob.compile_matcher()).collect()
        };
        Self {
            groups: globs("apiGroups"),
            kinds: texts("kinds"),
            clusters: globs("clusters"),
        }
    }

    fn matches(&self, group: &str, kind: &str, server: &str) -> bool {
        let is_group = self.groups.is_empty() || self.groups.iter().any(|glob| glob.is_match(group));
        let is_kind = self.kinds.is_empty() || self.kinds.iter().any(|known| known == "*" || known == kind);
        is_group && is_kind && self.is_for(server)
    }

    fn is_for(&self, server: &str) -> bool {
        self.clusters.is_empty() || self.clusters.iter().any(|glob| glob.is_match(server))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_kind_is_left_out_as_the_settings_say() {
        let excluded = "- apiGroups: ['', discovery.k8s.io]\n  kinds: [Endpoints, EndpointSlice]\n\
            - apiGroups: ['*.cilium.io']\n  clusters: ['https://10.*']\n";
        let only = "- apiGroups: [apps]\n  kinds: ['*']\n  clusters: [https://only]\n";
        let settings = json!({"data": {"resource.exclusions": excluded, "resource.inclusions": only}});
        let exclusions = Exclusions::of(Some(&settings));
        for (group, kind, server, expected) in [
            ("", "Endpoints", "https://a", true),
            ("", "ConfigMap", "https://a", false),
            ("discovery.k8s.io", "EndpointSlice", "https://a", true),
            ("x.cilium.io", "Any", "https://10.0.0.1", true),
            ("x.cilium.io", "Any", "https://a", false),
            ("apps", "Deployment", "https://only", false),
            ("batch", "Job", "https://only", true),
        ] {
            assert_eq!(exclusions.has(group, kind, server), expected, "{group} {kind} {server}");
        }
        assert!(!Exclusions::of(None).has("", "Endpoints", ""));
    }
}
