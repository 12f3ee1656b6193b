use crate::graph::fixture::{Scene, edges, node};
use crate::graph::{Given, Standing};
use crate::object::ObjectRef;

/// Returns the edges but for those of CRDs.
fn told(text: &str) -> Vec<String> {
    let mut told = edges(&Scene::default().root("infra", text).graph());
    told.retain(|edge| !edge.contains("CustomResourceDefinition"));
    told
}

fn store(kind: &str, provider: &str) -> String {
    format!(
        "---\napiVersion: external-secrets.io/v1\nkind: {kind}\nmetadata: {{name: it, namespace: shop}}\nspec: {{provider: {provider}}}\n"
    )
}

#[test]
fn a_store_waits_for_its_login_however_its_provider_names_that() {
    for (provider, expected) in [
        (
            "{vault: {auth: {appRole: {secretRef: {name: a, key: k}, roleRef: {name: b, key: k}}}, caProvider: {type: ConfigMap, name: ca, key: k}}}",
            &[
                "(spec.provider.vault.auth.appRole.roleRef) Secret b",
                "(spec.provider.vault.auth.appRole.secretRef) Secret a",
                "(spec.provider.vault.caProvider) ConfigMap ca",
            ][..],
        ),
        (
            "{vault: {auth: {cert: {clientCert: {name: a, key: k}}, kubernetes: {serviceAccountRef: {name: b}}}, caProvider: {type: Secret, name: ca, key: k}}}",
            &[
                "(spec.provider.vault.auth.cert.clientCert) Secret a",
                "(spec.provider.vault.auth.kubernetes.serviceAccountRef) ServiceAccount b",
                "(spec.provider.vault.caProvider) Secret ca",
            ],
        ),
        (
            "{aws: {auth: {secretRef: {accessKeyIDSecretRef: {name: a, key: i}, secretAccessKeySecretRef: {name: a, key: s}}}}}",
            &[
                "(spec.provider.aws.auth.secretRef.accessKeyIDSecretRef) Secret a",
                "(spec.provider.aws.auth.secretRef.secretAccessKeySecretRef) Secret a",
            ],
        ),
        (
            "{azurekv: {tenantId: t, authSecretRef: {clientId: {name: a, key: i}, clientSecret: {name: b, key: s}}}}",
            &[
                "(spec.provider.azurekv.authSecretRef.clientId) Secret a",
                "(spec.provider.azurekv.authSecretRef.clientSecret) Secret b",
            ],
        ),
        (
            "{kubernetes: {server: {caProvider: {type: ConfigMap, name: a, key: k}}, auth: {token: {bearerToken: {name: b, key: t}}, serviceAccount: {name: c}}}}",
            &[
                "(spec.provider.kubernetes.auth.serviceAccount) ServiceAccount c",
                "(spec.provider.kubernetes.auth.token.bearerToken) Secret b",
                "(spec.provider.kubernetes.server.caProvider) ConfigMap a",
            ],
        ),
        (
            "{webhook: {url: u, secrets: [{name: auth, secretRef: {name: a}}]}}",
            &["(spec.provider.webhook.secrets[0].secretRef) Secret a"],
        ),
        ("{fake: {data: [{key: a, value: b}]}}", &[]),
    ] {
        let text = store("SecretStore", provider);
        let expected: Vec<String> = expected
            .iter()
            .map(|edge| format!("SecretStore it healthy reads {edge}"))
            .collect();
        assert_eq!(told(&text), expected, "{provider}");
    }
}

#[test]
fn a_store_reads_in_its_own_namespace_or_where_it_says_or_where_its_user_is() {
    let login = "{vault: {auth: {tokenSecretRef: {name: token, namespace: eso, key: k}}}}";
    let bare = "{vault: {auth: {tokenSecretRef: {name: token, key: k}}}}";
    let user = "---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: db, namespace: cart}\n\
                spec: {secretStoreRef: {kind: ClusterSecretStore, name: it}}\n";
    for (kind, provider, namespace, reader) in [
        ("SecretStore", login, "shop", "SecretStore"),
        ("SecretStore", bare, "shop", "SecretStore"),
        ("ClusterSecretStore", login, "eso", "ClusterSecretStore"),
        ("ClusterSecretStore", bare, "cart", "ExternalSecret"),
    ] {
        let graph = Scene::default()
            .root("infra", &format!("{}{user}", store(kind, provider)))
            .graph();
        let secret = graph.node(node(&graph, "Secret", "token"));
        assert_eq!(secret.id.namespace, namespace, "{kind} {provider}");
        let readers: Vec<_> = graph
            .edges()
            .filter(|edge| graph.node(edge.earlier.0).id.name == "token")
            .collect();
        assert!(
            readers.iter().any(|edge| graph.node(edge.later.0).id.kind == reader),
            "{kind} {provider}: {readers:?}"
        );
    }
}

#[test]
fn what_is_filled_waits_for_every_store_and_generator_that_it_names() {
    let text = "
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  secretStoreRef: {name: near}
  target: {creationPolicy: Merge}
  data: [{secretKey: a, sourceRef: {storeRef: {kind: ClusterSecretStore, name: wide}}}]
  dataFrom:
    - {sourceRef: {generatorRef: {apiVersion: generators.external-secrets.io/v1alpha1, kind: Password, name: random}}}
    - {sourceRef: {storeRef: {name: far}}}
---
apiVersion: external-secrets.io/v1alpha1
kind: PushSecret
metadata: {name: out, namespace: shop}
spec: {secretStoreRefs: [{name: near}], selector: {secret: {name: carried}}}
";
    assert_eq!(
        told(text),
        [
            "ExternalSecret db healthy is taken from (spec.dataFrom[0].sourceRef.generatorRef) Password random healthy",
            "ExternalSecret db healthy is taken from (spec.dataFrom[1].sourceRef.storeRef) SecretStore far healthy",
            "ExternalSecret db healthy is taken from (spec.data[0].sourceRef.storeRef) ClusterSecretStore wide healthy",
            "ExternalSecret db healthy is taken from (spec.secretStoreRef) SecretStore near healthy",
            "PushSecret out healthy is taken from (spec.secretStoreRefs[0]) SecretStore near healthy",
            "PushSecret out healthy reads (spec.selector.secret) Secret carried",
        ]
    );
}

#[test]
fn one_for_many_namespaces_makes_its_secret_in_those_that_it_names_or_selects() {
    let text = "
apiVersion: external-secrets.io/v1
kind: ClusterExternalSecret
metadata: {name: pull}
spec:
  namespaces: [listed]
  namespaceSelectors: [{matchLabels: {pulls: 'yes'}}]
  externalSecretSpec: {secretStoreRef: {kind: ClusterSecretStore, name: wide}, target: {name: registry}}
---
apiVersion: v1
kind: Namespace
metadata: {name: selected, labels: {pulls: 'yes'}}
---
apiVersion: v1
kind: Namespace
metadata: {name: other}
";
    let graph = Scene::default().root("infra", text).graph();
    let made = graph.nodes().filter(|(_, node)| node.id.name == "registry");
    let made: Vec<_> = made
        .map(|(_, node)| (node.id.namespace.as_str(), node.standing))
        .collect();
    assert_eq!(made, [("listed", Standing::Made), ("selected", Standing::Made)]);
    assert!(told(text).contains(
        &"ClusterExternalSecret pull healthy is taken from (spec.externalSecretSpec.secretStoreRef) ClusterSecretStore wide healthy"
            .to_owned()
    ));
}

#[test]
fn what_the_runbook_restores_waits_for_nothing_that_would_make_it_too() {
    let text = "
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: vault}
spec: {provider: {vault: {auth: {tokenSecretRef: {name: token, namespace: eso}}}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: token, namespace: eso}
spec: {secretStoreRef: {kind: ClusterSecretStore, name: vault}}
";
    let mut scene = Scene::default().root("infra", text);
    assert_eq!(scene.graph().cycles().len(), 1);
    scene.known.given.push(Given {
        cluster: String::new(),
        id: ObjectRef::new("v1", "Secret", "eso", "token"),
        by: Standing::Runbook,
        opens: None,
    });
    let graph = scene.graph();
    assert_eq!(graph.cycles(), []);
    assert_eq!(graph.node(node(&graph, "Secret", "token")).standing, Standing::Runbook);
}
