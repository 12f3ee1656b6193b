use proptest::prelude::*;
use serde_json::json;

use super::*;

fn id(name: &str) -> ObjectRef {
    ObjectRef::new("v1", "ConfigMap", "shop", name)
}

fn live(name: &str, app: &str, annotations: &[(&str, &str)]) -> Value {
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}});
    Tracking::of(None).mark(&mut object, app, "shop");
    for (key, value) in annotations {
        object["metadata"]["annotations"][*key] = json!(value);
    }
    object
}

fn app(prunes: bool, rendered: &[&str]) -> Wanted {
    let rendered = Ok(rendered.iter().map(|name| id(name)).collect());
    Wanted { prunes, rendered }
}

fn unknown(prunes: bool) -> Wanted {
    let rendered = Err("foreign repository".to_owned());
    Wanted { prunes, rendered }
}

fn fate_of(object: Value, wanted: Wanted) -> Option<Fate> {
    let wanted = BTreeMap::from([("cart".to_owned(), wanted)]);
    let mut found = judge(&[object], &Tracking::of(None), &wanted);
    assert!(found.len() <= 1);
    found.pop().map(|marked| marked.fate)
}

#[test]
fn what_becomes_of_a_live_object() {
    let left = |why: &str| Some(Fate::LeftAlone(why.to_owned()));
    let not_pruned = "its app does not prune by itself";
    let kept = ("argocd.argoproj.io/sync-options", "Validate=false, Prune=false");
    let hook = ("argocd.argoproj.io/hook", "PreSync");
    for (object, wanted, expected) in [
        (live("a", "cart", &[]), app(true, &["a"]), None),
        (live("a", "cart", &[]), app(true, &["b"]), Some(Fate::Deleted)),
        (live("a", "cart", &[]), app(false, &["b"]), left(not_pruned)),
        (
            live("a", "cart", &[kept]),
            app(true, &["b"]),
            left("its own `Prune=false` keeps it"),
        ),
        (live("a", "cart", &[hook]), app(true, &["b"]), None),
        (
            live("a", "cart", &[]),
            unknown(true),
            Some(Fate::Unknown("foreign repository".to_owned())),
        ),
        (live("a", "cart", &[]), unknown(false), left(not_pruned)),
        (
            live("a", "gone", &[]),
            app(true, &["b"]),
            left("no app of this name goes to this cluster any more"),
        ),
        (
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}),
            app(true, &[]),
            None,
        ),
    ] {
        assert_eq!(fate_of(object.clone(), wanted.clone()), expected, "{object} {wanted:?}");
    }
}

/// Drawn objects: a name, the app that it bears the mark of (or none), and whether it is rendered for that app.
fn drawn() -> impl Strategy<Value = Vec<(Option<bool>, bool)>> {
    prop::collection::vec((prop::option::of(any::<bool>()), any::<bool>()), 0..12)
}

proptest! {
    /// Whatever there is: what is listed as deleted bears the mark of an app that prunes and is rendered for none; and
    /// nothing that the agent would delete is left out.
    #[test]
    fn exactly_what_an_app_that_prunes_no_longer_renders_is_deleted(objects in drawn(), prunes in any::<bool>()) {
        let name = |index: usize| format!("object-{index}");
        let mut all = Vec::new();
        let (mut rendered, mut expected) = (BTreeSet::new(), BTreeSet::new());
        for (index, (ours, is_rendered)) in objects.iter().enumerate() {
            let object = match ours {
                None => json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name(index), "namespace": "shop"}}),
                Some(true) => live(&name(index), "cart", &[]),
                Some(false) => live(&name(index), "foreign", &[]),
            };
            all.push(object);
            if *is_rendered {
                rendered.insert(id(&name(index)));
            } else if *ours == Some(true) && prunes {
                expected.insert(id(&name(index)));
            }
        }
        let wanted = BTreeMap::from([("cart".to_owned(), Wanted { prunes, rendered: Ok(rendered) })]);
        let found = judge(&all, &Tracking::of(None), &wanted);
        let deleted: BTreeSet<_> = found
            .iter()
            .filter(|marked| marked.fate == Fate::Deleted)
            .map(|marked| marked.object.clone())
            .collect();
        prop_assert_eq!(deleted, expected);
        // Where it cannot be told, the same objects are said to be unknown: none is passed over in silence.
        let wanted = BTreeMap::from([("cart".to_owned(), unknown(prunes))]);
        let unknown = judge(&all, &Tracking::of(None), &wanted)
            .iter()
            .filter(|marked| matches!(marked.fate, Fate::Unknown(_)))
            .count();
        let ours = objects.iter().filter(|(ours, _)| *ours == Some(true)).count();
        prop_assert_eq!(unknown, if prunes { ours } else { 0 });
    }
}
