//! The cluster generator (`generators/cluster.go`).

use serde_json::{Map, Value, json};

use super::facts::{Attempt, Cluster, Stop};
use super::parameters::Parameters;
use super::{git, selector};

/// The label that makes a Secret one of a cluster.
const TYPE: (&str, &str) = ("argocd.argoproj.io/secret-type", "cluster");

pub(super) fn parameters(attempt: &Attempt<'_>, generator: &Value) -> Result<Vec<Parameters>, Stop> {
    let wanted = &generator["selector"];
    let mut sets = Vec::new();
    for cluster in &attempt.facts.clusters {
        let is_wanted = match &cluster.labels {
            // It has no Secret, so that no label can choose it.
            None => !selector::is_selective(wanted),
            Some(labels) => {
                let mut labels: Map<_, _> = labels.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
                labels.insert(TYPE.0.to_owned(), TYPE.1.into());
                selector::takes(wanted, &labels)?
            }
        };
        if is_wanted {
            let mut set = of(attempt, cluster);
            attempt.add_values(&generator["values"], &mut set)?;
            sets.push(set);
        }
    }
    if generator["flatList"] == Value::Bool(true) {
        sets = vec![[("clusters".to_owned(), json!(sets))].into_iter().collect()];
    }
    Ok(sets)
}

fn of(attempt: &Attempt<'_>, cluster: &Cluster) -> Parameters {
    let has_secret = cluster.labels.is_some();
    let normal = if has_secret {
        git::normal(&cluster.name)
    } else {
        cluster.name.clone()
    };
    let mut set = Map::new();
    for (key, value) in [
        ("name", cluster.name.as_str()),
        ("nameNormalized", &normal),
        ("server", &cluster.server),
        ("project", &cluster.project),
    ] {
        set.insert(key.to_owned(), value.into());
    }
    let Some(labels) = &cluster.labels else { return set };
    let mut labels = labels.clone();
    labels.insert(TYPE.0.to_owned(), TYPE.1.to_owned());
    let all = [("annotations", &cluster.annotations), ("labels", &labels)];
    if attempt.is_go {
        let said = all.into_iter().filter(|(_, pairs)| !pairs.is_empty());
        let metadata: Map<_, _> = said.map(|(name, pairs)| (name.to_owned(), json!(pairs))).collect();
        set.insert("metadata".to_owned(), metadata.into());
    } else {
        for (name, pairs) in all {
            let pairs = pairs.iter();
            set.extend(pairs.map(|(key, value)| (format!("metadata.{name}.{key}"), json!(value))));
        }
    }
    set
}
