//! No secret leaves the process but to the cluster: every output, file and child process of whole runs is searched for every
//! secret of the store, in every shape in which one travels.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use testbed::{Moto, Programs, Ran};

use super::scene::{PASSWORD, SIGNING_KEY, Scene, files};

/// A word that no other text holds.
const TOKEN: &str = "c4n4ry-t0ken-0f-the-payments-pr0vider";
const PASSPHRASE: &str = "c4n4ry \"quoted\" \\ sl/ash+plus & ümlaut";
const WEBHOOK: &str = "c4n4ry-webhook-0f-the-git-server";
const WRONG: &str = "c4n4ry-wrong-passw0rd";
const OF_AWS: &str = "c4n4ry-0f-the-replica + \"quoted\"";
const ACCESS_KEY: &str = "c4n4ry/secret+0f/the-access-key";

const SECRETS: &str = r"secrets:
  payments: {as: {namespace: shop, type: Opaque}, from: [{vault: dr/payments}]}
  repo-other: {as: argocd/repository, from: [{vault: dr/repo-other}]}
  license: {as: {namespace: licenses, type: Opaque}, from: [{aws: dr/license}]}
";
const ROOTS: &str = "roots:\n  - {id: ground, source: platform, path: ground}\n";

#[tokio::test]
async fn no_secret_is_seen_anywhere() {
    let (mut scene, moto, secrets) = Box::pin(scene_of_canaries()).await;
    let canaries: Vec<Canary> = secrets.iter().flat_map(|secret| Canary::all_of(secret)).collect();
    the_search_finds_what_is_planted(&canaries);
    let children = record_children(&mut scene);
    let store = format!(
        "stores:\n  - aws: {{region: eu-west-1, endpoint: \"{}\"}}\n",
        moto.address()
    );
    let runbook = |text: &str| {
        text.replace("stores:\n", &store)
            .replace("secrets:\n", SECRETS)
            .replace("roots:\n", ROOTS)
    };
    let adopting = |text: &str| runbook(text).replace("expect: empty", "expect: adopt");
    let mut seen = Seen::default();

    let ran = seen
        .watch(&scene, &runbook(super::scene::RUNBOOK), &["--deadline", "10m"])
        .await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    for arguments in [&["--output", "json"][..], &["--quiet"]] {
        let ran = seen.watch(&scene, &adopting(super::scene::RUNBOOK), arguments).await;
        assert_eq!(ran.code, 0, "{}", ran.said());
    }
    let file = scene
        .outage
        .runbook("canary.yaml", &adopting(super::scene::RUNBOOK))
        .unwrap()
        .display()
        .to_string();
    for arguments in [
        &["report"][..],
        &["report", "--output", "json"],
        &["plan", &file],
        &["plan", &file, "--output", "json"],
    ] {
        let ran = scene.tool.run(arguments).await.unwrap();
        assert!(ran.code == 0 && ran.out.len() > 100, "{}", ran.said());
        seen.said(&format!("{arguments:?}"), &ran);
    }

    // What goes wrong with a secret at hand is told without it.
    let wrong = |text: &str| adopting(text).replace("{vault: dr/repo-platform}", "{vault: dr/wrong}");
    let denied = |text: &str| adopting(text).replace("{vault: dr/payments}", "{vault: secret/payments}");
    let missing = |text: &str| adopting(text).replace("{aws: dr/license}", "{aws: dr/licence}");
    for (change, words) in [
        (&wrong as &dyn Fn(&str) -> String, "access denied"),
        (&denied, "does not allow us to read"),
        (&missing, "did you mean dr/license?"),
    ] {
        let ran = seen.watch(&scene, &change(super::scene::RUNBOOK), &[]).await;
        assert!(ran.code == 2 && ran.out.contains(words), "{}", ran.said());
    }
    quote_what_is_refused(&scene).await;
    for arguments in [&["--deadline", "10m"][..], &["--deadline", "10m", "--output", "json"]] {
        let ran = seen.watch(&scene, &adopting(super::scene::RUNBOOK), arguments).await;
        assert!(
            ran.code == 1 && ran.said().contains("this cluster quotes"),
            "{}",
            ran.said()
        );
        assert!(
            ran.said().contains("«secret»"),
            "the server quoted nothing: {}",
            ran.said()
        );
    }

    let mut searched = seen.texts;
    folder(scene.tool.home(), &mut searched);
    searched.push(("child programs".into(), read(&children)));
    let names: Vec<&str> = searched.iter().map(|(name, _)| name.as_str()).collect();
    for expected in [".jsonl", "process arguments", "child programs", "sources/"] {
        assert!(
            names.iter().any(|name| name.contains(expected)),
            "{expected} was not searched, only {names:?}"
        );
    }
    let recorded = &searched.last().unwrap().1;
    assert!(
        recorded.contains("kustomize") && recorded.contains("helm") && recorded.contains("PATH="),
        "{recorded}"
    );
    let found: BTreeSet<String> = searched
        .iter()
        .flat_map(|(name, text)| {
            canaries
                .iter()
                .filter(|canary| canary.is_in(text))
                .map(move |canary| format!("{name}: {}", canary.shape))
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// A platform with a kustomization and a chart, and a store full of canaries, which are returned.
async fn scene_of_canaries() -> (Scene, Moto, Vec<String>) {
    let chart = [
        ("ground/Chart.yaml", "apiVersion: v2\nname: ground\nversion: 1.0.0\n"),
        (
            "ground/templates/motd.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: motd}\ndata: {text: hello}\n",
        ),
    ];
    let mut files = files();
    files.extend(chart.map(|(name, text)| (name.to_owned(), text.to_owned())));
    let mut scene = Scene::with(files).await;
    let moto = Moto::start().await.unwrap();
    let license = json!({"text": OF_AWS, "key": 4711}).to_string();
    moto.put("eu-west-1", "dr/license", &license).await.unwrap();
    scene.tool.set("AWS_ACCESS_KEY_ID", "AKIAGITOPSDRTEST");
    scene.tool.set("AWS_SECRET_ACCESS_KEY", ACCESS_KEY);
    let store = scene.outage.vault.root();
    let key = scene.platform.private_key().unwrap();
    store
        .put(
            "dr/payments",
            [("token", TOKEN), ("passphrase", PASSPHRASE), ("key.pem", key)],
        )
        .await
        .unwrap();
    store.put("secret/payments", [("token", TOKEN)]).await.unwrap();
    let url = "git@git.example.com:shop/other.git";
    store
        .put("dr/repo-other", [("url", url), ("type", "git"), ("sshPrivateKey", key)])
        .await
        .unwrap();
    store
        .put(
            "dr/argocd-secret",
            [("server.secretkey", SIGNING_KEY), ("webhook.github.secret", WEBHOOK)],
        )
        .await
        .unwrap();
    store
        .put(
            "dr/wrong",
            [
                ("url", scene.platform.url_http()),
                ("username", "dr"),
                ("password", WRONG),
            ],
        )
        .await
        .unwrap();
    let environment = scene.outage.environment();
    let secret_id = environment
        .into_iter()
        .find(|(name, _)| *name == "VAULT_SECRET_ID")
        .unwrap()
        .1;
    let secrets = [
        PASSWORD,
        SIGNING_KEY,
        WEBHOOK,
        TOKEN,
        PASSPHRASE,
        WRONG,
        OF_AWS,
        ACCESS_KEY,
        key,
        &secret_id,
    ]
    .map(str::to_owned);
    (scene, moto, secrets.to_vec())
}

/// Puts programs in front of the real ones that write down what they are started with.
fn record_children(scene: &mut Scene) -> std::path::PathBuf {
    let bin = Programs::find().unwrap().bin().to_owned();
    // Outside the home: what the tool itself leaves behind is searched for the rest.
    let wrappers = scene
        .outage
        .runbook("wrappers.md", "")
        .unwrap()
        .with_file_name("wrappers");
    std::fs::create_dir(&wrappers).unwrap();
    let record = wrappers.join("record");
    for program in ["kustomize", "helm"] {
        let script = format!(
            "#!/bin/sh\n{{ printf '%s\\n' \"$0\" \"$@\"; /usr/bin/tr '\\0' '\\n' < /proc/$$/environ; }} >> '{}'\nexec '{}' \"$@\"\n",
            record.display(),
            bin.join(program).display()
        );
        let path = wrappers.join(program);
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    scene.tool.set(
        "PATH",
        format!("{}:{}:/usr/local/bin:/usr/bin:/bin", wrappers.display(), bin.display()),
    );
    let temporary = scene.tool.home().join("temporary");
    std::fs::create_dir(&temporary).unwrap();
    scene.tool.set("TMPDIR", temporary);
    record
}

/// Makes the cluster refuse the Secret of the payments provider, and quote it in the refusal as a careless webhook would.
async fn quote_what_is_refused(scene: &Scene) {
    let admin = scene.outage.bed.admin();
    let group = "admissionregistration.k8s.io/v1";
    let policy = json!({"apiVersion": group, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "quoting"}, "spec": {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"]}]},
        "matchConditions": [{"name": "payments", "expression": "object.metadata.namespace == 'shop'"}],
        "validations": [{"expression": "false", "messageExpression":
            "'this cluster quotes: ' + string(object.data['token']) + ' ' + string(object.data['passphrase']) + ' ' + string(object.data['key.pem'])"}],
    }});
    let binding = json!({"apiVersion": group, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "quoting"},
        "spec": {"policyName": "quoting", "validationActions": ["Deny"]}});
    for object in [&policy, &binding] {
        let kind = object["kind"].as_str().unwrap();
        let resource = kube::discovery::ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk(
            "admissionregistration.k8s.io",
            "v1",
            kind,
        ));
        let api: Api<DynamicObject> = Api::all_with(admin.clone(), &resource);
        api.patch("quoting", &PatchParams::apply("somebody-else"), &Patch::Apply(object))
            .await
            .unwrap();
    }
    // It is in force when a Secret is refused that would else be taken.
    let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(admin, "shop");
    let probe: Value =
        json!({"metadata": {"name": "probe"}, "stringData": {"token": "a", "passphrase": "b", "key.pem": "c"}});
    let probe = serde_json::from_value(probe).unwrap();
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let refused = async {
        while secrets.create(&dry, &probe).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), refused).await.unwrap();
}

/// Everything that was seen of runs, each with where it was.
#[derive(Default)]
struct Seen {
    texts: Vec<(String, String)>,
}

impl Seen {
    /// Runs `restore` and looks at its processes all the while.
    async fn watch(&mut self, scene: &Scene, runbook: &str, arguments: &[&str]) -> Ran {
        let path = scene
            .outage
            .runbook("canary.yaml", runbook)
            .unwrap()
            .display()
            .to_string();
        let all: Vec<&str> = ["restore", &path]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        let child = scene.tool.start(&all).unwrap();
        let id = child.id().unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let watcher = tokio::task::spawn_blocking({
            let ended = Arc::clone(&ended);
            move || processes(id, &ended)
        });
        let ran = Ran::of(&child.wait_with_output().await.unwrap());
        ended.store(true, Ordering::Relaxed);
        let processes = watcher.await.unwrap();
        assert!(
            processes.iter().any(|text| text.contains("restore")),
            "no process was seen"
        );
        self.texts
            .extend(processes.into_iter().map(|text| ("process arguments".to_owned(), text)));
        self.said(&all.join(" "), &ran);
        ran
    }

    fn said(&mut self, name: &str, ran: &Ran) {
        self.texts.push((format!("output of {name}"), ran.out.clone()));
        self.texts.push((format!("errors of {name}"), ran.err.clone()));
    }
}

/// Returns the arguments of a process and of all that come from it, and the environments of the latter, until it ends. Its own
/// environment holds the login of the store: that is where its user put it.
fn processes(root: u32, ended: &AtomicBool) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let read = |id: u32, file: &str| {
        let bytes = std::fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    while !ended.load(Ordering::Relaxed) {
        // For a moment after its start a process has no arguments yet.
        let own = read(root, "cmdline");
        if own.is_empty() {
            continue;
        }
        seen.insert(own.clone());
        let mut parents = vec![root];
        while let Some(parent) = parents.pop() {
            let threads = std::fs::read_dir(format!("/proc/{parent}/task"))
                .into_iter()
                .flatten()
                .flatten();
            let children = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
            let children: Vec<u32> = children
                .flat_map(|text| {
                    text.split_whitespace()
                        .filter_map(|id| id.parse().ok())
                        .collect::<Vec<_>>()
                })
                .collect();
            for child in children {
                // Between its birth and its start as another program a child is a copy of its parent.
                let command = read(child, "cmdline");
                if !command.is_empty() && command != own {
                    seen.extend([command, read(child, "environ")]);
                }
                parents.push(child);
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    seen
}

/// Returns a file as text; what is no text can hold a secret all the same.
fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

/// Collects all files below a folder.
fn folder(path: &Path, texts: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            folder(&path, texts);
        } else {
            texts.push((path.display().to_string(), read(&path)));
        }
    }
}

/// A secret, or a line of one, in one of its shapes.
struct Canary {
    shape: String,
    text: String,
}

impl Canary {
    /// Returns all shapes of a secret and of each of its lines.
    fn all_of(secret: &str) -> Vec<Self> {
        let lines = secret
            .lines()
            .filter(|line| *line != secret && !line.starts_with("-----"));
        [secret]
            .into_iter()
            .chain(lines)
            .filter(|part| part.len() >= 6)
            .flat_map(Self::shapes)
            .collect()
    }

    fn shapes(part: &str) -> Vec<Self> {
        let json = |text: &str| {
            let quoted = serde_json::to_string(text).unwrap();
            quoted[1..quoted.len() - 1].to_owned()
        };
        let mut shapes = vec![
            ("raw", part.to_owned()),
            ("JSON", json(part)),
            ("JSON in JSON", json(&json(part))),
            (
                "URL",
                percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC).to_string(),
            ),
            ("form", url::form_urlencoded::byte_serialize(part.as_bytes()).collect()),
        ];
        for shift in 0..3 {
            shapes.push(("base64", aligned(&STANDARD_NO_PAD, part, shift)));
            shapes.push(("URL-safe base64", aligned(&URL_SAFE_NO_PAD, part, shift)));
        }
        let start: String = part.chars().take(8).collect();
        shapes
            .into_iter()
            .map(|(shape, text)| Self {
                shape: format!("{start}… as {shape}"),
                text,
            })
            .collect()
    }

    fn is_in(&self, text: &str) -> bool {
        text.contains(&self.text)
    }
}

/// Returns what all texts in base64 hold in which the part stands `shift` bytes behind a multiple of three.
fn aligned(engine: &impl base64::Engine, part: &str, shift: usize) -> String {
    let encoded = engine.encode([vec![0; shift], part.as_bytes().to_vec()].concat());
    let begin = [0, 2, 3][shift];
    // The last letter depends on what follows, unless the part ends with a whole group.
    let end = encoded.len() - usize::from(!(shift + part.len()).is_multiple_of(3));
    encoded[begin..end].to_owned()
}

/// The search is worth nothing if it would not find what is there.
fn the_search_finds_what_is_planted(canaries: &[Canary]) {
    let finds = |planted: &str| canaries.iter().any(|canary| canary.is_in(planted));
    for secret in canaries
        .iter()
        .filter(|canary| canary.shape.ends_with("raw"))
        .map(|canary| &canary.text)
    {
        let quoted = json!({"message": secret}).to_string();
        let planted = [
            format!("error: {secret}!"),
            json!({"journal": quoted}).to_string(),
            quoted,
        ];
        for text in planted {
            assert!(finds(&text), "a planted secret is not found in {text}");
        }
        for before in ["", "a", "ab"] {
            let text = format!("{before}{secret}after");
            for encoded in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                assert!(
                    finds(&format!("Basic {encoded}")),
                    "a planted secret is not found in {encoded}, from {text}"
                );
            }
        }
        let url = url::Url::parse_with_params("https://h/", [("q", secret)]).unwrap();
        assert!(finds(url.as_str()), "a planted secret is not found in {url}");
    }
    assert!(
        !finds("restore small · run 01JD · recovered"),
        "the search finds what is not there"
    );
}
