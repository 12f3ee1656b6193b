//! Sets, and what upstream's controller makes of them (the cases follow `applicationset/generators/*_test.go`).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::platform::argocd::sets::{Cluster, Folder, Needs, Place};

/// A repository in memory.
struct Files(BTreeMap<&'static str, &'static str>);

impl Folder for Files {
    fn directories(&self) -> Result<Vec<String>, String> {
        let mut found: Vec<String> = Vec::new();
        for file in self.0.keys() {
            let folders = file.match_indices('/').map(|(at, _)| file[..at].to_owned());
            found.extend(folders.filter(|folder| !folder.split('/').any(|part| part.starts_with('.'))));
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn files(&self) -> Result<Vec<String>, String> {
        Ok(self.0.keys().map(ToString::to_string).collect())
    }

    fn read(&self, file: &str) -> Result<String, String> {
        self.0
            .get(file)
            .map(ToString::to_string)
            .ok_or_else(|| "it is not there".to_owned())
    }
}

const REPOSITORY: &str = "https://h/p.git";

fn facts() -> Facts {
    let files = Files(BTreeMap::from([
        ("apps/cart/app.yaml", ""),
        ("apps/Big Search/app.yaml", ""),
        ("apps/old/app.yaml", ""),
        ("apps/.hidden/app.yaml", ""),
        ("config/eu/a.json", r#"{"region": {"name": "eu"}, "count": 2}"#),
        ("config/us/a.yaml", "- {region: {name: us1}}\n- {region: {name: us2}}\n"),
        ("config/us/skip.json", "{}"),
    ]));
    let place = Place {
        repository: REPOSITORY.to_owned(),
        revision: "HEAD".to_owned(),
    };
    let labels = BTreeMap::from([("tier".to_owned(), "edge".to_owned())]);
    Facts {
        clusters: vec![
            Cluster {
                name: "Edge_1".to_owned(),
                server: "https://10.0.0.9:6443".to_owned(),
                project: "shop".to_owned(),
                labels: Some(labels),
                annotations: BTreeMap::from([("note".to_owned(), "n".to_owned())]),
            },
            Cluster {
                name: "in-cluster".to_owned(),
                server: "https://kubernetes.default.svc".to_owned(),
                ..Cluster::default()
            },
        ],
        places: BTreeMap::from([(place, Ok(Arc::new(files) as Arc<dyn Folder>))]),
        ..Facts::default()
    }
}

fn set(is_go: bool, name: &str, generators: &Value) -> Value {
    json!({
        "metadata": {"name": "set", "namespace": "argocd"},
        "spec": {
            "goTemplate": is_go, "goTemplateOptions": ["missingkey=error"], "generators": generators,
            "template": {"metadata": {"name": name}, "spec": {"project": "default", "source": {"path": "p"}}},
        },
    })
}

/// Returns the names of a set's Applications.
fn names(is_go: bool, name: &str, generators: &Value) -> Vec<String> {
    match generate(&set(is_go, name, generators), &facts()) {
        Generated::Applications(all) => {
            let names = all
                .iter()
                .map(|app| app["metadata"]["name"].as_str().unwrap().to_owned());
            names.collect()
        }
        other => panic!("{generators}: {other:?}"),
    }
}

fn why(is_go: bool, name: &str, generators: &Value) -> String {
    match generate(&set(is_go, name, generators), &facts()) {
        Generated::Unknown(why) => why.join("; "),
        other => panic!("{generators}: {other:?}"),
    }
}

fn folders(items: &Value) -> Value {
    json!({"git": {"repoURL": REPOSITORY, "directories": items}})
}

#[test]
fn each_generator_gives_its_parameters() {
    let list = json!({"list": {"elements": [{"a": "1", "values": {"v": "x"}}, {"a": "2", "values": {"v": "y"}}]}});
    let git = folders(&json!([{"path": "apps/*"}, {"path": "apps/old", "exclude": true}]));
    let files = json!({"git": {
        "repoURL": REPOSITORY, "files": [{"path": "config/**/*"}, {"path": "*skip*", "exclude": true}],
        "values": {"same": "{{region.name}}"},
    }});
    let clusters = json!({"clusters": {"values": {"v": "{{nameNormalized}}"}}});
    let chosen = json!({"clusters": {"selector": {"matchLabels": {"tier": "edge"}}}});
    for (generators, name, expected) in [
        (json!([list]), "{{a}}-{{values.v}}", vec!["1-x", "2-y"]),
        (
            json!([git]),
            "{{path.basenameNormalized}}-{{path[0]}}",
            vec!["big-search-apps", "cart-apps"],
        ),
        (
            json!([files]),
            "{{region.name}}-{{values.same}}-{{path.filename}}",
            vec!["eu-eu-a.json", "us1-us1-a.yaml", "us2-us2-a.yaml"],
        ),
        (
            json!([clusters]),
            "{{name}}-{{values.v}}",
            vec!["Edge_1-edge-1", "in-cluster-in-cluster"],
        ),
        (
            json!([chosen]),
            "{{name}}-{{metadata.labels.tier}}-{{metadata.annotations.note}}-{{project}}",
            vec!["Edge_1-edge-n-shop"],
        ),
        (
            json!([{"list": list["list"], "selector": {"matchLabels": {"values.v": "y"}}}]),
            "{{a}}",
            vec!["2"],
        ),
    ] {
        assert_eq!(names(false, name, &generators), expected, "{generators}");
    }
}

#[test]
fn with_go_templates_parameters_keep_their_form() {
    let list = json!({"list": {"elements": [{"a": {"b": "1"}}], "elementsYaml": "- {a: {b: '2'}}\n"}});
    let git = folders(&json!([{"path": "apps/c*"}]));
    let prefixed = json!({"git": {
        "repoURL": REPOSITORY, "directories": [{"path": "apps/cart"}], "pathParamPrefix": "my", "values": {"v": "{{.my.path.basename}}"},
    }});
    let clusters = json!({"clusters": {"selector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}}});
    for (generators, name, expected) in [
        (json!([list]), "{{.a.b}}", vec!["1", "2"]),
        (
            json!([git]),
            "{{.path.basename}}-{{ .path.path }}",
            vec!["cart-apps/cart"],
        ),
        (
            json!([prefixed]),
            "{{.my.path.path}}-{{.values.v}}",
            vec!["apps/cart-cart"],
        ),
        (
            json!([clusters]),
            "{{.nameNormalized}}-{{.metadata.labels.tier}}",
            vec!["edge-1-edge"],
        ),
    ] {
        assert_eq!(names(true, name, &generators), expected, "{generators}");
    }
}

#[test]
fn a_matrix_is_each_with_each_and_the_second_may_use_the_first() {
    let first = json!({"list": {"elements": [{"part": "cart"}, {"part": "o*"}]}});
    let matrix = |second: &Value| json!([{"matrix": {"generators": [first, second]}}]);
    let second = folders(&json!([{"path": "apps/{{part}}"}]));
    assert_eq!(
        names(false, "{{part}}/{{path.basename}}", &matrix(&second)),
        ["cart/cart", "o*/old"]
    );
    let second = folders(&json!([{"path": "apps/{{.part}}"}]));
    assert_eq!(
        names(true, "{{.part}}/{{.path.basename}}", &matrix(&second)),
        ["cart/cart", "o*/old"]
    );
    let same = json!({"list": {"elements": [{"part": "other"}]}});
    assert!(why(false, "{{part}}", &matrix(&same)).contains("both generators of a matrix give `part`"));
    assert!(why(false, "x", &json!([{"matrix": {"generators": [first]}}])).contains("two generators"));
}

#[test]
fn a_merge_lays_the_others_over_the_first_by_its_keys() {
    let merge = |keys: &Value| {
        json!([{"merge": {"mergeKeys": keys, "generators": [
            {"list": {"elements": [{"name": "a", "size": "1"}, {"name": "b", "size": "1"}]}},
            {"list": {"elements": [{"name": "b", "size": "2"}, {"name": "c", "size": "3"}]}},
        ]}}])
    };
    assert_eq!(
        names(false, "{{name}}-{{size}}", &merge(&json!(["name"]))),
        ["a-1", "b-2"]
    );
    assert_eq!(
        names(true, "{{.name}}-{{.size}}", &merge(&json!(["name"]))),
        ["a-1", "b-2"]
    );
    assert!(why(false, "x", &merge(&json!(["size"]))).contains("twice"));
    assert!(why(false, "x", &merge(&json!([]))).contains("`mergeKeys`"));
}

#[test]
fn a_template_of_a_generator_goes_before_the_set_s_own() {
    let own = json!({"metadata": {"labels": {"l": "{{a}}"}}, "spec": {"source": {"path": "own"}}});
    let mut set = set(
        false,
        "{{a}}",
        &json!([{"list": {"elements": [{"a": "1"}], "template": own}}]),
    );
    set["spec"]["templatePatch"] = "metadata: {annotations: {x: '{{a}}'}}\n".into();
    let Generated::Applications(all) = generate(&set, &facts()) else {
        panic!()
    };
    assert_eq!(
        all,
        [json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {
                "name": "1", "namespace": "argocd", "labels": {"l": "1"}, "annotations": {"x": "1"},
                "finalizers": ["resources-finalizer.argocd.argoproj.io"],
            },
            "spec": {"project": "default", "source": {"path": "own"}},
        })]
    );
    set["spec"]["syncPolicy"] = json!({"preserveResourcesOnDeletion": true});
    let Generated::Applications(all) = generate(&set, &facts()) else {
        panic!()
    };
    assert_eq!(all[0]["metadata"].get("finalizers"), None);
}

#[test]
fn what_only_the_agent_can_ask_is_unknown_and_never_nothing() {
    for (generators, words) in [
        (
            json!([{"scmProvider": {"github": {}}}]),
            "`scmProvider` asks the hosts of code",
        ),
        (json!([{"pullRequest": {}}]), "`pullRequest`"),
        (json!([{"plugin": {}}]), "`plugin`"),
        (json!([{"clusterDecisionResource": {}}]), "`clusterDecisionResource`"),
        (json!([{"whatComesNext": {}}]), "`whatComesNext` is not known here"),
        (json!([{}]), "none of list, clusters"),
        (json!([]), "no generators"),
        (
            json!([{"matrix": {"generators": [{"list": {"elements": [{"a": "1"}]}}, {"plugin": {}}]}}]),
            "`plugin`",
        ),
        (
            json!([{"list": {"elements": [{"a": 1}]}}]),
            "`a` of an element is no text",
        ),
        (
            json!([{"list": {"elements": [{"a": "1"}, {"a": "1"}]}}]),
            "more than one Application",
        ),
    ] {
        let said = why(false, "{{a}}", &generators);
        assert!(said.contains(words), "{generators}: {said}");
    }
}

#[test]
fn what_is_not_known_yet_is_asked_for_all_at_once() {
    let elsewhere = |name: &str| json!({"git": {"repoURL": format!("https://h/{name}"), "revision": "v1", "directories": [{"path": "*"}]}});
    let set = set(
        true,
        "{{ .path.basename | upper }}",
        &json!([elsewhere("a"), elsewhere("b")]),
    );
    let place = |name: &str| Place {
        repository: format!("https://h/{name}"),
        revision: "v1".to_owned(),
    };
    let mut facts = facts();
    let wanted = Needs {
        places: [place("a"), place("b")].into(),
        ..Needs::default()
    };
    assert_eq!(generate(&set, &facts), Generated::Needs(wanted));
    for name in ["a", "b"] {
        let file = if name == "a" { "one/x" } else { "two/x" };
        let files = Arc::new(Files(BTreeMap::from([(file, "")])));
        facts.places.insert(place(name), Ok(files as Arc<dyn Folder>));
    }
    let Generated::Needs(needs) = generate(&set, &facts) else {
        panic!()
    };
    assert_eq!(needs.texts.len(), 2);
    for asked in needs.texts {
        let name = if asked.parameters.contains("one") { "ONE" } else { "TWO" };
        facts.texts.insert(asked, Ok(name.to_owned()));
    }
    let Generated::Applications(all) = generate(&set, &facts) else {
        panic!()
    };
    let names: Vec<_> = all.iter().map(|app| &app["metadata"]["name"]).collect();
    assert_eq!(names, ["ONE", "TWO"]);
    facts.places.insert(place("b"), Err("nobody answers".to_owned()));
    assert_eq!(
        generate(&set, &facts),
        Generated::Unknown(vec!["nobody answers".to_owned()])
    );
}
