//! What the sources of one Application hold.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::repositories::{Found, learn};
use super::walk::{Brought, Ground};
use crate::git::Checkout;
use crate::graph::{AppSource, Sourced};
use crate::object::Manifest;
use crate::platform::argocd::application::Application;
use crate::platform::argocd::recipe::{About, Recipe};
use crate::recipe::without_password;
use crate::render::Cluster;
use crate::steps::clusters::{Whole, lent};

/// Renders all sources of an Application as the agent would. The reasons are why that cannot be done here, one a source.
pub(super) async fn sourced(ground: &Ground, app: &Manifest, target: &Cluster) -> Brought {
    let view = Application::new(app.value());
    let written = view.written_sources();
    let (mut sources, mut objects, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    let mut asks = false;
    if written.is_empty() {
        unknown.push("it has no source of its own".to_owned());
    }
    for source in &written {
        learn(&ground.world.redactor, source["repoURL"].as_str().unwrap_or_default());
    }
    let borrowed = borrowed(ground, &written).await;
    let lent = lent(&written, |recipe| {
        let key = (recipe.repository.clone(), recipe.target.clone());
        let found = borrowed.get(&key).ok_or("it cannot be read")?;
        found.as_ref().map_err(Clone::clone)
    });
    let id = app.id();
    let name = if id.namespace == ground.namespace {
        id.name
    } else {
        format!("{}_{}", id.namespace, id.name)
    };
    let whole = Whole {
        app: About {
            name: &name,
            namespace: view.namespace(),
            project: view.project(),
        },
        lent: &lent,
        cluster: target,
        is_strict: false,
    };
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
            repository: without_password(&recipe.repository),
            path: recipe.chart.clone().unwrap_or_else(|| recipe.path.clone()),
            ..AppSource::default()
        };
        match one(ground, &whole, app, (&recipe, source), &mut at).await {
            Ok((found, it_asks)) => {
                objects.extend(found);
                asks |= it_asks;
            }
            Err(why) => unknown.push(why),
        }
        sources.push(at);
    }
    let contents = if unknown.is_empty() { Ok(objects) } else { Err(unknown) };
    Brought {
        sources,
        asks,
        contents,
    }
}

async fn one(
    ground: &Ground,
    whole: &Whole<'_>,
    app: &Manifest,
    (recipe, source): (&Recipe, &Value),
    at: &mut AppSource,
) -> Result<(Vec<Sourced>, bool), String> {
    let (rendered, from) = if recipe.chart.is_some() {
        let rendered = whole.chart(&ground.renderer, recipe.clone()).await?;
        at.revision = rendered.version.clone().unwrap_or_default();
        (rendered, String::new())
    } else {
        let Found { name, checkout } = ground.repositories.at(&recipe.repository, &recipe.target).await?;
        at.name.clone_from(&name);
        at.revision.clone_from(&checkout.commit);
        (whole.render(&ground.renderer, source, &checkout).await?, name)
    };
    let from = if from.is_empty() {
        without_password(&recipe.repository)
    } else {
        from
    };
    let server = ground.server(Application::new(app.value()));
    let all = rendered.manifests.into_iter().chain(rendered.hooks);
    let all = all
        .filter(|manifest| !ground.exclusions.has(manifest.group(), manifest.kind(), &server))
        .map(|manifest| Sourced {
            source: from.clone(),
            manifest,
        });
    Ok((all.collect(), rendered.asks))
}

/// Finds the checkouts of the sources that lend files to others, or why they cannot be had.
async fn borrowed(ground: &Ground, sources: &[&Value]) -> BTreeMap<(String, String), Result<Checkout, String>> {
    let mut found = BTreeMap::new();
    for source in sources.iter().filter(|source| Recipe::lends(source).is_some()) {
        let place = json!({"repoURL": source["repoURL"], "targetRevision": source["targetRevision"], "path": "."});
        let Ok(Some(recipe)) = Recipe::of(&place) else { continue };
        let at = ground.repositories.at(&recipe.repository, &recipe.target).await;
        found.insert((recipe.repository, recipe.target), at.map(|at| at.checkout));
    }
    found
}
