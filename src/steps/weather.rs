//! Says what a step waits for while the target's API server is away.

use std::pin::pin;

use crate::cluster::Cluster;
use crate::engine::Context;

/// Waits for work to end. While requests of it are made again because the server is in trouble, the step says so.
///
/// Work that changes something is never dropped, or nobody would know what came of its requests in flight. So the connection is one
/// [until the step is stopped](super::World::cluster_until_stopped), by which the work ends soon after.
pub(super) async fn told<T>(context: &Context, cluster: &Cluster, work: impl Future<Output = T>) -> T {
    let mut trouble = cluster.trouble();
    let mut work = pin!(work);
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
