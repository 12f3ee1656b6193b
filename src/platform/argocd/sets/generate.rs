//! From an `ApplicationSet` to its Applications.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::Value;

use super::facts::{Attempt, Facts, Generated, Stop};
use super::{generator, template};

/// Tells which Applications a set makes, given what is known.
///
/// As in the controller (`applicationset_controller.go`) one generator that fails keeps all Applications of the set from being
/// made anew, so what cannot be told of one is unknown of all.
pub fn generate(set: &Value, facts: &Facts) -> Generated {
    let spec = &set["spec"];
    let mut options = spec["goTemplateOptions"].as_array().into_iter().flatten();
    let attempt = Attempt {
        facts,
        needs: RefCell::default(),
        is_go: spec["goTemplate"] == Value::Bool(true),
        is_strict: options.any(|option| option == "missingkey=error"),
    };
    match all(&attempt, set) {
        Ok(applications) => Generated::Applications(applications),
        Err(Stop::Needs) => Generated::Needs(attempt.needs.into_inner()),
        Err(Stop::Unknown(why)) => Generated::Unknown(vec![why]),
    }
}

fn all(attempt: &Attempt<'_>, set: &Value) -> Result<Vec<Value>, Stop> {
    let base = &set["spec"]["template"];
    let entries = set["spec"]["generators"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if entries.is_empty() {
        return Err("it has no generators".to_owned().into());
    }
    let mut chosen = Vec::new();
    for entry in entries {
        let found = match generator::parameters(attempt, entry) {
            // What the others need is asked for at the same time.
            Err(Stop::Needs) => continue,
            found => found?,
        };
        for (name, sets) in found {
            chosen.push((template::merged(&entry[name]["template"], base), sets));
        }
    }
    attempt.settle()?;
    let mut applications = Vec::new();
    for (template, sets) in &chosen {
        for parameters in sets {
            applications.push(template::application(attempt, set, template, parameters)?);
        }
    }
    attempt.settle()?;
    let mut names = BTreeSet::new();
    for application in &applications {
        let name = application["metadata"]["name"].as_str().unwrap_or_default();
        if name.is_empty() || !names.insert(name) {
            return Err(
                format!("it makes more than one Application of the name `{name}`, which Argo CD refuses").into(),
            );
        }
    }
    Ok(applications)
}

#[cfg(test)]
#[path = "generate_tests.rs"]
mod tests;
