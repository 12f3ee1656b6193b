//! One entry of `generators`, whatever it is (`generators/generator_spec_processor.go`).

use serde_json::Value;

use super::facts::{Attempt, Stop};
use super::parameters::Parameters;
use super::{clusters, combined, git, list, selector};

/// The generators that ask servers which only the agent can ask, each with what it asks.
const OUTSIDE: [(&str, &str); 4] = [
    ("scmProvider", "the hosts of code"),
    ("pullRequest", "pull requests"),
    ("plugin", "a plugin"),
    ("clusterDecisionResource", "an object of the cluster"),
];

/// The generators that are told here.
const KNOWN: [&str; 5] = ["list", "clusters", "git", "matrix", "merge"];

/// How deep generators may lie in each other. Argo CD allows two.
const DEPTH: usize = 4;

/// Returns the name of each generator of an entry, with its sets of parameters.
pub(super) fn parameters<'entry>(
    attempt: &Attempt<'_>,
    entry: &'entry Value,
) -> Result<Vec<(&'entry str, Vec<Parameters>)>, Stop> {
    inside(attempt, entry, 0)
}

/// Returns the sets of an entry of a matrix or a merge, with `given` put into its texts.
pub(super) fn nested(
    attempt: &Attempt<'_>,
    entry: &Value,
    given: &Parameters,
    depth: usize,
) -> Result<Vec<Parameters>, Stop> {
    let chosen = &entry["selector"];
    let replaced;
    let entry = if given.is_empty() {
        entry
    } else {
        replaced = attempt.replace_all(entry, given)?;
        attempt.settle()?;
        &replaced
    };
    let mut found = inside(attempt, entry, depth + 1)?;
    match (found.pop(), found.is_empty()) {
        (Some((_, sets)), true) => Ok(selector::chosen(chosen, sets)?),
        _ => Err("an entry of a matrix or merge is one generator".to_owned().into()),
    }
}

fn inside<'entry>(
    attempt: &Attempt<'_>,
    entry: &'entry Value,
    depth: usize,
) -> Result<Vec<(&'entry str, Vec<Parameters>)>, Stop> {
    if depth > DEPTH {
        return Err("generators lie too deep in each other".to_owned().into());
    }
    let mut found = Vec::new();
    for (name, generator) in entry
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
    {
        let sets = match name.as_str() {
            "selector" => continue,
            "list" => list::parameters(attempt, generator)?,
            "clusters" => clusters::parameters(attempt, generator)?,
            "git" => git::parameters(attempt, generator)?,
            "matrix" => combined::matrix(attempt, generator, depth)?,
            "merge" => combined::merge(attempt, generator, depth)?,
            other => return Err(outside(other).into()),
        };
        let sets = if depth == 0 {
            selector::chosen(&entry["selector"], sets)?
        } else {
            sets
        };
        found.push((name.as_str(), sets));
    }
    if found.is_empty() {
        return Err(format!("it has a generator that is none of {}", KNOWN.join(", ")).into());
    }
    Ok(found)
}

fn outside(name: &str) -> String {
    match OUTSIDE.iter().find(|(known, _)| *known == name) {
        Some((_, what)) => format!("its generator `{name}` asks {what}, which only the agent can"),
        None => format!("its generator `{name}` is not known here"),
    }
}
