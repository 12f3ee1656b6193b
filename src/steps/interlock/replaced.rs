//! The cluster that this one takes the place of: two that live side by side write over each other outside of Kubernetes
//! (DNS, queues, buckets, databases), and no one would see it here.

use url::Url;

use super::super::World;
use crate::cluster::{Cluster, Sign, look, same_server, sign_of_life};
use crate::engine::{Answer, Context};
use crate::event::{Failure, Question};

/// How a person vouches for the fence without being asked.
const FLAG: &str = "--fenced REASON";
/// What is vouched for by it, before the server of the old cluster.
const WHAT: &str = "fenced ";

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
            let same = target.is_some() && target == certificate;
            return Err(alive(&server, own, words, same));
        }
    };
    Ok(Some(Silence { server, seen }))
}

/// Refuses an old cluster that answers. One certificate for two addresses proves nothing: a front such as Rancher's or
/// Teleport's, or a certificate with a wildcard, stands before many clusters.
fn alive(server: &Url, own: &str, words: String, same_certificate: bool) -> Failure {
    let mut failure = Failure::new(format!("the old cluster {server} answers: it is not off"));
    failure.causes.push(words);
    failure = failure.hint("power it off, or cut its network; then run again");
    if same_certificate {
        failure.causes.push(format!(
            "it shows the same certificate as {own}, where this run restores: it may be another name of that one, or a second \
             cluster behind the same front"
        ));
        failure = failure.hint(format!(
            "if that address leads to the new cluster already, write the one by which this run reaches it: \
             `replaces: {{server: \"{}\"}}`, and vouch for the fence",
            own.trim_end_matches('/')
        ));
    }
    failure.hint("if it is to live on, take `replaces` out of the runbook")
}

/// Takes the word of a person that the old cluster is fenced: by flag, from the run that this one goes on with, or by asking
/// where `ask` allows it.
pub(super) async fn word(world: &World, silence: &Silence, ask: bool, context: &Context) -> Result<(), Failure> {
    let earlier = world.earlier.get().map(|earlier| earlier.vouched.as_slice());
    let earlier = vouched_for(earlier.unwrap_or_default(), &silence.server);
    let given = world.options.answers.fenced.as_deref().or(earlier);
    let refused = || {
        let mut failure = Failure::new(format!("nobody says how the old cluster {} was fenced", silence.server)).hint(
            format!("make sure that it is off, and say how: {FLAG}, such as --fenced 'power off, ticket 4711'"),
        );
        failure.causes.push(silence.seen.clone());
        failure
    };
    let reason = match given {
        Some(reason) => reason.to_owned(),
        None if ask && context.is_attended() => {
            let question = Question {
                prompt: format!("How was the old cluster {} fenced?", silence.server),
                details: vec![
                    silence.seen.clone(),
                    "Two clusters side by side write over each other. What you say is kept in the journal; `no`, or nothing, refuses the restore.".into(),
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
    context.vouched(format!("{WHAT}{}", silence.server), reason);
    Ok(())
}

/// Returns the last word that an earlier run took for this very server: nobody who vouched for one cluster has vouched for
/// another that the runbook names later.
fn vouched_for<'words>(vouched: &'words [(String, String)], server: &Url) -> Option<&'words str> {
    let is_of_it = |what: &str| {
        what.strip_prefix(WHAT)
            .is_some_and(|of| same_server(of, server.as_str()))
    };
    let mut words = vouched.iter().filter(|(what, _)| is_of_it(what));
    words.next_back().map(|(_, reason)| reason.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_answers_is_alive_whatever_certificate_it_shows() {
        let server = Url::parse("https://rancher.example.com/k8s/clusters/old").unwrap();
        let told = |same| {
            alive(
                &server,
                "https://rancher.example.com/k8s/clusters/new",
                "401".into(),
                same,
            )
        };
        for same in [false, true] {
            let failure = told(same);
            assert!(failure.message.ends_with("answers: it is not off"), "{failure:?}");
            let of_certificate = failure
                .causes
                .iter()
                .any(|cause| cause.contains("the same certificate"));
            assert_eq!(of_certificate, same, "{failure:?}");
        }
    }

    #[test]
    fn the_word_for_one_cluster_is_none_for_another() {
        let vouched = [
            ("fenced https://10.0.0.3:6443/", "power off"),
            ("fenced https://10.0.0.4:6443/", "cut off"),
            ("adopt", "seen"),
            ("fenced https://10.0.0.3:6443/", "still off"),
            // A word without a server vouches for nothing in particular.
            ("fenced", "off"),
        ]
        .map(|(what, reason)| (what.to_owned(), reason.to_owned()));
        for (server, word) in [
            ("https://10.0.0.3:6443", Some("still off")),
            ("https://10.0.0.4:6443", Some("cut off")),
            ("https://10.0.0.5:6443", None),
            ("https://10.0.0.3:6444", None),
        ] {
            assert_eq!(vouched_for(&vouched, &Url::parse(server).unwrap()), word, "{server}");
        }
    }
}
