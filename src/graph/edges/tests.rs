//! Each rule with real objects: what is written, and what comes of it.

use crate::graph::fixture::{Scene, edges};
use crate::graph::{After, Given, Standing};
use crate::object::ObjectRef;

/// Holds what one set of objects makes of the rules.
#[track_caller]
fn draws(text: &str, expected: &[&str]) {
    assert_eq!(edges(&Scene::default().root("infra", text).graph()), expected);
}

#[test]
fn a_custom_resource_waits_for_its_crd_in_whatever_version_and_for_what_acts_on_it() {
    draws(
        "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec: {group: example.com, scope: Cluster, names: {kind: Widget, plural: widgets}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: operator}
---
apiVersion: example.com/v1beta1
kind: Widget
metadata: {name: blue}
",
        &[
            "Widget blue healthy is acted on by Deployment operator healthy (better)",
            "Widget blue is of the kind of CustomResourceDefinition widgets.example.com healthy",
        ],
    );
}

#[test]
fn pods_wait_for_what_they_read_unless_it_is_optional() {
    draws(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  template:
    spec:
      serviceAccountName: cart
      imagePullSecrets: [{name: pull}]
      priorityClassName: high
      runtimeClassName: gvisor
      initContainers: [{name: a, env: [{name: A, valueFrom: {secretKeyRef: {name: one, key: a}}}]}]
      containers:
        - name: b
          env: [{name: B, valueFrom: {configMapKeyRef: {name: never, key: b, optional: true}}}]
          envFrom: [{configMapRef: {name: two}}, {secretRef: {name: never, optional: true}}]
      volumes:
        - {name: c, secret: {secretName: three}}
        - {name: d, persistentVolumeClaim: {claimName: four}}
        - {name: e, projected: {sources: [{configMap: {name: five}}, {secret: {name: never, optional: true}}]}}
        - {name: f, emptyDir: {}}
",
        &[
            "Deployment cart healthy is of the class (spec.template.spec.priorityClassName) PriorityClass high",
            "Deployment cart healthy is of the class (spec.template.spec.runtimeClassName) RuntimeClass gvisor",
            "Deployment cart healthy reads (spec.template.spec.containers[0].envFrom[0].configMapRef) ConfigMap two",
            "Deployment cart healthy reads (spec.template.spec.imagePullSecrets[0]) Secret pull (perhaps)",
            "Deployment cart healthy reads (spec.template.spec.initContainers[0].env[0].secretKeyRef) Secret one",
            "Deployment cart healthy reads (spec.template.spec.volumes[0].secret) Secret three",
            "Deployment cart healthy reads (spec.template.spec.volumes[1].persistentVolumeClaim) PersistentVolumeClaim four",
            "Deployment cart healthy reads (spec.template.spec.volumes[2].projected.sources[0].configMap) ConfigMap five",
            "Deployment cart healthy runs as ServiceAccount cart",
        ],
    );
}

#[test]
fn what_matches_a_webhook_waits_for_what_answers_it() {
    let webhook = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: policy}
webhooks:
  - name: a.example.com
    clientConfig: {service: {namespace: policy, name: webhook}}
    rules: [{apiGroups: [''], apiVersions: [v1], resources: [configmaps], operations: [CREATE], scope: '*'}]
    namespaceSelector: {matchLabels: {checked: 'yes'}}
  - name: b.example.com
    failurePolicy: Ignore
    clientConfig: {service: {namespace: policy, name: webhook}}
    rules: [{apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], operations: ['*']}]
---
apiVersion: v1
kind: Service
metadata: {name: webhook, namespace: policy}
spec: {selector: {app: webhook}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: webhook, namespace: policy}
spec: {template: {metadata: {labels: {app: webhook, more: 'yes'}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other, namespace: policy}
spec: {template: {metadata: {labels: {app: other}}}}
";
    let shop = "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {checked: 'yes'}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: checked, namespace: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: unchecked, namespace: default}
";
    let graph = Scene::default().root("policy", webhook).root("shop", shop).graph();
    assert_eq!(
        edges(&graph),
        [
            "ConfigMap checked is admitted by ValidatingWebhookConfiguration policy healthy (perhaps)",
            "ValidatingWebhookConfiguration policy healthy answers through Deployment webhook healthy",
        ]
    );
    // The very objects of the webhook's own app are there before its configuration.
    let text = webhook.replace("configmaps", "deployments").replace("['']", "[apps]");
    let text = text.replace("    namespaceSelector: {matchLabels: {checked: 'yes'}}\n", "");
    assert_eq!(
        edges(&Scene::default().root("policy", &text).graph()),
        ["ValidatingWebhookConfiguration policy healthy answers through Deployment webhook healthy"]
    );
}

#[test]
fn pods_wait_for_a_webhook_that_is_asked_about_pods() {
    let mesh = "
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: injector}
webhooks:
  - name: a.example.com
    clientConfig: {service: {namespace: mesh, name: injector}}
    rules: [{apiGroups: [''], apiVersions: [v1], resources: [pods], operations: [CREATE]}]
    objectSelector: {matchExpressions: [{key: inject, operator: NotIn, values: ['no']}]}
";
    let shop = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec: {template: {metadata: {labels: {app: cart}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: left-alone}
spec: {template: {metadata: {labels: {inject: 'no'}}}}
";
    let graph = Scene::default().root("mesh", mesh).root("shop", shop).graph();
    assert_eq!(
        edges(&graph),
        [
            "Deployment cart healthy is admitted by MutatingWebhookConfiguration injector healthy (perhaps)",
            "MutatingWebhookConfiguration injector healthy answers through Service injector",
        ]
    );
}

#[test]
fn objects_of_a_group_wait_for_the_api_service_that_serves_it() {
    draws(
        "
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.wardle.example.com}
spec: {group: wardle.example.com, version: v1, service: {namespace: wardle, name: api}}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: wardle}
---
apiVersion: wardle.example.com/v1
kind: Flunder
metadata: {name: one}
",
        &[
            "APIService v1.wardle.example.com healthy answers through Service api",
            "Flunder one is served by APIService v1.wardle.example.com healthy (perhaps)",
        ],
    );
}

#[test]
fn what_is_of_a_class_waits_for_it_by_name_or_by_default() {
    draws(
        "
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast, annotations: {storageclass.kubernetes.io/is-default-class: 'true'}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: slow}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: by-default}
spec: {}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: by-name}
spec: {storageClassName: slow}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: by-hand}
spec: {storageClassName: ''}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: database}
spec: {volumeClaimTemplates: [{spec: {storageClassName: slow}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
spec: {ingressClassName: web}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: shop}
spec: {gatewayClassName: mesh}
",
        &[
            "Gateway shop healthy is of the class (spec.gatewayClassName) GatewayClass mesh",
            "Gateway shop is of the kind of CustomResourceDefinition gateways.gateway.networking.k8s.io healthy",
            "Ingress shop healthy is of the class (spec.ingressClassName) IngressClass web",
            "PersistentVolumeClaim by-default healthy is of the class (spec.storageClassName, by default) StorageClass fast (perhaps)",
            "PersistentVolumeClaim by-name healthy is of the class (spec.storageClassName) StorageClass slow",
            "StatefulSet database healthy is of the class (spec.volumeClaimTemplates.storageClassName) StorageClass slow",
        ],
    );
}

#[test]
fn a_binding_waits_for_its_role_and_had_better_wait_for_whom_it_is_for() {
    draws(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: shop}
roleRef: {kind: Role, name: reader}
subjects: [{kind: ServiceAccount, namespace: shop, name: cart}, {kind: ServiceAccount, namespace: shop, name: nobody}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: cart, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: all}
roleRef: {kind: ClusterRole, name: reader}
",
        &[
            "ClusterRoleBinding all gives ClusterRole reader",
            "RoleBinding readers gives Role reader",
            "RoleBinding readers healthy is for ServiceAccount cart (better)",
        ],
    );
}

#[test]
fn a_secret_is_made_of_what_external_secrets_cert_manager_and_sealed_secrets_take_it_from() {
    let graph = Scene::default()
        .root(
            "infra",
            "
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: vault}
spec: {provider: {vault: {auth: {tokenSecretRef: {name: token, namespace: eso}}}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec: {secretStoreRef: {kind: ClusterSecretStore, name: vault}, target: {name: db-login}}
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: ca, namespace: shop}
spec: {ca: {secretName: root}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: web, namespace: shop}
spec: {secretName: web-tls, issuerRef: {name: ca}}
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: sealed, namespace: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: reader, namespace: shop, ownerReferences: [{apiVersion: example.com/v1, kind: Owner, name: boss}]}
spec:
  volumes:
    - {secret: {secretName: db-login}}
    - {secret: {secretName: web-tls}}
    - {secret: {secretName: sealed}}
    - {secret: {secretName: nowhere}}
",
        )
        .graph();
    let told = edges(&graph);
    let told: Vec<&String> = told
        .iter()
        .filter(|edge| !edge.contains("CustomResourceDefinition"))
        .collect();
    assert_eq!(
        told,
        [
            "Certificate web healthy is taken from (spec.issuerRef) Issuer ca healthy",
            "ClusterSecretStore vault healthy reads (spec.provider.vault.auth.tokenSecretRef) Secret token",
            "ExternalSecret db healthy is taken from (spec.secretStoreRef) ClusterSecretStore vault healthy",
            "Issuer ca healthy reads (spec.ca.secretName) Secret root (perhaps)",
            "Pod reader healthy reads (spec.volumes[0].secret) Secret db-login",
            "Pod reader healthy reads (spec.volumes[1].secret) Secret web-tls",
            "Pod reader healthy reads (spec.volumes[2].secret) Secret sealed",
            "Pod reader healthy reads (spec.volumes[3].secret) Secret nowhere",
            "Pod reader is owned by Owner boss (perhaps)",
            "Secret db-login is made by ExternalSecret db healthy",
            "Secret sealed is made by SealedSecret sealed healthy",
            "Secret web-tls is made by Certificate web healthy",
        ]
    );
    let standing = |name: &str| graph.nodes().find(|(_, node)| node.id.name == name).unwrap().1.standing;
    assert_eq!(
        ["db-login", "web-tls", "sealed", "nowhere", "vault"].map(standing),
        [
            Standing::Made,
            Standing::Made,
            Standing::Made,
            Standing::Missing,
            Standing::Brought
        ]
    );
}

#[test]
fn what_no_app_brings_is_told_apart_by_who_does() {
    let mut scene = Scene::default().root(
        "infra",
        "
apiVersion: v1
kind: ConfigMap
metadata: {name: one, namespace: kube-system}
---
apiVersion: v1
kind: Pod
metadata: {name: two, namespace: shop}
spec: {volumes: [{secret: {secretName: given}}, {secret: {secretName: gone}}]}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: three, namespace: shop}
",
    );
    let given = |id, by| Given {
        cluster: String::new(),
        id,
        by,
        opens: None,
    };
    let crd = "certificates.cert-manager.io";
    scene.known.given = vec![
        given(ObjectRef::new("v1", "Secret", "shop", "given"), Standing::Runbook),
        given(
            ObjectRef::new("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", crd),
            Standing::There,
        ),
    ];
    let graph = scene.graph();
    let mut standings: Vec<_> = graph
        .nodes()
        .filter(|(_, node)| node.apps.is_empty())
        .map(|(_, node)| (node.id.to_string(), node.standing))
        .collect();
    standings.sort();
    assert_eq!(
        standings,
        [
            (
                format!("CustomResourceDefinition.apiextensions.k8s.io {crd}"),
                Standing::There
            ),
            ("Namespace kube-system".into(), Standing::BuiltIn),
            ("Namespace shop".into(), Standing::Missing),
            ("Secret shop/given".into(), Standing::Runbook),
            ("Secret shop/gone".into(), Standing::Missing),
        ]
    );
}

#[test]
fn the_runbook_puts_a_root_behind_a_step_and_that_behind_another_root() {
    let mut scene = Scene::default().root("infra", "").root("apps", "");
    let id = |kind, name| ObjectRef::new("", kind, "", name);
    let after = |later, earlier| After {
        later,
        earlier,
        place: super::super::Place::default(),
    };
    scene.known.after = vec![
        after(id("Step", "data"), id("Root", "infra")),
        after(id("Root", "apps"), id("Step", "data")),
    ];
    assert_eq!(
        edges(&scene.graph()),
        [
            "Root apps comes in the runbook after Step data healthy",
            "Step data comes in the runbook after Root infra healthy",
        ]
    );
}
