//! What Git holds for an Application, rendered from the sources as they are now.

use super::fresh::Fresh;
use crate::object::Manifest;
use crate::platform::argocd::application::Application;
use crate::platform::argocd::recipe::Recipe;
use crate::render::{self, Form};
use crate::steps::World;

/// Renders all sources of an Application; the error says why that cannot be done here.
pub(super) async fn rendered(
    world: &World,
    fresh: &Fresh<'_>,
    app: Application<'_>,
    name: &str,
    kube_version: &str,
) -> Result<Vec<Manifest>, String> {
    let sources = app.written_sources();
    if sources.is_empty() {
        return Err("it has no source of its own".to_owned());
    }
    let mut all = Vec::new();
    for source in sources {
        let Some(recipe) = Recipe::of(source)? else { continue };
        all.extend(one(world, fresh, &recipe, app, name, kube_version).await?);
    }
    Ok(all)
}

async fn one(
    world: &World,
    fresh: &Fresh<'_>,
    recipe: &Recipe,
    app: Application<'_>,
    name: &str,
    kube_version: &str,
) -> Result<Vec<Manifest>, String> {
    let checkout = fresh.of(recipe)?;
    let options = render::Options {
        namespace: app.namespace().to_owned(),
        release: recipe.release.clone().unwrap_or_else(|| name.to_owned()),
        values: recipe.values.clone(),
        kube_version: Some(kube_version.to_owned()),
        ..render::Options::default()
    };
    let rendered = render::render(&checkout.directory, &recipe.path, &options, &world.redactor)
        .await
        .map_err(|error| format!("{} cannot be rendered: {error}", recipe.path))?;
    // The agent reads only the folder itself, unless it is told to go deeper.
    let flat = rendered.form == Form::Plain && !recipe.recurse;
    let folder = recipe.path.trim_matches('/').trim_start_matches("./");
    let is_read = |file: &str| !flat || file.rsplit_once('/').map_or("", |(folder, _)| folder) == folder;
    let doubtful = rendered.findings.iter().find(|finding| {
        let is_below = finding.place.as_ref().is_some_and(|place| !is_read(&place.file));
        finding.rule != "render/hooks" && !is_below && !(flat && finding.rule == "render/left-out")
    });
    if let Some(finding) = doubtful {
        return Err(format!("{} is in doubt: {}", recipe.path, finding.message));
    }
    Ok(rendered
        .manifests
        .into_iter()
        .filter(|manifest| is_read(&manifest.origin().file))
        .collect())
}
