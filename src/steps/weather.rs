//! Says what a step waits for while the target's API server is away.

use std::pin::pin;

use crate::cluster::Cluster;
use crate::engine::Context;
use crate::event::Failure;

/// Waits for work unless the step is stopped first. While requests of it are made again because the server is in trouble, the
/// step says so.
pub(super) async fn told<T>(context: &Context, cluster: &Cluster, work: impl Future<Output = T>) -> Result<T, Failure> {
    let mut trouble = cluster.trouble();
    let mut work = pin!(context.unless_stopped(work));
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            Ok(()) = trouble.changed() => {
                let words = trouble.borrow_and_update().clone();
                context.progress(0, None, match words {
                    Some(words) => format!("the API server does not do what it is asked, trying again: {words}"),
                    None => "the API server answers again".to_owned(),
                });
            }
        }
    }
}
