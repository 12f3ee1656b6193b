//! The way from a source of an app to manifests, as its agent goes it.

use std::path::{Path, PathBuf};

use tokio::sync::Semaphore;

use super::collect::{Collection, place};
use super::digest::digest;
use super::job::From;
use super::kept::{Kept, Key};
use super::{
    Error, Form, Job, Rendered, Settings, charts, directory, flux, form, hooks, kustomized, links, programs, template,
};
use crate::finding::Finding;
use crate::recipe::Tool;
use crate::redact::Redactor;

/// Renders sources of apps as their agent would, several at once.
///
/// It reads folders, runs kustomize, Helm and jsonnet, and may fetch charts; it changes nothing but its own cache.
pub struct Renderer {
    pub(super) settings: Settings,
    pub(super) redactor: Redactor,
    pub(super) programs: programs::Versions,
    links: links::Checked,
    pub(super) places: Semaphore,
}

/// What a source is rendered from: the files as they are.
pub(super) struct Ground {
    /// The repository, or the chart.
    pub(super) root: PathBuf,
    /// The folder in it.
    pub(super) place: PathBuf,
    /// The folder as the repository names it; `.` for its top.
    pub(super) path: String,
}

impl Ground {
    pub(super) fn of(root: &Path, path: &str) -> Result<Self, Error> {
        let (root, place) = form::locate(root, path)?;
        let path = place.strip_prefix(&root).unwrap_or(&place).display().to_string();
        let path = if path.is_empty() { ".".to_owned() } else { path };
        Ok(Self { root, place, path })
    }
}

impl Renderer {
    /// Makes a renderer; what programs say is masked by `redactor`.
    pub fn new(settings: Settings, redactor: &Redactor) -> Self {
        Self {
            places: Semaphore::new(settings.at_once.max(1)),
            programs: programs::Versions::default(),
            links: links::Checked::default(),
            redactor: redactor.clone(),
            settings,
        }
    }

    /// Renders one source. What is wrong in single documents is in [`Rendered::findings`]; where one of them is an error, the
    /// agent would render nothing of the source. An error means that nobody but the agent can tell.
    pub async fn render(&self, job: &Job) -> Result<Rendered, Error> {
        // It is never closed.
        let _place = self.places.acquire().await.ok();
        match &job.from {
            From::Folder { checkout, path } => {
                let is_fixed = !checkout.commit.is_empty() && job.lent.values().all(|lent| !lent.commit.is_empty());
                let ground = Ground::of(&checkout.directory, path)?;
                self.kept(&ground, job, None, is_fixed, &checkout.directory).await
            }
            From::Chart {
                repository,
                name,
                version,
            } => self.chart(job, repository, name, version).await,
        }
    }

    async fn chart(&self, job: &Job, repository: &str, name: &str, version: &str) -> Result<Rendered, Error> {
        let passes = matches!(&job.tool, Some(Tool::Helm(helm)) if helm.pass_credentials);
        let chart = charts::chart(self, repository, name, version, passes).await?;
        let ground = Ground::of(&chart.folder, "")?;
        let mut job = job.clone();
        job.environment.at_revision(&chart.version);
        let is_fixed = job.lent.values().all(|lent| !lent.commit.is_empty());
        let mut rendered = self
            .kept(&ground, &job, Some(chart.digest), is_fixed, &chart.folder)
            .await?;
        rendered.version = Some(chart.version);
        rendered.findings.extend(chart.note);
        Ok(rendered)
    }

    /// Takes what was rendered from the same before, or renders it and keeps it.
    async fn kept(
        &self,
        ground: &Ground,
        job: &Job,
        chart: Option<String>,
        is_fixed: bool,
        root: &Path,
    ) -> Result<Rendered, Error> {
        let form = match &job.tool {
            None => Form::as_argocd(&ground.place),
            Some(Tool::Directory(_)) => Form::Plain,
            Some(Tool::Kustomize(_) | Tool::Flux(_)) => Form::Kustomize,
            Some(Tool::Helm(_)) => Form::Helm,
        };
        let kept = match self.settings.cache.as_deref().filter(|_| is_fixed) {
            None => None,
            Some(cache) => Kept::of(
                cache,
                &Key {
                    job,
                    program: self.versions(form).await,
                    chart,
                    options: &self.settings.build_options,
                    combined: self.settings.combined,
                },
            ),
        };
        if let Some(kept) = &kept
            && let Some(rendered) = kept.get().await
        {
            return Ok(rendered);
        }
        self.links.check(root)?;
        let rendered = self.now(ground, job, form).await?;
        if let Some(kept) = kept {
            // A full disk is no reason to know less.
            let _ = kept.put(&rendered);
        }
        Ok(rendered)
    }

    async fn now(&self, ground: &Ground, job: &Job, form: Form) -> Result<Rendered, Error> {
        let mut collection = Collection::as_agent();
        match (form, &job.tool) {
            (Form::Plain, _) => directory::read(self, ground, job, &mut collection).await?,
            (Form::Kustomize, Some(Tool::Flux(flux))) => flux::build(self, ground, flux, &mut collection).await?,
            (Form::Kustomize, _) => kustomized::build(self, ground, job, &mut collection).await?,
            (Form::Helm, _) => template::render(self, ground, job, &mut collection).await?,
        }
        collection.keep_the_last();
        let Collection {
            manifests, findings, ..
        } = collection;
        Ok(rendered(form, manifests, findings, &ground.path))
    }
}

fn rendered(form: Form, manifests: Vec<crate::object::Manifest>, mut findings: Vec<Finding>, path: &str) -> Rendered {
    let digest = digest(manifests.iter());
    let (hooks, manifests) = hooks::apart(manifests);
    if manifests.is_empty() && hooks.is_empty() && findings.is_empty() {
        let message = format!("`{path}` holds no manifests");
        findings.push(Finding::warning("render/empty", message).at(place(path, 1, 1)));
    }
    Rendered {
        form,
        digest,
        manifests,
        hooks,
        findings,
        version: None,
    }
}
