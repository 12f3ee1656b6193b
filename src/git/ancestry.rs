//! Whether one commit follows from another.

use std::collections::BTreeSet;
use std::path::Path;

use git2::{Oid, Repository};

use super::fetch::{Talk, Trouble, at_any};
use super::transfer::Transfer;
use super::{Error, Request, Wanted};

/// How many generations are looked at, one try after the other. A branch that went on by more than a thousand generations in
/// one recovery is not expected; one that was rewritten must not make us fetch the whole history of a big repository.
const DEPTHS: [i32; 3] = [20, 200, 1_000];

/// Whether the commit `newer` has `older` among its ancestors, or is it. History is fetched for it, as much as is needed and
/// no more than a thousand generations; what is not among them does not count.
///
/// The revision of `request` is not looked at: the commit itself is asked for, at the same addresses.
pub async fn follows(request: &Request, older: &str, newer: &str, into: &Path) -> Result<bool, Error> {
    if older == newer {
        return Ok(true);
    }
    let request = Request {
        revision: Wanted::Pinned(newer.to_owned()),
        ..request.clone()
    };
    let older = older.to_owned();
    at_any(&request, into, move |talk| look(talk, &older)).await
}

fn look(talk: &Talk<'_>, older: &str) -> Result<bool, Trouble> {
    let transfer = Transfer::new(talk.address, talk.access, talk.pulse);
    let judge = |error: git2::Error| Trouble::Address(transfer.judge(&error));
    let older = Oid::from_str(older).map_err(judge)?;
    for depth in DEPTHS {
        let folder = talk.folder(".history-")?;
        let (repository, newer) = transfer
            .take(talk.wanted, folder.path(), depth)
            .map_err(Trouble::Address)?;
        if is_ancestor(&repository, older, newer, || talk.pulse.beat()).map_err(judge)? {
            return Ok(true);
        }
        // Without a boundary this is all the history there is.
        if !repository.is_shallow() {
            return Ok(false);
        }
    }
    Ok(false)
}

/// Walks back from `newer` over all the commits that are there. libgit2 has `graph_descendant_of`, which fails at the boundary
/// of a shallow history.
fn is_ancestor(
    repository: &Repository,
    older: Oid,
    newer: Oid,
    goes_on: impl Fn() -> bool,
) -> Result<bool, git2::Error> {
    let mut seen = BTreeSet::from([newer]);
    let mut next = vec![newer];
    while let Some(id) = next.pop() {
        if id == older {
            return Ok(true);
        }
        if !goes_on() {
            return Err(git2::Error::from_str("given up"));
        }
        // Beyond the boundary of a shallow history a parent is named and not there.
        let Ok(commit) = repository.find_commit(id) else {
            continue;
        };
        next.extend(commit.parent_ids().filter(|parent| seen.insert(*parent)));
    }
    Ok(false)
}
