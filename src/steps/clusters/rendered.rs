//! What Git holds for an Application, rendered from the sources as they are now.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::fresh::Fresh;
use crate::finding::{Finding, Severity};
use crate::git;
use crate::object::Manifest;
use crate::platform::argocd::application::Application;
use crate::platform::argocd::recipe::{self, Recipe};
use crate::render::{Checkout, Cluster, From, Job, Rendered, Renderer, Settings};
use crate::steps::World;
use crate::steps::tree::repositories;
use crate::yaml;

/// Renders all sources of an Application; the error says why that cannot be done here. A hook is no part of it: it is not
/// pruned.
pub(super) async fn rendered(
    renderer: &Renderer,
    fresh: &Fresh<'_>,
    app: Application<'_>,
    name: &str,
    kube_version: &str,
) -> Result<Vec<Manifest>, String> {
    let sources = app.written_sources();
    if sources.is_empty() {
        return Err("it has no source of its own".to_owned());
    }
    let lent = lent(&sources, |recipe| fresh.of(recipe));
    let cluster = Cluster {
        kube_version: Some(kube_version.to_owned()),
        api_versions: Vec::new(),
    };
    let mut all = Vec::new();
    for source in sources {
        let Some(recipe) = Recipe::of(source)? else { continue };
        let checkout = fresh.of(&recipe)?;
        let whole = Whole {
            app: recipe::About {
                name,
                namespace: app.namespace(),
                project: app.project(),
            },
            lent: &lent,
            cluster: &cluster,
            is_strict: true,
        };
        let result = whole.render(renderer, source, checkout).await?;
        all.extend(result.manifests);
    }
    Ok(all)
}

/// Returns what renders the sources of Applications, and keeps what it rendered for the next time. `build_options` is what the
/// agent adds to `kustomize build`.
pub(in crate::steps) fn renderer(world: &World, build_options: String) -> Renderer {
    let settings = Settings {
        limit: EACH,
        ..settings(world, build_options, true)
    };
    Renderer::new(settings, &world.redactor)
}

/// How long a program may take for one of all sources that are looked at ahead. What takes longer is unknown, and leaves most of the
/// forecast's time to the others.
const EACH: Duration = Duration::from_secs(20);

/// Returns what renders everything anew. What decides what is deleted on a cluster that lives on is taken from no file that
/// somebody may have changed since.
pub(super) fn anew(world: &World, build_options: String) -> Renderer {
    Renderer::new(settings(world, build_options, false), &world.redactor)
}

fn settings(world: &World, build_options: String, is_kept: bool) -> Settings {
    let known = world.runbook.get().zip(world.secrets.get());
    Settings {
        repositories: known
            .map(|(runbook, secrets)| repositories(runbook, secrets))
            .unwrap_or_default(),
        build_options,
        cache: is_kept.then(|| world.options.cache.join("rendered")),
        network: true,
        ..Settings::default()
    }
}

/// What all sources of an Application have in common.
pub(in crate::steps) struct Whole<'app> {
    /// The Application.
    pub(in crate::steps) app: recipe::About<'app>,
    /// What its sources lend to each other.
    pub(in crate::steps) lent: &'app Lent,
    /// The cluster that it is for.
    pub(in crate::steps) cluster: &'app Cluster,
    /// Whether a warning is a doubt too, since what is rendered decides what is deleted.
    pub(in crate::steps) is_strict: bool,
}

impl Whole<'_> {
    /// Renders one source at its checkout, as the agent would; the error says why nobody but the agent can tell, or what it
    /// would stumble over.
    pub(in crate::steps) async fn render(
        &self,
        renderer: &Renderer,
        source: &Value,
        checkout: &git::Checkout,
    ) -> Result<Rendered, String> {
        let (said, root, app) = (source.clone(), checkout.directory.clone(), self.app.name.to_owned());
        let read = tokio::task::spawn_blocking(move || overridden(&said, &root, &app)).await;
        let source = read.map_err(|_| "what its folder says of it could not be read")??;
        let recipe = Recipe::of(&source)?.ok_or("it only lends files to others")?;
        let from = From::Folder {
            checkout: at(checkout),
            path: recipe.path.clone(),
        };
        self.job(renderer, recipe, from, &checkout.commit).await
    }

    /// Renders a chart of a repository of charts, likewise.
    pub(in crate::steps) async fn chart(&self, renderer: &Renderer, recipe: Recipe) -> Result<Rendered, String> {
        let from = From::Chart {
            repository: recipe.repository.clone(),
            name: recipe.chart.clone().unwrap_or_default(),
            version: recipe.revision.clone(),
        };
        let version = recipe.revision.clone();
        self.job(renderer, recipe, from, &version).await
    }

    async fn job(&self, renderer: &Renderer, recipe: Recipe, from: From, revision: &str) -> Result<Rendered, String> {
        // An Application in another namespace than the agent's has that namespace in its name, and a chart is told only the rest.
        let name = self.app.name.rsplit_once('_').map_or(self.app.name, |(_, name)| name);
        let what = recipe.chart.clone().unwrap_or_else(|| recipe.path.clone());
        let job = Job {
            environment: recipe::environment(self.app, &recipe, revision),
            from,
            tool: recipe.tool,
            name: name.to_owned(),
            namespace: self.app.namespace.to_owned(),
            lent: self.lent.here.clone(),
            missing: self.lent.missing.clone(),
            cluster: self.cluster.clone(),
        };
        let result = Box::pin(renderer.render(&job)).await;
        let result = result.map_err(|error| error.line())?;
        match doubt(&result.findings, self.is_strict) {
            None => Ok(result),
            Some(fault) => Err(said(fault, &what)),
        }
    }
}

/// Says what is wrong, where it is and how to mend it.
fn said(fault: &Finding, what: &str) -> String {
    let place = fault.place.as_ref();
    let place = place.map_or_else(|| what.to_owned(), |place| format!("{}:{}", place.file, place.line));
    let help = fault.help.as_ref().map(|help| format!("; {help}"));
    format!("{place}: {}{}", fault.message, help.unwrap_or_default())
}

/// What is said of rendering that changes nothing of what the agent renders.
const HARMLESS: [&str; 2] = ["render/hooks", "render/left-out"];

/// Returns the first thing by which the result may not be what the agent renders.
fn doubt(findings: &[Finding], is_strict: bool) -> Option<&Finding> {
    findings
        .iter()
        .find(|one| one.severity == Severity::Error || (is_strict && !HARMLESS.contains(&one.rule)))
}

/// The sources that lend files to others, by `$` and their `ref`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::steps) struct Lent {
    /// Those that are here.
    pub(in crate::steps) here: BTreeMap<String, Checkout>,
    /// Why the others are not: whoever needs one cannot be rendered.
    pub(in crate::steps) missing: BTreeMap<String, String>,
}

/// Finds the sources that lend files to others.
pub(in crate::steps) fn lent<'checkout>(
    sources: &[&Value],
    checkout: impl Fn(&Recipe) -> Result<&'checkout git::Checkout, String>,
) -> Lent {
    let mut lent = Lent::default();
    for source in sources {
        let Some(name) = Recipe::lends(source) else { continue };
        // Only the address and the revision matter here, so that what is rendered from it may be whatever it likes.
        let place =
            serde_json::json!({"repoURL": source["repoURL"], "targetRevision": source["targetRevision"], "path": "."});
        let found = Recipe::of(&place).and_then(|recipe| checkout(&recipe.ok_or("it has no address")?));
        match found {
            Ok(found) => drop(lent.here.insert(name, at(found))),
            Err(why) => drop(lent.missing.insert(name, why)),
        }
    }
    lent
}

fn at(checkout: &git::Checkout) -> Checkout {
    Checkout {
        directory: checkout.directory.clone(),
        commit: checkout.commit.clone(),
    }
}

/// Merges into a source what its folder says of it.
fn overridden(source: &Value, root: &Path, app: &str) -> Result<Value, String> {
    let folder = root.join(source["path"].as_str().unwrap_or_default().trim_start_matches('/'));
    let mut merged = source.clone();
    for name in [recipe::OVERRIDES.to_owned(), recipe::overrides_of(app)] {
        let file = folder.join(&name);
        let is_inside = file
            .canonicalize()
            .is_ok_and(|real| root.canonicalize().is_ok_and(|root| real.starts_with(root)));
        let Some(text) = std::fs::read_to_string(&file).ok().filter(|_| is_inside) else {
            continue;
        };
        let broken = |error: yaml::Error| format!("{name} cannot be read: {error}");
        for (_, said) in yaml::manifests(&text).map_err(broken)? {
            merged = recipe::overridden(&merged, &said);
        }
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_warning_is_a_doubt_where_it_decides_what_is_deleted() {
        for (finding, is_strict, expected) in [
            (Finding::error("render/not-yaml", "so"), false, true),
            (Finding::error("render/not-yaml", "so"), true, true),
            (Finding::warning("render/duplicate", "so"), false, false),
            (Finding::warning("render/duplicate", "so"), true, true),
            (Finding::warning("render/chart-kept", "so"), true, true),
            (Finding::warning("render/hooks", "so"), true, false),
            (Finding::warning("render/left-out", "so"), true, false),
        ] {
            let rule = finding.rule;
            assert_eq!(doubt(&[finding], is_strict).is_some(), expected, "{rule} {is_strict}");
        }
    }

    #[test]
    fn nothing_that_was_kept_decides_what_is_deleted() {
        let world = World::default();
        assert_eq!(settings(&world, String::new(), false).cache, None);
        assert!(settings(&world, String::new(), true).cache.is_some());
    }

    #[test]
    fn a_source_that_lends_and_cannot_be_had_is_told_with_its_reason() {
        let checkout = git::Checkout {
            commit: "c0ffee".to_owned(),
            directory: PathBuf::from("here"),
            url: "https://h/here".to_owned(),
            submodules: Vec::new(),
        };
        let sources = [
            json!({"repoURL": "https://h/here", "ref": "here"}),
            json!({"repoURL": "https://h/gone", "ref": "gone"}),
            json!({"repoURL": "oci://h/image", "ref": "image"}),
            json!({"repoURL": "https://h/app", "path": "app"}),
        ];
        let sources: Vec<&Value> = sources.iter().collect();
        let found = lent(&sources, |recipe| match recipe.repository.as_str() {
            "https://h/here" => Ok(&checkout),
            _ => Err("nobody answers".to_owned()),
        });
        assert_eq!(found.here.keys().collect::<Vec<_>>(), ["$here"]);
        assert_eq!(found.missing["$gone"], "nobody answers");
        assert!(found.missing["$image"].contains("image"), "{:?}", found.missing);
        assert_eq!(found.missing.len(), 2);
    }
}
