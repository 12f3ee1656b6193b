//! Where the age key comes from, and for whom a file is encrypted.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use gitops_dr::redact::Secret;
use gitops_dr::secrets::sops::AgeKey;
use gitops_dr::secrets::{Error, ErrorKind, Store, Stored};
use testbed::Programs;

use super::drawer::{CANARY, Drawer, Key, ran, says, shown};

/// Another store, which counts how often it is asked.
struct Other {
    data: Result<BTreeMap<String, Secret>, Error>,
    asked: AtomicUsize,
}

#[async_trait]
impl Store for Other {
    fn name(&self) -> &'static str {
        "vault"
    }

    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn read(&self, _: &str, _: Option<&str>) -> Result<Stored, Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(Stored {
            data: self.data.clone()?,
            version: None,
            written: None,
        })
    }
}

fn other(data: Result<&[(&str, &str)], Error>) -> Arc<Other> {
    let own = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)));
        pairs.collect()
    };
    Arc::new(Other {
        data: data.map(own),
        asked: AtomicUsize::new(0),
    })
}

fn by(store: &Arc<Other>, key: Option<&str>) -> AgeKey {
    AgeKey::Store {
        store: Arc::<Other>::clone(store),
        path: "dr/age".into(),
        key: key.map(str::to_owned),
    }
}

#[tokio::test]
async fn the_key_may_come_from_a_file_or_another_store_which_is_asked_once() {
    let drawer = Drawer::new();
    for name in ["a.yaml", "b.yaml"] {
        drawer.encrypt(name, format!("password: {CANARY}\n"), &[]).unwrap();
    }
    let file = drawer.path("age.txt");
    fs::write(
        &file,
        format!(
            "# created\n# public key: {}\n{}\n",
            drawer.key.public, drawer.key.secret
        ),
    )
    .unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let open = drawer.store(|settings| settings.age_key = Some(AgeKey::File(file.clone())));
    let error = open.check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let mend = format!("chmod 600 {}", file.display());
    says(
        &drawer,
        &error,
        &[
            "store sops: its age key",
            "is open to others than its owner (mode 0644)",
            &mend,
        ],
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let store = drawer.store(|settings| settings.age_key = Some(AgeKey::File(file)));
    store.check().await.unwrap();
    assert_eq!(
        shown(&store.read("a.yaml", None).await.unwrap().data)["password"],
        CANARY
    );

    let vault = other(Ok(&[("prod", &drawer.key.secret), ("note", "of no use")]));
    let store = drawer.store(|settings| settings.age_key = Some(by(&vault, Some("prod"))));
    store.check().await.unwrap();
    for name in ["a.yaml", "b.yaml"] {
        assert_eq!(shown(&store.read(name, None).await.unwrap().data)["password"], CANARY);
    }
    assert_eq!(vault.asked.load(Ordering::SeqCst), 1);
    let only = other(Ok(&[("key", &drawer.key.secret)]));
    let store = drawer.store(|settings| settings.age_key = Some(by(&only, None)));
    assert!(store.read("a.yaml", None).await.is_ok());
}

#[tokio::test]
async fn a_key_that_cannot_be_had_is_told_by_its_own_reason() {
    let drawer = Drawer::new();
    drawer.encrypt("a.yaml", format!("password: {CANARY}\n"), &[]).unwrap();
    let down = Error::new(ErrorKind::Sealed, "store vault is sealed").hint("bao operator unseal");
    let two = other(Ok(&[("prod", &drawer.key.secret), ("test", "x")]));
    for (key, kind, words) in [
        (
            by(&other(Err(down)), None),
            ErrorKind::Sealed,
            &[
                "store sops: its age key cannot be had: store vault is sealed",
                "bao operator unseal",
            ][..],
        ),
        (
            by(&two, Some("live")),
            ErrorKind::MissingKey,
            &["dr/age in store vault has no key live", "its keys are prod, test"],
        ),
        (
            by(&two, None),
            ErrorKind::MissingKey,
            &["has not one key", "name one as `key` under `age-key`"],
        ),
        (
            AgeKey::File("/nowhere/age.txt".into()),
            ErrorKind::Configuration,
            &["its age key /nowhere/age.txt is not there", "No such file"],
        ),
        (
            AgeKey::File(drawer.folder.path().to_owned()),
            ErrorKind::Configuration,
            &["is neither a file nor a folder"],
        ),
        (
            AgeKey::Given {
                key: Secret::from(drawer.key.public.as_str()),
                variable: "SOPS_AGE_KEY".into(),
            },
            ErrorKind::Configuration,
            &[
                "its age key of the variable SOPS_AGE_KEY cannot be used",
                "the public part of a key",
            ],
        ),
    ] {
        let store = drawer.store(|settings| settings.age_key = Some(key));
        for error in [
            store.check().await.unwrap_err(),
            store.read("a.yaml", None).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), kind, "{error}");
            says(&drawer, &error, words);
        }
    }
}

#[tokio::test]
async fn a_file_that_is_encrypted_for_others_names_them_and_us() {
    let drawer = Drawer::new();
    let (ann, bob) = (Key::new(), Key::new());
    let both = format!("{},{}", ann.public, bob.public);
    drawer
        .encrypt_for("a.yaml", format!("password: {CANARY}\n"), &["--age", &both])
        .unwrap();
    let store = drawer.alone();
    for error in [
        store.read("a.yaml", None).await.unwrap_err(),
        store.look("a.yaml", None).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Denied);
        let ours = format!("our key, of the variable SOPS_AGE_KEY, is {}", drawer.key.public);
        let theirs = format!("it is encrypted for {}, {}", ann.public, bob.public);
        let mend = format!("sops rotate --in-place --add-age {} a.yaml", drawer.key.public);
        says(
            &drawer,
            &error,
            &["a.yaml in store sops is encrypted for others", &ours, &theirs, &mend],
        );
    }
    let without = drawer.store(|settings| settings.age_key = None);
    for error in [
        without.read("a.yaml", None).await.unwrap_err(),
        without.look("a.yaml", None).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Denied);
        says(
            &drawer,
            &error,
            &["the store has no age key", &ann.public, "age-key: {env: SOPS_AGE_KEY}"],
        );
    }
    // What the hint says helps: one of them adds us.
    let mut command = drawer.program();
    command
        .env("SOPS_AGE_KEY", &bob.secret)
        .args(["rotate", "--in-place", "--add-age", &drawer.key.public])
        .arg(drawer.path("a.yaml"));
    ran(command).unwrap();
    assert_eq!(drawer.read("a.yaml").await.unwrap()["password"], CANARY);
    // Any one of several keys does.
    let many = format!("{}\n{}\n", Key::new().secret, ann.secret);
    let store = drawer.store(|settings| {
        settings.age_key = Some(AgeKey::Given {
            key: Secret::from(many.as_str()),
            variable: "KEYS".into(),
        });
    });
    assert!(store.read("a.yaml", None).await.is_ok());
}

#[tokio::test]
async fn a_key_of_ssh_opens_what_is_encrypted_for_it() {
    let drawer = Drawer::new();
    for kind in ["ed25519", "rsa"] {
        let file = drawer.path(kind);
        let mut make = std::process::Command::new(Programs::on_path("ssh-keygen").unwrap());
        make.args(["-q", "-t", kind, "-N", "", "-C", "ann@desk", "-f"])
            .arg(&file);
        ran(make).unwrap();
        let public = drawer.text(&format!("{kind}.pub"));
        let name = format!("{kind}.yaml");
        drawer
            .encrypt_for(&name, format!("password: {CANARY}\n"), &["--age", public.trim()])
            .unwrap();
        let store = drawer.store(|settings| settings.age_key = Some(AgeKey::File(file)));
        assert_eq!(
            shown(&store.read(&name, None).await.unwrap().data)["password"],
            CANARY,
            "{kind}"
        );
        store.look(&name, None).await.unwrap();
    }
}

#[tokio::test]
async fn what_needs_two_keys_is_left_to_the_program() {
    let drawer = Drawer::new();
    let other = Key::new();
    let rules = format!(
        "creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n      - age: [{}]\n      - age: [{}]\n",
        drawer.key.public, other.public
    );
    fs::write(drawer.path("rules"), rules).unwrap();
    let rules = drawer.path("rules").display().to_string();
    fs::write(drawer.path("a.yaml"), format!("password: {CANARY}\n")).unwrap();
    let mut command = drawer.program();
    command
        .args(["--config", &rules, "encrypt", "--in-place"])
        .arg(drawer.path("a.yaml"));
    ran(command).unwrap();
    let both = format!("{}\n{}\n", drawer.key.secret, other.secret);
    let key = || {
        Some(AgeKey::Given {
            key: Secret::from(both.as_str()),
            variable: "KEYS".into(),
        })
    };
    let error = drawer
        .store(|settings| settings.age_key = key())
        .read("a.yaml", None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    says(
        &drawer,
        &error,
        &[
            "can be decrypted by the program `sops` alone",
            "key_groups",
            "there is no program `/nowhere/sops`",
            "install sops 3.9",
        ],
    );
    let program = Programs::find().unwrap().built("sops").unwrap().display().to_string();
    let store = drawer.store(|settings| {
        settings.age_key = key();
        settings.program = program.clone();
    });
    assert_eq!(
        shown(&store.read("a.yaml", None).await.unwrap().data)["password"],
        CANARY
    );
    // With one of both it says what the program says.
    let store = drawer.store(|settings| settings.program = program);
    let error = store.read("a.yaml", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error} {:?}", error.causes());
    says(
        &drawer,
        &error,
        &["is opened by no key that we have", "more than one key is needed"],
    );
}

#[tokio::test]
async fn a_version_is_refused() {
    let drawer = Drawer::new();
    drawer.encrypt("a.yaml", format!("password: {CANARY}\n"), &[]).unwrap();
    let error = drawer.alone().read("a.yaml", Some("3")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    says(&drawer, &error, &["files have none"]);
}
