//! The generators of generators: matrix and merge (`generators/{matrix,merge}.go`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::facts::{Attempt, Stop};
use super::generator;
use super::parameters::{Parameters, combine, overlay};

/// Each set of the first generator with each of the second, whose own texts may use parameters of the first.
pub(super) fn matrix(attempt: &Attempt<'_>, matrix: &Value, depth: usize) -> Result<Vec<Parameters>, Stop> {
    let generators = matrix["generators"].as_array().map(Vec::as_slice).unwrap_or_default();
    let [first, second] = generators else {
        return Err(format!("a matrix has two generators, and this one has {}", generators.len()).into());
    };
    let first = generator::nested(attempt, first, &Map::new(), depth)?;
    // The second may be told by what is not known yet.
    attempt.settle()?;
    let mut sets = Vec::new();
    for one in first {
        let others = match generator::nested(attempt, second, &one, depth) {
            // The needs of all are gathered before anything is found out.
            Err(Stop::Needs) => continue,
            others => others?,
        };
        for other in others {
            sets.push(if attempt.is_go {
                let mut both = other;
                overlay(&mut both, &one);
                both
            } else {
                combine(&one, &other)?
            });
        }
    }
    attempt.settle()?;
    Ok(sets)
}

/// The sets of the first generator, with those of the others laid over them that have the same values at the keys.
pub(super) fn merge(attempt: &Attempt<'_>, merge: &Value, depth: usize) -> Result<Vec<Parameters>, Stop> {
    let generators = merge["generators"].as_array().map(Vec::as_slice).unwrap_or_default();
    let keys: Vec<&str> = merge["mergeKeys"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if generators.len() < 2 {
        return Err("a merge has two generators or more".to_owned().into());
    }
    if keys.is_empty() {
        return Err("a merge needs `mergeKeys`".to_owned().into());
    }
    let mut all = Vec::new();
    for one in generators {
        all.push(generator::nested(attempt, one, &Map::new(), depth)?);
    }
    // What is not known yet would make sets look alike.
    attempt.settle()?;
    let mut all = all.into_iter();
    let mut base = by_keys(&keys, all.next().unwrap_or_default())?;
    for sets in all {
        for (key, over) in by_keys(&keys, sets)? {
            let Some(under) = base.get_mut(&key) else { continue };
            if attempt.is_go {
                overlay(under, &over);
            } else {
                under.extend(over);
            }
        }
    }
    Ok(base.into_values().collect())
}

fn by_keys(keys: &[&str], sets: Vec<Parameters>) -> Result<BTreeMap<String, Parameters>, String> {
    let mut found = BTreeMap::new();
    for set in sets {
        let values: Vec<&Value> = keys.iter().map(|key| set.get(*key).unwrap_or(&Value::Null)).collect();
        let key = serde_json::to_string(&values).unwrap_or_default();
        if found.contains_key(&key) {
            return Err(format!("a generator of a merge gives {key} twice at its `mergeKeys`"));
        }
        found.insert(key, set);
    }
    Ok(found)
}
