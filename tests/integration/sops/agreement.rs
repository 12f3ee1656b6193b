//! What is decrypted here is what the program decrypts, in every format, whatever is in the file.

use std::fmt::Write as _;

use gitops_dr::secrets::{Seen, Store as _, WHOLE};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use super::drawer::{Drawer, expected};

/// Texts on which readers of YAML and JSON differ, beside ordinary ones.
const TEXTS: &[&str] = &[
    "plain",
    "yes",
    "True",
    "null",
    "~",
    "1",
    "0777",
    "1_000",
    "1.0",
    "1e3",
    ".5",
    "0x1F",
    "2026-11-22",
    "2026-11-22T01:02:03Z",
    "10.0.0.1",
    "1.2.3",
    "-",
    "--- x",
    "a: b",
    "# no comment",
    " leading",
    "trailing ",
    "two\nlines",
    "two\nlines\n",
    "\n",
    "tab\there",
    "quote \" and ' here",
    "back\\slash \\n",
    "ünïcode ☂",
    "ENC[AES256_GCM,no]",
    "",
    "=",
    "a=b",
    "%d {{ x }}",
];

/// Words without quotation marks, as a person writes them.
const PLAIN: &[&str] = &[
    "word",
    "yes",
    "on",
    "true",
    "False",
    "null",
    "~",
    "1",
    "-7",
    "+3",
    "0",
    "1.50",
    "1e3",
    "1e21",
    ".5",
    "10.0.0.1",
    "1.2.3",
    "8080:80",
    "v1",
    "3d",
    "0777",
    "0x1F",
    "1_000",
    "2026-11-22",
    "2026-11-22T01:02:03Z",
    ".inf",
    "12345678901234",
];

/// How the program is asked to encrypt.
const MODES: &[&[&str]] = &[
    &[],
    &["--mac-only-encrypted"],
    &["--encrypted-regex", "^(a|secret)"],
    &["--unencrypted-regex", "^(b|meta)"],
    &["--encrypted-suffix", "_e"],
    &["--unencrypted-suffix", "_p"],
    &["--encrypted-regex", "^c", "--mac-only-encrypted"],
];

const KEYS: &[&str] = &["a", "b", "c", "secret", "meta", "x_e", "y_p", "a_unencrypted", "kind"];

/// A value, written in flow style, which both YAML and (where `plain` is not used) JSON read.
fn value(plain: bool) -> impl Strategy<Value = String> {
    let text = prop::sample::select(TEXTS).prop_map(|text| serde_json::to_string(text).unwrap());
    let word = prop::sample::select(PLAIN).prop_map(str::to_owned);
    let number = prop::sample::select(&["1", "-7", "0", "1.5", "12345678901234", "true", "false", "null"][..])
        .prop_map(str::to_owned);
    let leaf = if plain {
        prop_oneof![text, word].boxed()
    } else {
        prop_oneof![text, number].boxed()
    };
    leaf.prop_recursive(3, 12, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", ")));
        let map =
            prop::collection::btree_map(prop::sample::select(KEYS), inner, 0..4).prop_map(|entries| flow(&entries));
        prop_oneof![list, map]
    })
}

fn flow(entries: &std::collections::BTreeMap<&str, String>) -> String {
    let entries: Vec<_> = entries
        .iter()
        .map(|(key, value)| format!("\"{key}\": {value}"))
        .collect();
    format!("{{{}}}", entries.join(", "))
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(7),
        max_shrink_iters: 64,
        failure_persistence: None,
        ..Config::default()
    })
}

/// How many files were read here, and how many were left to the program.
#[derive(Default)]
struct Counted {
    read: u32,
    left: u32,
}

/// Encrypts a file by the program and holds what we read of it against what the program reads.
fn agrees(name: &str, text: &str, mode: &[&str], counted: &mut Counted) {
    let drawer = Drawer::new();
    // What the program does not take is not ours to read.
    if drawer.encrypt(name, text, mode).is_err() {
        return;
    }
    let theirs = drawer.by_program(name);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    match runtime.block_on(drawer.read(name)) {
        Ok(ours) => {
            counted.read += 1;
            let theirs = theirs.unwrap();
            assert_eq!(
                ours,
                flat(name, expected(&theirs)),
                "{mode:?}\n{text}\n{}",
                drawer.text(name)
            );
            let seen = runtime.block_on(drawer.alone().look(name, None)).unwrap();
            assert!(seen.written.is_some());
            let known: Vec<_> = seen.keys.unwrap();
            assert!(ours.keys().all(|key| known.contains(key)), "{known:?}");
        }
        Err(error) => {
            let words = "can be decrypted by the program `sops` alone";
            assert!(
                error.to_string().contains(words),
                "{error} {:?} {mode:?}\n{text}\n{}",
                error.causes(),
                drawer.text(name)
            );
            counted.left += 1;
        }
    }
}

/// The keys of an INI file are named with their section.
fn flat(name: &str, values: std::collections::BTreeMap<String, String>) -> std::collections::BTreeMap<String, String> {
    if name != "file.ini" {
        return values;
    }
    let mut all = std::collections::BTreeMap::new();
    for (section, text) in values {
        for (key, value) in expected(text.as_bytes()) {
            let name = if section == "DEFAULT" {
                key
            } else {
                format!("{section}.{key}")
            };
            all.insert(name, value);
        }
    }
    all
}

#[test]
fn yaml_is_read_as_the_program_reads_it() {
    let mut counted = Counted::default();
    let files = prop::collection::btree_map(prop::sample::select(KEYS), value(true), 1..6);
    let all = (files, prop::sample::select(MODES), any::<bool>());
    let counting = std::cell::RefCell::new(&mut counted);
    runner(120)
        .run(&all, |(entries, mode, noted)| {
            let mut text = String::new();
            for (key, value) in &entries {
                if noted {
                    let _ = writeln!(text, "# about {key}");
                }
                let _ = writeln!(text, "{key}: {value}");
            }
            agrees("file.yaml", &text, mode, &mut counting.borrow_mut());
            Ok(())
        })
        .unwrap();
    assert!(
        counted.read > 60,
        "{} read, {} left to the program",
        counted.read,
        counted.left
    );
}

#[test]
fn json_is_read_as_the_program_reads_it() {
    let mut counted = Counted::default();
    let files = prop::collection::btree_map(prop::sample::select(KEYS), value(false), 1..6);
    let counting = std::cell::RefCell::new(&mut counted);
    runner(80)
        .run(&(files, prop::sample::select(MODES)), |(entries, mode)| {
            agrees("file.json", &flow(&entries), mode, &mut counting.borrow_mut());
            Ok(())
        })
        .unwrap();
    assert!(
        counted.read > 40 && counted.left == 0,
        "{} read, {} left",
        counted.read,
        counted.left
    );
}

#[test]
fn variables_and_sections_are_read_as_the_program_reads_them() {
    let mut counted = Counted::default();
    let lines = || {
        let text = prop::sample::select(TEXTS).prop_filter("one line", |text| !text.contains('\n'));
        prop::collection::btree_map(prop::sample::select(KEYS), text, 1..6)
    };
    let counting = std::cell::RefCell::new(&mut counted);
    let written = |entries: &std::collections::BTreeMap<&str, &str>, equals: &str| -> String {
        let lines = entries.iter().map(|(key, value)| format!("{key}{equals}{value}\n"));
        lines.collect()
    };
    runner(60)
        .run(
            &(lines(), lines(), prop::sample::select(MODES)),
            |(some, others, mode)| {
                let counted = &mut counting.borrow_mut();
                agrees("file.env", &format!("# note\n{}", written(&some, "=")), mode, counted);
                let ini = format!("{}; note\n[part]\n{}", written(&some, " = "), written(&others, "="));
                agrees("file.ini", &ini, mode, counted);
                Ok(())
            },
        )
        .unwrap();
    assert!(
        counted.read > 80,
        "{} read, {} left to the program",
        counted.read,
        counted.left
    );
}

#[tokio::test]
async fn a_binary_file_is_one_value_byte_by_byte() {
    let drawer = Drawer::new();
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    for (name, text) in [
        ("key.pem", &b"-----BEGIN KEY-----\r\nx\r\n"[..]),
        ("blob", &bytes),
        ("empty", b""),
    ] {
        drawer.encrypt(name, text, &[]).unwrap();
        let stored = drawer.alone().read(name, None).await.unwrap();
        assert!(stored.data[WHOLE].expose() == text, "{name}");
        assert!(stored.written.is_some(), "{name}");
    }
}

#[tokio::test]
async fn a_secret_of_kubernetes_gives_its_keys_decoded() {
    let drawer = Drawer::new();
    let text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  labels: {version: 1.2.3}\ntype: Opaque\ndata:\n  user: bWU=\n  blob: /wD/\nstringData:\n  password: hunter2\n";
    for (name, mode) in [
        ("a.yaml", &["--encrypted-regex", "^(data|stringData)$"][..]),
        ("b.yaml", &[]),
    ] {
        drawer.encrypt(name, text, mode).unwrap();
        let stored = drawer.alone().read(name, None).await.unwrap();
        let values: Vec<_> = stored
            .data
            .iter()
            .map(|(key, value)| (key.as_str(), value.expose()))
            .collect();
        assert_eq!(
            values,
            [("blob", &[255, 0, 255][..]), ("password", b"hunter2"), ("user", b"me")],
            "{name}"
        );
        let Seen { keys, written, .. } = drawer.alone().look(name, None).await.unwrap();
        assert_eq!(keys.unwrap(), ["blob", "password", "user"], "{name}");
        assert_eq!(written, stored.written);
    }
}
