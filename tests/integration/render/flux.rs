//! Folders as Flux builds them.

use std::collections::BTreeMap;

use gitops_dr::recipe::{Flux, Tool};
use gitops_dr::render::{Variables, substitute};
use serde_json::{Value, json};

use super::scene::{ids, job, only, render, repository, words};

fn flux(said: Value) -> Option<Tool> {
    let flux = serde_json::from_value::<Flux>(said).ok()?;
    Some(Tool::Flux(Box::new(flux)))
}

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart}\nspec:\n  replicas: ${COUNT}\n  template: {spec: {containers: [{name: c, image: 'shop/cart:1@sha256:1'}]}}\n";

#[tokio::test]
async fn a_folder_without_a_kustomization_becomes_one_with_all_that_flux_adds() {
    let root = repository(&[
        ("app/cart.yaml", &DEPLOYMENT.replace("${COUNT}", "1")),
        (
            "app/sub/config.yml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '${NAME:=x}'}\n",
        ),
        ("app/other/kustomization.yaml", "namePrefix: o-\nresources: [c.yaml]\n"),
        (
            "app/other/c.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n",
        ),
        ("app/other/left-out.yaml", "no manifest"),
        ("app/.sops.yaml", "creation_rules: []\n"),
        (
            "part/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -p\n",
        ),
    ]);
    let said = json!({
        "targetNamespace": "web", "namePrefix": "a-", "components": ["../part", "../missing"], "ignoreMissingComponents": true,
        "images": [{"name": "shop/cart", "newTag": "2"}],
        "patches": [{"patch": "- {op: replace, path: /spec/replicas, value: 5}", "target": {"kind": "Deployment"}}],
        "commonMetadata": {"labels": {"team": "shop"}},
    });
    let rendered = render(&job(root.path(), "app", flux(said))).await.unwrap();
    let mut found = ids(&rendered);
    found.sort();
    assert_eq!(found.len(), 3, "{found:?}");
    let cart = only(&rendered, "Deployment");
    assert_eq!(
        (&cart["metadata"]["name"], &cart["spec"]["replicas"]),
        (&json!("a-cart-p"), &json!(5))
    );
    assert_eq!(
        cart["spec"]["template"]["spec"]["containers"][0]["image"],
        "shop/cart:2"
    );
    assert_eq!(cart["metadata"]["labels"], json!({"team": "shop"}));
    assert_eq!(only(&rendered, "Secret")["metadata"]["name"], "a-o-s-p");
    let variables = Variables {
        values: BTreeMap::from([("NAME".to_owned(), "shop".to_owned())]),
        unknown: Vec::new(),
    };
    let before = rendered.digest.clone();
    let rendered = substitute(rendered, &variables);
    assert!(rendered.findings.is_empty(), "{:?}", rendered.findings);
    assert_eq!(only(&rendered, "ConfigMap")["metadata"]["name"], "a-shop-p");
    assert_ne!(rendered.digest, before);
}

#[tokio::test]
async fn a_kustomization_of_the_folder_is_added_to() {
    let root = repository(&[
        (
            "kustomization.yaml",
            "resources: [d.yaml]\nnamespace: own\nimages: [{name: shop/cart, newName: mirror/cart, newTag: '1'}]\n",
        ),
        ("d.yaml", DEPLOYMENT),
    ]);
    let said = json!({"targetNamespace": "web", "images": [{"name": "shop/cart", "digest": "sha256:2"}]});
    let rendered = render(&job(root.path(), ".", flux(said))).await.unwrap();
    let cart = only(&rendered, "Deployment");
    assert_eq!(cart["metadata"]["namespace"], "web");
    assert_eq!(
        cart["spec"]["template"]["spec"]["containers"][0]["image"],
        "mirror/cart@sha256:2"
    );
    let values = BTreeMap::from([("COUNT".to_owned(), "3".to_owned())]);
    let rendered = substitute(
        rendered,
        &Variables {
            values,
            unknown: Vec::new(),
        },
    );
    assert_eq!(only(&rendered, "Deployment")["spec"]["replicas"], 3);
}

#[tokio::test]
async fn what_only_flux_can_tell_is_named() {
    let root = repository(&[
        ("app/.sourceignore", "*\n"),
        ("app/c.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"),
    ]);
    let error = render(&job(root.path(), "app", flux(json!({})))).await.unwrap_err();
    assert!(words(&error).contains("app/.sourceignore"), "{}", words(&error));
    let root = repository(&[("a.yaml", "just: text\n")]);
    let error = render(&job(root.path(), "", flux(json!({})))).await.unwrap_err();
    assert!(words(&error).contains("a.yaml"), "{}", words(&error));
}
