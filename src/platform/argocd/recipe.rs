//! What of an Application's source can be rendered outside of the agent, and how.

use serde_json::Value;

use super::address;
use super::application::text;

/// How to render one source of an Application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The repository's address as the Application writes it.
    pub repository: String,
    /// The branch, tag or commit; `HEAD` where nothing is said.
    pub target: String,
    /// The folder.
    pub path: String,
    /// Values files for a chart, relative to its folder.
    pub values: Vec<String>,
    /// The release name for a chart, where it is not the Application's name.
    pub release: Option<String>,
    /// Whether folders below a folder of plain manifests are read.
    pub recurse: bool,
}

impl Recipe {
    /// Reads a source; `Ok(None)` for one that only lends files to others.
    ///
    /// A setting that is not heeded would make the result a guess, and a guess of what is deleted is worse than none: what
    /// is not known to be without effect is an error that names it.
    pub fn of(source: &Value) -> Result<Option<Self>, String> {
        let fields = source.as_object().into_iter().flatten();
        let mut recipe = Self {
            repository: text(source, "/repoURL").to_owned(),
            target: Some(text(source, "/targetRevision"))
                .filter(|target| !target.is_empty())
                .unwrap_or("HEAD")
                .to_owned(),
            path: text(source, "/path").to_owned(),
            values: Vec::new(),
            release: None,
            recurse: false,
        };
        for (name, value) in fields.filter(|(_, value)| says_something(value)) {
            match name.as_str() {
                "repoURL" | "targetRevision" | "path" | "ref" | "name" => {}
                "chart" => return Err(format!("the chart {} of {}", text(source, "/chart"), recipe.repository)),
                "helm" => recipe.helm(value)?,
                "directory" => recipe.directory(value)?,
                other => return Err(only_the_agent(other)),
            }
        }
        let lends = recipe.path.is_empty() && !text(source, "/ref").is_empty();
        Ok((!lends).then_some(recipe))
    }

    fn helm(&mut self, helm: &Value) -> Result<(), String> {
        for (name, value) in helm
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, value)| says_something(value))
        {
            match name.as_str() {
                "releaseName" => self.release = value.as_str().map(str::to_owned),
                "valueFiles" => {
                    let files = value.as_array().into_iter().flatten().filter_map(Value::as_str);
                    self.values = files.map(str::to_owned).collect();
                    // `$name/…` is in another source, and an address is on another server.
                    if self
                        .values
                        .iter()
                        .any(|file| file.starts_with(['$', '/']) || file.contains("://"))
                    {
                        return Err(only_the_agent("helm.valueFiles of another place"));
                    }
                }
                // The version of the templates' language, which the chart itself says too.
                "version" => {}
                other => return Err(only_the_agent(&format!("helm.{other}"))),
            }
        }
        Ok(())
    }

    fn directory(&mut self, directory: &Value) -> Result<(), String> {
        for (name, _) in directory
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, value)| says_something(value))
        {
            match name.as_str() {
                "recurse" => self.recurse = true,
                other => return Err(only_the_agent(&format!("directory.{other}"))),
            }
        }
        Ok(())
    }

    /// Whether this source is at `revision` of the repository with one of these addresses.
    pub fn is_from<'address>(
        &self,
        mut addresses: impl Iterator<Item = &'address str>,
        revision: &str,
        commit: &str,
    ) -> bool {
        let wanted = address::normal(&self.repository);
        let bare = self
            .target
            .strip_prefix("refs/heads/")
            .or_else(|| self.target.strip_prefix("refs/tags/"))
            .unwrap_or(&self.target);
        (bare == revision || bare == commit) && addresses.any(|address| address::normal(address) == wanted)
    }
}

fn only_the_agent(what: &str) -> String {
    format!("`{what}`, which only the agent can render")
}

/// Whether a setting is there and is not what goes without saying.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => fields.values().any(says_something),
        Value::Bool(true) | Value::Number(_) => true,
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
            (json!({"chart": "redis"}), "the chart redis"),
            (
                json!({"helm": {"parameters": [{"name": "a", "value": "b"}]}}),
                "helm.parameters",
            ),
            (json!({"helm": {"valueFiles": ["$values/a.yaml"]}}), "helm.valueFiles"),
            (json!({"kustomize": {"namePrefix": "a-"}}), "kustomize"),
            (json!({"directory": {"exclude": "*.txt"}}), "directory.exclude"),
            (
                json!({"directory": {"jsonnet": {"tlas": [{"name": "a"}]}}}),
                "directory.jsonnet",
            ),
            (json!({"plugin": {"name": "mine"}}), "plugin"),
            (json!({"what-comes-next": 1}), "what-comes-next"),
        ] {
            let said = of(&more).unwrap_err();
            assert!(said.contains(named), "{more}: {said}");
        }
        for nothing in [
            json!({}),
            json!({"helm": {}, "kustomize": null, "directory": {"recurse": false, "jsonnet": {}}}),
        ] {
            assert!(of(&nothing).unwrap().is_some(), "{nothing}");
        }
    }

    #[test]
    fn what_can_be_heeded_is() {
        let recipe =
            of(&json!({"helm": {"releaseName": "r", "valueFiles": ["prod.yaml"]}, "directory": {"recurse": true}}));
        let recipe = recipe.unwrap().unwrap();
        assert_eq!(
            (recipe.release.as_deref(), recipe.values.as_slice()),
            (Some("r"), &["prod.yaml".to_owned()][..])
        );
        assert!(recipe.recurse);
        assert_eq!(of(&json!({"path": "", "ref": "values"})), Ok(None));
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
