//! Takes what a restore will need from a live cluster into the stores of its runbook.

use std::sync::Arc;

use super::request::Request;
use super::run::{Purpose, begin, new_run};
use crate::engine::Step;
use crate::event::Failure;
use crate::runbook::AgentKind;
use crate::steps::{self, Capture, FetchSources, FindLive, Prepare, Wishes, homes_apart};

/// Captures. Of the cluster nothing is changed, and no journal is kept; the stores are written to only where that is wished. Where it is
/// interrupted no write is begun any more, and those that are on their way end; before that there is nothing to tell.
///
/// # Errors
/// Where nothing may be captured; nothing is written then.
pub async fn capture(request: Request, wishes: Wishes) -> Result<Option<Capture>, Failure> {
    let stop = request.interrupt.clone();
    let (mut engine, world) = begin(request, new_run(), None, Purpose::Looks);
    let world = world?;
    wishes.check(world.runbook()?)?;
    let looked = async {
        // Before the cluster is read: what somebody else captures meanwhile is no version of ours.
        let last = steps::last(&world, &wishes).await?;
        let find: [Box<dyn Step>; 1] = [Box::new(FindLive(Arc::clone(&world)))];
        engine.run(&find).await.map_err(|(_, failure)| failure)?;
        homes_apart(&world).await?;
        let live = steps::read_live(&world).await?;
        // The sources are opened by what the live cluster opens them by. What else a restore needs is known from them alone; of Flux,
        // which is not rendered here, from its own objects.
        let mut prepare: Vec<Box<dyn Step>> = vec![Box::new(FetchSources(Arc::clone(&world)))];
        if world.runbook()?.agent.kind == AgentKind::Argocd {
            prepare.push(Box::new(Prepare(Arc::clone(&world))));
        }
        let unknown = engine.run(&prepare).await.err().map(|(_, failure)| failure);
        Ok::<_, Failure>((last, live, unknown))
    };
    let (last, live, unknown) = tokio::select! {
        looked = looked => looked?,
        () = stop.cancelled() => return Ok(None),
    };
    steps::capture(&world, live, last, unknown, &wishes, &stop)
        .await
        .map(Some)
}
