//! Whether the credentials of a runbook can be had. Looks at stores, and at sources where they hold some or, with Flux, what is encrypted.

use std::sync::Arc;

use super::request::Request;
use super::run::{Purpose, begin, new_run};
use crate::engine::Step;
use crate::event::Failure;
use crate::finding::Finding;
use crate::steps::{FetchSources, ReadOpeners, Survey, decrypts, encrypted, homes_apart};

/// Looks at every place from which the runbook reads a secret; `reads_all` reads also what metadata could tell of. Nothing is written but
/// the cache of the sources, not even a journal.
///
/// # Errors
/// Where a store cannot be made of what the runbook says: a variable that is not set, a CA that cannot be read.
pub async fn survey(request: Request, reads_all: bool) -> Result<Survey, Failure> {
    let clock = Arc::clone(&request.clock);
    let (mut engine, world) = begin(request, new_run(), None, Purpose::Looks);
    let world = world?;
    let runbook = world.runbook()?;
    homes_apart(&world).await?;
    let mut unfetched = None;
    if runbook.reads_from_sources() || decrypts(runbook) {
        // What opens a source is read before.
        let steps: [Box<dyn Step>; 2] = [
            Box::new(ReadOpeners(Arc::clone(&world))),
            Box::new(FetchSources(Arc::clone(&world))),
        ];
        unfetched = engine.run(&steps).await.err();
    }
    let decryptions = if decrypts(runbook) {
        encrypted(&world).await?
    } else {
        Vec::new()
    };
    let (stores, redactor) = (&world.stores, &world.redactor);
    let mut survey = crate::steps::survey(runbook, stores, redactor, clock.now(), reads_all, &decryptions).await;
    if let Some((_, failure)) = unfetched {
        let message = format!("what is in the sources was not looked at: {}", failure.words());
        // Where no secret is in a source, nothing that was asked for is missing.
        let finding = if runbook.reads_from_sources() {
            Finding::error("secret/source", message)
        } else {
            Finding::warning("secret/source", message)
        };
        survey.findings.push(match failure.hints.first() {
            Some(hint) => finding.help(hint),
            None => finding,
        });
    }
    Ok(survey)
}
