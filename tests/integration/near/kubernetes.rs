//! Secrets of a cluster that lives on, read from a real API server.

use std::path::{Path, PathBuf};

use gitops_dr::redact::{Redactor, Secret};
use gitops_dr::secrets::{Error, ErrorKind, Kubernetes, KubernetesSettings, Store as _};
use k8s_openapi::api::core::v1::{Namespace, Secret as KubernetesSecret};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};
use testbed::control_plane::User;
use testbed::{ControlPlane, Programs};

const CANARY: &str = "c4n4ry-of-the-management-cluster\r\n";

/// A cluster that lives, with a Secret in it and a user who may read that and nothing else.
struct Living {
    plane: ControlPlane,
    admin: Client,
    user: User,
    kubeconfig: PathBuf,
}

async fn put<K>(api: Api<K>, object: Value)
where
    K: Clone + serde::Serialize + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let object = serde_json::from_value(object).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
}

impl Living {
    async fn start() -> Self {
        let plane = ControlPlane::start(&Programs::find().unwrap()).await.unwrap();
        let admin = plane.master("testbed:admin").unwrap().client().await.unwrap();
        put::<Namespace>(Api::all(admin.clone()), json!({"metadata": {"name": "dr"}})).await;
        let secrets: Api<KubernetesSecret> = Api::namespaced(admin.clone(), "dr");
        for name in ["repo", "private"] {
            let data = json!({"username": "dr", "password": CANARY});
            put(secrets.clone(), json!({"metadata": {"name": name}, "stringData": data})).await;
        }
        let kubeconfig = plane.folder().join("restorer.kubeconfig");
        let user = plane.user("restorer", &[]).unwrap();
        user.write_kubeconfig(&kubeconfig, "mgmt").unwrap();
        Self {
            plane,
            admin,
            user,
            kubeconfig,
        }
    }

    /// Lets the user read one Secret, as the error told.
    async fn grant(&self, name: &str) {
        let rule = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": [name]});
        let roles: Api<Role> = Api::namespaced(self.admin.clone(), "dr");
        put(roles, json!({"metadata": {"name": name}, "rules": [rule]})).await;
        let bindings: Api<RoleBinding> = Api::namespaced(self.admin.clone(), "dr");
        let binding = json!({
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "restorer"}],
        });
        put(bindings, binding).await;
    }

    fn store(&self) -> Kubernetes {
        at(&self.kubeconfig, "mgmt")
    }
}

fn at(kubeconfig: &Path, context: &str) -> Kubernetes {
    let settings = KubernetesSettings {
        name: "mgmt".into(),
        context: context.into(),
        kubeconfig: Some(kubeconfig.to_owned()),
        namespace: Some("dr".into()),
    };
    Kubernetes::new(settings, &Redactor::default())
}

fn says(error: &Error, kind: ErrorKind, words: &[&str]) {
    let said = format!("{error}\n{}\n{}", error.causes().join("\n"), error.hints().join("\n"));
    assert_eq!(error.kind(), kind, "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in:\n{said}");
    }
    assert!(!error.hints().is_empty(), "no hint in:\n{said}");
    assert!(!format!("{error:?}").contains("c4n4ry"), "{error:?}");
}

#[tokio::test]
async fn a_secret_of_a_cluster_that_lives_is_read_by_name_and_looked_at_without_its_values() {
    let living = Living::start().await;
    let store = living.store();
    // Whoever may read no Secret yet is let in all the same.
    store.check().await.unwrap();
    let denied = store.read("repo", None).await.unwrap_err();
    let words = [
        "store mgmt does not allow us to read the Secret dr/repo",
        "kubectl --context mgmt -n dr create role gitops-dr-repo --verb=get --resource=secrets --resource-name=repo",
        "--user=restorer",
    ];
    says(&denied, ErrorKind::Denied, &words);

    living.grant("repo").await;
    for path in ["repo", "dr/repo"] {
        // RBAC is read by the API server's own watch.
        while store.read(path, None).await.is_err() {
            tokio::task::yield_now().await;
        }
        let stored = store.read(path, None).await.unwrap();
        assert_eq!(stored.data["password"], Secret::from(CANARY), "{path}");
        assert_eq!(stored.data.len(), 2);
        assert!(stored.written.is_some() && stored.version.is_none());
        let seen = store.look(path, None).await.unwrap();
        assert_eq!((seen.written, seen.keys), (stored.written, None), "{path}");
    }
    says(
        &store.look("private", None).await.unwrap_err(),
        ErrorKind::Denied,
        &["dr/private"],
    );
    says(
        &store.read("repo", Some("1")).await.unwrap_err(),
        ErrorKind::Configuration,
        &["pinned"],
    );
    for path in ["a/b/c", "../repo", "Repo", ""] {
        says(
            &store.read(path, None).await.unwrap_err(),
            ErrorKind::Configuration,
            &["is no path of a Secret"],
        );
    }

    let home = store.home().await.unwrap().unwrap();
    assert_eq!(home.server, living.plane.server());
    assert_eq!(home.uid, None, "this user may not read it");
    let events = living
        .plane
        .audit_log()
        .up_to_now(&living.user.client().await.unwrap())
        .await
        .unwrap();
    let of_us: Vec<_> = events.iter().filter(|event| event.user == "restorer").collect();
    assert!(
        !of_us.is_empty() && of_us.iter().all(|event| !event.is_mutation()),
        "{of_us:?}"
    );
}

#[tokio::test]
async fn what_is_not_there_does_not_answer_or_is_not_trusted_is_told_apart() {
    let mut living = Living::start().await;
    living.grant("lost").await;
    while living.store().read("lost", None).await.unwrap_err().kind() == ErrorKind::Denied {
        tokio::task::yield_now().await;
    }
    let words = [
        "store mgmt has no Secret dr/lost",
        "kubectl --context mgmt -n dr get secrets",
    ];
    says(
        &living.store().read("lost", None).await.unwrap_err(),
        ErrorKind::MissingPath,
        &words,
    );

    let known = at(&living.kubeconfig, "elsewhere").check().await.unwrap_err();
    says(
        &known,
        ErrorKind::Configuration,
        &["no context `elsewhere`", "its kubeconfig has: mgmt"],
    );
    let nowhere = at(Path::new("/no/such/kubeconfig"), "mgmt").check().await.unwrap_err();
    says(
        &nowhere,
        ErrorKind::Configuration,
        &["its kubeconfig cannot be used", "/no/such/kubeconfig"],
    );
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(&living.kubeconfig).unwrap();
    let changed = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut document: Value = gitops_dr::yaml::manifests(&text).unwrap().remove(0).1;
        change(&mut document);
        let path = folder.path().join(name);
        std::fs::write(&path, document.to_string()).unwrap();
        path
    };
    let no_yaml = folder.path().join("no.yaml");
    std::fs::write(&no_yaml, "users:\n- user: {token: c4n4ry\n").unwrap();
    says(
        &at(&no_yaml, "mgmt").check().await.unwrap_err(),
        ErrorKind::Configuration,
        &["it is not valid YAML"],
    );
    let foreign = changed("foreign", &|document| {
        document["users"][0]["user"] = json!({"token": "c4n4ry-token"});
    });
    says(
        &at(&foreign, "mgmt").check().await.unwrap_err(),
        ErrorKind::Login,
        &["does not accept the login", "auth whoami"],
    );
    let nobody = changed("nobody", &|document| document["users"][0]["user"] = json!({}));
    says(&at(&nobody, "mgmt").check().await.unwrap_err(), ErrorKind::Login, &[]);
    let other = ControlPlane::start(&Programs::find().unwrap()).await.unwrap();
    let authority = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, other.authority());
    let untrusted = changed("untrusted", &|document| {
        document["clusters"][0]["cluster"]["certificate-authority-data"] = json!(authority);
    });
    let words = ["cannot be trusted", "certificate-authority"];
    says(
        &at(&untrusted, "mgmt").check().await.unwrap_err(),
        ErrorKind::Untrusted,
        &words,
    );
    // Whoever is not let in or is not answered knows all the same where it is.
    let home = at(&foreign, "mgmt").home().await.unwrap().unwrap();
    assert_eq!((home.server, home.uid), (living.plane.server(), None));
    living.plane.stop_api_server().await.unwrap();
    let home = living.store().home().await.unwrap().unwrap();
    assert_eq!((home.server, home.uid), (living.plane.server(), None));
    let words = ["does not answer", "connection refused"];
    says(
        &living.store().check().await.unwrap_err(),
        ErrorKind::Unreachable,
        &words,
    );
}
