//! A shop with everything that platforms have, and bigger ones made of copies of it.

use std::fmt::Write as _;

use super::fixture::{Scene, application};
use super::{Given, Standing};
use crate::object::ObjectRef;

/// Four apps of infrastructure and one that needs them all.
pub(crate) fn shop() -> Scene {
    let infra = ["crds", "vault", "cert-manager", "eso"]
        .map(|name| application(name, ""))
        .concat();
    let apps = [application("payments", ""), application("mystery", "")].concat();
    let mut scene = Scene::default();
    let argocd = ObjectRef::new("v1", "Namespace", "", "argocd");
    let applications = ObjectRef::new(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "",
        "applications.argoproj.io",
    );
    scene.known.given = [argocd, applications]
        .map(|id| Given {
            cluster: String::new(),
            id,
            by: Standing::Agent,
            opens: None,
        })
        .into();
    scene
        .root("infra", &infra)
        .root("apps", &apps)
        .app("crds", &format!("{}---\n{}", crd("cert-manager.io", "Certificate"), crd("cert-manager.io", "ClusterIssuer")))
        .app("vault", "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: vault}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: token}\n")
        .app(
            "cert-manager",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cert-manager}\n---\napiVersion: cert-manager.io/v1\nkind: ClusterIssuer\nmetadata: {name: ca}\n",
        )
        .app(
            "eso",
            &format!(
                "{}---\n{}---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: eso}}\n---\napiVersion: external-secrets.io/v1\nkind: ClusterSecretStore\nmetadata: {{name: vault}}\nspec: {{provider: {{vault: {{auth: {{tokenSecretRef: {{name: token, namespace: vault}}}}}}}}}}\n",
                crd("external-secrets.io", "ExternalSecret"),
                crd("external-secrets.io", "ClusterSecretStore"),
            ),
        )
        .app(
            "payments",
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: payments}\n---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: db}\nspec: {secretStoreRef: {kind: ClusterSecretStore, name: vault}}\n---\napiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: web}\nspec: {secretName: web-tls, issuerRef: {kind: ClusterIssuer, name: ca}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: payments}\nspec: {template: {spec: {volumes: [{secret: {secretName: web-tls}}], containers: [{envFrom: [{secretRef: {name: db}}]}]}}}\n",
        )
        .unknown("mystery", "its plugin runs only in the agent")
}

/// The text of a CRD.
pub(crate) fn crd(group: &str, kind: &str) -> String {
    let resource = format!("{}s", kind.to_lowercase());
    let scope = if kind.starts_with("Cluster") {
        "Cluster"
    } else {
        "Namespaced"
    };
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {resource}.{group}}}\nspec: {{group: {group}, scope: {scope}, names: {{kind: {kind}, plural: {resource}}}}}\n"
    )
}

/// A platform of so many apps in waves of ten, each of which brings a CRD or a Secret that some of the next wave need.
pub(crate) fn large(apps: usize, objects: usize) -> Scene {
    let mut root = String::new();
    for app in 0..apps {
        root.push_str(&application(
            &format!("app-{app:03}"),
            &format!("argocd.argoproj.io/sync-wave: '{}'", app / 10),
        ));
    }
    let mut scene = Scene::default()
        .root("root", &application("platform", ""))
        .app("platform", &root);
    for app in 0..apps {
        let mut text = crd(&format!("g{app}.example.com"), "Thing");
        if app >= 10 {
            let other = app - 7 - app % 3;
            let _ = write!(
                text,
                "---\napiVersion: g{other}.example.com/v1\nkind: Thing\nmetadata: {{name: thing}}\n"
            );
        }
        let rest = objects.saturating_sub(2);
        for object in 0..rest / 2 {
            let _ = write!(
                text,
                "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s{object}}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d{object}}}\nspec: {{template: {{spec: {{containers: [{{envFrom: [{{secretRef: {{name: s{object}}}}}]}}]}}}}}}\n"
            );
        }
        scene = scene.app(&format!("app-{app:03}"), &text);
    }
    scene
}
