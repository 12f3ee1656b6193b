//! The stores and what they hold.

use testbed::Port;

use super::super::scene::Scene;
use super::judge::{Judge, case};
use super::table::{KEY, VAULT};

pub(super) async fn the_wrong_secrets(scene: &mut Scene, judge: &mut Judge) {
    let stopped = format!("http://127.0.0.1:{}", Port::free().unwrap().number());
    scene.tool.set("WRONG_SECRET_ID", "c4n4ry-wrong-secret-id");
    scene
        .outage
        .vault
        .root()
        .put("secret/keys/argocd", [("server.secretkey", "c4n4ry-elsewhere")])
        .await
        .unwrap();
    for case in [
        case(
            "no role id",
            "{env: VAULT_ROLE_ID}",
            "{env: NO_ROLE_ID}",
            &["NO_ROLE_ID is not set", "export NO_ROLE_ID"],
        ),
        case(
            "Vault is down",
            VAULT,
            stopped,
            &[
                "2 secrets cannot be read",
                "does not answer",
                "connection refused",
                "check that the server runs",
            ],
        ),
        case(
            "wrong secret id",
            "{env: VAULT_SECRET_ID}",
            "{env: WRONG_SECRET_ID}",
            &["store vault does not let us in by AppRole", "the secret id is wrong"],
        ),
        case(
            "denied path",
            KEY,
            "from: [{vault: secret/keys/argocd}]",
            &[
                "does not allow us to read secret/keys/argocd",
                "policies default, recovery",
                "path \"secret/data/keys/argocd\" { capabilities = [\"read\"] }",
            ],
        ),
        case(
            "missing path",
            KEY,
            "from: [{vault: dr/argo-secret}]",
            &["no secret at dr/argo-secret", "bao kv list dr/"],
        ),
        case(
            "missing key",
            KEY,
            "from: [{vault: dr/argocd-secret, keys: {server.secretkey: server.secretky}}]",
            &[
                "has no key server.secretky",
                "did you mean server.secretkey? Name it under `keys` as `server.secretkey: server.secretkey`",
            ],
        ),
    ] {
        judge.refused(scene, &case).await;
    }
    scene.outage.vault.seal().await.unwrap();
    judge
        .refused(
            scene,
            &case("sealed", "", "", &["2 secrets cannot be read", "is sealed", "unseal"]),
        )
        .await;
    scene.outage.vault.unseal().await.unwrap();
    misspelt(scene, judge).await;
}

/// What Argo CD would silently not understand is found before anything is touched, all of it at once.
async fn misspelt(scene: &Scene, judge: &mut Judge) {
    let store = scene.outage.vault.root();
    let url = |name: &str| format!("https://git.example.com/shop/{name}.git");
    let config = "{\"bearerToken\": \"c4n4ry-bearer\", \"tlsClientConfig\": {\"insecure\": true}}";
    for (path, data) in [
        (
            "dr/spelling",
            vec![
                ("url", url("a")),
                ("username", "dr".into()),
                ("pasword", "c4n4ry-misspelt".into()),
            ],
        ),
        ("dr/boolean", vec![("url", url("b")), ("insecure", String::new())]),
        (
            "dr/azure",
            vec![
                ("url", "https://dev.azure.com/shop".into()),
                ("azureServicePrincipalClientId", "c4n4ry-azure".into()),
            ],
        ),
        (
            "dr/east",
            vec![
                ("name", "edge".into()),
                ("server", "https://10.0.0.8:6443".into()),
                ("config", config.into()),
            ],
        ),
        (
            "dr/west",
            vec![
                ("name", "edge".into()),
                ("server", "https://10.0.0.9:6443".into()),
                ("config", config.into()),
            ],
        ),
    ] {
        store.put(path, data).await.unwrap();
    }
    let more = format!(
        "{KEY}}}\n  spelling: {{as: argocd/repository, from: [{{vault: dr/spelling}}]}}
  boolean: {{as: argocd/repository, from: [{{vault: dr/boolean}}]}}
  azure: {{as: argocd/repo-creds, from: [{{vault: dr/azure}}]}}
  east: {{as: argocd/cluster, from: [{{vault: dr/east}}]}}
  west: {{as: argocd/cluster, from: [{{vault: dr/west}}]"
    );
    let words = [
        "what the stores hold cannot be restored as it is",
        "secret `spelling`: `pasword` is not read by Argo CD: did you mean `password`?",
        "secret `boolean`: `insecure` is empty, and Argo CD then refuses the whole secret: give it a value",
        "secret `azure`: `azureServicePrincipalClientId` is not read by Argo CD: did you mean `azureServicePrincipalClientID`?",
        "secrets `east`, `west` name a cluster alike",
        "give each cluster a name of its own",
    ];
    judge.refused(scene, &case("misspelt secrets", KEY, more, &words)).await;
}
