//! What the sources of one Application hold.

use super::generated::words;
use super::walk::{Brought, Ground};
use crate::finding::Severity;
use crate::graph::{AppSource, Sourced};
use crate::object::Manifest;
use crate::platform::argocd::application::Application;
use crate::platform::argocd::recipe::Recipe;
use crate::render::{self, Form};

/// Renders all sources of an Application as the agent would. The reasons are why that cannot be done here, one a source.
pub(super) async fn sourced(ground: &Ground, app: &Manifest) -> Brought {
    let view = Application::new(app.value());
    let (mut sources, mut objects, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    let written = view.written_sources();
    if written.is_empty() {
        unknown.push("it has no source of its own".to_owned());
    }
    for source in written {
        let recipe = match Recipe::of(source) {
            Ok(Some(recipe)) => recipe,
            Ok(None) => continue,
            Err(why) => {
                unknown.push(why);
                continue;
            }
        };
        let mut at = AppSource {
            repository: recipe.repository.clone(),
            path: recipe.path.clone(),
            ..AppSource::default()
        };
        match one(ground, &recipe, view, app, &mut at).await {
            Ok(found) => objects.extend(found),
            Err(why) => unknown.push(why),
        }
        sources.push(at);
    }
    let contents = if unknown.is_empty() { Ok(objects) } else { Err(unknown) };
    Brought { sources, contents }
}

async fn one(
    ground: &Ground,
    recipe: &Recipe,
    view: Application<'_>,
    app: &Manifest,
    at: &mut AppSource,
) -> Result<Vec<Sourced>, String> {
    let found = ground.repositories.at(&recipe.repository, &recipe.target).await?;
    at.name.clone_from(&found.name);
    at.revision.clone_from(&found.checkout.commit);
    let options = render::Options {
        namespace: view.namespace().to_owned(),
        release: recipe.release.clone().unwrap_or_else(|| app.id().name),
        values: recipe.values.clone(),
        kube_version: ground.kube_version.clone(),
        ..render::Options::default()
    };
    let rendered = render::render(&found.checkout.directory, &recipe.path, &options, &ground.world.redactor)
        .await
        .map_err(|error| format!("{} cannot be rendered: {}", recipe.path, words(&error)))?;
    let flat = rendered.form == Form::Plain && !recipe.recurse;
    let folder = recipe.path.trim_matches('/').trim_start_matches("./");
    let is_read = |file: &str| !flat || file.rsplit_once('/').map_or("", |(folder, _)| folder) == folder;
    let wrong = rendered.findings.iter().find(|finding| {
        let is_below = finding.place.as_ref().is_some_and(|place| !is_read(&place.file));
        finding.severity == Severity::Error && finding.rule != "render/empty" && !is_below
    });
    if let Some(wrong) = wrong {
        return Err(format!("{} is in doubt: {}", recipe.path, wrong.message));
    }
    let source = if found.name.is_empty() { recipe.repository.clone() } else { found.name };
    let objects = rendered.manifests.into_iter().chain(rendered.hooks);
    Ok(objects
        .filter(|manifest| is_read(&manifest.origin().file))
        .map(|manifest| Sourced {
            source: source.clone(),
            manifest,
        })
        .collect())
}
