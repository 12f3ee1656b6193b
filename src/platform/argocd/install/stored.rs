//! Settings of a store over those of an install.

use serde_json::Value;

use super::stage::{Stage, StageName};
use crate::object::Manifest;

/// Puts ConfigMaps that a store holds among the stages of an install.
///
/// Where the install brings the same one, both become one, so that neither undoes the other: a key of the store goes before the
/// install's, and what else the install says of it stays. One that the install lacks comes with its configuration.
pub fn with_stored(mut stages: Vec<Stage>, stored: Vec<Manifest>) -> Vec<Stage> {
    let mut own = Vec::new();
    for map in stored {
        let mut installed = stages.iter_mut().flat_map(|stage| &mut stage.manifests);
        match installed.find(|manifest| manifest.id() == map.id()) {
            Some(installed) => put_over(installed.value_mut(), map.value()),
            None => own.push(map),
        }
    }
    if own.is_empty() {
        return stages;
    }
    let name = StageName::Configuration;
    if let Some(stage) = stages.iter_mut().find(|stage| stage.name == name) {
        stage.manifests.extend(own);
    } else {
        let at = stages.partition_point(|stage| stage.name < name);
        stages.insert(at, Stage { name, manifests: own });
    }
    stages
}

fn put_over(installed: &mut Value, stored: &Value) {
    for (key, value) in stored["data"].as_object().into_iter().flatten() {
        installed["data"][key] = value.clone();
    }
    // Without the label that makes it seen Argo CD would not read it; other words on it are the install's own.
    for (key, value) in stored["metadata"]["labels"].as_object().into_iter().flatten() {
        let label = &mut installed["metadata"]["labels"][key];
        if label.is_null() {
            *label = value.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Origin;

    fn map(name: &str, labels: &Value, data: &Value) -> Manifest {
        let value = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "argocd", "labels": labels},
            "data": data,
        });
        Manifest::new(value, Origin::default()).unwrap()
    }

    fn stage(name: StageName, manifests: Vec<Manifest>) -> Stage {
        Stage { name, manifests }
    }

    fn told(stages: &[Stage]) -> Vec<(StageName, Vec<Value>)> {
        let values = |stage: &Stage| stage.manifests.iter().map(|map| map.value().clone()).collect();
        stages.iter().map(|stage| (stage.name, values(stage))).collect()
    }

    #[test]
    fn what_a_store_holds_goes_before_what_the_install_brings_key_by_key() {
        let labels = json!({"team": "platform", "app": "theirs"});
        let installed = map("hosts", &labels, &json!({"known": "defaults", "other": "kept"}));
        let stored = map(
            "hosts",
            &json!({"app": "ours", "part-of": "argocd"}),
            &json!({"known": "stored"}),
        );
        let stages = with_stored(vec![stage(StageName::Configuration, vec![installed])], vec![stored]);
        let expected = map(
            "hosts",
            &json!({"team": "platform", "app": "theirs", "part-of": "argocd"}),
            &json!({"known": "stored", "other": "kept"}),
        );
        assert_eq!(
            told(&stages),
            [(StageName::Configuration, vec![expected.value().clone()])]
        );
    }

    #[test]
    fn an_install_without_a_word_on_it_takes_it() {
        let bare =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "certs", "namespace": "argocd"}});
        let bare = Manifest::new(bare, Origin::default()).unwrap();
        let stored = map("certs", &json!({"part-of": "argocd"}), &json!({"git": "pem"}));
        let stages = with_stored(vec![stage(StageName::Configuration, vec![bare])], vec![stored.clone()]);
        assert_eq!(
            told(&stages),
            [(StageName::Configuration, vec![stored.value().clone()])]
        );
    }

    #[test]
    fn one_that_the_install_lacks_comes_with_its_configuration() {
        let (hosts, certs) = (
            map("hosts", &json!({}), &json!({"a": "1"})),
            map("certs", &json!({}), &json!({"b": "2"})),
        );
        let name = |stages: &[Stage]| {
            let names = |stage: &Stage| stage.manifests.iter().map(|map| map.id().name).collect::<Vec<_>>();
            stages
                .iter()
                .map(|stage| (stage.name, names(stage)))
                .collect::<Vec<_>>()
        };
        let among = with_stored(
            vec![stage(StageName::Configuration, vec![hosts.clone()])],
            vec![certs.clone()],
        );
        assert_eq!(
            name(&among),
            [(StageName::Configuration, vec!["hosts".to_owned(), "certs".to_owned()])]
        );
        let others = vec![
            stage(StageName::Namespace, Vec::new()),
            stage(StageName::Support, vec![hosts]),
        ];
        let between = with_stored(others, vec![certs.clone()]);
        let stages: Vec<_> = between.iter().map(|stage| stage.name).collect();
        assert_eq!(
            stages,
            [StageName::Namespace, StageName::Configuration, StageName::Support]
        );
        assert_eq!(
            name(&with_stored(Vec::new(), vec![certs])),
            [(StageName::Configuration, vec!["certs".to_owned()])]
        );
        assert!(with_stored(Vec::new(), Vec::new()).is_empty());
    }
}
