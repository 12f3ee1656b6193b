//! One source of an Application.

use serde_json::Value;

use crate::platform::argocd::address;
use crate::platform::argocd::application::text;
use crate::recipe::{self, Directory, Helm, Kustomize, Tool};

/// How to render one source of an Application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The repository's address as the Application writes it.
    pub repository: String,
    /// The branch, tag or commit, or the version of a chart, as the Application writes it; empty where it says nothing.
    pub revision: String,
    /// The same, with `HEAD` where the Application says nothing.
    pub target: String,
    /// The folder; empty for a chart.
    pub path: String,
    /// The name of a chart in a repository of charts, where it is one.
    pub chart: Option<String>,
    /// What the Application says of the rendering; `None` where the folder says it.
    pub tool: Option<Tool>,
}

impl Recipe {
    /// Reads a source; `Ok(None)` for one that only lends files to others.
    ///
    /// A setting that is not heeded would make the result a guess, and a guess of what is deleted is worse than none: what
    /// is not known to be without effect is an error that names it.
    pub fn of(source: &Value) -> Result<Option<Self>, String> {
        let field = |name: &str| text(source, &format!("/{name}")).to_owned();
        let known = [
            "repoURL",
            "targetRevision",
            "path",
            "ref",
            "name",
            "chart",
            "helm",
            "kustomize",
            "directory",
        ];
        let unknown = source
            .as_object()
            .into_iter()
            .flatten()
            .find(|(name, value)| !known.contains(&name.as_str()) && !is_nothing(value));
        if let Some((name, _)) = unknown {
            return Err(format!("`{name}`, which only the agent can render"));
        }
        let revision = field("targetRevision");
        let recipe = Self {
            repository: field("repoURL"),
            target: if revision.is_empty() {
                "HEAD".to_owned()
            } else {
                revision.clone()
            },
            revision,
            path: field("path"),
            chart: Some(field("chart")).filter(|chart| !chart.is_empty()),
            tool: tool(source)?,
        };
        // Anything but an address of Git is an OCI image that holds manifests, which no program of ours reads.
        if recipe.repository.starts_with("oci://") && recipe.chart.is_none() {
            return Err(format!(
                "`{}`, an image that only the agent can read",
                recipe::without_password(&recipe.repository)
            ));
        }
        // `ref` beside a path does both (`spec.sources[].ref`); beside a chart Argo CD does not allow it.
        let lends = recipe.path.is_empty() && recipe.chart.is_none() && !field("ref").is_empty();
        Ok((!lends).then_some(recipe))
    }

    /// Returns by what name a source lends its files to others: `$` and its `ref`.
    pub fn lends(source: &Value) -> Option<String> {
        Some(text(source, "/ref"))
            .filter(|name| !name.is_empty())
            .map(|name| format!("${name}"))
    }

    /// Whether this source is at `revision` of the repository with one of these addresses.
    pub fn is_from<'address>(
        &self,
        mut addresses: impl Iterator<Item = &'address str>,
        revision: &str,
        commit: &str,
    ) -> bool {
        let wanted = address::normal(&self.repository);
        address::is_revision(&self.target, revision, commit)
            && addresses.any(|address| address::normal(address) == wanted)
    }
}

/// Reads which program renders it (`ExplicitType` and `NormalizeSource` of Argo CD: what says nothing is not there).
fn tool(source: &Value) -> Result<Option<Tool>, String> {
    let kustomize: Option<Kustomize> = recipe::read("kustomize", &source["kustomize"])?;
    let helm: Option<Helm> = recipe::read("helm", &source["helm"])?;
    let directory: Option<Directory> = recipe::read("directory", &source["directory"])?;
    if let Some(version) = helm
        .as_ref()
        .map(|helm| helm.version.as_str())
        .filter(|version| !["", "v3"].contains(version))
    {
        return Err(format!("`helm.version` is {version}, which the agent does not support"));
    }
    if let Some(version) = kustomize
        .as_ref()
        .map(|it| it.version.as_str())
        .filter(|version| !version.is_empty())
    {
        return Err(format!(
            "`kustomize.version` {version}, a program which only the agent has"
        ));
    }
    let mut tools = Vec::new();
    tools.extend(kustomize.map(Tool::Kustomize));
    tools.extend(helm.map(|helm| Tool::Helm(Box::new(helm))));
    tools.extend(directory.map(Tool::Directory));
    if tools.len() > 1 {
        return Err(
            "multiple application sources defined: of `kustomize`, `helm` and `directory` one may say something"
                .to_owned(),
        );
    }
    Ok(tools.pop())
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(fields) => fields.values().all(is_nothing),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(more: &Value) -> Result<Option<Recipe>, String> {
        let mut source = json!({"repoURL": "https://h/a.git", "targetRevision": "main", "path": "cart"});
        for (name, value) in more.as_object().unwrap() {
            source[name] = value.clone();
        }
        Recipe::of(&source)
    }

    #[test]
    fn a_setting_that_is_not_heeded_is_never_passed_over() {
        for (more, named) in [
            (json!({"helm": {"what-comes-next": 1}}), "helm.what-comes-next"),
            (json!({"helm": {"version": "v2"}}), "helm.version"),
            (json!({"kustomize": {"version": "v4.5.7"}}), "kustomize.version"),
            (
                json!({"kustomize": {"buildOptions": "--enable-helm"}}),
                "kustomize.buildOptions",
            ),
            (json!({"directory": {"depth": 2}}), "directory.depth"),
            (
                json!({"directory": {"jsonnet": {"tlas": [{"nme": "a"}]}}}),
                "directory.nme",
            ),
            (json!({"helm": {"valueFiles": "a.yaml"}}), "helm"),
            (json!({"plugin": {"name": "mine"}}), "plugin"),
            (
                json!({"helm": {"values": "a"}, "directory": {"recurse": true}}),
                "multiple application sources",
            ),
            (json!({"repoURL": "oci://h/a"}), "oci://h/a"),
            (json!({"what-comes-next": 1}), "what-comes-next"),
        ] {
            let said = of(&more).unwrap_err();
            assert!(said.contains(named), "{more}: {said}");
        }
        for nothing in [
            json!({}),
            json!({"helm": {}, "kustomize": null, "directory": {"recurse": false, "jsonnet": {}}, "plugin": {"name": ""}}),
        ] {
            assert_eq!(of(&nothing).unwrap().unwrap().tool, None, "{nothing}");
        }
    }

    #[test]
    fn what_can_be_heeded_is() {
        let helm = json!({"releaseName": "r", "valueFiles": ["prod.yaml"], "valuesObject": {}, "skipCrds": true,
            "parameters": [{"name": "a", "value": "1", "forceString": true}]});
        let Some(Tool::Helm(helm)) = of(&json!({"helm": helm})).unwrap().unwrap().tool else {
            panic!("a chart")
        };
        assert_eq!((helm.release_name.as_str(), helm.value_files.len()), ("r", 1));
        assert_eq!((helm.values_object, helm.skip_crds), (Some(json!({})), true));
        assert!(helm.parameters[0].force_string);
        let Some(Tool::Directory(directory)) = of(&json!({"directory": {"exclude": "*.txt"}})).unwrap().unwrap().tool
        else {
            panic!("a folder")
        };
        assert_eq!((directory.exclude.as_str(), directory.recurse), ("*.txt", false));
        let chart = of(&json!({"chart": "redis", "path": ""})).unwrap().unwrap();
        assert_eq!(chart.chart.as_deref(), Some("redis"));
        let lent = json!({"repoURL": "r", "ref": "values"});
        assert_eq!(
            (Recipe::of(&lent), Recipe::lends(&lent)),
            (Ok(None), Some("$values".to_owned()))
        );
        assert!(of(&json!({"ref": "values"})).unwrap().is_some());
    }

    #[test]
    fn a_source_is_ours_at_the_revision_that_was_fetched_and_at_no_other() {
        let recipe = |target: &str| of(&json!({"targetRevision": target})).unwrap().unwrap();
        let ours =
            |target: &str| recipe(target).is_from(["https://other/x", "https://H/a"].into_iter(), "main", "c0ffee");
        for (target, expected) in [
            ("main", true),
            ("refs/heads/main", true),
            ("c0ffee", true),
            ("", false),
            ("dev", false),
        ] {
            assert_eq!(ours(target), expected, "{target}");
        }
        assert!(!recipe("main").is_from(["https://other/x"].into_iter(), "main", "c0ffee"));
    }
}
