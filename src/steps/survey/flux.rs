//! What SOPS has encrypted for Flux in the sources: for whom stands in each file, so that nothing is decrypted to know whether a restored
//! key will open it. Only reads.

use std::path::PathBuf;

use super::super::World;
use super::super::tree::Laid;
use crate::event::Failure;
use crate::platform::argocd::sets::Folder as _;
use crate::platform::flux::{Decryption, Files, Source, decryptions};
use crate::runbook::{AgentKind, Runbook};

/// Whether the sources are looked into, too.
pub fn decrypts(runbook: &Runbook) -> bool {
    runbook.agent.kind == AgentKind::Flux
}

/// A source that was fetched: its name, its address and its folder.
type Fetched = (String, String, PathBuf);

/// Returns the Kustomizations below the roots, as far as the sources could be fetched, with what is encrypted of what they apply.
///
/// # Errors
/// Where the sources cannot be read from disk.
pub async fn encrypted(world: &World) -> Result<Vec<Decryption>, Failure> {
    let runbook = world.runbook()?;
    let fetched = runbook.sources.iter().filter_map(|(name, source)| {
        let folder = world.fetched.folder(name)?;
        Some((name.clone(), source.git.clone(), folder.to_owned()))
    });
    let fetched: Vec<Fetched> = fetched.collect();
    let roots: Vec<_> = runbook.roots.iter().map(|root| root.from.clone()).collect();
    let roots = roots.into_iter().filter_map(|from| {
        let at = fetched.iter().position(|(name, ..)| *name == from.source)?;
        Some((at, from.path))
    });
    let roots: Vec<(usize, String)> = roots.collect();
    let found = tokio::task::spawn_blocking(move || find(&fetched, &roots)).await;
    found
        .map_err(|error| Failure::of(&error))?
        .map_err(|why| Failure::new(format!("what is encrypted in the sources is not known: {why}")))
}

fn find(fetched: &[Fetched], roots: &[(usize, String)]) -> Result<Vec<Decryption>, String> {
    let lists = fetched.iter().map(|(_, _, folder)| {
        let laid = Laid(folder.clone());
        let names = laid.files()?;
        Ok(Checkout { laid, names })
    });
    let lists: Vec<Checkout> = lists.collect::<Result<_, String>>()?;
    let sources = fetched
        .iter()
        .zip(&lists)
        .map(|((name, address, _), files)| Source { name, address, files });
    let sources: Vec<Source<'_>> = sources.collect();
    Ok(decryptions(&sources, roots))
}

struct Checkout {
    laid: Laid,
    names: Vec<String>,
}

impl Files for Checkout {
    fn all(&self) -> &[String] {
        &self.names
    }

    fn text(&self, path: &str) -> Option<String> {
        self.laid.read(path).ok()
    }
}
