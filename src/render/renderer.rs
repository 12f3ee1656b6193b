//! The way from a source of an app to manifests, as its agent goes it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::collect::{Collection, place};
use super::digest::digest;
use super::job::{Cluster, From};
use super::kept::{Kept, Key};
use super::turn::Turn;
use super::{
    Error, Form, Job, Rendered, Settings, charts, directory, flux, form, helm, hooks, kustomize, links, programs,
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
    links: Arc<links::Checked>,
    pub(super) places: Arc<Semaphore>,
    lines: Arc<Semaphore>,
}

/// How many charts are fetched at once: a server that is silent keeps nobody from working.
const LINES: usize = 8;

/// What a source is rendered from: the files as they are.
#[derive(Clone)]
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
            places: Arc::new(Semaphore::new(settings.at_once.max(1))),
            lines: Arc::new(Semaphore::new(LINES)),
            programs: programs::Versions::default(),
            links: Arc::default(),
            redactor: redactor.clone(),
            settings,
        }
    }

    /// Renders one source. What is wrong in single documents is in [`Rendered::findings`]; where one of them is an error, the
    /// agent would render nothing of the source. An error means that nobody but the agent can tell.
    pub async fn render(&self, job: &Job) -> Result<Rendered, Error> {
        match &job.from {
            From::Folder { checkout, path } => {
                let turn = self.turn().await;
                let is_fixed = !checkout.commit.is_empty() && job.lent.values().all(|lent| !lent.commit.is_empty());
                let (root, path) = (checkout.directory.clone(), path.clone());
                let ground = turn.aside(move |_| Ground::of(&root, &path)).await?;
                kept(&turn, &ground, job, None, is_fixed).await
            }
            From::Chart {
                repository,
                name,
                version,
            } => self.chart(job, repository, name, version).await,
        }
    }

    /// Waits until there is a place to work for a source.
    pub(super) async fn turn(&self) -> Turn<'_> {
        Turn::of(self, &self.places).await
    }

    async fn chart(&self, job: &Job, repository: &str, name: &str, version: &str) -> Result<Rendered, Error> {
        let passes = matches!(&job.tool, Some(Tool::Helm(helm)) if helm.pass_credentials);
        let line = Turn::of(self, &self.lines).await;
        let chart = charts::chart(&line, repository, name, version, passes).await?;
        drop(line);
        let turn = self.turn().await;
        let ground = Ground::of(&chart.folder, "")?;
        let mut job = job.clone();
        job.environment.at_revision(&chart.version);
        let is_fixed = job.lent.values().all(|lent| !lent.commit.is_empty());
        let mut rendered = kept(&turn, &ground, &job, Some(chart.digest), is_fixed).await?;
        rendered.version = Some(chart.version);
        rendered.findings.extend(chart.note);
        Ok(rendered)
    }
}

/// Takes what was rendered from the same before, or renders it and keeps it.
async fn kept(
    turn: &Turn<'_>,
    ground: &Ground,
    job: &Job,
    chart: Option<String>,
    is_fixed: bool,
) -> Result<Rendered, Error> {
    let settings = &turn.renderer.settings;
    let form = match &job.tool {
        None => {
            let place = ground.place.clone();
            turn.aside(move |_| Ok(Form::as_argocd(&place))).await?
        }
        Some(Tool::Directory(_)) => Form::Plain,
        Some(Tool::Kustomize(_) | Tool::Flux(_)) => Form::Kustomize,
        Some(Tool::Helm(_)) => Form::Helm,
    };
    let kept = match settings.cache.as_deref().filter(|_| is_fixed) {
        None => None,
        Some(cache) => Kept::of(
            cache,
            &Key {
                job: &told(job, form, &settings.build_options),
                program: turn.renderer.versions(form).await,
                chart,
                options: &settings.build_options,
                combined: settings.combined,
            },
        ),
    };
    let (earlier, links, root) = (kept.clone(), Arc::clone(&turn.renderer.links), ground.root.clone());
    let earlier = turn.aside(move |halt| {
        if let Some(rendered) = earlier.and_then(|kept| kept.get()) {
            return Ok(Some(rendered));
        }
        links.check(&root, halt)?;
        Ok(None)
    });
    if let Some(rendered) = earlier.await? {
        return Ok(rendered);
    }
    let collection = now(turn, ground, job, form).await?;
    let path = ground.path.clone();
    let made = turn.aside(move |_| {
        let rendered = rendered(form, collection, &path);
        if let Some(kept) = kept {
            // A full disk is no reason to know less.
            let _ = kept.put(&rendered);
        }
        Ok(rendered)
    });
    made.await
}

/// Returns a job without what is not heeded: only a chart asks for the cluster.
fn told<'job>(job: &'job Job, form: Form, build_options: &str) -> Cow<'job, Job> {
    let is_asked = match form {
        Form::Plain => false,
        Form::Kustomize => build_options.contains("--enable-helm"),
        Form::Helm => true,
    };
    if is_asked {
        return Cow::Borrowed(job);
    }
    Cow::Owned(Job {
        cluster: Cluster::default(),
        ..job.clone()
    })
}

async fn now(turn: &Turn<'_>, ground: &Ground, job: &Job, form: Form) -> Result<Collection, Error> {
    let mut collection = Collection::as_agent();
    match (form, &job.tool) {
        (Form::Plain, _) => directory::read(turn, ground, job, &mut collection).await?,
        (Form::Kustomize, Some(Tool::Flux(flux))) => flux::build(turn, ground, flux, &mut collection).await?,
        (Form::Kustomize, _) => kustomize::build(turn, ground, job, &mut collection).await?,
        (Form::Helm, _) => helm::render(turn, ground, job, &mut collection).await?,
    }
    Ok(collection)
}

fn rendered(form: Form, mut collection: Collection, path: &str) -> Rendered {
    collection.keep_the_last();
    let Collection {
        manifests,
        mut findings,
        asks,
        ..
    } = collection;
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
        asks,
    }
}
