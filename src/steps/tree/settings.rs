//! The settings that the agent will have, and whether by them it waits between waves until the Applications of the wave are
//! healthy.

use serde_json::Value;

use crate::event::Failure;
use crate::object::{Manifest, ObjectRef};
use crate::platform::argocd::checks;
use crate::platform::argocd::install::Install;
use crate::steps::World;

/// Reads it from the settings that the agent has or will have: it waits for what it has a health check for, and of itself it has
/// none for Applications. Settings that cannot be read make it wait for nothing; that is told where checks are read.
pub(in crate::steps) async fn children_are_awaited(world: &World, install: &Install) -> Result<bool, Failure> {
    let namespace = &world.runbook()?.agent.namespace;
    let id = ObjectRef::new("v1", "ConfigMap", namespace, "argocd-cm");
    if world.adopts()
        && let Some(cluster) = world.cluster.get()
        && let Some(live) = cluster.get(&id).await?
    {
        return Ok(of(Some(&live)));
    }
    Ok(of(installed(install.manifests())))
}

/// Returns `argocd-cm` as an install brings it.
pub(in crate::steps) fn installed<'install>(
    mut install: impl Iterator<Item = &'install Manifest>,
) -> Option<&'install Value> {
    let settings = install.find(|manifest| manifest.is("", "ConfigMap") && manifest.id().name == "argocd-cm");
    settings.map(Manifest::value)
}

/// What the agent adds to `kustomize build`.
pub(in crate::steps) fn build_options(settings: Option<&Value>) -> String {
    let said = settings.and_then(|settings| settings.get("data")?.get("kustomize.buildOptions")?.as_str());
    said.unwrap_or_default().to_owned()
}

fn of(settings: Option<&Value>) -> bool {
    let scripts = checks::of_settings(settings).unwrap_or_default();
    // A name may be a pattern, as in `argoproj.io/*`.
    scripts.keys().any(|name| {
        globset::Glob::new(name).is_ok_and(|pattern| pattern.compile_matcher().is_match("argoproj.io/Application"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn applications_are_awaited_where_the_settings_can_judge_them() {
        let script = "hs = {}\nreturn hs\n";
        for (data, expected) in [
            (json!({}), false),
            (
                json!({"resource.customizations.health.argoproj.io_Application": script}),
                true,
            ),
            (
                json!({"resource.customizations.health.argoproj.io_AppProject": script}),
                false,
            ),
            (
                json!({"resource.customizations": "argoproj.io/*:\n  health.lua: return {}\n"}),
                true,
            ),
        ] {
            assert_eq!(of(Some(&json!({"data": data}))), expected, "{data}");
        }
        assert!(!of(None));
    }
}
