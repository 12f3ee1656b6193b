//! The build environment.

use super::Recipe;
use crate::recipe::Environment;

/// What of an Application its build environment tells.
#[derive(Debug, Clone, Copy)]
pub struct About<'app> {
    /// Its name; with its namespace and an underscore before it where that is not the agent's own.
    pub name: &'app str,
    /// The namespace of its destination.
    pub namespace: &'app str,
    /// Its project.
    pub project: &'app str,
}

/// Returns the variables that Argo CD replaces in what an Application says (`newEnv` in `reposerver/repository`). `revision` is
/// the commit, or the version of a chart.
pub fn environment(about: About<'_>, recipe: &Recipe, revision: &str) -> Environment {
    let mut variables: Environment = [
        ("ARGOCD_APP_NAME", about.name),
        ("ARGOCD_APP_NAMESPACE", about.namespace),
        ("ARGOCD_APP_PROJECT_NAME", about.project),
        ("ARGOCD_APP_SOURCE_REPO_URL", &recipe.repository),
        ("ARGOCD_APP_SOURCE_PATH", &recipe.path),
        ("ARGOCD_APP_SOURCE_TARGET_REVISION", &recipe.revision),
    ]
    .into_iter()
    .collect();
    variables.at_revision(revision);
    variables
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_variables_are_those_of_argo_cd() {
        let source = json!({"repoURL": "https://h/a.git", "targetRevision": "main", "path": "cart"});
        let recipe = Recipe::of(&source).unwrap().unwrap();
        let about = About {
            name: "shop",
            namespace: "web",
            project: "default",
        };
        let commit = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
        let variables = environment(about, &recipe, commit);
        let text = "$ARGOCD_APP_NAME $ARGOCD_APP_NAMESPACE $ARGOCD_APP_PROJECT_NAME $ARGOCD_APP_REVISION_SHORT \
            $ARGOCD_APP_REVISION_SHORT_8 $ARGOCD_APP_SOURCE_REPO_URL $ARGOCD_APP_SOURCE_PATH $ARGOCD_APP_SOURCE_TARGET_REVISION";
        assert_eq!(
            variables.expand(text),
            "shop web default c0ffee0 c0ffee00 https://h/a.git cart main"
        );
        assert_eq!(variables.get("ARGOCD_APP_REVISION"), Some(commit));
        let unset = Recipe::of(&json!({"repoURL": "r", "path": "p"})).unwrap().unwrap();
        assert_eq!(
            environment(about, &unset, "1.0").expand("[$ARGOCD_APP_SOURCE_TARGET_REVISION]"),
            "[]"
        );
    }
}
