//! The capture as a whole: what is refused, what is looked at, and what is written in which order.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::super::stores::{amiss, amiss_together, with_set};
use super::super::{Options, World};
use super::live::Live;
use super::manifest::{CaptureManifest, DigestKey, Entry};
use super::place::{self, Beside, Spot, look};
use super::told::{Capture, Captured, Kept, State};
use super::{find, needed, remarks, write};
use crate::event::Failure;
use crate::runbook::{From, Runbook};
use crate::secrets::{ErrorKind, Store};

/// What a person wants of a capture.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Whether it writes; else it says what it would.
    pub writes: bool,
    /// The one store that is meant, of several.
    pub to: Option<String>,
    /// The secrets of which something in a store may be replaced that no capture has written.
    pub replace: Vec<String>,
    /// Why another cluster is captured than the one that was captured last.
    pub other_cluster: Option<String>,
    /// Now.
    pub now: Timestamp,
}

/// The manifest of the last capture, as it is stored.
pub struct Last {
    /// Its place, for people.
    place: String,
    /// The version there; none where nothing is.
    version: Option<String>,
    /// What it says.
    known: Option<(CaptureManifest, DigestKey)>,
}

/// Compares what the live cluster has with what the stores hold, and writes what is new or newer where that is wished. `last` was read before
/// the cluster: what somebody else captures meanwhile is no version of ours. Once `stop` is cancelled no write is begun any more.
///
/// # Errors
/// Where nothing may be captured: another cluster than the last, a platform without its roots or of which nobody knows whether it has them, one
/// in which a run has begun meanwhile. Nothing is written then.
pub async fn capture(
    world: &World,
    live: Live,
    last: Option<Last>,
    unknown: Option<Failure>,
    wishes: &Wishes,
    stop: &CancellationToken,
) -> Result<Capture, Failure> {
    let (runbook, cluster) = (world.runbook()?, world.cluster()?);
    let now = wishes.now;
    if let Some(unknown) = unknown.as_ref().filter(|_| wishes.writes) {
        let refusal =
            "nothing is written while nobody knows whether this is the whole platform: the sources tell nothing";
        return Err(unknown.clone().within(refusal));
    }
    rooted(world).await?;
    let identity = cluster.identity();
    let known = last.as_ref().and_then(|last| last.known.as_ref());
    if let Some((before, _)) = known {
        same_cluster(before, &identity.uid, &identity.server, wishes)?;
    }
    let beside = Beside {
        manifest: known,
        is_same_cluster: known.is_some_and(|(before, _)| before.cluster == identity.uid),
        wishes,
        now,
    };
    let mut spots = look(world, &live, &beside).await;
    let needed = needed::needed(world, &live.others).await?;
    let mut manifest = None;
    if wishes.writes {
        find::still_whole(world, cluster).await?;
        write::write(&mut spots, stop).await;
    }
    if let Some(last) = &last {
        let next = next(world, runbook, known, &spots, wishes)?;
        manifest = Some(keep(world, last, next, wishes).await?);
    }
    let mut findings = needed::unforeseen(world);
    for (name, living) in &live.secrets {
        let spec = &runbook.secrets[name];
        findings.extend(amiss(name, spec, &with_set(spec, living.data.clone()), now));
        findings.extend(remarks::remarks(runbook, name, spec, living));
    }
    let typed = live.secrets.iter();
    findings.extend(amiss_together(
        typed.map(|(name, living)| (name, &runbook.secrets[name], &living.data)),
    ));
    let places = spots.into_iter().filter_map(|spot| {
        Some(Captured {
            secret: spot.name.to_owned(),
            store: spot.from.store.clone(),
            path: spot.from.path.clone(),
            state: spot.state?,
        })
    });
    Ok(Capture {
        runbook: runbook.name.clone(),
        at: now,
        server: identity.server.clone(),
        writes: wishes.writes,
        places: places.collect(),
        needed,
        unknown,
        findings,
        before: known.map(|(before, _)| format!("{} at {:.0} from {}", before.by, before.at, before.server)),
        manifest,
    })
}

impl Wishes {
    /// Refuses what is wished of secrets and stores that there are not, and to write where nobody could tell later what was written.
    ///
    /// # Errors
    /// With the name that was probably meant.
    pub fn check(&self, runbook: &Runbook) -> Result<(), Failure> {
        let unknown = |flag: &str, what: &str, name: &str, known: Vec<&str>| {
            let failure = Failure::new(format!("{flag} names the {what} `{name}`, which the runbook has not"));
            match crate::runbook::among(name, known) {
                Some(meant) => failure.hint(meant),
                None => failure,
            }
        };
        if let Some(name) = self.replace.iter().find(|name| !runbook.secrets.contains_key(*name)) {
            let known = runbook.secrets.keys().map(String::as_str).collect();
            return Err(unknown("--replace", "secret", name, known));
        }
        // One that nothing is read from has no places.
        let read = runbook.secrets.values().flat_map(|spec| &spec.from);
        let read: BTreeSet<&str> = read.map(|from| from.store.as_str()).collect();
        if let Some(to) = self.to.as_ref().filter(|to| !read.contains(to.as_str())) {
            return Err(unknown("--to", "store", to, read.into_iter().collect()));
        }
        if self.writes && runbook.capture.is_none() {
            return Err(Failure::new("the runbook does not say where captures keep their manifest")
                .hint("say it: `capture: {vault: dr/manifest}`, with a store that can be written to and a place of its own")
                .hint("without it nobody could tell what a capture has written from what a person has"));
        }
        Ok(())
    }
}

/// Refuses a platform that has not got its roots: it was installed, and not yet brought.
async fn rooted(world: &World) -> Result<(), Failure> {
    let (cluster, namespace) = (world.cluster()?, &world.runbook()?.agent.namespace);
    let Some(prepared) = world.prepared.get() else {
        return Ok(());
    };
    let mut lacking = Vec::new();
    for manifest in prepared.roots.iter().flatten() {
        let id = cluster.located(manifest, namespace)?;
        if cluster.get(&id).await?.is_none() {
            lacking.push(format!("there is no {id}"));
        }
    }
    if lacking.is_empty() {
        return Ok(());
    }
    Err(Failure {
        causes: lacking,
        ..Failure::new("nothing is captured from a cluster that lacks the roots of the runbook")
    }
    .hint("name the context of the live platform with --context, or its revision with --revision"))
}

/// Refuses another cluster than the one that was captured last: its values may be those of a drill, or new and worth nothing.
fn same_cluster(before: &CaptureManifest, uid: &str, server: &str, wishes: &Wishes) -> Result<(), Failure> {
    if before.cluster == uid || wishes.other_cluster.is_some() {
        return Ok(());
    }
    Err(Failure {
        causes: vec![
            format!(
                "{} captured {} at {:.0}, whose UID is {}",
                before.by, before.server, before.at, before.cluster
            ),
            format!("this is {server}, whose UID is {uid}"),
        ],
        ..Failure::new("this is another cluster than the one that was captured last")
    }
    .hint("if it took that one's place, say so: --other-cluster REASON"))
}

/// Reads the manifest of the last capture; none where the runbook names no place for it.
///
/// # Errors
/// Where it cannot be read, or not be written though that is wished.
pub async fn last(world: &World, wishes: &Wishes) -> Result<Option<Last>, Failure> {
    let runbook = world.runbook()?;
    let Some((name, path)) = &runbook.capture else {
        return Ok(None);
    };
    let store = store_of(world, name)?;
    let place = format!("{path} in store {name}");
    if wishes.writes && store.writer().is_none() {
        return Err(Failure::new(format!(
            "the manifest of captures cannot be kept: store {name} is only read"
        )));
    }
    let unreadable = |error: crate::secrets::Error| {
        Failure::from(error).within(format!("the manifest of captures, {place}, cannot be read"))
    };
    if let Err(error) = store.check().await {
        return Err(unreadable(error));
    }
    match store.read(path, None).await {
        Ok(stored) => {
            let known = CaptureManifest::read(&stored, &runbook.name, &place)?;
            Ok(Some(Last {
                place,
                version: stored.version,
                known: Some(known),
            }))
        }
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::MissingPath | ErrorKind::Deleted | ErrorKind::Destroyed
            ) =>
        {
            Ok(Some(Last {
                place,
                version: None,
                known: None,
            }))
        }
        Err(error) => Err(unreadable(error)),
    }
}

fn store_of<'world>(world: &'world World, name: &str) -> Result<&'world dyn Store, Failure> {
    let store = world.stores.iter().find(|store| store.name() == name);
    store
        .map(AsRef::as_ref)
        .ok_or_else(|| Failure::new(format!("there is no store {name}")))
}

/// Makes the manifest of what the places hold now. What could not be told stays as it was.
fn next(
    world: &World,
    runbook: &Runbook,
    known: Option<&(CaptureManifest, DigestKey)>,
    spots: &[Spot<'_>],
    wishes: &Wishes,
) -> Result<(CaptureManifest, DigestKey), Failure> {
    let (mut next, key) = match known {
        Some((before, key)) => (before.clone(), key.clone()),
        None => (CaptureManifest::new(&runbook.name), DigestKey::new()?),
    };
    let places = runbook.secrets.values().flat_map(|spec| &spec.from);
    let is_read = |known: &str, from: &From| known.starts_with(&place::place(from));
    next.places
        .retain(|known, _| places.clone().any(|from| is_read(known, from)));
    for spot in spots {
        if let Some(State::Same { version } | State::Written { version, .. }) = &spot.state {
            let entry = Entry {
                secret: spot.name.to_owned(),
                version: version.clone(),
                written: spot.written,
                keys: key.digests(spot.name, &spot.wanted),
            };
            next.places.insert(place::place(&spot.from), entry);
        }
    }
    let identity = world.cluster()?.identity();
    let is_moved = next.cluster != identity.uid;
    if known.is_none_or(|(before, _)| before.places != next.places) || is_moved {
        let Options { holder, .. } = &world.options;
        (next.at, next.by) = (wishes.now, holder.by.clone());
        (next.cluster, next.server) = (identity.uid.clone(), identity.server.clone());
        next.because = wishes.other_cluster.clone().filter(|_| is_moved && known.is_some());
    }
    Ok((next, key))
}

/// Writes the manifest where it is another now, over the version that was read.
async fn keep(
    world: &World,
    last: &Last,
    (next, key): (CaptureManifest, DigestKey),
    wishes: &Wishes,
) -> Result<Kept, Failure> {
    let mut kept = Kept {
        place: last.place.clone(),
        version: last.version.clone(),
        written: false,
        failure: None,
    };
    let is_another = last.known.as_ref().is_none_or(|(before, _)| *before != next);
    let Some((name, path)) = world
        .runbook()?
        .capture
        .as_ref()
        .filter(|_| wishes.writes && is_another)
    else {
        return Ok(kept);
    };
    let Some(writer) = store_of(world, name)?.writer() else {
        return Ok(kept);
    };
    match writer.write(path, &next.stored(&key)?, last.version.as_deref()).await {
        Ok(version) => (kept.version, kept.written) = (Some(version), true),
        Err(error) => {
            let failure = Failure::from(error).within("the manifest of what was captured could not be written");
            kept.failure =
                Some(failure.hint(
                    "capture again: what is stored already is found to be right, and only the manifest is written",
                ));
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_cluster_than_the_last_is_captured_only_if_a_person_says_so() {
        let mut before = CaptureManifest::new("shop");
        (before.cluster, before.by) = ("old".into(), "ann@desk".into());
        let said = Wishes {
            other_cluster: Some("restored after the fire".into()),
            ..Wishes::default()
        };
        for (uid, wishes, is_taken) in [
            ("old", &Wishes::default(), true),
            ("new", &Wishes::default(), false),
            ("new", &said, true),
        ] {
            let told = same_cluster(&before, uid, "https://10.0.0.7", wishes);
            assert_eq!(told.is_ok(), is_taken, "{told:?}");
        }
    }
}
