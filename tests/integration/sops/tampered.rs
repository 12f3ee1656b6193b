//! A file that was changed without its key is refused, here as by the program.

use std::fs;

use gitops_dr::secrets::{ErrorKind, Store as _};
use testbed::Programs;

use super::drawer::{CANARY, Drawer, says, shown};

/// A file with encrypted values, an open one and two values that could be swapped.
fn drawer() -> Drawer {
    let drawer = Drawer::new();
    let text =
        format!("user: me-{CANARY}\npassword: pw-{CANARY}\nhost_unencrypted: db.example.com\nlist: [one, two]\n");
    drawer.encrypt("db.yaml", text, &[]).unwrap();
    drawer
}

/// Returns what stands behind a key, at the beginning of a line.
fn behind<'text>(text: &'text str, key: &str) -> &'text str {
    let start = format!("{key}: ");
    text.lines()
        .find_map(|line| line.trim_start().strip_prefix(&start))
        .unwrap()
}

#[tokio::test]
async fn whatever_is_changed_in_a_file_it_is_refused_here_as_by_the_program() {
    let drawer = drawer();
    let good = drawer.text("db.yaml");
    assert!(drawer.read("db.yaml").await.is_ok());
    let (user, password) = (behind(&good, "user"), behind(&good, "password"));
    let swapped = good
        .replace(user, "TMP")
        .replace(password, user)
        .replace("TMP", password);
    let mac = behind(&good, "mac");
    let item = good
        .lines()
        .find(|line| line.trim_start().starts_with("- ENC"))
        .unwrap();
    for (what, text, words) in [
        ("two values swapped", swapped, "was changed, or was moved"),
        ("a value changed", good.replace("data:", "data:AAAA"), "was changed"),
        (
            "an open value changed",
            good.replace("db.example.com", "evil.example.com"),
            "MAC is that of other values",
        ),
        (
            "a value put in the open",
            good.replace(password, "hunter2"),
            "should be encrypted",
        ),
        ("a key renamed", good.replace("user:", "name:"), "was moved there"),
        (
            "a line taken away",
            good.replace(&format!("{item}\n"), ""),
            "MAC is that of other values",
        ),
        (
            "an open value added",
            format!("more_unencrypted: x\n{good}"),
            "MAC is that of other values",
        ),
        ("the MAC taken away", good.replace(mac, "\"\""), "MAC is missing"),
        ("the MAC of something else", good.replace(mac, password), "its MAC"),
        (
            "another time",
            good.replace("lastmodified: \"20", "lastmodified: \"21"),
            "its MAC",
        ),
        (
            "another rule",
            good.replace("unencrypted_suffix: _unencrypted", "encrypted_suffix: word"),
            "MAC is that of other values",
        ),
    ] {
        assert_ne!(text, good, "{what}");
        fs::write(drawer.path("db.yaml"), &text).unwrap();
        assert!(drawer.by_program("db.yaml").is_err(), "{what}: the program takes it");
        let error = drawer.read("db.yaml").await.expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Tampered, "{what}: {error}");
        says(
            &drawer,
            &error,
            &[
                "db.yaml in store sops was changed by other means than SOPS",
                words,
                "git log -p -- db.yaml",
            ],
        );
    }
}

/// A Secret of Kubernetes whose values alone are encrypted, and beside them what anybody can read.
const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata:\n    namespace: shop\ndata:\n    password: aHVudGVyMg==\n";

#[tokio::test]
async fn no_open_value_stands_for_an_encrypted_one_though_the_mac_fits() {
    let drawer = Drawer::new();
    drawer
        .encrypt("db.yaml", SECRET, &["--encrypted-regex", "^(data|stringData)$"])
        .unwrap();
    drawer
        .encrypt("plain.yaml", SECRET, &["--encrypted-regex", "^data$"])
        .unwrap();
    // The program alone knows what such a word means.
    let dated = SECRET.replace("metadata:", "dated: 2026-11-22\nmetadata:");
    drawer
        .encrypt("dated.yaml", dated, &["--encrypted-regex", "^data$"])
        .unwrap();
    let program = Programs::find().unwrap().built("sops").unwrap().display().to_string();
    let store = drawer.store(|settings| settings.program = program);
    let renamed = |text: &str| text.replace("metadata:\n    namespace:", "stringData:\n    password:");
    let instead = "holds stringData.password, which is not encrypted, in place of data.password, which is";
    for (what, file, change, words) in [
        (
            "an empty value added",
            "db.yaml",
            &(|text: &str| format!("stringData:\n    password: \"\"\n{text}")) as &dyn Fn(&str) -> String,
            instead,
        ),
        (
            "nothing added",
            "db.yaml",
            &|text| format!("stringData:\n    password: null\n{text}"),
            instead,
        ),
        ("what is open renamed", "plain.yaml", &renamed, instead),
        ("the same where the program reads", "dated.yaml", &renamed, instead),
        (
            "the Secret made another kind",
            "db.yaml",
            &|text| {
                text.replace("apiVersion: v1\nkind: Secret\n", "apiVersion: v1Secret\n")
                    .replace("metadata:\n    namespace:", "password:")
            },
            "holds password, which is not encrypted, in place of data.password",
        ),
        (
            "aliases put in",
            "plain.yaml",
            &|text| format!("x: &x \"\"\ny: *x\n{text}"),
            "holds aliases",
        ),
    ] {
        let good = drawer.text(file);
        assert_eq!(
            shown(&store.read(file, None).await.unwrap().data)["password"],
            "hunter2"
        );
        let text = change(&good);
        assert_ne!(text, good, "{what}");
        fs::write(drawer.path(file), &text).unwrap();
        assert!(drawer.by_program(file).is_ok(), "{what}: the program refuses it");
        let error = store.read(file, None).await.expect_err(what);
        assert!(
            matches!(error.kind(), ErrorKind::Tampered | ErrorKind::Configuration),
            "{error}"
        );
        says(&drawer, &error, &[words, &format!("git log -p -- {file}")]);
        fs::write(drawer.path(file), &good).unwrap();
    }
}

#[tokio::test]
async fn a_file_of_another_name_or_that_was_never_encrypted_is_told_apart() {
    let drawer = drawer();
    fs::write(drawer.path("open.yaml"), format!("password: {CANARY}\n")).unwrap();
    fs::write(drawer.path("broken.yaml"), format!("password: [{CANARY}\n")).unwrap();
    fs::write(drawer.path("two.yaml"), format!("a: {CANARY}\n---\nb: {CANARY}\n")).unwrap();
    for (name, kind, words) in [
        ("open.yaml", ErrorKind::Answer, "is not encrypted by SOPS"),
        ("broken.yaml", ErrorKind::Answer, "cannot be read as yaml"),
        ("two.yaml", ErrorKind::Answer, "more than one document"),
        ("dbs.yaml", ErrorKind::MissingPath, "did you mean db.yaml?"),
        ("../db.yaml", ErrorKind::Configuration, "is no path of a file"),
    ] {
        let error = drawer.read(name).await.expect_err(name);
        assert_eq!(error.kind(), kind, "{name}: {error}");
        says(&drawer, &error, &[words]);
    }
}
