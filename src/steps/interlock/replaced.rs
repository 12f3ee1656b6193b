//! The cluster that this one takes the place of: two that live side by side write over each other outside of Kubernetes
//! (DNS, queues, buckets, databases), and no one would see it here.

use url::Url;

use super::super::World;
use crate::cluster::{Cluster, Sign, look, same_server, sign_of_life};
use crate::engine::{Answer, Context};
use crate::event::{Failure, Question};

/// How a person vouches for the fence without being asked.
const FLAG: &str = "--fenced REASON";

/// An old cluster that does not answer, and what that is worth.
pub(super) struct Silence {
    server: Url,
    /// What was seen, a fragment.
    seen: String,
}

/// Refuses while the old cluster answers, whatever anybody vouches for. `None` where the runbook replaces none.
pub(super) async fn is_silent(world: &World, cluster: &Cluster, context: &Context) -> Result<Option<Silence>, Failure> {
    let Some(replaces) = &world.runbook()?.target.replaces else {
        if world.options.answers.fenced.is_some() {
            context.notice("--fenced vouches for nothing: the runbook names no cluster that is replaced.");
        }
        return Ok(None);
    };
    let server = replaces.server.clone();
    let own = &cluster.identity().server;
    if same_server(server.as_str(), own) {
        let seen = format!("{server} leads to this very cluster, so whether the old one is off cannot be seen");
        return Ok(Some(Silence { server, seen }));
    }
    let seen = match sign_of_life(&server).await {
        Sign::Silent { why } => format!("{server} does not answer ({why}), which is no proof that it is off"),
        Sign::Alive { words, certificate } => {
            let target = match Url::parse(own) {
                Ok(own) if certificate.is_some() => look(&own).await.certificate().map(<[u8]>::to_vec),
                _ => None,
            };
            if target.is_none() || target != certificate {
                let mut failure = Failure::new(format!("the old cluster {server} answers: it is not off"));
                failure.causes.push(words);
                return Err(failure
                    .hint("power it off, or cut its network; then run again")
                    .hint("if it is to live on, take `replaces` out of the runbook"));
            }
            format!(
                "{server} leads to this very cluster (it shows the same certificate), so whether the old one is off cannot be seen"
            )
        }
    };
    Ok(Some(Silence { server, seen }))
}

/// Takes the word of a person that the old cluster is fenced: by flag, from the run that this one goes on with, or by asking
/// where `ask` allows it.
pub(super) async fn word(world: &World, silence: &Silence, ask: bool, context: &Context) -> Result<(), Failure> {
    let earlier = world.earlier.get().into_iter().flat_map(|earlier| &earlier.vouched);
    let earlier = earlier
        .filter(|(what, _)| what == "fenced")
        .map(|(_, reason)| reason)
        .last();
    let given = world.options.answers.fenced.as_ref().or(earlier);
    let refused = || {
        let mut failure = Failure::new(format!("nobody says how the old cluster {} was fenced", silence.server)).hint(
            format!("make sure that it is off, and say how: {FLAG}, such as --fenced 'power off, ticket 4711'"),
        );
        failure.causes.push(silence.seen.clone());
        failure
    };
    let reason = match given {
        Some(reason) => reason.clone(),
        None if ask && context.is_attended() => {
            let question = Question {
                prompt: format!("How was the old cluster {} fenced?", silence.server),
                details: vec![
                    silence.seen.clone(),
                    "Two clusters side by side write over each other. Your words are journaled; none refuse the restore.".into(),
                ],
                flag: FLAG.into(),
                ..Question::default()
            };
            match context.ask(question).await? {
                Answer::Given { comment, .. } if !comment.trim().is_empty() => comment.trim().to_owned(),
                Answer::Given { .. } | Answer::Refused { .. } => return Err(refused()),
            }
        }
        None => return Err(refused()),
    };
    context.vouched("fenced", reason);
    Ok(())
}
